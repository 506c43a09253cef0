"""What runs are held against: minimisers with a certificate, and the runs of proximal gradient with steps of 1/L."""

from __future__ import annotations

import numpy as np
import torch

from ... import l2o
from ...l2o import Composite
from ..runs.inspection import as_numpy, norm


def residual(problem: Composite, x: torch.Tensor) -> np.ndarray:
    """(B,) bound on dist(0, subdiff F(x)): as computed, and the rounding of the gradient."""
    gradient = problem.smooth_gradient(x)
    nearest = problem.nonsmooth.nearest_subgradient(x, -gradient)
    return norm(as_numpy(gradient + nearest)) + as_numpy(problem.smooth_gradient_error(x))


def minimiser(problem: Composite, x0: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
    """A point, and a bound (B,) on its distance from optimality, dist(0, subdiff F): the certificate.

    FISTA with restarts until that is down to rounding; of the points on the way the best.
    """
    optimizer, best, least = l2o.optimizer("fista-restart"), x0, residual(problem, x0)
    state = optimizer.init(problem, x0)
    for k in range(3000):
        state = optimizer.step(problem, state)
        if k % 50 == 49:
            new = residual(problem, state.x)
            better = new < least
            best = torch.where(torch.from_numpy(better).unsqueeze(-1), state.x, best)
            least = np.where(better, new, least)
            if (least <= 3 * as_numpy(problem.smooth_gradient_error(best))).all():
                break
    return best, least


def value(problem: Composite, x: torch.Tensor) -> torch.Tensor:
    """(B,) F(x); outside the domain of r, where F is infinite, f(x)."""
    rest = problem.nonsmooth.value(x)
    return problem.smooth.value(x) + torch.where(rest.isinf(), torch.zeros_like(rest), rest)


def proximal_step(problem: Composite, x: torch.Tensor) -> torch.Tensor:
    """(B,n) one step of proximal gradient, of length 1/L."""
    step = (1 / problem.smoothness).unsqueeze(-1)
    return problem.nonsmooth.prox(x - step * problem.smooth.gradient(x), step)


@torch.no_grad()
def proximal_gradient(problem: Composite, x: torch.Tensor, steps: int) -> np.ndarray:
    """(B,K+1) F along proximal gradient from x."""
    values = [value(problem, x)]
    for _ in range(steps):
        x = proximal_step(problem, x)
        values.append(value(problem, x))
    return as_numpy(torch.stack(values, dim=1))
