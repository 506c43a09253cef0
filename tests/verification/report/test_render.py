import copy
import csv
import html
import json
import math
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.verification.report.sample import make_results
from verification.report import figures as drawing
from verification.report.render import render_html, write_tables
from verification.report.tables import comparisons, number, overview, percent, verdict_tables

STYLE = Path(drawing.__file__).with_name("style.css").read_text(encoding="utf-8")
VOID = {"meta", "br", "hr", "img", "link", "input", "col", "wbr"}


@pytest.fixture(scope="module")
def results():
    return make_results()


@pytest.fixture(scope="module")
def page(results):
    return render_html(results)


class _Reader(HTMLParser):
    """Checks that tags nest; keeps the text that is shown, the attributes, and the ids."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.text, self.attributes, self.ids, self.tags, self.captions = [], [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *a) for a in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag == "figcaption":
            self.captions.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open[-1:]:
            self.text.append(data)
        if "figcaption" in self.open:
            self.captions[-1] += data


def _read(page):
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


def test_page_is_well_formed_and_self_contained(page):
    reader = _read(page)
    assert len(reader.ids) == len(set(reader.ids))
    targets = {value[1:] for _, name, value in reader.attributes if name == "href" and value.startswith("#")}
    assert targets <= set(reader.ids)
    for _, name, value in reader.attributes:
        if name in ("src", "href", "xlink:href", "action", "srcset"):
            assert value.startswith("#")
        if name.startswith("xmlns"):
            assert value == "http://www.w3.org/2000/svg"
    outside = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|@import|url\((?!#)", outside)
    assert not {"script", "link", "iframe", "img"} & set(reader.tags)


def test_no_missing_value_is_shown_as_a_python_word(page):
    shown = " ".join(_read(page).text)
    # The configuration is JSON and says null; nothing else does.
    shown = shown.replace(json.dumps({"lam": None}, indent=2)[2:-2].strip(), "")
    assert not re.search(r"\b(nan|None|NaN|inf|null|True|False|undefined)\b", shown)


def test_verdicts_and_vacuity_are_said(page):
    shown = " ".join(_read(page).text)
    for word in ("verified", "violated", "inconclusive", "not applicable", "vacuous"):
        assert word in shown
    assert "6 checks violated." in shown  # three instances at s = 10 and at t = 10
    assert "Violated: B6c on lasso-20x40, s = 10, L2O-PA (3 of 32)" in shown
    assert re.search(r"Vacuous on .*B7 \(A-priori rate from the sizes of the deviations, 100 %\)", shown)
    assert "exact step: 0 %" in shown
    assert "worst margin -0.37" in shown
    assert "contradict themselves" in shown


def test_what_others_wrote_is_escaped(page):
    assert "<script>" not in page
    assert html.escape("<script>alert(1)</script>") in page
    assert page.count("alert(1)") > 5


def test_equal_results_give_equal_bytes(results, page):
    assert render_html(copy.deepcopy(results)) == page
    assert render_html(json.loads(json.dumps(results))) == page


def test_captions_say_the_numbers_of_the_data(results, page):
    captions = _read(page).captions
    runs = {run["key"]: run for run in results["runs"]}
    ours, theirs = (runs[f"lasso-20x40/ind/{name}"]["gap"]["median"][100] for name in ("go-math-l2o", "fista"))
    sentence = (
        f"At k = 100 (InD) the median gap of GO-Math-L2O is {number(ours)}, {number(float(f'{theirs / ours:.3g}'))} "
        f"times below FISTA's ({number(theirs)})."
    )
    assert sentence in captions[0]
    assert "L2O-PA at s = 10: " in captions[0]
    bound = runs["lasso-20x40/ind/go-math-l2o"]["bound_curves"][1]["median"][-1]
    assert f"B6 promises at most {number(bound)} for the mean gap so far" in captions[1]
    rho = runs["lasso-20x40/ind/go-math-l2o"]["rho"]["median"]
    below = sum(value < 1 for value in rho)
    assert f"at most {number(max(rho))} (k = 1), below 1 at {below} of 100 steps" in captions[3]
    assert "Zero up to rounding, so not drawn: ISTA." in captions[3]


def test_figures_carry_their_description(page):
    for tag in re.findall(r'<svg[^>]*class="plot"[^>]*>\s*<title>[^<]+</title>', page):
        assert 'role="img"' in tag
        assert re.search(r'aria-label="[^"]{40,}"', tag)
    assert len(re.findall(r'<svg[^>]*class="plot"', page)) == page.count("<figcaption>") == 6


def test_svg_uses_the_colours_of_the_style_sheet(results):
    for key, figure in drawing.figures(results).items():
        svg = drawing.to_svg(figure, "a", key, "words")
        ET.fromstring(svg)
        colours = set(re.findall(r"#[0-9a-f]{6}\b", svg))
        assert not colours - {"#ffffff", "#000000"}, (key, colours)
        assert "currentColor" in svg
        assert re.search(r"var\(--s\d\)", svg)


def test_drawing_leaves_matplotlib_as_it_was(results):
    import matplotlib

    before = dict(matplotlib.rcParams)
    drawing.figures(results)
    assert dict(matplotlib.rcParams) == before


def test_floor_is_drawn_and_what_is_below_zero_is_not(results):
    figure = drawing.figures(results)["convergence/lasso-20x40"]
    axes = figure.axes[0]
    assert "known to here" in axes.texts[0].get_text()
    for line in axes.lines:
        assert all(v > 0 or math.isnan(v) for v in line.get_ydata())


@pytest.mark.parametrize("text", [r"\le \frac{a}{b}", r"\left\| x \right\|", r"\sum_{k=1}^{K} \langle a, b \rangle"])
def test_formula_is_drawn(text):
    svg = drawing.formula_svg(text)
    ET.fromstring(svg)
    assert "currentColor" in svg


@pytest.mark.parametrize("text", ["", r"\nosuchcommand{x}", r"\frac{a", "a % b", r"\begin{cases} 1 \end{cases}"])
def test_formula_that_cannot_be_drawn_is_shown_as_code(results, text):
    assert drawing.formula_svg(text) is None
    other = copy.deepcopy(results)
    other["bounds"][0]["latex"] = text
    assert f"<code>{html.escape(text)}</code>" in render_html(other)


def test_every_statement_of_the_catalogue_is_drawn():
    bounds = pytest.importorskip("bounds")
    for name in bounds.names(variants=True):
        assert drawing.formula_svg(bounds.get(name).latex()) is not None, name


def _reduced(results, keep):
    other = copy.deepcopy(results)
    other["runs"] = [run for run in other["runs"] if keep(run)]
    return other


def test_reports_without_learned_methods_of_one_run_and_of_none(results):
    classical = render_html(_reduced(results, lambda run: not run["optimizer"]["learned"]))
    assert "There is no pair of a learned and a classical method to compare." in classical
    one = render_html(_reduced(results, lambda run: run["key"] == "lasso-20x40/ind/go-math-l2o"))
    assert "No run on this problem." in one
    none = render_html(_reduced(results, lambda run: False) | {"problems": [], "bounds": []})
    assert "Nothing was checked." in none
    for page in (classical, one, none):
        _read(page)


def test_run_of_which_nothing_is_left(results):
    other = copy.deepcopy(results)
    empty = {"median": [], "q10": [], "q90": []}
    for run in other["runs"][:3]:
        run |= {"gap": empty, "rho": empty, "relative_gap_median": [], "bound_curves": [], "diverged": 32}
    other["runs"][3]["gap"] = {key: [None] * 101 for key in empty}
    other["runs"][4]["gap"]["median"][50:] = [1e300] * 51
    other["problems"][1]["f_star"] |= {"lower": [None], "upper": [None], "relative_width_max": None}
    page = render_html(other)
    _read(page)
    assert "Diverged instances, left out of the curves: GO-Math-L2O (InD, 32)" in page
    assert "No instance has a certified interval" in page


def test_comparison_knows_the_floor(results):
    other = _reduced(results, lambda run: run["problem"] == "lasso-20x40" and run["scenario"]["key"] == "ind")
    gaps = {run["optimizer"]["name"]: run["gap"]["median"] for run in other["runs"]}
    case = comparisons(other)[0]
    assert [c["learned"] for c in comparisons(other)] == ["GO-Math-L2O", "L2O-PA"]
    assert case["reached"] == next(k for k, v in enumerate(gaps["go-math-l2o"]) if v <= gaps["fista"][-1])
    gaps["go-math-l2o"][-1] = -1e-12
    times = number(float(f"{gaps['fista'][-1] / 1e-9:.3g}"))
    assert comparisons(other)[0]["words"] == f"at least {times} times below"
    gaps["fista"][-1] = None
    assert comparisons(other)[0]["outcome"] == "equal"
    other["runs"][1] |= {"gap": {"median": [], "q10": [], "q90": []}, "diverged": 32}
    lost = comparisons(other)[1]
    assert (lost["outcome"], lost["words"], lost["texts"][0]) == ("above", "lost (diverged), unlike", "–")


def test_overview_adds_up(results):
    for row in overview(results):
        found = [v for run in results["runs"] for v in run["verdicts"] if v["bound"] == row["bound"]["key"]]
        assert row["checks"] == sum(v["checks"] for v in found) == sum(row["counts"].values())
        assert row["counts"]["violated"] == sum(v["counts"]["violated"] for v in found)


def test_verdict_tables_keep_scenarios_whole(results):
    tables = verdict_tables(results, "lasso-20x40")
    assert [len(t["runs"]) for t in tables] == [8, 4]
    assert [s["label"] for t in tables for s in t["scenarios"]] == ["InD", "s = 10", "t = 10"]
    cell = next(row for row in tables[0]["rows"] if row["bound"]["key"] == "a_priori")["cells"][0]
    assert cell["hollow"]
    assert cell["verdict"] == "verified"


def test_tables_hold_what_the_results_hold(results, tmp_path):
    paths = write_tables(results, tmp_path / "tables")
    verdicts, curves = (list(csv.DictReader(p.read_text(encoding="utf-8").splitlines())) for p in paths)
    expected = [(run, v) for run in results["runs"] for v in run["verdicts"]]
    assert len(verdicts) == len(expected)
    for row, (run, verdict) in zip(verdicts, expected):
        assert (row["run"], row["bound"], row["verdict"]) == (run["key"], verdict["bound"], verdict["verdict"])
        assert int(row["not_applicable"]) == verdict["counts"]["not applicable"]
        for name in ("vacuous_share", "tightness_median", "worst_slack"):
            assert row[name] == ("" if verdict[name] is None else repr(verdict[name]))
    for run in results["runs"]:
        own = [row for row in curves if row["run"] == run["key"]]
        gap = [row["value"] for row in own if row["quantity"] == "gap" and row["statistic"] == "q90"]
        assert [float(v) if v else None for v in gap] == run["gap"]["q90"]
        rho = [int(row["k"]) for row in own if row["quantity"] == "rho" and row["statistic"] == "median"]
        assert rho == run["k"][1:]
        for curve in run["bound_curves"]:
            rows = [row for row in own if row["quantity"] == curve["bound"]]
            assert [float(r["value"]) if r["value"] else None for r in rows] == curve["median"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (3.14159e-8, "3.14e-8"),
        (12345, "12,345"),
        (0.5, "0.5"),
        (0.0, "0"),
        (2.0, "2"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


def test_shares_are_never_rounded_to_all_or_nothing():
    assert [percent(v) for v in (None, 0.0, 1e-5, 0.25, 0.99999, 1.0)] == [
        "–",
        "0 %",
        "< 0.1 %",
        "25 %",
        "> 99.9 %",
        "100 %",
    ]


def _variables(block):
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


def _luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear))


def _contrast(a, b):
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_colours_have_contrast_in_light_dark_and_print():
    blocks = [_variables(block) for block in re.findall(r":root\s*{(.*?)}", STYLE, flags=re.DOTALL)]
    assert len(blocks) == 3
    light, dark, printed = blocks
    assert light == printed
    assert set(light) == set(dark)
    for theme in (light, dark):
        for name in ("ink", "muted", "link", "vacuous", "alarm", "verified", "inconclusive", "not-applicable"):
            assert _contrast(theme[name], theme["bg"]) >= 4.5, name
            assert _contrast(theme[name], theme["panel"]) >= 4.5, name
        for name in ("verified", "violated", "inconclusive", "not-applicable"):
            assert _contrast(theme[name], theme[f"{name}-bg"]) >= 4.5, name
        for index in range(1, 8):
            assert _contrast(theme[f"s{index}"], theme["bg"]) >= 4.5, index
    assert tuple(light[f"s{i}"] for i in range(1, 8)) == drawing.SERIES
