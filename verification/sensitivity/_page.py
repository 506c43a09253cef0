"""What is written: the results as JSON, the cells as CSV, and one self-contained page."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

import verification.report
from l2o._files import write_bytes
from verification.report._format import number
from verification.report.figures import file_bytes, inline_svg
from verification.sensitivity import _sentences
from verification.sensitivity._figure import figure
from verification.sensitivity._patterns import DESCRIPTIONS
from verification.sensitivity._run import Sensitivity

_HERE = Path(__file__).parent
_STYLE = Path(verification.report.__file__).parent / "style.css"


def write(result: Sensitivity, folder: str | os.PathLike[str]) -> Path:
    """Write sensitivity.json, sensitivity.csv and sensitivity.html, and give back the page's path."""
    folder = Path(folder)
    data = {**result.to_dict(), "sentences": list(_sentences.lines(result))}
    write_bytes(
        folder / "sensitivity.json", (json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()
    )
    write_bytes(folder / "sensitivity.csv", table(result).encode())
    return write_bytes(folder / "sensitivity.html", render(result).encode())


def table(result: Sensitivity) -> str:
    """A row for each cell; lists are joined by spaces, and what there is not is empty."""
    rows = [cell.to_dict() for cell in result.cells]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        shown = {k: "" if v is None else v for k, v in row.items()}
        shown["iterations"] = " ".join("-" if v is None else str(v) for v in row["iterations"])
        shown["broken"] = "; ".join(row["broken"])
        writer.writerow(shown)
    return text.getvalue()


def render(result: Sensitivity) -> str:
    """The page; equal results give equal bytes."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    settings = result.settings
    return environment.get_template("template.html").render(
        result=result,
        settings=settings,
        style=Markup(_STYLE.read_text(encoding="utf-8")),
        verdict=_sentences.verdict(result),
        costs=_sentences.costs(result),
        caution=_sentences.caution(result),
        trained=_sentences.trained(result),
        descriptions=DESCRIPTIONS,
        regions=[_region(result, name) for name in settings.patterns],
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
    svg = file_bytes(figure(result, family), "svg")
    words = f"{title}: a panel for each pattern; B8, exact worst cases and runs against the size of the deviation."
    return {
        "family": family,
        "svg": Markup(inline_svg(svg, f"f-{family}", title, words)),
        "cells": result.select(family=family),
    }
