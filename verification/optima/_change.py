"""Changes of variables: c F(x/a + t) is solved and certified as F, and the interval is carried over.

In exact arithmetic inf_x c F(x/a + t) = c F*. A box arrives already moved, as lower/a + t <= w <= upper/a + t
in the base's coordinates, which rounding may tighten; it is widened outward, so that the base problem is a
relaxation and its lower bound stays valid. The upper bound is always the given objective at the point that is
returned.
"""

from __future__ import annotations

import torch

from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import Box, Zero
from ...l2o.problems.transforms import Change, ChangedNonsmooth, ChangedSmooth
from ._directed import TINY, UNIT, down, up, value_error
from ._minorants import nonnegative_smooth


def pull_back(p: Composite) -> tuple[Composite, Change | None]:
    """The base problem and the change that leads from it to p; (p, None) where there is no common change."""
    smooth, nonsmooth = p.smooth, p.nonsmooth
    if not isinstance(smooth, ChangedSmooth):
        return p, None
    change = smooth.change
    if isinstance(nonsmooth, Zero):
        return Composite(smooth.base, nonsmooth), change
    if isinstance(nonsmooth, Box):
        shape = (p.batch_size, p.dim)
        low, high = (b.expand(shape) for b in (nonsmooth.lower, nonsmooth.upper))
        lower = down(change.inward(low), 1.01 * change.inward_error(low).nan_to_num(posinf=0.0))
        upper = up(change.inward(high), 1.01 * change.inward_error(high).nan_to_num(posinf=0.0))
        return Composite(smooth.base, Box(lower, upper)), change
    if isinstance(nonsmooth, ChangedNonsmooth) and _same(change, nonsmooth.change):
        return Composite(smooth.base, nonsmooth.base), change
    return p, None


def _same(first: Change, second: Change) -> bool:
    ours, theirs = first.arrays(), second.arrays()
    return all(bool((ours[name] == theirs[name]).all()) for name in ours)


def carry_over(
    p: Composite, change: Change, lower: torch.Tensor, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Base lower (B,) and point (B,n) -> lower, upper and point of p itself."""
    moved = change.outward(x)
    if isinstance(p.nonsmooth, Box):
        moved = p.prox(moved, 1.0)
    scale = change.scale.reshape(-1).expand(p.batch_size)
    value = scale * lower
    error = 2 * UNIT * value.abs() + TINY
    return down(value, error), up(p.objective(moved), value_error(p, moved)), moved


@nonnegative_smooth.register
def _(term: ChangedSmooth) -> bool:
    return nonnegative_smooth(term.base)
