"""What a report keeps of one run: quantile bands over the instances, shares of steps, iterations to a tolerance.

Everything is over the instances whose whole run fits in float64; how many do not is said beside it. Bands are kept for
the iterations `kept_steps` lists, rounded to six digits; shares and totals are over all steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ... import bounds
from ...bounds.assumptions import GRADIENT_DESCENT, READINGS, deviations
from ...l2o.runs.array_run import is_affine
from ...l2o.runs.run import Run
from ..optima import Optimum
from ..optima.gaps import first_below, gaps, relative_to_optimum
from ..runs.inspection import Inspection, as_numpy
from ..verdicts.evidence import Evidence
from ..verdicts.verification import Verification

TOLERANCES = (1e-2, 1e-4, 1e-6)  # of the relative gap
QUANTILES = {"median": 0.5, "q10": 0.1, "q90": 0.9}
RANGE = {"median": 0.5, "least": 0.0, "greatest": 1.0}
# Run bounds drawn over the iterations, with what each of them bounds.
CURVES = {
    "ind_rate": "F(x_k) - F*",
    "ood_last_iterate": "F(x_k) - F*",
    "ood_multi_step": "mean of F(x_1..k) - F*",
    "ood_multi_step_sharp": "mean of F(x_1..k) - F*",
    "a_priori": "mean of F(x_1..k) - F*",
    "accelerated_guard": "F(x_k) - F*",
}
_PREFIXES = 12
_ALL, _MORE = 200, 100  # every iteration up to the first number, then this many more

Bands = dict[str, list[float | None]]


def kept_steps(steps: int) -> np.ndarray:
    """The iterations 0..`steps` that curves keep: all the first ones, then evenly spread, always the last."""
    if steps <= _ALL + _MORE:
        return np.arange(steps + 1)
    return np.unique(np.concatenate([np.arange(_ALL), np.linspace(_ALL, steps, _MORE).round()])).astype(int)


def listed(array: Any) -> list[float | None]:
    """Numbers for JSON, to six digits; None for what is not finite."""
    return [float(f"{v:.6g}") if np.isfinite(v) else None for v in np.asarray(array, dtype=float)]


def bands(array: np.ndarray, quantiles: Mapping[str, float] = QUANTILES) -> Bands:
    """Median and 10 % and 90 % quantiles over the instances (rows) of each column; empty where there is no instance."""
    if not len(array):
        return {name: [] for name in quantiles}
    return {name: listed(_quantile(array, q)) for name, q in quantiles.items()}


def _quantile(array: np.ndarray, q: float) -> np.ndarray:
    """As np.quantile over the rows, but an inf among the entries spoils only the quantiles that it is part of."""
    low, high = (np.quantile(array, q, axis=0, method=side) for side in ("lower", "higher"))
    part = q * (len(array) - 1) % 1
    with np.errstate(invalid="ignore"):
        return np.where(low == high, low, low + part * (high - low))


def objectives(run: Run, inspection: Inspection) -> np.ndarray:
    """(B,K+1) F(x_k) as recorded; recomputed in float64 of a run in float32, which rounds F more than its iterates."""
    recorded = as_numpy(run.objective)
    if run.objective.dtype == torch.float64:
        return recorded
    return np.where(inspection.alive & inspection.in_domain, inspection.objective, recorded)


def gap_bands(
    run: Run, inspection: Inspection, certified: Optimum, quantiles: Mapping[str, float] = QUANTILES
) -> dict[str, Any]:
    """The gaps and deviations over the steps that are kept, and what of a gap is not known."""
    alive, columns = inspection.finite, kept_steps(run.steps)[1:] - 1
    rho = as_numpy(run.relative_deviation)[alive][:, columns]
    return {
        **objective_bands(objectives(run, inspection), alive, certified, quantiles),
        "rho": bands(rho, quantiles),
    }


def objective_bands(
    objective: np.ndarray, alive: np.ndarray, certified: Optimum, quantiles: Mapping[str, float] = QUANTILES
) -> dict[str, Any]:
    """The gaps of objectives (B,K+1) over the steps that are kept, of the instances that are alive (B,)."""
    steps = objective.shape[1] - 1
    recorded = kept_steps(steps)
    absolute = gaps(objective, certified)
    gap, relative = absolute.low[alive], relative_to_optimum(absolute, certified).low[alive]
    relative = relative[~np.isnan(relative).any(axis=1)]  # without the instances whose F* may be 0
    means = np.cumsum(gap[:, 1:], axis=1) / np.arange(1, steps + 1)
    bounded = bool(np.isfinite(certified.width).all())
    return {
        "k": recorded.tolist(),
        "gap": bands(gap[:, recorded], quantiles),
        "mean_gap": {"median": bands(means[:, recorded[1:] - 1])["median"]},
        "relative_gap": bands(relative[:, recorded], quantiles),
        "floor": float(np.median(certified.width)) if bounded else None,
        "relative_floor": _relative_floor(certified) if bounded else None,
    }


def series(run: Run, inspection: Inspection, certified: Optimum, descent: Verification, learned: bool) -> dict:
    """The curves and counts of a run; the learned ones also get their steps and deviations."""
    recorded, alive = kept_steps(run.steps), inspection.finite
    learned_series = {
        "descent": descent_series(descent, alive, recorded),
        "deviation": deviation_series(run, alive, recorded),
    }
    return {
        **gap_bands(run, inspection, certified),
        "reach": reach(objectives(run, inspection), certified, alive),
        "lowest": lowest(inspection, certified),
        **(learned_series if learned else dict.fromkeys(learned_series)),
    }


def _relative_floor(certified: Optimum) -> float | None:
    """The median width of the intervals relative to |F*|; None where every F* may be 0."""
    widths = relative_to_optimum(gaps(certified.upper[:, None], certified), certified).high
    widths = widths[~np.isnan(widths)]
    return float(np.median(widths)) if widths.size else None


def reach(objective: np.ndarray, certified: Optimum, alive: np.ndarray) -> list[dict[str, Any]]:
    """For each tolerance in how many instances the relative gap is certainly below it, and the median of the first such
    k, which counts the other instances as never.
    """
    relative = relative_to_optimum(gaps(objective, certified), certified)
    entries = []
    for tolerance in TOLERANCES:
        first = np.where(alive, first_below(relative, tolerance).high, np.inf)
        # The upper middle one, so that never (inf) and some k are not averaged.
        median = np.sort(first)[len(first) // 2]
        reached = int(median) if np.isfinite(median) else None
        entries.append({"tolerance": tolerance, "median": reached, "reached": int(np.isfinite(first).sum())})
    return entries


def lowest(inspection: Inspection, certified: Optimum) -> dict[str, list]:
    """Per instance the lowest F(x_k) - F* of the run, from below, and its k; of lost instances up to that step."""
    valid = inspection.alive & inspection.in_domain
    gap = gaps(np.where(valid, inspection.objective, np.nan), certified).low
    return {"gap": listed(gap.min(axis=1)), "k": gap.argmin(axis=1).tolist()}


def descent_series(descent: Verification, alive: np.ndarray, recorded: np.ndarray) -> dict[str, Any]:
    """Measured and guaranteed decrease of each step, and on what share of the instances there is none.

    `rises`: F increased beyond rounding. `unguaranteed`: the bound permits an increase. `rounding`: the rounding of
    both sides, below which neither is known (median over the instances).
    """
    columns = recorded[1:] - 1
    lhs, rhs, tolerance = descent.lhs[alive], descent.rhs[alive], descent.tolerance[alive]
    rises, free = lhs > tolerance, rhs >= 0
    fine = ~descent.within_rounding[alive] & ~free
    used = descent.tightness[alive][fine]
    used = used[np.isfinite(used)]

    def share(mask: np.ndarray) -> list[float | None]:
        return listed(mask[:, columns].mean(axis=0)) if len(mask) else []

    return {
        "measured": bands(-lhs[:, columns]),
        "guaranteed": bands(-rhs[:, columns]),
        "rounding": bands(tolerance[:, columns])["median"],
        "rises": share(rises),
        "unguaranteed": share(free),
        "totals": {
            "steps": int(lhs.size),
            "rises": int(rises.sum()),
            "unguaranteed": int(free.sum()),
            "resolved": int(fine.sum()),
        },
        "used_median": float(np.median(used)) if used.size else None,
    }


def deviation_series(run: Run, alive: np.ndarray, recorded: np.ndarray) -> dict[str, Any] | None:
    """How far each step is from Assumption 1: ||delta1||_inf, and ||delta2|| / ||G|| for each reading of it.

    None for a run that does not tell its preconditioner. delta1 is the same for both readings.
    """
    if not is_affine(run):
        return None
    columns = recorded[1:] - 1
    L, p, b, G = (as_numpy(a)[alive] for a in (run.smoothness, run.preconditioner, run.bias, run.generalized_gradient))
    if not len(L):
        return {"delta1": bands(L), "delta2": {name: bands(L) for name in READINGS}}
    p, b, G = (a[:, columns] for a in (p, b, G))
    length = np.linalg.norm(G, axis=-1)
    by_reading = {name: deviations(L, p, b, G, reading) for name, reading in READINGS.items()}
    second = {}
    for name, d in by_reading.items():
        size = np.linalg.norm(d.delta2, axis=-1)
        beyond = np.where(size > 0, np.inf, 0.0)  # where G = 0
        second[name] = np.divide(size, length, out=beyond, where=length > 0)
    first = np.abs(by_reading[GRADIENT_DESCENT.name].delta1).max(axis=-1)
    return {"delta1": bands(first), "delta2": {name: bands(a) for name, a in second.items()}}


def _truncate(q: bounds.Quantities, steps: int) -> bounds.Quantities:
    """The quantities of the first `steps` steps."""

    def cut(items: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        lengths = {"step": steps, "iterate": steps + 1}
        return {
            name: a if bounds.VOCABULARY[name].level == "run" else a[:, : lengths[bounds.VOCABULARY[name].level]]
            for name, a in items.items()
        }

    return bounds.Quantities(cut(q.values), cut(q.errors), dict(q.facts), steps, q.batch)


def bound_curves(evidence: Evidence, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Right-hand sides of run bounds after k steps, the median over instances, for a few k."""
    inspection = evidence.inspection
    if not inspection.finite.any():
        return []
    total = inspection.run.steps
    steps = sorted({int(k) for k in np.geomspace(1, total, _PREFIXES).round()})
    q = evidence.quantities(1.0)
    heads = [_truncate(q, k) for k in steps]
    curves = []
    for name in (n for n in CURVES if n in names):
        bound = bounds.get(name)
        values = [float(np.median(bound.evaluate(head).rhs[inspection.finite])) for head in heads]
        guaranteed = all(bool(np.all(c.holds)) for head in heads for c in bound.check(head))
        curves.append(
            {"bound": name, "k": steps, "median": listed(values), "of": CURVES[name], "guaranteed": guaranteed}
        )
    return curves
