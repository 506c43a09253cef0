"""Certificates: lower bounds of F* from a point, each a function of its own.

A certificate takes a problem (convex unless its entry says otherwise, float64, without changes of variables), a
point x (B,n) in dom r, and a certified upper bound of F* (B,); it returns (B,) numbers that are at most F*,
rounding included, -inf where it has nothing to say. `CERTIFICATES` lists them from cheap to expensive; the best
value counts, and the later ones are asked only about instances that the earlier ones left too wide. Any x gives
valid bounds; how good they are depends on x.

Sources: Fenchel duality (Rockafellar, Convex Analysis, 1970, section 31) and its use for gap-safe stopping
(Mairal, PhD thesis, 2010, appendix D); linearisation over bounded domains (Frank and Wolfe, 1956; Jaggi, ICML
2013); self-concordance of the logistic loss (Bach, Electronic Journal of Statistics 4, 2010, proposition 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ...l2o import rounding
from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import L1, GroupL1
from ...l2o.problems.smooth import Huber, Logistic, SquaredHinge
from ._curvature import added_curvature, curvature_floor
from ._directed import FLAT, ROOT_TINY, TINY, UNIT, down, value_error
from ._linear_models import linear_model, squared_extent
from ._minorants import Minorant, minorant, nonnegative_smooth, zero_minorant
from ._strict import strict_minorant
from ._terms import NONNEGATIVE

Certificate = Callable[[Composite, torch.Tensor, torch.Tensor], torch.Tensor]


def _nothing(x: torch.Tensor) -> torch.Tensor:
    return torch.full_like(x[:, 0], -torch.inf)


def dual_value(p: Composite, dual: Minorant, upper: torch.Tensor, growth: tuple[Minorant, ...] = ()) -> torch.Tensor:
    """(B,) lower bound of F* from one affine minorant of f.

    `growth` are further minorants that may bound the minimisers where the dual point is not quite feasible.
    """
    model = linear_model(p.nonsmooth, dual.slope, dual.error)
    if model is None:
        return torch.full_like(upper, -torch.inf)
    base, slack = model
    worst = slack.amin(-1)
    radius = torch.full_like(upper, torch.inf)
    for other in growth:
        other_model = linear_model(p.nonsmooth, other.slope, other.error)
        assert other_model is not None  # the term has one, as it had for the dual point
        other_base, other_slack = other_model
        least = other_slack.amin(-1)
        # upper >= F(w) >= constant + base + least * sum_i z_i at every minimiser w.
        magnitude = other.constant.abs() + other_base.abs() + upper.abs()
        room = -down(other.constant + other_base - upper, 4 * UNIT * magnitude)
        candidate = (1 + 8 * UNIT) * room.clamp(min=0.0) / least
        usable = (least > 0) & (other.deficit == 0)
        radius = torch.minimum(radius, torch.where(usable, candidate, torch.inf))
    penalty = torch.where(worst >= 0, 0.0, -worst * (radius + TINY))
    extent = squared_extent(p.nonsmooth, dual.anchor)
    bent = torch.where(dual.deficit > 0, 0.5 * dual.deficit * extent, 0.0)
    size = dual.constant.abs() + base.abs() + penalty + bent
    return down(dual.constant + base - penalty - bent, 8 * UNIT * size + TINY)


def _zero_growth(p: Composite, x: torch.Tensor) -> tuple[Minorant, ...]:
    return (zero_minorant(x),) if nonnegative_smooth(p.smooth) else ()


def nonnegativity(p: Composite, x: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """0, where both terms are non-negative."""
    nonnegative = isinstance(p.nonsmooth, NONNEGATIVE) and nonnegative_smooth(p.smooth)
    return torch.zeros_like(upper) if nonnegative else _nothing(x)


def fenchel_dual(p: Composite, x: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """The dual value at the dual point of x, its infeasibility paid for by a bound on the minimisers."""
    dual = minorant(p.smooth, x)
    return _nothing(x) if dual is None else dual_value(p, dual, upper, _zero_growth(p, x))


def rescaled_dual(p: Composite, x: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """The dual value after scaling the dual point of x into the feasible set of an l1 term."""
    dual = minorant(p.smooth, x)
    if dual is None or not isinstance(p.nonsmooth, L1) or not nonnegative_smooth(p.smooth):
        return _nothing(x)
    reach = (dual.slope.abs() + 2 * dual.error).amax(-1, keepdim=True)
    shrink = torch.where(reach > 0, p.nonsmooth.lam / reach * (1 - 4 * UNIT), 1.0).clamp(max=1.0)
    shrunk = minorant(p.smooth, x, shrink=shrink)
    return _nothing(x) if shrunk is None else dual_value(p, shrunk, upper, _zero_growth(p, x))


def _has_distance(p: Composite) -> bool:
    return p.nonsmooth.separable or isinstance(p.nonsmooth, GroupL1)


def _distance(p: Composite, x: torch.Tensor) -> torch.Tensor:
    """(B,) upper bound of the distance from 0 to the subdifferential of F at x."""
    gradient, r = p.smooth_gradient(x), p.nonsmooth
    if isinstance(r, GroupL1):
        nearest = r.nearest_subgradient(x, -gradient)
        # x - center is rounded once, lengths and quotients as often as they have terms: all relative to lam.
        turned = rounding.gamma(r.dim + 8, x.dtype) * r.lam
        outside = (gradient + nearest).abs() + 4 * UNIT * (gradient.abs() + nearest.abs()) + turned
    else:
        low, high = p.subdifferential(x)
        size = gradient.abs() + torch.maximum(low.abs().nan_to_num(posinf=0.0), high.abs().nan_to_num(posinf=0.0))
        outside = torch.maximum(gradient + low, -(gradient + high)).clamp(min=0.0) + 4 * UNIT * size
    spread = (1 + (x.shape[-1] + 4) * UNIT) * torch.linalg.vector_norm(outside, dim=-1)
    return (spread + p.smooth_gradient_error(x)) * (1 + 4 * UNIT) + ROOT_TINY


def minimiser_distance(p: Composite, x: torch.Tensor) -> torch.Tensor:
    """(B,) upper bound of ||x - x*|| by strong convexity, dist(0, dF(x)) / mu; inf where F has no certified modulus."""
    if not _has_distance(p):
        return torch.full_like(x[:, 0], torch.inf)
    modulus = down(curvature_floor(p.smooth) + added_curvature(p.nonsmooth)).expand(p.batch_size)
    reach = (1 + 8 * UNIT) * _distance(p, x) / modulus + TINY
    return torch.where(modulus >= FLAT, reach, torch.inf)


def strong_convexity(p: Composite, x: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """F* >= F(x) - dist(0, dF(x))^2 / (2 mu), with mu of f and of r together."""
    if not _has_distance(p):
        return _nothing(x)
    modulus = down(curvature_floor(p.smooth) + added_curvature(p.nonsmooth))
    modulus = modulus.expand(p.batch_size)
    if not bool((modulus >= FLAT).any()):
        return _nothing(x)
    distance = _distance(p, x)
    # Divided first: the square alone may underflow where the quotient does not.
    loss = (1 + 8 * UNIT) * distance * (distance / (2 * modulus))
    value = down(p.objective(x), value_error(p, x) + loss)
    return torch.where(modulus >= FLAT, value, -torch.inf)


def _modulus_at(f: Logistic, x: torch.Tensor) -> torch.Tensor:
    """(B,) certified lower bound of the smallest eigenvalue of the Hessian of f at x."""
    rows, columns = f.map.matrix.shape[-2:]
    z, z_error = f.map(x), f.map.forward_error(x)
    s = torch.sigmoid(z.abs())
    # |d log(s (1 - s)) / dz| <= 1: the weights are off by at most e^{error} - 1, relatively.
    weight = torch.sigmoid(-z.abs()) * s * (1 - 2 * z_error.amax(-1, keepdim=True) - 16 * UNIT).clamp(min=0.0)
    a = f.map.matrix.expand(x.shape[0], -1, -1)
    hessian = torch.einsum("bmi,bm,bmj->bij", a, weight, a) / rows
    trace = hessian.diagonal(dim1=-2, dim2=-1).sum(-1)
    eigenvalue = torch.linalg.eigvalsh(hessian)[:, 0]
    return down(eigenvalue, 2 * (rows + 10 * columns + 10) * 2 * UNIT * trace)


def self_concordance(p: Composite, x: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """As strong convexity, with the curvature of the logistic loss at x.

    With R = max_j ||a_j||, mu <= lambda_min of the Hessian at x, d = dist(0, dF(x)) and nu = d R / mu < 1,

        F(w) >= F(x) - d t + (mu / R^2) (e^{-Rt} + R t - 1),  t = ||w - x||,

    whose minimum over t is at least F(x) - d^2 / (2 mu (1 - nu)).
    """
    f = p.smooth
    if not isinstance(f, Logistic) or not _has_distance(p):
        return _nothing(x)
    rows, columns = f.map.matrix.shape[-2:]
    if rows < columns:
        return _nothing(x)
    modulus = _modulus_at(f, x)
    reach = f.map.row_norms.amax(-1) * (1 + (columns + 4) * UNIT) + ROOT_TINY
    distance = _distance(p, x)
    ratio = distance * reach / modulus * (1 + 8 * UNIT)
    loss = (1 + 16 * UNIT) * distance * (distance / (2 * modulus * (1 - ratio)))
    value = down(p.objective(x), value_error(p, x) + loss)
    return torch.where((modulus >= FLAT) & (ratio < 0.5), value, -torch.inf)


def _quadratic_zone(f: Huber | SquaredHinge, x: torch.Tensor) -> torch.Tensor:
    """(B,m) how far a_j'x may move with the loss of sample j staying a parabola; negative where it is none."""
    z = f.argument(x)
    inside = f.delta - z.abs() if isinstance(f, Huber) else 1 - z
    return inside - 1.01 * f.argument_error(x, z) - 4 * UNIT * (inside.abs() + z.abs())


def _modulus_of_rows(a: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """(B,) certified lower bound of the smallest eigenvalue of A'A with the rows `chosen` (B,m) only."""
    rows, columns = a.shape[-2:]
    part = a * chosen.to(a.dtype).unsqueeze(-1)
    gram = part.mT @ part
    trace = gram.diagonal(dim1=-2, dim2=-1).sum(-1)
    return down(torch.linalg.eigvalsh(gram)[:, 0], 2 * (rows + 10 * columns + 10) * 2 * UNIT * trace)


def local_curvature(p: Composite, x: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """As strong convexity, with the curvature of the samples whose loss is a parabola near x.

    Where ||w - x|| <= rho leaves these samples on their parabolas, which have a modulus mu together, and d =
    dist(0, dF(x)) <= mu rho / 2, F(w) >= F(x) - d t + mu t^2 / 2 with t = ||w - x||: at least F(x) - d^2 / (2 mu) in
    that ball, and at least F(x) on its sphere, hence beyond it, because F is convex.
    """
    f = p.smooth
    if not isinstance(f, (Huber, SquaredHinge)) or not _has_distance(p):
        return _nothing(x)
    rows, columns = f.map.matrix.shape[-2:]
    if rows < columns:
        return _nothing(x)
    a, zone = f.map.matrix.expand(x.shape[0], -1, -1), _quadratic_zone(f, x)
    norms = f.map.row_norms * (1 + (columns + 4) * UNIT) + ROOT_TINY
    weight = f.curvature / f.samples * (1 - 4 * UNIT)
    distance, radius, best = _distance(p, x), torch.zeros_like(upper), torch.zeros_like(upper)
    for _ in range(3):
        curved = (zone > 0) & (zone >= (1 + 8 * UNIT) * radius.unsqueeze(-1) * norms)
        modulus = weight * _modulus_of_rows(a, curved)
        holds = (modulus >= FLAT) & (distance <= 0.5 * (1 - 16 * UNIT) * modulus * radius)
        best = torch.where(holds, modulus, best)
        radius = torch.where(holds | (modulus < FLAT), radius, 4 * distance / modulus)
    loss = (1 + 8 * UNIT) * distance * (distance / (2 * best))
    value = down(p.objective(x), value_error(p, x) + loss)
    return torch.where(best > 0, value, -torch.inf)


def extended_precision_dual(p: Composite, x: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """The Fenchel dual value with A'u in long double, for where its rounding is what is left of the width."""
    dual = minorant(p.smooth, x, extended=True)
    return _nothing(x) if dual is None else dual_value(p, dual, upper, _zero_growth(p, x))


def strict_dual(p: Composite, x: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """The Fenchel dual value with the minimisers bounded by a strictly feasible dual point.

    That point comes from an auxiliary problem with a little less regularisation (a smaller lam, or a linear
    term that pulls away from the bounded side), and exists when the minimisers are bounded by the data at
    all.
    """
    dual = minorant(p.smooth, x)
    if dual is None or bool((dual.deficit > 0).all()):
        return _nothing(x)
    inner = strict_minorant(p, x)
    if inner is None:
        return _nothing(x)
    return torch.maximum(dual_value(p, dual, upper, (inner,)), dual_value(p, inner, upper))


@dataclass(frozen=True)
class Entry:
    """A certificate with its name; `late` ones are asked only once the solvers have nothing more to offer.

    Of these, `fine` ones are asked earlier where the width is rounding already. `any_smooth` ones hold for smooth
    terms that are not convex, too.
    """

    name: str
    bound: Certificate
    late: bool = False
    fine: bool = False
    any_smooth: bool = False


CERTIFICATES: list[Entry] = [
    Entry("nonnegativity", nonnegativity, any_smooth=True),
    Entry("fenchel-dual", fenchel_dual),
    Entry("strong-convexity", strong_convexity),
    Entry("rescaled-dual", rescaled_dual),
    Entry("self-concordance", self_concordance),
    Entry("local-curvature", local_curvature),
    Entry("extended-precision-dual", extended_precision_dual, late=True, fine=True),
    Entry("strict-dual", strict_dual, late=True),
]
