"""The functions that a traced method is given, and the run that it makes.

One oracle, one answer: asked twice at the same point a function returns the same gradient, and at a point that a prox
led to the subgradient that the prox took. So a method is traced as the program that it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from ...errors import InputError
from .._setting import number
from .as_code import Method, called, iterate, parameters, stepped
from .classes import Class, transposed
from .vectors import Scalar, Value, Vector

STAR = "*"
START, SECOND, MINIMISER = "x0", "x1", "x*"
ONE = Fraction(1)


class Point(NamedTuple):
    """A point at which a function was asked: its label, where it is, and what was returned."""

    function: str
    label: str
    x: Vector
    g: Vector


@dataclass(frozen=True)
class Side:
    """A further inequality, `left` <= `right`: the error of an inexact oracle."""

    name: tuple[str, ...]
    left: Scalar
    right: Fraction = Fraction(0)

    @property
    def values(self) -> Mapping[Value, Fraction]:
        """The function values of its left-hand side."""
        return self.left.values


@dataclass
class Recorder:
    """What a run has asked for so far. `weights` says how far a basis vector moves where the origin does: 1 or 0."""

    basis: list[str] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    calls: list[Point] = field(default_factory=list)
    errors: int = 0
    star_used: bool = False

    def new(self, name: str, weight: int = 0) -> Vector:
        """A new vector of the basis."""
        self.basis.append(name)
        self.weights[name] = weight
        return Vector({name: ONE})

    def new_error(self) -> Vector:
        """A vector that no function returned."""
        self.errors += 1
        return self.new(f"u{self.errors - 1}")

    def demand(self, left: Scalar, right: Fraction = Fraction(0)) -> None:
        """Record that `left` is at most `right`."""
        self.sides.append(Side(("error", str(len(self.sides))), left, right))


class Errors:
    """What is inexact in a method, its parameter `error`: vectors that are chosen for the worst, and their bounds."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def vector(self) -> Vector:
        """A vector that may be anything which `bounded` and `demand` allow."""
        return self._recorder.new_error()

    def bounded(self, vector: Vector, by: Vector, relative: Any) -> None:
        """||vector|| <= relative ||by||."""
        size = _size(relative, "error.bounded")
        if not size:
            raise InputError("error.bounded: expected an error > 0, got 0; leave the vector out of the method.")
        self.demand(vector**2, size**2 * by**2)

    def demand(self, left: Any, right: Any) -> None:
        """left <= right, of values, inner products and numbers, not of numbers alone."""
        rest = left - right
        if not isinstance(rest, Scalar) or not (rest.values or rest.names):
            raise InputError(
                f"error.demand: expected values and inner products such as v ** 2, got {left!r:.40} and {right!r:.40}."
            )
        self._recorder.demand(rest.plus(-rest.constant), -rest.constant)


def _size(given: Any, what: str) -> Fraction:
    size = number(given, f"the size of an error of {what}")
    if size < 0:
        raise InputError(f"{what}: expected an error >= 0, got {float(size)}.")
    return size


class Oracle:
    """A function, an operator or a map of a question, as a traced method sees it."""

    def __init__(self, name: str, given: Class, recorder: Recorder) -> None:
        self.name, self.given, self._recorder = name, given, recorder
        self._at: dict[frozenset, Point] = {}
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"a function of a method has gradient, subgradient, inexact_gradient, value, prox, resolvent, project, "
            f"contains and linear_minimiser, or is called; got {name!r}"
        )

    def _demand(self, operation: str, *kinds: str) -> None:
        if self.given.kind not in kinds:
            raise InputError(
                f"{self.name}.{operation}: the class {self.given} has none; it is for kinds {', '.join(kinds)}."
            )

    def _vector(self, x: Any, operation: str) -> Vector:
        if not isinstance(x, Vector):
            raise InputError(
                f"{self.name}.{operation}: expected a vector of the run, got {type(x).__name__} {x!r:.40}."
            )
        return x

    def put(self, x: Vector, g: Vector, label: str | None = None) -> Point:
        """Record that g is what the function has at x."""
        if x.key in self._at:
            raise InputError(f"{self.name}: it was asked before at the point that this step leads to; the two answers "
                             f"would differ. Keep the answer in the state.")  # fmt: skip
        if label is None:
            label, self._count = str(self._count), self._count + 1
        point = Point(self.name, label, x, g)
        self._at[x.key] = point
        self._recorder.points.append(point)
        self._recorder.calls.append(point)
        return point

    def _evaluated(self, x: Vector) -> Point:
        if x.key in self._at:
            self._recorder.calls.append(self._at[x.key])
            return self._at[x.key]
        weight = 1 if self.given.kind == "map" else 0
        return self.put(x, self._recorder.new(f"{self.name}'{self._count}", weight))

    def gradient(self, x: Vector) -> Vector:
        """The gradient at x, or a subgradient."""
        self._demand("gradient", "function", "operator", "indicator")
        return self._evaluated(self._vector(x, "gradient")).g

    subgradient = gradient

    def __call__(self, x: Vector) -> Any:
        """A(x) of an operator or a map, the value of a function."""
        if self.given.kind in ("operator", "map"):
            return self._evaluated(self._vector(x, "call")).g
        return self.value(x)

    def value(self, x: Vector) -> Scalar:
        """The value at x, for metrics and initial conditions."""
        self._demand("value", "function", "indicator")
        if self.given.kind == "indicator":
            if self._vector(x, "value").key not in self._at:
                raise InputError(
                    f"{self.name}.value: whether the point lies in the set is not known; ask for the value of the "
                    f"other functions, such as run.f(x), or say {self.name}.contains(x) in the method."
                )
            return Scalar({}, {})
        point = self._evaluated(self._vector(x, "value"))
        return Scalar({(self.name, point.label): ONE}, {})

    def prox(self, x: Vector, gamma: Any) -> Vector:
        """argmin_y of gamma f(y) + ||y - x||^2/2, or the resolvent (I + gamma A)^-1 x."""
        self._demand("prox", "function", "operator", "indicator")
        length = number(gamma, f"the step of {self.name}.prox")
        if length <= 0:
            raise InputError(f"{self.name}.prox: expected gamma > 0, got {float(length)}.")
        s = self._recorder.new(f"{self.name}'{self._count}")
        y = self._vector(x, "prox") - length * s
        self.put(y, s)
        return y

    resolvent = prox

    def project(self, x: Vector) -> Vector:
        """The projection of x on the set of an indicator."""
        self._demand("project", "indicator")
        return self.prox(x, 1)

    def contains(self, x: Vector) -> None:
        """Say that x lies in the set of an indicator, or in the domain of a function."""
        self._demand("contains", "function", "indicator")
        self._evaluated(self._vector(x, "contains"))

    def linear_minimiser(self, slope: Vector) -> Vector:
        """A point y of the set that minimises <slope, y>, as in the method of Frank and Wolfe."""
        self._demand("linear_minimiser", "indicator")
        y = self._recorder.new(f"{self.name}.y{self._count}", 1)
        self.put(y, -self._vector(slope, "linear_minimiser"))
        return y

    def inexact_gradient(self, x: Vector, relative: Any = None, absolute: Any = None) -> Vector:
        """A vector d with ||d - g|| <= relative ||g||, or <= absolute, g the gradient at x."""
        g = self.gradient(x)
        if (relative is None) == (absolute is None):
            raise InputError(f"{self.name}.inexact_gradient: expected one of relative and absolute.")
        size = _size(absolute if relative is None else relative, f"{self.name}.inexact_gradient")
        if not size:
            return g
        u = self._recorder.new_error()
        left, right = (u @ u - size**2 * (g @ g), Fraction(0)) if absolute is None else (u @ u, size**2)
        self._recorder.demand(left, right)
        return g + u


class LinearOracle(Oracle):
    """A linear operator M of a question: M(x), and M.adjoint(u) with <M x, u> = <x, M.adjoint(u)>."""

    def __init__(self, name: str, given: Class, recorder: Recorder) -> None:
        super().__init__(name, given, recorder)
        self.transpose = Oracle(transposed(name), given, recorder)

    def __call__(self, x: Vector) -> Vector:
        """M x."""
        return self._applied(x, self, 1)

    def adjoint(self, u: Vector) -> Vector:
        """The transpose of M, times u."""
        return self._applied(u, self.transpose, 0)

    def _applied(self, x: Vector, side: Oracle, weight: int) -> Vector:
        if self._vector(x, "call").key not in side._at:
            side.put(x, self._recorder.new(f"{side.name}'{side._count}", weight))
        return side._at[x.key].g


def oracle_of(name: str, given: Class, recorder: Recorder) -> Oracle:
    """The oracle of a class."""
    return (LinearOracle if given.kind == "linear" else Oracle)(name, given, recorder)


@dataclass
class Run:
    """A traced run, as metrics and initial conditions see it: functions are attributes by their names.

    `states` are the K+1 states, `x` their iterates; `star` is a minimiser x* (a zero of the sum of operators, a fixed
    point of maps).
    """

    states: list[Any]
    oracles: Mapping[str, Oracle]
    _recorder: Recorder

    def __getattr__(self, name: str) -> Oracle:
        oracles = self.__dict__.get("oracles", {})
        if name in oracles:
            return oracles[name]
        raise AttributeError(
            f"a run has states, x, star, K, F, gradient, and the functions {', '.join(oracles)}; got {name!r}"
        )

    @property
    def K(self) -> int:
        """The number of steps."""
        return len(self.states) - 1

    @property
    def x(self) -> list[Vector]:
        """x_0 to x_K."""
        return [iterate(state) for state in self.states]

    @property
    def star(self) -> Vector:
        """x*."""
        self._recorder.star_used = True
        return Vector({MINIMISER: ONE})

    def F(self, x: Vector) -> Scalar:
        """The sum of all functions at x."""
        return sum((oracle.value(self._argument(oracle, x)) for oracle in self._functions("F")), Scalar({}, {}))

    @property
    def F_star(self) -> Scalar:
        """The least value of the sum, its infimum where the class has no minimiser."""
        shares = {(o.name, STAR): ONE for o in self._functions("F_star") if o.given.kind == "function"}
        return Scalar(shares, {})

    def gradient(self, x: Vector) -> Vector:
        """The sum of the gradients or subgradients at x of all functions and operators."""
        total = Vector({})
        for oracle in self.oracles.values():
            if oracle.given.kind not in ("map", "linear"):
                g = oracle._evaluated(self._argument(oracle, x)).g
                total = total + (g if oracle.given.inside is None else self._linear(oracle).adjoint(g))
        return total

    def _functions(self, what: str) -> list[Oracle]:
        listed = [oracle for oracle in self.oracles.values() if oracle.given.kind != "linear"]
        for oracle in listed:
            oracle._demand(what, "function", "indicator")
        return listed

    def _linear(self, oracle: Oracle) -> LinearOracle:
        inside = self.oracles[oracle.given.inside or ""]
        assert isinstance(inside, LinearOracle), "checked where classes are"
        return inside

    def _argument(self, oracle: Oracle, x: Vector) -> Vector:
        """x, or M x where the term is f(M x)."""
        return x if oracle.given.inside is None else self._linear(oracle)(x)


def minimiser(oracles: Mapping[str, Oracle], recorder: Recorder) -> None:
    """What the functions have at x*: gradients that add up to 0, and x* itself for maps.

    A term f(M x) has its gradient u* at M x*, and the transpose of M times u* is what it adds.
    """
    star = recorder.new(MINIMISER, 1)
    plain, total = [], Vector({})
    for oracle in oracles.values():
        if oracle.given.kind == "map":
            oracle.put(star, star, STAR)
        elif oracle.given.kind != "linear" and oracle.given.inside is None:
            plain.append(oracle)
    behind = [oracle for oracle in oracles.values() if oracle.given.inside is not None]
    for place, oracle in enumerate(behind):
        inside: Any = oracles[oracle.given.inside or ""]
        y, u = recorder.new(f"{inside.name}'{STAR}", 1), recorder.new(f"{oracle.name}'{STAR}")
        alone = not plain and place + 1 == len(behind)
        v = -total if alone else recorder.new(f"{inside.transpose.name}'{STAR}")
        total = total + v
        inside.put(star, y, STAR)
        inside.transpose.put(u, v, STAR)
        oracle.put(y, u, STAR)
    for place, oracle in enumerate(plain):
        g = -total if place + 1 == len(plain) else recorder.new(f"{oracle.name}'{STAR}")
        total = total + g
        oracle.put(star, g, STAR)


def traced(method: Method, classes: Mapping[str, Class], steps: int) -> Run:
    """The run of a method on symbols."""
    recorder = Recorder()
    oracles = {name: oracle_of(name, given, recorder) for name, given in classes.items()}
    error = Errors(recorder)
    state: Any = recorder.new(START, 1)
    minimiser(oracles, recorder)
    if method.init is not None:
        second = SECOND in [parameter.name for parameter in parameters(method.init)]
        other = {SECOND: recorder.new(SECOND, 1)} if second else {}
        state = called(method.init, state, {**oracles, **other, "error": error}, f"init of {method.title}")
    states = [state]
    iterate(state)
    for k in range(1, steps + 1):
        state = stepped(method, state, {**oracles, "k": k, "error": error})
        iterate(state)
        states.append(state)
    return Run(states, oracles, recorder)


def least(expressions: Scalar | Sequence[Scalar], what: str) -> list[Scalar]:
    """One expression or several, as a list."""
    listed: list[Any] = list(expressions) if isinstance(expressions, (list, tuple)) else [expressions]
    for one in listed:
        if not isinstance(one, Scalar):
            raise InputError(
                f"{what}: expected values and inner products such as run.F(run.x[-1]) - run.F_star or "
                f"(run.x[-1] - run.star) ** 2, got {type(one).__name__}."
            )
    if not listed and what == "metric":
        raise InputError(f"{what}: expected an expression, or a list of them, got none.")
    return listed
