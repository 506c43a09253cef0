"""How far a model is from Assumption 1, step by step: B13 (i) and section 2 of the theory, measured on a run.

The assumption fixes p = 1/(2L) in distribution and has two readings of the bias: `gradient_descent`, b = G/(2L), the
exact step 1/L, and `half_step`, b = 0, the exact step 1/(2L). Two distances are measured for each:

* sigma(h) = L||e(h)|| / ||G|| with h = 1 and h = 1/2, the distance of the step that was made from the exact step h/L;
  sigma(1) is rho. It needs G only, and is what the bounds speak of.
* the delta-sum ||delta1||_inf + ||delta2||/||G||, delta1 = 2 L p - 1, delta2 = 2 L b - G (2 L b for `half_step`), the
  distance of p and b themselves. rho is at most half of it.

The two may disagree: p = 1/L, b = 0 is the exact step 1/L, rho = 0, with a delta-sum of 2. A trained model never meets
the assumption exactly, so this is a distance and not a test. b_k is all of the step that is not p_k G_k, so memory and
momentum count as bias here. What a distance guarantees is one-sided: rho < 1, and so
a delta-sum below 2, is enough for descent; beyond, nothing is promised and nothing refuted.

A third distance is for methods with momentum, whose rho is large by construction: L||e_k|| / ||grad f(y_k) + g_k|| with
the deviation e_k from the accelerated step and the y_k of B19 (`bounds.accelerated`). It is 0 for FISTA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...bounds.assumptions import GRADIENT_DESCENT, HALF_STEP, READINGS, deviations, relative_deviation_bound
from ...l2o import Composite, Run
from ..runs.accelerated import accelerated_steps
from ..runs.inspection import Inspection, as_numpy, norm
from ..runs.model_identity import bias_heads, inspected
from ..support.plain import plain

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TIE = "neither"
_ROUNDINGS = 1000.0  # a step counts while ||G_k|| is this many times its rounding: beyond, rho is noise
_EDGE = 1 - 1e-9  # the exact step 1/L with b = 0 has a delta-sum of 2, and rounding shall not decide on which side


@dataclass(frozen=True, eq=False)
class AssumptionMeter:
    """Distances from Assumption 1 along a run of K steps on B instances.

    `delta1`, `delta2` (B,K,n) relative to `gradient_descent`, None where p_k and b_k were not recorded, as is
    `delta_sum`, reading -> (B,K). `sigma`: reading -> (B,K), L||e(h)||/||G|| at the h of the reading; `rho` is that of
    `gradient_descent`. `judged` (B,K): G_k is well above its rounding, everything is finite and the data hold;
    elsewhere the (B,K) distances are NaN. `bands`: "rho", "sigma_half", "rho_accelerated", "delta_sum" (of
    `gradient_descent`), "delta_sum_half" -> (5,K) quantiles `QUANTILES` over instances. `nearer` and `nearer_by_deltas`
    (B,K): the name of the nearer reading. `fails_by_rho` (B,K): rho >= 1; `fails_by_deltas` (B,K): delta-sum of
    `gradient_descent` >= 2. `worst_coordinate` (B,K): where |e_i| is largest, -1 where not judged. `bias_heads`: of the
    model, None where it is not known. `rho_accelerated` (B,K): the relative deviation from the accelerated step, NaN
    where not judged or where grad f(y_k) + g_k is within its rounding. `broken_data`: what recomputing the run found to
    be wrong; the steps concerned are not judged.
    """

    optimizer: str
    delta1: np.ndarray | None
    delta2: np.ndarray | None
    delta_sum: dict[str, np.ndarray] | None
    sigma: dict[str, np.ndarray]
    judged: np.ndarray
    bands: dict[str, np.ndarray]
    nearer: np.ndarray
    nearer_by_deltas: np.ndarray | None
    fails_by_rho: np.ndarray
    fails_by_deltas: np.ndarray | None
    worst_coordinate: np.ndarray
    bias_heads: tuple[str, ...] | None
    broken_data: tuple[str, ...]
    rho_accelerated: np.ndarray

    @property
    def rho(self) -> np.ndarray:
        """(B,K) relative deviation from the step 1/L."""
        return self.sigma[GRADIENT_DESCENT.name]

    @property
    def overall(self) -> str:
        """The reading the run is nearer to at most judged steps, by sigma."""
        return _majority(self.nearer)

    @property
    def overall_by_deltas(self) -> str | None:
        """The same by the delta-sums; None where there are none."""
        return None if self.nearer_by_deltas is None else _majority(self.nearer_by_deltas)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON); shares are of the judged steps."""
        counts = np.bincount(self.worst_coordinate[self.judged]) if self.judged.any() else np.zeros(1, dtype=int)
        first = np.nonzero(self.fails_by_rho.any(axis=0))[0]
        return {
            "optimizer": self.optimizer,
            "steps": self.judged.shape[1],
            "judged_share": float(self.judged.mean()),
            "bias_heads": None if self.bias_heads is None else list(self.bias_heads),
            "nearer": self.overall,
            "nearer_share": {name: self._share(self.nearer == name) for name in READINGS},
            "nearer_by_deltas": self.overall_by_deltas,
            "sigma_median": {name: _quantile(s, self.judged, 0.5) for name, s in self.sigma.items()},
            "rho_worst": _quantile(self.rho, self.judged, 1.0),
            "rho_accelerated_median": _quantile(self.rho_accelerated, np.isfinite(self.rho_accelerated), 0.5),
            "rho_accelerated_worst": _quantile(self.rho_accelerated, np.isfinite(self.rho_accelerated), 1.0),
            "delta_sum_median": None
            if self.delta_sum is None
            else {name: _quantile(s, self.judged, 0.5) for name, s in self.delta_sum.items()},
            "fails_by_rho_share": self._share(self.fails_by_rho),
            "fails_by_deltas_share": None if self.fails_by_deltas is None else self._share(self.fails_by_deltas),
            "first_failing_step": int(first[0]) + 1 if first.size else None,
            "worst_coordinate": int(counts.argmax()) if counts.any() else None,
            "worst_coordinate_share": float(counts.max() / counts.sum()) if counts.any() else None,
            "broken_data": list(self.broken_data),
            "bands": plain(self.bands),
        }

    def _share(self, where: np.ndarray) -> float | None:
        return float(where[self.judged].mean()) if self.judged.any() else None

    def summary(self) -> str:
        """A few lines for people."""
        d = self.to_dict()
        if not self.judged.any():
            lines = [f"{self.optimizer}: no step has sound data and a G_k above its rounding; nothing to measure"]
            return "\n".join([*lines, *self._broken()])
        sigma = d["sigma_median"]
        lines = [
            f"{self.optimizer}, {d['steps']} steps, {d['judged_share']:.0%} of them judged (the others are within "
            f"rounding of a solution, or not finite)",
            f"  distance from the step 1/L: rho {sigma['gradient_descent']:.3g} (median), {d['rho_worst']:.3g} (worst);"
            f" from the step 1/(2L): {sigma['half_step']:.3g} (median)",
            f"  nearer to {self.overall} by the step it makes "
            f"({', '.join(f'{n} {s:.0%}' for n, s in d['nearer_share'].items())} of the steps)",
        ]
        if d["rho_accelerated_median"] is not None:
            median, worst = d["rho_accelerated_median"], d["rho_accelerated_worst"]
            lines.append(f"  distance from the accelerated step: {median:.3g} (median), {worst:.3g} (worst)")
        if d["delta_sum_median"] is not None:
            sums = ", ".join(f"{n} {v:.3g}" for n, v in d["delta_sum_median"].items())
            lines.append(
                f"  by p and b: nearer to {self.overall_by_deltas}; ||delta1||_inf + ||delta2||/||G||: {sums} (medians)"
            )
        else:
            lines.append("  p and b are not known, so there are no deltas")
        lines.append("  " + self._failure(d))
        lines.append("  " + _heads(self.bias_heads))
        return "\n".join([*lines, *self._broken()])

    def _broken(self) -> list[str]:
        return [f"  data: it is not true that {statement}" for statement in self.broken_data]

    def _failure(self, d: dict[str, Any]) -> str:
        if d["first_failing_step"] is None:
            where = "rho < 1 at every judged step: each is guaranteed to descend"
        else:
            where = (
                f"rho >= 1, no guarantee, on {d['fails_by_rho_share']:.1%} of the steps, first at step "
                f"{d['first_failing_step']}"
            )
        if d["fails_by_deltas_share"] is not None:
            where += f"; the delta-sum is 2 or more on {d['fails_by_deltas_share']:.1%}"
        return f"{where}; coordinate {d['worst_coordinate']} is the worst one most often"


def _heads(heads: tuple[str, ...] | None) -> str:
    if heads is None:
        return "whether the model has bias heads is not known: pass the optimizer"
    if heads:
        return f"bias heads {', '.join(heads)}: either reading can be approached"
    return (
        "no bias heads: with p = 1/(2L) only half_step can be approached; the exact step 1/L is within reach as "
        "p = 1/L, b = 0, which rho sees and the deltas do not"
    )


def _majority(names: np.ndarray) -> str:
    counts = {name: int((names == name).sum()) for name in READINGS}
    first, second = counts.values()
    return TIE if first == second else max(counts, key=lambda name: counts[name])


def _quantile(values: np.ndarray, judged: np.ndarray, q: float) -> float | None:
    return plain(np.quantile(values[judged], q)) if judged.any() else None


def _bands(values: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """(5,K) quantiles over the judged instances of each step, NaN where there are none."""
    bands = np.full((len(QUANTILES), values.shape[1]), np.nan)
    for k in np.nonzero(judged.any(axis=0))[0]:
        bands[:, k] = np.quantile(values[judged[:, k], k], QUANTILES)
    return bands


def _nearer(first: np.ndarray, second: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """The name of the reading of the smaller distance; "neither" where they are equal, "" where not judged."""
    names = np.full(first.shape, TIE, dtype=object)
    with np.errstate(invalid="ignore"):
        names[first < second], names[second < first] = GRADIENT_DESCENT.name, HALF_STEP.name
    names[~judged] = ""
    return names


def _judged(run: Run, gradient_error: np.ndarray, arrays: list[np.ndarray]) -> np.ndarray:
    """(B,K) whether everything is finite and G_k is well above the rounding of grad f, of g_k and of L D_k."""
    assert run.x is not None, "refused before"
    assert run.smooth_gradient is not None, "refused before"
    assert run.subgradient is not None, "refused before"
    finite = np.logical_and.reduce([np.isfinite(a).all(axis=-1) for a in arrays])
    with np.errstate(over="ignore", invalid="ignore"):
        parts = norm(as_numpy(run.smooth_gradient)) + norm(as_numpy(run.subgradient))
        parts = parts + as_numpy(run.smoothness)[:, None] * norm(as_numpy(run.x[:, :-1]))
        unit = gradient_error + torch.finfo(run.x.dtype).eps * parts
        return finite & (norm(arrays[0]) > _ROUNDINGS * unit)


def _from_accelerated(inspection: Inspection, judged: np.ndarray) -> np.ndarray:
    """(B,K) the relative deviation from the accelerated step; NaN where it says nothing."""
    steps, run = accelerated_steps(inspection), inspection.run
    assert steps is not None, "refused before"
    assert run.x is not None, "refused before"
    assert inspection.x is not None, "refused before"
    assert inspection.subgradient is not None, "refused before"
    L, y = as_numpy(run.smoothness)[:, None], steps.ahead.point
    with np.errstate(over="ignore", invalid="ignore"):
        length = steps.gradient + inspection.subgradient
        parts = norm(steps.gradient) + norm(inspection.subgradient) + L * norm(y)
        unit = steps.gradient_error + L * steps.ahead.error + torch.finfo(run.x.dtype).eps * parts
        size = np.where(judged & (norm(length) > _ROUNDINGS * unit), norm(length), np.nan)
        return norm(L[..., None] * (y - inspection.x[:, 1:]) - length) / size


def assumption_meter(run: Run, problem: Composite, optimizer: Any = None) -> AssumptionMeter:
    """Distances of a run from both readings of Assumption 1.

    Args:
        run: The run. One without p_k (given iterates) has sigma but no deltas; one of scalars has neither.
        problem: The problem that it was made on.
        optimizer: The model that made it, which tells whether it has bias heads.

    Returns:
        The distances of each step, measured in float64, with the steps that are not judged.

    Raises:
        InputError: For a run that does not belong to the problem, and for a run of scalars.
    """
    inspection, holds, broken = inspected(run, problem, "assumption_meter")
    L = as_numpy(problem.smoothness)
    has_model = run.preconditioner is not None and run.bias is not None
    recorded = (run.generalized_gradient, run.step, *((run.preconditioner, run.bias) if has_model else ()))
    arrays = [as_numpy(a) for a in recorded if a is not None]
    judged = holds & inspection.alive[:, 1:] & _judged(run, inspection.gradient_error, arrays)
    G, D, *model = (np.where(judged[..., None], a, 0.0) for a in arrays)
    size = np.where(judged, norm(G), 1.0)

    def blank(values: np.ndarray) -> np.ndarray:
        return np.where(judged, values, np.nan)

    sigma = {}
    for reading in READINGS.values():
        e = L[:, None, None] * D - reading.reference_step * G
        sigma[reading.name] = blank(norm(e) / size)
    names = {"rho": sigma[GRADIENT_DESCENT.name], "sigma_half": sigma[HALF_STEP.name]}
    accelerated = _from_accelerated(inspection, judged)
    delta1 = delta2 = delta_sum = by_deltas = fails_by_deltas = None
    if has_model:
        p, b = model
        deltas = {r.name: deviations(L, p, b, G, r) for r in READINGS.values()}
        delta1, delta2 = deltas[GRADIENT_DESCENT.name].delta1, deltas[GRADIENT_DESCENT.name].delta2
        delta_sum = {name: blank(2 * relative_deviation_bound(d, G)) for name, d in deltas.items()}
        by_deltas = _nearer(delta_sum[GRADIENT_DESCENT.name], delta_sum[HALF_STEP.name], judged)
        fails_by_deltas = judged & (np.nan_to_num(delta_sum[GRADIENT_DESCENT.name]) >= 2 * _EDGE)
        names |= {"delta_sum": delta_sum[GRADIENT_DESCENT.name], "delta_sum_half": delta_sum[HALF_STEP.name]}
    fails_by_rho = judged & (np.nan_to_num(names["rho"]) >= _EDGE)
    worst = np.abs(L[:, None, None] * D - G).argmax(axis=-1)
    return AssumptionMeter(
        run.optimizer,
        delta1,
        delta2,
        delta_sum,
        sigma,
        judged,
        {name: _bands(values, judged) for name, values in names.items()}
        | {"rho_accelerated": _bands(accelerated, np.isfinite(accelerated))},
        _nearer(names["rho"], names["sigma_half"], judged),
        by_deltas,
        fails_by_rho,
        fails_by_deltas,
        np.where(judged, worst, -1),
        bias_heads(optimizer),
        broken,
        accelerated,
    )
