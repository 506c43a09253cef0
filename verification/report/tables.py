"""The tables of the report: numbers as text, the verdicts arranged for the page, and the same data as CSV files."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DASH = "–"
VERDICTS = ("verified", "violated", "inconclusive", "not applicable")
SYMBOLS = {"verified": "✓", "violated": "✗", "inconclusive": "?", "not applicable": "∅"}
# Verdict tables break into several rather than become wider than a printed page.
_COLUMNS = 8
_VERDICT_FIELDS = (
    "run", "problem", "scenario", "s", "t", "optimizer", "learned", "steps", "bound", "number", "level", "verdict",
    "checks", *(v.replace(" ", "_") for v in VERDICTS), "vacuous_share", "tightness_median", "tightness_worst",
    "tightness_best", "worst_slack", "broken_hypotheses", "broken_data", "notes",
)  # fmt: skip
_CURVE_FIELDS = ("run", "problem", "scenario", "optimizer", "quantity", "of", "guaranteed", "statistic", "k", "value")

Results = Mapping[str, Any]


def number(value: float | None) -> str:
    """Three significant digits, counts in full, a dash for what does not exist."""
    if value is None or not math.isfinite(value):
        return DASH
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e4):
        return f"{int(value):,}"
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def percent(share: float | None) -> str:
    """A share in per cent; never rounded to none or to all of it."""
    if share is None or not math.isfinite(share):
        return DASH
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{number(100 * share)} %"


def applicable(verdict: Results) -> int:
    """The number of checks (steps or runs) the bound speaks of."""
    return verdict["checks"] - verdict["counts"].get("not applicable", 0)


def broken(verdict: Results) -> list[Results]:
    """The hypotheses that are not met everywhere, the least met first."""
    return sorted((h for h in verdict["hypotheses"] if _below(h["share"], 1)), key=lambda h: h["share"])


def overview(results: Results) -> list[dict[str, Any]]:
    """A row for each bound over all runs: counts, how vacuous, how tight."""
    rows = []
    for bound in results["bounds"]:
        found = [v for run in results["runs"] for v in run["verdicts"] if v["bound"] == bound["key"]]
        counts = {name: sum(v["counts"].get(name, 0) for v in found) for name in VERDICTS}
        checks = sum(v["checks"] for v in found)
        known = [v for v in found if v["vacuous_share"] is not None and applicable(v)]
        weight = sum(applicable(v) for v in known)
        medians = sorted(v["tightness_median"] for v in found if v["tightness_median"] is not None)
        rows.append(
            {
                "bound": bound,
                "checks": checks,
                "counts": counts,
                "shares": {name: counts[name] / checks if checks else 0.0 for name in VERDICTS},
                "runs": len(found),
                "vacuous": sum(v["vacuous_share"] * applicable(v) for v in known) / weight if weight else None,
                "least": medians[0] if medians else None,
                "median": _median(medians),
                "greatest": medians[-1] if medians else None,
            }
        )
    return rows


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
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for run in (r for r in results["runs"] if r["problem"] == problem):
        for verdict in run["verdicts"]:
            for hypothesis in broken(verdict):
                entry = found.setdefault(
                    (verdict["bound"], hypothesis["name"]),
                    {"number": verdict["number"], "hypothesis": hypothesis, "runs": []},
                )
                margin = hypothesis["worst_margin"]
                entry["runs"].append(
                    f"{run['scenario']['label']}, {run['optimizer']['label']}: met by {percent(hypothesis['share'])}"
                    + (f", worst margin {number(margin)}" if margin is not None else "")
                )
    return list(found.values())


def remarks(results: Results, problem: str, field: str) -> list[dict[str, Any]]:
    """The distinct entries of `field` ("notes" or "broken_data") on a problem, with their bounds and runs."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for run in (r for r in results["runs"] if r["problem"] == problem):
        for verdict in run["verdicts"]:
            for text in verdict[field]:
                entry = found.setdefault(text, {"bounds": {}, "runs": {}})
                entry["bounds"][verdict["number"]] = None
                entry["runs"][f"{run['scenario']['label']}, {run['optimizer']['label']}"] = None
    return [{"text": t, "bounds": list(e["bounds"]), "runs": list(e["runs"])} for t, e in found.items()]


def comparisons(results: Results) -> list[dict[str, Any]]:
    """Each learned run against the best classical one on the same problem and scenario, by the last median gap."""
    found = []
    for problem in results["problems"]:
        runs = [run for run in results["runs"] if run["problem"] == problem["key"]]
        for key in dict.fromkeys(run["scenario"]["key"] for run in runs):
            group = [run for run in runs if run["scenario"]["key"] == key]
            classical = [run for run in group if not run["optimizer"]["learned"] and _last(run) is not None]
            learned = [run for run in group if run["optimizer"]["learned"]]
            if classical:
                best = min(classical, key=_last)
                found += [_compare(problem, run, best) for run in sorted(learned, key=_rank)]
    return found


def write_tables(results: Results, folder: str | os.PathLike[str]) -> list[Path]:
    """Write verdicts.csv (a row for each run and bound) and curves.csv (long format); a missing value is empty."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    return [
        _write(target / "verdicts.csv", _VERDICT_FIELDS, _verdict_rows(results)),
        _write(target / "curves.csv", _CURVE_FIELDS, _curve_rows(results)),
    ]


def _last(run: Results) -> float | None:
    """The median gap after the last step, not less than the floor; None if the instances were lost."""
    values = run["gap"]["median"]
    if not values or (values[-1] is None and run["diverged"]):
        return None
    return max(values[-1] or 0.0, run["floor"] or 0.0)


def _rank(run: Results) -> float:
    last = _last(run)
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
        outcome, words = "equal", "level with (both are where F* is no longer known)"
    elif high <= 1.01 * low:
        outcome, words = "equal", "level with"
    elif not math.isfinite(ours):
        words = "lost (diverged), unlike"
    curve, target = zip(learned["k"], learned["gap"]["median"]), max(theirs, floor)
    return {
        "problem": problem,
        "scenario": learned["scenario"],
        "in_distribution": not (learned["scenario"]["s"] or learned["scenario"]["t"]),
        "learned": learned["optimizer"]["label"],
        "classical": classical["optimizer"]["label"],
        "steps": learned["steps"],
        "ratio": ours / theirs if theirs else 1.0,
        "texts": [f"≤ {number(v)}" if known else number(v) for v, known in zip((ours, theirs), at_floor)],
        "outcome": outcome,
        "words": words,
        "reached": next((k for k, v in curve if v is not None and v <= target), None),
    }


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
    if speaks and verdict["tightness_median"] is not None:
        lines.append(f"{number(verdict['tightness_median'])} / {number(verdict['tightness_worst'])}")
    missing = broken(verdict)
    return {
        "verdict": verdict["verdict"],
        "symbol": SYMBOLS[verdict["verdict"]],
        "class": verdict["verdict"].replace(" ", "-"),
        "vacuous": vacuous if speaks else None,
        "hollow": bool(speaks) and vacuous is not None and vacuous >= 0.999,
        "lines": lines,
        "missing": missing if not speaks else [],
        "data": bool(verdict["broken_data"]),
        "title": f"{verdict['number']} on {run['scenario']['label']}, {run['optimizer']['label']}: {counts} of "
        f"{number(checks)} {unit}"
        + "".join(f"; {h['name']} ({h['required']}) met by {percent(h['share'])}" for h in missing),
    }


def _verdict_rows(results: Results) -> list[list[Any]]:
    rows = []
    for run in results["runs"]:
        scenario, optimizer = run["scenario"], run["optimizer"]
        for v in run["verdicts"]:
            rows.append(
                [run["key"], run["problem"], scenario["key"], scenario["s"], scenario["t"], optimizer["name"]]
                + [optimizer["learned"], run["steps"], v["bound"], v["number"], v["level"], v["verdict"], v["checks"]]
                + [v["counts"].get(name, 0) for name in VERDICTS]
                + [v["vacuous_share"], v["tightness_median"], v["tightness_worst"], v["tightness_best"]]
                + [v["worst_slack"], "; ".join(f"{h['name']} {h['share']}" for h in broken(v))]
                + ["; ".join(v["broken_data"]), "; ".join(v["notes"])]
            )
    return rows


def _curve_rows(results: Results) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for run in results["runs"]:
        head = [run["key"], run["problem"], run["scenario"]["key"], run["optimizer"]["name"]]
        for quantity, k in (("gap", run["k"]), ("rho", run["k"][1:])):
            for statistic in ("median", "q10", "q90"):
                values = run[quantity][statistic]
                rows += ([*head, quantity, "", "", statistic, i, v] for i, v in zip(k, values))
        relative = zip(run["k"], run["relative_gap_median"])
        rows += ([*head, "relative_gap", "", "", "median", i, v] for i, v in relative)
        for curve in run["bound_curves"]:
            of = [curve["bound"], curve["of"], curve["guaranteed"], "median"]
            rows += ([*head, *of, i, v] for i, v in zip(curve["k"], curve["median"]))
    return rows


def _write(path: Path, fields: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    path.write_bytes(text.getvalue().encode("utf-8"))
    return path
