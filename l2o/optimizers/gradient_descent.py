"""Gradient descent and proximal gradient (ISTA): x_{k+1} = prox_{step r}(x_k - step grad f(x_k))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ..problems.composite import Composite
from .base import require_smooth, step_size


@dataclass(frozen=True)
class ProximalState:
    """State of a method whose iterate is the output of a prox."""

    x: torch.Tensor
    preconditioner: torch.Tensor
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True)
class Ista:
    """Proximal gradient with a constant step, by default 1/L."""

    step_size: Any = None

    name: ClassVar[str] = "ista"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> ProximalState:
        """The state at x_0; `seed` is not used."""
        return ProximalState(problem.point(x0, "x0"), step_size(self.step_size, problem))

    def step(self, problem: Composite, state: ProximalState) -> ProximalState:
        """One proximal-gradient step."""
        step = state.preconditioner
        argument = state.x - step * problem.smooth.gradient(state.x)
        return ProximalState(problem.nonsmooth.prox(argument, step), step, argument)


@dataclass(frozen=True)
class GradientDescent(Ista):
    """Gradient descent with a constant step, by default 1/L; needs r = 0."""

    name: ClassVar[str] = "gradient-descent"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> ProximalState:
        """The state at x_0; an error where r is not 0."""
        require_smooth(problem, self.name, "ista")
        return super().init(problem, x0, seed)
