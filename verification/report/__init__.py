"""The report: data (`experiment`), figures, tables and one HTML page (`render`), and the folder they go to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...l2o import InputError
from ...l2o.runs.run import Run
from ...l2o.support.files import read_json
from ..support.paper_styles import drawn_in
from ..support.together import unfinished, write_together
from ._extras import EXTRAS
from .config import ReportConfig, load_report_config
from .experiment import FORMAT, SEAL, Progress, digest_of, run_report
from .own_runs import report_runs

__all__ = [
    "Progress",
    "ReportConfig",
    "load_report_config",
    "make_report",
    "read_results",
    "render_report",
    "report",
    "report_runs",
    "run_report",
    "unfinished",
]

_PARTS = (
    "title", "quick", "provenance", "config", "problems", "bounds", "catalogue", "worst_cases", "runs", *EXTRAS,
)  # fmt: skip
_INSTEAD = "make the report again (l2obound report --out DIR)"


def report(source: ReportConfig | Mapping[str, Run | Sequence[Run]], *args: Any, **options: Any) -> tuple[Path, dict]:
    """A report as a page, results.json, tables and figures: of runs of yours, or of what a configuration names.

    `report({"mine": run, "FISTA": other}, problem, out="report")` is `report_runs`, and `report(config, folder)` is
    `make_report`.

    Args:
        source: Runs by name, or a `ReportConfig`.
        *args: The further arguments of `report_runs`, or of `make_report`.
        **options: Their options.

    Returns:
        The path of the page, and the results.

    Raises:
        InputError: Where `source` is neither, and as these two say.
    """
    if isinstance(source, ReportConfig):
        return make_report(source, *args, **options)
    if isinstance(source, Mapping):
        return report_runs(source, *args, **options)
    raise InputError(
        f'report: expected runs by name, as in {{"mine": run}}, or a ReportConfig, got {type(source).__name__}.'
    )


def read_results(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The results.json of a report folder as they were written, to the digit; or one clear error."""
    path = Path(folder) / "results.json"
    if not path.exists():
        raise InputError(f"{path}: no such file; make a report there first (l2obound report --out DIR).")
    results = read_json(path, "the results of a report", _INSTEAD)
    if not isinstance(results, dict) or results.get("format") != FORMAT or not set(_PARTS) <= set(results):
        raise InputError(f"{path}: not the results of this version of the report (format {FORMAT}); make it again.")
    if results.get(SEAL) != digest_of(results):
        raise InputError(f"{path}: damaged, or changed since it was written (its checksum is another); {_INSTEAD}.")
    return results


def _files(results: dict[str, Any]) -> dict[str, bytes]:
    """Tables, figures and page by their names in the folder."""
    from .csv_files import tables
    from .render import render  # matplotlib is slow to import

    page, figures = render(results)
    made = {f"tables/{name}": data for name, data in tables(results).items()}
    made |= {f"figures/{name}": data for name, data in figures.items()}
    return made | {"report.html": page.encode("utf-8")}


def render_report(results: dict[str, Any], folder: str | os.PathLike[str], *, style: str | None = None) -> Path:
    """Write report.html, figures/*.svg, figures/*.pdf, tables/*.csv and tables/*.tex from results; nothing is run.

    No other file is touched. Equal results in one style give equal bytes. Everything is made before the first file is
    written; while they are written a file UNFINISHED.txt says so.

    Args:
        results: As `read_results` gives them.
        folder: Where the files go.
        style: For which place figures are sized: "none", "neurips", "icml" or "beamer"; None is the current style.

    Returns:
        The path of the page.

    Raises:
        InputError: There is no such style.
    """
    with drawn_in(style):
        write_together(folder, _files(results))
    return Path(folder) / "report.html"


def make_report(
    config: ReportConfig,
    folder: str | os.PathLike[str],
    *,
    quick: bool = False,
    command: str = "l2obound report",
    progress: Callable[[Progress], None] | None = None,
    style: str | None = None,
) -> tuple[Path, dict[str, Any]]:
    """Run the report and write results.json, figures, tables and the page.

    The files that are there stay as they are until all new ones are made; see `render_report`.

    Args:
        config: What is run, from `load_report` or `ReportConfig`.
        folder: Where the files go; made where there is none.
        quick: Whether sizes are cut down, for a look.
        command: What the page says it was made with.
        progress: Called as the work proceeds.
        style: For which place figures are sized, as in `render_report`.

    Returns:
        The path of the page, and the results.

    Raises:
        InputError: If the folder cannot be used, there is no such style, or data of the configuration are missing.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InputError(f"{folder}: cannot be used as the report's folder ({problem.strerror}).") from None
    with drawn_in(style):  # an unknown style is an error before the runs
        results = run_report(config, folder, quick=quick, command=command, progress=progress)
        text = json.dumps(results, allow_nan=False) + "\n"
        write_together(folder, {"results.json": text.encode(), **_files(results)})
    return folder / "report.html", results
