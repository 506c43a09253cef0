"""What is read out of the results of `l2obound sensitivity`, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from . import table
from .comparisons import three
from .sentences import sentences

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]

_PERCENT = (10, 50, 90)
"""Relative deviations of the table of costs in brief, in per cent."""


def _cost(results: Results, percent: int) -> Results:
    return next(row for row in results["costs"] if abs(row["rho"] - percent / 100) < 1e-9)


def _checkpoints(results: Results, last: bool, family: str = "lasso", shift: float = 0.0) -> list[Results]:
    """The cells of a family and start of the checkpoints at the first or the last stage."""
    here = [c for c in results["checkpoints"] if (c["cell"]["family"], c["cell"]["shift"]) == (family, shift)]
    stage = (max if last else min)(c["batches"] for c in here)
    return [c["cell"] for c in here if c["batches"] == stage]


def _median_of(cells: list[Results], field: str) -> float:
    return round(median(cell[field] for cell in cells if cell[field] is not None), 2)


def _measured(results: Results, rho: float) -> list[Results]:
    """The cells of the patterns of that deviation on which iterations could be compared."""
    cells = [c for c in results["cells"] if c["nominal"] is not None and abs(c["nominal"] - rho) < 1e-9]
    return [cell for cell in cells if cell["factor_worst"] is not None]


def _costs(results: Results) -> str:
    """The table of what a deviation costs: the guarantee, the exact worst case, the runs."""
    rows = []
    for row in results["costs"]:
        cells = _measured(results, row["rho"])
        if row["rho"]:
            best = min((c["factor_median"] for c in cells if c["factor_median"] is not None), default=None)
            worst = max((c["factor_worst"] for c in cells), default=None)
            factors = row["guarantee_factor"], row["smooth"]["ratio"], row["composite"]["ratio"], best, worst
            rows.append([f"{row['rho']:g}", *("–" if f is None else f"×{three(f)}" for f in factors)])
    head = ["ρ", "guarantee B8", "exact worst case, r = 0", "exact worst case, any r"]
    return table([*head, "measured, median of the best cell", "measured, worst run"], rows)


def _correlation(row: Results | None) -> str:
    """A rank correlation of deviation and log-rate with its interval, and what it means if that leaves out 0."""
    if row is None or row["value"] is None:
        return "–"
    interval = "" if row["low"] is None or row["high"] is None else f" [{row['low']:+.2f}, {row['high']:+.2f}]"
    meaning = "not clear" if not row["clear"] else "more ρ, slower" if row["value"] > 0 else "more ρ, faster"
    return f"{row['value']:+.2f}{interval}: {meaning}"


def _training(results: Results) -> str:
    """The table of what training does to the deviation and to the iterations."""
    rows = []
    across = {(c["family"], c["shift"]): c for c in results["across"] if c["deviation"] == "median rho"}
    for family, shift in dict.fromkeys((c["cell"]["family"], c["cell"]["shift"]) for c in results["checkpoints"]):
        first, last = (_checkpoints(results, end, family, shift) for end in (False, True))
        rho, factor = ([_median_of(cells, f) for cells in (first, last)] for f in ("rho_median", "factor_median"))
        rows.append(
            [
                f"{family}, {shift:g}",
                f"{rho[0]:g} → {rho[1]:g}",
                f"×{factor[0]:g} → ×{factor[1]:g}",
                _correlation(across.get((family, shift))),
            ]
        )
    head = ["family, s", "median ρ, first → last stage", "iterations, over exact steps", "correlation"]
    return table(head, rows)


def _instances(results: Results) -> str:
    """The table of the rank correlations of the median deviation of an instance with its log-rate."""
    rows = [
        [row["model"], row["family"], f"{row['shift']:g}", three(row["deviation_median"]), _correlation(row)]
        for row in results["correlations"]
        if row["deviation"] == "median rho"
    ]
    return table(["model", "family", "s", "median ρ", "correlation"], rows)


def _sensitivity() -> dict[str, Callable[[Results], Any]]:
    values: dict[str, Callable[[Results], Any]] = {
        "broken": lambda r: r["broken"],
        "costs": _costs,
        "ends": sentences("cells are inside the region", "Runs end above F(x_0) or diverge on"),
        "training": _training,
        "checkpoints": lambda r: len(r["checkpoints"]),
        "checkpoints_inside": lambda r: sum(c["cell"]["guaranteed"] for c in r["checkpoints"]),
        "checkpoints_diverged": lambda r: sum(bool(c["cell"]["diverged"]) for c in r["checkpoints"]),
        "instances": _instances,
        "lasso_rho_untrained": lambda r: _median_of(_checkpoints(r, last=False), "rho_median"),
        "lasso_rho_trained": lambda r: _median_of(_checkpoints(r, last=True), "rho_median"),
        "lasso_iterations_untrained": lambda r: _median_of(_checkpoints(r, last=False), "factor_median"),
        "lasso_iterations_trained": lambda r: _median_of(_checkpoints(r, last=True), "factor_median"),
    }
    for percent in _PERCENT:
        values[f"guarantee_at_{percent}"] = lambda r, p=percent: _cost(r, p)["guarantee_factor"]
        values[f"worst_smooth_at_{percent}"] = lambda r, p=percent: _cost(r, p)["smooth"]["ratio"]
        values[f"worst_any_at_{percent}"] = lambda r, p=percent: _cost(r, p)["composite"]["ratio"]
        values[f"best_cell_at_{percent}"] = lambda r, p=percent: min(c["factor_median"] for c in _measured(r, p / 100))
        values[f"worst_run_at_{percent}"] = lambda r, p=percent: max(c["factor_worst"] for c in _measured(r, p / 100))
    return values


SENSITIVITY = _sensitivity()
