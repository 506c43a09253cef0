"""Sigmoid loss: f(x) = mean_j sigma(-s_j a_j'x), s = 2 label - 1, sigma(t) = 1 / (1 + e^-t); not convex.

A smooth count of the samples on the wrong side. With p = sigma(z), phi' = -p (1 - p) and phi'' = p (1 - p) (2p - 1);
its derivative by p, -6 p^2 + 6 p - 1, vanishes at p = 1/2 +- 1/sqrt(12), where |phi''| = (1/6) (1/sqrt(3)), so
|phi''| <= 1/(6 sqrt(3)) = 0.0962.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from ... import rounding
from .sample_loss import MarginLoss


@dataclass(frozen=True, eq=False)
class SigmoidLoss(MarginLoss):
    """Mean sigmoid loss with A (m,n) or (B,m,n), labels (B,m) in {0,1}; L = lambda_max(A'A)/(6 sqrt(3) m)."""

    kind: ClassVar[str] = "sigmoid-loss"
    curvature: ClassVar[float] = 1 / (6 * math.sqrt(3))

    @property
    def convex(self) -> bool:
        """No: phi'' < 0 where the margin is negative."""
        return False

    def losses(self, z: torch.Tensor) -> torch.Tensor:
        """sigma(-z)."""
        return torch.sigmoid(-z)

    def slopes(self, z: torch.Tensor) -> torch.Tensor:
        """-sigma(z) sigma(-z)."""
        return -torch.sigmoid(z) * torch.sigmoid(-z)

    def evaluation_error(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Eight units for each sigmoid; where e^|z| overflows it is below the smallest normal number."""
        u, tiny = rounding.unit_roundoff(z.dtype), 4 * torch.finfo(z.dtype).tiny
        return 8 * u * self.losses(z) + tiny, 20 * u * self.slopes(z).abs() + tiny
