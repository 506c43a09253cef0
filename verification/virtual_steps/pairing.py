"""Choosing the virtual steps of a run, and what the model does there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import bounds
from ...l2o import InputError
from ...l2o.optimizers.go_math_l2o import GoMathL2O
from ...l2o.optimizers.learned import HeadNetwork
from ...l2o.runs.array_run import AffineRun
from ...l2o.runs.run import Run
from ..runs.inspection import HUGE, as_numpy
from .network_states import base_step, check_run, replay

CHOICES = ("paired", "nearest")
COORDINATE = "coordinate"
"""A virtual step for each coordinate: the runs may differ in their number of variables."""
_NEAREST = 4  # candidates whose distance is computed again without cancellation
_OURS, _THEIRS = "the run out of distribution", "the run in distribution"

_BLOCK = 256  # coordinates that are held against the table at once: tens of megabytes

# Distance (B,), instance and step of the virtual step, (B,) each or (B,n), and with COORDINATE its coordinate (B,n).
_Found = tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Pairing:
    """A virtual step for every step of a run, arrays (B,K,n) or (B,K).

    `p`, `b` are N1 and N2 at the virtual features, in the unit of the run where `scaled`. `G`, `L` are those of
    the virtual steps, `index` (B,K,2) their instance and step (from 0). Where each coordinate has a virtual step of its
    own, `L` is (B,K,n) and `index` (B,K,n,3), with the coordinate. `dz` is NaN where either step is not finite.
    `replayed` (B,K,n) is N2 of the run by the network's own heads, NaN where that is no function of z alone.
    """

    choice: str
    scaled: bool
    bias_power: float
    p: np.ndarray
    b: np.ndarray
    G: np.ndarray
    L: np.ndarray
    dz: np.ndarray
    index: np.ndarray
    replayed: np.ndarray


@dataclass(frozen=True, eq=False)
class _Recorded:
    """The recorded steps of a run and what its network gives at them."""

    p: np.ndarray  # (B,K,n)
    b: np.ndarray
    fixed: np.ndarray  # (B,K,n) the part of b that is not in units of the step: all of it where power = 0, else b3
    G: np.ndarray
    L: np.ndarray  # (B,)
    base: np.ndarray  # (B,) the step that N1 is a multiple of
    replayed: np.ndarray
    alive: np.ndarray  # (B,K)


def _record(
    run: AffineRun, optimizer: Any, role: str, state: Any, visit: Callable[[int, torch.Tensor], None]
) -> _Recorded:
    """Goes through the run once, handing z (m,B,n) of each step to `visit` instead of keeping it."""
    base, power = base_step(run, optimizer), bias_power(optimizer)
    fixed, replayed, finite = [], [], []
    nothing = torch.full_like(run.x[:, 0], torch.nan)
    for k, read in enumerate(replay(run, optimizer, role, state)):
        visit(k, read.z)
        finite.append(torch.isfinite(read.z).all(0).all(-1))
        replayed.append(nothing if read.bias is None else read.bias)
        fixed.append(read.heads.get("b3", torch.zeros_like(nothing)) if power else run.bias[:, k])
    p, b, G, x = (as_numpy(a) for a in (run.preconditioner, run.bias, run.generalized_gradient, run.x[:, 1:]))
    with np.errstate(invalid="ignore"):
        fits = [(np.abs(a) < HUGE).all(-1) for a in (p, b, G, x)]
    alive = np.logical_and.reduce(fits) & torch.stack(finite, 1).numpy()
    L = as_numpy(run.smoothness)
    step = 1 / L if base is None else as_numpy(base)
    return _Recorded(p, b, as_numpy(torch.stack(fixed, 1)), G, L, step, as_numpy(torch.stack(replayed, 1)), alive)


def bias_power(optimizer: Any) -> float:
    """The power of the step in N2: that of Q for GO-Math-L2O, whose b3 has none; 0 for others."""
    return float(optimizer.q_step_power) if isinstance(optimizer, GoMathL2O) else 0.0


def pair(
    run: Run,
    references: Run | Sequence[Run],
    optimizer: Any,
    *,
    choice: str = "paired",
    scaled: bool | None = None,
    state: Any = None,
    reference_state: Any = None,
) -> Pairing:
    """A virtual step of `references` for every step of `run`; see `verification.decompose`."""
    references = [references] if isinstance(references, Run) else list(references)
    if choice not in (*CHOICES, COORDINATE):
        choices = ", ".join((*CHOICES, COORDINATE))
        raise InputError(f"decompose: choice must be one of {choices}, got {choice!r}.")
    if not references:
        raise InputError("decompose: no run in distribution was given; give one, or several with choice='nearest'.")
    checked = check_run(run, optimizer, _OURS)
    checked_references = [check_run(other, optimizer, _THEIRS) for other in references]
    if choice == COORDINATE and not isinstance(optimizer, HeadNetwork):
        raise InputError(
            f"decompose: choice={choice!r} needs an optimizer whose step in a coordinate is its network's at what this "
            f"coordinate reads, and {run.optimizer} is none; use one of {', '.join(CHOICES)}, with as many variables."
        )
    scaled = base_step(run, optimizer) is not None if scaled is None else scaled
    if choice == "paired":
        check_pair(run, references)
    if choice != COORDINATE and any(other.dim != run.dim for other in references):
        raise InputError(
            f"decompose: the run has {run.dim} variables, those in distribution {[r.dim for r in references]}; "
            f"features of one number of variables can be compared, others by choice={COORDINATE!r}."
        )
    if len({other.dim for other in references}) > 1:
        raise InputError(
            f"decompose: the runs in distribution have {[r.dim for r in references]} variables; give runs of one size."
        )
    starts = reference_state if isinstance(reference_state, (list, tuple)) else [reference_state] * len(references)
    features: list[list[torch.Tensor]] = []
    recorded = []
    for other, start in zip(checked_references, starts, strict=True):
        features.append([])
        recorded.append(_record(other, optimizer, _THEIRS, start, lambda k, z: features[-1].append(z)))
    nearest: list[_Found] = []
    if choice == "paired":
        search: Callable[[int, torch.Tensor], _Found] = _Paired(features[0])
    else:
        kind = _NearestCoordinate if choice == COORDINATE else _Nearest
        search = kind.among(features, [r.alive for r in recorded])
    ours = _record(checked, optimizer, _OURS, state, lambda k, z: nearest.append(search(k, z)))
    dz, *at = (np.stack(columns, 1) for columns in zip(*nearest))
    return _gather(ours, recorded, choice, scaled, bias_power(optimizer), dz, tuple(at))


def check_pair(run: Run, references: list[Run]) -> None:
    """One clear error where steps of `run` cannot be paired with those of the one run in distribution."""
    if len(references) > 1:
        raise InputError(
            f"decompose: {len(references)} runs in distribution were given, and pairs need one; use choice='nearest'."
        )
    sizes = [(r.batch_size, r.steps, r.dim) for r in (run, references[0])]
    if sizes[0] != sizes[1]:
        raise InputError(
            f"decompose: the run has (instances, steps, variables) = {sizes[0]}, the run in distribution {sizes[1]}; "
            f"give two runs of one size, or use choice='nearest'."
        )


@dataclass(frozen=True, eq=False)
class _Paired:
    """The virtual step k is step k of the other run."""

    z: list[torch.Tensor]

    def __call__(self, k: int, z: torch.Tensor) -> _Found:
        dz = torch.linalg.vector_norm(_rows(z) - _rows(self.z[k]), dim=-1)
        return as_numpy(dz), np.arange(len(dz)), np.full(len(dz), k)


@dataclass(frozen=True, eq=False)
class _Nearest:
    """The virtual step is the one of the nearest z among all finite ones."""

    table: torch.Tensor  # (N, n m) a row for each (instance, step)
    size: torch.Tensor  # (N,) squared norms
    label: np.ndarray  # (N, 2) instance, counted through the runs, and step
    row: dict[tuple[int, int], int]

    @staticmethod
    def among(features: list[list[torch.Tensor]], alive: list[np.ndarray]) -> _Nearest:
        rows, labels, first = [], [], 0
        for zs, fits in zip(features, alive):
            for k, z in enumerate(zs):
                rows.append(_rows(z)[torch.from_numpy(fits[:, k])])
                labels += [(first + int(i), k) for i in np.flatnonzero(fits[:, k])]
            first += len(fits)
        if not labels:
            raise InputError("decompose: no step in distribution is finite; give a run that does not diverge.")
        table = torch.cat(rows)
        return _Nearest(table, table.square().sum(-1), np.array(labels), {label: i for i, label in enumerate(labels)})

    def __call__(self, k: int, z: torch.Tensor) -> _Found:
        mine = _rows(z)
        mine = torch.where(torch.isfinite(mine), mine, 0.0)
        # By ||a||^2 - 2<a, b> + ||b||^2, which is one product of matrices but cancels for near ones; so the first few
        # are measured again, and with them the paired step, which is then never nearer than the one that is chosen.
        order = (self.size - 2 * mine @ self.table.T).topk(min(_NEAREST, len(self.table)), largest=False).indices
        paired = [self.row.get((i, k), int(order[i, 0])) for i in range(len(mine))]
        order = torch.cat([order, torch.tensor(paired).unsqueeze(1)], 1)
        exact = torch.stack([torch.linalg.vector_norm(mine - self.table[column], dim=-1) for column in order.T], 1)
        best = exact.argmin(1, keepdim=True)
        which, step = self.label[order.gather(1, best)[:, 0].numpy()].T
        return as_numpy(exact.gather(1, best)[:, 0]), which, step


@dataclass(frozen=True, eq=False)
class _NearestCoordinate:
    """The virtual step of a coordinate is that of the coordinate, of all in distribution, that read the nearest z.

    The network is the same for all coordinates and reads nothing of the others, so that N1 and N2 of a coordinate are
    functions of its column of z. The distance of a step is Euclidean over its coordinates.
    """

    table: torch.Tensor  # (N, m) a row for each (instance, step, coordinate)
    size: torch.Tensor  # (N,) squared norms
    label: np.ndarray  # (N, 3)

    @staticmethod
    def among(features: list[list[torch.Tensor]], alive: list[np.ndarray]) -> _NearestCoordinate:
        rows, labels, first = [], [], 0
        for zs, fits in zip(features, alive):
            for k, z in enumerate(zs):
                sound = np.flatnonzero(fits[:, k])
                rows.append(z[:, torch.from_numpy(sound)].flatten(1).T)
                grid = np.meshgrid(first + sound, k, np.arange(z.shape[-1]), indexing="ij")
                labels.append(np.stack([axis.ravel() for axis in grid], -1))
            first += len(fits)
        table = torch.cat(rows)
        if not len(table):
            raise InputError("decompose: no step in distribution is finite; give a run that does not diverge.")
        return _NearestCoordinate(table, table.square().sum(-1), np.concatenate(labels))

    def __call__(self, k: int, z: torch.Tensor) -> _Found:
        mine = z.flatten(1).T
        mine = torch.where(torch.isfinite(mine), mine, 0.0)
        distance, place = zip(*(self._nearest(block) for block in mine.split(_BLOCK)))
        shape = tuple(z.shape[1:])
        dz = torch.linalg.vector_norm(torch.cat(distance).reshape(shape), dim=-1)
        label = self.label[torch.cat(place).numpy()].reshape(*shape, 3)
        return as_numpy(dz), label[..., 0], label[..., 1], label[..., 2]

    def _nearest(self, mine: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Distances and rows of the table; the first few are measured again, since a^2 - 2ab + b^2 cancels."""
        order = (self.size - 2 * mine @ self.table.T).topk(min(_NEAREST, len(self.table)), largest=False).indices
        exact = torch.stack([torch.linalg.vector_norm(mine - self.table[column], dim=-1) for column in order.T], 1)
        best = exact.argmin(1, keepdim=True)
        return exact.gather(1, best)[:, 0], order.gather(1, best)[:, 0]


def _rows(z: torch.Tensor) -> torch.Tensor:
    return z.movedim(1, 0).reshape(z.shape[1], -1)


def _gather(
    ours: _Recorded,
    recorded: list[_Recorded],
    choice: str,
    scaled: bool,
    power: float,
    dz: np.ndarray,
    at: tuple[np.ndarray, ...],
) -> Pairing:
    """The virtual steps at instances and steps `at` (B,K) each, or with coordinates, (B,K,n) each."""
    which = at[0]
    longest = max(other.p.shape[1] for other in recorded)

    def all_of(name: str) -> np.ndarray:
        parts = [getattr(other, name) for other in recorded]
        if parts[0].ndim == 1:
            return np.concatenate(parts)
        return np.concatenate(
            [np.pad(a, ((0, 0), (0, longest - a.shape[1]), (0, 0)), constant_values=np.nan) for a in parts]
        )

    p, b, fixed, G = (all_of(name)[at] for name in ("p", "b", "fixed", "G"))
    L, base = all_of("L")[which], all_of("base")[which]
    if scaled:
        unit = base if base.ndim == 3 else base[..., None]
        ratio = ours.base[:, None, None] / unit
        with np.errstate(invalid="ignore", over="ignore"):  # of a run that has left float64
            p, moving = bounds.virtual.in_units_of(p, b - fixed, ratio, power)
            b = moving + fixed if power else b
    dead = ~(ours.alive & np.isfinite(p).all(-1) & np.isfinite(b).all(-1) & np.isfinite(G).all(-1) & np.isfinite(dz))
    dz = np.where(dead, np.nan, dz)
    return Pairing(choice, scaled, power, p, b, G, L, dz, np.stack(at, -1), ours.replayed)
