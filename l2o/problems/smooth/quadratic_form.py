"""Quadratic form: f(x) = 1/2 x'Qx - c'x with Q symmetric positive semidefinite."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

import torch

from ... import rounding
from ...support.arrays import moved
from ._linear_map import LinearMap
from .base import SmoothTerm


@dataclass(frozen=True, eq=False)
class QuadraticForm(SmoothTerm):
    """1/2 x'Qx - c'x with Q (n,n) or (B,n,n), c (B,n); L and mu are the extreme eigenvalues of Q."""

    map: LinearMap
    linear: torch.Tensor

    kind: ClassVar[str] = "quadratic"

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.linear.shape[0]

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.linear.shape[-1]

    @cached_property
    def eigenvalues(self) -> torch.Tensor:
        """(1,n) or (B,n) ascending eigenvalues of Q."""
        values = torch.linalg.eigvalsh(self.map.matrix)
        return values.reshape(-1, self.dim)

    @cached_property
    def smoothness(self) -> torch.Tensor:
        """(B,) largest eigenvalue of Q."""
        return self.eigenvalues[:, -1].expand(self.batch_size)

    @cached_property
    def strong_convexity(self) -> torch.Tensor:
        """(B,) smallest eigenvalue of Q less the error of the eigenvalue solver, at least 0."""
        slack = 10 * self.dim * torch.finfo(self.linear.dtype).eps * self.map.frobenius.reshape(-1)
        return (self.eigenvalues[:, 0] - slack).clamp(min=0.0).expand(self.batch_size)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        curved = self.map(x)
        return (x * (0.5 * curved - self.linear)).sum(-1), curved - self.linear

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): the error of Qx through x, and the rounding of the last dot product."""
        half = 0.5 * self.map(x)
        u = rounding.unit_roundoff(x.dtype)
        error = 0.5 * self.map.forward_error(x) + 2 * u * (half.abs() + self.linear.abs())
        terms = x.abs() * (half.abs() + self.linear.abs())
        summation = rounding.gamma(self.dim, x.dtype) * terms.sum(-1) + rounding.underflow(3 * self.dim, x.dtype)
        return 1.01 * ((x.abs() * error).sum(-1) + summation)

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,)."""
        g = self.map(x) - self.linear
        u = rounding.unit_roundoff(x.dtype)
        return 1.01 * rounding.norms(self.map.forward_error(x) + 2 * u * g.abs())

    def arrays(self) -> dict[str, torch.Tensor]:
        """Q and c."""
        return {"Q": self.map.matrix, "c": self.linear}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, map=self.map.select(index), linear=self.linear[index])

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, map=self.map.to(dtype, device), linear=moved(self.linear, dtype, device))
