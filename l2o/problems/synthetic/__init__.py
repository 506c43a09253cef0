"""Seeded generators of synthetic families: those of the paper, and one for each further term.

Every instance b of a batch has a random stream of its own, derived from (seed, family, b), so that the first
instances of a larger batch are those of a smaller one and different seeds never share an instance.
"""

from ._lasso import LAWS, lasso, lasso_dictionary
from ._losses import huber_l1, logistic_l1, sigmoid_l1, squared_hinge_l1, student_t_l1, welsch_l1
from ._sets import group_lasso, quadratic, simplex_least_squares, starts

__all__ = [
    "LAWS",
    "group_lasso",
    "huber_l1",
    "lasso",
    "lasso_dictionary",
    "logistic_l1",
    "quadratic",
    "sigmoid_l1",
    "simplex_least_squares",
    "squared_hinge_l1",
    "starts",
    "student_t_l1",
    "welsch_l1",
]
