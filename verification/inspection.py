"""Recomputing what a run claims, before any bound is held against it.

A run is data, and data may be wrong: a recorded objective that is not F(x_k), a g_k that is no subgradient (which is
what a wrong prox leaves behind), a G_k that does not follow. Everything here is recomputed from the iterates and the
problem alone; a run that disagrees beyond rounding is reported as violated data, whatever the bound says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

import bounds
from l2o import InputError
from l2o.problems import Composite
from l2o.rollout import threads_for
from l2o.run import Run


@dataclass(frozen=True, eq=False)
class DataCheck:
    """A claim of the run that was recomputed: where it holds, per step (B,K), and the worst excess over rounding."""

    name: str
    holds: np.ndarray
    excess: float
    statement: str


@dataclass(frozen=True, eq=False)
class Inspection:
    """The run as NumPy arrays, gradients and error bounds recomputed, and the checks of its claims.

    `x` (B,K+1,n), `gradient` (B,K,n) recomputed grad f(x_{k-1}), `subgradient` (B,K,n) as recorded, `objective`
    (B,K+1) as recorded, with their error bounds; `finite` (B,) and `in_domain` (B,K+1). Rows of instances that are
    not finite are replaced by zeros and must not be judged. Arrays are None where the run kept scalars only.
    """

    run: Run
    problem: Composite
    x: np.ndarray | None
    gradient: np.ndarray | None
    subgradient: np.ndarray | None
    objective: np.ndarray
    objective_error: np.ndarray
    gradient_error: np.ndarray
    preconditioner: np.ndarray | None
    finite: np.ndarray
    in_domain: np.ndarray
    checks: tuple[DataCheck, ...]
    # Quantities already measured, by comparator and reference step: most bounds ask for the same ones.
    measured: dict[object, bounds.Quantities] = field(default_factory=dict, repr=False)

    @property
    def data_holds(self) -> np.ndarray:
        """(B,K) whether every claim holds at the step."""
        holds = np.ones((self.run.batch_size, self.run.steps), dtype=bool)
        for check in self.checks:
            holds &= check.holds
        return holds


def as_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A tensor as a float64 array."""
    return tensor.detach().cpu().to(torch.float64).numpy()


def _check(name: str, error: np.ndarray, allowed: np.ndarray, statement: str) -> DataCheck:
    with np.errstate(invalid="ignore", divide="ignore"):
        holds = error <= allowed
        over = np.where(holds, 0.0, error - allowed)
    return DataCheck(name, holds, float(np.nan_to_num(over, nan=np.inf).max(initial=0.0)), statement)


def _norm(a: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a, axis=-1)


def inspect_run(run: Run, problem: Composite) -> Inspection:
    """Recompute gradients, objectives and subdifferentials of `run` on `problem`, in float64."""
    if (run.batch_size, run.dim) != (problem.batch_size, problem.dim):
        raise InputError(
            f"verify: the run has {run.batch_size} instances of {run.dim} variables, the problem "
            f"{problem.batch_size} of {problem.dim}; pass the problem the run was made on."
        )
    problem = problem.to(torch.float64, "cpu")
    objective = as_numpy(run.objective)
    finite = as_numpy(run.finite) > 0
    if run.x is None:
        return _inspect_scalars(run, problem, objective, finite)
    finite &= np.isfinite(as_numpy(run.subgradient)).all(axis=(1, 2))  # type: ignore[arg-type]

    def rows(tensor: torch.Tensor) -> np.ndarray:
        array = as_numpy(tensor)
        return np.where(finite.reshape(-1, *[1] * (array.ndim - 1)), array, 0.0)

    x, subgradient = rows(run.x), rows(run.subgradient)  # type: ignore[arg-type]
    found = _recompute(problem, x, subgradient, run.objective.dtype)
    in_domain = np.isfinite(found.value)
    recorded = np.where(in_domain & finite[:, None] & np.isfinite(objective), objective, 0.0)
    judged = in_domain[:, 1:] & finite[:, None]  # elsewhere no subgradient exists, and nothing is judged
    checks = tuple(
        _check(name, np.where(judged, error, 0.0), allowed, statement)
        for name, error, allowed, statement in _claims(run, problem, found, recorded, x, rows)
    )
    return Inspection(
        run,
        problem,
        x,
        found.gradient,
        found.subgradient,
        recorded,
        found.objective_error,
        found.gradient_error,
        None if run.preconditioner is None else rows(run.preconditioner),
        finite,
        in_domain,
        checks,
    )


@dataclass(frozen=True, eq=False)
class _Recomputed:
    """What the iterates and the problem say: float64 values, and the rounding that the run's own precision explains."""

    value: np.ndarray  # (B,K+1) F(x_k)
    objective_error: np.ndarray  # (B,K+1) of F(x_k) as the run computed it
    gradient: np.ndarray  # (B,K,n) grad f(x_{k-1})
    gradient_error: np.ndarray  # (B,K) of it, in float64
    recorded_error: np.ndarray  # (B,K) of grad f(x_{k-1}) as the run computed it
    subgradient: np.ndarray  # (B,K,n) as recorded, moved into the subdifferential where it was off by rounding only
    outside: np.ndarray  # (B,K) by how much more it was off


def _recompute(problem: Composite, x: np.ndarray, subgradient: np.ndarray, dtype: torch.dtype) -> _Recomputed:
    own = problem.to(dtype)
    eps = torch.finfo(dtype).eps
    many, points = subgradient.shape[:2], x.shape[:2]
    found = _Recomputed(
        np.empty(points),
        np.empty(points),
        np.empty_like(subgradient),
        np.empty(many),
        np.empty(many),
        np.empty_like(subgradient),
        np.empty(many),
    )
    with threads_for(problem):
        for k in range(points[1]):
            point = torch.from_numpy(x[:, k])
            cast = point.to(dtype)
            f, slope = problem.smooth.value_and_gradient(point)
            found.value[:, k] = as_numpy(f + problem.nonsmooth.value(point))
            found.objective_error[:, k] = as_numpy(own.objective_error(cast))
            if k < many[1]:
                found.gradient[:, k] = as_numpy(slope)
                found.gradient_error[:, k] = as_numpy(problem.smooth.gradient_error(point))
                found.recorded_error[:, k] = as_numpy(own.smooth.gradient_error(cast))
            if k > 0:
                low, high = (as_numpy(end) for end in problem.nonsmooth.subdifferential(point))
                g = subgradient[:, k - 1]
                inside = np.where(low <= high, np.clip(g, low, high), g)
                miss = np.abs(g - inside)
                near = miss <= 64 * eps * (np.abs(g) + np.abs(inside))
                found.subgradient[:, k - 1] = np.where(near, inside, g)
                found.outside[:, k - 1] = np.where(near, 0.0, miss).max(axis=-1)
    return found


def _claims(
    run: Run,
    problem: Composite,
    found: _Recomputed,
    objective: np.ndarray,
    x: np.ndarray,
    rows: Callable[[torch.Tensor], np.ndarray],
) -> Iterator[tuple[str, np.ndarray, np.ndarray, str]]:
    """Name, error (B,K), what rounding allows, and the claim in words."""
    eps = torch.finfo(run.objective.dtype).eps
    exact = np.where(np.isfinite(found.value), found.value, 0.0)
    excess = np.abs(objective - exact) - 2 * found.objective_error - 4 * eps * np.abs(exact)
    yield (
        "objective",
        np.maximum(np.maximum(excess[:, 1:], excess[:, :-1]), 0.0),
        np.zeros_like(found.outside),
        "the recorded objective is F(x_k), up to rounding",
    )
    yield (
        "subgradient",
        found.outside,
        np.zeros_like(found.outside),
        "the recorded g_k is in the subdifferential of r at x_k (otherwise x_k was not the prox it claims)",
    )
    total = found.gradient + found.subgradient
    size = _norm(found.gradient) + _norm(found.subgradient)
    gradient_allowed = 2 * found.recorded_error + 64 * eps * size
    yield (
        "generalized gradient",
        _norm(rows(run.generalized_gradient) - total),  # type: ignore[arg-type]
        gradient_allowed,
        "the recorded G_k is grad f(x_{k-1}) + g_k, up to rounding",
    )
    step = x[:, :-1] - x[:, 1:]
    yield (
        "step",
        _norm(rows(run.step) - step),  # type: ignore[arg-type]
        4 * eps * _norm(step),
        "the recorded D_k is x_{k-1} - x_k",
    )
    smoothness = as_numpy(problem.smoothness)[:, None]
    yield (
        "deviation",
        _norm(rows(run.deviation) - (step - total / smoothness[..., None])),  # type: ignore[arg-type]
        4 * eps * _norm(step) + (gradient_allowed + 8 * problem.dim * eps * size) / smoothness,
        "the recorded e_k is D_k - G_k/L with the problem's L",
    )


def _inspect_scalars(run: Run, problem: Composite, objective: np.ndarray, finite: np.ndarray) -> Inspection:
    for series in run.scalars.values():
        array = as_numpy(series)
        finite &= np.isfinite(array.reshape(len(array), -1)).all(axis=1) | ~finite
    in_domain = np.isfinite(objective)
    recorded = np.where(in_domain & finite[:, None], objective, 0.0)
    return Inspection(
        run,
        problem,
        None,
        None,
        None,
        recorded,
        np.where(finite[:, None], as_numpy(run.scalars["objective_error"]), 0.0),
        np.where(finite[:, None], as_numpy(run.scalars["gradient_error"]), 0.0),
        None,
        finite,
        in_domain,
        (),
    )
