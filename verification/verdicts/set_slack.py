"""What verdicts allow for sets of which few points are floating-point numbers: balls and simplices.

A point counts as one of the set, or of its surface, where it is so within rounding. So r(y) >= r(x_k) + <g_k, y - x_k>
may fail by eps_k = ||g_k|| times the distance of x_k from the point that g_k is normal at, and of y from the set. The
proofs of B1, B2, B5, B6, B6b, B6c, B10, B13, B19 and what follows from them add up these inequalities with known
weights, and the tolerance grows by as much; that of B8 and B9 does not. For terms that are exact (boxes, norms) there
is nothing to allow for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import bounds
from ...bounds.hypotheses import R_CONVEX
from ...l2o.runs.array_run import first_point
from ..runs.inspection import Inspection, as_numpy, norm
from ..runs.nearest_pair import moves
from ..runs.point_inspection import has_points

_WEIGHTED = ("B1", "B2", "B3", "B5", "B6", "B6b", "B6c", "B7", "B10", "B13", "B19")
"""Bounds on values of F, or on sums of them, whose proofs use the inequality with known weights."""


@dataclass(frozen=True, eq=False)
class SetSlack:
    """eps_k, (B,K) each: `before` for y = x_{k-1}, `at_z` for y = z (None without a z)."""

    before: np.ndarray
    at_z: np.ndarray | None
    coarse: bool = False  # of a run of scalars in lower precision: nothing is known of a bound without weights


def set_slack(inspection: Inspection, z: np.ndarray | None) -> SetSlack | None:
    """The eps_k of a run, `at_z` for z (B,n); None where r is exact. `Evidence.set_slack` remembers them."""
    term = inspection.problem.nonsmooth
    if inspection.x is None and not term.is_indicator and moves(term, _eps(inspection)):
        unknown = np.full((inspection.run.batch_size, inspection.run.steps), np.inf)
        return SetSlack(unknown, unknown, True)  # kinks off 0, and no iterates to look at
    if term.separable or not term.is_indicator or (term.rounding_bounded and not term.names_subgradients):
        return None
    if not has_points(inspection):
        return _of_scalars(inspection)
    x, g = inspection.x, inspection.subgradient
    points = [torch.from_numpy(x[:, k]) for k in range(x.shape[1])]
    term_slack = np.stack(
        [as_numpy(term.subgradient_slack(points[k + 1], torch.from_numpy(g[:, k]))) for k in range(g.shape[1])], axis=1
    )
    before = term_slack + norm(g) * np.stack([_distance(term, point) for point in points[:-1]], axis=1)
    if z is None:
        return SetSlack(before, None)
    away = _distance(term, torch.from_numpy(np.array(z, dtype=np.float64)))
    return SetSlack(before, term_slack + norm(g) * away[:, None])


def _eps(inspection: Inspection) -> float:
    return float(torch.finfo(inspection.run.objective.dtype).eps)


def _of_scalars(inspection: Inspection) -> SetSlack:
    """The same from what a run of scalars knows: x_0 and the lengths of its steps.

    ||x_k|| <= ||x_0|| + sum_j<=k ||D_j||, and of that size are the numbers whose roundings count as 0;
    ||g_k|| <= ||G_k|| + ||grad f(x_0)|| + L sum_j<k ||D_j||.
    """
    run, problem, n = inspection.run, inspection.problem, inspection.run.dim
    start, eps = first_point(run).detach().cpu().to(torch.float64), _eps(inspection)
    lengths = {
        name: np.where(inspection.alive[:, 1:], np.sqrt(np.maximum(as_numpy(run.scalars[name]), 0.0)), 0.0)
        for name in ("G2", "D2")
    }
    way = np.concatenate([np.zeros((len(start), 1)), (1 + n * eps) * lengths["D2"].cumsum(1)], axis=1)
    # The radius of a ball or simplex is at most sqrt(n) times the numbers at a point of its surface.
    size = 2 * np.sqrt(n) * (norm(as_numpy(problem.nonsmooth.magnitude(start)))[:, None] + way)
    off = 1.1 * (_UNITS + 4 * n) * eps * size
    slope = norm(as_numpy(problem.smooth.gradient(start))) + as_numpy(problem.smooth.gradient_error(start))
    g = (1 + n * eps) * lengths["G2"] + inspection.gradient_error
    g = g + slope[:, None] + as_numpy(problem.smoothness)[:, None] * way[:, :-1]
    worst = g * (off[:, :-1] + off[:, 1:])
    return SetSlack(worst, worst, eps > float(np.finfo(np.float64).eps))


_UNITS = 80.0  # roundings within which balls and simplices count a point as one of theirs, with room for its measuring


def _distance(term: Any, x: torch.Tensor) -> np.ndarray:
    error = term.domain_error(x)
    return np.zeros(len(x)) if error is None else as_numpy(error)


def allowed(bound: bounds.Bound, slack: SetSlack | None, q: bounds.Quantities) -> np.ndarray | float:
    """By how much the tolerance of `bound` grows, in its own units: (B,K) for steps, (B,) for runs."""
    if slack is None or R_CONVEX not in bound.hypotheses:
        return 0.0
    if bound.number not in _WEIGHTED:
        return np.inf if slack.coarse else 0.0
    if bound.level == "step":  # weight 1, at z for the variational inequality and at x_{k-1} for descent
        return _at_z(slack) if bound.number == "B10" else slack.before
    if bound.number == "B10":  # B1 summed, over h(2-h)K/(2L)
        L, h = q.values["L"], q.values["h"]
        return 2 * L * slack.before.mean(axis=1) / (h * (2 - h))
    if bound.number == "B19":
        return _accelerated(bound, slack, q)
    if bound.number in ("B6", "B6b"):  # weight 1/K at z
        return _at_z(slack).mean(axis=1)
    # B6c: k/(2K-k) <= 1 in all at step k, of it (k-1)/(2K-k+1) at x_{k-1}, so nothing at x_0, which need not be in the
    # set. B3 is B6c without deviations (its average B6b), and B7 follows from B6b.
    worse = _at_z(slack).copy()
    worse[:, 1:] = np.maximum(worse[:, 1:], slack.before[:, 1:])
    return worse.sum(axis=1)


def _at_z(slack: SetSlack) -> np.ndarray:
    assert slack.at_z is not None  # a bound that speaks of z is judged where there is one
    return slack.at_z


def _accelerated(bound: bounds.Bound, slack: SetSlack, q: bounds.Quantities) -> np.ndarray | float:
    """B19: weight A_{k-1}/A_K at x_{k-1}, so nothing at x_0, and a_k/A_K at z; in `a_priori` the reach grows too."""
    if q.missing(("accel_weight", "accel_momentum", "accel_enorm")):
        return 0.0
    A, a = q.values["accel_weight"], q.values["accel_momentum"]
    total = (a * _at_z(slack)).sum(axis=1) + (A[:, 1:-1] * slack.before[:, 1:]).sum(axis=1)
    if bound.variant != "a_priori":
        return total / A[:, -1]
    L, R, spent = q.values["L"], q.values["R"], (a * q.values["accel_enorm"]).sum(axis=1)
    # what is left over moves ||u_k - z||^2 by 2/L times as much, as a larger R would
    wider = np.sqrt(R**2 + 2 * total / L)
    return L * ((wider + 2 * spent) ** 2 - (R + 2 * spent) ** 2) / (2 * A[:, -1])
