"""Gradient descent and proximal gradient with silver steps (Altschuler and Parrilo): acceleration without momentum.

Step k = 1, 2, ... has the length h_k/L with

    h_k = 1 + rho^(v(k) - 1),    rho = 1 + sqrt(2),    v(k) how often 2 divides k,

so that the steps are sqrt(2), 2, sqrt(2), 2 + sqrt(2), sqrt(2), 2, ... over L, longer than 2/L every fourth time. After
K = 2^j - 1 steps, R = ||x_0 - x*||, and f convex with an L-Lipschitz gradient,

    f(x_K) - f* <= L R^2/(1 + sqrt(4 rho^(2j) - 3)) <= L R^2/(2 K^(log_2 rho)),    log_2 rho = 1.2716,

where r = 0 (Altschuler and Parrilo, Math. Program. 2024), and with any convex r the rate is of the same order (Bok and
Altschuler, arXiv 2412.05497). The exact worst cases for j = 1, 2, 3 are L R^2/(4 rho^j - 2) where r = 0 and
L R^2/(4 rho^j - 4) otherwise, by `bounds.worst_case`; sums of the steps are rho^j - 1. Between the K of this form F may
go up, and nothing is promised there. There is no horizon to choose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..problems.composite import Composite
from .base import require_smooth

_RATIO = 1 + math.sqrt(2)


def silver_step(k: int) -> float:
    """h_k of step k = 1, 2, ..., to be divided by L."""
    twos = (k & -k).bit_length() - 1
    return 1 + _RATIO ** (twos - 1)


@dataclass(frozen=True)
class SilverState:
    """Iterate x (B,n), number of steps made, the last step's length (B,1), and what the last prox was given."""

    x: torch.Tensor
    index: int
    preconditioner: torch.Tensor
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True)
class SilverProximal:
    """Proximal gradient with silver steps."""

    name: ClassVar[str] = "silver-proximal"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> SilverState:
        """The state at x_0; `seed` is not used."""
        return SilverState(problem.point(x0, "x0"), 0, (1 / problem.smoothness).unsqueeze(-1))

    def step(self, problem: Composite, state: SilverState) -> SilverState:
        """One step."""
        p = silver_step(state.index + 1) / problem.smoothness.unsqueeze(-1)
        argument = state.x - p * problem.smooth.gradient(state.x)
        return SilverState(problem.nonsmooth.prox(argument, p), state.index + 1, p, argument)


@dataclass(frozen=True)
class SilverGradient(SilverProximal):
    """Gradient descent with silver steps; needs r = 0."""

    name: ClassVar[str] = "silver-gradient"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> SilverState:
        """The state at x_0; an error where r is not 0."""
        require_smooth(problem, self.name, "silver-proximal")
        return super().init(problem, x0, seed)
