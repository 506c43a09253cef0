"""What a formula of an argument may be: a rational function with rational coefficients, defined wherever it is used.

Roots and complex numbers are no formulas of a proof: (I x)^2 is no square, and sqrt(x)^2 is >= 0 for x < 0 too. What is
divided by is looked at before anything cancels: from 0 = 0/0 everything follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sympy as sp
from sympy.core import numbers

from ._claims import (
    INDEX,
    Argument,
    Claim,
    Definition,
    Earlier,
    Given,
    Part,
    Range,
    Recurrence,
    Term,
    Unproved,
    Use,
)
from ._rules import Rule
from ._signs import Domain, is_nonnegative
from ._symbols import Point, is_vector

_RATIONALS = {sp.Integer, sp.Rational, numbers.Half, numbers.Zero, numbers.One, numbers.NegativeOne}
HIGHEST = 64
"""The highest power in a formula."""


def check_formula(expression: Any, where: str) -> None:
    """Raise `Unproved` unless every node is a rational number, a symbol, a sum, product, whole power or max(0, .)."""
    if not isinstance(expression, sp.Basic):
        raise Unproved(f"{where}: {expression!r} is no formula of sympy; put it through `sympify`")
    for node in sp.preorder_traversal(expression):
        kind = type(node)
        fine = kind in _RATIONALS or kind in (sp.Symbol, sp.Add, sp.Mul)
        if kind is sp.Pow:
            fine = type(node.exp) in _RATIONALS and node.exp.is_Integer and abs(node.exp) <= HIGHEST
        elif kind is sp.Max:
            fine = len(node.args) == 2 and 0 in node.args
        if not fine:
            raise Unproved(
                f"{where}: the formula has {node}, and is no rational function with rational coefficients "
                f"(powers are whole, and at most {HIGHEST})"
            )


def divisors(expression: sp.Expr) -> set[sp.Expr]:
    """All that a formula divides by: the bases of its negative powers, those inside of others too."""
    return {node.base for node in sp.preorder_traversal(expression) if node.is_Pow and node.exp.is_negative}


def check_divisors(bases: Iterable[sp.Expr], domain: Domain, where: str) -> None:
    """Raise `Unproved` unless each is shown to be > 0 or < 0 in the domain."""
    for base in bases:
        if not any(map(is_vector, base.free_symbols)) and (_is_above_0(base, domain) or _is_above_0(-base, domain)):
            continue
        raise Unproved(f"{where}: it divides by {base}, which is not shown to be > 0 or < 0")


def _is_above_0(expression: sp.Expr, domain: Domain) -> bool:
    if expression.is_Symbol and expression not in domain:
        return bool(expression.is_positive)
    try:
        return is_nonnegative(expression, domain, strict=True)
    except ValueError:  # a maximum, or a division by 0 further inside
        return False


def check_recurrence(name: str, rule: Recurrence) -> None:
    """Raise `Unproved` unless a sum is a number at each step: its formulas divide by 0 at no k from 1 to K."""
    for formula in (rule.increment, rule.factor, rule.start):
        check_formula(formula, f"the sum {name}")
        check_divisors(divisors(formula), INDEX.values, f"the sum {name}")


def check_types(argument: Argument) -> None:
    """Raise `Unproved` unless an argument is made of the very classes of `_claims`: a subclass may say anything."""
    for one, wanted in _pieces(argument):
        if type(one) not in wanted:
            names = " or ".join(kind.__name__ for kind in wanted)
            raise Unproved(f"the argument has {one!r} of the type {type(one).__name__} in place of {names}")


def _pieces(argument: Argument) -> Iterator[tuple[Any, tuple[type, ...]]]:
    """Everything that an argument is made of but formulas, each after what it is part of."""
    yield argument, (Argument,)
    for mapping in (argument.sums, argument.norms):
        yield mapping, (dict,)
    yield from ((name, (str,)) for name in argument.sums)
    yield from ((rule, (Recurrence,)) for rule in argument.sums.values())
    yield from _all(argument.definitions, (Definition,))
    yield from _all(argument.needs, None)
    yield from _all(argument.claims, (Claim,))
    for claim in argument.claims:
        yield from ((claim.name, (str,)), (claim.equality, (bool,)))
        if claim.case is not None:
            yield from _range(claim.case)
        yield from _all(claim.parts, (Part,))
        for part in claim.parts:
            yield part.index, (str,)
            yield part.position, _PLACE
            yield from _all(part.ranges, (Range,))
            for r in part.ranges:
                yield from _range(r)
            yield from _all(part.terms, (Term,))
            for one in part.terms:
                yield from _all(one.factors, (Use, Earlier, Given))
                for factor in one.factors:
                    yield from _factor(factor)


_PLACE = (int, sp.Symbol, sp.Add, sp.Integer, numbers.Zero, numbers.One)


def _all(items: Any, kinds: tuple[type, ...] | None) -> Iterator[tuple[Any, tuple[type, ...]]]:
    yield items, (tuple,)
    if kinds is not None:
        yield from ((one, kinds) for one in items)


def _range(r: Range) -> Iterator[tuple[Any, tuple[type, ...]]]:
    yield r, (Range,)
    yield from ((text, (str,)) for text in (r.says, r.cases, r.sign))


def _factor(factor: Any) -> Iterator[tuple[Any, tuple[type, ...]]]:
    if type(factor) is Earlier:
        yield from ((factor.claim, (str,)), (factor.index, (str,)), (factor.position, _PLACE))
    elif type(factor) is Given:
        yield from _range(factor.range)
    elif type(factor) is Use:
        yield factor.rule, (Rule,)
        yield from _all(factor.needs, None)
        yield from _all(factor.arguments, None)
        for value in factor.arguments:
            if isinstance(value, Point):
                yield from ((value, (Point,)), (value.index, (str,)))
