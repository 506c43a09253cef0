"""What is read out of the results of `measure_searches.py`, a function for each value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from . import shown, table

Results = Mapping[str, Any]
MODELS = {"go-math-l2o": "GO-Math-L2O", "l2o-pa": "L2O-PA"}


def _worst(results: Results) -> str:
    """The table of the worst runs that a search met."""
    rows = []
    for row in results["rows"]:
        share = f"{math.floor(1e4 * row['share']) / 1e4:.4g}"  # rounded down: it never is the whole bound
        rows.append([MODELS[row["method"]], str(row["steps"]), share, *(shown(row[n], ".1e") for n in ("gap", "rho"))])
    return table(["", "K", "share of B6c that is used", "F(x_K) - F\\* over L R²/(4K)", "rho_k"], rows)


SEARCHES: dict[str, Callable[[Results], Any]] = {
    "evaluations": lambda r: r["evaluations"],
    "violated": lambda r: sum(row["violated"] for row in r["rows"]),
    "worst": _worst,
}
