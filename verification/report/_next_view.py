"""What is said of the next instance, as tables and sentences for the page, computed from the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from ..guarantees.result import floored
from ..pages.text import count, join, number, times
from .sentences import place

Results = Mapping[str, Any]
MOST = 6
"""Methods in the figure, at most."""


def next_view(results: Results) -> dict[str, Any]:
    """The section: its headline, a table for each problem with statements, and why others have none."""
    problems = {problem["key"]: problem for problem in results["problems"]}
    tables = [
        _table(problem, _with_statement(results, key))
        for key, problem in problems.items()
        if _with_statement(results, key)
    ]
    delta = next((run["next_instance"]["statement"]["delta"] for run in shown_next(results)), 0.0)
    return {
        "headline": headline(results),
        "delta": f"{delta:g}",
        "two": f"{1 - 2 * delta:g}",
        "tables": tables,
        "without": _without(results, problems),
    }


def _with_statement(results: Results, problem: str) -> list[Results]:
    return [run for run in results["runs"] if run["problem"] == problem and run["next_instance"]["statement"]]


def shown_next(results: Results) -> list[Results]:
    """The runs of the figure: on the first problem with statements, under its first scenario."""
    runs = [run for run in results["runs"] if run["next_instance"]["statement"]]
    first = runs[:1]
    return [
        run
        for run in runs
        if (run["problem"], run["scenario"]["key"]) == (first[0]["problem"], first[0]["scenario"]["key"])
    ]


def _without(results: Results, problems: Mapping[str, Results]) -> list[str]:
    """Of which problems and methods nothing is said, and why."""
    reasons: dict[str, dict[str, None]] = {}
    for key in problems:
        runs = [run for run in results["runs"] if run["problem"] == key]
        for run in (r for r in runs if r["next_instance"]["why"]):
            alone = any(r["next_instance"]["statement"] for r in runs)
            name = f"{run['optimizer']['label']} on {key}" if alone else key
            reasons.setdefault(run["next_instance"]["why"], {})[name] = None
    return [f"{join(list(names))}: {why}" for why, names in reasons.items()]


def _table(problem: Results, runs: Sequence[Results]) -> dict[str, Any]:
    first = runs[0]["next_instance"]["statement"]
    return {
        "problem": problem,
        "sentence": problem_words(runs),
        "tolerances": [number(entry["tolerance"]) for entry in first["within"]],
        "instances": first["instances"],
        "most": floored(first["most"], 3),
        "high": f"{first['gap']['quantiles'][-1]['quantile']:g}",
        "rows": [_row(run) for run in runs],
    }


def _row(run: Results) -> dict[str, Any]:
    statement = run["next_instance"]["statement"]
    n = statement["instances"]
    failures = [
        f"{number(statement[name])} {words}"
        for name, words in (("diverged", "diverged"), ("uncertain", "without a certified F*"))
        if statement[name]
    ]
    return {
        "run": run,
        "failures": join(failures),
        "within": [_probability(entry, n) for entry in statement["within"]],
        "gap": [_quantile(entry) for entry in statement["gap"]["quantiles"]],
        "largest": rounded(statement["gap"]["largest"], up=True)
        if statement["gap"]["largest"] is not None
        else "unbounded",
        "bounds": [_allowed(statement["bounds"][name]) for name in ("last_iterate", "worst_case")],
        "rho_below_1": _probability(statement["rho_below_1"], n),
        "rho": [_quantile(entry) for entry in statement["rho"]["quantiles"]],
    }


def _probability(entry: Results, n: int) -> dict[str, str]:
    more = f", {number(entry['undecided'])} may be" if entry.get("undecided") else ""
    return {"value": floored(entry["at_least"], 3), "counted": f"{number(entry['successes'])} of {number(n)}{more}"}


def _quantile(entry: Results) -> dict[str, str]:
    """The quantile of the sample and its interval, whose ends are rounded outwards."""
    low = rounded(entry["lower"], up=False) if entry["lower"] is not None else "unbounded"
    if entry["open"]:
        interval = f"{low}, open above"
    else:
        interval = f"{low} to {rounded(entry['upper'], up=True) if entry['upper'] is not None else 'unbounded'}"
    return {"value": number(entry["sample"]), "interval": interval}


def _allowed(entry: Results | None) -> tuple[str, str] | None:
    return None if entry is None or entry["median"] is None else (number(entry["median"]), number(entry["largest"]))


def rounded(value: float, *, up: bool) -> str:
    """A number >= 0 to three digits, rounded up or down."""
    exact = Decimal(value)
    if not exact:
        return "0"
    unit = Decimal(1).scaleb(exact.adjusted() - 2)
    return number(float(exact.quantize(unit, rounding=ROUND_CEILING if up else ROUND_FLOOR)))


# --- sentences -----------------------------------------------------------------------------------------------------


def headline(results: Results) -> str | None:
    """Of the first problem with statements: what is shown of its first learned and classical method, beside proofs."""
    runs = shown_next(results)
    if not runs:
        return None
    kinds = [next((r for r in runs if r["optimizer"]["learned"] == learned), None) for learned in (True, False)]
    chosen = [run for run in kinds if run is not None]
    statement = chosen[0]["next_instance"]["statement"]
    scenario = runs[0]["scenario"]
    where = place(scenario)
    parts = [_promise(run) for run in chosen]
    return (
        f"The next instance of {runs[0]['problem']}, {where}, after {count(runs[0]['steps'], 'step')}: "
        f"{'; '.join(parts)}. Each of these has confidence {1 - statement['delta']:g}, from {statement['instances']} "
        f"instances, which cannot show a probability above {floored(statement['most'], 3)}."
    )


def _promise(run: Results) -> str:
    """What one run shows: a probability, and the largest gap beside what is allowed."""
    statement, label = run["next_instance"]["statement"], run["optimizer"]["label"]
    entry = statement["within"][len(statement["within"]) // 2]
    words = (
        f"{label} is within a relative gap of {number(entry['tolerance'])} with probability at least "
        f"{floored(entry['at_least'], 3)} ({number(entry['successes'])} of {number(statement['instances'])} were)"
    )
    largest = statement["gap"]["largest"]
    if largest is None:
        return f"{words}, and no largest gap is known: {_failed(statement)}"
    most = floored(statement["most"], 3)
    words += f", and with probability at least {most} its gap is at most {rounded(largest, up=True)}"
    for name, who in (("worst_case", "the exact worst case allows"), ("last_iterate", "B6c allows")):
        allowed = _median(statement, name)
        if allowed is not None:
            factor = f", {times(allowed, largest)} that" if 0 < largest < allowed else ""
            return f"{words}, where {who} {number(allowed)} in the median{factor}"
    return words


def _failed(statement: Results) -> str:
    words = [f"{count(statement['diverged'], 'run')} diverged"] if statement["diverged"] else []
    if statement["uncertain"]:
        words.append(f"{count(statement['uncertain'], 'F*')} not certified".replace("F*s", "F*"))
    return join(words) or "a gap is not certain"


def _median(statement: Results, name: str) -> float | None:
    entry = statement["bounds"][name]
    return None if entry is None else entry["median"]


def problem_words(runs: Sequence[Results]) -> str:
    """Of how many runs all instances are within the middle tolerance, of how many none; how far above B6c is."""
    statements = [run["next_instance"]["statement"] for run in runs]
    middle = len(statements[0]["within"]) // 2
    entries = [s["within"][middle] for s in statements]
    n = statements[0]["instances"]
    every, none = (sum(entry["successes"] == amount for entry in entries) for amount in (n, 0))
    words = (
        f"Of {count(len(runs), 'row')}, {number(every)} {'has' if every == 1 else 'have'} all {number(n)} instances "
        f"certainly within a relative gap of {number(entries[0]['tolerance'])}"
        + (f" (the next one is, with probability at least {floored(statements[0]['most'], 3)})" if every else "")
        + f", and {number(none)} {'has' if none == 1 else 'have'} none"
    )
    ratios = sorted(
        entry["largest"] / s["gap"]["largest"]
        for s in statements
        if s["gap"]["largest"] and (entry := s["bounds"]["last_iterate"]) and entry["largest"] is not None
    )
    if ratios:
        ends = dict.fromkeys(number(_three(ratio)) for ratio in (ratios[0], ratios[-1]))
        words += f"; the largest gap that B6c allows is {' to '.join(ends)} times the largest one"
    below = sum(s["rho_below_1"]["successes"] == n for s in statements)
    return f"{words}; ρ stays below 1 over the whole of every run in {number(below)} of the rows."


def _three(value: float) -> float:
    return float(f"{value:.3g}")


def figure_words(runs: Sequence[Results]) -> tuple[str, str, list[str]]:
    """Title, sentence and notes of the figure."""
    runs = runs[:MOST]
    statements = [run["next_instance"]["statement"] for run in runs]
    over, n = statements[0]["over_k"], statements[0]["instances"]
    closed = [run for run, s in zip(runs, statements) if s["over_k"]["upper"][-1] is not None]
    title = f"The median of the next instance of {runs[0]['problem']}, {runs[0]['scenario']['label']}"
    ends = [
        f"{run['optimizer']['label']} {rounded(o['lower'][-1], up=False)} to {rounded(o['upper'][-1], up=True)}"
        for run in closed
        for o in [run["next_instance"]["statement"]["over_k"]]
    ]
    if closed:
        sentence = f"After {count(runs[0]['steps'], 'step')} the median of F(x_K) - F* is, of {join(ends, 8)}."
    elif over["open"]:
        sentence = f"{count(n, 'instance')} are too few to bound a median at {len(over['k'])} k at once from above."
    else:
        sentence = "No median is bounded from above: too many runs diverged or are not certified."
    notes = [
        f"Bars: the median lies in them, for all {len(over['k'])} k of one panel at once, with confidence "
        f"{1 - statements[0]['delta']:g}. Triangles: the largest of the {number(n)} instances; at each of these k, at "
        f"once too, the next one is not above it with probability at least {floored(over['at_least'], 3)}. B6c and "
        "worst case: medians over the instances of what holds for every single one. What is far below is drawn at "
        "the edge.",
    ]
    if any(run["next_instance"]["statement"]["over_k"]["largest"][-1] is None for run in runs):
        notes.append("A panel without triangles has runs that diverged or are not certified.")
    return title, sentence, notes


__all__ = ["MOST", "figure_words", "headline", "next_view", "problem_words", "rounded", "shown_next"]
