"""What is read out of the results of `l2obound conditioning`, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from . import shown, table
from .comparisons import three
from .sentences import saying, sentences

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]


def _causes(results: Results, axis: str, **fields: Any) -> list[str | None]:
    """The cause of each failed run of the default along an axis, None for a run that converged."""
    cells = [c for c in results["cells"] if axis in c["axes"] and c["method"] == "go-math-l2o"]
    cells = [c for c in cells if all(c[name] == value for name, value in fields.items())]
    return [cause for cell in cells for cause in cell["causes"]]


def _powers(value: float) -> str:
    """A value of an axis: 0.7, 100, 1e5."""
    return shown(value, "g" if value < 1e4 else ".0e")


def _sizes_of_l(results: Results) -> str:
    """The table of which configurations depend on L, in each precision."""
    names = dict.fromkeys(entry["name"] for entry in results["invariances"])
    by = {(entry["name"], entry["dtype"]): entry for entry in results["invariances"]}
    floats = ("float64", "float32")
    return table(["", *floats], [[name, *(_seen(by[name, dtype]) for dtype in floats)] for name in names])


def _seen(entry: Results) -> str:
    if not entry["blind"]:
        return "depends on L"
    ends = f"{_powers(entry['exact_from'])} to {_powers(entry['exact_to'])}"
    exact = "" if entry["exact_from"] == entry["exact_to"] else f"; equal bit by bit for L from {ends}"
    return f"up to {three(entry['roundings'])} units of rounding{exact}"


_CONSTANTS = {
    "step_above": "the constant in the step, above L =",
    "features_below": "the constant in the features, below L =",
    "divisor_above": "the divisor r + 10⁻²⁰ of the standard and the recurrent map, from about L =",
    "squares_overflow_above": "squares of features overflow above L =",
    "squares_underflow_below": "squares of features underflow below L =",
}


def _constants(results: Results) -> str:
    """The table of the L at which constants against division by zero matter."""
    floats = ("float64", "float32")
    rows = [[words, *(shown(results["guards"][d][name], ".2g") for d in floats)] for name, words in _CONSTANTS.items()]
    return table(["", *floats], rows)


def _along_kappa(results: Results) -> str:
    """The table of the condition numbers up to which each method converges, in float64."""
    families, rows = results["settings"]["families"], []
    for method in results["settings"]["methods"]:
        cells = [c for c in results["cells"] if "kappa" in c["axes"] and c["dtype"] == "float64"]
        row = [method]
        for family in families:
            here = [c for c in cells if (c["method"], c["family"]) == (method, family)]
            row.append(_up_to(sorted(here, key=lambda c: c["kappa"])))
        rows.append(row)
    return table(["", *families], rows)


def _up_to(cells: list[Results]) -> str:
    """Up to which condition number all runs converge, with the median of the steps there."""
    first = next((i for i, c in enumerate(cells) if c["failed"]), len(cells))
    if not first:
        return "not all runs at 1"
    last = cells[first - 1]
    ends = "all" if first == len(cells) else f"up to {_powers(last['kappa'])}"
    return f"{ends} ({median(last['iterations']):,.0f} steps at {_powers(last['kappa'])})"


_COMPARED = ("go-math-l2o", "random weights", "l2o-pa", "gradient step", "fista-restart")
"""The methods that run with their own gradient map."""


def _declared(results: Results) -> str:
    """The table of the c at which the runs of a method converge, and those at which one is unstable."""
    rows = []
    for method in _COMPARED:
        for family in results["settings"]["families"]:
            cells = [
                c
                for c in results["cells"]
                if "c" in c["axes"] and (c["method"], c["family"], c["dtype"]) == (method, family, "float64")
            ]
            there = sorted(c["c"] for c in cells if not c["failed"])
            unstable = sorted(c["c"] for c in cells if "instability" in c["causes"])
            rows.append([method, family, *(", ".join(map(_powers, cs)) or "none" for cs in (there, unstable))])
    return table(["", "problems", "all runs converge at c =", "a run is unstable at c ="], rows)


def _frozen(results: Results) -> str:
    """The table of the c that B14 calls stable for frozen scalars, and what rollouts show."""
    kappa = max(results["settings"]["map_kappas"])
    rows = [
        [
            entry["name"],
            *(three(entry[name]) for name in ("r", "q", "b")),
            *(_range(entry[of], entry[f"none_{of}"]) for of in ("predicted", "observed")),
        ]
        for entry in results["survivors"]
        if entry["kappa"] == kappa
    ]
    return table([f"κ = {_powers(kappa)}", "RL", "Q", "B", "stable for c, by B14", "in rollouts"], rows)


def _range(ends: list[float | None], none: bool) -> str:
    low, high = ends
    words = [word for word, end in ((f"from {three(low)}", low), (f"to {three(high)}", high)) if end is not None]
    return "none" if none else " ".join(words) or "all tried"


def _failures(results: Results) -> str:
    """The table of all failures, by axis, precision and cause."""
    rows = []
    for axis, by_floats in results["failures"].items():
        for floats, causes in by_floats.items():
            cells = [c for c in results["cells"] if axis in c["axes"] and c["dtype"] == floats]
            if floats == "float64" or axis in ("kappa", "L"):
                failed, runs = sum(causes.values()), sum(len(c["causes"]) for c in cells)
                rows.append([axis, floats, f"{failed} of {runs}", *map(str, causes.values())])
    return table(["axis", "floats", "runs that fail", *results["failures"]["kappa"]["float64"]], rows)


CONDITIONING: dict[str, Callable[[Results], Any]] = {
    "broken": lambda r: len(r["broken"]),
    "map_disagreements": lambda r: sum(len(entry["disagreements"]) for entry in r["maps"]),
    "answers": sentences("The size of L ", "Condition numbers from", "the factors {", "Stability: "),
    "size_of_l_matters": saying("The size of L does matter"),
    "default_failures_along_l": lambda r: sum(cause is not None for cause in _causes(r, "L")),
    "default_unstable_along_kappa": lambda r: _causes(r, "kappa").count("instability"),
    "default_unstable_below_1": lambda r: sum(
        _causes(r, "c", c=c).count("instability") for c in r["settings"]["cs"] if c < 1
    ),
    "sizes": _sizes_of_l,
    "constants": _constants,
    "condition_numbers": _along_kappa,
    "precision": sentences("Precision: "),
    "declared": _declared,
    "frozen": _frozen,
    "failures": _failures,
    "unexplained": sentences("not explained: "),
}
