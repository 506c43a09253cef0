"""How far may steps drift from Assumption 1 before the guarantee, and then the performance, ends (B13).

`_patterns` are optimizers that miss the step 1/L by a known amount, `_theory` is what the catalogue and the exact worst
cases say of that amount, `_measure` holds one run against it, `_checkpoints` are trained models at several stages and
widths, `_correlation` asks whether deviation and rate go together, `_run` holds them together, and `_figure`,
`_sentences`, `_explore` and `_page` show the result.
"""

from ._checkpoints import Checkpoint
from ._correlation import Correlation
from ._measure import AtStep, Cell
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
from ._run import Sensitivity, Settings, sensitivity
from ._sentences import lines

write = STUDY.write

__all__ = [
    "PATTERNS",
    "STUDY",
    "AtStep",
    "Bias",
    "Cell",
    "Checkpoint",
    "Correlation",
    "Momentum",
    "MomentumWeight",
    "PatternCheck",
    "RandomSigns",
    "Sensitivity",
    "Settings",
    "StepScale",
    "WorstSigns",
    "check_pattern",
    "lines",
    "pattern",
    "sensitivity",
    "write",
]
