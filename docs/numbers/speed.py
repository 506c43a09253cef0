"""What is read out of the tables of bench_speed.py and bench_beside.py, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import shown, table

Results = Mapping[str, Any]

LABELS = {"ista": "ISTA", "fista": "FISTA", "l2o-pa": "L2O-PA", "go-math-l2o": "GO-Math-L2O"}
FAMILIES = {"lasso": "LASSO", "logistic": "l1-logistic"}
KERNELS = {"avx512": "AVX-512", "avx2": "AVX2", "generic": "128 bits", "0": "plain torch"}


def _size(row: Results) -> str:
    return row["size"].replace("x", " x ")


def _seconds(results: Results, size: str, method: str, family: str, kernel: str) -> float:
    rows = results["training"]
    keys = {"size": size, "method": method, "family": family, "kernel": kernel}
    return next(row["seconds"] for row in rows if all(row[key] == value for key, value in keys.items()))


def _training(results: Results) -> str:
    """A row for each size, family and method: ours, plain torch, their ratio, and the floor."""
    lines = []
    for row in results["training"]:
        if row["kernel"] != "1":
            continue
        plain = _seconds(results, row["size"], row["method"], row["family"], "0")
        floor = shown(row["floor"], "#.2g") if row["method"] == "go-math-l2o" else ""
        numbers = (shown(row["seconds"], "#.2g"), shown(plain, "#.2g"), shown(plain / row["seconds"], ".1f"), floor)
        lines.append([f"{FAMILIES[row['family']]} {_size(row)}, {LABELS[row['method']]}", *numbers])
    return table(["problem, model", "compiled, s", "plain torch, s", "ratio", "multiplications alone, s"], lines)


def _instructions(results: Results) -> str:
    """Seconds of a training step of GO-Math-L2O on LASSO with each set of instructions."""
    sizes = list(dict.fromkeys(row["size"] for row in results["training"]))
    lines = [
        [label, *(shown(_seconds(results, size, "go-math-l2o", "lasso", kernel), "#.2g") for size in sizes)]
        for kernel, label in KERNELS.items()
    ]
    return table(["instructions", *(f"{size.replace('x', ' x ')}, s" for size in sizes)], lines)


def _iterations(results: Results) -> str:
    """Milliseconds of an iteration, of the bare method and in `rollout`; of GO-Math-L2O also in iterations of ISTA."""
    lines = []
    cases = dict.fromkeys((row["size"], row["precision"], row["task"]) for row in results["iterations"])
    for size, precision, task in cases:
        times = {
            row["method"]: row["seconds"]
            for row in results["iterations"]
            if (row["size"], row["precision"], row["task"]) == (size, precision, task)
        }
        where = "the method alone" if task == "iteration" else "`l2o.rollout`"
        cells = [shown(1e3 * times[method], "#.2g") for method in LABELS]
        ratio = shown(times["go-math-l2o"] / times["ista"], ".1f")
        lines.append([f"{size.replace('x', ' x ')}, {precision}, {where}", *cells, ratio])
    return table(["LASSO", *(f"{label}, ms" for label in LABELS.values()), "GO-Math-L2O / ISTA"], lines)


def _ratio(size: str, method: str = "go-math-l2o") -> Callable[[Results], float]:
    return lambda results: _seconds(results, size, method, "lasso", "0") / _seconds(results, size, method, "lasso", "1")


SPEED: dict[str, Callable[[Results], Any]] = {
    "training": _training,
    "instructions": _instructions,
    "iterations": _iterations,
    "ratio_small": _ratio("20x40"),
    "ratio_large": _ratio("250x500"),
}


def _beside(rows: Results) -> str:
    """Milliseconds of CPU and wall time of each task, alone and beside other work, before and now."""
    lines = []
    words = {"step": "a bare step", "rollout": "an iteration of `rollout`", "training": "an update of a training"}
    for task, method, batch in dict.fromkeys((row["task"], row["method"], row["batch"]) for row in rows):
        cells = []
        for beside in (False, True):
            for version in ("before", "now"):
                keys = (version, beside, task, method, batch)
                row = next(
                    r for r in rows if (r["version"], r["beside"] > 0, r["task"], r["method"], r["batch"]) == keys
                )
                cells.append(f"{shown(1e3 * row['cpu'], '#.2g')} / {shown(1e3 * row['wall'], '#.2g')}")
        lines.append([f"{words[task]}, {LABELS[method]}, {batch} instances", *cells])
    head = ["", "alone, before", "alone, now", "beside other work, before", "beside other work, now"]
    return table(head, lines)


def _dearer(rows: Results) -> float:
    """How many times as much CPU time a task takes now beside other work as alone, at most."""
    now = {
        (row["beside"] > 0, row["task"], row["method"], row["batch"]): row["cpu"]
        for row in rows
        if row["version"] == "now"
    }
    return max(now[True, *rest] / cpu for (beside, *rest), cpu in now.items() if not beside)


BESIDE: dict[str, Callable[[Results], Any]] = {
    "times": _beside,
    "others": lambda rows: max(row["beside"] for row in rows),
    "dearer": _dearer,
}
