"""The group l1 norm: r(x) = lam sum_g ||x_g - center_g||_2 over a partition of the variables; center = 0 unless moved.

Its prox shrinks each group towards the center (Yuan and Lin, Model selection and estimation in regression with grouped
variables, 2006). With different steps within a group there is no closed form.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self

import torch

from ....errors import InputError
from ... import rounding
from ...support.arrays import moved
from .base import CoupledTerm, pick
from .lengths import group_lengths

if TYPE_CHECKING:
    from ..transforms import Change


@dataclass(frozen=True, eq=False)
class GroupL1(CoupledTerm):
    """lam sum_g ||x_g - center_g||, lam (1|B,1) >= 0, groups (n,) the group 0, 1, ... of each, center (1|B, 1|n)."""

    lam: torch.Tensor
    groups: torch.Tensor
    center: torch.Tensor

    kind: ClassVar[str] = "group-l1"
    finite_slopes: ClassVar[bool] = True
    names_subgradients: ClassVar[bool] = True

    @property
    def batch_size(self) -> int:
        """The larger number of rows of lam and the center."""
        return max(self.lam.shape[0], self.center.shape[0])

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.groups.shape[0]

    @cached_property
    def count(self) -> int:
        """Number of groups."""
        return int(self.groups.max()) + 1

    def lengths(self, v: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,groups) 2-norms of the groups of v."""
        return group_lengths(v, self.groups, self.count)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        return (self.lam * self.lengths(x - self.center)).sum(-1)

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): everything that is added up is positive, so the rounding is relative."""
        tiny = self.dim * torch.finfo(x.dtype).tiny * (1 + self.lam.squeeze(-1))
        return 1.01 * rounding.gamma(self.dim + self.count + 8, x.dtype) * self.value(x) + tiny

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """Every group shrunk by lam * step; step scalar, (B,1), or (B,n) with one step per group."""
        steps = self._group_steps(u, step)
        v = u - self.center
        away = self.lengths(v)
        left = (away - self.lam * steps).clamp(min=0.0)
        factor = left / torch.where(away > 0, away, torch.ones_like(away))
        return v * factor[:, self.groups] + self.center

    def _group_steps(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """The steps, (B,groups) where they differ, or an error where they differ within a group."""
        steps = torch.as_tensor(step, dtype=u.dtype, device=u.device)
        if steps.ndim < 2 or steps.shape[1] == 1:
            return steps
        steps = steps.expand_as(u)
        shape, index = (u.shape[0], self.count), self.groups.expand_as(u)
        least, most = (
            steps.new_zeros(shape).scatter_reduce(1, index, steps, how, include_self=False) for how in ("amin", "amax")
        )
        if bool((least != most).any()):
            b, g = (int(i) for i in torch.nonzero(least != most)[0])
            raise InputError(
                f"{self.kind}: its prox takes one step per group, got steps from {float(least[b, g]):.6g} to "
                f"{float(most[b, g]):.6g} within group {g} (instance {b}); the term is not separable, so use a method "
                f"with scalar steps, or with the same one for all variables of a group."
            )
        return least

    def nearest_subgradient(self, x: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """(B,n) the element of the subdifferential nearest to `wanted`.

        lam (x_g - center_g)/||x_g - center_g|| where a group differs from its center, the projection of `wanted` onto
        the ball of radius lam where it does not.
        """
        v = x - self.center
        away, size = self.lengths(v), self.lengths(wanted)
        one = torch.ones_like(away)
        slope = self.lam * (v / torch.where(away > 0, away, one)[:, self.groups])
        shrunk = wanted * (self.lam / torch.where(size > self.lam, size, one))[:, self.groups]
        within = torch.where((size > self.lam)[:, self.groups], shrunk, wanted)
        return torch.where((away > 0)[:, self.groups], slope, within)

    def subgradient_blur(self, x: torch.Tensor, g: torch.Tensor, units: float = 32.0) -> torch.Tensor:
        """(B,): a group turns by the rounding of x_g over its distance from the center."""
        reach = units * torch.finfo(x.dtype).eps * self.lengths(self.magnitude(x))
        away = self.lengths(x - self.center)
        turned = torch.where(away > reach, reach / torch.where(away > 0, away, torch.ones_like(away)), 1.0)
        turned = torch.where(away > 0, turned, torch.zeros_like(turned))  # the whole ball belongs to the center
        return rounding.norms(2 * self.lam * turned)

    def steepness(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) lam."""
        return self.lam.expand_as(x)

    def boxed(self, dim: int) -> bool:
        """Where every group is single."""
        return self.count == self.dim

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Where every group is single, that of the l1 norm."""
        if self.count < self.dim:
            self._require_one_variable("the subdifferential")
        slope = self.lam * torch.sign((x - self.center).detach())
        kink = self.lam - slope.abs()
        return slope - kink, slope + kink

    def magnitude(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) |x_i| + |center_i|."""
        return x.abs() + self.center.abs()

    def changed(self, change: Change) -> GroupL1:
        """c r(x/a + t): lam c/a, center a (center - t)."""
        lam = change.scale / change.dilation * self.lam
        return GroupL1(lam, self.groups, change.outward(self.center))

    def arrays(self) -> dict[str, torch.Tensor]:
        """lam, the groups and the center."""
        return {"lam": self.lam, "groups": self.groups, "center": self.center}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, lam=pick(self.lam, index), center=pick(self.center, index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device; the groups stay integers."""
        lam, center = (moved(a, dtype, device) for a in (self.lam, self.center))
        return replace(self, lam=lam, groups=self.groups.to(device=device), center=center)
