"""What `verification.verify` says of an instance: the only source of what a falsification claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import bounds, l2o
from ...l2o import InputError
from ..optima import optimum
from ..verdicts.verdict import Verdict
from ..verdicts.verification import Verification
from ..verdicts.verify import verify
from ._families import Instance

_WIDTH = 1e-12  # of the interval of F*, relative to max(1, |F*|)


@dataclass(frozen=True, eq=False)
class Judged:
    """An instance with the verdict on its run, at the step (or for the run) that is furthest along.

    `index` is k of a step bound, else None. `excess` is (lhs - rhs)/(|lhs| + |rhs|). `measured` holds what the run
    was measured to be, bound or no bound: rho_max = max_k rho_k, R, gap = F(x_K) - F* and gap_units, the gap in units
    of L R^2/(4K), which exact proximal-gradient steps never exceed.
    """

    instance: Instance
    verdict: Verdict
    tightness: float
    excess: float
    lhs: float
    rhs: float
    slack: float
    index: int | None
    sharp: bool  # the numbers are above rounding, and F* is known well enough
    minimiser: np.ndarray
    measured: dict[str, float]
    broken_data: tuple[str, ...]

    @property
    def violated(self) -> bool:
        """Whether the bound is broken beyond rounding, by a run that is what it says it is."""
        return self.verdict is Verdict.VIOLATED and not self.broken_data

    def score(self, goal: str) -> tuple[bool, float]:
        """What makes one finding better than another: a violation first, then what is searched for."""
        if goal == "deviation":
            return False, self.measured["rho_max"]
        return self.violated, self.excess if self.sharp or self.violated else -2.0


def judge(instance: Instance, optimizer: Any, bound: bounds.Bound, steps: int, reference_step: float) -> Judged:
    """Run, certify and verify one instance in float64; `InputError` where its arrays are not admissible."""
    problem = instance.problem()
    certified = optimum(problem, rtol=_WIDTH, cache=False, cross_check=0)
    run = l2o.rollout(optimizer, problem, instance.start(), steps)
    verification = verify(run, problem, bound, certified, reference_step)
    broken = tuple(c.statement for c in verification.data if not c.holds.all())
    place, excess = _furthest(verification)
    measured = _measured(run, certified, float(problem.smoothness[0]))
    return Judged(
        instance,
        verification.verdict[place],
        float(verification.tightness[place]),
        float(excess[place]),
        float(verification.lhs[place]),
        float(verification.rhs[place]),
        float(verification.slack[place]),
        int(place[1]) + 1 if len(place) > 1 else None,
        bool(np.isfinite(excess[place]) and not verification.within_rounding[place] and _narrow(verification, place)),
        np.asarray(certified.x)[0],
        measured,
        broken,
    )


def _narrow(verification: Verification, place: tuple[int, ...]) -> bool:
    """Whether the interval of F* is narrow beside the two sides."""
    width = verification.lhs_upper[place] - verification.lhs[place]
    return bool(width <= 1e-6 * (abs(verification.lhs[place]) + abs(verification.rhs[place])))


def _furthest(verification: Verification) -> tuple[tuple[int, ...], np.ndarray]:
    """The violated entry that is furthest beyond, else the one above rounding that is nearest; and every excess."""
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = (verification.lhs - verification.rhs) / (np.abs(verification.lhs) + np.abs(verification.rhs))
    rank = np.where(np.isfinite(excess), excess, -3.0)
    rank = np.where(verification.within_rounding, rank - 10.0, rank)
    rank = np.where(verification.judged, rank, rank - 100.0)
    rank = np.where(verification.verdict == Verdict.VIOLATED, np.maximum(rank, -1.0) + 100.0, rank)
    place = np.unravel_index(int(rank.argmax()), rank.shape)
    return tuple(int(i) for i in place), excess


def _measured(run: l2o.Run, certified: Any, L: float) -> dict[str, float]:
    assert run.x is not None, "the falsifier keeps whole runs"
    assert run.generalized_gradient is not None, "the falsifier keeps whole runs"
    R = float(np.linalg.norm(run.x[0, 0].numpy() - np.asarray(certified.x)[0]))
    gap = float(run.objective[0, -1]) - float(certified.upper[0])
    G = run.generalized_gradient[0].norm(dim=-1)
    rho = run.relative_deviation[0].where(G > 1e-9 * L * R, 0.0)
    unit = L * R**2 / (4 * run.steps)
    return {"rho_max": float(rho.max()), "R": R, "L": L, "gap": gap, "gap_units": gap / unit if unit > 0 else np.nan}


def judging(
    fresh: Callable[[], Any], bound: bounds.Bound, steps: int, reference_step: float
) -> Callable[[Instance], Judged | None]:
    """`judge` for one question; None where an instance is not admissible or its optimum is not certified."""

    def one(instance: Instance) -> Judged | None:
        try:
            return judge(instance, fresh(), bound, steps, reference_step)
        except (InputError, FloatingPointError):
            return None

    return one
