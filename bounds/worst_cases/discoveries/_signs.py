"""Signs of rational functions of k and K: what vanishes, what is not negative, and what is positive semidefinite.

A sign is shown by a change of variables after which every coefficient is positive, semidefiniteness by elimination with
pivots of such signs. What is not shown may still be so.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from ._fit import K, k

OF_K, OF_LENGTH = sp.Symbol("q_k", positive=True), sp.Symbol("q_K", positive=True)
"""base^k and base^K of a geometric rate."""


def vanishes(expression: sp.Expr) -> bool:
    """Whether a rational function is 0."""
    return sp.cancel(sp.together(expression)) == 0


def nonnegative(expression: sp.Expr, domain: Mapping[sp.Symbol, sp.Expr], strict: bool = False) -> bool:
    """Whether a rational function is >= 0 (> 0) on a domain: all coefficients have one sign. False if that is not seen.

    Args:
        expression: In k, K and powers of a base, which are positive.
        domain: k and K as polynomials in symbols that are >= 0; the value of K may have k in it.
        strict: Whether 0 is not enough.

    Returns:
        Whether the sign was shown.
    """
    moved = expression
    for symbol in (K, k):
        if symbol in domain:
            moved = moved.subs(symbol, domain[symbol])
    top, bottom = sp.fraction(sp.cancel(sp.together(moved)))
    if top == 0:
        return not strict
    symbols = sorted((top.free_symbols | bottom.free_symbols), key=str)
    if not symbols:
        return bool(top / bottom > 0)
    top, bottom = sp.Poly(top, *symbols), sp.Poly(bottom, *symbols)
    sign = 1 if bottom.LC() > 0 else -1
    if not all(sign * c > 0 for c in bottom.coeffs()) or not all(sign * c > 0 for c in top.coeffs()):
        return False
    return _bounded_away(bottom) and (not strict or _bounded_away(top))


def _bounded_away(polynomial: sp.Poly) -> bool:
    """Whether a polynomial with positive coefficients is positive: one of its monomials has positive symbols only."""
    positive = (OF_K, OF_LENGTH)
    return any(all(s in positive for s, p in zip(polynomial.gens, powers) if p) for powers in polynomial.monoms())


def eliminated(matrix: sp.Matrix, domain: Mapping[sp.Symbol, sp.Expr]) -> list[sp.Expr] | None:
    """The pivots of a positive semidefinite matrix of rational functions; None where it is not shown to be one.

    Args:
        matrix: Symmetric.
        domain: See `nonnegative`.

    Returns:
        The pivots other than 0.
    """
    rest = matrix.applyfunc(lambda e: sp.cancel(sp.together(e)))
    pivots: list[sp.Expr] = []
    while rest.rows:
        at = next((i for i in range(rest.rows) if rest[i, i] != 0 and nonnegative(rest[i, i], domain, True)), None)
        if at is None:
            return pivots if all(e == 0 for e in rest) else None
        pivot, column = rest[at, at], rest.col(at)
        pivots.append(pivot)
        less = rest - column * column.T / pivot
        less.row_del(at)
        less.col_del(at)
        rest = less.applyfunc(lambda e: sp.cancel(sp.together(e)))
    return pivots
