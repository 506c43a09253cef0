"""The elastic net: r(x) = lam ||x||_1 + ridge/2 ||x||^2."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch

from ...support.arrays import moved
from .base import NonsmoothTerm, pick
from .l1 import soft_threshold


@dataclass(frozen=True, eq=False)
class ElasticNet(NonsmoothTerm):
    """lam ||x||_1 + ridge/2 ||x||^2, lam and ridge of shape (1,1) or (B,1), both >= 0."""

    lam: torch.Tensor
    ridge: torch.Tensor

    kind: ClassVar[str] = "elastic-net"
    finite_slopes: ClassVar[bool] = True

    @property
    def batch_size(self) -> int:
        """The larger number of rows of lam and ridge."""
        return max(self.lam.shape[0], self.ridge.shape[0])

    def values(self, x: torch.Tensor) -> torch.Tensor:
        """lam |x_i| + ridge x_i^2 / 2."""
        return self.lam * x.abs() + 0.5 * self.ridge * x * x

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """Soft thresholding at lam * step, shrunk by 1 + ridge * step."""
        return soft_threshold(u, self.lam * step) / (1 + self.ridge * step)

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """ridge x_i + lam sign(x_i), and [-lam, lam] where x_i = 0."""
        slope = self.ridge * x + self.lam * torch.sign(x)
        kink = x == 0
        lam = self.lam.expand_as(x)
        return torch.where(kink, -lam, slope), torch.where(kink, lam, slope)

    def arrays(self) -> dict[str, torch.Tensor]:
        """lam and ridge."""
        return {"lam": self.lam, "ridge": self.ridge}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, lam=pick(self.lam, index), ridge=pick(self.ridge, index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        lam, ridge = (moved(p, dtype, device) for p in (self.lam, self.ridge))
        return replace(self, lam=lam, ridge=ridge)
