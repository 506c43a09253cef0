"""Two steps of a method from any state, and the state that a step does not change."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...errors import InputError
from .as_code import Method, called, iterate, stepped
from .classes import Class
from .oracles import MINIMISER, STAR, START, Oracle, Point, Recorder, minimiser
from .vectors import Value, Vector

ZERO, ONE = Fraction(0), Fraction(1)


def leaves(state: Any) -> list[Vector]:
    """The vectors of a state, in order."""
    if isinstance(state, Vector):
        return [state]
    return [leaf for part in _parts(state) for leaf in leaves(part)]


def _parts(state: Any) -> list[Any]:
    if isinstance(state, Mapping):
        return list(state.values())
    if isinstance(state, (tuple, list)):
        return list(state)
    if dataclasses.is_dataclass(state):
        return [getattr(state, one.name) for one in dataclasses.fields(state)]
    return []


def rebuilt(state: Any, fresh: list[Vector]) -> Any:
    """The state with other vectors, which are taken from the front of `fresh`."""
    if isinstance(state, Vector):
        return fresh.pop(0)
    if isinstance(state, Mapping):
        return {name: rebuilt(part, fresh) for name, part in state.items()}
    if isinstance(state, (tuple, list)):
        return type(state)(rebuilt(part, fresh) for part in state)
    if dataclasses.is_dataclass(state) and not isinstance(state, type):
        named = {one.name: rebuilt(getattr(state, one.name), fresh) for one in dataclasses.fields(state)}
        return dataclasses.replace(state, **named)
    return state


def _numbers(state: Any) -> Any:
    """What a state has besides vectors."""
    if isinstance(state, Vector):
        return None
    parts = _parts(state)
    return [_numbers(part) for part in parts] if parts else state


@dataclass(frozen=True)
class TwoSteps:
    """Two steps from any state: the states, what each step asked for, and the state that is fixed."""

    recorder: Recorder
    states: list[Any]
    calls: list[list[Point]]
    fixed: list[Vector]
    goal: Vector
    star: dict[str, Vector]


class _AtStar:
    """A function at the fixed state, where a step asks at x* alone."""

    def __init__(self, name: str, star: Vector, g: Vector) -> None:
        self.name, self.star, self.g = name, star, g

    def gradient(self, x: Vector) -> Vector:
        """The gradient at x*."""
        return self._demand(x, self.star, self.g)

    subgradient = __call__ = gradient

    def inexact_gradient(self, x: Vector, relative: Any = None, absolute: Any = None) -> Vector:
        """The gradient at x*: an error relative to 0 is 0."""
        return self.gradient(x)

    def prox(self, x: Vector, gamma: Any) -> Vector:
        """x* where the argument is x* + gamma g*."""
        return self._demand(x, self.star + gamma * self.g, self.star)

    resolvent = prox

    def project(self, x: Vector) -> Vector:
        """As `prox`."""
        return self.prox(x, 1)

    def _demand(self, x: Vector, wanted: Vector, answer: Vector) -> Vector:
        if x.key != wanted.key:
            raise InputError(
                f"lyapunov: the method asks {self.name} elsewhere than at x* where all positions of its state are x*; "
                f"say what the state is there by `fixed`, a function of x* and the functions that returns it."
            )
        return answer


def two_steps(method: Method, classes: Mapping[str, Class], fixed: Callable | None, k: int) -> TwoSteps:
    """Two steps, k and k + 1, from a state of new vectors."""
    first = Recorder()
    oracles = {name: Oracle(name, given, first) for name, given in classes.items()}
    shape: Any = first.new(START, 1)
    minimiser(oracles, first)
    if method.init is not None:
        shape = called(method.init, shape, oracles, f"init of {method.title}")
    shape = stepped(method, shape, {**oracles, "k": k})
    weights = [sum((w * first.weights[n] for n, w in leaf.entries.items()), ZERO) for leaf in leaves(shape)]
    recorder = Recorder()
    oracles = {name: Oracle(name, given, recorder) for name, given in classes.items()}
    fresh = [recorder.new(f"state{i}", int(weight)) for i, weight in enumerate(weights)]
    minimiser(oracles, recorder)
    recorder.star_used = True
    states, calls = [rebuilt(shape, fresh)], []
    for index in (k, k + 1):
        recorder.calls.clear()
        states.append(stepped(method, states[-1], {**oracles, "k": index}))
        calls.append(list(dict.fromkeys(recorder.calls)))
    if len({len(leaves(state)) for state in states}) > 1 or len({str(_numbers(state)) for state in states}) > 1:
        raise InputError(f"lyapunov: the state of {method.title} changes in more than its vectors: its steps differ.")
    star = {p.function: p.g for p in recorder.points if p.label == STAR}
    at = Vector({MINIMISER: ONE})
    there = {name: _AtStar(name, at, g) for name, g in star.items()}
    zero = Vector({})
    if fixed is None:
        held: Any = rebuilt(shape, [at if weight else zero for weight in weights])
    else:
        held = called(fixed, at, there, "fixed")
    after = stepped(method, held, {**there, "k": k})
    if [v.key for v in leaves(after)] != [v.key for v in leaves(held)]:
        raise InputError(f"lyapunov: a step of {method.title} moves the state that should be fixed; see `fixed`.")
    return TwoSteps(recorder, states, calls, leaves(held), iterate(held), star)


def vectors_at(steps: TwoSteps, which: int) -> list[Vector]:
    """What V is a form of at a step: vectors of the state and gradients, less their values at x*."""
    differences = [leaf - held for leaf, held in zip(leaves(steps.states[which]), steps.fixed)]
    return differences + [point.g - steps.star[point.function] for point in steps.calls[which]]


def values_at(steps: TwoSteps, which: int, classes: Mapping[str, Class]) -> list[Value]:
    """The function values of V at a step."""
    return [(p.function, p.label) for p in steps.calls[which] if classes[p.function].kind == "function"]
