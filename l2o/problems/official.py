"""The authors' prox of the shifted l1 norm, which is not its prox: a defect, here so that it can be measured.

For F(x + t) their code computes  -t + sign(u) max(|u| - lam step + sign(u) t, 0), where the prox of lam ||. + t||_1 is
-t + S_{lam step}(u + t). The two agree for t = 0, and where sign(u) = sign(u + t) or |u + t| <= lam step; otherwise
theirs returns -t, so that no coordinate strictly between -t and 0 can be reached.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch

from ...errors import InputError
from ..support.arrays import moved
from .composite import Composite
from .nonsmooth import L1
from .nonsmooth.base import pick
from .transforms import Change, ChangedSmooth


@dataclass(frozen=True, eq=False)
class OfficialShiftedL1(L1):
    """lam ||x + t||_1 with the authors' prox; t of shape (1,1) or (B,1)."""

    t: torch.Tensor

    kind = "l1 (authors' prox)"

    @property
    def batch_size(self) -> int:
        """The larger number of rows of lam and t."""
        return max(self.lam.shape[0], self.t.shape[0])

    def values(self, x: torch.Tensor) -> torch.Tensor:
        """lam |x_i + t|."""
        return self.lam * (x + self.t).abs()

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """That of lam |. + t|."""
        return super().subdifferential(x + self.t)

    def subdifferential_near(self, x: torch.Tensor, units: float = 32.0) -> tuple[torch.Tensor, torch.Tensor]:
        """The ends at both sides of x + t."""
        return super().subdifferential_near(x + self.t, units)

    def magnitude(self, x: torch.Tensor) -> torch.Tensor:
        """|x_i| and |t|."""
        return x.abs() + self.t.abs()

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """What the authors' code computes."""
        sign = torch.sign(u.detach())
        return -self.t + sign * (u.abs() - self.lam * step + sign * self.t).clamp(min=0.0)

    def arrays(self) -> dict[str, torch.Tensor]:
        """lam and t."""
        return {"lam": self.lam, "t": self.t}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, lam=pick(self.lam, index), t=pick(self.t, index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, lam=moved(self.lam, dtype, device), t=moved(self.t, dtype, device))


def with_official_prox(problem: Composite, t: float) -> Composite:
    """x -> F(x + t) for F = f + lam ||.||_1, with the authors' prox in place of the exact one."""
    if not isinstance(problem.nonsmooth, L1) or isinstance(problem.nonsmooth, OfficialShiftedL1):
        raise InputError(f"the authors' prox belongs to f + lam ||x||_1, got {problem.name}; use the exact one.")
    shift = torch.full((1, 1), float(t), dtype=problem.dtype, device=problem.device)
    smooth = ChangedSmooth(problem.smooth, Change.of(shift=shift))
    return Composite(smooth, OfficialShiftedL1(problem.nonsmooth.lam, shift))
