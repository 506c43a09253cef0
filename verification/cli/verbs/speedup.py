"""`l2obound speedup`: by what factor learned optimizers arrive sooner than others."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ....errors import InputError
from ..answer import Answer, Table, print_answer
from ..console import emit, errors
from ..options import JOBS, FigureStyle, Verbose, writable_folder
from .sweep import live


def speedup(
    config: Annotated[Path | None, typer.Argument(help="TOML file; the shipped configuration if left out.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to; what is there is not run again.")] = Path("speedup"),
    jobs: Annotated[int, typer.Option(callback=JOBS, help="Processes for the runs; times are taken in one.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and smaller settings.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed cells again.")] = False,
    style: FigureStyle = "none",
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Measure by what factor learned optimizers reach a gap before others: in iterations, gradient calls and time.

    Example: l2obound speedup --quick --out speedup --jobs 2
    """
    from ...studies.speedup import load_speedup, run_speedup, write

    if config is not None and quick:
        raise InputError("speedup: --quick is a configuration of its own; give CONFIG or --quick, not both.")
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
        print_answer(_answer(results, page), verbose)


def _answer(results: Mapping[str, Any], page: Path) -> Answer:
    """A row for each learned method, rival and measure: the best rival on each instance comes first."""
    from ...studies.speedup.page import lines, totals
    from ...studies.speedup.sentences import WORDS

    pairs = totals(results)
    pairs.sort(key=lambda row: not row["strong"])
    rows = []
    for pair in pairs:
        for measure, c in pair["measures"].items():
            total = c["HOLDS"] + c["FAILS"] + c["OPEN"]
            rows.append(
                [
                    pair["learned"],
                    pair["baseline"],
                    WORDS[measure],
                    *(f"{c[verdict]} of {total}" for verdict in ("HOLDS", "FAILS", "OPEN")),
                    f"{c['largest_lower']:.3g}",
                ]
            )
    claim = f"{results['claim']:g} times"
    strong = [c for pair in pairs if pair["strong"] for c in pair["measures"].values()]
    total = sum(c["HOLDS"] + c["FAILS"] + c["OPEN"] for c in strong)
    best = max((c["largest_lower"] for c in strong), default=0.0)
    return Answer(
        title=results["title"],
        table=Table(
            ("learned", "rival", "compared", f"{claim} faster", "not", "undecided", "largest proven factor"),
            rows,
            "rows, of the single rivals too",
        ),
        finding=[
            f"Against the best rival on each instance, {claim} faster is reached in {sum(c['HOLDS'] for c in strong)} "
            f"of {total} comparisons, not reached in {sum(c['FAILS'] for c in strong)} and undecided in "
            f"{sum(c['OPEN'] for c in strong)}. A comparison is a setting and a gap; its factor is a median with an "
            f"interval, and the largest lower end of one is {best:.3g}."
        ],
        where=[page],
        next="open the page; --verbose prints every rival and what was not run.",
        details=list(lines(results)),
    )


VERBS = {"speedup": speedup}
