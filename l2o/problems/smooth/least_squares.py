"""Least squares: f(x) = 1/2 ||A x - y||^2."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

import torch

from ... import rounding
from ...support.arrays import moved
from . import _residuals
from ._linear_map import LinearMap
from .base import SmoothTerm


@dataclass(frozen=True, eq=False)
class LeastSquares(SmoothTerm):
    """1/2 ||A x - y||^2 with A (m,n) or (B,m,n) and y (B,m); L = lambda_max(A'A), mu = lambda_min(A'A)."""

    map: LinearMap
    target: torch.Tensor

    kind: ClassVar[str] = "least-squares"

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.target.shape[0]

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.map.matrix.shape[-1]

    @cached_property
    def smoothness(self) -> torch.Tensor:
        """(B,) largest eigenvalue of A'A."""
        return self.map.largest_eigenvalue().expand(self.batch_size)

    @property
    def smoothness_error(self) -> torch.Tensor:
        """(B,): forming the Gram matrix of m rows adds to the eigenvalue problem."""
        rows = self.map.matrix.shape[-2]
        return (rows + 4 * self.dim) * torch.finfo(self.smoothness.dtype).eps * self.smoothness

    @cached_property
    def strong_convexity(self) -> torch.Tensor:
        """(B,) certified lower bound on the smallest eigenvalue of A'A; 0 where m < n."""
        return self.map.smallest_eigenvalue().expand(self.batch_size)

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,m) A x - y."""
        return self.map(x) - self.target

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        if _residuals.available(self.map.matrix, self.target, x):
            return _residuals.value_and_gradient(self.map.matrix, self.target, x)
        r = self.residual(x)
        return 0.5 * (r * r).sum(-1), self.map.adjoint(r)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        if _residuals.available(self.map.matrix, self.target, x):
            return _residuals.value(self.map.matrix, self.target, x)
        r = self.residual(x)
        return 0.5 * (r * r).sum(-1)

    def _residual_and_error(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        r = self.residual(x)
        u = rounding.unit_roundoff(x.dtype)
        return r, self.map.forward_error(x) + 2 * u * r.abs()

    def errors(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both from one residual."""
        r, error = self._residual_and_error(x)
        return _value_error(r, error), 1.01 * rounding.norms(self.map.adjoint_error(r, error))

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) |fl f - f| <= sum |r_i| err_i + err_i^2 / 2 + gamma_m f, and the underflow of m squares."""
        return _value_error(*self._residual_and_error(x))

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) error of A'r in the 2-norm."""
        return 1.01 * rounding.norms(self.map.adjoint_error(*self._residual_and_error(x)))

    def arrays(self) -> dict[str, torch.Tensor]:
        """A and y."""
        return {"A": self.map.matrix, "y": self.target}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, map=self.map.select(index), target=self.target[index])

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, map=self.map.to(dtype, device), target=moved(self.target, dtype, device))


def _value_error(r: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
    summation = rounding.gamma(r.shape[-1], r.dtype) * 0.5 * (r * r).sum(-1)
    summation = summation + rounding.underflow(3 * r.shape[-1], r.dtype)
    return 1.01 * ((r.abs() * error + 0.5 * error * error).sum(-1) + summation)
