"""What a run with a guarantee states of itself, as quantities (see `l2o.guaranteed`)."""

from __future__ import annotations

import numpy as np
import torch

from ... import bounds
from ...l2o.runs.array_run import first_point
from ..runs.inspection import Inspection, as_numpy, norm

STATED = ("guard_count", "budget", "energy", "motion")


_ROUNDINGS = 16  # of numbers of the sizes that x_floor adds up, in a step


def with_stated(quantities: bounds.Quantities, inspection: Inspection) -> bounds.Quantities:
    """`quantities` of the inspected run, and those that it states of itself."""
    values, errors = _stated(inspection)
    if not values:
        return quantities
    with np.errstate(over="ignore", invalid="ignore"):
        values |= {name: _finite(floor) for name, floor in _floors(quantities, inspection, values).items()}
    declared = {"accelerated_guard": "guard_count", "energy_region": "energy", "momentum_region": "motion"}
    return bounds.Quantities(
        {**quantities.values, **values},
        {**quantities.errors, **errors},
        {**quantities.facts, **{fact: name in values for fact, name in declared.items()}},
        quantities.steps,
        quantities.batch,
    )


def _finite(value: np.ndarray) -> np.ndarray:
    return np.nan_to_num(value, nan=np.finfo(float).max, posinf=np.finfo(float).max)


def _floors(
    quantities: bounds.Quantities, inspection: Inspection, values: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """What rounding in the run's own arithmetic may do to a step (B,K), from the sizes of the numbers in it.

    x_k and its gradient are as large as those at x_0 and the way from there allow. The potential of a guard,
    A_k F(x_k) + (L/2)||u_k - z||^2, moves by L R a_k times the rounding of a point and by A_k times that of F.
    """
    run, problem = inspection.run, inspection.problem
    x = inspection.x[:, 0] if inspection.x is not None else as_numpy(first_point(run))
    smoothness = as_numpy(problem.smoothness)
    slope = norm(as_numpy(problem.smooth.gradient(torch.from_numpy(np.ascontiguousarray(x)))))
    path = np.cumsum(np.sqrt(np.maximum(quantities.values["D2"], 0.0)), axis=1)
    size = (norm(x) + slope / smoothness)[:, None] + 2 * path
    floors = {"x_floor": _ROUNDINGS * float(torch.finfo(run.objective.dtype).eps) * size}
    if "guard_weight" in values and "R" in quantities.values:
        step = 4 * (smoothness * quantities.values["R"])[:, None] * values["guard_momentum"] * floors["x_floor"]
        off = inspection.objective_error[:, 1:] + inspection.objective_error[:, :-1]
        floors["guard_floor"] = step + 2 * values["guard_weight"][:, 1:] * off
    return floors


def _stated(inspection: Inspection) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Values and error bounds, by names of the vocabulary; nothing for a run that states nothing.

    Of an accelerated guard the run states how many steps it has made. Weight and momentum follow from that, and are
    computed here. A number that is not finite is 0, and nothing is known of it.
    """
    run = inspection.run
    shape, unit = (run.batch_size, run.steps + 1), float(torch.finfo(run.objective.dtype).eps)
    values, errors = {}, {}
    for name in STATED:
        if name in run.scalars and tuple(run.scalars[name].shape) == shape:
            given = as_numpy(run.scalars[name])
            finite = np.isfinite(given) & inspection.alive
            values[name] = np.where(finite, given, 0.0)
            # of energies, sums of n squares in the run's own precision; the others are the numbers that were used
            summed = name in ("energy", "motion")
            off = (run.dim + 8) * unit * np.abs(values[name]) if summed else np.zeros(shape)
            errors[name] = np.where(finite, off, np.inf)
    if "guard_count" in values:
        _guard(values, errors)
    return values, errors


def _guard(values: dict[str, np.ndarray], errors: dict[str, np.ndarray]) -> None:
    count = values["guard_count"]
    steps = count.shape[1] - 1
    t = bounds.accelerated.momenta(steps)[0][np.clip(np.nan_to_num(count), 0, steps).astype(int)]
    made = np.diff(count, axis=1)
    values |= {"guard_weight": t**2, "guarded": made, "guard_momentum": np.where(made > 0, t[:, 1:], 0.0)}
    # each step adds some units of rounding to t and takes none of its error away: dt_{j+1} <= dt_j + 4 eps t_{j+1}
    off = 4 * np.finfo(np.float64).eps * (count + 1) * t
    unknown = np.where(np.isfinite(errors["guard_count"]), 0.0, np.inf)
    errors["guard_weight"] = 3 * off * t + unknown
    errors["guard_momentum"] = off[:, 1:] + unknown[:, 1:]
