"""Proofs of the rates that need no virtual features: B3 and B7."""

from __future__ import annotations

import sympy as sp

from ..vocabulary import Q, k
from ._claims import (
    AT_HALF,
    AT_ONE,
    COUNT,
    INDEX,
    UNIT_STEP,
    ZERO,
    Argument,
    Claim,
    Definition,
    Earlier,
    Part,
    Range,
    Recurrence,
    Term,
    Use,
    term,
    use,
)
from ._facts import DEFINITIONS, FACTS
from ._goal import Goal, named
from ._symbols import BEFORE, DEVIATION, END, FIRST, NOW, L, Z, h, moved, size, symbol
from ._telescope import from_zero, in_one_go, telescope
from .contraction import FIXED_POINT, LEGEND, NORMS, recursion
from .descent import ENORM
from .linear import NO_REGULARIZER
from .out_of_distribution import ROOM, WITHIN, last_iterate_steps, sharp_start, sharp_steps

K = Q.K
EXACT = DEFINITIONS["exact step"]


def _rate(
    goal: Goal, ranges: tuple[Range, ...] = (UNIT_STEP,), spare: sp.Expr = ZERO, within: Use | None = None
) -> Argument:
    """B6c with e = 0; `spare` (L/h) R^2/K is what the classical form gives away."""
    steps, end = last_iterate_steps(within)
    if spare != 0:
        end = (*end, term(spare * L / (h * K), square=FIRST.x - Z.x))
    parts = telescope(goal, steps, (), end, ranges=ranges, definitions=(EXACT,), claims=ROOM)
    return in_one_go(goal, *parts, *ROOM, definitions=(EXACT,))


def classical(goal: Goal) -> Argument:
    """B3 as the paper has it: twice the exact rate."""
    return _rate(goal, spare=sp.Rational(1, 4))


def exact(goal: Goal) -> Argument:
    """The exact rate, up to h = 3/2."""
    return _rate(goal, (), within=WITHIN)


def gradient_descent(goal: Goal) -> Argument:
    """B3 at h = 1."""
    return _rate(goal, (AT_ONE,), sp.Rational(1, 4))


def half_step(goal: Goal) -> Argument:
    """B3 at h = 1/2."""
    return _rate(goal, (AT_HALF,), sp.Rational(1, 4))


def average(goal: Goal) -> Argument:
    """The averaged rate: B6b with e = 0."""
    parts = telescope(goal, sharp_steps(), sharp_start(), scale=h * K, ranges=(UNIT_STEP,), definitions=(EXACT,))
    return in_one_go(goal, *parts, definitions=(EXACT,))


def smooth(goal: Goal) -> Argument:
    """Drori and Teboulle's rate, r = 0, from the multipliers of its worst case (`bounds.worst_case`).

    With mu_k = k/(2K+1-k) on smooth interpolation from x_{k-1} to x_k and nu_k = mu_{k+1} - mu_k (nu_K = 1 - mu_K) on
    interpolation from z to x_k, which do not depend on h, what is left is tau ||x_0 - z - V/(2 tau)||^2, V = sum nu_k
    g_k, and a Laplacian: (1-h) mu_k/2 ||g_{k-1} - g_k||^2 and c_i nu_j ||g_i - g_j||^2, i < j, whose weights c_i =
    (nu_i (2hK+1) - h)/2 are positive for h <= 1. The double sum is carried along in A = sum c_i, B = sum c_i g_i and
    C = sum c_i ||g_i||^2: sum_i c_i ||y - g_i||^2 = A ||y||^2 - 2 <B, y> + C, and A C >= ||B||^2.
    """
    rate, tau = 2 * h * K + 1, L / (2 * (2 * h * K + 1))
    mu, nu, last = k / (2 * K + 1 - k), (2 * K + 1) / ((2 * K + 1 - k) * (2 * K - k)), 1 / (K + 1)
    c = (nu * rate - h) / 2
    sums = {**goal.sums, "v": Recurrence(nu * NOW.g, start=(nu * FIRST.g).subs(k, 0))}
    sums["c"] = Recurrence(c * NOW.g**2, start=(c * FIRST.g**2).subs(k, 0))
    g, travelled = NOW.g, L * (FIRST.x - NOW.x)
    V, C = symbol("v", "k"), symbol("c", "k")
    V_before, C_before = V - nu * g, C - c * g**2  # up to k - 1
    A, B = (rate * mu - h * k) / 2, (rate * V_before - travelled) / 2
    A_next, B_next = (rate * mu.subs(k, k + 1) - h * (k + 1)) / 2, (rate * V - travelled - h * g) / 2
    zero = Part((), (COUNT, UNIT_STEP), "at k = 0", index="0", position=0)
    before = (rate * symbol("v", "j") - L * (FIRST.x - BEFORE.x) - h * BEFORE.g) / 2  # B, up to k - 1
    spread = Claim(
        "spread",
        "A C >= ||B||^2, the sums up to k",
        A_next * C - B_next**2,
        (
            zero,
            Part(
                (term(A_next, Earlier("spread", "j", k - 1)), term(c, square=A * g - before)),
                (INDEX, UNIT_STEP),
                "from k-1 to k",
                times=A,
            ),
        ),
    )
    apart = Claim(
        "apart",
        "sum_{i<k} c_i ||g_k - g_i||^2 >= 0",
        A * g**2 - 2 * B * g + C_before,
        (
            zero,
            Part(
                (term(1, Earlier("spread", "j", k - 1)), term(1, square=A * g - before)),
                (INDEX, UNIT_STEP),
                "k >= 1",
                times=A,
            ),
        ),
    )
    potential = Claim(
        "potential",
        "what the inequalities up to x_k leave",
        mu * (Z.f - NOW.f)
        + V_before * (FIRST.x - Z.x)
        - rate / (2 * L) * V_before**2
        - (1 - mu) / L * C_before
        - h * mu / (2 * L) * g**2,
        (
            zero,
            Part(
                (
                    term(1, Earlier("potential", "j", k - 1)),
                    term(mu, use("smooth_interpolation", BEFORE, NOW, L)),
                    term(nu.subs(k, k - 1), use("smooth_interpolation", Z, BEFORE, L)),
                    term((1 - h) * mu / (2 * L), square=BEFORE.g - NOW.g),
                    term(nu.subs(k, k - 1) / L, Earlier("apart", "j", k - 1)),
                ),
                (INDEX, UNIT_STEP),
                "from k-1 to k",
            ),
        ),
    )
    everything = moved(V_before, "K", K) + last * END.g
    end = Part(
        (
            term(1, Earlier("potential", "K", K)),
            term(last, use("smooth_interpolation", Z, END, L)),
            term(last / L, Earlier("apart", "K", K)),
            term(tau, square=FIRST.x - Z.x - everything / (2 * tau)),
        ),
        (COUNT, UNIT_STEP),
        "at k = K",
    )
    exact, optimal = DEFINITIONS["exact step, r = 0"], DEFINITIONS["minimiser, r = 0"]
    claims = (spread, apart, potential, Claim("bound", "the bound", goal.expression, (end,)))
    legend = {"v_k": "sum_{i<=k} nu_i g_i", "c_k": "sum_{i<=k} c_i ||g_i||^2"}
    return Argument(claims, sums, (*NO_REGULARIZER, exact, optimal), legend)


def _shrinks(multiplier: sp.Expr) -> tuple[Term, ...]:
    """<d, x_{k-1} - x_k> >= ||d||^2/L, d the change of the gradient."""
    both = (BEFORE, NOW), (NOW, BEFORE)
    return tuple(term(multiplier, use("smooth_interpolation", *pair, L)) for pair in both)


def _gradients(
    goal: Goal,
    claim: sp.Expr,
    says: str,
    steps: tuple[Term, ...],
    end: tuple[Term, ...],
    size_: sp.Expr,
    *more: Definition,
) -> Argument:
    definitions = (*NO_REGULARIZER, DEFINITIONS["exact step, r = 0"], *more)
    last = Claim("bound", "the bound", goal.expression, (Part(end, (COUNT,), times=size_),))
    return Argument((from_zero("potential", says, claim, *steps), last), goal.sums, definitions)


def last_gradient(goal: Goal) -> Argument:
    """The last gradient by the distance of the start."""
    d, z = BEFORE.g - NOW.g, NOW.x - Z.x
    short = use("hypothesis", 2 - h**2, label="h^2 <= 2")
    steps = (
        term(2 * h * L, use("smooth_interpolation", Z, BEFORE, L)),
        term(2 * k * h * L, use("smooth_interpolation", BEFORE, NOW, L)),
        *_shrinks(2 * k * L * (h * (k - 1) + 1)),
        # (k-1) h (2-h) + 2 - h^2, with 2 - h = (2 + (2 - h^2))/(2 + h)
        term(2 * k * (k - 1) * h / (2 + h), square=d),
        term(k * (k - 1) * h / (2 + h) + k, short, square=d),
    )
    end = (
        term(1, Earlier("potential", "K", K)),
        term(2 * K * h * L, use("smooth_interpolation", END, Z, L)),
        term(1, use("lipschitz_gradient", END, Z)),
    )
    potential = 2 * k * h * L * (NOW.f - Z.f) + k * h * (k * h + 1) * NOW.g**2 + L**2 * z**2
    claim = L**2 * (FIRST.x - Z.x) ** 2 - potential
    says = "2kh L (f(x_k) - f(z)) + kh(kh+1) ||grad f(x_k)||^2 + L^2 ||x_k - z||^2 does not rise"
    return _gradients(goal, claim, says, steps, end, (h * K + 1) ** 2, DEFINITIONS["minimiser, r = 0"])


def last_gradient_by_objective(goal: Goal) -> Argument:
    """The last gradient by the objective at the start."""
    d, low = BEFORE.g - NOW.g, FACTS["lower bound of f"]
    steps = (
        term(1, use("smooth_interpolation", BEFORE, NOW, L)),
        *_shrinks(2 * k - 1),
        term(k / L, WITHIN, square=d),
        term((k - 1) / (2 * L), square=d),
    )
    end = (
        term(2 * L, Earlier("potential", "K", K)),
        term(1, use("gradient_domination", END)),
        term(2 * L, use("hypothesis", low.expression, needs=low.hypotheses, label=low.says)),
    )
    says = "f(x_0) - f(x_k) >= k (h/L) ||grad f(x_k)||^2"
    return _gradients(goal, FIRST.f - NOW.f - k * h / L * NOW.g**2, says, steps, end, 2 * h * K + 1)


def a_priori(goal: Goal) -> Argument:
    """B7 in its sharp form: B6b, and the distances that the deviations allow."""
    claims, sums, _ = sized(goal)
    end = (term(1, Earlier("sharp", "K", K)), term(L / (h * K), Earlier("cross", "K", K)))
    claims += (Claim("bound", "the bound", goal.expression, (Part(end, (COUNT, UNIT_STEP)),)),)
    return Argument(claims, sums, (FIXED_POINT,), LEGEND, norms=NORMS)


def a_priori_classical(goal: Goal) -> Argument:
    """B7 as in the literature: the sharp form and sum ||e||^2 <= A^2, sum k ||e_k|| <= K A."""
    claims, sums, names = sized(goal)
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
    return Argument((*claims, *ordered, last), sums, (FIXED_POINT,), LEGEND, norms=NORMS)


def sized(goal: Goal) -> tuple[tuple[Claim, ...], dict[str, Recurrence], tuple[str, str, str]]:
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
    "ind_rate:exact": exact,
    "ind_rate:average": average,
    "ind_rate:smooth": smooth,
    "ind_rate:gradient": last_gradient,
    "ind_rate:gradient_by_objective": last_gradient_by_objective,
    "ind_rate:gradient_descent": gradient_descent,
    "ind_rate:half_step": half_step,
    "a_priori": a_priori_classical,
    "a_priori:sharp": a_priori,
}
"""Arguments by the name of their bound."""
