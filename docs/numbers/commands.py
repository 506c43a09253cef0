"""What is read out of the results of `measure_commands.py`, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import duration, shown, table

Results = Mapping[str, Any]


def _time(seconds: float) -> str:
    return duration(seconds) if seconds >= 10 else f"{shown(seconds, '.1f')} s"


def _table(results: Results) -> str:
    lines = [[f"`{row['command']}`", _time(row["cpu_seconds"])] for row in results["rows"]]
    return table(["command", "CPU time"], lines)


COMMANDS: Mapping[str, Callable[[Results], Any]] = {"table": _table}
