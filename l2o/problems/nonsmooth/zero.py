"""No nonsmooth term: r = 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ...support.arrays import float_dtype
from .base import NonsmoothTerm


@dataclass(frozen=True, eq=False)
class Zero(NonsmoothTerm):
    """r = 0, whose prox is the identity."""

    kind: ClassVar[str] = "zero"
    is_zero: ClassVar[bool] = True
    is_indicator: ClassVar[bool] = True
    finite_slopes: ClassVar[bool] = True

    @property
    def batch_size(self) -> int:
        """1: the same for every instance."""
        return 1

    def values(self, x: torch.Tensor) -> torch.Tensor:
        """Zeros."""
        return torch.zeros_like(x)

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """The identity."""
        return u

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """{0}."""
        zero = torch.zeros_like(x)
        return zero, zero

    def arrays(self) -> dict[str, torch.Tensor]:
        """Nothing."""
        return {}

    def select(self, index: torch.Tensor) -> Zero:
        """Itself."""
        return self

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Zero:
        """Itself."""
        if dtype is not None:
            float_dtype(dtype)
        return self
