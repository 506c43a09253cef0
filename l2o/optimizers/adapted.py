"""A function, a torch.nn.Module or a class of torch.optim, with the `init` and `step` of an optimizer.

They hand copies to the code that they wrap, so that one which updates its arguments in place overwrites nothing that
somebody else reads.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ...errors import InputError, InterfaceError
from ..problems import Composite
from .base import subgradient
from .weights import Casts, in_precision, running


@dataclass(frozen=True, eq=False)
class IterateState:
    """The state of a method that has nothing but its iterate `x` (B,n)."""

    x: torch.Tensor


@dataclass(frozen=True, eq=False)
class FunctionOptimizer:
    """A function as an optimizer: of (problem, x), or of (problem, state) where `takes_state`.

    Weights that it closes over are in the precision of the problem.
    """

    function: Callable[..., Any]
    takes_state: bool
    name: str
    _casts: Casts = field(default_factory=dict, repr=False)

    def of(self, dtype: torch.dtype) -> Callable[..., Any]:
        """The function with the weights that it closes over in a precision: itself, or a copy that is kept."""
        return in_precision(self.function, dtype, self._casts)

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> IterateState:
        """The iterate x_0."""
        return IterateState(problem.point(x0, "x0").clone())

    def step(self, problem: Composite, state: Any) -> Any:
        """What the function makes of it."""
        made = self.called(problem, state)
        return made if self.takes_state else IterateState(_iterate(made, self.name))

    def called(self, problem: Composite, state: Any) -> Any:
        """What the function itself gives: the next state, or the next iterate."""
        with running(self.function, problem.dtype, self._casts) as function:
            return function(problem, state if self.takes_state else state.x.clone())


@dataclass(frozen=True, eq=False)
class ModuleState:
    """The iterate `x` (B,n) of a module, and the state that its last call gave (None before the first one)."""

    x: torch.Tensor
    inner: Any = None


@dataclass(frozen=True, eq=False)
class ModuleOptimizer:
    """A torch.nn.Module as an optimizer; its weights in the precision of the problem.

    Attributes:
        module: the module; what its forward gives is the next iterate, with `state` among `takes` (iterate, state).
        name: its name for people.
        takes: what forward is called with, in this order: of "problem", "x", "gradient" and "state".
    """

    module: torch.nn.Module
    name: str
    takes: tuple[str, ...] = ("problem", "x")
    _casts: Casts = field(default_factory=dict, repr=False)

    def of(self, dtype: torch.dtype) -> torch.nn.Module:
        """The module in a precision: itself where that is its own, else a copy that is kept."""
        return in_precision(self.module, dtype, self._casts)

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> ModuleState:
        """The iterate x_0, and no state."""
        return ModuleState(problem.point(x0, "x0").clone())

    def step(self, problem: Composite, state: ModuleState) -> ModuleState:
        """What forward makes of it."""
        values: dict[str, Any] = {"problem": problem, "x": state.x.clone()}
        if "gradient" in self.takes:
            values["gradient"] = _full_gradient(
                problem, state.x, self.name, "a module with forward(problem, x)"
            ).clone()
        if "state" in self.takes:
            values["state"] = _cloned(state.inner)
        with running(self.module, state.x.dtype, self._casts) as module:
            made, inner = module(*(values[name] for name in self.takes)), None
        if "state" in self.takes:
            if not isinstance(made, tuple) or len(made) != 2:
                raise InterfaceError(
                    f"{self.name}: forward takes a state, so expected (next iterate, next state), got "
                    f"{type(made).__name__}."
                )
            made, inner = made
        return ModuleState(_iterate(made, self.name), inner)


@dataclass(frozen=True, eq=False)
class TorchOptimState:
    """The iterate `x` (B,n), and for each instance its parameter (n,) with the torch optimizer that holds it.

    With `prox`, x is the prox of r at `prox_argument` (B,n) with the step size `preconditioner` (B,1).
    """

    x: torch.Tensor
    pairs: tuple[tuple[torch.nn.Parameter, Any], ...]
    prox_argument: torch.Tensor | None = None
    preconditioner: torch.Tensor | None = None


@dataclass(frozen=True, eq=False)
class TorchOptimOptimizer:
    """A class of torch.optim, or one that works like those, as an optimizer.

    Each instance has a parameter and a torch optimizer of its own, so that none depends on the others of its batch. A
    step puts the gradient into `parameter.grad`, calls `step()` on a copy, and reads the parameter. The gradient is
    that of f plus the subgradient of r of least norm; with `prox` it is that of f alone, and the prox of r with the
    step size `lr` of the first parameter group follows.

    Attributes:
        make: from a list of one parameter to the torch optimizer.
        prox: whether r is taken care of by its prox.
        name: its name for people.
    """

    make: Callable[[list[torch.nn.Parameter]], Any]
    prox: bool
    name: str

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> TorchOptimState:
        """A parameter and an optimizer for each instance, at x_0."""
        x = problem.point(x0, "x0").clone()
        parameters = [torch.nn.Parameter(row.detach().clone()) for row in x]
        return TorchOptimState(x, tuple((parameter, self.make([parameter])) for parameter in parameters))

    def step(self, problem: Composite, state: TorchOptimState) -> TorchOptimState:
        """One call of `step()` for each instance."""
        if self.prox:
            gradient = problem.smooth.gradient(state.x)
        else:
            gradient = _full_gradient(problem, state.x, self.name, "l2o.adapt(..., prox=True)")
        pairs = []
        for b, (parameter, optimizer) in enumerate(state.pairs):
            parameter, optimizer = _copied(parameter, optimizer, self.name)
            parameter.data.copy_(state.x[b])  # the prox may have moved it
            parameter.grad = gradient[b].detach().clone()
            if number_required(optimizer.step):
                optimizer.step(_closure(problem.select([b]), parameter, self.prox))
            else:
                optimizer.step()
            pairs.append((parameter, optimizer))
        x = torch.stack([parameter.detach().clone() for parameter, _ in pairs])
        if not self.prox:
            return TorchOptimState(x, tuple(pairs))
        rates = [_rate(optimizer, self.name) for _, optimizer in pairs]
        step = torch.tensor(rates, dtype=x.dtype, device=x.device).unsqueeze(-1)
        return TorchOptimState(problem.nonsmooth.prox(x, step), tuple(pairs), x, step)


def _closure(problem: Composite, parameter: torch.nn.Parameter, prox: bool) -> Callable[[], torch.Tensor]:
    """What an optimizer with a line search calls: F (or f alone) at the parameter, and its gradient into `grad`."""

    def evaluate() -> torch.Tensor:
        with torch.no_grad():
            x = parameter.detach().unsqueeze(0).clone()
            value, gradient = problem.smooth.value_and_gradient(x)
            if not prox:
                value, gradient = value + problem.nonsmooth.value(x), subgradient(problem, x)
            parameter.grad = gradient[0].clone()
        return value[0]

    return evaluate


def _rate(optimizer: Any, name: str) -> float:
    try:
        rate = float(optimizer.param_groups[0]["lr"])
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise InputError(f"{name}: with prox=True it needs a step size, param_groups[0]['lr']; it has none.") from None
    if not 0 < rate < float("inf"):
        raise InputError(f"{name}: expected a step size lr > 0 for the prox, got {rate}.")
    return rate


def _copied(parameter: torch.nn.Parameter, optimizer: Any, name: str) -> tuple[torch.nn.Parameter, Any]:
    """Copies of both that belong together; the copy that a torch optimizer makes of itself lacks what a class adds."""
    copied = torch.nn.Parameter(parameter.detach().clone())
    made = object.__new__(type(optimizer))
    try:
        made.__dict__.update(copy.deepcopy(vars(optimizer), {id(parameter): copied, id(optimizer): made}))
    except Exception as problem:
        raise InputError(
            f"{name}: its state cannot be copied ({type(problem).__name__}: {problem}); keep tensors and numbers in it."
        ) from None
    return copied, made


def _full_gradient(problem: Composite, x: torch.Tensor, name: str, instead: str) -> torch.Tensor:
    """(B,n) grad f(x) plus the subgradient of r of least norm, where r is finite."""
    if problem.nonsmooth.is_indicator and not problem.nonsmooth.is_zero:
        raise InputError(
            f"{name} cannot run on {problem.name}: r is +inf outside its domain, which a step along a gradient leaves; "
            f"use {instead}."
        )
    return subgradient(problem, x)


def _cloned(tree: Any) -> Any:
    """A nested state with its tensors copied."""
    if isinstance(tree, torch.Tensor):
        return tree.clone()
    if isinstance(tree, Mapping):
        return {name: _cloned(part) for name, part in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)(_cloned(part) for part in tree)
    return tree


def _iterate(x: Any, name: str) -> torch.Tensor:
    if not isinstance(x, torch.Tensor):
        raise InterfaceError(
            f"{name}: expected the next iterate, a tensor (B, n), got {type(x).__name__}; return x_(k+1)."
        )
    return x


def names_required(function: Any) -> list[str] | None:
    """Names of the arguments that must be given; None where the signature is not known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind in plain]


def number_required(function: Any) -> int | None:
    """How many arguments must be given; None where the signature is not known."""
    names = names_required(function)
    return None if names is None else len(names)
