"""`l2obound speedup`: by what factor learned optimizers arrive sooner than others."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from .... import l2o
from ..console import console, emit, errors
from ..options import JOBS, FigureStyle, writable_folder
from .sweep import live


def speedup(
    config: Annotated[Path | None, typer.Argument(help="TOML file; the shipped configuration if left out.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to; what is there is not run again.")] = Path("speedup"),
    jobs: Annotated[int, typer.Option(callback=JOBS, help="Processes for the runs; times are taken by one alone.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and smaller settings.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed cells again.")] = False,
    style: FigureStyle = "none",
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Measure by what factor learned optimizers reach a gap before others: in iterations, gradient calls and time.

    Example: l2obound speedup --quick --out speedup --jobs 2
    """
    from ...studies.speedup import load_speedup, run_speedup, write

    if config is not None and quick:
        raise l2o.InputError("speedup: --quick is a configuration of its own; give CONFIG or --quick, not both.")
    settings = load_speedup(config, quick=quick)
    writable_folder(out)
    with live(settings.title) as show:
        results = run_speedup(
            settings,
            out,
            jobs=jobs,
            retry_failed=retry_failed,
            command=shlex.join(["l2obound", *sys.argv[1:]]),
            progress=show,
            tell=lambda key: errors.print(f"times and calls: {key}", style="dim", highlight=False, markup=False),
        )
    page = write(results, out)
    if as_json:
        fields = ("claim", "level", "claims", "comparisons")
        counts = results["provenance"]["cells"]
        emit(json.dumps({"page": str(page), "cells": counts, **{name: results[name] for name in fields}}))
    else:
        _print(results, page)


def _print(results: Mapping[str, Any], page: Path) -> None:
    from ...studies.speedup.page import MEASURES, lines, totals

    table = Table("learned", "against", *MEASURES, box=None, pad_edge=False)
    for row in totals(results):
        measures = [row["measures"][measure] for measure in MEASURES]
        counts = [f"{c['HOLDS']}/{c['FAILS']}/{c['OPEN']} ({c['largest_lower']:.3g})" for c in measures]
        table.add_row(row["learned"], row["baseline"], *counts)
    caption = f"{results['claim']:g} times: HOLDS/FAILS/OPEN over settings and gaps (highest lower end of an interval)"
    console.print(caption, highlight=False, markup=False, soft_wrap=True)
    console.print(table)
    for line in (*lines(results), str(page)):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


VERBS = {"speedup": speedup}
