"""What the set of minimisers leaves of a slope: the concave sigma of a run certificate, with its barrier."""

from __future__ import annotations

import abc
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch


@dataclass(frozen=True, eq=False)
class Bend:
    """A barrier for sigma at (s, t), to be maximised: its `slope` (P,n), and minus its second derivative.

    That is diag(`curvature`) + sum_g `rank_one`_g s_g s_g' in s; `mixed` (P,n) by s and t, `by_t` (P,) by t.
    """

    slope: torch.Tensor
    curvature: torch.Tensor
    rank_one: torch.Tensor | None = None  # (P, groups)
    rise: torch.Tensor | None = None  # (P,) first derivative by t
    mixed: torch.Tensor | None = None
    by_t: torch.Tensor | None = None


class Shape(abc.ABC):
    """sigma, up to a linear function of s: what it is exactly, and its barrier.

    The barrier is the weight times the logarithms of `rooms` > 0, concave in s and in one number t besides, which has
    a share in sigma. Each room has a multiplier, the weight over the room at the maximum.
    """

    groups: torch.Tensor | None = None  # (n,) the group of each variable; None: each is its own
    count: int = 0  # number of barrier terms besides those of the simplex

    @abc.abstractmethod
    def exact(self, s: torch.Tensor) -> torch.Tensor:
        """(P,n) -> (P,) sigma(s)."""

    @abc.abstractmethod
    def bend(self, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor, y: torch.Tensor | None) -> Bend:
        """Of the barrier times `weight` (P,), with what of sigma is linear in t; curvature by the multipliers y."""

    @abc.abstractmethod
    def height(self, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor) -> torch.Tensor:
        """(P,) the value of `bend` alone, NaN or -inf outside of the barrier."""

    def start(self, s: torch.Tensor, weight: torch.Tensor) -> torch.Tensor | None:
        """(P,) a t inside of the barrier for that weight (P,) of it, or None where there is none."""
        return None

    def rooms(self, s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """(P,rooms) what has to be > 0; only of shapes with a t."""
        raise NotImplementedError

    def change(self, s: torch.Tensor, t: torch.Tensor, ds: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        """(P,rooms) derivative of the rooms along (ds, dt)."""
        raise NotImplementedError

    def select(self, rows: torch.Tensor) -> Self:
        """The shape of the problems `rows`."""
        shape: Any = self  # a dataclass, as every shape is
        mine = {f.name: getattr(self, f.name) for f in fields(shape) if f.name not in ("groups", "count")}
        chosen: Self = replace(shape, **{name: value[rows] for name, value in mine.items()})
        return chosen

    def squares(self, s: torch.Tensor) -> torch.Tensor:
        """(P,n) -> (P,groups) squared norms of the groups."""
        return self.gather(s * s)

    def gather(self, v: torch.Tensor) -> torch.Tensor:
        """(...,n) -> (...,groups) sums over the groups."""
        if self.groups is None:
            return v
        total = v.new_zeros((*v.shape[:-1], int(self.groups.max()) + 1))
        return total.index_add_(-1, self.groups, v)

    def spread(self, v: torch.Tensor) -> torch.Tensor:
        """(P,groups) -> (P,n) the number of its group for each variable."""
        return v if self.groups is None else v[:, self.groups]


@dataclass(frozen=True, eq=False)
class Excess(Shape):
    """-extent max(0, max_g ||s_g|| - level): r = level sum_g ||z_g||, and sum_g ||z_g|| <= extent at a minimiser.

    With T = level + t the rooms are T - ||s_g||^2/T, and t itself.
    """

    level: torch.Tensor  # (P,)
    extent: torch.Tensor  # (P,)
    groups: torch.Tensor | None
    count: int

    def exact(self, s: torch.Tensor) -> torch.Tensor:
        return -self.extent * (self.squares(s).amax(-1).sqrt() - self.level).clamp(min=0.0)

    def start(self, s: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        size, room = self.squares(s).amax(-1).sqrt(), self.count * weight / self.extent.clamp(min=1e-300)
        return (size - self.level).clamp(min=0.0) + torch.minimum(0.1 * (size + self.level), room) + 1e-30

    def rooms(self, s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        reach = (self.level + t).unsqueeze(-1)
        return torch.cat([reach - self.squares(s) / reach, t.unsqueeze(-1)], -1)

    def change(self, s: torch.Tensor, t: torch.Tensor, ds: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        reach, dt = (self.level + t).unsqueeze(-1), dt.unsqueeze(-1)
        by_t = 1 + self.squares(s) / reach**2
        return torch.cat([by_t * dt - 2 * self.gather(s * ds) / reach, dt], -1)

    def height(self, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor) -> torch.Tensor:
        assert t is not None  # this shape has rooms, and so a t
        return weight * torch.log(self.rooms(s, t)).sum(-1) - self.extent * t

    def bend(self, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor, y: torch.Tensor | None) -> Bend:
        assert t is not None  # this shape has rooms, and so the two
        assert y is not None
        reach, w = (self.level + t).unsqueeze(-1), weight.unsqueeze(-1)
        rooms = self.rooms(s, t)
        room, y, y_t = rooms[:, :-1], y[:, :-1], y[:, -1]
        squares = self.squares(s)
        by_t, pull = 1 + squares / reach**2, w / room + 0 * squares
        bent = y / room
        curvature, products = self.spread(2 * y / reach), 4 * bent / reach**2
        if self.groups is None:
            curvature = curvature + products * s * s
        return Bend(
            -2 * self.spread(pull) * s / reach,
            curvature,
            None if self.groups is None else products,
            (pull * by_t).sum(-1) + weight / t - self.extent,
            -2 * self.spread(y / reach**2 + bent * by_t / reach) * s,
            (2 * y * squares / reach**3 + bent * by_t**2).sum(-1) + y_t / t,
        )


@dataclass(frozen=True, eq=False)
class Norms(Shape):
    """-sum_g extent_g ||s_g||: a ball (one group) or a box (each variable a group of its own).

    The largest value over u of -extent u + weight log(u^2 - ||s||^2) has a closed form, so there is no t.
    """

    extent: torch.Tensor  # (P,groups)
    groups: torch.Tensor | None
    count: int

    def exact(self, s: torch.Tensor) -> torch.Tensor:
        return -(self.extent * self.squares(s).sqrt()).sum(-1)

    def height(self, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor) -> torch.Tensor:
        w = weight.unsqueeze(-1)
        root = (w**2 + self.extent**2 * self.squares(s)).sqrt()
        return (w * torch.log(w + root) - root).sum(-1)

    def bend(self, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor, y: torch.Tensor | None) -> Bend:
        w = weight.unsqueeze(-1)
        root = (w**2 + self.extent**2 * self.squares(s)).sqrt()
        over = self.extent**2 / (w + root)
        products = -over * self.extent**2 / ((w + root) * root)
        curvature = self.spread(over)
        if self.groups is None:
            curvature = (curvature + products * s * s).clamp(min=0.0)
        return Bend(-self.spread(over) * s, curvature, None if self.groups is None else products)


@dataclass(frozen=True, eq=False)
class Least(Shape):
    """extent min_i s_i: a simplex. The rooms are s_i + t."""

    extent: torch.Tensor  # (P,)
    count: int

    def exact(self, s: torch.Tensor) -> torch.Tensor:
        return self.extent * s.amin(-1)

    def start(self, s: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        low, high = s.amin(-1), s.amax(-1)
        return -low + torch.minimum(0.1 * (high - low), self.count * weight / self.extent) + 1e-30

    def rooms(self, s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return s + t.unsqueeze(-1)

    def change(self, s: torch.Tensor, t: torch.Tensor, ds: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        return ds + dt.unsqueeze(-1)

    def height(self, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor) -> torch.Tensor:
        assert t is not None  # this shape has rooms, and so a t
        return weight * torch.log(self.rooms(s, t)).sum(-1) - self.extent * t

    def bend(self, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor, y: torch.Tensor | None) -> Bend:
        assert t is not None  # this shape has rooms, and so the two
        assert y is not None
        room = self.rooms(s, t)
        first, second = weight.unsqueeze(-1) / room, y / room
        return Bend(first, second, None, first.sum(-1) - self.extent, second, second.sum(-1))


@dataclass(frozen=True, eq=False)
class Ridge(Shape):
    """-sum_i max(0, |s_i| - level)^2 / (2 ridge): the elastic net."""

    level: torch.Tensor  # (P,1)
    ridge: torch.Tensor  # (P,1)

    def _over(self, s: torch.Tensor) -> torch.Tensor:
        return (s.abs() - self.level).clamp(min=0.0)

    def exact(self, s: torch.Tensor) -> torch.Tensor:
        return -(self._over(s) ** 2 / (2 * self.ridge)).sum(-1)

    def height(self, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor) -> torch.Tensor:
        return self.exact(s)

    def bend(self, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor, y: torch.Tensor | None) -> Bend:
        over = self._over(s)
        return Bend(-torch.sign(s) * over / self.ridge, (over > 0) / self.ridge)
