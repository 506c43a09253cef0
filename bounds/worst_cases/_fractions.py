"""Fractions and doubles: square roots, rounding upwards, and conversions that are never 0 or infinite by accident."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

BITS = 128
"""Digits that roots, and numbers that are rounded upwards, are given."""


def double(value: Fraction | float) -> float:
    """The nearest double, the largest one for what is beyond."""
    try:
        return value.numerator / value.denominator if isinstance(value, Fraction) else float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -sys.float_info.max


def nonzero_double(value: Fraction | float) -> float:
    """As `double`, and the smallest normal one for what would become 0 and is not: numbers to divide by."""
    nearest = double(value)
    return nearest if nearest or not value else sys.float_info.min * (1 if value > 0 else -1)


def _shift(value: Fraction) -> int:
    """s with 2^(BITS - 1) < value 2^s < 2^(BITS + 1), for a value > 0."""
    return BITS - (value.numerator.bit_length() - value.denominator.bit_length())


def rounded_up(value: Fraction) -> Fraction:
    """A fraction of some `BITS` binary digits that is at least `value` >= 0, and 0 for 0 alone."""
    if value.numerator.bit_length() <= BITS and value.denominator.bit_length() <= BITS:
        return value
    unit = Fraction(2) ** _shift(value)
    return math.ceil(value * unit) / unit


def root_above(value: Fraction) -> Fraction:
    """A fraction that is at least the square root of `value` >= 0, by 2^-60 of it at most; the root where it is one."""
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if (top * top, bottom * bottom) == (value.numerator, value.denominator):
        return Fraction(top, bottom)
    unit = Fraction(2) ** (_shift(value) // 2)
    return (math.isqrt(math.floor(value * unit * unit)) + 1) / unit
