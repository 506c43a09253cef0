"""The report: data (`experiment`), figures, tables and one HTML page (`render`), and the folder they go to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from l2o import InputError
from l2o._files import write_bytes
from verification.report._partial import EXTRAS
from verification.report.config import ReportConfig, load_report_config
from verification.report.experiment import FORMAT, Progress, run_report

__all__ = [
    "Progress",
    "ReportConfig",
    "load_report_config",
    "make_report",
    "read_results",
    "render_report",
    "run_report",
]

_PARTS = ("title", "quick", "provenance", "config", "problems", "bounds", "catalogue", "worst_cases", "runs", *EXTRAS)


def read_results(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The results.json of a report folder, or one clear error."""
    path = Path(folder) / "results.json"
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; make a report there first (l2obound report --out DIR).") from None
    except (OSError, ValueError) as problem:
        raise InputError(f"{path}: cannot be read ({problem}); make the report again.") from None
    if not isinstance(results, dict) or results.get("format") != FORMAT or not set(_PARTS) <= set(results):
        raise InputError(f"{path}: not the results of this version of the report (format {FORMAT}); make it again.")
    return results


def render_report(results: dict[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Write report.html, figures/*.svg, figures/*.pdf and tables/*.csv from results; nothing is run.

    No other file is touched. Equal results give equal bytes.
    """
    from verification.report.csv_files import write_tables
    from verification.report.render import render  # matplotlib is slow to import

    folder = Path(folder)
    page, files = render(results)
    write_tables(results, folder / "tables")
    for name, data in files.items():
        write_bytes(folder / "figures" / name, data)
    return write_bytes(folder / "report.html", page.encode("utf-8"))


def make_report(
    config: ReportConfig,
    folder: str | os.PathLike[str],
    *,
    quick: bool = False,
    command: str = "l2obound report",
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Path, dict[str, Any]]:
    """Run the report, write results.json, figures, tables and the page to `folder`; return the page and the results."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InputError(f"{folder}: cannot be used as the report's folder ({problem.strerror}).") from None
    results = run_report(config, folder, quick=quick, command=command, progress=progress)
    write_bytes(folder / "results.json", (json.dumps(results, allow_nan=False) + "\n").encode())
    return render_report(results, folder), results
