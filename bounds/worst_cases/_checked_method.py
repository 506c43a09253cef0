"""The part of the checker of traced methods that runs a method again, on symbols of its own: nothing of the engine.

The points of a certificate have to be those where the method asks its functions, and a metric or an initial condition
that has a name has to be what the name says.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

from ._checked import LINEAR, MAPS, ONE, ZERO, Entries, demand, expression, number, product, summed, vector


class _Symbol:
    """A combination of vectors, with the arithmetic that a method may use."""

    def __init__(self, entries: Entries) -> None:
        self.entries = {name: value for name, value in entries.items() if value}

    def __add__(self, other: Any) -> _Symbol:
        return (
            self
            if isinstance(other, int) and other == 0
            else _Symbol(summed((ONE, self.entries), (ONE, other.entries)))
        )

    __radd__ = __add__

    def __neg__(self) -> _Symbol:
        return self * -1

    def __sub__(self, other: Any) -> _Symbol:
        return self + (-other)

    def __rsub__(self, other: Any) -> _Symbol:
        return (-self) + other

    def __mul__(self, factor: Any) -> _Symbol:
        return _Symbol(summed((_factor(factor), self.entries)))

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> _Symbol:
        return _Symbol(summed((1 / _factor(divisor), self.entries)))

    def __matmul__(self, other: _Symbol) -> _Level:
        return _Level({}, product(self.entries, other.entries), ZERO)

    def __pow__(self, power: int) -> _Level:
        demand(power == 2, "a power of a vector other than 2")
        return self @ self

    __array_ufunc__ = None


class _Level:
    """A combination of function values and inner products, and a number."""

    def __init__(self, values: Entries, form: Entries, constant: Fraction) -> None:
        self.values, self.form, self.constant = summed((ONE, values)), summed((ONE, form)), constant

    def __add__(self, other: Any) -> _Level:
        if not isinstance(other, _Level):
            return _Level(self.values, self.form, self.constant + _factor(other))
        values, form = summed((ONE, self.values), (ONE, other.values)), summed((ONE, self.form), (ONE, other.form))
        return _Level(values, form, self.constant + other.constant)

    __radd__ = __add__

    def __neg__(self) -> _Level:
        return self * -1

    def __sub__(self, other: Any) -> _Level:
        return self + (-other)

    def __rsub__(self, other: Any) -> _Level:
        return (-self) + other

    def __mul__(self, factor: Any) -> _Level:
        w = _factor(factor)
        return _Level(summed((w, self.values)), summed((w, self.form)), w * self.constant)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> _Level:
        return self * (1 / _factor(divisor))

    __array_ufunc__ = None


def _factor(value: Any) -> Fraction:
    """A number as the engine reads it: the simplest fraction that rounds to it, with a denominator up to 10^6."""
    if isinstance(value, (int, Fraction)):
        return Fraction(value)
    exact = Fraction(float(value))
    simple = exact.limit_denominator(10**6)
    return simple if float(simple) == float(value) else exact


class _Asked:
    """A function that remembers where it was asked."""

    def __init__(self, name: str, points: list, sides: list) -> None:
        self.name, self.points, self.sides = name, points, sides

    def _put(self, x: _Symbol, g: _Symbol) -> None:
        self.points.append((self.name, str(self._count()), x.entries, g.entries))

    def _count(self) -> int:
        return sum(name == self.name for name, *_ in self.points)

    def gradient(self, x: _Symbol) -> _Symbol:
        for name, _, at, g in self.points:
            if name == self.name and at == x.entries:
                return _Symbol(g)
        g = _Symbol({f"{self.name}'{self._count()}": ONE})
        self._put(x, g)
        return g

    subgradient = __call__ = contains = gradient

    def value(self, x: _Symbol) -> _Level:
        self.gradient(x)
        [label] = [label for name, label, at, _ in self.points if name == self.name and at == x.entries]
        return _Level({(self.name, label): ONE}, {}, ZERO)

    def adjoint(self, u: _Symbol) -> _Symbol:
        return _Asked(f"{self.name}.T", self.points, self.sides).gradient(u)

    def prox(self, x: _Symbol, gamma: Any) -> _Symbol:
        s = _Symbol({f"{self.name}'{self._count()}": ONE})
        y = x - gamma * s
        self._put(y, s)
        return y

    resolvent = prox

    def project(self, x: _Symbol) -> _Symbol:
        return self.prox(x, 1)

    def linear_minimiser(self, slope: _Symbol) -> _Symbol:
        y = _Symbol({f"{self.name}.y{self._count()}": ONE})
        self._put(y, -slope)
        return y

    def inexact_gradient(self, x: _Symbol, relative: Any = None, absolute: Any = None) -> _Symbol:
        g = self.gradient(x)
        size = _factor(absolute if relative is None else relative)
        if not size:
            return g
        u = _Errors(self.sides).vector()
        bound = size**2 if absolute is not None else size**2 * g**2
        _Errors(self.sides).demand(u**2, bound)
        return g + u


class _Errors:
    """The errors of a method: the vectors that it took, as None, and what it demands of them, in one list."""

    def __init__(self, sides: list) -> None:
        self.sides = sides

    def vector(self) -> _Symbol:
        self.sides.append(None)
        return _Symbol({f"u{sum(side is None for side in self.sides) - 1}": ONE})

    def bounded(self, vector: _Symbol, by: _Symbol, relative: Any) -> None:
        self.demand(vector**2, _factor(relative) ** 2 * by**2)

    def demand(self, left: Any, right: Any) -> None:
        rest = left - right
        index = str(sum(side is not None for side in self.sides))
        self.sides.append((("error", index), (rest.values, rest.form), -rest.constant))


def demand_method(c: Mapping[str, Any], step: Callable, init: Callable | None) -> None:
    """The points and errors of the certificate begin with those that the method makes."""
    points: list[tuple[str, str, Entries, Entries]] = []
    sides: list[tuple] = []
    functions = {name: _Asked(name, points, sides) for name in c["functions"]}
    given = {**functions, "error": _Errors(sides)}

    state: Any = _Symbol({"x0": ONE})
    if init is not None:
        state = _called(init, state, {**given, "x1": _Symbol({"x1": ONE})})
    states = [state]
    for k in range(1, c["steps"] + 1):
        states.append(_stepped(step, states[-1], {**given, "k": k}))
    in_proof = {(p["function"], p["label"]): (vector(p["x"]), vector(p["g"])) for p in c["points"]}
    for name, label, x, g in points:
        demand(in_proof.get((name, label)) == (x, g), f"the method asks {name} elsewhere at its point {label}")
    of_method = {(name, label) for name, label, _, _ in points}
    for (name, label), (_, g) in in_proof.items():
        fresh = label == "*" or (name, label) in of_method or g == {f"{name}'{label}": ONE}
        demand(fresh, f"what {name} has at its point {label} is not its own")
    listed = {tuple(s["name"]): (expression(s), number(s["right"])) for s in c["inequalities"]}
    made = [side for side in sides if side is not None]
    for side, both, right in made:
        demand(listed.get(side) == (both, right), f"the method makes another error {side}")
    errors = [name for name in listed if name[0] == "error"]
    demand(len(errors) == len(made), "the method makes fewer errors")
    _demand_asked(c, [_iterate(state).entries for state in states], listed)


def _called(function: Callable, first: Any, names: Mapping[str, Any]) -> Any:
    """function(first, **those of `names` that it has parameters for)."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    every = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    listed = names if every else [parameter.name for parameter in parameters if parameter.name in names]
    return function(first, **{name: names[name] for name in listed})


def _stepped(step: Callable, state: Any, names: Mapping[str, Any]) -> Any:
    """The state after a step, which leaves the one before as it is."""
    before = _contents(state)
    after = _called(step, state, names)
    demand(_contents(state) == before, "the method changes the state that a step is given")
    return after


def _contents(state: Any, above: tuple[int, ...] = ()) -> Any:
    if isinstance(state, _Symbol):
        return dict(state.entries)
    if state is None or isinstance(state, (int, float, Fraction, str)):
        return state
    if id(state) in above:  # it holds itself
        return id(state)
    above = (*above, id(state))
    if isinstance(state, Mapping):
        return {name: _contents(part, above) for name, part in state.items()}
    if hasattr(state, "tolist"):  # an array
        return _contents(state.tolist(), above)
    if isinstance(state, Collection):
        return [_contents(part, above) for part in state]
    slots = [name for kind in type(state).__mro__ for name in getattr(kind, "__slots__", ()) if hasattr(state, name)]
    return id(state), {n: _contents(getattr(state, n), above) for n in (*getattr(state, "__dict__", ()), *slots)}


def _iterate(state: Any) -> _Symbol:
    if isinstance(state, Mapping):
        return state["x"]
    return state if isinstance(state, _Symbol) else state[0] if isinstance(state, tuple) else state.x


def _demand_asked(c: Mapping[str, Any], x: list[Entries], listed: Mapping[tuple[str, ...], Any]) -> None:
    """A metric and an initial condition with a name are what the name says."""
    labels = {(p["function"], tuple(sorted(vector(p["x"]).items()))): p for p in c["points"]}

    def point_at(name: str, at: Entries) -> Mapping[str, Any]:
        key = name, tuple(sorted(at.items()))
        demand(key in labels, f"{name} is asked elsewhere than where the metric or the start needs it")
        return labels[key]

    def point(name: str, at: Entries) -> Mapping[str, Any]:
        """The point of a function at x, at M x where the term is f(M x)."""
        inside = c["functions"][name].get("inside")
        if inside is not None:
            at = vector(point_at(inside, at)["g"])
        return point_at(name, at)

    no_values = ("indicator", *LINEAR)

    def level(at: Entries) -> Entries:
        names = [name for name, f in c["functions"].items() if f["class"] not in no_values]
        return {(name, point(name, at)["label"]): ONE for name in names}

    stars = {(name, "*"): ONE for name, f in c["functions"].items() if f["class"] not in no_values}

    def slope(at: Entries) -> Entries:
        total: Entries = {}
        for name, f in c["functions"].items():
            if f["class"] not in (*MAPS, *LINEAR):
                g = vector(point(name, at)["g"])
                if "inside" in f:
                    g = vector(point_at(f"{f['inside']}.T", g)["g"])
                total = summed((ONE, total), (ONE, g))
        return total

    def square(of: Entries) -> Entries:
        return summed((ONE, product(of, of)))

    star, K = {"x*": ONE}, c["steps"]
    each = x if len(c["functions"]) == 1 else x[1:]
    metrics: dict[str, Callable[[], list]] = {
        "objective": lambda: [(summed((ONE, level(x[-1])), (-ONE, stars)), {})],
        "average_objective": lambda: [(summed(*((Fraction(1, K), level(v)) for v in x[1:]), (-ONE, stars)), {})],
        "best_objective": lambda: [(summed((ONE, level(v)), (-ONE, stars)), {}) for v in x],
        "distance": lambda: [({}, square(summed((ONE, x[-1]), (-ONE, star))))],
        "decrease": lambda: [(summed((ONE, level(x[-1])), (-ONE, level(x[0]))), {})],
        "gradient": lambda: [({}, square(slope(x[-1])))],
        "best_gradient": lambda: [({}, square(slope(v))) for v in each],
        "residual": lambda: [({}, square(summed((ONE, x[-1]), (-ONE, x[-2]))))],
    }
    initials: dict[str, Callable[[], tuple]] = {
        "distance": lambda: ({}, square(summed((ONE, x[0]), (-ONE, star)))),
        "objective": lambda: (summed((ONE, level(x[0])), (-ONE, stars)), {}),
        "decrease": lambda: (summed((ONE, level(x[0])), (-ONE, level(x[-1]))), {}),
        "gradient": lambda: ({}, square(slope(x[0]))),
        "residual": lambda: ({}, square(summed((ONE, x[0]), (-ONE, x[1])))),
    }
    if c["metric_name"] in metrics:
        written = [expression(one) for one in c["metric"]]
        demand(written == metrics[c["metric_name"]](), f"the metric is not {c['metric_name']}")
    if c["initial_name"] in initials:
        demand(listed["initial",] == (initials[c["initial_name"]](), ONE), f"the start is not {c['initial_name']}")


def _shaped(state: Any, fresh: list[_Symbol]) -> Any:
    """The state with other vectors, taken from the front of `fresh`."""
    if isinstance(state, _Symbol):
        return fresh.pop(0)
    if isinstance(state, Mapping):
        return {name: _shaped(part, fresh) for name, part in state.items()}
    return type(state)(_shaped(part, fresh) for part in state) if isinstance(state, (tuple, list)) else state


def _leaves(state: Any) -> list[_Symbol]:
    if isinstance(state, _Symbol):
        return [state]
    parts = state.values() if isinstance(state, Mapping) else state if isinstance(state, (tuple, list)) else ()
    return [leaf for part in parts for leaf in _leaves(part)]


def first_state(init: Callable | None) -> list[Entries]:
    """The vectors of the state that init makes of x_0."""
    x0 = _Symbol({"x0": ONE})
    return [leaf.entries for leaf in _leaves(x0 if init is None else _called(init, x0, {}))]


def steps_again(c: Mapping[str, Any], step: Callable, init: Callable | None, proofs: bool = False) -> None:
    """Demand that two steps of the method from any state are those of a certificate of a rate."""
    points: list[tuple[str, str, Entries, Entries]] = []
    calls: list[tuple[str, Entries]] = []
    functions = {name: _Logged(name, points, [], calls) for name in c["functions"]}

    shape: Any = _Symbol({"x0": ONE})
    if init is not None:
        shape = _called(init, shape, {name: _Logged(name, [], [], []) for name in c["functions"]})
    shape = _stepped(step, shape, {**{name: _Logged(name, [], [], []) for name in c["functions"]}, "k": 1})
    fresh = [_Symbol({f"state{i}": ONE}) for i in range(len(_leaves(shape)))]
    demand(len(fresh) == c["state"], "the method has a state of other vectors")
    states, ends = [_shaped(shape, fresh)], [0]
    for k in (1, 2):
        states.append(_stepped(step, states[-1], {**functions, "k": k}))
        ends.append(len(calls))
    given = {(p["function"], p["label"]): (vector(p["x"]), vector(p["g"])) for p in c["points"]}
    for name, label, x, g in points:
        demand(given.get((name, label)) == (x, g), f"the method asks {name} elsewhere at its point {label}")
    demand(len(given) == len(points) + len(c["functions"]), "the certificate has points that the method has not")
    at_star = {name: given[name, "*"][1] for name in c["functions"]}
    fixed = [vector(v) for v in c["fixed"]]
    for which, side in enumerate(("now", "after")):
        parts = [summed((ONE, leaf.entries), (-ONE, held)) for leaf, held in zip(_leaves(states[which]), fixed)]
        gradients: list[tuple[str, Entries]] = []
        for one in calls[ends[which] : ends[which + 1]]:
            if one not in gradients:
                gradients.append(one)
        parts += [summed((ONE, g), (-ONE, at_star[name])) for name, g in gradients]
        demand(parts == [vector(v) for v in c[side]["vectors"]], f"V is made of other vectors {side}")
        labels = {(name, tuple(sorted(g.items()))): label for name, label, _, g in points}
        named = [[name, labels[name, tuple(sorted(g.items()))]] for name, g in gradients]
        demand([v for v in named if v in c[side]["values"]] == c[side]["values"], f"V has other values {side}")
    demand(_iterate(states[0]).entries == vector(c["x"]), "x_k is another vector")
    demand(not proofs or _iterate(states[1]).entries == vector(c["next"]), "x_{k+1} is another vector")
    held = _shaped(shape, [_Symbol(v) for v in fixed])
    demand(_iterate(held).entries == vector(c["goal"]), "the fixed x is another vector")


class _Logged(_Asked):
    """A function that remembers what it was asked, again or not."""

    def __init__(self, name: str, points: list, sides: list, calls: list) -> None:
        super().__init__(name, points, sides)
        self.calls = calls

    def _log(self, g: _Symbol) -> None:
        self.calls.append((self.name, g.entries))

    def gradient(self, x: _Symbol) -> _Symbol:
        g = super().gradient(x)
        self._log(g)
        return g

    subgradient = __call__ = contains = gradient

    def prox(self, x: _Symbol, gamma: Any) -> _Symbol:
        y = super().prox(x, gamma)
        self._log(_Symbol(self.points[-1][3]))
        return y

    resolvent = prox
