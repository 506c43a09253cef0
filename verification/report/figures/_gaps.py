"""Gaps over the iterations, and the bounds on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...pages.figure_style import MARKERS, MUTED, SERIES, Results, masked, plain, shown
from . import _panels as panels

_NO_GUARANTEE = (0, (3, 2))


def convergence(runs: Sequence[Results], line_styles: Mapping[str, Any]) -> Figure:
    """F(x_k) - F* of every optimizer."""
    figure, pairs = panels.panels(runs, "$F(x_k) - F^\\star$", panels.handles(runs, line_styles))
    low, high = panels.limits(runs)
    for axes, group in pairs:
        for run in panels.learned_last(group):
            band = 0.22 if run["optimizer"]["learned"] else 0.1
            panels.line(axes, run["k"], run["gap"], line_styles[run["optimizer"]["name"]], low, band)
        axes.set_ylim(low, high)
        panels.powers(axes)
        panels.floor(axes, group, low)
    return figure


def bounds(runs: Sequence[Results], line_styles: Mapping[str, Any], catalogue: Sequence[Results]) -> Figure:
    """The gap of one optimizer under the bounds on it."""
    look = line_styles[runs[0]["optimizer"]["name"]]
    mean = look | {"linestyle": ":", "linewidth": 1.5}
    colours = [c for c in SERIES if c != look["color"]]
    curves = [curve for run in runs for curve in run["bound_curves"]]
    of = {curve["bound"]: curve["of"] for curve in curves}
    styles: dict[str, dict[str, Any]] = {
        name: {"color": colours[place % len(colours)], "marker": MARKERS[place % len(MARKERS)], "markersize": 3}
        for place, name in enumerate(of)
    }
    numbers = {bound["key"]: bound["number"] for bound in catalogue}
    entries = [
        Line2D([], [], label="measured $F(x_k) - F^\\star$", **look),
        Line2D([], [], label="measured mean of $F(x_{1..k}) - F^\\star$", **mean),
    ]
    for name, style_of in styles.items():
        what = "last gap" if not of[name].startswith("mean") else "mean gap"
        entries.append(Line2D([], [], label=plain(f"{numbers.get(name, name)}, {what}"), **style_of))
    if not all(curve["guaranteed"] for curve in curves):
        entries.append(Line2D([], [], color=MUTED, linestyle=_NO_GUARANTEE, label="dashed: no guarantee"))
    figure, pairs = panels.panels(runs, "gap and its bounds", entries)
    low, high = panels.limits(runs, [v for curve in curves for v in shown(curve["median"], 0.0)], reach=1e6)
    for axes, group in pairs:
        for run in group:
            panels.line(axes, run["k"], run["gap"], look, low, 0.2)
            means = masked(run["mean_gap"]["median"])
            axes.plot(run["k"][1 : len(means) + 1], means, **mean)
            for curve in run["bound_curves"]:
                dashes = "-" if curve["guaranteed"] else _NO_GUARANTEE
                every = max(1, len(curve["k"]) // 8)
                style_of = styles[curve["bound"]] | {"linestyle": dashes, "linewidth": 1.1, "markevery": every}
                axes.plot(curve["k"], masked(curve["median"]), **style_of)
        axes.set_ylim(low, high)
        panels.powers(axes)
        panels.floor(axes, group, low)
    return figure
