"""Certified optimal values: a rigorous interval of F* for every instance of a problem.

`optimum` solves and certifies. `run_certificate` has a lower bound from what a run evaluated, `certificate_checker`
verifies one in exact arithmetic, and `solve` runs any optimizer until its gap is certified.
"""

from ._cross_check import CrossCheck, CrossCheckError
from ._pipeline import optimum
from ._result import Optimum
from .ledger import CertificateError

__all__ = ["CertificateError", "CrossCheck", "CrossCheckError", "Optimum", "optimum"]
