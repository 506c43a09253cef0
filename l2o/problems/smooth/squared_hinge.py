"""Squared hinge loss: f(x) = mean_j max(0, 1 - s_j a_j'x)^2, s = 2 label - 1.

phi(z) = max(0, 1 - z)^2 has phi' = -2 max(0, 1 - z), so phi'' is 2 before z = 1 and 0 after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ... import rounding
from .sample_loss import MarginLoss


@dataclass(frozen=True, eq=False)
class SquaredHinge(MarginLoss):
    """Mean squared hinge loss with A (m,n) or (B,m,n) and labels (B,m) in {0,1}; L = 2 lambda_max(A'A)/m."""

    kind: ClassVar[str] = "squared-hinge"
    curvature: ClassVar[float] = 2.0

    def shortfall(self, z: torch.Tensor) -> torch.Tensor:
        """(B,m) -> (B,m) max(0, 1 - z)."""
        return (1 - z).clamp(min=0.0)

    def losses(self, z: torch.Tensor) -> torch.Tensor:
        """max(0, 1 - z)^2."""
        short = self.shortfall(z)
        return short * short

    def slopes(self, z: torch.Tensor) -> torch.Tensor:
        """-2 max(0, 1 - z)."""
        return -2 * self.shortfall(z)

    def evaluation_error(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One rounding of 1 - z, and one of the square."""
        u, short = rounding.unit_roundoff(z.dtype), self.shortfall(z)
        return 4 * u * short * short + torch.finfo(z.dtype).tiny, 3 * u * short
