"""What is read out of the results of the studies, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from . import shown

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]


def _sentences(*words: str) -> Callable[[Results], str]:
    """The sentences of a study that contain any of some words, as a list; the words are in none is an error."""

    def read(results: Results) -> str:
        chosen = [text for text in results["sentences"] if any(word in text for word in words)]
        if not all(any(word in text for text in chosen) for word in words):
            raise ValueError(f"no sentence of the results has all of {words}")
        return "\n".join(f"- {text}" for text in chosen)

    return read


# --- beyond-convex ---------------------------------------------------------------------------------------------------

_EVERYWHERE = ("B1", "B2", "B10")
"""Bounds that need no convexity."""


def _entries(results: Results, convex: bool) -> list[Results]:
    return [entry for entry in results["entries"] if entry["convex"] == convex]


def _held(results: Results, bound: str, word: str, convex: bool = False) -> int:
    """How often a bound has the verdict `word`, or is vacuous, over the entries whose f is (not) convex."""
    return sum(entry["held"][bound][word] for entry in _entries(results, convex))


def _judged(results: Results, bound: str) -> int:
    return sum(_held(results, bound, word) for word in ("verified", "violated", "inconclusive"))


def _tightness(results: Results, bound: str) -> float:
    """The median over the entries."""
    values = [entry["held"][bound]["tightness"] for entry in _entries(results, convex=False)]
    return median(value for value in values if value is not None)


def _without(results: Results, bound: str, convex: bool, shift: float | None = None) -> tuple[int, int]:
    """How many runs violate a bound when its hypothesis of convexity is left out, of how many it then applies to."""
    entries = [e for e in _entries(results, convex) if shift in (None, e["shift"])]
    false = sum(entry["asked"][bound]["false"] for entry in entries)
    return false, false + sum(entry["asked"][bound]["holds"] for entry in entries)


def _example(results: Results, name: str) -> Results:
    return next(entry for entry in results["counterexamples"] if entry["name"] == name)


def _beyond_convex() -> dict[str, Callable[[Results], Any]]:
    values: dict[str, Callable[[Results], Any]] = {
        "runs_not_convex": lambda r: sum(entry["instances"] for entry in _entries(r, convex=False)),
        "runs_convex": lambda r: sum(entry["instances"] for entry in _entries(r, convex=True)),
        "violated": lambda r: sum(entry["held"][bound]["violated"] for entry in r["entries"] for bound in _EVERYWHERE),
        "broken": lambda r: r["broken"],
        "counterexample_gap": lambda r: round(_example(r, "plateau")["gap"][-1], 3),
        "b3_false_from": lambda r: _example(r, "plateau")["first_false"]["B3"],
        "b3_false_from_minimum": lambda r: _example(r, "local minimum")["first_false"]["B3"],
    }
    for bound in _EVERYWHERE:
        values[f"{bound.lower()}_judged"] = lambda r, b=bound: _judged(r, b)
        values[f"{bound.lower()}_vacuous"] = lambda r, b=bound: _held(r, b, "vacuous") / _judged(r, b)
        values[f"{bound.lower()}_tightness"] = lambda r, b=bound: _tightness(r, b)
    for bound in ("B3", "B6", "B6b", "B6c", "B8"):
        key = bound.lower()
        values[f"{key}_false"] = lambda r, b=bound: _without(r, b, convex=False)[0]
        values[f"{key}_asked"] = lambda r, b=bound: _without(r, b, convex=False)[1]
        values[f"{key}_false_s10"] = lambda r, b=bound: _without(r, b, convex=False, shift=10.0)[0]
        values[f"{key}_false_convex"] = lambda r, b=bound: _without(r, b, convex=True)[0]
        values[f"{key}_asked_convex"] = lambda r, b=bound: _without(r, b, convex=True)[1]
    return values


BEYOND_CONVEX = _beyond_convex()


# --- sensitivity -----------------------------------------------------------------------------------------------------

_PERCENT = (10, 25, 50, 75, 90, 99)
"""Relative deviations of the table of costs, in per cent."""


def _cost(results: Results, percent: int) -> Results:
    return next(row for row in results["costs"] if abs(row["rho"] - percent / 100) < 1e-9)


def _checkpoints(results: Results, last: bool) -> list[Results]:
    """The cells of LASSO in distribution of the checkpoints at the first or the last stage."""
    chosen = [c for c in results["checkpoints"] if c["cell"]["family"] == "lasso" and not c["cell"]["shift"]]
    stage = (max if last else min)(c["batches"] for c in chosen)
    return [c["cell"] for c in chosen if c["batches"] == stage]


def _median_of(cells: list[Results], field: str) -> float:
    return round(median(cell[field] for cell in cells if cell[field] is not None), 2)


def _across(results: Results, family: str, shift: float) -> float:
    """The rank correlation of the median deviation of a checkpoint with its log-rate."""
    wanted = (family, shift, "median rho")
    return next(c["value"] for c in results["across"] if (c["family"], c["shift"], c["deviation"]) == wanted)


def _measured(results: Results, percent: int) -> list[Results]:
    """The cells of the patterns of that deviation on which iterations could be compared."""
    cells = [c for c in results["cells"] if c["nominal"] is not None and abs(c["nominal"] - percent / 100) < 1e-9]
    return [cell for cell in cells if cell["factor_worst"] is not None]


def _sensitivity() -> dict[str, Callable[[Results], Any]]:
    values: dict[str, Callable[[Results], Any]] = {
        "lasso_rho_untrained": lambda r: _median_of(_checkpoints(r, last=False), "rho_median"),
        "lasso_rho_trained": lambda r: _median_of(_checkpoints(r, last=True), "rho_median"),
        "lasso_iterations_untrained": lambda r: _median_of(_checkpoints(r, last=False), "factor_median"),
        "lasso_iterations_trained": lambda r: _median_of(_checkpoints(r, last=True), "factor_median"),
    }
    for percent in _PERCENT:
        values[f"guarantee_at_{percent}"] = lambda r, p=percent: _cost(r, p)["guarantee_factor"]
        values[f"worst_smooth_at_{percent}"] = lambda r, p=percent: _cost(r, p)["smooth"]["ratio"]
        values[f"worst_any_at_{percent}"] = lambda r, p=percent: _cost(r, p)["composite"]["ratio"]
    for percent in (10, 50, 90):
        values[f"best_cell_at_{percent}"] = lambda r, p=percent: min(c["factor_median"] for c in _measured(r, p))
        values[f"worst_run_at_{percent}"] = lambda r, p=percent: max(c["factor_worst"] for c in _measured(r, p))
    return values | {
        "checkpoints": lambda r: len(r["checkpoints"]),
        "correlation_quadratic": lambda r: _across(r, "quadratic", 0.0),
        "correlation_quadratic_s10": lambda r: _across(r, "quadratic", 10.0),
        "correlation_lasso": lambda r: _across(r, "lasso", 0.0),
        "correlation_lasso_s10": lambda r: _across(r, "lasso", 10.0),
        "correlation_logistic_s10": lambda r: _across(r, "logistic_l1", 10.0),
    }


SENSITIVITY = _sensitivity()

# --- conditioning ----------------------------------------------------------------------------------------------------


def _causes(results: Results, axis: str, **fields: Any) -> list[str | None]:
    """The cause of each failed run of the default along an axis, None for a run that converged."""
    cells = [c for c in results["cells"] if axis in c["axes"] and c["method"] == "go-math-l2o"]
    cells = [c for c in cells if all(c[name] == value for name, value in fields.items())]
    return [cause for cell in cells for cause in cell["causes"]]


CONDITIONING: dict[str, Callable[[Results], Any]] = {
    "default_failures_along_l": lambda r: sum(cause is not None for cause in _causes(r, "L")),
    "default_runs_along_l": lambda r: len(_causes(r, "L")),
    "default_failures_along_kappa": lambda r: sum(c is not None for c in _causes(r, "kappa", family="quadratic")),
    "grid_points_judged": lambda r: sum(entry["clear"] for entry in r["maps"]),
    "kappa_conditioning": lambda r: r["failures"]["kappa"]["float64"]["conditioning"],
    "kappa_unstable": lambda r: r["failures"]["kappa"]["float64"]["instability"],
    "kappa_unexplained": lambda r: r["failures"]["kappa"]["float64"]["unexplained"],
    "l_unstable": lambda r: r["failures"]["L"]["float64"]["instability"],
    "l_scale": lambda r: r["failures"]["L"]["float64"]["scale"],
    "l_unexplained": lambda r: r["failures"]["L"]["float64"]["unexplained"],
}

# --- drift -----------------------------------------------------------------------------------------------------------

_YARDSTICK = "fista-restart"


def _levels(results: Results, model: str) -> list[Results]:
    """The cells of a model at the practical levels that shift something, where it fits the problem."""
    return [
        c
        for c in results["cells"]
        if c["model"] == model and c["practical"] and not (c["none"] or c["control"] or c["reason"])
    ]


def _excess(results: Results, model: str) -> float:
    """The median excess at the level at which a model loses most, of those at which it is clearly slower."""
    costs = [cell["costs"][0] for cell in _levels(results, model)]
    slower = [c for c in costs if (c["slowdown"]["lower"] or 0.0) > 1] or costs
    intervals = [c["excess"][_YARDSTICK] for c in slower]
    most = max(intervals, key=lambda e: (e["lower"] or 0.0, e["low"] or 0.0))
    return float(f"{most['low']:.3g}")


def _part(results: Results, model: str, term: str) -> float:
    """The median over the practical levels of the part of a term along the deviation."""
    paired = [a for c in _levels(results, model) for a in c["attributions"] if a["choice"] == "paired"]
    return median(a["along"][term] for a in paired if a["along"] is not None)


def _levels_correlation(results: Results, model: str) -> float:
    """The rank correlation of the distance of the features with the excess, over all practical levels."""
    wanted = (model, "", "levels")
    return next(p["value"] for p in results["predictions"] if (p["model"], p["shift"], p["way"]) == wanted)


DRIFT: dict[str, Callable[[Results], Any]] = {
    "excess_go_math_l2o": lambda r: _excess(r, "go-math-l2o"),
    "excess_l2o_pa": lambda r: _excess(r, "l2o-pa"),
    "excess_l2o_dm": lambda r: _excess(r, "l2o-dm"),
    "excess_rnnprop": lambda r: _excess(r, "l2o-rnnprop"),
    "bracket_go_math_l2o": lambda r: _part(r, "go-math-l2o", "bracket"),
    "preconditioner_shift_go_math_l2o": lambda r: _part(r, "go-math-l2o", "pshift"),
    "bias_shift_go_math_l2o": lambda r: _part(r, "go-math-l2o", "bshift"),
    "correlation_go_math_l2o": lambda r: _levels_correlation(r, "go-math-l2o"),
    "correlation_l2o_pa": lambda r: _levels_correlation(r, "l2o-pa"),
    "correlation_ada_lista": lambda r: _levels_correlation(r, "ada-lista"),
    "costs": _sentences("iterations in distribution and loses most under"),
    "yardstick": _sentences("The problems themselves become harder", "as the yardstick in place of", "At eps ="),
    "attribution": _sentences("of the sum of ||e'|| the largest part"),
    "sizes": _sentences("other sizes, each coordinate beside", "divides its features by norms"),
    "features": _sentences("rank correlation of ||Dz||", "Caution for"),
    "bounds": _sentences("bound is violated under any shift"),
    "rivals": _sentences("The paper says that", "the loss of go-math-l2o is"),
}


# --- training-curve --------------------------------------------------------------------------------------------------

TRAINED = {"go-math-l2o": "GO-Math-L2O", "l2o-pa": "L2O-PA"}
"""The models that have long trainings."""
CLASSICAL = {"fista": "FISTA", "optista": "OptISTA"}


def _stage(results: Results, training: str, updates: int | None) -> Results:
    """The row of a stage, or that of the best weights (None)."""
    rows = [row for row in results["rows"] if row["training"] == training]
    if updates is None:
        return next(row for row in rows if row["best"])
    return next(row for row in rows if row["updates"] == updates and not row["best"])


def _cells(row: Results) -> list[str]:
    return [*("–" if k is None else f"{k:,}" for k in row["iterations"]), shown(row["mean_gap"], ".1e")]


def _stages(size: str) -> Callable[[Results], str]:
    """A row for each stage of the trainings at 20 x 40 ("") or another size ("-250x500"), and for classical methods."""

    def table(results: Results) -> str:
        names = [f"{model}-lasso{size}" for model in TRAINED]
        here = [row for row in results["rows"] if row["training"] in names]
        stages = sorted({row["updates"] for row in here if not row["best"]})
        head = ["updates"]
        for label in TRAINED.values():
            head += [f"{label}: to 1e-2", "to 1e-4", "mean gap at k = 100"]
        lines = [head, ["---"] * len(head)]
        for updates in (*stages, None):
            rows = [_stage(results, name, updates) for name in names]
            best = ", ".join(f"{row['updates']:,}" for row in rows)
            first = f"{updates:,}" if updates else f"the best by validation ({best})"
            lines.append([first, *(cell for row in rows for cell in _cells(row))])
        for name, label in CLASSICAL.items():
            row = next(r for r in results["rows"] if r["method"] == name and r["problem"] == here[0]["problem"])
            lines.append([label, *_cells(row), *[""] * 3])
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

    return table


def _sizes(results: Results) -> str:
    """Median iterations to 1e-4 of the best weights of each training in each size."""
    sizes = list(dict.fromkeys(row["problem"] for row in results["carried"]))
    by = {(row["training"] or row["method"], row["problem"]): row["iterations"][1] for row in results["carried"]}
    lines = [["", *(size.partition(" ")[2] for size in sizes)], ["---"] * (len(sizes) + 1)]
    labels = {
        f"{model}-lasso{size}": f"{label}, trained at {words}"
        for model, label in TRAINED.items()
        for size, words in (("", "20 x 40"), ("-250x500", "250 x 500"))
    }
    for name, label in {**labels, **CLASSICAL}.items():
        cells = [by[name, size] for size in sizes]
        lines.append([label, *("more than 100" if k is None else f"{k:,}" for k in cells)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _mean_gap(training: str, method: str = "") -> Callable[[Results], float]:
    """The mean gap of the best weights, or of a classical method on the problem of that training."""

    def read(results: Results) -> float:
        best = _stage(results, training, None)
        if not method:
            return best["mean_gap"]
        return next(r["mean_gap"] for r in results["rows"] if (r["method"], r["problem"]) == (method, best["problem"]))

    return read


def _to_fine(training: str, updates: int | None) -> Callable[[Results], int]:
    return lambda results: _stage(results, training, updates)["iterations"][1]


_GO, _PA = "go-math-l2o-lasso-250x500", "l2o-pa-lasso-250x500"
TRAINING: dict[str, Callable[[Results], Any]] = {
    "instances": lambda r: r["settings"]["batch"],
    "violated": lambda r: sum(row["violated"] for row in (*r["rows"], *r["carried"])),
    "stages_small": _stages(""),
    "stages_large": _stages("-250x500"),
    "sizes": _sizes,
    "go_math_mean": _mean_gap(_GO),
    "l2o_pa_mean": _mean_gap(_PA),
    "fista_mean": _mean_gap(_GO, "fista"),
    "go_math_first": _to_fine(_GO, 150),
    "go_math_last": _to_fine(_GO, 7500),
}
