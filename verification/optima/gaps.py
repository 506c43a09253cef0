"""How far a run is above F*: F(x_k) - F* as an interval, and what it is a share of.

F* is known as an interval [F_low, F_up], so a gap is one too: F(x_k) - F_up <= F(x_k) - F* <= F(x_k) - F_low. Two
quotients of it have names, and each has one meaning everywhere:

    relative gap                  (F(x_k) - F*) / |F*|              `relative_to_optimum`
    share of the initial gap      (F(x_k) - F*) / (F(x_0) - F*)     `relative_to_start`

A tolerance is *reached* where it certainly is: where the upper end of the interval is at most the tolerance. Divisions
and sums are rounded outwards, so that an interval that holds stays one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...errors import InputError
from ..statistics.censored import Censored

_OUT, _IN = 1 + 4 * np.finfo(float).eps, 1 - 4 * np.finfo(float).eps
_ROUNDING = 2.0**-40
"""F is taken to be computed to within this share of its size where nothing else is known of its error."""


class Ends(Protocol):
    """What has the ends of an interval of F*, (B,) each: an `Optimum`, for one."""

    @property
    def lower(self) -> np.ndarray:
        """At most F*."""

    @property
    def upper(self) -> np.ndarray:
        """At least F*."""


@dataclass(frozen=True, eq=False)
class Gaps:
    """A gap, or a quotient of gaps, known to lie in [low, high], (B,K+1) each.

    Both ends are inf where a run has diverged, and NaN where the quotient does not exist.
    """

    low: np.ndarray
    high: np.ndarray


def gaps(objective: np.ndarray, optimum: Ends, error: np.ndarray | float = 0.0) -> Gaps:
    """F(x_k) - F*, which is at least 0.

    Args:
        objective: (B,K+1) F(x_k); NaN from where a run has diverged, inf outside the domain of r.
        optimum: The interval of F*.
        error: (B,K+1) a bound on the rounding of `objective`; 0 where none is known, and then what is certain is so
            up to that rounding.

    Returns:
        The interval: inf on both sides where a run has diverged. The upper end is inf too where F* has no lower bound,
        and where F(x_k) lies below that bound by more than rounding, which is an error somewhere.

    Raises:
        InputError: Where the objectives are not those of B instances.
    """
    F, error = np.asarray(objective, dtype=float), np.asarray(error, dtype=float)
    lower, upper = (np.asarray(end, dtype=float)[:, None] for end in (optimum.lower, optimum.upper))
    if F.ndim != 2 or len(F) != len(lower):
        raise InputError(f"gaps: expected objectives of shape ({len(lower)}, K+1), got {F.shape}.")
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = ((F - upper) - error) * _IN, ((F - lower) + error) * _OUT
        slack = np.where(error > 0, 0.0, _ROUNDING * (np.abs(F) + np.abs(lower)))
        high = np.where(np.isnan(high) | (high < -slack), np.inf, np.maximum(high, 0.0))
    low = np.where(np.isnan(F), np.inf, np.maximum(np.nan_to_num(low, nan=0.0, posinf=np.inf), 0.0))
    return Gaps(np.minimum(low, high), high)


def relative_to_optimum(gaps: Gaps, optimum: Ends) -> Gaps:
    """The relative gap (F(x_k) - F*)/|F*|.

    Args:
        gaps: Of F(x_k) - F*.
        optimum: The interval of F*.

    Returns:
        The interval; NaN for instances whose F* may be 0, since 0 is in the interval: there is no such quotient.
    """
    lower, upper = (np.asarray(end, dtype=float)[:, None] for end in (optimum.lower, optimum.upper))
    largest, least = np.maximum(np.abs(lower), np.abs(upper)), np.minimum(np.abs(lower), np.abs(upper))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        low = np.where(np.isfinite(largest), gaps.low / largest * _IN, 0.0)
        return _masked(low, gaps.high / least * _OUT, (lower > 0) | (upper < 0))


def relative_to_start(gaps: Gaps) -> Gaps:
    """The share of the initial gap, (F(x_k) - F*)/(F(x_0) - F*).

    Args:
        gaps: Of F(x_k) - F*, k = 0..K.

    Returns:
        The interval; its upper end is inf where F(x_0) may be F*. NaN for instances that start at F* or outside the
        domain of r: there is no such quotient.
    """
    first, last = gaps.low[:, :1], gaps.high[:, :1]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        high = np.where(first > 0, gaps.high / first * _OUT, np.inf)
        return _masked(gaps.low / last * _IN, high, (last > 0) & np.isfinite(first))


def _masked(low: np.ndarray, high: np.ndarray, defined: np.ndarray) -> Gaps:
    return Gaps(np.where(defined, low, np.nan), np.where(defined, high, np.nan))


def first_below(gaps: Gaps, eps: float) -> Censored:
    """The first k at which a gap, or a quotient, is at most `eps`, for each instance.

    Args:
        gaps: (B,K+1), of k = 0..K.
        eps: The tolerance.

    Returns:
        (B,) from the first k that is possibly there to the first that is certainly there. K and inf where it is
        certainly not there within K; 0 and inf where there is no quotient, and nothing is known. Reached means
        certainly reached: `Censored.certain`.
    """
    possibly, certainly = ~(gaps.low > eps), gaps.high <= eps
    return Censored(
        np.where(possibly.any(axis=1), possibly.argmax(axis=1), gaps.low.shape[1] - 1).astype(float),
        np.where(certainly.any(axis=1), certainly.argmax(axis=1), np.inf),
    )
