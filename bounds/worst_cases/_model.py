r"""The performance-estimation problem of a question, as numbers: cliques of vectors, inequalities, metric.

Everything is normalised to L = 1 and an initial condition of 1, x* = 0, F* = 0, and for composite problems to the
gauge g* = 0: tilting (f, r) to (f - <g*, .>, r + <g*, .>) changes neither iterates nor F, and without it every dual
matrix has a null vector.

**Cliques.** Step k speaks of few vectors: what it is handed (x_{k-1}, the gradient there, the memory) and what is new
(s_k, u_k, the gradient at x_k). These are the basis of clique k, in which every inequality between consecutive points
or with the minimiser is a small matrix. `handed` says how a clique's basis begins: with the vectors that the clique
before hands on, as combinations of its own basis. Unrolling that gives the `embedding` of each clique in the basis of
the whole run, in which inequalities between any two points can be written.

The entries of matrices are of any number type: floats to solve with, fractions to certify with, balls to enclose
with. Coefficients of function values are fractions throughout.

Source of the inequalities: Taylor, Hendrickx, Glineur, Math. Program. 161 (2017); of the cliques: the partial minimum
of the dual quadratic form over the vectors of the past is a quadratic form of what is handed on, so that one
semidefinite constraint over the run and a chain of small ones over the cliques say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ._fractions import nonzero_double
from ._methods import State, Step, step_function
from ._setting import Setting

Form = list[tuple[Any, np.ndarray, np.ndarray]]
STAR = "*"
UNIT = Fraction(1)
ONE_FUNCTION = Fraction(1000)
"""How much of ||(g_i - x_i) - (g_j - x_j)||^2/2, which is 0, the inequalities of mu = L have: any number is true."""


@dataclass(frozen=True)
class Numbers:
    """A number type: how a fraction becomes one, its square root, and the dtype of arrays of them."""

    of: Callable[[Fraction], Any]
    sqrt: Callable[[Any], Any]
    dtype: Any


FLOATS = Numbers(nonzero_double, np.sqrt, np.float64)


def _no_root(value: Any) -> Any:
    raise TypeError("the momentum of acceleration is irrational")


FRACTIONS = Numbers(Fraction, _no_root, object)


@dataclass(frozen=True)
class Point:
    """A point at which f or r is interpolated: its label, clique, and x and (sub)gradient in that clique's basis."""

    label: str
    clique: int
    x: np.ndarray
    g: np.ndarray


@dataclass(frozen=True)
class Row:
    """An inequality ``values'F + <matrix, Gram> <= rhs`` in the basis of a clique; `equality` for "=".

    `name` is (kind, i, j): ("f", "1", "2") says that the interpolation inequality of f with x_1 above x_2 holds.
    """

    name: tuple[str, ...]
    clique: int
    values: tuple[tuple[int, Fraction], ...]
    matrix: np.ndarray | None
    rhs: Any = 0
    equality: bool = False


@dataclass
class Model:
    """What `build` makes; `value_names` are the entries of F, `metric` and `objective` what is maximised."""

    setting: Setting
    numbers: Numbers
    widths: list[int] = field(default_factory=list)
    carried: list[int] = field(default_factory=list)
    handed: list[np.ndarray] = field(default_factory=list)
    basis: list[str] = field(default_factory=list)
    new: list[tuple[int, int]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    value_names: list[str] = field(default_factory=list)
    metric_values: list[tuple[int, Fraction]] = field(default_factory=list)
    metric_matrix: np.ndarray | None = None
    f_points: list[Point] = field(default_factory=list)
    r_points: list[Point] = field(default_factory=list)
    iterates: list[Point] = field(default_factory=list)
    errors: list[Point] = field(default_factory=list)

    @property
    def tops(self) -> frozenset[tuple[str, str]]:
        """Points that are above others and below none: r at x_0, where nothing asks for a subgradient.

        One exists all the same, as steep as it has to be, after x_0 was moved a little off the other points.
        """
        return frozenset({("r", "0")} if self.r_points and self.r_points[0].label == "0" else ())

    def value(self, name: str) -> int:
        """Index of a function value, made where it is new."""
        if name not in self.value_names:
            self.value_names.append(name)
        return self.value_names.index(name)

    @cached_property
    def embeddings(self) -> list[np.ndarray]:
        """For each clique its basis (rows) in the basis of the run; of balls in the precision when first asked for."""
        n = len(self.basis)
        matrices: list[np.ndarray] = []
        for k, width in enumerate(self.widths):
            rows = np.zeros((width, n), self.numbers.dtype)
            if k:
                rows[: self.carried[k]] = times(self.handed[k - 1], matrices[k - 1])
            first, last = self.new[k]
            one = self.numbers.of(Fraction(1))
            for i, column in enumerate(range(first, last)):
                rows[self.carried[k] + i, column] = one
            matrices.append(rows)
        return matrices


def times(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left right, of a vector or a matrix and a matrix; products of fractions that are 0 are left out."""
    if right.dtype != object or not right.size or not isinstance(right.flat[0], (int, Fraction)):
        return left.dot(right)
    rows = left.reshape(-1, left.shape[-1])
    product = np.full((len(rows), right.shape[1]), Fraction(0))
    for total, row in zip(product, rows):
        for j in row.nonzero()[0]:
            add_multiple(total, row[j], right[j])
    return product.reshape(*left.shape[:-1], right.shape[1])


def add_multiple(total: np.ndarray, value: Fraction, row: np.ndarray) -> None:
    """total += value row, of fractions most of which are 0."""
    there = row.nonzero()[0]
    if value and len(there):
        total[there] += value * row[there]


def symmetric(form: Form, width: int, dtype: Any) -> np.ndarray:
    """The symmetric matrix of the quadratic form sum w <a, b>."""
    total = np.zeros((width, width), dtype)
    for w, a, b in form:
        if a is b:
            total += w * np.multiply.outer(a, a)
        else:
            product = np.multiply.outer(a, b)
            total += (w * (product + product.T)) / 2
    return total


def interpolation(setting: Setting, kind: str, of: Callable[[Fraction], Any]) -> tuple[Any, Any, Any]:
    """(alpha, beta, gamma): f_i >= f_j + <g_j, Dx> + alpha ||Dg||^2 + beta ||Dx||^2 + gamma <Dg, Dx>, at L = 1."""
    half, none = of(Fraction(1, 2)), of(Fraction(0))
    if kind == "r":
        return none, none, none
    if setting.function_class == "smooth_nonconvex":
        return of(Fraction(1, 4)), of(Fraction(-1, 4)), half
    mu = setting.mu / setting.L
    if mu == 0:
        return half, none, none
    rest = 1 - mu
    if rest == 0:  # g = x and f = x^2/2, of which this says as much as a number of this size can
        return of(ONE_FUNCTION / 2), of((ONE_FUNCTION + 1) / 2), of(-ONE_FUNCTION)
    return of(1 / (2 * rest)), of(mu / (2 * rest)), of(-mu / rest)


@dataclass(frozen=True)
class _Answers:
    """What the functions answer in one step: the gradient with its error, and the subgradient where the step lands."""

    g: np.ndarray
    slope: np.ndarray

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """The gradient where the step takes it."""
        return self.g

    def prox(self, z: np.ndarray, length: Any) -> np.ndarray:
        """The point y with y + length s = z."""
        return z - length * self.slope


class _Builder:
    """Walks through the steps of a method and writes its model."""

    def __init__(self, setting: Setting, numbers: Numbers) -> None:
        self.s, self.num = setting, numbers
        self.model = Model(setting, numbers)
        self.one, self.zero = numbers.of(Fraction(1)), numbers.of(Fraction(0))
        self.laws = {kind: interpolation(setting, kind, numbers.of) for kind in "fr"}
        self.smooth = setting.function_class != "convex"
        self.nonsmooth = setting.composite or not self.smooth
        self.accelerated = setting.method == "accelerated_gradient"
        self.names: dict[str, np.ndarray] = {}
        self.width = 0
        self.clique = -1

    # -- cliques

    def open(self, handed: dict[str, np.ndarray], new: list[str]) -> None:
        """Begin a clique whose basis is what is handed on, then `new` vectors of the run."""
        model = self.model
        if self.clique >= 0:
            rows = list(handed.values())
            model.handed.append(np.array(rows, self.num.dtype).reshape(len(rows), self.width))
        self.clique += 1
        width = len(handed) + len(new)
        first = len(model.basis)
        model.basis += new
        model.new.append((first, first + len(new)))
        model.carried.append(len(handed))
        model.widths.append(width)
        self.width = width
        unit = np.zeros((width, width), self.num.dtype)
        for i in range(width):
            unit[i, i] = self.one
        self.names = dict(zip([*handed, *new], unit))

    def none(self) -> np.ndarray:
        return np.zeros(self.width, self.num.dtype)

    # -- inequalities

    def row(
        self, name: tuple[str, ...], values: dict[str, Fraction], form: Form, rhs: Any = 0, equality: bool = False
    ) -> None:
        matrix = symmetric(form, self.width, self.num.dtype) if form else None
        entries = tuple((self.model.value(v), w) for v, w in values.items())
        self.model.rows.append(Row(name, self.clique, entries, matrix, rhs, equality))

    def above(self, kind: str, i: Point, j: Point) -> None:
        """The interpolation inequality of f or r with i above j."""
        alpha, beta, gamma = self.laws[kind]
        dx, dg = i.x - j.x, i.g - j.g
        form: Form = [(self.one, j.g, dx)]
        if alpha != 0:
            form.append((alpha, dg, dg))
        if beta != 0:
            form += [(beta, dx, dx), (gamma, dg, dx)]
        values = {f"{kind}{p.label}": w for p, w in ((j, UNIT), (i, -UNIT)) if p.label != STAR}
        self.row((kind, i.label, j.label), values, form)

    def star(self) -> Point:
        return Point(STAR, self.clique, self.none(), self.none())

    def with_star(self, kind: str, point: Point) -> None:
        if self.s.starless:
            if self.s.bounded_below:
                alpha = self.num.of(Fraction(1, 2) if kind == "f" else Fraction(0))
                form = [(alpha, point.g, point.g)] if kind == "f" else []
                self.row((kind, point.label, STAR), {f"{kind}{point.label}": -UNIT}, form)
            return
        star = self.star()
        if (kind, point.label) != ("r", "0"):
            self.above(kind, star, point)
        self.above(kind, point, star)

    def meet(self, kind: str, old: Point | None, new: Point) -> None:
        """All local inequalities of a new point."""
        if old is not None:
            self.above(kind, old, new)
            if (kind, old.label) != ("r", "0"):
                self.above(kind, new, old)
        self.with_star(kind, new)
        (self.model.f_points if kind == "f" else self.model.r_points).append(new)

    def total(self, label: str) -> dict[str, Fraction]:
        """F(x_label) as a combination of values."""
        coefficients = {} if self.s.function_class == "convex" else {f"f{label}": UNIT}
        if self.s.composite or self.s.function_class == "convex":
            coefficients[f"r{label}"] = UNIT
        return coefficients

    # -- the run

    def build(self) -> Model:
        self.start()
        method = step_function(self.s, self.num)
        for k in range(1, self.s.steps + 1):
            self.step(k, method)
        if self.s.metric == "best_gradient" and not self.s.composite:
            self.best_gradient_rows()
        self.metric(self.x)
        return self.model

    def value_at(self, k: int) -> bool:
        """Whether f(x_k) occurs: where a gradient is taken, and where the metric asks for it."""
        s = self.s
        if not self.smooth:
            return False
        if k == s.steps:
            aside = s.metric == "distance" or (s.composite and s.metric == "best_gradient")
            return s.initial == "decrease" or not aside
        every = s.metric == "average_objective" or (s.metric == "best_gradient" and not s.composite)
        return every or not self.accelerated or k == 1

    def new_in(self, k: int) -> list[str]:
        """The vectors that are new in step k."""
        new = [f"s{k}"] if self.nonsmooth else []
        if (self.s.relative is not None or self.s.absolute is not None) and self.has_error(k):
            new.append(f"u{k}")
        if self.value_at(k):
            new.append(f"g{k}")
        if self.accelerated and 1 < k < self.s.steps:
            new.append(f"gy{k}")
        return new

    def start(self) -> None:
        """x_0 and what is known there."""
        s = self.s
        first = [] if s.free else ["x0"]
        if self.smooth and not s.tilted:
            first.append("g0")
        self.open({}, [*first, *self.new_in(1)])
        self.x = self.none() if s.free else self.names["x0"]
        self.memory: State = {}
        self.f_old: Point | None = None
        self.r_old: Point | None = None
        self.model.iterates.append(Point("0", 0, self.x, self.x))
        if self.smooth:
            self.f_old = Point("0", 0, self.x, self.none() if s.tilted else self.names["g0"])
            self.meet("f", None, self.f_old)
        if self.nonsmooth and s.has_start_value:
            self.r_old = Point("0", 0, self.x, self.none())
            self.meet("r", None, self.r_old)
        self.initial_condition(self.x)

    def step(self, k: int, method: Step) -> None:
        """Step k: its iterate, the inequalities of its points, and the clique of the next step."""
        s, num, model = self.s, self.num, self.model
        length, x = num.of(s.lengths[k - 1]), self.x
        g = self.none() if self.f_old is None else self.f_old.g
        slope = self.names[f"s{k}"] if self.nonsmooth else self.none()
        off = self.none()
        if f"u{k}" in self.names:
            off = num.of(s.error_unit(k)) * self.names[f"u{k}"]
            model.errors.append(Point(str(k), self.clique, off, off))
            self.error_bounds(k, off, g + slope)
        memory = method({"x": x, **self.memory}, k=k, **self.answers(g, slope, off))
        new = memory.pop("x")
        if s.metric == "best_gradient" and s.composite:
            D = (x - new) / length
            self.row(("metric", str(k)), {"t": UNIT}, [(-self.one, D, D)])
        model.iterates.append(Point(str(k), self.clique, new, new))
        if self.nonsmooth:
            r_new = Point(str(k), self.clique, new, self.names[f"s{k}"])
            self.meet("r", self.r_old, r_new)
            self.r_old = r_new
        self.f_old = self.smooth_points(k, new, memory)
        if k == s.steps:
            self.x = new
            return
        handed = {"x": new, **memory}
        if self.f_old is not None:
            handed["g"] = self.f_old.g
        if self.nonsmooth:
            handed["s"] = self.names[f"s{k}"]
        self.open(handed, self.new_in(k + 1))
        self.x = self.names["x"]
        self.memory = {name: self.names[name] for name in memory}
        if self.f_old is not None:
            at = self.memory.get("y", self.x)
            self.f_old = Point(self.f_old.label, self.clique, at, self.names["g"])
        if self.r_old is not None:
            self.r_old = Point(self.r_old.label, self.clique, self.x, self.names["s"])

    def answers(self, g: np.ndarray, slope: np.ndarray, off: np.ndarray) -> dict[str, _Answers]:
        """The functions that a step asks, by the names that it has for them; the first one makes the error."""
        if not self.smooth:
            return {"f": _Answers(g, slope + off)}
        f = _Answers(g + off, slope)
        return {"f": f, "r": f} if self.s.composite else {"f": f}

    def smooth_points(self, k: int, new: np.ndarray, memory: State) -> Point | None:
        """x_k and y_k as points of f where they are ones; returns the one where the next gradient is taken."""
        latest = self.f_old
        here = None
        if self.value_at(k):
            here = latest = Point(str(k), self.clique, new, self.names[f"g{k}"])
            self.meet("f", self.f_old, here)
        if "y" in memory:
            latest = Point(f"y{k}", self.clique, memory["y"], self.names[f"gy{k}"])
            if here is not None:
                self.above("f", here, latest)
                self.above("f", latest, here)
            self.meet("f", self.f_old, latest)
        return latest

    def has_error(self, k: int) -> bool:
        """An error that is bounded by 0 is no vector at all: it would leave the problem without an interior."""
        return all(e is None or e[k - 1] > 0 for e in (self.s.relative, self.s.absolute))

    def error_bounds(self, k: int, u: np.ndarray, G: np.ndarray) -> None:
        s, of = self.s, self.num.of
        square = s.error_unit(k) ** 2  # each inequality is divided by it: u / unit is a vector of the basis
        if s.relative is not None:
            share = of(s.relative[k - 1] ** 2 / square)
            self.row(("relative", str(k)), {}, [(of(1 / square), u, u), (-share, G, G)])
        if s.absolute is not None:
            self.row(("absolute", str(k)), {}, [(of(1 / square), u, u)], of(s.squared_error(k) / square))

    def initial_condition(self, x: np.ndarray) -> None:
        s = self.s
        level = self.one
        if s.initial == "distance":
            self.row(("initial",), {}, [(self.one, x, x)], level)
        elif s.initial == "gradient":
            g = self.names["g0"]
            self.row(("initial",), {}, [(self.one, g, g)], level, equality=True)
        elif s.initial == "objective":
            self.row(("initial",), self.total("0"), [], level)
        else:
            values = dict(self.total("0"))
            for name, w in self.total(str(s.steps)).items():
                values[name] = -w
            self.row(("initial",), values, [], level)

    def best_gradient_rows(self) -> None:
        """t <= ||grad f(x_k)||^2 at every iterate, each in the clique where its point is."""
        for point in self.model.f_points:
            if point.label.startswith("y"):
                continue
            matrix = symmetric([(-self.one, point.g, point.g)], len(point.g), self.num.dtype)
            entry = ((self.model.value("t"), UNIT),)
            self.model.rows.append(Row(("metric", point.label), point.clique, entry, matrix))

    def metric(self, x: np.ndarray) -> None:
        s, model = self.s, self.model
        K = s.steps
        if s.metric == "best_gradient":
            values = {"t": UNIT}
        elif s.metric == "distance":
            model.metric_matrix = symmetric([(self.one, x, x)], self.width, self.num.dtype)
            return
        elif s.metric == "average_objective":
            share = Fraction(1, K)
            values = {name: share * w for k in range(1, K + 1) for name, w in self.total(str(k)).items()}
        else:
            values = dict(self.total(str(K)))
            if s.metric == "decrease":
                for name, w in self.total("0").items():
                    values[name] = values.get(name, 0) - w
        model.metric_values = [(model.value(name), w) for name, w in values.items()]


@np.errstate(over="ignore", invalid="ignore")  # what is beyond doubles is refused where it is solved
def build(setting: Setting, numbers: Numbers = FLOATS) -> Model:
    """The model of a question in the given number type."""
    return _Builder(setting, numbers).build()
