"""Spearman's rank correlation of two measurements over instances, with an interval from a bootstrap over instances.

Measurements of one instance at several levels are not independent, so the bootstrap draws instances, with all their
levels; the same holds for members of a group. The intervals are estimates, and nothing is proved. A correlation is no
cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata, spearmanr
from scipy.stats import t as student

from ...l2o import InputError

LEVEL = 0.95
"""The level of the intervals."""
FEWEST = 5
"""Instances, or groups of them, that an interval needs. Fewer than 5 numbers are in perfect order by chance with a
probability 2/n! above 5 %, and are so in every draw: the interval would be a point. One group always is."""
WAYS = ("pooled", "within", "levels")
_NEARLY_ONE = 1 - 1e-6
"""Correlations of 1 have no z."""
_DRAWS_AT_ONCE = 200


class RankCorrelation(NamedTuple):
    """Spearman's `value` with the ends of its interval and scipy's p-value; None for each that there is not."""

    value: float | None
    low: float | None
    high: float | None
    p_value: float | None


def rank_correlation(
    a: Sequence[float] | np.ndarray,
    b: Sequence[float] | np.ndarray,
    way: str = "pooled",
    *,
    groups: Sequence[int] | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> RankCorrelation:
    """The rank correlation of two measurements, and its bootstrap interval.

    Resamples in which a side does not vary are left out. The interval is a percentile bootstrap over instances. With
    `groups` it is Student's for that number of groups, on Fisher's z (1921), with the spread of the bootstrap: over six
    groups percentiles cover 0.93 of the time, and this 0.95, as a test measures.

    Args:
        a: One measurement, (B,) or (B,J): B instances, at J levels each.
        b: The other one, of the same shape.
        way: Over what. "pooled": over all B J pairs, so that it says whether levels are told apart. "within": the mean
            over the levels of the correlation over instances at one level, so that it says whether instances are.
            "levels": over the levels, of the medians over instances.
        groups: B numbers from 0 on, each as often as any other, where a is (B,): the instances of one number are no
            independent draws, and are drawn as a whole.
        resamples: Number of draws.
        seed: Of the draws.

    Returns:
        All None where a side does not vary. No interval for fewer than `FEWEST` instances, or groups of them. A p-value
        only where a is (B,), without groups.

    Raises:
        InputError: For another way, for shapes that differ, for fewer than three instances, for numbers that are not
            finite, or for groups of unequal size.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if way not in WAYS:
        raise InputError(f"rank_correlation: way must be one of {', '.join(WAYS)}, got {way!r}.")
    if a.shape != b.shape or a.ndim not in (1, 2) or len(a) < 3 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError(
            f"rank_correlation: expected two arrays of one shape, (B,) or (B,J) with B >= 3, all finite, got shapes "
            f"{a.shape} and {b.shape}; leave out the instances that diverged."
        )
    independent = a.ndim == 1 and groups is None
    samples = a, b
    if groups is not None:
        members = _members(groups, a)
        samples = a[members], b[members]
    elif a.ndim == 1:
        samples = a[:, None], b[:, None]
    one, two = samples
    value = float(_correlation(one[None], two[None], way)[0])
    if not np.isfinite(value):
        return RankCorrelation(None, None, None, None)
    p_value = float(spearmanr(a, b).pvalue) if independent else None
    if len(one) < FEWEST:
        return RankCorrelation(value, None, None, p_value)
    draws = np.random.default_rng(seed).integers(0, len(one), (resamples, len(one)))
    parts = np.array_split(draws, max(1, resamples // _DRAWS_AT_ONCE))
    drawn = np.concatenate([_correlation(one[part], two[part], way) for part in parts])
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return RankCorrelation(value, None, None, p_value)
    low, high = _percentiles(drawn) if groups is None else _of_few(value, drawn, len(one))
    return RankCorrelation(value, low, high, p_value)


def _percentiles(drawn: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _of_few(value: float, drawn: np.ndarray, groups: int) -> tuple[float, float]:
    """The interval from few groups, whose percentiles cover too seldom: Student's t on Fisher's z."""
    z = np.arctanh(np.clip(drawn, -_NEARLY_ONE, _NEARLY_ONE))
    middle = np.arctanh(np.clip(value, -_NEARLY_ONE, _NEARLY_ONE))
    reach = student.ppf((1 + LEVEL) / 2, groups - 1) * z.std()
    return float(np.tanh(middle - reach)), float(np.tanh(middle + reach))


def _members(groups: Sequence[int], sample: np.ndarray) -> np.ndarray:
    """(groups, members) indices of the instances in each group."""
    labels = np.asarray(groups)
    right = sample.ndim == 1 and labels.shape == sample.shape and labels.min() >= 0
    sizes = np.bincount(labels) if right else np.zeros(1)
    if sizes.min() < 1 or sizes.max() != sizes.min():
        raise InputError(
            f"groups: expected {len(sample)} numbers from 0 on, each as often as any other, got {list(groups)}."
        )
    return np.argsort(labels, kind="stable").reshape(len(sizes), -1)


def _correlation(a: np.ndarray, b: np.ndarray, way: str) -> np.ndarray:
    """(R,) for samples (R,B,J); NaN where a side does not vary."""
    if way == "pooled":
        return _spearman(a.reshape(len(a), -1), b.reshape(len(b), -1))
    if way == "levels":
        return _spearman(np.median(a, axis=1), np.median(b, axis=1))
    by_level = np.stack([_spearman(a[:, :, j], b[:, :, j]) for j in range(a.shape[2])])
    varies = np.isfinite(by_level)
    with np.errstate(invalid="ignore"):
        return np.where(varies, by_level, 0.0).sum(axis=0) / np.where(varies.any(axis=0), varies.sum(axis=0), np.nan)


def _spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(R,) of samples (R,N)."""
    one, two = (r - r.mean(axis=1, keepdims=True) for r in (rankdata(a, axis=1), rankdata(b, axis=1)))
    spread = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    return np.divide((one * two).sum(axis=1), spread, out=np.full(len(a), np.nan), where=spread > 0)
