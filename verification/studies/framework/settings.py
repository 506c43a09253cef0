"""Settings of a study: a frozen dataclass with `seed`, checked when it is made, and plain in JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ....errors import InputError, suggestion
from ...support.plain import plain


def require_some(name: str, given: Collection[str], choices: Collection[str], more: str = "") -> None:
    """Choices of the user.

    Args:
        name: What is chosen, as in the message.
        given: What the user chose.
        choices: What there is.
        more: Words that end the message.

    Raises:
        InputError: Nothing is chosen, or something that there is not.
    """
    unknown = [v for v in given if v not in choices]
    if unknown or not given:
        near = suggestion(unknown[0], choices) if unknown else ""
        got = ", ".join(repr(v) for v in unknown) or "none"
        message = f"{name}: {near}expected some of {', '.join(choices)}, got {got}"
        raise InputError(f"{message}; {more}." if more else f"{message}.")


def require_at_least(settings: Any, least: Mapping[str, float]) -> None:
    """Numbers of the user.

    Args:
        settings: What holds them.
        least: The least value of each, by the name of its field.

    Raises:
        InputError: One of them is less.
    """
    for name, value in least.items():
        if getattr(settings, name) < value:
            raise InputError(f"{name}: expected at least {value}, got {getattr(settings, name)!r}.")


def plain_fields(result: Any, *names: str) -> dict[str, Any]:
    """The settings of a result, when it was made, and these of its fields, as JSON has them."""
    return {name: plain(getattr(result, name)) for name in ("settings", "created", *names)}
