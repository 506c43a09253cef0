"""Polyak's heavy ball: x_{k+1} = x_k - step grad f(x_k) + momentum (x_k - x_{k-1}), x_{-1} = x_0; needs r = 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ...errors import InputError
from ..problems.composite import Composite
from .base import require_smooth, step_size


@dataclass(frozen=True)
class HeavyBallState:
    """Iterate, previous iterate and step."""

    x: torch.Tensor
    previous: torch.Tensor
    preconditioner: torch.Tensor


@dataclass(frozen=True)
class HeavyBall:
    """Heavy ball with constant step (1/L) and momentum in [0, 1)."""

    step_size: Any = None
    momentum: float = 0.5

    name: ClassVar[str] = "heavy-ball"

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise InputError(f"momentum: expected a number in [0, 1), got {self.momentum}.")

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> HeavyBallState:
        """The state at x_0; an error where r is not 0."""
        require_smooth(problem, self.name, "fista")
        x0 = problem.point(x0, "x0")
        return HeavyBallState(x0, x0, step_size(self.step_size, problem))

    def step(self, problem: Composite, state: HeavyBallState) -> HeavyBallState:
        """One step."""
        x = state.x - state.preconditioner * problem.smooth.gradient(state.x)
        x = x + self.momentum * (state.x - state.previous)
        return HeavyBallState(x, state.x, state.preconditioner)
