"""What is read out of the benchmark of worst cases with closed forms, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import shown, table

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]

LABELS = {"gradient": "gradient", "proximal_gradient": "proximal gradient"}


def _time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "–"
    return shown(milliseconds, ",.0f" if milliseconds >= 10 else ".1f")


def _error(error: float | None) -> str:
    return "–" if error is None else shown(error, ".0e")


def _table(results: Results) -> str:
    """A row for each method and number of steps; without PEPit and the certificate where there are very many."""
    lines = []
    for method, label in LABELS.items():
        rows = [row for row in (*results["rows"], *results["large"]) if row["method"] == method]
        for row in rows:
            errors = [_error(row.get(name)) for name in ("error", "pepit_error")]
            ratio = shown(row["ratio"], ".0f") if row.get("ratio") is not None else "–"
            times = [_time(row.get(name)) for name in ("ours", "pepit", "bounds", "certificate")]
            name = f"{label}, K = {row['K']}" if row is rows[0] else f"K = {row['K']}"
            lines.append([name, *times[:2], ratio, *errors, *times[2:]])
    head = ["question", "ours, ms", "PEPit, ms", "ratio", "relative error, ours", "PEPit", "rigorous bounds, ms"]
    return table([*head, "certificate, ms"], lines)


CLOSED_FORMS: Values = {
    "table": _table,
    "ratio_five": lambda r: min(row["ratio"] for row in r["rows"] if row["K"] >= 5),
}
