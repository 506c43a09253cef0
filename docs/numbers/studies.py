"""What is read out of the results of the studies, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from . import listed, shown, table
from .comparisons import three

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]


def _sentences(*words: str) -> Callable[[Results], str]:
    """The sentences of a study that contain any of some words, as a list; words that are in none are an error."""

    def read(results: Results) -> str:
        chosen = [text for text in results["sentences"] if any(word in text for word in words)]
        for word in words:
            if not any(word in text for text in chosen):
                raise ValueError(f"no sentence of the results has {word!r}")
        return listed(chosen)

    return read


def _saying(words: str) -> Callable[[Results], int]:
    """How many sentences of a study contain some words, for what a page says on their condition."""
    return lambda results: sum(words in text for text in results["sentences"])


# --- beyond-convex ---------------------------------------------------------------------------------------------------

_EVERYWHERE = ("B1", "B2", "B10")
"""Bounds that need no convexity."""
_CONVEX_ONLY = ("B3", "B6", "B6b", "B6c", "B8")


def _entries(results: Results, **fields: Any) -> list[Results]:
    return [entry for entry in results["entries"] if all(entry[name] == value for name, value in fields.items())]


def _runs(entries: list[Results]) -> int:
    return sum(entry["instances"] for entry in entries)


def _held(entries: list[Results], bound: str, word: str) -> int:
    """How often a bound has the verdict `word`, or is vacuous."""
    return sum(entry["held"][bound][word] for entry in entries)


def _judged(entries: list[Results], bound: str) -> int:
    return sum(_held(entries, bound, word) for word in ("verified", "violated", "inconclusive"))


def _without(entries: list[Results], bound: str) -> tuple[int, int]:
    """How many runs violate a bound when its hypothesis of convexity is left out, of how many it then applies to."""
    false = sum(entry["asked"][bound]["false"] for entry in entries)
    return false, false + sum(entry["asked"][bound]["holds"] for entry in entries)


def _example(results: Results, name: str) -> Results:
    return next(entry for entry in results["counterexamples"] if entry["name"] == name)


def _share(amount: int, total: int) -> str:
    """A share in per cent, one digit after the point below ten."""
    return shown(amount / total, ".0%" if amount == 0 or amount >= total / 10 else ".1%") if total else "–"


def _survive(results: Results) -> str:
    """The table of the verdicts of the bounds that need no convexity, where f is not convex."""
    bent, rows = _entries(results, convex=False), []
    for bound in _EVERYWHERE:
        judged, vacuous = _judged(bent, bound), _held(bent, bound, "vacuous")
        counts = [f"{_held(bent, bound, word):,}" for word in ("verified", "violated", "inconclusive")]
        tight = [entry["held"][bound]["tightness"] for entry in bent]
        middle = median(value for value in tight if value is not None)
        unit = "run" if bound == "B10" else "step with ρ < 1" if bound == "B2" else "step"
        rows.append([f"{bound}, per {unit}", f"{judged:,}", *counts, _share(vacuous, judged), three(middle)])
    return table(["f not convex", "judged", "verified", "violated", "inconclusive", "vacuous", "tightness"], rows)


def _needed(results: Results) -> str:
    """The table of how often the bounds that need convexity would be false without this hypothesis."""
    bent, flat = _entries(results, convex=False), _entries(results, convex=True)
    far = max(entry["shift"] for entry in bent)
    rows = []
    for bound in _CONVEX_ONLY:
        false, runs = _without(bent, bound)
        at_far, _ = _without(_entries(results, convex=False, shift=far), bound)
        false_convex, runs_convex = _without(flat, bound)
        rows.append([bound, f"{false:,} of {runs:,}", f"{at_far:,}", f"{false_convex:,} of {runs_convex:,}"])
    return table(["", "false, f not convex", f"of which s = {far:g}", "false, f convex"], rows)


def _examples(results: Results) -> str:
    """The table of the counter-examples in one variable."""
    examples = [_example(results, name) for name in ("plateau", "local minimum")]
    rows = [
        ["x₀, L", *(f"{e['x'][0]:g}, {e['smoothness']:.3g}" for e in examples)],
        ["F(x_K) - F\\*", *(f"{e['gap'][-1]:.3g}" for e in examples)],
    ]
    for bound in _CONVEX_ONLY:
        ends = [(e["first_false"][bound], len(e["x"]) - 1) for e in examples]
        rows.append([f"{bound} is false from", *(f"none up to {n}" if k is None else f"K = {k}" for k, n in ends)])
    name = "f(x\\*) - f(x_k) - f'(x_k)(x\\* - x_k)"
    rows.append([name, *("{:.3g} at x₀, {:.3g} at least".format(*e["convexity"]) for e in examples)])
    return table(["", *(example["name"] for example in examples)], rows)


def _minima(results: Results) -> str:
    """The table of where trained models end against proximal gradient, for losses that are not convex."""
    bent = {entry["family"] for entry in _entries(results, convex=False, part="pairs")}
    words = ("lower", "equal", "higher", "not settled")
    rows = [
        [row["family"], f"{row['shift']:g}", row["method"], *(_with_interval(row, word) for word in words)]
        for row in results["minima"]
        if row["family"] in bent and row["method"] in _MODELS
    ]
    return table(["loss", "s", "model", *words], rows)


_MODELS = ("go-math-l2o", "l2o-pa")
_CONSTRAINED = (*_MODELS, *(f"safeguarded {name}" for name in _MODELS), "ista", "fista")


def _with_interval(row: Results, word: str) -> str:
    low, high = (shown(row[end][word], ".1%") for end in ("low", "high"))
    return f"{row['counts'][word]} of {row['n']} [{low}, {high}]"


def _constrained(results: Results) -> str:
    """The table of feasibility and steps on constraint sets."""
    rows = []
    for method in _CONSTRAINED:
        entries = _entries(results, part="sets", method=method)
        convex = [entry for entry in entries if entry["convex"]]
        left = [step for entry in entries for step in entry["left_at"] if step is not None]
        reached = [step for entry in convex for step in entry["iterations"] if step is not None]
        first = f", in the median at step {median(left):g}" if left else ""
        rows.append(
            [
                "projected gradient" if method == "ista" else method,
                f"{len(left)} of {_runs(entries)} runs{first}",
                f"{len(reached)} of {_runs(convex)}",
                f"{median(reached):g}" if reached else "–",
            ]
        )
    head = ["", "leaves the set", f"{results['settings']['eps']:g} of the initial gap, convex f", "steps, median"]
    return table(head, rows)


def _on_sets(results: Results) -> list[Results]:
    return _entries(results, convex=True, part="sets")


BEYOND_CONVEX: dict[str, Callable[[Results], Any]] = {
    "runs_not_convex": lambda r: _runs(_entries(r, convex=False)),
    "runs_convex": lambda r: _runs(_entries(r, convex=True)),
    "runs_on_sets": lambda r: _runs(_on_sets(r)),
    "violated": lambda r: sum(_held(r["entries"], bound, "violated") for bound in _EVERYWHERE),
    "broken": lambda r: r["broken"],
    "steps_judged": lambda r: _judged(_entries(r, convex=False), "B1"),
    "survive": _survive,
    "needed": _needed,
    "ledger": _sentences("on the worst run of each"),
    "b6_false": lambda r: _without(_entries(r, convex=False), "B6")[0],
    "b6b_false": lambda r: _without(_entries(r, convex=False), "B6b")[0],
    "b6c_false": lambda r: _without(_entries(r, convex=False), "B6c")[0],
    "b6_asked": lambda r: _without(_entries(r, convex=False), "B6")[1],
    "b6_asked_convex": lambda r: _without(_entries(r, convex=True), "B6")[1],
    "false_convex": lambda r: sum(_without(_entries(r, convex=True), bound)[0] for bound in _CONVEX_ONLY),
    "counterexamples": _examples,
    "counterexample_gap": lambda r: round(_example(r, "plateau")["gap"][-1], 3),
    "minimum_width": lambda r: _example(r, "local minimum")["upper"] - _example(r, "local minimum")["lower"],
    "b3_false_from": lambda r: _example(r, "plateau")["first_false"]["B3"],
    "b3_false_from_minimum": lambda r: _example(r, "local minimum")["first_false"]["B3"],
    "rises": _sentences("F rises"),
    "stationarity": _sentences(" steps: least squared gradient", "min ||G_k||^2 is"),
    "minima": _minima,
    "rest": _sentences("has not come to rest after"),
    "growth": _sentences("Size of grad f along proximal gradient"),
    "constrained": _constrained,
    "left_by_go_math_l2o": lambda r: sum(
        step is not None for entry in _entries(r, part="sets", method="go-math-l2o") for step in entry["left_at"]
    ),
    "sets_false": lambda r: sum(_without(_on_sets(r), bound)[0] for bound in ("B6", "B6b", "B6c")),
    "sets_asked": lambda r: _without(_on_sets(r), "B6")[1],
}


# --- sensitivity -----------------------------------------------------------------------------------------------------

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
        "ends": _sentences("cells are inside the region", "Runs end above F(x_0) or diverge on"),
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

# --- conditioning ----------------------------------------------------------------------------------------------------


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
    "answers": _sentences("The size of L ", "Condition numbers from", "the factors {", "Stability: "),
    "size_of_l_matters": _saying("The size of L does matter"),
    "default_failures_along_l": lambda r: sum(cause is not None for cause in _causes(r, "L")),
    "default_unstable_along_kappa": lambda r: _causes(r, "kappa").count("instability"),
    "default_unstable_below_1": lambda r: sum(
        _causes(r, "c", c=c).count("instability") for c in r["settings"]["cs"] if c < 1
    ),
    "sizes": _sizes_of_l,
    "constants": _constants,
    "condition_numbers": _along_kappa,
    "precision": _sentences("Precision: "),
    "declared": _declared,
    "frozen": _frozen,
    "failures": _failures,
    "unexplained": _sentences("not explained: "),
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


def _part(results: Results, model: str, term: str) -> float:
    """The median over the practical levels of the part of a term along the deviation."""
    paired = [a for c in _levels(results, model) for a in c["attributions"] if a["choice"] == "paired"]
    return median(a["along"][term] for a in paired if a["along"] is not None)


def _levels_correlation(results: Results, model: str) -> float:
    """The rank correlation of the distance of the features with the excess, over all practical levels."""
    wanted = (model, "", "levels")
    return next(p["value"] for p in results["predictions"] if (p["model"], p["shift"], p["way"]) == wanted)


DRIFT: dict[str, Callable[[Results], Any]] = {
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
    "loses_most": lambda r: " ".join(
        line.removeprefix("- ")
        for line in _sentences("The practical shift that costs most", "The paper says that")(r).splitlines()
    ),
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

    def read(results: Results) -> str:
        names = [f"{model}-lasso{size}" for model in TRAINED]
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


def _sizes(results: Results) -> str:
    """Median iterations to 1e-4 of the best weights of each training in each size."""
    sizes = list(dict.fromkeys(row["problem"] for row in results["carried"]))
    by = {(row["training"] or row["method"], row["problem"]): row["iterations"][1] for row in results["carried"]}
    lines = []
    labels = {
        f"{model}-lasso{size}": f"{label}, trained at {words}"
        for model, label in TRAINED.items()
        for size, words in (("", "20 x 40"), ("-250x500", "250 x 500"))
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
