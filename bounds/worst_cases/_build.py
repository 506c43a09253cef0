"""From a question to its model: the steps of the method are walked through, and each inequality is written down."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ._methods import State, Step, step_function
from ._model import FLOATS, STAR, UNIT, Form, Model, Numbers, Point, Row, interpolation, symmetric
from ._setting import Setting


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
