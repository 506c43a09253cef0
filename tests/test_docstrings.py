"""What users call says what it takes, what it returns and what it raises (Google style)."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import l2obound
from l2obound import bounds, l2o, verification
from l2obound.errors import InputError

ROOTS = (l2obound, bounds, l2o, verification)


def named(module: ModuleType, parents: tuple[ModuleType, ...] = ()) -> Iterator[Any]:
    """Functions and classes of this project that a module names, and those of the modules that it names."""
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    for thing in (getattr(module, name) for name in names):
        within = inspect.ismodule(thing) and thing not in (*parents, module)
        if within and thing.__name__.startswith("l2obound."):
            yield from named(thing, (*parents, module))
        elif inspect.isfunction(thing) or inspect.isclass(thing):
            exported = hasattr(module, "__all__") or thing.__module__ == module.__name__
            if exported and thing.__module__.startswith("l2obound."):
                yield thing


def functions(things: list[Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Functions, and the methods of classes that take arguments; the others say in a line what they return."""
    for thing in things:
        if inspect.isfunction(thing):
            yield f"{thing.__module__}.{thing.__qualname__}", thing
            continue
        for name, member in vars(thing).items():
            function = getattr(member, "__func__", member)
            if name.startswith("_") or not inspect.isfunction(function) or not function.__doc__:
                continue
            if parameters(function):
                yield f"{thing.__module__}.{thing.__qualname__}.{name}", function


def parameters(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def raises_input_error(function: Callable[..., Any]) -> bool:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call))
    return any(isinstance(call.func, ast.Name) and call.func.id == InputError.__name__ for call in raised)


def sections(function: Callable[..., Any]) -> dict[str, str]:
    """The text of each section of a docstring; that before the first one is under ""."""
    parts = re.split(r"^(Args|Returns|Yields|Raises):$", inspect.getdoc(function) or "", flags=re.M)
    return {"": parts[0].strip(), **dict(zip(parts[1::2], parts[2::2]))}


def wrong(function: Callable[..., Any]) -> list[str]:
    """What the docstring of a function lacks, or says of what is not there."""
    text, expected = sections(function), parameters(function)
    described = re.findall(r"^    \*{0,2}(\w+):", text.get("Args", ""), flags=re.M)
    problems = [] if text[""] else ["no summary"]
    if described != expected:
        problems.append(f"Args: {described}, expected {expected}")
    returns = inspect.signature(function).return_annotation not in (None, "None")
    if returns != bool({"Returns", "Yields"} & set(text)):
        problems.append("Returns is missing" if returns else "Returns of a function that returns nothing")
    if raises_input_error(function) and "InputError:" not in text.get("Raises", ""):
        problems.append("Raises: InputError is missing")
    if "`InputError`" in text[""]:
        problems.append("an InputError is described outside of Raises")
    return problems


PUBLIC = dict(functions([thing for root in ROOTS for thing in named(root)]))


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_the_docstring_is_whole(name: str) -> None:
    assert wrong(PUBLIC[name]) == []


def test_the_verbs_are_among_them() -> None:
    assert {l2obound.rollout, l2obound.worst_case} <= set(PUBLIC.values())
    assert len(PUBLIC) > 130


def planted(source: str) -> list[str]:
    """What is wrong with the function of a source, which is found by `inspect` as if it were a file."""
    linecache.cache["planted.py"] = (len(source), None, source.splitlines(True), "planted.py")
    space: dict[str, Any] = {"InputError": InputError}
    exec(compile(source, "planted.py", "exec"), space)
    return wrong(space["f"])


WHOLE = '''def f(x: int, *, y: int = 0) -> int:
    """A sum.

    Args:
        x: A number.
        y: Another, and a line
            that goes on.

    Returns:
        The sum.

    Raises:
        InputError: If x is 0.
    """
    if not x:
        raise InputError("x")
    return x + y
'''


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("        y: Another, and a line\n", "", "Args"),
        ("        x: A number.", "        z: A number.", "Args"),
        ("    Returns:\n        The sum.\n", "", "Returns is missing"),
        ("-> int", "-> None", "Returns of a function"),
        ("        InputError: If x is 0.", "        ValueError: If x is 0.", "Raises"),
        ("A sum.", "", "no summary"),
        ("A sum.", "A sum, or an `InputError`.", "outside of Raises"),
    ],
)
def test_a_docstring_that_is_not_whole_is_noticed(before: str, after: str, problem: str) -> None:
    assert planted(WHOLE) == []
    assert any(problem in p for p in planted(WHOLE.replace(before, after)))
