"""Maximum of affine functions: r(x) = max_i o_i + <s_i, x>, the least convex function with given subgradients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import torch

from ... import rounding as _rounding
from ...support.arrays import moved
from .. import _simplex
from .base import CoupledTerm, pick

if TYPE_CHECKING:
    from ..transforms import Change


@dataclass(frozen=True, eq=False)
class MaxAffine(CoupledTerm):
    """Slopes s (1,Q,n) or (B,Q,n) and offsets o (1,Q) or (B,Q)."""

    slopes: torch.Tensor
    offsets: torch.Tensor

    kind: ClassVar[str] = "max-affine"
    finite_slopes: ClassVar[bool] = True

    @classmethod
    def through(cls, x: np.ndarray, s: np.ndarray, r: np.ndarray) -> MaxAffine:
        """One instance, through the points x (Q,n) with subgradients s (Q,n) and values r (Q,)."""
        offsets = r - (s.astype(_simplex.EXTENDED) * x).sum(-1)
        return cls(*(torch.from_numpy(a[None].astype(np.float64)) for a in (s, offsets)))

    @property
    def batch_size(self) -> int:
        """The larger number of rows of the two parameters."""
        return max(self.slopes.shape[0], self.offsets.shape[0])

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.slopes.shape[-1]

    def _pieces(self, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(B,Q) the affine functions at x and the size of what they add up, in extended precision."""
        slopes, offsets, point = self._extended(x, self.slopes, self.offsets)
        values = offsets + (slopes * point[:, None]).sum(-1)
        return values, np.abs(offsets) + np.abs(slopes * point[:, None]).sum(-1)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        return self._tensor(self._pieces(x)[0].max(-1), x)

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) bound on the rounding error of `value`."""
        values, size = self._pieces(x)
        rounding = 2 * _rounding.unit_roundoff(x.dtype) * np.abs(values.max(-1))
        return self._tensor(1.01 * (rounding + (self.dim + 8) * _simplex.UNIT * size.max(-1)), x)

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """u - step sum_i a_i s_i with the weights a that maximise sum_i a_i (o_i + <s_i,u>) - step/2 ||sum a_i s_i||^2.

        `step` is a scalar or (B,1): one number per instance.
        """
        steps = self._one_step(u, step)
        slopes, _, point = self._extended(u, self.slopes, self.offsets)
        values, _ = self._pieces(u)
        zero = np.zeros(self.dim)
        # The pieces less their maximum: the weights are the same and the numbers smaller.
        minima = [_simplex.minimise(s, v.max() - v, t, zero) for s, v, t in zip(slopes, values, steps)]
        return self._tensor(point - steps[:, None] * np.array([m.residual for m in minima]), u)

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Where n = 1, the least and the greatest slope among the pieces within rounding of the maximum."""
        self._require_one_variable("the subdifferential")
        values, size = self._pieces(x)
        blur = 8 * torch.finfo(x.dtype).eps * size.max(-1, keepdims=True)
        active = values >= values.max(-1, keepdims=True) - blur
        slopes = self._extended(x, self.slopes, self.offsets)[0][..., 0]
        low, high = np.where(active, slopes, np.inf).min(-1), np.where(active, slopes, -np.inf).max(-1)
        return self._tensor(low[:, None], x), self._tensor(high[:, None], x)

    def changed(self, change: Change) -> MaxAffine:
        """c r(x/a + t): slopes c s/a, offsets c (o + <s,t>)."""
        moved = (self.slopes * change.shift.unsqueeze(1)).sum(-1)
        factor = (change.scale / change.dilation).unsqueeze(-1)
        return MaxAffine(factor * self.slopes, change.scale * (self.offsets + moved))

    def arrays(self) -> dict[str, torch.Tensor]:
        """Slopes and offsets."""
        return {"slopes": self.slopes, "offsets": self.offsets}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, slopes=pick(self.slopes, index), offsets=pick(self.offsets, index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, **{name: moved(a, dtype, device) for name, a in self.arrays().items()})
