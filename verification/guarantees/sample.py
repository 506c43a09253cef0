"""The sample: an optimizer on N instances and starts drawn independently from a family, batch after batch.

What is kept of an instance is what is known for certain of its gaps, the interval [`gap_low`, `gap_up`] of F(x_k) - F*
with the rounding of F counted, and its largest deviation so far. A run that diverges (see `l2o.objective_curve`) has
the gap +inf from there on; where F* has no lower bound `gap_up` is +inf. So an instance of which something is not known
counts against the optimizer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import bounds, l2o
from ...errors import suggestion
from ...l2o import Composite, InputError, OptimizerSource
from ...l2o.optimizers import optimizer_class
from ...l2o.problems import synthetic
from ...l2o.problems.families import DRAWN, FAMILIES, is_family
from ...l2o.runs.objective_curve import cut_where_diverged
from ...l2o.support.config import read_config
from ...l2o.support.memory import require_memory, run_size
from ...l2o.support.threads import one_thread
from ...l2o.training.config import split_seed
from ..optima import Optimum, optimum
from ..optima.gaps import gaps
from ..runs.inspection import as_numpy
from ..sweeps.config import CellSpec
from ..sweeps.families import build
from ..verdicts.verdict import Verdict
from ..verdicts.verification import Verification
from ..verdicts.verify import verify

FIELDS = ("family", "rows", "dim", "sparsity", "lam", "condition", "smoothness", "s", "t")
"""Fields of a cell of `verification.sweeps` that say what is drawn."""
WORST_UP_TO = 10
"""Steps up to which the exact worst case of an accelerated method is solved for; beyond, that takes minutes."""

LAST_ITERATE = "ood_last_iterate"
"""B6c, the bound on F(x_K) - F* of any run."""
TRIED = 5
"""Steps for which an instance is run alone too."""

_EXACT_STEPS = ("ista", "gradient-descent")
_ACCELERATED = ("fista", "nesterov")


@dataclass(frozen=True, eq=False)
class Sample:
    """What N instances came to at J kept steps.

    `gap_low`, `gap_up` (N,J): the interval of F(x_k) - F*. `deviation` (N,J): the largest rho of the steps before x_k,
    0 at k = 0, +inf where a run has diverged. `diverged_at` (N,): the first step at which it has, else -1.
    `certified` (N,): whether F* has a lower bound. `last_iterate` (N,): what B6c says of F(x_K) - F*, NaN where it
    does not apply; `worst_case` (N,): the exact worst case of the method at the instance's L R^2, R measured to the
    certified point. Both None where they were not asked for or there is none.
    """

    gap_low: np.ndarray
    gap_up: np.ndarray
    deviation: np.ndarray
    diverged_at: np.ndarray
    certified: np.ndarray
    last_iterate: np.ndarray | None = None
    worst_case: np.ndarray | None = None


def spec_of(family: str | Mapping[str, Any], seed: int, batch: int) -> CellSpec:
    """The distribution as a checked specification; `InputError` where its instances are no independent draws."""
    fields = {"family": family} if isinstance(family, str) else family
    if not isinstance(fields, Mapping) or set(fields) - set(FIELDS):
        given = ", ".join(sorted(map(str, set(fields) - set(FIELDS)))) if isinstance(fields, Mapping) else repr(family)
        raise InputError(
            f"guarantee: family must be the name of a family, or a table of {', '.join(FIELDS)}, got {given}."
        )
    name = fields.get("family", "lasso")
    if name in FAMILIES and name not in DRAWN:
        raise InputError(
            f"guarantee: the instances of {name} are no independent draws from a distribution; "
            f"expected one of {', '.join(DRAWN)}."
        )
    if not isinstance(name, str) or not is_family(name):
        raise InputError(
            f"guarantee: unknown family {name!r}; {suggestion(name, DRAWN)}expected one of {', '.join(DRAWN)}, or a "
            f"function of yours, MODULE:NAME or FILE.py:NAME."
        )
    return read_config({**fields, "seed": seed, "batch": batch}, CellSpec, "guarantee")


def draw(
    subject: OptimizerSource,
    spec: CellSpec,
    steps: int,
    instances: int,
    recorded: np.ndarray,
    *,
    rtol: float,
    compare: bool,
    progress: Callable[[int], None] | None,
) -> Sample:
    """Run on `instances` fresh instances, `spec.batch` at once, and record the steps `recorded` (J,).

    Instances are those of the test split, on which nothing is trained. The sample depends on `spec`, its batch
    included, and not on how many threads there are: torch runs on one.
    """
    parts: list[Sample] = []
    numbers = 3 * len(recorded) + 5  # of each instance, in `Sample`
    require_memory(8 * instances * numbers, f"instances: a sample of {instances}", "ask for a smaller one")
    most = 10**6 * spec.batch  # the batches that the test split has
    if instances > most:
        raise InputError(
            f"guarantee: instances must be at most {most} with a batch of {spec.batch}, got {instances}; "
            f"give a larger batch."
        )
    require_memory(
        run_size(spec.batch, spec.dim, steps, arrays=False),
        f"a run of {steps} steps on {spec.batch} instances",
        "ask for fewer steps or a smaller batch",
    )
    factor = _worst_factor(subject, spec, steps) if compare else None
    with one_thread():
        for index in range(-(-instances // spec.batch)):
            size = min(spec.batch, instances - index * spec.batch)
            seed = split_seed("test", index, spec.seed)
            part = spec.model_copy(update={"batch": size})
            if index == 0 and size > 1:
                _check_apart(subject, part, seed, min(steps, TRIED))
            parts.append(_one(subject, part, seed, steps, recorded, rtol, compare, factor))
            if progress is not None:
                progress(index * spec.batch + size)
    joined = {name: [getattr(part, name) for part in parts] for name in Sample.__dataclass_fields__}
    arrays: dict[str, Any] = {name: None if a[0] is None else np.concatenate(a) for name, a in joined.items()}
    return Sample(**arrays)


def _posed(spec: CellSpec, seed: int) -> tuple[Composite, torch.Tensor]:
    """The instances and the starts (B,n), both shifted as the specification says."""
    base = build(spec, seed)
    start = synthetic.starts(base, seed=seed) + spec.s
    return base.shifted(spec.t) if spec.t else base, start


def _check_apart(subject: OptimizerSource, spec: CellSpec, seed: int, steps: int) -> None:
    """Refuse an optimizer whose step on an instance depends on the others of its batch: they were not independent.

    Tried on the first instance and the first steps, alone and in its batch; more than that is not checked.
    """
    problem, start = _posed(spec, seed)
    runs = [
        as_numpy(l2o.rollout(subject.fresh(), p, x0, steps, seed=seed).objective)[0]
        for p, x0 in ((problem.select([0]), start[:1]), (problem, start))
    ]
    if not alike(*runs):
        raise InputError(
            f"guarantee: the steps of {subject.label} on an instance depend on the others in its batch, so a batch is "
            "no independent sample; run one instance at a time with batch = 1."
        )


def alike(alone: np.ndarray, together: np.ndarray) -> bool:
    """Whether F(x_k), k = 0.., of an instance that was run alone is that of its run in a batch, up to rounding."""
    return np.allclose(alone, together, rtol=1e-6, atol=1e-9, equal_nan=True)


def _one(
    subject: OptimizerSource,
    spec: CellSpec,
    seed: int,
    steps: int,
    recorded: np.ndarray,
    rtol: float,
    compare: bool,
    factor: float | None,
) -> Sample:
    problem, start = _posed(spec, seed)
    certified = optimum(problem, rtol, cache=False, cross_check=0)
    z = certified.x if compare else None
    run = l2o.rollout(subject.fresh(), problem, start, steps, seed=seed, record="scalars", comparator=z)
    objective, diverged_at = cut_where_diverged(as_numpy(run.objective))
    gap = gaps(objective, certified, as_numpy(run.scalars["objective_error"]))
    deviation = largest_deviation(as_numpy(run.relative_deviation), objective)
    squared = ((as_numpy(start) - certified.x) ** 2).sum(axis=-1)
    return Sample(
        gap.low[:, recorded],
        gap.high[:, recorded],
        deviation[:, recorded],
        diverged_at,
        np.isfinite(certified.lower),
        last_iterate(verify(run, problem, LAST_ITERATE, certified), certified) if compare else None,
        None if factor is None else factor * as_numpy(problem.smoothness) * squared,
    )


def largest_deviation(rho: np.ndarray, objective: np.ndarray) -> np.ndarray:
    """(B,K+1) the largest of rho_0..rho_{k-1} (B,K), 0 at k = 0; +inf where one is NaN or F(x_k) (B,K+1) is."""
    certain = np.where(np.isnan(rho) | np.isnan(objective[:, 1:]), np.inf, rho)
    return np.maximum.accumulate(np.concatenate([np.zeros((len(rho), 1)), certain], axis=1), axis=1)


def last_iterate(judged: Verification, certified: Optimum) -> np.ndarray:
    """(B,) what B6c bounds F(x_K) - F* by: its right-hand side for the certified point z, and F(z) - F* beside it."""
    applies = np.array([v is not Verdict.NOT_APPLICABLE for v in judged.verdict])
    with np.errstate(invalid="ignore"):
        total = judged.rhs + (certified.upper - certified.lower)
    return np.where(applies & np.isfinite(total), total, np.nan)


def _worst_factor(subject: OptimizerSource, spec: CellSpec, steps: int) -> float | None:
    """The exact worst case for the optimizer and the family; see `worst_factor`."""
    one = spec.model_copy(update={"batch": 1})
    return worst_factor(subject.fresh(), build(one, split_seed("test", 0, spec.seed)).smooth.convex, steps)


def worst_factor(optimizer: Any, convex: bool, steps: int, *, solve_up_to: int = WORST_UP_TO) -> float | None:
    """The exact worst case of F(x_K) - F* over L R^2, over all convex f and r; None where it is not known.

    Known of some methods with their default step 1/L, where f is convex: 1/(4K) for proximal-gradient steps, which B6c
    attains; for accelerated ones the certified upper end of the semidefinite problem, up to `solve_up_to` steps.
    """
    name = getattr(optimizer, "name", "")
    exact = name in (*_EXACT_STEPS, *_ACCELERATED) and isinstance(optimizer, optimizer_class(name))
    if not exact or optimizer.step_size is not None or not convex:
        return None
    if name in _EXACT_STEPS:
        return 1 / (4 * steps)
    if name in _ACCELERATED and steps <= solve_up_to:
        return float(bounds.worst_case("composite", method="accelerated_gradient", steps=steps).upper)
    return None
