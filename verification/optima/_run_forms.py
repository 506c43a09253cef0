"""What is known of the set of minimisers, by nonsmooth term: the shape that a run certificate has on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import L1, Box, ElasticNet, GroupL1, L2Ball, Simplex, Zero
from ._averaged import Averaged, Evaluated, average, over_ball
from ._certificates import dual_value
from ._directed import TINY, UNIT, down, total
from ._minorants import Minorant
from ._run_shapes import Excess, Least, Norms, Ridge, Shape

_FAR = 1e12  # stands for a radius that is not known where weights are sought


@dataclass(frozen=True, eq=False)
class Ball:
    """A minimiser lies within `reach` (B,) of `center` (B,n), reach inf where nothing is known; `source` says why."""

    center: torch.Tensor
    reach: torch.Tensor
    source: str


@dataclass(frozen=True, eq=False)
class Form:
    """How a certificate is made of one term.

    The weights maximise with `shape` and the linear function `offset` (B,n) of the slope. `extent` (B,) is the number
    that the bound depends on (the largest l1 norm of a minimiser, a radius), None where there is none. `at_rest`: the
    gradient of f is known to vanish at the minimiser. `by_cuts`: r enters by its subgradients.
    """

    name: str
    shape: Shape
    offset: torch.Tensor
    extent: torch.Tensor | None = None
    at_rest: bool = False
    by_cuts: bool = False


def largest_norm(p: Composite, upper: torch.Tensor, floor: torch.Tensor | None, ball: Ball | None) -> torch.Tensor:
    """(B,) bound on sum_g ||x*_g - center_g|| of an l1 or group-l1 term, inf where nothing bounds it."""
    assert isinstance(p.nonsmooth, (L1, GroupL1))
    lam = p.nonsmooth.lam.reshape(-1).expand_as(upper)
    extent = torch.full_like(upper, torch.inf)
    if floor is not None:
        extent = torch.where(lam > 0, (upper - floor).clamp(min=0.0) / lam.clamp(min=TINY), torch.inf)
    if ball is not None and isinstance(p.nonsmooth, L1):
        extent = torch.minimum(extent, ball.center.abs().sum(-1) + p.dim**0.5 * ball.reach)
    return extent


def form_of(p: Composite, upper: torch.Tensor, floor: torch.Tensor | None, ball: Ball | None) -> Form | str:
    """The form for p (B instances), or why there is none."""
    r, zero = p.nonsmooth, torch.zeros(p.batch_size, p.dim, dtype=torch.float64)
    batch = (p.batch_size,)
    if isinstance(r, (L1, GroupL1)):
        extent = largest_norm(p, upper, floor, ball)
        if not bool(torch.isfinite(extent).any()):
            return (
                "nothing bounds the minimisers: f >= 0 is not known of this smooth term; give smooth_lower, a number "
                "that f is never below, or a radius"
            )
        groups, count = (r.groups, r.count) if isinstance(r, GroupL1) else (None, p.dim)
        sought = torch.where(torch.isfinite(extent), extent, _FAR)
        shape = Excess(r.lam.reshape(-1).expand(batch), sought, groups, count + 1)
        return Form(r.kind, shape, r.center.expand_as(zero) if isinstance(r, GroupL1) else zero, extent)
    if isinstance(r, ElasticNet) and bool((r.ridge > 0).all()):
        return Form(r.kind, Ridge(r.lam.expand(*batch, 1), r.ridge.expand(*batch, 1)), zero)
    if isinstance(r, Box) and bool((torch.isfinite(r.lower) & torch.isfinite(r.upper)).all()):
        lower, upper_end = r.lower.expand_as(zero), r.upper.expand_as(zero)
        return Form(r.kind, Norms(0.5 * (upper_end - lower), None, p.dim), 0.5 * (lower + upper_end))
    if isinstance(r, L2Ball):
        return Form(r.kind, _one_norm(r.radius.reshape(-1).expand(batch), p.dim), r.center.expand_as(zero))
    if isinstance(r, Simplex):
        return Form(r.kind, Least(r.radius.reshape(-1).expand(batch), p.dim), r.origin.expand_as(zero))
    if ball is None:
        return (
            "nothing bounds the minimisers: of this nonsmooth term no support function is known, and neither a radius "
            "was given nor is F certified to be strongly convex"
        )
    sought = torch.where(torch.isfinite(ball.reach), ball.reach, _FAR)
    if isinstance(r, Zero):
        return Form(r.kind, _one_norm(sought, p.dim), ball.center, ball.reach, at_rest=True)
    if not r.names_subgradients:
        return "the nonsmooth term does not name its subgradients, so that it has no cuts"
    return Form("cuts", _one_norm(sought, p.dim), ball.center, ball.reach, by_cuts=True)


def _one_norm(reach: torch.Tensor, dim: int) -> Norms:
    return Norms(reach.unsqueeze(-1), torch.zeros(dim, dtype=torch.long), 1)


def floor_minorant(p: Composite, floor: torch.Tensor) -> Minorant:
    """f >= floor."""
    zero = torch.zeros(p.batch_size, p.dim, dtype=torch.float64)
    return Minorant(floor, zero, zero, zero, torch.zeros_like(floor))


@dataclass(frozen=True, eq=False)
class Value:
    """Lower bounds (B,) of F*: `bound` = `intercept` - `rate` times the extent, up to rounding; which form won."""

    bound: torch.Tensor
    intercept: torch.Tensor
    rate: torch.Tensor
    over_ball: torch.Tensor


def evaluate(
    p: Composite,
    form: Form,
    points: Evaluated,
    weights: torch.Tensor,
    smoothness: torch.Tensor,
    upper: torch.Tensor,
    floor: torch.Tensor | None,
    ball: Ball | None,
    cuts: tuple[Evaluated, torch.Tensor] | None,
) -> Value:
    """The certificate of weights (B,N), rounding included; `cuts` are those of r with weights of their own."""
    nothing = torch.full_like(upper, -torch.inf)
    zero = torch.zeros_like(points.x[:, 0])
    value = Value(nothing, nothing, torch.zeros_like(upper), torch.zeros_like(upper, dtype=torch.bool))
    if not form.at_rest and not form.by_cuts:
        averaged = average(points, weights, smoothness, zero, at_rest=False)
        growth = () if floor is None else (floor_minorant(p, floor),)
        bound = dual_value(p, averaged.minorant(), upper, growth)
        rate = torch.zeros_like(upper)
        if isinstance(form.shape, Excess):
            rate = -form.shape.exact(averaged.slope) / form.shape.extent
        extent = torch.zeros_like(upper) if form.extent is None else form.extent.nan_to_num(posinf=0.0)
        value = Value(bound, bound + rate * extent, rate, value.over_ball)
    if ball is None or not (form.at_rest or form.by_cuts or isinstance(p.nonsmooth, L1)):
        return value
    averaged = average(points, weights, smoothness, ball.center, at_rest=form.at_rest)
    added = zero
    if cuts is not None:
        averaged = _sum(averaged, average(*cuts, torch.full_like(smoothness, torch.inf), ball.center, at_rest=False))
    elif isinstance(p.nonsmooth, L1):
        added = torch.minimum(torch.maximum(-averaged.slope, -p.nonsmooth.lam), p.nonsmooth.lam)
        inner, error = total(added * ball.center, 1)
        constant = down(averaged.constant + inner, error + 2 * UNIT * (averaged.constant.abs() + inner.abs()))
        averaged = replace(averaged, constant=constant)
    bound, size = over_ball(averaged, added, ball.center, ball.reach)
    bound = torch.where(torch.isfinite(ball.reach), bound, -torch.inf)
    better = bound > value.bound
    return Value(
        torch.where(better, bound, value.bound),
        torch.where(better, averaged.constant, value.intercept),
        torch.where(better, size, value.rate),
        better,
    )


def _sum(first: Averaged, second: Averaged) -> Averaged:
    slope = first.slope + second.slope
    constant = down(first.constant + second.constant, 2 * UNIT * (first.constant.abs() + second.constant.abs()))
    blur = 2 * UNIT * slope.abs()
    norm = torch.linalg.vector_norm(blur, dim=-1)
    return Averaged(
        constant,
        slope,
        (first.error + second.error + blur) * (1 + 4 * UNIT),
        (first.radius + second.radius + norm) * (1 + (slope.shape[-1] + 8) * UNIT),
        first.deficit,
    )
