"""Indicators of polytopes given by points: r(x) = 0 on the convex hull of x_1, ..., x_Q, +inf elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import torch

from ...support.arrays import moved
from .. import _simplex
from .base import CoupledTerm, pick

if TYPE_CHECKING:
    from ..transforms import Change

_UNITS = 64.0  # roundings of the largest coordinate within which a point counts as one of the hull


@dataclass(frozen=True, eq=False)
class Hull(CoupledTerm):
    """Indicator of conv{x_i}, points (1,Q,n) or (B,Q,n).

    Few points of the hull are floating-point numbers, so a point counts as inside where it is within a few roundings of
    it: otherwise no projection would ever lie in the set.
    """

    points: torch.Tensor

    kind: ClassVar[str] = "hull"
    is_indicator: ClassVar[bool] = True

    @property
    def batch_size(self) -> int:
        """Number of rows of the points."""
        return self.points.shape[0]

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.points.shape[-1]

    def _project(self, u: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(B,n) the projections and (B,) the distances, in extended precision."""
        points, target = self._extended(u, self.points)
        free = np.zeros(points.shape[1])
        minima = [_simplex.minimise(p, free, 1.0, z) for p, z in zip(points, target)]
        distance = np.array([np.sqrt((m.residual**2).sum()) for m in minima])
        # From the weights, not as u plus the residual: a vertex is then met exactly.
        return np.array([m.weights @ p for m, p in zip(minima, points)]), distance

    def _blur(self, x: torch.Tensor) -> torch.Tensor:
        size = torch.maximum(x.abs().amax(-1), self.points.abs().amax((-2, -1)))
        return _UNITS * self.dim**0.5 * torch.finfo(x.dtype).eps * size

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,) 0 within rounding of the hull, +inf outside."""
        inside = self._tensor(self._project(x)[1], x) <= self._blur(x)
        return torch.where(inside, 0.0, torch.inf).to(x)

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) zeros: 0 and +inf are exact."""
        return torch.zeros_like(x[:, 0])

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """The projection, for every step that is one number per instance."""
        self._one_step(u, step)
        return self._tensor(self._project(u)[0], u)

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Where n = 1, the normal cone: 0 inside, a half line at an end, empty (inf, -inf) outside."""
        self._require_one_variable("the normal cone")
        blur = self._blur(x).unsqueeze(-1)
        left, right = self.points.amin(1), self.points.amax(1)
        outside = (x < left - blur) | (x > right + blur)
        low = torch.where(outside, torch.inf, torch.where(x <= left + blur, -torch.inf, 0.0))
        high = torch.where(outside, -torch.inf, torch.where(x >= right - blur, torch.inf, 0.0))
        return low.to(x), high.to(x)

    def changed(self, change: Change) -> Hull:
        """The hull of the moved points a (x_i - t)."""
        return Hull((self.points - change.shift.unsqueeze(1)) * change.dilation.unsqueeze(1))

    def arrays(self) -> dict[str, torch.Tensor]:
        """The points."""
        return {"points": self.points}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, points=pick(self.points, index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, points=moved(self.points, dtype, device))
