"""`l2obound drift`: what practical shifts of the distribution cost the shipped models, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..answer import answer
from ..options import SPLIT_SEED


def drift(
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="go-math-l2o, l2o-pa, l2o-dm, l2o-rnnprop or ada-lista; may be repeated. All if left out, the first "
            "two with --quick."
        ),
    ] = None,
    shift: Annotated[
        list[str] | None,
        typer.Option(
            help="dictionary, noise, sparsity, lam, conditioning, dimension, start or objective; may be repeated. All "
            "if left out."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("drift"),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer models, instances and steps.")] = False,
    seed: Annotated[int, typer.Option(callback=SPLIT_SEED, help="Seed of the instances and starts, 0 to 999.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """What practical shifts of the distribution cost the shipped models for LASSO, and what the deviations consist of.

    Exits with 1 where a bound is violated or an attribution does not add up, which would be a defect.

    Example: l2obound drift --quick --shift noise --shift lam --out drift
    """
    from ...studies import drift as package

    settings = package.Settings(seed=seed)
    if quick:
        settings = package.quick(settings)
    if model:
        settings = replace(settings, models=tuple(dict.fromkeys(model)))
    if shift:
        settings = replace(settings, shifts=tuple(dict.fromkeys(shift)))
    answer(package, lambda progress: package.drift(settings, progress=progress), out, as_json)


VERBS = {"drift": drift}
