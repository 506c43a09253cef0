"""Proofs of B8 and B9: rates from a relative deviation, and linear ones."""

from __future__ import annotations

import sympy as sp

from ..vocabulary import Q, k
from ._claims import (
    ABOVE_0,
    AT_ONE,
    BELOW_L,
    BELOW_STEP,
    COUNT,
    DISTANT,
    INDEX,
    INDEX_FROM_2,
    LARGE_DEVIATION,
    NO_DISTANCE,
    SMALL_DEVIATION,
    SOME_DISTANCE,
    UNIT_STEP,
    Argument,
    Claim,
    Definition,
    Earlier,
    Given,
    Part,
    Range,
    Term,
    signs_of,
    term,
    use,
)
from ._facts import DEFINITIONS, FACTS
from ._goal import Goal
from ._symbols import BEFORE, END, FIRST, INFIMUM, NOW, G, L, Z, at_step, h, mu, size
from .contraction import FIXED_POINT, LEGEND, NORMS, recursion
from .descent import GNORM, ONE_STEP, relative_deviation

K = Q.K
SHARE = (h - Q.sigma_max) * (2 - h + Q.sigma_max)
RATE = SHARE / (2 * L)
"""q of B8."""
GAP = NOW.F - Z.F
POSITIVE, NEGATIVE = signs_of("F(x_k) - F(z)", GAP)
NO_REGULARIZER = tuple(one for name, one in DEFINITIONS.items() if name.startswith("r = 0: "))


def _one_step() -> tuple[Claim, ...]:
    """What a step of relative deviation sigma does: descent, and the distance form."""
    before = size("dist", "j")
    descent = Claim(
        "descent",
        "F decreases by q||G_k||^2 at least (B2)",
        BEFORE.F - NOW.F - RATE * GNORM**2,
        (Part((*ONE_STEP, *relative_deviation(Q.sigma_max)), (UNIT_STEP, BELOW_STEP)),),
    )
    distance = Claim(
        "distance",
        "F(x_k) - F(z) <= ||G_k|| Delta - q||G_k||^2",
        GNORM * Q.Delta - RATE * GNORM**2 - GAP,
        (
            Part(
                (
                    term(1, use("convexity", Z, BEFORE)),
                    term(1, use("descent_lemma", BEFORE, NOW)),
                    term(1, use("subgradient", Z, NOW)),
                    term(1, use("cauchy_schwarz", GNORM, before, G, BEFORE.x - Z.x)),
                    term(
                        GNORM, use("hypothesis", Q.Delta - before, label="||x_{k-1} - z|| <= Delta, what Delta means")
                    ),
                    *relative_deviation(Q.sigma_max),
                ),
                (UNIT_STEP, BELOW_STEP),
            ),
        ),
    )
    u, v = Earlier("descent"), Earlier("distance")
    given, q, g = Given(POSITIVE), RATE, GNORM
    reciprocal = Claim(
        "reciprocal",
        "Delta^2 (d_{k-1} - d_k) >= q d_k d_{k-1}, d_k = F(x_k) - F(z): 1/d_k >= 1/d_{k-1} + q/Delta^2",
        Q.Delta**2 * (BEFORE.F - NOW.F) - q * GAP * (BEFORE.F - Z.F),
        (
            Part(
                (
                    term(q, v, v),
                    term(2 * q, v, given),
                    term(2 * q**2 * g**2, v),
                    term(q**2 * g**2, given),
                    term(q**3 * g**4),
                    term(1, u, square=Q.Delta - q * g / 2),
                    term(sp.Rational(3, 4) * q**2 * g**2, u),
                    term(q, u, v),
                ),
                (UNIT_STEP, BELOW_STEP, POSITIVE),
            ),
        ),
        case=POSITIVE,
    )
    return descent, distance, reciprocal


def _rate(
    goal: Goal,
    size_: sp.Expr,
    growth: sp.Expr,
    start: Part,
    steps: Range,
    at_end: tuple[Range, ...] = (),
    definitions: tuple[Definition, ...] = (),
) -> Argument:
    """size - growth(k) d_k >= 0 for all k, growth(k) - growth(k-1) = q size/Delta^2."""
    v, g, q = Earlier("distance"), GNORM, RATE
    before = growth.subs(k, k - 1)
    previous = Earlier("rate", "j", k - 1)
    ranges = (steps, UNIT_STEP, BELOW_STEP)
    claim = Claim(
        "rate",
        "the bound at k",
        size_ - growth * GAP,
        (
            start,
            Part((term(size_), term(growth, Given(NEGATIVE))), (*ranges, SOME_DISTANCE, NEGATIVE), "d_k <= 0"),
            Part((term(growth, v), term(growth * q * g**2)), (*ranges, NO_DISTANCE), "Delta = 0"),
            Part(
                (
                    term(before, Earlier("reciprocal")),
                    term(1, previous, square=Q.Delta - q * g / 2),
                    term(sp.Rational(3, 4) * q**2 * g**2, previous),
                    term(q, previous, v),
                ),
                (*ranges, SOME_DISTANCE, POSITIVE),
                "from k-1 to k, d_k >= 0",
                times=Q.Delta**2,
            ),
        ),
    )
    end = Part((term(1, Earlier("rate", "K", K)),), (COUNT, UNIT_STEP, BELOW_STEP, *at_end), times=growth.subs(k, K))
    last = Claim("bound", "the bound", goal.expression, (end,))
    return Argument((*_one_step(), claim, last), goal.sums, definitions)


def relative_rate(goal: Goal) -> Argument:
    """B8."""
    start = Part(
        (term(2 * L, square=Q.Delta - 2 * RATE * GNORM), term(4 * SHARE, Earlier("distance"))),
        (UNIT_STEP, BELOW_STEP),
        "at k = 1",
        position=1,
    )
    return _rate(goal, 2 * L * Q.Delta**2, SHARE * (k + 3), start, INDEX_FROM_2)


def relative_rate_smooth(goal: Goal) -> Argument:
    """B8 with r = 0: the descent lemma at z is a better start."""
    wide = Q.Delta + 2 * Q.tau / h
    first = size("dist", "0")
    within = use("hypothesis", Q.Delta - first, label="||x_0 - z|| <= Delta, what Delta means")
    start = Part(
        (
            term(4 * Q.Delta, use("descent_lemma", Z, FIRST)),
            term(4 * Q.Delta * L / h, use("cauchy_schwarz", Q.tau, first, h / L * Z.g, FIRST.x - Z.x)),
            term(4 * Q.Delta * (L / h * Q.tau + L / 2 * (Q.Delta + first)), within),
            term(2 * L * Q.Delta, use("norm", first, FIRST.x - Z.x)),
        ),
        (UNIT_STEP, BELOW_STEP),
        "at k = 0",
        index="0",
        position=0,
    )
    growth = SHARE * k * wide + 4 * Q.Delta
    return _rate(goal, 2 * L * Q.Delta**2 * wide, growth, start, INDEX, (DISTANT,), NO_REGULARIZER)


def contraction(goal: Goal) -> Argument:
    """B9, one step."""
    *claims, last = recursion(mu, ((BELOW_L,), (ABOVE_0,)))
    end = Claim("bound", "the bound", goal.expression, last.parts)
    return Argument((*claims, end), goal.sums, (FIXED_POINT,), LEGEND, norms=NORMS)


def contraction_rate(goal: Goal) -> Argument:
    """B9 over K steps."""
    cases = ((BELOW_L,), (ABOVE_0,))
    claims = recursion(mu, cases)
    previous = Earlier("rate", "j", k - 1)
    step = (term(1 - h * mu / L, previous), term(1, Earlier("recursion")))
    rate = Claim(
        "rate",
        "the bound at k",
        at_step(goal.expression),
        (
            Part((), (COUNT,), "at k = 0", index="0", position=0),
            *(Part(step, (INDEX, UNIT_STEP, *case), "from k-1 to k") for case in cases),
        ),
    )
    last = Claim("bound", "the bound", goal.expression, (Part((term(1, Earlier("rate", "K", K)),)),))
    return Argument((*claims, rate, last), goal.sums, (FIXED_POINT,), LEGEND, norms=NORMS)


def polyak_lojasiewicz(goal: Goal) -> Argument:
    """B9 in terms of F, r = 0."""
    sigma = size("sigma", "k")
    share = (h - sigma) * (2 - h + sigma)
    descent = Claim(
        "descent",
        "F(x_{k-1}) - F(x_k) >= (h - sigma)(2 - h + sigma)||G_k||^2/(2L)",
        BEFORE.F - NOW.F - share / (2 * L) * G**2,
        (Part((*ONE_STEP, *relative_deviation(sigma), term(share / (2 * L), use("norm", GNORM, G))), (UNIT_STEP,)),),
    )
    above = use("hypothesis", Z.F - INFIMUM, label="inf f <= F(z)")
    below = use("hypothesis", INFIMUM - Q.F_low, label="F_low <= inf f")
    small = (
        term(1, Earlier("descent")),
        term(share / (2 * L), use("polyak_lojasiewicz", BEFORE)),
        term(share * mu / L, above),
    )
    large = (
        term(1, Earlier("descent")),
        term(-share / (2 * L), use("gradient_domination", BEFORE)),
        term(-share, below),
    )
    parts = (Part(small, (SMALL_DEVIATION, UNIT_STEP)), Part(large, (LARGE_DEVIATION, UNIT_STEP)))
    last = Claim("bound", "the bound", goal.expression, parts)
    return Argument((descent, last), goal.sums, NO_REGULARIZER, {"f_inf": "inf f"})


BELOW, ABOVE = (
    use("hypothesis", FACTS[name].expression, needs=FACTS[name].hypotheses, label=FACTS[name].says)
    for name in ("lower bound of f", "infimum at z")
)
MODEST = use("hypothesis", L - mu, label="mu <= L")


def _pl_rate(
    goal: Goal, size_: sp.Expr, per_step: sp.Expr, *steps: Term, definitions: tuple[Definition, ...]
) -> Argument:
    """The bound at k with inf f in place of F(z); `steps`, and `per_step` (L - mu) times the bound before."""
    previous = term(per_step, MODEST, Earlier("rate", "j", k - 1))
    parts = (
        Part((term(1, BELOW),), (COUNT,), "at k = 0", index="0", position=0),
        Part((previous, *steps), (INDEX, AT_ONE), "from k-1 to k", times=size_),
    )
    rate = Claim(
        "rate", "the bound at k, on f(x_k) - inf f", at_step(goal.expression + END.F - Z.F) + INFIMUM - NOW.f, parts
    )
    last = Claim("bound", "the bound", goal.expression, (Part((term(1, Earlier("rate", "K", K)), term(1, ABOVE))),))
    return Argument((rate, last), goal.sums, (*NO_REGULARIZER, *definitions), {"f_inf": "inf f"})


def pl_inexact(goal: Goal) -> Argument:
    """B9 under the inequality over K steps, with any deviations: B1 at h = 1."""
    steps = (term(1, use("descent_lemma", BEFORE, NOW)), term(1 / (2 * L), use("polyak_lojasiewicz", BEFORE)))
    return _pl_rate(goal, sp.Integer(1), 1 / L, *steps, definitions=())


def pl_exact_steps(goal: Goal) -> Argument:
    """B9 under the inequality with exact steps."""
    steps = (
        term(2 * L, use("nonconvex_interpolation", BEFORE, NOW)),
        term(1, use("polyak_lojasiewicz", BEFORE)),
        term(sp.Rational(1, 2), use("polyak_lojasiewicz", NOW)),
    )
    return _pl_rate(goal, 2 * L + mu, sp.Integer(2), *steps, definitions=(DEFINITIONS["exact step, r = 0"],))


ARGUMENTS = {
    "relative_deviation_rate": relative_rate,
    "relative_deviation_rate:smooth": relative_rate_smooth,
    "strong_convexity": contraction,
    "strong_convexity:rate": contraction_rate,
    "strong_convexity:pl": polyak_lojasiewicz,
    "strong_convexity:pl_inexact": pl_inexact,
    "strong_convexity:pl_exact_steps": pl_exact_steps,
}
"""Arguments by the name of their bound."""
