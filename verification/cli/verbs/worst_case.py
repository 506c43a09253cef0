"""`l2obound worst-case`: the verb; its parts are in `worst_case_parts`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from ....errors import InputError
from ..answer import Answer, Table, print_answer
from ..console import emit, progress_bar
from ..inputs import exit_code, optimizer_of, problem_of
from ..options import COUNT, NUMBER, SEED, WEIGHT, Verbose, whole, writable_file
from .worst_case_parts import check_certificate, momentum_of, per_step, print_one, run_sweep, swept

MOST_STEPS = 1000
"""Steps K of a worst case: the matrices of its semidefinite problem have K^2 entries, and it K^2 inequalities."""


def _profile(
    name: str, problem: str, sizes: tuple, K: int, shift: float, reference: str, as_json: bool, verbose: bool
) -> None:
    """Worst cases of the deviations that a run has; exit with 1 if the run is above them."""
    from .... import l2o
    from ...worst_cases.profile import STEPS, profile_certificate

    p, family = problem_of(problem, *sizes)
    opt, label = optimizer_of(name, family, dim=p.dim)
    run = l2o.rollout(opt, p, l2o.synthetic.starts(p, shift=shift, seed=sizes[-1]), K)
    steps = sorted({k for k in STEPS if k <= K} | {K})
    with progress_bar() as bar:
        task = bar.add_task("worst cases", total=len(steps))
        certificate = profile_certificate(run, p, steps=steps, reference=reference, progress=lambda: bar.advance(task))
    if as_json:
        emit(json.dumps({"run": label, **certificate.to_dict()}))
    else:
        print_answer(_profile_answer(label, certificate), verbose)
    raise typer.Exit(exit_code([str(v) for v in certificate.verdict.ravel()], False))


def _profile_answer(label: str, certificate: Any) -> Answer:
    """A row for each number of steps: the run against the worst case of its deviations."""
    count = len(certificate.instances)
    rows, above = [], 0
    for j, k in enumerate(certificate.steps):
        here = sum(str(v) == "violated" for v in certificate.verdict[:, j])
        above += here
        vacuous = int(certificate.vacuous[:, j].sum())
        rows.append(
            [
                str(k),
                f"{certificate.gap_up[:, j].max():.3g}",
                "+inf" if certificate.worst[j] == float("inf") else f"{certificate.worst[j]:.4g}",
                f"{certificate.exact[j]:.4g}",
                f"{vacuous} of {count}",
                "yes" if certificate.certified[j] else "no",
            ]
        )
    if above:
        verdict = f"VIOLATED: {above} gaps are above the worst case."
    else:
        verdict = "VERIFIED: no gap is above the worst case of the run's deviations."
    columns = ("steps K", "largest of the runs", "worst case", "of exact steps", "vacuous for", "proved")
    return Answer(
        title=f"{label} on {certificate.problem}, {count} instances: F(x_K) - F* in units of L ||x_0 - x*||^2, and the "
        "worst case over all runs whose steps deviate as much",
        table=Table(columns, rows),
        finding=[verdict],
        next="--verbose prints the deviations of each step and why a worst case is not proved.",
        details=[certificate.summary()],
    )


def worst_case(
    function_class: Annotated[
        str | None,
        typer.Option(
            help="smooth_convex, smooth_strongly_convex, smooth_nonconvex, composite, composite_strongly_convex or "
            "convex; if left out, the one that the method is most used for."
        ),
    ] = None,
    L: Annotated[str, typer.Option("--L", help="Smoothness.")] = "1",
    mu: Annotated[str | None, typer.Option("--mu", help="Strong convexity; strongly convex classes need it.")] = None,
    method: Annotated[
        str,
        typer.Option(
            help="gradient, proximal_gradient, projected_gradient, accelerated_gradient, heavy_ball, proximal_point or "
            "go_math."
        ),
    ] = "gradient",
    step: Annotated[
        str,
        typer.Option(help="h of the step h/L (gamma of proximal_point, r of go_math): a number, or K of them: 1,3/2."),
    ] = "1",
    steps: Annotated[int, typer.Option(callback=whole(1, MOST_STEPS), help="Steps K.")] = 5,
    metric: Annotated[
        str, typer.Option(help="objective, average_objective, distance, decrease or best_gradient.")
    ] = "objective",
    initial: Annotated[str, typer.Option(help="distance, objective, decrease or gradient.")] = "distance",
    relative_error: Annotated[
        str | None, typer.Option(help="eps in ||u_k|| <= eps ||G_k||: a number, or K of them.")
    ] = None,
    absolute_error: Annotated[
        str | None, typer.Option(help="delta in ||u_k|| <= delta: a number, or K of them.")
    ] = None,
    momentum: Annotated[
        str | None,
        typer.Option(
            help='heavy_ball: beta, or K of them. go_math: "q,b", each a number or K of them separated by ; as in '
            '"0.5;0.4,0.1;0.2".'
        ),
    ] = None,
    sweep_steps: Annotated[str | None, typer.Option(help="A table over these K: 1,2,5.")] = None,
    sweep_step: Annotated[str | None, typer.Option(help="A table over these h: 0.5,1,1.5.")] = None,
    sweep_relative_error: Annotated[str | None, typer.Option(help="A table over these eps: 0,0.1,0.2.")] = None,
    proof: Annotated[bool, typer.Option("--proof", help="Print which inequalities add up to the bound.")] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="Write the proof over the fractions here, as JSON; see --check.")
    ] = None,
    coq: Annotated[
        Path | None, typer.Option(help="Write the proof here as a file of Coq, and beside it L2O.v; see --certificate.")
    ] = None,
    instance: Annotated[
        Path | None, typer.Option(help="Write the worst-case instance here, as npz; l2o.problem_from takes it.")
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Run the method on the instance.")] = False,
    check: Annotated[
        Path | None, typer.Option(help="Check a certificate of --certificate, and do nothing else.")
    ] = None,
    profile_of: Annotated[
        str | None,
        typer.Option(help="An optimizer: the worst case over all runs whose steps deviate as much as its steps do."),
    ] = None,
    problem: Annotated[
        str,
        typer.Option(help="With --profile-of: a family or code of yours, as of `l2obound verify`."),
    ] = "lasso",
    reference_step: Annotated[
        str, typer.Option(help="With --profile-of: deviations from the step 1/L (unit) or from the nearest h/L (best).")
    ] = "unit",
    batch: Annotated[int, typer.Option(callback=COUNT, help="With --profile-of: number of instances.")] = 8,
    rows: Annotated[int, typer.Option(callback=COUNT, help="With --profile-of: rows of A.")] = 20,
    dim: Annotated[int, typer.Option(callback=COUNT, help="With --profile-of: variables.")] = 40,
    lam: Annotated[
        float | None, typer.Option(callback=WEIGHT, help="With --profile-of: weight of the l1 norm (0.1).")
    ] = None,
    s: Annotated[
        float, typer.Option("--s", callback=NUMBER, help="With --profile-of: shift of the initial point.")
    ] = 0.0,
    seed: Annotated[
        int, typer.Option(callback=SEED, help="With --profile-of: seed of problems and initial points.")
    ] = 0,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Compute the exact worst case of a method over a class of functions, from both sides.

    Exits with 1 where a certificate is wrong, or where a run of --profile-of is above its worst case.

    Example: l2obound worst-case --method gradient --steps 5 --certificate gradient.json
    """
    from .... import bounds

    for file in (certificate, coq, instance):
        if file is not None:
            writable_file(file)
    if check is not None:
        check_certificate(check, as_json)
    if profile_of is not None:
        _profile(profile_of, problem, (batch, rows, dim, lam, seed), steps, s, reference_step, as_json, verbose)
    from ....bounds.worst_cases import METHODS

    question: dict[str, Any] = {
        "function_class": function_class or METHODS.get(method, ("smooth_convex",))[0],
        "L": per_step(L, "--L"),
        "mu": per_step(mu, "--mu"),
        "method": method,
        "step": per_step(step, "--step"),
        "steps": steps,
        "metric": metric,
        "initial": initial,
        "relative_error": per_step(relative_error, "--relative-error"),
        "absolute_error": per_step(absolute_error, "--absolute-error"),
        "momentum": momentum_of(momentum, method),
    }
    axes: dict[str, Sequence[int | Fraction]] = {
        "steps": [int(k) if k.denominator == 1 else k for k in swept(sweep_steps, "--sweep-steps")],
        "step": swept(sweep_step, "--sweep-step"),
        "relative_error": swept(sweep_relative_error, "--sweep-relative-error"),
    }
    if any(axes.values()):
        if proof or replay or any(file is not None for file in (certificate, coq, instance)):
            raise InputError("worst-case: a sweep takes no --proof, --certificate, --coq, --instance or --replay.")
        run_sweep(question, axes, as_json, verbose)
        return
    print_one(bounds.worst_case(**question), proof, certificate, coq, instance, replay, as_json, verbose)


VERBS = {"worst-case": worst_case}
