"""Whether instances on which a trained model deviates more are those on which it converges more slowly.

B13 (v) of the theory. Spearman's rank correlation over n instances between a measured deviation and the log-rate
log10((F(x_K) - F*)/(F(x_0) - F*))/K, in decades a step: a positive one says that more deviation goes with a slower run.
A correlation over the instances of one model, measured on one family; nothing in it is a cause, and nothing is proved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .... import l2o
from ....l2o import Composite, InputError
from ...diagnosis.assumption_meter import assumption_meter
from ...optima import Optimum
from ...optima.gaps import gaps, relative_to_start
from ...runs.inspection import as_numpy
from ...statistics.rank_correlation import rank_correlation

LEAST = 1e-14
"""Shares of the initial gap below this are rounding of F, and count as this."""


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
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {**asdict(self), "clear": self.clear}


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
    measured: dict[str, tuple[Callable[..., np.ndarray], np.ndarray]]
    measured = {"median rho": (np.nanmedian, meter.rho), "largest rho": (np.nanmax, meter.rho)}
    if meter.delta_sum is not None:
        measured["median delta-sum"] = (np.nanmedian, meter.delta_sum["gradient_descent"])
    table = []
    for name, (summary, values) in measured.items():
        sound = np.isfinite(rate) & meter.judged[:, :first].any(axis=1)
        if sound.sum() < 3:
            raise InputError(
                f"sensitivity: {label} leaves {int(sound.sum())} sound instances, of 3 at least; use more."
            )
        deviation = summary(values[sound, :first], axis=1)
        value, low, high, p = rank_correlation(deviation, rate[sound], resamples=resamples, seed=seed)
        medians = float(np.median(deviation)), float(np.median(rate[sound])), int((share[sound] <= LEAST).sum())
        table.append(Correlation(label, family, shift, name, int(sound.sum()), value, low, high, p, *medians))
    return tuple(table)
