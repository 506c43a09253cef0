"""Small problems of every combination of terms."""

from __future__ import annotations

import numpy as np
import torch

from l2obound.l2o.problems import Composite
from l2obound.l2o.problems.constructors import nonnegative
from l2obound.l2o.problems.nonsmooth import L1, Box, ElasticNet, Zero
from l2obound.l2o.problems.smooth import LeastSquares, LinearMap, Logistic, QuadraticForm


def tensor(values) -> torch.Tensor:
    return torch.as_tensor(np.asarray(values, dtype=np.float64))


def smooth_term(kind: str, batch: int, rows: int, dim: int, seed: int = 0):
    rng = np.random.default_rng([seed, batch, rows, dim])
    a = rng.standard_normal((batch, rows, dim))
    if kind == "least-squares":
        return LeastSquares(LinearMap(tensor(a)), tensor(rng.standard_normal((batch, rows))))
    if kind == "logistic":
        return Logistic(LinearMap(tensor(a)), tensor(rng.random((batch, rows)) < 0.5))
    q = np.einsum("bmi,bmj->bij", a, a)
    return QuadraticForm(LinearMap(tensor(0.5 * (q + q.transpose(0, 2, 1)))), tensor(rng.standard_normal((batch, dim))))


NONSMOOTH = {
    "zero": lambda: Zero(),
    "l1": lambda: L1(tensor([[0.1]])),
    "l1 with lam = 0": lambda: L1(tensor([[0.0]])),
    "elastic net": lambda: ElasticNet(tensor([[0.1]]), tensor([[0.3]])),
    "ridge": lambda: ElasticNet(tensor([[0.0]]), tensor([[0.3]])),
    "elastic net without ridge": lambda: ElasticNet(tensor([[0.1]]), tensor([[0.0]])),
    "box": lambda: Box(tensor([[-0.3]]), tensor([[0.5]])),
    "nonnegative": lambda: nonnegative(),
}

SMOOTH = ("least-squares", "logistic", "quadratic")


def problem(smooth: str, nonsmooth: str, batch: int = 3, rows: int = 12, dim: int = 5, seed: int = 0) -> Composite:
    return Composite(smooth_term(smooth, batch, rows, dim, seed), NONSMOOTH[nonsmooth]())
