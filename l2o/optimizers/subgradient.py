"""The subgradient method with a constant step: x_{k+1} = x_k - step (grad f(x_k) + g_k), g_k in subdiff r(x_k).

g_k is the subgradient of least norm, lam sign(x_k) with sign(0) = 0 for the l1 norm. With a constant step the method
comes to rest near a minimiser and not at it, unless r = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ..problems.composite import Composite
from .base import require_finite, step_size, subgradient


@dataclass(frozen=True)
class SubgradientState:
    """Iterate (B,n) and step (B,1) or (1,1)."""

    x: torch.Tensor
    base_step: torch.Tensor


@dataclass(frozen=True)
class Subgradient:
    """Subgradient method with a constant step, by default 1/L; r must be finite."""

    step_size: Any = None

    name: ClassVar[str] = "subgradient"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> SubgradientState:
        """The state at x_0; an error where r takes the value +inf. `seed` is not used."""
        require_finite(problem, self.name)
        return SubgradientState(problem.point(x0, "x0"), step_size(self.step_size, problem))

    def step(self, problem: Composite, state: SubgradientState) -> SubgradientState:
        """One step."""
        return SubgradientState(state.x - state.base_step * subgradient(problem, state.x), state.base_step)
