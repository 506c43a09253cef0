"""`l2obound open-questions`: what the paper leaves open, answered with numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..answer import Answer, Table, print_answer
from ..console import emit, watched
from ..options import JOBS, SPLIT_SEED, FigureStyle, Verbose, writable_folder


def open_questions(
    question: Annotated[list[str] | None, typer.Argument(help="Names of questions; all of them if left out.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to; answers that are there are kept.")] = Path(
        "open-questions"
    ),
    quick: Annotated[bool, typer.Option("--quick", help="Smaller versions of the questions.")] = False,
    jobs: Annotated[int, typer.Option(callback=JOBS, help="Processes for the comparisons of speed.")] = 1,
    seed: Annotated[
        int, typer.Option(callback=SPLIT_SEED, help="Seed of the problems, starts and draws, 0 to 999.")
    ] = 0,
    style: FigureStyle = "none",
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
) -> None:
    """Answer what the paper leaves open, with numbers on one page and a figure for each question.

    Exits with 1 where a run contradicts a proved statement, which would be a defect.

    Example: l2obound open-questions sensitivity scales --out open-questions --jobs 2
    """
    from ...studies import open_questions as package

    writable_folder(out)
    answers = watched(
        lambda progress: package.answer(question or (), out, quick=quick, seed=seed, jobs=jobs, progress=progress)
    )
    page = package.write(package.standing(out, quick=quick, seed=seed), out)  # those of earlier calls too
    if as_json:
        emit(json.dumps({"page": str(page), "answers": [a.to_dict() for a in answers]}, allow_nan=False))
    else:
        broken = [a.name for a in answers if a.broken]
        reused = [a.name for a in answers if a.reused]
        verdict = f"CONTRADICTED: {', '.join(broken)}." if broken else "No run contradicts a proved statement."
        verdict += f" (reused from before: {', '.join(reused)})" if reused else ""
        details = []
        for made in answers:
            details += [package.PARTS[made.name].question, *(f"  {sentence}" for sentence in made.sentences)]
        print_answer(
            Answer(
                table=Table(("question", ""), [[a.name, next(iter(a.sentences), "")] for a in answers]),
                finding=[verdict],
                where=[page],
                next="open the page; --verbose prints each answer in full.",
                details=details,
            ),
            verbose,
        )
    raise typer.Exit(1 if any(a.broken for a in answers) else 0)


VERBS = {"open-questions": open_questions}
