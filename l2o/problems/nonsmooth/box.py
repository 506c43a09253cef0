"""Indicators of boxes: r(x) = 0 for lower <= x <= upper, +inf elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch

from ...support.arrays import moved
from .base import NonsmoothTerm, pick


@dataclass(frozen=True, eq=False)
class Box(NonsmoothTerm):
    """Indicator of lower <= x <= upper; bounds of shape (1,1), (1,n), (B,1) or (B,n), infinite ones allowed."""

    lower: torch.Tensor
    upper: torch.Tensor

    kind: ClassVar[str] = "box"
    is_indicator: ClassVar[bool] = True

    @property
    def batch_size(self) -> int:
        """The larger number of rows of the two bounds."""
        return max(self.lower.shape[0], self.upper.shape[0])

    def values(self, x: torch.Tensor) -> torch.Tensor:
        """0 inside, +inf outside."""
        inside = (x >= self.lower) & (x <= self.upper)
        return torch.where(inside, torch.zeros_like(x), torch.full_like(x, torch.inf))

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """The projection, for every step."""
        return torch.minimum(torch.maximum(u, self.lower), self.upper)

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The normal cone: 0 inside, a half line on a face, empty (inf, -inf) outside."""
        zero, inf = torch.zeros_like(x), torch.full_like(x, torch.inf)
        low = torch.where(x <= self.lower, -inf, zero)
        high = torch.where(x >= self.upper, inf, zero)
        outside = (x < self.lower) | (x > self.upper)
        return torch.where(outside, inf, low), torch.where(outside, -inf, high)

    def arrays(self) -> dict[str, torch.Tensor]:
        """The two bounds."""
        return {"lower": self.lower, "upper": self.upper}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, lower=pick(self.lower, index), upper=pick(self.upper, index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        lower, upper = (moved(b, dtype, device) for b in (self.lower, self.upper))
        return replace(self, lower=lower, upper=upper)
