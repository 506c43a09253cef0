"""What is read out of the benchmark of worst cases beside PEPit, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import shown, table

Results = Mapping[str, Any]
STEPS = 5
"""The number of steps of the table."""
FASTER = 10.0
"""The number of times that is counted."""


def _rows(results: Results, K: int = STEPS) -> list[Results]:
    return [row for row in results["rows"] if row["K"] == K]


def _compared(results: Results, K: int = STEPS) -> list[Results]:
    return [row for row in _rows(results, K) if row["ratio"] is not None]


def _name(row: Results, results: Results) -> str:
    """An example in words, with the first word of its folder where there are two of a name."""
    folder, _, name = row["example"].partition("/")
    alike = {other["example"] for other in results["rows"] if other["example"].endswith(f"/{name}")}
    return name.replace("_", " ") + (f" ({folder.partition('_')[0]})" if len(alike) > 1 else "")


def _table(results: Results) -> str:
    """A row for each example of PEPit."""
    lines = []
    for row in _rows(results):
        theirs = ["no answer", "", ""]
        if row["ratio"] is not None:
            theirs = [shown(row["pepit"], ",.0f"), shown(row["ratio"], ".1f"), shown(row["differ"], ".0e")]
        state = "closed" if row["closed"] else "open" if row["tight"] else "upper bound"
        lines.append([_name(row, results), shown(row["ours"], ".1f"), *theirs, shown(row["bounds"], ",.0f"), state])
    return table(["example", "ours", "PEPit", "ratio", "values differ by", "bounds", ""], lines)


def _slower(results: Results) -> str:
    """The examples that are not as much faster, the slowest first."""
    rows = sorted((row for row in _compared(results) if row["ratio"] < FASTER), key=lambda row: row["ratio"])
    return "; ".join(f"{_name(row, results)}, {shown(row['ratio'], '.1f')}" for row in rows) or "none"


WORST_CASE_SPEED: dict[str, Callable[[Results], Any]] = {
    "examples": lambda r: len(_rows(r)),
    "compared": lambda r: len(_compared(r)),
    "faster": lambda r: sum(row["ratio"] >= FASTER for row in _compared(r)),
    "least": lambda r: min(row["ratio"] for row in _compared(r)),
    "median": lambda r: sorted(row["ratio"] for row in _compared(r))[len(_compared(r)) // 2],
    "slower": _slower,
    "table": _table,
}
