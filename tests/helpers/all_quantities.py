"""Runs that have every quantity of the vocabulary: those that no run has at once are drawn."""

from dataclasses import replace

import numpy as np

from l2obound import bounds
from tests.helpers import bound_runs as runs


def complete(seed, steps, h, batch=200, scale=0.3):
    rng = np.random.default_rng(seed)
    problem = runs.lasso(rng, batch)
    x0, z = rng.standard_normal((2, batch, 5))
    made = runs.inexact(problem, x0, steps, lambda k, x, s: scale * rng.standard_normal(x.shape), h, z)
    q = replace(made, preconditioner=rng.uniform(0, 2, (batch, steps, 5)) / problem.L[:, None, None]).measure()
    arguments = (
        "bracket",
        "C1",
        "C2",
        "dz",
        "pshift",
        "bshift",
        "defect",
        "defect_floor",
        "eps",
        "ex_own",
        "share",
        "model",
        "model_0",
        "accel_momentum",
        "accel_ex",
        "accel_enorm",
    )
    extra = {name: rng.uniform(0, 1, (batch, steps)) for name in arguments}
    extra |= {name: rng.uniform(0.1, 1, (batch, steps)) for name in ("step_h", "weight")}
    extra |= {f"history_{name}": rng.uniform(0, 0.9, batch) for name in ("q", "r", "b", "radius")}
    # below the step, so that B8 says something; near it a rate divides by nothing
    extra["sigma_max"] = rng.uniform(0, 0.9, batch) * q.values["h"]
    extra["mean_grad"] = rng.uniform(0, 1, batch)
    for name in (
        "pot",
        "left",
        "guard_count",
        "guard_weight",
        "budget",
        "energy",
        "motion",
        "accel_weight",
        "accel_dist",
    ):
        extra[name] = rng.uniform(0.1, 1, (batch, steps + 1))
    extra |= {
        name: rng.uniform(0, 1, (batch, steps)) for name in ("guard_floor", "x_floor", "guard_momentum", "guarded")
    }
    return bounds.Quantities({**q.values, **extra}, q.errors, q.facts, q.steps, q.batch)
