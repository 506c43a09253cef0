"""One cell of the table: a pattern of one size on one problem, held against what is guaranteed for its deviation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from .... import l2o
from ....l2o import Composite, InputError, Run
from ....l2o.runs.objective_curve import objective_curve
from ...optima import Optimum
from ...optima.gaps import first_below, gaps, relative_to_start
from ...runs.inspection import as_numpy, norm
from ...statistics.censored import NEVER
from ...verdicts.verdict import Verdict
from ...verdicts.verify import verify
from . import _theory
from ._patterns import Pattern, check_pattern

SOLVER = 1e-6
"""Relative slack of worst cases, which are as the solver found them."""


@dataclass(frozen=True)
class AtStep:
    """The four numbers of a cell after `steps` steps, as the fields of the same names of `Cell`."""

    steps: int
    closed_form: float | None
    exact: float | None
    exact_reason: str
    own: float | None
    own_reason: str
    gap: float | None


@dataclass(frozen=True)
class Cell:
    """A pattern of one size on B instances; gaps and bounds in units of L R^2, R measured to the certified point.

    Over the first K steps: `nominal` deviation (None where the run decides), `rho_median` and `rho_worst` measured,
    `nominal_error` their largest difference and `as_nominal` whether rounding explains it; `guaranteed`: rho < 1 at
    each step of each instance, so that B8 applies, and `claimed`: its nominal deviation says so. `closed_form`: B8 at
    the measured rho and the distances of the run, largest over the instances, None where it is vacuous. `exact`: the
    exact worst case of the profile, `own` that of the pattern itself where its coefficients are scalars; None where
    +inf or not found, with the reason. `gap`: largest F(x_K) - F*, from above.
    Over the long run: `iterations` (B,) until the share of the initial gap is certainly at most eps, None where it is
    not within the steps; `factor_median` and `factor_worst` of iterations against the exact steps, over the instances
    that both reach (or None); `diverged`: instances that `objective_curve` gave up or that end above F(x_0).
    `by_steps`: the bounds and the gap after fewer steps as well, in increasing order, the last after all K. `broken`:
    what a guarantee and this run disagree on; there should be nothing.

    An optimizer that is no pattern, such as a trained model, has the deviations its run has: no nominal ones, size 0.
    """

    family: str
    shift: float
    pattern: str
    size: float
    nominal: float | None
    rho_median: float
    rho_worst: float
    nominal_error: float
    as_nominal: bool
    claimed: bool
    guaranteed: bool
    closed_form: float | None
    exact: float | None
    exact_reason: str
    own: float | None
    own_reason: str
    gap: float | None
    iterations: tuple[int | None, ...]
    factor_median: float | None
    factor_worst: float | None
    diverged: int
    by_steps: tuple[AtStep, ...]
    broken: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        lists = ("iterations", "by_steps", "broken")
        return {**asdict(self), **{name: list(asdict(self)[name]) for name in lists}}


@dataclass(frozen=True, eq=False)
class Field:
    """B instances, where they start, and what is known of their optima."""

    family: str
    shift: float
    problem: Composite
    x0: torch.Tensor
    optimum: Optimum

    @property
    def scale(self) -> np.ndarray:
        """(B,) L R^2."""
        return as_numpy(self.problem.smoothness) * norm(as_numpy(self.x0) - self.optimum.x) ** 2


def measure(
    field: Field,
    name: str,
    optimizer: Any,
    *,
    steps: int,
    horizon: int,
    eps: float,
    also: tuple[int, ...] = (),
    exact_iterations: tuple[int | None, ...] | None = None,
    seed: int = 0,
) -> Cell:
    """Run `optimizer` for `steps` steps that are judged, and for `horizon` steps that are counted.

    `name` is that of its pattern, for which the worst case of the method itself is known or not. `also`: numbers of
    steps below `steps` after which the run is judged too. `exact_iterations` are those of the exact step. A diverging
    run of `steps` steps is an `InputError`: choose fewer.
    """
    run = l2o.rollout(optimizer, field.problem, field.x0, steps, seed=seed)
    rho = as_numpy(run.relative_deviation)
    if not np.isfinite(rho).all():
        raise InputError(f"sensitivity: {optimizer.name} leaves float64 within {steps} steps; choose fewer.")
    least = _theory.vacuous_rho()
    checked = check_pattern(optimizer, run, least) if isinstance(optimizer, Pattern) else None
    in_region = bool((rho < least).all()) and (checked is None or checked.in_region)
    size = 0.0 if checked is None else abs(optimizer.size)
    broken: list[str] = []
    judged = [_judge(field, name, size, run.head(k), broken) for k in sorted({k for k in also if k < steps} | {steps})]
    curve = objective_curve(optimizer, field.problem, field.x0, horizon, seed=seed)
    reached = first_below(relative_to_start(gaps(curve.objective, field.optimum)), eps).certain
    iterations = tuple(None if k == NEVER else int(k) for k in reached)
    factors = _factors(iterations, exact_iterations or iterations)
    end, start = curve.objective[:, -1], curve.objective[:, 0]
    diverged = (curve.diverged_at >= 0) | ~(end <= start)
    # rho < 1 at each step: F falls at each of them, and so over the steps that are judged
    rise = as_numpy(run.objective)[:, -1] - as_numpy(run.objective)[:, 0]
    if in_region and bool((rise > 1e-9 * np.abs(as_numpy(run.objective)[:, 0])).any()):
        broken.append("F rises though rho < 1")
    if checked is not None and checked.claims_region and not checked.in_region:
        broken.append("the pattern claims rho < 1, and its steps do not have it")
    if checked is not None and not checked.agrees:
        broken.append(f"rho is not the nominal one, by {checked.error:.2g}")
    last = {k: v for k, v in asdict(judged[-1]).items() if k != "steps"}
    return Cell(
        family=field.family,
        shift=field.shift,
        pattern=name,
        size=size,
        nominal=None if checked is None else optimizer.level,
        rho_median=float(np.median(rho)),
        rho_worst=float(rho.max()),
        nominal_error=0.0 if checked is None else checked.error,
        as_nominal=checked is None or checked.agrees,
        claimed=checked is not None and checked.claims_region,
        guaranteed=in_region,
        **last,
        iterations=iterations,
        factor_median=None if factors.size == 0 else float(np.median(factors)),
        factor_worst=None if factors.size == 0 else float(factors.max()),
        diverged=int(diverged.sum()),
        by_steps=tuple(judged),
        broken=tuple(dict.fromkeys(broken)),
    )


def _judge(field: Field, name: str, size: float, run: Run, broken: list[str]) -> AtStep:
    """The run held against B8 and the exact worst cases; what it breaks goes to `broken`."""
    smooth, rho = field.problem.nonsmooth.is_zero, as_numpy(run.relative_deviation)
    verification = verify(run, field.problem, _theory.rate_name(smooth), optimum=field.optimum, reference_step=1.0)
    applies = verification.verdict != Verdict.NOT_APPLICABLE
    closed = np.asarray(verification.rhs, dtype=np.float64) / field.scale
    end = gaps(as_numpy(run.objective)[:, -1:], field.optimum)
    gap_low, gap = end.low[:, 0] / field.scale, end.high[:, 0] / field.scale
    worst = _theory.profile_worst(smooth, _theory.profile_of(rho))
    worst_of_method = _theory.method_worst(smooth, name, size, run.steps) or _theory.Worst(None)
    if bool((verification.verdict == Verdict.VIOLATED).any()):
        broken.append("B8 is violated")
    for word, bound in (("the worst case of the profile", worst), ("the worst case of the method", worst_of_method)):
        if bound.value is not None and bool((gap_low > bound.value * (1 + SOLVER)).any()):
            broken.append(f"a run is above {word}")
    return AtStep(
        steps=run.steps,
        closed_form=float(closed.max()) if bool(applies.all()) and np.isfinite(closed).all() else None,
        exact=worst.value,
        exact_reason=worst.reason,
        own=worst_of_method.value,
        own_reason=worst_of_method.reason,
        gap=float(gap.max()) if np.isfinite(gap).all() else None,
    )


def _factors(iterations: tuple[int | None, ...], exact: tuple[int | None, ...]) -> np.ndarray:
    pairs = [(a, b) for a, b in zip(iterations, exact) if a is not None and b]
    return np.array([a / b for a, b in pairs])
