"""`l2obound check`: the conformance suite on an optimizer."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.text import Text

from .... import l2o
from ..console import console, emit, progress_bar
from ..options import OPTIMIZER, SEED, CheckpointKind

_COLOURS = {"passed": "green", "failed": "red", "not applicable": "dim", "expected failure": "yellow"}


def check(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="OPTIMIZER|CHECKPOINT|MODULE:FACTORY",
            help=f"{OPTIMIZER}.",
        ),
    ],
    profile: Annotated[str, typer.Option(help="dev, ci or thorough: how large and how many the instances are.")] = "ci",
    checks: Annotated[
        list[str] | None, typer.Option("--check", help="A check, by name; may be repeated. All of them if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(callback=SEED, help="Seed of the instances and of the optimizer.")] = 0,
    kind: CheckpointKind = None,
    expect_fail: Annotated[
        list[str] | None,
        typer.Option("--expect-fail", metavar="NAME=REASON", help="A check that is expected to fail; may be repeated."),
    ] = None,
    lacks: Annotated[
        list[str] | None,
        typer.Option("--lacks", metavar="NAME=REASON", help="A check of which nothing is promised; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run the conformance suite on an optimizer, to find whether it is what it seems to be and theory applies to it.

    Exits with 1 where a check fails that is not expected to.

    Example: l2obound check go-math-l2o:lasso --profile dev
    """
    from ...conformance import check_optimizer

    expected, lacking = _reasons(expect_fail, "--expect-fail"), _reasons(lacks, "--lacks")
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)
        report = check_optimizer(
            l2o.resolve_optimizer(subject, kind=kind),
            profile=profile,
            checks=checks or None,
            seed=seed,
            expected_failed_checks=expected,
            lacks=lacking,
            progress=lambda name, done, total: bar.update(task, completed=done, total=total, description=name),
        )
    if as_json:
        emit(json.dumps(report.to_dict(), allow_nan=False))
    else:
        head, *_ = report.summary().splitlines()
        console.print(head, highlight=False, markup=False, soft_wrap=True)
        for result in report.results:
            first, *rest = (result.explain() if result in report.failed else result.line()).splitlines()
            text = Text(first)
            text.stylize(_COLOURS[str(result.status)], 0, len(str(result.status)))
            for line in (text, *rest):
                console.print(line, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(0 if report.passed else 1)


def _reasons(pairs: list[str] | None, option: str) -> dict[str, str]:
    """NAME=REASON pairs."""
    reasons = {}
    for pair in pairs or ():
        name, sign, reason = pair.partition("=")
        if not sign or not reason.strip():
            raise l2o.InputError(f"{option}: expected NAME=REASON, got {pair!r}.")
        reasons[name.strip()] = reason.strip()
    return reasons


VERBS = {"check": check}
