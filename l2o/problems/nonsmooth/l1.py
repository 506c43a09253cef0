"""The l1 norm: r(x) = lam ||x||_1."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch

from ...support.arrays import moved
from .base import NonsmoothTerm, pick


def soft_threshold(u: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """sign(u) max(|u| - level, 0), elementwise."""
    return torch.sign(u.detach()) * (u.abs() - level).clamp(min=0.0)  # the sign is locally constant


@dataclass(frozen=True, eq=False)
class L1(NonsmoothTerm):
    """lam ||x||_1 with lam (1,1) or (B,1), lam >= 0."""

    lam: torch.Tensor

    kind: ClassVar[str] = "l1"
    finite_slopes: ClassVar[bool] = True

    @property
    def batch_size(self) -> int:
        """Number of rows of lam."""
        return self.lam.shape[0]

    def values(self, x: torch.Tensor) -> torch.Tensor:
        """lam |x_i|."""
        return self.lam * x.abs()

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """Soft thresholding at lam * step."""
        return soft_threshold(u, self.lam * step)

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """lam sign(x_i), and [-lam, lam] where x_i = 0."""
        slope = self.lam * torch.sign(x.detach())  # the slopes are locally constant
        kink = self.lam - slope.abs()  # lam where x_i = 0, else 0: four times faster than with torch.where
        return slope - kink, slope + kink

    def subdifferential_near(self, x: torch.Tensor, units: float = 32.0) -> tuple[torch.Tensor, torch.Tensor]:
        """The ends at both sides of x: slopes only grow, so x itself adds nothing."""
        reach = units * torch.finfo(x.dtype).eps * x.abs()
        return self.subdifferential(x - reach)[0], self.subdifferential(x + reach)[1]

    def arrays(self) -> dict[str, torch.Tensor]:
        """lam."""
        return {"lam": self.lam}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, lam=pick(self.lam, index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, lam=moved(self.lam, dtype, device))
