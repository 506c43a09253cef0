"""Run certificates (B15): the sharpest lower bound of F* that the points and gradients of a run allow.

`run_certificate` says for every instance and step how far the best point so far is from optimal at most, from what the
run itself evaluated. No dual of f is needed: its value, its gradient and L are. `to_dict` makes plain data of it, which
`check_run_certificate` verifies in exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ...l2o.problems import Composite
from ...l2o.runs.run import Run
from ...l2o.support.arrays import as_tensor
from ...l2o.support.threads import one_thread
from ._certifier import POINTS, Certifier
from ._run_result import RunCertificate
from ._terms import plain


def run_certificate(
    run: Run,
    problem: Composite,
    *,
    steps: Sequence[int] | str | None = None,
    radius: Any = None,
    center: Any = None,
    smooth_lower: Any = None,
    weights: Any = None,
    points: int = POINTS,
) -> RunCertificate:
    """Certified gaps from the data of a run (B15).

    Everything is evaluated anew in float64 at the run's points, with bounds on all rounding; the run may come from any
    optimizer and be in any precision, and a point where something overflows is left out.

    Args:
        run: K steps on B instances, with its iterates (record="all").
        problem: the problem of the run, f and r convex.
        steps: the steps k for which a certificate is wanted: a sequence, "all" (0 to K), default K only.
        radius: a number that ||x* - center|| is known not to exceed for some minimiser, scalar or (B,). It is needed
            where r = 0, or where no support function of r is known, unless F is certified to be strongly convex; with
            an l1 term it can help.
        center: (n,) or (B,n), default x_0.
        smooth_lower: a number that f is never below, scalar or (B,); default 0 where the smooth term is known to be
            >= 0 (least squares, logistic, Huber, squared hinge), and otherwise none. It bounds the l1 norm of x*.
        weights: (B,K+1) weights >= 0 of the points to use instead of the best ones, which only makes `lower` smaller.
        points: at most so many points carry weight: the last ones and some earlier ones.

    Returns:
        A `RunCertificate`. What cannot be certified has lower = -inf and a reason.

    Raises:
        CertificateError: a lower bound exceeds F at a point: the radius or `smooth_lower` is wrong, or the problem is
            not what it declares (L too small, f or r not convex, error bounds that are none).
        InputError: a run without iterates or of another problem, wrong steps, or a radius that is not positive.
    """
    if run.x is None:
        raise InputError("run_certificate: a run of scalars has no points; record it with record='all'.")
    if tuple(run.x_final.shape) != (problem.batch_size, problem.dim):
        raise InputError(
            f"run_certificate: the run has {run.batch_size} instances of {run.dim} variables, the problem "
            f"{problem.batch_size} of {problem.dim}; pass the problem the run was made on."
        )
    chosen = _steps(steps, run.steps)
    x = run.x.detach().cpu().to(torch.float64)
    given = {"radius": radius, "center": center, "smooth_lower": smooth_lower}
    return certify(problem, x, chosen, **given, weights=weights, points=points)


def _steps(steps: Sequence[int] | str | None, last: int) -> list[int]:
    if steps is None:
        return [last]
    if isinstance(steps, str):
        if steps != "all":
            raise InputError(f"steps: expected integers, 'all' or None, got {steps!r}.")
        return list(range(last + 1))
    chosen = list(steps)
    whole = all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) and 0 <= k <= last for k in chosen)
    if not chosen or not whole or sorted(set(chosen)) != chosen:
        raise InputError(f"steps: expected increasing integers in 0..{last}, at least one, got {chosen[:8]}.")
    return [int(k) for k in chosen]


def certify(
    problem: Composite,
    x: torch.Tensor,
    steps: Sequence[int],
    *,
    radius: Any = None,
    center: Any = None,
    smooth_lower: Any = None,
    weights: Any = None,
    points: int = POINTS,
) -> RunCertificate:
    """`run_certificate` for points x (B,T,n) in float64 instead of a run."""
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or points < 2:
        raise InputError(f"points: expected an integer >= 2, got {points!r}.")
    identity, p = problem.fingerprint(), plain(problem.to(torch.float64, "cpu"))
    with torch.no_grad(), one_thread():
        certifier = Certifier.make(p, x, radius, center, smooth_lower, int(points))
        if weights is not None:
            certifier.weights = _given_weights(weights, x)
            certifier.limit = x.shape[1]
        return certifier.result(steps, identity)


def _given_weights(weights: Any, x: torch.Tensor) -> torch.Tensor:
    given = as_tensor(weights, "weights", ndim=(2,))
    if tuple(given.shape) != tuple(x.shape[:2]):
        raise InputError(f"weights: expected (B, K+1) = {tuple(x.shape[:2])}, got {tuple(given.shape)}.")
    if not bool((given >= 0).all() & (given.sum(-1) > 0).all()):
        raise InputError("weights: expected numbers >= 0, some of each instance > 0.")
    return given
