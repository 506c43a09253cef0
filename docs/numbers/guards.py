"""What is read out of the results of `measure_guards.py`, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import shown, table

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]

MODELS = {"go-math-l2o": "GO-Math-L2O", "l2o-pa": "L2O-PA"}
PLACES = {"in": "in distribution", "start": "start moved", "objective": "objective moved"}
FAILING = {
    "nan": "points that are no numbers",
    "late": "proximal gradient for 6 steps, then no numbers",
    "random": "points that jump",
    "diverging": "points that diverge",
}
FAMILIES = {"lasso": "LASSO", "logistic_l1": "l1-logistic"}
OTHERS = {"fista-restart": "restarted FISTA", "ista": "ISTA"}
_FORMS = ("guarded", "restarted")
_NEVER = 251  # iterations of what is not there after the last step


def _number(value: float) -> str:
    return "–" if value >= _NEVER else shown(value, "g")


def _listed(values: Sequence[float]) -> str:
    return ", ".join(_number(v) for v in values)


def _calls(form: Results) -> str:
    """The calls until each level; those until one that was not reached are of no use."""
    pairs = zip(form["calls"], form["iterations"], strict=True)
    return ", ".join("–" if steps >= _NEVER else shown(calls, "g") for calls, steps in pairs)


def _rows(results: Results, family: str | None = None) -> Iterator[Results]:
    return (row for row in results["guards"] if family in (None, row["family"]))


def _usual(results: Results) -> list[Results]:
    """The rows of models where they work: LASSO in distribution and with a moved start."""
    return [r for r in _rows(results, "lasso") if r["base"] in MODELS and r["place"] != "objective"]


def _row(results: Results, family: str, place: str, base: str) -> Results:
    return next(r for r in _rows(results, family) if (r["place"], r["base"]) == (place, base))


def _models(results: Results) -> str:
    lines = []
    for row in _rows(results, "lasso"):
        if row["base"] not in MODELS or (row["base"], row["place"]) == ("go-math-l2o", "objective"):
            continue
        cells = [f"{_listed(row[form]['iterations'])} ({_calls(row[form])})" for form in _FORMS]
        name = f"{MODELS[row['base']]}, {PLACES[row['place']]}"
        lines.append([name, _listed(row["alone"]["iterations"]), *cells, _listed(row["rival"])])
    return table(["", "alone", "under the guard", "with `restart=True`", "restarted FISTA"], lines)


def _failing(results: Results) -> str:
    """Bases that fail: iterations to 1e-4 over those of restarted FISTA, and the calls of an iteration."""
    lines = []
    for family, word in FAMILIES.items():
        rows = [(FAILING[r["base"]], r) for r in _rows(results, family) if r["base"] in FAILING]
        if family == "lasso":
            rows.append(("L2O-PA, objective moved", _row(results, family, "objective", "l2o-pa")))
        for name, row in rows:
            cells = []
            for form in _FORMS:
                times = row[form]["times"]
                cells.append(f"{times['median'][1]:.2f}, {times['largest'][1]:.2f}")
            found = row["restarted"]
            steps, calls = found["iterations"][1], found["calls"][1]
            parts = (calls - found["guard"][1] - found["values"][1], found["guard"][1], found["values"][1])
            each = ", ".join(f"{part / steps:.2f}" for part in parts)
            lines.append([word, name, *cells, f"{calls / steps:.2f} = {each.replace(', ', ' + ')}"])
    head = ["", "base", "under the guard", "with `restart=True`", "calls of an iteration: base, gradients, values"]
    return table(head, lines)


def _largest_times(level: int, of: str) -> Callable[[Results], float]:
    """The largest median, or the largest of any instance, of iterations over restarted FISTA's where a base fails."""

    def read(results: Results) -> float:
        rows = [row for row in results["guards"] if row["base"] in FAILING]
        rows.append(_row(results, "lasso", "objective", "l2o-pa"))
        return max(row["restarted"]["times"][of][level] for row in rows)

    return read


def _later(results: Results) -> int:
    return max(row[form]["later"] for row in results["guards"] if row["base"] in MODELS for form in _FORMS)


def _added(pick: Callable[[list[float]], float], key: str) -> Callable[[Results], float]:
    def read(results: Results) -> float:
        return pick([v for row in _usual(results) for v in row["guarded"][key]])

    return read


def _regions(results: Results) -> str:
    lines = []
    for family, rows in results["regions"].items():
        lines += [[FAMILIES[family], row["form"], *(_listed(row[place]) for place in PLACES)] for row in rows]
    return table(["", "", *PLACES.values()], lines)


def _to(form: str, level: int = 1, family: str = "lasso") -> Callable[[Results], float]:
    """The median of a form in distribution."""
    return lambda results: next(r for r in results["regions"][family] if r["form"] == form)["in"][level]


def _certificates(results: Results) -> str:
    lines = []
    for row in results["certificates"]["rows"]:
        name = {**MODELS, **OTHERS}[row["optimizer"]]
        cells = [shown(v, ".1e") for pair in row["shares"] for v in pair]
        lines.append([name, "s = 10" if row["moved"] else "in distribution", *cells])
    return table(["optimizer", "start", "true gap, K = 5", "certified", "true gap, K = 50", "certified"], lines)


def _spent(batch: str, pick: Callable[[list[float]], float]) -> Callable[[Results], float]:
    return lambda results: pick(results["certificates"]["milliseconds"][batch])


_PA, _MOVED_PA = "L2O-PA trained in its region", "the shipped L2O-PA moved into it"
GUARDS: Values = {
    "models": _models,
    "missed": lambda r: _row(r, "lasso", "objective", "l2o-pa")["alone"]["missed"],
    "later": _later,
    "least_added": _added(min, "added_calls"),
    "added": _added(max, "added_calls"),
    "gradients": _added(max, "gradients"),
    "most_added": lambda r: max(row["guarded"]["most_added"] for row in _usual(r)),
    "failing": _failing,
    "failing_median": _largest_times(1, "median"),
    "failing_largest": _largest_times(1, "largest"),
    "failing_median_6": _largest_times(2, "median"),
    "budget_low": lambda r: min(r["budgets"]["usual"]),
    "budget_high": lambda r: max(r["budgets"]["usual"]),
    "budget_largest": lambda r: r["budgets"]["largest"][0],
    "budget_runs": lambda r: r["budgets"]["runs"][0],
    "budget_moved": lambda r: r["budgets"]["moved_l2o_pa"][0],
    "median_r": lambda r: r["heads"]["median_r"],
    "inside_go_math_l2o": lambda r: r["heads"]["inside_go_math_l2o"],
    "inside_l2o_pa": lambda r: r["heads"]["inside_l2o_pa"],
    "regions": _regions,
    "pa_energy": _to(_PA),
    "pa_moved": _to(_MOVED_PA),
    "fista": _to("FISTA"),
    "pa_energy_logistic": _to(_PA, family="logistic_l1"),
    "fista_logistic": _to("FISTA", family="logistic_l1"),
    "go_math_energy": _to("GO-Math-L2O trained in its region, 600 updates"),
    "go_math_moved": _to("the shipped GO-Math-L2O moved into it", 0),
    "steps_convex": lambda r: r["rises"]["steps_convex"],
    "rises_convex": lambda r: r["rises"]["rises_convex"],
    "steps_other": lambda r: r["rises"]["steps_other"],
    "rises_other": lambda r: r["rises"]["rises_other"],
    "certificates": _certificates,
    "over": lambda r: r["certificates"]["over"],
    "bounds": lambda r: r["certificates"]["count"],
    "least_32": _spent("32", min),
    "most_32": _spent("32", max),
    "least_192": _spent("192", min),
    "most_192": _spent("192", max),
    "large": _spent("large", max),
    "alone": _spent("1", max),
    "checker": lambda r: r["certificates"]["milliseconds"]["checker"][0] / 1e3,
    "updates": lambda r: r["trained"]["updates"],
    "moved": lambda r: r["trained"]["moved"],
    "updates_logistic": lambda r: r["trained"]["updates_logistic"],
    "before_logistic": lambda r: r["trained"]["before_logistic"],
    "after_logistic": lambda r: r["trained"]["after_logistic"],
}
