"""Labels on lines: beside them where nothing else is, or at their right ends, never on each other or on a line.

Places are found in pixels of the figure as it is laid out, so limits of axes and sizes are to be set before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.text import Text
from scipy.ndimage import distance_transform_edt, maximum_filter

from .figure_style import INK

_DIRECTIONS = ((0, 1), (0, -1), (1, 1), (-1, -1), (-1, 1), (1, -1), (1, 0), (-1, 0))
_DISTANCES = (3.0, 6.0, 10.0, 15.0, 22.0, 30.0)  # pixels between a label and its line
_LEADER = 9.0  # a label further away than this has a line to what it names
_PAD = 2  # pixels that stay free around a label
_APART = 2.5  # pixels from other lines at which a line can be pointed at
LABEL = "label of "
"""What the group id of a label and of its leader begins with."""


def points_of(line: Line2D) -> np.ndarray:
    """(n,2) pixels of the figure along a line, at most about one apart; rows of NaN where it is interrupted."""
    data = np.column_stack([np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)])
    with np.errstate(all="ignore"):
        corners = np.asarray(line.get_transform().transform(data), dtype=float)
    corners[~np.isfinite(corners).all(axis=1)] = np.nan
    if line.get_linestyle() in ("None", "none", "", " ") or len(corners) < 2:
        return corners
    steps = np.diff(corners, axis=0)
    lengths = np.abs(steps).max(axis=1)
    several = np.where(np.isfinite(lengths), np.clip(np.ceil(lengths), 1, 4000), 1).astype(int)
    piece = np.repeat(np.arange(len(several)), several)
    share = (np.arange(len(piece)) - np.repeat(np.cumsum(several) - several, several) + 1) / several[piece]
    return np.vstack([corners[:1], corners[piece] + steps[piece] * share[:, None]])


def drawn_lines(axes: Axes) -> list[Line2D]:
    """The lines of axes that can be seen, without leaders of labels."""
    return [
        line
        for line in axes.lines
        if line.get_visible() and len(np.atleast_1d(line.get_xdata())) and not _is_label(line)
    ]


def _is_label(artist: Any) -> bool:
    return str(artist.get_gid() or "").startswith(LABEL)


@dataclass
class _Canvas:
    """Axes in pixels: where lines and texts are, and where bands are."""

    left: float
    bottom: float
    lines: dict[Line2D, np.ndarray]
    texts: np.ndarray
    soft: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.texts.shape
        return height, width

    def inside(self, points: np.ndarray) -> np.ndarray:
        """Points of the figure that are in the axes, as integer (column, row)."""
        moved = points - (self.left, self.bottom)
        height, width = self.shape
        with np.errstate(invalid="ignore"):
            keep = (moved >= 0).all(axis=1) & (moved[:, 0] < width) & (moved[:, 1] < height)
        return moved[keep].astype(int)


def _canvas(axes: Axes) -> _Canvas:
    box = axes.bbox
    shape = max(1, int(box.height)), max(1, int(box.width))
    canvas = _Canvas(box.x0, box.y0, {}, np.zeros(shape, bool), np.zeros(shape, bool))
    for line in drawn_lines(axes):
        raster = np.zeros(shape, bool)
        points = canvas.inside(points_of(line))
        raster[points[:, 1], points[:, 0]] = True
        marker = line.get_marker()
        wide = line.get_linewidth() if marker in ("None", "none", "", None) else line.get_markersize()
        canvas.lines[line] = _grown(raster, math.ceil(wide * axes.figure.dpi / 144))
    for text in axes.texts:
        if text.get_visible() and text.get_text():
            _fill(canvas.texts, canvas, text.get_window_extent())
    for collection in axes.collections:
        if isinstance(collection, PolyCollection):
            canvas.soft |= _covered(collection, canvas)
    return canvas


def _grown(raster: np.ndarray, by: int) -> np.ndarray:
    return maximum_filter(raster, 2 * by + 1) if by > 0 else raster


def _fill(raster: np.ndarray, canvas: _Canvas, box: Any) -> None:
    rows = slice(max(0, int(box.y0 - canvas.bottom) - _PAD), max(0, math.ceil(box.y1 - canvas.bottom) + _PAD))
    columns = slice(max(0, int(box.x0 - canvas.left) - _PAD), max(0, math.ceil(box.x1 - canvas.left) + _PAD))
    raster[rows, columns] = True


def _covered(collection: PolyCollection, canvas: _Canvas, every: int = 4) -> np.ndarray:
    """Where a band is, on a grid of every fourth pixel."""
    height, width = canvas.shape
    rows, columns = np.mgrid[0:height:every, 0:width:every]
    points = np.column_stack([columns.ravel() + canvas.left, rows.ravel() + canvas.bottom])
    inside = np.zeros(len(points), bool)
    for path in collection.get_paths():
        inside |= collection.get_transform().transform_path(path).contains_points(points)
    grid = inside.reshape(rows.shape)
    return np.kron(grid, np.ones((every, every), bool))[:height, :width]


def label_lines(axes: Axes, labels: Sequence[tuple[Line2D, str]], fontsize: Any = "small") -> list[Line2D]:
    """Write a label beside each line, where nothing else is drawn and the nearest line is its own.

    Args:
        axes: Whose limits are set, in a figure that is laid out.
        labels: Lines of these axes, with their words.
        fontsize: As matplotlib has it.

    Returns:
        The lines that have no label, because there is no room or they cannot be seen.
    """
    if not labels:
        return []
    canvas = _canvas(axes)
    left_over, tasks = [], []
    for line, words in labels:
        width, height = text_size(axes, words, fontsize)
        tasks.append((_places(canvas, line, width, height), line, words, width, height))
    for places, line, words, width, height in sorted(tasks, key=lambda task: len(task[0])):
        if len(places):
            corners = places[:, 5:].astype(int)
            places = places[_inside(_sums(canvas.texts), corners[:, :2], corners[:, 2:]) == 0]
        if not len(places):
            left_over.append(line)
            continue
        x, y, at_x, at_y = places[int(places[:, 0].argmin()), 1:5]
        _write(axes, line, words, (x, y), (at_x, at_y), fontsize, width, height)
        _fill(canvas.texts, canvas, _Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    return left_over


def text_size(axes: Axes, words: str, fontsize: Any = "small") -> tuple[float, float]:
    """Width and height of words in pixels.

    Args:
        axes: Of whose figure.
        words: That are measured.
        fontsize: As matplotlib has it.

    Returns:
        Pixels.
    """
    text = axes.text(0, 0, words, fontsize=fontsize, transform=None)
    box = text.get_window_extent()
    text.remove()
    return float(box.width), float(box.height)


@dataclass(frozen=True)
class _Box:
    x0: float
    y0: float
    x1: float
    y1: float


def _write(
    axes: Axes, line: Line2D, words: str, place: tuple[float, float], at: tuple[float, float], fontsize: Any,
    width: float, height: float,
) -> None:  # fmt: skip
    """The label around `place`, with a leader to `at` where it is not beside it; both in pixels of the figure."""
    inverse = axes.transAxes.inverted()
    x, y = inverse.transform(place)
    text = axes.text(
        x, y, words, fontsize=fontsize, color=INK, ha="center", va="center",
        transform=axes.transAxes,
    )  # fmt: skip
    text.set_gid(LABEL + words)
    gap = np.abs(np.subtract(at, place)) - np.array([width, height]) / 2
    if max(gap[0], gap[1]) > _LEADER:
        edge = np.clip(at, np.subtract(place, (width / 2, height / 2)), np.add(place, (width / 2, height / 2)))
        ends = inverse.transform(np.array([edge, at], dtype=float))
        (leader,) = axes.plot(*ends.T, color=line.get_color(), linewidth=0.6, transform=axes.transAxes, marker="")
        leader.set_gid(LABEL + words)


def _places(canvas: _Canvas, line: Line2D, width: float, height: float) -> np.ndarray:
    """(n,9) cost, middle of the label, anchor on the line and corners of its box, of every place free of lines."""
    none = np.empty((0, 9))
    if line not in canvas.lines or not canvas.lines[line].any():
        return none
    rows, columns = canvas.shape
    others = np.zeros(canvas.shape, bool)
    for one, raster in canvas.lines.items():
        if one is not line:
            others |= raster
    far_other = distance_transform_edt(~others) if others.any() else np.full(canvas.shape, 1e3)
    points = canvas.inside(points_of(line))
    points = points[:: max(1, len(points) // 80)]
    # A leader that comes near another line than its own is read as belonging to that one.
    points = points[far_other[points[:, 1], points[:, 0]] > _APART]
    half = np.array([width, height]) / 2 + _PAD
    directions = np.array(_DIRECTIONS)
    slanted = np.where(directions.all(axis=1), math.sqrt(2), 1.0)
    offsets = directions[:, None] * (half + (np.array(_DISTANCES) / slanted[:, None])[:, :, None])
    middle = (points[:, None] + offsets.reshape(1, -1, 2)).reshape(-1, 2)
    anchor = np.repeat(points, offsets.shape[0] * offsets.shape[1], axis=0)
    low, high = np.floor(middle - half).astype(int), np.ceil(middle + half).astype(int)
    fits = (low >= 1).all(axis=1) & (high[:, 0] < columns - 1) & (high[:, 1] < rows - 1)
    middle, anchor, low, high = middle[fits], anchor[fits], low[fits], high[fits]
    free = _inside(_sums(others | canvas.texts | canvas.lines[line]), low, high) == 0
    middle, anchor, low, high = middle[free], anchor[free], low[free], high[free]
    if not len(middle):
        return none
    far_line = distance_transform_edt(~canvas.lines[line])
    to_it, to_others = (_least(far, low, high) for far in (far_line, far_other))
    area = np.prod(high - low, axis=1)
    cost = to_it - 0.35 * np.minimum(to_others, 30.0) + 25.0 * _inside(_sums(canvas.soft), low, high) / area
    corner = np.array([canvas.left, canvas.bottom])
    table = np.column_stack([cost, middle + corner, anchor + corner, low, high])
    return table[to_it < to_others]


def _sums(raster: np.ndarray) -> np.ndarray:
    return np.pad(raster.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))


def _inside(sums: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """How many pixels of each box are set."""
    x0, y0, x1, y1 = low[:, 0], low[:, 1], high[:, 0], high[:, 1]
    return sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]


def _least(far: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The least distance over the edge of each box, at nine points of it."""
    least = np.full(len(low), np.inf)
    for u in (0.0, 0.25, 0.5, 0.75, 1.0):
        for v in (0.0, 1.0):
            x = (low[:, 0] + u * (high[:, 0] - 1 - low[:, 0])).astype(int)
            y = (low[:, 1] + v * (high[:, 1] - 1 - low[:, 1])).astype(int)
            least = np.minimum(least, far[y, x])
    return least


def label_ends(
    axes: Axes, labels: Sequence[tuple[Line2D, str]], fontsize: Any = "small", margin: float = 5.0
) -> list[Text]:
    """Write labels right of the axes, each at the height of the end of its line or as near as there is room.

    Args:
        axes: Whose limits are set, in a figure that is laid out and has room at the right.
        labels: Lines of these axes, with their words; of a line that is not seen at all nothing is written.
        fontsize: As matplotlib has it.
        margin: Pixels between the axes and the labels.

    Returns:
        The labels.
    """
    box = axes.bbox
    ends: list[tuple[float, float, float, Line2D, str]] = []
    for line, words in labels:
        points = points_of(line)
        with np.errstate(invalid="ignore"):
            visible = points[(points[:, 1] >= box.y0 - 1) & (points[:, 1] <= box.y1 + 1)]
        if len(visible):
            height = text_size(axes, words, fontsize)[1]
            ends.append((visible[-1, 1], visible[-1, 0], height, line, words))
    ends.sort(key=lambda end: end[0])
    heights = spread([y for y, *_ in ends], [h + 1.0 for _, _, h, *_ in ends], box.y0, box.y1)
    written = []
    inverse = axes.transAxes.inverted()
    for (y, x, _, line, words), at in zip(ends, heights):
        left, middle = inverse.transform((box.x1 + 2 * margin, at))
        text = axes.text(
            left, middle, words, fontsize=fontsize, color=INK, ha="left", va="center", transform=axes.transAxes
        )
        text.set_gid(LABEL + words)
        corners = inverse.transform([(min(x, box.x1) + 1.0, y), (box.x1 + margin, y), (box.x1 + 1.7 * margin, at)])
        (leader,) = axes.plot(
            *corners.T, color=line.get_color(), linewidth=0.6, transform=axes.transAxes, clip_on=False, marker=""
        )
        leader.set_gid(LABEL + words)
        written.append(text)
    return written


def spread(places: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Places moved as little as needed for labels of these sizes not to touch, in [low, high] where they have room.

    Args:
        places: In ascending order.
        sizes: Of the labels around them.
        low: The least edge of a label.
        high: The greatest one.

    Returns:
        The places, in the same order.
    """
    moved = list(places)
    edge = low
    for i, (place, extent) in enumerate(zip(places, sizes)):
        moved[i] = max(place, edge + extent / 2)
        edge = moved[i] + extent / 2
    edge = max(high, low + sum(sizes))
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], edge - sizes[i] / 2)
        edge = moved[i] - sizes[i] / 2
    return moved


def label_level(panels: Sequence[Axes], height: float, words: str, fontsize: Any = "small") -> bool:
    """Write words at a horizontal line of several panels, in the first of them that has room above or below it.

    Args:
        panels: Whose limits are set.
        height: Of the line, in data.
        words: What the line means.
        fontsize: As matplotlib has it.

    Returns:
        Whether there was room.
    """
    for axes in panels:
        canvas = _canvas(axes)
        taken = canvas.texts.copy()
        y = float(axes.transData.transform((axes.get_xlim()[1], height))[1])
        level = round(y - canvas.bottom)
        for line, raster in canvas.lines.items():
            ends = points_of(line)[:, 1]
            if not (np.nanmax(ends) - np.nanmin(ends) < 1 and abs(float(np.nanmean(ends)) - y) < 1):
                taken |= raster
        across, up = text_size(axes, words, fontsize)
        rows, columns = canvas.shape
        wide, high = math.ceil(across) + 2 * _PAD, math.ceil(up) + _PAD
        sums, soft = _sums(taken), _sums(canvas.soft)
        best: tuple[float, int, int] | None = None
        for low in (level + 3, level - high - 2):
            if low < 1 or low + high >= rows:
                continue
            starts = np.arange(2, columns - wide - 1)
            if not len(starts):
                continue
            corners = np.column_stack([starts, np.full(len(starts), low)])
            ends_ = corners + np.array([wide, high])
            full = _inside(sums, corners, ends_)
            cost = np.where(full > 0, np.inf, _inside(soft, corners, ends_) / (wide * high))
            place = int(cost.argmin())
            if np.isfinite(cost[place]) and (best is None or cost[place] < best[0] - 0.05):
                best = float(cost[place]), int(starts[place]), low
        if best is not None:
            _, start, low = best
            corner = (canvas.left + start + _PAD, canvas.bottom + low + high / 2)
            left, middle = axes.transAxes.inverted().transform(corner)
            written = axes.text(
                left, middle, words, fontsize=fontsize, color=INK, ha="left",
                va="center", transform=axes.transAxes,
            )  # fmt: skip
            written.set_gid(LABEL + words)
            return True
    return False


def coincide(axes: Axes, first: Line2D, second: Line2D, within: float = 1.5) -> float:
    """The share of the second line, where both can be seen, that is less than `within` points above or below the first.

    Args:
        axes: Of both, with limits.
        first: A line with ascending x.
        second: Another.
        within: Points.

    Returns:
        In [0, 1]; 0 where they are never seen together.
    """
    box = axes.bbox
    one, two = points_of(first), points_of(second)
    one = one[np.isfinite(one).all(axis=1)]
    two = two[np.isfinite(two).all(axis=1)]
    two = two[(two[:, 1] >= box.y0) & (two[:, 1] <= box.y1) & (two[:, 0] >= box.x0) & (two[:, 0] <= box.x1)]
    if len(one) < 2 or not len(two):
        return 0.0
    height = np.interp(two[:, 0], one[:, 0], one[:, 1], left=np.nan, right=np.nan)
    with np.errstate(invalid="ignore"):
        near = np.abs(height - two[:, 1]) < within * axes.figure.dpi / 72
    return float(near.mean())
