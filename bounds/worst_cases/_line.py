"""Runs on functions of one variable: instances that are there at any scale, in any number type.

f' = low x + (high - low) clip(x, -knee, knee): a quadratic where high = low, Huber's function where low is 0, and in
between the function that is as flat as the class allows far out and as steep as it allows near the minimiser 0.
r = slope |x|. The method is run on them, so that every inequality of the class holds by itself: the metric is a lower
bound of the worst case wherever the solver stops, and often the worst case itself. Errors are
as large as they may be, against the step or along it; absolute ones are 0 unless the start is at a distance of 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from ._methods import step_function
from ._model import FLOATS, FRACTIONS, Numbers
from ._setting import Setting

LONG = 400
"""Steps up to which knees and slopes are computed by formula: numbers of digits grow with the steps."""
GRID = np.logspace(-12, 0, 49)
"""Where knees and slopes are looked for; the best of them is refined between its neighbours."""


Made = Callable[[Any, Callable[[Fraction], Any]], "Function"]
"""A function for a knee or a slope, and how its other numbers become of that type."""


@dataclass(frozen=True)
class Function:
    """f and r of one variable; numbers of one type."""

    low: Any
    high: Any
    knee: Any = 0
    slope: Any = 0

    def gradient(self, x: Any) -> Any:
        """f'(x)."""
        return self.low * x + (self.high - self.low) * _clipped(x, self.knee)

    def value(self, x: Any) -> Any:
        """f(x); f(0) = 0."""
        size = abs(x)
        near = _clipped(size, self.knee + 0 * x)  # of the type of x
        return self.low * x * x / 2 + (self.high - self.low) * (near * near / 2 + near * (size - near))

    def prox(self, x: Any, length: Any) -> Any:
        """A point y with y + length s = x, s a subgradient of r at y; a length below 0 turns the step round."""
        if isinstance(x, arb):  # no length of balls is below 0
            return x - _clipped(x, length * self.slope)
        least = abs(x) - length * self.slope
        return 0 * x if least <= 0 else (least if x >= 0 else -least)


def _clipped(x: Any, most: Any) -> Any:
    """The number nearest to x from -most to most; of balls, all of them."""
    if isinstance(x, arb):
        return x.min(arb(1) * most).max(arb(-1) * most)
    return max(-most, min(most, x))


@dataclass
class _Asked:
    """f and r in one step: gradients with their errors, share (g + s) + shift instead of g + s; `slope` is that s."""

    function: Function
    smooth: bool
    g: Any
    share: Any
    shift: Any
    slope: Any = None

    def gradient(self, x: Any) -> Any:
        """The part of f in what the step takes."""
        return self.share * self.g + self.shift

    def prox(self, z: Any, length: Any) -> Any:
        """Where r leads; a step that its error stops does not move."""
        taken = length * self.share
        if not self.smooth:
            z = z - length * self.shift
        y = self.function.prox(z, taken)
        if taken:
            self.slope = (z - y) / taken
        return y


@dataclass(frozen=True)
class LineRun:
    """A run: vectors and values by the names that models give them, the metric, the initial condition."""

    vectors: dict[str, Any]
    values: dict[str, Any]
    metric: Any
    initial: Any

    @property
    def ratio(self) -> Any:
        """The metric of the instance once it is scaled into the initial condition."""
        return self.metric / self.initial


def run(setting: Setting, function: Function, numbers: Numbers, sign: int = 0, start: int = 1) -> LineRun:
    """The method on a function at L = 1, from x_0 = start, with errors u_k = sign eps_k G_k or sign delta_k."""
    s, K = setting, setting.steps
    method = step_function(s, numbers)
    lengths = [numbers.of(h) for h in s.lengths]
    smooth, rough = s.function_class != "convex", s.composite or s.function_class == "convex"
    x = numbers.of(Fraction(start))
    none = 0 * x
    share = [none + 1] * K
    if sign and s.relative is not None:
        absolute = s.absolute or [1] * K  # errors that are bounded both ways are left out
        share = [1 + sign * numbers.of(e) * (s.absolute is None or not a) for e, a in zip(s.relative, absolute)]
    shift = [none] * K
    if sign and s.relative is None and s.absolute is not None and s.initial == "distance":
        shift = [sign * numbers.of(delta / s.curvature) for delta in s.absolute]
    xs, moved = [x], list[Any]()
    memory: dict[str, Any] = {}
    vectors, values = {"x0": x}, dict[str, Any]()

    def visit(label: str, x: Any) -> Any:
        if smooth:
            vectors["g" + label], values["f" + label] = function.gradient(x), function.value(x)
        return vectors["g" + label] if smooth else none

    g = visit("0", x)
    values["r0"] = function.slope * abs(x)
    for k, length in enumerate(lengths, 1):
        answers = _Asked(function, smooth, g, share[k - 1], shift[k - 1])
        memory = method({"x": x, **memory}, k=k, f=answers, **({"r": answers} if s.composite else {}))
        new = memory.pop("x")
        if rough:
            vectors[f"s{k}"] = none if answers.slope is None else answers.slope
        vectors[f"u{k}"] = (share[k - 1] - 1) * (g + vectors.get(f"s{k}", none)) + shift[k - 1]
        moved.append((x - new) / length)
        x = new
        xs.append(x)
        values[f"r{k}"] = function.slope * abs(x)
        g = visit(str(k), x)
        if "y" in memory:
            g = visit(f"y{k}", memory["y"])
    total = [(values[f"f{k}"] if smooth else none) + values[f"r{k}"] for k in range(K + 1)]
    gradients = moved if s.composite else [vectors[f"g{k}"] for k in range(K + 1)] if smooth else [none]
    values["t"] = min(v * v for v in gradients)
    metric = {
        "objective": total[-1],
        "average_objective": sum(total[1:], none) / K,
        "distance": x * x,
        "decrease": total[-1] - total[0],
        "best_gradient": values["t"],
    }[s.metric]
    start = {
        "distance": xs[0] * xs[0],
        "objective": total[0],
        "decrease": total[0] - total[-1],
        "gradient": vectors["g0"] * vectors["g0"] if smooth else none,
    }[s.initial]
    return LineRun(vectors, values, metric, start)


def functions(setting: Setting, sign: int = 0, searched: bool = True) -> Iterator[Function]:
    """Functions in fractions that may be the worst: quadratics, then knees and slopes by formula and by search."""
    zero, one = Fraction(0), Fraction(1)
    low = setting.mu / setting.L
    smooth, rough = setting.function_class != "convex", setting.composite or setting.function_class == "convex"
    if smooth:
        yield from (Function(h, h) for h in dict.fromkeys((one, low, (one + low) / 2)))
        if low < 1:
            for knee in _parameters(setting, lambda v, of: Function(of(low), of(one), v), sign, searched):
                yield Function(low, one, knee)
    if rough:
        for slope in _parameters(setting, lambda v, of: Function(of(low), of(low), of(zero), v), sign, searched):
            yield Function(low, low, zero, slope)
        yield Function(low, low)


def _parameters(setting: Setting, made: Made, sign: int, searched: bool) -> list[Fraction]:
    """Knees or slopes at which the metric is largest: where a parabola or its region ends, and numerically."""
    candidates = list(_formulas(setting, made, sign)) if setting.rational and setting.steps <= LONG else []
    if searched:
        candidates.append(Fraction(_largest(setting, made, sign)).limit_denominator(10**12))
    return [v for v in dict.fromkeys(candidates) if v > 0]


def searched(setting: Setting) -> list[Function]:
    """Functions of balls that may be the worst where the numbers of a method are irrational."""
    low = setting.mu / setting.L
    kinds: list[Made] = [lambda v, of: Function(of(low), of(Fraction(1)), v)] if low < 1 else []
    if setting.composite:
        kinds.append(lambda v, of: Function(of(low), of(low), of(Fraction(0)), v))
    points = []
    for made in kinds:
        knee = Fraction(_largest(setting, made, 0)).limit_denominator(10**12)
        points.append(made(arb(knee.numerator) / knee.denominator, lambda v: arb(v.numerator) / v.denominator))
    return points


def _largest(setting: Setting, made: Made, sign: int) -> float:
    def ratio(v: float) -> float:
        with np.errstate(all="ignore"):
            line = run(setting, made(float(v), float), FLOATS, sign)
            return line.ratio if line.initial > 0 and np.isfinite(line.metric) else -np.inf

    heights = [ratio(v) for v in GRID]
    best = int(np.argmax(heights))
    a, b = float(GRID[max(best - 1, 0)]), float(GRID[min(best + 1, len(GRID) - 1)])
    for _ in range(40):  # golden section
        c, d = b - 0.6180339887498949 * (b - a), a + 0.6180339887498949 * (b - a)
        a, b = (a, d) if ratio(c) >= ratio(d) else (c, b)
    return (a + b) / 2


def _formulas(setting: Setting, made: Made, sign: int) -> Iterator[Fraction]:
    """Where a parabola through three runs that stay on one side of the knee is largest, and where that region ends.

    In it x_k is linear in the parameter and the metric a parabola.
    """
    small = Fraction(1, 10**30)
    runs = [run(setting, made(i * small, Fraction), FRACTIONS, sign) for i in range(3)]
    y = [line.metric for line in runs]
    bend, rise = y[2] - 2 * y[1] + y[0], (4 * y[1] - y[2] - 3 * y[0]) / 2
    if bend < 0:
        yield -rise / bend * small
    last = [positions(setting, line)[-1] for line in runs[:2]]
    fall = (last[0] - last[1]) / small
    if setting.function_class != "convex" and fall + 1 > 0 and "s1" not in runs[0].vectors:
        yield last[0] / (fall + 1)
    if fall > 0:
        yield last[0] / fall


def positions(setting: Setting, line: LineRun) -> list[Any]:
    """x_0 to x_K of a plain method."""
    x = [line.vectors["x0"]]
    for k, h in enumerate(setting.lengths, 1):
        G = line.vectors.get(f"g{k - 1}", 0) + line.vectors.get(f"s{k}", 0)
        x.append(x[-1] - h * (G + line.vectors[f"u{k}"]))
    return x
