"""Configurations: TOML checked against a schema; what does not fit is one clear error."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from typing import Any, TypeVar, get_args, get_origin

import torch
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from ...errors import InputError
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
            text = read_text(source, "a configuration, which is TOML", limit=_LIMIT)
            if _DEEP_KEY.search(text):
                raise InputError(f"{where}: not a configuration: it has a key of more than 32 parts.")
            source = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as problem:
            raise InputError(f"{where}: not valid TOML ({problem}).") from None
    try:
        return schema.model_validate(source)
    except ValidationError as problem:
        raise InputError(f"{where}: {one_line(problem)}") from None


def one_line(problem: ValidationError) -> str:
    """What is wrong with a configuration, in one line: each place and what was expected there."""
    parts, places = [], [error["loc"] for error in problem.errors()]
    for error in problem.errors():
        within = any(place[: len(error["loc"])] == error["loc"] and place != error["loc"] for place in places)
        if error["type"] == "too_short" and within:
            continue  # it lacks the entries that are wrong
        key = ".".join(str(p) for p in error["loc"]) or "(top)"
        unknown = error["type"] == "extra_forbidden"
        message = "unknown key; remove it or check its spelling" if unknown else error["msg"]
        parts.append(f"{key}: {message.removeprefix('Value error, ')}")
    return "; ".join(parts)
