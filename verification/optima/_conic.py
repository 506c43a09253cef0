"""The problems as cvxpy expressions, and the chain of conic solvers.

cvxpy is imported on first use: it is slow to load.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import L1, Box, ElasticNet, GroupL1, L2Ball, NonsmoothTerm, Simplex, Zero
from ...l2o.problems.smooth import Huber, LeastSquares, Logistic, QuadraticForm, SmoothTerm, SquaredHinge
from ...l2o.problems.transforms import Change, ChangedNonsmooth, ChangedSmooth
from ..errors import VerificationError
from ._terms import doubtful, matrix, row


@dataclass(frozen=True)
class Solver:
    """A cvxpy solver with its options; `quadratic_only` ones are skipped for other problems."""

    name: str
    backend: str
    options: dict[str, Any] = field(default_factory=dict)
    quadratic_only: bool = False


TIGHT = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}

CHAIN: list[Solver] = [
    Solver("clarabel", "CLARABEL", TIGHT),
    Solver("clarabel-default", "CLARABEL"),
    Solver("osqp", "OSQP", {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iter": 100_000}, quadratic_only=True),
    Solver("scs", "SCS", {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iters": 50_000}),
]


class ConicError(VerificationError, RuntimeError):
    """A conic solver gave no point; the message says why."""


def _moved(change: Change, b: int, w: Any) -> tuple[float, Any]:
    scale, dilation = (float(row(t, b)[0]) for t in (change.scale, change.dilation))
    return scale, w / dilation + np.broadcast_to(row(change.shift, b), w.shape)


@functools.singledispatch
def smooth_expression(term: SmoothTerm, b: int, w: Any) -> Any:
    """Instance b of f at the cvxpy expression w (n,)."""
    raise ConicError(f'the smooth term "{term.kind}" has no cvxpy expression')


@smooth_expression.register
def _(term: LeastSquares, b: int, w: Any) -> Any:
    import cvxpy

    return 0.5 * cvxpy.sum_squares(matrix(term, b) @ w - row(term.target, b))


@smooth_expression.register
def _(term: Logistic, b: int, w: Any) -> Any:
    import cvxpy

    signed = (1 - 2 * row(term.labels, b))[:, None] * matrix(term, b)
    return cvxpy.sum(cvxpy.logistic(signed @ w)) / term.rows


@smooth_expression.register
def _(term: Huber, b: int, w: Any) -> Any:
    import cvxpy

    residual = matrix(term, b) @ w - row(term.target, b)
    delta: Any = float(row(term.delta, b)[0])  # cvxpy says int, and takes any number
    return 0.5 * cvxpy.sum(cvxpy.huber(residual, delta))  # cvxpy's is twice ours


@smooth_expression.register
def _(term: SquaredHinge, b: int, w: Any) -> Any:
    import cvxpy

    signed = row(term.signs, b)[:, None] * matrix(term, b)
    return cvxpy.sum_squares(cvxpy.pos(1 - signed @ w)) / term.rows


@smooth_expression.register
def _(term: QuadraticForm, b: int, w: Any) -> Any:
    import cvxpy

    form = cvxpy.quad_form(w, cvxpy.psd_wrap(matrix(term, b)))
    return 0.5 * form - row(term.linear, b) @ w


@smooth_expression.register
def _(term: ChangedSmooth, b: int, w: Any) -> Any:
    scale, inner = _moved(term.change, b, w)
    return scale * smooth_expression(term.base, b, inner)


@functools.singledispatch
def nonsmooth_expression(term: NonsmoothTerm, b: int, w: Any) -> tuple[Any, list[Any]]:
    """Instance b of r at the cvxpy expression w (n,), and its constraints."""
    raise ConicError(f'the nonsmooth term "{term.kind}" has no cvxpy expression')


@nonsmooth_expression.register
def _(term: Zero, b: int, w: Any) -> tuple[Any, list[Any]]:
    return 0.0, []


@nonsmooth_expression.register
def _(term: L1, b: int, w: Any) -> tuple[Any, list[Any]]:
    import cvxpy

    return float(row(term.lam, b)[0]) * cvxpy.norm1(w), []


@nonsmooth_expression.register
def _(term: ElasticNet, b: int, w: Any) -> tuple[Any, list[Any]]:
    import cvxpy

    lam, ridge = float(row(term.lam, b)[0]), float(row(term.ridge, b)[0])
    return lam * cvxpy.norm1(w) + 0.5 * ridge * cvxpy.sum_squares(w), []


@nonsmooth_expression.register
def _(term: Box, b: int, w: Any) -> tuple[Any, list[Any]]:
    lower, upper = (np.broadcast_to(row(t, b), w.shape) for t in (term.lower, term.upper))
    below, above = np.flatnonzero(np.isfinite(lower)), np.flatnonzero(np.isfinite(upper))
    constraints = [w[below] >= lower[below]] if below.size else []
    return 0.0, constraints + ([w[above] <= upper[above]] if above.size else [])


@nonsmooth_expression.register
def _(term: GroupL1, b: int, w: Any) -> tuple[Any, list[Any]]:
    import cvxpy

    moved, groups = w - np.broadcast_to(row(term.center, b), w.shape), term.groups.numpy()
    lengths = [cvxpy.norm(moved[np.flatnonzero(groups == g)]) for g in range(term.count)]
    return float(row(term.lam, b)[0]) * cvxpy.sum(cvxpy.hstack(lengths)), []


@nonsmooth_expression.register
def _(term: Simplex, b: int, w: Any) -> tuple[Any, list[Any]]:
    import cvxpy

    moved = w - np.broadcast_to(row(term.origin, b), w.shape)
    return 0.0, [moved >= 0, cvxpy.sum(moved) == float(row(term.radius, b)[0])]


@nonsmooth_expression.register
def _(term: L2Ball, b: int, w: Any) -> tuple[Any, list[Any]]:
    import cvxpy

    moved = w - np.broadcast_to(row(term.center, b), w.shape)
    return 0.0, [cvxpy.norm(moved) <= float(row(term.radius, b)[0])]


@nonsmooth_expression.register
def _(term: ChangedNonsmooth, b: int, w: Any) -> tuple[Any, list[Any]]:
    scale, inner = _moved(term.change, b, w)
    value, constraints = nonsmooth_expression(term.base, b, inner)
    return scale * value, constraints


def solve(p: Composite, b: int, solver: Solver) -> tuple[np.ndarray, float]:
    """Instance b: the solver's point (n,) and the value it reports; `ConicError` if it has none to give."""
    if (doubt := doubtful(p)) is not None:
        raise ConicError(doubt)
    try:
        import cvxpy

        w = cvxpy.Variable(p.dim)
        penalty, constraints = nonsmooth_expression(p.nonsmooth, b, w)
        problem = cvxpy.Problem(cvxpy.Minimize(smooth_expression(p.smooth, b, w) + penalty), constraints)
        if solver.quadratic_only and not problem.is_qp():
            raise ConicError("not a quadratic program")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "may be inaccurate" is what the certificate is for
            problem.solve(solver=solver.backend, **solver.options)
        point = None if w.value is None else np.asarray(w.value, dtype=np.float64)
        if point is None or not np.isfinite(point).all():
            raise ConicError(f"status {problem.status}")
        return point, float(problem.value)
    except ConicError:
        raise
    except Exception as failure:  # solvers raise errors of many kinds; each means "no point from this one"
        raise ConicError(f"{type(failure).__name__}: {' '.join(str(failure).split())[:120]}") from failure
