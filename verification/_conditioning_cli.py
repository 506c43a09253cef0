"""`l2obound conditioning`: whether a very large L, or an ill-conditioned problem, needs tuning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from verification._console import console, errors, progress_bar


def conditioning(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("conditioning"),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer points, methods and steps, in seconds.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the problems and starts.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Whether a very large L, or an ill-conditioned problem, makes a learned optimizer fail, and why.

    Exits with 1 where a run contradicts a theorem of stability, invariance or rate, which would be a defect.

    Example: l2obound conditioning --quick --out conditioning
    """
    from verification import conditioning as package

    settings = package.Settings(seed=seed)
    if quick:
        settings = package.quick(settings)
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)
        result = package.conditioning(
            settings, progress=lambda done, total, what: bar.update(task, completed=done, total=total, description=what)
        )
    page = package.write(result, out)
    if as_json:
        typer.echo(json.dumps({"page": str(page), **result.to_dict()}, allow_nan=False))
    else:
        for line in (*package.lines(result), str(page)):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for line in result.broken:
        errors.print(line, highlight=False, markup=False)
    raise typer.Exit(1 if result.broken else 0)
