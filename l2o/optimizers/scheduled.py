"""First-order methods with a step size, a momentum and a gradient error of their own for every step.

With p_k the step, u_k the error of the gradient, y_0 = x_0, x_{-1} = x_0 and v_0 = 0, every step is

    x_k = prox_{p_k r}(y_{k-1} - p_k (grad f(y_{k-1}) + u_k) + m_k),

and the methods differ in y and m: y = x and m = 0 for gradient, proximal_gradient, projected_gradient and
proximal_point (where f = 0); m_k = beta_k (x_{k-1} - x_{k-2}) for heavy_ball, whose r is 0;
y_k = x_k + (t_{k-1} - 1)/t_k (x_k - x_{k-1}), t_{k+1} = (1 + sqrt(1 + 4 t_k^2))/2, t_0 = 1, for accelerated_gradient
(Beck and Teboulle 2009); and m_k = -q_k v_{k-1}, v_k = b_k v_{k-1} + (1 - b_k)(x_{k-1} - x_k), for go_math
(arXiv 2506.14263, the displacement form).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ..problems.composite import Composite
from ..problems.from_worst_case import Instance
from .base import require_smooth

METHODS = (
    "gradient",
    "proximal_gradient",
    "projected_gradient",
    "accelerated_gradient",
    "heavy_ball",
    "proximal_point",
    "go_math",
)


@dataclass(frozen=True)
class ScheduledState:
    """Iterate and what the next step needs: number of steps made, previous iterate, y, t, and v (go_math only)."""

    x: torch.Tensor
    index: int
    previous: torch.Tensor
    look: torch.Tensor
    t: float = 1.0
    memory: torch.Tensor | None = None
    preconditioner: torch.Tensor | None = None
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True, eq=False)
class Scheduled:
    """`method`, one of METHODS, with absolute `steps` (K,), or with h_k of steps h_k/L where they are `relative`.

    `momentum` is (K,) beta_k for heavy_ball and (K,2) rows (q_k, b_k) for go_math, None otherwise; `errors` (K,n) are
    the u_k, None for exact gradients. Steps and momentum may be tensors, through which a run can be differentiated.
    """

    method: str
    steps: np.ndarray | torch.Tensor
    momentum: np.ndarray | torch.Tensor | None = None
    errors: np.ndarray | None = None
    relative: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"method: expected one of {', '.join(METHODS)}, got {self.method!r}.")
        count = len(self.steps)
        wanted = {"heavy_ball": (count,), "go_math": (count, 2)}.get(self.method)
        got = None if self.momentum is None else self.momentum.shape
        if got != wanted:
            raise InputError(
                f"momentum: {self.method} with {count} steps expects {'none' if wanted is None else wanted}, got "
                f"{'none' if got is None else got}; give one entry per step."
            )
        if self.errors is not None and len(self.errors) != count:
            raise InputError(f"errors: expected one row for each of the {count} steps, got {len(self.errors)}.")
        if not (self.steps > 0).all():
            raise InputError(f"steps: expected > 0, got {self.steps.min()}; pass positive step sizes.")

    @property
    def name(self) -> str:
        """The method, with underscores as hyphens."""
        return f"scheduled-{self.method.replace('_', '-')}"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> ScheduledState:
        """The state at x_0; `seed` is not used."""
        if self.method in ("gradient", "heavy_ball"):
            require_smooth(problem, self.name, "the method proximal_gradient")
        x0 = problem.point(x0, "x0")
        if self.errors is not None and self.errors.shape[1:] != (problem.dim,):
            raise InputError(
                f"errors: expected shape ({len(self.steps)}, {problem.dim}) for this problem, got {self.errors.shape}."
            )
        return ScheduledState(x0, 0, x0, x0, memory=torch.zeros_like(x0) if self.method == "go_math" else None)

    def step(self, problem: Composite, state: ScheduledState) -> ScheduledState:
        """One step; an error past the end of the schedule."""
        k, x = state.index, state.x
        if k >= len(self.steps):
            raise InputError(
                f"{self.name}: step {k + 1} was asked of a schedule of {len(self.steps)} steps; run at most "
                f"{len(self.steps)}."
            )
        p = torch.as_tensor(self.steps)[k].to(x).expand(problem.batch_size, 1)
        p = p / problem.smoothness.unsqueeze(-1) if self.relative else p
        momentum: Any = () if self.momentum is None else torch.as_tensor(self.momentum)[k].to(x)
        gradient = problem.smooth.gradient(state.look)
        if self.errors is not None:
            gradient = gradient + x.new_tensor(self.errors[k])
        argument = state.look - p * gradient
        if self.method == "heavy_ball":
            argument = argument + momentum * (x - state.previous)
        elif state.memory is not None:  # of go_math
            argument = argument - momentum[0] * state.memory
        following = problem.nonsmooth.prox(argument, p)
        look, t, memory = following, state.t, state.memory
        if self.method == "accelerated_gradient":
            t = 0.5 * (1 + (1 + 4 * state.t**2) ** 0.5)
            look = following + (state.t - 1) / t * (following - x)
        elif memory is not None:
            memory = momentum[1] * memory + (1 - momentum[1]) * (x - following)
        return ScheduledState(following, k + 1, x, look, t, memory, p, argument)


def method_from(worst_case: Any) -> Scheduled:
    """The method that attains a worst case, with its steps, momentum and gradient errors.

    Args:
        worst_case: What `bounds.worst_case` returns, or its `instance`, a dict of arrays.

    Returns:
        An optimizer for at most as many steps as the worst case has. Step sizes are absolute.

    Raises:
        InputError: If an array is missing, not finite or of the wrong shape, or the worst case has no instance.
    """
    instance = Instance(worst_case)
    method = instance.word("method", METHODS)
    steps = instance.array("step", None)
    count = len(steps)
    instance.array("x", count + 1, instance.dim)
    if method != "proximal_point":
        steps = steps / instance.number("L", 1.0)
    momentum = None
    if method == "go_math":
        momentum = instance.array("momentum", count, 2)
    elif method == "heavy_ball":
        listed = instance.has_axes("momentum")
        momentum = instance.array("momentum", count) if listed else np.full(count, instance.number("momentum"))
    errors = instance.array("error", count, instance.dim) if instance.has("error") else None
    return Scheduled(method, steps, momentum, errors)
