"""Numbers and lists as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

DASH = "–"


def number(value: float | None) -> str:
    """Three significant digits, counts in full, a dash for what does not exist."""
    if value is None or not math.isfinite(value):
        return DASH
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e4):
        return f"{int(value):,}"
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def percent(share: float | None) -> str:
    """A share in per cent; never rounded to none or to all of it."""
    if share is None or not math.isfinite(share):
        return DASH
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{number(100 * share)} %"


def times(high: float, low: float) -> str:
    """A ratio in words."""
    return f"{number(float(f'{high / low:.3g}'))} times"


def join(words: Sequence[str], most: int = 6) -> str:
    """ "a, b and c"; of a long list the first ones and how many more."""
    words = [*words[:most], f"{len(words) - most} more"] if len(words) > most else list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def count(amount: int, thing: str) -> str:
    """ "1 step", "2 steps"."""
    return f"{number(amount)} {thing}{'' if amount == 1 else 's'}"


def printable(value: Any) -> Any:
    """The value with every character that no HTML or UTF-8 file may hold replaced in its texts."""
    if isinstance(value, str):
        return "".join(c if _allowed(ord(c)) else "\ufffd" for c in value)
    if isinstance(value, Mapping):
        return {printable(k): printable(v) for k, v in value.items()}
    return [printable(v) for v in value] if isinstance(value, (list, tuple)) else value


def _allowed(code: int) -> bool:
    control = (code < 32 and code not in (9, 10)) or 127 <= code < 160
    return not (control or 0xD800 <= code < 0xE000 or 0xFDD0 <= code < 0xFDF0 or code & 0xFFFE == 0xFFFE)
