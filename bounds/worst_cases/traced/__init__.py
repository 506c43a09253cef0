"""Worst cases of methods that are code: a Python function is run on symbols, and what it asks for is the question.

Where things are: `vectors` (the symbols), `classes` (functions and operators, with their inequalities), `oracles` (what
a method may ask), `question`, `_frame` (the origin), `_model` and `_forms` (the conic data, in floats and fractions),
`_linear` and `_matrices` (classes of matrices, and their instances), `_shown` and `_witness` (both ends), `answer`,
`certificate`, `replay` (the code run on its worst case), `inequalities` (for `designs` and `discoveries`), `lyapunov`,
and `sublinear` (rates for every k), `methods` (known methods as such code).
"""

from . import classes, methods
from .answer import TracedWorstCase, traced_answer
from .as_code import Method
from .inequalities import Inequalities
from .lyapunov import LyapunovRate, lyapunov
from .oracles import Run
from .question import INITIALS, METRICS, TracedSetting, traced_setting
from .replay import replayed
from .sublinear import SublinearRate, sublinear

__all__ = [
    "INITIALS",
    "METRICS",
    "Inequalities",
    "LyapunovRate",
    "Method",
    "Run",
    "SublinearRate",
    "TracedSetting",
    "TracedWorstCase",
    "classes",
    "lyapunov",
    "methods",
    "replayed",
    "sublinear",
    "traced_answer",
    "traced_setting",
]
