"""The torch weights that any object holds: named, copied, and cast to a precision.

An object holds a weight where it can be reached from its attributes, from lists, tuples and mappings, from the
arguments of a `functools.partial`, or from what a function closes over. Globals are not looked at.
"""

from __future__ import annotations

import copy
import functools
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ...errors import InterfaceError
from ..problems import Composite

_CLOSED = (type(None), str, bytes, int, float, complex, np.ndarray, np.generic, type, types.ModuleType, Composite)
_CLOSED_OF_TORCH = (torch.dtype, torch.device, torch.Size, torch.Generator, torch.optim.Optimizer)
_OF_MODULES = frozenset(vars(torch.nn.Module()))  # hooks and registries, which are read by their own names
_CASTS = "_casts"  # copies that an adapter keeps are no weights of their own


def weights_of(thing: Any) -> dict[str, torch.Tensor]:
    """The leaf tensors inside `thing` that require gradients, each once.

    Args:
        thing: Any object.

    Returns:
        They themselves, by where they are: "cell.weight_ih", "heads[0].bias".
    """
    return {
        where: part
        for where, part in _parts(thing)
        if isinstance(part, torch.Tensor) and part.requires_grad and part.is_leaf
    }


def modules_of(thing: Any) -> dict[str, torch.nn.Module]:
    """The torch.nn.Modules inside `thing` that are not registered in another one, by where they are."""
    modules = {where: part for where, part in _parts(thing) if isinstance(part, torch.nn.Module)}
    within = {id(child) for module in modules.values() for child in module.modules() if child is not module}
    return {where: module for where, module in modules.items() if id(module) not in within}


def loose_weights_of(thing: Any) -> dict[str, torch.Tensor]:
    """The parameters and leaf tensors that require gradients inside `thing`, and are registered in no module."""
    modules = modules_of(thing).values()
    registered = {id(weight) for module in modules for weight in module.parameters()}
    return {
        where: part
        for where, part in _parts(thing)
        if isinstance(part, torch.Tensor)
        and part.is_leaf
        and (part.requires_grad or isinstance(part, torch.nn.Parameter))
        and id(part) not in registered
    }


def _parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """Every module and tensor inside `thing`, in order, each once."""
    left: list[tuple[str, Any]] = [("", thing)]
    met: dict[int, Any] = {}  # by id, and held so that ids stay theirs
    while left:
        where, part = left.pop()
        if id(part) in met or isinstance(part, (*_CLOSED, *_CLOSED_OF_TORCH)):
            continue
        met[id(part)] = part
        if isinstance(part, torch.Tensor):
            yield where, part
            continue
        if isinstance(part, torch.nn.Module):
            yield where, part
        left += reversed(list(_within(part, where)))


def _within(part: Any, where: str) -> Iterator[tuple[str, Any]]:
    """What an object holds directly, by where it is."""
    dot = f"{where}." if where else ""
    if isinstance(part, torch.nn.Module):
        for registry in (part._parameters, part._modules, part._buffers):
            yield from ((f"{dot}{name}", value) for name, value in registry.items())
        yield from ((f"{dot}{name}", value) for name, value in vars(part).items() if name not in _OF_MODULES)
        return
    if isinstance(part, Mapping):
        yield from ((f"{where}[{key!r}]", value) for key, value in part.items())
    elif isinstance(part, (list, tuple, set, frozenset)):
        yield from ((f"{where}[{i}]", value) for i, value in enumerate(part))
    elif isinstance(part, functools.partial):
        yield from ((f"{where}[{i}]", value) for i, value in enumerate((part.func, *part.args)))
        yield from ((f"{where}[{name!r}]", value) for name, value in part.keywords.items())
    elif isinstance(part, types.MethodType):
        yield where, part.__self__
    elif isinstance(part, types.FunctionType):
        yield from ((f"{dot}{name}", value) for name, value in _closure(part).items())
    slots = [s for kind in type(part).__mro__ for s in _as_tuple(getattr(kind, "__slots__", ()))]
    attributes = {name: getattr(part, name, None) for name in slots} | getattr(part, "__dict__", {})
    yield from ((f"{dot}{name}", value) for name, value in attributes.items() if name not in (_CASTS, "__wrapped__"))


def _as_tuple(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _closure(function: types.FunctionType) -> dict[str, Any]:
    """What a function closes over, by name; a name that has no value yet is left out."""
    values = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            values[name] = cell.cell_contents
        except ValueError:  # the name has no value yet
            continue
    return values


def copied(thing: Any) -> Any:
    """A copy of `thing` with weights of its own, also of those that a function closes over.

    A function inside an object is not copied: what it closes over is then that of `thing`, see `shared_weights`.

    Args:
        thing: Any object.

    Returns:
        The copy.

    Raises:
        InterfaceError: It cannot be copied.
    """
    try:
        if isinstance(thing, types.FunctionType) and weights_of(thing):
            return _copied_function(thing)
        return copy.deepcopy(thing)
    except Exception as problem:
        raise InterfaceError(
            f"{getattr(thing, '__qualname__', type(thing).__qualname__)} cannot be copied ({type(problem).__name__}: "
            f"{problem}), and its weights are cast and moved in copies alone; keep leaf tensors and plain data in it."
        ) from problem


def _copied_function(function: types.FunctionType) -> types.FunctionType:
    memo: dict[int, Any] = {}
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(types.CellType(copy.deepcopy(cell.cell_contents, memo)))
        except ValueError:  # the name has no value yet
            cells.append(cell)
    made = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, tuple(cells)
    )
    made.__kwdefaults__, made.__qualname__ = function.__kwdefaults__, function.__qualname__
    made.__dict__.update(function.__dict__)
    return made


def shared_weights(thing: Any, copy_: Any) -> list[str]:
    """Names of the weights that are the same tensors in a thing and in its copy."""
    mine = {id(weight) for weight in weights_of(thing).values()}
    return [name for name, weight in weights_of(copy_).items() if id(weight) in mine]


def precisions_of(thing: Any) -> set[torch.dtype]:
    """The precisions of the modules and of the loose weights inside `thing`."""
    tensors = [*loose_weights_of(thing).values()]
    for module in modules_of(thing).values():
        tensors += [*module.parameters(), *module.buffers()]
    return {tensor.dtype for tensor in tensors if tensor.is_floating_point()}


def cast(thing: Any, dtype: torch.dtype) -> Any:
    """`thing` itself, its modules and its weights now in a precision; give a copy.

    Args:
        thing: Any object.
        dtype: The precision.

    Returns:
        `thing`.
    """
    loose = loose_weights_of(thing)
    for module in modules_of(thing).values():
        module.to(dtype)
    for weight in loose.values():
        if weight.is_floating_point():
            weight.grad = None
            weight.data = weight.data.to(dtype)
    return thing


Casts = dict[torch.dtype, tuple[Any, bool]]
"""An object in several precisions, and whether it holds weights of that precision."""


def in_precision(thing: Any, dtype: torch.dtype, casts: Casts) -> Any:
    """`thing` where its weights have that precision or it has none, else a copy that `casts` keeps.

    Args:
        thing: Any object; it stays as it is.
        dtype: The precision.
        casts: Where answers are kept.

    Returns:
        `thing`, or the copy.

    Raises:
        InterfaceError: It would have to be copied, and cannot be; or a part of it that would have to be cast cannot.
    """
    if dtype not in casts:
        made, precisions = thing, precisions_of(thing)
        if not precisions <= {dtype}:
            made = copied(thing)
            if shared := shared_weights(thing, made):
                raise InterfaceError(
                    f"{', '.join(shared[:3])}: these weights are in another precision than the problem ({dtype}), and "
                    f"cannot be cast, because a function inside the object closes over them; make them attributes."
                )
            cast(made, dtype)
        casts[dtype] = made, bool(precisions)
    return casts[dtype][0]


@contextmanager
def running(thing: Any, dtype: torch.dtype, casts: Casts) -> Iterator[Any]:
    """`in_precision`, while that is torch's default precision if `thing` holds weights: torch.zeros(...) fits them.

    Args:
        thing: Any object; it stays as it is.
        dtype: The precision.
        casts: Where answers of `in_precision` are kept.
    """
    made, before = in_precision(thing, dtype, casts), torch.get_default_dtype()
    change = casts[dtype][1] and dtype != before
    try:
        if change:
            torch.set_default_dtype(dtype)
        yield made
    finally:
        if change:
            torch.set_default_dtype(before)
