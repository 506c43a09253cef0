"""Forest plots: the median factors with their intervals, a row for each setting, a colour for each baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from ...pages.figure_style import GRID, INK, MUTED, legend_in, mark_of, method_looks, plain, size, style
from .run import ITERATIONS
from .timing import LATENCY, THROUGHPUT

Results = Mapping[str, Any]
SHOWN = {ITERATIONS: "iterations", LATENCY: "time, one instance", THROUGHPUT: "time, batch"}
_LEAST, _MOST = 1e-2, 1e3


def forest(results: Results, learned: str, eps: float) -> Figure:
    """Median factors of one learned method at one gap, by iterations and by both clocks.

    A point at an edge, a triangle, lies beyond it: at the left a learned method that does not arrive, at the right a
    baseline that does not. Nothing is left out.
    """
    settings = results["settings"]
    baselines = [b for b in (*results["config"]["paper"], *results["config"]["stronger"]) if b != learned]
    rows = {
        (c["setting"], c["baseline"], c["measure"]): c
        for c in results["comparisons"]
        if (c["learned"], c["eps"]) == (learned, eps)
    }
    with style():
        height = 1.1 + (0.095 * len(baselines) + 0.08) * len(settings)
        figure = Figure(figsize=size(3, height), layout="constrained")
        looks = [mark_of(look) for look in method_looks(baselines).values()]
        panels = figure.subplots(1, len(SHOWN), sharey=True, squeeze=False)[0]
        for axis, (measure, name) in zip(panels, SHOWN.items()):
            _axis(axis, name, results["claim"])
            for i, setting in enumerate(settings):
                if i % 2:
                    axis.axhspan(i - 0.5, i + 0.5, color=GRID, alpha=0.25, linewidth=0)
                for j, baseline in enumerate(baselines):
                    row = rows.get((setting["key"], baseline, measure))
                    if row is not None:
                        place = i + (j - (len(baselines) - 1) / 2) * 0.8 / len(baselines)
                        _point(axis, row, place, looks[j]["color"], looks[j]["marker"])
        panels[0].set_yticks(range(len(settings)), [plain(s["title"]) for s in settings])
        panels[0].set_ylim(len(settings) - 0.5, -0.5)
        handles = [
            panels[0].plot([], [], **{**look, "linestyle": "-", "linewidth": 1.1}, markersize=4)[0] for look in looks
        ]
        labels = [plain(results["labels"][b]) for b in baselines]
        legend_in(figure, handles, labels, 6, loc="outside upper center")
        figure.supxlabel(f"factor by which {plain(results['labels'][learned])} is faster", fontsize="medium")
    return figure


def _axis(axis: Any, name: str, claim: float) -> None:
    axis.set_xscale("log")
    axis.set_xlim(_LEAST, _MOST)
    axis.set_xticks([0.01, 0.1, 1, 10, 100, 1000])
    axis.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_title(name)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    axis.axvline(1, color=INK, linewidth=0.9)
    axis.axvline(claim, color=INK, linewidth=0.9, linestyle="--")


def _point(axis: Any, row: Results, place: float, colour: str, marker: str) -> None:
    lower, upper = row["lower"], row["upper"]
    low, high = max(lower or 0.0, _LEAST), _MOST if upper is None else min(upper, _MOST)
    if high > low:
        axis.plot([low, high], [place, place], color=colour, linewidth=1.1, solid_capstyle="butt")
    left, right = row["median_low"], row["median_high"]
    if left == right and left is not None and _LEAST < left < _MOST:
        axis.plot([left], [place], color=colour, marker=marker, markersize=3.2, linestyle="none")
        return
    # The median is beyond an edge, or known from one side: a triangle points to where it is.
    edge = {"color": colour, "markersize": 4.2, "linestyle": "none", "clip_on": False}
    if right is None and not left:
        axis.plot([_LEAST, _MOST], [place, place], color=MUTED, linewidth=0.5, linestyle=":")
    elif right is None or right >= _MOST:
        axis.plot([min(max(left or _MOST, _LEAST), _MOST)], [place], marker=">", **edge)
    else:
        axis.plot([min(max(right, _LEAST), _MOST)], [place], marker="<", **edge)
