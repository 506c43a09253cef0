"""Finite-sample guarantees: what holds of a new instance of a family, with confidence, from N that were run.

Where things are: `_intervals` (confidence bounds of probabilities, quantiles and distribution functions, for every
N), `_bands` (many of them at once), `_sample` (the instances and the runs), `_result` and `_guarantee` (the entry),
`_figure`.
"""

from ._bands import ProbabilityCurves, QuantileCurves, probability_curves, quantile_curves
from ._figure import figure
from ._guarantee import guarantee
from ._intervals import (
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
from ._result import Guarantee
from ._sample import Sample

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
