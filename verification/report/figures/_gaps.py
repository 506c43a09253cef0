"""Gaps over the iterations and the bounds on them; below, by what factor bounds are above what they bound."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ...pages.figure_labels import label_ends, label_level, label_lines
from ...pages.figure_style import INK, Results, bound_look, line_of, masked, plain, shown
from ...pages.figure_thinning import thinned
from . import _panels as panels

_MOST = 1e5
"""Ratios above this leave the panel: a bound that far above the measured gap says nothing of it."""
_SAME = 1.02
"""Bounds that differ by less than this factor everywhere are drawn as one line with both names."""
_ONE: dict[str, Any] = {"color": INK, "linewidth": 0.9}
_ATTAINED = "attained"


def convergence(runs: Sequence[Results], line_styles: Mapping[str, Any]) -> Figure:
    """F(x_k) - F* of every optimizer; below, the least guaranteed bound on it over it."""
    bounded = [run for run in runs if _least_bound(run)]
    ylabels = ["$F(x_k) - F^\\star$", "least bound / gap"][: 1 + bool(bounded)]
    figure, columns = panels.stack(runs, ylabels, (1.5, 0.8)[: len(ylabels)])
    low, high = panels.limits(runs)
    tops: list[tuple[Axes, dict[str, Line2D]]] = []
    for column in columns:
        axes = column.axes[0]
        lines = {}
        for run in panels.learned_last(column.runs):
            name = run["optimizer"]["name"]
            band = 0.18 if run["optimizer"]["learned"] else 0.09
            lines[name] = panels.line(axes, run["k"], run["gap"], line_styles[name], band)
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        panels.powers(axes)
        tops.append((axes, lines))
    entries: list[Any] = panels.floor([(column.axes[0], column.runs) for column in columns], low)
    names = panels.labels_of(runs)
    entries += panels.label_methods(tops, names, line_styles)
    if bounded:
        entries += _least_ratios(columns, line_styles)
    panels.legend(figure, entries)
    return figure


def _least_ratios(columns: Sequence[panels.Column], line_styles: Mapping[str, Any]) -> list[Any]:
    """The lower panels of `convergence`."""
    ratios = {run["key"]: _ratio(run, _least_bound(run)) for column in columns for run in column.runs}
    low, high = _ratio_limits([v for _, values in ratios.values() for v in values])
    for column in columns:
        axes = column.axes[1]
        lines = {}
        for run in panels.learned_last(column.runs):
            k, values = ratios[run["key"]]
            if k:
                name = run["optimizer"]["name"]
                (lines[name],) = axes.plot(k, values, **line_of(line_styles[name]))
        _ratio_axis(axes, low, high)
        panels.mark_hidden(axes, lines, line_styles)
    return panels.level([column.axes[1] for column in columns], 1.0, _ATTAINED, _ONE)


def bounds(runs: Sequence[Results], line_styles: Mapping[str, Any], catalogue: Sequence[Results]) -> Figure:
    """The gap of one optimizer under the bounds on it, over log k; below, each bound over what it bounds."""
    look = line_of(line_styles[runs[0]["optimizer"]["name"]])
    mean = look | {"linestyle": (0, (1, 1.2)), "linewidth": 1.5}
    curves = [curve for run in runs for curve in run["bound_curves"]]
    numbers = {bound["key"]: bound["number"] for bound in catalogue}
    ylabels = ("gap and its bounds", "bound / measured")
    drawn = {run["key"]: _grouped(run, numbers) for run in runs}
    longest = max((len(group.label) for groups in drawn.values() for group in groups), default=0)
    figure, columns = panels.stack(runs, ylabels, (1.45, 1.15), right=0.1 + 0.065 * longest, log=True)
    low, high = panels.limits(runs, [v for curve in curves for v in shown(curve["median"], 0.0)], reach=1e6)
    ratios = [v for run in runs for group in drawn[run["key"]] for v in _ratio(run, group.curve)[1]]
    ratio_low, ratio_high = _ratio_limits(ratios)
    measured_lines: list[tuple[Axes, list[tuple[Line2D, str]]]] = []
    broken = False
    for column in columns:
        (top, bottom), (run,) = column.axes, column.runs
        last = panels.line(top, run["k"], run["gap"], look)
        means = masked(run["mean_gap"]["median"])
        (average,) = top.plot(*thinned(top, run["k"][1 : len(means) + 1], np.array(means)), **mean)
        measured_lines.append((top, [(last, "gap"), (average, "mean gap")]))
        ends: tuple[list[tuple[Line2D, str]], list[tuple[Line2D, str]]] = ([], [])
        inside: list[tuple[Line2D, str]] = []
        for group in drawn[run["key"]]:
            look_of = bound_look(group.number, group.curve["guaranteed"])
            broken |= not group.curve["guaranteed"]
            (one,) = top.plot(group.curve["k"], masked(group.curve["median"]), **look_of)
            ends[0].append((one, group.label))
            k, values = _ratio(run, group.curve)
            if k:
                (one,) = bottom.plot(k, values, **look_of)
                leaves = values[-1] > ratio_high or k[-1] < 0.9 * run["steps"]
                (inside if leaves else ends[1]).append((one, group.label))
        top.set_yscale("log")
        top.set_ylim(low, high)
        panels.powers(top)
        _ratio_axis(bottom, ratio_low, ratio_high)
        bottom.axhline(1.0, **_ONE)
        label_ends(top, ends[0])
        label_ends(bottom, ends[1])
        # What leaves the panel and finds no room in it has its name in the panel above.
        label_lines(bottom, inside)
    entries: list[Any] = panels.floor([(column.axes[0], column.runs) for column in columns], low)
    entries += _measured_entries(measured_lines, look, mean)
    if not label_level([column.axes[1] for column in columns], 1.0, _ATTAINED):
        entries.append(Line2D([], [], label=f"1: {_ATTAINED}", **_ONE))
    if broken:
        grey = bound_look("B3", guaranteed=False)
        entries.append(
            Line2D([], [], label="grey: a hypothesis is broken, no guarantee", **grey | {"linestyle": "none"})
        )
    panels.legend(figure, entries)
    return figure


def _measured_entries(
    lines: Sequence[tuple[Axes, list[tuple[Line2D, str]]]], look: Mapping[str, Any], mean: Mapping[str, Any]
) -> list[Any]:
    """Label what is measured on each panel; an entry of the legend for what has a label on none."""
    written: set[str] = set()
    for axes, pairs in lines:
        left_over = label_lines(axes, pairs)
        written |= {words for one, words in pairs if one not in left_over}
    full = {
        "gap": ("measured $F(x_k) - F^\\star$", look),
        "mean gap": ("measured mean of $F(x_{1..k}) - F^\\star$", mean),
    }
    return [Line2D([], [], label=words, **dict(of)) for name, (words, of) in full.items() if name not in written]


class _Group:
    """Bounds whose curves coincide: the first of them, and the names of all."""

    def __init__(self, curve: Results, number: str) -> None:
        self.curve, self.number, self.names = curve, number, [number]

    @property
    def label(self) -> str:
        """The names, and where several what they share."""
        return plain(" = ".join(self.names))


def _grouped(run: Results, numbers: Mapping[str, str]) -> list[_Group]:
    """The curves of a run; those that bound the same, are as sound and coincide are one."""
    groups: list[_Group] = []
    for curve in run["bound_curves"]:
        if not shown(curve["median"], 0.0):
            continue
        number = numbers.get(curve["bound"], curve["bound"])
        for group in groups:
            alike = (group.curve["of"], group.curve["guaranteed"], group.curve["k"])
            if alike == (curve["of"], curve["guaranteed"], curve["k"]) and _coincide(group.curve, curve):
                group.names.append(number)
                break
        else:
            groups.append(_Group(curve, number))
    return groups


def _coincide(one: Results, other: Results) -> bool:
    pairs = list(zip(one["median"], other["median"]))
    return all((a is None) == (b is None) for a, b in pairs) and all(
        a > 0 and b > 0 and max(a / b, b / a) < _SAME for a, b in pairs if a is not None and b is not None
    )


def _least_bound(run: Results) -> Results | None:
    """The least of the guaranteed bounds on the last gap, at each k that has one."""
    least: dict[int, float] = {}
    for curve in run["bound_curves"]:
        if curve["guaranteed"] and not curve["of"].startswith("mean"):
            for k, value in zip(curve["k"], curve["median"]):
                if value is not None and value > 0:
                    least[k] = min(value, least.get(k, math.inf))
    return {"k": sorted(least), "median": [least[k] for k in sorted(least)], "of": "F(x_k) - F*"} if least else None


def _ratio(run: Results, curve: Results | None) -> tuple[list[int], list[float]]:
    """A bound over the median of what it bounds, at each k where the gap is above what is not known of F*."""
    if curve is None:
        return [], []
    if curve["of"].startswith("mean"):
        measured = dict(zip(run["k"][1:], run["mean_gap"]["median"]))
    else:
        measured = dict(zip(run["k"], run["gap"]["median"]))
    floor = run["floor"] or 0.0
    pairs = [
        (k, value / measured[k])
        for k, value in zip(curve["k"], curve["median"])
        if value is not None and value > 0 and (measured.get(k) or 0.0) > floor
    ]
    return [k for k, _ in pairs], [ratio for _, ratio in pairs]


def _ratio_limits(ratios: Sequence[float]) -> tuple[float, float]:
    """From below 1 to the largest ratio, but not above what still says something."""
    most = max(ratios, default=10.0)
    return min(0.7, 0.8 * min(ratios, default=1.0)), max(3.0, min(1.6 * most, _MOST))


def _ratio_axis(axes: Axes, low: float, high: float) -> None:
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    subs = (1, 2, 5) if high / low < 50 else (1,)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=6))
    axes.yaxis.set_minor_formatter(NullFormatter())
    if high < 2e4:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
