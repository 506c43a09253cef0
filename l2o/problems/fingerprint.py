"""What determines a problem: the data of its terms, and every other value that their attributes or methods can read.

`arrays` of the terms comes first, so that the digest of a problem of this package is that of its arrays. Whatever else
is there joins in: a Python float, a NumPy array, a dictionary or an object among the attributes of a term, and, for a
class that is not of this package, the values that it holds itself and those that its methods read from closures,
defaults and globals. What cannot be read that way (an object without attributes, as a file or an iterator) is named in
`unreadable`: of a problem with such a part nobody can say whether another one is the same.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import torch

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_LIBRARIES = frozenset(sys.stdlib_module_names) | {"torch", "numpy", "scipy"}
_THIS = __name__.removesuffix("problems.fingerprint")
_BUILT_IN = (types.BuiltinFunctionType, types.ModuleType, torch.dtype, torch.device, np.dtype)
_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType, types.WrapperDescriptorType)


@dataclass
class _Reader:
    """Collects (where, what) of everything that is read; `code` adds the names and the code of classes."""

    code: bool
    skipped: frozenset[int]  # ids of the tensors that are hashed already
    entries: list[tuple[str, bytes]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    _met: dict[int, Any] = field(default_factory=dict)  # by id, and held so that ids stay theirs

    def note(self, where: str, what: str | bytes) -> None:
        self.entries.append((where, what.encode() if isinstance(what, str) else what))

    def read(self, thing: Any, where: str) -> None:
        """Take in `thing`, found at `where`."""
        if isinstance(thing, np.generic):
            thing = thing.item()
        if isinstance(thing, _PLAIN) and not isinstance(thing, enum.Enum):
            self.note(where, repr(thing))
        elif isinstance(thing, (enum.Enum, PurePath)):
            self.note(where, f"{type(thing).__qualname__} {thing!s}")
        elif isinstance(thing, (*_BUILT_IN, *_DESCRIPTORS)):
            if not isinstance(thing, (torch.dtype, torch.device)):  # precision and place are not data
                self.note(where, getattr(thing, "__name__", "") or str(thing))
        elif id(thing) not in self._met:
            self._met[id(thing)] = thing
            self._compound(thing, where)

    def _compound(self, thing: Any, where: str) -> None:
        if isinstance(thing, torch.Tensor):
            self._tensor(thing, where)
        elif isinstance(thing, np.ndarray):
            self._array(thing, where)
        elif isinstance(thing, Mapping):
            self.note(where, f"{len(thing)} items")
            for key, value in sorted(thing.items(), key=lambda item: repr(item[0])):
                if isinstance(key, (*_PLAIN, tuple, enum.Enum)):
                    self.read(value, f"{where}[{key!r}]")
                else:
                    self.unreadable.append(f"{where}, a mapping with a key of type {type(key).__name__}")
            for name, value in attributes_of(thing):  # of a subclass
                self.read(value, f"{where}.{name}")
        elif isinstance(thing, (list, tuple)):
            self.note(where, f"{len(thing)} entries")
            for i, value in enumerate(thing):
                self.read(value, f"{where}[{i}]")
            for name, value in attributes_of(thing):  # of a subclass
                self.read(value, f"{where}.{name}")
        elif isinstance(thing, (set, frozenset)):
            plain = all(isinstance(value, _PLAIN) for value in thing)
            self.note(where, str(sorted(map(repr, thing)))) if plain else self.unreadable.append(f"{where}, a set")
        elif isinstance(thing, torch.Generator):
            self.note(where, thing.get_state().numpy().tobytes())
        elif isinstance(thing, np.random.Generator):
            self.read(thing.bit_generator.state, where)
        elif isinstance(thing, type):
            self.class_data(thing, where)
        elif not self._callable(thing, where):
            self._object(thing, where)

    def _tensor(self, tensor: torch.Tensor, where: str) -> None:
        if id(tensor) in self.skipped:
            return
        if tensor.layout is not torch.strided or tensor.device.type == "meta":
            self.unreadable.append(f"{where}, a tensor whose layout is {tensor.layout}")
            return
        self._array(tensor.detach().cpu().to(torch.float64 if tensor.is_floating_point() else tensor.dtype), where)

    def _array(self, array: Any, where: str) -> None:
        array = np.ascontiguousarray(array)
        if array.dtype.kind == "f":
            array = array.astype("<f8") if array.dtype.itemsize <= 8 else array
        if array.dtype.kind not in "biufcSU":
            self.unreadable.append(f"{where}, an array of {array.dtype}")
            return
        if isinstance(array, np.ma.MaskedArray):
            self.note(f"{where}.mask", np.ma.getmaskarray(array).tobytes())
        self.note(where, f"{array.dtype.kind}{array.shape}".encode() + array.tobytes())

    def _callable(self, thing: Any, where: str) -> bool:
        """Read a function, a method or what wraps one; False where `thing` is nothing of the kind."""
        if isinstance(thing, types.FunctionType):
            self.function_data(thing, where)
        elif isinstance(thing, types.MethodType):
            self.read(thing.__func__, where)
            self.read(thing.__self__, f"{where}.__self__")
        elif isinstance(thing, (classmethod, staticmethod)):
            self.read(thing.__func__, where)
        elif isinstance(thing, property):
            for part in (thing.fget, thing.fset):
                self.read(part, where)
        elif isinstance(thing, functools.cached_property):
            self.read(thing.func, where)
        elif isinstance(thing, functools.partial):
            parts = {"func": thing.func, "args": thing.args, "keywords": dict(thing.keywords)}
            for name, value in parts.items():
                self.read(value, f"{where}.{name}")
        else:
            return False
        return True

    def _object(self, thing: Any, where: str) -> None:
        self.class_data(type(thing), f"{where}.__class__")
        attributes = dict(attributes_of(thing))
        if type(thing).__basicsize__ > _Empty.__basicsize__ + 8 * len(_slots(type(thing))) or not _has_names(thing):
            self.unreadable.append(f"{where}, {_article(type(thing).__name__)}")
            return
        for name in sorted(attributes):
            self.read(attributes[name], f"{where}.{name}")

    def class_data(self, kind: type, where: str) -> None:
        """What a class and those it derives from hold themselves; of this package's and of libraries the name only."""
        if self.code:
            self.note(where, f"{kind.__module__}.{kind.__qualname__}")
        for cls in kind.__mro__:
            if _library_class(cls) or (id(cls) in self._met and cls is not kind):
                continue
            self._met[id(cls)] = cls
            self.note(where, f"{cls.__module__}.{cls.__qualname__}")
            for name, value in sorted(vars(cls).items()):
                special = name.startswith("__") and name.endswith("__")
                if name == "_abc_impl" or (special and not isinstance(value, types.FunctionType)):
                    continue
                self.read(value, f"{where}.{name}")

    def function_data(self, function: types.FunctionType, where: str) -> None:
        """The values that a function reads besides its arguments."""
        if _of_library(function.__module__) and _holds(function.__module__, function.__globals__):
            self.note(where, f"{function.__module__}.{function.__qualname__}")
            return
        codes = list(_codes(function.__code__))
        if self.code:
            for code in codes:
                constants = [c for c in code.co_consts if isinstance(c, (*_PLAIN, tuple))]
                self.note(where, code.co_code + repr((constants, code.co_names)).encode())
        self.read(function.__defaults__, f"{where}.__defaults__")
        self.read(function.__kwdefaults__, f"{where}.__kwdefaults__")
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                self.read(cell.cell_contents, f"{where}.{name}")
            except ValueError:  # an empty cell
                continue
        for name in sorted({n for code in codes for n in code.co_names} & set(function.__globals__)):
            self.read(function.__globals__[name], f"{function.__module__}.{name}")


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _of_library(module: str | None) -> bool:
    name = module or ""
    return name.startswith(_THIS) or name.partition(".")[0] in _LIBRARIES


def _library_class(cls: type) -> bool:
    """Whether a library holds the class under its name; one that `type` made of an abstract class only says "abc"."""
    if not _of_library(cls.__module__):
        return False
    value: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        value = getattr(value, name, None)
    return value is cls


def _holds(module: str, names: dict[str, Any]) -> bool:
    return vars(sys.modules[module]) is names if module in sys.modules else False


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


class _Empty:
    """An object that holds nothing but its attributes: a larger one has a part that only its own code can reach."""


def _has_names(thing: Any) -> bool:
    return hasattr(thing, "__dict__") or bool(_slots(type(thing)))


def _slots(kind: type) -> list[str]:
    names: list[str] = []
    for cls in kind.__mro__:
        slots = vars(cls).get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def attributes_of(thing: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an object, without those that a `cached_property` keeps and the fields that are at a default.

    A field counts as being at its default where both are equal plain values, so that a new option of a term leaves the
    digests of problems that do not use it as they were.
    """
    kind = type(thing)
    defaults = {f.name: f.default for f in fields(thing) if f.default is not MISSING} if is_dataclass(thing) else {}
    held = {n: getattr(thing, n) for n in _slots(kind) if hasattr(thing, n)} | dict(getattr(thing, "__dict__", {}))
    for name, value in held.items():
        if any(isinstance(vars(cls).get(name), functools.cached_property) for cls in kind.__mro__):
            continue
        plain = name in defaults and isinstance(value, _PLAIN) and type(value) is type(defaults[name])
        if not (plain and value == defaults[name]):
            yield name, value


@dataclass(frozen=True)
class Description:
    """A hex digest of all that determines a problem, and the parts of it that cannot be read, in words."""

    digest: str
    unreadable: tuple[str, ...]


def describe(problem: Any, *, code: bool = False) -> Description:
    """The description of a `Composite`; with `code` the code of classes that are not of this package belongs to it."""
    parts = {"smooth": _unwrapped(problem.smooth), "nonsmooth": problem.nonsmooth}
    digest = hashlib.sha256(problem.name.encode())
    arrays = {name: part.arrays() for name, part in parts.items()}
    for name, part in parts.items():
        digest.update(part.kind.encode())
        for key, tensor in sorted(arrays[name].items()):
            array = np.ascontiguousarray(tensor.detach().cpu().numpy(), dtype="<f8")
            digest.update(f"{key}{array.shape}".encode())
            digest.update(array.data)
    reader = _Reader(code, frozenset(id(t) for term_arrays in arrays.values() for t in term_arrays.values()))
    for name, part in parts.items():
        reader.read(part, name)
    reader.class_data(type(problem), "problem")
    for name, value in attributes_of(problem):
        if name not in parts:
            reader.read(value, f"problem.{name}")
    for where, what in reader.entries:
        digest.update(f"{where}:{len(what)}:".encode())
        digest.update(what)
    return Description(digest.hexdigest(), tuple(reader.unreadable))


def describe_function(function: Any) -> str:
    """A text that two functions share if they do the same with the same data: their code, closures and defaults."""
    reader = _Reader(True, frozenset())
    reader.read(function, "function")
    parts = [f"{where}:{hashlib.sha256(what).hexdigest()}" for where, what in reader.entries]
    return "\n".join([*parts, *reader.unreadable])


def object_digest(thing: Any, *, code: bool = False) -> str:
    """Hex digest of the values in any object: tensors, numbers, texts, and what its attributes and functions hold.

    What cannot be read (an open file, a compiled object) has no part in it. With `code`, the code of classes and
    functions that are not of this package or of a library has one.

    Args:
        thing: The object.
        code: Whether code has a part in it.

    Returns:
        The digest.
    """
    reader, digest = _Reader(code, frozenset()), hashlib.sha256()
    reader.read(thing, "object")
    for where, what in reader.entries:
        digest.update(f"{where}:{len(what)}:".encode())
        digest.update(what)
    return digest.hexdigest()


def _unwrapped(term: Any) -> Any:
    from .smooth import Remembered

    return term._term if isinstance(term, Remembered) else term
