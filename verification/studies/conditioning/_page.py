"""What is written: the results as JSON, the cells as CSV, and one self-contained page."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ... import pages
from ...pages.text import number
from ...support.together import write_together
from . import _failures, _figure, _sentences
from ._causes import CAUSES
from ._methods import METHODS
from ._run import Conditioning

_LOST = (
    "A triangle at the upper edge of the lower row: a run is lost or ends above F(x_0). Where there is no point in the "
    "upper row, a run is not there after {} steps."
)


def write(result: Conditioning, folder: str | os.PathLike[str]) -> Path:
    """Write conditioning.json, conditioning.csv and conditioning.html, and give back the page's path."""
    folder = Path(folder)
    data = {**result.to_dict(), "sentences": list(_sentences.lines(result))}
    table = pages.csv_table([cell.to_dict() for cell in result.cells])
    files = {"conditioning.json": pages.json_bytes(data), "conditioning.csv": table.encode()}
    write_together(folder, files | {"conditioning.html": render(result).encode()})
    return folder / "conditioning.html"


def render(result: Conditioning) -> str:
    """The page; equal results give equal bytes."""
    settings = result.settings
    contents = {
        "answer": "Answer",
        "failures": "Failures",
        "stability": "Stability",
        "kappa": "Condition number",
        "L": "Size of L",
        "told": "L told wrongly",
        "methods": "Methods",
    }
    return pages.render(
        Path(__file__).parent,
        "template.html",
        title="Conditioning and the size of L",
        contents=contents,
        created=result.created,
        result=result,
        settings=settings,
        sentences=_sentences,
        meaning=_failures.MEANING,
        causes=CAUSES,
        rows=_failures.failures(result),
        by_method=_by_method(result),
        views=_views(result),
        in_words=_failures.in_words(result),
        unexplained=_failures.unexplained(result),
        survivors=[_survivor(s) for s in result.survivors],
        descriptions={name: METHODS[name] for name in settings.methods},
        config=json.dumps(result.to_dict()["settings"], indent=2, ensure_ascii=False),
    )


def _by_method(result: Conditioning) -> list[dict[str, Any]]:
    rows = []
    for name in result.settings.methods:
        chosen = result.select(method=name)
        rows.append({"name": name, "runs": sum(len(c.causes) for c in chosen), **result.failures(chosen)})
    return rows


def _survivor(s: Any) -> dict[str, Any]:
    return {
        "row": s,
        "predicted": _sentences._range(s.predicted, s.none_predicted),
        "observed": _sentences._range(s.observed, s.none_observed),
    }


def _views(result: Conditioning) -> dict[str, Any]:
    settings = result.settings
    drawn = _figure.figures(result)
    lost = _LOST.format(number(settings.steps))
    center = (
        f"kappa = {number(settings.central_kappa)}, L = {number(settings.central_L)}, c = 1 where not said otherwise."
    )
    return {
        "stability": pages.figure_view(
            drawn["stability"],
            "f-stability",
            "Stability: B14 and rollouts",
            "Grids of frozen R L and Q: where rollouts decay and grow, and the boundary that B14 predicts.",
            f"Frozen scalars on quadratics with curvatures from L/kappa to L, {number(settings.map_steps)} steps. "
            "Black: the boundary of B14, drawn from the catalogue. Medians of models: in the row of the nearest B.",
        ),
        "heads": pages.figure_view(
            _figure.heads(result),
            "f-heads",
            "Where the models are",
            "For each model the share of its steps by R L and Q.",
            "A step for each coordinate, of all runs of the model. Frozen coefficients are no proof for varying ones.",
        ),
        "kappa": pages.figure_view(
            drawn["kappa"],
            "f-kappa",
            "Against the condition number",
            "Iterations and the gap at the end against the condition number, in both precisions.",
            f"{lost} {center}",
        ),
        "L": pages.figure_view(
            drawn["L"],
            "f-L",
            "Against the size of L",
            "Iterations and the gap at the end against L, by gradient map and scaling of Q.",
            f"{lost} {center}",
        ),
        "c": pages.figure_view(
            drawn["c"],
            "f-c",
            "Against a wrong L",
            "Iterations and the gap at the end against the factor by which L is told wrongly, by map and scaling of Q.",
            f"{lost} {center}",
        ),
    }
