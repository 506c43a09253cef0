"""The verdicts arranged for the page: over all runs, by problem, and why bounds do not apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..pages.text import count, number, percent

VERDICTS = ("verified", "violated", "inconclusive", "not applicable")
SYMBOLS = {"verified": "✓", "violated": "✗", "inconclusive": "?", "not applicable": "∅"}
# Verdict tables break into several rather than become wider than a printed page.
_COLUMNS = 10

Results = Mapping[str, Any]


def applicable(verdict: Results) -> int:
    """The number of checks (steps or runs) the bound speaks of."""
    return verdict["checks"] - verdict["counts"].get("not applicable", 0)


def decided(verdict: Results) -> int:
    """The number of checks that could have failed: true or false for certain, not vacuous, no form of another bound."""
    if verdict.get("form_of"):
        return 0
    vacuous = round((verdict["vacuous_share"] or 0.0) * applicable(verdict))
    return verdict.get("decided", max(0, applicable(verdict) - vacuous - verdict["counts"].get("inconclusive", 0)))


def numbered(results: Results) -> dict[str, str]:
    """The number of each bound by its key."""
    return {bound["key"]: bound["number"] for bound in results["bounds"]}


def broken(verdict: Results) -> list[Results]:
    """The hypotheses that are not met everywhere, the least met first."""
    return sorted((h for h in verdict["hypotheses"] if _below(h["share"], 1)), key=lambda h: h["share"])


def overview(results: Results) -> list[dict[str, Any]]:
    """A row for each bound over all runs: counts, how vacuous, how tight."""
    rows = []
    numbers = numbered(results)
    places = {entry["key"]: place for place, entry in enumerate(results["catalogue"], 1)}
    for bound in results["bounds"]:
        verdicts = [v for run in results["runs"] for v in run["verdicts"] if v["bound"] == bound["key"]]
        counts = {name: sum(v["counts"].get(name, 0) for v in verdicts) for name in VERDICTS}
        checks = sum(v["checks"] for v in verdicts)
        stated = [v for v in verdicts if v["vacuous_share"] is not None and applicable(v)]
        weight = sum(applicable(v) for v in stated)
        medians = sorted(v["tightness_median"] for v in verdicts if v["tightness_median"] is not None)
        rows.append(
            {
                "bound": bound,
                "anchor": places.get(bound["key"]),
                "checks": checks,
                "decided": sum(decided(v) for v in verdicts),
                "forms": [f"{numbers.get(key, key)} on {count(n, 'run')}" for key, n in _forms(verdicts).items()],
                "counts": counts,
                "shares": {name: counts[name] / checks if checks else 0.0 for name in VERDICTS},
                "runs": len(verdicts),
                "vacuous": sum(v["vacuous_share"] * applicable(v) for v in stated) / weight if weight else None,
                "least": medians[0] if medians else None,
                "median": _median(medians),
                "greatest": medians[-1] if medians else None,
            }
        )
    return rows


def _forms(verdicts: Sequence[Results]) -> dict[str, int]:
    """The bounds that these verdicts repeat, and on how many runs."""
    return dict(Counter(v["form_of"] for v in verdicts if v.get("form_of")))


def verdict_tables(results: Results, problem: str) -> list[dict[str, Any]]:
    """The verdicts on a problem: tables of whole scenarios, rows are bounds, columns are scenario x optimizer."""
    runs = [run for run in results["runs"] if run["problem"] == problem]
    groups: dict[str, list[Results]] = {}
    for run in runs:
        groups.setdefault(run["scenario"]["key"], []).append(run)
    chunks: list[list[list[Results]]] = []
    for group in groups.values():
        if not chunks or sum(map(len, chunks[-1])) + len(group) > _COLUMNS:
            chunks.append([])
        chunks[-1].append(group)
    return [
        {
            "scenarios": [{"label": group[0]["scenario"]["label"], "columns": len(group)} for group in chunk],
            "runs": [run for group in chunk for run in group],
            "first": [index == 0 for group in chunk for index in range(len(group))],
            "rows": [
                {"bound": bound, "cells": [_cell(bound["key"], run) for group in chunk for run in group]}
                for bound in results["bounds"]
            ],
        }
        for chunk in chunks
    ]


def obstacles(results: Results, problem: str) -> list[dict[str, Any]]:
    """Why bounds do not apply: for each bound and hypothesis the runs that break it, and by how much."""
    reasons: dict[tuple[str, str], dict[str, Any]] = {}
    for run in (r for r in results["runs"] if r["problem"] == problem):
        for verdict in run["verdicts"]:
            for hypothesis in broken(verdict):
                entry = reasons.setdefault(
                    (verdict["bound"], hypothesis["name"]),
                    {"number": verdict["number"], "hypothesis": hypothesis, "runs": []},
                )
                margin = hypothesis["worst_margin"]
                entry["runs"].append(
                    f"{run['scenario']['label']}, {run['optimizer']['label']}: met by {percent(hypothesis['share'])}"
                    + (f", worst margin {number(margin)}" if margin is not None else "")
                )
    return list(reasons.values())


def remarks(results: Results, problem: str, field: str) -> list[dict[str, Any]]:
    """The distinct entries of `field` ("notes" or "broken_data") on a problem, with their bounds and runs."""
    notes: dict[str, dict[str, dict[str, None]]] = {}
    for run in (r for r in results["runs"] if r["problem"] == problem):
        for verdict in run["verdicts"]:
            for text in verdict[field]:
                entry = notes.setdefault(text, {"bounds": {}, "runs": {}})
                entry["bounds"][verdict["number"]] = None
                entry["runs"][f"{run['scenario']['label']}, {run['optimizer']['label']}"] = None
    return [{"text": t, "bounds": list(e["bounds"]), "runs": list(e["runs"])} for t, e in notes.items()]


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


def _median(ordered: Sequence[float]) -> float | None:
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _cell(bound: str, run: Results) -> dict[str, Any] | None:
    verdict = next((v for v in run["verdicts"] if v["bound"] == bound), None)
    if verdict is None:
        return None
    speaks, checks, vacuous = applicable(verdict), verdict["checks"], verdict["vacuous_share"]
    unit = "steps" if verdict["level"] == "step" else "runs"
    counts = ", ".join(f"{number(verdict['counts'].get(n, 0))} {n}" for n in VERDICTS if verdict["counts"].get(n))
    lines = []
    if verdict["verdict"] in ("violated", "inconclusive"):
        lines.append(f"{number(verdict['counts'].get(verdict['verdict'], 0))} of {number(checks)} {unit}")
    elif 0 < speaks < checks:
        lines.append(f"on {percent(speaks / checks)} of {unit}")
    tight = [number(verdict[f"tightness_{which}"]) for which in ("median", "worst")]
    missing = broken(verdict)
    return {
        "verdict": verdict["verdict"],
        "symbol": SYMBOLS[verdict["verdict"]],
        "class": verdict["verdict"].replace(" ", "-"),
        "vacuous": vacuous if speaks else None,
        "hollow": bool(speaks) and vacuous is not None and vacuous >= 0.999,
        "lines": lines,
        "tight": tight if speaks and verdict["tightness_median"] is not None else None,
        "missing": missing if not speaks else [],
        "data": bool(verdict["broken_data"]),
        "title": f"{verdict['number']} on {run['scenario']['label']}, {run['optimizer']['label']}: {counts} of "
        f"{number(checks)} {unit}"
        + "".join(f"; {h['name']} ({h['required']}) met by {percent(h['share'])}" for h in missing),
    }
