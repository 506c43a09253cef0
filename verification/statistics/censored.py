"""Factors between two methods, instance by instance, of which some are known from one side only.

A method that has not reached eps within K iterations is censored: its cost lies between that of K iterations and inf.
A factor, cost of the baseline over cost of the learned method, then lies in an interval [low, high]:

    both reach eps              low = high
    the baseline does not       low = cost of its K iterations / cost of the learned one,   high = inf
    the learned method doesn't  low = 0,   high = cost of the baseline / cost of the learned one's K iterations
    neither does                low = 0,   high = inf

Nothing is dropped. The median of the true factors lies between the medians of the lows and of the highs, in every
resample too; so the interval from the lower percentile of the first to the upper percentile of the second contains the
percentile interval of the true factors, whatever these are.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import binom

NEVER = -1
"""Stands for "not within K" where an iteration is counted."""


class Claim(StrEnum):
    """What an interval says of a claimed factor."""

    HOLDS = "HOLDS"
    FAILS = "FAILS"
    OPEN = "OPEN"


@dataclass(frozen=True, eq=False)
class Censored:
    """Numbers of n instances, each known to lie in [low, high], (n,) each."""

    low: np.ndarray
    high: np.ndarray

    @property
    def certain(self) -> np.ndarray:
        """(n,) the upper ends of counts, as integers; `NEVER` where there is none."""
        return np.where(np.isfinite(self.high), self.high, NEVER).astype(int)


@dataclass(frozen=True)
class Median:
    """The median over the instances, in [low, high] (equal where censoring leaves it alone), with its interval."""

    low: float
    high: float
    lower: float
    upper: float


def cost(reached: np.ndarray, steps: int, of: Callable[[np.ndarray], np.ndarray]) -> Censored:
    """The cost to eps: `of(k)` (n,) is that of k (n,) iterations; `reached` (n,) is `NEVER` where K = `steps` is not
    enough.
    """
    never = reached == NEVER
    low = np.asarray(of(np.where(never, steps, reached)), dtype=float)
    return Censored(low, np.where(never, np.inf, low))


def factors(baseline: Censored, learned: Censored, there: np.ndarray) -> Censored:
    """How many times as much the baseline costs; 1 on the instances (n,) that are `there` at the start, at no cost."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = baseline.low / learned.high, baseline.high / learned.low
    return Censored(np.where(there, 1.0, low), np.where(there, 1.0, high))


def saved(baseline: Censored, learned: Censored) -> Censored:
    """What the baseline costs more."""
    return Censored(baseline.low - learned.high, baseline.high - learned.low)


@functools.cache
def rank(n: int, level: float) -> int:
    """The j for which [x_(j), x_(n+1-j)], of n sorted numbers, is the interval of their median; 0 where n is too small.

    The percentile interval of the bootstrap in the limit of infinitely many resamples, which for a median is known:
    the lower median of a resample is at most x_(j) with the probability that at least half of n draws are, each with
    probability j/n. That interval covers the median with a probability known from the binomial law of the order
    statistics, whatever the numbers' distribution; where it is below `level`, j is made smaller.
    """
    j = np.arange(1, n + 1)
    at_most = binom.sf((n + 1) // 2 - 1, n, j / n)
    rank_ = int(j[np.argmax(at_most >= (1 - level) / 2)])
    while rank_ > 0 and 1 - 2 * binom.cdf(rank_ - 1, n, 0.5) < level:
        rank_ -= 1
    return rank_


def median(point: Censored, level: float, wide: Censored | None = None) -> Median:
    """The median of `point` with the interval of `wide`, which is as certain of more (of the clock, say)."""
    wide = point if wide is None else wide
    n = len(point.low)
    j = rank(n, level)
    lower, upper = (np.sort(wide.low)[j - 1], np.sort(wide.high)[n - j]) if j else (-math.inf, math.inf)
    return Median(float(np.median(point.low)), float(np.median(point.high)), float(lower), float(upper))


def verdict(median: Median, claimed: float) -> Claim:
    """HOLDS where the whole interval is at least `claimed`, FAILS where all of it is below, else OPEN."""
    if median.lower >= claimed:
        return Claim.HOLDS
    return Claim.FAILS if median.upper < claimed else Claim.OPEN


def break_even_instances(seconds: float, saved_per_instance: float) -> float:
    """Instances after which `seconds` of training have been saved; inf where nothing is."""
    if seconds <= 0:
        return 0.0
    return seconds / saved_per_instance if saved_per_instance > 0 else math.inf
