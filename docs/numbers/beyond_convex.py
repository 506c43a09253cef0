"""What is read out of the results of `l2obound beyond-convex`, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from . import shown, table
from .comparisons import three
from .sentences import sentences

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]

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


def _range(values: list[float]) -> str:
    return f"{three(min(values))} to {three(max(values))}"


def _ledger(results: Results) -> str:
    """The table of the parts of the proofs, on the worst run of each entry on which a bound would be false."""
    rows = []
    for bound, smooth in (("B6", "descent lemma"), ("B6b", "interpolation"), ("B6c", "interpolation")):
        bent = [e for e in _entries(results, convex=False) if e["asked"][bound]["false"] and e["ledger"][bound]]
        parts = [entry["ledger"][bound] for entry in bent]
        if not parts:
            continue
        rest = [part["r"] + part["squares"] for part in parts]
        alone = sum(part["convexity"] + more < 0 for part, more in zip(parts, rest, strict=True))
        rows.append([
            bound, str(len(parts)), _range([-part["convexity"] for part in parts]),
            f"{_range([part['smoothness'] for part in parts])} ({smooth})", _range(rest), f"{alone} of {len(parts)}",
        ])  # fmt: skip
    head = ["", "entries", "convexity fails by", "smoothness adds", "r and squares add", "convexity outweighs these"]
    return table(head, rows)


def _rises(results: Results) -> str:
    """The table of the share of steps at which F rises, by method."""
    rows = []
    for method in dict.fromkeys(entry["method"] for entry in results["entries"]):
        shares = []
        for convex in (False, True):
            entries = _entries(results, part="pairs", method=method, convex=convex)
            judged = sum(entry["steps_judged"] for entry in entries)
            shares.append(sum(entry["rises"] for entry in entries) / judged if judged else None)
        if any(shares):
            rows.append([method, *("–" if share is None else shown(share, ".1%") for share in shares)])
    return table(["F rises at", "f not convex", "its convex partner"], rows)


def _least_rho(results: Results) -> float:
    """The least rho of a step at which F rises."""
    return min(e["least_rho_of_rises"] for e in results["entries"] if e["least_rho_of_rises"] is not None)


def _exact_worst(results: Results) -> str:
    """The table of the least squared gradient of gradient descent, of its exact worst case and of B10."""
    rows = []
    for curve in results["curves"]:
        solved = [i for i, value in enumerate(curve["exact"]) if value is not None]
        if curve["method"] == "ista" and solved:
            i = solved[-1]
            numbers = [curve[name][i] for name in ("least", "exact", "bound")]
            times = curve["bound"][i] / curve["exact"][i]
            rows.append([curve["family"], str(curve["steps"][i]), *map(three, numbers), f"{times:.2f}"])
    return table(["", "steps", "least squared gradient", "exact worst case", "B10", "B10 / exact"], rows)


def _of_b10(results: Results) -> str:
    """The table of the least squared gradient over B10, by method."""
    rows = []
    for method in ("ista", *_MODELS):
        pairs = [(e["stationarity"], e["stationarity_bound"]) for e in _entries(results, convex=False, method=method)]
        ratios = [least / bound for least, bound in pairs if least and bound]
        if ratios:
            rows.append([method, str(len(ratios)), *(shown(f(ratios), ".1e") for f in (median, max))])
    return table(["min ‖G_k‖² over B10", "entries", "median", "largest"], rows)


def _rest(results: Results) -> str:
    """The table of the runs on which a method has not come to rest, on losses and on their convex partners."""
    bent = {entry["family"] for entry in _entries(results, convex=False, part="pairs")}
    rows = []
    for method in dict.fromkeys(entry["method"] for entry in results["minima"]):
        cells = []
        for inside in (True, False):
            ends = [m for m in results["minima"] if m["method"] == method and (m["family"] in bent) == inside]
            restless = [m for m in ends if m["restless"]]
            where = ", ".join(f"{m['family']}, s = {m['shift']:g}: {m['restless']}" for m in restless)
            count = f"{sum(m['restless'] for m in ends)} of {sum(m['n'] for m in ends)}" if ends else "–"
            cells.append(f"{count} ({where})" if where else count)
        rows.append([method, *cells])
    return table([f"not at rest after {results['settings']['horizon']:,} steps", "f not convex", "its partner"], rows)


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
    "ledger": _ledger,
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
    "rises": _rises,
    "rises_in_all": lambda r: sum(entry["rises"] for entry in r["entries"]),
    "rises_least_rho": _least_rho,
    "rises_unexplained": lambda r: sum(entry["unexplained"] for entry in r["entries"]),
    "exact_worst": _exact_worst,
    "of_b10": _of_b10,
    "minima": _minima,
    "rest": _rest,
    "growth": sentences("Size of grad f along proximal gradient"),
    "constrained": _constrained,
    "left_by_go_math_l2o": lambda r: sum(
        step is not None for entry in _entries(r, part="sets", method="go-math-l2o") for step in entry["left_at"]
    ),
    "sets_false": lambda r: sum(_without(_on_sets(r), bound)[0] for bound in ("B6", "B6b", "B6c")),
    "sets_asked": lambda r: _without(_on_sets(r), "B6")[1],
}
