"""What shifts do: the terms of the deviation, start against objective, and how long a shift is paid for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from ...pages.figure_style import INK, MUTED, NEGLIGIBLE, SERIES, WIDTHS, Results, masked, plain, shown
from ..config import UNSHIFTED
from . import _panels as panels

_TERMS = {
    "bracket": ("at the features without the shift", MUTED, 0.45),
    "pshift": ("shift of the preconditioner", SERIES[2], 0.85),
    "bshift": ("shift of the bias", SERIES[4], 0.6),
}
_DASHED = (0, (4, 2))


def attribution(entries: Sequence[Results], runs: Mapping[str, Results], line_styles: Mapping[str, Any]) -> Figure:
    """Shares of the three terms of one learned optimizer over k, a column a scenario; below, rho_k with and without
    the shift. `runs` are all runs by key.
    """
    look = line_styles[entries[0]["optimizer"]["name"]]
    inside: dict[str, Any] = {"color": INK, "linestyle": _DASHED, "linewidth": 1.1}
    legend = [
        *(Patch(color=c, alpha=a, linewidth=0, label=words) for words, c, a in _TERMS.values()),
        Line2D([], [], label="$\\rho_k$ under the shift", **look),
        Line2D([], [], label="$\\rho_k$ without the shift", **inside),
    ]
    figure, columns = panels.stack(entries, ("share of $e'_k$", "$\\rho_k$"), (1.35, 0.85), legend)
    curves = [(entry, *(_rho(runs, entry, key) for key in (entry["scenario"]["key"], UNSHIFTED))) for entry in entries]
    values = [v for _, *both in curves for k, rho in both for v in shown(rho, NEGLIGIBLE)]
    low, high = max(min(values, default=0.1) / 1.5, 1e-6), min(2 * max(values, default=1.0), 1e4)
    for (top, bottom), (entry,) in columns:
        below = [0.0] * len(entry["k"])
        for name, (_, colour, alpha) in _TERMS.items():
            above = [b + (math.nan if v is None else v) for b, v in zip(below, entry["share"][name])]
            top.fill_between(entry["k"], below, above, color=colour, alpha=alpha, linewidth=0)
            below = above
        top.set_ylim(0, 1)
        top.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
        top.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        _, ours, theirs = next(c for c in curves if c[0] is entry)
        for (k, rho), style_of in ((theirs, inside), (ours, look)):
            bottom.plot(k[: len(rho)], masked(rho), **style_of)
        bottom.set_yscale("log")
        bottom.set_ylim(low, max(high, 2 * low))
        panels.numbers(bottom, low, max(high, 2 * low))
    return figure


def _rho(runs: Mapping[str, Results], entry: Results, scenario: str) -> tuple[list[int], list[float | None]]:
    run = runs.get(f"{entry['problem']}/{scenario}/{entry['optimizer']['name']}")
    return ([], []) if run is None else (run["k"][1:], run["rho"]["median"])


def shift_pairs(pairs: Sequence[Results], runs: Mapping[str, Results], line_styles: Mapping[str, Any]) -> Figure:
    """Start shifted against objective shifted, a column for each optimizer and size; below, how far they are apart."""
    columns = min(len(pairs), 3)
    start: dict[str, Any] = {"color": INK, "linewidth": 1.0}
    legend = [
        Line2D([], [], label="start shifted, $s = \\tau$", color=MUTED, linewidth=2.6, alpha=0.6),
        Line2D([], [], label="objective shifted, $t = \\tau$", linestyle=_DASHED, **start),
        Line2D([], [], label="iterates apart", color=INK, linewidth=1.1),
        Line2D([], [], label="gaps apart", color=INK, linestyle=(0, (1, 1.5)), linewidth=1.3),
    ]
    blocks = math.ceil(len(pairs) / columns)
    figure, grids = panels.frame(WIDTHS[columns], columns, (1.5, 0.9), blocks, legend)
    gaps = [v for p in pairs for r in _both(p, runs) for v in shown(r["relative_gap"]["median"], 0.0)]
    floors = [v for p in pairs for r in _both(p, runs) for v in shown([r["relative_floor"]], 0.0)]
    low = max(min(gaps, default=1e-3), min(floors, default=0.0)) / 4
    high = 2 * max(gaps, default=1.0)
    for index in range(blocks * columns):
        top, bottom = (row[index % columns] for row in grids[index // columns])
        if index >= len(pairs):
            top.set_axis_off()
            bottom.set_axis_off()
            continue
        pair, look = pairs[index], line_styles[pairs[index]["optimizer"]["name"]]
        shift_s, shift_t = _both(pair, runs)
        top.set_yscale("log")
        for run, style_of in (
            (shift_s, look | {"linewidth": 2.6, "alpha": 0.6}),
            (shift_t, start | {"linestyle": _DASHED}),
        ):
            values = run["relative_gap"]["median"]
            top.plot(run["k"][: len(values)], masked(values), **style_of)
        top.set_ylim(low, max(high, 10 * low))
        panels.powers(top)
        top.set_title(plain(f"{pair['optimizer']['label']}, τ = {pair['tau']:g}"), loc="left", fontweight="bold")
        bottom.set_yscale("log")
        bottom.plot(pair["k"], masked(pair["iterates"]), **start)
        bottom.plot(pair["k"], masked(pair["gap"]), color=look["color"], linestyle=(0, (1, 1.5)), linewidth=1.3)
        bottom.axhline(pair["agree"], color=MUTED, linewidth=0.8)
        panels.remark(bottom, pair["agree"], "the same below", "top")
        most = [v for p in pairs for name in ("iterates", "gap") for v in shown(p[name], 0.0)]
        bottom.set_ylim(min([*most, 1e-16]) / 3, max([*most, 1e-7]) * 5)
        panels.powers(bottom, 5)
        for axes, lowest in ((top, False), (bottom, True)):
            panels.iterations(axes, [pair], lowest)
            axes.tick_params(labelleft=index % columns == 0)
        if index % columns == 0:
            top.set_ylabel("relative gap")
            bottom.set_ylabel("difference")
    figure.align_ylabels()
    return figure


def _both(pair: Results, runs: Mapping[str, Results]) -> tuple[Results, Results]:
    """The run with the start shifted and the one with the objective shifted."""
    at, name = pair["problem"], pair["optimizer"]["name"]
    return runs[f"{at}/{pair['start']}/{name}"], runs[f"{at}/{pair['scenario']['key']}/{name}"]


def transients(entries: Sequence[Results], line_styles: Mapping[str, Any]) -> Figure:
    """Relative gaps of long runs, with the median step from which each stays below eps."""
    names = {e["optimizer"]["name"]: e["optimizer"]["label"] for e in entries}
    legend = [Line2D([], [], label=plain(label), **line_styles[name]) for name, label in names.items()]
    legend.append(Line2D([], [], color=MUTED, marker="v", linestyle="none", label="below for good from here, median"))
    figure, pairs = panels.panels(entries, "relative gap", legend)
    values = [v for e in entries for v in shown(e["relative_gap"]["median"], 0.0)]
    low, high = min(values, default=1e-9) / 2, 2 * max(values, default=1.0)
    for axes, group in pairs:
        for entry in group:
            look = line_styles[entry["optimizer"]["name"]]
            panels.line(axes, entry["k"], entry["relative_gap"], look, low, 0.2)
            middle = median_first(entry)
            if middle is not None:
                axes.plot([middle], [entry["eps"]], marker="v", markersize=6, linestyle="none", color=look["color"])
        eps = group[0]["eps"]
        axes.axhline(eps, color=MUTED, linewidth=0.8)
        panels.remark(axes, eps, "counted as reached below", "bottom")
        axes.set_ylim(low, max(high, 10 * low))
        panels.powers(axes)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    return figure


def median_first(entry: Results) -> int | None:
    """The upper median of the steps from which the gap stays below eps; None where half the runs do not converge."""
    ordered = sorted(math.inf if k is None else k for k in entry["first"])
    middle = ordered[len(ordered) // 2] if ordered else math.inf
    return int(middle) if math.isfinite(middle) else None
