"""Signs of multipliers, proved by a change of variables.

The domain of a proof writes parameters as fractions of symbols that are >= 0: k = 1 + a, K = 1 + a + b for 1 <= k <= K,
h = v/(u + v) with v > 0 for 0 < h <= 1. An expression is >= 0 if, so rewritten and brought to one fraction, every
coefficient of numerator and denominator is positive, and every power of a symbol that may be negative even. The test is
sound and not complete: what it does not see is not proved.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from sympy.polys.rings import PolyElement

from ._polynomials import Ring

Domain = Mapping[sp.Symbol, sp.Expr]


def rewritten(expression: sp.Expr, domain: Domain) -> sp.Expr:
    """The expression in the free symbols of the domain, whose values may speak of parameters in turn."""
    for _ in range(len(domain)):
        for parameter, value in domain.items():
            expression = expression.xreplace({parameter: sp.sympify(value)})
    return expression


def _has_sign(polynomial: PolyElement, symbols: list[sp.Symbol], sign: int, strict: bool) -> bool:
    positive = False
    for powers, coefficient in polynomial.terms():
        if not sign * coefficient > 0:
            return False
        if not all(s.is_nonnegative or power % 2 == 0 for s, power in zip(symbols, powers)):
            return False
        positive |= all(s.is_positive for s, power in zip(symbols, powers) if power)
    return positive or not strict


def is_nonnegative(expression: sp.Expr, domain: Domain, strict: bool = False) -> bool:
    """Whether the expression is >= 0, or with `strict` > 0, wherever the domain says; False if that is not seen."""
    expression = rewritten(sp.sympify(expression), domain)
    symbols = sorted(expression.free_symbols, key=str)
    if not symbols:
        return bool(expression > 0 if strict else expression >= 0)
    fraction = Ring([expression], gens=())(expression)
    if fraction == 0:
        return not strict
    value = fraction.coeff(1)
    return any(
        _has_sign(value.denom, symbols, sign, strict=True) and _has_sign(value.numer, symbols, sign, strict)
        for sign in (1, -1)
    )
