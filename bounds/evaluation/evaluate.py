"""Numbers from formulas: a sympy expression in named quantities, evaluated on balls.

The tree of the expression is walked once, each node giving a `Ball` of shape (1, 1), (B, 1) or, where the
step index k is free, (B, K). Sums over k = 1..K are sums along the step axis; no loop in Python runs over
steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from ..errors import InputError
from ..vocabulary import VOCABULARY, Q, k
from .ball import EPS, TINY, Ball, made
from .container import Quantities
from .scalars import as_quantities


def evaluate_expression(expression: sp.Expr, quantities: Quantities | Mapping[str, Any]) -> Ball:
    """The value of an expression with a sound bound on its error.

    Args:
        expression: A formula in the symbols of the vocabulary: +, *, powers with integer or half-integer exponents,
            powers K and k of what is >= 0, Abs, Max, Min and Sum(..., (k, 1, K)).
        quantities: Measured quantities, or a mapping that `from_scalars` takes.

    Returns:
        A ball of shape (B, K) if the step index k is free in the expression, else (B,). It holds the exact value for
        any values of the quantities within their error bounds; its radius is inf where nothing is known.

    Raises:
        InputError: For a quantity that is used and was not given, an index outside the run, and a form that is not
            listed above.
    """
    quantities = as_quantities(quantities)
    expression = sp.sympify(expression)
    result = _Walk(quantities)(expression)
    if has_free_step(expression):
        return _spread(result, (quantities.batch, quantities.steps))
    return _spread(result, (quantities.batch, 1))[:, 0]


@lru_cache(maxsize=4096, typed=True)
def has_free_step(expression: sp.Expr) -> bool:
    """Whether the step index k occurs outside a sum over k."""
    return k in expression.free_symbols


def _spread(ball: Ball, shape: tuple[int, int]) -> Ball:
    return made(np.broadcast_to(ball.mid, shape), np.broadcast_to(ball.rad, shape))


class _Walk:
    """Evaluates nodes of one expression, each distinct one once."""

    def __init__(self, quantities: Quantities) -> None:
        self.quantities = quantities
        self.balls: dict[sp.Basic, Ball] = {}

    def __call__(self, node: sp.Basic) -> Ball:
        if node not in self.balls:
            self.balls[node] = self.value(node)
        return self.balls[node]

    def value(self, node: sp.Basic) -> Ball:
        if isinstance(node, sp.Rational):
            return _number(int(node.p), int(node.q))
        if isinstance(node, sp.Float):
            return _cell(Ball.rational(Fraction(sp.Rational(node).p, sp.Rational(node).q)))
        if isinstance(node, sp.Symbol):
            return self.symbol(node)
        if isinstance(node, sp.Indexed):
            return self.indexed(node)
        if isinstance(node, sp.Sum):
            return self.summed(node)
        if isinstance(node, sp.Add):
            return self.folded(node.args, Ball.__add__)
        if isinstance(node, sp.Mul):
            return self.folded(node.args, Ball.__mul__)
        if isinstance(node, sp.Max):
            return self.folded(node.args, Ball.maximum)
        if isinstance(node, sp.Min):
            return self.folded(node.args, Ball.minimum)
        if isinstance(node, sp.Abs):
            return abs(self(node.args[0]))
        if isinstance(node, sp.Pow) and isinstance(node.exp, sp.Rational):
            return self(node.base) ** Fraction(int(node.exp.p), int(node.exp.q))
        if isinstance(node, sp.Pow) and node.exp.free_symbols <= {k, Q.K}:
            return _power(self(node.base), self(node.exp))
        raise InputError(
            f"`{node}` ({type(node).__name__}) cannot be evaluated; formulas are made of named quantities, "
            "+, *, rational powers with denominator 1 or 2, powers K and k of what is >= 0, Abs, Max, Min and "
            "Sum(..., (k, 1, K))"
        )

    def folded(self, nodes: tuple[sp.Basic, ...], operation: Any) -> Ball:
        # small operands first: what is one number a run is combined before it meets the (B, K) arrays
        balls = sorted((self(node) for node in nodes), key=lambda ball: ball.mid.size)
        result = balls[0]
        for ball in balls[1:]:
            result = operation(result, ball)
        return result

    def symbol(self, node: sp.Symbol) -> Ball:
        if node == k:
            return Ball(np.arange(1.0, self.quantities.steps + 1)[None, :])
        if node == Q.K:
            return _cell(Ball(float(self.quantities.steps)))
        if VOCABULARY.get(node.name) is None or VOCABULARY[node.name].symbol != node:
            raise InputError(f"`{node}` is not a run quantity of the vocabulary")
        return self.quantities.ball(node.name)[:, None]

    def indexed(self, node: sp.Indexed) -> Ball:
        name, columns = _entries(node, self.quantities.steps)
        return self.quantities.ball(name)[:, columns]

    def summed(self, node: sp.Sum) -> Ball:
        if node.limits != (sp.Tuple(k, sp.Integer(1), Q.K),):
            raise InputError(f"`{node}`: only sums over k = 1..K can be evaluated")
        term = self(node.function)
        if not has_free_step(node.function):
            return term * float(self.quantities.steps)
        return term.sum(axis=1, keepdims=True)


@lru_cache(maxsize=4096, typed=True)
def _entries(node: sp.Indexed, steps: int) -> tuple[str, slice]:
    """The quantity that an entry is of, and its columns in a run of so many steps."""
    name = str(node.base)
    if name not in VOCABULARY or len(node.indices) != 1:
        raise InputError(f"`{node}` is not a quantity of the vocabulary with one index")
    first = 0 if VOCABULARY[name].level == "iterate" else 1
    low, high = _ends(node.indices[0], steps)
    if not (low.is_Integer if isinstance(low, sp.Basic) else True) or low < first or high > steps:
        raise InputError(f"`{node}` asks for an index outside {first}..K; indices are k, K or numbers, plus a constant")
    return name, slice(int(low) - first, int(high) - first + 1)


def _ends(index: sp.Expr, steps: int) -> tuple[Any, Any]:
    """The first and the last value of an index in a run of so many steps."""
    if index.has(k):
        shift = sp.expand(index - k)
        return 1 + shift, steps + shift
    return (index.subs(Q.K, steps),) * 2


@lru_cache(maxsize=1024)
def _number(p: int, q: int) -> Ball:
    return _cell(Ball.rational(Fraction(p, q)))


def _cell(ball: Ball) -> Ball:
    return Ball(np.reshape(ball.mid, (1, 1)), np.reshape(ball.rad, (1, 1)))


def _power(base: Ball, exponent: Ball) -> Ball:
    """A power, with whole numbers as exponents, of what is known to be >= 0."""
    with np.errstate(all="ignore"):
        low, high = (np.power(np.maximum(end, 0.0), exponent.mid) for end in (base.lower, base.upper))
        # numpy's pow is good to a few units in the last place; 16 are allowed
        mid, rad = (low + high) / 2, np.abs(high - low) / 2 + 16 * EPS * np.maximum(low, high) + TINY
    return Ball(np.where(np.isfinite(mid), mid, 0.0), np.where(np.isfinite(mid + rad), rad, np.inf))
