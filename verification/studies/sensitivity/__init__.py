"""How far may steps drift from Assumption 1 before the guarantee, and then the performance, ends (B13).

`_patterns` are optimizers that miss the step 1/L by a known amount, `_theory` is what the catalogue and the exact worst
cases say of that amount, `_measure` holds one run against it, `_checkpoints` are trained models at several stages and
widths, `_correlation` asks whether deviation and rate go together, `_run` holds them together, and `_figure`,
`_sentences`, `_explore` and `_page` show the result. For a model of one's own, `_perturbed` adds a deviation to the
steps of any optimizer, `_model` measures what it costs and where each guarantee ends, and `_model_page` shows it.
"""

from ._checkpoints import Checkpoint
from ._correlation import Correlation
from ._measure import AtStep, Cell
from ._model import BoundAt, End, ModelCell, ModelSensitivity, ModelSettings, Reach, sensitivity_of
from ._model_page import MODEL_STUDY
from ._page import STUDY
from ._patterns import (
    PATTERNS,
    Bias,
    Momentum,
    MomentumWeight,
    PatternCheck,
    RandomSigns,
    StepScale,
    WorstSigns,
    check_pattern,
    pattern,
)
from ._perturbed import Perturbed, perturbed
from ._run import Sensitivity, Settings, sensitivity
from ._sentences import lines

write = STUDY.write

__all__ = [
    "MODEL_STUDY",
    "PATTERNS",
    "STUDY",
    "AtStep",
    "Bias",
    "BoundAt",
    "Cell",
    "Checkpoint",
    "Correlation",
    "End",
    "ModelCell",
    "ModelSensitivity",
    "ModelSettings",
    "Momentum",
    "MomentumWeight",
    "PatternCheck",
    "Perturbed",
    "RandomSigns",
    "Reach",
    "Sensitivity",
    "Settings",
    "StepScale",
    "WorstSigns",
    "check_pattern",
    "lines",
    "pattern",
    "perturbed",
    "sensitivity",
    "sensitivity_of",
    "write",
]
