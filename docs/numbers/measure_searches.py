"""Search for the worst runs of the shipped models.

`python -m docs.numbers run searches FOLDER` calls it, and reads the values for the page.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from l2obound import verification

FILE = "searches.json"
_MODELS = ("go-math-l2o", "l2o-pa")
_LENGTHS = (3, 10)
_EVALUATIONS = 5_000
_GOALS = {
    "share": ("ood_last_iterate", "tightness"),
    "gap": ("ind_rate:exact", "tightness"),
    "rho": ("ood_last_iterate", "deviation"),
}


def _worst(model: str, steps: int) -> dict[str, Any]:
    """The largest values that the searches meet, and whether one of them violates B6c."""
    row: dict[str, Any] = {"method": model, "steps": steps, "violated": False}
    for what, (bound, goal) in _GOALS.items():
        search = verification.falsify(
            bound, model, family="lasso", steps=steps, goal=goal, evaluations=_EVALUATIONS, budget=600.0
        )
        row[what] = search.measured["rho_max"] if goal == "deviation" else search.reached
        row["violated"] |= search.violated and bound == "ood_last_iterate"
    return row


def main(arguments: list[str] | None = None) -> None:
    """Search, and write the file of results."""
    parser = argparse.ArgumentParser(prog="python docs/numbers/measure_searches.py")
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args(arguments).out
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_worst(model, steps) for model in _MODELS for steps in _LENGTHS]
    results = {"evaluations": _EVALUATIONS, "rows": rows}
    (folder / FILE).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
