"""One method on B instances from one start: which bounds hold, which would not, where F rises, what is left."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from .... import bounds, l2o
from ....bounds.hypotheses import F_CONVEX
from ...optima import Optimum
from ...optima.gaps import first_below, gaps, relative_to_start
from ...runs.inspection import Inspection, as_numpy, norm
from ...runs.point_inspection import has_points
from ...statistics.censored import NEVER
from ...verdicts.evidence import Evidence, gather
from ...verdicts.judge import judge
from ...verdicts.verdict import Verdict
from ...verdicts.verification import Verification
from ._ledger import LEDGERS, PARTS, Ledger, ledger
from ._problems import Case

SURVIVE = ("B1", "B2", "B10", "B10:subdifferential", "B10:constrained")
"""Bounds that do not ask for a convex f."""
NEED_CONVEXITY = ("B3", "B6", "B6b", "B6c", "B8")
"""Bounds that do; B3 speaks of exact steps only, B8 of runs with rho < 1."""
ROUNDING = 1e-9
"""The ledger agrees with the catalogue to this share of the numbers that are added up."""


@dataclass(frozen=True)
class Entry:
    """A method on B instances over K steps.

    `held`: bound -> verdict -> how many steps or runs, with `vacuous` ones among those judged and the median
    `tightness`. `asked`: for the bounds that need convexity, how many runs of them it would be `false` on if it did not
    ask for a convex f, on how many it `holds`, and how many are `outside` (of another hypothesis, or diverged).
    `first_false`: per instance and bound False, True or None. `ledger`: bound -> part -> what it adds to rhs - lhs on
    the run that has least to spare, over F(x_0) - F(z), None where no run stays in the domain. `least_convexity`: the
    least f(z) - f(x_k) - <grad f(x_k), z - x_k> of the runs, over F(x_0) - F(z).
    `steps_judged`, `rises`: steps between points of the domain, and those at which F rises beyond rounding;
    `least_rho_of_rises`, and `unexplained` ones, with rho <= 1: there should be none, by B1.
    `stationarity`, `stationarity_bound`: least ||G_k||^2 and B10, relative to ||G_1||^2, median over the runs judged.
    `gradient_growth`: median over the runs of max_k ||grad f(x_k)|| / ||grad f(x_0)||, by which the features of models
    that divide gradients by their size at x_0 leave the range that they start in.
    `infeasible`: points outside the domain of r, `left_at`: per instance the first of them.
    `gap`: median of F(x_K) - F(z) over F(x_0) - F(z); `iterations`: per instance until
    (F(x_k) - F*)/(F(x_0) - F*) is certainly at most eps, None if it is not.
    `broken`: what a guarantee and a run disagree on; there should be nothing.
    """

    part: str
    family: str
    term: str
    convex: bool
    shift: float
    method: str
    instances: int
    held: dict[str, dict[str, Any]]
    asked: dict[str, dict[str, int]]
    ledger: dict[str, dict[str, float] | None]
    least_convexity: float | None
    steps_judged: int
    rises: int
    least_rho_of_rises: float | None
    unexplained: int
    stationarity: float | None
    stationarity_bound: float | None
    gradient_growth: float | None
    infeasible: int
    left_at: tuple[int | None, ...]
    gap: float | None
    iterations: tuple[int | None, ...]
    broken: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        data = asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in data.items()}


def without_convexity(name: str) -> bounds.Bound:
    """The same inequality, without the hypothesis that f is convex: on what run is it violated?"""
    bound = bounds.get(name)
    return bound.replace(hypotheses=tuple(h for h in bound.hypotheses if h is not F_CONVEX))


def entry(case: Case, shift: float, method: str, run: l2o.Run, optimum: Optimum, eps: float) -> Entry:
    """Judge a run of `method` on `case` with the comparator z = `optimum.x`, F(z) <= `optimum.upper`."""
    evidence = gather(run, case.problem, optimum=optimum)
    inspection = evidence.inspection
    verifications = {name: judge(name, evidence) for name in SURVIVE}
    needy = {name: judge(name, evidence) for name in NEED_CONVEXITY}
    bare = needy
    if not case.convex:
        ask = {name: without_convexity(name) for name in NEED_CONVEXITY}
        bare = {name: judge(b, evidence) for name, b in ask.items()}
    parts = ledger(inspection, np.array(optimum.x))
    size = as_numpy(run.objective)[:, 0] - optimum.upper
    rise = rises(evidence)
    stationarity, bound = _stationarity(inspection, verifications["B10"])
    inside = inspection.in_domain | ~inspection.alive
    iterations, gap = _progress(inspection, optimum, eps)
    return Entry(
        part=case.part,
        family=case.family,
        term=case.term,
        convex=case.convex,
        shift=shift,
        method=method,
        instances=run.batch_size,
        held={name: _held(v) for name, v in (verifications | needy).items()},
        asked={name: _asked(v) for name, v in bare.items()},
        ledger={name: _least(parts, name, size) for name in LEDGERS},
        least_convexity=_finite_min(parts.convexity.min(axis=1) / np.where(size > 0, size, np.nan)),
        steps_judged=rise.judged,
        rises=rise.count,
        least_rho_of_rises=rise.least_rho,
        unexplained=rise.unexplained,
        stationarity=stationarity,
        stationarity_bound=bound,
        gradient_growth=_growth(inspection),
        infeasible=int((~inside).sum()),
        left_at=tuple(None if row.all() else int(row.argmin()) for row in inside),
        gap=gap,
        iterations=iterations,
        broken=_broken(verifications, needy if case.convex else {}, parts, bare, rise),
    )


@dataclass(frozen=True)
class Rises:
    """Steps at which F rises beyond rounding; `unexplained` ones have rho <= 1 beyond rounding, against B1."""

    judged: int
    count: int
    least_rho: float | None
    unexplained: int
    where: np.ndarray


def rises(evidence: Evidence) -> Rises:
    """By B1 F rises only where rho > 1: every step of the run is looked at."""
    inspection = evidence.inspection
    usable = inspection.alive[:, 1:] & inspection.in_domain[:, :-1] & inspection.in_domain[:, 1:]
    change = np.diff(inspection.objective, axis=1)
    blur = inspection.objective_error[:, 1:] + inspection.objective_error[:, :-1]
    up = usable & (change > blur)
    q = evidence.quantities(1.0)
    rho, error = q.values["sigma"], q.error("sigma")
    with np.errstate(invalid="ignore"):
        wrong = up & (rho + error < 1)
    return Rises(int(usable.sum()), int(up.sum()), _finite_min(rho[up]), int(wrong.sum()), up)


def _held(v: Verification) -> dict[str, Any]:
    judged = v.judged
    tight = v.tightness[judged]
    tight = tight[np.isfinite(tight)]
    return {
        **{str(verdict): v.count(verdict) for verdict in Verdict},
        "vacuous": int((v.vacuous & judged).sum()),
        "tightness": float(np.median(tight)) if tight.size else None,
    }


def _asked(v: Verification) -> dict[str, int]:
    """Of a comparison with F(z): an interval of F* has no part in it."""
    outside = v.verdict == Verdict.NOT_APPLICABLE
    false = ~outside & (v.lhs - v.rhs > v.tolerance)
    return {"false": int(false.sum()), "holds": int((~outside & ~false).sum()), "outside": int(outside.sum())}


def _least(parts: Ledger, bound: str, size: np.ndarray) -> dict[str, float] | None:
    with np.errstate(invalid="ignore", divide="ignore"):
        slack = np.where(size > 0, parts.slack(bound) / size, np.nan)
    if not np.isfinite(slack).any():
        return None
    b = int(np.nanargmin(slack))
    return {part: float(parts.parts[bound][part][b] / size[b]) for part in PARTS}


def _stationarity(inspection: Inspection, b10: Verification) -> tuple[float | None, float | None]:
    """Median over the runs judged of min_k ||G_k||^2 and of B10, which bounds it, both over ||G_1||^2."""
    assert has_points(inspection)  # the runs here are recorded with all their arrays
    total = inspection.gradient + inspection.subgradient
    g2 = (total**2).sum(axis=2)
    judged = b10.judged & np.isfinite(b10.rhs) & (g2[:, 0] > 0)
    if not judged.any():
        return None, None
    first = g2[judged, 0]
    return float(np.median(g2[judged].min(axis=1) / first)), float(np.median(b10.rhs[judged] / first))


def _growth(inspection: Inspection) -> float | None:
    assert has_points(inspection)
    sizes = norm(np.concatenate([inspection.gradient, inspection.end_gradient[:, None]], axis=1))
    judged = inspection.finite & (sizes[:, 0] > 0)
    return float(np.median(sizes[judged].max(axis=1) / sizes[judged, 0])) if judged.any() else None


def _progress(inspection: Inspection, optimum: Optimum, eps: float) -> tuple[tuple[int | None, ...], float | None]:
    inside = inspection.alive & inspection.in_domain
    objective = np.where(inside, inspection.objective, np.inf)
    reached = first_below(relative_to_start(gaps(objective, optimum)), eps).certain
    at_z = replace(optimum, lower=optimum.upper)
    last = relative_to_start(gaps(objective, at_z)).low[:, -1]
    iterations = tuple(None if k == NEVER else int(k) for k in reached)
    return iterations, float(np.median(last[np.isfinite(last)])) if np.isfinite(last).any() else None


def _finite_min(values: np.ndarray) -> float | None:
    values = values[np.isfinite(values)]
    return float(values.min()) if values.size else None


def _broken(
    surviving: dict[str, Verification],
    needy: dict[str, Verification],
    parts: Ledger,
    bare: dict[str, Verification],
    rise: Rises,
) -> tuple[str, ...]:
    contradictions = [f"{name} is violated" for name, v in (surviving | needy).items() if v.count(Verdict.VIOLATED)]
    contradictions += [f"it is not true that {c.statement}" for c in surviving["B1"].data if not c.holds.all()]
    if rise.unexplained:
        contradictions.append("F rises at a step with rho <= 1")
    for name in LEDGERS:
        with np.errstate(invalid="ignore"):
            off = np.abs(parts.slack(name) - (bare[name].rhs - bare[name].lhs)) > ROUNDING * parts.size
        if (off & np.isfinite(parts.size)).any():
            contradictions.append(f"the ledger of {name} does not add up")
    return tuple(contradictions)
