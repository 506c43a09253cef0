"""Lower models of <g, w> + r(w): the other half of a Fenchel dual value.

For a slope known to g +- e, `linear_model` returns a base b and a slack s per variable such that

    <g, w> + r(w) >= b + sum_i s_i z_i(w)     for all w in dom r,

where z_i >= 0 is the distance of w_i from a fixed point of the variable (0, or the finite end of its range),
and s_i = +inf for a variable that the base already accounts for. Terms that couple variables have one z_i and one slack
per group of them, or a single one. If all slacks are >= 0 the infimum is at
least b: the dual point is feasible. If some are negative, by rounding or because the point is not yet
optimal, the infimum over all w is -inf, but a minimiser has sum_i z_i <= M for an M that any other minorant
with positive slacks provides; then the infimum over minimisers is at least b - M max_i(-s_i). No rescaling of
the dual point is needed, and the price is the largest violation, not their sum.
"""

from __future__ import annotations

import functools

import torch

from ...l2o import rounding
from ...l2o.problems.nonsmooth import L1, Box, ElasticNet, GroupL1, L2Ball, NonsmoothTerm, Simplex, Zero
from ...l2o.problems.nonsmooth.lengths import length
from ._directed import TINY, UNIT, down, total


@functools.singledispatch
def linear_model(
    term: NonsmoothTerm, slope: torch.Tensor, error: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """(B,n) slope and error -> base (B,) and slack (B,n), certified from below; None for unknown terms."""
    return None


@linear_model.register
def _(term: Zero, slope: torch.Tensor, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both directions are free: the slack is -|g|."""
    return torch.zeros_like(slope[:, 0]), down(-slope.abs(), error)


@linear_model.register
def _(term: L1, slope: torch.Tensor, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """lam |w| + g w >= (lam - |g|) |w|."""
    return torch.zeros_like(slope[:, 0]), down(term.lam - slope.abs(), error)


@linear_model.register
def _(term: ElasticNet, slope: torch.Tensor, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The infimum of a ridged variable is -(|g| - lam)_+^2 / (2 ridge); without a ridge it is the l1 norm."""
    ridged = term.ridge > 0
    excess = (-down(term.lam - slope.abs(), error)).clamp(min=0.0)
    ridge = torch.where(ridged, term.ridge, torch.ones_like(term.ridge))
    # Divided first: the square alone may underflow where the quotient does not.
    base, base_error = total(excess * (excess / (2 * ridge)), 4)
    base = torch.where(ridged.reshape(-1), down(-base, base_error), torch.zeros_like(base))
    return base, torch.where(ridged, torch.full_like(slope, torch.inf), down(term.lam - slope.abs(), error))


@linear_model.register
def _(term: Box, slope: torch.Tensor, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Bounded variables by their worse end, half-bounded ones from their end, free ones as without a term."""
    lower, upper = torch.broadcast_tensors(*(b.expand_as(slope) for b in (term.lower, term.upper)))
    has_lower, has_upper = torch.isfinite(lower), torch.isfinite(upper)
    at_lower = torch.where(has_lower, slope * lower.nan_to_num(posinf=0.0, neginf=0.0), torch.inf)
    at_upper = torch.where(has_upper, slope * upper.nan_to_num(posinf=0.0, neginf=0.0), torch.inf)
    free = ~has_lower & ~has_upper
    base, base_error = total(torch.where(free, 0.0, torch.minimum(at_lower, at_upper)), 2)
    reach = torch.maximum(torch.where(has_lower, lower.abs(), 0.0), torch.where(has_upper, upper.abs(), 0.0))
    moved = 1.01 * (reach * error).sum(-1)
    slack = torch.where(has_lower, slope, torch.where(has_upper, -slope, -slope.abs()))
    slack = torch.where(has_lower & has_upper, torch.inf, down(slack, error))
    return down(base, base_error + moved), slack


@linear_model.register
def _(term: GroupL1, slope: torch.Tensor, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """lam ||w_g - c_g|| + <g_g, w_g> >= <g_g, c_g> + (lam - ||g_g||) ||w_g - c_g||, one slack per group."""
    center = term.center.expand_as(slope)
    base, base_error = total(slope * center, 1)
    moved = 1.01 * (center.abs() * error).sum(-1)
    size, off = term.lengths(slope), term.lengths(error)
    off = (1 + 8 * UNIT) * off + rounding.gamma(term.dim + 8, slope.dtype) * (size + off) + TINY
    return down(base, base_error + moved), down(term.lam - size, off)


@linear_model.register
def _(term: Simplex, slope: torch.Tensor, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The least vertex: <g, o> + radius min_i g_i."""
    origin = term.origin.expand_as(slope)
    base, base_error = total(slope * origin, 1)
    moved = 1.01 * (origin.abs() * error).sum(-1)
    radius = term.radius.reshape(-1)
    corner = radius * (slope - error).amin(-1)
    reach = radius * (slope.abs() + error).amax(-1)
    base_error = base_error + moved + 4 * UNIT * (reach + base.abs()) + TINY
    return down(base + corner, base_error), torch.full_like(slope, torch.inf)


@linear_model.register
def _(term: L2Ball, slope: torch.Tensor, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The point opposite to the slope: <g, c> - radius ||g||."""
    center = term.center.expand_as(slope)
    base, base_error = total(slope * center, 1)
    moved = 1.01 * (center.abs() * error).sum(-1)
    radius, size, off = term.radius.reshape(-1), length(slope).squeeze(-1), length(error).squeeze(-1)
    off = (1 + 8 * UNIT) * off + rounding.gamma(slope.shape[-1] + 8, slope.dtype) * (size + off)
    base_error = base_error + moved + radius * (off + 2 * UNIT * size) + 2 * UNIT * (base.abs() + radius * size) + TINY
    return down(base - radius * size, 1.01 * base_error), torch.full_like(slope, torch.inf)


@functools.singledispatch
def squared_extent(term: NonsmoothTerm, anchor: torch.Tensor) -> torch.Tensor:
    """(B,) upper bound of ||w - anchor||^2 over dom r; inf where dom r is unbounded."""
    return torch.full_like(anchor[:, 0], torch.inf)


@squared_extent.register
def _(term: Box, anchor: torch.Tensor) -> torch.Tensor:
    far = torch.maximum((term.lower - anchor).abs(), (term.upper - anchor).abs())
    return (1 + (anchor.shape[-1] + 8) * 2 * UNIT) * (far * far).sum(-1) + TINY


@squared_extent.register
def _(term: Simplex, anchor: torch.Tensor) -> torch.Tensor:
    return _around(anchor - term.origin, term.radius)


@squared_extent.register
def _(term: L2Ball, anchor: torch.Tensor) -> torch.Tensor:
    return _around(anchor - term.center, term.radius)


def _around(away: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """(B,) bound on the square of the distance to points within `radius` of one that is `away` from the anchor."""
    far = (length(away) + radius).squeeze(-1) * (1 + (away.shape[-1] + 8) * 2 * UNIT)
    return far * far * (1 + 4 * UNIT) + TINY
