"""The figures of the report, drawn from its results: files for a paper, and elements of the page.

`figures` draws with the colours of `INK`, `MUTED`, `GRID` and `SERIES` on a transparent ground, in sizes for a paper.
`inline_svg` replaces these colours by the variables of the style sheet, which has a light and a dark value for each.
Nothing touches the state of pyplot, and equal results give equal bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from matplotlib.figure import Figure

from ...pages.figure_style import NEGLIGIBLE, Results, line_styles, shown, style
from .._chosen import certificate_panels, first_panels, guarded_pairs
from .._compare import rows
from .._next_view import shown_next
from ..tables import numbered
from ..worst_cases import grouped
from . import _gaps, _next, _overview, _shifted, _steps, _worst_cases
from ._certified import certified, guarded
from ._gaps import bounds as gap_bounds
from ._gaps import convergence
from ._shifted import median_first

__all__ = [
    "CAPTIONS",
    "certified",
    "convergence",
    "figures",
    "file_names",
    "gap_bounds",
    "median_first",
    "shown_attributions",
    "shown_pairs",
]


CAPTIONS = {
    "final-gaps": "Median relative gap after the last step; grey: the accuracy of F*.",
    "iterations": "First k with F(x_k) certainly within the tolerance of F*, the median over the instances.",
    "f-star": "Relative width of the certified interval of F* (grey), and the lowest relative gap of each method.",
    "next-instance": "Median of F(x_k) - F* of the next instance in its interval, and what is proved for all of them.",
    "certified": "Measured gap, the gap that the run certifies at the marked steps (B15), and the least bound on it.",
    "certificates": "Measured gap, the gap that the run certifies at the marked steps (B15), and B6c.",
    "guarded": "Measured gap of a learned method alone and under a guard, and what the guard guarantees (B16).",
    "convergence": "Median F(x_k) - F* with its band, and below by what factor the least guaranteed bound is above it.",
    "bounds": "Gap under its bounds, and below by what factor each bound is above what it bounds.",
    "per-step": "Decrease of each step beside what B1 guarantees, where there is no guarantee, and rho_k.",
    "deviation": "Distance from Assumption 1 and rho_k over the iterations.",
    "attribution": "Shares of the deviation of a shifted run, and rho_k with and without the shift.",
    "shifts": "Start shifted against objective shifted, and below how far apart the mapped runs are.",
    "transient": "Relative gaps of long runs; a triangle: the median step from which a gap stays below the tolerance.",
    "worst-cases": "Bound over exact worst case against the number of steps; 1: attained.",
}
"""One sentence on each kind of figure, which is the first part of its key."""


def figures(results: Results) -> dict[str, Figure]:
    """Every figure by its key.

    "certified" of the runs that the first screen shows; "final-gaps", "iterations", "f-star" over all problems; for
    each problem "convergence/PROBLEM", "certificates/PROBLEM", "guarded/PROBLEM",
    "bounds/PROBLEM/OPTIMIZER", "per-step/PROBLEM/OPTIMIZER" and "attribution/PROBLEM/OPTIMIZER" for the learned ones,
    "deviation/PROBLEM", "shifts/PROBLEM"; "transient/SECTION" for each section of long runs; "next-instance" of one
    problem; and "worst-cases".
    """
    drawn: dict[str, Figure] = {}
    styles = line_styles(results)
    table = rows(results)
    numbers = numbered(results)
    by_key = {run["key"]: run for run in results["runs"]}
    with style():
        chosen = first_panels(results)
        if chosen:
            drawn["certified"] = certified(chosen, styles, numbers, narrow=True)
        if table:
            drawn["final-gaps"] = _overview.final_gaps(table, styles)
            drawn["iterations"] = _overview.iterations(table, styles)
            drawn["f-star"] = _overview.f_star(table, styles)
        sampled = shown_next(results)
        if sampled:
            drawn["next-instance"] = _next.next_instance(sampled, styles)
        for problem in results["problems"]:
            key = problem["key"]
            runs = [run for run in results["runs"] if run["problem"] == key]
            if not runs:
                continue
            drawn[f"convergence/{key}"] = _gaps.convergence(runs, styles)
            rows_of = certificate_panels(runs)
            if rows_of:
                drawn[f"certificates/{key}"] = certified(rows_of, styles, numbers, bound="ood_last_iterate")
            pairs_of = guarded_pairs(runs)
            if pairs_of:
                drawn[f"guarded/{key}"] = guarded(pairs_of, styles)
            for name in dict.fromkeys(r["optimizer"]["name"] for r in runs if r["optimizer"]["learned"]):
                mine = [run for run in runs if run["optimizer"]["name"] == name]
                if any(run["bound_curves"] for run in mine):
                    drawn[f"bounds/{key}/{name}"] = _gaps.bounds(mine, styles, results["bounds"])
                stepping = [run for run in mine if run["descent"]]
                if stepping:
                    drawn[f"per-step/{key}/{name}"] = _steps.per_step(stepping, styles)
            deviating = [run for run in runs if shown(run["rho"]["median"], NEGLIGIBLE)]
            if deviating:
                drawn[f"deviation/{key}"] = _steps.deviation(deviating, styles)
            attributed = shown_attributions(results, key)
            for name in dict.fromkeys(e["optimizer"]["name"] for e in attributed):
                mine = [e for e in attributed if e["optimizer"]["name"] == name]
                drawn[f"attribution/{key}/{name}"] = _shifted.attribution(mine, by_key, styles)
            pairs = shown_pairs(results, key)
            if pairs:
                drawn[f"shifts/{key}"] = _shifted.shift_pairs(pairs, by_key, styles)
        for key in dict.fromkeys(entry["problem"] for entry in results["transients"]):
            mine = [entry for entry in results["transients"] if entry["problem"] == key]
            drawn[f"transient/{key}"] = _shifted.transients(mine, styles)
        looseness = _worst_cases.worst_cases(grouped(results))
        if looseness is not None:
            drawn["worst-cases"] = looseness
    return drawn


def shown_pairs(results: Results, problem: str) -> list[Results]:
    """The pairs of shifts on a problem of which both runs are there, those of one size together."""
    keys = {run["key"] for run in results["runs"]}
    pairs = []
    for pair in (p for p in results["shift_pairs"] if p["problem"] == problem):
        needed = {f"{problem}/{key}/{pair['optimizer']['name']}" for key in (pair["start"], pair["scenario"]["key"])}
        if needed <= keys:
            pairs.append(pair)
    return sorted(pairs, key=lambda pair: pair["tau"])


def shown_attributions(results: Results, problem: str) -> list[Results]:
    """The attributions on a problem of which the run is there."""
    keys = {run["key"] for run in results["runs"]}
    entries = (e for e in results["attributions"] if e["problem"] == problem)
    return [e for e in entries if f"{problem}/{e['scenario']['key']}/{e['optimizer']['name']}" in keys]


def file_names(keys: Iterable[str]) -> dict[str, str]:
    """A file name without ending for each figure: letters, digits, dots and dashes only, all different."""
    names: dict[str, str] = {}
    for key in keys:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", key)[:120].strip(".-") or "figure"
        name, more = stem, 2
        while name.lower() in {n.lower() for n in names.values()}:
            name, more = f"{stem}-{more}", more + 1
        names[key] = name
    return names
