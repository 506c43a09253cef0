"""One sentence a figure that says what it shows, and notes on how to read it; every number is from the results.

A sentence never speaks of what the data do not hold: instances that diverged, gaps below what is known of F*, methods
that were not run change what is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..pages.figure_style import NEGLIGIBLE
from ..pages.text import count, join, number, percent, times
from ._compare import Row, in_distribution, last_gap
from ._training_data import IN_DISTRIBUTION, OTHER, SHIFTED

Results = Mapping[str, Any]


PLACES = {IN_DISTRIBUTION: "in distribution", SHIFTED: "under a shift", OTHER: "on other data"}
"""The kinds of data within a sentence."""


def place(scenario: Results) -> str:
    """A scenario within a sentence."""
    if in_distribution(scenario):
        return IN_DISTRIBUTION
    if not (scenario["s"] or scenario["t"]):
        return f"on {OTHER}"
    return f"at {scenario['label'].replace(', ', ' and ')}"


def sentence(parts: Sequence[str]) -> str:
    """The parts as one sentence."""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else "Nothing can be said of this figure: no run is left."


def _names(runs: Sequence[Results]) -> list[str]:
    return list(dict.fromkeys(run["optimizer"]["label"] for run in runs))


def _at(text: str) -> str:
    return f"at most {text[2:]}" if text.startswith("≤ ") else f"at {text}"


# --- convergence ---------------------------------------------------------------------------------------------------


def convergence(runs: Sequence[Results], compared: Sequence[Results]) -> str:
    """Where the learned methods end against the best classical one; without a pair, where each method ends.

    `runs` and `compared` are those of one problem.
    """
    if compared:
        alone = [run for run in runs if not run["optimizer"].get("guards")] or runs  # guards have a figure of their own
        names = [name for name in _names(alone) if any(c["learned"] == name for c in compared)]
        return sentence([_against(name, compared) for name in names])
    learned = [run for run in runs if run["optimizer"]["learned"]]
    if learned:
        ends = [f"{_names([run])[0]} {place(run['scenario'])} {_end(run)}" for run in learned]
        return sentence([f"no classical method is left to compare with: {join(ends, 8)}"])
    parts = []
    for key in dict.fromkeys(run["scenario"]["key"] for run in runs):
        group = [run for run in runs if run["scenario"]["key"] == key]
        alive = sorted((run for run in group if last_gap(run) is not None), key=lambda run: last_gap(run) or 0.0)
        where = place(group[0]["scenario"])
        if not alive:
            parts.append(f"{where} every run diverged")
        elif len(alive) == 1:
            parts.append(f"{where} {alive[0]['optimizer']['label']} {_end(alive[0])}")
        elif _floored(alive[0]) and _floored(alive[-1]):
            parts.append(f"{where} all methods end within the accuracy of F*")
        else:
            best, worst = alive[0], alive[-1]
            parts.append(
                f"{where} {best['optimizer']['label']} ends lowest, {_value(best)}, and "
                f"{worst['optimizer']['label']} highest, {_value(worst)}"
            )
    return sentence([f"{parts[0]} (after {count(runs[0]['steps'], 'step')})", *parts[1:]] if parts else [])


def _floored(run: Results) -> bool:
    last = last_gap(run)
    return last is not None and bool(run["floor"]) and last <= run["floor"]


def _value(run: Results) -> str:
    return _at(f"{'≤ ' if _floored(run) else ''}{number(last_gap(run))}")


def _end(run: Results) -> str:
    return "diverged" if last_gap(run) is None else f"ends {_value(run)}"


def _against(name: str, compared: Sequence[Results]) -> str:
    contests = [c for c in compared if c["learned"] == name]
    first = next((c for c in contests if c["data"] == IN_DISTRIBUTION), contests[0])
    steps = f" after {count(first['steps'], 'step')}"
    parts = [f"{place(first['scenario'])} {name} {_standing(first, steps)}"]
    shifted = [c for c in contests if c is not first]
    if len(shifted) <= 2:
        parts += [f"{place(c['scenario'])} it {_standing(c)}" for c in shifted]
    else:
        parts.append(f"and of the {len(shifted)} shifts it ends {_tally(shifted)}")
    return ", ".join(parts)


def _tally(cases: Sequence[Results]) -> str:
    """In how many cases a learned method ends below, level with and above the best classical one, and the worst."""
    counts = {word: sum(c["outcome"] == word for c in cases) for word in ("below", "equal", "above")}
    words = [f"below the best classical method in {counts['below']}"]
    if counts["equal"]:
        words.append(f"level with it in {counts['equal']}")
    if counts["above"]:
        worst = max((c for c in cases if c["outcome"] == "above"), key=lambda c: c["ratio"])
        words.append(f"above it in {counts['above']} (worst {place(worst['scenario'])}: it {_standing(worst)})")
    return join(words)


def _standing(case: Results, steps: str = "") -> str:
    ours, theirs = (_at(text) for text in case["texts"])
    left_out = f" ({count(case['diverged'], 'instance')} diverged and left out)" if case["diverged"] else ""
    if case["all_diverged"]:
        return f"diverged on every instance, while {case['classical']} is {theirs}{steps}"
    if case["at_floor"]:
        return f"is{steps} within the accuracy of F* ({ours}){left_out}, and so is {case['classical']}"
    if case["outcome"] == "equal":
        return f"is {ours}{steps}{left_out}, level with {case['classical']}"
    return f"is {ours}{steps}{left_out}, {case['words']} {case['classical']}"


# --- bounds --------------------------------------------------------------------------------------------------------


def bounds(runs: Sequence[Results], numbers: Mapping[str, str]) -> str:
    """What the tightest guaranteed bound on the last gap allows, scenario by scenario."""
    parts = []
    for run in runs:
        where = f"{place(run['scenario'])}"
        curves = [c for c in run["bound_curves"] if c["guaranteed"] and c["median"] and c["median"][-1] is not None]
        gap = last_gap(run)
        if gap is None:
            parts.append(f"{where} every instance diverged, and nothing is bounded")
            continue
        last = [c for c in curves if not c["of"].startswith("mean")]
        mean = [c for c in curves if c["of"].startswith("mean")]
        if last:
            best = min(last, key=lambda c: c["median"][-1])
            parts.append(f"{where} {_bounded(numbers, best, 'last gap', gap, run['floor'] or 0.0)}")
        elif mean:
            best = min(mean, key=lambda c: c["median"][-1])
            measured = run["mean_gap"]["median"][-1] if run["mean_gap"]["median"] else None
            parts.append(f"{where} {_bounded(numbers, best, 'mean gap', measured, run['floor'] or 0.0)}")
        else:
            parts.append(f"{where} no bound is guaranteed")
    if parts and runs:
        parts[0] = f"after {count(runs[0]['steps'], 'step')} {parts[0]}"
    return sentence(parts)


def _bounded(numbers: Mapping[str, str], curve: Results, what: str, gap: float | None, floor: float) -> str:
    value = curve["median"][-1]
    name = numbers.get(curve["bound"], curve["bound"])
    words = f"{name} guarantees a {what} of at most {number(value)}"
    if gap is None or value <= 0:
        return words
    if gap <= floor:
        return f"{words}, at least {times(value, floor)} the measured one (at most {number(floor)})"
    return f"{words}, {times(value, gap)} the measured {number(gap)}" if gap > 0 else words


_FEW = 4
"""So many runs are described one by one."""


# --- certificates and guards ---------------------------------------------------------------------------------------


def certified(runs: Sequence[Results], numbers: Mapping[str, str]) -> str:
    """The gap that each run certifies of itself at the end, and by how much that exceeds the true one."""
    parts, ratios = [], []
    for run in runs:
        curve, where = run["certificate"], f"{run['optimizer']['label']} {place(run['scenario'])}"
        if not curve or not curve["gap"]["median"] or curve["gap"]["median"][-1] is None:
            parts.append(f"{where} certifies nothing")
            continue
        words = f"{where} certifies a gap of {number(curve['gap']['median'][-1])}"
        if curve["ratio"] is not None:
            words += f", {number(curve['ratio'])} times the true one"
            ratios.append((curve["ratio"], where))
        parts.append(words)
    if len(parts) > _FEW and ratios:
        (least, first), (most, last) = min(ratios), max(ratios)
        parts = [part for part in parts if part.endswith("certifies nothing")]
        parts.insert(
            0,
            f"the gap that a run certifies is {number(least)} ({first}) to {number(most)} times ({last}) the true one",
        )
    if parts and runs:
        parts[0] = f"after {count(runs[0]['steps'], 'step')} {parts[0]}"
    return sentence(parts)


def guarded(pairs: Sequence[tuple[Results, Results]]) -> str:
    """Where each method ends alone and under its guard."""
    parts = []
    for base, other in pairs:
        ends = [_end(run).removeprefix("ends ") for run in (base, other)]
        parts.append(f"{place(base['scenario'])} {base['optimizer']['label']} is {ends[0]} alone and {ends[1]} guarded")
    if parts:
        parts[0] = f"after {count(pairs[0][0]['steps'], 'step')} {parts[0]}"
    return sentence(parts)


# --- steps ---------------------------------------------------------------------------------------------------------


def per_step(runs: Sequence[Results]) -> str:
    """On what share of the steps a decrease is guaranteed, on what share F rises, how much of the decrease is."""
    label = runs[0]["optimizer"]["label"]
    parts = []
    for run in runs:
        totals, where = run["descent"]["totals"], f"{place(run['scenario'])},"
        if not totals["steps"]:
            parts.append(f"{where} every instance of {label} diverged")
            continue
        sure = totals["steps"] - totals["unguaranteed"]
        steps = f"{count(totals['steps'], 'step')}{f' of {label}' if not parts else ''}"
        if sure == totals["steps"]:
            words = f"{where} each of the {steps} has a guaranteed decrease"
        elif sure:
            words = f"{where} {percent(sure / totals['steps'])} of the {steps} have a guaranteed decrease"
        else:
            words = f"{where} none of the {steps} has a guaranteed decrease"
        if run["descent"]["used_median"] is not None:
            words += f" (there {percent(run['descent']['used_median'])} of the measured one in the median)"
        rises = totals["rises"]
        words += f", and F rises at {percent(rises / totals['steps'])}" if rises else ", and F never rises"
        parts.append(words)
    return sentence(parts)


def deviation(runs: Sequence[Results]) -> str:
    """How far the learned methods are from Assumption 1; without any, how far all are from the ideal step."""
    learned = [run for run in runs if run["optimizer"]["learned"]]
    statements = []
    for name in _names(learned or runs):
        runs_of = [run for run in runs if run["optimizer"]["label"] == name]
        alive = [run for run in runs_of if any(v is not None for v in run["rho"]["median"])]
        if not alive:
            statements.append(f"{name} diverged everywhere: no step is left to measure")
            continue
        if not any(_deviates(run) for run in alive):
            continue
        first = alive[0]
        parts = []
        if first["deviation"]:
            size = _middle(first["deviation"]["delta1"]["median"])
            rest = _middle(first["deviation"]["delta2"]["gradient_descent"]["median"])
            parts.append(
                f"has ‖δ1‖∞ = {number(size)} and ‖δ2‖/‖G‖ = {number(rest)} {place(first['scenario'])} (medians over "
                "instances and steps)"
            )
        below = []
        for run in alive:
            rho = [v for v in run["rho"]["median"] if v is not None]
            of = f" of the {count(len(rho), 'step')} drawn" if run is first else f" of {number(len(rho))}"
            below.append(f"{number(sum(v < 1 for v in rho))}{of} {place(run['scenario'])}")
        parts.append(f"has a median ρ below 1 at {join(below)}")
        statements.append(f"{name} {', and '.join(parts)}")
    return sentence(statements or ["every step is the ideal one up to rounding"])


def _middle(values: Sequence[float | None]) -> float | None:
    """The median over the steps."""
    finite = sorted(v for v in values if v is not None)
    return finite[len(finite) // 2] if finite else None


# --- overviews -----------------------------------------------------------------------------------------------------


def final_gaps(rows: Sequence[Row]) -> str:
    """In how many rows a learned method ends lowest, in and out of distribution."""
    return sentence(_contest(rows, lambda row, entry: entry.gap, lambda row: row.floor or 0.0, "ends lowest"))


def _contest(
    rows: Sequence[Row], read: Callable[[Row, Any], float | None], floor: Callable[[Row], float], wins: str
) -> list[str]:
    """Learned against classical, a value a row: lower is better, equal at or below the floor."""
    both = [r for r in rows if any(e.learned for e in r.entries) and any(not e.learned for e in r.entries)]
    if not both:
        kinds = {entry.learned for row in rows for entry in row.entries}
        missing = "classical" if kinds == {True} else "learned"
        return [f"there is no {missing} method to compare with, on {count(len(rows), 'case')}"]
    parts = []
    for kind_of_data, where in PLACES.items():
        won = level = 0
        cases = [row for row in both if row.scenario["data"] == kind_of_data]
        for row in cases:
            ours, theirs = (
                min((v for e in row.entries if e.learned == kind and (v := read(row, e)) is not None), default=None)
                for kind in (True, False)
            )
            level_of_floor = max(floor(row), 0.0)
            if ours is not None and (theirs is None or (ours < theirs and theirs > level_of_floor)):
                won += 1
            elif ours == theirs or (ours is not None and theirs is not None and max(ours, theirs) <= level_of_floor):
                level += 1
        if cases:
            equal = f" and is level with the best classical one in {level}" if level else ""
            parts.append(f"{where} a learned method {wins} in {won} of {count(len(cases), 'case')}{equal}")
    return parts


def iterations(rows: Sequence[Row]) -> str:
    """At the middle tolerance: in how many rows a learned method is first, and how often none gets there."""
    tolerances = [t for t, _ in rows[0].entries[0].reach] if rows and rows[0].entries else []
    if not tolerances:
        return sentence([])
    column = len(tolerances) // 2
    tolerance = number(tolerances[column])

    def read(row: Row, entry: Any) -> float | None:
        return entry.reach[column][1]

    parts = _contest(rows, read, lambda row: 0.0, f"is the first at a relative gap of {tolerance}")
    pairs = [(row, entry) for row in rows for entry in row.entries]
    for kind, word in ((True, "learned"), (False, "classical")):
        pairs_of = [(row, entry) for row, entry in pairs if entry.learned == kind]
        never = sum(read(row, entry) is None for row, entry in pairs_of)
        if pairs_of:
            parts.append(
                f"{word} methods have not converged within their steps in {never} of "
                f"{count(len(pairs_of), 'median run')}"
            )
    return sentence(parts)


def f_star(rows: Sequence[Row]) -> str:
    """How well F* is known, and where gaps are below that."""
    unknown = [row for row in rows if any(w is None for w in row.widths)]
    widths = [w for row in rows for w in row.widths if w is not None]
    parts = []
    if widths:
        parts.append(f"F* is certified to within {number(max(widths))} of its size, or better")
    if unknown:
        parts.append(
            f"in {len(unknown)} of {count(len(rows), 'case')} some instance has no certified lower end of F*, and its "
            "gaps are measured from the best point found"
        )
    certified = [row for row in rows if row not in unknown]
    hidden = [
        row for row in certified if any(e.lowest is not None and e.lowest <= (row.floor or 0.0) for e in row.entries)
    ]
    if certified and hidden:
        parts.append(
            f"in {len(hidden)} of {count(len(certified), 'case')} a method comes closer to F* than that, and such gaps "
            "cannot be told apart"
        )
    elif certified:
        parts.append("no method comes closer to F* than that, so every gap is known")
    return sentence(parts)


# --- notes ---------------------------------------------------------------------------------------------------------


def diverged(runs: Sequence[Results]) -> list[str]:
    """Which instances the curves leave out."""
    named = [f"{r['optimizer']['label']} ({r['scenario']['label']}, {r['diverged']})" for r in runs if r["diverged"]]
    return [f"Diverged instances, left out of the curves: {join(named)}."] if named else []


def quantiles(problem: Results) -> list[str]:
    """What lines and bands are."""
    if problem["instances"] == 1:
        return ["One instance: there are no bands."]
    return [f"Lines: medians over {number(problem['instances'])} instances. Bands: 10 % to 90 % quantile."]


def floor(runs: Sequence[Results]) -> list[str]:
    """The width of the interval of F*, and who gets there."""
    height = max((run["floor"] or 0.0 for run in runs), default=0.0)
    reached = _names([r for r in runs if any(v is not None and v <= (r["floor"] or 0.0) for v in r["gap"]["median"])])
    if any(run["floor"] is None for run in runs):
        return ["F* has no certified lower end here: gaps are measured from the best point found."]
    if not height:
        return []
    accuracy = f"F* is certified to within {number(height)}"
    if reached:
        return [f"{accuracy}; gaps below that cannot be told from 0. {join(reached)} {_get(reached)} there."]
    return [f"{accuracy}, and every median gap is above that."]


def _get(names: Sequence[str]) -> str:
    return "gets" if len(names) == 1 else "get"


def dashed(runs: Sequence[Results], numbers: Mapping[str, str]) -> list[str]:
    """Which curves carry no guarantee."""
    names = dict.fromkeys(
        numbers.get(curve["bound"], curve["bound"])
        for run in runs
        for curve in run["bound_curves"]
        if not curve["guaranteed"]
    )
    return [f"Grey, without guarantee since a hypothesis is broken: {join(list(names))}."] if names else []


def ideal(runs: Sequence[Results]) -> list[str]:
    """Which methods are not drawn because they do not deviate."""
    zero = [run for run in runs if run["rho"]["median"] and not _deviates(run)]
    names = [name for name in _names(zero) if not any(_deviates(r) for r in runs if r["optimizer"]["label"] == name)]
    return [f"ρ is zero up to rounding, so not drawn: {join(names)}."] if names else []


def _deviates(run: Results) -> bool:
    return any((v or 0.0) > NEGLIGIBLE for v in run["rho"]["median"])


def unresolved(runs: Sequence[Results]) -> list[str]:
    """How many guaranteed steps are within rounding."""
    steps = sum(r["descent"]["totals"]["steps"] for r in runs)
    hidden = sum(t["steps"] - t["unguaranteed"] - t["resolved"] for t in (run["descent"]["totals"] for run in runs))
    if not hidden:
        return []
    return [f"At {percent(hidden / steps)} of the steps the guaranteed decrease is within rounding of 0."]
