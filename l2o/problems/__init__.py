"""Problems F = f + r: smooth terms, nonsmooth terms, their composites, and generators."""

from l2o.problems import real, synthetic
from l2o.problems.composite import Composite
from l2o.problems.constructors import (
    box,
    elastic_net,
    l1,
    lasso,
    least_squares,
    logistic,
    logistic_l1,
    nonnegative,
    quadratic,
    quadratic_form,
    zero,
)

__all__ = [
    "Composite",
    "box",
    "elastic_net",
    "l1",
    "lasso",
    "least_squares",
    "logistic",
    "logistic_l1",
    "nonnegative",
    "quadratic",
    "quadratic_form",
    "real",
    "synthetic",
    "zero",
]
