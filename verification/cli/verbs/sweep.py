"""`l2obound sweep`: a grid of experiments, with a table of where it is while it runs."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table as Drawn
from rich.text import Text

from ....errors import InputError
from ..answer import Answer, Table, print_answer
from ..console import Word, emit, errors
from ..options import Jobs, Verbose, writable_folder

if TYPE_CHECKING:
    from ...sweeps import Status, Summary


def sweep(
    config: Annotated[
        Path, typer.Argument(help="TOML file: what is fixed, the axes, the models; docs/sweeps.md has one to copy.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for the store; sweeps/NAME if left out.")] = None,
    jobs: Jobs = 1,
    scheduler: Annotated[str | None, typer.Option(help="Address of a running Dask scheduler, tcp://HOST:PORT.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed cells again.")] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Replace an entry of [fixed], as steps=1000; may be repeated.")
    ] = None,
    collect: Annotated[bool, typer.Option("--collect", help="Write the tables of what is there; run nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where cells failed or are missing.")] = False,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Run a grid of experiments and keep every cell as it is done, so that the same command goes on after any stop.

    Exits with 1 where a bound is violated.

    Example: l2obound sweep grid.toml --out sweeps/grid --jobs 2
    """
    from ... import sweeps

    if scheduler is not None and jobs != 1:
        raise InputError("sweep: --jobs is for this machine and --scheduler for a cluster; give one of them.")
    settings = sweeps.load_sweep(config, overrides(set_))
    folder = writable_folder(Path("sweeps") / config.stem if out is None else out)
    count = sweeps.check_count(settings)
    words = f"{settings.title}: {count} cell{'s' * (count != 1)}, each one optimizer on one setting"
    errors.print(words, style="dim", highlight=False, markup=False, soft_wrap=True)
    if collect:
        summary = sweeps.collect(settings, folder)
    else:
        with live(settings.title) as show:
            summary = sweeps.run_sweep(
                settings, folder, jobs=jobs, scheduler=scheduler, retry_failed=retry_failed, progress=show
            )
    print_summary(summary, as_json, verbose)
    raise typer.Exit(exit_code(summary, strict))


def exit_code(summary: Summary, strict: bool) -> int:
    """1 where a bound is violated; with `strict` 3 where cells have no results or a verdict is inconclusive; else 0."""
    names = [name for name in summary.tables.table.column_names if name.startswith("verdict_")]
    verdicts = {v for name in names for v in summary.tables.table[name].unique().to_pylist()}
    if "violated" in verdicts:
        return 1
    return 3 if strict and (summary.failed or summary.missing or "inconclusive" in verdicts) else 0


def overrides(settings: list[str] | None) -> dict[str, Any]:
    """NAME=VALUE pairs; a value is JSON where it can be, else a string."""
    values = {}
    for setting in settings or ():
        name, sign, value = setting.partition("=")
        if not sign:
            raise InputError(f"--set: expected NAME=VALUE, got {setting!r}.")
        try:
            values[name.strip()] = json.loads(value)
        except (ValueError, RecursionError):
            values[name.strip()] = value
    return values


def print_summary(summary: Summary, as_json: bool, verbose: bool = False) -> None:
    """What a sweep came to."""
    if as_json:
        counts = {name: getattr(summary, name) for name in ("total", "ran", "reused", "failed", "missing", "elsewhere")}
        emit(json.dumps({**counts, "damaged": list(summary.damaged), "folder": str(summary.folder)}))
        return
    counted = {
        "run now": summary.ran, "run before": summary.reused, "failed": summary.failed,
        "still to run": summary.missing,
    }  # fmt: skip
    _, *more = summary.lines()
    cells = ", ".join(f"{n:,} {name}" for name, n in counted.items() if n) or "none"
    further = "docs/sweeps.md explains the columns of the tables."
    if summary.missing:
        further = "the same command without --collect runs the cells that are left."
    if summary.failed:
        further = "cells.parquet has the errors; --retry-failed runs the failed cells again."
    columns, rows = _optimizers(summary)
    print_answer(
        Answer(
            table=Table(columns, rows, "optimizers"),
            finding=[f"Cells: {cells}, of {summary.total:,}.", *_findings(summary, columns)],
            where=[summary.folder / "table.parquet"],
            next=further,
            details=more,
        ),
        verbose,
    )


def _optimizers(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """The heads and the rows of a table: how far each optimizer is, and how many iterations its runs take."""
    cells = summary.tables.cells.to_pydict()
    runs = {name: summary.tables.table[name].to_pylist() for name in summary.tables.table.column_names}
    reached = sorted((name for name in runs if name.startswith("reached_")), key=_eps, reverse=True)
    gaps = list(dict.fromkeys([*reached[:1], *reached[-1:]])) if runs.get("optimizer") else []
    rows = []
    for name in dict.fromkeys(cells["optimizer"]):
        states = [s for s, o in zip(cells["status"], cells["optimizer"], strict=True) if o == name]
        row = [str(name), f"{states.count('done')} of {len(states)}"]
        for column in gaps:
            row.append(_median([v for v, o in zip(runs[column], runs["optimizer"], strict=True) if o == name]))
        rows.append(row)
    return ["optimizer", "cells done", *(f"to gap {_eps(column):g}" for column in gaps)], rows


def _eps(column: str) -> float:
    return float(column.removeprefix("reached_"))


def _median(iterations: list[int | None]) -> str:
    """The median number of iterations of runs, of which some do not arrive; a dash where most do not."""
    ordered = sorted(math.inf if v is None else v for v in iterations)
    middle = ordered[len(ordered) // 2] if ordered else math.inf
    return "-" if middle == math.inf else f"{middle:,}"


def _findings(summary: Summary, columns: list[str]) -> list[str]:
    """What the numbers of the table are, and what the bounds come to."""
    lines = []
    if len(columns) > 2:
        lines.append(
            "Iterations until the relative gap (F - F*)/|F*| is that small: the median over the runs, or - where half "
            "of them or more do not get there."
        )
    for name in (n for n in summary.tables.table.column_names if n.startswith("verdict_")):
        verdicts = Counter(str(v).replace("_", " ") for v in summary.tables.table[name].to_pylist() if v is not None)
        total = sum(verdicts.values())
        words = ", ".join(f"{verdict.upper()} on {n:,}" for verdict, n in verdicts.most_common())
        if total:
            lines.append(f"{name.removeprefix('verdict_')}: {words} of {total:,} runs.")
    return lines


@contextmanager
def live(title: str) -> Iterator[Callable[[Status], None]]:
    """A function that shows where a sweep is: a bar, and a table of the optimizers."""
    begun, word = time.monotonic(), Word()
    with Live(console=errors, refresh_per_second=4, transient=True) as display:

        def show(status: Status) -> None:
            display.update(_picture(title, status, time.monotonic() - begun))
            word(f"{title}: {status.done} of {status.total} cells")

        yield show


def _picture(title: str, status: Status, seconds: float) -> Group:
    table = Drawn("optimizer", "done", "failed", "cells", box=None, pad_edge=False)
    for name, (done, failed, total) in status.by_optimizer.items():
        table.add_row(name, str(done), Text(str(failed), style="red" if failed else ""), str(total))
    here = status.ran + max(0, status.failed)
    left = status.total - status.done
    remaining = f", about {_time(seconds / here * left)} left" if here and left else ""
    line = f"{title}: {status.done} of {status.total} cells, {status.reused} reused, {_time(seconds)}{remaining}"
    bar = ProgressBar(total=max(1, status.total), completed=status.done, width=60)
    parts: list[Any] = [Text(line), Padding(bar, 0), table]  # padded, the bar ends its line
    parts.append(Text(status.what, style="dim"))
    if status.last_error:
        parts.append(Text(f"last failure: {status.last_error}", style="red"))
    return Group(*parts)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes // 60} h {minutes % 60} min"
        if minutes >= 60
        else f"{minutes} min {rest} s"
        if minutes
        else f"{rest} s"
    )


VERBS = {"sweep": sweep}
