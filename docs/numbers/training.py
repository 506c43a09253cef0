"""What is read out of the results of `l2obound training-curve`, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import shown, table

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]

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


def _stages(problem: str) -> Callable[[Results], str]:
    """A row for each stage of the trainings on a problem, as their names have it, and for classical methods."""

    def read(results: Results) -> str:
        names = [f"{model}-{problem}" for model in TRAINED]
        here = [row for row in results["rows"] if row["training"] in names]
        stages = sorted({row["updates"] for row in here if not row["best"]})
        head = ["updates"]
        for label in TRAINED.values():
            head += [f"{label}: to 1e-2", "to 1e-4", "mean gap at k = 100"]
        lines = []
        for updates in (*stages, None):
            rows = [_stage(results, name, updates) for name in names]
            best = ", ".join(f"{row['updates']:,}" for row in rows)
            first = f"{updates:,}" if updates else f"the best by validation ({best})"
            lines.append([first, *(cell for row in rows for cell in _cells(row))])
        for name, label in CLASSICAL.items():
            row = next(r for r in results["rows"] if r["method"] == name and r["problem"] == here[0]["problem"])
            lines.append([label, *_cells(row), *[""] * 3])
        return table(head, lines)

    return read


def _pairs(size: str, model: str) -> tuple[str, str]:
    """The trainings of a model that differ in their seed."""
    return f"{model}-lasso{size}", f"{model}-lasso{size}-seed-1"


_SIZES = {"": "20 x 40", "-250x500": "250 x 500"}


def _shared_stages(results: Results) -> list[int]:
    """The stages that the trainings with another seed have."""
    return sorted({r["updates"] for r in results["rows"] if r["training"].endswith("-seed-1") and not r["best"]})


def _seeds(results: Results) -> str:
    """Median iterations to 1e-4 of two trainings that differ in their seed, at the stages of both."""
    columns = [(size, model) for size in _SIZES for model in TRAINED]
    head = ["updates", *(f"{TRAINED[model]}, {_SIZES[size]}" for size, model in columns)]
    lines = []
    for updates in _shared_stages(results):
        cells = [[_cells(_stage(results, name, updates))[1] for name in _pairs(*column)] for column in columns]
        lines.append([f"{updates:,}", *(", ".join(pair) for pair in cells)])
    return table(head, lines)


def _seeds_apart(updates: int) -> Callable[[Results], int]:
    """By how many iterations to 1e-4 the two seeds differ at a stage, at most."""

    def read(results: Results) -> int:
        pairs = [_pairs(size, model) for size in _SIZES for model in TRAINED]
        return max(abs(_to_fine(one, updates)(results) - _to_fine(other, updates)(results)) for one, other in pairs)

    return read


def _sizes(results: Results) -> str:
    """Median iterations to 1e-4 of the best weights of each training in each size."""
    sizes = list(dict.fromkeys(row["problem"] for row in results["carried"]))
    by = {(row["training"] or row["method"], row["problem"]): row["iterations"][1] for row in results["carried"]}
    lines = []
    labels = {
        f"{model}-lasso{size}": f"{label}, trained at {words}"
        for model, label in TRAINED.items()
        for size, words in _SIZES.items()
    }
    for name, label in {**labels, **CLASSICAL}.items():
        cells = [by[name, size] for size in sizes]
        lines.append([label, *("more than 100" if k is None else f"{k:,}" for k in cells)])
    return table(["", *(size.partition(" ")[2] for size in sizes)], lines)


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


def _of_classical(training: str, method: str) -> Callable[[Results], int]:
    """Iterations to 1e-4 of a classical method on the problem of a training."""

    def read(results: Results) -> int:
        problem = _stage(results, training, None)["problem"]
        return next(
            row["iterations"][1] for row in results["rows"] if (row["method"], row["problem"]) == (method, problem)
        )

    return read


_GO, _PA = "go-math-l2o-lasso-250x500", "l2o-pa-lasso-250x500"
_LOGISTIC = "go-math-l2o-logistic_l1-1000x50"
TRAINING: dict[str, Callable[[Results], Any]] = {
    "instances": lambda r: r["settings"]["batch"],
    "violated": lambda r: sum(row["violated"] for row in (*r["rows"], *r["carried"])),
    "stages_small": _stages("lasso"),
    "stages_large": _stages("lasso-250x500"),
    "stages_logistic": _stages("logistic_l1-1000x50"),
    "seeds": _seeds,
    "seeds_apart_first": _seeds_apart(150),
    "seeds_apart_last": _seeds_apart(1200),
    "sizes": _sizes,
    "go_math_mean": _mean_gap(_GO),
    "l2o_pa_mean": _mean_gap(_PA),
    "fista_mean": _mean_gap(_GO, "fista"),
    "go_math_first": _to_fine(_GO, 150),
    "go_math_last": _to_fine(_GO, 7500),
    "logistic_first": _to_fine(_LOGISTIC, 150),
    "logistic_last": _to_fine(_LOGISTIC, 7500),
    "fista_logistic": _of_classical(_LOGISTIC, "fista"),
}
