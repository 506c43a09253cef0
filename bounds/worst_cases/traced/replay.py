"""The code of a method, run on the numbers of its worst case.

The functions of the instance are known at the points of the run, and answer there: a method that asks elsewhere is not
the one that was traced. What comes out is compared with `WorstCase.lower`; it is a check, to rounding, and no proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from .._fractions import double
from ._model import TracedModel, product_name, value_name
from .as_code import called, iterate
from .classes import transposed, with_transposes
from .oracles import MINIMISER, SECOND, STAR, START
from .question import METRICS, TracedSetting
from .vectors import Vector

if TYPE_CHECKING:
    from .answer import TracedWorstCase

NEAR = 1e-6
"""How far a point may be from one of the instance, relative to the longest vector of the instance."""


def arrays(question: TracedSetting, model: TracedModel, basis: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    """The instance as plain arrays: f_x, f_g (P, n), f_f (P,) and f_labels of each function f, errors u, x0 and x*."""
    named = dict(zip(model.value_names, values))
    place = {name: basis[i] for name, i in model.index.items()}
    n = basis.shape[1]
    units = question.units
    assert units is not None, "made with its run"
    assert question.run is not None, "made with its run"
    for left_out, direction in model.run.tilts.items():  # a vector with the products that the instance asks for
        wanted = [named.get(product_name(left_out, name), 0.0) for name in model.index]
        shared = np.linalg.lstsq(basis, np.array(wanted), rcond=None)[0]
        place[left_out] = np.zeros(n)
        place = {name: vector + float(direction.get(name, 0)) * shared for name, vector in place.items()}

    place = {name: vector * double(units.vector(name)) for name, vector in place.items()}

    def at(vector: Vector) -> np.ndarray:
        unknown = np.full(n, np.nan)  # a gradient that no inequality needs
        return sum((float(w) * place.get(name, unknown) for name, w in vector.entries.items()), np.zeros(n))

    out = {name: place.get(name, np.zeros(n)) for name in (START, SECOND)} | {"star": place.get(MINIMISER, np.zeros(n))}
    for function, given in with_transposes(question.classes).items():
        points = [p for p in question.run.points if p.function == function]
        out[f"{function}_labels"] = np.array([p.label for p in points])
        out[f"{function}_x"] = np.array([at(p.x) for p in points]).reshape(-1, n)
        out[f"{function}_g"] = np.array([at(p.g) for p in points]).reshape(-1, n)
        if given.kind == "function":
            levels = [named.get(value_name((function, p.label)), 0.0) for p in points]
            out[f"{function}_f"] = double(units.values[function]) * np.array(levels)
    for name, vector in place.items():
        if name[0] == "u" and name[1:].isdigit():
            out[name] = vector
    return out


class Array:
    """A vector of numbers, an array or a tensor, with the arithmetic of traced vectors."""

    def __init__(self, entries: Any) -> None:
        self.entries = entries

    def __add__(self, other: Any) -> Array:
        return Array(self.entries + (other.entries if isinstance(other, Array) else other))

    __radd__ = __add__

    def __neg__(self) -> Array:
        return Array(-self.entries)

    def __sub__(self, other: Any) -> Array:
        return self + (-other)

    def __rsub__(self, other: Any) -> Array:
        return (-self) + other

    def __mul__(self, factor: Any) -> Array:
        return Array(self.entries * float(factor))

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Array:
        return Array(self.entries / float(divisor))

    def __matmul__(self, other: Array) -> float:
        return float((self.entries * other.entries).sum())

    def __pow__(self, power: int) -> float:
        return self @ self

    __array_ufunc__ = None


class Known:
    """A function that is known at the points of an instance."""

    def __init__(self, name: str, instance: Mapping[str, np.ndarray], gap: float, errors: list[str]) -> None:
        self.name, self.instance, self.gap, self.errors = name, instance, gap, errors
        self.x, self.g = instance[f"{name}_x"], instance[f"{name}_g"]
        self._answers: dict[tuple[str, bytes], int] = {}

    def _nearest(self, x: Array, distances: np.ndarray, what: str) -> int:
        """The place of the point that is meant: where points coincide, the one that was not asked for yet."""
        key = (what, x.entries.tobytes())
        if key in self._answers:
            return self._answers[key]
        near = np.flatnonzero(distances <= self.gap)  # NaN is not
        if not len(near):
            far = f"{np.nanmin(distances):.1e} away" if len(distances) else "and there are none"
            raise InputError(
                f"replay: {self.name} is asked for {what} where the instance has no point, the nearest {far}: the code "
                f"is not the method that was traced, or depends on what is no argument of it."
            )
        fresh = [int(at) for at in near if at not in self._answers.values()]
        self._answers[key] = fresh[0] if fresh else int(near[0])
        return self._answers[key]

    def _place(self, x: Array, what: str) -> int:
        return self._nearest(x, np.linalg.norm(self.x - x.entries, axis=1), what)

    def gradient(self, x: Array) -> Array:
        """What it has at x."""
        return Array(self.g[self._place(x, "its answer")])

    subgradient = gradient

    def value(self, x: Array) -> float:
        """Its value at x."""
        levels = self.instance.get(f"{self.name}_f")
        return 0.0 if levels is None else float(levels[self._place(x, "its answer")])

    def __call__(self, x: Array) -> Any:
        """The value of a function, what an operator or a map has at x."""
        return self.value(x) if f"{self.name}_f" in self.instance else self.gradient(x)

    def contains(self, x: Array) -> None:
        """Nothing is to be computed."""

    def prox(self, x: Array, gamma: Any) -> Array:
        """The point y with y + gamma g = x."""
        off = np.linalg.norm(self.x + float(gamma) * self.g - x.entries, axis=1)
        return Array(self.x[self._put(x, off, "a prox")])

    resolvent = prox

    def project(self, x: Array) -> Array:
        """The point y with y + g = x."""
        return self.prox(x, 1.0)

    def linear_minimiser(self, slope: Array) -> Array:
        """The point whose normal vector is -slope."""
        largest = max(float(np.nanmax(np.abs(self.g), initial=0.0)), 1e-300)
        off = np.linalg.norm(self.g + slope.entries, axis=1) / largest  # relative, in units of `gap` like positions
        return Array(self.x[self._put(slope, off * self.gap / NEAR, "a linear minimiser")])

    def _put(self, x: Array, distances: np.ndarray, what: str) -> int:
        """The place of the point that a step leads to, whose gradient is what is answered there."""
        place = self._nearest(x, distances, what)
        self._answers["its answer", self.x[place].tobytes()] = place
        return place

    def inexact_gradient(self, x: Array, relative: Any = None, absolute: Any = None) -> Array:
        """The gradient and the error of the instance."""
        if not (absolute if relative is None else relative):
            return self.gradient(x)
        self.errors.append(f"u{len(self.errors)}")
        return self.gradient(x) + Array(self.instance[self.errors[-1]])


class KnownOperator(Known):
    """A linear operator that is known at the points of an instance, and its transpose."""

    def __init__(self, name: str, instance: Mapping[str, np.ndarray], gap: float, errors: list[str]) -> None:
        super().__init__(name, instance, gap, errors)
        self.transpose = Known(transposed(name), instance, gap, errors)

    def adjoint(self, u: Array) -> Array:
        """The transpose times u."""
        return self.transpose.gradient(u)


class KnownErrors:
    """The errors of an instance, in the order in which the method takes them."""

    def __init__(self, instance: Mapping[str, np.ndarray], errors: list[str]) -> None:
        self.instance, self.errors = instance, errors

    def vector(self) -> Array:
        """The next error."""
        self.errors.append(f"u{len(self.errors)}")
        return Array(self.instance[self.errors[-1]])

    def bounded(self, vector: Array, by: Array, relative: Any) -> None:
        """It holds for the instance."""

    def demand(self, left: Any, right: Any) -> None:
        """It holds for the instance."""


class NumericRun:
    """What metrics see of a run of numbers; see `Run`. `F_star` is the value at x* of the functions of an instance."""

    def __init__(
        self, states: list[Any], functions: Mapping[str, Any], question: TracedSetting, star: Array, F_star: float
    ) -> None:
        self.states, self.oracles, self.question, self.star, self.F_star = states, functions, question, star, F_star
        self.__dict__.update(functions)

    @property
    def K(self) -> int:
        """The number of steps."""
        return len(self.states) - 1

    @property
    def x(self) -> list[Array]:
        """x_0 to x_K."""
        return [iterate(state, Array) for state in self.states]

    def F(self, x: Array) -> float:
        """The sum of all functions at x."""
        return sum(
            one.value(self._argument(name, x))
            for name, one in self.oracles.items()
            if self.question.classes[name].kind != "linear"
        )

    def gradient(self, x: Array) -> Array:
        """The sum of the gradients at x."""
        parts = []
        for name, one in self.oracles.items():
            given = self.question.classes[name]
            if given.kind not in ("map", "linear"):
                g = one.gradient(self._argument(name, x))
                parts.append(g if given.inside is None else self.oracles[given.inside].adjoint(g))
        return sum(parts[1:], parts[0])

    def _argument(self, name: str, x: Array) -> Array:
        """x, or M x where the term is f(M x)."""
        inside = self.question.classes[name].inside
        return x if inside is None else self.oracles[inside](x)

    def metric(self) -> float:
        """The metric of the question."""
        metric_of: Any = self.question.metric_of or METRICS[self.question.metric]
        value = metric_of(self)
        return float(min(value) if isinstance(value, list) else value)


def lowest(question: TracedSetting, instance: Mapping[str, np.ndarray]) -> float:
    """The value at x* of the functions of an instance, 0 where x* is far away."""
    total = 0.0
    for name in question.classes:
        labels, levels = list(instance[f"{name}_labels"]), instance.get(f"{name}_f")
        total += float(levels[labels.index(STAR)]) if levels is not None and STAR in labels else 0.0
    return total


FAR, ROUNDING = 1e-3, 1e-9
"""A replay that is farther from the lower end, as a share and beyond rounding, met other points than the worst case."""


def replayed(answer: TracedWorstCase) -> tuple[NumericRun, float]:
    """The run of the method on its worst case, and the metric that it attains.

    Args:
        answer: The worst case of a traced method.

    Returns:
        The run and its metric, which agrees with `answer.lower` to rounding.

    Raises:
        InputError: Where no instance was certified, where the code asks for what the instance has not, and where its
            points are too near each other to be told apart.
    """
    question, instance = answer.question, answer.instance
    sizes = [
        float(np.nanmax(np.abs(a), initial=0.0))
        for n, a in instance.items()
        if n.endswith("_x") or n in (START, SECOND)
    ]
    size = max(sizes, default=1.0)
    errors: list[str] = []
    gap = NEAR * max(size, 1e-300)
    functions: dict[str, Any] = {}
    for name, given in question.classes.items():
        functions[name] = (KnownOperator if given.kind == "linear" else Known)(name, instance, gap, errors)
    every = {**functions, "error": KnownErrors(instance, errors)}
    program, state = question.program, Array(instance["x0"])
    start: Any = state
    if program.init is not None:
        start = called(program.init, state, {**every, SECOND: Array(instance[SECOND])}, "init")
    states = [start]
    for k in range(1, question.steps + 1):
        states.append(called(program.step, states[-1], {**every, "k": k}, "step"))
    run = NumericRun(states, functions, question, Array(instance["star"]), lowest(question, instance))
    value = run.metric()
    if not abs(value - answer.lower) <= FAR * max(abs(value), abs(answer.lower)) + ROUNDING:
        raise InputError(
            f"replayed: the run attains {value:.6g} and the lower end is {answer.lower:.6g}: points of the worst case "
            f"are too near each other to be told apart. The certified lower end does not rest on this run."
        )
    return run, value
