"""`l2obound report`: bounds against runs, as one page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .... import l2o
from ..console import console, emit, errors, progress_bar
from ..inputs import command, exit_code
from ..options import writable_folder


def report(
    config: Annotated[Path | None, typer.Argument(help="TOML file; the shipped configuration if left out.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to; other files in it are left alone.")] = Path("report"),
    quick: Annotated[bool, typer.Option("--quick", help="A smaller report.")] = False,
    from_: Annotated[
        Path | None,
        typer.Option("--from", help="Redraw page, figures and tables from this folder's results.json; run nothing."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where a verdict is inconclusive.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Run GO-Math-L2O and its rivals, certify F*, hold the bounds against the runs and write a page with its figures.

    Example: l2obound report --quick --out report
    """
    from ...report import load_report_config, make_report, read_results, render_report, unfinished
    from ...report.worst_cases import violated

    if from_ is not None:
        if config is not None or quick:
            raise l2o.InputError("report: --from redraws stored results and takes neither CONFIG nor --quick.")
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
            raise l2o.InputError("report: --quick is a configuration of its own; give CONFIG or --quick, not both.")
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
    totals = (
        {name: sum(v["counts"].get(name, 0) for v in verdicts) for name in verdicts[0]["counts"]} if verdicts else {}
    )
    if as_json:
        emit(json.dumps({"page": str(page), "totals": totals, "reused": results["provenance"]["reused"]}))
    else:
        for item in results["provenance"]["reused"] if from_ is None else []:
            console.print(f"reused: {item}", highlight=False, markup=False)
        counted = ", ".join(f"{n} {name}" for name, n in totals.items())
        console.print(f"{counted}\n{page}", highlight=False, markup=False, soft_wrap=True)
    broken = [] if not results.get("worst_cases") else violated(results)
    if broken:
        errors.print(f"below an exact worst case: {', '.join(broken)}", highlight=False, markup=False)
    raise typer.Exit(exit_code([v["verdict"] for v in verdicts] + ["violated"] * bool(broken), strict))


VERBS = {"report": report}
