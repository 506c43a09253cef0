"""Adam (Kingma and Ba 2015), and Adam with a step size learned on the way (hypergradient, Baydin et al. 2018).

With d_k = grad f(x_{k-1}) + g, g the subgradient of r of least norm at x_{k-1}, m_0 = v_0 = 0 and

    m_k = beta1 m_{k-1} + (1 - beta1) d_k,    v_k = beta2 v_{k-1} + (1 - beta2) d_k^2,
    u_k = m_k/(1 - beta1^k) / (sqrt(v_k/(1 - beta2^k)) + eps),    x_k = x_{k-1} - a_k u_k,

a_k is a constant for Adam. For the other a_1 is given and a_k = max(a_{k-1} + hyper_step <d_k, u_{k-1}>, 1e-8): the
derivative of F(x_{k-1}) with respect to a_{k-1} is -<d_k, u_{k-1}>.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ...errors import InputError
from ..problems.composite import Composite
from .base import check_number, require_finite, step_size, subgradient

_LEAST_STEP = 1e-8  # the authors' floor of the learned step


@dataclass(frozen=True)
class Moments:
    """Running means m and v (B,n) of d and d^2, and the number of steps they saw."""

    first: torch.Tensor
    second: torch.Tensor
    count: int = 0

    def updated(self, d: torch.Tensor, beta1: float, beta2: float) -> Moments:
        """The moments with `d` taken in."""
        first = beta1 * self.first + (1 - beta1) * d
        second = beta2 * self.second + (1 - beta2) * d * d
        return Moments(first, second, self.count + 1)

    def corrected(self, beta1: float, beta2: float) -> tuple[torch.Tensor, torch.Tensor]:
        """m/(1 - beta1^k) and v/(1 - beta2^k)."""
        return self.first / (1 - beta1**self.count), self.second / (1 - beta2**self.count)


@dataclass(frozen=True)
class AdamState:
    """Iterate, moments m and v, number of steps made, step size (B,1) or (1,1), and the direction u (None at x_0)."""

    x: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    count: int
    step_size: torch.Tensor
    direction: torch.Tensor | None = None


@dataclass(frozen=True)
class Adam:
    """Adam with an absolute step; the defaults are the authors' LASSO setting. r must be finite."""

    step_size: Any = 1e-2
    beta1: float = 0.1
    beta2: float = 0.1
    eps: float = 1e-8

    name: ClassVar[str] = "adam"

    def __post_init__(self) -> None:
        check_number("beta1", self.beta1, 0.0, 1.0)
        check_number("beta2", self.beta2, 0.0, 1.0)
        check_number("eps", self.eps, 0.0, open_low=True)
        if self.step_size is None:
            raise InputError(f"step: {self.name} has no step that follows from the problem; give a positive number.")

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> AdamState:
        """The state at x_0; an error where r takes the value +inf. `seed` is not used."""
        require_finite(problem, self.name)
        x0 = problem.point(x0, "x0")
        zero = torch.zeros_like(x0)
        return AdamState(x0, zero, zero, 0, step_size(self.step_size, problem))

    def step(self, problem: Composite, state: AdamState) -> AdamState:
        """One step."""
        d = subgradient(problem, state.x)
        moments = Moments(state.first, state.second, state.count).updated(d, self.beta1, self.beta2)
        mean, square = moments.corrected(self.beta1, self.beta2)
        direction = mean / (square.sqrt() + self.eps)
        step = self._next_step(state, d)
        x = state.x - step * direction
        return AdamState(x, moments.first, moments.second, moments.count, step, direction)

    def _next_step(self, state: AdamState, d: torch.Tensor) -> torch.Tensor:
        return state.step_size


@dataclass(frozen=True)
class AdamHD(Adam):
    """Adam whose step size, in the state as `step_size` (B,1), follows the hypergradient.

    Every instance has a step of its own; with `coupled=True` there is one for the whole batch, and the inner product
    is the sum over the batch, as in the authors' code: an instance's run then depends on the others.
    """

    step_size: Any = 0.1
    beta1: float = 0.001
    beta2: float = 0.1
    hyper_step: float = 1e-7
    eps: float = 1e-8
    coupled: bool = False

    name: ClassVar[str] = "adam-hd"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("hyper_step", self.hyper_step, 0.0)
        if not isinstance(self.coupled, bool):
            raise InputError(f"coupled: expected True or False, got {self.coupled!r}.")

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> AdamState:
        """The state at x_0; an error where r takes the value +inf. `seed` is not used."""
        state = super().init(problem, x0, seed)
        step = state.step_size
        if self.coupled and bool((step != step[0]).any()):
            raise InputError("step: with coupled=True the batch has one step; give a scalar, not one per instance.")
        step = step.expand(problem.batch_size, 1)
        return AdamState(state.x, state.first, state.second, 0, step)

    def _next_step(self, state: AdamState, d: torch.Tensor) -> torch.Tensor:
        if state.direction is None:
            return state.step_size
        slope = (d * state.direction).sum(-1, keepdim=True)
        if self.coupled:
            slope = slope.sum(0, keepdim=True)
        return (state.step_size + self.hyper_step * slope).clamp(min=_LEAST_STEP)
