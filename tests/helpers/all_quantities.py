"""Runs that have every quantity of the vocabulary: those that no run has at once are drawn."""

from dataclasses import replace

import numpy as np

from l2obound import bounds
from tests.helpers import bound_runs as runs

DRAWN = {
    (0.0, 1.0): (
        *("bracket", "C1", "C2", "dz", "pshift", "bshift", "defect", "defect_floor", "eps", "ex_own", "share"),
        *("model", "model_0", "accel_momentum", "accel_ex", "accel_enorm", "mean_grad"),
        *("guard_floor", "x_floor", "guard_momentum", "guarded"),
    ),
    (0.0, 0.9): ("history_q", "history_r", "history_b", "history_radius"),
    (0.1, 1.0): (
        *("step_h", "weight", "pot", "left", "guard_count", "guard_weight", "budget", "energy", "motion"),
        *("accel_weight", "accel_dist"),
    ),
}
"""Between which numbers which quantities are drawn; their shapes are those of the vocabulary."""


def complete(seed, steps, h, batch=200, scale=0.3):
    rng = np.random.default_rng(seed)
    problem = runs.lasso(rng, batch)
    x0, z = rng.standard_normal((2, batch, 5))
    made = runs.inexact(problem, x0, steps, lambda k, x, s: scale * rng.standard_normal(x.shape), h, z)
    q = replace(made, preconditioner=rng.uniform(0, 2, (batch, steps, 5)) / problem.L[:, None, None]).measure()
    extra = {name: rng.uniform(*ends, q.shape_of(name)) for ends, names in DRAWN.items() for name in names}
    # below the step, so that B8 says something; near it a rate divides by nothing
    extra["sigma_max"] = rng.uniform(0, 0.9, batch) * q.values["h"]
    return bounds.Quantities({**q.values, **extra}, q.errors, q.facts, q.steps, q.batch)
