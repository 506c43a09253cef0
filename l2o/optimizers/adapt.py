"""Anything that iterates as an optimizer: which of the kinds of `adapted` an object is."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from ...errors import InputError
from ..problems import Composite, box, synthetic, zero
from .adapted import (
    FunctionOptimizer,
    IterateState,
    ModuleOptimizer,
    ModuleState,
    TorchOptimOptimizer,
    names_required,
    number_required,
)
from .adapted_object import ObjectOptimizer, check_step, takes_seed
from .learned import LearnedOptimizer
from .weights import weights_of

EXPECTED = (
    "expected an object with init(problem, x0[, seed]) and step(problem, state), a name of l2o.optimizer_names(), a "
    "function step(problem, x) or step(problem, state), a torch.nn.Module with forward(problem, x) or forward(x, "
    "gradient[, state]), a class of torch.optim or a function of the parameters that makes one, a class or function "
    "without arguments that makes one of these, MODULE:NAME or FILE.py:NAME, a folder of `l2obound train`, or a "
    "checkpoint of the authors' code with kind="
)


def is_optimizer(obj: Any) -> bool:
    """Whether an object has the two methods."""
    return not isinstance(obj, type) and all(callable(getattr(obj, method, None)) for method in ("init", "step"))


def is_factory(obj: Any) -> bool:
    """Whether an object is a class, or a function without arguments, that makes something."""
    if isinstance(obj, type):
        return not _is_torch_optim(obj)
    return (
        callable(obj) and not isinstance(obj, torch.nn.Module) and not is_optimizer(obj) and number_required(obj) == 0
    )


def call(factory: Any, options: Mapping[str, Any]) -> Any:
    """What a factory makes with `options`; an `InputError` where it needs arguments that are not among them."""
    if missing := [name for name in names_required(factory) or () if name not in options]:
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
        obj: An object with init and step, of this package as it is; a function, a torch.nn.Module or a class of
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
        return _from_object(obj)
    if _is_torch_optim(obj):
        return _from_torch_optim(obj, prox)
    if callable(obj) and not isinstance(obj, (type, torch.nn.Module)) and number_required(obj) == 1:
        return _from_torch_optim(obj, prox)
    if prox:
        raise InputError(f"prox=True belongs to a class of torch.optim, got {name_of(obj)}.")
    if isinstance(obj, torch.nn.Module):
        return _from_module(obj)
    if callable(obj) and number_required(obj) not in (0, 1) and not isinstance(obj, type):
        return _from_function(obj)
    if isinstance(obj, torch.optim.Optimizer):
        raise InputError(
            f"{name_of(obj)} is bound to parameters already; give the class, or a function of parameters, as "
            f"lambda parameters: torch.optim.{type(obj).__name__}(parameters, lr=0.01)."
        )
    missing = [m for m in ("init", "step") if not callable(getattr(obj, m, None))]
    where = "" if given is None or obj is given else f" (made by {name_of(given)})"
    raise InputError(f"{name_of(obj)}{where} is not an optimizer (missing: {', '.join(missing)}); {EXPECTED}.")


_PACKAGE = __name__.partition(".")[0] + "."


def _from_object(obj: Any) -> Any:
    """An object with init and step: itself if its class is of this package or derived from one, else an adapter."""
    name = str(getattr(obj, "name", type(obj).__name__))
    seed = takes_seed(obj.init, name)
    check_step(obj.step, name)
    ours = [kind.__module__.startswith(_PACKAGE) for kind in type(obj).__mro__]
    if ours[0] or (seed and any(ours) and (isinstance(obj, LearnedOptimizer) or not weights_of(obj))):
        return obj
    return ObjectOptimizer(obj, name, seed)


def _is_torch_optim(obj: Any) -> bool:
    """Whether a class is one of torch.optim, or is made of parameters and has a step() as those have."""
    if not isinstance(obj, type) or issubclass(obj, torch.nn.Module):
        return False
    alike = callable(getattr(obj, "step", None)) and not hasattr(obj, "init")
    return issubclass(obj, torch.optim.Optimizer) or (alike and names_required(obj) in (["params"], ["parameters"]))


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
        probed = ModuleOptimizer(copy.deepcopy(module), str(name), takes)
        made, x = _on_a_probe(lambda problem, x: probed.step(problem, ModuleState(x)))
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
        probed = FunctionOptimizer(function, takes_state, name)
        try:
            y, x = _on_a_probe(lambda problem, x: probed.called(problem, IterateState(x)))  # noqa: B023
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
