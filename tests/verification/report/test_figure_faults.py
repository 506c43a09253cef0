"""Every figure of the report, looked at as an object; and each check fails on a figure that is planted for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from l2obound.verification import pages
from l2obound.verification.pages.figure_export import file_bytes
from l2obound.verification.pages.figure_style import (
    ENLARGED,
    INK,
    MUTED,
    SERIES,
    THIN,
    line_styles,
    mark_of,
    method_looks,
    style,
)  # fmt: skip
from l2obound.verification.report import figures as drawing
from l2obound.verification.report.methods import LABELS
from l2obound.verification.support.paper_styles import STYLES, drawn_in
from tests.helpers import figure_checks as checks
from tests.helpers.report_sample import make_results, sample_figures

WIDE = THIN * ENLARGED  # points that the thinnest line of a method takes on a page


@pytest.fixture(scope="module")
def results() -> dict:
    return make_results()


@pytest.fixture(scope="module")
def drawn() -> dict[str, Figure]:
    return sample_figures()


def test_legends_have_what_is_drawn(drawn: dict[str, Figure]) -> None:
    assert {key: faults for key, f in drawn.items() if (faults := checks.legend_faults(f))} == {}


def test_texts_touch_nothing(drawn: dict[str, Figure]) -> None:
    assert {key: faults for key, f in drawn.items() if (faults := checks.text_faults(f))} == {}


def test_no_curve_is_hidden(drawn: dict[str, Figure]) -> None:
    assert {key: faults for key, f in drawn.items() if (faults := checks.hidden_faults(f))} == {}


def test_a_colour_has_one_meaning_on_the_page(results: dict, drawn: dict[str, Figure]) -> None:
    names = {run["optimizer"]["name"]: run["optimizer"]["label"] for run in results["runs"]}
    meanings_of = checks.meanings(drawn, names)
    assert {colour: words for colour, words in meanings_of.items() if len(words) != 1 or "?" in words} == {}
    looks = line_styles(results)
    assert meanings_of == {looks[name]["color"]: {label} for name, label in names.items()}


@pytest.mark.parametrize("name", [name for name in STYLES if name != "none"])
def test_other_styles_have_no_faults_either(name: str, results: dict) -> None:
    small = {**results, "attributions": [], "shift_pairs": [], "transients": []}
    small["runs"] = [
        r for r in results["runs"] if r["problem"] == "lasso-20x40" and r["optimizer"]["name"] != "go-math-l2o"
    ]
    with drawn_in(name) as paper:
        made = drawing.figures(small)
        for key in (
            "convergence/lasso-20x40",
            "bounds/lasso-20x40/l2o-pa",
            "per-step/lasso-20x40/l2o-pa",
            "worst-cases",
        ):
            figure = made[key]
            assert figure.get_size_inches()[0] <= paper.text + 1e-9
            assert checks.legend_faults(figure) == []
            with style():
                assert checks.text_faults(figure) == [], (name, key)


def test_colours_are_apart_without_receptors_for_red_or_green() -> None:
    assert checks.alike((*SERIES, INK, MUTED), WIDE) == []
    sheet = pages.STYLE.read_text(encoding="utf-8")
    dark = re.findall(r":root\s*{(.*?)}", sheet, flags=re.DOTALL)[1]
    colours = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", dark))
    assert checks.alike([*(colours[f"s{i}"] for i in range(1, 8)), colours["ink"], colours["muted"]], WIDE) == []


def test_methods_are_apart_in_grey() -> None:
    looks = method_looks(LABELS, ("go-math-l2o", "l2o-pa"))
    first = dict(list(looks.items())[: len(SERIES)])
    assert checks.alike_in_grey(first, WIDE) == []
    assert len({(look["color"], str(look["linestyle"]), look["marker"]) for look in looks.values()}) == len(looks)


def test_a_method_has_its_colour_on_every_page() -> None:
    alone, many = method_looks(["fista"]), method_looks(["mine", "yours", "fista", "go-math-l2o"])
    assert alone["fista"] == many["fista"]
    assert len({look["color"] for look in many.values()}) == 4
    assert mark_of(many["mine"])["color"] == many["mine"]["color"]


def test_runs_without_a_number_can_be_drawn(results: dict) -> None:
    looks = line_styles(results)
    gone = {"median": [], "q10": [], "q90": []}
    unseen = {name: [None] * 101 for name in gone}
    for gap in (gone, unseen):
        runs = [
            {**run, "gap": gap, "rho": gap, "mean_gap": {"median": []}, "bound_curves": []}
            for run in results["runs"]
            if run["key"] in ("lasso-20x40/unshifted/l2o-pa", "lasso-20x40/unshifted/ista")
        ]
        figure = drawing.convergence(runs, looks)
        assert checks.legend_faults(figure) == []
        assert file_bytes(figure, "svg").startswith(b"<?xml")


# --- planted faults --------------------------------------------------------------------------------------------------


@pytest.fixture
def planted() -> Iterator[Figure]:
    with style():
        figure = Figure(figsize=(3, 2))
        axes = figure.subplots()
        axes.plot([0, 1, 2, 3], [0, 1, 2, 3], color=SERIES[0], label="one")
        axes.set(xlim=(0, 3), ylim=(0, 3))
        yield figure


def test_a_legend_of_nothing_is_found(planted: Figure) -> None:
    planted.legend(handles=[Line2D([], [], color=SERIES[0], label="one")])
    assert checks.legend_faults(planted) == []
    planted.legend(handles=[Line2D([], [], color=SERIES[0], linestyle=":", label="dotted")])
    planted.legend(handles=[Patch(color=MUTED, alpha=0.3, label="band")])
    outside = Line2D([], [], color=SERIES[1], label="outside")
    planted.axes[0].plot([0, 1], [8, 9], color=SERIES[1])
    planted.legend(handles=[outside])
    assert [fault.partition(":")[0] for fault in checks.legend_faults(planted)] == ["dotted", "band", "outside"]


def test_texts_that_touch_are_found(planted: Figure) -> None:
    axes = planted.axes[0]
    axes.text(0.5, 2.5, "free")
    assert checks.text_faults(planted) == []
    axes.text(0.52, 2.5, "other")
    axes.text(1.9, 1.95, "on it")
    axes.text(2.95, 0.2, "a long text that leaves")
    faults = " ".join(checks.text_faults(planted))
    assert "free: touches other" in faults
    assert "on it: stands on a line" in faults
    assert "a long text that leaves: leaves the figure" in faults


def test_a_hidden_curve_is_found(planted: Figure) -> None:
    axes = planted.axes[0]
    axes.plot([0, 1, 2, 3], [3, 2, 1, 0], color=SERIES[1])
    assert checks.hidden_faults(planted) == []
    axes.plot([0, 1, 2, 3], [0.001, 1.001, 2.001, 3], color=SERIES[2])
    assert len(checks.hidden_faults(planted)) == 1
    axes.plot([1], [1], color=SERIES[0], marker="o", linestyle="none", zorder=3)
    assert checks.hidden_faults(planted) == []


def test_a_colour_of_two_meanings_is_found(planted: Figure) -> None:
    with style():
        other = Figure()
        other.subplots().plot([0, 1], [0, 1], color=SERIES[0], label="two")
    assert checks.meanings({"a": planted, "b": other}, {})[SERIES[0]] == {"one", "two"}
    planted.axes[0].plot([0, 1], [1, 0], color=SERIES[1])
    assert checks.meanings({"a": planted}, {})[SERIES[1]] == {"?"}


def test_colours_that_are_alike_are_found() -> None:
    assert checks.alike(("#0072b2", "#c04a00", "#8a6500"), WIDE) == [("#c04a00", "#8a6500")]
    looks = {n: {"color": c, "linestyle": "-", "marker": "o"} for n, c in (("a", "#a00000"), ("b", "#004a90"))}
    assert checks.alike_in_grey(looks, WIDE) == [("a", "b")]


def test_each_kind_of_figure_has_one_sentence(drawn: dict[str, Figure]) -> None:
    assert {key.partition("/")[0] for key in drawn} <= set(drawing.CAPTIONS)
    assert all(text.endswith(".") and text.count(". ") == 0 for text in drawing.CAPTIONS.values())


def test_bounds_are_told_apart_below_each_convergence_panel(results: dict, drawn: dict[str, Figure]) -> None:
    figure = drawn["bounds/lasso-20x40/go-math-l2o"]
    tops, ratios = figure.axes[:3], figure.axes[3:]
    assert all(axes.get_yscale() == "log" for axes in ratios)
    numbers = {text.get_text() for axes in tops for text in axes.texts}
    assert {"B3", "B6", "B6c", "B7"} <= numbers
    run = next(run for run in results["runs"] if run["key"] == "lasso-20x40/unshifted/go-math-l2o")
    curve = next(curve for curve in run["bound_curves"] if curve["bound"] == "ood_multi_step")
    expected = [v / run["mean_gap"]["median"][k - 1] for k, v in zip(curve["k"], curve["median"])]
    lines = [list(line.get_ydata()) for line in ratios[0].lines]
    assert any(len(y) == len(expected) and all(abs(a / b - 1) < 1e-12 for a, b in zip(y, expected)) for y in lines)
