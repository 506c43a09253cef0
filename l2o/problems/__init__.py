"""Problems F = f + r: smooth terms, nonsmooth terms, their composites, and generators."""

from l2o.problems import real, synthetic
from l2o.problems.composite import Composite
from l2o.problems.constructors import (
    box,
    elastic_net,
    huber,
    l1,
    lasso,
    least_squares,
    logistic,
    logistic_l1,
    nonnegative,
    quadratic,
    quadratic_form,
    sigmoid_loss,
    squared_hinge,
    student_t,
    welsch,
    zero,
)

__all__ = [
    "Composite",
    "box",
    "elastic_net",
    "huber",
    "l1",
    "lasso",
    "least_squares",
    "logistic",
    "logistic_l1",
    "nonnegative",
    "quadratic",
    "quadratic_form",
    "real",
    "sigmoid_loss",
    "squared_hinge",
    "student_t",
    "synthetic",
    "welsch",
    "zero",
]
