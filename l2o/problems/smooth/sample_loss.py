"""Sums and means of one loss over samples: f(x) = sum_j phi(z_j) or mean_j phi(z_j), with z affine in x.

A loss says what phi and phi' are, by how much rounding may move them at a given z, and `curvature`, a bound C on
|phi''|. The rest follows: L = C lambda_max(A'A) (over m for a mean), and an error e of z moves phi by at most
|phi'| e + C e^2/2 and phi' by at most C e.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

import torch

from ... import rounding as _rounding
from ...support.arrays import moved
from ..nonsmooth.base import pick
from ._linear_map import LinearMap
from .base import SmoothTerm


@dataclass(frozen=True, eq=False)
class SampleLoss(SmoothTerm):
    """The base of losses of A x, A of shape (m,n) or (B,m,n)."""

    map: LinearMap

    curvature: ClassVar[float]  # a bound on |phi''|

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.map.matrix.shape[-1]

    @property
    def rows(self) -> int:
        """Number of samples m."""
        return self.map.matrix.shape[-2]

    @property
    @abc.abstractmethod
    def samples(self) -> int:
        """What the sum over the samples is divided by: 1, or m for a mean."""

    @abc.abstractmethod
    def argument(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,m) z."""

    @abc.abstractmethod
    def argument_error(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """(B,m) bound on the rounding error of z = argument(x)."""

    @abc.abstractmethod
    def outward(self, slopes: torch.Tensor) -> torch.Tensor:
        """(B,m) derivatives by z -> derivatives by the entries of A x, without rounding."""

    @abc.abstractmethod
    def losses(self, z: torch.Tensor) -> torch.Tensor:
        """(B,m) -> (B,m) phi(z) >= 0."""

    @abc.abstractmethod
    def slopes(self, z: torch.Tensor) -> torch.Tensor:
        """(B,m) -> (B,m) phi'(z)."""

    @abc.abstractmethod
    def evaluation_error(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,m) bounds on the rounding of `losses` and of `slopes` at z itself."""

    @cached_property
    def smoothness(self) -> torch.Tensor:
        """(B,) curvature * lambda_max(A'A), over m for a mean."""
        return (self.curvature * self.map.largest_eigenvalue() / self.samples).expand(self.batch_size)

    @property
    def smoothness_error(self) -> torch.Tensor:
        """(B,): forming the Gram matrix of m rows adds to the eigenvalue problem."""
        return (self.rows + 4 * self.dim) * torch.finfo(self.smoothness.dtype).eps * self.smoothness

    @cached_property
    def strong_convexity(self) -> torch.Tensor:
        """(B,) 0: the loss is linear, flat or concave somewhere."""
        return torch.zeros_like(self.smoothness)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        z = self.argument(x)
        return self.losses(z).sum(-1) / self.samples, self.map.adjoint(self.outward(self.slopes(z))) / self.samples

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        return self.losses(self.argument(x)).sum(-1) / self.samples

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): what the error of z does to phi, phi's own rounding, and the sum."""
        z = self.argument(x)
        error, losses = self.argument_error(x, z), self.losses(z)
        loss_error, slope_error = self.evaluation_error(z)
        moved = (self.slopes(z).abs() + slope_error + 0.5 * self.curvature * error) * error
        summation = _rounding.gamma(self.rows + 1, x.dtype) * losses.sum(-1)
        tiny = self.rows * torch.finfo(x.dtype).tiny
        return 1.01 * ((moved + loss_error).sum(-1) + summation) / self.samples + tiny

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): the errors of the slopes through A', and the division of a mean."""
        z = self.argument(x)
        slopes = self.slopes(z)
        error = self.curvature * self.argument_error(x, z) + self.evaluation_error(z)[1]
        bound = _rounding.norms(self.map.adjoint_error(slopes, error)) / self.samples
        if self.samples == 1:
            return 1.01 * bound
        size = _rounding.norms(self.map.adjoint(self.outward(slopes))) / self.samples
        return 1.01 * bound + 2 * _rounding.unit_roundoff(x.dtype) * size


@dataclass(frozen=True, eq=False)
class ResidualLoss(SampleLoss):
    """sum_j phi(a_j'x - y_j) with y (B,m)."""

    target: torch.Tensor

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.target.shape[0]

    @property
    def samples(self) -> int:
        """1: a sum."""
        return 1

    def argument(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,m) the residual A x - y."""
        return self.map(x) - self.target

    def argument_error(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """(B,m): that of A x, and a subtraction."""
        return self.map.forward_error(x) + 2 * _rounding.unit_roundoff(x.dtype) * z.abs()

    def outward(self, slopes: torch.Tensor) -> torch.Tensor:
        """The slopes themselves."""
        return slopes

    @abc.abstractmethod
    def scale(self) -> dict[str, torch.Tensor]:
        """The parameters of phi by field, (1,1) or (B,1) each."""

    def arrays(self) -> dict[str, torch.Tensor]:
        """A, y and the parameters of phi."""
        return {"A": self.map.matrix, "y": self.target, **self.scale()}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        scale = {name: pick(a, index) for name, a in self.scale().items()}
        return replace(self, map=self.map.select(index), target=self.target[index], **scale)

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        arrays = {"target": self.target, **self.scale()}
        arrays = {name: moved(a, dtype, device) for name, a in arrays.items()}
        return replace(self, map=self.map.to(dtype, device), **arrays)


@dataclass(frozen=True, eq=False)
class MarginLoss(SampleLoss):
    """mean_j phi(s_j a_j'x) with s = 2 label - 1 and labels (B,m) in {0,1}."""

    labels: torch.Tensor

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.labels.shape[0]

    @property
    def samples(self) -> int:
        """m: a mean."""
        return self.rows

    @property
    def signs(self) -> torch.Tensor:
        """(B,m) s, -1 or 1."""
        return 2 * self.labels - 1

    def argument(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,m) the margins s_j a_j'x."""
        return self.signs * self.map(x)

    def argument_error(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """(B,m): that of A x; a sign costs nothing."""
        return self.map.forward_error(x)

    def outward(self, slopes: torch.Tensor) -> torch.Tensor:
        """The slopes times the signs."""
        return self.signs * slopes

    def arrays(self) -> dict[str, torch.Tensor]:
        """A and the labels."""
        return {"A": self.map.matrix, "labels": self.labels}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, map=self.map.select(index), labels=self.labels[index])

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, map=self.map.to(dtype, device), labels=moved(self.labels, dtype, device))
