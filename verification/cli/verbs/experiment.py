"""`l2obound experiment`: the figures of the paper, run again and drawn."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ....errors import InputError
from ..answer import Answer, Table, print_answer
from ..console import emit
from ..options import FigureStyle, Jobs, Verbose, writable_folder
from .sweep import live, overrides


def experiment(
    figures: Annotated[
        list[str], typer.Argument(help="Numbers of figures, 1 to 17, or all; docs/reproduction.md says what they show.")
    ],
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
    numbers_of_figures, failed, done, total, rows, details = [], 0, 0, 0, [], []
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
        done, total = done + result.summary.ran + result.summary.reused, total + result.summary.total
        rows += _claims(number, result.numbers)
    if as_json:
        emit(json.dumps(numbers_of_figures))
    else:
        print_answer(
            Answer(
                table=Table(("figure", "claim of the paper", *WORDS), rows, "claims"),
                finding=[
                    "A claim says which method needs fewer iterations to a relative gap. It is judged at 1e-2, 1e-4, "
                    "1e-6 and 1e-8 in each panel of the figure: it holds at all gaps that one of the two reaches, "
                    "fails at all, is mixed, or is open where neither reaches any.",
                    f"{done:,} of {total:,} cells are done{f', {failed:,} failed' if failed else ''}. A cell is one "
                    "method in one panel.",
                ],
                where=[out / "index.html"],
                next="--retry-failed runs the failed cells again." if failed else "open the page.",
                details=details,
            ),
            verbose,
        )
    raise typer.Exit(3 if strict and failed else 0)


WORDS = ("holds", "fails", "mixed", "open")
"""What a claim may be."""


def _claims(number: int, numbers: Mapping[str, Any]) -> list[list[str]]:
    """A row for each claim of a figure: in how many panels it is what; one row where the figure has none."""
    place = numbers["fields"].index("optimizer")
    labels = {line["line"][place]: line["label"] for line in numbers["lines"]}
    rows = []
    for claim in dict.fromkeys(c["claim"] for c in numbers["claims"]):
        names = " before ".join(labels.get(name, name) for name in claim.split(" < "))
        counts = Counter(c["word"] for c in numbers["claims"] if c["claim"] == claim)
        rows.append([str(number), names, *(str(counts[word]) for word in WORDS)])
    return rows or [[str(number), "none that is judged", *["0"] * len(WORDS)]]


VERBS = {"experiment": experiment}
