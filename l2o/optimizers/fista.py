"""Accelerated proximal gradient: FISTA, its restarted form, and Nesterov's method where r = 0.

x_{k+1} = prox_{step r}(z_k - step grad f(z_k)),  t_{k+1} = (1 + sqrt(1 + 4 t_k^2))/2,
z_{k+1} = x_{k+1} + (t_k - 1)/t_{k+1} (x_{k+1} - x_k),  t_0 = 1, z_0 = x_0   (Beck and Teboulle 2009).

The restart sets t back to 1, per instance, where <z_k - x_{k+1}, x_{k+1} - x_k> > 0 (O'Donoghue and Candes 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ..problems.composite import Composite
from .base import require_smooth, step_size


@dataclass(frozen=True)
class FistaState:
    """Iterate x, extrapolated point z, momentum parameter t (B,1), and what the last prox was given."""

    x: torch.Tensor
    z: torch.Tensor
    t: torch.Tensor
    preconditioner: torch.Tensor
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True)
class Fista:
    """FISTA with a constant step, by default 1/L."""

    step_size: Any = None

    name: ClassVar[str] = "fista"
    restart: ClassVar[bool] = False

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> FistaState:
        """The state at x_0; `seed` is not used."""
        x0 = problem.point(x0, "x0")
        t = torch.ones(problem.batch_size, 1, dtype=x0.dtype, device=x0.device)
        return FistaState(x0, x0, t, step_size(self.step_size, problem))

    def step(self, problem: Composite, state: FistaState) -> FistaState:
        """One step."""
        step = state.preconditioner
        argument = state.z - step * problem.smooth.gradient(state.z)
        x = problem.nonsmooth.prox(argument, step)
        t_next = 0.5 * (1 + torch.sqrt(1 + 4 * state.t**2))
        momentum = (state.t - 1) / t_next
        if self.restart:
            uphill = ((state.z - x) * (x - state.x)).sum(-1, keepdim=True) > 0
            momentum = torch.where(uphill, torch.zeros_like(momentum), momentum)
            t_next = torch.where(uphill, torch.ones_like(t_next), t_next)
        return FistaState(x, x + momentum * (x - state.x), t_next, step, argument)


@dataclass(frozen=True)
class FistaRestart(Fista):
    """FISTA with gradient-based restart."""

    name: ClassVar[str] = "fista-restart"
    restart: ClassVar[bool] = True


@dataclass(frozen=True)
class Nesterov(Fista):
    """Nesterov's accelerated gradient method for convex f: FISTA with r = 0, and an error where r is not 0."""

    name: ClassVar[str] = "nesterov"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> FistaState:
        """The state at x_0; an error where r is not 0."""
        require_smooth(problem, self.name, "fista")
        return super().init(problem, x0, seed)
