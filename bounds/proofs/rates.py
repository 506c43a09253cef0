"""Proofs of the rates that need no virtual features: B3 and B7."""

from __future__ import annotations

import sympy as sp

from .._vocabulary import Q, k
from ..hypotheses import FULL_STEP, HALF_STEP
from ._claims import (
    COUNT,
    UNIT_STEP,
    ZERO,
    Argument,
    Claim,
    Definition,
    Earlier,
    Part,
    Range,
    Recurrence,
    term,
    use,
)
from ._goal import Goal, named
from ._symbols import BEFORE, DEVIATION, FIRST, NOW, L, Z, h, size, symbol
from ._telescope import from_zero, in_one_go, telescope
from .contraction import FIXED_POINT, LEGEND, recursion
from .descent import ENORM
from .out_of_distribution import last_iterate_steps, sharp_start, sharp_steps

K = Q.K
EXACT = Definition(NOW.s, L / h * (BEFORE.x - NOW.x) - BEFORE.g, "e_k(h) = 0: D_k = (h/L) G_k", ("exact_step",))
_AT_ONE = Range("h = 1", {h: sp.Integer(1)}, (FULL_STEP,))
_AT_HALF = Range("h = 1/2", {h: sp.Rational(1, 2)}, (HALF_STEP,))


def _rate(goal: Goal, ranges: tuple[Range, ...] = (UNIT_STEP,), spare: sp.Expr = ZERO) -> Argument:
    """B6c with e = 0; `spare` (L/h) R^2/K is what the classical form gives away."""
    steps, end = last_iterate_steps()
    if spare != 0:
        end = (*end, term(spare * L / (h * K), square=FIRST.x - Z.x))
    parts = telescope(goal, steps, (), end, ranges=ranges, definitions=(EXACT,))
    return in_one_go(goal, *parts, definitions=(EXACT,))


def classical(goal: Goal) -> Argument:
    """B3 as the paper has it: twice the exact rate."""
    return _rate(goal, spare=sp.Rational(1, 4))


def gradient_descent(goal: Goal) -> Argument:
    """B3 at h = 1."""
    return _rate(goal, (_AT_ONE,), sp.Rational(1, 4))


def half_step(goal: Goal) -> Argument:
    """B3 at h = 1/2."""
    return _rate(goal, (_AT_HALF,), sp.Rational(1, 4))


def average(goal: Goal) -> Argument:
    """The averaged rate: B6b with e = 0."""
    parts = telescope(goal, sharp_steps(), sharp_start(), scale=h * K, ranges=(UNIT_STEP,), definitions=(EXACT,))
    return in_one_go(goal, *parts, definitions=(EXACT,))


def a_priori(goal: Goal) -> Argument:
    """B7 in its sharp form: B6b, and the distances that the deviations allow."""
    claims, sums, _ = _by_size(goal)
    end = (term(1, Earlier("sharp", "K", K)), term(L / (h * K), Earlier("cross", "K", K)))
    claims += (Claim("bound", "the bound", goal.expression, (Part(end, (COUNT, UNIT_STEP)),)),)
    return Argument(claims, sums, (FIXED_POINT,), LEGEND)


def a_priori_classical(goal: Goal) -> Argument:
    """B7 as in the literature: the sharp form and sum ||e||^2 <= A^2, sum k ||e_k|| <= K A."""
    claims, sums, names = _by_size(goal)
    A, squares, late = names
    spent_before = Earlier("spent", "j", k - 1)
    ordered = (
        from_zero("spent", "A >= 0", symbol(A, "k"), term(ENORM)),
        from_zero(
            "squares",
            "sum ||e||^2 <= A^2",
            symbol(A, "k") ** 2 - symbol(squares, "k"),
            term(2 * ENORM, spent_before),
            term(1, use("norm", ENORM, DEVIATION)),
        ),
        from_zero("late", "sum k ||e_k|| <= K A", k * symbol(A, "k") - symbol(late, "k"), term(1, spent_before)),
    )
    unit = L / (h * K)
    end = (
        term(1, Earlier("sharp", "K", K)),
        term(unit, Earlier("cross", "K", K)),
        term(unit / 2, use("norm", size("dist", "0"), FIRST.x - Z.x)),
        term(unit / (2 * (K + 1)), square=FIRST.x - Z.x),
        term(unit * size("dist", "0"), Earlier("spent", "K", K)),
        term(unit, square=symbol(A, "K")),
        term(unit / 2, Earlier("squares", "K", K)),
        term(unit * Q.tau, Earlier("late", "K", K)),
    )
    last = Claim("bound", "the bound", goal.expression, (Part(end, (COUNT, UNIT_STEP)),))
    return Argument((*claims, *ordered, last), sums, (FIXED_POINT,), LEGEND)


def _by_size(goal: Goal) -> tuple[tuple[Claim, ...], dict[str, Recurrence], tuple[str, str, str]]:
    """B6b, and what the sizes of the deviations make of its inner products."""
    sums = dict(goal.sums)
    values, inner = named(sums, NOW.F), named(sums, DEVIATION * (NOW.x - Z.x))
    A, squares, late = (named(sums, inc) for inc in (ENORM, DEVIATION**2, k * ENORM))
    mean = symbol(values, "K") / K - Z.F
    start, spent, y = FIRST.x - Z.x, symbol(A, "k"), NOW.x - Z.x
    sharp = Goal(L * start**2 / (2 * h * (K + 1)) - L / (h * K) * symbol(inner, "K") - mean, sums)
    first, end = telescope(sharp, sharp_steps(), sharp_start(), scale=h * K, ranges=(UNIT_STEP,))
    distance = from_zero(
        "distance",
        "||x_k - z|| <= R + sum ||e_i|| + k tau",
        size("dist", "0") + spent + k * Q.tau - size("dist", "k"),
        term(1, Earlier("recursion")),
    )
    cross = from_zero(
        "cross",
        "what Cauchy-Schwarz and the distances make of the inner products",
        size("dist", "0") * spent
        + (spent**2 + symbol(squares, "k")) / 2
        + Q.tau * symbol(late, "k")
        + symbol(inner, "k"),
        term(ENORM, Earlier("distance")),
        term(1, use("cauchy_schwarz", ENORM, size("dist", "k"), -DEVIATION, y)),
        term(-sp.Rational(1, 2), use("norm", ENORM, DEVIATION)),
    )
    last = Claim("sharp", "B6b", sharp.expression, (end,))
    return (first, last, *recursion(sp.Integer(0)), distance, cross), sums, (A, squares, late)


ARGUMENTS = {
    "ind_rate": classical,
    "ind_rate:exact": _rate,
    "ind_rate:average": average,
    "ind_rate:gradient_descent": gradient_descent,
    "ind_rate:half_step": half_step,
    "a_priori": a_priori_classical,
    "a_priori:sharp": a_priori,
}
"""Arguments by the name of their bound."""
