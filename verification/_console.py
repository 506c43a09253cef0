"""Where the command line writes: results to standard output, errors and progress to standard error."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

errors = Console(stderr=True)
console = Console()


def progress_bar() -> Progress:
    """A bar with what is done, how much of it, and for how long."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    return Progress(*columns, TimeElapsedColumn(), console=errors)
