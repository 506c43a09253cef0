"""The steps of another optimizer, their deviations scaled so that the sizes add up to no more than a budget.

A point c proposed from x_{k-1}, with s in the subdifferential of r at c, is the proximal-gradient step with an error,

    c = prox_{r/L}(x_{k-1} - grad f(x_{k-1})/L - e),    e = x_{k-1} - c - (grad f(x_{k-1}) + s)/L,

the deviation of the step. With E_k left of the budget E, x_k is the prox with theta e in place of e, theta the largest
number in [0, 1] with theta ||e|| <= E_k. So sum_k ||e_k|| <= E, and for convex f a bound is known beforehand (B17):

    mean_k F(x_k) - F(z) <= L R^2/(2 (K+1)) + (L/K)(R E + E^2),    R = ||x_0 - z||, z a minimiser,

from the rate of inexact proximal gradient (Schmidt, Le Roux, Bach 2011). s is the choice for which e is least. Where c
is not finite or outside the domain of r, theta is 0. No gradient is computed beyond that at x_{k-1}, which the base
needs as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from ...errors import InputError
from ..problems.composite import Composite
from ..support.arrays import per_instance
from .evaluations import counted

_SPARE = 1e-6  # of a deviation, which is charged by so much more than its computed size


@dataclass(frozen=True)
class BudgetState:
    """Iterate, the base's state at it, what is left of the budget, the argument of the last prox, theta (None at x_0).

    `evaluations` counts the points at which f was asked for.
    """

    x: torch.Tensor  # (B,n)
    base: Any
    left: torch.Tensor  # (B,)
    evaluations: torch.Tensor  # (B,) int
    preconditioner: torch.Tensor  # (B,1) 1/L
    prox_argument: torch.Tensor | None = None
    theta: torch.Tensor | None = None  # (B,)

    @property
    def numbers(self) -> Mapping[str, torch.Tensor]:
        """What a run records of it, (B,) each."""
        return {"budget": self.left}


@dataclass(frozen=True)
class Budgeted:
    """The optimizer `base` with deviations of a total size of at most `budget`, or `budget` times `radius`."""

    base: Any
    budget: Any = 2.0
    radius: Any = None

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> BudgetState:
        """The state at x_0; the base's is made with `seed`."""
        seen, calls = counted(problem)
        base = self.base.init(seen, x0, seed=seed)
        left = self._given("budget", self.budget, problem)
        if self.radius is not None:
            left = left * self._given("radius", self.radius, problem)
        made = torch.full((problem.batch_size,), calls.calls, dtype=torch.int64, device=base.x.device)
        return BudgetState(base.x, base, left, made, (1 / problem.smoothness).unsqueeze(-1))

    @staticmethod
    def _given(name: str, value: Any, problem: Composite) -> torch.Tensor:
        number = per_instance(value, name, positive=True, dtype=problem.dtype, device=problem.device)
        if number.shape[0] not in (1, problem.batch_size):
            raise InputError(
                f"{name}: expected a scalar or ({problem.batch_size},), got {tuple(number.shape)}; one per instance."
            )
        return number.expand(problem.batch_size)

    def step(self, problem: Composite, state: BudgetState) -> BudgetState:
        """One step."""
        paid = (state.x,) if state.theta is None and bool((state.evaluations > 0).all()) else ()
        seen, calls = counted(problem, *paid)
        proposed = self.base.step(seen, state.base)
        x, c, step = state.x, proposed.x, state.preconditioner
        gradient = seen.smooth.gradient(x)
        fine = torch.isfinite(c).all(-1) & torch.isfinite(problem.nonsmooth.value(c))
        c = torch.where(fine.unsqueeze(-1), c, x)
        # of an x outside the domain (a start may be) the proposal is no point either
        fine = fine | torch.isfinite(problem.nonsmooth.value(c))
        s = problem.nonsmooth.nearest_subgradient(c, (x - c) / step - gradient)
        e = x - c - step * (gradient + s)
        size = torch.linalg.vector_norm(e, dim=-1)
        fine = fine & torch.isfinite(size)
        charge = (1 + _SPARE) * size
        theta = torch.where(charge <= state.left, torch.ones_like(size), state.left / charge)
        theta = torch.where(fine, theta, torch.zeros_like(theta))
        part = torch.where(fine, theta, torch.ones_like(theta)).unsqueeze(-1) * torch.where(fine.unsqueeze(-1), e, 0.0)
        argument = x - step * gradient - part
        whole = (theta == 1).unsqueeze(-1)
        x_next = c if bool(whole.all()) else torch.where(whole, c, problem.nonsmooth.prox(argument, step))
        spent = torch.where(fine, torch.minimum(theta * charge, state.left), torch.zeros_like(size))
        moved: dict[str, Any] = {}
        if x_next is not proposed.x:
            moved["x"] = x_next
            if isinstance(getattr(proposed, "z", None), torch.Tensor):
                moved["z"] = torch.where(whole, proposed.z, x_next)
        return BudgetState(
            x_next,
            replace(proposed, **moved) if moved else proposed,
            state.left - spent,
            state.evaluations + calls.calls,
            step,
            argument,
            theta,
        )
