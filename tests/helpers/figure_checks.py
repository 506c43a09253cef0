"""What is wrong with a figure, found in its objects as they are laid out: each check gives a list of faults."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from l2obound.verification.pages.figure_labels import coincide, drawn_lines, points_of
from l2obound.verification.pages.figure_style import MUTED, SERIES

# Receptors of the third kind and two of the others: Machado, Oliveira and Fernandes, 2009, at severity 1.
NORMAL = np.eye(3)
WITHOUT_RED = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
WITHOUT_GREEN = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
READING = 500.0  # millimetres from the eyes to the page


def lab(colour: str, vision: np.ndarray = NORMAL) -> np.ndarray:
    """(3,) the colour in CIELAB as such eyes see it."""
    c = np.array(to_rgb(colour))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = _XYZ @ np.clip(vision @ linear, 0, 1) / _WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def noticeable(points: float) -> np.ndarray:
    """(3,) the difference in L, a and b that half of all observers notice, of marks so many points wide on paper.

    Stone, Szafir and Setlur, 2014: p (A + B / s) with p = 1/2 and s the angle of the mark in degrees.
    """
    angle = np.degrees(points * 25.4 / 72 / READING)
    return 0.5 * (np.array([10.16, 10.68, 10.70]) + np.array([1.50, 3.08, 5.74]) / angle)


def distance(one: str, other: str, vision: np.ndarray, points: float) -> float:
    """How far apart two colours are, in differences that are noticed."""
    return float(np.linalg.norm((lab(one, vision) - lab(other, vision)) / noticeable(points)))


def alike(colours: Iterable[str], points: float) -> list[tuple[str, str]]:
    """Pairs of colours that are not apart for someone without receptors for red, or without those for green."""
    return [
        (one, other)
        for one, other in itertools.combinations(colours, 2)
        if min(distance(one, other, vision, points) for vision in (NORMAL, WITHOUT_RED, WITHOUT_GREEN)) < 1
    ]


def alike_in_grey(lines: Mapping[str, Mapping[str, object]], points: float) -> list[tuple[str, str]]:
    """Pairs of looks that have the same line style and marker, and whose luminance is not apart."""
    return [
        (a, b)
        for (a, one), (b, other) in itertools.combinations(lines.items(), 2)
        if (one["linestyle"], one.get("marker")) == (other["linestyle"], other.get("marker"))
        and abs(lab(str(one["color"]))[0] - lab(str(other["color"]))[0]) < noticeable(points)[0]
    ]


def visible(line: Line2D) -> bool:
    """Whether a part of the line is inside its axes."""
    box, points = line.axes.bbox, points_of(line)
    with np.errstate(invalid="ignore"):
        return bool(
            (
                (points[:, 0] >= box.x0 - 1) & (points[:, 0] <= box.x1 + 1)
                & (points[:, 1] >= box.y0 - 1) & (points[:, 1] <= box.y1 + 1)
            ).any()
        )  # fmt: skip


def legend_faults(figure: Figure) -> list[str]:
    """Entries of legends that stand for nothing drawn; grey stands for any colour."""
    lines = [line for axes in figure.axes for line in drawn_lines(axes) if visible(line)]
    faces = [artist for axes in figure.axes for artist in (*axes.collections, *axes.patches)]
    faults = []
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    for legend in legends:
        for handle, text in zip(legend.legend_handles, legend.get_texts()):
            there = (
                any(_same_line(handle, line) for line in lines)
                if isinstance(handle, Line2D)
                else any(_same_face(handle, face) for face in faces)
            )
            if not there:
                faults.append(f"{text.get_text()}: in the legend and not drawn")
    return faults


def _dashes(line: Line2D) -> object:
    if line.get_linestyle() in ("None", "none", "", " "):
        return None
    return line._unscaled_dash_pattern


def _hollow(line: Line2D) -> bool:
    return line.get_marker() not in ("None", "", None) and to_alpha(line.get_markerfacecolor()) == 0


def to_alpha(colour: object) -> float:
    """The opacity of a face; "none" has 0."""
    return 0.0 if isinstance(colour, str) and colour == "none" else 1.0


def _same_line(handle: Line2D, line: Line2D) -> bool:
    grey = to_hex(handle.get_color()) == MUTED
    if not grey and to_hex(handle.get_color()) != to_hex(line.get_color()):
        return False
    if _hollow(handle):
        return _hollow(line)
    if _dashes(handle) is None:
        return handle.get_marker() == line.get_marker()
    return _dashes(handle) == _dashes(line)


def _same_face(handle: object, face: object) -> bool:
    if isinstance(face, PolyCollection):
        colours = [to_hex(c) for c in face.get_facecolor()]
        alpha = face.get_alpha()
    elif isinstance(face, Patch):
        colours, alpha = [to_hex(face.get_facecolor())], face.get_alpha()
    else:
        return False
    return isinstance(handle, Patch) and to_hex(handle.get_facecolor()) in colours and handle.get_alpha() == alpha


def text_faults(figure: Figure) -> list[str]:
    """Texts that leave the figure, that touch another text, or that stand on a line."""
    figure.draw_without_rendering()  # labels of axes and legends have their places only then
    faults = []
    texts = [text for text in _texts(figure) if text.get_visible() and text.get_text().strip()]
    boxes = [(text, text.get_window_extent()) for text in texts]
    for text, box in boxes:
        if box.x0 < -1 or box.y0 < -1 or box.x1 > figure.bbox.width + 1 or box.y1 > figure.bbox.height + 1:
            faults.append(f"{text.get_text()}: leaves the figure")
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5:
            faults.append(f"{one.get_text()}: touches {other.get_text()}")
    for axes in figure.axes:
        for text in (t for t in axes.texts if t.get_visible() and t.get_text().strip()):
            box = text.get_window_extent()
            for line in drawn_lines(axes):
                points = points_of(line)
                with np.errstate(invalid="ignore"):
                    on = (points[:, 0] > box.x0) & (points[:, 0] < box.x1)
                    on &= (points[:, 1] > box.y0) & (points[:, 1] < box.y1)
                if on.any():
                    faults.append(f"{text.get_text()}: stands on a line")
                    break
    return faults


def _texts(figure: Figure) -> list:
    texts = list(figure.texts)
    if figure._suptitle is not None:
        texts.append(figure._suptitle)
    for axes in (a for a in figure.axes if a.axison and a.get_visible()):
        texts += [*axes.texts, axes.title, axes._left_title, axes._right_title]
        for axis in (axes.xaxis, axes.yaxis):
            texts.append(axis.label)
            texts += _tick_labels(axis)
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    return texts + [text for legend in legends for text in legend.get_texts()]


def _tick_labels(axis: object) -> list:
    low, high = sorted(axis.get_view_interval())
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    slack = 0.0 if axis.get_scale() == "log" else 1e-9 * (high - low)
    low, high = low * (1 - 1e-9) - slack, high * (1 + 1e-9) + slack
    return [t.label1 for t in ticks if t.label1.get_visible() and low <= t.get_loc() <= high]


def hidden_faults(figure: Figure) -> list[str]:
    """Lines that lie nearly everywhere below another one and have no mark above it."""
    faults = []
    for axes in (a for a in figure.axes if a.axison):
        lines = sorted((line for line in drawn_lines(axes) if _curve(line)), key=lambda line: line.get_zorder())
        for place, line in enumerate(lines):
            for over in lines[place + 1 :]:
                wider = line.get_linewidth() - over.get_linewidth() >= 1.1
                if (
                    not wider
                    and not _marked(axes, line)
                    and over.get_linestyle() == "-"
                    and coincide(axes, over, line) >= 0.8
                ):
                    faults.append(f"{line.get_color()} {line.get_label()}: hidden by {over.get_color()}")
    return faults


def _marked(axes: Axes, line: Line2D) -> bool:
    """Whether markers of its colour lie above all lines."""
    return any(
        one.get_zorder() > line.get_zorder() and one.get_linestyle() == "None" and one.get_color() == line.get_color()
        for one in drawn_lines(axes)
    )


def _curve(line: Line2D) -> bool:
    return len(np.atleast_1d(line.get_xdata())) > 2 and line.get_linestyle() not in ("None", "none", "", " ")


def meanings(figures: Mapping[str, Figure], names: Mapping[str, str]) -> dict[str, set[str]]:
    """What each colour of `SERIES` stands for on the figures of a page; "?" where a figure does not say it.

    Args:
        figures: By key; the third part of a key, where there is one, names the only method of its figure.
        names: What each method is called, by its name.
    """
    meanings_of: dict[str, set[str]] = {}
    for key, figure in figures.items():
        only = key.split("/")[2] if key.count("/") == 2 else None
        words_of = _legend_words(figure)
        for axes in (a for a in figure.axes if a.axison):
            title = axes.get_title(loc="left")
            for line in drawn_lines(axes):
                colour = to_hex(line.get_color())
                if colour not in SERIES:
                    continue
                if only is not None:
                    words = names[only]
                else:
                    titled = [name for name in names.values() if title == name or title.startswith(f"{name}, ")]
                    words = words_of.get(colour) or (titled[0] if titled else "?")
                meanings_of.setdefault(colour, set()).add(words)
    return meanings_of


def _legend_words(figure: Figure) -> dict[str, str]:
    """Colours with their words, from legends and from lines that carry their name."""
    words_of: dict[str, str] = {}
    for axes in figure.axes:
        for line in drawn_lines(axes):
            if not str(line.get_label()).startswith("_"):
                words_of[to_hex(line.get_color())] = str(line.get_label())
    for legend in figure.legends:
        for handle, text in zip(legend.legend_handles, legend.get_texts()):
            if isinstance(handle, Line2D):
                words_of[to_hex(handle.get_color())] = text.get_text()
    return words_of


def axes_of(figure: Figure) -> Axes:
    """The first axes of a figure."""
    return figure.axes[0]
