"""The smooth function that interpolates points, gradients and values: what a worst case of a class looks like.

With curvature between l and L, w = L - l, and data (x_i, g_i, f_i),

    f(x) = l/2 ||x||^2 + min over a in the simplex of  sum_i a_i c_i + w/2 ||x - sum_i a_i m_i||^2,
    m_i = x_i - (g_i - l x_i)/w,    c_i = f_i - l/2 ||x_i||^2 - ||g_i - l x_i||^2 / (2w),

whose gradient is l x + w (x - sum_i a_i m_i). The minimum is the infimal convolution of a polyhedral function and a
quadratic, so f - l/2 ||.||^2 is convex and w-smooth whatever the data are; f takes the values f_i and the gradients
g_i at the x_i if and only if the data satisfy the interpolation inequalities of the class (Taylor, Hendrickx and
Glineur, Smooth strongly convex interpolation and exact worst-case performance of first-order methods, 2017). Data
that miss them by d are missed by up to d in value, and by up to sqrt(w d) in gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import torch

from ... import rounding as _rounding
from ...support.arrays import moved
from .. import _simplex
from .base import SmoothTerm


@dataclass(frozen=True, eq=False)
class Interpolated(SmoothTerm):
    """Anchors m (B,P,n), offsets c (B,P), and the bounds `lower` < `upper` of the curvature, (B,) each.

    The anchors and offsets are the data: the term is exactly the f above with them, and its gradient has a Lipschitz
    constant of `upper` (where lower >= -upper). The gradient carries no graph of its own: a derivative through it is 0.
    """

    anchors: torch.Tensor
    offsets: torch.Tensor
    lower: torch.Tensor
    upper: torch.Tensor

    kind: ClassVar[str] = "interpolated"

    @classmethod
    def through(cls, x: np.ndarray, g: np.ndarray, f: np.ndarray, lower: float, upper: float) -> Interpolated:
        """One instance, through the points x (P,n) with gradients g (P,n) and values f (P,); lower < upper."""
        x, g, f = (a.astype(_simplex.EXTENDED) for a in (x, g, f))
        width = _simplex.EXTENDED(upper) - _simplex.EXTENDED(lower)
        steep = g - lower * x
        anchors = x - steep / width
        offsets = f - 0.5 * lower * (x * x).sum(-1) - 0.5 * (steep * steep).sum(-1) / width
        arrays = (anchors[None], offsets[None], np.array([lower]), np.array([upper]))
        return cls(*(torch.from_numpy(a.astype(np.float64)) for a in arrays))

    @property
    def convex(self) -> bool:
        """Whether no curvature is negative."""
        return bool((self.lower >= 0).all())

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.anchors.shape[0]

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.anchors.shape[-1]

    @property
    def smoothness(self) -> torch.Tensor:
        """(B,) the greatest curvature in absolute value."""
        return torch.maximum(self.upper, -self.lower)

    @property
    def smoothness_error(self) -> torch.Tensor:
        """(B,) zeros: the constant is a datum."""
        return torch.zeros_like(self.upper)

    @property
    def strong_convexity(self) -> torch.Tensor:
        """(B,) the least curvature, at least 0."""
        return self.lower.clamp(min=0.0)

    def _solve(self, x: torch.Tensor) -> list[tuple[np.ndarray, np.floating, np.floating, _simplex.Minimum]]:
        """x, l, w and the minimum over the simplex, instance by instance."""
        arrays = (x, self.anchors, self.offsets, self.lower, self.upper)
        rows = zip(*(a.detach().cpu().numpy().astype(_simplex.EXTENDED) for a in arrays))
        return [
            (point, low, high - low, _simplex.minimise(anchors, offsets, high - low, point))
            for point, anchors, offsets, low, high in rows
        ]

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        solved = self._solve(x)
        values = np.array([0.5 * low * (p @ p) + minimum.value for p, low, _, minimum in solved])
        gradients = np.array([low * p - width * minimum.residual for p, low, width, minimum in solved])
        value, gradient = (torch.from_numpy(a.astype(np.float64)).to(x) for a in (values, gradients))
        if x.requires_grad and torch.is_grad_enabled():
            value = value + (gradient * (x - x.detach())).sum(-1)
        return value, gradient

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): the error of the minimum, and the rounding of the result."""
        count = (self.dim + 16) * _simplex.UNIT
        bounds = []
        for p, low, _, minimum in self._solve(x):
            square = 0.5 * abs(low) * (p @ p)
            rounding = minimum.value_error + count * (square + abs(minimum.value))
            bounds.append(rounding + 2 * _rounding.unit_roundoff(x.dtype) * abs(0.5 * low * (p @ p) + minimum.value))
        return self._bound(bounds, x)

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): w times the error of the residual, and the rounding of the result."""
        bounds = []
        for p, low, width, minimum in self._solve(x):
            size = np.sqrt(((low * p - width * minimum.residual) ** 2).sum())
            parts = abs(low) * np.sqrt((p * p).sum()) + width * np.sqrt((minimum.residual**2).sum())
            exact = width * minimum.residual_error + 8 * _simplex.UNIT * parts
            bounds.append(exact + 2 * _rounding.unit_roundoff(x.dtype) * size)
        return self._bound(bounds, x)

    def _bound(self, bounds: list[np.floating], x: torch.Tensor) -> torch.Tensor:
        return 1.01 * torch.from_numpy(np.array(bounds).astype(np.float64)).to(x) + torch.finfo(x.dtype).tiny

    def arrays(self) -> dict[str, torch.Tensor]:
        """Anchors, offsets and curvatures."""
        return {"anchors": self.anchors, "offsets": self.offsets, "lower": self.lower, "upper": self.upper}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, **{name: a[index] for name, a in self.arrays().items()})

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, **{name: moved(a, dtype, device) for name, a in self.arrays().items()})
