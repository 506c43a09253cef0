"""`l2obound check`: the conformance suite on an optimizer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from .... import l2o
from ..answer import Answer, Table, print_answer
from ..console import emit, progress_bar
from ..options import OPTIMIZER, SEED, CheckpointKind, Verbose

if TYPE_CHECKING:
    from ...conformance import CheckResult, Report


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
        typer.Option("--lacks", metavar="NAME=REASON", help="A check that the optimizer does not promise to pass."),
    ] = None,
    verbose: Verbose = False,
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
        print_answer(_answer(report), verbose)
    raise typer.Exit(0 if report.passed else 1)


def _answer(report: Report) -> Answer:
    """A row for each check that did not pass and applies; the others are counted."""
    counts = {status: report.count(status) for status in dict.fromkeys(r.status for r in report.results)}
    rest = ", ".join(f"{n} {status}" for status, n in counts.items())
    notable = [r for r in report.results if str(r.status) not in ("passed", "not applicable")]
    notable.sort(key=lambda r: r not in report.failed)
    rows = [[r.name, str(r.status).upper(), r.theory or "", r.message] for r in notable]
    if report.failed:
        first = report.failed[0]
        finding = [f"FAILED: {len(report.failed)} of {len(report.results)} checks ({rest}).", *_evidence(first)]
        then = f"{first.advice.rstrip('.')}. Run it alone: `{first.reproduce}`"
    else:
        finding = [f"PASSED: no check failed ({rest})."]
        then = "--verbose prints a line for each check; `l2obound list checks` says what each asks."
    return Answer(
        title=f"{report.subject}, profile {report.profile}, seed {report.seed}",
        table=Table(("check", "result", "theory", "message"), rows, "checks"),
        finding=finding,
        next=then,
        details=[(r.explain() if r in report.failed else r.line()) for r in report.results],
    )


def _evidence(result: CheckResult) -> list[str]:
    """The numbers of a failed check."""
    return [f"{result.name}: {result.explain().splitlines()[1].strip()}"] if result.evidence else []


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
