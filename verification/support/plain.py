"""Values as JSON has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def plain(value: Any) -> Any:
    """The value as JSON has it, which knows neither infinity nor NaN, nor arrays.

    Args:
        value: A number, text, an array, something with a `to_dict`, a dataclass, or a mapping or sequence of these.

    Returns:
        None for a number that is not finite; a number of Python for one of NumPy; lists for arrays and tuples; a dict
        for what has a `to_dict`, for mappings, and of the fields of a dataclass by their names. Anything else is
        returned as it is.
    """
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value
