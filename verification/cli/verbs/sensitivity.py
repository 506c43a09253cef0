"""`l2obound sensitivity`: how far steps may drift from 1/L before the guarantee, and then the performance, is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..answer import answer
from ..options import Seed

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
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """How far steps may drift from 1/L before the guarantee, and then the performance, is lost.

    Exits with 1 where a run contradicts a guarantee, which would be a defect.

    Example: l2obound sensitivity --quick --family lasso --out sensitivity
    """
    from ...studies import sensitivity as package

    settings = package.Settings(seed=seed)
    if quick:
        settings = package.quick(settings)
    if family:
        settings = replace(settings, families=tuple(dict.fromkeys(family)))
    if pattern and ALL not in pattern:
        settings = replace(settings, patterns=tuple(dict.fromkeys(pattern)))
    answer(
        package,
        lambda progress: package.sensitivity(settings, progress=progress, trainings=out / "trainings"),
        out,
        as_json,
        lambda c: f"{c.family}, s = {c.shift:g}, {c.pattern} of size {c.size:g}: {'; '.join(c.broken)}",
    )


VERBS = {"sensitivity": sensitivity}
