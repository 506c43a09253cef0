"""Recomputing what a run claims, before any bound is held against it.

A run is data, and data may be wrong: a recorded objective that is not F(x_k), a g_k that is no subgradient (which is
what a wrong prox leaves behind), a G_k that does not follow. Everything here is recomputed from the iterates and the
problem alone; a run that disagrees beyond rounding is reported as violated data, whatever the bound says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

import bounds
from l2o import InputError
from l2o.problems import Composite
from l2o.rollout import threads_for
from l2o.run import Run

_EPS = float(np.finfo(np.float64).eps)


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
    gradient, gradient_error = np.empty_like(subgradient), np.empty(subgradient.shape[:2])
    value, objective_error = np.empty_like(objective), np.empty_like(objective)
    outside = np.empty_like(subgradient)
    with threads_for(problem):
        for k in range(run.steps + 1):
            point = torch.from_numpy(x[:, k])
            f, slope = problem.smooth.value_and_gradient(point)
            value[:, k] = as_numpy(f + problem.nonsmooth.value(point))
            objective_error[:, k] = as_numpy(problem.objective_error(point))
            if k < run.steps:
                gradient[:, k] = as_numpy(slope)
                gradient_error[:, k] = as_numpy(problem.smooth.gradient_error(point))
            if k > 0:
                low, high = (as_numpy(end) for end in problem.nonsmooth.subdifferential(point))
                g = subgradient[:, k - 1]
                miss = np.maximum(np.maximum(low - g, g - high), 0.0)
                slack = 64 * _EPS * (np.abs(g) + np.abs(np.clip(g, low, high)))
                miss = np.where(np.isfinite(low) | np.isfinite(high), miss, 0.0)
                outside[:, k - 1] = np.maximum(miss - slack, 0.0)
                # What is within rounding of the subdifferential counts as an error of the gradient.
                gradient_error[:, k - 1] += _norm(np.minimum(miss, slack))
    in_domain = np.isfinite(value)
    alive = finite[:, None]
    recorded = np.where(in_domain & alive & np.isfinite(objective), objective, 0.0)
    exact = np.where(in_domain, value, 0.0)

    generalized = rows(run.generalized_gradient)  # type: ignore[arg-type]
    step = rows(run.step)  # type: ignore[arg-type]
    true_step = x[:, :-1] - x[:, 1:]
    dead = ~(in_domain[:, 1:] & alive)  # no subgradient exists there; such steps are not judged
    objective_off = np.abs(recorded - exact)
    objective_ok = 2 * objective_error + 4 * _EPS * np.abs(exact)
    off = np.maximum(objective_off[:, 1:] - objective_ok[:, 1:], objective_off[:, :-1] - objective_ok[:, :-1])
    total = gradient + subgradient
    checks = (
        _check(
            "objective",
            np.where(dead, 0.0, off),
            np.zeros_like(off),
            "the recorded objective is F(x_k), up to rounding",
        ),
        _check(
            "subgradient",
            np.where(dead, 0.0, outside.max(axis=-1)),
            np.zeros_like(gradient_error),
            "the recorded g_k is in the subdifferential of r at x_k (otherwise x_k was not the prox it claims)",
        ),
        _check(
            "generalized gradient",
            np.where(dead, 0.0, _norm(generalized - total)),
            2 * gradient_error + 8 * _EPS * (_norm(gradient) + _norm(subgradient)),
            "the recorded G_k is grad f(x_{k-1}) + g_k, up to rounding",
        ),
        _check(
            "step",
            np.where(dead, 0.0, _norm(step - true_step)),
            4 * _EPS * _norm(true_step),
            "the recorded D_k is x_{k-1} - x_k",
        ),
    )
    p = None if run.preconditioner is None else rows(run.preconditioner)
    return Inspection(
        run,
        problem,
        x,
        gradient,
        subgradient,
        recorded,
        objective_error,
        gradient_error,
        p,
        finite,
        in_domain,
        checks,
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
