"""Colours, line styles and sizes; text is sized for a paper, whose text is 7 inches wide or a column 3.4."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID = "#1f2328", "#59636e", "#d1d9e0"
# Blue, vermilion, green, purple, ochre, indigo, brown: apart for the common colour-vision deficiencies.
SERIES = ("#0072b2", "#c04a00", "#00795a", "#a3457f", "#8a6500", "#3b3fa8", "#6a4a3a")
NEGLIGIBLE = 1e-9  # a relative deviation that is rounding
WIDTHS = {1: 3.4, 2: 5.6, 3: 7.0, 4: 7.0}  # inches, by columns of panels
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
_CLASSICAL_STYLES: tuple[Any, ...] = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
_STYLE: dict[Any, Any] = {
    "font.size": 8, "axes.titlesize": 8.5, "axes.labelsize": 8, "legend.fontsize": 8,
    "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "text.color": INK, "axes.labelcolor": INK,
    "axes.titlecolor": INK, "axes.edgecolor": MUTED, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.facecolor": "none", "figure.facecolor": "none",
    "savefig.facecolor": "none", "axes.grid": True, "axes.grid.which": "major", "grid.color": GRID,
    "grid.linewidth": 0.6, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.7, "xtick.major.width": 0.7, "ytick.major.width": 0.7, "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5, "legend.frameon": False, "svg.fonttype": "path", "svg.hashsalt": "l2obound",
    "pdf.fonttype": 42,
}  # fmt: skip

Results = Mapping[str, Any]


def style() -> Any:
    """The settings figures are drawn and saved under, whatever the user's own are."""
    of_the_session = {"backend", "backend_fallback", "interactive", "toolbar", "timezone", "webagg.open_in_browser"}
    default: dict[Any, Any] = {k: v for k, v in matplotlib.rcParamsDefault.items() if k not in of_the_session}
    return matplotlib.rc_context({**default, **_STYLE})


def line_styles(results: Results) -> dict[str, dict[str, Any]]:
    """Colour, line style and width of each optimizer, the same in all figures; the learned ones are solid."""
    shown_ = [*results["runs"], *results["transients"]]
    optimizers = {run["optimizer"]["name"]: run["optimizer"]["learned"] for run in shown_}
    styles: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(sorted(optimizers, key=lambda name: not optimizers[name])):
        dashes = _CLASSICAL_STYLES[(index - sum(optimizers.values())) % len(_CLASSICAL_STYLES)]
        line = {"linestyle": "-", "linewidth": 1.7} if optimizers[name] else {"linestyle": dashes, "linewidth": 1.2}
        styles[name] = {"color": SERIES[index % len(SERIES)], **line}
    return styles


def plain(text: str) -> str:
    """A label that matplotlib draws as it stands."""
    return " ".join(str(text).replace("$", r"\$").split())


def shown(values: Iterable[float | None], above: float) -> list[float]:
    """The values a logarithmic axis can show."""
    return [v for v in values if v is not None and math.isfinite(v) and v > above]


def legend_below(figure: Figure, panels: Iterable[Axes], columns: int) -> None:
    """One legend for these panels, below all; a label that several have stands in it once."""
    lines: dict[str, Any] = {}
    for axes in panels:
        lines |= {label: line for line, label in zip(*axes.get_legend_handles_labels())}
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=columns)


def masked(values: Iterable[float | None], least: float = 0.0) -> list[float]:
    """NaN, which is not drawn, for what a logarithmic axis cannot show; with `least` > 0 that value instead."""
    other = least or math.nan
    return [math.nan if v is None or not math.isfinite(v) else v if v > least else other for v in values]
