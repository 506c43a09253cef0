"""Smaller figures are the same drawings."""

from __future__ import annotations

import itertools
import re

import pytest
from matplotlib.figure import Figure

from l2obound.verification.pages.compact import STEP, compact, path, straightened
from l2obound.verification.pages.figure_export import file_bytes, inline_svg
from l2obound.verification.pages.figure_style import style
from l2obound.verification.pages.formula import formula_svg

PIXEL = 1 / 1.8
"""Points of a figure in a pixel of a page."""


def absolute(data: str) -> list[tuple[float, float]]:
    """The points of a path of M, l, q, c and z, which is what `path` makes."""
    points: list[tuple[float, float]] = []
    for letter, text in re.findall(r"([Mlqcz])([^Mlqcz]*)", data):
        numbers = [float(v) for v in re.findall(r"-?\d*\.?\d+", text)]
        pairs = list(zip(numbers[::2], numbers[1::2]))
        size = {"M": 1, "l": 1, "q": 2, "c": 3, "z": 1}[letter]
        for first in range(0, len(pairs), size):
            x, y = (0.0, 0.0) if letter == "M" else points[-1]
            points += [(x + a, y + b) for a, b in pairs[first : first + size]]
    return points


@pytest.mark.parametrize(
    ("data", "short"),
    [
        ("M 1.23 4.56 L 2 7.9 ", "M1.2 4.6l.8 3.3"),
        ("M 0 0 L 1.4 0.1 L 2.8 -5", "M0 0l1.4.1 1.4-5.1"),
        ("M 0 0 Q 1 2 3 4 z", "M0 0q1 2 3 4z"),
        ("M 0 0 C 1 2 3 4 5 6 C 1 0 -1 0 0 0", "M0 0c1 2 3 4 5 6c-4-6-6-6-5-6"),
        ("M 0 0 1 1 1 5", "M0 0l1 1 0 4"),
        ("M 0 0 A 1 1 0 0 0 2 2", "M 0 0 A 1 1 0 0 0 2 2"),
        ("", ""),
    ],
)
def test_paths(data: str, short: str) -> None:
    assert path(data) == short


def test_no_point_moves_by_more_than_half_a_pixel() -> None:
    curve = [(0.37 * k, 100.0 / (1 + 0.1 * k)) for k in range(400)]
    short = absolute(path("M " + " L ".join(f"{x} {y}" for x, y in curve)))
    assert len(short) < len(curve)
    for x, y in curve:
        near = [(a, b) for a, b in itertools.pairwise(short) if a[0] - STEP <= x <= b[0] + STEP]
        heights = [a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0]) for a, b in near if b[0] > a[0]]
        slope = 100 * 0.1 / (1 + 0.1 * x / 0.37) ** 2 / 0.37
        assert min(abs(h - y) for h in heights) <= (STEP + PIXEL / 2) * (1 + slope)


def test_extremes_stay() -> None:
    line = [(k, 0) for k in range(50)] + [(50, 900)] + [(k, 0) for k in range(51, 100)]
    assert straightened(line) == [(0, 0), (49, 0), (50, 900), (51, 0), (99, 0)]
    assert straightened([(0, 0), (0, 0), (3, 1)]) == [(0, 0), (3, 1)]
    loop = [(0, 0), (10, 0), (0, 0)]
    assert straightened(loop) == loop


def drawn() -> str:
    with style():
        figure = Figure(figsize=(3, 2))
        axes = figure.subplots()
    axes.plot(range(50), [k * k for k in range(50)])
    axes.set_title("a title")
    return inline_svg(file_bytes(figure, "svg"), "f1", "Title", "words")


def page(*drawings: str) -> str:
    return f"<html><head><style></style></head><body>{''.join(drawings)}</body></html>"


def test_what_figures_share_is_written_once() -> None:
    one, other = drawn(), drawn().replace("f1-", "f2-")
    small, twice = compact(page(one)), compact(page(one, other))
    assert len(small) < len(page(one))
    assert len(twice) - len(small) < len(small) / 2
    assert compact(page(one, other)) == twice
    ids = re.findall(r'\bid="([^"]+)"', twice)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="?|url\()#([\w.-]+)', twice)) <= set(ids)
    assert set(re.findall(r'class="?(y\d+)', twice)) == set(re.findall(r"\.(y\d+){", twice))
    assert twice.count("<title>Title</title>") == 2


def test_ticks_and_grid_lines_are_where_they_were() -> None:
    raw = drawn()
    small = re.sub(r"<defs>.*?</defs>", "", compact(page(raw)), count=1)  # without what is shared
    marks = dict(re.findall(r'<path id="(f1-m\w+)" d="M 0 0 ([^"]*)"', raw))  # where they go
    placed = re.findall(r'<use href="#(f1-m\w+)" x="([^"]*)" y="([^"]*)"', raw)
    ticks = {(f"{float(x):.1f}", f"{float(y):.1f}", marks[name].split()[0] == "0") for name, x, y in placed}
    strokes = re.findall(r"M(-?[\d.]+) (-?[\d.]+)([hv])-?3\.5", small)
    assert {(f"{float(x):.1f}", f"{float(y):.1f}", way == "v") for x, y, way in strokes} == ticks
    assert len(ticks) == len(strokes) > 8
    grid = re.search(r"\.(y\d+){[^}]*var\(--grid\)", small)
    assert grid
    lines = re.findall(rf'<path d="([^"]*)" class={grid[1]} />', small)
    assert sum(data.count("M") for data in lines) == len(ticks)  # major ticks have a line each
    assert len(lines) == 1  # the labels of both axes lie between no other drawing


def test_labels_of_one_size_are_placed_by_two_numbers() -> None:
    small = compact(page(drawn()))
    assert len(re.findall(r"<use href=#t\d+ x=[-.\d]+ y=[-.\d]+ class=y\d+ />", small)) > 8
    assert re.search(r'<g id="t\d+" transform="scale\(\.\d+-\.\d+\)">', small)


def test_formulas_share_their_letters() -> None:
    alone = formula_svg(r"F(x_k) \le \frac{L}{2}")
    named = formula_svg(r"F(x_k) \le \frac{L}{2}", "m1")
    assert alone
    assert named
    box = re.compile(r'viewBox="[^"]*"')
    assert box.search(alone).group() == box.search(named).group()  # type: ignore[union-attr]
    small = compact(page(named, named.replace("m1-", "m2-")))
    ids = re.findall(r'\bid="([^"]+)"', small)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([\w.-]+)', small)) <= set(ids)


def test_a_page_without_figures_stays_as_it_is() -> None:
    assert compact(page("<p>text</p>")) == page("<p>text</p>")
