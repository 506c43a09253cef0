"""Problems F = f + r: smooth terms, nonsmooth terms, their composites, and generators."""

from l2o.problems import nonsmooth, real, smooth, synthetic
from l2o.problems.composite import Composite, lasso, logistic_l1, quadratic

__all__ = ["Composite", "lasso", "logistic_l1", "nonsmooth", "quadratic", "real", "smooth", "synthetic"]
