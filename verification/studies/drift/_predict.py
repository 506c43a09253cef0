"""Whether the distance of the features orders the costs: the paper's claim, asked of measured runs.

Three rank correlations (Spearman) of a predictor with the excess of iterations, over B instances at J levels:

- `pooled`: over all J B pairs of one shift. Stronger levels of most shifts have both larger, so this says that the
  predictor tells levels apart;
- `within`: the mean over the levels of the correlation over instances at one level. This says that it tells instances
  apart;
- `levels`: over all practical levels of all shifts, of the medians over instances. This says that it compares shifts.

Pairs of one instance at several levels are not independent, so the bootstrap draws instances, with all their levels.
Intervals are percentiles of it; nothing is proved, and a correlation is no cause.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from ....l2o import InputError
from ._cost import LEVEL

FEWEST = 5
"""Fewer instances are in perfect order by chance in more than 5 % of samples, and then in every resample."""
WAYS = ("pooled", "within", "levels")


@dataclass(frozen=True)
class Prediction:
    """Spearman's `value` of `predictor` with the excess, with its interval; None where one of the two does not vary.

    `shift` is "" for the correlation over the levels of all practical shifts.
    """

    model: str
    shift: str
    predictor: str
    way: str
    instances: int
    levels: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves out 0, else 0."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {**asdict(self), "sign": self.sign}


def rank_correlation(
    a: np.ndarray, b: np.ndarray, way: str, *, resamples: int = 2000, seed: int = 0
) -> tuple[float | None, float | None, float | None]:
    """The correlation of `a` and `b`, (B,J) each, in one of `WAYS`, and the ends of its bootstrap interval.

    Resamples in which a side does not vary are left out. Fewer than `FEWEST` instances have no interval.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if way not in WAYS:
        raise InputError(f"rank_correlation: way must be one of {', '.join(WAYS)}, got {way!r}.")
    if a.shape != b.shape or a.ndim != 2 or len(a) < 3 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError(
            f"rank_correlation: expected two arrays (B,J) of one shape, B >= 3, all finite, got {a.shape} and "
            f"{b.shape}; leave out what is not finite."
        )
    value = _correlation(a[None], b[None], way)[0]
    if not np.isfinite(value):
        return None, None, None
    if len(a) < FEWEST:
        return float(value), None, None
    draw = np.random.default_rng(seed).integers(0, len(a), (resamples, len(a)))
    drawn = np.concatenate([_correlation(a[d], b[d], way) for d in np.array_split(draw, max(1, resamples // 200))])
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return float(value), None, None
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(value), float(low), float(high)


def _correlation(a: np.ndarray, b: np.ndarray, way: str) -> np.ndarray:
    """(R,) for samples (R,B,J); NaN where a side does not vary."""
    if way == "pooled":
        return _spearman(a.reshape(len(a), -1), b.reshape(len(b), -1))
    if way == "levels":
        return _spearman(np.median(a, axis=1), np.median(b, axis=1))
    by_level = np.stack([_spearman(a[:, :, j], b[:, :, j]) for j in range(a.shape[2])])
    known = np.isfinite(by_level)
    with np.errstate(invalid="ignore"):
        return np.where(known, by_level, 0.0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)


def _spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(R,) of samples (R,N)."""
    one, two = (r - r.mean(axis=1, keepdims=True) for r in (rankdata(a, axis=1), rankdata(b, axis=1)))
    spread = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    return np.divide((one * two).sum(axis=1), spread, out=np.full(len(a), np.nan), where=spread > 0)
