import copy
import html
import json
import re
from html.parser import HTMLParser

import html5lib
import pytest

from l2obound.verification.pages.text import number, percent
from l2obound.verification.report._compare import comparisons
from l2obound.verification.report.render import render_html
from l2obound.verification.report.tables import overview
from tests.helpers.report_sample import HOSTILE, make_results, nothing, sample_page

VOID = {"meta", "br", "hr", "img", "link", "input", "col", "wbr"}


@pytest.fixture(scope="module")
def results():
    return make_results()


@pytest.fixture(scope="module")
def page():
    return sample_page()


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


def test_page_is_valid_and_self_contained(page):
    html5lib.HTMLParser(strict=True).parse(page)  # any error of the HTML standard's parser is an exception
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


@pytest.mark.parametrize("fault", ["<p><div></p>", "<b><i></b></i>", '<a x="1" x="2">', "a & b &nosuch; <", "\x01"])
def test_the_validator_finds_planted_faults(fault):
    page = f'<!DOCTYPE html><html lang="en"><head><title>t</title></head><body>{fault}</body></html>'
    with pytest.raises(html5lib.html5parser.ParseError):
        html5lib.HTMLParser(strict=True).parse(page)


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
    assert "met by 0 %" in shown
    assert "worst margin -0.37" in shown
    assert "contradict themselves" in shown


def test_what_others_wrote_is_escaped(page):
    assert "<script>" not in page
    assert html.escape("<script>alert(1)</script>") in page
    assert page.count("alert(1)") > 5
    whole = HOSTILE.replace("\x01", "\ufffd").replace("\ud800", "\ufffd")
    assert page.count(html.escape(whole, quote=False).replace('"', "&#34;").replace("'", "&#39;")) > 3
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", page)
    page.encode("utf-8")


@pytest.mark.slow
def test_equal_results_give_equal_bytes(results):
    some = few(results, lambda run: run["scenario"]["key"] == "s10") | {"attributions": results["attributions"]}
    assert render_html(json.loads(json.dumps(some))) == render_html(some)


def few(results, keep):
    """Some runs, without the figures of all of them and of long runs."""
    return _reduced(results, keep) | {"transients": [], "worst_cases": None, "shift_pairs": [], "attributions": []}


def test_captions_say_the_numbers_of_the_data(results, page):
    captions = _read(page).captions
    runs = {run["key"]: run for run in results["runs"]}
    ours, theirs = (runs[f"lasso-20x40/unshifted/{name}"]["gap"]["median"][100] for name in ("go-math-l2o", "fista"))
    sentence = (
        f"In distribution GO-Math-L2O is at {number(ours)} after 100 steps, {number(float(f'{theirs / ours:.3g}'))} "
        "times below FISTA"
    )
    (convergence,) = (c for c in captions if c.startswith("Convergence on LASSO"))
    assert sentence in convergence
    (bounded,) = (c for c in captions if c.startswith("Bounds over the run of GO-Math-L2O"))
    # B6c has no value after the last step here, and B3 no guarantee: what is left bounds the mean.
    curve = runs["lasso-20x40/unshifted/go-math-l2o"]["bound_curves"][1]
    assert (
        f"After 100 steps in distribution B6 guarantees a mean gap of at most {number(curve['median'][-1])}" in bounded
    )
    (deviation,) = (c for c in captions if c.startswith("Deviation from Assumption 1"))
    rho = runs["lasso-20x40/unshifted/go-math-l2o"]["rho"]["median"]
    assert f"below 1 at {sum(v < 1 for v in rho)} of the 100 steps drawn in distribution" in deviation
    assert "ρ is zero up to rounding, so not drawn: ISTA." in deviation
    assert "Reading gradient_descent of Assumption 1" in deviation


def test_every_figure_has_its_files_and_one_sentence(page):
    reader = _read(page)
    figures = reader.tags.count("figure")
    # The first screen, three over all and the next instance; on one problem convergence, certificates, deviation,
    # shifts and three for each of two learned methods; on the other three; long runs; and worst cases.
    assert figures == len(reader.captions) == 1 + 4 + 10 + 3 + 1 + 1
    for caption in reader.captions:
        assert re.search(r"figures/[\w.-]+\.svg\s+figures/[\w.-]+\.pdf", caption)
        finding = caption.split(".", 1)[1]
        assert len(finding.split()) > 8


def test_formulas_that_cannot_be_drawn_are_shown_as_code(results):
    """On a page without a run, which is valid too."""
    other = _reduced(results, lambda run: False) | {"transients": [], "worst_cases": None}
    texts = ("", r"\nosuchcommand{x}", r"\frac{a", "a % b", r"\begin{cases} 1 \end{cases}")
    for entry, text in zip(other["catalogue"], texts, strict=False):
        entry["latex"] = text
    page = render_html(other)
    html5lib.HTMLParser(strict=True).parse(page)
    for text in texts:
        assert f"<code>{html.escape(text)}</code>" in page


def _reduced(results, keep):
    other = copy.deepcopy(results)
    other["runs"] = [run for run in other["runs"] if keep(run)]
    return other


@pytest.mark.slow
def test_reports_without_learned_methods_of_one_run_and_of_none(results):
    ind = few(results, lambda run: run["scenario"]["key"] == "unshifted" and run["problem"] == "lasso-20x40")
    classical = render_html(few(ind, lambda run: not run["optimizer"]["learned"]))
    assert "There is no pair of a learned and a classical method to compare." in classical
    assert "Deviation from the ideal step" in classical
    assert "Each step of" not in classical
    one = render_html(few(results, lambda run: run["key"] == "lasso-20x40/s10/l2o-pa"))
    assert "No run on this problem." in one
    none = render_html(
        _reduced(results, lambda run: False) | {"problems": [], "bounds": [], "catalogue": [], "transients": []}
    )
    assert "Nothing was checked." in none
    for page in (classical, one, none):
        html5lib.HTMLParser(strict=True).parse(page)
        _read(page)


@pytest.mark.slow
def test_run_of_which_nothing_is_left(results):
    other = few(results, lambda run: True)
    other["runs"] = other["runs"][:6] + other["runs"][-2:]
    for run in other["runs"][:3]:
        run |= dict.fromkeys(("gap", "relative_gap", "mean_gap", "rho"), nothing())
        run |= {"bound_curves": [], "diverged": 32}
        if run["descent"]:
            totals = {"steps": 0, "rises": 0, "unguaranteed": 0, "resolved": 0}
            shares = {key: [] for key in ("rounding", "rises", "unguaranteed")}
            run["descent"] = dict.fromkeys(("measured", "guaranteed"), nothing()) | shares
            run["descent"] |= {"totals": totals, "used_median": None}
            run["deviation"] = {
                "delta1": nothing(),
                "delta2": dict.fromkeys(("gradient_descent", "half_step"), nothing()),
            }
    other["runs"][3]["gap"] = {key: [None] * 101 for key in nothing()}
    other["runs"][4]["gap"]["median"][50:] = [1e300] * 51
    other["problems"][1]["optima"][0] |= {"lower": [None], "upper": [None]}
    page = render_html(other)
    _read(page)
    assert "Diverged instances, left out of the curves: GO-Math-L2O (in distribution, 32)" in page
    assert "No instance has a certified interval" in page
    assert "In distribution, every instance of GO-Math-L2O diverged" in page


def test_comparison_knows_the_floor(results):
    other = _reduced(results, lambda run: run["problem"] == "lasso-20x40" and run["scenario"]["key"] == "unshifted")
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
    diverged = comparisons(other)[1]
    assert (diverged["outcome"], diverged["words"], diverged["texts"][0]) == ("above", "diverged, unlike", "–")


def test_overview_adds_up(results):
    for row in overview(results):
        result = [v for run in results["runs"] for v in run["verdicts"] if v["bound"] == row["bound"]["key"]]
        assert row["checks"] == sum(v["checks"] for v in result) == sum(row["counts"].values())
        assert row["counts"]["violated"] == sum(v["counts"]["violated"] for v in result)


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
