"""Proofs of the guarantees that hold whatever a network does: B16, B17 and B18."""

from __future__ import annotations

from ..hypotheses import ACCELERATED_GUARD
from ..vocabulary import Q, k
from ._claims import (
    COUNT,
    GUARD_STEP,
    GUARD_WEIGHT,
    IN_ENERGY_REGION,
    IN_MOMENTUM_REGION,
    INDEX,
    NO_GUARD_STEP,
    UNIT_STEP,
    Argument,
    Claim,
    Earlier,
    Part,
    Use,
    term,
    use,
)
from ._facts import DEFINITIONS, FACTS, FORM_1, FORM_3, PULL, SHORTER
from ._goal import Goal, translate
from ._symbols import AHEAD, BEFORE, FIRST, FORWARD, GUARD, NOW, STEP, L, Z, h, size, symbol
from ._telescope import from_zero
from .contraction import FIXED_POINT, LEGEND, NORMS
from .descent import ENORM, at_once
from .rates import sized

K = Q.K
A, N, MOMENTUM = size("guard_weight", "k"), size("guard_count", "k"), size("guard_momentum", "k")
A_END, N_END = size("guard_weight", "K"), size("guard_count", "K")
U, U_END = symbol("guardvec", "k"), symbol("guardvec", "K")
SMALL = use("hypothesis", translate(Q.guard_weight[k] - Q.guard_momentum[k] ** 2), label="a_k^2 <= A_k")
LARGE = use(
    "hypothesis",
    translate(Q.guard_momentum[k] ** 2 - Q.guarded[k] * Q.guard_weight[k]),
    label="a_k^2 >= A_k",
)
_GUARD = tuple(
    DEFINITIONS[f"guard, {name}"]
    for name in ("auxiliary", "point", "ahead", "start", "weight", "no weight", "count", "no count")
)
_LEGEND = {
    "x_y, g_y, f_y": "the point that the guard looks from in step k, and f there",
    "x_p, s_p, r_p": "its prox-gradient point, and r there",
    "guardvec_k": "the auxiliary point u_k",
}


def _fact(name: str) -> Use:
    return use("hypothesis", FACTS[name].expression, label=FACTS[name].says)


def potential() -> Claim:
    """(L/2)||x_0 - z||^2 >= A_k (F(x_k) - F(z)) + (L/2)||u_k - z||^2."""
    before = size("guard_weight", "j")
    earlier = term(1, Earlier("potential", "j", k - 1))
    guarded = (
        earlier,
        # the prox-gradient inequality from y to w, at x_{k-1} and at z; their descent lemma is in the fact
        term(before, use("convexity", BEFORE, AHEAD)),
        term(before, use("subgradient", BEFORE, GUARD)),
        term(MOMENTUM, use("convexity", Z, AHEAD)),
        term(MOMENTUM, use("subgradient", Z, GUARD)),
        term(A, _fact("guard, prox")),
        term(L / 2, SMALL, square=GUARD.x - AHEAD.x),
    )
    return Claim(
        "potential",
        "A_k (F(x_k) - F(z)) + (L/2)||u_k - z||^2 does not rise",
        L / 2 * (FIRST.x - Z.x) ** 2 - A * (NOW.F - Z.F) - L / 2 * (U - Z.x) ** 2,
        (
            Part((), (COUNT, GUARD_WEIGHT), "at k = 0", index="0", position=0),
            Part(guarded, (INDEX, GUARD_WEIGHT, GUARD_STEP), "a step of the guard"),
            Part((earlier, term(A, _fact("guard, best"))), (INDEX, GUARD_WEIGHT, NO_GUARD_STEP), "any other step"),
        ),
    )


def weights(goal: Goal) -> Argument:
    """B16 by the weights."""
    end = (term(1, Earlier("potential", "K", K)), term(L / 2, square=U_END - Z.x))
    last = Claim("bound", "the bound", goal.expression, (Part(end, (COUNT, GUARD_WEIGHT), times=A_END),))
    return Argument((potential(), last), goal.sums, _GUARD, _LEGEND, needs=(ACCELERATED_GUARD,))


def count(goal: Goal) -> Argument:
    """B16: the weights grow as (N + 1)^2/4.

    In a guarded step, a = a_k, N = N_k, from 4 A_{k-1} + 1 >= N^2: (2a - 1)^2 = 4 (a^2 - a) + 1 >= N^2, so 2a >= N + 1.
    """
    s, weak = 2 * MOMENTUM - 1, Earlier("weak", "j", k - 1)
    grown = (
        term(s + N + 2, weak),
        term(4 * (s + N + 2), LARGE),
        term(4 * (s + N), SMALL),
    )
    ranges = (INDEX, GUARD_WEIGHT)
    growth = Claim(
        "weak",
        "4 A_k + 1 >= (N_k + 1)^2",
        4 * A + 1 - (N + 1) ** 2,
        (
            Part((), (COUNT, GUARD_WEIGHT), "at k = 0", index="0", position=0),
            Part((*grown, term(s + N)), (*ranges, GUARD_STEP), "a step of the guard", times=s + N),
            Part((term(1, weak),), (*ranges, NO_GUARD_STEP), "any other step"),
        ),
    )
    strong = Claim(
        "growth",
        "A_k (4 A_k - (N_k + 1)^2) >= 0",
        A * (4 * A - (N + 1) ** 2),
        (
            Part((), (COUNT, GUARD_WEIGHT), "at k = 0", index="0", position=0),
            Part(
                tuple(term(A * one.multiplier, *one.factors) for one in grown),
                (*ranges, GUARD_STEP),
                "a step of the guard",
                times=s + N,
            ),
            Part((term(1, Earlier("growth", "j", k - 1)),), (*ranges, NO_GUARD_STEP), "any other step"),
        ),
    )
    end = (
        term(1 / A_END, Earlier("potential", "K", K)),
        term(L / (2 * A_END), square=U_END - Z.x),
        term(L / (2 * A_END**2 * (N_END + 1) ** 2), Earlier("growth", "K", K), square=FIRST.x - Z.x),
    )
    last = Claim("bound", "the bound", goal.expression, (Part(end, (COUNT, GUARD_WEIGHT)),))
    claims = (potential(), growth, strong, last)
    return Argument(claims, goal.sums, _GUARD, _LEGEND, needs=(ACCELERATED_GUARD,))


def budgeted(goal: Goal) -> Argument:
    """B17: the sharp form of B7, with A = sum ||e_k|| <= E."""
    claims, sums, names = sized(goal)
    spent, squares, late = (symbol(name, "k") for name in names)
    E = size("budget", "0")
    fits = use("hypothesis", translate(Q.budget[k - 1] - Q.budget[k] - Q.enorm[k]), label="||e_k|| <= E_{k-1} - E_k")
    before = Earlier("spent", "j", k - 1)
    ordered = (
        from_zero("spent", "A >= 0", spent, term(ENORM)),
        from_zero(
            "squares",
            "sum ||e||^2 <= A^2",
            spent**2 - squares,
            term(2 * ENORM, before),
            term(1, use("norm", ENORM, symbol("x", "j") - NOW.x - h / L * (BEFORE.g + NOW.s))),
        ),
        from_zero("late", "sum k ||e_k|| <= K A", k * spent - late, term(1, before)),
        from_zero("fits", "A <= E_0 - E_k", E - size("budget", "k") - spent, term(1, fits)),
    )
    unit, left = L / (h * K), Earlier("fits", "K", K)
    total = symbol(names[0], "K")
    end = (
        term(1, Earlier("sharp", "K", K)),
        term(unit, Earlier("cross", "K", K)),
        term(unit / 2, Earlier("squares", "K", K)),
        term(unit * Q.tau, Earlier("late", "K", K)),
        # E >= A, and E^2 - A^2 = (E - A)^2 + 2 A (E - A), where E - A is what fits and what is left
        term(unit * (size("dist", "0") + K * Q.tau), left),
        term(unit * (size("dist", "0") + K * Q.tau) * size("budget", "K")),
        term(unit, square=E - total),
        term(2 * unit, Earlier("spent", "K", K), left),
        term(2 * unit * size("budget", "K"), Earlier("spent", "K", K)),
    )
    last = Claim("bound", "the bound", goal.expression, (Part(end, (COUNT, UNIT_STEP)),))
    return Argument((*claims, *ordered, last), sums, (FIXED_POINT,), LEGEND, norms=NORMS)


def energy(goal: Goal) -> Argument:
    """B18: in each entry what the descent lemma leaves is a form in (D, v), a sum of two squares."""
    v = symbol("memoryvec", "j")
    terms = (
        term(1, use("descent_lemma", BEFORE, NOW)),
        term(1, use("subgradient", BEFORE, NOW)),
        term(L / FORM_1, square=FORM_1 * STEP - FORM_3 * v),
        term(L / FORM_1, _fact("energy region"), square=v),
    )
    legend = {
        "rhead_k, qhead_k, bhead_k": "r, q and b of an entry; a square with them is the sum over the entries",
        "memoryvec_k": "v_k",
        "energy_a": "the weight a",
    }
    names = ("energy, memory", "energy, step")
    definitions = tuple(DEFINITIONS[name] for name in names)
    return at_once(goal, *terms, ranges=(IN_ENERGY_REGION,), definitions=definitions, legend=legend)


def motion(goal: Goal) -> Argument:
    """B18 with momentum: what the inequalities from the point ahead leave is a sum of two squares in each entry."""
    w = symbol("stepvec", "j")
    terms = (
        term(1, use("descent_lemma", FORWARD, NOW)),
        term(1, use("convexity", BEFORE, FORWARD)),
        term(1, use("subgradient", BEFORE, NOW)),
        term(L * SHORTER, square=STEP - PULL / 2 * w),
        term(L, _fact("momentum region"), square=w),
    )
    legend = {
        "phead_k, pull_k": "p and A of an entry; a square with them is the sum over the entries",
        "x_o, g_o, f_o": "the point ahead, y, and f there",
        "stepvec_k": "D_k",
    }
    definitions = tuple(DEFINITIONS[f"momentum, {name}"] for name in ("step", "prox", "ahead"))
    return at_once(goal, *terms, ranges=(IN_MOMENTUM_REGION,), definitions=definitions, legend=legend)


ARGUMENTS = {
    "accelerated_guard": count,
    "accelerated_guard:weights": weights,
    "budgeted_deviations": budgeted,
    "energy_descent": energy,
    "energy_descent:momentum": motion,
}
"""Arguments by the name of their bound."""
