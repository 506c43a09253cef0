r"""Exact worst cases of first-order methods, known from both sides (performance estimation).

The worst value of a metric after K steps, over a class of functions and all runs of a method, is a semidefinite
problem in the Gram matrix of the run's vectors (Drori, Teboulle 2014; Taylor, Hendrickx, Glineur 2017; PEPit is the
tool of reference). `worst_case` solves it, and gives the interval that the answer lies in:

    >>> from l2obound import bounds
    >>> found = bounds.worst_case(method="gradient", steps=5)
    >>> found.certificate().tau
    Fraction(1, 22)

Where things are: `_setting` (the question, checked), `_methods` (the methods as step functions), `_model` and
`_build` (the vectors of a run and the inequalities, in any number type), `_conic` (Clarabel), `_solve` (which problem
to solve), `_envelope`, `_rigour` and `_repair` (lower and upper bounds that are shown), `_witness` and `_exact`
(certificates in fractions), `_patterns` (multipliers that are proved for every K), `checker` (which knows nothing of
the rest), `_instance` (the worst case as arrays), `result`. A method may also be a Python function, which is run on
symbols (`traced`): `Method`, `classes` and `methods` are for that, and `replayed` runs the function on its worst
case. `lyapunov` and `sublinear` prove rates of such a method for every number of steps. `designs` looks for the steps
and the momentum with the least worst case (`design`). `discoveries` looks for formulas in K (`discover`), whose proofs
for every K `checker_induction` checks. To add a built-in method: a step function in `_methods`, and a line in
`METHODS`.
"""

from ._setting import CLASSES, INITIALS, METHODS, METRICS, UnboundedError
from ._solve import sweep, worst_case
from .designs import Design, design
from .discoveries import Discovery, discover
from .result import Certificate, WorstCase, tolerance
from .traced import (
    LyapunovRate,
    Method,
    SublinearRate,
    TracedWorstCase,
    classes,
    lyapunov,
    methods,
    replayed,
    sublinear,
)

__all__ = [
    "CLASSES",
    "INITIALS",
    "METHODS",
    "METRICS",
    "Certificate",
    "Design",
    "Discovery",
    "LyapunovRate",
    "Method",
    "SublinearRate",
    "TracedWorstCase",
    "UnboundedError",
    "WorstCase",
    "classes",
    "design",
    "discover",
    "lyapunov",
    "methods",
    "replayed",
    "sublinear",
    "sweep",
    "tolerance",
    "worst_case",
]
