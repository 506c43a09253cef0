"""The basic inequalities (and equalities) that proofs are made of, by name.

A rule turns its arguments into an expression that is >= 0 (or = 0) under the hypotheses it names. Nothing else is taken
for granted by a proof: what is not a rule, a square or an earlier claim is not an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from .._hypothesis import Hypothesis
from ..hypotheses import F_CONVEX, F_SMOOTH, POLYAK_LOJASIEWICZ, R_CONVEX, STRONGLY_CONVEX
from ._symbols import INFIMUM, L, Point, mu


@dataclass(frozen=True)
class Rule:
    """An inequality `build(*arguments) >= 0`, or an equality `= 0`, that holds under `hypotheses`.

    `takes` says of each argument what it must be (`CONDITIONS`); the prover and the checker hold it against that.
    """

    name: str
    says: str
    build: Callable[..., sp.Expr]
    takes: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...] = ()
    equality: bool = False


CONDITIONS = {
    "point": "x_k, x_{k-1}, x_0, x_K, the comparator z or T(z); with `accelerated_guard` y or w of the guard, "
    "with `accelerated_weights` y_k of the accelerated reference",
    "subgradient": "a point where the run has a subgradient of r: x_k, x_K, T(z), w of the guard, and x_{k-1} "
    "for k >= 2; none where the statement has eps, of which g_k is an eps-subgradient",
    "inexact": "x_k, where g_k is an eps_k-subgradient",
    "eps": "eps_k",
    "constant": "a number shown to be >= L",
    "size of 2": "the symbol that stands for the norm of the second argument (`_facts.SIZES`, or `Argument.norms`)",
    "size of 3": "the symbol that stands for the norm of the third argument",
    "size of 4": "the symbol that stands for the norm of the fourth argument",
    "vector": "a vector with such a norm",
    "product": "with the others one of `_facts.PRODUCTS`",
    "mean": "(sum of F(x_k))/K - F(mean of x_k)",
    "fact": "one of `_facts.FACTS`, or a formula of a hypothesis of the bound",
}
"""What an argument of a rule must be, by kind."""


def _descent(a: Point, b: Point) -> sp.Expr:
    return a.f + a.g * (b.x - a.x) + L / 2 * (b.x - a.x) ** 2 - b.f


def _convex(a: Point, b: Point) -> sp.Expr:
    return a.f - b.f - b.g * (a.x - b.x)


def _interpolation(a: Point, b: Point, constant: sp.Expr) -> sp.Expr:
    return _convex(a, b) - (a.g - b.g) ** 2 / (2 * constant)


def _nonconvex_interpolation(a: Point, b: Point) -> sp.Expr:
    dg, dx = a.g - b.g, a.x - b.x
    return a.f - b.f - (a.g + b.g) / 2 * dx - dg**2 / (4 * L) + L / 4 * dx**2


def _subgradient(a: Point, b: Point) -> sp.Expr:
    return a.r - b.r - b.s * (a.x - b.x)


def _strong_convexity(a: Point, b: Point) -> sp.Expr:
    return _convex(a, b) - mu / 2 * (a.x - b.x) ** 2


def _strong_interpolation(a: Point, b: Point) -> sp.Expr:
    dg, dx = a.g - b.g, a.x - b.x
    return (L - mu) * _convex(a, b) - (dg**2 + mu * L * dx**2 - 2 * mu * dg * dx) / 2


def _nonexpansive(a: Point, b: Point) -> sp.Expr:
    return (a.s - b.s) * (a.x - b.x)


def _norm(norm: sp.Expr, vector: sp.Expr) -> sp.Expr:
    return norm**2 - vector**2


def _cauchy_schwarz(a: sp.Expr, b: sp.Expr, u: sp.Expr, v: sp.Expr) -> sp.Expr:
    return a * b - u * v


def _inexact_subgradient(a: Point, b: Point, eps: sp.Expr) -> sp.Expr:
    return _subgradient(a, b) + eps


def _polyak_lojasiewicz(a: Point) -> sp.Expr:
    return a.g**2 - 2 * mu * (a.f - INFIMUM)


def _gradient_domination(a: Point) -> sp.Expr:
    return 2 * L * (a.f - INFIMUM) - a.g**2


def _given(expression: sp.Expr) -> sp.Expr:
    return expression


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "descent_lemma",
            "f(b) <= f(a) + <grad f(a), b - a> + (L/2)||b - a||^2, f L-smooth",
            _descent,
            ("point", "point"),
            (F_SMOOTH,),
        ),
        Rule("convexity", "f(a) >= f(b) + <grad f(b), a - b>, f convex", _convex, ("point", "point"), (F_CONVEX,)),
        Rule(
            "smooth_interpolation",
            "f(a) >= f(b) + <grad f(b), a - b> + ||grad f(a) - grad f(b)||^2/(2M), f convex and L-smooth, M >= L",
            _interpolation,
            ("point", "point", "constant"),
            (F_SMOOTH, F_CONVEX),
        ),
        Rule(
            "nonconvex_interpolation",
            "f(a) - f(b) >= <grad f(a) + grad f(b), a - b>/2 + ||grad f(a) - grad f(b)||^2/(4L) - (L/4)||a - b||^2, "
            "f L-smooth: smooth interpolation of f + (L/2)||x||^2, which is convex and 2L-smooth",
            _nonconvex_interpolation,
            ("point", "point"),
            (F_SMOOTH,),
        ),
        Rule(
            "subgradient",
            "r(a) >= r(b) + <s_b, a - b>, s_b in subdiff r(b), r convex",
            _subgradient,
            ("point", "subgradient"),
            (R_CONVEX,),
        ),
        Rule(
            "monotone_subdifferential",
            "<s_a - s_b, a - b> >= 0, s_a and s_b subgradients of r, r convex",
            _nonexpansive,
            ("subgradient", "subgradient"),
            (R_CONVEX,),
        ),
        Rule(
            "strong_convexity",
            "f(a) >= f(b) + <grad f(b), a - b> + (mu/2)||a - b||^2, f mu-strongly convex",
            _strong_convexity,
            ("point", "point"),
            (STRONGLY_CONVEX,),
        ),
        Rule(
            "strong_interpolation",
            "(L - mu)(f(a) - f(b) - <grad f(b), a - b>) >= (||dg||^2 + mu L ||dx||^2 - 2 mu <dg, dx>)/2, "
            "dg and dx the differences of gradients and points, f mu-strongly convex and L-smooth",
            _strong_interpolation,
            ("point", "point"),
            (F_SMOOTH, STRONGLY_CONVEX),
        ),
        Rule(
            "inexact_subgradient",
            "r(a) >= r(b) + <s_b, a - b> - eps, s_b an eps-subgradient of r at b, r convex",
            _inexact_subgradient,
            ("point", "inexact", "eps"),
            (R_CONVEX,),
        ),
        Rule(
            "polyak_lojasiewicz",
            "||grad f(a)||^2 >= 2 mu (f(a) - inf f)",
            _polyak_lojasiewicz,
            ("point",),
            (POLYAK_LOJASIEWICZ,),
        ),
        Rule(
            "gradient_domination",
            "||grad f(a)||^2 <= 2 L (f(a) - inf f): the descent lemma from a to a - grad f(a)/L",
            _gradient_domination,
            ("point",),
            (F_SMOOTH,),
        ),
        Rule(
            "lipschitz_gradient",
            "||grad f(a) - grad f(b)|| <= L ||a - b||, f L-smooth",
            lambda a, b: L**2 * (a.x - b.x) ** 2 - (a.g - b.g) ** 2,
            ("point", "point"),
            (F_SMOOTH,),
        ),
        Rule(
            "jensen",
            "F at a mean of points is at most the mean of F, F convex",
            _given,
            ("mean",),
            (F_CONVEX, R_CONVEX),
        ),
        Rule(
            "entrywise_product",
            "||diag(a) v|| <= max_i |a_i| ||v||",
            lambda largest, norm, product: largest * norm - product,
            ("product", "product", "product"),
        ),
        Rule(
            "cauchy_schwarz",
            "<u, v> <= ||u|| ||v||",
            _cauchy_schwarz,
            ("size of 3", "size of 4", "vector", "vector"),
        ),
        Rule("norm", "||v||^2 is <v, v>", _norm, ("size of 2", "vector"), equality=True),
        Rule("hypothesis", "what the bound supposes, or what its quantities mean", _given, ("fact",)),
    )
}
