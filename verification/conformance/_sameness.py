"""Whether two runs that should be the same are, up to what rounding explains.

The yardstick is that of `verification.invariance.equivariance`: a unit of rounding is eps |x_k| plus the bound on the
error of the gradient over L; probes that start a thousand units away show how the optimizer amplifies rounding here,
and the tolerance of step k is their largest separation so far plus a thousand units. Ten times that is beyond rounding.
A method may be calm at its start and amplify rounding later, or branch on a comparison that rounding decides. So a
difference is looked at a second time, with probes whose every value and gradient is off by a thousand units.
Where the tolerance itself exceeds `CLEAR` the run is chaotic and nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...l2o import Composite
from ...l2o.runs.array_run import ArrayRun
from ..invariance.equivariance import CLEAR, ROUNDINGS, gradient_unit, nudge, ratio_of
from ..runs.inspection import HUGE, as_numpy, norm
from ._case import Case, Instance, Refused
from ._derived import rounded
from ._result import Finding, failed, not_applicable, passed

_PROBES = 2
_MORE_PROBES = 8
"""Probes of the second look: a branch that rounding decides is taken by some of them, and by some not."""


@dataclass(frozen=True, eq=False)
class Sameness:
    """`relative` (B,K+1) difference, `tolerance` (B,K+1), `judged` (B,K+1), `broken` (B,K+1), `jumped` (B,)."""

    instance: Instance
    relative: np.ndarray
    tolerance: np.ndarray
    judged: np.ndarray
    broken: np.ndarray
    jumped: np.ndarray

    @property
    def failed(self) -> np.ndarray:
        """(B,) whether the runs differ beyond rounding."""
        return self.broken.any(axis=1) & ~self.jumped

    @property
    def decided(self) -> np.ndarray:
        """(B,) whether at least one step was judged."""
        return (self.judged.sum(axis=1) >= 2) & ~self.jumped

    def evidence(self) -> dict[str, Any]:
        """The worst entry: of the failures where there are some, else of all."""
        where = self.broken & self.failed[:, None] if self.failed.any() else self.judged & ~self.jumped[:, None]
        place: dict[str, Any] = dict(self.instance.shape)
        if not where.any():
            return place
        if self.failed.any():
            b = int(np.argmax(self.failed))
            k = int(np.argmax(self.broken[b]))
        else:
            ratio = np.where(where, ratio_of(self.relative, self.tolerance), -1.0)
            b, k = (int(i) for i in np.unravel_index(np.argmax(ratio), ratio.shape))
        lhs, tolerance = float(self.relative[b, k]), float(self.tolerance[b, k])
        return place | {"b": b, "step": k, "relative_difference": lhs, "tolerance": tolerance, "slack": tolerance - lhs}


def compare(
    case: Case,
    instance: Instance,
    run: ArrayRun,
    x: torch.Tensor,
    *,
    eps_ratio: float = 1.0,
    most: float = CLEAR,
    constant: torch.Tensor | float = 0.0,
) -> Sameness:
    """Hold iterates `x` (B,K+1,n) against `run` on `instance`.

    `eps_ratio` multiplies the unit of rounding, where `x` was computed in a coarser precision; `most` is the tolerance
    above which nothing is said. `constant` (B,) was added to f where `x` was computed: values are as coarse as it is.
    """
    problem, mine, other = instance.problem, as_numpy(run.x), as_numpy(x)
    with np.errstate(invalid="ignore", over="ignore"):
        moved = norm(mine - mine[:, :1])
        moved[:, 0] = moved[:, 1]
        scale = np.maximum(norm(mine[:, :1]), np.maximum.accumulate(moved, axis=1))
        magnitude = run.x.abs() + (problem.nonsmooth.magnitude(run.x[:, 0]) - run.x[:, 0].abs()).unsqueeze(1)
        unit = eps_ratio * (np.finfo(np.float64).eps * norm(as_numpy(magnitude)) + gradient_unit(problem, run.x))
        starts = [instance.x0 + nudge(problem, instance.x0, magnitude[:, 0], unit[:, 0], i) for i in range(_PROBES)]
        relative = np.nan_to_num(ratio_of(norm(other - mine), scale), nan=np.inf)
        fits = np.abs(mine).max(-1) < HUGE

        def seen(probes: list[torch.Tensor]) -> Sameness:
            apart = np.max([norm(as_numpy(x) - mine) for x in probes], axis=0)
            tolerance = ratio_of(np.maximum.accumulate(apart + ROUNDINGS * unit, axis=1), scale)
            tolerance = np.minimum(np.nan_to_num(tolerance, nan=1.0), 1.0)
            judged = np.logical_and.accumulate((tolerance <= most) & fits, axis=1)
            broken = judged & (relative > 10 * tolerance)
            jumped = _jumped(instance, run.x, x, relative, tolerance, broken)
            return Sameness(instance, relative, tolerance, judged, broken, jumped)

        probes = [case.run(instance, x0=start).x for start in starts]
        first = seen(probes)
        return seen(probes + _rounded_all_along(case, instance, eps_ratio, constant)) if first.failed.any() else first


def _rounded_all_along(
    case: Case, instance: Instance, eps_ratio: float, constant: torch.Tensor | float
) -> list[torch.Tensor]:
    """Iterates (B,K+1,n) of runs on terms with errors; none where the method does not take such a term."""
    runs = []
    for i in range(_MORE_PROBES):
        smooth = rounded(instance.problem.smooth, ROUNDINGS * eps_ratio, i, constant)
        image = Composite(smooth, instance.problem.nonsmooth)
        try:
            with case.image("f with errors of rounding", image, instance.x0):
                runs.append(case.run_on(f"{instance.name}, f with errors of rounding", image, instance.x0).x)
        except Refused:
            return []
    return runs


def _jumped(
    instance: Instance,
    mine: torch.Tensor,
    other: torch.Tensor,
    relative: np.ndarray,
    tolerance: np.ndarray,
    broken: np.ndarray,
) -> np.ndarray:
    """(B,) whether before the first broken step a coordinate lies on different sides of a kink of r in the two runs."""
    jumped = np.zeros(len(broken), dtype=bool)
    if instance.problem.nonsmooth.is_zero:
        return jumped
    first = np.where(broken.any(axis=1), broken.argmax(axis=1), 0)
    for k in range(int(first.max())):
        ends = zip(instance.problem.subdifferential(mine[:, k]), instance.problem.subdifferential(other[:, k]))
        differs = np.any([_far(a, b) for a, b in ends], axis=0)
        jumped |= differs & (relative[:, k] <= tolerance[:, k]) & (k < first)
    return jumped


def _far(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    a, b = (torch.nan_to_num(end, posinf=1e300, neginf=-1e300) for end in (a, b))
    size = torch.maximum(a.abs(), b.abs()).amax(-1, keepdim=True)
    return as_numpy(((a - b).abs() > 1e-3 * size).any(-1)) > 0


def verdict(comparisons: list[Sameness], same: str, different: str, case: Case | None = None) -> Finding:
    """One finding from several comparisons: `same` and `different` are the messages.

    With a `case` a method that draws random numbers from its seed is not at fault: other shapes, orders and precisions
    take other draws.
    """
    bad = [f for f in comparisons if f.failed.any()]
    if bad and case is not None and case.draws_from_its_seed:
        return not_applicable(
            "its run depends on the seed of init, and other shapes, orders or precisions draw otherwise"
        )
    if bad:
        e = bad[0].evidence()
        words = (
            f"{e['instance']}, instance {e['b']}, step {e['step']}: off by {e['relative_difference']:.2g} (relative)"
        )
        return failed(f"{different}: {words}; rounding explains {e['tolerance']:.2g}", **e)
    decided, total = sum(int(f.decided.sum()) for f in comparisons), sum(len(f.jumped) for f in comparisons)
    if not decided:
        return not_applicable("rounding is amplified so much, or decides on kinks of r, that nothing can be said")
    worst = max(
        (f.evidence() for f in comparisons), key=lambda e: e.get("relative_difference", 0.0) / e.get("tolerance", 1.0)
    )
    return passed(f"{same} ({decided} of {total} instances judged)", **worst)
