"""Smooth terms f: one file each."""

from l2o.problems.smooth._base import SmoothTerm
from l2o.problems.smooth._linear_map import LinearMap
from l2o.problems.smooth._remembered import Remembered
from l2o.problems.smooth.interpolated import Interpolated
from l2o.problems.smooth.least_squares import LeastSquares
from l2o.problems.smooth.logistic import Logistic
from l2o.problems.smooth.quadratic_form import QuadraticForm

__all__ = ["Interpolated", "LeastSquares", "LinearMap", "Logistic", "QuadraticForm", "Remembered", "SmoothTerm"]
