"""What is written: the results as JSON, the cells as CSV, and one self-contained page with its figures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ... import pages
from ...pages.text import number, percent
from ...support.together import write_together
from . import _figure, _sentences
from ._measure import Cell
from ._run import RIVALS, YARDSTICKS, Drift
from ._shifts import SHIFTS
from ._words import factor


def write(result: Drift, folder: str | os.PathLike[str]) -> Path:
    """Write drift.json, drift.csv, drift.html and the figures, and give back the page's path."""
    folder = Path(folder)
    data = {**result.to_dict(), "sentences": list(_sentences.lines(result))}
    files = {"drift.json": pages.json_bytes(data), "drift.csv": table(result).encode()}
    for name, figure in figures(result).items():
        files |= pages.figure_files(figure, f"drift-{name}")
    # a figure that has been saved is laid out anew, and slightly otherwise: the page has its own
    write_together(folder, files | {"drift.html": render(result).encode()})
    return folder / "drift.html"


def figures(result: Drift) -> dict[str, Any]:
    """The figures that show the answer, by name."""
    found = {"costs": _figure.costs(result), "attribution": _figure.attributions(result)}
    return {name: drawn for name, drawn in found.items() if drawn is not None}


def table(result: Drift) -> str:
    """A row for each model and level; what there is not is empty."""
    return pages.csv_table([_record(cell) for cell in result.cells])


def _record(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {n: getattr(cell, n) for n in ("model", "shift", "level", "none", "control", "practical")}
    cost, known = cell.cost, cell.attributed
    row |= {"reached": cost and cost.reached, "iterations": cost and cost.iterations, "lost": cell.lost}
    for name in ("slowdown", *YARDSTICKS):
        found = cost and (cost.slowdown if name == "slowdown" else cost.excess[name])
        head = name if name == "slowdown" else f"excess over {name}"
        row |= {f"{head} {end}": found and getattr(found, end) for end in ("low", "high", "lower", "upper")}
    row |= {"rho median": cell.rho_median, "rho largest": cell.rho_largest, "choice": known and known.choice}
    row |= {"dz": known and known.dz}
    for kind in ("share", "along", "size"):
        row |= {f"{kind} {t}": known and getattr(known, kind)[t] for t in ("bracket", "pshift", "bshift")}
    row["bounds"] = [f"{b.number} {b.bound}: {b.verified}/{b.checks}, vacuous {b.vacuous}" for b in cell.bounds]
    row["reason"] = cell.reason
    return row


def render(result: Drift) -> str:
    """The page; equal results give equal bytes."""
    drawn = figures(result)
    attribution = drawn.get("attribution")
    contents = {"answer": "Answer", "costs": "Costs"}
    if attribution is not None:
        contents |= {"attribution": "Attribution", "features": "Features"}
    if result.comparisons:
        contents["rivals"] = "Robustness"
    words = {name: getattr(_sentences, name)(result) for name in (
        "verdict", "family", "costs", "harder", "robustness", "attributions", "coordinates", "features", "rivals",
        "moved", "left_out", "headline",
    )}  # fmt: skip
    return pages.render(
        Path(__file__).parent,
        "template.html",
        title="Shifts of the distribution",
        contents={**contents, "bounds": "Bounds", "numbers": "Numbers", "methods": "Methods"},
        created=result.created,
        result=result,
        settings=result.settings,
        words=words,
        confidence=_sentences.confidence(),
        costs_view=pages.figure_view(
            drawn["costs"],
            "f-costs",
            "What each level costs",
            "A panel for each shift: iterations of each model relative to in distribution and to the yardstick.",
            f"Iterations to {result.settings.eps[0]:g} of the initial gap, over those in distribution, over the same "
            f"ratio of {YARDSTICKS[0]}: medians and 95 % intervals. Above 1 the model loses more than the problem "
            "became harder. Open triangles: at least. Grey band: in distribution; ochre band: the control.",
        ),
        attribution_view=None
        if attribution is None
        else pages.figure_view(
            attribution,
            "f-attribution",
            "What the deviations are made of",
            "Stacked bars for each level: shares of the bracket, the preconditioner shift and the bias shift.",
            "Shares of the sum of the three norms, means over steps and instances, step by step beside the paired run "
            "in distribution; hatched: coordinate by coordinate, where the number of variables differs. Framed: the "
            "control, two draws of one distribution. In distribution itself all is bracket.",
        ),
        shifts=[_shift(result, name) for name in result.settings.shifts],
        rivals=RIVALS,
        comparisons=[_comparison(c) for c in (*result.overall, *result.comparisons)],
        predictions=[p for p in result.predictions if p.value is not None],
        yardsticks=YARDSTICKS,
        config=json.dumps(result.to_dict()["settings"], indent=2, ensure_ascii=False),
    )


def _comparison(c: Any) -> list[str]:
    share = "–" if c.share is None else f"{percent(c.share[0])} to {percent(c.share[1])}"
    where = f"{c.shift} {c.level}{' (control)' if c.control else ''}"
    return [
        where, f"{c.less} / {c.more} / {c.open}", share, factor(c.ratio), c.verdict,
        factor(c.ratio_there), c.faster,
    ]  # fmt: skip


def _shift(result: Drift, name: str) -> dict[str, Any]:
    rows = [_row(c, result.settings.batch) for c in result.select(shift=name)]
    return {"name": name, "words": SHIFTS[name].words, "rows": rows}


def _row(cell: Cell, batch: int) -> list[str]:
    mark = " (none)" if cell.none else " (control)" if cell.control else ""
    if not cell.applies:
        return [f"{cell.level}{mark}", cell.model, "not applicable", *["–"] * 8]
    cost, a = cell.cost, cell.attributed
    split = "–" if a is None else " / ".join(percent(v) for v in a.share.values())
    along = "–" if a is None else " / ".join(percent(v) for v in a.along.values())
    says = (
        "–" if not cell.bounds else ", ".join(f"{b.number}: {b.verified - b.vacuous}/{b.checks}" for b in cell.bounds)
    )
    return [
        f"{cell.level}{mark}", cell.model, number(cost.iterations), f"{cost.reached}/{batch}",
        factor(cost.slowdown), *(factor(v) for v in cost.excess.values()),
        f"{number(cell.rho_median)} / {number(cell.rho_largest)}", number(a and a.dz), split, along, says,
    ]  # fmt: skip
