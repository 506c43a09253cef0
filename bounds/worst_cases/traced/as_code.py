"""A method as code: what is called at each step, with which of the functions, and what a step must not do."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from numbers import Number
from typing import Any

from ...errors import InputError
from .vectors import Vector


def iterate(state: Any, kind: type = Vector) -> Any:
    """The iterate of a state: itself, its entry "x" or its attribute x."""
    if isinstance(state, Mapping) and "x" in state:
        state = state["x"]
    elif hasattr(state, "x"):
        state = state.x
    elif isinstance(state, tuple) and state:
        state = state[0]
    if isinstance(state, kind):
        return state
    raise InputError(
        f"method: expected a state that is a vector, a dict with an entry 'x', a tuple that begins with x_k or an "
        f"object with an attribute x, got {type(state).__name__} {state!r:.60}."
    )


def parameters(function: Callable) -> tuple[inspect.Parameter, ...]:
    """The parameters of a function, which a run asks for at every step."""
    try:
        return _remembered(function)
    except TypeError:  # it has no hash
        return tuple(inspect.signature(function).parameters.values())


@lru_cache(64)
def _remembered(function: Callable) -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(function).parameters.values())


def called(function: Callable, first: Any, names: Mapping[str, Any], what: str) -> Any:
    """function(first, **those of `names` that it has parameters for)."""
    given = parameters(function)[1:]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in given):
        return function(first, **names)
    chosen = {}
    for parameter in given:
        if parameter.name in names:
            chosen[parameter.name] = names[parameter.name]
        elif parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            raise InputError(
                f"{what}: it asks for {parameter.name!r}; there are {', '.join(names)}. The names of functions are "
                f"those of function_class."
            )
    return function(first, **chosen)


def _contents(state: Any, above: frozenset[int] = frozenset()) -> Any:
    """What a state holds, as it is now. Of what holds nothing, and of a part that holds itself, which object it is."""
    if isinstance(state, Vector):
        return dict(state.entries)
    if state is None or isinstance(state, (Number, str)):
        return state
    if id(state) in above:
        return id(state)
    above |= {id(state)}
    if isinstance(state, Mapping):
        return [(name, _contents(part, above)) for name, part in state.items()]
    if hasattr(state, "tolist"):  # an array
        return _contents(state.tolist(), above)
    if isinstance(state, Collection):
        return [_contents(part, above) for part in state]
    slots = [name for kind in type(state).__mro__ for name in getattr(kind, "__slots__", ()) if hasattr(state, name)]
    names = [*getattr(state, "__dict__", ()), *slots]
    return [id(state), *((name, _contents(getattr(state, name), above)) for name in names)]


@dataclass(frozen=True)
class Method:
    """A method as code: `step(state, f, r, k)` returns the next state, `init(x0, f, r)` the first, x0 if left out.

    Parameters but the first are given by name: those functions of the question that the method uses, `k` = 1..K of a
    step, `error` for what is inexact (see `Errors`), and `x1` of an init, a second start.
    """

    step: Callable
    init: Callable | None = None
    name: str = ""

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or getattr(self.step, "__name__", type(self.step).__name__)


def stepped(method: Method, state: Any, names: Mapping[str, Any]) -> Any:
    """The state after a step, which leaves the one before as it is."""
    before = _contents(state)
    after = called(method.step, state, names, f"step of {method.title}")
    if _contents(state) != before:
        raise InputError(
            f"step of {method.title}: it changes the state that it is given; return a new one, because metrics and "
            f"proofs speak of the state before the step, too."
        )
    return after
