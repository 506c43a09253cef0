r"""Confidence bounds that hold for every sample size and every distribution, from N independent draws.

Each function is pure and says what is proved. "With confidence 1 - delta" means: over the draw of the sample the bound
is wrong with probability at most delta, whatever the distribution is, ties and mass at infinity included. Quantiles of
the beta and the binomial law are those of SciPy; what depends on them is moved outwards by `_OUTWARDS`, which is more
than they are off.

- [CP] Clopper, Pearson. The use of confidence or fiducial limits illustrated in the case of the binomial. 1934.
- [M] Massart. The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality. 1990.
- [DN] David, Nagaraja. Order Statistics, section 7.1. 2003.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.stats import beta, binom

from ...l2o import InputError

_OUTWARDS = 1e-9


def proportion_lower(successes: Any, n: int, delta: float) -> np.ndarray:
    """Lower bounds of the probability of a success, of the shape of `successes` among n draws each.

    Clopper-Pearson [CP]: the p at which so many successes or more have probability delta; 0 for none. Proved: with
    confidence 1 - delta the probability is at least that. For all n it is delta^(1/n).
    """
    delta, counts = checked_delta(delta), _counts(successes, n)
    with np.errstate(invalid="ignore"):
        quantile = beta.ppf(delta, counts, n - counts + 1)
    return np.where(counts == 0, 0.0, quantile * (1 - _OUTWARDS))


def proportion_upper(successes: Any, n: int, delta: float) -> np.ndarray:
    """Upper bounds of the probability of a success: Clopper-Pearson [CP], 1 where every draw is one.

    Proved: with confidence 1 - delta the probability is at most that.
    """
    delta, counts = checked_delta(delta), _counts(successes, n)
    with np.errstate(invalid="ignore"):
        quantile = beta.isf(delta, counts + 1, n - counts)
    return np.where(counts == n, 1.0, np.minimum(quantile * (1 + _OUTWARDS), 1.0))


def proportion_interval(successes: Any, n: int, delta: float) -> tuple[np.ndarray, np.ndarray]:
    """Two-sided Clopper-Pearson intervals [CP], delta/2 for each side: with confidence 1 - delta they hold it."""
    half = checked_delta(delta) / 2
    return proportion_lower(successes, n, half), proportion_upper(successes, n, half)


def rank_below(n: int, q: float, delta: float) -> int:
    """The largest j for which the j-th smallest of n draws is at most the q-quantile with confidence 1 - delta.

    0 where there is none. The q-quantile is Q = inf{x: F(x) >= q}. Proved [DN]: the j-th smallest exceeds Q only where
    fewer than j draws are at most Q, each of which is with probability F(Q) >= q; so with probability at most
    P(Bin(n, q) < j).
    """
    checked_sample(n), checked_quantile(q)
    return int(np.count_nonzero(binom.cdf(np.arange(n), n, q) <= checked_delta(delta) * (1 - _OUTWARDS)))


def rank_above(n: int, q: float, delta: float) -> int:
    """The least l for which the l-th smallest of n draws is at least the q-quantile with confidence 1 - delta.

    n + 1, which stands for +inf, where there is none. Proved [DN]: the l-th smallest is below Q only where l draws or
    more are, each of which is with probability F(Q-) <= q; so with probability at most P(Bin(n, q) >= l).
    """
    checked_sample(n), checked_quantile(q)
    return 1 + int(np.count_nonzero(binom.sf(np.arange(n), n, q) > checked_delta(delta) * (1 - _OUTWARDS)))


def quantile_ranks(n: int, q: float, delta: float) -> tuple[int, int]:
    """Ranks (j, l) of the order statistics that hold the q-quantile between them with confidence 1 - delta.

    delta/2 for each side, exactly from the binomial law. 0 stands for -inf, n + 1 for +inf: the sample is too small.
    """
    half = checked_delta(delta) / 2
    return rank_below(n, q, half), rank_above(n, q, half)


def dkw_width(n: int, delta: float, sides: int = 2) -> float:
    """How far the distribution function is from that of n draws, at most, with confidence 1 - delta.

    Massart's constant [M]. Proved: sup |F_n - F| <= sqrt(log(2/delta)/(2n)) with `sides` = 2, and with `sides` = 1
    sup (F_n - F) <= sqrt(log(1/delta)/(2n)) for delta <= 1/2; a larger delta is taken for 1/2. For all x at once.
    """
    checked_sample(n)
    if sides not in (1, 2):
        raise InputError(f"guarantee: sides must be 1 or 2, got {sides!r}.")
    delta = checked_delta(delta)
    return math.sqrt(math.log(2 / delta if sides == 2 else 1 / min(delta, 0.5)) / (2 * n))


def cdf_band(sample: Any, x: Any, delta: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds of F at `x`, of its shape, from a `sample` (N,): the DKW band, within [0, 1].

    Proved: with confidence 1 - delta they hold F at every x at once [M].
    """
    draws, at = np.sort(np.asarray(sample, dtype=float)), np.asarray(x, dtype=float)
    if draws.ndim != 1 or np.isnan(draws).any():
        raise InputError(
            f"guarantee: sample must be N numbers (inf for a run that diverged), got shape {draws.shape} or NaN."
        )
    width = dkw_width(len(draws), delta)
    share = np.searchsorted(draws, at, side="right") / max(len(draws), 1)
    return np.maximum(share - width, 0.0), np.minimum(share + width, 1.0)


def dkw_ranks(n: int, q: float, width: float) -> tuple[int, int]:
    """Ranks (j, l), as those of `quantile_ranks`, of the q-quantile of any F with sup |F_n - F| <= `width`.

    Proved: F(X_(l)) >= l/n - width >= q gives X_(l) >= Q; and X_(j) > Q would give q <= F(Q) <= (j - 1)/n + width.
    """
    checked_sample(n), checked_quantile(q)
    below, above = n * (q - width) * (1 - _OUTWARDS), n * (q + width) * (1 + _OUTWARDS)
    return max(0, math.ceil(below)), min(n + 1, math.ceil(above))


def checked_delta(delta: Any) -> float:
    """delta, if it is a number in (0, 1)."""
    if not _number(delta) or not 0 < delta < 1:
        raise InputError(
            f"guarantee: delta must be a number in (0, 1), got {delta!r}; it is the probability with which the "
            "statement may be wrong, 0.05 say."
        )
    return float(delta)


def checked_sample(n: Any) -> int:
    """The size of a sample, if it is an integer >= 1."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise InputError(
            f"guarantee: expected instances, an integer >= 1, got {n!r}; without a sample nothing is known."
        )
    return int(n)


def checked_quantile(q: Any) -> float:
    """q, if it is a number in (0, 1)."""
    if not _number(q) or not 0 < q < 1:
        raise InputError(f"guarantee: a quantile must be a number in (0, 1), got {q!r}; 0.5 is the median.")
    return float(q)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _counts(successes: Any, n: int) -> np.ndarray:
    checked_sample(n)
    counts = np.asarray(successes)
    if counts.dtype.kind not in "iu" or (counts < 0).any() or (counts > n).any():
        raise InputError(f"guarantee: successes must be integers in 0..{n}, got {successes!r}.")
    return counts
