"""A run: iterates and every quantity the bounds speak of."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import torch

from ...errors import InputError
from ..support import views
from ..support.files import read_npz, take_meta, write_npz

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 1
AnyRun = TypeVar("AnyRun", bound="Run")


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
    x_start: torch.Tensor | None = None  # (B,n) x_0 of a run of scalars
    comparator: torch.Tensor | None = None  # (B,n) z of a run of scalars
    scalars: Mapping[str, torch.Tensor] = field(default_factory=dict)
    optimizer: str = "given iterates"
    subgradient_rule: str = "prox"  # "prox" | "least deviation" | "zero"
    problem: str = ""  # fingerprint of the problem of a run of scalars

    def __post_init__(self) -> None:
        present = {n: v for n in _TENSORS if (v := getattr(self, n)) is not None}
        kinds = {n: getattr(v, "dtype", type(v).__name__) for n, v in {**present, **self.scalars}.items()}
        if len(set(kinds.values())) > 1 or not set(kinds.values()) <= {torch.float32, torch.float64}:
            odd = next((n for n, k in kinds.items() if k != kinds["objective"]), "objective")
            raise InputError(
                f"Run: expected tensors of one precision, float32 or float64; objective is {kinds['objective']}, {odd} "
                f"{kinds[odd]}."
            )
        if self.objective.ndim != 2 or self.objective.shape[1] < 2 or self.x_final.ndim != 2:
            raise InputError(
                f"Run: expected objective (B, K+1) with K >= 1 and x_final (B, n), got "
                f"{tuple(self.objective.shape)} and {tuple(self.x_final.shape)}."
            )
        required = _ARRAYS if self.x is not None else ("x_start",)
        missing = [name for name in required if getattr(self, name) is None]
        if missing:
            raise InputError(f"Run: {', '.join(missing)} missing; a run has all its arrays, or scalars and x_start.")
        batch, steps, n = self.batch_size, self.steps, self.dim
        shapes = {
            "x": (batch, steps + 1, n),
            "smoothness": (batch,),
            "relative_deviation": (batch, steps),
            "x_final": (batch, n),
            "x_start": (batch, n),
            "comparator": (batch, n),
            "memory": (batch, steps + 1, n),
            **dict.fromkeys((*_ARRAYS, "preconditioner", "bias"), (batch, steps, n)),
        }
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is not None and tuple(value.shape) != shape:
                raise InputError(f"Run: {name} has shape {tuple(value.shape)}, expected {shape}.")
        if self.features is not None and (
            self.features.ndim != 4 or tuple(self.features.shape[:3]) != (batch, steps, n)
        ):
            raise InputError(
                f"Run: features has shape {tuple(self.features.shape)}, expected ({batch}, {steps}, {n}, d)."
            )
        for name, value in self.scalars.items():
            if tuple(value.shape) not in ((batch, steps), (batch, steps + 1)):
                raise InputError(f"Run: scalar {name} has shape {tuple(value.shape)}, expected (B, K) or (B, K+1).")

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
        """(B,) whether the instance's iterates stayed finite (a run may diverge); objectives too, where it has no x."""
        if self.x is not None:
            return torch.isfinite(self.x).flatten(1).all(-1)
        return torch.isfinite(self.x_final).all(-1) & ~torch.isnan(self.objective).any(-1)

    def __repr__(self) -> str:
        return views.line("Run", views.run_facts(self))

    def _repr_html_(self) -> str:
        return views.table("Run", views.run_facts(self))

    def plot(self, f_star: Any = None) -> Figure:
        """Draw F(x_k), or F(x_k) - F*, over k: the median over the instances and its range.

        Args:
            f_star: F* of each instance, a number or (B,), as `optimum.lower` of `verification.optimum`; the axis is
                then logarithmic.

        Returns:
            A figure of matplotlib, which a notebook shows and `savefig` writes.

        Raises:
            InputError: For an F* that fits no instance, and for a run of which no instance is finite.
        """
        if not bool(self.finite.any()):
            raise InputError("plot: no instance of the run is finite, so there is nothing to draw.")
        return views.run_figure(self, f_star)

    def to(self, device: torch.device | str) -> Self:
        """The run on another device. Bounds are checked on the CPU, wherever the run was made.

        Args:
            device: A device of torch.

        Returns:
            The run with its tensors there.
        """
        moved: dict[str, Any] = {
            name: value.to(device) for name in _TENSORS if (value := getattr(self, name)) is not None
        }
        return replace(self, **moved, scalars={name: value.to(device) for name, value in self.scalars.items()})

    def head(self, steps: int) -> Self:
        """The run of the first steps (views, no copies).

        Args:
            steps: 1 to K.

        Returns:
            The shorter run.

        Raises:
            InputError: For a number out of range, and for a run of scalars, which does not know its intermediate
                points.
        """
        if not 1 <= steps <= self.steps:
            raise InputError(f"head: expected 1 <= steps <= {self.steps}, got {steps}.")
        if self.x is None:
            raise InputError("head: a run of scalars does not know its intermediate points; record='all' does.")
        lengths = {self.steps: steps, self.steps + 1: steps + 1}

        def cut(tensor: torch.Tensor) -> torch.Tensor:
            return tensor[:, : lengths[tensor.shape[1]]]

        series: dict[str, Any] = {
            name: cut(value) for name in _TENSORS if name not in _FIXED and (value := getattr(self, name)) is not None
        }
        scalars = {name: cut(value) for name, value in self.scalars.items()}
        return replace(self, **series, scalars=scalars, x_final=self.x[:, steps])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the run as an npz, atomically and without pickle.

        Args:
            path: The file; its folder is made where there is none.

        Returns:
            The path that was written.
        """
        arrays: dict[str, np.ndarray] = {}
        for name in _TENSORS:
            value = getattr(self, name)
            if value is not None:
                arrays[name] = value.detach().cpu().numpy()
        for name, value in self.scalars.items():
            arrays[f"scalar.{name}"] = value.detach().cpu().numpy()
        meta = {"format": FORMAT, **{name: getattr(self, name) for name in _LABELS}}
        arrays["meta"] = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), dtype=np.uint8)
        return write_npz(path, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Run:
        """Read a run written by `save`.

        Args:
            path: The file.

        Returns:
            The run, its arrays as they were.

        Raises:
            InputError: For anything else than such a file.
        """
        what, instead = "a run written by Run.save", "record it again"
        arrays = read_npz(path, what, instead)
        meta = take_meta(arrays, str(path), what, instead)
        if meta.get("format") != FORMAT or not all(isinstance(meta.get(name), str) for name in _LABELS):
            raise InputError(f"{path}: not {what} in this format ({FORMAT}); {instead}.")
        odd = next((name for name, a in arrays.items() if a.dtype not in (np.float32, np.float64)), None)
        if odd is not None:
            raise InputError(
                f"{path}: not {what}: its array {odd} is of {arrays[odd].dtype}, not of floats; {instead}."
            )
        tensors: dict[str, Any] = {name: torch.from_numpy(a) for name, a in arrays.items()}
        scalars = {n.removeprefix("scalar."): tensors.pop(n) for n in list(tensors) if n.startswith("scalar.")}
        if set(tensors) - set(_TENSORS) or not {"objective", "smoothness", "relative_deviation", "x_final"} <= set(
            tensors
        ):
            raise InputError(f"{path}: not {what} (its arrays are {', '.join(sorted(tensors))}); {instead}.")
        try:
            run = cls(x=tensors.pop("x", None), **tensors, scalars=scalars, **{name: meta[name] for name in _LABELS})
        except InputError as problem:
            raise InputError(f"{path}: {problem}") from None
        if not bool((run.smoothness > 0).all() & torch.isfinite(run.smoothness).all()):
            raise InputError(f"{path}: not {what}: its smoothness L is not a positive number; {instead}.")
        return run


def pooled(runs: Sequence[AnyRun]) -> AnyRun:
    """The instances of several runs as those of one, as of runs with several seeds; the labels are those of the first.

    Args:
        runs: At least one, all of K steps in n variables, in one precision, and with the same arrays.

    Returns:
        The run of all instances, those of the first run first.

    Raises:
        InputError: Where they do not fit together.
    """
    first, *others = runs
    if not others:
        return first
    names = [name for name in _TENSORS if getattr(first, name) is not None]
    for place, run in enumerate(others, 2):
        if (run.steps, run.dim, run.objective.dtype) != (first.steps, first.dim, first.objective.dtype):
            raise InputError(
                f"pooled: run {place} has {run.steps} steps in {run.dim} variables in {run.objective.dtype}, run 1 has "
                f"{first.steps} in {first.dim} in {first.objective.dtype}; give runs that agree in these."
            )
        if set(run.scalars) != set(first.scalars) or names != [n for n in _TENSORS if getattr(run, n) is not None]:
            raise InputError(f"pooled: run {place} has other arrays than run 1; record them in the same way.")
    arrays: dict[str, Any] = {name: torch.cat([getattr(run, name) for run in runs]) for name in names}
    scalars = {name: torch.cat([run.scalars[name] for run in runs]) for name in first.scalars}
    return replace(first, **arrays, scalars=scalars)


_LABELS = ("optimizer", "subgradient_rule", "problem")
_TENSORS = tuple(f.name for f in fields(Run) if f.name not in (*_LABELS, "scalars"))
_ARRAYS = ("smooth_gradient", "subgradient", "generalized_gradient", "step", "deviation")
_FIXED = ("smoothness", "x_final", "x_start", "comparator")
