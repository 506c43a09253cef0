"""The figure of an experiment: mean relative gaps against the iteration, a panel for each shift."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...pages.figure_style import legend_in, line_of, method_looks, plain, size, style

_LEAST = 1e-12  # the certified width of F* is about this, relative; nothing below it is drawn
_LEARNED = ("go-math-l2o", "l2o-pa", "l2o-dm", "l2o-rnnprop", "ada-lista")
_COLUMNS = 4


def draw(numbers: Mapping[str, Any]) -> Figure:
    """The figure of `evaluate`'s numbers; a line ends with a cross where the first of its instances diverges."""
    panels = list(dict.fromkeys(line["panel"] for line in numbers["lines"]))
    columns = min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    line_styles, limits = _looks(numbers["lines"]), _limits(numbers["lines"])
    with style():
        legend = math.ceil(len(line_styles) / 3) * 0.19
        height = (3.0 if len(panels) == 1 else 1.75 * rows) + legend + 0.45
        figure = Figure(figsize=size(2 if len(panels) == 1 else 4, height, 2.8), layout="constrained")
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, panel in zip(grid.flat, panels):
            _panel(axes, [e for e in numbers["lines"] if e["panel"] == panel], line_styles, limits[1])
            if numbers["panel"]:
                axes.set_title(f"{numbers['panel']} = {panel:g}")
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("mean relative gap")
        for axes in grid[-1, :]:
            axes.set_xlabel("iteration k")
        grid[0, 0].set_ylim(*limits)
        handles, names = [], []
        for key, look in line_styles.items():
            handles.append(grid[0, 0].plot([], [], **look)[0])
            names.append(plain(key))
        legend_in(figure, handles, names, 3, loc="outside lower center", handlelength=2.6)
    return figure


def _name(line: Mapping[str, Any]) -> str:
    """The label, with what sets the line apart from another of the same method."""
    marks = {"official": "authors'"}
    rest = [marks[v] for v in line["line"] if isinstance(v, str) and v in marks]
    return line["label"] + (f" ({', '.join(rest)})" if rest else "")


def _looks(lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Colour by optimizer; learned ones solid, others dashed, the authors' variant of a line thin."""
    looks: dict[str, dict[str, Any]] = {}
    methods = list(dict.fromkeys(line["label"] for line in lines))
    learned = [m for m in methods if next(e for e in lines if e["label"] == m)["method"] in _LEARNED]
    classical = [m for m in methods if m not in learned]
    names = {m: next(e for e in lines if e["label"] == m)["method"] for m in (*learned, *classical)}
    # Two lines of one method have different labels; the first has the colour that the method has elsewhere.
    keys = {m: name if [*names.values()].index(name) == [*names].index(m) else m for m, name in names.items()}
    of_methods = method_looks(keys.values(), [keys[m] for m in learned])
    for label, key in keys.items():
        look = line_of(of_methods[key])
        for name in dict.fromkeys(_name(e) for e in lines if e["label"] == label):
            looks[name] = look if name == label else {**look, "linestyle": (0, (1, 1)), "linewidth": 0.9}
    return looks


def _panel(
    axes: Axes, lines: Sequence[Mapping[str, Any]], line_styles: Mapping[str, Mapping[str, Any]], top: float
) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for line in (e for e in lines if e["status"] == "done"):
        look, curve = line_styles[_name(line)], line["curve"]
        points = [
            (k, max(mean, _LEAST))
            for k, mean, diverged in zip(curve["k"], curve["mean"], curve["diverged"])
            if k > 0 and mean is not None and diverged == 0
        ]
        if points:
            axes.plot(*zip(*points), **look)
            if line["diverged"]:
                at, high = points[-1]  # not above the axes: the layout would make room for it
                axes.plot(at, min(high, top), marker="x", color=look["color"], markersize=5, clip_on=False)


def _limits(lines: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    drawn = [e["curve"] for e in lines if e["status"] == "done"]
    finite = [[v for v in c["mean"] if v is not None] for c in drawn]
    starts = [min(values[0], 1e300) for values in finite if values and values[0] > 0]
    lowest = min((min(values) for values in finite if values), default=1.0)
    top = 10 * max(starts, default=1.0)
    return max(_LEAST, 0.3 * lowest), top
