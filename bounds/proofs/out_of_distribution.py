"""Proofs of B6, B6b and B6c: rates out of distribution, with arbitrary deviations."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from ..vocabulary import Q, k
from ._claims import (
    COUNT,
    EACH_UNIT_STEP,
    HEAVY_WEIGHT,
    INDEX_FROM_2,
    LONG_CASE,
    SHORT_CASE,
    UNIT_STEP,
    Argument,
    Claim,
    Earlier,
    Factor,
    Part,
    Term,
    Use,
    term,
    use,
)
from ._facts import DEFINITIONS
from ._goal import Goal, named
from ._symbols import BEFORE, DEVIATION, END, FIRST, NOW, STEP, L, Point, Z, at_step, h, size, symbol
from ._telescope import from_zero, in_one_go, telescope
from .descent import ENORM, GNORM, ONE_STEP, relative_deviation, virtual_norm

K = Q.K
y, y_before = NOW.x - Z.x, BEFORE.x - Z.x
d = BEFORE.g - NOW.g
DIST = size("dist", "k")


def multi_steps() -> tuple[Term, ...]:
    """B6 at one step: descent lemma, convexity at z, subgradient inequality."""
    return (
        term(1 / K, use("descent_lemma", BEFORE, NOW)),
        term(1 / K, use("convexity", Z, BEFORE)),
        term(1 / K, use("subgradient", Z, NOW)),
    )


def multi_step(goal: Goal) -> Argument:
    """B6."""
    return in_one_go(goal, *telescope(goal, multi_steps()))


def weight(index: sp.Expr) -> sp.Expr:
    """a_k = (K+1-k)/(K+2-k) of B6b, 0 at k = K+1."""
    return (K + 1 - index) / (K + 2 - index)


def sharp_steps(nonsmooth: Use | None = None) -> list[Term]:
    """B6b at one step, for h <= 1, times h K; `nonsmooth` in place of the subgradient inequality of r."""
    a = weight(k)
    return [
        *_sharp_core(a, lambda p: use("convexity", Z, p), nonsmooth),
        term(h * a * (1 - h) / (2 * L), square=d),
    ]


def sharp_start() -> list[Term]:
    """What B6b needs at x_0, for h <= 1."""
    return [term(h * weight(1), use("convexity", Z, FIRST))]


def _sharp_core(a: sp.Expr, at_z: Callable[[Point], Use], nonsmooth: Use | None = None) -> list[Term]:
    return [
        term(h * a, use("smooth_interpolation", BEFORE, NOW, L)),
        term(h * (1 - a + weight(k + 1)), at_z(NOW)),
        term(h, nonsmooth or use("subgradient", Z, NOW)),
        term(L / (2 * a), square=y - a * y_before + h * a / L * d),
    ]


def _at_z(point: Point) -> Use:
    return use("smooth_interpolation", Z, point, L)


def _long_sharp() -> tuple[list[Term], list[Term]]:
    """B6b for h > 1: steps and start.

    Interpolation at z leaves b_k ||y_k||^2 with y_k = grad f(x_k) - grad f(z), which pays for (h-1) a_k ||y_{k-1} -
    y_k||^2 <= 2 (h-1) a_k (||y_{k-1}||^2 + ||y_k||^2).
    """
    a, after = weight(k), weight(k + 1)
    now, before, first = NOW.g - Z.g, BEFORE.g - Z.g, FIRST.g - Z.g
    left = h / (2 * L) * (1 - a + after - 2 * (h - 1) * (a + after))
    steps = [*_sharp_core(a, _at_z), term((h - 1) * h / (2 * L) * a, square=now + before), term(left, square=now)]
    start = [
        term(h * weight(1), _at_z(FIRST)),
        term(h / (2 * L) * weight(1) * (3 - 2 * h), square=first),
    ]
    return steps, start


def _sharp_claims(goal: Goal, extra: Term | None = None) -> tuple[list[Claim], tuple[Part, ...]]:
    """B6b for short and for long steps; `extra` is one more term at each step."""
    more = [] if extra is None else [extra]
    steps, start = _long_sharp()
    pairs = [
        telescope(goal, [*sharp_steps(), *more], sharp_start(), scale=h * K, ranges=(SHORT_CASE,)),
        telescope(goal, [*steps, *more], start, scale=h * K, ranges=(LONG_CASE,), name="invariant for long steps"),
    ]
    return [claim for claim, _ in pairs], tuple(part for _, part in pairs)


def sharp(goal: Goal, extra: Term | None = None) -> Argument:
    """B6b: the exact identity of its catalogue entry, and with interpolation at z up to h = 5/4."""
    claims, parts = _sharp_claims(goal, extra)
    return Argument((*claims, Claim("bound", "the bound", goal.expression, parts)), goal.sums)


def sharp_magnitude(goal: Goal) -> Argument:
    """B6b by the size of the deviations."""
    return sharp(goal, term(L, _against()))


def _against() -> Use:
    """||e_k|| ||x_k - z|| + <e_k, x_k - z> >= 0."""
    return use("cauchy_schwarz", ENORM, DIST, -DEVIATION, y)


def _mean_goal(goal: Goal, less: sp.Expr) -> tuple[Goal, sp.Expr]:
    """The goal about the mean of F, from one about F at a point; and the mean."""
    sums = dict(goal.sums)
    mean = symbol(named(sums, NOW.F), "K") / K
    return Goal(goal.expression + less - mean, sums), mean


def best_iterate(goal: Goal) -> Argument:
    """The least F is at most the mean."""
    mean_goal, mean = _mean_goal(goal, Q.F_best)
    claims, parts = _sharp_claims(mean_goal)
    least = use("hypothesis", NOW.F - Q.F_best, label="F_best <= F(x_k)")
    total = mean * K
    below = from_zero("least", "K F_best <= sum F", at_step(total) - k * Q.F_best, term(1, least))
    return _from_mean(goal, mean_goal, claims, parts, below, term(1 / K, Earlier("least", "K", K)))


def average_point(goal: Goal) -> Argument:
    """Jensen."""
    mean_goal, mean = _mean_goal(goal, Q.F_mean)
    claims, parts = _sharp_claims(mean_goal)
    jensen = use("jensen", mean - Q.F_mean, label="jensen: F(mean of x_k) <= mean of F(x_k)")
    return _from_mean(goal, mean_goal, claims, parts, None, term(1, jensen))


def _from_mean(
    goal: Goal, mean: Goal, claims: list[Claim], parts: tuple[Part, ...], extra: Claim | None, end: Term
) -> Argument:
    """The bound from one on the mean of F and a last term."""
    more = [Claim("mean", "the bound on the mean of F", mean.expression, parts)] + ([] if extra is None else [extra])
    last = Claim("bound", "the bound", goal.expression, (Part((term(1, Earlier("mean")), end), (COUNT,)),))
    return Argument((*claims, *more, last), mean.sums)


SIGMA = size("sigma", "k")


def _monotone() -> Claim:
    """F decreases (B2), so its last value is at most its mean."""
    return Claim(
        "descent",
        "F(x_k) <= F(x_{k-1})",
        BEFORE.F - NOW.F,
        (
            Part(
                (
                    *ONE_STEP,
                    *relative_deviation(SIGMA),
                    term(GNORM**2 * (2 - h + SIGMA) / (2 * L), use("hypothesis", h - SIGMA, label="sigma_k <= h")),
                ),
                (UNIT_STEP,),
            ),
        ),
    )


def _last_of_monotone(goal: Goal, claim: Claim, part: Part, mean_goal: Goal, mean: sp.Expr) -> Argument:
    least = from_zero("least", "K F(x_K) <= sum F", at_step(mean * K) - k * NOW.F, term(k - 1, Earlier("descent")))
    claims = [claim, _monotone()]
    return _from_mean(goal, mean_goal, claims, (part,), least, term(1 / K, Earlier("least", "K", K)))


def sharp_last(goal: Goal) -> Argument:
    """B6b of a monotone run."""
    mean_goal, mean = _mean_goal(goal, END.F)
    parts = telescope(mean_goal, sharp_steps(), sharp_start(), scale=h * K, ranges=(UNIT_STEP,))
    return _last_of_monotone(goal, *parts, mean_goal, mean)


def multi_step_last(goal: Goal) -> Argument:
    """B6 of a monotone run."""
    mean_goal, mean = _mean_goal(goal, END.F)
    return _last_of_monotone(goal, *telescope(mean_goal, multi_steps()), mean_goal, mean)


def multi_step_magnitude(goal: Goal) -> Argument:
    """B6 by the size of the deviations."""
    steps = (*multi_steps(), term(L / (h * K), _against()))
    return in_one_go(goal, *telescope(goal, steps))


def multi_step_virtual(goal: Goal) -> Argument:
    """B6 by the magnitude of the feature shift."""
    small = use("hypothesis", virtual_norm() - ENORM, label="||e'_k|| is at most the virtual decomposition (B4)")
    steps = (*multi_steps(), term(L / (h * K), _against()), term(L / (h * K) * DIST, small))
    return in_one_go(goal, *telescope(goal, steps))


def bonus(goal: Goal) -> Argument:
    """B6b with interpolation in place of convexity at z, which leaves the gradients' differences."""
    a = weight(k)
    steps = [*_sharp_core(a, _at_z), term(h * a * (1 - h) / (2 * L), square=d)]
    start = [term(h * weight(1), _at_z(FIRST))]
    return in_one_go(goal, *telescope(goal, steps, start, scale=h * K, ranges=(UNIT_STEP,)))


def inexact_prox(goal: Goal) -> Argument:
    """B6b with eps-subgradients of r."""
    steps = sharp_steps(use("inexact_subgradient", Z, NOW, size("eps", "k")))
    return in_one_go(goal, *telescope(goal, steps, sharp_start(), scale=h * K, ranges=(UNIT_STEP,)))


def varying_steps(goal: Goal) -> Argument:
    """B6b with a reference step for each step."""
    h_k, a = size("step_h", "k"), weight(k)
    steps = (
        term(h_k * a, use("smooth_interpolation", BEFORE, NOW, L)),
        term(h_k * (1 - a), use("convexity", Z, NOW)),
        term(h_k * a, use("convexity", Z, BEFORE)),
        term(h_k, use("subgradient", Z, NOW)),
        term(L / (2 * a), square=y - a * y_before + h_k * a / L * d),
        term(h_k * a * (1 - h_k) / (2 * L), square=d),
    )
    return in_one_go(goal, *telescope(goal, steps, scale=K, ranges=(EACH_UNIT_STEP,)))


def weighted(goal: Goal) -> Argument:
    """B6b for a weighted mean; v_{k-1} = a_k W_k with a_k = W_k/(2 W_k - v_k)."""
    W, v, M = size("weight", "k"), size("pot", "k"), L / h
    a = W / (2 * W - v)
    free = use("hypothesis", W - size("pot", "j") + v, label="W_k - v_{k-1} + v_k >= 0")
    steps = (
        term(W * a, use("smooth_interpolation", BEFORE, NOW, M)),
        term(1, free, use("convexity", Z, NOW)),
        term(W, use("subgradient", Z, NOW)),
        term(M * W / (2 * a), square=y - a * y_before + a / M * d),
    )
    start = (term(size("pot", "0"), use("convexity", Z, FIRST)),)
    definitions = (DEFINITIONS["potential"], DEFINITIONS["last potential"])
    parts = telescope(goal, steps, start, ranges=(UNIT_STEP, HEAVY_WEIGHT), definitions=definitions)
    return in_one_go(goal, *parts, definitions=definitions)


def _u(index: sp.Expr) -> sp.Expr:
    return 2 * K - index


_SIZE = K * (2 * k - 1) - k * (k - 1)
"""Of the squares of B6c: (k-1) u_k + k u_{k-1} = 2 _SIZE."""
_NARROW = 1 + (k - 1) * (K - 1)
_SPENT = 1 / (4 * _u(k - 1) * _NARROW)
"""What a step takes of ||grad f(x) - grad f(z)||^2/L, twice, at x_{k-1} and at x_k."""


def _carried(index: sp.Expr) -> sp.Expr:
    return index / (2 * K * (index**2 + 1))


def _from_one(name: str, says: str, expression: sp.Expr) -> Claim:
    """A claim about numbers that is 0 at k = 1 and plain from k = 2 on."""
    return Claim(
        name, says, expression, (Part((), (COUNT,), "at k = 1", position=1), Part((term(expression),), (INDEX_FROM_2,)))
    )


ROOM = (
    _from_one("curved", "a step takes enough", _SIZE - k * (1 - (k - 2) * (2 * K - 1 - k) / 2) * _NARROW),
    _from_one(
        "paid",
        "and no more than interpolation at z leaves at x_{k-1}",
        (k / _u(k - 1) - (k - 1) / _u(k - 2)) / 2 - _carried(k - 1) - 2 * _SPENT,
    ),
    _from_one("left", "or is carried along at x_k", _carried(k) - 2 * _SPENT),
)
"""Numbers of B6c at h = 3/2."""


def last_iterate_steps(within: Factor | None = None) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """B6c at one step and at the end, from h = 3/2: the difference, in 1/h, is a square.

    Interpolation at z leaves nu_k ||y_k||^2/(2L) with y_k = grad f(x_k) - grad f(z). Where the square of w and d falls
    short of mu_k ||d||^2/(2L), d = y_{k-1} - y_k, at k = 1 and 2, it pays for the rest (`ROOM`).

    Args:
        within: 3/2 - h >= 0, unless the ranges of the proof say so.
    """
    alpha, w = (k - 1) / _u(k - 1), _u(k - 1) * y - _u(k) * y_before
    weight_ = _SIZE / (_u(k - 1) * _u(k)) ** 2
    short, curved, paid, left = sp.Rational(3, 2) - h, *(Earlier(claim.name) for claim in ROOM)
    spare = term(
        2 * L / (3 * h) * weight_ * (short if within is None else 1), *([] if within is None else [within]), square=w
    )
    now, before = NOW.g - Z.g, BEFORE.g - Z.g
    steps = (
        term(k / _u(k - 1), use("smooth_interpolation", BEFORE, NOW, L)),
        term(k / _u(k - 1) - (k - 1) / _u(k - 2), _at_z(BEFORE)),
        term(alpha, use("subgradient", BEFORE, NOW)),
        term(k / _u(k) - alpha, use("subgradient", Z, NOW)),
        term(2 * L / 3 * weight_, square=w + 3 * k * _u(k - 1) * _u(k) / (4 * L * _SIZE) * d),
        spare,
        term(_SPENT / L, square=now + before),
        term(_SPENT / (L * _SIZE), curved, square=d),
        term(1 / L, paid, square=before),
        term(1 / L, left, square=now),
    )
    end = (
        term(1 / (K + 1), _at_z(END)),
        term((K**2 - K) / (2 * L * (K + 1) * (K**2 + 1)), square=END.g - Z.g),
    )
    return steps, end


WITHIN = use("hypothesis", sp.Rational(3, 2) - h, label="h <= 3/2")


def last_iterate(goal: Goal) -> Argument:
    """B6c."""
    steps, end = last_iterate_steps(WITHIN)
    return in_one_go(goal, *telescope(goal, steps, (), end, claims=ROOM), *ROOM)


def last_iterate_magnitude(goal: Goal) -> Argument:
    """B6c by the size of the deviations."""
    steps, end = last_iterate_steps(WITHIN)
    alpha, after = (k - 1) / (2 * K - k + 1), k / (2 * K - k)
    more = (
        term(L / h * (after - alpha), _against()),
        term(L / h * alpha, use("cauchy_schwarz", ENORM, size("Dnorm", "k"), DEVIATION, STEP)),
    )
    return in_one_go(goal, *telescope(goal, (*steps, *more), (), end, claims=ROOM), *ROOM)


ARGUMENTS = {
    "ood_multi_step": multi_step,
    "ood_multi_step:magnitude": multi_step_magnitude,
    "ood_multi_step:virtual": multi_step_virtual,
    "ood_multi_step:last_iterate": multi_step_last,
    "ood_multi_step_sharp": sharp,
    "ood_multi_step_sharp:magnitude": sharp_magnitude,
    "ood_multi_step_sharp:last_iterate": sharp_last,
    "ood_multi_step_sharp:best_iterate": best_iterate,
    "ood_multi_step_sharp:average_point": average_point,
    "ood_multi_step_sharp:bonus": bonus,
    "ood_multi_step_sharp:inexact_prox": inexact_prox,
    "ood_multi_step_sharp:varying_steps": varying_steps,
    "ood_multi_step_sharp:weighted": weighted,
    "ood_last_iterate": last_iterate,
    "ood_last_iterate:magnitude": last_iterate_magnitude,
}
"""Arguments by the name of their bound."""
