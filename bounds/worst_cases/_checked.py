"""What both parts of the checker of traced methods need: fractions, combinations of vectors, quadratic forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from ._semidefinite import semidefinite

NUMBER = re.compile(r"-?[0-9]+(/[0-9]+)?")
ZERO, ONE, HALF = Fraction(0), Fraction(1), Fraction(1, 2)
MAPS = ("lipschitz_map",)
"""Classes whose points x* are fixed."""
LINEAR = ("linear_operator", "symmetric_operator", "skew_operator")
"""Classes of linear operators, whose transposes have points of their own."""
Entries = dict[Any, Fraction]
Proved = TypeVar("Proved")


class Wrong(Exception):
    """What is wrong with a certificate."""


def demand(holds: bool, message: str) -> None:
    """Raise `Wrong` where something does not hold."""
    if not holds:
        raise Wrong(message)


def certified(name: str, check: Callable[..., Proved], *arguments: Any) -> Proved:
    """What a check of certificates of the format `name` proves; data of another form are no certificate."""
    try:
        return check(*arguments)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError, IndexError) as error:
        raise Wrong(f"not a certificate of the format {name}: {type(error).__name__}: {error}") from None


def number(text: Any) -> Fraction:
    """A fraction that is written as one."""
    demand(isinstance(text, str) and NUMBER.fullmatch(text) is not None, f"not a fraction: {text!r:.40}")
    return Fraction(text)


def summed(*terms: tuple[Fraction, Mapping]) -> Entries:
    """A linear combination."""
    total: Entries = {}
    for weight, entries in terms:
        add(total, weight, entries)
    return {name: value for name, value in total.items() if value}


def add(total: Entries, weight: Fraction, entries: Mapping) -> None:
    """Add a multiple to a combination, in place."""
    if not weight:
        return
    for name, value in entries.items():
        part = value if weight == 1 else weight * value
        total[name] = total[name] + part if name in total else part


def product(a: Mapping, b: Mapping) -> Entries:
    """The inner product of two combinations, as a quadratic form."""
    form: Entries = {}
    for p, u in a.items():
        for q, v in b.items():
            key = (p, q) if p <= q else (q, p)
            form[key] = form[key] + u * v if key in form else u * v
    return form


def vector(given: Mapping[str, str]) -> Entries:
    """A combination of vectors."""
    return {name: number(v) for name, v in given.items()}


def expression(given: Mapping[str, Any]) -> tuple[Entries, Entries]:
    """Values and form of an expression."""
    values = summed(*((ONE, {(f, label): number(w)}) for f, label, w in given["values"]))
    return values, summed(*((ONE, {(min(a, b), max(a, b)): number(w)}) for a, b, w in given["form"]))


def positive_semidefinite(form: Entries, null: Mapping[str, Fraction] | None = None) -> None:
    """Raise `Wrong` where a form is not positive semidefinite; `null` is where it may be 0, which saves time."""
    names = sorted({name for pair in form for name in pair})
    rows = [[form.get((min(p, q), max(p, q)), ZERO) * (ONE if p == q else HALF) for q in names] for p in names]
    at = None if null is None else [null.get(name, ZERO) for name in names]
    demand(semidefinite(rows, at), "the form is not positive semidefinite")
