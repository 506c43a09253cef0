"""Anything that iterates, as an optimizer with `init` and `step`."""

from __future__ import annotations

import copy
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ... import l2o
from ...l2o import Composite, InputError
from ..support.user_code import NAMED

_EXPECTED = (
    "expected an object with init and step, a name of l2o.optimizer_names(), a function step(problem, x) or "
    "step(problem, state), a torch.nn.Module with forward(problem, x), a class or function without arguments that "
    "makes one of these, a folder of `l2obound train`, or a checkpoint of the authors' code with kind="
)


@dataclass(frozen=True, eq=False)
class IterateState:
    """The state of a method that has nothing but its iterate."""

    x: torch.Tensor


@dataclass(frozen=True, eq=False)
class FunctionOptimizer:
    """A function as an optimizer: of (problem, x), or of (problem, state) where `takes_state`."""

    function: Callable[..., Any]
    takes_state: bool
    name: str

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> IterateState:
        """The iterate x_0."""
        return IterateState(problem.point(x0, "x0"))

    def step(self, problem: Composite, state: Any) -> Any:
        """What the function makes of it."""
        return (
            self.function(problem, state)
            if self.takes_state
            else IterateState(_iterate(self.function(problem, state.x), self.name))
        )


@dataclass(frozen=True, eq=False)
class ModuleOptimizer:
    """A torch.nn.Module with forward(problem, x) as an optimizer; its weights in the precision of the problem."""

    module: torch.nn.Module
    name: str
    _casts: dict[torch.dtype, torch.nn.Module] = field(default_factory=dict, repr=False)

    def of(self, dtype: torch.dtype) -> torch.nn.Module:
        """The module in a precision: itself where that is its own, else a copy that is kept."""
        own = {t.dtype for t in (*self.module.parameters(), *self.module.buffers()) if t.is_floating_point()}
        if own <= {dtype}:
            return self.module
        if dtype not in self._casts:
            self._casts[dtype] = copy.deepcopy(self.module).to(dtype)
        return self._casts[dtype]

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> IterateState:
        """The iterate x_0."""
        return IterateState(problem.point(x0, "x0"))

    def step(self, problem: Composite, state: IterateState) -> IterateState:
        """x_{k+1} = forward(problem, x_k)."""
        return IterateState(_iterate(self.of(state.x.dtype)(problem, state.x), self.name))


def _iterate(x: Any, name: str) -> torch.Tensor:
    if not isinstance(x, torch.Tensor):
        raise InputError(f"{name}: expected the next iterate, a tensor (B, n), got {type(x).__name__}; return x_(k+1).")
    return x


@dataclass(frozen=True, eq=False)
class Subject:
    """An optimizer under test: `fresh()` makes it anew, `label` is its name for people, `spec` the one for commands."""

    fresh: Callable[[], Any]
    label: str
    spec: str


def adapt(obj: Any, *, kind: str | None = None) -> Any:
    """`obj` as an optimizer.

    Taken are: an object with `init` and `step`; a name of `l2o.optimizer_names()`, or NAME:FAMILY for shipped weights;
    a function step(problem, x) -> x or step(problem, state) -> state (tried on a small problem; a state without an
    attribute x is the iterate itself); a torch.nn.Module with forward(problem, x); MODULE:NAME for something to
    import; a class or a function without arguments that makes any of these; a folder of `l2obound train`; a checkpoint
    of the authors' code (.pth or .npz) with its `kind`. Anything else is one clear error.
    """
    return subject_of(obj, kind=kind).fresh()


def subject_of(obj: Any, *, kind: str | None = None) -> Subject:
    """`obj` as a subject of the suite."""
    if isinstance(obj, Subject):
        return obj
    if isinstance(obj, (str, os.PathLike)):
        return _from_text(os.fspath(obj), kind)
    if kind is not None:
        raise InputError(f"adapt: kind={kind!r} belongs to a checkpoint of the authors' code, got {_name(obj)}.")
    if isinstance(obj, type) or _is_factory(obj):
        made = _as_optimizer(_call(obj), obj)
        return Subject(lambda: _as_optimizer(_call(obj), obj), _label(made), _importable(obj))
    optimizer = _as_optimizer(obj, obj)
    pristine = _copy(optimizer)
    spec = _builtin_spec(optimizer) or (_importable(obj) if callable(obj) else "OPTIMIZER")
    return Subject(lambda: _copy(pristine), _label(optimizer), spec)


def _from_text(text: str, kind: str | None) -> Subject:
    path = Path(text)
    if text in l2o.optimizer_names():
        return Subject(lambda: l2o.optimizer(text), text, text)
    name, colon, rest = text.partition(":")
    if colon and (name, rest) in l2o.pretrained_names():
        return Subject(lambda: l2o.pretrained(name, rest), f"{name} (shipped weights for {rest})", text)
    if path.is_dir():
        made, manifest = l2o.load_trained(path)
        label = f"{made.name} (trained on {manifest.get('family', '?')}, {text})"
        return Subject(lambda: l2o.load_trained(path)[0], label, text)
    if path.is_file():
        if kind is None:
            raise InputError(
                f"{text}: a checkpoint of the authors' code does not say what it is; give kind=, one of ada-lista, "
                f"l2o-dm, l2o-rnnprop, l2o-pa, go-math-l2o (--kind on the command line)."
            )
        made = l2o.load_official(path, kind)
        return Subject(lambda: l2o.load_official(path, kind), f"{made.name} ({text})", f"{text} --kind {kind}")
    if colon and name.isidentifier() | all(part.isidentifier() for part in name.split(".")):
        found = subject_of(_import(name, rest, text))
        return Subject(found.fresh, found.label, text)
    l2o.optimizers.optimizer_class(text) if not {"/", ".", ":"} & set(text) else None  # an error with a suggestion
    raise InputError(f"{text}: no such checkpoint, and no name of an optimizer; {_EXPECTED}, or MODULE:NAME.")


def _import(module: str, name: str, text: str) -> Any:
    if (here := os.getcwd()) not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does
    NAMED.add(module.partition(".")[0])
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name is None or not f"{module}.".startswith(f"{problem.name}."):
            raise  # the module is there and lacks one that it imports
        raise InputError(f"{text}: cannot import it ({problem}); give MODULE:NAME of something importable.") from None
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise InputError(f"{text}: {module} has no {name}; give MODULE:NAME of something in it.") from None
    return found


def _is_optimizer(obj: Any) -> bool:
    return all(callable(getattr(obj, method, None)) for method in ("init", "step"))


def _required(function: Any) -> int | None:
    """Number of arguments that must be given; None where the signature is not known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _is_factory(obj: Any) -> bool:
    plain = callable(obj) and not isinstance(obj, torch.nn.Module) and not _is_optimizer(obj)
    return plain and _required(obj) == 0


def _call(factory: Any) -> Any:
    if _required(factory):
        raise InputError(
            f"adapt: {_name(factory)} needs arguments; give an object, or a function without arguments that makes one."
        )
    return factory()


def _as_optimizer(obj: Any, given: Any) -> Any:
    if _is_optimizer(obj) and not isinstance(obj, type):
        return obj
    if isinstance(obj, torch.nn.Module):
        return _from_module(obj)
    if callable(obj) and _required(obj) not in (0, 1) and not isinstance(obj, type):
        return _from_function(obj)
    missing = [m for m in ("init", "step") if not callable(getattr(obj, m, None))]
    where = "" if obj is given else f" (made by {_name(given)})"
    raise InputError(f"adapt: {_name(obj)}{where} is not an optimizer (missing: {', '.join(missing)}); {_EXPECTED}.")


def _probes() -> Iterator[tuple[Composite, torch.Tensor]]:
    """Small problems of several families, for what takes one of them only."""
    lasso = l2o.synthetic.lasso(2, 4, 3, sparsity=1, seed=0)
    for problem in (
        lasso,
        l2o.synthetic.quadratic(2, 3, seed=0),
        l2o.synthetic.logistic_l1(2, 6, 3, sparsity=1, seed=0),
        Composite(lasso.smooth, l2o.zero()),
        Composite(lasso.smooth, l2o.box(-1.0, 1.0)),
    ):
        yield problem, l2o.synthetic.starts(problem)


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


def _from_module(module: torch.nn.Module) -> ModuleOptimizer:
    name = getattr(module, "name", type(module).__name__)
    optimizer = ModuleOptimizer(module, str(name))
    try:
        y, x = _on_a_probe(lambda problem, x: copy.deepcopy(optimizer.of(x.dtype))(problem, x))
    except Exception as error:
        raise InputError(
            f"adapt: {name}.forward(problem, x) does not run ({type(error).__name__}: {error}). A module is taken "
            f"where forward maps (problem, x) to the next iterate; one that is fed features, as (gradient, x), needs a "
            f"class around it, whose init(problem, x0, seed) makes its state and whose step(problem, state) computes "
            f"the features."
        ) from None
    if not isinstance(y, torch.Tensor) or y.shape != x.shape:
        shape = tuple(y.shape) if isinstance(y, torch.Tensor) else type(y).__name__
        raise InputError(f"adapt: {name}.forward(problem, x) must give the next iterate (B, n), got {shape}.")
    return optimizer


def _from_function(function: Callable[..., Any]) -> FunctionOptimizer:
    name, errors = str(getattr(function, "__name__", type(function).__name__)), []
    for takes_state in (False, True):
        words = f"with {'a state' if takes_state else 'x'}"
        try:
            y, x = _on_a_probe(lambda problem, x: function(problem, IterateState(x) if takes_state else x))  # noqa: B023
        except Exception as error:
            errors.append(f"{words}: {type(error).__name__}: {error}")
            continue
        found = getattr(y, "x", None) if takes_state else y
        if isinstance(found, torch.Tensor) and found.shape == x.shape:
            return FunctionOptimizer(function, takes_state, name)
        errors.append(f"{words}: it gives {type(y).__name__}")
    raise InputError(
        f"adapt: {name} is neither step(problem, x) -> x nor step(problem, state) -> state ({'; '.join(errors)}); "
        f"a state starts with the attribute x only, so a method with more needs a class with init and step."
    )


def _copy(optimizer: Any) -> Any:
    try:
        return copy.deepcopy(optimizer)
    except Exception:  # something inside cannot be copied: then there is one of it
        return optimizer


def _name(obj: Any) -> str:
    return str(getattr(obj, "__qualname__", None) or type(obj).__qualname__)


def _label(optimizer: Any) -> str:
    return str(getattr(optimizer, "name", type(optimizer).__name__))


def _builtin_spec(optimizer: Any) -> str | None:
    name = getattr(optimizer, "name", None)
    known = name in l2o.optimizer_names() and isinstance(optimizer, l2o.optimizers.optimizer_class(name))
    return name if known else None


def _importable(obj: Any) -> str:
    module, name = getattr(obj, "__module__", None), getattr(obj, "__qualname__", None)
    here = (
        bool(module and name) and "<" not in str(name) and not hasattr(obj, "__self__")
    )  # no closure, no bound method
    return f"{module}:{name}" if here else "MODULE:FACTORY"
