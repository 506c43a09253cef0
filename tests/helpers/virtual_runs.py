"""Pairs of runs, in and out of distribution, of learned optimizers."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from l2obound import l2o
from l2obound.verification import Optimum, optimum

STEPS = 12
MODELS = {
    "go-math-l2o": {},
    "go-math-l2o, all heads": {"b3_norm": "tanh", "b3_scale": 0.02, "b4_norm": "tanh", "b4_scale": 0.02},
    "go-math-l2o, standard": {"gradient_map": "standard", "q_step_power": 1, "b3_norm": "tanh", "b3_scale": 0.02},
    "l2o-pa": {},
    "l2o-pa, all heads": {"b_norm": "sigmoid1", "b1_norm": "tanh", "b2_norm": "tanh", "b1_scale": 0.1, "b2_scale": 0.1},
}
SHIFTS = ("start", "objective", "both", "scaled")


@cache
def model(name: str, trained: bool = False) -> Any:
    kind = name.split(",")[0]
    return l2o.pretrained(kind, "lasso") if trained else l2o.optimizer(kind, seed=5, **MODELS[name])


@cache
def problem() -> l2o.Composite:
    return l2o.synthetic.lasso(3, 10, 16, sparsity=3, seed=2)


def shifted(shift: str) -> tuple[l2o.Composite, torch.Tensor]:
    p, x0 = problem(), l2o.synthetic.starts(problem())
    return {
        "none": (p, x0),
        "start": (p, x0 + 1.5),
        "objective": (p.shifted(0.8), x0),
        "both": (p.shifted(0.8), x0 - 0.8),
        "scaled": (p.scaled([0.3, 1.0, 4.0]), x0),
    }[shift]


@cache
def run_of(name: str, shift: str, trained: bool = False, steps: int = STEPS) -> l2o.Run:
    return l2o.rollout(model(name, trained), *shifted(shift), steps)


@cache
def certified(shift: str) -> Optimum:
    return optimum(shifted(shift)[0])
