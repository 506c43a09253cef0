"""An object of the user's with `init` and `step`, as an optimizer: its seed, its states, its weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ...errors import InterfaceError
from ..problems import Composite
from .weights import Casts, in_precision, running

STATE = (
    "a state is an object with the attribute x, the iterate (B, n); or a mapping with the key 'x', a tuple or list "
    "whose first entry is the iterate, or the iterate alone"
)
"""What a state may be, for messages."""


@dataclass(frozen=True, eq=False)
class ObjectState:
    """A state of the user's that has no attribute `x`: the iterate `x` (B,n), and in `inner` the state itself.

    The keys of a mapping are attributes here, as `prox_argument` and `preconditioner`.
    """

    x: torch.Tensor
    inner: Any

    def __getattr__(self, name: str) -> Any:
        inner = self.__dict__.get("inner")
        if isinstance(inner, Mapping) and name in inner:
            return inner[name]
        raise AttributeError(f"this state has no {name}")

    def given_back(self) -> Any:
        """The state as the user's step expects it, at `x`: a guard may have moved it."""
        inner = self.inner
        if isinstance(inner, torch.Tensor):
            return self.x
        at = "x" if isinstance(inner, Mapping) else 0
        if inner[at] is self.x:
            return inner
        if isinstance(inner, Mapping):
            return {**inner, "x": self.x}
        return type(inner)([self.x, *inner[1:]])


@dataclass(frozen=True, eq=False)
class ObjectOptimizer:
    """An object with `init(problem, x0)` or `init(problem, x0, seed)`, and `step(problem, state)`.

    Its weights (those of the modules and parameters that it holds) are in the precision of the problem, in a copy
    where they have another; and so is torch's default precision while its code runs. All other attributes are those of
    the object.

    Attributes:
        code: the object; it stays as it is.
        name: its name for people.
        takes_seed: whether `init` takes a seed.
    """

    code: Any
    name: str
    takes_seed: bool
    _casts: Casts = field(default_factory=dict, repr=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "code" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.code, name)

    def of(self, dtype: torch.dtype) -> Any:
        """The object in a precision: itself where that is its own, else a copy that is kept."""
        return in_precision(self.code, dtype, self._casts)

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0, **options: Any) -> Any:
        """The state that the object makes; the seed is passed on where it takes one."""
        options = {"seed": seed, **options} if self.takes_seed else options
        with running(self.code, problem.dtype, self._casts) as code:
            made = code.init(problem, x0, **options)
        return state_at(made, x0, f"{self.name}.init")

    def step(self, problem: Composite, state: Any) -> Any:
        """The next state that the object makes."""
        given = state.given_back() if isinstance(state, ObjectState) else state
        with running(self.code, problem.dtype, self._casts) as code:
            made = code.step(problem, given)
        return state_at(made, state.x, f"{self.name}.step")


def state_at(state: Any, x: torch.Tensor, what: str) -> Any:
    """A state of the user's with the attribute `x`: itself where it has one, else an `ObjectState`.

    Args:
        state: What `init` or `step` gave.
        x: (B,n) the iterate before, whose shape that of the state must have.
        what: Which of the two gave it, for the message.

    Returns:
        The state.

    Raises:
        InterfaceError: It holds no iterate, or one of another shape.
    """
    iterate, holds = _iterate_in(state)
    if not holds:
        raise InterfaceError(f"{what} gives {_words(state)}: {STATE}.")
    if not isinstance(iterate, torch.Tensor) or iterate.shape != x.shape:
        raise InterfaceError(
            f"{what} gives a state whose x is {_words(iterate)}, expected the iterate, a tensor of shape "
            f"{tuple(x.shape)}: {STATE}."
        )
    return state if hasattr(state, "x") else ObjectState(iterate, state)


def _iterate_in(state: Any) -> tuple[Any, bool]:
    """What a state has as its iterate, and whether it has one."""
    if isinstance(state, torch.Tensor):
        return state, True
    if hasattr(state, "x"):
        return state.x, True
    if isinstance(state, Mapping):
        return state.get("x"), "x" in state
    if isinstance(state, (tuple, list)) and state and isinstance(state[0], torch.Tensor):
        return state[0], True
    return None, False


def _words(thing: Any) -> str:
    if isinstance(thing, torch.Tensor):
        return f"a tensor of shape {tuple(thing.shape)}"
    if isinstance(thing, Mapping):
        return f"a mapping with the keys {', '.join(map(repr, list(thing)[:6])) or 'none'}"
    if isinstance(thing, (tuple, list)):
        kinds = ", ".join(type(entry).__name__ for entry in thing[:6])
        return f"a {type(thing).__name__} of {kinds or 'nothing'}"
    return "None" if thing is None else f"a {type(thing).__name__} without x"


def takes_seed(init: Callable[..., Any], name: str) -> bool:
    """Whether `init` takes a seed beside a problem and a start.

    Args:
        init: The method, bound.
        name: The name of its object, for the message.

    Returns:
        Whether it does; True where its signature is not known.

    Raises:
        InterfaceError: It does not take a problem and a start, or needs something else.
    """
    try:
        signature = inspect.signature(init)
    except (TypeError, ValueError):
        return True
    parameters = signature.parameters.values()
    seed = any(p.kind is p.VAR_KEYWORD or (p.name == "seed" and p.kind is not p.VAR_POSITIONAL) for p in parameters)
    _binds(signature, f"{name}.init", "init(problem, x0) or init(problem, x0, seed)", **({"seed": 0} if seed else {}))
    return seed


def check_step(step: Callable[..., Any], name: str) -> None:
    """Raise unless `step` takes a problem and a state, by its signature."""
    try:
        signature = inspect.signature(step)
    except (TypeError, ValueError):
        return
    _binds(signature, f"{name}.step", "step(problem, state)")


def _binds(signature: inspect.Signature, what: str, expected: str, **options: Any) -> None:
    try:
        signature.bind(None, None, **options)
    except TypeError as problem:
        raise InterfaceError(f"{what}{signature} cannot be called as {expected}: {problem}; write it so.") from None
