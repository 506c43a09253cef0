"""Student's t loss: f(x) = sum_j (nu/2) log(1 + z_j^2/nu), z = A x - y; not convex.

With q = z^2/nu, phi' = z / (1 + q) and phi'' = (1 - q) / (1 + q)^2, whose derivative by q, (q - 3) / (1 + q)^3,
vanishes at q = 3 only: phi'' falls from 1 at q = 0 to -1/8 and rises to 0, so |phi''| <= 1. Up to a factor it is the
negative log-likelihood of errors with nu degrees of freedom (Lange, Little and Taylor, 1989), scaled to curvature 1 at
z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ... import rounding
from .sample_loss import ResidualLoss


@dataclass(frozen=True, eq=False)
class StudentT(ResidualLoss):
    """Student's t loss with nu > 0 of shape (1,1) or (B,1), in the units of y^2; L = lambda_max(A'A)."""

    nu: torch.Tensor

    kind: ClassVar[str] = "student-t"
    curvature: ClassVar[float] = 1.0

    @property
    def convex(self) -> bool:
        """No: phi'' < 0 beyond |z| = sqrt(nu)."""
        return False

    def losses(self, z: torch.Tensor) -> torch.Tensor:
        """(nu/2) log(1 + z^2/nu)."""
        return 0.5 * self.nu * torch.log1p(z * z / self.nu)

    def slopes(self, z: torch.Tensor) -> torch.Tensor:
        """z / (1 + z^2/nu)."""
        return z / (1 + z * z / self.nu)

    def evaluation_error(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Two roundings of q, passed on with a factor of at most 1; log1p within 2 ulp; and the products."""
        u, tiny = rounding.unit_roundoff(z.dtype), torch.finfo(z.dtype).tiny
        loss_error = 10 * u * self.losses(z) + tiny * (2 + self.nu)
        return loss_error, 6 * u * self.slopes(z).abs() + tiny

    def scale(self) -> dict[str, torch.Tensor]:
        """nu."""
        return {"nu": self.nu}
