"""Finite-sample guarantees: what holds of a new instance of a family, with confidence, from N that were run.

Where things are: `sample` (the instances and the runs), `result` and `_guarantee` (the entry), `figures`. Intervals and
bands are those of `verification.statistics`.
"""

from ..statistics.bands import ProbabilityCurves, QuantileCurves, probability_curves, quantile_curves
from ..statistics.intervals import (
    cdf_band,
    dkw_ranks,
    dkw_width,
    proportion_interval,
    proportion_lower,
    proportion_upper,
    quantile_ranks,
    rank_above,
    rank_below,
)
from ._guarantee import guarantee
from .figures import figure
from .result import Guarantee
from .sample import Sample

__all__ = [
    "Guarantee",
    "ProbabilityCurves",
    "QuantileCurves",
    "Sample",
    "cdf_band",
    "dkw_ranks",
    "dkw_width",
    "figure",
    "guarantee",
    "probability_curves",
    "proportion_interval",
    "proportion_lower",
    "proportion_upper",
    "quantile_curves",
    "quantile_ranks",
    "rank_above",
    "rank_below",
]
