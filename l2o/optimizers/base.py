"""What an optimizer is: `init` makes a state, `step` maps a state to the next, and neither keeps anything."""

from __future__ import annotations

import math
from typing import Any, Protocol, runtime_checkable

import torch

from ...errors import InputError
from ..problems.composite import Composite
from ..support.arrays import per_instance

_LONGEST = 10**6  # steps of a horizon


@runtime_checkable
class State(Protocol):
    """An optimizer's state: at least the iterate `x` (B,n).

    Optional attributes that `rollout` records when they are there:
    `prox_argument` (B,n) and `preconditioner` (B,n) or (B,1): x = prox of r at `prox_argument` in the
    diag(preconditioner)^-1 metric, which names the implicit subgradient; `features` (B,n,d) fed to a network in the
    step that led here; `memory` (B,n) v_k; `numbers`, a mapping of names to (B,), what it states of itself.
    """

    @property
    def x(self) -> torch.Tensor:
        """(B,n) iterate."""


@runtime_checkable
class Optimizer(Protocol):
    """Anything with these two pure methods (and, if it likes, a `name`)."""

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        """The state at x_0."""

    def step(self, problem: Composite, state: Any) -> Any:
        """The state at x_{k+1}; `state` stays as it was."""


def step_size(value: Any, problem: Composite, factor: float = 1.0, name: str = "step") -> torch.Tensor:
    """(B,1) or (1,1) absolute step: `value`, of the option `name`, if given, else factor / L."""
    if value is None:
        return (factor / problem.smoothness).unsqueeze(-1)
    step = per_instance(value, name, positive=True, dtype=problem.dtype, device=problem.device)
    if step.shape[0] not in (1, problem.batch_size):
        raise InputError(
            f"{name}: expected a scalar or ({problem.batch_size},), got {tuple(step.shape)}; one step per instance."
        )
    return step.unsqueeze(-1)


def require_smooth(problem: Composite, name: str, instead: str) -> None:
    """Raise unless r = 0."""
    if not problem.nonsmooth.is_zero:
        raise InputError(f"{name} cannot run on {problem.name}: it needs r = 0, because it has no prox; use {instead}.")


def require_finite(problem: Composite, name: str) -> None:
    """Raise where r takes the value +inf, whose domain a method without a prox would leave."""
    if problem.nonsmooth.is_indicator and not problem.nonsmooth.is_zero:
        raise InputError(
            f"{name} cannot run on {problem.name}: r is +inf outside its domain, which a method without a prox leaves; "
            f"use ista or fista."
        )


def subgradient(problem: Composite, x: torch.Tensor) -> torch.Tensor:
    """(B,n) grad f(x) and the subgradient of r of least norm, lam sign(x) with sign(0) = 0 for the l1 norm."""
    gradient = problem.smooth.gradient(x)
    if problem.nonsmooth.is_zero:
        return gradient
    return gradient + problem.nonsmooth.nearest_subgradient(x, torch.zeros_like(x))


def check_number(option: str, value: Any, low: float, high: float = math.inf, *, open_low: bool = False) -> None:
    """Raise unless `value` is a finite number in [low, high), or in (low, high) where the lower end is open."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < low or value >= high or (open_low and value == low):
        end = f"{'(' if open_low else '['}{low:g}, {high:g})"
        raise InputError(f"{option}: expected a number in {end}, got {value!r}.")


def check_horizon(value: Any) -> None:
    """Raise unless `value` is a number of steps that a method can plan for."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LONGEST:
        raise InputError(f"horizon: expected a number of steps, an integer from 1 to {_LONGEST}, got {value!r}.")


def next_theta(theta: float, *, last: bool = False) -> float:
    """theta_{k+1} = (1 + sqrt(1 + 4 theta_k^2))/2 of accelerated methods; 8 for 4 at the last step of a horizon."""
    return (1 + math.sqrt(1 + (8 if last else 4) * theta**2)) / 2
