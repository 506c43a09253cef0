"""Problems F = f + r: smooth terms, nonsmooth terms, their composites, and generators."""

from . import families, real, synthetic
from .composite import Composite
from .constructors import (
    box,
    elastic_net,
    group_l1,
    huber,
    l1,
    l2_ball,
    lasso,
    least_squares,
    logistic,
    logistic_l1,
    nonnegative,
    quadratic,
    quadratic_form,
    sigmoid_loss,
    simplex,
    squared_hinge,
    student_t,
    welsch,
    zero,
)
from .curvature import largest_curvature
from .from_functions import nonsmooth as nonsmooth_term
from .from_functions import smooth as smooth_term

__all__ = [
    "Composite",
    "box",
    "elastic_net",
    "families",
    "group_l1",
    "huber",
    "l1",
    "l2_ball",
    "largest_curvature",
    "lasso",
    "least_squares",
    "logistic",
    "logistic_l1",
    "nonnegative",
    "nonsmooth_term",
    "quadratic",
    "quadratic_form",
    "real",
    "sigmoid_loss",
    "simplex",
    "smooth_term",
    "squared_hinge",
    "student_t",
    "synthetic",
    "welsch",
    "zero",
]
