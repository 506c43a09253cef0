"""What shifts of the distribution that occur in practice cost a learned optimizer, and what they consist of (B4, B5).

`_shifts` are axes with levels from none to strong, `_cost` compares a model's iterations with those of classical
methods on the same instances, `_attribution` says what the steps' deviations are made of, `_measure` holds one model
on one level together, `_predict` asks whether the distance of the features orders the costs, `_compare` which of two
models loses less, `_run` holds all of it, and `_figure`, `_sentences` and `_page` show the result.
For a model and a pair of data sets of one's own, `_model` measures the same, and `_model_page` shows it.
"""

from ._attribution import Attribution, adds_up, attribution
from ._compare import Comparison
from ._cost import Cost, Interval
from ._measure import Cell, Field
from ._model import Curve, ModelDrift, ModelSettings, drift_of
from ._model_page import MODEL_STUDY
from ._page import STUDY
from ._predict import Prediction
from ._run import Drift, Settings, drift, quick
from ._sentences import lines
from ._shifts import SHIFTS, Family, Level, Shift, trained_family

write = STUDY.write

__all__ = [
    "MODEL_STUDY",
    "SHIFTS",
    "STUDY",
    "Attribution",
    "Cell",
    "Comparison",
    "Cost",
    "Curve",
    "Drift",
    "Family",
    "Field",
    "Interval",
    "Level",
    "ModelDrift",
    "ModelSettings",
    "Prediction",
    "Settings",
    "Shift",
    "adds_up",
    "attribution",
    "drift",
    "drift_of",
    "lines",
    "quick",
    "trained_family",
    "write",
]
