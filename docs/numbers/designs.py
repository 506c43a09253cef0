"""What is read out of the results of docs/numbers/measure_designs.py, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import shown, table

Results = Mapping[str, Mapping[str, float]]


def _table(results: Results) -> str:
    """A row for each family and method, a column for each number of steps."""
    steps = list(dict.fromkeys(k for values in results.values() for k in values))
    lines = [
        [name, *(shown(values[k], ".6f") if k in values else "–" for k in steps)] for name, values in results.items()
    ]
    return table(["family or method", *(f"K = {k}" for k in steps)], lines)


DESIGNS: dict[str, Callable[[Results], Any]] = {"table": _table}
