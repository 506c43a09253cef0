"""`l2obound check`: the conformance suite on an optimizer."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ....errors import InputError
from ..answer import Answer, Table, print_answer
from ..console import emit, progress_bar
from ..inputs import given_problem
from ..options import OPTIMIZER, SEED, CheckpointKind, Data, Lam, Verbose

if TYPE_CHECKING:
    from .... import l2o

if TYPE_CHECKING:
    from ...conformance import CheckResult, Report


def check(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="OPTIMIZER|CHECKPOINT|MODULE:NAME|FILE.py:NAME",
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
    declares: Annotated[
        list[str] | None,
        typer.Option(
            "--declares", metavar="NAME=VALUE", help="A promise: a property=true, or a number; may be repeated."
        ),
    ] = None,
    data: Data = None,
    problem: Annotated[
        str | None,
        typer.Option(
            help="In place of the problems of the suite, in the size of the profile: a family, or MODULE:NAME or "
            "FILE.py:NAME, a function (seed, batch, **options) -> problem. With --data, what a csv is."
        ),
    ] = None,
    lam: Lam = None,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run the conformance suite on an optimizer, to find whether it is what it seems to be and theory applies to it.

    Exits with 1 where a check fails that is not expected to, and where a promise (--declares, or the attribute) is
    broken or cannot be tested. A property that a learned optimizer lacks, and does not promise, is LACKING and no
    failure. With --data or --problem the checks run on that problem in place of those
    of the suite.

    Example: l2obound check go-math-l2o:lasso --profile dev
    """
    from .... import l2o
    from ...conformance import check_optimizer

    expected, lacking = _reasons(expect_fail, "--expect-fail"), _reasons(lacks, "--lacks")
    given = _problems(data, problem, lam, profile, seed)
    subject_ = l2o.resolve_optimizer(subject, kind=kind)
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)
        report = check_optimizer(
            subject_,
            problems=given,
            profile=profile,
            checks=checks or None,
            seed=seed,
            expected_failed_checks=expected,
            lacks=lacking,
            declares=_declarations(declares),
            progress=lambda name, done, total: bar.update(task, completed=done, total=total, description=name),
        )
    report = _with_commands(report, subject_, _options(data, problem, lam, declares))
    if as_json:
        emit(json.dumps(report.to_dict(), allow_nan=False))
    else:
        print_answer(_answer(report), verbose)
    raise typer.Exit(0 if report.passed else 1)


def _problems(
    data: Path | None, problem: str | None, lam: float | None, profile: str, seed: int
) -> list[l2o.Composite] | None:
    """The user's problem, in place of those of the suite; None where there is none."""
    from ...conformance.registry import profile_of

    if data is None and problem is None:
        if lam is not None:
            raise InputError("--lam belongs to --data or --problem; give one of them, too.")
        return None
    size = profile_of(profile)
    return [given_problem(problem or "lasso", data, size.batch, 2 * size.dim, size.dim, lam, seed)[0]]


def _options(data: Path | None, problem: str | None, lam: float | None, declares: list[str] | None) -> str:
    """The options of this command that belong to a command for one of its checks."""
    parts = [part for one in declares or () for part in ("--declares", one)]
    for option, value in (("--data", data), ("--problem", problem), ("--lam", lam)):
        parts += [] if value is None else [option, str(value)]
    return "".join(f" {shlex.quote(part)}" for part in parts)


def _with_commands(report: Report, subject: l2o.OptimizerSource, options: str) -> Report:
    """The report, each of its results with the command line that runs its check again."""
    from ...conformance.registry import check_of, command, profile_of

    sizes = profile_of(report.profile)
    again = [command(subject, check_of(r.name), sizes, report.seed) + options for r in report.results]
    results = (replace(r, reproduce=line) for r, line in zip(report.results, again, strict=True))
    return replace(report, results=tuple(results))


def _answer(report: Report) -> Answer:
    """A row for each check that did not pass and applies; the others are counted."""
    from ...conformance import Status

    counts = {status: report.count(status) for status in dict.fromkeys(r.status for r in report.results)}
    rest = ", ".join(f"{n} {status}" for status, n in counts.items())
    notable = [r for r in report.results if str(r.status) not in ("passed", "not applicable")]
    notable.sort(key=lambda r: r not in report.failed)
    rows = [[r.name, str(r.status).upper(), r.theory or "", r.message] for r in notable]
    words = ", ".join(r.name for r in report.lacking)
    lacking = [
        f"It lacks, and does not declare: {words}. That is no failure of a learned optimizer: no theorem says that "
        f"one has these properties. `declares` makes them promises."
    ]
    if report.failed:
        first = report.failed[0]
        finding = [f"FAILED: {len(report.failed)} of {len(report.results)} checks ({rest}).", *_evidence(first)]
        then = f"{first.advice.rstrip('.')}. Run it alone: `{first.reproduce}`"
    else:
        passed = report.count(Status.PASSED)
        head = "PASSED: no check failed" if passed else "NO CHECK PASSED, and none failed"
        finding = [f"{head} ({rest}).", *(lacking if report.lacking else [])]
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


def _declarations(pairs: list[str] | None) -> dict[str, Any]:
    """NAME=VALUE pairs, a value being true, false or a number."""
    declared: dict[str, Any] = {}
    for pair in pairs or ():
        name, sign, text = (part.strip() for part in pair.partition("="))
        words = {"true": True, "false": False}
        try:
            value = words[text.lower()] if text.lower() in words else float(text)
        except ValueError:
            sign = ""
        if not sign:
            raise InputError(f"--declares: expected NAME=VALUE, true, false or a number, got {pair!r}.")
        declared[name] = value
    return declared


def _reasons(pairs: list[str] | None, option: str) -> dict[str, str]:
    """NAME=REASON pairs."""
    reasons = {}
    for pair in pairs or ():
        name, sign, reason = pair.partition("=")
        if not sign or not reason.strip():
            raise InputError(f"{option}: expected NAME=REASON, got {pair!r}.")
        reasons[name.strip()] = reason.strip()
    return reasons


VERBS = {"check": check}
