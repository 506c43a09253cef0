"""The next instance: the median in its interval over k, the largest, and above them what is proved for all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...pages.figure_style import INK, MUTED, Results, bound_look, masked, plain, shown
from ...pages.figure_style import width as width_of
from .._next_view import MOST
from . import _panels as panels

_BOUND = {name: value for name, value in bound_look("B6c").items() if name != "markevery"}
_WORST: dict[str, Any] = {"color": INK, "linestyle": "-", "linewidth": 0.9}
_EDGE = 1.04  # the last k stands inside the panel


def next_instance(runs: Sequence[Results], line_styles: Mapping[str, Any]) -> Figure:
    """A panel for each optimizer, of the first `MOST`; open intervals reach the upper edge."""
    runs = list(runs)[:MOST]
    columns = min(3, panels.columns_of(len(runs)))
    entries = [
        Line2D([], [], color=MUTED, marker="_", linestyle="-", label="median: sample, and its interval"),
        Line2D([], [], color=MUTED, marker="^", markersize=3, linestyle="none", label="largest of the sample"),
    ]
    if any(map(_last_iterate, runs)):
        entries.append(Line2D([], [], label="B6c allows", **_BOUND))
    if any(run["next_instance"]["statement"]["over_k"]["worst_case"] for run in runs):
        entries.append(Line2D([], [], label="exact worst case", **_WORST))
    rows = math.ceil(len(runs) / columns)
    figure, (grid,) = panels.frame(width_of(columns), columns, [1.5] * rows, 1, gap=0.28)
    low, high = _limits(runs)
    for place, axes in enumerate(grid.flat):
        if place >= len(runs):
            axes.set_axis_off()
            continue
        run = runs[place]
        axes.set_yscale("log")
        axes.set_title(plain(run["optimizer"]["label"]), loc="left", fontweight="bold")
        panels.iterations(axes, runs, place + columns >= len(runs))
        axes.set_xlim(0, _EDGE * max(run["steps"] for run in runs))
        _panel(axes, run, line_styles[run["optimizer"]["name"]]["color"], low, high)
        axes.set_ylim(low, high)
        axes.set_ylabel("$F(x_k) - F^\\star$" if place % columns == 0 else "")
        axes.tick_params(labelleft=place % columns == 0)
        panels.powers(axes)
    panels.legend(figure, entries)
    return figure


def _panel(axes: Any, run: Results, colour: str, low: float, high: float) -> None:
    over = run["next_instance"]["statement"]["over_k"]
    k = np.array(over["k"])
    for at, start, end in zip(k, over["lower"], over["upper"]):
        if start is not None:
            axes.plot([at, at], [max(start, low), high if end is None else max(end, low)], color=colour, linewidth=2.4)
    middle = masked(over["sample"], low)
    axes.plot(k, middle, color=colour, linewidth=0.9, marker="_", markersize=7)
    axes.plot(k, masked(over["largest"]), color=colour, marker="^", markersize=3, linestyle="none")
    for curve in _last_iterate(run):
        axes.plot(curve["k"], masked(curve["median"]), **_BOUND)
    if over["worst_case"]:
        axes.plot(k, masked(over["worst_case"]), **_WORST)


def _last_iterate(run: Results) -> list[Results]:
    """The curve of B6c, if it is there and guaranteed."""
    return [c for c in run["bound_curves"] if c["bound"] == "ood_last_iterate" and c["guaranteed"]]


def _limits(runs: Sequence[Results]) -> tuple[float, float]:
    """All that is stated, but not below 1e-14 of the largest."""
    values: list[float] = []
    for run in runs:
        over = run["next_instance"]["statement"]["over_k"]
        for name in ("lower", "sample", "upper", "largest", "worst_case"):
            values += shown(over[name] or (), 0.0)
        for curve in _last_iterate(run):
            values += shown(curve["median"][1:], 0.0)
    top = max(values, default=1.0)
    return max(min(values, default=1e-3) / 3, 1e-14 * top), 4 * top
