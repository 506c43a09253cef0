"""The change of variables c f(x/a + t), exact for values, gradients, subdifferentials and proxes of any term.

With w = x/a + t the gradient is (c/a) f'(w), the smoothness constant c L / a^2, and

    argmin_x  c r(x/a + t) + (x - u)^2 / (2 step)  =  a (prox_r(u/a + t, step c / a^2) - t),

so one wrapper carries the objective shift F(x + t), the scaling c F(x) and the dilation F(x / a), and they compose:
shifting by t', dilating by a' and scaling by c' lead from (c, a, t) to (c c', a a', t + t'/a).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch

from .. import rounding as _rounding
from ..support.arrays import moved
from .nonsmooth import Box, NonsmoothTerm, Zero
from .nonsmooth.base import CoupledTerm, pick
from .smooth import Evaluated, SmoothTerm, WrappedSmooth


@dataclass(frozen=True, eq=False)
class Change:
    """The parameters of x -> c f(x/a + t): `scale` c and `dilation` a of shape (1,1) or (B,1), `shift` t (1|B, 1|n)."""

    scale: torch.Tensor
    dilation: torch.Tensor
    shift: torch.Tensor

    @classmethod
    def of(
        cls,
        *,
        scale: torch.Tensor | None = None,
        dilation: torch.Tensor | None = None,
        shift: torch.Tensor | None = None,
    ) -> Change:
        """One of c F(x), F(x/a), F(x + t): give the one parameter, of shape (1|B, 1|n)."""
        like = next(p for p in (scale, dilation, shift) if p is not None)
        one = torch.ones(1, 1, dtype=like.dtype, device=like.device)
        return cls(
            one if scale is None else scale,
            one if dilation is None else dilation,
            torch.zeros_like(one) if shift is None else shift,
        )

    @property
    def batch_size(self) -> int:
        """Number of instances the parameters speak of."""
        return max(p.shape[0] for p in (self.scale, self.dilation, self.shift))

    @cached_property
    def dilates(self) -> bool:
        """Whether a differs from 1 anywhere; if not, divisions by a are skipped and lose no digits."""
        return bool((self.dilation != 1).any())

    def then(self, later: Change) -> Change:
        """This change, followed by `later`."""
        moved = later.shift / self.dilation if self.dilates else later.shift
        return Change(self.scale * later.scale, self.dilation * later.dilation, self.shift + moved)

    def inward(self, x: torch.Tensor) -> torch.Tensor:
        """x -> x/a + t, the point at which the base term is evaluated."""
        return (x / self.dilation if self.dilates else x) + self.shift

    def outward(self, w: torch.Tensor) -> torch.Tensor:
        """w -> a (w - t), its inverse."""
        return (w - self.shift) * self.dilation if self.dilates else w - self.shift

    def inward_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) bound on the rounding of `inward`."""
        u = _rounding.unit_roundoff(x.dtype)
        quotient = (x / self.dilation).abs() if self.dilates else torch.zeros_like(x)
        return 2 * u * (quotient + self.inward(x).abs()) + torch.finfo(x.dtype).tiny

    def select(self, index: torch.Tensor) -> Change:
        """The instances `index`."""
        return Change(pick(self.scale, index), pick(self.dilation, index), pick(self.shift, index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Change:
        """In another precision or on another device."""
        return Change(*(moved(p, dtype, device) for p in (self.scale, self.dilation, self.shift)))

    def arrays(self) -> dict[str, torch.Tensor]:
        """c, a and t by name."""
        return {"scale": self.scale, "dilation": self.dilation, "shift": self.shift}


@dataclass(frozen=True, eq=False)
class ChangedSmooth(WrappedSmooth):
    """c f(x/a + t), convex where f is, since c > 0."""

    base: SmoothTerm
    change: Change

    kind: ClassVar[str] = "changed-smooth"

    def changed(self, change: Change) -> ChangedSmooth:
        """The base under both changes."""
        return ChangedSmooth(self.base, self.change.then(change))

    @cached_property
    def _curvature(self) -> torch.Tensor:
        return (self.change.scale / self.change.dilation**2).squeeze(-1)

    @cached_property
    def smoothness(self) -> torch.Tensor:
        """(B,) c L / a^2."""
        return self._curvature * self.base.smoothness

    @property
    def smoothness_error(self) -> torch.Tensor:
        """(B,): that of the base, and four roundings."""
        eps = torch.finfo(self.smoothness.dtype).eps
        return self._curvature * self.base.smoothness_error * (1 + 4 * eps) + 4 * eps * self.smoothness

    @cached_property
    def strong_convexity(self) -> torch.Tensor:
        """(B,) c mu / a^2, less its rounding."""
        return self._curvature * self.base.strong_convexity * (1 - 1e-15)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        value, gradient = self.base.value_and_gradient(self.change.inward(x))
        return self.change.scale.squeeze(-1) * value, self.change.scale / self.change.dilation * gradient

    def _moved(self, x: torch.Tensor) -> torch.Tensor:
        return _rounding.norms(self.change.inward_error(x))

    def evaluated(self, x: torch.Tensor) -> Evaluated:
        """The base at x/a + t, each error with what the rounding of that point adds."""
        base, moved = self.base.evaluated(self.change.inward(x)), self._moved(x)
        u, scale = _rounding.unit_roundoff(x.dtype), self.change.scale.squeeze(-1)
        slope = _rounding.norms(base.gradient) + base.gradient_error
        error = base.value_error + moved * (slope + self.base.smoothness * moved)
        return Evaluated(
            scale * base.value,
            self.change.scale / self.change.dilation * base.gradient,
            scale * (1.01 * error + 4 * u * base.value.abs()),
            self._gradient_error(x, base.gradient, base.gradient_error),
        )

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): the base's error, and what the rounding of x/a + t does to the value."""
        return self.evaluated(x).value_error

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): the base's error, and L times the rounding of x/a + t."""
        w = self.change.inward(x)
        return self._gradient_error(x, self.base.gradient(w), self.base.gradient_error(w))

    def _gradient_error(self, x: torch.Tensor, gradient: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
        size = _rounding.norms(gradient)
        error = error + self.base.smoothness * self._moved(x)
        u = _rounding.unit_roundoff(x.dtype)
        factor = (self.change.scale / self.change.dilation).squeeze(-1)
        return factor * (1.01 * error + 4 * u * size)

    def arrays(self) -> dict[str, torch.Tensor]:
        """Of the base, and the change."""
        return {**self.base.arrays(), **self.change.arrays()}

    def select(self, index: torch.Tensor) -> ChangedSmooth:
        """The instances `index`."""
        return ChangedSmooth(self.base.select(index), self.change.select(index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> ChangedSmooth:
        """In another precision or on another device."""
        return ChangedSmooth(self.base.to(dtype, device), self.change.to(dtype, device))


@dataclass(frozen=True, eq=False)
class ChangedNonsmooth(NonsmoothTerm):
    """c r(x/a + t)."""

    base: NonsmoothTerm
    change: Change

    kind: ClassVar[str] = "changed-nonsmooth"

    def changed(self, change: Change) -> ChangedNonsmooth:
        """The base under both changes."""
        return ChangedNonsmooth(self.base, self.change.then(change))

    @property
    def rounding_bounded(self) -> bool:
        """As of the base."""
        return self.base.rounding_bounded

    @property
    def convex(self) -> bool:
        """Whether the term is convex, which a change of variables and c > 0 keep."""
        return self.base.convex

    @property
    def finite_slopes(self) -> bool:  # type: ignore[override]  # a class attribute of the others; here the base's
        """Whether the subdifferential is bounded wherever x is finite, as that of the base is."""
        return self.base.finite_slopes

    @property
    def is_indicator(self) -> bool:  # type: ignore[override]  # a class attribute of the others; here the base's
        """Whether it is 0 or infinite everywhere, as the base is."""
        return self.base.is_indicator

    @property
    def batch_size(self) -> int:
        """The larger of the base's and the change's."""
        return max(self.base.batch_size, self.change.batch_size)

    def values(self, x: torch.Tensor) -> torch.Tensor:
        """c r_i(x_i/a + t_i)."""
        return self.change.scale * self.base.values(self.change.inward(x))

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """a (prox_r(u/a + t, step c / a^2) - t)."""
        inner = step * self.change.scale / self.change.dilation**2
        return self.change.outward(self.base.prox(self.change.inward(u), inner))

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(c/a) times the base's at x/a + t.

        Under a dilation the image of a kink is known to rounding only, so every slope within that rounding counts:
        the ends are those of the base at x/a + t -+ its rounding, for a solution at a kink has slopes in between.
        """
        w = self.change.inward(x)
        if self.change.dilates:
            slack = self.change.inward_error(x)
            low, high = self.base.subdifferential(w - slack)[0], self.base.subdifferential(w + slack)[1]
        else:
            low, high = self.base.subdifferential(w)
        factor = self.change.scale / self.change.dilation
        return factor * low, factor * high

    def magnitude(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) that of the base at x/a + t, and the shift, both times a."""
        return self.change.dilation * (self.base.magnitude(self.change.inward(x)) + self.change.shift.abs())

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,): the base's error, and the slope times the rounding of x/a + t."""
        w, moved_by = self.change.inward(x), self.change.inward_error(x)
        # r_i is convex, so between w - d and w + d it is no steeper than at the ends. An infinite slope belongs to an
        # indicator, whose value does not change inside its domain.
        ends = (self.base.subdifferential(w - moved_by)[0], self.base.subdifferential(w + moved_by)[1])
        slope = torch.maximum(*(end.abs().nan_to_num(posinf=0.0) for end in ends))
        moved = (slope * moved_by).sum(-1)
        return 1.01 * self.change.scale.squeeze(-1) * (self.base.value_error(w) + moved)

    def arrays(self) -> dict[str, torch.Tensor]:
        """Of the base, and the change."""
        return {**self.base.arrays(), **self.change.arrays()}

    def select(self, index: torch.Tensor) -> ChangedNonsmooth:
        """The instances `index`."""
        return ChangedNonsmooth(self.base.select(index), self.change.select(index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> ChangedNonsmooth:
        """In another precision or on another device."""
        return ChangedNonsmooth(self.base.to(dtype, device), self.change.to(dtype, device))


def changed_smooth(term: SmoothTerm, change: Change) -> SmoothTerm:
    """`term` under `change`."""
    return term.changed(change) if isinstance(term, ChangedSmooth) else ChangedSmooth(term, change)


def changed_nonsmooth(term: NonsmoothTerm, change: Change) -> NonsmoothTerm:
    """`term` under `change`: a zero term stays one, boxes and coupled terms become others, anything else is wrapped.

    A box moved by the generic wrapper could map a point of its face to one an ulp outside of it, where r is
    infinite; as a box of its own, with moved bounds, its prox lands in its domain exactly.
    """
    if isinstance(term, Zero):
        return term
    if isinstance(term, Box):
        return Box(change.outward(term.lower), change.outward(term.upper))
    return term.changed(change) if isinstance(term, (ChangedNonsmooth, CoupledTerm)) else ChangedNonsmooth(term, change)
