import copy
import json
import math
import re
import xml.etree.ElementTree as ET

import pytest

from l2obound import bounds
from l2obound.verification.pages.figure_export import file_bytes, inline_svg
from l2obound.verification.pages.figure_labels import drawn_lines
from l2obound.verification.pages.figure_style import INK, line_styles, style
from l2obound.verification.pages.formula import formula_svg
from l2obound.verification.report import figures as drawing
from l2obound.verification.report import render_report
from l2obound.verification.report.figures._certified import certified
from l2obound.verification.report.figures._steps import deviation
from tests.helpers.report_sample import HOSTILE, band, make_results, sample_figures


@pytest.fixture(scope="module")
def results():
    return make_results()


@pytest.fixture(scope="module")
def drawn():
    return sample_figures()


def test_svg_uses_the_colours_of_the_style_sheet(drawn):
    for key in ("final-gaps", "per-step/lasso-20x40/l2o-pa", "deviation/lasso-20x40"):
        svg = inline_svg(file_bytes(drawn[key], "svg"), "a", key, "words")
        ET.fromstring(svg)
        colours = set(re.findall(r"#[0-9a-f]{6}\b", svg))
        assert not colours - {"#ffffff", "#000000"}, (key, colours)
        assert "currentColor" in svg
        assert re.search(r"var\(--s\d\)", svg)


def test_drawing_leaves_matplotlib_as_it_was(results):
    import matplotlib

    before = dict(matplotlib.rcParams)
    one = copy.deepcopy(results)
    one["runs"] = one["runs"][:1]
    for figure in drawing.figures(one).values():
        file_bytes(figure, "svg")
    assert dict(matplotlib.rcParams) == before


def test_floor_is_drawn_and_what_is_below_zero_is_not(drawn):
    axes = drawn["convergence/lasso-20x40"].axes[0]
    assert any("accuracy" in text.get_text() for text in drawn["convergence/lasso-20x40"].axes[0].texts)
    for line in axes.lines:
        assert all(v > 0 or math.isnan(v) for v in line.get_ydata())


def test_a_certificate_is_not_drawn_below_what_it_certifies_between_the_marks(results):
    run = copy.deepcopy(results["runs"][0])
    run["certificate"] = {"k": [1, 4], "gap": band([1.0, 1e-6])}
    figure = certified([[("one", run)]], line_styles(results), {})
    (line,) = (line for line in figure.axes[0].lines if list(line.get_ydata()) == [1.0, 1e-6])
    # the line as it is drawn, at step 3: what step 1 certified still holds there
    points = line.get_path().vertices
    assert points[points[:, 0] <= 3][-1][1] == 1.0
    assert sorted(set(points[points[:, 1] == 1.0][:, 0])) == [1.0, 4.0]


def test_steps_without_a_decrease_are_counted_not_drawn(results, drawn):
    figure = drawn["per-step/lasso-20x40/go-math-l2o"]
    top, middle, bottom = figure.axes[0], figure.axes[3], figure.axes[6]
    run = results["runs"][0]
    guaranteed = next(line for line in top.lines if line.get_color() == INK)
    for value, drawn_value in zip(run["descent"]["guaranteed"]["median"], guaranteed.get_ydata()):
        assert math.isnan(drawn_value) if value <= 0 else drawn_value == value
    assert list(middle.lines[0].get_ydata()) == run["descent"]["rises"]
    assert any(list(line.get_ydata()) == [1.0, 1.0] for line in bottom.lines)  # rho = 1
    assert [a.get_title(loc="left") for a in figure.axes[:3]] == ["in distribution", "s = 10", "t = 10"]


def test_deviations_are_drawn_for_the_learned_only(results, drawn):
    figure = drawn["deviation/lasso-20x40"]
    first, second, rho = figure.axes[0], figure.axes[3], figure.axes[6]
    first, second, rho = (
        [line for line in axes.lines if line.get_linestyle() != "None"] for axes in (first, second, rho)
    )
    assert (len(first), len(second)) == (2, 2)  # two methods; the other reading is below the panel
    assert len(rho) == 3 + 1  # FISTA deviates too, ISTA does not; and the line at 1
    assert {tuple(line.get_ydata()) for line in first} == {
        tuple(run["deviation"]["delta1"]["median"]) for run in results["runs"][:2]
    }


def test_the_other_reading_is_drawn_where_it_is_apart(results):
    one = copy.deepcopy(results["runs"][:1])
    delta2 = one[0]["deviation"]["delta2"]
    looks = line_styles(results)
    for factor, several in ((1.5, 2), (1.001, 1), (1e-9, 1)):
        delta2["half_step"] = band([factor * v for v in delta2["gradient_descent"]["median"]])
        with style():
            figure = deviation(one, looks)
        assert len([line for line in figure.axes[1].lines if line.get_linestyle() != "None"]) == several
        words = " ".join(text.get_text() for text in figure.legends[0].get_texts())
        assert ("half step" in words) == (several == 2)


def test_methods_that_do_not_get_there_stand_apart(results, drawn):
    axes = drawn["iterations"].axes[2]
    (strip,) = axes.patches
    edge = strip.get_x()
    never = sum(run["reach"][2]["median"] is None for run in results["runs"])
    assert 0 < never < len(results["runs"])
    points = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    assert sum(x > edge for x in points) == never


def test_sizes_are_those_of_a_paper(drawn):
    for figure in drawn.values():
        assert min(abs(figure.get_size_inches()[0] - inches) for inches in (3.4, 1.65 * 3.4, 7.0)) < 1e-9
        for axes in figure.axes:
            texts = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label]
            assert all(6.5 <= t.get_fontsize() <= 9 for t in texts)


def test_nothing_leaves_the_figure(drawn):
    """Labels and legends are inside, and the legend is above the panels."""
    for key in (
        "final-gaps",
        "convergence/lasso-20x40",
        "per-step/lasso-20x40/l2o-pa",
        "deviation/lasso-20x40",
        "worst-cases",
        "next-instance",
    ):
        figure = drawn[key]
        file_bytes(figure, "svg")
        width, _height = figure.bbox.width, figure.bbox.height
        legends = [legend.get_window_extent() for legend in figure.legends]
        assert all(legend.x0 >= 0 and legend.x1 <= width for legend in legends)
        top = min([legend.y0 for legend in legends], default=figure.bbox.height)
        for axes in figure.axes:
            box = axes.get_tightbbox()
            assert box.x0 >= -1, key
            assert box.x1 <= width + 1, key
            assert box.y0 >= -1, key
            assert box.y1 <= top + 1, key


def test_ratios_to_worst_cases_are_drawn_over_the_steps(results, drawn):
    titles = [axes.get_title(loc="left") for axes in drawn["worst-cases"].axes]
    assert [title.partition(":")[0] for title in titles] == ["B3", "B6, B6b, B6c", "B7"]
    first, _, absolute = drawn["worst-cases"].axes
    lines = {tuple(round(v, 4) for v in line.get_ydata()) for line in drawn_lines(first) if len(line.get_xdata()) == 3}
    assert lines == {(2.0, 2.0, 2.0), (1.0, 1.0, 1.0)}
    (loose,) = (line for line in drawn_lines(absolute) if len(line.get_xdata()) == 3)
    assert list(loose.get_xdata()) == [1, 2, 5]
    assert [round(v, 4) for v in loose.get_ydata()] == [3, 4, 7]
    assert {text.get_text() for text in first.texts} == {"B3", "B3:smooth"}
    one = results | {"worst_cases": {"rows": results["worst_cases"]["rows"][:1], "without": []}}
    assert "worst-cases" not in drawing.figures(one | {"runs": [], "problems": [], "transients": []})
    assert "worst-cases" not in drawing.figures(one | {"worst_cases": None, "problems": [], "transients": []})


@pytest.mark.parametrize("text", [r"\le \frac{a}{b}", r"\left\| x \right\|", r"\sum_{k=1}^{K} \langle a, b \rangle"])
def test_formula_is_drawn(text):
    svg = formula_svg(text)
    ET.fromstring(svg)
    assert "currentColor" in svg


@pytest.mark.parametrize("text", ["", r"\nosuchcommand{x}", r"\frac{a", "a % b", r"\begin{cases} 1 \end{cases}"])
def test_formula_that_cannot_be_drawn(text):
    assert formula_svg(text) is None


def test_every_statement_of_the_catalogue_is_drawn():
    for name in bounds.names(variants=True):
        assert formula_svg(bounds.get(name).latex()) is not None, name


def test_files_have_plain_names_of_their_own():
    keys = ["a/b", "a-b", "../../etc/passwd", HOSTILE, "", "A/B", "x" * 300]
    names = list(drawing.file_names(keys).values())
    assert len({name.lower() for name in names}) == len(keys)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,125}", name) for name in names)


@pytest.mark.slow
def test_files_are_the_same_bytes_each_time_and_nothing_else_is_touched(results, tmp_path):
    small = copy.deepcopy(results) | {"transients": [], "worst_cases": None}
    small["runs"] = [
        run for run in small["runs"] if run["scenario"]["key"] == "unshifted" and run["problem"] != "logistic"
    ]
    small["runs"] = [run for run in small["runs"] if run["optimizer"]["name"] in ("go-math-l2o", "fista")]
    folder = tmp_path / "a"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "mine.svg").write_text("kept")
    render_report(small, folder)
    render_report(json.loads(json.dumps(small)), tmp_path / "b")
    first = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.*") if p.is_file()}
    second = {p.relative_to(tmp_path / "b"): p.read_bytes() for p in (tmp_path / "b").rglob("*.*") if p.is_file()}
    assert first.pop(next(p for p in first if p.name == "mine.svg")) == b"kept"
    assert first == second
    named = set(re.findall(r"figures/[\w.-]+\.(?:svg|pdf)", (folder / "report.html").read_text()))
    assert named == {str(p) for p in first if p.parts[0] == "figures"}
    for path, data in first.items():
        if path.suffix == ".pdf":
            assert data.startswith(b"%PDF")
            assert not re.search(rb"CreationDate|ModDate|/Type3", data)
            assert b"/FontFile2" in data
        if path.suffix == ".svg":
            ET.fromstring(data)
            assert not re.search(rb"<dc:date|https?://(?!www.w3.org|creativecommons|purl.org)|font-family", data)
