"""Running an experiment: its sweep, what comes of it in numbers, and the files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ....l2o.support.files import write_bytes
from ...pages.figure_export import file_bytes
from ...report.methods import LABELS
from ...support.plain import plain
from ...support.provenance import versions
from ...sweeps import Status, Summary, SweepConfig, Tables, run_sweep
from ...sweeps.measure import eps_name
from .config import Experiment, load_experiment, sweep_of
from .figure import draw
from .page import write_page

HOLDS, FAILS, MIXED, OPEN = "holds", "fails", "mixed", "open"
_SHOWN = (10, 100, 1000, 5000)  # steps whose mean gaps are tabulated, and the last one


@dataclass(frozen=True)
class Result:
    """What came of an experiment: its numbers as plain JSON, its folder, and the summary of its sweep."""

    numbers: dict[str, Any]
    folder: Path
    summary: Summary


def run_experiment(
    figure: int,
    out: str | os.PathLike[str],
    *,
    full: bool = False,
    authors_training: bool = False,
    data: str | None = None,
    device: str = "cpu",
    overrides: Mapping[str, Any] | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    retry_failed: bool = False,
    progress: Callable[[Status], None] | None = None,
) -> Result:
    """Run the experiment behind `figure`, or what of it is not in `out` yet, and write `out`/figure-NN and the page.

    All figures share the cells in `out`/store. See `sweep_of` for the options that change what is run.
    """
    experiment = load_experiment(figure)
    config = sweep_of(
        experiment, full=full, authors_training=authors_training, data=data, device=device, overrides=overrides
    )
    out, folder = Path(out), Path(out) / f"figure-{figure:02d}"
    summary = run_sweep(
        config,
        out / "store",
        jobs=jobs,
        scheduler=scheduler,
        retry_failed=retry_failed,
        tables=folder,
        progress=progress,
    )
    numbers = evaluate(experiment, config, summary.tables)
    numbers["settings"] = {"full": full, "authors_training": authors_training, "data": data, "versions": versions()}
    drawn = draw(numbers)
    for kind in ("svg", "pdf"):
        write_bytes(folder / f"figure.{kind}", file_bytes(drawn, kind))
    # Last: the page shows the folders that have it, and one that was interrupted is not to stand in its way.
    write_bytes(folder / "result.json", (json.dumps(numbers, indent=1) + "\n").encode())
    write_page(out)
    return Result(numbers, folder, summary)


def evaluate(experiment: Experiment, config: SweepConfig, tables: Tables) -> dict[str, Any]:
    """The lines of every panel, and what becomes of the claims; plain JSON, None for what does not exist."""
    curves: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    rows: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for store, table in ((curves, tables.curves), (rows, tables.table)):
        for row in table.to_pylist():
            store.setdefault(_place(experiment, row), []).append(row)
    labels = {m.key: m.label for m in config.model if m.label}
    lines = []
    for cell in tables.cells.to_pylist():
        place = _place(experiment, cell)
        entry = {
            "panel": place[0],
            "line": list(place[1:]),
            "label": labels.get(cell["optimizer"]) or LABELS.get(cell["optimizer"], cell["optimizer"]),
            "method": cell["method"],
            "status": cell["status"],
            "error": cell["error"],
        }
        if cell["status"] == "done":
            entry |= _line(curves[place], rows[place], config.eps)
        lines.append(entry)
    return {
        "figure": experiment.figure,
        "title": experiment.title,
        "shows": experiment.shows,
        "departs": list(experiment.departs),
        "panel": experiment.panel,
        "fields": list(experiment.line),
        "eps": list(config.eps),
        "fixed": dict(config.fixed),
        "lines": lines,
        "claims": [c for pair in experiment.pairs() for c in _claims(experiment, pair, lines)],
    }


def _place(experiment: Experiment, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row[experiment.panel] if experiment.panel else None, *(row[name] for name in experiment.line))


def _line(curve: list[dict[str, Any]], rows: list[dict[str, Any]], eps: tuple[float, ...]) -> dict[str, Any]:
    curve = plain(curve)  # the gap of a start outside the domain is inf, which no figure shows
    last = curve[-1]["k"]
    at = {row["k"]: row["mean"] for row in curve}
    steps = [_nearest(at, wanted) for wanted in _SHOWN if wanted < last]
    diverged_at = [row["diverged_at"] for row in rows if row["diverged_at"] is not None]
    reached = {name: _reached([row[f"reached_{name}"] for row in rows]) for name in map(eps_name, eps)}
    return {
        "instances": len(rows),
        "curve": {name: [row[name] for row in curve] for name in ("k", "mean", "median", "q10", "q90", "diverged")},
        "mean_gap": {str(k): at[k] for k in dict.fromkeys([*steps, last])},
        "diverged": len(diverged_at),
        "diverged_first": min(diverged_at, default=None),
        "reached": reached,
    }


def _nearest(steps: Iterable[int], wanted: int) -> int:
    return min(steps, key=lambda k: abs(k - wanted))


def _reached(steps: list[int | None]) -> dict[str, Any]:
    """The share of instances that reach it, and the median number of steps; None where fewer than half do."""
    counts = [k for k in steps if k is not None]
    ordered = np.sort([np.inf if k is None else k for k in steps])
    median = float(ordered[(len(ordered) - 1) // 2])
    return {"share": len(counts) / len(steps), "median": median if np.isfinite(median) else None}


def _claims(experiment: Experiment, pair: tuple[str, str], lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claim A < B in every panel: for each eps the median steps of both, and the word that follows from them."""
    place = experiment.line.index("optimizer")
    claims = []
    for one in (e for e in lines if e["line"][place] == pair[0]):
        rest = [v for i, v in enumerate(one["line"]) if i != place]
        for other in lines:
            same = [v for i, v in enumerate(other["line"]) if i != place] == rest and other["panel"] == one["panel"]
            if other["line"][place] == pair[1] and same:
                claims.append(
                    {"claim": f"{pair[0]} < {pair[1]}", "panel": one["panel"], "line": rest, **_held(one, other)}
                )
    return claims


def _held(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    if "reached" not in one or "reached" not in other:
        return {"word": OPEN, "steps": {}, "why": one["error"] or other["error"] or "not run"}
    steps = {e: (one["reached"][e]["median"], other["reached"][e]["median"]) for e in one["reached"]}
    signs = {_sign(a, b) for a, b in steps.values() if not (a is None and b is None)}
    word = OPEN if not signs else HOLDS if signs == {-1} else FAILS if -1 not in signs else MIXED
    return {"word": word, "steps": {e: list(pair) for e, pair in steps.items()}, "why": None}


def _sign(a: float | None, b: float | None) -> int:
    one, other = (np.inf if v is None else v for v in (a, b))
    return int(np.sign(one - other)) if one != other else 0
