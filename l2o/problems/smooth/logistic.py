"""Logistic loss: f(x) = (1/m) sum_j [ log(1 + exp(a_j'x)) - y_j a_j'x ]."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

import torch
from torch.nn.functional import softplus

from ... import rounding
from ...support.arrays import moved
from ._linear_map import LinearMap
from .base import SmoothTerm


@dataclass(frozen=True, eq=False)
class Logistic(SmoothTerm):
    """Mean logistic loss with A (m,n) or (B,m,n) and labels (B,m) in {0,1}.

    `curvature` is the factor c in L = c lambda_max(A'A)/m: 1/4 is the true bound on the second derivative of the
    loss; 1 is what the authors' code uses (a valid, four times larger L).
    """

    map: LinearMap
    labels: torch.Tensor
    curvature: float = 0.25

    kind: ClassVar[str] = "logistic"

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.labels.shape[0]

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.map.matrix.shape[-1]

    @property
    def rows(self) -> int:
        """Number of samples m."""
        return self.map.matrix.shape[-2]

    @cached_property
    def smoothness(self) -> torch.Tensor:
        """(B,) curvature * lambda_max(A'A) / m."""
        return (self.curvature * self.map.largest_eigenvalue() / self.rows).expand(self.batch_size)

    @property
    def smoothness_error(self) -> torch.Tensor:
        """(B,): forming the Gram matrix of m rows adds to the eigenvalue problem."""
        rows = self.map.matrix.shape[-2]
        return (rows + 4 * self.dim) * torch.finfo(self.smoothness.dtype).eps * self.smoothness

    @cached_property
    def strong_convexity(self) -> torch.Tensor:
        """(B,) 0: the loss flattens at infinity."""
        return torch.zeros(self.batch_size, dtype=self.labels.dtype, device=self.labels.device)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        z = self.map(x)
        return self._mean_loss(z), self.map.adjoint(torch.sigmoid(z) - self.labels) / self.rows

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        return self._mean_loss(self.map(x))

    def _mean_loss(self, z: torch.Tensor) -> torch.Tensor:
        # softplus(-s z) with s = 2y - 1 is the loss without cancellation between log(1+e^z) and y z.
        return softplus((1 - 2 * self.labels) * z, threshold=40.0).mean(-1)

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): the loss is 1-Lipschitz in z; softplus and the mean add gamma_{m+8} of the value.

        Eight units cover exp and log1p (each within 2 ulp here) and the threshold at 40, where e^-40 < u.
        """
        z_error = self.map.forward_error(x).mean(-1)
        return 1.01 * (z_error + rounding.gamma(self.rows + 8, x.dtype) * self.value(x))

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): sigmoid is 1/4-Lipschitz and evaluated to 4 units."""
        z = self.map(x)
        s = torch.sigmoid(z)
        u = rounding.unit_roundoff(x.dtype)
        weight_error = 0.25 * self.map.forward_error(x) + 8 * u * s + u
        weight = s - self.labels
        error = self.map.adjoint_error(weight, weight_error) / self.rows
        size = rounding.norms(self.map.adjoint(weight) / self.rows)
        return 1.01 * rounding.norms(error) + 2 * u * size

    def arrays(self) -> dict[str, torch.Tensor]:
        """A, labels and the curvature factor."""
        factor = torch.tensor([self.curvature], dtype=self.labels.dtype)
        return {"A": self.map.matrix, "labels": self.labels, "curvature": factor}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, map=self.map.select(index), labels=self.labels[index])

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, map=self.map.to(dtype, device), labels=moved(self.labels, dtype, device))
