"""What a hypothesis is, and what tells one from another: its words, its formula, and the code that judges it."""

from __future__ import annotations

import functools
import hashlib
import json
import types
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from .quantities import Quantities
from .vocabulary import VOCABULARY


@dataclass(frozen=True, eq=False)
class HypothesisCheck:
    """What checking a hypothesis found, per run (B,) or per step (B, K).

    `holds` says whether it holds; `measured` is what it was judged by and `margin` how far inside (+) or by
    how much broken (-) it is, in the unit of `measured`; `required` says in words what was required.
    """

    name: str
    holds: np.ndarray
    measured: np.ndarray
    required: str
    margin: np.ndarray


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """Condition of a bound. `uses` names what it needs; where that is missing the check fails and says so.

    `formula`: expressions in the vocabulary, each >= 0 at every step where the condition holds. A proof may use them.
    Two hypotheses are the same if their `content` is: a name alone says nothing.
    """

    name: str
    statement: str
    latex: str
    judge: Callable[[Quantities], HypothesisCheck]
    uses: tuple[str, ...] = ()
    formula: tuple[sp.Expr, ...] = ()

    @cached_property
    def content(self) -> dict[str, Any]:
        """What it says, as plain data: name, sentence, formula, what it is judged by and how."""
        return {
            "name": self.name,
            "statement": self.statement,
            "formula": [str(expression) for expression in self.formula],
            "uses": list(self.uses),
            "judge": _identity(self.judge),
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `content`."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()

    def check(self, quantities: Quantities) -> HypothesisCheck:
        """Judge the hypothesis on the quantities; one that is missing makes a failed check, never an error.

        Args:
            quantities: Measured quantities.

        Returns:
            What was found for each run or step.
        """
        for name in quantities.missing(self.uses):
            return unavailable(name, quantities, self.name)
        return self.judge(quantities)


def _identity(judge: Any) -> str:
    """Text that tells one predicate from another.

    Returns:
        Its name, and for a predicate from elsewhere its code as well. Names can be copied (`functools.wraps` does), so
        a name counts only where `hypotheses` has that very object under it.
    """
    if type(judge) is types.FunctionType:
        place = f"{judge.__module__}.{judge.__qualname__}"
        return place if _is_own(judge, judge.__name__) else f"{place} {_hash(_code(judge, ()))}"
    kind = type(judge)
    place = f"{kind.__module__}.{kind.__qualname__}"
    if is_dataclass(judge) and _is_own(kind, kind.__name__) and {type(v) for v in vars(judge).values()} <= {str, float}:
        return f"{place} {judge!r}"
    return f"{place} {_hash(_content(judge, ()))}"


def _is_own(thing: Any, name: str) -> bool:
    from . import hypotheses  # which is made of what is in this module

    return vars(hypotheses).get(name) is thing


def _hash(content: Any) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _code(function: types.FunctionType, inside: tuple[int, ...]) -> Any:
    """A function as plain data: its code, its defaults and what it closes over."""
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(_content(cell.cell_contents, inside))
        except ValueError:  # nothing in it yet
            cells.append("empty")
    defaults = _content((function.__defaults__, function.__kwdefaults__), inside)
    return "function", function.__module__, function.__qualname__, _instructions(function.__code__), defaults, cells


def _instructions(code: types.CodeType) -> Any:
    constants = [_instructions(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    variables = (code.co_varnames, code.co_freevars, code.co_cellvars)
    arguments = (code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount, code.co_flags)
    return code.co_code.hex(), constants, code.co_names, variables, arguments


def _content(value: Any, inside: tuple[int, ...]) -> Any:
    """A value as plain data; `inside` are the identities of what it is part of, so that a circle ends."""
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return type(value).__name__, value
    if id(value) in inside:
        return "circle", len(inside) - inside.index(id(value))
    inside = (*inside, id(value))
    if type(value) is types.FunctionType:
        return ("own", value.__name__) if _is_own(value, value.__name__) else _code(value, inside)
    if isinstance(value, types.MethodType):
        return "method", _content(value.__func__, inside), _content(value.__self__, inside)
    if type(value) is functools.partial:
        return "partial", [_content(part, inside) for part in (value.func, value.args, value.keywords)]
    if type(value) in (tuple, list):
        return type(value).__name__, [_content(item, inside) for item in value]
    if type(value) in (set, frozenset):
        return type(value).__name__, sorted(repr(_content(item, inside)) for item in value)
    if type(value) is dict:
        return "dict", sorted(repr((_content(key, inside), _content(item, inside))) for key, item in value.items())
    if isinstance(value, np.ndarray):
        return "array", value.dtype.str, value.shape, _content(value.tolist(), inside)
    if isinstance(value, type):
        functions = {name: _content(f, inside) for name, f in vars(value).items() if type(f) is types.FunctionType}
        bases = [_content(base, inside) for base in value.__bases__ if base is not object]
        return "class", value.__module__, value.__qualname__, sorted(functions.items()), bases
    kind = type(value)
    if kind.__module__ == "builtins" or isinstance(value, types.ModuleType):
        return kind.__qualname__, getattr(value, "__module__", ""), getattr(value, "__name__", repr(value))
    state = getattr(value, "__dict__", None)
    return "object", _content(kind, inside), repr(value) if state is None else _content(dict(state), inside)


def unavailable(name: str, quantities: Quantities, label: str | None = None) -> HypothesisCheck:
    """The failed check "quantity `name` is available".

    Args:
        name: The missing quantity, a name of the vocabulary.
        quantities: Quantities whose batch size is that of the check.
        label: Name of the check, by default "NAME_available".

    Returns:
        A check that holds for no run, with margin -1.
    """
    holds = np.zeros(quantities.batch, bool)
    required = f"quantity `{name}` is available ({VOCABULARY[name].meaning}); it was not given"
    return HypothesisCheck(
        label or f"{name}_available",
        holds,
        holds.astype(np.float64),
        required,
        np.full(quantities.batch, -1.0),
    )
