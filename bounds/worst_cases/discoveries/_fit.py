"""Rational functions of k and K through exact numbers, by linear algebra over the fractions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import sympy as sp
from flint import fmpq_mat

from .._exact import fraction, rational

K, k = sp.Symbol("K", integer=True, positive=True), sp.Symbol("k", integer=True, nonnegative=True)
MOST_DEGREE = 4
EXPONENTS = (0, 1, -1, 2, -2)
"""Multiples of k and K in the exponent of a geometric factor."""
At = tuple[int, ...]


@dataclass(frozen=True)
class Fit:
    """P(k, K)/Q(k, K) times base^(a K + b k): coefficients by exponents of the variables."""

    above: Mapping[At, Fraction]
    below: Mapping[At, Fraction]
    base: Fraction = Fraction(1)
    exponents: At = (0,)

    def at(self, *place: int) -> Fraction | None:
        """The value at k, K (or at K alone); None where the denominator is 0."""
        below = _polynomial(self.below, place)
        if not below:
            return None
        return _polynomial(self.above, place) / below * _factor(self.base, self.exponents, place)

    @property
    def formula(self) -> sp.Expr:
        """The function as an expression in k and K, in factors."""
        symbols = _symbols(len(self.exponents))
        above, below = (
            sp.Add(*(sp.Rational(c.numerator, c.denominator) * _monomial(symbols, e) for e, c in part.items()))
            for part in (self.above, self.below)
        )
        exponent = sp.Add(*(e * s for e, s in zip(self.exponents, symbols)))
        base = sp.Rational(self.base.numerator, self.base.denominator)
        return _in_factors(above / below) * base**exponent


def _in_factors(ratio: sp.Expr) -> sp.Expr:
    """A rational function in factors, each positive for K much larger than k."""
    total = sp.Integer(1)
    for part, sign in zip(sp.fraction(sp.together(ratio)), (1, -1)):
        constant, factors = sp.factor_list(part, K, k)
        total *= sp.Rational(constant) ** sign
        for factor, power in factors:
            flip = sp.Integer(-1 if sp.Poly(factor, K, k).LC() < 0 else 1)
            total *= flip ** (sign * power) * (flip * factor) ** (sign * power)
    return total


def _symbols(count: int) -> tuple[sp.Symbol, ...]:
    return (k, K)[-count:]


def _monomial(symbols: Sequence[sp.Symbol], exponents: At) -> sp.Expr:
    return sp.Mul(*(s**e for s, e in zip(symbols, exponents)))


def _polynomial(coefficients: Mapping[At, Fraction], place: At) -> Fraction:
    return sum((c * math.prod(p**e for p, e in zip(place, exps)) for exps, c in coefficients.items()), Fraction(0))


def _factor(base: Fraction, exponents: At, place: At) -> Fraction:
    return base ** sum(e * p for e, p in zip(exponents, place))


def geometric_base(values: Mapping[int, Fraction]) -> Fraction:
    """q with values q^K c, its square root where that is a fraction; 1 where there is none."""
    ratios = {values[n + 1] / values[n] for n in values if n + 1 in values and values[n]}
    if len(ratios) != 1 or (q := ratios.pop()) <= 0:
        return Fraction(1)
    roots = math.isqrt(q.numerator), math.isqrt(q.denominator)
    return Fraction(*roots) if (roots[0] ** 2, roots[1] ** 2) == (q.numerator, q.denominator) else q


def fitted(values: Mapping[At, Fraction], base: Fraction = Fraction(1)) -> Fit | None:
    """The function of least degree through all values that is decided by those of all K but the largest; None for none.

    So each fit predicts the numbers of one K.

    Args:
        values: Numbers by (k, K) or (K,).
        base: Of the geometric factor; 1 for none.
    """
    if not values:
        return None
    count = len(next(iter(values)))
    if not any(values.values()):
        return Fit({(0,) * count: Fraction(0)}, {(0,) * count: Fraction(1)}, Fraction(1), (0,) * count)
    longest = max(place[-1] for place in values)
    decide = {place: value for place, value in values.items() if place[-1] < longest}
    powers = [(0,) * count] if base == 1 else sorted(product(EXPONENTS, repeat=count), key=lambda e: sum(map(abs, e)))
    degrees = sorted(product(range(MOST_DEGREE + 1), repeat=2), key=lambda d: (sum(d), abs(d[0] - d[1])))
    for above, below in degrees:
        tops, bottoms = _exponents(count, above), _exponents(count, below)
        if len(tops) + len(bottoms) - 1 > len(decide):
            continue
        for exponents in powers:
            fit = _solved(decide, tops, bottoms, base, exponents)
            if fit is not None and all(fit.at(*place) == value for place, value in values.items()):
                return fit
    return None


def _exponents(count: int, degree: int) -> list[At]:
    return [e for e in product(range(degree + 1), repeat=count) if sum(e) <= degree]


def _solved(
    values: Mapping[At, Fraction], tops: list[At], bottoms: list[At], base: Fraction, exponents: At
) -> Fit | None:
    """The one function with P - value Q = 0 at all places; None where there is none, or more than one."""
    columns = len(tops) + len(bottoms)
    entries = []
    for place, value in values.items():
        plain = value / _factor(base, exponents, place)
        powers = {e: math.prod(p**i for p, i in zip(place, e)) for e in {*tops, *bottoms}}
        entries += [Fraction(powers[e]) for e in tops] + [-plain * powers[e] for e in bottoms]
    reduced, rank = fmpq_mat(len(values), columns, [rational(v) for v in entries]).rref()
    if rank != columns - 1:
        return None
    pivots = [next(j for j in range(columns) if reduced[i, j] != 0) for i in range(rank)]
    free = next(j for j in range(columns) if j not in pivots)
    vector = [Fraction(0)] * columns
    vector[free] = Fraction(1)
    for i, pivot in enumerate(pivots):
        vector[pivot] = -fraction(reduced[i, free])
    above = {e: v for e, v in zip(tops, vector) if v}
    below = {e: v for e, v in zip(bottoms, vector[len(tops) :]) if v}
    return Fit(above, below, base, exponents)
