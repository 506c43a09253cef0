"""`l2obound beyond-convex`: which guarantees survive without a convex f, and on constraint sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..answer import answer
from ..options import Seed


def beyond_convex(
    family: Annotated[
        list[str] | None,
        typer.Option(help="sigmoid_loss, student_t or welsch; may be repeated. All if left out."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("beyond-convex"),
    quick: Annotated[
        bool, typer.Option("--quick", help="One loss, fewer instances and steps, in a quarter of a minute.")
    ] = False,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Which guarantees survive where f is not convex or points are constrained, and which inequality the others lose.

    Exits with 1 where a run contradicts what is proved, which would be a defect.

    Example: l2obound beyond-convex --quick --out beyond-convex
    """
    from ...studies import beyond_convex as package

    settings = package.Settings(seed=seed)
    if quick:
        settings = package.quick(settings)
    if family:
        settings = replace(settings, families=tuple(dict.fromkeys(family)))
    answer(
        package,
        lambda progress: package.beyond_convex(settings, progress=progress),
        out,
        as_json,
        lambda e: f"{e.family}, {e.term}, s = {e.shift:g}, {e.method}: {'; '.join(e.broken)}",
    )


VERBS = {"beyond-convex": beyond_convex}
