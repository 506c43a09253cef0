"""The problems and optimizers that tests share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from l2obound import l2o
from l2obound.l2o.problems.constructors import nonnegative
from l2obound.l2o.problems.nonsmooth import L1, Box, CoupledTerm, ElasticNet, NonsmoothTerm, Zero
from l2obound.l2o.problems.smooth import LeastSquares, LinearMap, Logistic, QuadraticForm, SmoothTerm


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).reshape(-1, 1)


def smooth_terms(batch: int = 3, rows: int = 7, dim: int = 5, seed: int = 0) -> dict[str, SmoothTerm]:
    rng = np.random.default_rng(seed)
    a = torch.as_tensor(rng.standard_normal((batch, rows, dim)))
    y = torch.as_tensor(rng.standard_normal((batch, rows)))
    q = a.mT @ a / rows
    return {
        "least-squares": LeastSquares(LinearMap(a), y),
        "least-squares-shared": LeastSquares(LinearMap(a[0]), y),
        "logistic": Logistic(LinearMap(a), (y > 0).double()),
        "quadratic": QuadraticForm(LinearMap(0.5 * (q + q.mT)), y[:, :dim]),
    }


def nonsmooth_terms(dim: int = 5) -> dict[str, NonsmoothTerm]:
    width = torch.linspace(0.1, 1.0, dim, dtype=torch.float64).reshape(1, -1)
    return {
        "zero": Zero(),
        "l1": L1(column(0.3)),
        "l1-per-instance": L1(column(0.1, 0.3, 0.7)),
        "elastic-net": ElasticNet(column(0.2), column(0.5)),
        "box": Box(-width, 2 * width),
        "nonnegative": nonnegative(),
    }


def losses(batch: int = 3, rows: int = 7, dim: int = 5, seed: int = 0) -> dict[str, SmoothTerm]:
    """Smooth terms that are sums or means of one loss over samples, besides least squares and the logistic one."""
    rng = np.random.default_rng([seed, 1])
    a, y = rng.standard_normal((batch, rows, dim)), rng.standard_normal((batch, rows))
    return {
        "huber": l2o.huber(a, y, [0.3, 0.8, 2.0][:batch]),
        "huber-shared": l2o.huber(a[0], y, 0.5),
        "squared-hinge": l2o.squared_hinge(a, y > 0),
        "student-t": l2o.student_t(a, y, 0.7),
        "welsch": l2o.welsch(a, y, [0.6, 1.0, 3.0][:batch]),
        "sigmoid-loss": l2o.sigmoid_loss(a, y > 0),
    }


def coupled_terms() -> dict[str, CoupledTerm]:
    """Nonsmooth terms in five variables that are not separable and name their subgradients."""
    return {
        "simplex": l2o.simplex(1.5),
        "simplex-per-instance": l2o.simplex([0.5, 1.0, 20.0]),
        "l2-ball": l2o.l2_ball(0.7, np.linspace(-0.3, 0.4, 5)),
        "l2-ball-per-instance": l2o.l2_ball([0.1, 1.0, 3.0]),
        "group-l1": l2o.group_l1([[0, 2], [1], [3, 4]], 0.4),
        "group-l1-per-instance": l2o.group_l1([0, 0, 1, 1, 1], [0.1, 0.3, 0.7]),
    }


def composites(seed: int = 0) -> dict[str, l2o.Composite]:
    return {
        f"{f} + {r}": l2o.Composite(smooth, nonsmooth)
        for f, smooth in smooth_terms(seed=seed).items()
        for r, nonsmooth in nonsmooth_terms().items()
    }


CHANGES: dict[str, Callable[[l2o.Composite], l2o.Composite]] = {
    "shifted": lambda p: p.shifted(1.7),
    "scaled": lambda p: p.scaled(3.0),
    "rescaled": lambda p: p.rescaled(0.6),
    "all": lambda p: p.shifted(np.linspace(-1, 2, p.dim)).scaled([0.5, 1.0, 2.0]).rescaled(1.9).shifted(-0.3),
}


def start(problem: l2o.Composite, seed: int = 0, size: float = 1.0) -> torch.Tensor:
    """A point in the domain of r."""
    x = l2o.synthetic.starts(problem, seed=seed) * size
    return problem.prox(x, 1e-3)


def smooth_only(name: str) -> bool:
    return name in ("gradient-descent", "heavy-ball", "nesterov", "ogm", "silver-gradient", "lbfgs")


WITHOUT_PROX = ("subgradient", "adam", "adam-hd", "shampoo", "l2o-dm", "l2o-rnnprop")


OF_ONE_DICTIONARY = ("lista", "alista", "gated-lista")


def runs_on(name: str, problem: l2o.Composite) -> bool:
    """Whether the optimizer takes the problem."""
    if smooth_only(name) and not problem.nonsmooth.is_zero:
        return False
    if name in WITHOUT_PROX and problem.nonsmooth.is_indicator and not problem.nonsmooth.is_zero:
        return False
    if name in OF_ONE_DICTIONARY and not getattr(getattr(problem.smooth, "map", None), "shared", False):
        return False
    return name not in ("ada-lista", *OF_ONE_DICTIONARY) or problem.name.startswith("least-squares")


def problem_for(name: str) -> l2o.Composite:
    """A small problem that the optimizer of that name can be run on."""
    smooth = "least-squares-shared" if name in OF_ONE_DICTIONARY else "least-squares"
    return composites()[f"{smooth} + {'zero' if smooth_only(name) else 'l1'}"]


def end_of(
    optimizer: l2o.Optimizer,
    problem: l2o.Composite,
    x0: torch.Tensor,
    steps: int,
    arrived: Callable[[torch.Tensor], bool],
) -> torch.Tensor:
    """x after at most `steps` steps, asked every ten steps whether it has arrived.

    Steps alone: the record of a rollout takes several times as long.
    """
    state = optimizer.init(problem, x0)
    for k in range(1, steps + 1):
        state = optimizer.step(problem, state)
        if k % 10 == 0 and arrived(state.x):
            break
    return state.x


def stationarity(problem: l2o.Composite, x: torch.Tensor) -> float:
    """The largest distance of a coordinate of 0 from the subdifferential of F at x, for a separable r."""
    gradient = problem.smooth_gradient(x)
    low, high = problem.subdifferential(x)
    return float(torch.maximum(gradient + low, -(gradient + high)).clamp(min=0.0).max())
