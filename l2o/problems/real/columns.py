"""Columns of a data matrix brought to a common scale; constant and zero columns become or stay zero."""

from __future__ import annotations

import numpy as np


def _near_one(a: np.ndarray) -> np.ndarray:
    """Columns divided by a power of two each, so that squares neither overflow nor underflow and no digit changes."""
    _, exponent = np.frexp(np.abs(a).max(axis=-2, keepdims=True))
    return np.ldexp(a, -exponent)


def standardised(a: np.ndarray) -> np.ndarray:
    """Columns less their mean, over their standard deviation (divisor m); a constant column becomes 0.

    Each entry is right to a few roundings of 1, wherever the column lies: a column of times in nanoseconds is far from
    zero and nearly constant, and its rounded mean may be many deviations off. So the median, an entry, goes first:
    such a difference of two floats is right to half a unit of its own last place, and the mean size of the differences
    is at most the deviation.

    Args:
        a: (..., m, n).

    Returns:
        (..., m, n) with columns of mean 0 and deviation 1 to rounding.
    """
    constant = a.max(axis=-2, keepdims=True) == a.min(axis=-2, keepdims=True)
    a, middle = _near_one(a), a.shape[-2] // 2
    a = _near_one(a - np.partition(a, middle, axis=-2)[..., middle : middle + 1, :])
    columns = np.ascontiguousarray(
        a.swapaxes(-1, -2)
    )  # along contiguous numbers NumPy sums by halves: log2(m) roundings
    for _ in range(2):
        columns = columns - columns.mean(axis=-1, keepdims=True)
    spread = np.sqrt((columns * columns).mean(axis=-1, keepdims=True)).swapaxes(-1, -2)
    return np.where(constant, 0.0, columns.swapaxes(-1, -2) / np.where(constant, 1.0, spread))


def unit(a: np.ndarray) -> np.ndarray:
    """(..., m, n) columns over their 2-norm; a zero column stays 0."""
    a = _near_one(a)
    norm = np.linalg.norm(a, axis=-2, keepdims=True)
    return a / np.where(norm > 0, norm, 1.0)
