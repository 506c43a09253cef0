"""Shampoo (Gupta, Koren and Singer 2018) for a vector, as the authors run it: a preconditioner of the full matrix.

With d_k = grad f(x_{k-1}) + g, g the subgradient of r of least norm at x_{k-1}, M_0 = 1e-8 I and w_0 = 1e-8,

    M_k = M_{k-1} + d_k d_k',    w_k = w_{k-1} + d_k'd_k,    x_k = x_{k-1} - step M_k^{-1/4} d_k w_k^{-1/4}.

The step size is in the units of x, since the direction has none; 1/L is the authors' choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ..problems.composite import Composite
from .base import require_finite, step_size, subgradient

_START = 1e-8


@dataclass(frozen=True)
class ShampooState:
    """Iterate (B,n), step, and the sums M (B,n,n) and w (B,1)."""

    x: torch.Tensor
    base_step: torch.Tensor
    outer: torch.Tensor
    inner: torch.Tensor


@dataclass(frozen=True)
class Shampoo:
    """Shampoo with a constant step, by default 1/L; r must be finite. Memory and time grow as n^2 and n^3."""

    step_size: Any = None

    name: ClassVar[str] = "shampoo"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> ShampooState:
        """The state at x_0; an error where r takes the value +inf. `seed` is not used."""
        require_finite(problem, self.name)
        x0 = problem.point(x0, "x0")
        outer = _START * torch.eye(problem.dim, dtype=x0.dtype, device=x0.device).expand(problem.batch_size, -1, -1)
        inner = torch.full((problem.batch_size, 1), _START, dtype=x0.dtype, device=x0.device)
        return ShampooState(x0, step_size(self.step_size, problem), outer, inner)

    def step(self, problem: Composite, state: ShampooState) -> ShampooState:
        """One step."""
        d = subgradient(problem, state.x)
        outer = state.outer + d.unsqueeze(2) * d.unsqueeze(1)
        inner = state.inner + (d * d).sum(-1, keepdim=True)
        direction = _inverse_fourth_root(outer, d) * inner**-0.25
        return ShampooState(state.x - state.base_step * direction, state.base_step, outer, inner)


def _inverse_fourth_root(matrix: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    """M^{-1/4} d; NaN for the instances whose sums overflowed. No eigenvalue of M is below that of M_0."""
    finite = torch.isfinite(matrix.sum((1, 2))).reshape(-1, 1, 1)
    identity = torch.eye(d.shape[1], dtype=d.dtype, device=d.device)
    values, vectors = torch.linalg.eigh(torch.where(finite, matrix, identity))
    coordinates = (vectors.mT @ d.unsqueeze(-1)).squeeze(-1) * values.clamp(min=_START) ** -0.25
    return torch.where(finite.squeeze(-1), (vectors @ coordinates.unsqueeze(-1)).squeeze(-1), torch.nan)
