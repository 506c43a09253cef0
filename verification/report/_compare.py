"""Methods side by side: what each one reached on each problem and scenario, and the learned against the classical."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..pages.text import number
from ._training_data import IN_DISTRIBUTION

Results = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One method: median relative gaps (None: diverged), the iterations to each tolerance, the instances that diverged.

    `gap` is the last one, `lowest` the median of each instance's lowest; neither is below what is known of F*.
    """

    name: str
    label: str
    learned: bool
    gap: float | None
    lowest: float | None
    reach: tuple[tuple[float, int | None], ...]
    reached: tuple[int, ...]
    diverged: int


@dataclass(frozen=True)
class Row:
    """One problem under one scenario: `widths` are certified and relative, `floor` the median one (None: unknown)."""

    problem: str
    problem_key: str
    scenario: Results
    instances: int
    steps: int
    widths: tuple[float | None, ...]
    floor: float | None
    entries: tuple[Entry, ...]


def rows(results: Results) -> list[Row]:
    """A row for each problem and scenario with a run, in order."""
    table = []
    for problem in results["problems"]:
        optima = {o["scenario"]["key"]: o for o in problem["optima"]}
        groups: dict[str, list[Results]] = {}
        for run in (r for r in results["runs"] if r["problem"] == problem["key"]):
            groups.setdefault(run["scenario"]["key"], []).append(run)
        for key, group in groups.items():
            optimum = optima[key]
            table.append(
                Row(
                    problem["title"],
                    problem["key"],
                    group[0]["scenario"],
                    problem["instances"],
                    max(run["steps"] for run in group),
                    tuple(relative_widths(optimum)),
                    group[0]["relative_floor"],
                    tuple(_entry(run, optimum) for run in group),
                )
            )
    return table


def relative_widths(optimum: Results) -> list[float | None]:
    """Per instance the width of the certified interval over |F*|; None where it is infinite, or F* may be 0."""
    return [
        None if low is None or high is None or low <= 0 <= high else (high - low) / min(abs(low), abs(high))
        for low, high in zip(optimum["lower"], optimum["upper"])
    ]


def lowest_gaps(run: Results, optimum: Results) -> list[float | None]:
    """Per instance the lowest relative gap of the run, from below; None where F* is not known or may be 0."""
    return [
        None if None in (gap, low, high) or low <= 0 <= high else max(gap, 0.0) / max(abs(low), abs(high))
        for gap, low, high in zip(run["lowest"]["gap"], optimum["lower"], optimum["upper"])
    ]


def _entry(run: Results, optimum: Results) -> Entry:
    floor = run["relative_floor"] or 0.0
    last = run["relative_gap"]["median"][-1] if run["relative_gap"]["median"] else None
    lowest = sorted(math.inf if gap is None else gap for gap in lowest_gaps(run, optimum))
    least = lowest[len(lowest) // 2] if lowest else math.inf
    return Entry(
        run["optimizer"]["name"],
        run["optimizer"]["label"],
        run["optimizer"]["learned"],
        None if last is None else max(last, floor),
        max(least, floor) if math.isfinite(least) else None,
        tuple((r["tolerance"], r["median"]) for r in run["reach"]),
        tuple(r["reached"] for r in run["reach"]),
        run["diverged"],
    )


def comparisons(results: Results) -> list[dict[str, Any]]:
    """Each learned run against the best classical one on the same problem and scenario, by the last median gap."""
    compared = []
    for problem in results["problems"]:
        runs = [run for run in results["runs"] if run["problem"] == problem["key"]]
        for key in dict.fromkeys(run["scenario"]["key"] for run in runs):
            group = [run for run in runs if run["scenario"]["key"] == key]
            classical = [run for run in group if not run["optimizer"]["learned"] and last_gap(run) is not None]
            learned = [run for run in group if run["optimizer"]["learned"]]
            if classical:
                best = min(classical, key=lambda run: last_gap(run) or 0.0)
                compared += [_compare(problem, run, best) for run in sorted(learned, key=_rank)]
    return compared


def last_gap(run: Results) -> float | None:
    """The median gap after the last step, not less than the floor; None if the instances diverged."""
    values = run["gap"]["median"]
    if not values or (values[-1] is None and run["diverged"]):
        return None
    return max(values[-1] or 0.0, run["floor"] or 0.0)


def in_distribution(scenario: Results) -> bool:
    """Whether the learned methods were trained on such data, which are not shifted."""
    return scenario["data"] == IN_DISTRIBUTION


def _rank(run: Results) -> float:
    last = last_gap(run)
    return math.inf if last is None else last


def _compare(problem: Results, learned: Results, classical: Results) -> dict[str, Any]:
    ours, theirs = _rank(learned), _rank(classical)
    floor = max(learned["floor"] or 0.0, classical["floor"] or 0.0)
    at_floor = [value <= floor for value in (ours, theirs)]
    low, high = sorted((ours, theirs))
    outcome = "below" if ours < theirs else "above"
    times = f"{number(float(f'{high / low:.3g}'))} times" if low > 0 else "beyond measure"
    words = f"{'at least ' if any(at_floor) and low > 0 else ''}{times} {outcome}"
    if all(at_floor):
        outcome, words = "equal", "level with (both are within the accuracy of F*)"
    elif high <= 1.01 * low:
        outcome, words = "equal", "level with"
    elif not math.isfinite(ours):
        words = "diverged, unlike"
    theirs_label = classical["optimizer"]["label"]
    curve, target = zip(learned["k"], learned["gap"]["median"]), max(theirs, floor)
    return {
        "problem": problem,
        "scenario": learned["scenario"],
        "data": learned["scenario"]["data"],
        "learned": learned["optimizer"]["label"],
        "classical": theirs_label,
        "steps": learned["steps"],
        "ratio": ours / theirs if theirs else 1.0,
        "all_diverged": not math.isfinite(ours),
        "at_floor": all(at_floor),
        "texts": [f"≤ {number(v)}" if is_floor else number(v) for v, is_floor in zip((ours, theirs), at_floor)],
        "outcome": outcome,
        "words": words,
        "against": f"level with {theirs_label} (both are within the accuracy of F*)"
        if all(at_floor)
        else f"{words} {theirs_label}",
        "diverged": learned["diverged"],
        "reached": next((k for k, v in curve if v is not None and v <= target), None),
    }
