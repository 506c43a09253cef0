"""`l2obound speedup`: by what factor learned optimizers arrive sooner than others."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
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
            tell=lambda key: errors.print(
                f"measuring times and gradient calls: {key}", style="dim", highlight=False, markup=False
            ),
        )
    page = write(results, out)
    if as_json:
        fields = ("claim", "level", "claims", "comparisons")
        counts = results["provenance"]["cells"]
        emit(json.dumps({"page": str(page), "cells": counts, **{name: results[name] for name in fields}}))
    else:
        from ...studies.speedup.page import lines

        print_answer(answer(results, page, list(lines(results))), verbose)


def answer(results: Mapping[str, Any], page: Path, details: Sequence[str]) -> Answer:
    """A row for each learned method, rival and measure: the best rival on each instance comes first."""
    from ...studies.speedup.page import totals
    from ...studies.speedup.run import BEST, BEST_OF_PAPER

    rivals = {BEST_OF_PAPER: "best of the paper's", BEST: "best of all"}
    rivals = {**rivals, **{f"the {name}": short for name, short in rivals.items()}}
    pairs = totals(results)
    pairs.sort(key=lambda row: not row["strong"])
    rows = []
    for pair in pairs:
        for measure, c in pair["measures"].items():
            rows.append(
                [
                    pair["learned"],
                    rivals.get(pair["baseline"], pair["baseline"]),
                    MEASURED.get(measure, measure),
                    *(str(c[verdict]) for verdict in ("HOLDS", "FAILS", "OPEN")),
                    f"{c['largest_lower']:.3g}",
                ]
            )
    strong = [c for pair in pairs if pair["strong"] for c in pair["measures"].values()]
    holds, fails, undecided = (sum(c[verdict] for c in strong) for verdict in ("HOLDS", "FAILS", "OPEN"))
    total = holds + fails + undecided
    return Answer(
        title=f"Is the learned method {results['claim']:g} times as fast?",
        table=Table(
            ("learned", "rival", "compared in", "yes", "no", "open", "factor"), rows, "rows, of the single rivals too"
        ),
        finding=[
            f"Against the best rival on each instance the answer is yes in {holds} of {total} comparisons, no in "
            f"{fails} and open in {undecided}. A comparison is one setting and one relative gap.",
            "The factor is the largest that is certain: the lower end of the 95 % interval of a median over instances.",
        ],
        where=[page],
        next="open the page; --verbose prints every rival and what was not run.",
        details=details,
    )


MEASURED = {"latency": "time, one by one", "throughput": "time, in batches"}
"""Short words for the measures of time: one instance at a time, and per instance of a batch."""

VERBS = {"speedup": speedup}
