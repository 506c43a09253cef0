"""Polynomials and rational functions of k and K with fractions: the standard library, for a checker.

Variables are k, K and powers q^k and q^K of a number q > 0. A polynomial is its coefficients by exponents; those of
the powers may be negative. A rational function is a polynomial over a product of factors. Nothing is cancelled but
factors that are written alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

Exponents = tuple[int, int, int, int]
Polynomial = dict[Exponents, Fraction]
ZERO, ONE = Fraction(0), Fraction(1)
NOTHING: Exponents = (0, 0, 0, 0)
UNIT: Polynomial = {NOTHING: ONE}


def add(*terms: Polynomial) -> Polynomial:
    """A sum."""
    total: Polynomial = {}
    for term in terms:
        for e, c in term.items():
            total[e] = total.get(e, ZERO) + c
    return {e: c for e, c in total.items() if c}


def times(one: Polynomial, other: Polynomial) -> Polynomial:
    """A product."""
    total: Polynomial = {}
    for (a, b, c, d), u in one.items():
        for (w, x, y, z), v in other.items():
            e = a + w, b + x, c + y, d + z
            total[e] = total[e] + u * v if e in total else u * v
    return {e: c for e, c in total.items() if c}


def scaled(one: Polynomial, weight: Fraction) -> Polynomial:
    """A multiple."""
    return {e: weight * c for e, c in one.items()} if weight else {}


def divided(one: Polynomial, by: Polynomial) -> Polynomial | None:
    """The quotient, None where something would be left."""
    lead = max(by)
    rest, quotient = dict(one), {}
    while rest:
        top = max(rest)
        e = top[0] - lead[0], top[1] - lead[1], top[2] - lead[2], top[3] - lead[3]
        if min(e) < 0:
            return None
        c = rest[top] / by[lead]
        quotient[e] = c
        rest = add(rest, times({e: -c}, by))
    return quotient


@dataclass(frozen=True)
class Place:
    """Where a formula is meant: at the number `offset`, at k + offset ("k"), or at K + offset ("K")."""

    base: str
    offset: int


def at(one: Polynomial, place: Place, q: Fraction) -> Polynomial:
    """A polynomial with a place for k."""
    value: Polynomial = {NOTHING: Fraction(place.offset)}
    if place.base == "k":
        value = add(value, {(1, 0, 0, 0): ONE})
    elif place.base == "K":
        value = add(value, {(0, 1, 0, 0): ONE})
    powers = [UNIT]
    total: Polynomial = {}
    for (i, j, m, n), c in one.items():
        while len(powers) <= i:
            powers.append(times(powers[-1], value))
        power = (m, n) if place.base == "k" else (0, n + m) if place.base == "K" else (0, n)
        factor = c * q ** (m * place.offset)
        total = add(total, times(powers[i], {(0, j, *power): factor}))
    return total


def moved(one: Polynomial, k: Polynomial, K: Polynomial) -> Polynomial:
    """A polynomial with others, in the same two variables, for k and K; the powers of q stay."""
    powers = [[UNIT], [UNIT]]
    total: Polynomial = {}
    for (i, j, m, n), c in one.items():
        for listed, most, value in zip(powers, (i, j), (k, K)):
            while len(listed) <= most:
                listed.append(times(listed[-1], value))
        total = add(total, times(times(powers[0][i], powers[1][j]), {(0, 0, m, n): c}))
    return total


@dataclass(frozen=True)
class Rational:
    """above over the product of the factors below, each to a power."""

    above: Polynomial
    below: tuple[tuple[tuple[tuple[Exponents, Fraction], ...], int], ...] = ()


def key(one: Polynomial) -> tuple[tuple[Exponents, Fraction], ...]:
    """A polynomial as a key."""
    return tuple(sorted(one.items()))


def product_of(factors: Iterable[tuple[tuple[tuple[Exponents, Fraction], ...], int]]) -> Polynomial:
    """The product of factors."""
    total = UNIT
    for factor, power in factors:
        for _ in range(power):
            total = times(total, dict(factor))
    return total


def common(*listed: Rational) -> dict[tuple[tuple[Exponents, Fraction], ...], int]:
    """Factors and powers that every denominator divides."""
    most: dict[tuple[tuple[Exponents, Fraction], ...], int] = {}
    for one in listed:
        for factor, power in one.below:
            most[factor] = max(most.get(factor, 0), power)
    return most


def over(one: Rational, factors: Mapping[tuple[tuple[Exponents, Fraction], ...], int]) -> Polynomial:
    """The numerator over a product of factors that its denominator divides."""
    missing = dict(factors)
    for factor, power in one.below:
        missing[factor] -= power
    return times(one.above, product_of(missing.items()))


def plus(*listed: Rational) -> Rational:
    """A sum."""
    factors = common(*listed)
    return Rational(add(*(over(one, factors) for one in listed)), tuple(factors.items()))


def multiple(one: Rational, weight: Fraction) -> Rational:
    """A multiple."""
    return Rational(scaled(one.above, weight), one.below if weight else ())


def placed(one: Rational, place: Place, q: Fraction) -> Rational:
    """A rational function with a place for k."""
    below: dict[tuple[tuple[Exponents, Fraction], ...], int] = {}
    for factor, power in one.below:
        new = key(at(dict(factor), place, q))
        below[new] = below.get(new, 0) + power
    return Rational(at(one.above, place, q), tuple(below.items()))


def value(one: Rational, k: int, K: int, q: Fraction) -> Fraction:
    """The value at numbers; `ZeroDivisionError` where the denominator is 0."""

    def number(p: Polynomial) -> Fraction:
        return sum((c * k**i * K**j * q ** (m * k + n * K) for (i, j, m, n), c in p.items()), ZERO)

    return number(one.above) / number(product_of(one.below))


# -- signs, of polynomials in variables that are >= 0 and powers that are > 0


def nonnegative(one: Polynomial) -> bool:
    """Whether no coefficient is negative, so that no value is."""
    return all(c > 0 for c in one.values())


def positive(one: Polynomial) -> bool:
    """Whether it is > 0: nothing is negative, and a term has no variable that may be 0."""
    return nonnegative(one) and any(e[:2] == (0, 0) for e in one)


def _without_negative_powers(rows: list[list[Polynomial]]) -> list[list[Polynomial]]:
    """A matrix times powers of q with which no exponent is negative."""
    exponents = [e for row in rows for entry in row for e in entry]
    m, n = (-min((e[i] for e in exponents), default=0) for i in (2, 3))
    return [[times(entry, {(0, 0, m, n): ONE}) for entry in row] for row in rows]


def semidefinite(rows: list[list[Polynomial]]) -> bool:
    """Whether a symmetric matrix of polynomials is shown to be positive semidefinite.

    Elimination without fractions (Bareiss): what is left after some pivots is divisible by the last but one.
    """
    rest = _without_negative_powers(rows)
    before = UNIT
    while rest:
        pivot = next((i for i, row in enumerate(rest) if positive(row[i])), None)
        if pivot is None:  # nothing else is certainly > 0: what is left has to be diagonal
            return all(nonnegative(v) if i == j else not v for i, row in enumerate(rest) for j, v in enumerate(row))
        by = rest[pivot][pivot]
        left = [i for i in range(len(rest)) if i != pivot]
        new: list[list[Polynomial]] = []
        for i in left:
            row = []
            for j in left:
                entry = add(times(by, rest[i][j]), scaled(times(rest[i][pivot], rest[pivot][j]), -ONE))
                quotient = divided(entry, before)
                if quotient is None:
                    return False
                row.append(quotient)
            new.append(row)
        before, rest = by, new
    return True
