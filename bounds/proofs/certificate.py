"""Proofs of B15: the average of smooth interpolation, and Cauchy-Schwarz."""

from __future__ import annotations

import sympy as sp

from ..vocabulary import Q, k
from ._claims import COUNT, INDEX, Argument, Claim, Definition, Earlier, Part, term, use
from ._facts import DEFINITIONS
from ._goal import Goal, translate
from ._symbols import FIRST, NOW, L, Z, size, symbol
from .linear import NO_REGULARIZER

K = Q.K
SHARE, LEFT = size("share", "k"), size("left", "k")
SHARED = tuple(DEFINITIONS[name] for name in ("weight left", "all weight", "no weight"))
LEGEND = {"u_k": "sum over i <= k of a_i grad f(x_i)"}


def _sum(goal: Goal, quantity: sp.Expr) -> sp.Expr:
    """The partial sum up to k of a_i times a quantity of the statement, at k."""
    wanted = sp.expand(SHARE * translate(quantity))
    (name,) = (name for name, rule in goal.sums.items() if sp.expand(rule.increment - wanted) == 0)
    return symbol(name, "k")


def _argument(goal: Goal, invariant: sp.Expr, end: Part, definitions: tuple[Definition, ...]) -> Argument:
    """The invariant grows by a_k times the interpolation inequality between z and x_k."""
    step = (term(1, Earlier("invariant", "j", k - 1)), term(SHARE, use("smooth_interpolation", Z, NOW, L)))
    claim = Claim(
        "invariant",
        "the interpolation inequalities between z and x_1, ..., x_k, averaged",
        invariant,
        (Part((), (COUNT,), "at k = 0", index="0", position=0), Part(step, (INDEX,), "from k-1 to k")),
    )
    last = Claim("bound", "the bound", goal.expression, (end,))
    return Argument((claim, last), goal.sums, (*SHARED, *definitions), LEGEND)


def certificate(goal: Goal) -> Argument:
    """B15: what is left at the end is ||grad f(z) - s||^2/(2L)."""
    u = symbol("u", "k")
    squares = _sum(goal, Q.grad2[k]) - 2 * u * Z.g + (1 - LEFT) * Z.g**2
    invariant = (1 - LEFT) * Z.F - _sum(goal, Q.model[k]) - squares / (2 * L)
    s = symbol("u", "K")
    end = Part(
        (
            term(1, Earlier("invariant", "K", K)),
            term(1 / (2 * L), square=Z.g - s),
            term(1 / (2 * L), use("norm", Q.mean_grad, s)),
        ),
        (COUNT,),
    )
    return _argument(goal, invariant, end, ())


def within_a_ball(goal: Goal) -> Argument:
    """B15 with r = 0 and grad f(z) = 0."""
    along = symbol("u", "k") * (Z.x - FIRST.x)
    invariant = (1 - LEFT) * Z.f - _sum(goal, Q.model_0[k]) - along - _sum(goal, Q.grad2[k]) / (2 * L)
    s = symbol("u", "K")
    end = Part(
        (
            term(1, Earlier("invariant", "K", K)),
            term(1, use("cauchy_schwarz", Q.mean_grad, size("dist", "0"), s, FIRST.x - Z.x)),
        ),
        (COUNT,),
    )
    return _argument(goal, invariant, end, (DEFINITIONS["minimiser, r = 0"], *NO_REGULARIZER))


ARGUMENTS = {"run_certificate": certificate, "run_certificate:ball": within_a_ball}
"""Arguments by the name of their bound."""
