"""Statements for many steps k, thresholds and quantiles that hold all at once, and which of two ways is sharper.

Of J kept steps out of the k = 0..K there are two ways to hold everything at once with confidence 1 - delta:

- *exact*: the exact binomial bound for each kept step and each threshold (or quantile), E of them, at the level
  delta/(J E), by the union bound;
- *DKW*: the band of the whole distribution function at each k at the level delta/(K + 1). It holds for all k, kept or
  not, and all thresholds and quantiles, of which no number enters.

At one level the exact bound is the sharper one: it inverts the very tail that the other estimates. So the exact way is
surely sharper where J E <= K + 1, and the other may be where much is asked for. Which one is used is decided before the
data are seen, from N, delta, J, E, K and the quantiles alone, so that the choice costs nothing: it takes no account of
what was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...l2o import InputError
from .intervals import (
    checked_delta,
    checked_quantile,
    checked_sample,
    dkw_ranks,
    dkw_width,
    proportion_lower,
    quantile_ranks,
)

EXACT, DKW = "exact", "dkw"


@dataclass(frozen=True, eq=False)
class ProbabilityCurves:
    """Probabilities of E events at J steps: `share` (E,J) of the sample, and `lower` (E,J) bounds that hold at once.

    `method` is "exact" or "dkw", `level` the probability with which a single one of its bounds may be wrong.
    """

    share: np.ndarray
    lower: np.ndarray
    method: str
    level: float


@dataclass(frozen=True, eq=False)
class QuantileCurves:
    """Q quantiles at J steps: `sample` (Q,J), those of the upper ends, between `lower` and `upper` (Q,J) at once.

    `upper` is +inf and `lower` -inf where the sample is too small to say. `method`, `level`: as for probabilities;
    `ranks` (Q,2) are those of the order statistics, 0 for -inf and N + 1 for +inf.
    """

    lower: np.ndarray
    sample: np.ndarray
    upper: np.ndarray
    method: str
    level: float
    ranks: np.ndarray


def probability_curves(successes: np.ndarray, n: int, steps: int, delta: float) -> ProbabilityCurves:
    """Lower bounds of the probabilities behind `successes` (E,J) among n draws, J of the `steps` + 1 steps kept.

    Proved: with confidence 1 - delta all of them hold at once, however the events depend on each other. The way that is
    sharper at a share of 1/2, where both are widest, is taken.
    """
    counts = np.atleast_2d(np.asarray(successes))
    delta, n = checked_delta(delta), checked_sample(n)
    level, common = delta / max(1, counts.size), delta / _times(steps, counts.shape[1])
    width = dkw_width(n, common, sides=1)
    half = n // 2
    exact = float(proportion_lower(half, n, level)) >= half / n - width
    lower = proportion_lower(counts, n, level) if exact else np.maximum(counts / n - width, 0.0)
    return ProbabilityCurves(counts / n, lower, EXACT if exact else DKW, level if exact else common)


def quantile_curves(
    low: np.ndarray, up: np.ndarray, quantiles: Sequence[float], steps: int, delta: float
) -> QuantileCurves:
    """Bands of the quantiles of numbers of which `low` <= number <= `up` (N,J) is known, J of `steps` + 1 steps kept.

    Proved: with confidence 1 - delta all of them hold at once, whatever the numbers in their intervals are, since the
    j-th smallest of them lies between the j-th smallest low and the j-th smallest up. Of the two ways that with the
    smaller sum of ranks between the ends is taken.
    """
    low, up = np.sort(_numbers(low), axis=0), np.sort(_numbers(up), axis=0)
    if low.shape != up.shape:
        raise InputError(f"guarantee: low and up must have one shape, got {low.shape} and {up.shape}.")
    delta, n = checked_delta(delta), checked_sample(len(low))
    levels = [checked_quantile(q) for q in quantiles]
    if not levels:
        raise InputError("guarantee: expected at least one quantile, got none.")
    level, common = delta / (low.shape[1] * len(levels)), delta / _times(steps, low.shape[1])
    width = dkw_width(n, common)
    ways = {
        EXACT: np.array([quantile_ranks(n, q, level) for q in levels]),
        DKW: np.array([dkw_ranks(n, q, width) for q in levels]),
    }
    method = min(ways, key=lambda name: int((ways[name][:, 1] - ways[name][:, 0]).sum()))
    ranks = ways[method]
    blank = np.full((1, low.shape[1]), np.inf)
    return QuantileCurves(
        np.concatenate([-blank, low])[ranks[:, 0]],
        up[[max(0, math.ceil(n * q) - 1) for q in levels]],
        np.concatenate([up, blank])[ranks[:, 1] - 1],
        method,
        level if method == EXACT else common,
        ranks,
    )


def _times(steps: int, count: int) -> int:
    """K + 1, the number of steps that the DKW bands hold for."""
    if count < 1 or steps + 1 < count:
        raise InputError(f"guarantee: expected 1 to {steps + 1} kept steps of 0..{steps}, got {count}.")
    return steps + 1


def _numbers(values: np.ndarray) -> np.ndarray:
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 2 or np.isnan(numbers).any():
        raise InputError(
            f"guarantee: expected numbers (N,J) without NaN, got shape {numbers.shape}; a run that diverged is inf "
            f"above."
        )
    return numbers
