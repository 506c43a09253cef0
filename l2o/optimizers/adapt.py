"""Anything that iterates as an optimizer with `init` and `step`: a function, a torch.nn.Module, a class of torch.optim.

The adapters hand copies to the code that they wrap, so that one which updates its arguments in place overwrites nothing
that somebody else reads.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ...errors import InputError
from ..problems import Composite, box, synthetic, zero
from .base import subgradient

EXPECTED = (
    "expected an object with init and step, a name of l2o.optimizer_names(), a function step(problem, x) or "
    "step(problem, state), a torch.nn.Module with forward(problem, x) or forward(x, gradient[, state]), a class of "
    "torch.optim or a function of the parameters that makes one, a class or function without arguments that makes one "
    "of these, MODULE:NAME or FILE.py:NAME, a folder of `l2obound train`, or a checkpoint of the authors' code with "
    "kind="
)


@dataclass(frozen=True, eq=False)
class IterateState:
    """The state of a method that has nothing but its iterate `x` (B,n)."""

    x: torch.Tensor


@dataclass(frozen=True, eq=False)
class FunctionOptimizer:
    """A function as an optimizer: of (problem, x), or of (problem, state) where `takes_state`."""

    function: Callable[..., Any]
    takes_state: bool
    name: str

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> IterateState:
        """The iterate x_0."""
        return IterateState(problem.point(x0, "x0").clone())

    def step(self, problem: Composite, state: Any) -> Any:
        """What the function makes of it."""
        if self.takes_state:
            return self.function(problem, state)
        return IterateState(_iterate(self.function(problem, state.x.clone()), self.name))


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
    _casts: dict[torch.dtype, torch.nn.Module] = field(default_factory=dict, repr=False)

    def of(self, dtype: torch.dtype) -> torch.nn.Module:
        """The module in a precision: itself where that is its own, else a copy that is kept."""
        precisions = {t.dtype for t in (*self.module.parameters(), *self.module.buffers()) if t.is_floating_point()}
        if precisions <= {dtype}:
            return self.module
        if dtype not in self._casts:
            self._casts[dtype] = copy.deepcopy(self.module).to(dtype)
        return self._casts[dtype]

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> ModuleState:
        """The iterate x_0, and no state."""
        return ModuleState(problem.point(x0, "x0").clone())

    def step(self, problem: Composite, state: ModuleState) -> ModuleState:
        """What forward makes of it."""
        return self.called(self.of(state.x.dtype), problem, state)

    def called(self, module: torch.nn.Module, problem: Composite, state: ModuleState) -> ModuleState:
        """The state after a call of `module`, in the precision of the problem."""
        values: dict[str, Any] = {"problem": problem, "x": state.x.clone()}
        if "gradient" in self.takes:
            values["gradient"] = _full_gradient(
                problem, state.x, self.name, "a module with forward(problem, x)"
            ).clone()
        if "state" in self.takes:
            values["state"] = _cloned(state.inner)
        made, inner = module(*(values[name] for name in self.takes)), None
        if "state" in self.takes:
            if not isinstance(made, tuple) or len(made) != 2:
                raise InputError(
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
            if _required(optimizer.step):
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
        raise InputError(f"{name}: expected the next iterate, a tensor (B, n), got {type(x).__name__}; return x_(k+1).")
    return x


def is_optimizer(obj: Any) -> bool:
    """Whether an object has the two methods."""
    return not isinstance(obj, type) and all(callable(getattr(obj, method, None)) for method in ("init", "step"))


def is_factory(obj: Any) -> bool:
    """Whether an object is a class, or a function without arguments, that makes something."""
    if isinstance(obj, type):
        return not _is_torch_optim(obj)
    return callable(obj) and not isinstance(obj, torch.nn.Module) and not is_optimizer(obj) and _required(obj) == 0


def call(factory: Any, options: Mapping[str, Any]) -> Any:
    """What a factory makes with `options`; an `InputError` where it needs arguments that are not among them."""
    if missing := [name for name in _names(factory) or () if name not in options]:
        raise InputError(
            f"{name_of(factory)} needs arguments ({', '.join(missing)}); give an object, or a function without "
            f"arguments that makes one."
        )
    try:
        inspect.signature(factory).bind(**options)
    except TypeError as problem:
        raise InputError(f"{name_of(factory)} does not take these options: {problem}.") from None
    except ValueError:  # no signature is known
        pass
    return factory(**options)


def as_optimizer(obj: Any, given: Any = None, *, prox: bool = False) -> Any:
    """An object as an optimizer; `given` is what it was made by.

    Args:
        obj: An object with init and step, which comes back as it is; a function, a torch.nn.Module or a class of
            torch.optim.
        given: What made it, for the message.
        prox: For torch.optim, whether r is taken care of by its prox.

    Returns:
        The optimizer.

    Raises:
        InputError: It is nothing of these, or does not run on a small problem.
    """
    if is_optimizer(obj):
        if prox:
            raise InputError(f"prox=True belongs to a class of torch.optim, got {name_of(obj)}.")
        return obj
    if _is_torch_optim(obj):
        return _from_torch_optim(obj, prox)
    if callable(obj) and not isinstance(obj, (type, torch.nn.Module)) and _required(obj) == 1:
        return _from_torch_optim(obj, prox)
    if prox:
        raise InputError(f"prox=True belongs to a class of torch.optim, got {name_of(obj)}.")
    if isinstance(obj, torch.nn.Module):
        return _from_module(obj)
    if callable(obj) and _required(obj) not in (0, 1) and not isinstance(obj, type):
        return _from_function(obj)
    if isinstance(obj, torch.optim.Optimizer):
        raise InputError(
            f"{name_of(obj)} is bound to parameters already; give the class, or a function of parameters, as "
            f"lambda parameters: torch.optim.{type(obj).__name__}(parameters, lr=0.01)."
        )
    missing = [m for m in ("init", "step") if not callable(getattr(obj, m, None))]
    where = "" if given is None or obj is given else f" (made by {name_of(given)})"
    raise InputError(f"{name_of(obj)}{where} is not an optimizer (missing: {', '.join(missing)}); {EXPECTED}.")


def _is_torch_optim(obj: Any) -> bool:
    """Whether a class is one of torch.optim, or is made of parameters and has a step() as those have."""
    if not isinstance(obj, type) or issubclass(obj, torch.nn.Module):
        return False
    alike = callable(getattr(obj, "step", None)) and not hasattr(obj, "init")
    return issubclass(obj, torch.optim.Optimizer) or (alike and _names(obj) in (["params"], ["parameters"]))


def _names(function: Any) -> list[str] | None:
    """Names of the arguments that must be given; None where the signature is not known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind in plain]


def _required(function: Any) -> int | None:
    names = _names(function)
    return None if names is None else len(names)


def _probes() -> Iterator[tuple[Composite, torch.Tensor]]:
    """Small problems of several families, for what takes one of them only."""
    lasso = synthetic.lasso(2, 4, 3, sparsity=1, seed=0)
    for problem in (
        lasso,
        synthetic.quadratic(2, 3, seed=0),
        synthetic.logistic_l1(2, 6, 3, sparsity=1, seed=0),
        Composite(lasso.smooth, zero()),
        Composite(lasso.smooth, box(-1.0, 1.0)),
    ):
        yield problem, synthetic.starts(problem)


def _on_a_probe(step: Callable[[Composite, torch.Tensor], Any]) -> tuple[Any, torch.Tensor]:
    """What `step` makes of the first problem that it does not refuse with an InputError, and the point it is given."""
    refusal = None
    with torch.no_grad():
        for problem, x in _probes():
            try:
                return step(problem, x), x
            except InputError as error:
                refusal = refusal or error
    raise refusal or InputError("it takes no problem")


_ROLES = {
    "problem": ("problem", "composite"),
    "x": ("x", "iterate", "point", "x_k"),
    "gradient": ("gradient", "grad", "g", "gradients", "grads"),
    "state": ("state", "hidden", "h", "hidden_state"),
}
_ROLE_OF = {name: role for role, names in _ROLES.items() for name in names}


def _takes(module: torch.nn.Module) -> tuple[str, ...]:
    """What forward takes, by the names of its arguments; (problem, x) where a name says nothing."""
    try:
        parameters = list(inspect.signature(module.forward).parameters.values())
    except (TypeError, ValueError):
        return ("problem", "x")
    required = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    optional = [p.name for p in parameters if p.default is not p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if optional and _ROLE_OF.get(optional[0]) == "state":
        required.append(optional[0])
    roles = [_ROLE_OF.get(name) for name in required]
    clear = [role for role in roles if role is not None]
    whole = len(clear) == len(roles) == len(set(clear)) and "x" in clear and len(clear) > 1
    return tuple(clear) if whole else ("problem", "x")


def _from_module(module: torch.nn.Module) -> ModuleOptimizer:
    name = getattr(module, "name", type(module).__name__)
    takes = _takes(module)
    call_, optimizer = f"{name}.forward({', '.join(takes)})", ModuleOptimizer(module, str(name), takes)
    try:
        made, x = _on_a_probe(
            lambda problem, x: optimizer.called(copy.deepcopy(optimizer.of(x.dtype)), problem, ModuleState(x))
        )
    except Exception as error:
        raise InputError(
            f"{call_} does not run ({type(error).__name__}: {error}). A module is taken where forward maps "
            f"(problem, x), (x, gradient) or (x, gradient, state), by these names, to the next iterate (to (next "
            f"iterate, state) where it takes a state); one that is fed features of its own needs a class around it, "
            f"whose init(problem, x0, seed) makes its state and whose step(problem, state) computes the features."
        ) from None
    if made.x.shape != x.shape:
        raise InputError(f"{call_} must give the next iterate (B, n), got {tuple(made.x.shape)}.")
    return optimizer


def _from_function(function: Callable[..., Any]) -> FunctionOptimizer:
    name, errors = str(getattr(function, "__name__", type(function).__name__)), []
    for takes_state in (False, True):
        words = f"with {'a state' if takes_state else 'x'}"
        try:
            y, x = _on_a_probe(lambda problem, x: function(problem, IterateState(x) if takes_state else x.clone()))  # noqa: B023
        except Exception as error:
            errors.append(f"{words}: {type(error).__name__}: {error}")
            continue
        iterate = getattr(y, "x", None) if takes_state else y
        if isinstance(iterate, torch.Tensor) and iterate.shape == x.shape:
            return FunctionOptimizer(function, takes_state, name)
        errors.append(f"{words}: it gives {type(y).__name__}")
    raise InputError(
        f"{name} is neither step(problem, x) -> x nor step(problem, state) -> state ({'; '.join(errors)}); "
        f"a state starts with the attribute x only, so a method with more needs a class with init and step."
    )


def _from_torch_optim(make: Any, prox: bool) -> TorchOptimOptimizer:
    try:
        made = make([torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))])
    except Exception as error:
        raise InputError(
            f"{name_of(make)} makes no torch optimizer of a list of one parameter ({type(error).__name__}: "
            f"{error}); give its options with it, as lambda parameters: torch.optim.SGD(parameters, lr=0.01)."
        ) from None
    if not callable(getattr(made, "step", None)) or isinstance(made, type):
        raise InputError(
            f"{name_of(make)}, called with a list of parameters, gives {type(made).__name__}, which has no "
            f"step(); {EXPECTED}."
        )
    return TorchOptimOptimizer(make, prox, type(made).__name__)


def name_of(obj: Any) -> str:
    """The name of an object, or that of its class."""
    return str(getattr(obj, "__qualname__", None) or type(obj).__qualname__)


__all__ = [
    "EXPECTED",
    "FunctionOptimizer",
    "IterateState",
    "ModuleOptimizer",
    "ModuleState",
    "TorchOptimOptimizer",
    "TorchOptimState",
    "as_optimizer",
    "call",
    "is_factory",
    "is_optimizer",
    "name_of",
]
