"""What is read out of the results of docs/examples/schedules.py, a function for each value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from . import shown, table

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]


def _trained(results: Results) -> list[Results]:
    """The rows of schedules, from the largest limit to the smallest."""
    return [row for row in results["rows"] if row["numbers"] is not None]


def _proved(row: Results) -> str:
    """The worst case of a certificate in units of L R², rounded up so that it stays proved."""
    return f"{math.ceil(1e6 * row['certified']) / 1e6:.6f}" if "certified" in row else ""


def _table(results: Results) -> str:
    lines = []
    for row in results["rows"]:
        name = row["name"] if row["numbers"] is None else f"trained, {row['name']}"
        cells = (shown(row["upper"] / results["fista"], "#.4g"), f"{row['log10_share']:.2f}")
        lines.append([name, *cells, f"{row['fista_iterations']:.1f}", _proved(row)])
    head = ["", "exact worst case / FISTA's", "share of the gap", "iterations of FISTA", "proved, in L R²"]
    return table(head, lines)


SCHEDULES: Values = {
    "fista": lambda r: r["fista"],
    "table": _table,
    "least_ratio": lambda r: min(row["ratio"] for row in _trained(r)),
    "most_ratio": lambda r: max(row["ratio"] for row in _trained(r)),
    "lowest_worst": lambda r: _trained(r)[-1]["upper"] / r["fista"],
    "lowest_ratio": lambda r: _trained(r)[-1]["ratio"],
}
