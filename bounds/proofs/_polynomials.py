"""Exact polynomials in vectors and function values, their coefficients fractions in the parameters.

The arithmetic is that of sympy's sparse polynomial rings over a field of fractions, where an expression is 0 if and
only if it prints as 0. It is much faster than `sympy.expand`, and leaves nothing to its heuristics.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import sympy as sp
from sympy.polys.rings import PolyElement

from ._symbols import is_vector


def is_generator(s: sp.Symbol) -> bool:
    """Whether the symbol is a vector, a function value or a partial sum; norms and parameters are coefficients."""
    return is_vector(s) or s.name[:2] in ("f_", "r_") or s.name.startswith("sum")


class Ring:
    """Polynomials in `gens` over the field of fractions in `parameters`, both taken from expressions."""

    def __init__(self, expressions: Iterable[sp.Expr], gens: Iterable[sp.Symbol] | None = None) -> None:
        symbols = set().union(*(sp.sympify(e).free_symbols for e in expressions))
        chosen = {s for s in symbols if is_generator(s)} if gens is None else set(gens)
        self.gens = sorted(chosen, key=str)
        self.parameters = sorted(symbols - chosen, key=str)

    @cached_property
    def field(self) -> Any:
        return sp.QQ.frac_field(*self.parameters) if self.parameters else sp.QQ

    @cached_property
    def _ring(self) -> Any:
        from sympy.polys.rings import PolyRing

        return PolyRing(self.gens or [sp.Dummy()], self.field)

    @cached_property
    def _atoms(self) -> dict[sp.Symbol, Any]:
        values = dict(zip(self.gens, self._ring.gens))
        parameters = self.field.gens if self.parameters else ()
        return values | {s: self._ring.ground_new(value) for s, value in zip(self.parameters, parameters)}

    def __call__(self, expression: sp.Expr) -> PolyElement:
        """The expression as a polynomial; a `ValueError` where it is none (a root, a vector in a denominator)."""
        expression = sp.sympify(expression)
        if expression.is_Rational:
            return self._ring.ground_new(self.field.convert(sp.QQ(expression.p, expression.q)))
        if expression.is_Symbol:
            return self._atoms[expression]
        if expression.is_Add:
            return sum((self(a) for a in expression.args), self._ring.zero)
        if expression.is_Mul:
            product = self._ring.one
            for a in expression.args:
                product *= self(a)
            return product
        if expression.is_Pow and expression.exp.is_Integer:
            base, power = self(expression.base), int(expression.exp)
            if power >= 0:
                return base**power
            if base.is_ground and base != 0:
                return self._ring.ground_new(self.field.one / base.coeff(1) ** -power)
        raise ValueError(f"{expression} is not a polynomial in {', '.join(map(str, self.gens))}")

    def terms(self, expression: sp.Expr) -> list[tuple[dict[sp.Symbol, int], sp.Expr]]:
        """The monomials as powers of symbols, and their coefficients."""
        monomials = []
        for powers, coefficient in self(expression).terms():
            used = {s: power for s, power in zip(self.gens, powers) if power}
            monomials.append((used, self.field.to_sympy(coefficient)))
        return monomials


def terms(expression: sp.Expr) -> list[tuple[dict[sp.Symbol, int], sp.Expr]]:
    """The monomials of an expression in vectors, function values and partial sums."""
    return Ring([expression]).terms(expression)


def collected(expression: sp.Expr) -> sp.Expr:
    """The expression as a sum over monomials, each coefficient one fraction in factors."""
    return sp.Add(*(sp.factor(c) * sp.Mul(*(s**power for s, power in used.items())) for used, c in terms(expression)))
