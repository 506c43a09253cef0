"""Everything a training run needs to go on where it stopped, in one npz."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ..support.files import read_npz, take_meta, write_npz

FORMAT = 1


@dataclass
class TrainingState:
    """Weights, Adam's moments, the best weights so far, and how far the run is."""

    digest: str
    weights: dict[str, torch.Tensor]
    first: dict[str, torch.Tensor]
    second: dict[str, torch.Tensor]
    best: dict[str, torch.Tensor]
    updates: int = 0
    batches_done: int = 0
    best_loss: float = float("inf")
    best_at: int = 0
    skipped: int = 0
    seconds: float = 0.0
    curve: list[list[float]] = field(default_factory=list)  # [updates, validation loss]

    _GROUPS = ("weights", "first", "second", "best")
    _NUMBERS = ("updates", "batches_done", "best_loss", "best_at", "skipped", "seconds", "curve")

    @classmethod
    def start(cls, digest: str, weights: dict[str, torch.Tensor]) -> TrainingState:
        """The state before the first update."""
        zeros = {n: torch.zeros_like(w) for n, w in weights.items()}
        return cls(digest, weights, zeros, {n: z.clone() for n, z in zeros.items()}, dict(weights))

    def copy(self) -> TrainingState:
        """An independent copy; tensors are shared, since training replaces them and never writes into them."""
        groups: dict[str, Any] = {g: dict(getattr(self, g)) for g in self._GROUPS}
        return replace(self, **groups, curve=list(self.curve))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write atomically."""
        arrays = {
            f"{group}/{name}": tensor.detach().cpu().numpy()
            for group in self._GROUPS
            for name, tensor in getattr(self, group).items()
        }
        meta = {"format": FORMAT, "digest": self.digest, **{n: getattr(self, n) for n in self._NUMBERS}}
        arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
        write_npz(path, arrays)

    @classmethod
    def load(cls, path: Path, digest: str) -> TrainingState:
        """Read a state written under the settings `digest`."""
        what, instead = "a training state", "delete it to start over"
        arrays = read_npz(path, what, instead)
        meta = take_meta(arrays, str(path), what, instead)
        if meta.pop("format", None) != FORMAT:
            raise InputError(f"{path}: not {what} in this format ({FORMAT}), or damaged; {instead}.")
        if meta.pop("digest", None) != digest:
            raise InputError(
                f"{path}: it was written under other settings; give another --out, or delete it to start over."
            )
        groups: dict[str, dict[str, torch.Tensor]] = {g: {} for g in cls._GROUPS}
        for key, array in arrays.items():
            group, _, name = key.partition("/")
            if group not in groups or array.dtype not in (np.float32, np.float64) or np.isnan(array).any():
                raise InputError(f"{path}: not {what}, or damaged (its array {key} of {array.dtype}); {instead}.")
            groups[group][name] = torch.from_numpy(array)
        shapes = [{name: tensor.shape for name, tensor in groups[g].items()} for g in cls._GROUPS]
        if any(other != shapes[0] for other in shapes) or not _numbers_fit(meta, cls._NUMBERS):
            raise InputError(f"{path}: not {what}, or damaged (its parts do not fit each other); {instead}.")
        fields: dict[str, Any] = {**groups, **meta}
        return cls(digest, **fields)

    def check(self, shapes: dict[str, torch.Size], where: Path) -> None:
        """Raise unless the weights have these names and shapes, those of the model."""
        if {name: tensor.shape for name, tensor in self.weights.items()} != shapes:
            raise InputError(f"{where}: its weights are not those of this model; delete it to start over.")


def _numbers_fit(meta: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Whether the numbers of a state, read from JSON, are all there, of their types and in range."""

    def real(value: Any) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    counts = ("updates", "batches_done", "best_at", "skipped")
    return (
        set(meta) == set(names)
        and all(isinstance(meta[n], int) and not isinstance(meta[n], bool) and 0 <= meta[n] < 2**53 for n in counts)
        and all(real(meta[n]) for n in ("best_loss", "seconds"))
        and isinstance(meta["curve"], list)
        and all(isinstance(pair, list) and len(pair) == 2 and all(map(real, pair)) for pair in meta["curve"])
    )
