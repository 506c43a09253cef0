"""The optimized gradient method (Kim and Fessler, Math. Program. 2016); needs r = 0.

With theta_0 = 1, z_0 = y_0 = x_0, a step is

    y_{k+1} = z_k - grad f(z_k)/L,
    z_{k+1} = y_{k+1} + (theta_k - 1)/theta_{k+1} (y_{k+1} - y_k) + theta_k/theta_{k+1} (y_{k+1} - z_k),

theta_{k+1} = (1 + sqrt(1 + c theta_k^2))/2, c = 8 where z_{k+1} is the last point of a known horizon K and 4 elsewhere.
For convex f with an L-Lipschitz gradient and R = ||x_0 - x*||,

    f(z_K) - f* <= L R^2/(2 theta_K^2),        f(y_k) - f* <= L R^2/(4 theta_{k-1}^2) for every k >= 1

(the second: Kim and Fessler, J. Optim. Theory Appl. 2017; the exact worst cases for k <= 4 are L R^2/(4 theta_{k-1}^2
+ 2), which a semidefinite program in the tests finds). theta_K^2 >= (K + 1)^2/2, half of FISTA's factor, and no
method that sees K gradients has a better one in high dimension (Drori, J. Complexity 2017). The iterate x_k is y_k
before the horizon and z_K at it; without a horizon it is y_k throughout. After the horizon the method begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..problems.composite import Composite
from .base import check_horizon, next_theta, require_smooth


@dataclass(frozen=True)
class OGMState:
    """Iterate x, y and z (B,n), theta, the number of steps since the last beginning, and the step 1/L (B,1)."""

    x: torch.Tensor
    y: torch.Tensor
    z: torch.Tensor
    theta: float
    index: int
    preconditioner: torch.Tensor


@dataclass(frozen=True)
class OGM:
    """Optimized gradient method; with `horizon` its last step is the one that is best after so many steps."""

    horizon: int | None = None

    name: ClassVar[str] = "ogm"

    def __post_init__(self) -> None:
        if self.horizon is not None:
            check_horizon(self.horizon)

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> OGMState:
        """The state at x_0; an error where r is not 0. `seed` is not used."""
        require_smooth(problem, self.name, "optista")
        x0 = problem.point(x0, "x0")
        return OGMState(x0, x0, x0, 1.0, 0, (1 / problem.smoothness).unsqueeze(-1))

    def step(self, problem: Composite, state: OGMState) -> OGMState:
        """One step."""
        last = self.horizon is not None and state.index + 1 == self.horizon
        theta = next_theta(state.theta, last=last)
        y = state.z - state.preconditioner * problem.smooth.gradient(state.z)
        z = y + (state.theta - 1) / theta * (y - state.y) + state.theta / theta * (y - state.z)
        if last:
            return OGMState(z, z, z, 1.0, 0, state.preconditioner)
        return OGMState(y, y, z, theta, state.index + 1, state.preconditioner)
