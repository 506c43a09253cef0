r"""What the catalogue says of a relative deviation: where guarantees end, what they cost, and the exact worst case.

Every number is read off the catalogue's own formulas (B8, B13, B3) with sympy, or solved for by `bounds.worst_case`;
nothing is typed in again. Three numbers of a deviation rho are kept apart:

* what the guarantee B8 grows by: rhs(rho)/rhs(0) as K grows. A ratio of two upper bounds, so it bounds nothing by
  itself: the run may do better, and its worst case grows by more.
* what the exact worst case grows by: F(x_K) - F* over all f, r and runs of that profile, against exact steps (B3).
* what runs grow by: measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from .... import bounds
from ....bounds.quantities import VOCABULARY
from ...support.plain import plain
from ...worst_cases.exact import answered

GRID = 10_000
"""Profiles are rounded up to 1/GRID: equal ones are solved once, and a larger class is an upper bound."""
SLACK = 1e-9
"""What is rounding of a measured deviation: .5000000001 is .5."""
HOPELESS = Fraction(999, 1000)
"""With r, the worst case grows beyond every number as the deviation tends to 1, and the solver with it."""
TOO_LARGE = 1e3
"""Worst cases known to be larger, in units of L R^2, are not solved for: they say that nothing is known, and solvers
stop without a result."""


def _symbol(name: str) -> Any:
    return VOCABULARY[name].symbol


def rate_name(smooth: bool) -> str:
    """The entry of B8 that fits r = 0, or any r."""
    return "relative_deviation_rate:smooth" if smooth else "relative_deviation_rate"


@cache
def _rate(smooth: bool) -> sp.Expr:
    """B8 with h = 1, tau = 0 and Delta = L = 1, in sigma_max and K."""
    plain = {_symbol("h"): 1, _symbol("tau"): 0, _symbol("Delta"): 1, _symbol("L"): 1}
    return bounds.get(rate_name(smooth)).rhs.subs(plain)


@cache
def _factor() -> sp.Expr:
    """lim rhs(rho)/rhs(0) of B8 as K grows, in sigma_max; the same for both entries."""
    roots = []
    for smooth in (True, False):
        rate = _rate(smooth)
        roots.append(sp.simplify(sp.limit(rate / rate.subs(_symbol("sigma_max"), 0), _symbol("K"), sp.oo)))
    if sp.simplify(roots[0] - roots[1]) != 0:
        raise AssertionError(f"the entries of B8 disagree on the factor: {roots}")
    return roots[0]


def guarantee_factor(rho: float) -> float | None:
    """What B8 grows by for many steps, None where it says nothing."""
    if rho >= vacuous_rho():
        return None
    return float(_factor().subs(_symbol("sigma_max"), rho))


@cache
def vacuous_rho() -> float:
    """The least rho >= 0 at which B8 is no rate any more: the factor is infinite."""
    rho = _symbol("sigma_max")
    zeros = sp.solveset(sp.numer(sp.together(1 / _factor())), rho, sp.Interval(0, sp.oo))
    return float(min(zeros))


@cache
def vacuous_delta_sum() -> float:
    """The ||delta1||_inf + ||delta2||/||G|| at which B13 guarantees no descent any more."""
    entry = bounds.get("B13")
    total = sp.Symbol("total", nonnegative=True)
    k = sp.Symbol("k", integer=True)
    at = {_symbol("G2")[k]: 1, _symbol("delta1")[k]: 0, _symbol("delta2")[k]: total, _symbol("L"): 1}
    zeros = sp.solveset(sp.together(entry.rhs.subs(at) - entry.vacuous_above), total, sp.Interval(0, sp.oo))
    return float(min(zeros))


def vacuous_size(optimizer_of: Any) -> dict[str, float | None]:
    """The size at which B8 and B13 turn vacuous for a pattern, a function size -> optimizer; None if the run decides.

    Levels and deltas of the patterns are proportional to the size, so one size tells.
    """
    probe = 0.5
    one = optimizer_of(probe)
    rho = None if one.level is None else probe * vacuous_rho() / one.level
    deltas = None if one.deltas is None else probe * vacuous_delta_sum() / sum(one.deltas)
    return {"B8": rho, "B13": deltas}


def exact_steps(smooth: bool, K: int) -> float:
    """The worst case of K exact steps 1/L over L R^2, from B3."""
    rhs = bounds.get("ind_rate:smooth" if smooth else "ind_rate:exact").rhs
    return float(rhs.subs({_symbol("h"): 1, _symbol("R"): 1, _symbol("L"): 1, _symbol("K"): K}))


def worth(smooth: bool, worst: float, K: int) -> float:
    """K over the number of exact steps 1/L (a real number, by B3) whose worst case is `worst`; inf if that is none."""
    steps = sp.Symbol("steps", positive=True)
    rhs = bounds.get("ind_rate:smooth" if smooth else "ind_rate:exact").rhs
    rhs = rhs.subs({_symbol("h"): 1, _symbol("R"): 1, _symbol("L"): 1, _symbol("K"): steps})
    (inverse,) = sp.solve(sp.Eq(sp.Symbol("value"), rhs), steps, dict=True) or [{}]
    number = float(inverse[steps].subs(sp.Symbol("value"), worst))
    return K / number if number > 1e-6 else np.inf


@dataclass(frozen=True)
class Worst:
    """A worst case over L R^2: `value` None where it is +inf or was not found, and why."""

    value: float | None
    reason: str = ""


def profile_of(rho: np.ndarray) -> tuple[Fraction, ...]:
    """The largest deviation of each step over the instances (B,K), rounded up to 1/GRID beyond `SLACK`."""
    return tuple(Fraction(max(1, int(np.ceil((float(v) - SLACK) * GRID))), GRID) for v in rho.max(axis=0))


@cache
def profile_worst(smooth: bool, profile: tuple[Fraction, ...]) -> Worst:
    """The exact worst case of a profile of relative deviations, K = its length, as the solver found it."""
    if not smooth and max(profile) > 1:
        return Worst(None, "+inf: a deviation above 1 may step backwards")
    if not smooth and max(profile) > HOPELESS:
        return Worst(None, "not solved: beyond every number as the deviation tends to 1")
    # f = L x^2/2 and u_k = rho_k G_k, so that x_k = -rho_k x_{k-1}
    least = float(np.prod([float(rho) ** 2 for rho in profile])) / 2 if smooth else 0.0
    if least > TOO_LARGE:
        return Worst(None, f"not solved: at least {least:.3g}, on f = L x^2/2")
    name, method = ("smooth_convex", "gradient") if smooth else ("composite", "proximal_gradient")
    worst_case = _solved(function_class=name, method=method, steps=len(profile), relative_error=list(profile))
    if worst_case.value is None and smooth:
        return Worst(None, f"{worst_case.reason}; at least {least:.3g}, on f = L x^2/2")
    return worst_case


@cache
def method_worst(smooth: bool, name: str, size: float, K: int) -> Worst | None:
    """The exact worst case of the pattern itself, where its coefficients are scalars; None for other patterns."""
    function_class = "smooth_convex" if smooth else "composite"
    plain = "gradient" if smooth else "proximal_gradient"
    if name in ("short-step", "long-step"):
        scale = 1 + (size if name == "long-step" else -size)
        return _solved(function_class=function_class, method=plain, steps=K, step=scale)
    if name == "momentum-weight":
        # -q v with v the step before, is + q (x_{k-1} - x_{k-2})
        return _solved(function_class=function_class, method="go_math", steps=K, momentum=(size, 0.0))
    return None


def _solved(**question: Any) -> Worst:
    return Worst(*answered(lambda answer: answer.value, **question))


def costs(rhos: Sequence[float], K: int) -> list[dict[str, Any]]:
    """For each rho: what B8 grows by, and for r = 0 and any r the exact worst case after K steps and its cost."""
    rows = []
    for rho in rhos:
        row: dict[str, Any] = {"rho": float(rho), "guarantee_factor": guarantee_factor(rho)}
        for word, smooth in (("smooth", True), ("composite", False)):
            worst_case = profile_worst(smooth, profile_of(np.full((1, K), rho)))
            row[word] = {
                "worst": worst_case.value,
                "reason": worst_case.reason,
                "ratio": None if worst_case.value is None else worst_case.value / exact_steps(smooth, K),
                "worth": None if worst_case.value is None else plain(worth(smooth, worst_case.value, K)),
            }
        rows.append(row)
    return rows
