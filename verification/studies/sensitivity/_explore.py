"""What the interactive panel of the page knows: every cell after every number of steps, as plain numbers."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from ._figure import CEILING, FLOOR
from ._measure import Cell
from ._run import Sensitivity

TRAINED = "trained checkpoints"


def explorer_data(result: Sensitivity) -> dict[str, Any]:
    """`points`, one for each cell and number of steps K; `regions`, the size a pattern's guarantee ends at."""
    points = [p for cell in result.cells for p in _points(cell, cell.pattern, cell.size, "")]
    for c in result.checkpoints:
        points += _points(c.cell, TRAINED, c.cell.rho_median, c.cell.pattern)
    ends = {name: ends["B8"] for name, ends in result.regions.items()}
    return {"points": points, "regions": ends, "trained": TRAINED, "floor": FLOOR, "ceiling": CEILING}


def _points(cell: Cell, pattern: str, x: float, note: str) -> list[dict[str, Any]]:
    shared = {"family": cell.family, "pattern": pattern, "shift": cell.shift, "x": x, "note": note}
    names = ("closed_form", "exact", "exact_reason", "own", "gap")
    return [
        {**shared, "K": at.steps, "guaranteed": cell.guaranteed, **{name: getattr(at, name) for name in names}}
        for at in cell.by_steps
    ]


def script_data(result: Sensitivity) -> Markup:
    """The data as JSON that may stand in a script element: no tag can end in it."""
    text = json.dumps(explorer_data(result), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))
