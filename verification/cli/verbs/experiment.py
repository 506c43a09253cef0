"""`l2obound experiment`: the figures of the paper, run again and drawn."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ....errors import InputError
from ..answer import Answer, Table, print_answer
from ..console import emit
from ..options import FigureStyle, Jobs, Verbose, writable_folder
from .sweep import live, overrides


def experiment(
    figures: Annotated[list[str], typer.Argument(help="Numbers of figures, 1 to 17, or all.")],
    out: Annotated[Path, typer.Option(help="Folder for cells, figures and the page.")] = Path("experiments"),
    jobs: Jobs = 1,
    scheduler: Annotated[str | None, typer.Option(help="Address of a running Dask scheduler, tcp://HOST:PORT.")] = None,
    full: Annotated[bool, typer.Option("--full", help="The authors' sizes: 1,024 instances of 250 x 500.")] = False,
    authors_training: Annotated[
        bool, typer.Option("--authors-training", help="Train every learned model as the authors did: for a GPU.")
    ] = False,
    data: Annotated[str | None, typer.Option(help="Figures 2, 14, 15: the authors' data, see docs/data.md.")] = None,
    device: Annotated[str, typer.Option(help="Where models are trained and run, cpu or cuda.")] = "cpu",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed cells again.")] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a setting of all cells, as steps=200; may be repeated.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where cells failed.")] = False,
    style: FigureStyle = "none",
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Run the experiments behind figures of the paper, judge its claims by them and draw the figures.

    Example: l2obound experiment 3 4 --out experiments --jobs 2
    """
    from ...studies.experiments import figure_numbers, load_experiment, run_experiment
    from ...studies.experiments.page import claim_sentences

    if scheduler is not None and jobs != 1:
        raise InputError("experiment: --jobs is for this machine and --scheduler for a cluster; give one of them.")
    if figures == ["all"]:
        numbers = list(figure_numbers())
    elif all(f.isdecimal() and len(f) < 10 for f in figures):
        numbers = [int(f) for f in figures]
    else:
        raise InputError(f"experiment: expected numbers of figures or all, got {' '.join(figures)}.")
    writable_folder(out)
    for number in numbers:
        load_experiment(number)  # an error before hours of work rather than after
    numbers_of_figures, failed, rows, details = [], 0, [], []
    for number in numbers:
        with live(f"figure {number}") as show:
            result = run_experiment(
                number,
                out,
                full=full,
                authors_training=authors_training,
                data=data,
                device=device,
                overrides=overrides(set_),
                jobs=jobs,
                scheduler=scheduler,
                retry_failed=retry_failed,
                progress=show,
            )
        numbers_of_figures.append(result.numbers)
        failed += result.summary.failed
        details += [f"figure {number}: {line}" for line in (*result.summary.lines(), *claim_sentences(result.numbers))]
        words = Counter(claim["word"] for claim in result.numbers["claims"])
        judged = ", ".join(f"{word} {n}" for word, n in words.items()) or "none"
        cells = f"{result.summary.ran + result.summary.reused} of {result.summary.total}"
        rows.append([str(number), cells, str(result.summary.failed), judged])
    if as_json:
        emit(json.dumps(numbers_of_figures))
    else:
        print_answer(
            Answer(
                table=Table(
                    ("figure", "cells done", "failed", "claims of the paper, over the panels"), rows, "figures"
                ),
                finding=["A claim says that one method reaches a gap before another; --verbose prints each."],
                where=[out / "index.html"],
                next="--retry-failed runs the failed cells again." if failed else "open the page.",
                details=details,
            ),
            verbose,
        )
    raise typer.Exit(3 if strict and failed else 0)


VERBS = {"experiment": experiment}
