"""`l2obound falsify`: a search for a run that breaks a bound, or that uses most of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ....errors import InputError, suggestion
from ..answer import Answer, Table, print_answer
from ..console import emit, progress_bar
from ..options import NUMBER, OPTIMIZER, POSITIVE, CheckpointKind, Verbose, real, whole, writable_file

if TYPE_CHECKING:
    from ...falsification import Falsification

WEEK = 7 * 24 * 3600.0


def falsify(
    bound: Annotated[
        str | None, typer.Argument(help="A bound, by name, name:variant or number (l2obound bounds).")
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(help=f"{OPTIMIZER}; ista if left out. With --replay only where the finding is of code of yours."),
    ] = None,
    kind: CheckpointKind = None,
    problem: Annotated[str, typer.Option(help="composite, lasso, quadratic, smooth or box.")] = "composite",
    dim: Annotated[
        list[int] | None,
        typer.Option(
            callback=whole(1, 50), help="Variables; may be repeated, and then they take turns. 2, 1, 3 if left out."
        ),
    ] = None,
    steps: Annotated[int, typer.Option(callback=whole(1, 1000), help="Iterations K.")] = 3,
    goal: Annotated[
        str, typer.Option(help="violation (ends with the first), tightness, or deviation (the largest rho_k).")
    ] = "violation",
    search: Annotated[str, typer.Option(help="How points are searched: both, gradient or random.")] = "both",
    budget: Annotated[float, typer.Option(callback=real(0, WEEK, above=True), help="Seconds to search for.")] = 30.0,
    evaluations: Annotated[
        int | None, typer.Option(callback=whole(1, 10**9), help="Runs to try at most: a limit that repeats exactly.")
    ] = None,
    target: Annotated[float | None, typer.Option(callback=POSITIVE, help="End at this tightness (or rho).")] = None,
    shifts: Annotated[bool, typer.Option("--shifts/--no-shifts", help="Search over shifts t of F(x + t), too.")] = True,
    constant: Annotated[
        float, typer.Option(callback=NUMBER, help="A factor on the right-hand side; 0.98 makes a sharp bound false.")
    ] = 1.0,
    reference_step: Annotated[float, typer.Option(callback=real(0, 1, above=True), help="h in (0, 1].")] = 1.0,
    seed: Annotated[int, typer.Option(callback=whole(0, 2**31 - 1), help="Seed of the search.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the finding, an npz, to this file.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Run and judge a finding again; nothing is searched.")] = None,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the finding as JSON.")] = False,
) -> None:
    """Search for a run that breaks a bound, or that uses most of it.

    Exits with 1 where a violation is found. That none is found proves nothing.

    Example: l2obound falsify ood_multi_step_sharp --constant 0.98 --budget 20 --out finding.npz
    """
    from .... import l2o
    from ... import falsification

    if kind is not None and optimizer is not None:
        optimizer = l2o.resolve_optimizer(optimizer, kind=kind).spec
    if replay is not None:
        if bound is not None or out is not None:
            raise InputError("falsify: --replay runs a stored finding and takes neither BOUND nor --out.")
        stored = falsification.Falsification.load(replay, optimizer=optimizer)
        finding = stored.judged_again()
        _print(finding, as_json, verbose, {"agrees": _agree(stored, finding)})
        raise typer.Exit(1 if finding.violated else 0)
    if bound is None:
        raise InputError("falsify: give a BOUND (see l2obound bounds), or a stored finding with --replay FILE.")
    for option, value, names in (
        ("--problem", problem, falsification.FAMILIES), ("--goal", goal, falsification.GOALS),
        ("--search", search, falsification.METHODS),
    ):  # fmt: skip
        if value not in names and ":" not in value:
            near = suggestion(value, names).strip()
            raise InputError(f"{option}: expected {', '.join(names)}, got {value!r}{near and f': {near}'}")
    if out is not None:
        writable_file(out)
    most = "largest rho_k" if goal == "deviation" else "largest tightness"
    with progress_bar() as bar:
        task = bar.add_task("searching", total=100)
        finding = falsification.falsify(
            bound,
            optimizer or "ista",
            family=problem,
            dim=dim or None,
            steps=steps,
            goal=goal,
            method=search,
            budget=budget,
            evaluations=evaluations,
            seed=seed,
            target=target,
            shifts=shifts,
            constant=constant,
            reference_step=reference_step,
            progress=lambda share, best, what: bar.update(
                task, completed=round(100 * share), description=f"{most} {max(best, 0):.4g}, {what}"
            ),
        )
    if out is not None:
        finding.save(out)
    _print(finding, as_json, verbose, {})
    raise typer.Exit(1 if finding.violated else 0)


def _agree(one: Falsification, two: Falsification) -> bool:
    """Whether a stored finding and the same judged again say the same: the verdict, and both sides to 1e-6."""
    sides = zip((one.lhs, one.rhs), (two.lhs, two.rhs))
    near = all(abs(a - b) <= 1e-6 * (abs(one.lhs) + abs(one.rhs)) for a, b in sides)
    return one.verdict is two.verdict and near


def _print(finding: Falsification, as_json: bool, verbose: bool, more: dict[str, Any]) -> None:
    if as_json:
        emit(json.dumps({**finding.to_dict(), **more}, allow_nan=False))
        return
    place = "of the run" if finding.index is None else f"of step {finding.index} of the run"
    cells = {
        "left-hand side": _side(finding.lhs, finding.rhs),
        "right-hand side": _side(finding.rhs, finding.lhs),
        "tightness, the share that is used": f"{finding.tightness:.4g}",
        "largest relative deviation rho_k": f"{finding.measured['rho_max']:.3g}",
    }
    stored = "agrees" in more
    if not stored:
        cells["runs tried"] = f"{finding.evaluations} in {finding.seconds:.1f} s, seed {finding.seed}"
    finding_is = _verdict(finding)
    if stored:
        same = "The run was made again. Its numbers and its verdict"
        finding_is += f" {same} {'are those of the file' if more['agrees'] else 'are NOT those of the file'}."
    if finding.path is None:
        further = "--verbose prints the instance; --out FILE keeps it, to run it again."
    else:
        further = "--verbose prints the instance" + ("." if stored else f"; `{finding.reproduce}` runs it again.")
    times = "" if finding.constant == 1 else f", its right-hand side times {finding.constant:g}"
    print_answer(
        Answer(
            title=f"{finding.bound.number} {finding.bound.key}{times}: {finding.optimizer_label}, "
            f"{finding.steps} step{'s' * (finding.steps > 1)}, family {finding.family}, "
            f"{finding.dim} variable{'s' * (finding.dim > 1)}",
            table=Table((place, "value"), [list(pair) for pair in cells.items()]),
            finding=[finding_is, *finding.notes],
            where=[] if stored or finding.path is None else [finding.path],
            next=further,
            details=[finding.summary()],
        ),
        verbose,
    )


def _side(value: float, other: float) -> str:
    """One side of a bound; beside the other it may be nothing but rounding."""
    return "0, up to rounding" if 0 < abs(value) <= 1e-14 * abs(other) else f"{value:.6g}"


def _verdict(finding: Falsification) -> str:
    """What the search came to, in a sentence or two."""
    if finding.violated:
        return "VIOLATED: the left-hand side is larger than the right-hand side, beyond rounding."
    state = str(finding.verdict).upper()
    if finding.goal == "deviation":
        run = f"This run has the largest rho_k of those tried; the verdict on it is {state}."
    elif not finding.tightness > 1e-9:
        run = f"No run used any of the bound, not even this one; the verdict on it is {state}."
    else:
        run = f"This run uses most of the bound, of those tried; the verdict on it is {state}."
    return f"No violation was found, which proves nothing. {run}"


VERBS = {"falsify": falsify}
