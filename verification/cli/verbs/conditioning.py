"""`l2obound conditioning`: whether a very large L, or an ill-conditioned problem, needs tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..answer import answer
from ..options import Seed


def conditioning(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("conditioning"),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer points, methods and steps, in seconds.")] = False,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Whether a very large L, or an ill-conditioned problem, makes a learned optimizer fail, and why.

    Exits with 1 where a run contradicts a theorem of stability, invariance or rate, which would be a defect.

    Example: l2obound conditioning --quick --out conditioning
    """
    from ...studies import conditioning as package

    settings = package.Settings(seed=seed)
    if quick:
        settings = package.quick(settings)
    answer(package, lambda progress: package.conditioning(settings, progress=progress), out, as_json)


VERBS = {"conditioning": conditioning}
