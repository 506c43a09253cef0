"""The certificate of a profile, read off a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import torch

from ....l2o import Composite, InputError, Run
from ...optima import Optimum
from ...optima import optimum as certify
from ...runs.inspection import Inspection, as_numpy, norm
from ...runs.model_identity import inspected
from ...verdicts.verdict import Verdict
from ...verdicts.verify import verify
from ._asked import (
    CERTIFIED_UP_TO,
    announced,
    chosen_steps,
    exact_steps,
    rounded,
    rounded_up,
    scalar_list,
    solved,
)
from ._certificates import ProfileCertificate
from ._measured import best_steps, measure

LARGER = (Fraction(1), Fraction(10_001, 10_000), Fraction(1001, 1000), Fraction(101, 100))
"""What a profile is multiplied with, one after the other, where the solver stops without a result."""
REFERENCES = ("unit", "best")
_WORST = "worst"


def profile_certificate(
    run: Run,
    problem: Composite,
    optimum: Optimum | None = None,
    steps: Sequence[int] | None = None,
    instance: str | int = _WORST,
    *,
    reference: str = "unit",
    profile: Sequence[float] | None = None,
    certified_up_to: int = CERTIFIED_UP_TO,
    progress: Callable[[], None] | None = None,
) -> ProfileCertificate:
    """The exact worst case over all runs that deviate from exact steps as much as a given run, after several K.

    f must be convex; r = 0 makes the class smooth_convex, any other r composite.

    Args:
        run: The run, recorded with record="all".
        problem: The problem that it was made on.
        optimum: Its optimum; certified here where none is given.
        steps: Numbers of steps K; by default 1, 2, 5, 10, 15, 20 as far as the run goes.
        instance: "worst" for the class that contains the runs of all instances, by the largest deviation of each step,
            or the index of one.
        reference: "unit" for h = 1, where the profile is rho_k; "best" for the h_k of each step at which the largest
            deviation is least, below 1 as long as all D_k make acute angles with their G_k.
        profile: Other numbers to ask about, at h = 1; then `contained` says whether the run has them.
        certified_up_to: Up to this K the worst case is a number that is shown from above. Beyond, it is the solver's,
            and `certified` says so.
        progress: Called after each worst case.

    Returns:
        The worst cases in units of L R^2, beside the gaps of the run and the bounds of the catalogue.

    Raises:
        InputError: For a run of scalars, one whose data do not hold, one that diverged, f that is not convex, and what
            is no number of steps or instance.
    """
    if reference not in REFERENCES:
        raise InputError(f"reference: expected one of {', '.join(REFERENCES)}, got {reference!r}.")
    if profile is not None and reference != "unit":
        raise InputError("profile: a profile of your own is one at h = 1; leave out reference.")
    wanted = chosen_steps(steps, run.steps)
    most = max(wanted)
    chosen = _chosen_instances(instance, run.batch_size)
    inspection = _sound(run, problem, chosen, most)
    problem = problem.to(torch.float64, "cpu")
    certified = certify(problem) if optimum is None else optimum
    if certified.batch_size != run.batch_size:
        raise InputError(
            f"optimum: expected one of {run.batch_size} instances, got {certified.batch_size}; pass optimum(problem)."
        )
    assert inspection.x is not None, "a run of scalars was refused"
    scale = as_numpy(problem.smoothness)[chosen] * norm(inspection.x[chosen, 0] - certified.x[chosen]) ** 2
    if not (scale > 0).all():
        raise InputError("profile_certificate: a run starts at its minimiser, R = 0; there is nothing to certify.")
    measured = measure(inspection, problem, chosen, most)
    h = [rounded(v) for v in best_steps(measured)] if reference == "best" else [Fraction(1)] * most
    deviation = measured.deviation(np.array([float(v) for v in h]))
    # what cannot be measured, near a solution, is beyond every number that guarantees something
    largest = [float(v) for v in deviation.max(axis=0)]
    known_up_to = next((k for k, v in enumerate(largest) if not np.isfinite(v)), most)
    if profile is None:
        eps, contained = [rounded_up(v) for v in largest[:known_up_to]], np.ones(len(chosen), bool)
    else:
        eps, known_up_to = _given_profile(profile, most), most
        contained = np.asarray((deviation <= np.array([float(v) for v in eps])).all(axis=1))
    smooth = problem.nonsmooth.is_zero
    cases = [_case(smooth, h[:K], eps[:K], K, certified_up_to) for K in announced(wanted, progress)]
    columns = list(wanted)
    value, error = inspection.objective[chosen], inspection.objective_error[chosen]
    lower, upper = certified.lower[chosen, None], certified.upper[chosen, None]
    start = np.where(inspection.in_domain[chosen, 0], (value - error - upper)[:, 0], np.inf)
    relative = "relative_deviation_rate:smooth" if smooth else "relative_deviation_rate"
    return ProfileCertificate(
        run.optimizer,
        problem.name,
        "gradient" if smooth else "proximal_gradient",
        reference,
        tuple(chosen),
        tuple(eps[:known_up_to]),
        tuple(h[:known_up_to]),
        wanted,
        np.array([worst for worst, _, _ in cases]),
        np.array([proved for _, proved, _ in cases]),
        tuple(reason for _, _, reason in cases),
        exact_steps(smooth, wanted),
        _bound(run, problem, certified, relative, wanted, chosen) / scale[:, None],
        _bound(run, problem, certified, "ood_last_iterate", wanted, chosen) / scale[:, None],
        (value - error - upper)[:, columns] / scale[:, None],
        (value + error - lower)[:, columns] / scale[:, None],
        start / scale,
        scale,
        contained,
    )


def _chosen_instances(instance: str | int, batch: int) -> list[int]:
    if isinstance(instance, str) and instance == _WORST:
        return list(range(batch))
    whole = isinstance(instance, (int, np.integer)) and not isinstance(instance, bool)
    if not whole or not 0 <= int(instance) < batch:
        raise InputError(f'instance: expected "worst" or an index in 0..{batch - 1}, got {instance!r}.')
    return [int(instance)]


def _sound(run: Run, problem: Composite, chosen: list[int], most: int) -> Inspection:
    """The run recomputed; an `InputError` where its profile would be that of something else."""
    if not problem.smooth.convex:
        raise InputError("profile_certificate: f is not convex; the worst cases here are those of convex f.")
    inspection, holds, broken = inspected(run, problem, "profile_certificate")
    dead = [b for b in chosen if not inspection.alive[b, : most + 1].all()]
    if dead:
        raise InputError(f"profile_certificate: instances {dead} diverged; choose others, or fewer steps.")
    if not holds[chosen, :most].all():
        raise InputError(f"profile_certificate: the run's data do not hold: it is not true that {'; '.join(broken)}.")
    return inspection


def _given_profile(values: Sequence[float], most: int) -> list[Fraction]:
    """Numbers as they are written: 0.1 is 1/10."""
    given = scalar_list(values, "profile")
    if len(given) < most or min(given) < 0:
        raise InputError(f"profile: expected {most} numbers >= 0, one for each step, got {list(given)}.")
    return [Fraction(repr(float(v))) for v in given[:most]]


def _case(
    smooth: bool, h: list[Fraction], eps: list[Fraction], K: int, certified_up_to: int
) -> tuple[float, bool, str]:
    """The worst case of a profile after K steps, whether it is shown from above, and why there is none."""
    if len(eps) < K:
        return np.nan, False, f"G_{len(eps) + 1} is within its rounding, and so is the profile"
    if not smooth and max(eps) > 1:
        first = next(k for k, e in enumerate(eps, 1) if e > 1)
        return np.inf, False, f"nothing is bounded: deviation > 1 at step {first}"
    name, method = ("smooth_convex", "gradient") if smooth else ("composite", "proximal_gradient")
    answer = np.nan, False, ""
    for larger in LARGER:  # a class that is a little larger has no smaller worst case
        errors = [e * larger for e in eps]
        answer = solved(certified_up_to, function_class=name, method=method, step=h, steps=K, relative_error=errors)
        if not np.isnan(answer[0]) or (not smooth and max(eps) * LARGER[-1] > 1):
            break
    return answer


def _bound(
    run: Run, problem: Composite, certified: Optimum, name: str, steps: tuple[int, ...], chosen: list[int]
) -> np.ndarray:
    """(B,J) the right-hand side of a bound on a run, NaN where it does not apply."""
    columns = []
    for K in steps:
        verification = verify(run.head(K), problem, name, optimum=certified)
        applies = verification.verdict != Verdict.NOT_APPLICABLE
        columns.append(np.where(applies, np.asarray(verification.rhs, dtype=np.float64), np.nan)[chosen])
    return np.stack(columns, axis=-1)
