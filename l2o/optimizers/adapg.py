"""Adaptive proximal gradient: steps from the curvature that was met, without L and without a line search.

x_{k+1} = prox_{p_{k+1} r}(x_k - p_{k+1} grad f(x_k)) with the step, of d = x_k - x_{k-1} and
y = grad f(x_k) - grad f(x_{k-1}),

    p_{k+1} = p_k min{sqrt(2/3 + p_k/p_{k-1}), 1/sqrt([2 p_k^2 ||y||^2/||d||^2 - p_k <y, d>/||d||^2 - 1]_+)}.

This is AdaPG of Latafat, Themelis and Patrinos (L4DC 2024, their q = 3/2 and r = 3/4). Without the term in <y, d> it is
the rule of Malitsky and Mishchenko (arXiv 2308.02261), whose steps are shorter. For convex f with a gradient that is
Lipschitz near every point, and convex r, the energy

    U_k = ||x_k - z||^2/2 + ||x_k - x_{k-1}||^2/2 + p_k (1 + (3/2) p_k/p_{k-1}) (F(x_{k-1}) - F(z)),    z a minimiser,

never increases, x_k converges to a minimiser, and min_{j<=k} F(x_j) - F(z) <= U_1/(p_1 + ... + p_{k+1}). Here p_k is
the step that led to x_k, and p_0 = 3 p_1. Shorter steps than the rule's are covered too. F itself may go up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ..problems.composite import Composite
from .base import step_size

_FIRST_RATIO = 1 / 3  # so that the second step is no longer than the first
_GROWTH = 2 / 3
_LONGEST = 1e12  # times the first step: where f is linear the rule has no end; any shorter step is allowed too


@dataclass(frozen=True)
class AdaPGState:
    """Iterate x, the one before and grad f there (B,n; None at x_0), the last step and its ratio to the one before.

    `preconditioner` (B,1) is the step that led to x, `first` (B,1) that of the first one.
    """

    x: torch.Tensor
    preconditioner: torch.Tensor
    ratio: torch.Tensor
    first: torch.Tensor
    previous: torch.Tensor | None = None
    previous_gradient: torch.Tensor | None = None
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True)
class AdaPG:
    """Adaptive proximal gradient; `initial_step` is the first step, by default 1/L, which is used nowhere else."""

    initial_step: Any = None

    name: ClassVar[str] = "adapg"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> AdaPGState:
        """The state at x_0; `seed` is not used."""
        x0 = problem.point(x0, "x0")
        step = step_size(self.initial_step, problem, name="initial_step").expand(problem.batch_size, 1)
        return AdaPGState(x0, step, torch.full_like(step, _FIRST_RATIO), step)

    def step(self, problem: Composite, state: AdaPGState) -> AdaPGState:
        """One step."""
        gradient = problem.smooth.gradient(state.x)
        p, ratio = state.preconditioner, state.ratio
        if state.previous is not None and state.previous_gradient is not None:
            factor = _factor(p, ratio, state.x - state.previous, gradient - state.previous_gradient)
            p = torch.minimum(factor * p, _LONGEST * state.first)
            ratio = p / state.preconditioner
        argument = state.x - p * gradient
        x = problem.nonsmooth.prox(argument, p)
        return AdaPGState(x, p, ratio, state.first, state.x, gradient, argument)


def _factor(p: torch.Tensor, ratio: torch.Tensor, d: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """(B,1) by how much the step grows; 1 at most where x did not move, which tells nothing of the curvature."""
    size = torch.linalg.vector_norm(d, dim=-1, keepdim=True)
    moved = size > 0
    unit = d / torch.where(moved, size, torch.ones_like(size))
    slope = p * y / torch.where(moved, size, torch.ones_like(size))
    curvature = 2 * (slope * slope).sum(-1, keepdim=True) - (slope * unit).sum(-1, keepdim=True) - 1
    growth = (_GROWTH + ratio).sqrt()
    bound = torch.where(curvature > 0, curvature, torch.ones_like(curvature)).rsqrt()
    factor = torch.where(curvature > 0, torch.minimum(growth, bound), growth)
    return torch.where(moved, factor, torch.ones_like(factor).minimum(growth))
