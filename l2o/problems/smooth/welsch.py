"""Welsch loss: f(x) = sum_j (c^2/2) (1 - exp(-z_j^2/c^2)), z = A x - y; not convex.

With q = z^2/c^2, phi' = z e^-q and phi'' = (1 - 2q) e^-q, whose derivative by q, (2q - 3) e^-q, vanishes at q = 3/2
only: phi'' falls from 1 at q = 0 to -2 e^-1.5 = -0.446 and rises to 0, so |phi''| <= 1 (Dennis and Welsch, Techniques
for nonlinear least squares and robust regression, 1978).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ... import rounding
from .sample_loss import ResidualLoss

_GONE = 1e3  # e^-q is 0 from here on


@dataclass(frozen=True, eq=False)
class Welsch(ResidualLoss):
    """Welsch loss with c > 0 of shape (1,1) or (B,1), in the units of y; L = lambda_max(A'A)."""

    c: torch.Tensor

    kind: ClassVar[str] = "welsch"
    curvature: ClassVar[float] = 1.0

    @property
    def convex(self) -> bool:
        """No: phi'' < 0 beyond |z| = c / sqrt(2)."""
        return False

    def _exponent(self, z: torch.Tensor) -> torch.Tensor:
        ratio = z / self.c
        return ratio * ratio

    def losses(self, z: torch.Tensor) -> torch.Tensor:
        """(c^2/2) (1 - exp(-z^2/c^2))."""
        return -0.5 * self.c * self.c * torch.expm1(-self._exponent(z))

    def slopes(self, z: torch.Tensor) -> torch.Tensor:
        """z exp(-z^2/c^2)."""
        return z * torch.exp(-self._exponent(z))

    def evaluation_error(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Three roundings of q, passed on by expm1 with a factor of at most 1 and by exp with q; both within 2 ulp."""
        u, tiny = rounding.unit_roundoff(z.dtype), torch.finfo(z.dtype).tiny
        q = self._exponent(z).clamp(max=_GONE)
        loss_error = 12 * u * self.losses(z) + tiny * (2 + self.c * self.c)
        return loss_error, u * (8 + 4 * q) * self.slopes(z).abs() + 4 * tiny * (1 + z.abs())

    def scale(self) -> dict[str, torch.Tensor]:
        """c."""
        return {"c": self.c}
