"""Indicators of simplices: r(x) = 0 for x >= o, sum_i (x_i - o_i) = radius, +inf elsewhere; o = 0 unless it was moved.

In the metric diag(step)^-1 the projection of u is x = o + max(w - nu step, 0) with w = u - o and the nu for which the
sum is right. w_i - nu step_i > 0 where nu is below the breakpoint w_i / step_i, so sorting these finds nu (Held, Wolfe
and Crowder, Validation of subgradient optimization, 1974, for equal steps).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import torch

from ... import rounding as _rounding
from ...support.arrays import moved
from .base import CoupledTerm, pick

if TYPE_CHECKING:
    from ..transforms import Change

_UNITS = 64.0  # roundings of the numbers in a sum, on top of those of the sum itself


@dataclass(frozen=True, eq=False)
class Simplex(CoupledTerm):
    """Indicator of {x >= origin, sum_i (x_i - origin_i) = radius}, radius (1|B,1) > 0, origin (1|B, 1|n).

    Few points of the set are floating-point numbers: one counts as inside where it is within rounding of the set.
    """

    radius: torch.Tensor
    origin: torch.Tensor

    kind: ClassVar[str] = "simplex"
    is_indicator: ClassVar[bool] = True
    names_subgradients: ClassVar[bool] = True

    @property
    def batch_size(self) -> int:
        """The larger number of rows of the two parameters."""
        return max(self.radius.shape[0], self.origin.shape[0])

    @property
    def dim(self) -> int | None:
        """Number of variables n where the origin fixes it, else None."""
        return self.origin.shape[-1] if self.origin.shape[-1] > 1 else None

    def _miss(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,1) a bound on the distance to the set as it is computed, and the size of the numbers added up."""
        above = x - self.origin
        size = (x.abs() + self.origin.abs()).sum(-1, keepdim=True) + self.radius
        negative = (-above).clamp(min=0.0).sum(-1, keepdim=True)
        # Without its negative parts x - o has a sum of at most this much off, and scaling it repairs that.
        return 2 * negative + (above.sum(-1, keepdim=True) - self.radius).abs(), size

    def _inside(self, x: torch.Tensor) -> torch.Tensor:
        miss, size = self._miss(x)
        return miss <= (_UNITS + x.shape[-1]) * torch.finfo(x.dtype).eps * size

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,) 0 within rounding of the simplex, +inf outside."""
        inside = self._inside(x).squeeze(-1)
        return torch.where(inside, torch.zeros_like(x[:, 0]), torch.full_like(x[:, 0], torch.inf))

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) zeros: 0 and +inf are exact."""
        return torch.zeros_like(x[:, 0])

    def domain_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): the distance as computed, and the rounding of its sums."""
        miss, size = self._miss(x)
        return 1.01 * (miss + 2 * _rounding.gamma(x.shape[-1] + 2, x.dtype) * size).squeeze(-1)

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """The projection in the metric of the steps: scalar, (B,1) or (B,n)."""
        steps = torch.as_tensor(step, dtype=u.dtype, device=u.device).expand_as(u)
        steps = steps / steps.amax(-1, keepdim=True)  # only their ratios matter
        w = self._nearer(u - self.origin, steps)
        level = self._level(w.detach(), steps.detach())
        # The breakpoints only say which entries are positive. With these the level is a quotient, found here once more
        # from what is left after the first: a step of refinement, and what derivatives go through.
        left = w - level * steps
        positive = (left > 0).to(u.dtype)
        level = ((positive * left).sum(-1, keepdim=True) - self.radius) / (positive * steps).sum(-1, keepdim=True)
        x = (left - level * steps).clamp(min=0.0)
        return x * (self.radius / x.sum(-1, keepdim=True)) + self.origin

    def _nearer(self, w: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
        """(B,n) w; where the radius vanishes beside it in rounding, w less its greatest breakpoint times the steps.

        That moves no projection, and leaves numbers <= 0, and 0 at that breakpoint.
        """
        top, at = (w / steps).detach().max(dim=-1, keepdim=True)
        vanishes = top.abs() * torch.finfo(w.dtype).eps * _UNITS > self.radius
        if not bool(vanishes.any()):
            return w
        below = w - top * steps
        detached = below.detach()
        # rounding, without derivatives
        below = below - detached.clamp(min=0.0).scatter(-1, at, detached.gather(-1, at))
        return torch.where(vanishes, below, w)

    def _level(self, w: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
        """(B,1) nu, to rounding of the largest entries."""
        order = (w / steps).argsort(dim=-1, descending=True, stable=True)
        w, steps = w.gather(-1, order), steps.gather(-1, order)
        # Relative to the greatest breakpoint, at which everything vanishes: what is added up is then of one sign.
        top = w[:, :1] / steps[:, :1]
        below = w - top * steps
        levels = (below.cumsum(-1) - self.radius) / steps.cumsum(-1)
        # The level of the k entries with the greatest breakpoints counts as long as the last of them is positive.
        count = (below > levels * steps).sum(-1, keepdim=True).clamp(min=1)
        return top + levels.gather(-1, count - 1)

    def nearest_subgradient(self, x: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """(B,n) the element of the normal cone nearest to `wanted`; 0 outside the simplex.

        The cone at x is {g: g_i = c where x_i > o_i, g_i <= c where x_i = o_i, c any number}. The nearest one has
        g_i = min(wanted_i, c) on the second set, and c is the mean of `wanted` over the first one and those of the
        second that exceed c.
        """
        positive = x > self.origin
        key = torch.where(positive, torch.inf, wanted)
        order = key.argsort(dim=-1, descending=True, stable=True)
        ordered = wanted.gather(-1, order)
        count = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
        means = ordered.cumsum(-1) / count
        before = torch.cat([torch.full_like(means[:, :1], -torch.inf), means[:, :-1]], dim=-1)
        counted = positive.gather(-1, order) | (ordered > before)
        last = counted.sum(-1, keepdim=True).clamp(min=1)
        level = means.gather(-1, last - 1)
        within = (torch.arange(x.shape[-1], device=x.device) < last).to(x.dtype)
        level = level + (within * (ordered - level)).sum(-1, keepdim=True) / last  # a step of refinement
        nearest = torch.where(positive, level, torch.minimum(wanted, level))
        return torch.where(self._inside(x), nearest, torch.zeros_like(nearest))

    def subgradient_slack(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """(B,): the length of g times the distance of x from the simplex; the entries that are 0 are so exactly."""
        return _rounding.norms(g) * self.domain_error(x)

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Where n = 1, every slope at the one point of the set, none elsewhere."""
        self._require_one_variable("the normal cone", x.shape[-1])
        inf = torch.where(self._inside(x), torch.full_like(x, torch.inf), torch.full_like(x, -torch.inf))
        return -inf, inf

    def magnitude(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) |x_i| + |o_i|."""
        return x.abs() + self.origin.abs()

    def changed(self, change: Change) -> Simplex:
        """The moved simplex: radius a r, origin a (o - t)."""
        return Simplex(change.dilation * self.radius, change.outward(self.origin))

    def arrays(self) -> dict[str, torch.Tensor]:
        """Radius and origin."""
        return {"radius": self.radius, "origin": self.origin}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, radius=pick(self.radius, index), origin=pick(self.origin, index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, **{name: moved(a, dtype, device) for name, a in self.arrays().items()})
