"""The layers of the page: the first screen, what is folded, its size, and numbers that are those of the results."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from l2obound import bounds
from l2obound.verification.report.heat_map import (
    ROW_NAMES,
    _row_name,
    by_method,
    by_run,
    cell,
    heat_map,
    level,
    tightness,
)
from l2obound.verification.report.tables import counts
from tests.helpers.report_sample import make_results, sample_page

LARGEST = 3_000_000
"""Bytes of a page, at most."""


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return make_results()


@pytest.fixture(scope="module")
def page() -> str:
    return sample_page()


def faults(page: str, results: dict[str, Any]) -> list[str]:
    """What is wrong with the size, the first screen and the folding of a page."""
    wrong = []
    if len(page.encode()) > LARGEST:
        wrong.append("larger than 3 MB")
    shown = {name: int(text.replace(",", "")) for name, text in re.findall(r'data-count="(\w+)">([\d,]+)<', page)}
    numbers = counts(results)
    names = ("violated", "informative", "vacuous")
    wrong += [f"{name} is {numbers[name]}" for name in names if shown.get(name) != numbers[name]]
    first = page[page.index("<main>") : page.index('class="folded')]
    if first.count('<table class="heat">') != 1:
        wrong.append("no heat map on the first screen")
    if first.count('class="plot"') != 1:
        wrong.append("not one figure on the first screen")
    opened = re.findall(r"<details[^>]*\bopen\b", page)
    if opened:
        wrong.append("something is unfolded")
    return wrong


def test_the_page_is_in_layers(page: str, results: dict[str, Any]) -> None:
    assert faults(page, results) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('data-count="violated">', 'data-count="violated">1', "violated is"),
        ('data-count="vacuous">', 'data-count="vacuous">9', "vacuous is"),
        ('<table class="heat">', "<table>", "no heat map on the first screen"),
        ("<details>", "<details open>", "something is unfolded"),
        ("</main>", f"<!-- {'x' * LARGEST} --></main>", "larger than 3 MB"),
        ('class="plot"', "", "not one figure on the first screen"),
    ],
)
def test_planted_faults_of_a_page_are_found(page: str, results: dict[str, Any], old: str, new: str, fault: str) -> None:
    assert old in page
    assert any(reported.startswith(fault) for reported in faults(page.replace(old, new), results))


def test_checks_are_counted_once(results: dict[str, Any]) -> None:
    numbers = counts(results)
    parts = [value for name, value in numbers.items() if name != "checks"]
    assert numbers["checks"] == sum(parts) == sum(v["checks"] for run in results["runs"] for v in run["verdicts"])
    verdicts = [v for run in results["runs"] for v in run["verdicts"]]
    assert numbers["violated"] == sum(v["counts"]["violated"] for v in verdicts) > 0
    assert numbers["informative"] + numbers["violated"] == sum(v["decided"] for v in verdicts)


def test_what_was_there_already_is_named(page: str) -> None:
    assert "F* of lasso-20x40 (cache)" in page


def test_navigation_has_two_levels(page: str) -> None:
    nav = page[page.index("<nav") : page.index("</nav>")]
    assert '<a href="#problem-1">lasso-20x40</a>' in nav
    within = page[page.index('id="problem-1"') :]
    assert '<a href="#problem-1-verdicts">Verdicts</a>' in within
    for name in re.findall(r'href="#([\w-]+)"', nav):
        assert f'id="{name}"' in page


# --- the heat map --------------------------------------------------------------------------------------------------


def test_every_bound_has_a_row_name() -> None:
    """Words that need no symbol, and differ; the number stands behind them."""
    assert {*bounds.names()} <= {*ROW_NAMES} <= {*bounds.names(variants=True)}
    assert len({ROW_NAMES[name] for name in bounds.names()}) == len(bounds.names())
    assert all(re.fullmatch(r"[A-Za-z, ]+", words) and len(words) <= 22 for words in ROW_NAMES.values())
    text = _row_name({"key": "ind_rate:exact", "number": "B3"})
    assert re.sub(r"<[^>]*>", "", text) == "rate of exact steps (B3)"
    assert re.sub(r"<[^>]*>", "", _row_name({"key": "my_bound", "number": "<M>"})) == "my bound (&lt;M&gt;)"


def run_with(**changes: Any) -> dict[str, Any]:
    verdict = {
        "bound": "b", "number": "B2", "checks": 10, "verdict": "verified", "form_of": None, "vacuous_share": 0.0,
        "tightness_median": 0.62, "counts": {"verified": 10, "violated": 0, "inconclusive": 0, "not applicable": 0},
    }  # fmt: skip
    return {"verdicts": [verdict | changes]}


def repeating() -> dict[str, Any]:
    """The bound b is, on this run, the inequality of the bound a."""
    other = run_with(bound="a", number="B1")["verdicts"]
    return {"verdicts": [*other, *run_with(form_of="a")["verdicts"]]}


def counted(**changes: int) -> dict[str, int]:
    return {"verified": 0, "violated": 0, "inconclusive": 0, "not applicable": 0} | {
        name.replace("_", " "): value for name, value in changes.items()
    }


CELLS: list[tuple[list[dict[str, Any]], str, str]] = [
    ([run_with()], "t4", ".62"),
    ([run_with(tightness_median=3e-6)], "t0", "10⁻⁶"),
    ([run_with(tightness_median=None)], "t0", "✓"),
    ([run_with(tightness_median=1.0), run_with(tightness_median=0.04)], "t2", ".04"),
    ([run_with(vacuous_share=1.0)], "nothing", "○"),
    ([run_with(vacuous_share=1.0), run_with(vacuous_share=0.5)], "t4", ".62"),
    ([run_with(counts=counted(not_applicable=10), vacuous_share=None)], "not-applicable", "–"),
    ([], "not-applicable", "–"),
    ([repeating()], "repeat", "= B1"),
    ([run_with(), repeating()], "t4", ".62"),
    ([run_with(verdict="inconclusive", counts=counted(verified=8, inconclusive=2))], "inconclusive", "?"),
    ([run_with(), run_with(verdict="violated", counts=counted(verified=9, violated=1))], "violated", "✗"),
]


@pytest.mark.parametrize(("runs", "kind", "text"), CELLS)
def test_cells(runs: list[dict[str, Any]], kind: str, text: str) -> None:
    shown_cell = cell("b", runs)
    assert (shown_cell.kind, shown_cell.text) == (kind, text)
    assert shown_cell.words


def test_no_two_kinds_of_cells_look_the_same_without_colour() -> None:
    signs = {kind: text for _, kind, text in CELLS if not re.fullmatch(r"t\d", kind)}
    assert len(set(signs.values())) == len(signs) == 5
    assert not any(re.fullmatch(r"[\d.⁻⁰¹²³⁴-⁹]+|✓", text) for text in signs.values())


@pytest.mark.parametrize(
    ("value", "text", "shade"),
    [
        (None, "✓", 0),
        (0.0, "✓", 0),
        (1.0, "1", 4),
        (0.996, "1", 4),
        (0.3, ".30", 3),
        (0.0099, ".01", 1),
        (2e-9, "10⁻⁹", 0),
    ],
)
def test_tightness_in_four_characters(value: float | None, text: str, shade: int) -> None:
    assert tightness(value) == text
    assert len(text) <= 4
    assert level(value) == shade


def test_columns_of_the_map(results: dict[str, Any]) -> None:
    columns = by_method(results["runs"])
    assert [(c.group, c.name) for c in columns] == [
        ("GO-Math-L2O", "in"), ("GO-Math-L2O", "shift"), ("L2O-PA", "in"), ("L2O-PA", "shift"),
        ("classical methods, all data", "ISTA"), ("classical methods, all data", "FISTA"),
    ]  # fmt: skip
    assert sum(len(c.runs) for c in columns) == len(results["runs"]) == len(by_run(results["runs"]))
    elsewhere = copy.deepcopy(results["runs"])
    for run in elsewhere:
        run["scenario"]["data"] = "other data"
    assert [c.name for c in by_method(elsewhere)][:2] == ["other", "other"]


def test_what_applies_nowhere_is_named_below(results: dict[str, Any]) -> None:
    silent = copy.deepcopy(results["runs"][:1])
    for verdict in silent[0]["verdicts"]:
        if verdict["bound"] == "ind_rate":
            verdict["counts"] = counted(not_applicable=verdict["checks"])
    text = heat_map(results["bounds"], by_run(silent), "Map <1>")
    assert "B3 applies to none of these runs." in text
    assert 'aria-label="Map &lt;1&gt;"' in text
    assert "ind rate" not in text
