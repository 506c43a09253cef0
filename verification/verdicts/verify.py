"""Holding bounds against a run: gather the evidence once, judge many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ... import bounds
from ...l2o.problems import Composite
from ...l2o.runs.run import Run
from ..optima import Optimum
from .evidence import gather
from .judge import judge
from .verification import Verification


def verify(
    run: Run,
    problem: Composite,
    bound: str | bounds.Bound,
    optimum: Optimum | None = None,
    reference_step: float | str = 1.0,
    reference_run: Run | None = None,
    optimizer: Any = None,
) -> Verification:
    """Hold one bound against a run on its problem: `gather` and `judge`, which serve several bounds at less cost.

    Args:
        run: B runs of K steps.
        problem: The problem that they were made on.
        bound: A name of `bounds.names()`, "name:variant", or a `Bound`.
        optimum: The interval of F*; certified where the bound needs it and none is given.
        reference_step: h in (0, 3/2], for e_k(h) = D_k - (h/L) G_k, or "best" (see `judge`).
        reference_run: For the forms on virtual features, a run of the same size in distribution. The constants are
            then those of the pairs of steps (see `decompose`); without it these forms are NOT_APPLICABLE.
        optimizer: What made both runs; given together with `reference_run`.

    Returns:
        Verdicts with everything they rest on, (B,K) for a bound on steps and (B,) for one on runs.

    Raises:
        InputError: Where an argument does not fit the others (see `gather` and `judge`).
    """
    bound = bounds.get(bound) if isinstance(bound, str) else bound
    evidence = gather(run, problem, optimum=optimum, reference_run=reference_run, optimizer=optimizer)
    verification = judge(bound, evidence, reference_step)
    if evidence.pairing is None or bound.about_virtual_steps:
        return verification
    note = "this bound speaks of no virtual features: reference_run and optimizer have no part in it"
    return replace(verification, notes=(*verification.notes, note))


def verify_all(
    run: Run,
    problem: Composite,
    optimum: Optimum,
    names: Iterable[str] | None = None,
    reference_step: float | str = 1.0,
) -> dict[str, Verification]:
    """Hold several bounds against a run: gather the evidence once, judge many.

    Args:
        run: B runs of K steps.
        problem: The problem that they were made on.
        optimum: The interval of F* of this problem.
        names: Names of bounds; all that a run is enough for if left out.
        reference_step: h in (0, 3/2], for e_k(h) = D_k - (h/L) G_k, or "best" (see `judge`).

    Returns:
        The verdicts by name of bound.

    Raises:
        InputError: Where an argument does not fit the others (see `gather` and `judge`).
    """
    evidence = gather(run, problem, optimum=optimum)
    wanted = [name for name in bounds.names() if bounds.get(name).on_runs] if names is None else names
    return {name: judge(name, evidence, reference_step) for name in wanted}
