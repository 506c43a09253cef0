"""Panels with common axes, one a scenario, and what is drawn on them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ...pages.figure_style import MUTED, WIDTHS, Results, masked, plain, shown

_TITLE, _FOOT, _RIGHT, _BETWEEN = 0.22, 0.42, 0.12, 0.24  # inches


_ENDS = (("q10", "q90"), ("least", "greatest"))  # of a band


def by_scenario(runs: Sequence[Results]) -> list[list[Results]]:
    """The runs, grouped by scenario in order of appearance."""
    groups: dict[str, list[Results]] = {}
    for run in runs:
        groups.setdefault(run["scenario"]["key"], []).append(run)
    return list(groups.values())


def learned_last(runs: Sequence[Results]) -> list[Results]:
    """In the order of drawing: the learned ones on top."""
    return sorted(runs, key=lambda r: r["optimizer"]["learned"])


def panels(
    runs: Sequence[Results], ylabel: str, entries: Sequence[Any]
) -> tuple[Figure, list[tuple[Axes, list[Results]]]]:
    """Small multiples on common logarithmic axes, under a legend of `entries`."""
    groups = by_scenario(runs)
    columns = min(len(groups), 3 if len(groups) != 4 else 2)
    rows = math.ceil(len(groups) / columns)
    figure, (grid,) = frame(WIDTHS[columns], columns, [1.5] * rows, 1, entries, gap=0.28)
    pairs = []
    for index, axes in enumerate(grid.flat):
        if index >= len(groups):
            axes.set_axis_off()
            continue
        axes.set_yscale("log")
        title(axes, groups[index])
        iterations(axes, runs, index + columns >= len(groups))
        axes.set_ylabel(ylabel if index % columns == 0 else "")
        axes.tick_params(labelleft=index % columns == 0)
        pairs.append((axes, groups[index]))
    for axes in grid.flat[1:]:
        axes.sharey(grid.flat[0])
    return figure, pairs


def stack(
    runs: Sequence[Results], ylabels: Sequence[str], heights: Sequence[float], entries: Sequence[Any]
) -> tuple[Figure, list[tuple[list[Axes], list[Results]]]]:
    """A column of panels for each scenario, at most four side by side, below them the next ones."""
    groups = by_scenario(runs)
    columns = min(len(groups), 4)
    figure, grids = frame(WIDTHS[columns], columns, heights, math.ceil(len(groups) / columns), entries)
    found = []
    for index in range(len(grids) * columns):
        own = list(grids[index // columns][:, index % columns])
        if index >= len(groups):
            for axes in own:
                axes.set_axis_off()
            continue
        title(own[0], groups[index])
        for row, axes in enumerate(own):
            iterations(axes, runs, row == len(own) - 1)
            axes.set_ylabel(ylabels[row] if index % columns == 0 else "")
            axes.tick_params(labelleft=index % columns == 0)
        found.append((own, groups[index]))
    figure.align_ylabels()
    return figure, found


def frame(
    width: float,
    columns: int,
    heights: Sequence[float],
    blocks: int,
    entries: Sequence[Any],
    *,
    gap: float = 0.1,
    left: float = 0.64,
    head: float = _TITLE,
) -> tuple[Figure, list[Any]]:
    """A figure with `blocks` grids of axes below a legend; widths, heights and gaps in inches.

    The places are computed here: matplotlib's own layout draws each figure twice, and figures are most of the time a
    report takes to write.
    """
    # About as long as they are drawn: commands and braces of formulas take no room.
    names = [re.sub(r"\\[a-z]+|[${}_^\\]", "", str(entry.get_label())) for entry in entries]
    lengths = [36 + 4.1 * len(name) for name in names]
    longest = max(lengths, default=1.0)
    legend_columns = len(names) if sum(lengths) <= 72 * width else max(1, int(72 * width / longest))
    above = 0.17 * math.ceil(len(names) / max(1, legend_columns)) + 0.06
    inner = sum(heights) + gap * (len(heights) - 1)
    block = head + inner + _FOOT
    height = above + blocks * block
    figure = Figure(figsize=(width, height))
    if names:
        figure.legend(
            handles=list(entries), loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=legend_columns, handlelength=2.4,
            columnspacing=1.2, borderaxespad=0.2, labelspacing=0.25, borderpad=0.2,
        )  # fmt: skip
    free = (width - left - _RIGHT - _BETWEEN * (columns - 1)) / columns
    grids = []
    for index in range(blocks):
        top = height - above - index * block - head
        grid = figure.add_gridspec(
            len(heights),
            columns,
            left=left / width,
            right=1 - _RIGHT / width,
            top=top / height,
            bottom=(top - inner) / height,
            wspace=_BETWEEN / free,
            hspace=gap * len(heights) / sum(heights),
            height_ratios=list(heights),
        )
        grids.append(grid.subplots(sharex=True, squeeze=False))
    return figure, grids


def title(axes: Axes, group: Sequence[Results]) -> None:
    """The scenario above its panel."""
    axes.set_title(plain(group[0]["scenario"]["label"]), loc="left", fontweight="bold")


def iterations(axes: Axes, runs: Sequence[Results], lowest: bool) -> None:
    """The axis of k; numbers and a name on the lowest panel only."""
    axes.tick_params(labelbottom=lowest)
    axes.set_xlabel("iteration $k$" if lowest else "")
    axes.set_xlim(0, max(run["steps"] for run in runs) or 1)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def powers(axes: Axes, most: int = 6) -> None:
    """Ticks at powers of ten only, a few."""
    axes.yaxis.set_major_locator(LogLocator(numticks=most))
    axes.yaxis.set_minor_formatter(NullFormatter())


def numbers(axes: Axes, low: float, high: float) -> None:
    """Ticks of a logarithmic axis as plain numbers."""
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 1e2 else (1,), numticks=7))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def handles(runs: Sequence[Results], line_styles: Mapping[str, Any]) -> list[Line2D]:
    """Legend entries of the optimizers."""
    labels = {run["optimizer"]["name"]: run["optimizer"]["label"] for run in runs}
    return [Line2D([], [], label=plain(labels[name]), **line_styles[name]) for name in line_styles if name in labels]


def line(axes: Axes, k: Sequence[int], data: Results, look: Mapping[str, Any], bottom: float, band: float) -> None:
    """Median and band; `bottom` is where a band that falls below zero ends. Data may be empty: all diverged."""
    k = k[: len(data["median"])]
    axes.plot(k, masked(data["median"]), **look)
    ends = next(pair for pair in _ENDS if pair[0] in data)
    low, high = (masked(data[end], bottom) for end in ends)
    axes.fill_between(k, low, high, color=look["color"], alpha=band, linewidth=0)


def remark(axes: Axes, height: float, text: str, side: str, end: str = "right") -> None:
    """Words at an end of a horizontal line, of which they stand on the "bottom" or hang from the "top"."""
    axes.annotate(
        text, (0.99 if end == "right" else 0.01, height), xycoords=("axes fraction", "data"), ha=end, va=side,
        xytext=(0, 2 if side == "bottom" else -2), textcoords="offset points", color=MUTED, fontsize=7,
    )  # fmt: skip


def floor(axes: Axes, runs: Sequence[Results], bottom: float) -> None:
    """The band of gaps that are not known."""
    height = max(shown((run["floor"] for run in runs), 0.0), default=0.0)
    if height <= bottom:
        return
    axes.axhspan(bottom, height, color=MUTED, alpha=0.16, linewidth=0)
    axes.axhline(height, color=MUTED, linewidth=0.8)
    # On the left, where curves that come down to it are still high.
    remark(axes, height, "accuracy of $F^\\star$", "bottom", "left")


def limits(runs: Sequence[Results], more: Sequence[float] = (), reach: float = 1e3) -> tuple[float, float]:
    """The range of gaps to show, with the floor unless it is far below, and at most `reach` times the start.

    A run that diverges or a bound that explodes leaves the panel rather than flattens all that is of interest.
    """
    curves = [v for run in runs for v in shown(run["gap"]["median"], 0.0)]
    start = max((v for run in runs for v in shown(run["gap"]["median"][:1], 0.0)), default=math.inf)
    floors = shown((run["floor"] for run in runs), 0.0)
    least = min([*curves, *more], default=1e-3)
    lowest = min(floors, default=0.0)
    low = lowest / 4 if lowest >= least / 1e4 else least / 2
    return low, max(2 * min(max([*curves, *more], default=1.0), reach * start), 10 * low)
