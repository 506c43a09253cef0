"""Configurations: TOML checked against a schema; what does not fit is one clear error."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Sequence
from typing import Any, TypeVar, get_args, get_origin

import torch
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from ...errors import InputError, suggestion
from .files import read_text

# What the parser takes minutes for is no configuration: long files, and keys of many parts, a.b.c..., in any of them.
_LIMIT = 1 << 18
_DEEP_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""")


MOST = 10**12
"""The largest integer that a configuration may hold; sizes that a machine could not answer are refused elsewhere."""


class Section(BaseModel):
    """A part of a configuration: unknown keys are errors, values do not change.

    Nothing is converted: a text is no number, true is not 1, and no number is infinite. A list of TOML is a tuple here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, int) and abs(value) > MOST:
            raise ValueError(f"expected at most {MOST}, got {_short(value)}")
        annotation = cls.model_fields[str(info.field_name)].annotation
        return tuple(value) if isinstance(value, list) and _holds_tuple(annotation) else value

    @property
    def digest(self) -> str:
        """Hex digest of the settings: equal settings, equal digest."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _holds_tuple(annotation: Any) -> bool:
    return get_origin(annotation) is tuple or any(_holds_tuple(part) for part in get_args(annotation))


def _short(value: int) -> str:
    return str(value) if abs(value) < 10**30 else "a longer one"


def usable_device(device: str) -> str:
    """`device`, or a ValueError that says why torch cannot use it here."""
    try:
        float(torch.zeros(1, device=device))
    except (RuntimeError, AssertionError) as problem:
        raise ValueError(f"device {device!r} cannot be used here ({str(problem).splitlines()[0]})") from None
    return device


AnySection = TypeVar("AnySection", bound=Section)


def read_config(
    source: str | os.PathLike[str] | dict[str, Any], schema: type[AnySection], where: str | None = None
) -> AnySection:
    """The configuration in a TOML file or a dict; unknown keys and bad values are one clear `InputError`."""
    if not isinstance(source, (dict, str, os.PathLike)):
        raise InputError(f"config: expected a TOML file or a dict, got {type(source).__name__}.")
    if isinstance(source, dict):
        where = where or "config"
    else:
        where = str(source)
        try:
            text = read_text(source, "a configuration in TOML", limit=_LIMIT)
            if _DEEP_KEY.search(text):
                raise InputError(f"{where}: not a configuration: it has a key of more than 32 parts.")
            source = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as problem:
            raise InputError(f"{where}: not valid TOML ({problem}).") from None
    try:
        return schema.model_validate(source)
    except ValidationError as problem:
        raise InputError(f"{where}: {one_line(problem, schema)}") from None


_WORDS = {
    "greater_than_equal": "expected a number >= {ge:g}",
    "greater_than": "expected a number > {gt:g}",
    "less_than_equal": "expected a number <= {le:g}",
    "less_than": "expected a number < {lt:g}",
    "too_short": "expected {min_length} or more entries",
    "too_long": "expected at most {max_length} entries",
    "literal_error": "expected {expected}",
    "int_type": "expected an integer",
    "float_type": "expected a number",
    "finite_number": "expected a finite number",
    "string_type": "expected a text",
    "bool_type": "expected true or false",
    "tuple_type": "expected a list",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "model_attributes_type": "expected a table",
}
"""What was expected, by the types of error of pydantic, whose own words do not say what was given."""


def one_line(problem: ValidationError, schema: type[BaseModel]) -> str:
    """What is wrong with a configuration, in one line: each place, what was expected there and what was given.

    Args:
        problem: What pydantic found.
        schema: The type that the configuration was checked against.

    Returns:
        The line, without a stop at its end.
    """
    parts, places = [], [error["loc"] for error in problem.errors()]
    for error in problem.errors():
        within = any(place[: len(error["loc"])] == error["loc"] and place != error["loc"] for place in places)
        if error["type"] == "too_short" and within:
            continue  # it lacks the entries that are wrong
        key = ".".join(str(p) for p in error["loc"])
        parts.append(f"{key}{': ' if key else ''}{_what_is_wrong(error, schema)}")
    return "; ".join(parts)


def _what_is_wrong(error: Any, schema: type[BaseModel]) -> str:
    """One error: what was expected, and what was given."""
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        near = suggestion(error["loc"][-1], _keys(schema, error["loc"][:-1])).strip()
        return f"unknown key; {near or 'remove it or check its spelling'}"
    if kind == "missing":
        return "it is missing; give it"
    if kind not in _WORDS:
        return str(error["msg"]).removeprefix("Value error, ")
    given = "a table" if isinstance(value, dict) else "a list" if isinstance(value, (list, tuple)) else repr(value)
    if kind == "too_short" or len(given) > 60:
        given = f"{len(value)}" if hasattr(value, "__len__") and kind == "too_short" else f"{given[:57]}..."
    return f"{_WORDS[kind].format(**error.get('ctx', {}))}, got {given}"


def _keys(schema: type[BaseModel], place: Sequence[str | int]) -> list[str]:
    """The keys that the table at `place` may have; none where the schema does not say."""
    for part in place:
        if isinstance(part, str):
            field = next((f for name, f in schema.model_fields.items() if part in (name, f.alias)), None)
            inner = None if field is None else _section_in(field.annotation)
            if inner is None:
                return []
            schema = inner
    return [field.alias or name for name, field in schema.model_fields.items()]


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation has in it, as tuple[Model, ...] has."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((section for part in get_args(annotation) if (section := _section_in(part)) is not None), None)
