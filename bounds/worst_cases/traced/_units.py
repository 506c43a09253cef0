"""Each question is solved in units of its own: a unit of length, and one of slopes.

With x = c x' and f(x) = s c^2 f'(x'), gradients are s c times those of f', values s c^2 times, and a class becomes one
of the same kind with other numbers. Steps of the size of 1/L become steps of the size of 1, an initial condition of 1
stays one, and the metric is divided by a number that the answer is multiplied with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from .._fractions import double
from ._frame import Framed
from ._linear import conditions
from ._model import ORDINALS
from .classes import Law
from .oracles import Point, Side
from .vectors import Coefficients, Scalar, Value, Vector

ZERO, ONE = Fraction(0), Fraction(1)
SHORT = 10**12
"""Numerators and denominators of units are less than this, or powers of 2."""


@dataclass(frozen=True)
class Units:
    """A run in its units, and what leads back: of vectors and values by name, of the metric and of multipliers.

    `rows` is what an inequality of the run in units has to be multiplied with to be that of the question: by function
    and number of its law, and by name for the others.
    """

    run: Framed
    vectors: Mapping[str, Fraction]
    values: Mapping[str, Fraction]
    metric: Fraction
    rows: Mapping[tuple[str, ...], Fraction]

    def multiplier(self, name: tuple[str, ...]) -> Fraction:
        """What a multiplier of the run in units is multiplied with."""
        if name in self.rows:
            return self.metric / self.rows[name]
        if name[0] in ORDINALS:
            return self.metric / self.rows["law", name[1], str(1 + ORDINALS.index(name[0]))]
        if name[0] == "bound":
            laws = self.run.classes[name[1]].laws
            return self.metric / self.rows["law", name[1], str([law.over for law in laws].index("points"))]
        return self.metric / self.rows["law", name[0], "0"]

    def vector(self, name: str) -> Fraction:
        """The unit of a vector."""
        return self.vectors.get(name, ONE)


def unit(value: Fraction) -> Fraction:
    """A number > 0 itself where it is short, so that simple fractions stay simple, else the power of 2 next to it."""
    if max(value.numerator, value.denominator) < SHORT:
        return value
    return Fraction(2) ** round(math.log2(value.numerator) - math.log2(value.denominator))


def root(value: Fraction) -> Fraction:
    """The square root of a number > 0 where it is a short fraction, else the power of 2 next to it."""
    exact = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    if exact * exact == value:
        return unit(exact)
    return Fraction(2) ** round((math.log2(value.numerator) - math.log2(value.denominator)) / 2)


def _slope_unit(run: Framed, slopes: set[str]) -> Fraction:
    """s: over a typical length that a point moves by a gradient, 1 where none moves by one."""
    sizes = sorted((w for p in run.points for n, w in p.x.entries.items() if n in slopes and w), key=_size)
    if not sizes:
        return ONE
    return unit(1 / abs(sizes[len(sizes) // 2]))


def in_units(run: Framed) -> Units:
    """The run in units of its own."""
    slopes = {name for name in run.basis if name not in run.positions}
    s = _slope_unit(run, slopes)
    first = [side for side in run.sides if side.name == ("initial",)]
    c = ONE
    if first and (most := _largest(first[0].left, s, slopes)):
        c = 1 / root(most)
    vectors = {name: s * c if name in slopes else c for name in run.basis}
    kinds = {name: ONE if given.kind == "map" else s for name, given in run.classes.items()}
    inputs = dict.fromkeys(run.classes, ONE)
    for name, given in run.classes.items():
        if given.kind == "linear":  # lengths to lengths, and slopes to slopes
            inputs[name] = kinds[name] = ONE if given.linear is not None else s

    scaled = {size: {n: v / size for n, v in vectors.items()} for size in {c, s * c}}

    def moved(vector: Vector, size: Fraction) -> Vector:
        if s == c == 1:
            return vector
        factors = scaled[size * c]
        return Vector({n: w if factors[n] == 1 else w * factors[n] for n, w in vector.entries.items()})

    points = [
        Point(p.function, p.label, moved(p.x, inputs[p.function]), moved(p.g, kinds[p.function])) for p in run.points
    ]
    values = {name: kinds[name] * c * c for name in run.classes}
    rows: dict[tuple[str, ...], Fraction] = {}
    classes = {}
    for name, given in run.classes.items():
        laws = []
        for nth, law in enumerate(given.laws):
            changed, factor = _law(law, kinds[name], values[name])
            rows["law", name, str(nth)] = factor
            laws.append(changed)
        infimum = None if given.infimum is None else given.infimum * kinds[name]
        linear = given.linear
        if linear is not None and given.kind == "function":
            linear = replace(linear, L=linear.L / s, mu=linear.mu / s)
        classes[name] = replace(given, laws=tuple(laws), infimum=infimum, linear=linear)
        if name == run.infimum:
            rows |= {(name, p.label, "*"): values[name] for p in run.points}
    sizes = [s**power * c * c for power in range(3)]
    for part in conditions(run.classes, run.points, run.reference):
        rows |= {row.name: sizes[row.slopes] for row in part.rows}
    sides = []
    for side in run.sides:
        left = _expression(side.left, vectors, values)
        factor = unit(_most([left]))
        rows[side.name] = factor
        sides.append(Side(side.name, left * (1 / factor), side.right / factor))
    metric = [_expression(one, vectors, values) for one in run.metric]
    scale = unit(_most(metric))
    rows |= {("metric", str(i)): scale for i in range(len(metric))}
    tilts = {left_out: {n: w / vectors[n] for n, w in direction.items()} for left_out, direction in run.tilts.items()}
    changed_run = replace(
        run, classes=classes, points=points, sides=sides, metric=[one * (1 / scale) for one in metric], tilts=tilts
    )
    return Units(changed_run, vectors, values, scale, rows)


def _largest(one: Scalar, s: Fraction, slopes: set[str]) -> Fraction:
    """The largest coefficient of an expression in slopes of size s and a length of 1."""
    sizes = [abs(w) * s for w in one.values.values()]
    if one.square is not None:
        weight, vector = one.square
        sizes.append(abs(weight) * _largest_product([w * s if n in slopes else w for n, w in vector.entries.items()]))
        return max(sizes)
    sizes += [abs(w) * s ** sum(n in slopes for n in pair) for pair, w in one.form.items()]
    return max(sizes, default=ZERO)


def _law(law: Law, s: Fraction, value: Fraction) -> tuple[Law, Fraction]:
    """A law in units, its largest coefficient near 1, and the factor of its inequalities."""
    alpha, beta, right = law.alpha * s, law.beta / s, law.rhs / value
    if law.values or law.slope or law.gamma:
        return replace(law, alpha=alpha, beta=beta, rhs=right), value
    most = unit(max(abs(alpha), abs(beta)))
    return replace(law, alpha=alpha / most, beta=beta / most, rhs=right / most), value * most


def _most(expressions: Sequence[Scalar]) -> Fraction:
    """The largest coefficient, by its double: fractions take long to compare."""
    numbers: list[Fraction] = []
    for one in expressions:
        numbers += one.values.values()
        if one.square is None:
            numbers += one.form.values()
        else:
            numbers.append(one.square[0] * _largest_product([*one.square[1].entries.values()]))
    largest: Fraction = max(numbers, key=_size, default=ONE)
    return abs(largest)


def _largest_product(entries: list[Fraction]) -> Fraction:
    """The size of the largest coefficient of the square of a vector; those of two vectors count twice."""
    first, second, *_ = [*map(abs, sorted(entries, key=_size, reverse=True)[:2]), ZERO, ZERO]
    return max(first, 2 * second) * first


def _size(value: Fraction) -> float:
    return abs(double(value))


def _expression(one: Scalar, vectors: Coefficients, values: Mapping[str, Fraction]) -> Scalar:
    if all(size == 1 for size in (*vectors.values(), *values.values())):
        return one
    weights: dict[Value, Fraction] = {v: w * values[v[0]] for v, w in one.values.items()}
    if one.square is not None:
        weight, vector = one.square
        moved = Vector({n: w * vectors[n] for n, w in vector.entries.items()})
        return Scalar(weights, None, one.constant, (weight, moved))
    form = {(a, b): w * (vectors[a] * vectors[b]) for (a, b), w in one.form.items()}
    return Scalar(weights, form, one.constant)
