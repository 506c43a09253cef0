"""Looks, sizes for places of print, labels on lines, and curves with as many points as can be seen."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure

from l2obound.errors import InputError
from l2obound.verification.pages.figure_export import compact, file_bytes
from l2obound.verification.pages.figure_labels import label_ends, label_level, label_lines, spread
from l2obound.verification.pages.figure_style import SCREEN, bound_looks, style, width
from l2obound.verification.pages.figure_thinning import thinned
from l2obound.verification.support.paper_styles import STYLES, current_style, drawn_in, paper_style


def panel(**limits: tuple[float, float]) -> tuple[Figure, object]:
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.set(**limits)
    return figure, axes


def test_a_style_holds_while_it_is_open() -> None:
    with drawn_in("icml") as paper:
        assert current_style() is paper
        assert (width(1), width(3)) == (3.25, 6.75)
        with drawn_in(None):
            assert current_style() is paper
    assert current_style().name == "none"
    with pytest.raises(InputError, match=r"did you mean 'neurips'\? expected one of none, neurips, icml, beamer"):
        paper_style("neurps")


@pytest.mark.parametrize("name", STYLES)
def test_fonts_are_shipped_and_text_of_a_pdf_is_text(name: str) -> None:
    with drawn_in(name) as paper, style():
        files = font_manager.findfont(paper.font, fallback_to_default=False)
        assert "mpl-data" in Path(files).parts
        figure = Figure(figsize=(2, 1))
        figure.text(0.1, 0.5, "gap and $F^\\star$", fontsize=paper.size)
        data = file_bytes(figure, "pdf")
        assert data == file_bytes(figure, "pdf")
    # Venues refuse fonts of type 3; where no venue is named they are good enough, and quick to write.
    assert (b"/Type3" in data) == (name == "none")
    assert bool(re.search(rb"/Subtype /(?:TrueType|CIDFontType2)", data)) == (name != "none")


def test_coordinates_have_the_digits_that_are_seen() -> None:
    figure, axes = panel(xlim=(0, 1), ylim=(0, 1))
    axes.plot(np.linspace(0, 1, 50), np.linspace(0, 1, 50) ** 2)
    data = file_bytes(figure, "svg").decode()
    drawn = " ".join(re.findall(r'\bd="([^"]*)"', data))
    assert not re.search(r"\d\.\d{3}", drawn)
    long = b'<path d="M 1.23456 2.34567 \nL 3.45678 4.0 \nL 5.0 6.001 "/>'
    assert compact(long) == b'<path d="M 1.23 2.35 3.46 4.0 5.0 6"/>'
    assert b"L 3 4" in compact(b'<path d="M 1 2 C 1 1 2 2 3 3 L 3 4"/>')


def test_a_long_curve_keeps_its_extremes() -> None:
    _, axes = panel(xlim=(0, 10000))
    x = np.arange(10001)
    y = np.sin(x / 700) + 0.1 * np.random.default_rng(0).normal(size=x.size)
    y[4321], y[7000:7010] = 9.0, np.nan
    at, value = thinned(axes, x, y)
    pixels = axes.bbox.width / axes.figure.dpi * SCREEN
    assert len(at) <= 2.1 * pixels + 6
    assert (at[0], at[-1]) == (0, 10000)
    assert 9.0 in value
    assert np.isnan(value).any()
    # Up to the column of pixels at an end the greatest value is that of the whole curve.
    for low in np.linspace(0, 9000, 7):
        part, thin = (x >= low) & (x < low + 1000), (at >= low) & (at < low + 1000)
        assert abs(np.nanmax(y[part]) - np.nanmax(value[thin])) <= 0.35
    short = thinned(axes, x[:50], y[:50])
    assert len(short[0]) == 50
    low, high = thinned(axes, x, y - 1, y + 1)[1:]
    assert len(low) == len(high) <= 2.1 * pixels + 12


def test_labels_are_spread_no_further_than_needed() -> None:
    assert spread([1, 5], [1, 1], 0, 10) == [1, 5]
    assert spread([5, 5, 5], [2, 2, 2], 0, 10) == [5, 7, 9]
    assert spread([9, 9.5], [2, 2], 0, 10) == [7, 9]


def test_labels_stand_beside_their_lines() -> None:
    figure, axes = panel(xlim=(0, 1), ylim=(0, 1))
    (one,) = axes.plot([0, 1], [0.2, 0.2])
    (other,) = axes.plot([0, 1], [0.8, 0.8])
    assert label_lines(axes, [(one, "one"), (other, "other")]) == []
    places = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert abs(places["one"] - 0.2) < 0.2 < abs(places["other"] - 0.2)
    axes.plot(np.linspace(0, 1, 400), 0.5 + 0.5 * np.sin(np.arange(400)), linewidth=3)
    assert label_lines(axes, [(one, "one" * 8)]) == [one]
    assert not label_level([axes], 0.5, "words")
    ends = label_ends(axes, [(one, "B1"), (other, "B2")])
    assert [text.get_text() for text in ends] == ["B1", "B2"]
    assert figure.axes


def test_bounds_of_a_panel_look_different() -> None:
    looks = bound_looks(["B7, δ = 0.1", "B7, δ = 0.01", "B7:sharp", "B6c"])
    assert len({(str(look["linestyle"]), look["marker"]) for look in looks}) == 4
    assert len({look["color"] for look in looks}) == 1
