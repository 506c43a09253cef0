"""How figures look: one registry of colours, line styles, markers and sizes for every figure of every page.

A method has a colour, and colours of `SERIES` mean nothing else. A bound is drawn in ink, and known by its line style,
its marker and its label. What is measured of F*, of instances or of rounding is grey.

Line styles and markers differ as well, so that figures can be read in grey.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..support.paper_styles import current_style

INK, MUTED, GRID = "#1f2328", "#59636e", "#d1d9e0"
SERIES = ("#2250ff", "#ce6600", "#533d00", "#6c20ab", "#5b9c87", "#000064", "#318de9")
"""Blue, orange, brown, purple, sage, navy, sky: apart, also from ink and grey, without red or green receptors."""
NEGLIGIBLE = 1e-9  # a relative deviation that is rounding
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES: tuple[Any, ...] = ("-", "-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (2, 2, 6, 2)))
"""The line style and the marker of each colour of `SERIES`, by its place; the second solid one has markers on it."""
_BOUND_DASHES: tuple[Any, ...] = ("-", (0, (8, 1.5)), *DASHES[2:])
_PLACES = {
    "go-math-l2o": 0, "l2o-pa": 1, "ista": 2, "gradient step": 2, "gradient-descent": 2, "gradient descent": 2,
    "fista": 3, "nesterov": 3, "fista-restart": 4, "heavy-ball": 5,
}  # fmt: skip
"""Colours that a method has wherever it is drawn, by its name; other methods take what is free."""
THICK, THIN = 1.7, 1.3
"""Widths of lines in points: of learned methods, and of others."""
BOUNDS = {
    "B1": 2, "B3": 0, "B6": 2, "B6b": 3, "B6c": 4, "B7": 5, "B8": 1, "B9": 6, "B10": 2, "B14": 0, "B15": 6, "B16": 1,
    "B17": 6, "B18": 5, "B19": 0,
}  # fmt: skip
"""The place in `_BOUND_DASHES` and `MARKERS` of each bound that is drawn as a line."""
BAND, SHADE = 0.2, 0.16  # opacity of a band around a line, and of a region
GREYS: tuple[dict[str, Any], ...] = (
    {"facecolor": MUTED, "alpha": 0.3},
    {"facecolor": INK, "alpha": 0.85},
    {"facecolor": MUTED, "alpha": 0.75},
)
"""Faces of what is stacked, which is no method: light, dark and between."""
ENLARGED = 1.35
"""By how much a page shows a figure larger than a paper: it is read from further away."""
SCREEN = 96 * ENLARGED
"""Pixels of a page for an inch of a figure."""
_STYLE: dict[Any, Any] = {
    "text.color": INK, "axes.labelcolor": INK,
    "axes.titlecolor": INK, "axes.edgecolor": MUTED, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.facecolor": "none", "figure.facecolor": "none",
    "savefig.facecolor": "none", "axes.grid": True, "axes.grid.which": "major", "grid.color": GRID,
    "grid.linewidth": 0.6, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.7, "xtick.major.width": 0.7, "ytick.major.width": 0.7, "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5, "legend.frameon": False, "svg.fonttype": "path", "svg.hashsalt": "l2obound",
}  # fmt: skip

Results = Mapping[str, Any]


def style() -> Any:
    """The settings figures are drawn and saved under, whatever the user's own are; sizes are of the current style."""
    of_the_session = {"backend", "backend_fallback", "interactive", "toolbar", "timezone", "webagg.open_in_browser"}
    default: dict[Any, Any] = {k: v for k, v in matplotlib.rcParamsDefault.items() if k not in of_the_session}
    paper = current_style()
    sizes: dict[Any, Any] = {
        "font.size": paper.size, "axes.titlesize": paper.size + 0.5, "axes.labelsize": paper.size,
        "legend.fontsize": paper.size, "xtick.labelsize": paper.size - 0.5, "ytick.labelsize": paper.size - 0.5,
        "font.family": paper.font, "mathtext.fontset": paper.mathematics,
        # Venues refuse fonts of type 3. To cut TrueType fonts to the letters in use takes two thirds of the time.
        "pdf.fonttype": 3 if paper.name == "none" else 42,
    }  # fmt: skip
    return matplotlib.rc_context({**default, **_STYLE, **sizes})


def width(columns: int) -> float:
    """Inches that a figure with so many panels side by side takes: a column, the text, or between."""
    paper = current_style()
    return {1: paper.column, 2: min(paper.text, 1.65 * paper.column)}.get(columns, paper.text)


def size(columns: int, height: float, panel: float = 2.3) -> tuple[float, float]:
    """The width and height of a figure in inches.

    Args:
        columns: How many panels stand side by side.
        height: Of the figure in the style "none".
        panel: The least width of one panel there; the figure is as wide as the panels are together, at most the text.

    Returns:
        Inches; a style with larger text is higher.
    """
    paper = current_style()
    return min(paper.text, max(paper.column, panel * columns)), height * max(1.0, paper.scale)


def method_looks(names: Iterable[str], learned: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Colour, line style, width and marker of each method of a page.

    Args:
        names: Of the methods, in the order in which free colours are given out.
        learned: Those of them that are learned; they are drawn thicker.

    Returns:
        Arguments of a line by the name of the method. With more methods than colours a colour comes again, with another
        line style and marker.
    """
    names, thick = list(dict.fromkeys(names)), set(learned)
    places: dict[str, int] = {}
    for name in names:
        place = _PLACES.get(name)
        if place is not None and place not in places.values():
            places[name] = place
    free = (place for place in range(len(names) + len(SERIES)) if place not in set(places.values()))
    for name in names:
        if name not in places:
            places[name] = next(free)
    return {name: _look(places[name], name in thick) for name in names}


def _look(place: int, thick: bool) -> dict[str, Any]:
    turn, index = divmod(place, len(SERIES))
    other = (index + 3 * turn) % len(DASHES)
    return {
        "color": SERIES[index], "linestyle": DASHES[other], "linewidth": THICK if thick else THIN,
        "marker": MARKERS[other],
    }  # fmt: skip


def line_of(look: Mapping[str, Any]) -> dict[str, Any]:
    """A look for a line through many points: without its marker, or with a few where its line style is not its own."""
    if look.get("marker") == MARKERS[1] and look["linestyle"] == "-":
        return {**look, "markersize": 2.6, "markevery": (3, 14)}
    return {name: value for name, value in look.items() if name != "marker"}


def mark_of(look: Mapping[str, Any]) -> dict[str, Any]:
    """A look without its line, for points."""
    return {"color": look["color"], "marker": look["marker"], "linestyle": "none"}


def line_styles(results: Results) -> dict[str, dict[str, Any]]:
    """Colour, line style and width of each optimizer of a report, the same in all figures of it."""
    shown_ = [*results["runs"], *results["transients"]]
    optimizers = {run["optimizer"]["name"]: run["optimizer"]["learned"] for run in shown_}
    ordered = sorted(optimizers, key=lambda name: not optimizers[name])
    return method_looks(ordered, [name for name in ordered if optimizers[name]])


def bound_look(number: str, guaranteed: bool = True) -> dict[str, Any]:
    """Line style and marker of a bound: ink, or grey with hollow markers where a hypothesis is broken.

    Args:
        number: Of the bound, as "B6b"; that of a form, as "B6b:sharp", counts as its bound's.
        guaranteed: Whether its hypotheses hold.

    Returns:
        Arguments of a line.
    """
    stem = number.partition(":")[0]
    return _bound_look(BOUNDS.get(stem, len(stem)) % len(MARKERS), guaranteed)


def _bound_look(place: int, guaranteed: bool) -> dict[str, Any]:
    colour = INK if guaranteed else MUTED
    return {
        "color": colour, "linestyle": _BOUND_DASHES[place], "linewidth": 1.0, "marker": MARKERS[place],
        "markersize": 3.2, "markerfacecolor": colour if guaranteed else "none", "markeredgewidth": 0.8,
        "markevery": (place % 3, 3),
    }  # fmt: skip


def bound_looks(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Looks of several bounds on one panel, all different: the first of a number has the look of its number.

    Args:
        labels: That begin with the number of a bound, as "B7:sharp, δ = 0.1".

    Returns:
        Arguments of a line for each.
    """
    looks: list[dict[str, Any]] = []
    taken: set[int] = set()
    places = []
    for label in labels:
        stem = re.match(r"B\d+[a-z]?", label)
        wanted = BOUNDS.get(stem.group() if stem else "", 0)
        places.append(wanted if wanted not in taken else -1)
        taken.add(wanted)
    free = [place for place in range(len(MARKERS)) if place not in taken]
    for turn, place in enumerate(places):
        chosen = place if place >= 0 else free.pop(0) if free else turn % len(MARKERS)
        looks.append(_bound_look(chosen, True) | {"markevery": None})
    return looks


EXACT: dict[str, Any] = {"color": INK, "linestyle": "-", "marker": "s", "markersize": 3.0, "linewidth": 1.2}
"""An exact worst case, on every figure that has one."""
REGION: dict[str, Any] = {"color": MUTED, "alpha": SHADE, "linewidth": 0}
"""A range that a guarantee covers."""
PARTS: tuple[dict[str, Any], ...] = (
    {"color": INK, "linestyle": "-"}, {"color": MUTED, "linestyle": "--"}, {"color": INK, "linestyle": ":"},
    {"color": MUTED, "linestyle": "-."}, {"color": INK, "linestyle": "--"}, {"color": MUTED, "linestyle": "-"},
)  # fmt: skip
"""Looks of what is neither a method nor a bound, as several quantiles."""


def plain(text: str) -> str:
    """A label that matplotlib draws as it stands."""
    return " ".join(str(text).replace("$", r"\$").split())


def shown(values: Iterable[float | None], above: float) -> list[float]:
    """The values a logarithmic axis can show."""
    return [v for v in values if v is not None and math.isfinite(v) and v > above]


def legend_below(figure: Figure, panels: Iterable[Axes], columns: int) -> None:
    """One legend for these panels, below all; a label that several have stands in it once.

    It has as many columns as fit, at most `columns`.
    """
    lines: dict[str, Any] = {}
    for axes in panels:
        lines |= {label: line for line, label in zip(*axes.get_legend_handles_labels())}
    if lines:
        legend_in(figure, list(lines.values()), list(lines), columns, loc="outside lower center")


def legend_in(figure: Figure, handles: Sequence[Any], labels: Sequence[str], columns: int, **more: Any) -> Any:
    """A legend of at most `columns` columns, of fewer where it is wider than the figure.

    Args:
        figure: That it belongs to.
        handles: What is drawn beside each label.
        labels: The words.
        columns: The most columns.
        **more: For `Figure.legend`.

    Returns:
        The legend.
    """
    import matplotlib.backends.backend_agg  # noqa: F401  # the renderer that text is measured with

    legend = None
    for several in range(min(columns, max(1, len(labels))), 0, -1):
        if legend is not None:
            legend.remove()
        legend = figure.legend(handles, labels, ncols=several, **more)
        if legend.get_window_extent().width <= figure.bbox.width:
            break
    return legend


def masked(values: Iterable[float | None], least: float = 0.0) -> list[float]:
    """NaN, which is not drawn, for what a logarithmic axis cannot show; with `least` > 0 that value instead."""
    other = least or math.nan
    return [math.nan if v is None or not math.isfinite(v) else v if v > least else other for v in values]
