"""Smooth terms f: one file each."""

from ._linear_map import LinearMap
from ._remembered import Remembered
from .base import Evaluated, SmoothTerm
from .huber import Huber
from .interpolated import Interpolated
from .least_squares import LeastSquares
from .logistic import Logistic
from .quadratic_form import QuadraticForm
from .sample_loss import SampleLoss
from .sigmoid_loss import SigmoidLoss
from .squared_hinge import SquaredHinge
from .student_t import StudentT
from .welsch import Welsch
from .wrapped import WrappedSmooth

__all__ = [
    "Evaluated",
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
    "WrappedSmooth",
]
