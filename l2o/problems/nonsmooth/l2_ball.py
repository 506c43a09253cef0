"""Indicators of balls: r(x) = 0 for ||x - center|| <= radius, +inf elsewhere.

With one step per instance the projection is center + v min(1, radius / ||v||), v = u - center. With different steps it
is v_i / (1 + nu step_i) from the center with the nu >= 0 for which the length is the radius. 1/length is a concave,
increasing function of nu, so Newton's method on it climbs from nu = 0 to the solution without passing it (Conn, Gould
and Toint, Trust-Region Methods, 2000, section 7.3.3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import torch

from ... import rounding
from ...support.arrays import moved
from .base import CoupledTerm, pick
from .lengths import length

if TYPE_CHECKING:
    from ..transforms import Change

_UNITS = 64.0  # roundings of the numbers handled within which a length counts as the radius
_STEPS = 100  # of Newton's method; a dozen are the rule


@dataclass(frozen=True, eq=False)
class L2Ball(CoupledTerm):
    """Indicator of ||x - center|| <= radius, radius (1|B,1) > 0, center (1|B, 1|n).

    Few points of the sphere are floating-point numbers: a length counts as the radius where it is so within rounding.
    """

    radius: torch.Tensor
    center: torch.Tensor

    kind: ClassVar[str] = "l2-ball"
    is_indicator: ClassVar[bool] = True
    names_subgradients: ClassVar[bool] = True

    @property
    def batch_size(self) -> int:
        """The larger number of rows of the two parameters."""
        return max(self.radius.shape[0], self.center.shape[0])

    @property
    def dim(self) -> int | None:
        """Number of variables n where the center fixes it, else None."""
        return self.center.shape[-1] if self.center.shape[-1] > 1 else None

    def _excess(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(B,1) the distance from the center less the radius, what counts as 0, and the size of the numbers."""
        away = length(x - self.center)
        size = length(x) + length(self.center.expand_as(x)) + self.radius
        return away - self.radius, (_UNITS + x.shape[-1]) * torch.finfo(x.dtype).eps * size, size

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,) 0 within rounding of the ball, +inf outside."""
        excess, blur, _ = self._excess(x)
        inside = (excess <= blur).squeeze(-1)
        return torch.where(inside, torch.zeros_like(x[:, 0]), torch.full_like(x[:, 0], torch.inf))

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) zeros: 0 and +inf are exact."""
        return torch.zeros_like(x[:, 0])

    def domain_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): the distance as computed, and the rounding of the length."""
        excess, _, size = self._excess(x)
        error = 2 * rounding.gamma(x.shape[-1] + 4, x.dtype) * size
        return 1.01 * (excess + error).clamp(min=0.0).squeeze(-1)

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """The projection in the metric of the steps: scalar, (B,1) or (B,n)."""
        v = u - self.center
        steps = torch.as_tensor(step, dtype=u.dtype, device=u.device)
        away = length(v)
        outside = away > self.radius
        if steps.ndim == 2 and steps.shape[1] > 1 and bool(((steps != steps[:, :1]) & outside).any()):
            moved = self._unequal(torch.where(outside, v, torch.ones_like(v) * self.radius), steps.expand_as(v))
        else:
            moved = v * (self.radius / torch.where(outside, away, torch.ones_like(away)))
        return torch.where(outside, self.center + moved, u)

    def _unequal(self, v: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
        """v / (1 + nu steps) of length `radius`, for v longer than that."""
        v, steps = v / self.radius, steps / steps.amax(-1, keepdim=True)
        known_v, known_steps, level = v.detach(), steps.detach(), torch.zeros_like(v[:, :1])
        for _ in range(_STEPS):
            further = level + self._newton(known_v, known_steps, level)
            if not bool((further > level).any()):
                break
            level = torch.maximum(level, further)
        level = level + self._newton(v, steps, level)  # what derivatives go through
        direction = v / (1 + level * steps)
        return direction * (self.radius / length(direction))

    @staticmethod
    def _newton(v: torch.Tensor, steps: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """(B,1) the step of Newton's method for 1/||v / (1 + level steps)|| = 1."""
        x = v / (1 + level * steps)
        size = length(x)
        scaled = x.detach() / size.detach()
        fall = (scaled * scaled * (steps / (1 + level * steps)).detach()).sum(-1, keepdim=True)
        return (size - 1) / fall

    def nearest_subgradient(self, x: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """(B,n) the element of the normal cone nearest to `wanted`: 0 inside, on the outward ray on the sphere."""
        excess, blur, _ = self._excess(x)
        on_sphere = excess.abs() <= blur
        v = x - self.center
        direction = v / torch.where(on_sphere, length(v), torch.ones_like(excess))
        nearest = (direction * wanted).sum(-1, keepdim=True).clamp(min=0.0) * direction
        return torch.where(on_sphere, nearest, torch.zeros_like(nearest))

    def subgradient_slack(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """(B,): the length of g times the distance of x from the sphere."""
        excess, _, size = self._excess(x)
        error = 2 * rounding.gamma(x.shape[-1] + 4, x.dtype) * size
        return 1.01 * (length(g) * (excess.abs() + error)).squeeze(-1)

    def subgradient_blur(self, x: torch.Tensor, g: torch.Tensor, units: float = 32.0) -> torch.Tensor:
        """(B,): the ray turns by the rounding of x over the radius."""
        reach = units * torch.finfo(x.dtype).eps * length(self.magnitude(x))
        return (length(g) * reach / self.radius).squeeze(-1)

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Where n = 1, the normal cone: 0 inside, a half line at an end, empty (inf, -inf) outside."""
        self._require_one_variable("the normal cone", x.shape[-1])
        excess, blur, _ = self._excess(x)
        inf, zero, v = torch.full_like(x, torch.inf), torch.zeros_like(x), x - self.center
        low = torch.where((excess >= -blur) & (v < 0), -inf, zero)
        high = torch.where((excess >= -blur) & (v > 0), inf, zero)
        outside = excess > blur
        return torch.where(outside, inf, low), torch.where(outside, -inf, high)

    def magnitude(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) |x_i| + |center_i|."""
        return x.abs() + self.center.abs()

    def changed(self, change: Change) -> L2Ball:
        """The moved ball: radius a r, center a (c - t)."""
        return L2Ball(change.dilation * self.radius, change.outward(self.center))

    def arrays(self) -> dict[str, torch.Tensor]:
        """Radius and center."""
        return {"radius": self.radius, "center": self.center}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, radius=pick(self.radius, index), center=pick(self.center, index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, **{name: moved(a, dtype, device) for name, a in self.arrays().items()})
