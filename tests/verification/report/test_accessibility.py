"""Contrast of every pair of colours the style sheet uses, and names, headings and table headers of the page."""

import itertools
import re
import xml.etree.ElementTree as ET

import html5lib
import pytest

from l2obound.verification import pages
from l2obound.verification.pages.figure_style import GRID, INK, MUTED, SERIES
from l2obound.verification.report.render import render_html
from tests.helpers.report_sample import make_results

STYLE = pages.STYLE.read_text(encoding="utf-8")
TEXT, GRAPHIC = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
GROUNDS = ("bg", "panel")
# Colours without a meaning of their own: lines behind data, and bars whose numbers stand beside them.
DECORATION = {"grid"}


def themes(style):
    """The variables of the light, dark and print themes."""
    blocks = re.findall(r":root\s*{(.*?)}", style, flags=re.DOTALL)
    return dict(zip(("light", "dark", "print"), (dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", b)) for b in blocks)))


def contrast(a, b):
    """The ratio of WCAG 2.2."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear))

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def pairs(style):
    """(text colour, ground) of every rule: a rule that sets one of them has the other from the page or the panel."""
    rules = re.findall(r"([^{}]+){([^{}]*)}", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL))
    result = set()
    for selector, body in rules:
        if ":root" in selector or ".bar" in selector:
            continue
        text = re.search(r"(?<![\w-])color:\s*var\(--([\w-]+)\)", body)
        ground = re.search(r"background(?:-color)?:\s*var\(--([\w-]+)\)", body)
        if text or ground:
            inks = [text.group(1)] if text else ["ink", "muted", "link"]
            grounds = [ground.group(1)] if ground else GROUNDS
            result |= {(ink, g) for ink in inks for g in grounds if ink != "violated" or g not in GROUNDS}
    return result


def weak(style):
    """Every pair of too little contrast, as (theme, colour, ground)."""
    results = []
    for theme, colours in themes(style).items():
        needed = [(t, g, TEXT) for t, g in pairs(style)]
        series = [name for name in colours if re.fullmatch(r"s\d", name)]
        needed += [(name, ground, GRAPHIC) for name in (*series, "muted") for ground in GROUNDS]
        results += [(theme, a, b) for a, b, least in needed if contrast(colours[a], colours[b]) < least]
    return results


def test_colours_have_contrast_in_light_dark_and_print():
    assert set(themes(STYLE)) == {"light", "dark", "print"}
    light, dark, printed = themes(STYLE).values()
    assert light == printed
    assert set(light) == set(dark)
    assert len(pairs(STYLE)) > 15
    assert not weak(STYLE)
    used = set(re.findall(r"var\(--([\w-]+)\)", STYLE))
    assert used <= set(light)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (("--muted: #59636e", "--muted: #8b949e"), ("light", "muted", "bg")),
        (("--muted: #9aa5b1", "--muted: #565f69"), ("dark", "muted", "panel")),
        (("--verified-bg: #d8f3df", "--verified-bg: #3fa35b"), ("light", "verified", "verified-bg")),
        (("--s5: #f5ff64", "--s5: #3a2f08"), ("dark", "s5", "bg")),
        ((".answer {", ".answer { color: var(--grid);"), ("light", "grid", "panel")),
    ],
)
def test_planted_weak_colours_are_found(change, finding):
    assert change[0] in STYLE
    assert finding in weak(STYLE.replace(*change))


def test_figures_use_the_colours_of_the_light_theme():
    light = themes(STYLE)["light"]
    assert tuple(light[f"s{i}"] for i in range(1, 8)) == SERIES
    assert (light["ink"], light["muted"], light["grid"]) == (INK, MUTED, GRID)


def faults(page):
    """What a reader with a screen reader would stumble over."""
    tree = html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)
    result = [] if tree.get("lang") else ["no language"]
    if len(list(tree.iter("main"))) != 1:
        result.append("not one main landmark")
    levels = [int(e.tag[1]) for e in tree.iter() if isinstance(e.tag, str) and re.fullmatch(r"h[1-6]", e.tag)]
    if levels[:1] != [1] or levels.count(1) != 1:
        result.append("not one first heading")
    result += [f"heading {b} after {a}" for a, b in itertools.pairwise(levels) if b > a + 1]
    svgs = [e for e in tree.iter() if isinstance(e.tag, str) and e.tag.endswith("svg")]
    for svg in (e for e in svgs if e.get("aria-hidden") != "true" or list(e.iter("title"))):
        if svg.get("role") != "img" or not (svg.get("aria-label") or "").strip():
            result.append("a drawing without a name")
    result += ["a table header without scope" for th in tree.iter("th") if not th.get("scope")]
    result += ["a picture without alt" for img in tree.iter("img") if img.get("alt") is None]
    result += ["a link without text" for a in tree.iter("a") if not "".join(a.itertext()).strip()]
    regions = [e.get("aria-label") for e in tree.iter() if e.get("role") == "region"]
    result += ["a region without a name" for name in regions if not name]
    result += [f"two regions named {name}" for name in set(regions) if regions.count(name) > 1]
    scrolling = [e for e in tree.iter() if e.get("class") == "scroll"]
    result += ["a scrolling region that keys do not reach" for e in scrolling if e.get("tabindex") != "0"]
    inside = {id(t) for e in scrolling for t in e.iter("table")}
    result += ["a table that does not scroll" for t in tree.iter("table") if id(t) not in inside]
    return result


@pytest.fixture(scope="module")
def page():
    results = make_results()
    drawn_runs = (
        "lasso-20x40/unshifted/l2o-pa",
        "lasso-20x40/unshifted/fista",
        "lasso-20x40/t10/l2o-pa",
        "logistic/unshifted/ista",
    )
    results["runs"] = [run for run in results["runs"] if run["key"] in drawn_runs]
    return render_html(results)


@pytest.mark.slow
def test_the_page_can_be_read_without_seeing_it(page):
    assert faults(page) == []
    tree = ET.fromstring(re.search(r'<svg[^>]*class="plot".*?</svg>', page, flags=re.DOTALL).group())
    assert len(tree.get("aria-label")) > 60


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('<html lang="en">', "<html>", "no language"),
        ("<main>", "<div>", "not one main landmark"),
        ("<h3", "<h5", "heading 5 after 2"),
        ('role="img" ', "", "a drawing without a name"),
        (' scope="row"', "", "a table header without scope"),
        (' tabindex="0" role="region"', ' role="region"', "a scrolling region that keys do not reach"),
    ],
)
def test_planted_faults_are_found(page, old, new, fault):
    assert fault in faults(page.replace(old, new))
