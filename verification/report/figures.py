"""The figures of the report, and their form inside a page.

`figures` draws with the colours of `INK`, `MUTED`, `GRID` and `SERIES` on a transparent ground, so a figure can be
saved for a paper as it is. `to_svg` replaces these colours by the variables of the style sheet, which has a light and a
dark value for each. Nothing touches the state of pyplot, and equal results give equal bytes.
"""

from __future__ import annotations

import html
import io
import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

INK, MUTED, GRID = "#1f2328", "#59636e", "#d1d9e0"
# Blue, vermilion, green, purple, ochre, indigo, grey: apart for the common colour-vision deficiencies.
SERIES = ("#0072b2", "#c04a00", "#00795a", "#a3457f", "#8a6500", "#3b3fa8", "#6a4a3a")
NEGLIGIBLE = 1e-9  # a relative deviation that is rounding
_CLASSICAL_STYLES: tuple[Any, ...] = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
_NO_GUARANTEE = (0, (3, 2))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
_STYLE = {
    "font.size": 8.5, "axes.titlesize": 9, "axes.labelsize": 8.5, "legend.fontsize": 8.5,
    "xtick.labelsize": 8, "ytick.labelsize": 8, "text.color": INK, "axes.labelcolor": INK, "axes.titlecolor": INK,
    "axes.edgecolor": MUTED, "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK,
    "ytick.labelcolor": INK, "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none",
    "axes.grid": True, "axes.grid.which": "major", "grid.color": GRID, "grid.linewidth": 0.6, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "svg.fonttype": "path",
    "svg.hashsalt": "l2obound",
}  # fmt: skip

Results = Mapping[str, Any]


def figures(results: Results) -> dict[str, Figure]:
    """Every figure by its key.

    "convergence/PROBLEM", "bounds/PROBLEM/OPTIMIZER" for the learned ones, "deviation/PROBLEM".
    """
    drawn: dict[str, Figure] = {}
    looks = _looks(results)
    with _style():
        for problem in results["problems"]:
            key = problem["key"]
            runs = [run for run in results["runs"] if run["problem"] == key]
            if not runs:
                continue
            drawn[f"convergence/{key}"] = _convergence(runs, looks)
            for name in dict.fromkeys(r["optimizer"]["name"] for r in runs if r["optimizer"]["learned"]):
                own = [run for run in runs if run["optimizer"]["name"] == name]
                if any(run["bound_curves"] for run in own):
                    drawn[f"bounds/{key}/{name}"] = _bounds(own, looks, results["bounds"])
            deviating = [run for run in runs if _shown(run["rho"]["median"], NEGLIGIBLE)]
            if deviating:
                drawn[f"deviation/{key}"] = _deviation(deviating, looks)
    return drawn


def to_svg(figure: Figure, prefix: str, title: str, description: str) -> str:
    """The figure as an `<svg>` element for a page: ids begin with `prefix`, colours are style-sheet variables."""
    buffer = io.StringIO()
    with _style(), warnings.catch_warnings():
        # A label may hold characters that the font lacks; a box in their place is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = buffer.getvalue()
    text = re.sub(r"<!--.*?-->|<style.*?</style>|<metadata.*?</metadata>", "", text, flags=re.DOTALL)
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', body.replace("xlink:href", "href"))
    body = re.sub(r'(href="|url\()#', rf"\1#{prefix}-", body)
    body = re.sub(r"\n\s*", "\n", body).replace(INK, "currentColor")
    for colour, name in [(MUTED, "muted"), (GRID, "grid"), *((c, f"s{i}") for i, c in enumerate(SERIES, 1))]:
        body = body.replace(colour, f"var(--{name})")
    width, height = (72 * side for side in figure.get_size_inches())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'style="width:{width:g}pt" aria-label="{html.escape(description)}">'
        f"<title>{html.escape(title)}</title>{body}</svg>"
    )


def formula_svg(latex: str) -> str | None:
    """The formula as an `<svg>` element in the colour of the text, None if it is beyond matplotlib's mathtext."""
    try:
        path = TextPath((0, 0), f"${_mathtext(latex)}$", size=13, prop=FontProperties(math_fontfamily="stix"))
    except (ValueError, RuntimeError):
        return None
    if not len(path.vertices):
        return None
    box = path.get_extents()
    commands = []
    for points, code in path.iter_segments(curves=True, simplify=False):
        letter = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}[int(code)]
        flipped = [f"{v if i % 2 == 0 else -v:.2f}" for i, v in enumerate(points)]
        commands.append("Z" if letter == "Z" else letter + " ".join(flipped))
    left, top, width, height = box.x0 - 1, -box.y1 - 1, box.width + 2, box.height + 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="formula" role="img" aria-label="{html.escape(latex)}" '
        f'viewBox="{left:.2f} {top:.2f} {width:.2f} {height:.2f}" style="width:{width:.1f}pt">'
        f"<title>{html.escape(latex)}</title>"
        f'<path fill="currentColor" d="{"".join(commands)}"/></svg>'
    )


def _mathtext(latex: str) -> str:
    """LaTeX in the words that mathtext knows; fractions outside of braces in display size."""
    for pattern, word in [(r"\\le(?![a-zA-Z])", r"\\leq"), (r"\\ge(?![a-zA-Z])", r"\\geq"), (r"\\[td]frac", r"\\frac")]:
        latex = re.sub(pattern, word, latex)
    latex = re.sub(r"\\[lr]Vert(?![a-zA-Z])", r"\\Vert ", latex)
    latex = re.sub(r"'_(\{[^{}]*\}|\w)", r"_\1^{\\prime}", latex)  # the prime above the index, not before it
    depth, pieces = 0, []
    for token in re.findall(r"\\[a-zA-Z]+|\\.|.", latex, flags=re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token, 0)
        pieces.append(r"\dfrac" if token == r"\frac" and depth == 0 else token)
    return "".join(pieces)


def _style() -> Any:
    own = {"backend", "backend_fallback", "interactive", "toolbar", "timezone", "webagg.open_in_browser"}
    default = {k: v for k, v in matplotlib.rcParamsDefault.items() if k not in own}
    return matplotlib.rc_context({**default, **_STYLE})


def _looks(results: Results) -> dict[str, dict[str, Any]]:
    """Colour, line style and width of each optimizer, the same in all figures; the learned ones are solid."""
    optimizers = {run["optimizer"]["name"]: run["optimizer"]["learned"] for run in results["runs"]}
    looks: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(sorted(optimizers, key=lambda name: not optimizers[name])):
        style = _CLASSICAL_STYLES[(index - sum(optimizers.values())) % len(_CLASSICAL_STYLES)]
        line = {"linestyle": "-", "linewidth": 2.0} if optimizers[name] else {"linestyle": style, "linewidth": 1.4}
        looks[name] = {"color": SERIES[index % len(SERIES)], **line}
    return looks


def _plain(text: str) -> str:
    """A label that matplotlib draws as it stands."""
    return " ".join(str(text).replace("$", r"\$").split())


def _shown(values: Iterable[float | None], above: float) -> list[float]:
    return [v for v in values if v is not None and math.isfinite(v) and v > above]


def _masked(values: Iterable[float | None], least: float = 0.0) -> list[float]:
    """NaN, which is not drawn, for what a logarithmic axis cannot show; with `least` > 0 that value instead."""
    other = least or math.nan
    return [math.nan if v is None or not math.isfinite(v) else v if v > least else other for v in values]


def _panels(runs: Sequence[Results], ylabel: str) -> tuple[Figure, list[tuple[Axes, list[Results]]]]:
    """Small multiples with common axes, one a scenario."""
    scenarios = dict.fromkeys(run["scenario"]["key"] for run in runs)
    groups = [[run for run in runs if run["scenario"]["key"] == key] for key in scenarios]
    columns = min(len(groups), 3 if len(groups) != 4 else 2)
    rows = math.ceil(len(groups) / columns)
    width = {1: 6.4, 2: 4.5, 3: 3.2}[columns]
    figure = Figure(figsize=(columns * width, rows * 2.5 + 0.55), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    pairs = []
    for index, axes in enumerate(grid.flat):
        if index >= len(groups):
            axes.set_axis_off()
            continue
        axes.set_yscale("log")
        axes.set_title(_plain(groups[index][0]["scenario"]["label"]), loc="left", fontweight="bold")
        last = index + columns >= len(groups)
        axes.tick_params(labelbottom=last)
        axes.set_xlabel("iteration $k$" if last else "")
        axes.set_ylabel(ylabel if index % columns == 0 else "")
        axes.set_xlim(0, max(run["steps"] for run in runs) or 1)
        pairs.append((axes, groups[index]))
    return figure, pairs


def _legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    columns = max(1, min(len(handles), 4))
    figure.legend(handles=handles, loc="outside upper left", ncols=columns, handlelength=3.2, columnspacing=1.5)


def _floor(axes: Axes, runs: Sequence[Results], bottom: float) -> None:
    floor = max(_shown((run["floor"] for run in runs), 0.0), default=0.0)
    if floor <= bottom:
        return
    axes.axhspan(bottom, floor, color=MUTED, alpha=0.16, linewidth=0)
    axes.axhline(floor, color=MUTED, linewidth=0.8)
    # On the left, where curves that come down to it are still high.
    _remark(axes, floor, "$F^\\star$ known to here", "bottom", "left")


def _remark(axes: Axes, height: float, text: str, side: str, end: str = "right") -> None:
    """Words at an end of a horizontal line, of which they stand on the "bottom" or hang from the "top"."""
    axes.annotate(
        text, (0.99 if end == "right" else 0.01, height), xycoords=("axes fraction", "data"), ha=end, va=side,
        xytext=(0, 2 if side == "bottom" else -2), textcoords="offset points", color=MUTED, fontsize=7.5,
    )  # fmt: skip


def _limits(runs: Sequence[Results], more: Sequence[float] = (), reach: float = 1e3) -> tuple[float, float]:
    """The range of gaps to show, with the floor unless it is far below, and at most `reach` times the start.

    A run that diverges or a bound that explodes leaves the panel rather than flattens all that is of interest.
    """
    curves = [v for run in runs for v in _shown(run["gap"]["median"], 0.0)]
    start = max((v for run in runs for v in _shown(run["gap"]["median"][:1], 0.0)), default=math.inf)
    floors = _shown((run["floor"] for run in runs), 0.0)
    least = min([*curves, *more], default=1e-3)
    floor = min(floors, default=0.0)
    low = floor / 4 if floor >= least / 1e4 else least / 2
    return low, max(2 * min(max([*curves, *more], default=1.0), reach * start), 10 * low)


def _line(axes: Axes, k: Sequence[int], data: Results, look: Mapping[str, Any], bottom: float, band: float) -> None:
    """Median and band; `bottom` is where a band that falls below zero ends. Data may be empty: all were lost."""
    k = k[: len(data["median"])]
    axes.plot(k, _masked(data["median"]), **look)
    low, high = _masked(data["q10"], bottom), _masked(data["q90"], bottom)
    axes.fill_between(k, low, high, color=look["color"], alpha=band, linewidth=0)


def _handles(runs: Sequence[Results], looks: Mapping[str, Any]) -> list[Line2D]:
    labels = {run["optimizer"]["name"]: run["optimizer"]["label"] for run in runs}
    return [Line2D([], [], label=_plain(labels[name]), **looks[name]) for name in looks if name in labels]


def _convergence(runs: Sequence[Results], looks: Mapping[str, Any]) -> Figure:
    figure, pairs = _panels(runs, "$F(x_k) - F^\\star$")
    low, high = _limits(runs)
    for axes, group in pairs:
        for run in sorted(group, key=lambda r: r["optimizer"]["learned"]):  # the learned ones on top
            learned = run["optimizer"]["learned"]
            _line(axes, run["k"], run["gap"], looks[run["optimizer"]["name"]], low, 0.22 if learned else 0.1)
        axes.set_ylim(low, high)
        _floor(axes, group, low)
    _legend(figure, _handles(runs, looks))
    return figure


def _bounds(runs: Sequence[Results], looks: Mapping[str, Any], bounds: Sequence[Results]) -> Figure:
    figure, pairs = _panels(runs, "gap and its bounds")
    look = looks[runs[0]["optimizer"]["name"]]
    mean = look | {"linestyle": ":", "linewidth": 1.6}
    colours = [c for c in SERIES if c != look["color"]]
    curves = [curve for run in runs for curve in run["bound_curves"]]
    of = {curve["bound"]: curve["of"] for curve in curves}
    styles = {
        name: {"color": colours[place % len(colours)], "marker": _MARKERS[place % len(_MARKERS)], "markersize": 3.5}
        for place, name in enumerate(of)
    }
    low, high = _limits(runs, [v for curve in curves for v in _shown(curve["median"], 0.0)], reach=1e6)
    for axes, group in pairs:
        for run in group:
            _line(axes, run["k"], run["gap"], look, low, 0.2)
            if run.get("mean_gap"):
                means = _masked(run["mean_gap"]["median"])
                axes.plot(run["k"][1 : len(means) + 1], means, **mean)
            for curve in run["bound_curves"]:
                line = "-" if curve["guaranteed"] else _NO_GUARANTEE
                every = max(1, len(curve["k"]) // 8)
                shown = styles[curve["bound"]] | {"linestyle": line, "linewidth": 1.3, "markevery": every}
                axes.plot(curve["k"], _masked(curve["median"]), **shown)
        axes.set_ylim(low, high)
        _floor(axes, group, low)
    numbers = {bound["key"]: bound["number"] for bound in bounds}
    handles = [Line2D([], [], label="measured gap $F(x_k) - F^\\star$", **look)]
    if any(run.get("mean_gap") for run in runs):
        handles.append(Line2D([], [], label="measured mean of $F(x_{1..k}) - F^\\star$", **mean))
    for name, style in styles.items():
        handles.append(Line2D([], [], label=_plain(f"{numbers.get(name, name)}: {of[name]}"), **style))
    if not all(curve["guaranteed"] for curve in curves):
        handles.append(Line2D([], [], color=MUTED, linestyle=_NO_GUARANTEE, label="dashed: no guarantee"))
    _legend(figure, handles)
    return figure


def _deviation(runs: Sequence[Results], looks: Mapping[str, Any]) -> Figure:
    figure, pairs = _panels(runs, "relative deviation $\\rho_k$")
    values = [v for run in runs for v in _shown(run["rho"]["median"], NEGLIGIBLE)]
    low, high = max(min(values, default=0.1) / 2, 1e-6), max(4.0, 2 * min(max(values, default=1.0), 1e6))
    for axes, group in pairs:
        for run in sorted(group, key=lambda r: r["optimizer"]["learned"]):
            learned = run["optimizer"]["learned"]
            _line(axes, run["k"][1:], run["rho"], looks[run["optimizer"]["name"]], low, 0.18 if learned else 0.08)
        for height in (1.0, 0.5):
            axes.axhline(height, color=MUTED, linewidth=0.9, zorder=3)
        _remark(axes, 1.0, "$\\rho = 1$: sure descent below", "bottom")
        _remark(axes, 0.5, "$\\rho = 1/2$: half step", "top")
        axes.set_ylim(low, high)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 1e3 else (1,)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    _legend(figure, _handles(runs, looks))
    return figure
