"""One model at one level of one shift: what it costs, what its deviations are made of, and which bounds hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from .... import bounds, l2o
from ....l2o import Composite, InputError, Run
from ....l2o.runs.objective_curve import objective_curve
from ...guarantees import proportion_interval
from ...optima import Optimum
from ...optima.gaps import gaps, relative_to_start
from ...runs.inspection import as_numpy
from ...statistics.censored import Censored
from ...verdicts.evidence import gather
from ...verdicts.judge import judge
from ...verdicts.verdict import Verdict
from ._attribution import Attribution, Split, attribution, has_numbers
from ._cost import Cost, cost, iterations, point
from ._shifts import Level

BOUNDS = ("ood_per_step", "ood_multi_step_sharp", "ood_last_iterate")
"""B5, B6b and B6c at the measured e'."""
VIRTUAL = ("ood_per_step:magnitude", "ood_multi_step:virtual")
"""B5 and B6 by the magnitudes of the three terms, where the steps can be paired."""
LIVE = 1e-8
"""Steps count while the share of the initial gap before them is above this; below, deviations are soon rounding."""
DELTA = 0.05


@dataclass(frozen=True, eq=False)
class Field:
    """B instances at one level of a shift, where they start, and what is known of their optima."""

    shift: str
    level: Level
    problem: Composite
    x0: torch.Tensor
    optimum: Optimum


@dataclass(frozen=True, eq=False)
class Trace:
    """A model on a field: iterations by eps, how many runs diverged, and the recorded first steps."""

    iterations: dict[float, Censored]
    diverged: int
    run: Run


@dataclass(frozen=True)
class BoundCount:
    """How often a bound holds: `checks` steps or runs, by verdict, and those on which it says nothing (`vacuous`)."""

    bound: str
    number: str
    unit: str
    checks: int
    verified: int
    violated: int
    inconclusive: int
    not_applicable: int
    vacuous: int


@dataclass(frozen=True)
class Cell:
    """A model (or yardstick) on B instances at one level of one shift.

    Where the model does not fit the problem there is a `reason` and nothing else. `costs` by eps; `reach` is the
    Clopper-Pearson interval of the probability to converge within the horizon, for the first eps; `diverged`: runs
    given up or ending above F(x_0). `rho_*` of the first steps that count. `excess_by`: the excess over the first
    yardstick for each instance, with the horizon for what has not been reached. `attributions` by choice of virtual
    steps.
    """

    model: str
    shift: str
    level: str
    none: bool
    control: bool
    practical: bool
    learned: bool
    reason: str = ""
    costs: tuple[Cost, ...] = ()
    reach: tuple[float, float] | None = None
    diverged: int = 0
    rho_median: float | None = None
    rho_largest: float | None = None
    excess_by: tuple[float, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    bounds: tuple[BoundCount, ...] = field(default=())

    @property
    def applies(self) -> bool:
        """Whether the model fits the problem."""
        return not self.reason

    @property
    def cost(self) -> Cost:
        """That to the first eps; of a cell that applies."""
        return self.costs[0]

    def of(self, choice: str) -> Split | None:
        """The attribution by this choice of virtual steps, None where there is none with numbers."""
        return next((a for a in self.attributions if a.choice == choice and has_numbers(a)), None)

    @property
    def attributed(self) -> Split | None:
        """The attribution by pairs, or by coordinates where there are no pairs."""
        return self.of("paired") or self.of("coordinate")

    @property
    def broken(self) -> tuple[str, ...]:
        """What contradicts the theory or its own sum; there should be nothing."""
        statements = [f"{b.number} {b.bound} is violated on {b.violated} {b.unit}s" for b in self.bounds if b.violated]
        for a in self.attributions:
            if a.wrong:
                statements.append(f"{a.choice}: the terms do not add up to the deviation on {a.wrong} steps")
        return tuple(statements)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        attributions = [a.to_dict() for a in self.attributions]
        reach = None if self.reach is None else list(self.reach)
        lists = {"costs": [c.to_dict() for c in self.costs], "bounds": [asdict(b) for b in self.bounds]}
        return {
            **asdict(self), **lists, "reach": reach, "attributions": attributions, "excess_by": list(self.excess_by),
            "broken": list(self.broken),
        }  # fmt: skip


def trace(
    optimizer: Any, at: Field, *, steps: int, horizon: int, eps: tuple[float, ...], seed: int, first: int = 100
) -> Trace:
    """Record `steps` steps and count up to `horizon`; `first` steps are enough where all instances converge in them.

    An optimizer that does not fit the problem is an `InputError`. A run that leaves float64 has diverged, and its steps
    from there on are not finite.
    """
    run = l2o.rollout(optimizer, at.problem, at.x0, steps, seed=seed)
    for length in (min(first, horizon), horizon):
        curve = objective_curve(optimizer, at.problem, at.x0, length, seed=seed)
        counted = {e: iterations(curve.objective, at.optimum, e) for e in eps}
        if all(np.isfinite(t.high).all() for t in counted.values()):
            break
    end, start = curve.objective[:, -1], curve.objective[:, 0]
    return Trace(counted, int(((curve.diverged_at >= 0) | ~(end <= start)).sum()), run)


def measure(
    model: str,
    optimizer: Any,
    at: Field,
    trace_here: Trace,
    trace_there: Trace,
    yardsticks: Mapping[str, tuple[Trace, Trace]],
    practical: bool,
    reference: Run | None,
    few: Mapping[str, tuple[Run, Run]] | None = None,
    names: tuple[str, ...] = BOUNDS,
) -> Cell:
    """The cell of a model: `trace_here` on the field `at`, `trace_there` in distribution; `yardsticks` likewise.

    `reference` is the run in distribution that the steps are paired with, None for a yardstick. `few`: for each further
    choice of virtual steps the run on a few of the instances, and that in distribution. `names`: of the bounds that
    are held against the run.
    """
    costs = []
    for eps, ood in trace_here.iterations.items():
        pairs = {name: (out.iterations[eps], ind.iterations[eps]) for name, (out, ind) in yardsticks.items()}
        costs.append(cost(eps, ood, trace_there.iterations[eps], pairs))
    eps = costs[0].eps
    out, within = next(iter(yardsticks.values()))
    excess = point(trace_here.iterations[eps], trace_there.iterations[eps], out.iterations[eps], within.iterations[eps])
    live = live_steps(trace_here.run, at.optimum)
    rho = as_numpy(trace_here.run.relative_deviation)
    rho = rho[live & np.isfinite(rho)]
    n = at.problem.batch_size
    low, high = proportion_interval(costs[0].reached, n, DELTA)
    attributions, counts = [], []
    if reference is not None:
        x, x_there = trace_here.run.x, reference.x
        pairs_up = x is not None and x_there is not None and x_there.shape == x.shape
        if pairs_up:
            attributions.append(attribution(trace_here.run, reference, optimizer, "paired", live))
        for choice, (run, ind) in (few or {}).items():
            part = at.optimum.select(np.arange(run.batch_size)) if run.batch_size < n else at.optimum
            attributions.append(attribution(run, ind, optimizer, choice, live_steps(run, part)))
        with_pairs = pairs_up and attributions[0].share is not None
        counts = _bounds(trace_here.run, at, reference if with_pairs else None, optimizer, names)
    return Cell(
        model, at.shift, at.level.label, at.level.none, at.level.control, practical, reference is not None,
        costs=tuple(costs),
        reach=(float(low), float(high)),
        diverged=trace_here.diverged,
        rho_median=float(np.median(rho)) if rho.size else None,
        rho_largest=float(rho.max()) if rho.size else None,
        excess_by=tuple(excess.tolist()),
        attributions=tuple(attributions),
        bounds=tuple(counts),
    )  # fmt: skip


def live_steps(run: Run, optimum: Optimum) -> np.ndarray:
    """(B,K) the steps that start before the share of the initial gap is possibly down at `LIVE`."""
    F = as_numpy(run.objective)
    return (relative_to_start(gaps(F, optimum)).low > LIVE)[:, :-1] & ~np.isnan(F[:, :-1])


def _bounds(run: Run, at: Field, reference: Run | None, optimizer: Any, names: tuple[str, ...]) -> list[BoundCount]:
    paired = {} if reference is None else {"reference_run": reference, "optimizer": optimizer}
    evidence = gather(run, at.problem, optimum=at.optimum, **paired)
    counts = []
    for name in (*names, *(VIRTUAL if paired else ())):
        bound = bounds.get(name)
        verification = judge(bound, evidence)
        verdicts = (Verdict.VERIFIED, Verdict.VIOLATED, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE)
        verified, violated, open_, outside = (verification.count(v) for v in verdicts)
        vacuous = int((verification.vacuous & verification.judged).sum())
        total = int(verification.verdict.size)
        counts.append(BoundCount(name, bound.number, bound.level, total, verified, violated, open_, outside, vacuous))
    return counts


def not_applicable(model: str, at: Field, practical: bool, problem: InputError) -> Cell:
    """The cell of a model that does not fit the problem."""
    reason = " ".join(str(problem).split())
    return Cell(model, at.shift, at.level.label, at.level.none, at.level.control, practical, True, reason=reason)
