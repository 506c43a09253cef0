"""Huber loss: f(x) = sum_j h(a_j'x - y_j), h(z) = z^2/2 for |z| <= delta and delta (|z| - delta/2) beyond.

h'(z) is z clipped to [-delta, delta], so 0 <= h'' <= 1 wherever it exists (Huber, Robust estimation of a location
parameter, 1964).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ... import rounding
from .sample_loss import ResidualLoss


@dataclass(frozen=True, eq=False)
class Huber(ResidualLoss):
    """Huber loss with delta > 0 of shape (1,1) or (B,1), in the units of y; L = lambda_max(A'A)."""

    delta: torch.Tensor

    kind: ClassVar[str] = "huber"
    curvature: ClassVar[float] = 1.0

    def losses(self, z: torch.Tensor) -> torch.Tensor:
        """c (z - c/2) with c = h'(z), which is both cases at once."""
        clipped = self.slopes(z)
        return clipped * (z - 0.5 * clipped)

    def slopes(self, z: torch.Tensor) -> torch.Tensor:
        """z clipped to [-delta, delta]."""
        return torch.minimum(torch.maximum(z, -self.delta), self.delta)

    def evaluation_error(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Two roundings, as c and z - c/2 have the same sign; clipping has none."""
        tiny = torch.finfo(z.dtype).tiny
        return 3 * rounding.unit_roundoff(z.dtype) * self.losses(z) + tiny, torch.zeros_like(z)

    def scale(self) -> dict[str, torch.Tensor]:
        """delta."""
        return {"delta": self.delta}
