"""What is written: the results as JSON, the cells as CSV, and one self-contained page."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ... import pages
from ...pages.text import number
from ...support.together import write_together
from . import _sentences
from ._explore import script_data
from ._figure import figure, single
from ._figure import trained as trained_figure
from ._patterns import DESCRIPTIONS
from ._run import Sensitivity

_NOTES = (
    "Shaded: guaranteed. Triangles at the upper edge: unbounded, above the panel or not found. The closed form ends "
    "where it is vacuous; it knows the distances of the run, max ||x_k - x*||, and may lie below the exact worst case, "
    "which knows R only. B8 and the worst cases are for s = {}."
)


def write(result: Sensitivity, folder: str | os.PathLike[str]) -> Path:
    """Write sensitivity.json, sensitivity.csv and sensitivity.html, and give back the page's path."""
    folder = Path(folder)
    data = {**result.to_dict(), "sentences": list(_sentences.lines(result))}
    files = {"sensitivity.json": pages.json_bytes(data), "sensitivity.csv": table(result).encode()}
    write_together(folder, files | {"sensitivity.html": render(result).encode()})
    return folder / "sensitivity.html"


def table(result: Sensitivity) -> str:
    """A row for each cell; lists are joined by spaces, and what there is not is empty."""
    return pages.csv_table([cell.to_dict() for cell in result.cells])


def render(result: Sensitivity) -> str:
    """The page; equal results give equal bytes."""
    settings, trained = result.settings, _sentences.trained(result)
    contents = {"answer": "Answer", "regions": "Regions", "explore": "Explore", "families": "Families"}
    if result.checkpoints:
        contents["stages"] = "Stages of training"
    return pages.render(
        Path(__file__).parent,
        "template.html",
        title="Sensitivity to Assumption 1",
        contents={**contents, **({"trained": "Shipped models"} if trained else {}), "methods": "Methods"},
        created=result.created,
        result=result,
        settings=settings,
        verdict=_sentences.verdict(result),
        costs=_sentences.costs(result),
        caution=_sentences.caution(result),
        trained=trained,
        descriptions=DESCRIPTIONS,
        regions=[_region(result, name) for name in settings.patterns],
        stages=_sentences.stages(result),
        stages_view=_stages_view(result) if result.checkpoints else None,
        static=_static(result),
        data=script_data(result),
        views=[_view(result, family) for family in settings.families],
        config=json.dumps(result.to_dict()["settings"], indent=2, ensure_ascii=False),
    )


def _region(result: Sensitivity, name: str) -> dict[str, Any]:
    lost = []
    for family in result.settings.families:
        size = result.lost_at(name, family)
        tried = max(c.size for c in result.select(pattern=name, family=family))
        lost.append(f"> {number(tried)}" if size is None else number(size))
    return {
        "name": name,
        **{bound: "of the run" if v is None else number(v) for bound, v in result.regions[name].items()},
        "measured": number(result.measured_region(name)),
        "lost": lost,
    }


def _view(result: Sensitivity, family: str) -> dict[str, Any]:
    title = f"Sensitivity on {family}"
    words = f"{title}: a panel for each pattern; B8, exact worst cases and runs against the size of the deviation."
    shown = pages.figure_view(
        figure(result, family), f"f-{family}", title, words, _NOTES.format(number(result.settings.shifts[0]))
    )
    return {**shown, "family": family, "cells": result.select(family=family)}


def _stages_view(result: Sensitivity) -> dict[str, Any]:
    widths = ", ".join(f"{m} {w}" for m, w in zip(("circle", "square", "triangle", "diamond"), result.settings.widths))
    return pages.figure_view(
        trained_figure(result),
        "f-stages",
        "Deviation and iterations of checkpoints",
        "Iterations over those of exact steps against the measured median rho, a panel for each family and shift.",
        f"Hidden size: {widths}. Crosses: the cells of the patterns. Dashed: what the guarantee grows by; squares: "
        f"steps for one exact step in the exact worst case. Medians over {result.settings.batch} instances.",
    )


def _static(result: Sensitivity) -> Any:
    """What stands in the interactive panel until its script runs: the first of each choice."""
    family = result.settings.families[0]
    name = next(n for n in result.settings.patterns if result.select(family=family, pattern=n))
    title = f"{name} on {family} after {result.settings.steps} steps"
    return pages.figure_view(single(result, family, name), "f-static", title, title)["svg"]
