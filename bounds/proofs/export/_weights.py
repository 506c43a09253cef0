"""Why a number of a proof is >= 0 or > 0, as trees: by its own structure, by its factors, or term by term.

The signs themselves are those that `proofs._signs` sees; here they are put in a form that a proof kernel follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from .._formulas import divisors
from .._polynomials import Ring
from .._signs import is_nonnegative, rewritten
from ._algebra import Reader
from .nodes import Node, add, mul, number


@dataclass(frozen=True)
class Weight:
    """``expression >= 0``, or > 0 if `strict`; `form` is equal to it and has its sign term by term.

    `form` is None where linear arithmetic sees it, and the expression where its own structure shows it.
    """

    expression: Node
    form: Node | None
    strict: bool = False


@dataclass
class Signs:
    """Finds the signs of numbers in one part of a proof.

    `read` writes formulas, `parameters` writes the symbols that ranges are parametrised by, `facts` collects the
    weights that others rest on.
    """

    domain: Mapping[sp.Symbol, sp.Expr]
    read: Reader
    parameters: Reader
    facts: dict[Node, Weight] = field(default_factory=dict)

    def sees(self, e: sp.Expr, strict: bool = False) -> bool:
        """Whether the number is >= 0, or > 0."""
        try:
            return is_nonnegative(e, self.domain, strict=strict)
        except (ValueError, sp.PolynomialError):
            return False

    def weight(self, e: sp.Expr, strict: bool = False, name: Node | None = None) -> Weight:
        """Why the number is >= 0, or > 0; `name` is its tree if it has one already."""
        e = sp.sympify(e)
        node = self.read.scalar(e) if name is None else name
        facts: dict[Node, Weight] = {}
        if self._structure(e, strict, facts):
            self.facts |= facts
            form = self.read.scalar(e)
            return Weight(node, None if self._is_linear(e) else form, strict)
        constant, factors = factored(e)
        above: list[Node] = []
        below: list[Node] = []
        for factor, power in factors:
            oriented = self._oriented(factor, power, facts)
            if oriented is None:
                return Weight(node, self.form(e), strict)
            one, sign = oriented
            constant *= sign ** abs(power)
            piece = self.read.scalar(one)
            (above if power > 0 else below).append(piece if abs(power) == 1 else Node("power", (piece, abs(power))))
        if constant < 0 or (strict and not self.sees(e, strict=True)):
            return Weight(node, self.form(e), strict)
        self.facts |= facts
        above = [number(int(constant.p)), *above] if constant.p != 1 else above
        below = [number(int(constant.q)), *below] if constant.q != 1 else below
        form = Node("div", (mul(*above), mul(*below))) if below else mul(*above)
        return Weight(node, form, strict)

    def _oriented(self, factor: sp.Expr, power: int, facts: dict[Node, Weight]) -> tuple[sp.Expr, int] | None:
        for one, sign in ((factor, 1), (sp.expand(-factor), -1)):
            for strict in (True, False) if power > 0 else (True,):
                if self.sees(one, strict):
                    if not one.is_Symbol:
                        self._note(one, strict, facts)
                    return one, sign
        return (factor, 1) if power > 0 and power % 2 == 0 else None

    def _note(self, e: sp.Expr, strict: bool, facts: dict[Node, Weight]) -> None:
        node = self.read.scalar(e)
        facts[node] = Weight(node, None if self._is_linear(e) else self.form(e), strict)

    def _structure(self, e: sp.Expr, strict: bool, facts: dict[Node, Weight]) -> bool:
        """Whether the number is a product of sums of products ... of numbers with a sign, as it is written."""
        if e.is_Number:
            return bool(e > 0 if strict else e >= 0)
        if e.is_Symbol:
            return self.sees(e, strict)
        if e.is_Mul:
            return all(self._structure(a, strict, facts) for a in e.args)
        if e.is_Pow and e.exp.is_Integer:
            if e.exp.is_even and e.exp > 0 and not strict:
                return True
            return self._structure(e.base, strict or e.exp < 0, facts)
        if e.is_Add:
            if all(self._structure(a, False, {}) for a in e.args):
                mine: dict[Node, Weight] = {}
                positive = [self._structure(a, True, mine) for a in e.args]
                if not strict or any(positive):
                    for a in e.args:
                        self._structure(a, False, facts)
                    facts |= mine
                    return True
            if not divisors(e) and self.sees(e, strict):
                self._note(e, strict, facts)
                return True
        return False

    def form(self, e: sp.Expr) -> Node:
        """The number as a fraction of sums of terms that are >= 0."""
        e = rewritten(sp.sympify(e), self.domain)
        ring = Ring([e], gens=())
        value = ring(e)
        if value == 0:
            return number(0)
        fraction = value.coeff(1)
        if not ring.parameters:
            return self.parameters.scalar(ring.field.to_sympy(fraction))
        sign = 1 if all(c > 0 for _, c in fraction.denom.terms()) else -1
        above, below = (self._polynomial(p, ring.parameters, sign) for p in (fraction.numer, fraction.denom))
        return above if below == number(1) else Node("div", (above, below))

    def _polynomial(self, polynomial: Any, symbols: list[sp.Symbol], sign: int) -> Node:
        pieces = []
        for powers, c in sorted(polynomial.terms(), reverse=True):
            factors = [
                self.parameters.scalar(s) if p == 1 else Node("power", (self.parameters.scalar(s), p))
                for s, p in zip(symbols, powers)
                if p
            ]
            size = self.parameters.scalar(sp.Rational(int(c.numerator), int(c.denominator)) * sign)
            pieces.append(mul(size, *factors))
        return add(*pieces)

    def _is_linear(self, e: sp.Expr) -> bool:
        """Whether linear arithmetic sees the sign: no norms, whose sign it does not know."""
        symbols = sorted(e.free_symbols, key=str)
        plain = all(self.read.scalar(s).op != "norm" for s in symbols)
        return bool(symbols) and plain and e.is_polynomial(*symbols) and sp.Poly(e, *symbols).total_degree() == 1

    def note_divisors(self, formulas: Iterable[sp.Expr], step: bool) -> None:
        """Collect why what the formulas divide by is not 0."""
        for e in formulas:
            for base in sorted(divisors(sp.sympify(e)), key=str):
                for factor, _ in factored(base)[1]:
                    of_step = any(s.name.endswith(("_j", "_k")) for s in factor.free_symbols)
                    if factor.is_Symbol or (of_step and not step):
                        continue
                    for one in (factor, sp.expand(-factor)):
                        if self.sees(one, strict=True):
                            self._note(one, True, self.facts)
                            break


def factored(e: sp.Expr) -> tuple[sp.Rational, list[tuple[sp.Expr, int]]]:
    """The constant and the irreducible factors of a number, those of its denominator with negative powers."""
    above, below = sp.fraction(sp.together(e))
    constant, factors = sp.factor_list(above)
    divisor, divided = sp.factor_list(below)
    return sp.Rational(constant) / divisor, [*factors, *((f, -p) for f, p in divided)]
