"""Certified optimal values: a rigorous interval of F* for every instance of a problem.

`optimum` solves and certifies. `run_certificate` has a lower bound from what a run evaluated, `certificate_checker`
verifies one in exact arithmetic, and `solve` runs any optimizer until its gap is certified.
"""

from ._cross_check import CrossCheck, CrossCheckError
from ._given import refuse_above
from ._pipeline import optimum
from ._result import GIVEN, Optimum
from .ledger import CertificateError

__all__ = ["GIVEN", "CertificateError", "CrossCheck", "CrossCheckError", "Optimum", "optimum", "refuse_above"]
