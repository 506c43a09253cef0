"""Who sees the size of L: runs on c F against the run on F, as c moves L over many decades, in both precisions.

Two factors are tried at each decade. A power of 4 multiplies the data (sqrt(c) A, sqrt(c) y, c lam) without rounding: a
method that does not see L then repeats its run bit by bit, until a guard or the range of its floats bites. A power of
10 rounds the data, and the runs agree to a number of roundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from .... import l2o
from ....bounds.equivariance import EQUIVARIANCE_TABLE, YES, Equivariance
from ....l2o import Composite
from ...invariance.equivariance import BROKEN, EQUIVARIANT, UNDECIDED, check_equivariance, scaling
from ...runs.inspection import as_numpy, norm
from ._declared import with_declared_L
from ._points import DTYPES, FLOAT64, stacked

CONFIGURATIONS = ("ISTA", "FISTA", "FISTA with restart", "L2O-PA")
GUARD = 1e-20
"""The authors' guard of divisions and of the step, in GO-Math-L2O."""
TRAINED_MAP = "displacement"
"""The gradient map that the shipped weights were trained with."""
WEIGHTS_SEED = 1
LOST = 1e-3
"""From this relative difference on a run is another one, and not the same one to rounding."""


@dataclass(frozen=True)
class Invariance:
    """One configuration in one precision.

    `expected`: whether the catalogue says that it does not see L; `verdict`: what `check_equivariance` measures at both
    ends of the asked range (float64 only, else None). `roundings`: the largest ||x_k - x'_k|| over max ||x||, in units
    of eps, over the asked L at powers of 10; None where a run leaves floats. `exact`: whether all runs at the powers of
    4 in the asked range are equal bit by bit. `exact_from`, `exact_to`: the L up to which they are, and `same_from`,
    `same_to` up to which the relative difference is below `LOST`, beyond the asked range; L as a power of 10.
    """

    name: str
    dtype: str
    expected: bool
    verdict: str | None
    roundings: float | None
    exact: bool
    exact_from: float
    exact_to: float
    same_from: float
    same_to: float

    @property
    def blind(self) -> bool:
        """Whether it does not see L over the asked range: all differences are below `LOST`."""
        return self.roundings is not None and self.roundings * float(np.finfo(self.dtype).eps) < LOST

    @property
    def agrees(self) -> bool:
        """Whether what is measured is what the catalogue says."""
        if self.verdict is not None and self.verdict != (EQUIVARIANT if self.expected else BROKEN):
            return False
        return self.blind == self.expected

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {**asdict(self), "blind": bool(self.blind), "agrees": bool(self.agrees)}


def rows() -> tuple[Equivariance, ...]:
    """The rows of B12 that are tried: GO-Math-L2O under each map and Q scaling, L2O-PA, and classical methods."""
    return tuple(
        row
        for row in EQUIVARIANCE_TABLE
        if row.name in CONFIGURATIONS or (row.optimizer == "go-math-l2o" and "b3_norm" not in row.options)
    )


def build(row: Equivariance) -> Any:
    """The optimizer of a row: a model has the shipped weights, and random ones where none are trained for its map.

    The standard and the recurrent map divide by r + 1e-20. With weights of another map r comes near 0 in entries, where
    the guard is larger than a rounding of r, and such a run sees L through it.
    """
    if row.optimizer not in ("go-math-l2o", "l2o-pa"):
        return l2o.optimizer(row.optimizer, **row.options)
    if row.options.get("gradient_map", TRAINED_MAP) != TRAINED_MAP:
        return l2o.optimizer(row.optimizer, seed=WEIGHTS_SEED, **row.options)
    model: Any = l2o.pretrained(row.optimizer, "lasso")
    return replace(model, **row.options)


@torch.no_grad()
def iterates(optimizer: Any, problem: Composite, x0: torch.Tensor, steps: int) -> np.ndarray:
    """(K+1,B,n) in float64."""
    state = optimizer.init(problem, x0)
    points = [as_numpy(state.x.double())]
    for _ in range(steps):
        state = optimizer.step(problem, state)
        points.append(as_numpy(state.x.double()))
    return np.stack(points)


def invariance(
    row: Equivariance, base: Composite, decades: Sequence[int], decades_asked: tuple[int, int], dtype: str, steps: int,
    optimizer: Any = None, verdict: bool = True,
) -> Invariance:  # fmt: skip
    """Compare the runs on c F with that on F, one instance; L of `base` is about 1, c moves it to 10^d for `decades`.

    `asked` (low, high) are the decades of the question; the others tell where it ends.
    """
    optimizer = build(row) if optimizer is None else optimizer
    decades = sorted({*decades, 0})
    home = decades.index(0)
    inside = np.array([decades_asked[0] <= d <= decades_asked[1] for d in decades])
    four = 4.0 ** np.round(np.array(decades) * np.log(10) / np.log(4))
    ten = 10.0 ** np.array(decades, dtype=float)
    exact = _apart(optimizer, base, four, home, dtype, steps)
    rounded = _apart(optimizer, base, ten, home, dtype, steps)
    worst, unit = rounded[inside].max(), np.finfo(dtype).eps
    return Invariance(
        row.name,
        dtype,
        row.scaling == YES,
        _verdict(optimizer, base, decades_asked, steps) if dtype == FLOAT64 and verdict else None,
        float(worst / unit) if worst <= unit * np.finfo(np.float64).max else None,  # beyond that no number is left
        bool((exact[inside] == 0).all()),
        *_range(decades, home, exact == 0),
        *_range(decades, home, exact < LOST),
    )


def _apart(optimizer: Any, base: Composite, factor: np.ndarray, home: int, dtype: str, steps: int) -> np.ndarray:
    """(D,) the largest distance of the run on factor * F from that on F, over the largest ||x||; inf for no numbers."""
    # L is declared as float64 knows it: an eigenvalue solver in float32 would add roundings of its own
    problem = with_declared_L(stacked([base] * len(factor), factor), 1.0).to(DTYPES[dtype])
    x0 = l2o.synthetic.starts(base).float().double().repeat(len(factor), 1).to(DTYPES[dtype])
    with np.errstate(invalid="ignore", over="ignore"):
        x = iterates(optimizer, problem, x0, steps)
        apart = norm(x - x[:, home : home + 1]).max(axis=0) / norm(x[:, home]).max()
    return np.where(np.isfinite(apart), apart, np.inf)


def _range(decades: Sequence[int], home: int, holds: np.ndarray) -> tuple[float, float]:
    """The first and last L around the central one up to which it holds without a break."""
    low = high = home
    while low > 0 and holds[low - 1]:
        low -= 1
    while high < len(decades) - 1 and holds[high + 1]:
        high += 1
    return float(10.0 ** decades[low]), float(10.0 ** decades[high])


def _verdict(optimizer: Any, base: Composite, decades_asked: tuple[int, int], steps: int) -> str:
    """The worse of the two verdicts at the ends of the asked range."""
    x0 = l2o.synthetic.starts(base)
    words = {check_equivariance(optimizer, base, x0, steps, scaling(10.0**d)).verdict for d in decades_asked if d}
    if BROKEN in words:
        return BROKEN
    return EQUIVARIANT if words == {EQUIVARIANT} else UNDECIDED


def guards(base: Composite, dtype: str) -> dict[str, float]:
    """Where theory says that GO-Math-L2O begins to see L: the L at which each guard or limit is met.

    The divisor r + 1e-20 of the standard and the recurrent map differs from r once 1e-20 exceeds half a unit of r, here
    of r = 0.9999/L. The step 0.9999/L and the norms of features are kept above `GUARD`; a norm is a root of a sum of
    squares, which leaves the floats at the root of their range. A feature's norm is proportional to L.
    """
    x0 = l2o.synthetic.starts(base)
    L = float(base.smoothness[0])
    ends = [base.smooth_gradient(x0), *base.subdifferential(x0)]
    sizes = [float(torch.linalg.vector_norm(end)) / L for end in ends]
    largest, least = float(np.finfo(dtype).max) ** 0.5, float(np.finfo(dtype).tiny) ** 0.5
    return {
        "divisor_above": 0.9999 * float(np.finfo(dtype).eps) / 2 / GUARD,
        "step_above": 0.9999 / GUARD,
        "features_below": GUARD / min(sizes),
        "squares_overflow_above": largest / max(sizes),
        "squares_underflow_below": least / min(sizes),
    }
