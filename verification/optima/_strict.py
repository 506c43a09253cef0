"""Strictly feasible dual points, from problems with a little less regularisation."""

from __future__ import annotations

import functools
from dataclasses import replace

import torch

from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import L1, Box, ElasticNet, GroupL1, NonsmoothTerm
from ._fista import fista, safe_step
from ._linear_models import linear_model
from ._minorants import Minorant, minorant

AMOUNTS = (0.1, 0.01, 0.5, 0.001)
ITERATIONS = 2000


@functools.singledispatch
def loosened(
    term: NonsmoothTerm, x: torch.Tensor, gradient: torch.Tensor, amount: float
) -> tuple[NonsmoothTerm, torch.Tensor | None] | None:
    """A term and a tilt whose optima are strictly feasible for `term`; None if there is none."""
    return None


@loosened.register
def _(
    term: L1, x: torch.Tensor, gradient: torch.Tensor, amount: float
) -> tuple[NonsmoothTerm, torch.Tensor | None] | None:
    return (L1(term.lam * (1 - amount)), None) if bool((term.lam > 0).any()) else None


@loosened.register
def _(
    term: ElasticNet, x: torch.Tensor, gradient: torch.Tensor, amount: float
) -> tuple[NonsmoothTerm, torch.Tensor | None] | None:
    return ElasticNet(term.lam * (1 - amount), term.ridge), None


@loosened.register
def _(
    term: GroupL1, x: torch.Tensor, gradient: torch.Tensor, amount: float
) -> tuple[NonsmoothTerm, torch.Tensor | None] | None:
    return replace(term, lam=term.lam * (1 - amount)), None


@loosened.register
def _(
    term: Box, x: torch.Tensor, gradient: torch.Tensor, amount: float
) -> tuple[NonsmoothTerm, torch.Tensor | None] | None:
    lower, upper = torch.isfinite(term.lower).expand_as(x), torch.isfinite(term.upper).expand_as(x)
    if bool((~lower & ~upper).any()):
        return None  # a free variable needs its slope to vanish: never strictly feasible
    away = torch.where(lower & ~upper, -1.0, 0.0) + torch.where(upper & ~lower, 1.0, 0.0)
    return term, amount * gradient.abs().amax(-1, keepdim=True).clamp(min=1e-6) * away


def strict_minorant(p: Composite, x: torch.Tensor) -> Minorant | None:
    """A minorant with positive slacks on the instances where one was found; None if there can be none."""
    step, gradient = safe_step(p), p.smooth_gradient(x)
    best: Minorant | None = None
    margin = torch.empty(0)  # (B,) the least slack of `best`
    for amount in AMOUNTS:
        looser = loosened(p.nonsmooth, x, gradient, amount)
        if looser is None:
            return None
        term, tilt = looser
        point = fista(Composite(p.smooth, term), x, step, ITERATIONS, tilt)
        candidate = minorant(p.smooth, point)
        if candidate is None:
            return None
        model = linear_model(p.nonsmooth, candidate.slope, candidate.error)
        assert model is not None  # every term that can be loosened has one
        slack = model[1].amin(-1)
        slack = slack.nan_to_num(nan=-torch.inf, posinf=torch.inf)
        if best is None:
            best, margin = candidate, slack
        else:
            better = (slack > margin) & (margin <= 0)
            best, margin = _merge(better, candidate, best), torch.where(better, slack, margin)
        if bool((margin > 0).all()):
            break
    return best


def _merge(where: torch.Tensor, first: Minorant, second: Minorant) -> Minorant:
    rows = where.reshape(-1, 1)
    return Minorant(
        torch.where(where, first.constant, second.constant),
        torch.where(rows, first.slope, second.slope),
        torch.where(rows, first.error, second.error),
        torch.where(rows, first.anchor, second.anchor),
        torch.where(where, first.deficit, second.deficit),
    )
