"""A run: iterates and every quantity the bounds speak of."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
import torch

from l2o._errors import InputError
from l2o._files import read_npz, write_npz

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Run:
    """K steps of an optimizer on B instances in n variables (torch tensors).

    With G_k = grad f(x_{k-1}) + g_k, g_k in the subdifferential of r at x_k, D_k = x_{k-1} - x_k and the problem's L:
    e_k = D_k - G_k/L and rho_k = L||e_k|| / ||G_k|| (0 where both vanish). Array fields are None in a run recorded
    with `record="scalars"`, whose `scalars` hold the inner products instead.
    """

    x: torch.Tensor | None  # (B,K+1,n) iterates
    objective: torch.Tensor  # (B,K+1) F(x_k)
    smoothness: torch.Tensor  # (B,) L
    relative_deviation: torch.Tensor  # (B,K) rho_k
    x_final: torch.Tensor  # (B,n) x_K
    smooth_gradient: torch.Tensor | None = None  # (B,K,n) grad f(x_{k-1})
    subgradient: torch.Tensor | None = None  # (B,K,n) g_k
    generalized_gradient: torch.Tensor | None = None  # (B,K,n) G_k
    step: torch.Tensor | None = None  # (B,K,n) D_k
    deviation: torch.Tensor | None = None  # (B,K,n) e_k
    preconditioner: torch.Tensor | None = None  # (B,K,n) p_k
    bias: torch.Tensor | None = None  # (B,K,n) b_k = D_k - p_k G_k
    features: torch.Tensor | None = None  # (B,K,n,d)
    memory: torch.Tensor | None = None  # (B,K+1,n) v_k
    scalars: Mapping[str, torch.Tensor] = field(default_factory=dict)
    optimizer: str = "given iterates"
    subgradient_rule: str = "prox"  # "prox" | "least deviation" | "zero"

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.objective.shape[0]

    @property
    def steps(self) -> int:
        """Number of steps K."""
        return self.objective.shape[1] - 1

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.x_final.shape[-1]

    @property
    def finite(self) -> torch.Tensor:
        """(B,) whether everything recorded of the instance stayed finite after x_0 (a run may diverge)."""
        ok = torch.isfinite(self.x_final).all(-1) & torch.isfinite(self.objective[:, 1:]).all(-1)
        if self.x is not None:
            ok = ok & torch.isfinite(self.x).flatten(1).all(-1)
        return ok

    def head(self, steps: int) -> Run:
        """The run of the first `steps` steps (views, no copies)."""
        if not 1 <= steps <= self.steps:
            raise InputError(f"head: expected 1 <= steps <= {self.steps}, got {steps}.")
        lengths = {self.steps: steps, self.steps + 1: steps + 1}

        def cut(tensor: torch.Tensor) -> torch.Tensor:
            return tensor[:, : lengths[tensor.shape[1]]]

        series = {
            name: cut(value)
            for name in _TENSORS
            if name not in ("smoothness", "x_final") and (value := getattr(self, name)) is not None
        }
        final = self.x_final if self.x is None else self.x[:, steps]
        return replace(self, **series, x_final=final, scalars={n: cut(t) for n, t in self.scalars.items()})

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the run as an npz, atomically and without pickle."""
        arrays: dict[str, np.ndarray] = {}
        for name in _TENSORS:
            value = getattr(self, name)
            if value is not None:
                arrays[name] = value.detach().cpu().numpy()
        for name, value in self.scalars.items():
            arrays[f"scalar.{name}"] = value.detach().cpu().numpy()
        meta = {"format": FORMAT, "optimizer": self.optimizer, "subgradient_rule": self.subgradient_rule}
        arrays["meta"] = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), dtype=np.uint8)
        return write_npz(path, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Run:
        """Read a run written by `save`; anything else is one clear error."""
        what, instead = "a run written by Run.save", "record it again"
        arrays = read_npz(path, what, instead)
        try:
            meta = json.loads(arrays.pop("meta").tobytes())
            labels = {name: str(meta[name]) for name in ("optimizer", "subgradient_rule")}
            current = meta["format"] == FORMAT
        except (ValueError, KeyError, TypeError):
            current = False
        if not current:
            raise InputError(f"{path}: not {what} in this format ({FORMAT}); {instead}.")
        scalars = {
            name.removeprefix("scalar."): torch.from_numpy(a)
            for name, a in arrays.items()
            if name.startswith("scalar.")
        }
        tensors = {n: torch.from_numpy(a) for n, a in arrays.items() if not n.startswith("scalar.")}
        required = {"objective", "smoothness", "relative_deviation", "x_final"}
        if set(tensors) - set(_TENSORS) or not required <= set(tensors):
            raise InputError(f"{path}: not a run (its arrays are {sorted(tensors)}); record it again.")
        tensors.setdefault("x", None)  # type: ignore[arg-type]
        return cls(
            **tensors,
            scalars=scalars,
            **labels,
        )


_TENSORS = tuple(f.name for f in fields(Run) if f.name not in ("scalars", "optimizer", "subgradient_rule"))
