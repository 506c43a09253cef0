"""OptISTA (Jang, Das Gupta and Ryu, arXiv 2305.15704): proximal gradient that is exactly optimal after K steps.

With theta_0 = 1, theta_{k+1} = (1 + sqrt(1 + c theta_k^2))/2, c = 8 for theta_K and 4 before, and z_0 = u_0 = x_0,

    x_{k+1} = prox_{p_k r}(x_k - p_k grad f(z_k)),    p_k = gamma_k/L,
    gamma_k = 2 theta_k (1 - (2 theta_k^2 - theta_k)/theta_K^2),
    u_{k+1} = z_k + (x_{k+1} - x_k)/gamma_k,
    z_{k+1} = u_{k+1} + (theta_k - 1)/theta_{k+1} (u_{k+1} - u_k) + theta_k/theta_{k+1} (u_{k+1} - z_k).

For convex f with an L-Lipschitz gradient, convex r and R = ||x_0 - x*||,

    F(x_K) - F* <= L R^2/(2 (theta_K^2 - 1)),

and no method that sees K gradients and K proxes has a better factor in high dimension. Nothing is promised of x_k with
k < K: the horizon K has to be chosen beforehand. After K steps the method begins anew, from x_K.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch

from ..problems.composite import Composite
from .base import check_horizon, next_theta


@dataclass(frozen=True)
class OptISTAState:
    """Iterate x, u and z (B,n), theta, steps since the last beginning, and what the last prox was given."""

    x: torch.Tensor
    u: torch.Tensor
    z: torch.Tensor
    theta: float
    index: int
    preconditioner: torch.Tensor
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True)
class OptISTA:
    """OptISTA for a horizon of `horizon` steps, after which it begins anew."""

    horizon: int = 100

    name: ClassVar[str] = "optista"

    def __post_init__(self) -> None:
        check_horizon(self.horizon)

    @cached_property
    def last_theta(self) -> float:
        """theta_K of the horizon K."""
        theta = 1.0
        for k in range(self.horizon):
            theta = next_theta(theta, last=k + 1 == self.horizon)
        return theta

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> OptISTAState:
        """The state at x_0; `seed` is not used."""
        x0 = problem.point(x0, "x0")
        return OptISTAState(x0, x0, x0, 1.0, 0, (1 / problem.smoothness).unsqueeze(-1))

    def step(self, problem: Composite, state: OptISTAState) -> OptISTAState:
        """One step."""
        last = state.index + 1 == self.horizon
        now, theta = state.theta, next_theta(state.theta, last=last)
        gamma = 2 * now * (1 - (2 * now**2 - now) / self.last_theta**2)
        p = gamma / problem.smoothness.unsqueeze(-1)
        argument = state.x - p * problem.smooth.gradient(state.z)
        x = problem.nonsmooth.prox(argument, p)
        if last:
            return OptISTAState(x, x, x, 1.0, 0, p, argument)
        u = state.z + (x - state.x) / gamma
        z = u + (now - 1) / theta * (u - state.u) + now / theta * (u - state.z)
        return OptISTAState(x, u, z, theta, state.index + 1, p, argument)
