"""Everything a training run needs to go on where it stopped, in one npz."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from l2o._errors import InputError
from l2o._files import read_npz, write_npz

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
        return replace(self, **{g: dict(getattr(self, g)) for g in self._GROUPS}, curve=list(self.curve))

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
        try:
            meta = json.loads(arrays.pop("meta").tobytes())
            current, given = meta.pop("format") == FORMAT, meta.pop("digest")
        except (ValueError, KeyError, TypeError):
            current = False
        if not current:
            raise InputError(f"{path}: not {what} in this format ({FORMAT}), or damaged; {instead}.")
        if given != digest:
            raise InputError(
                f"{path}: it was written under other settings; give another --out, or delete it to start over."
            )
        groups: dict[str, dict[str, torch.Tensor]] = {g: {} for g in cls._GROUPS}
        for key, array in arrays.items():
            group, name = key.split("/", 1)
            groups[group][name] = torch.from_numpy(array)
        return cls(digest, **groups, **meta)
