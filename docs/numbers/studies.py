"""What is read out of the results of the studies, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]

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
