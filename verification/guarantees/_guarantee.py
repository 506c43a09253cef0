"""The entry: a sample of instances, and what it guarantees of the next one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...l2o import InputError, resolve_optimizer
from ...l2o.problems.families import family_of
from ..statistics.intervals import checked_delta, checked_quantile, checked_sample
from ..sweeps.measure import kept_steps
from .result import Guarantee
from .sample import FIELDS, draw, spec_of


def guarantee(
    optimizer: Any,
    family: str | Mapping[str, Any] = "lasso",
    steps: int = 100,
    *,
    eps: float | Sequence[float] = 1e-4,
    rho: float | Sequence[float] = 1.0,
    quantiles: Sequence[float] = (0.5, 0.9, 0.99),
    delta: float = 0.05,
    instances: int = 1000,
    seed: int = 0,
    batch: int = 100,
    points: int = 24,
    rtol: float = 1e-10,
    compare: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Guarantee:
    """What holds of an optimizer on a new instance of a family, with confidence 1 - delta over a sample of N of them.

    N instances and starts are drawn from the test split, on which nothing is trained, F* of each is certified, and the
    optimizer run for K steps. From that follow lower bounds of P(F(x_K) - F* <= eps) and P(max_k rho_k <= r), and
    bands of quantile curves: see `Guarantee` for what is proved. Every one of them is about the distribution, not
    about a single instance, and about no other distribution.

    Args:
        optimizer: Whatever `check_optimizer` takes; a learned one by its bare name has the weights shipped for the
            family, where there are some.
        family: A generator of `l2o.synthetic`, MODULE:NAME or FILE.py:NAME for a function (seed, batch, **options) of
            yours that draws instances independently, or a table of fields: `family`, `rows`, `dim`, `sparsity`, `lam`,
            `condition`, `smoothness`, and the shifts `s` of the start and `t` of the objective. 20 x 40 by default.
        steps: K.
        eps: Gaps F(x_K) - F*, absolute, one or several.
        rho: Radii r, one or several.
        quantiles: Those of the curves.
        delta: The probability with which a statement may be wrong.
        instances: N.
        seed: 0 to 999. Chosen beforehand: of the best of many seeds nothing is guaranteed.
        batch: Instances in memory at once. Another batch is another sample of the same distribution.
        points: About how many steps k are kept, evenly spaced in log k; all of them for 0. Fewer make sharper bands.
        rtol: The width of the interval of F* that is asked for, relative to max(1, |F*|).
        compare: Whether B6c and, for classical methods, the exact worst case are evaluated on every instance.
        progress: Called with the number of instances that are done.

    Returns:
        The statements and the sample that they rest on.

    Raises:
        InputError: For arguments that cannot be used, a family whose instances are no independent draws, and an
            optimizer whose step on an instance depends on the others in its batch.
    """
    delta, instances = checked_delta(delta), checked_sample(instances)
    steps, batch = _integer(steps, "steps", 1), _integer(batch, "batch", 1)
    gaps, radii = _levels(eps, "eps", 0.0), _levels(rho, "rho", -1.0)
    levels = tuple(checked_quantile(q) for q in _sequence(quantiles, "quantiles"))
    recorded = np.union1d(kept_steps(steps, _integer(points, "points", 0)), [steps])
    spec = spec_of(family, seed, min(batch, instances))
    subject = resolve_optimizer(optimizer, family=family_of(spec.family).trained_for, dim=spec.variables)
    sample = draw(subject, spec, steps, instances, recorded, rtol=rtol, compare=compare, progress=progress)
    return Guarantee(
        optimizer=subject.spec,
        label=subject.label,
        distribution={name: getattr(spec, name) for name in FIELDS},
        steps=steps,
        delta=delta,
        eps=gaps,
        radii=radii,
        quantiles=levels,
        recorded=recorded,
        sample=sample,
        seed=spec.seed,
        batch=spec.batch,
        rtol=float(rtol),
    )


def _integer(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(f"guarantee: {name} must be an integer >= {least}, got {value!r}.")
    return int(value)


def _sequence(values: Any, name: str) -> tuple[Any, ...]:
    numbers = (values,) if np.isscalar(values) else tuple(values)
    if not numbers:
        raise InputError(f"guarantee: {name} is empty; give at least one number.")
    return numbers


def _levels(values: Any, name: str, above: float) -> tuple[float, ...]:
    """Thresholds as floats, each finite and above `above` (rho = 0 is one, eps = 0 is none)."""
    numbers = _sequence(values, name)
    for value in numbers:
        number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value <= above or value < 0:
            raise InputError(f"guarantee: {name} must be finite and {'> 0' if above == 0 else '>= 0'}, got {value!r}.")
    return tuple(float(value) for value in numbers)
