"""Smooth terms f: one file each."""

from l2o.problems.smooth._base import SmoothTerm
from l2o.problems.smooth._linear_map import LinearMap
from l2o.problems.smooth._remembered import Remembered
from l2o.problems.smooth._sample_loss import SampleLoss
from l2o.problems.smooth.huber import Huber
from l2o.problems.smooth.interpolated import Interpolated
from l2o.problems.smooth.least_squares import LeastSquares
from l2o.problems.smooth.logistic import Logistic
from l2o.problems.smooth.quadratic_form import QuadraticForm
from l2o.problems.smooth.sigmoid_loss import SigmoidLoss
from l2o.problems.smooth.squared_hinge import SquaredHinge
from l2o.problems.smooth.student_t import StudentT
from l2o.problems.smooth.welsch import Welsch

__all__ = [
    "Huber",
    "Interpolated",
    "LeastSquares",
    "LinearMap",
    "Logistic",
    "QuadraticForm",
    "Remembered",
    "SampleLoss",
    "SigmoidLoss",
    "SmoothTerm",
    "SquaredHinge",
    "StudentT",
    "Welsch",
]
