"""What an optimizer is: `init` makes a state, `step` maps a state to the next, and neither keeps anything."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch

from l2o._arrays import per_instance
from l2o._errors import InputError
from l2o.problems.composite import Composite


@runtime_checkable
class State(Protocol):
    """An optimizer's state: at least the iterate `x` (B,n).

    Optional attributes that `rollout` records when they are there:
    `prox_argument` (B,n) and `preconditioner` (B,n) or (B,1): x = prox of r at `prox_argument` in the
    diag(preconditioner)^-1 metric, which names the implicit subgradient; `features` (B,n,d) fed to a network in the
    step that led here; `memory` (B,n) v_k.
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


def step_size(value: Any, problem: Composite, factor: float = 1.0) -> torch.Tensor:
    """(B,1) or (1,1) absolute step: `value` if given, else factor / L."""
    if value is None:
        return (factor / problem.smoothness).unsqueeze(-1)
    step = per_instance(value, "step", positive=True, dtype=problem.dtype, device=problem.device)
    if step.shape[0] not in (1, problem.batch_size):
        raise InputError(
            f"step: expected a scalar or ({problem.batch_size},), got {tuple(step.shape)}; one step per instance."
        )
    return step.unsqueeze(-1)


def require_smooth(problem: Composite, name: str, instead: str) -> None:
    """Raise unless r = 0."""
    if not problem.nonsmooth.is_zero:
        raise InputError(f"{name} cannot run on {problem.name}: it needs r = 0, because it has no prox; use {instead}.")
