"""Two problems in one variable on which exact steps descend, and the bounds that need a convex f are false.

Plateau: f(x) = (1 - exp(-x^2))/2 from x_0 = 4, where f is flat: every step 1/L descends, and hardly moves. F* = 0 is
attained at 0, by hand.

Local minimum: f(x) = sum_j (1 - exp(-(x - y_j)^2))/2 for y = (0, 0, 4) from x_0 = 4.5: every step descends, to the
local minimum near 4, while the least value is near 0. F* is certified on a grid: f' has the sign of x - y_j for all j
outside of [min y, max y], and between two points of the grid f is above the chord less L (width)^2/8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from .... import l2o
from ....l2o import Composite
from ...optima import Optimum
from ...optima import optimum as certify
from ...runs.inspection import as_numpy
from ...runs.point_inspection import has_points
from ...support.plain import plain
from ...verdicts.evidence import Evidence, gather
from ...verdicts.judge import judge
from ...verdicts.verdict import Verdict
from ...verdicts.verification import Verification
from ._ledger import LEDGERS, ledger
from ._measure import rises, without_convexity

GRID = 200_001
BOUNDS = ("B3", "B6", "B6b", "B6c", "B8")
_AT = (1, 2, 3, 5, 8, 12, 16, 20, 30, 40, 50, 70, 100)


@dataclass(frozen=True)
class Counterexample:
    """Gradient descent with step 1/L on a problem in one variable over K steps.

    `gap` and `gap_low`: F(x_k) - F* at the ends of the certified interval, k = 0..K. `curves`: bound -> right-hand side
    for runs of `at` steps (None where none is known); `first_false`: bound -> the least number of steps at which it is
    false, None if at none of them. `verdicts`: what `verify` says at K, and `bare` what it would say without the
    hypothesis. `descends`: B1 and B2 hold at every step that rounding does not hide, `shown`
    of them, and F never rises beyond rounding; `largest_rho`, `stationarity` (B10 at K).
    `ledger`: what each inequality adds to rhs - lhs at K. `convexity`: f(x*) - f(x_k) - f'(x_k)(x* - x_k), at k = 0
    and the least of the run.
    """

    name: str
    formula: str
    smoothness: float
    x: tuple[float, ...]
    minimiser: float
    lower: float
    upper: float
    gap: tuple[float, ...]
    at: tuple[int, ...]
    curves: dict[str, tuple[float | None, ...]]
    first_false: dict[str, int | None]
    verdicts: dict[str, str]
    bare: dict[str, str]
    descends: bool
    shown: int
    largest_rho: float
    stationarity: tuple[float, float]
    ledger: dict[str, dict[str, float]]
    convexity: tuple[float, float]
    landscape: tuple[tuple[float, ...], tuple[float, ...]]


def plateau() -> tuple[Composite, float]:
    """f(x) = (1 - exp(-x^2))/2 and x_0 = 4."""
    return Composite(l2o.welsch(np.eye(1), np.zeros((1, 1)), 1.0), l2o.zero()), 4.0


def local_minimum() -> tuple[Composite, float]:
    """f(x) = sum_j (1 - exp(-(x - y_j)^2))/2, y = (0, 0, 4), and x_0 = 4.5."""
    return Composite(l2o.welsch(np.ones((3, 1)), np.array([[0.0, 0.0, 4.0]]), 1.0), l2o.zero()), 4.5


def counterexamples() -> tuple[Counterexample, ...]:
    """Both of them; the second for as many steps as float64 has left of the way to the local minimum."""
    flat, x0 = plateau()
    first = counterexample("plateau", "(1 - exp(-x²))/2", flat, x0, certify(flat, cache=False), 100)
    two, x0 = local_minimum()
    formula = "(3 - 2 exp(-x²) - exp(-(x - 4)²))/2"
    return first, counterexample("local minimum", formula, two, x0, certify_line(two), 70)


def certify_line(problem: Composite, points: int = GRID) -> Optimum:
    """The certified optimum of a residual loss of A = (1, ..., 1)' in one variable, r = 0."""
    smooth: Any = problem.smooth
    y = as_numpy(smooth.target)[0]
    x = torch.linspace(float(y.min()), float(y.max()), points, dtype=torch.float64).unsqueeze(-1)
    many = problem.select(torch.zeros(points, dtype=torch.long))
    value, error = as_numpy(many.objective(x)), as_numpy(many.objective_error(x))
    width = float((x[1:] - x[:-1]).max()) * (1 + 1e-12)
    L = as_numpy(problem.smoothness + problem.smooth.smoothness_error)[0]
    lower = (value - error).min() - L * width**2 / 8
    end = l2o.rollout(l2o.optimizer("gradient-descent"), problem, x[int(value.argmin())].reshape(1, 1), 100).x_final
    upper = as_numpy(problem.objective(end) + problem.objective_error(end))
    names = ("grid",), ("chords of a grid",), (None,)
    return Optimum(np.array([lower]), upper, as_numpy(end), *names, problem=problem.fingerprint())


def counterexample(
    name: str, formula: str, problem: Composite, start: float, optimum: Optimum, steps: int
) -> Counterexample:
    """Hold the bounds against gradient descent from `start`, with and without the hypothesis of convexity."""
    run = l2o.rollout(l2o.optimizer("gradient-descent"), problem, torch.full((1, 1), start).double(), steps)
    evidence = gather(run, problem, optimum=optimum)
    inspection = evidence.inspection
    assert has_points(inspection)
    verifications = {n: judge(n, evidence) for n in ("B1", "B2", "B10", *BOUNDS)}
    bare_verifications = {n: without_convexity(n) for n in BOUNDS}

    @cache
    def head(k: int) -> Evidence:
        return evidence if k == steps else gather(run.head(k), problem, optimum=optimum)

    @cache
    def bare(k: int, n: str) -> Verification:
        """The bound on the first k steps, as if it did not ask for convexity."""
        return judge(bare_verifications[n], head(k))

    def is_false(n: str, k: int) -> bool:
        return bare(k, n).overall == Verdict.VIOLATED

    at = tuple(sorted({k for k in _AT if k <= steps} | {steps}))
    lines = {n: tuple(plain(bare(k, n).rhs[0]) for k in at) for n in BOUNDS}
    parts = ledger(inspection, np.array(optimum.x))
    # Near the local minimum the decreases of F are below its rounding, and B1 and B2 cannot be judged.
    proved_steps = min(verifications[n].count(Verdict.VERIFIED) for n in ("B1", "B2"))
    hidden = [verifications[n].within_rounding | (verifications[n].verdict == Verdict.VERIFIED) for n in ("B1", "B2")]
    descent = (
        proved_steps > 0
        and all(h.all() for h in hidden)
        and not any(verifications[n].count(Verdict.VIOLATED) for n in verifications)
    )
    x, objective = as_numpy(run.x)[0, :, 0], inspection.objective[0]
    line = np.linspace(min(x.min(), optimum.x[0, 0]) - 1, x.max() + 1, 161)
    many = problem.select(torch.zeros(len(line), dtype=torch.long))
    drawn = as_numpy(many.objective(torch.from_numpy(line).unsqueeze(-1)))
    g2 = (inspection.gradient[0] ** 2).sum(axis=-1)
    return Counterexample(
        name=name,
        formula=formula,
        smoothness=float(problem.smoothness[0]),
        x=tuple(map(float, x)),
        minimiser=float(optimum.x[0, 0]),
        lower=float(optimum.lower[0]),
        upper=float(optimum.upper[0]),
        gap=tuple(map(float, objective - optimum.upper[0])),
        at=at,
        curves=lines,
        first_false={n: _first(partial(is_false, n), at) for n in BOUNDS},
        verdicts={n: str(v.overall) for n, v in verifications.items()},
        bare={n: str(bare(steps, n).overall) for n in BOUNDS},
        descends=descent and rises(evidence).count == 0,
        shown=proved_steps,
        largest_rho=float(run.relative_deviation.max()),
        stationarity=(float(g2.min()), float(verifications["B10"].rhs[0])),
        ledger={n: {part: float(v[0]) for part, v in parts.parts[n].items()} for n in LEDGERS},
        convexity=(float(parts.convexity[0, 0]), float(parts.convexity[0].min())),
        landscape=(tuple(map(float, line)), tuple(map(float, drawn))),
    )


def _first(false: Callable[[int], bool], at: tuple[int, ...]) -> int | None:
    """The least k with false(k), by halving after the last k of `at` without: once it is, it stays so to the end.

    That is what the runs here do: F - F* hardly falls, and the bounds fall like 1/k.
    """
    if not false(at[-1]):
        return None
    low, high = max((k for k in at if not false(k)), default=0), at[-1]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if false(middle) else (middle, high)
    return high
