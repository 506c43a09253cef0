"""Certified optimal values: a rigorous interval of F* for every instance of a problem."""

from ._cross_check import CrossCheck, CrossCheckError
from ._pipeline import optimum
from ._result import Optimum
from .ledger import CertificateError

__all__ = ["CertificateError", "CrossCheck", "CrossCheckError", "Optimum", "optimum"]
