"""`l2obound beyond-convex`: which guarantees survive without a convex f, and on constraint sets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from verification._console import console, errors, progress_bar


def beyond_convex(
    family: Annotated[
        list[str] | None,
        typer.Option(help="sigmoid_loss, student_t or welsch; may be repeated. All if left out."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("beyond-convex"),
    quick: Annotated[
        bool, typer.Option("--quick", help="One loss, fewer instances and steps, in a quarter of a minute.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the problems and starts.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Which guarantees survive where f is not convex or points are constrained, and which inequality the others lose.

    Exits with 1 where a run contradicts what is proved, which would be a defect.

    Example: l2obound beyond-convex --quick --out beyond-convex
    """
    from verification import beyond_convex as package

    settings = package.Settings(seed=seed)
    if quick:
        settings = package.quick(settings)
    if family:
        settings = replace(settings, families=tuple(dict.fromkeys(family)))
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)
        result = package.beyond_convex(
            settings, progress=lambda done, total, what: bar.update(task, completed=done, total=total, description=what)
        )
    page = package.write(result, out)
    if as_json:
        typer.echo(json.dumps({"page": str(page), **result.to_dict()}, allow_nan=False))
    else:
        for line in (*package.lines(result), str(page)):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for e in result.broken:
        errors.print(
            f"{e.family}, {e.term}, s = {e.shift:g}, {e.method}: {'; '.join(e.broken)}", highlight=False, markup=False
        )
    raise typer.Exit(1 if result.broken else 0)
