"""Proofs of B6, B6b and B6c: rates out of distribution, with arbitrary deviations."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from .._vocabulary import Q, k
from ._claims import LONG_CASE, SHORT_CASE, UNIT_STEP, Argument, Claim, Term, Use, term, use
from ._goal import Goal
from ._symbols import BEFORE, END, FIRST, NOW, L, Point, Z, h
from ._telescope import in_one_go, telescope

K = Q.K
y, y_before = NOW.x - Z.x, BEFORE.x - Z.x
d = BEFORE.g - NOW.g


def multi_step(goal: Goal) -> Argument:
    """B6: descent lemma, convexity at z and the subgradient inequality, at each step."""
    steps = (
        term(1 / K, use("descent_lemma", BEFORE, NOW)),
        term(1 / K, use("convexity", Z, BEFORE)),
        term(1 / K, use("subgradient", Z, NOW)),
    )
    return in_one_go(goal, *telescope(goal, steps))


def weight(index: sp.Expr) -> sp.Expr:
    """a_k = (K+1-k)/(K+2-k) of B6b, 0 at k = K+1."""
    return (K + 1 - index) / (K + 2 - index)


def sharp_steps() -> list[Term]:
    """B6b at one step, for h <= 1, times h K."""
    a = weight(k)
    return [
        *_sharp_core(a, lambda p: use("convexity", Z, p)),
        term(h * a * (1 - h) / (2 * L), square=d),
    ]


def sharp_start() -> list[Term]:
    """What B6b needs at x_0, for h <= 1."""
    return [term(h * weight(1), use("convexity", Z, FIRST))]


def _sharp_core(a: sp.Expr, at_z: Callable[[Point], Use]) -> list[Term]:
    return [
        term(h * a, use("smooth_interpolation", BEFORE, NOW, L)),
        term(h * (1 - a + weight(k + 1)), at_z(NOW)),
        term(h, use("subgradient", Z, NOW)),
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


def sharp(goal: Goal) -> Argument:
    """B6b: the exact identity of its catalogue entry, and with interpolation at z up to h = 5/4."""
    steps, start = _long_sharp()
    found = [
        telescope(goal, sharp_steps(), sharp_start(), scale=h * K, ranges=(SHORT_CASE,)),
        telescope(goal, steps, start, scale=h * K, ranges=(LONG_CASE,), name="invariant for long steps"),
    ]
    last = Claim("bound", "the bound", goal.expression, tuple(part for _, part in found))
    return Argument((*(claim for claim, _ in found), last), goal.sums)


def last_iterate_steps() -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """B6c at one step and at the end, with M = L/h in place of L (f is M-smooth too, h <= 1)."""
    M = L / h

    def u(index: sp.Expr) -> sp.Expr:
        return 2 * K - index

    alpha = (k - 1) / u(k - 1)
    mu, before = k / u(k - 1), (k - 1) / u(k - 2)
    size_ = K * (2 * k - 1) - k * (k - 1)
    w = u(k - 1) * y - u(k) * y_before
    steps = (
        term(mu, use("smooth_interpolation", BEFORE, NOW, M)),
        term(mu - before, use("convexity", Z, BEFORE)),
        term(alpha, use("subgradient", BEFORE, NOW)),
        term(k / u(k) - alpha, use("subgradient", Z, NOW)),
        term(M * size_ / (u(k - 1) * u(k)) ** 2, square=w + k * u(k - 1) * u(k) / (2 * size_) * d / M),
        term(k * (k - 1) * u(k) / (4 * u(k - 1) * size_) / M, square=d),
    )
    return steps, (term(1 / (K + 1), use("convexity", Z, END)),)


def last_iterate(goal: Goal) -> Argument:
    """B6c."""
    steps, end = last_iterate_steps()
    return in_one_go(goal, *telescope(goal, steps, (), end, ranges=(UNIT_STEP,)))


ARGUMENTS = {
    "ood_multi_step": multi_step,
    "ood_multi_step_sharp": sharp,
    "ood_last_iterate": last_iterate,
}
"""Arguments by the name of their bound."""
