"""Problems, optimizers and runs of learning to optimize, in torch.

`rollout(optimizer, problem, x0, steps)` is the verb everything else is built from. This package knows neither the
theory (`bounds`) nor the judge (`verification`).
"""

if __name__ == "l2o":  # a checkout has the folder on the path; its modules import each other below l2obound
    raise ImportError("this is a part of l2obound: from l2obound import l2o")

from ..errors import InputError
from . import problems
from .optimizers import guaranteed, optimizer, optimizer_names
from .optimizers.by_name import OptimizerSource, adapt, resolve_optimizer
from .optimizers.checkpoints import load_official
from .optimizers.scheduled import method_from
from .pretrained import load_trained, pretrained, pretrained_names, shipped_family
from .problems import (
    Composite,
    box,
    elastic_net,
    group_l1,
    huber,
    l1,
    l2_ball,
    largest_curvature,
    lasso,
    least_squares,
    logistic,
    logistic_l1,
    nonnegative,
    quadratic,
    quadratic_form,
    real,
    sigmoid_loss,
    simplex,
    squared_hinge,
    student_t,
    synthetic,
    welsch,
    zero,
)
from .problems.from_functions import nonsmooth, smooth
from .problems.from_worst_case import problem_from, start_from
from .runs.objective_curve import objective_curve
from .runs.objectives import Objectives, run_from_objectives
from .runs.rollout import rollout, run_from_iterates
from .runs.run import Run
from .runs.run_files import read_run
from .training import TrainingConfig, train

__all__ = [
    "Composite",
    "InputError",
    "Objectives",
    "OptimizerSource",
    "Run",
    "TrainingConfig",
    "adapt",
    "box",
    "elastic_net",
    "group_l1",
    "guaranteed",
    "huber",
    "l1",
    "l2_ball",
    "largest_curvature",
    "lasso",
    "least_squares",
    "load_official",
    "load_trained",
    "logistic",
    "logistic_l1",
    "method_from",
    "nonnegative",
    "nonsmooth",
    "objective_curve",
    "optimizer",
    "optimizer_names",
    "pretrained",
    "pretrained_names",
    "problem_from",
    "problems",
    "quadratic",
    "quadratic_form",
    "read_run",
    "real",
    "resolve_optimizer",
    "rollout",
    "run_from_iterates",
    "run_from_objectives",
    "shipped_family",
    "sigmoid_loss",
    "simplex",
    "smooth",
    "squared_hinge",
    "start_from",
    "student_t",
    "synthetic",
    "train",
    "welsch",
    "zero",
]
