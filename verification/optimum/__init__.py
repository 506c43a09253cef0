"""Certified optimal values: a rigorous interval of F* for every instance of a problem."""

from verification.optimum._cross_check import CrossCheck, CrossCheckError
from verification.optimum._ledger import CertificateError
from verification.optimum._pipeline import optimum
from verification.optimum._result import Optimum

__all__ = ["CertificateError", "CrossCheck", "CrossCheckError", "Optimum", "optimum"]
