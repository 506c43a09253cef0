"""Midpoint-radius arithmetic that is sound under rounding.

A `Ball` stands for the set ``{t : |t - mid| <= rad}``, entry by entry. If every operand encloses its exact
value, so does the result: the radius of each operation bounds what the operands' radii can do *and* the
rounding of the operation itself, the rounding of the radius included.

How the rounding is bounded: with u = 2^-53 every float64 operation returns ``exact * (1 + d)``, ``|d| <= u``,
unless it underflows, where the error is at most 2^-1075. `EPS` = 2u pays for the midpoint, the factor ``1 + 16
EPS`` for the handful of operations that make a radius, and `TINY` for every underflow among them.
Source: Rump, "Verification methods: rigorous results using floating-point arithmetic", Acta Numerica 19
(2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import InputError

EPS = 2.0**-52
TINY = float(np.finfo(np.float64).tiny)
_GROW = 1.0 + 16 * EPS


def made(mid: np.ndarray, rad: np.ndarray) -> Ball:
    """A ball from computed arrays; what is not a number becomes "anything" (mid 0, rad inf)."""
    bad = ~(np.isfinite(mid) & np.isfinite(rad))
    if bad.any():
        mid, rad = np.where(bad, 0.0, mid), np.where(bad, np.inf, rad)
    ball = object.__new__(Ball)
    object.__setattr__(ball, "mid", mid)
    object.__setattr__(ball, "rad", rad)
    return ball


def _rounded(mid: np.ndarray, rad: np.ndarray) -> Ball:
    """The result of one float64 operation `mid`, with `rad` from the operands: adds the rounding of both."""
    return made(mid, (rad + EPS * np.abs(mid)) * _GROW + TINY)


@dataclass(frozen=True, eq=False)
class Ball:
    """The set of t with ``|t - mid| <= rad``.

    `mid` and `rad` are float64 arrays of one shape (operations broadcast). A radius may be infinite: nothing
    is known, and the midpoint is 0 and means nothing. A midpoint that is not finite is turned into that; a NaN
    or a negative radius is an `InputError`.
    """

    mid: np.ndarray
    rad: np.ndarray

    __array_ufunc__ = None  # so that ndarray + Ball is Ball.__radd__, not an object array

    def __init__(self, mid: Any, rad: Any = 0.0) -> None:
        mid, rad = np.broadcast_arrays(np.asarray(mid, np.float64), np.asarray(rad, np.float64))
        if np.isnan(mid).any() or not (rad >= 0).all():
            raise InputError("a Ball needs midpoints that are numbers and radii >= 0; given a NaN or a negative radius")
        ball = made(mid, rad)
        object.__setattr__(self, "mid", ball.mid)
        object.__setattr__(self, "rad", ball.rad)

    @staticmethod
    def rational(value: Fraction) -> Ball:
        """The ball of an exact rational.

        Args:
            value: Any fraction.

        Returns:
            A ball of shape (): radius 0 if float64 holds the value, infinite radius if it is beyond the largest
            double.
        """
        try:
            mid = value.numerator / value.denominator  # Python's int / int is correctly rounded
        except OverflowError:
            return Ball(0.0, np.inf)
        return Ball(mid) if Fraction(mid) == value else _rounded(np.asarray(mid), np.asarray(0.0))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the midpoint array."""
        return self.mid.shape

    @property
    def lower(self) -> np.ndarray:
        """A lower bound of every member, rounded downwards."""
        with np.errstate(all="ignore"):
            return np.nextafter(self.mid - self.rad, -np.inf)

    @property
    def upper(self) -> np.ndarray:
        """An upper bound of every member, rounded upwards."""
        with np.errstate(all="ignore"):
            return np.nextafter(self.mid + self.rad, np.inf)

    @property
    def magnitude(self) -> np.ndarray:
        """An upper bound of |t| over the members, rounded upwards."""
        with np.errstate(all="ignore"):
            return np.nextafter(np.abs(self.mid) + self.rad, np.inf)

    def __neg__(self) -> Ball:
        return made(-self.mid, self.rad)

    def __abs__(self) -> Ball:
        return made(np.abs(self.mid), self.rad)

    def __add__(self, other: Any) -> Ball:
        other = _ball(other)
        with np.errstate(all="ignore"):
            return _rounded(self.mid + other.mid, self.rad + other.rad)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Ball:
        return self + (-_ball(other))

    def __rsub__(self, other: Any) -> Ball:
        return _ball(other) + (-self)

    def __mul__(self, other: Any) -> Ball:
        other = _ball(other)
        with np.errstate(all="ignore"):
            rad = np.abs(self.mid) * other.rad + self.rad * (np.abs(other.mid) + other.rad)
            return _rounded(self.mid * other.mid, rad)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Ball:
        other = _ball(other)
        with np.errstate(all="ignore"):
            mid = self.mid / other.mid
            away = (np.abs(other.mid) - other.rad) * (1.0 - 4 * EPS)  # least |divisor|, rounded down
            # |a/b - m/n| <= (rad_a + |m/n| rad_b) / |b|; TINY twice: the quotient, and its product with rad_b,
            # may have underflowed, and the latter is divided by a number that may be small
            rad = (self.rad + (np.abs(mid) * _GROW + TINY) * other.rad + TINY) / away
            return _rounded(mid, np.where(away > 0, rad, np.inf))

    def __rtruediv__(self, other: Any) -> Ball:
        return _ball(other) / self

    def sqrt(self) -> Ball:
        """Square root of a value known to be >= 0 (the negative part of the ball is left out of account).

        A ball with no member >= 0 gives "anything".
        """
        with np.errstate(all="ignore"):
            mid = np.sqrt(np.maximum(self.mid, 0.0))
            # |sqrt t - sqrt m| = |t - m| / (sqrt t + sqrt m), and also <= sqrt |t - m|
            rad = np.fmin(self.rad * _GROW / mid, np.sqrt(self.rad) * _GROW)
            return _rounded(mid, np.where(self.mid + self.rad < 0, np.inf, rad))

    def __pow__(self, exponent: int | Fraction) -> Ball:
        """Integer and half-integer powers; half-integer ones take the base as known to be >= 0."""
        exponent = Fraction(exponent)
        if exponent.denominator not in (1, 2):
            raise InputError(f"power {exponent} of a Ball: integer and half-integer powers only")
        base = self if exponent.denominator == 1 else self.sqrt()
        count, result = abs(exponent.numerator), None
        while count:  # binary powering
            if count & 1:
                result = base if result is None else result * base
            count >>= 1
            base = base * base if count else base
        result = Ball(np.ones(self.shape)) if result is None else result
        return 1.0 / result if exponent < 0 else result

    def maximum(self, other: Any) -> Ball:
        """Entrywise maximum.

        Args:
            other: A ball, or numbers taken as exact, that broadcast against this one.

        Returns:
            A ball of the broadcast shape.
        """
        other = _ball(other)
        # |max(a, b) - max(m, n)| <= max(|a - m|, |b - n|), and a maximum is not rounded; a ball that lies
        # below the other altogether does not count
        rad = np.maximum(self.rad, other.rad)
        rad = np.where(self.upper < other.lower, other.rad, np.where(other.upper < self.lower, self.rad, rad))
        return made(np.maximum(self.mid, other.mid), rad)

    def minimum(self, other: Any) -> Ball:
        """Entrywise minimum.

        Args:
            other: A ball, or numbers taken as exact, that broadcast against this one.

        Returns:
            A ball of the broadcast shape.
        """
        return -((-self).maximum(-_ball(other)))

    def sum(self, axis: int, keepdims: bool = False) -> Ball:
        """Sum along one axis, by a binary tree, so that the rounding grows with log2 of the length.

        Args:
            axis: The axis that is summed over.
            keepdims: Whether it stays, with length 1.

        Returns:
            The ball of the sums.
        """
        length = self.mid.shape[axis]
        with np.errstate(all="ignore"):
            mid = _tree_sum(np.moveaxis(self.mid, axis, -1))
            # each of the <= log2(n) + 1 levels rounds partial sums that add up to at most sum |mid|
            levels = max(length - 1, 0).bit_length()
            size = _tree_sum(np.moveaxis(np.abs(self.mid), axis, -1))
            rad = _tree_sum(np.moveaxis(self.rad, axis, -1)) + levels * EPS * size
            result = made(mid, rad * (_GROW + 4 * levels * EPS) + TINY)
        if keepdims:
            return made(np.expand_dims(result.mid, axis), np.expand_dims(result.rad, axis))
        return result

    def __getitem__(self, index: Any) -> Ball:
        return made(self.mid[index], self.rad[index])


def _ball(value: Any) -> Ball:
    return value if isinstance(value, Ball) else Ball(value)


def _tree_sum(x: np.ndarray) -> np.ndarray:
    """Sum along the last axis: halves are added until one column is left."""
    if x.shape[-1] == 0:
        return np.zeros(x.shape[:-1])
    while (n := x.shape[-1]) > 1:
        half = n // 2
        folded = x[..., :half] + x[..., half : 2 * half]
        x = np.concatenate([folded, x[..., -1:]], axis=-1) if n % 2 else folded
    return x[..., 0]
