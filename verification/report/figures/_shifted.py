"""What shifts do: the terms of the deviation, start against objective, and for how many steps a shift costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter

from ...pages.figure_style import GREYS, INK, MUTED, NEGLIGIBLE, Results, line_of, masked, plain, shown
from ...pages.figure_style import width as width_of
from ..config import UNSHIFTED
from . import _panels as panels

_TERMS = {
    "bracket": ("at the features without the shift", GREYS[0]),
    "pshift": ("shift of the preconditioner", GREYS[1]),
    "bshift": ("shift of the bias", GREYS[2]),
}
_DASHED = (0, (4, 2))
_LEVEL: dict[str, Any] = {"color": MUTED, "linewidth": 0.8}


def attribution(entries: Sequence[Results], runs: Mapping[str, Results], line_styles: Mapping[str, Any]) -> Figure:
    """Shares of the three terms of one learned optimizer over k, a column a scenario; below, rho_k with and without
    the shift. `runs` are all runs by key.
    """
    look = line_of(line_styles[entries[0]["optimizer"]["name"]])
    inside: dict[str, Any] = {"color": INK, "linestyle": _DASHED, "linewidth": 1.1}
    figure, columns = panels.stack(entries, ("share of $e'_k$", "$\\rho_k$"), (1.35, 0.85))
    curves = [(e, _rho(runs, e, e["scenario"]["key"]), _rho(runs, e, UNSHIFTED)) for e in entries]
    values = [v for _, *both in curves for _, rho in both for v in shown(rho, NEGLIGIBLE)]
    low, high = max(min(values, default=0.1) / 1.5, 1e-6), min(2 * max(values, default=1.0), 1e4)
    seen = [False, False]
    for column in columns:
        (top, bottom), (entry,) = column.axes, column.runs
        below = [0.0] * len(entry["k"])
        for name, (_, face) in _TERMS.items():
            above = [b + (math.nan if v is None else v) for b, v in zip(below, entry["share"][name])]
            top.fill_between(entry["k"], below, above, linewidth=0, **face)
            below = above
        top.set_ylim(0, 1)
        top.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
        top.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        bottom.set_yscale("log")
        bottom.set_ylim(low, max(high, 2 * low))
        _, ours, theirs = next(c for c in curves if c[0] is entry)
        for place, ((k, rho), style_of) in enumerate(((ours, look), (theirs, inside))):
            (one,) = bottom.plot(k[: len(rho)], masked(rho), **style_of)
            seen[place] |= panels.visible(bottom, one)
        panels.numbers(bottom, low, max(high, 2 * low))
    legend: list[Any] = [Patch(linewidth=0, label=words, **face) for words, face in _TERMS.values()]
    rho_entries = [
        Line2D([], [], label="$\\rho_k$ under the shift", **look),
        Line2D([], [], label="$\\rho_k$ without the shift", **inside),
    ]
    panels.legend(figure, legend + [entry for entry, there in zip(rho_entries, seen) if there])
    return figure


def _rho(runs: Mapping[str, Results], entry: Results, scenario: str) -> tuple[list[int], list[float | None]]:
    run = runs.get(f"{entry['problem']}/{scenario}/{entry['optimizer']['name']}")
    return ([], []) if run is None else (run["k"][1:], run["rho"]["median"])


def shift_pairs(pairs: Sequence[Results], runs: Mapping[str, Results], line_styles: Mapping[str, Any]) -> Figure:
    """Start shifted against objective shifted, a column for each optimizer and size; below, how far they are apart."""
    columns = panels.columns_of(len(pairs))
    objective: dict[str, Any] = {"color": INK, "linewidth": 1.0, "linestyle": _DASHED}
    iterates_apart: dict[str, Any] = {"color": INK, "linewidth": 1.1}
    gaps_apart: dict[str, Any] = {"color": INK, "linestyle": (0, (1, 1.5)), "linewidth": 1.3}
    blocks = math.ceil(len(pairs) / columns)
    figure, grids = panels.frame(width_of(columns), columns, (1.5, 0.9), blocks)
    gaps = [v for p in pairs for r in _both(p, runs) for v in shown(r["relative_gap"]["median"], 0.0)]
    floors = [v for p in pairs for r in _both(p, runs) for v in shown([r["relative_floor"]], 0.0)]
    low = max(min(gaps, default=1e-3), min(floors, default=0.0)) / 4
    high = 2 * max(gaps, default=1.0)
    most = [v for p in pairs for name in ("iterates", "gap") for v in shown(p[name], 0.0)]
    bottoms: list[Axes] = []
    for index in range(blocks * columns):
        top, bottom = (row[index % columns] for row in grids[index // columns])
        if index >= len(pairs):
            top.set_axis_off()
            bottom.set_axis_off()
            continue
        pair, look = pairs[index], line_styles[pairs[index]["optimizer"]["name"]]
        top.set_yscale("log")
        thick = {"color": look["color"], "linewidth": 2.8, "alpha": 0.6}
        for run, style_of in zip(_both(pair, runs), (thick, objective)):
            values = run["relative_gap"]["median"]
            top.plot(run["k"][: len(values)], masked(values), **style_of)
        top.set_ylim(low, max(high, 10 * low))
        panels.powers(top)
        top.set_title(plain(f"{pair['optimizer']['label']}, τ = {pair['tau']:g}"), loc="left", fontweight="bold")
        bottom.set_yscale("log")
        bottom.plot(pair["k"], masked(pair["iterates"]), **iterates_apart)
        bottom.plot(pair["k"], masked(pair["gap"]), **gaps_apart)
        bottom.set_ylim(min([*most, 1e-16]) / 3, max([*most, 1e-7]) * 5)
        panels.powers(bottom, 5)
        bottoms.append(bottom)
        for axes, lowest in ((top, False), (bottom, True)):
            panels.iterations(axes, [pair], lowest)
            axes.tick_params(labelleft=index % columns == 0)
        if index % columns == 0:
            top.set_ylabel("relative gap")
            bottom.set_ylabel("difference")
    figure.align_ylabels()
    # The thick line has the colour of the method that the panel is about.
    several = len({pair["optimizer"]["name"] for pair in pairs}) > 1
    colour = MUTED if several else line_styles[pairs[0]["optimizer"]["name"]]["color"]
    legend: list[Any] = [
        Line2D([], [], label="start shifted, $s = \\tau$", color=colour, linewidth=2.8, alpha=0.6),
        Line2D([], [], label="objective shifted, $t = \\tau$", **objective),
        Line2D([], [], label="iterates apart", **iterates_apart),
        Line2D([], [], label="gaps apart", **gaps_apart),
    ]
    panels.legend(figure, legend + panels.level(bottoms, pairs[0]["agree"], "the same below", _LEVEL))
    return figure


def _both(pair: Results, runs: Mapping[str, Results]) -> tuple[Results, Results]:
    """The run with the start shifted and the one with the objective shifted."""
    at, name = pair["problem"], pair["optimizer"]["name"]
    return runs[f"{at}/{pair['start']}/{name}"], runs[f"{at}/{pair['scenario']['key']}/{name}"]


def transients(entries: Sequence[Results], line_styles: Mapping[str, Any]) -> Figure:
    """Relative gaps of long runs, with the median step from which each stays below eps."""
    figure, columns = panels.stack(entries, ["relative gap"], [1.6])
    values = [v for e in entries for v in shown(e["relative_gap"]["median"], 0.0)]
    low, high = min(values, default=1e-9) / 2, 2 * max(values, default=1.0)
    drawn: list[tuple[Axes, dict[str, Line2D]]] = []
    reached = False
    for column in columns:
        (axes,) = column.axes
        axes.set_yscale("log")
        axes.set_ylim(low, max(high, 10 * low))
        lines = {}
        for entry in column.runs:
            name = entry["optimizer"]["name"]
            lines[name] = panels.line(axes, entry["k"], entry["relative_gap"], line_styles[name])
            middle = median_first(entry)
            if middle is not None:
                reached = True
                axes.plot(
                    [middle], [entry["eps"]], marker="v", markersize=6, linestyle="none",
                    color=line_styles[name]["color"],
                )  # fmt: skip
        panels.powers(axes)
        drawn.append((axes, lines))
    eps = entries[0]["eps"]
    legend: list[Any] = []
    if reached:
        legend.append(Line2D([], [], color=MUTED, marker="v", linestyle="none", label="stays below from here, median"))
    legend += panels.level([axes for axes, _ in drawn], eps, "counted as reached below", _LEVEL)
    legend += panels.label_methods(drawn, panels.labels_of(entries), line_styles)
    panels.legend(figure, legend)
    return figure


def median_first(entry: Results) -> int | None:
    """The upper median of the steps from which the gap stays below eps; None where half the runs do not converge."""
    ordered = sorted(math.inf if k is None else k for k in entry["first"])
    middle = ordered[len(ordered) // 2] if ordered else math.inf
    return int(middle) if math.isfinite(middle) else None
