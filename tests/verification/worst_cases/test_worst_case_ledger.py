"""Every bound of the catalogue beside the exact worst case it claims, and a false bound is found."""

import importlib
import math
from pathlib import Path

import pytest

from l2obound import bounds
from l2obound.verification.report.render import render_html
from l2obound.verification.report.worst_cases import factor, grouped, measured, violated, worst_case_words
from l2obound.verification.worst_cases.ledger import CLAIMS, REASONS, LedgerEntry, to_dict, worst_case_ledger
from tests.helpers.report_sample import make_results

SMALL = ((1, 2, 5), (0.5, 1.0))


@pytest.fixture(scope="module")
def rows():
    return worst_case_ledger(*SMALL)


def of(rows, key, **what):
    return [row for row in rows if row.bound == key and all(getattr(row, n) == v for n, v in what.items())]


def test_every_bound_has_a_question_or_a_reason():
    assert {*CLAIMS, *REASONS} == set(bounds.names(variants=True))
    assert not set(CLAIMS) & set(REASONS)
    assert all(CLAIMS.values())
    assert all(len(why.split()) >= 5 for why in REASONS.values())


def test_no_bound_is_below_an_exact_worst_case_and_every_point_is_known(rows):
    assert {row.bound for row in rows} == set(CLAIMS)
    for row in rows:
        assert not row.violated, row
        assert row.tight is not None, row
        low, high = row.ratio
        assert 1 - 1e-3 < low <= high < 1.001 * low + 1e-9, row


@pytest.mark.slow
@pytest.mark.parametrize("key", CLAIMS)
def test_a_bound_called_tight_is_attained(rows, key):
    """A bound that is called tight is attained by its own worst case, where the question is as wide as the bound.

    B6 is attained with deviations, not with exact steps.
    """
    own = [row for row in of(rows, key) if not row.narrower]
    if bounds.get(key).kind == "tight" and not key.startswith("ood_multi_step:") and key != "ood_multi_step":
        assert all(row.verdict == "attained" for row in own)


def test_ratios_are_those_of_the_theory(rows):
    """B3 is 2 times the composite worst case and 2 + 1/(hK) times the smooth one; B6 is (K+1)/K times that of B6b."""
    for row in of(rows, "ind_rate"):
        expected = 2 + 1 / (row.step * row.steps) if "smooth convex" in row.question else 2
        assert row.ratio == pytest.approx((expected, expected), rel=2e-5)
    for row in of(rows, "ood_multi_step"):
        assert row.ratio[0] == pytest.approx((row.steps + 1) / row.steps, rel=2e-5)
    for row in of(rows, "nonconvex_stationarity", step=1.0):
        assert row.ratio[0] == pytest.approx((3 * row.steps + 2) / (2 * row.steps), rel=2e-5)
    for row in of(rows, "strong_convexity:pl", parameter="μ/L = 0.5, ρ = 0"):
        assert row.ratio[0] == pytest.approx(1 / (1 - 0.5), rel=2e-5)


def test_steps_are_those_a_bound_speaks_of(rows):
    assert {row.step for row in of(rows, "ind_rate:half_step")} == {0.5}
    assert {row.step for row in of(rows, "ind_rate:gradient_descent")} == {1.0}
    assert {row.steps for row in of(rows, "homogeneous_descent")} == {1}


def test_a_bound_lowered_by_one_per_cent_is_found():
    names = [key for key in CLAIMS if bounds.get(key).kind == "tight"]

    def planted(key):
        bound = bounds.get(key)
        # A decrease is promised by a negative number: more of it is a stronger promise.
        share = 101 if key.startswith("homogeneous") else 99
        return bound.replace(rhs=bound.rhs * share / 100)

    ledger = worst_case_ledger((1, 2), (1.0,), names=names, lookup=planted)
    for key in names:
        own = [row for row in ledger if row.bound == key and not row.narrower]
        attained = [row for row in own if not key.startswith("ood_multi_step") or "sharp" in key]
        assert all(row.violated and row.verdict == "violated" and row.tight is False for row in attained), key
        assert all(row.ratio[0] < 1 for row in attained)
    assert any(row.violated for row in ledger)


def test_a_bound_without_a_worst_case_says_why():
    with pytest.raises(bounds.InputError, match="it has none: a statement about two runs"):
        worst_case_ledger(names=["equivariance"])
    with pytest.raises(bounds.InputError, match="known are homogeneous_descent"):
        worst_case_ledger(names=["ind_rat"])


def test_shared_worst_cases_are_solved_once(monkeypatch):
    asked = []
    solve = bounds.worst_case
    monkeypatch.setattr(bounds, "worst_case", lambda **q: asked.append(q) or solve(**q), raising=False)
    messages = []
    rows = worst_case_ledger(
        (2,), (1.0,), lambda *done: messages.append(done), names=["ind_rate:exact", "ood_last_iterate"]
    )
    assert len(rows) == len(messages) == 3
    assert len(asked) == 2


def entry(value, lower, upper):
    return LedgerEntry("b", "B", "q", 1, 1.0, "", value, 0.0, lower, upper)


@pytest.mark.parametrize(
    ("value", "lower", "upper", "verdict"),
    [
        (1.0, 1.0, 1.0, "attained"),
        (1.0, 0.9999, 1.0001, "attained"),
        (1.0, 0.9, 1.1, "not known"),
        (1.0, 0.5, math.inf, "not known"),
        (2.0, -math.inf, math.inf, "not known"),
        (2.0, 0.9, 1.0, "loose"),
        (1.0, 1.001, 1.002, "violated"),
        (-0.5, -0.5, -0.5, "attained"),
        (-0.25, -0.5, -0.5, "loose"),
        (-0.5, -0.4, -0.4, "violated"),
        (math.nan, 0.5, 0.5, "not known"),
    ],
)
def test_verdicts(value, lower, upper, verdict):
    row = entry(value, lower, upper)
    assert row.verdict == verdict
    assert to_dict(row)["verdict"] == verdict
    low, high = row.ratio
    assert math.isnan(low) or math.isnan(high) or low <= high


def test_an_unanswered_question_is_not_known(monkeypatch):
    def refuse(**_):
        raise bounds.InputError("no")

    monkeypatch.setattr(bounds, "worst_case", refuse, raising=False)
    rows = worst_case_ledger((1,), (1.0,), names=["ind_rate", "relative_deviation_rate", "strong_convexity"])
    assert {row.verdict for row in rows} == {"not known"}
    assert {to_dict(row)["upper"] for row in rows} == {None}


def test_the_report_has_it_in_words_and_groups():
    ledger = measured((1, 2), (1.0,))
    results = {"worst_cases": ledger}
    groups = grouped(results)
    assert sum(len(group.names) for group in groups) == len({(r["bound"], r["question"]) for r in ledger["rows"]})
    sharp = next(group for group in groups if group.names[0] == "B6b")
    assert sharp.verdict == "attained"
    assert ":weighted" in sharp.label
    classic = next(group for group in groups if group.names[0] == "B3" and "composite" in group.question)
    assert classic.words == "loose by 2"
    assert "none is below the exact worst case" in worst_case_words(results)
    assert {entry["bound"] for entry in ledger["without"]} == set(REASONS)
    assert worst_case_words({"worst_cases": None}) == "No bound was held against a worst case."


def test_a_false_bound_is_loud_on_the_page():
    results = make_results() | {"runs": [], "transients": [], "attributions": [], "shift_pairs": []}
    for row in results["worst_cases"]["rows"]:
        if row["bound"] == "ood_last_iterate":
            row |= {"verdict": "violated", "ratio_low": 0.99, "ratio_high": 0.99}
    assert violated(results) == ["B6c"]
    page = render_html(results)
    assert "VIOLATED: B6c below the exact worst case" in page
    assert "Below the exact worst case, and so false: B6c." in page
    assert "violated: 0.99 of the worst case" in page
    assert "How loose each bound is" not in render_html(results | {"worst_cases": None})


def test_a_ratio_that_is_not_one_is_not_written_as_one():
    assert [factor(v) for v in (1.0, 1.0004, 2.0, 1.25, None)] == ["1", "1.0004", "2", "1.25", "?"]


def test_the_page_of_the_documentation(monkeypatch):
    root = Path(__file__).parents[3]
    monkeypatch.syspath_prepend(str(root / "docs" / "_ext"))
    looseness = importlib.import_module("looseness")
    assert looseness.PLACE in (root / "docs" / f"{looseness.PAGE}.md").read_text(encoding="utf-8")
    results = {"worst_cases": measured((1, 2), (1.0,))}
    text = looseness.section(results)
    assert "<svg" in text
    asked = "objective \\| distance, proximal gradient, composite | K = 1, 2; h = 1"
    assert f"| B3, :gradient\\_descent | {asked} | loose by 2 |" in text
    assert f"| {bounds.get('history_stability').number} | {REASONS['history_stability']}" in text
    results["worst_cases"]["rows"][0]["verdict"] = "violated"
    with pytest.raises(AssertionError, match="below their exact worst case"):
        looseness.section(results)
