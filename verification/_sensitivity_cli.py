"""`l2obound sensitivity`: how far steps may drift from 1/L before the guarantee, and then the performance, is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from verification._console import console, errors, progress_bar

ALL = "all"


def sensitivity(
    family: Annotated[
        list[str] | None, typer.Option(help="quadratic, lasso or logistic_l1; may be repeated. All if left out.")
    ] = None,
    pattern: Annotated[
        list[str] | None, typer.Option(help="A deviation pattern, or all; may be repeated. All if left out.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("sensitivity"),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer sizes, instances and steps, in half a minute.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the problems, starts and draws.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """How far steps may drift from 1/L before the guarantee, and then the performance, is lost.

    Exits with 1 where a run contradicts a guarantee, which would be a defect.

    Example: l2obound sensitivity --quick --family lasso --out sensitivity
    """
    from verification import sensitivity as package

    settings = package.Settings(seed=seed)
    if quick:
        settings = package.quick(settings)
    if family:
        settings = replace(settings, families=tuple(dict.fromkeys(family)))
    if pattern and ALL not in pattern:
        settings = replace(settings, patterns=tuple(dict.fromkeys(pattern)))
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)
        result = package.sensitivity(
            settings,
            progress=lambda done, total, what: bar.update(task, completed=done, total=total, description=what),
            trainings=out / "trainings",
        )
    page = package.write(result, out)
    if as_json:
        typer.echo(json.dumps({"page": str(page), **result.to_dict()}, allow_nan=False))
    else:
        for line in (*package.lines(result), str(page)):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for cell in result.broken:
        errors.print(
            f"{cell.family}, s = {cell.shift:g}, {cell.pattern} of size {cell.size:g}: {'; '.join(cell.broken)}",
            highlight=False,
            markup=False,
        )
    raise typer.Exit(1 if result.broken else 0)
