"""`l2obound report`: bounds against runs, as one page."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ....errors import InputError
from ..answer import Answer, Table, print_answer
from ..console import emit, errors, progress_bar
from ..inputs import command, exit_code, given_problem, lower_of, optimizer_of
from ..options import (
    Batch,
    Data,
    Dim,
    FigureStyle,
    Kind,
    Lam,
    Lower,
    Objective,
    Rows,
    Seed,
    Start,
    Steps,
    Verbose,
    writable_folder,
)

if TYPE_CHECKING:
    from .... import l2o


def report(
    config: Annotated[Path | None, typer.Argument(help="TOML file; the shipped configuration if left out.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to; other files in it are left alone.")] = Path("report"),
    quick: Annotated[bool, typer.Option("--quick", help="A smaller report.")] = False,
    from_: Annotated[
        Path | None,
        typer.Option("--from", help="Redraw page, figures and tables from this folder's results.json; run nothing."),
    ] = None,
    iterates: Annotated[
        list[str] | None,
        typer.Option(help="A report of your runs instead: iterates, as NAME=FILE or FILE; may be repeated."),
    ] = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(help="An optimizer that is run for such a report; may be repeated."),
    ] = None,
    bound: Annotated[
        list[str] | None, typer.Option(help="Of such a report: a bound, by name; may be repeated. All if left out.")
    ] = None,
    problem: Kind = "lasso",
    data: Data = None,
    lower: Lower = None,
    batch: Batch = 16,
    rows: Rows = 20,
    dim: Dim = 40,
    lam: Lam = None,
    steps: Steps = 100,
    s: Start = 0.0,
    t: Objective = 0.0,
    seed: Seed = 0,
    style: FigureStyle = "none",
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where a verdict is inconclusive.")] = False,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Run GO-Math-L2O and its rivals, certify F*, hold the bounds against the runs and write a page with its figures.

    With --iterates or --optimizer the report is of these runs, on the problem of --data or --problem.
    Exits with 1 where a bound is violated.

    Example: l2obound report --quick --out report
    """
    if iterates or optimizer:
        if config is not None or quick or from_ is not None:
            raise InputError("report: --iterates and --optimizer are a report of their own; leave out the other.")
        problem_and_family, least = given_problem(problem, data, batch, rows, dim, lam, seed, t), lower_of(lower)
        given_runs = (iterates or [], optimizer or [], bound)
        own_report(problem_and_family, *given_runs, out, steps, s, seed, strict, as_json, verbose, least)
    given = {"--data": data is not None, "--bound": bool(bound), "--lower": lower is not None}
    if any(given.values()):
        option = next(name for name, there in given.items() if there)
        raise InputError(f"report: {option} belongs to --iterates or --optimizer; give one of them, too.")
    from ...report import load_report_config, make_report, read_results, render_report, unfinished
    from ...report.worst_cases import violated

    if from_ is not None:
        if config is not None or quick:
            raise InputError("report: --from redraws stored results and takes neither CONFIG nor --quick.")
        writable_folder(from_)
        if unfinished(from_):
            errors.print(
                f"{from_}: the report was being written when it was interrupted; page, figures and tables are redrawn "
                f"from its results.json",
                highlight=False, markup=False, soft_wrap=True,
            )  # fmt: skip
        results = read_results(from_)
        page = render_report(results, from_)
    else:
        if config is not None and quick:
            raise InputError("report: --quick is a configuration of its own; give CONFIG or --quick, not both.")
        settings = load_report_config(config, quick=quick)
        writable_folder(out)
        with progress_bar() as bar:
            task = bar.add_task("starting", total=None)
            page, results = make_report(
                settings,
                out,
                quick=quick,
                command=command(),
                progress=lambda p: bar.update(task, completed=p.done, total=p.total, description=p.what),
            )
    verdicts = [v for run in results["runs"] for v in run["verdicts"]]
    totals = _totals(results["runs"])
    if as_json:
        emit(json.dumps({"page": str(page), "totals": totals, "reused": results["provenance"]["reused"]}))
    else:
        reused = results["provenance"]["reused"] if from_ is None else []
        print_answer(_answer(results, page, [f"reused: {item}" for item in reused]), verbose)
    broken = [] if not results.get("worst_cases") else violated(results)
    if broken:
        errors.print(f"below an exact worst case: {', '.join(broken)}", highlight=False, markup=False)
    raise typer.Exit(exit_code([v["verdict"] for v in verdicts] + ["violated"] * bool(broken), strict))


def _totals(runs: list[dict[str, Any]]) -> dict[str, int]:
    """How many checks have each verdict, over all runs and bounds."""
    verdicts = [v for run in runs for v in run["verdicts"]]
    return {name: sum(v["counts"].get(name, 0) for v in verdicts) for name in verdicts[0]["counts"]} if verdicts else {}


_KINDS = ("violated", "inconclusive", "verified", "vacuous", "repeated", "not applicable")


def _kind(verdict: dict[str, Any]) -> str:
    """The column of a verdict: verified ones that say nothing, or repeat another bound, are apart."""
    from ...report.tables import decided

    if verdict["verdict"] != "verified" or decided(verdict):
        return str(verdict["verdict"])
    return "repeated" if verdict.get("form_of") else "vacuous"


def _answer(results: dict[str, Any], page: Path, reused: list[str]) -> Answer:
    """A row for each run: how many bounds are violated, and how many say something about it."""
    from ...pages.text import number
    from ...report.tables import counts

    runs, rows = results["runs"], []
    for run in runs:
        kinds = Counter(_kind(v) for v in run["verdicts"])
        rows.append(
            [
                run["key"],
                *(str(kinds[k]) for k in _KINDS),
            ]
        )
    rows.sort(key=lambda row: (-int(row[1]), -int(row[2])))
    broken = [
        f"{v['number']} {v['bound']} on {run['key']}"
        for run in runs
        for v in run["verdicts"]
        if v["verdict"] == "violated"
    ]
    verdict = f"VIOLATED: {'; '.join(broken)}." if broken else "VERIFIED: no bound is violated."
    numbers = counts(results)
    listed = ("violated", "informative", "vacuous", "inconclusive", "not applicable")
    counted = ", ".join(f"{number(numbers[name])} {name}" for name in listed)
    details = [
        f"{run['key']}: " + ", ".join(f"{v['number']} {v['bound']} {v['verdict']}" for v in run["verdicts"])
        for run in runs
    ]
    return Answer(
        table=Table(("run", *_KINDS), rows, "runs"),
        finding=[
            f"{verdict} The table counts bounds. Over all steps and instances: {counted}, and "
            f"{number(numbers['repeated'])} repeat another bound."
            + (f" {len(reused)} results are reused from before." if reused else "")
        ],
        where=[page],
        next="open the page; --verbose prints the verdict of every bound on every run.",
        details=[*details, *reused],
    )


def own_report(
    problem_and_family: tuple[l2o.Composite, str],
    iterates: list[str],
    optimizers: list[str],
    names: list[str] | None,
    out: Path,
    steps: int,
    s: float,
    seed: int,
    strict: bool,
    as_json: bool,
    verbose: bool,
    lower: list[float] | float | None,
) -> None:
    """A report of runs in files and of runs made here; ends the command."""
    from .... import l2o
    from ...optima import optimum
    from ...report import report_runs

    problem, family = problem_and_family
    runs: dict[str, list[l2o.Run]] = {}
    writable_folder(out)
    for text in iterates:
        name, mark, file = text.partition("=")
        path = Path(file if mark else text)
        runs.setdefault(name if mark else path.stem, []).append(l2o.read_run(path, problem))
    for text in optimizers:
        method, label = optimizer_of(text, family, dim=problem.dim)
        start = l2o.synthetic.starts(problem, shift=s, seed=seed)
        runs.setdefault(label, []).append(l2o.rollout(method, problem, start, steps))
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)

        def tell(what: str) -> None:
            bar.update(task, description=what)

        tell("certifying F*")
        interval = optimum(problem, lower=lower)
        page, results = report_runs(
            runs, problem, out, optimum=interval, bounds=names, command=command(), progress=tell
        )
    verdicts = [v for run in results["runs"] for v in run["verdicts"]]
    if as_json:
        emit(
            json.dumps(
                {"page": str(page), "runs": [{"run": r["key"], "bounds": r["verdicts"]} for r in results["runs"]]}
            )
        )
    else:
        print_answer(_answer(results, page, []), verbose)
    raise typer.Exit(exit_code([v["verdict"] for v in verdicts], strict))


VERBS = {"report": report}
