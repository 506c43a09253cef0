"""`l2obound verify` and `l2obound assumption`: bounds against one run, and how far a model is from their assumption."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ....errors import InputError
from ..answer import print_answer
from ..console import emit
from ..inputs import exit_code, given_problem, given_run, lower_of, optimizer_of
from ..options import (
    Batch,
    CheckpointKind,
    Data,
    Dim,
    Kind,
    Lam,
    Lower,
    Name,
    Objective,
    Rows,
    Seed,
    Start,
    Steps,
    Untrained,
    Verbose,
    Weights,
)
from .verify_answer import assumption_answer, claims_answer, verify_answer

if TYPE_CHECKING:
    from .... import l2o


def verify(
    bound: Annotated[
        list[str] | None, typer.Option(help="A bound, by name; may be repeated. All of them if left out.")
    ] = None,
    optimizer: Name = None,
    kind: CheckpointKind = None,
    weights: Weights = None,
    untrained: Untrained = False,
    problem: Kind = "lasso",
    data: Data = None,
    iterates: Annotated[
        Path | None,
        typer.Option(help="Your iterates, X (B, K+1, n): npz, npy, pt, or csv (one instance); or a run of Run.save."),
    ] = None,
    batch: Batch = 16,
    rows: Rows = 20,
    dim: Dim = 40,
    lam: Lam = None,
    steps: Steps = 100,
    s: Start = 0.0,
    t: Objective = 0.0,
    lower: Lower = None,
    reference_step: Annotated[str, typer.Option(help='h in (0, 3/2], or "best".')] = "best",
    seed: Seed = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where a verdict is inconclusive.")] = False,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Hold bounds against a run: yours, or one made here.

    Exits with 1 where a bound is violated.

    Example: l2obound verify --optimizer fista --bound ood_last_iterate --s 10
    """
    from .... import bounds, l2o
    from ...verdicts.verify import verify_all

    names = [bounds.get(name).key for name in bound] if bound else None
    p, family = given_problem(problem, data, batch, rows, dim, lam, seed, t)
    least = lower_of(lower)
    run: l2o.Run
    if iterates is None:
        opt, label = optimizer_of(optimizer, family, weights, untrained, kind, dim=p.dim)
        run = l2o.rollout(opt, p, l2o.synthetic.starts(p, shift=s, seed=seed), steps)
    else:
        run = given_run(iterates, p)
        label = run.optimizer
    h: float | str = reference_step
    if reference_step != "best":
        try:
            h = float(reference_step)
        except ValueError:
            raise InputError(f'--reference-step: expected a number or "best", got {reference_step!r}.') from None
    from ...optima import optimum

    certified = optimum(p, lower=least)
    results = verify_all(run, p, certified, names, h)
    if as_json:
        emit(json.dumps({"run": label, "steps": run.steps, "bounds": [v.to_dict() for v in results.values()]}))
    else:
        title = _title(label, p, run)
        print_answer(verify_answer(title, list(results.values()), names is not None), verbose)
    raise typer.Exit(exit_code([str(v.overall) for v in results.values()], strict))


def assumption(
    optimizer: Name = None,
    kind: CheckpointKind = None,
    weights: Weights = None,
    untrained: Untrained = False,
    problem: Kind = "lasso",
    data: Data = None,
    batch: Batch = 16,
    rows: Rows = 20,
    dim: Dim = 40,
    lam: Lam = None,
    steps: Steps = 100,
    s: Start = 0.0,
    t: Objective = 0.0,
    seed: Seed = 0,
    experiments: Annotated[
        bool, typer.Option("--experiments", help="Run three small experiments instead; they use --seed alone.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where an experiment is undecided.")] = False,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure how far a model is from Assumption 1, step by step, or run three experiments to begin with.

    Exits with 1 where the recorded run is wrong, or where an experiment refutes a claim.

    Example: l2obound assumption --optimizer go-math-l2o --problem lasso --s 10
    """
    from .... import l2o

    if experiments:
        from ...diagnosis import three_claims as first

        claims: tuple[Callable[..., Any], ...] = (
            first.gradient_normalisation,
            first.history_recurrence,
            first.rates_at_small_scale,
        )
        outcomes = [claim(seed=seed) for claim in claims]
        answer = claims_answer(outcomes)
        result: dict[str, Any] = {"experiments": [e.to_dict() for e in outcomes]}
        words = {first.REFUTED: "violated", first.UNDECIDED: "inconclusive"}
        verdicts = [words.get(e.verdict, e.verdict) for e in outcomes]
    else:
        from ...diagnosis.assumption_meter import assumption_meter

        p, family = given_problem(problem, data, batch, rows, dim, lam, seed, t)
        opt, label = optimizer_of(optimizer, family, weights, untrained, kind, dim=p.dim)
        run = l2o.rollout(opt, p, l2o.synthetic.starts(p, shift=s, seed=seed), steps)
        meter = assumption_meter(run, p, opt)
        answer = assumption_answer(_title(label, p, run), meter)
        result, verdicts = {"run": label, **meter.to_dict()}, ["violated"] if meter.broken_data else []
    if as_json:
        emit(json.dumps(result))
    else:
        print_answer(answer, verbose)
    raise typer.Exit(exit_code(verdicts, strict))


def _title(label: str, problem: l2o.Composite, run: l2o.Run) -> str:
    """What was run on what."""
    from ...pages.text import count

    size = f"{count(problem.batch_size, 'instance')} of {count(problem.dim, 'variable')}"
    return f"{label} on {problem.name}, {size}, {count(run.steps, 'step')}"


VERBS = {"verify": verify, "assumption": assumption}
