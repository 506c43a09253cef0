"""Proofs of B10: non-convex f, and constrained problems."""

from __future__ import annotations

from ..vocabulary import Q
from ._claims import AT_ONE, UNIT_STEP, Argument, Claim, Earlier, Part, Term, term, use
from ._facts import DEFINITIONS, FACTS
from ._goal import Goal
from ._symbols import BEFORE, END, NOW, STEP, G, L, Z, h, size
from ._telescope import in_one_go, telescope
from .descent import GNORM, ONE_STEP
from .linear import NO_REGULARIZER

CHANGE, DNORM, AT_POINT, DIST = (size(name, "k") for name in ("change", "Dnorm", "stationarity", "dist"))
NORMS = {CHANGE: NOW.g - BEFORE.g}
LEGEND = {"change_k": "||grad f(x_k) - grad f(x_{k-1})||", "stationarity_k": "||grad f(x_k) + g_k||"}


def _stationarity(goal: Goal, *end: Term) -> Argument:
    steps = [term(2 * L * one.multiplier, *one.factors) for one in ONE_STEP]
    return in_one_go(goal, *telescope(goal, steps, (), end, scale=h * (2 - h) * Q.K, ranges=(UNIT_STEP,)))


def stationarity(goal: Goal) -> Argument:
    """B10: B1 summed over k."""
    return _stationarity(goal, term(2 * L, use("hypothesis", END.F - Q.F_low, label="F_low <= F(x_K)")))


def by_descent(goal: Goal) -> Argument:
    """B10 by the descent of the run."""
    return _stationarity(goal)


def exact_steps(goal: Goal) -> Argument:
    """B10 of exact steps 1/L, r = 0."""
    low = FACTS["lower bound of f"]
    steps = (term(4 * L, use("nonconvex_interpolation", BEFORE, NOW)),)
    end = (
        term(2, use("gradient_domination", END)),
        term(4 * L, use("hypothesis", low.expression, needs=low.hypotheses, label=low.says)),
    )
    definitions = (*NO_REGULARIZER, DEFINITIONS["exact step, r = 0"])
    parts = telescope(goal, steps, (), end, scale=3 * Q.K + 2, ranges=(AT_ONE,), definitions=definitions)
    return in_one_go(goal, *parts, definitions=definitions)


def _subdifferential() -> tuple[Claim, Claim]:
    gradients = Claim(
        "gradients",
        "grad f changes by at most L||D_k||",
        L * DNORM - CHANGE,
        (
            Part(
                (
                    term(1, use("lipschitz_gradient", BEFORE, NOW)),
                    term(L**2, use("norm", DNORM, STEP)),
                    term(-1, use("norm", CHANGE, NOW.g - BEFORE.g)),
                ),
                times=L * DNORM + CHANGE,
            ),
        ),
    )
    triangle = Claim(
        "triangle",
        "grad f(x_k) + g_k = G_k + (grad f(x_k) - grad f(x_{k-1}))",
        GNORM + CHANGE - AT_POINT,
        (
            Part(
                (
                    term(2, use("cauchy_schwarz", GNORM, CHANGE, G, NOW.g - BEFORE.g)),
                    term(1, use("norm", GNORM, G)),
                    term(1, use("norm", CHANGE, NOW.g - BEFORE.g)),
                    term(-1, use("norm", AT_POINT, NOW.g + NOW.s)),
                ),
                times=GNORM + CHANGE + AT_POINT,
            ),
        ),
    )
    return gradients, triangle


def subdifferential(goal: Goal) -> Argument:
    """B10, the subdifferential at x_k."""
    end = Part((term(1, Earlier("gradients")), term(1, Earlier("triangle"))))
    return Argument(
        (*_subdifferential(), Claim("bound", "the bound", goal.expression, (end,))), legend=LEGEND, norms=NORMS
    )


def constrained(goal: Goal) -> Argument:
    """B10, the variational inequality."""
    zero = (DEFINITIONS["indicator: r_k"], DEFINITIONS["indicator: r_z"])
    end = Part(
        (
            term(DIST, Earlier("gradients")),
            term(DIST, Earlier("triangle")),
            term(1, use("cauchy_schwarz", AT_POINT, DIST, NOW.g + NOW.s, NOW.x - Z.x)),
            term(1, use("subgradient", Z, NOW)),
        )
    )
    last = Claim("bound", "the bound", goal.expression, (end,))
    return Argument((*_subdifferential(), last), definitions=zero, legend=LEGEND, norms=NORMS)


ARGUMENTS = {
    "nonconvex_stationarity": stationarity,
    "nonconvex_stationarity:descent": by_descent,
    "nonconvex_stationarity:exact_steps": exact_steps,
    "nonconvex_stationarity:subdifferential": subdifferential,
    "nonconvex_stationarity:constrained": constrained,
}
"""Arguments by the name of their bound."""
