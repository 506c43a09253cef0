"""From an inspected run to the named quantities that bounds speak of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ... import bounds
from ...l2o import InputError
from ...l2o.problems import Composite
from ..optima import Optimum
from ..runs.inspection import Inspection, as_numpy, norm
from ..runs.point_inspection import has_points
from ..virtual_steps.pairing import Pairing

_SCALAR_NAMES = ("G2", "D2", "GD", "Gx", "Gx_prev", "Dx", "Dx_prev", "dist")
_EXTRA_NAMES = ("pG2", "Lp_max", "Lp_min", "bnorm")


def _mean_objective(problem: Composite, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F at the mean of x_1..x_K, and a bound on its error, (B,) each; the error is inf outside the domain of r."""
    mean = torch.from_numpy(x[:, 1:].mean(axis=1))
    value, error = as_numpy(problem.objective(mean)), as_numpy(problem.objective_error(mean))
    # The mean itself is rounded, and F there off by what slopes and curvature make of that. An indicator is 0 at both
    # points, since the set is convex and the rounded mean was found in it.
    rounding = (x.shape[1] + 2) * np.finfo(np.float64).eps * np.sqrt(x.shape[2]) * np.abs(x).max(axis=(1, 2))
    slopes = problem.smooth.gradient(mean).abs()
    if not problem.nonsmooth.is_indicator:
        slopes = slopes + problem.nonsmooth.steepness(mean)
    with np.errstate(invalid="ignore", over="ignore"):
        curved = as_numpy(problem.smoothness) * rounding
        total = error + (as_numpy(torch.linalg.vector_norm(slopes, dim=-1)) + curved) * rounding
    finite = np.isfinite(value) & np.isfinite(total)
    return np.where(finite, value, 0.0), np.where(finite, total, np.inf)


def _residual(problem: Composite, z: torch.Tensor, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """tau = ||T(z) - z||, T the proximal-gradient map of step h/L, and a bound on its error, (B,) each."""
    step = torch.from_numpy(h).unsqueeze(-1) / problem.smoothness.unsqueeze(-1)
    gradient = problem.smooth.gradient(z)
    move = problem.nonsmooth.prox(z - step * gradient, step) - z
    # The prox is nonexpansive, so the error of its argument (gradient, product, difference) passes with factor <= 1;
    # its own rounding is of the numbers it handles, which a shift makes larger than z.
    magnitude = problem.nonsmooth.magnitude
    size = torch.linalg.vector_norm(magnitude(z), dim=-1) + torch.linalg.vector_norm(magnitude(z + move), dim=-1)
    if not problem.nonsmooth.separable:  # sums over the variables carry the rounding of the largest of them
        size = size + torch.linalg.vector_norm(step * gradient, dim=-1)
    error = step.squeeze(-1) * problem.smooth.gradient_error(z) + 16 * torch.finfo(z.dtype).eps * size
    return as_numpy(torch.linalg.vector_norm(move, dim=-1)), as_numpy(error)


def measure(
    inspection: Inspection,
    optimum: Optimum | None,
    reference_step: np.ndarray,
    facts: Mapping[str, bool | np.ndarray],
) -> bounds.Quantities:
    """The named quantities of an inspected run; `Evidence.quantities` remembers them.

    Args:
        inspection: The run, recomputed.
        optimum: Its z is the comparator, and F(z) is the upper end of its interval. None: the comparator is the
            origin, which only bounds on steps do not mind.
        reference_step: (B,) h, of the reference step h/L.
        facts: What holds of the problem, by the names of `bounds.quantities.FACTS`, a bool or (B,).

    Returns:
        Each quantity with a bound on its rounding.

    Raises:
        InputError: Where a run of scalars was recorded for another comparator.
    """
    problem, run = inspection.problem, inspection.run
    if optimum is None:
        z = torch.zeros(problem.batch_size, problem.dim, dtype=torch.float64)
        f_z = np.zeros(problem.batch_size)
    else:
        z = torch.as_tensor(np.array(optimum.x), dtype=torch.float64)
        f_z = np.asarray(optimum.upper, dtype=float)
    tau, tau_error = _residual(problem, z, reference_step)
    smoothness = as_numpy(problem.smoothness)
    L_error = as_numpy(problem.smooth.smoothness_error)
    common: dict[str, Any] = {  # arguments of both functions below
        "L": smoothness,
        "reference_step": reference_step,
        "L_error": L_error,
        "gradient_error": inspection.gradient_error,
        "facts": facts,
        "strong_convexity": as_numpy(problem.strong_convexity) if problem.smooth.convex else None,
        "objective_lower": None if optimum is None else np.asarray(optimum.lower, dtype=float),
    }
    if inspection.x is not None:
        mean, mean_error = _mean_objective(problem, inspection.x)
        return bounds.measure(
            x=inspection.x,
            gradient=inspection.gradient,
            subgradient=inspection.subgradient,
            objective=inspection.objective,
            comparator=z.numpy(),
            comparator_objective=f_z,
            comparator_residual=tau,
            preconditioner=inspection.preconditioner,
            objective_error=inspection.objective_error,
            comparator_residual_error=tau_error,
            end_gradient=inspection.end_gradient,
            end_gradient_error=inspection.end_gradient_error,
            comparator_gradient=as_numpy(problem.smooth.gradient(z)),
            comparator_gradient_error=as_numpy(problem.smooth.gradient_error(z)),
            mean_objective=mean,
            mean_objective_error=mean_error,
            run_precision=float(torch.finfo(run.objective.dtype).eps),
            **common,
        )
    same = run.comparator is not None and np.array_equal(as_numpy(run.comparator), as_numpy(z.to(run.comparator.dtype)))
    if optimum is not None and not same:
        raise InputError(
            "verify: this run kept scalars for another comparator (or none); record it with rollout(..., "
            "record='scalars', comparator=optimum.x), or with record='all'."
        )

    def recorded(name: str, length: int) -> np.ndarray:
        if name not in run.scalars:  # no comparator, and only per-step bounds are asked for
            return np.zeros((run.batch_size, length))
        return np.where(inspection.alive[:, -length:], as_numpy(run.scalars[name]), 0.0)

    scalars: dict[str, Any] = {n: recorded(n, run.steps + (n == "dist")) for n in _SCALAR_NAMES}
    extra = {n: recorded(n, run.steps) for n in _EXTRA_NAMES if n in run.scalars}
    errors = {"F": inspection.objective_error, "tau": tau_error}
    if len(extra) == len(_EXTRA_NAMES):
        errors |= _extra_errors(inspection, scalars, extra, L_error)
    return bounds.from_inner_products(
        dimension=problem.dim,
        F=inspection.objective,
        F_z=f_z,
        tau=tau,
        errors=errors,
        extra=extra,
        run_precision=float(torch.finfo(run.objective.dtype).eps),
        comparator_error=None if run.comparator is None else norm(as_numpy(run.comparator) - z.numpy()) * (1 + 1e-12),
        **scalars,
        **common,
    )


def _extra_errors(
    inspection: Inspection, scalars: dict[str, np.ndarray], extra: dict[str, np.ndarray], L_error: np.ndarray
) -> dict[str, np.ndarray]:
    """Bounds (B,K) on the errors of what a run of scalars says of its preconditioner, in its own precision."""
    L = as_numpy(inspection.problem.smoothness)[:, None]
    unit = (inspection.problem.dim + 16) * float(torch.finfo(inspection.run.objective.dtype).eps)
    G, D = (np.sqrt(np.maximum(scalars[n], 0.0)) * (1 + unit) for n in ("G2", "D2"))
    largest = np.maximum(np.abs(extra["Lp_max"]), np.abs(extra["Lp_min"])) * (1 + unit)
    off = L_error[:, None] / L + unit
    p, weight = largest / L, largest / L * (1 + 0.5 * largest)
    gradient = inspection.gradient_error
    return {
        "pG2": weight * (off * G**2 + gradient * (2 * G + gradient)),
        "Lp_max": off * largest,
        "Lp_min": off * largest,
        "bnorm": unit * (extra["bnorm"] + D + p * G) + p * gradient,
    }


def with_virtual(
    quantities: bounds.Quantities, inspection: Inspection, pairing: Pairing, reference_step: np.ndarray
) -> bounds.Quantities:
    """The quantities with those of the virtual steps added; of a step without a virtual one nothing is known."""
    paired = ~np.isnan(pairing.dz) & inspection.alive[:, 1:]

    def where_paired(array: np.ndarray) -> np.ndarray:
        return np.where(paired[..., None], array, 0.0)

    assert has_points(inspection)  # a pairing is made of runs with their arrays
    assert inspection.preconditioner is not None  # and with p_k
    problem = inspection.problem
    G = inspection.gradient + inspection.subgradient
    sum_rounding = np.finfo(np.float64).eps * np.linalg.norm(G, axis=-1)  # G is a sum of two, which rounds once more
    values, errors = bounds.virtual.magnitudes(
        p=where_paired(pairing.p),
        b=where_paired(pairing.b),
        p_ood=where_paired(inspection.preconditioner),
        step_ood=where_paired(inspection.x[:, :-1] - inspection.x[:, 1:]),
        G_ood=where_paired(G),
        L_ood=as_numpy(problem.smoothness),
        dz=np.where(paired, pairing.dz, 0.0),
        reference_step=reference_step,
        G_error=np.where(paired, inspection.gradient_error + sum_rounding, 0.0),
        L_error=as_numpy(problem.smooth.smoothness_error),
    )
    return bounds.Quantities(
        {**quantities.values, **{name: np.where(paired, value, np.inf) for name, value in values.items()}},
        {**quantities.errors, **{name: np.where(paired, error, np.inf) for name, error in errors.items()}},
        # C1 and C2 are difference quotients of the very pair they are used for; where the features agree and the heads
        # do not, there are none
        {**quantities.facts, "heads_lipschitz": ~(paired & np.isinf(values["C1"] + values["C2"])).any(1)},
        quantities.steps,
        quantities.batch,
    )


def fitted_step(inspection: Inspection) -> np.ndarray:
    """(B,) the h in (0, 1] whose reference step h/L is nearest to the run's steps in the mean square."""
    if not has_points(inspection):
        products = [as_numpy(inspection.run.scalars[n]).sum(-1) for n in ("GD", "G2")]
    else:
        total = inspection.gradient + inspection.subgradient
        moved = inspection.x[:, :-1] - inspection.x[:, 1:]
        products = [np.einsum("bkn,bkn->b", total, moved), np.einsum("bkn,bkn->b", total, total)]
    with np.errstate(divide="ignore", invalid="ignore"):
        h = as_numpy(inspection.problem.smoothness) * products[0] / products[1]
    return np.clip(np.nan_to_num(h, nan=1.0, posinf=1.0, neginf=1.0), 1e-3, 1.0)
