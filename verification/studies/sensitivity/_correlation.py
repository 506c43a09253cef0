"""Whether instances on which a trained model deviates more are those on which it converges more slowly.

B13 (v) of the theory. Spearman's rank correlation over n instances between a measured deviation and the log-rate
log10((F(x_K) - F*)/(F(x_0) - F*))/K, in decades a step: a positive one says that more deviation goes with a slower run.
The interval is a percentile bootstrap over instances; over few groups it takes only the spread from the bootstrap. A
correlation over the instances of one model, measured on one family; nothing in it is a cause, and nothing is proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr
from scipy.stats import t as student

from .... import l2o
from ....l2o import Composite, InputError
from ...diagnosis.assumption_meter import assumption_meter
from ...optima import Optimum
from ...optima.gaps import gaps, relative_to_start
from ...runs.inspection import as_numpy

LEVEL = 0.95
_NEARLY_ONE = 1 - 1e-6
"""Correlations of 1 have no z."""
LEAST = 1e-14
"""Shares of the initial gap below this are rounding of F, and count as this."""
FEWEST = 5
"""Instances, or groups of them, that an interval needs. Fewer than 5 numbers are in perfect order by chance with a
probability 2/n! above 5 %, and are so in every draw: the interval would be a point. One group always is."""


@dataclass(frozen=True)
class Correlation:
    """Spearman's `value` over `n` instances with its bootstrap interval; None where either side does not vary.

    `at_rounding` of the instances have arrived at rounding of F: their rates are ties, and say less.
    """

    model: str
    family: str
    shift: float
    deviation: str
    n: int
    value: float | None
    low: float | None
    high: float | None
    p_value: float | None
    deviation_median: float
    rate_median: float
    at_rounding: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and (self.low > 0 or self.high < 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {**asdict(self), "clear": self.clear}


def spearman(
    a: Sequence[float],
    b: Sequence[float],
    *,
    resamples: int = 2000,
    seed: int = 0,
    groups: Sequence[int] | None = None,
) -> tuple[float | None, float | None, float | None, float | None]:
    """Spearman's correlation of two samples of n, the ends of its interval, and the p-value of scipy.

    `resamples` draws of n instances with replacement, all at once, each ranked anew; draws without variation are left
    out. `groups`: n numbers from 0 on, of groups of equal size that are drawn as a whole because their members are no
    independent draws. The p-value does not know of them and is None, and the interval is Student's for that number of
    groups, on Fisher's z: over six groups percentiles cover 0.93 of the time, and this 0.95, as a test says. Fewer
    than `FEWEST` instances or groups have no interval.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or a.size < 3 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError(
            f"spearman: expected two samples of one length >= 3, all finite, got shapes {a.shape} and {b.shape}; leave "
            f"out the instances that diverged."
        )
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None, None, None, None
    value = spearmanr(a, b)
    members = np.arange(a.size)[:, None] if groups is None else _members(groups, a.size)
    p_value = float(value.pvalue) if groups is None else None
    if len(members) < FEWEST:
        return float(value.statistic), None, None, p_value
    drawn_groups = np.random.default_rng(seed).integers(0, len(members), (resamples, len(members)))
    draw = members[drawn_groups].reshape(resamples, -1)
    ranks = [rankdata(sample[draw], axis=1) for sample in (a, b)]
    one, two = (r - r.mean(axis=1, keepdims=True) for r in ranks)
    spread = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    drawn = (one * two).sum(axis=1)[spread > 0] / spread[spread > 0]
    if not drawn.size:
        return float(value.statistic), None, None, p_value
    if groups is None:
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    else:
        low, high = _of_few(float(value.statistic), drawn, len(members))
    return float(value.statistic), float(low), float(high), p_value


def _of_few(value: float, drawn: np.ndarray, groups: int) -> tuple[float, float]:
    """The interval from few groups, whose percentiles cover too seldom: Student's t on Fisher's z."""
    z = np.arctanh(np.clip(drawn, -_NEARLY_ONE, _NEARLY_ONE))
    middle = np.arctanh(np.clip(value, -_NEARLY_ONE, _NEARLY_ONE))
    reach = student.ppf((1 + LEVEL) / 2, groups - 1) * z.std()
    return float(np.tanh(middle - reach)), float(np.tanh(middle + reach))


def _members(groups: Sequence[int], n: int) -> np.ndarray:
    """(groups, members) indices of the samples in each group."""
    labels = np.asarray(groups)
    sizes = np.bincount(labels) if labels.shape == (n,) and labels.min() >= 0 else np.zeros(1)
    if sizes.min() < 1 or sizes.max() != sizes.min():
        raise InputError(f"groups: expected {n} numbers from 0 on, each as often as any other, got {list(groups)}.")
    return np.argsort(labels, kind="stable").reshape(len(sizes), -1)


def correlations(
    label: str,
    optimizer: Any,
    family: str,
    problem: Composite,
    optimum: Optimum,
    shift: float,
    *,
    first: int,
    steps: int,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[Correlation, ...]:
    """Correlations of the deviations of the `first` steps with the log-rate over `steps` steps, shift s = `shift`.

    Deviations: median and largest rho_k, and the median delta-sum of the assumption meter. Instances that do not fit
    float64 are left out; n says how many are left.
    """
    run = l2o.rollout(optimizer, problem, l2o.synthetic.starts(problem, shift=shift, seed=seed), steps, seed=seed)
    meter = assumption_meter(run, problem, optimizer)
    share = relative_to_start(gaps(as_numpy(run.objective), optimum)).low[:, -1]
    rate = np.log10(np.maximum(share, LEAST)) / steps
    measured = {"median rho": (np.nanmedian, meter.rho), "largest rho": (np.nanmax, meter.rho)}
    if meter.delta_sum is not None:
        measured["median delta-sum"] = (np.nanmedian, meter.delta_sum["gradient_descent"])
    found = []
    for name, (summary, values) in measured.items():
        kept = np.isfinite(rate) & meter.judged[:, :first].any(axis=1)
        if kept.sum() < 3:
            raise InputError(f"sensitivity: {label} leaves {int(kept.sum())} sound instances, of 3 at least; use more.")
        deviation = summary(values[kept, :first], axis=1)
        value, low, high, p = spearman(deviation, rate[kept], resamples=resamples, seed=seed)
        medians = float(np.median(deviation)), float(np.median(rate[kept])), int((share[kept] <= LEAST).sum())
        found.append(Correlation(label, family, shift, name, int(kept.sum()), value, low, high, p, *medians))
    return tuple(found)
