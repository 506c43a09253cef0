"""What is asked of the worst-case engine, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from ....bounds.worst_cases import WorstCase
from ....l2o import InputError
from ..exact import answered

STEPS = (1, 2, 5, 10, 15, 20)
DIGITS = 6
LEAST = Fraction(1, 10_000)
"""Smallest eps_k asked of the engine: smaller ones are rounded up to it, which leaves its problem an interior."""
CERTIFIED_UP_TO = 10
"""Steps up to which the worst case is enclosed: beyond, that takes a minute and more where r is not 0."""


def rounded_up(value: float, least: Fraction = LEAST) -> Fraction:
    """The value rounded up to `DIGITS` significant digits, and to `least`."""
    if not np.isfinite(value) or value < 0:
        raise InputError(f"profile: expected finite numbers >= 0, got {value!r}.")
    return max(least, Fraction(Decimal(value).normalize(Context(prec=DIGITS, rounding=ROUND_CEILING))))


def rounded(value: float) -> Fraction:
    return Fraction(Decimal(value).normalize(Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)))


def scalar_list(values: Any, name: str) -> tuple[float, ...]:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.full(0, np.nan)
    if numbers.ndim != 1 or numbers.size == 0 or not np.isfinite(numbers).all():
        raise InputError(f"{name}: expected a list of finite numbers, one for each step, got {values!r}.")
    return tuple(map(float, numbers))


def chosen_steps(steps: Sequence[int] | None, most: int) -> tuple[int, ...]:
    if steps is None:
        return tuple(k for k in STEPS if k <= most)
    chosen = tuple(steps)
    whole = all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) for k in chosen)
    if not chosen or not whole or min(chosen) < 1 or max(chosen) > most:
        raise InputError(f"steps: expected integers in 1..{most}, the length of the run, got {list(chosen)}.")
    return tuple(sorted({int(k) for k in chosen}))


def solved(certified_up_to: int, **question: Any) -> tuple[float, bool, str]:
    """The worst case, whether it is shown from above, and why there is none."""

    def read(answer: WorstCase) -> tuple[float, bool]:
        if question["steps"] <= certified_up_to and np.isfinite(answer.upper):
            return answer.upper, True
        return (answer.estimate if np.isfinite(answer.estimate) else answer.value), False

    value, reason = answered(read, **question)
    return (np.nan, False, reason) if value is None else (*value, "")


def exact_steps(smooth: bool, steps: tuple[int, ...]) -> np.ndarray:
    """Worst cases of exact steps 1/L (B3): 1/(4K + 2) for r = 0 (Drori, Teboulle 2014), 1/(4K) otherwise."""
    K = np.array(steps, dtype=np.float64)
    return 1 / (4 * K + 2) if smooth else 1 / (4 * K)


def announced(steps: tuple[int, ...], progress: Callable[[], None] | None) -> Iterator[int]:
    """The numbers of steps; `progress` is called when each is done."""
    for K in steps:
        yield K
        if progress is not None:
            progress()
