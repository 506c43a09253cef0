"""Proofs of B19: any run against accelerated proximal-gradient steps."""

from __future__ import annotations

import sympy as sp

from ..vocabulary import Q, k
from ._claims import (
    ACCELERATED_WEIGHT,
    COUNT,
    INDEX,
    Argument,
    Claim,
    Earlier,
    Given,
    Part,
    Term,
    signs_of,
    term,
    use,
)
from ._facts import DEFINITIONS
from ._goal import FORMULAS, Goal, named
from ._symbols import BEFORE, EXTRAPOLATED, FIRST, NOW, L, Z, size, symbol

K = Q.K
A, A_BEFORE, A_END = (size("accel_weight", index) for index in "kjK")
MOMENTUM, ENORM, DIST = (size(name, "k") for name in ("accel_momentum", "accel_enorm", "accel_dist"))
U, U_BEFORE, U_END = (symbol("accelvec", index) for index in "kjK")
ERROR = symbol("accerrvec", "k")
START = size("dist", "0")
DEFINED = tuple(one for name, one in DEFINITIONS.items() if name.startswith("accelerated, "))
LEGEND = {
    "accelvec_k": "u_k",
    "accerrvec_k": "the deviation from the accelerated reference step",
    "x_e, g_e, f_e": "y_k, and f there",
}
INNER = MOMENTUM * FORMULAS["accel_ex"]
NONSMOOTH = (
    term(A_BEFORE, use("subgradient", BEFORE, NOW)),
    term(MOMENTUM, use("subgradient", Z, NOW)),
)
AGAINST = term(L * MOMENTUM, use("cauchy_schwarz", ENORM, DIST, -ERROR, U - Z.x))
"""-L a_k <e_k, u_k - z> by the sizes of both."""


def _convexity(share: sp.Expr, at: object) -> tuple[Term, ...]:
    """Convexity at a point, at x_{k-1} and at z with the weights of the potential."""
    return (
        term(share * A_BEFORE, use("convexity", BEFORE, at)),
        term(share * MOMENTUM, use("convexity", Z, at)),
    )


def _induction(name: str, says: str, expression: sp.Expr, *steps: Term, start: tuple[Term, ...] = ()) -> Claim:
    ranges = (INDEX, ACCELERATED_WEIGHT)
    return Claim(
        name,
        says,
        expression,
        (
            Part(start, (COUNT, ACCELERATED_WEIGHT), "at k = 0", index="0", position=0),
            Part((term(1, Earlier(name, "j", k - 1)), *steps), ranges, "from k-1 to k"),
        ),
    )


def _classical(spent: sp.Expr, *more: Term) -> Claim:
    """(L/2)||x_0 - z||^2 + L times what the deviations add >= A_k (F(x_k) - F(z)) + (L/2)||u_k - z||^2."""
    return _induction(
        "potential",
        "A_k (F(x_k) - F(z)) + (L/2)||u_k - z||^2 grows by what the deviation adds",
        L / 2 * (FIRST.x - Z.x) ** 2 + L * spent - A * (NOW.F - Z.F) - L / 2 * (U - Z.x) ** 2,
        term(A, use("descent_lemma", EXTRAPOLATED, NOW)),
        *_convexity(sp.Integer(1), EXTRAPOLATED),
        *NONSMOOTH,
        *more,
    )


def _sharp(spent: sp.Expr, *more: Term) -> Claim:
    """The same with c_{k+1} ||u_k - z||^2 and c_1 ||x_0 - z||^2."""
    c, after = (K + 1 - k) / (K + 2 - k), (K - k) / (K + 1 - k)
    d, turned = EXTRAPOLATED.g - NOW.g, U - Z.x - c * (U_BEFORE - Z.x)
    return _induction(
        "potential",
        "A_k (F(x_k) - F(z)) + c_{k+1} (L/2)||u_k - z||^2 grows by what the deviation adds",
        L / 2 * K / (K + 1) * (FIRST.x - Z.x) ** 2 + L * spent - A * (NOW.F - Z.F) - L / 2 * after * (U - Z.x) ** 2,
        term(c * A, use("smooth_interpolation", EXTRAPOLATED, NOW, L)),
        *_convexity(c, EXTRAPOLATED),
        *_convexity(1 - c, NOW),
        *NONSMOOTH,
        term(c / (2 * L), square=MOMENTUM * d + L / c * turned),
        *more,
    )


def _argued(goal: Goal, claims: tuple[Claim, ...], *end: Term) -> Argument:
    last = Claim("bound", "the bound", goal.expression, (Part(end, (COUNT, ACCELERATED_WEIGHT), times=A_END),))
    return Argument((*claims, last), goal.sums, DEFINED, LEGEND)


def classical(goal: Goal) -> Argument:
    """B19."""
    spent = symbol(named(dict(goal.sums), INNER), "k")
    end = (term(1, Earlier("potential", "K", K)), term(L / 2, square=U_END - Z.x))
    return _argued(goal, (_classical(-spent),), *end)


def distance(goal: Goal) -> Argument:
    """B19 with where the run ends."""
    spent = symbol(named(dict(goal.sums), INNER), "k")
    end = (
        term(1, Earlier("potential", "K", K)),
        term(-L / 2, use("norm", size("accel_dist", "K"), U_END - Z.x)),
    )
    return _argued(goal, (_classical(-spent),), *end)


def sharp(goal: Goal) -> Argument:
    """B19 with the sharp constant."""
    spent = symbol(named(dict(goal.sums), INNER), "k")
    return _argued(goal, (_sharp(-spent),), term(1, Earlier("potential", "K", K)))


def by_size(goal: Goal) -> Argument:
    """B19 by the size of the deviations."""
    spent = symbol(named(dict(goal.sums), MOMENTUM * ENORM * DIST), "k")
    return _argued(goal, (_sharp(spent, AGAINST),), term(1, Earlier("potential", "K", K)))


def a_priori(goal: Goal) -> Argument:
    """B19 from the sizes alone.

    With s = a_k ||e_k||, d = ||u_k - z||, P_k = R^2 + 2 sum a_i ||e_i|| ||u_i - z|| and W_k = R + 2 sum a_i ||e_i||,
    the claim is P_k <= W_k^2. Where N = d - W_k <= 0, W_k^2 - P_k = W_{k-1}^2 - P_{k-1} + 2 s W_{k-1} - 2 s N. Where N
    >= 0, W_k^2 - P_k = (P_k - d^2) + 2 (W_{k-1}^2 - P_{k-1}) + 4 s W_{k-1} + 2 N W_{k-1} + N^2, in which P_k >= d^2.
    """
    sums = dict(goal.sums)
    sizes, products = named(sums, MOMENTUM * ENORM), named(sums, MOMENTUM * ENORM * DIST)
    spent, crossed = symbol(sizes, "k"), symbol(products, "k")
    reach, s = START + 2 * spent, MOMENTUM * ENORM
    above = use("hypothesis", NOW.F - Z.F, label="F(x_k) >= F(z)")
    wide, narrow = signs_of("R + 2 sum a_i ||e_i|| - ||u_k - z||", reach - DIST)
    inside = Claim(
        "inside",
        "||u_k - z||^2 <= P_k",
        START**2 + 2 * crossed - DIST**2,
        (
            Part(
                (
                    term(2 / L, Earlier("potential")),
                    term(2 * A / L, above),
                    term(1, use("norm", START, FIRST.x - Z.x)),
                    term(-1, use("norm", DIST, U - Z.x)),
                ),
                (INDEX, ACCELERATED_WEIGHT),
            ),
        ),
    )
    grown, before = Earlier("spent", "j", k - 1), Earlier("reached", "j", k - 1)
    room = Claim(
        "reached",
        "P_k <= (R + 2 sum a_i ||e_i||)^2",
        reach**2 - START**2 - 2 * crossed,
        (
            Part((), (COUNT, ACCELERATED_WEIGHT), "at k = 0", index="0", position=0),
            Part(
                (term(1, before), term(2 * s, grown), term(2 * s, Given(wide))),
                (INDEX, ACCELERATED_WEIGHT, wide),
                "||u_k - z|| within reach",
            ),
            Part(
                (
                    term(1, Earlier("inside")),
                    term(2, before),
                    term(4 * s, grown),
                    term(2, Given(narrow), grown),
                    term(1, Given(narrow), Given(narrow)),
                ),
                (INDEX, ACCELERATED_WEIGHT, narrow),
                "||u_k - z|| beyond it, which leaves no other case",
            ),
        ),
    )
    not_negative = _induction("spent", "R + 2 sum a_i ||e_i|| >= 0", reach, term(2 * s), start=(term(START),))
    end = (
        term(1, Earlier("potential", "K", K)),
        term(L / 2, square=U_END - Z.x),
        term(L / 2, Earlier("reached", "K", K)),
        term(L / 2, use("norm", START, FIRST.x - Z.x)),
    )
    claims = (_classical(crossed, AGAINST), inside, not_negative, room)
    last = Claim("bound", "the bound", goal.expression, (Part(end, (COUNT, ACCELERATED_WEIGHT), times=A_END),))
    return Argument((*claims, last), sums, DEFINED, LEGEND)


ARGUMENTS = {
    "accelerated_inexact": classical,
    "accelerated_inexact:distance": distance,
    "accelerated_inexact:sharp": sharp,
    "accelerated_inexact:size": by_size,
    "accelerated_inexact:a_priori": a_priori,
}
"""Arguments by the name of their bound."""
