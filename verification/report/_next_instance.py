"""What the runs of a report say of the next instance: finite-sample statements, where the instances are draws.

Where the N instances of a problem are independent draws of a generator, its runs are a sample, and what
`verification.guarantees` proves of samples holds of the next draw: nothing is run again. A shift of all starts or of
all objectives by a constant is another distribution, whose instances are draws of it as well. Data sets, patches of a
few pictures and a single instance are no such sample, and nothing is said of them.

The tolerances, quantiles, steps k and the confidence are fixed here, before any data are seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import l2o
from ...l2o.problems import synthetic
from ...l2o.runs.objective_curve import cut_where_diverged
from ...l2o.runs.run import Run
from ...l2o.training.config import split_seed
from ..guarantees import Sample, proportion_lower, quantile_curves
from ..guarantees.sample import (
    DRAWN,
    LAST_ITERATE,
    TRIED,
    alike,
    largest_deviation,
    last_iterate,
    worst_factor,
)
from ..optima import Optimum
from ..optima.gaps import Gaps, gaps, relative_to_optimum
from ..runs.inspection import Inspection, as_numpy
from ..support.plain import plain
from ..verdicts.verification import Verification
from ._series import TOLERANCES
from .config import ProblemSection
from .methods import Case, Method, Rollouts

DELTA = 0.05
"""The probability with which each single statement may be wrong."""
HIGH = (0.5, 0.9)
"""The quantiles: the median, and the upper end of the bands of the other figures."""
_AT = 6  # steps k at which the figure has the median, all at once


def no_sample(section: ProblemSection) -> str | None:
    """Why the instances of a problem are no sample of a distribution; None where they are independent draws."""
    if section.family not in DRAWN:
        return "no independent draws of a generator"
    return "one instance is no sample" if section.instances < 2 else None


def depends_on_batch(
    section: ProblemSection, seed: int, case: Case, method: Method, run: Run, device: str = "cpu"
) -> bool:
    """Whether the first steps on the first instance are others when it is run alone: then no instance is independent.

    `case` and `run` are those of the section's batch; more than the first steps of one instance is not tried.
    """
    steps = min(run.steps, TRIED)
    base = section.model_copy(update={"instances": 1}).build(seed)
    start = synthetic.starts(base, seed=split_seed("test", 0, seed)) + case.scenario.s
    problem = base.shifted(case.scenario.t) if case.scenario.t else base
    alone = l2o.rollout(method.optimizer, problem.to(device=device), start.to(device), steps)
    return not alike(as_numpy(alone.objective)[0], as_numpy(run.objective)[0, : steps + 1])


def sample_of(case: Case, method: Method, run: Run, inspection: Inspection, last: Verification) -> Sample:
    """The runs of a case as a sample, all K + 1 steps kept; `last` is the check of B6c.

    The worst case is that with a formula, L R^2/(4K): no semidefinite problem is solved here.
    """
    certified = case.optimum
    inside = np.where(inspection.in_domain, inspection.objective, np.inf)
    objective, diverged_at = cut_where_diverged(np.where(inspection.alive, inside, np.nan))
    gap = gaps(objective, certified, inspection.objective_error)
    factor = worst_factor(method.optimizer, case.problem.smooth.convex, run.steps, solve_up_to=0)
    return Sample(
        gap.low,
        gap.high,
        largest_deviation(as_numpy(run.relative_deviation), objective),
        diverged_at,
        np.isfinite(certified.lower),
        last_iterate(last, certified),
        None if factor is None else factor * _initial(case),
    )


def next_instance(
    rollouts: Rollouts, seed: int, case: Case, method: Method, run: Run, inspection: Inspection, last: Verification
) -> dict[str, Any]:
    """The statements of a run; without any, `why` says why not."""
    why = no_sample(rollouts.section)
    if why is None and depends_on_batch(rollouts.section, seed, case, method, run, rollouts.device):
        why = "its steps on an instance depend on the others of its batch, so these are not independent"
    if why is not None:
        return {"why": why, "statement": None}
    return {"why": None, "statement": statements(sample_of(case, method, run, inspection, last), case.optimum)}


def _initial(case: Case) -> np.ndarray:
    """(B,) L R^2, R the distance of the start to the certified point."""
    return as_numpy(case.problem.smoothness) * ((as_numpy(case.x0) - case.optimum.x) ** 2).sum(axis=-1)


def statements(sample: Sample, certified: Optimum, delta: float = DELTA) -> dict[str, Any]:
    """What the sample (N instances, K + 1 steps) says of the next instance, as plain JSON.

    Every entry is a statement of its own, with confidence 1 - `delta`: the probability of each of `TOLERANCES` of the
    gap relative to |F*|, that of max rho < 1, the interval of each quantile, `most`, and in `over_k` the medians at a
    few k, these at once. `most` is the largest probability that N successes show, delta^(1/N); with at least that
    probability the next instance is not above the `largest` one of the sample.
    """
    n, steps = len(sample.gap_up), sample.gap_up.shape[1] - 1
    end = relative_to_optimum(Gaps(sample.gap_low[:, -1:], sample.gap_up[:, -1:]), certified)
    within = []
    for tolerance in TOLERANCES:
        sure = (end.high <= tolerance)[:, 0]
        maybe = ~sure & ~(end.low > tolerance)[:, 0]
        within.append({"tolerance": tolerance, **_probability(sure, delta), "undecided": int(maybe.sum())})
    rho = sample.deviation[:, -1]
    bounds = {"last_iterate": sample.last_iterate, "worst_case": sample.worst_case}
    return {
        "instances": n,
        "delta": delta,
        "most": float(proportion_lower(n, n, delta)),
        "diverged": int((sample.diverged_at >= 0).sum()),
        "uncertain": int((~sample.certified).sum()),
        "within": within,
        "rho_below_1": _probability(rho < 1, delta),
        "gap": _quantiles(sample.gap_low[:, -1], sample.gap_up[:, -1], delta),
        "rho": _quantiles(rho, rho, delta),
        "bounds": {name: None if values is None else _allowed(values) for name, values in bounds.items()},
        "over_k": _over_k(sample, steps, delta),
    }


def _probability(success: np.ndarray, delta: float) -> dict[str, Any]:
    """The number of successes, and the lower bound of their probability."""
    count = int(success.sum())
    return {"successes": count, "at_least": float(proportion_lower(count, len(success), delta))}


def _quantiles(low: np.ndarray, up: np.ndarray, delta: float) -> dict[str, Any]:
    """Each of `HIGH` between two order statistics, and the largest; None above: open, or not finite."""
    n, quantiles = len(up), []
    for q in HIGH:
        curves = quantile_curves(low[:, None], up[:, None], [q], 0, delta)
        quantiles.append(
            {
                "quantile": q,
                "lower": plain(max(float(curves.lower[0, 0]), 0.0)),
                "sample": plain(curves.sample[0, 0]),
                "upper": plain(curves.upper[0, 0]),
                "open": bool(curves.ranks[0, 1] > n),
            }
        )
    return {"quantiles": quantiles, "largest": plain(up.max())}


def _allowed(values: np.ndarray) -> dict[str, float | None]:
    """Median (the upper one of two) and largest over the instances of what a bound allows; None where it is silent."""
    ordered = np.sort(np.where(np.isnan(values), np.inf, values))
    return {"median": plain(ordered[len(ordered) // 2]), "largest": plain(ordered[-1])}


def _over_k(sample: Sample, steps: int, delta: float) -> dict[str, Any]:
    """At a few k: the median in its interval, all of them at once, and so the largest of the sample.

    `at_least`: the probability with which the next instance is not above the largest at any one of these k, all k at
    once. `worst_case`: the median over the instances.
    """
    k = np.unique(np.linspace(0, steps, _AT + 1).round().astype(int))[1:]  # of few steps several are one, or 0
    low, up = sample.gap_low[:, k], sample.gap_up[:, k]
    curves = quantile_curves(low, up, HIGH[:1], steps, delta)
    worst = sample.worst_case
    n = len(up)
    return {
        "k": k.tolist(),
        "lower": plain(np.maximum(curves.lower[0], 0.0)),
        "sample": plain(curves.sample[0]),
        "upper": plain(curves.upper[0]),
        "open": bool(curves.ranks[0, 1] > n),
        "largest": plain(up.max(axis=0)),
        "at_least": float(proportion_lower(n, n, delta / len(k))),
        # 1/K of the worst case becomes 1/k.
        "worst_case": None if worst is None else [plain(np.median(worst) * steps / i) for i in k.tolist()],
    }


__all__ = ["DELTA", "HIGH", "LAST_ITERATE", "depends_on_batch", "next_instance", "no_sample", "sample_of", "statements"]
