"""Costs, attributions, correlations and comparisons; planted cases in which each of them gives the other answer."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from l2obound import l2o
from l2obound.bounds.virtual import Terms
from l2obound.verification import decompose, optimum
from l2obound.verification.statistics.censored import Censored
from l2obound.verification.studies.drift import (
    STUDY,
    Comparison,
    Cost,
    Drift,
    Field,
    Interval,
    Level,
    Settings,
    adds_up,
    attribution,
    drift,
    lines,
    quick,
    write,
)
from l2obound.verification.studies.drift import _cost as costs_of
from l2obound.verification.studies.drift._attribution import summary
from l2obound.verification.studies.drift._compare import compare, over_levels
from l2obound.verification.studies.drift._measure import BoundCount
from l2obound.verification.studies.drift._run import RIVALS
from l2obound.verification.studies.drift._size import rescaled
from tests.helpers.briefs import checked

pytestmark = pytest.mark.slow  # by default only what needs no study is tested

SMALL = Settings(
    models=("go-math-l2o", "l2o-pa", "l2o-dm", "ada-lista"),
    shifts=("dictionary", "lam", "dimension", "objective"),
    batch=6,
    few=3,
    steps=8,
    few_steps=5,
    horizon=60,
    eps=(1e-2, 1e-1),
    resamples=50,
)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Drift:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("L2OBOUND_CACHE", str(tmp_path_factory.mktemp("cache")))
        return drift(SMALL)


def between(values: list[float]) -> Censored:
    a = np.array(values, dtype=float)
    return Censored(a, a)


def optimum_of(lower: list[float], upper: list[float]) -> SimpleNamespace:
    return SimpleNamespace(lower=np.array(lower), upper=np.array(upper))


def test_iterations_are_the_first_that_are_there() -> None:
    F = np.array([[10.0, 5.0, 1.05, 1.0], [10.0, 9.0, 8.0, 7.0], [10.0, np.nan, np.nan, np.nan]])
    counts = costs_of.iterations(F, optimum_of([1.0] * 3, [1.0] * 3), 0.01)
    np.testing.assert_array_equal(counts.low, [2, 3, 3])
    np.testing.assert_array_equal(counts.high, [2, np.inf, np.inf])


def test_an_uncertain_optimum_makes_an_interval_of_iterations() -> None:
    F = np.array([[10.0, 1.2, 1.08, 1.0]])
    counts = costs_of.iterations(F, optimum_of([0.9], [1.0]), 0.01)
    assert (counts.low[0], counts.high[0]) == (2, np.inf)


def test_a_problem_that_is_harder_for_all_is_no_loss_of_the_model() -> None:
    """Planted: everyone needs twice as long; then the model alone does."""
    ind, fista = between([10.0] * 12), between([20.0] * 12)
    ood, slow = between([20.0] * 12), between([40.0] * 12)
    both = costs_of.cost(0.1, ood, ind, {"fista": (slow, fista)})
    assert both.slowdown.above
    assert both.excess["fista"] == Interval(1.0, 1.0, 1.0, 1.0)
    alone = costs_of.cost(0.1, ood, ind, {"fista": (fista, fista)})
    assert alone.excess["fista"].above
    easier = costs_of.cost(0.1, ind, ind, {"fista": (slow, fista)})
    assert easier.excess["fista"].below
    assert not easier.excess["fista"].above


def test_censored_instances_leave_the_median_open_above() -> None:
    ind = between([10.0] * 12)
    never = Censored(np.full(12, 100.0), np.full(12, np.inf))
    outcome = costs_of.cost(0.1, never, ind, {"fista": (ind, ind)})
    assert outcome.reached == 0
    assert outcome.iterations is None
    assert outcome.excess["fista"] == Interval(10.0, None, 10.0, None)


def test_in_distribution_is_the_same_for_every_shift_and_all_bracket(result: Drift) -> None:
    for cell in result.select(none=True):
        assert cell.applies
        assert cell.cost.slowdown == Interval(1.0, 1.0, 1.0, 1.0)
        for a in cell.attributions:
            if a.share is not None:
                assert a.share["bracket"] == 1
                assert a.dz == 0
    for model in result.models:
        first, *rest = result.select(model=model, none=True)
        for other in rest:
            assert replace(other, shift=first.shift, level=first.level, practical=True) == replace(
                first, practical=True
            )


def test_nothing_is_broken_and_bounds_hold(result: Drift) -> None:
    assert result.broken == ()
    counted = [b for c in result.cells for b in c.bounds]
    assert counted
    assert sum(b.violated for b in counted) == 0
    assert sum(b.verified for b in counted) > 0
    for b in counted:
        assert b.checks == b.verified + b.violated + b.inconclusive + b.not_applicable
        assert b.vacuous <= b.checks - b.not_applicable
    assert {b.bound for b in counted} >= {"ood_per_step", "ood_multi_step_sharp", "ood_last_iterate"}


def test_shares_and_parts_add_up_to_one(result: Drift) -> None:
    expected = [a for c in result.cells for a in c.attributions if a.share is not None]
    assert {a.choice for a in expected} == {"paired", "nearest", "coordinate"}
    for a in expected:
        assert sum(a.share.values()) == pytest.approx(1)
        assert sum(a.along.values()) == pytest.approx(1)
        assert a.wrong == 0


def test_what_cannot_be_attributed_says_why(result: Drift) -> None:
    reasons = {a.reason for c in result.select(model="l2o-dm") for a in c.attributions}
    assert any("names no preconditioner" in r for r in reasons)
    unfit = result.select(model="ada-lista", shift="dimension", level="10×20")[0]
    assert not unfit.applies
    assert "10 rows" in unfit.reason
    assert any(line.startswith("NOT APPLICABLE") for line in lines(result))
    wide = result.select(model="ada-lista", shift="dimension", level="20×80")[0]
    assert wide.applies
    assert any("needs an optimizer whose step in a coordinate" in a.reason for a in wide.attributions)


def sample() -> tuple[l2o.Run, l2o.Run, object]:
    made = l2o.pretrained("l2o-pa", "lasso")
    one, two = (l2o.synthetic.lasso(3, 20, 40, lam=lam) for lam in (0.1, 0.3))
    return (*(l2o.rollout(made, p, l2o.synthetic.starts(p), 8) for p in (two, one)), made)


@pytest.mark.parametrize("left_out", ["bracket", "preconditioner_shift", "bias_shift"])
def test_an_attribution_with_a_term_left_out_is_seen(left_out: str) -> None:
    ood, ind, made = sample()
    shares = decompose(ood, ind, made)
    live = np.ones(shares.dz.shape, dtype=bool)
    assert adds_up(shares.terms, shares.deviation, shares.residual_allowed).all()
    assert summary(shares, ood, live).wrong == 0
    parts = {n: getattr(shares.terms, n) for n in ("bracket", "preconditioner_shift", "bias_shift")}
    parts[left_out] = np.zeros_like(shares.deviation)
    broken = replace(shares, terms=Terms(**parts))
    assert not adds_up(broken.terms, broken.deviation, broken.residual_allowed).all()
    assert summary(broken, ood, live).wrong > 0


def test_a_broken_cell_reaches_the_verdict(result: Drift) -> None:
    cell = next(c for c in result.cells if c.bounds and c.attributions[0].share is not None)
    wrong = replace(cell.attributions[0], wrong=2)
    violated = BoundCount("ood_last_iterate", "B6c", "run", 6, 5, 1, 0, 0, 0)
    planted = replace(cell, attributions=(wrong,), bounds=(violated,))
    assert len(planted.broken) == 2
    bad = replace(result, cells=(*result.cells, planted))
    assert len(bad.broken) == 2
    assert lines(bad)[0].startswith("2 contradictions")
    assert lines(result)[0].startswith("No bound is violated")
    moved = replace(result, moved={"go-math-l2o": "not equivariant"})
    assert any("B12" in what for what in moved.broken)


def test_a_model_that_reads_x_is_told_from_one_that_does_not(result: Drift) -> None:
    """By B12 itself, by the features under F(x + t) from x_0 - t, and by the cost of a shifted objective."""
    assert result.moved["go-math-l2o"] == "equivariant"
    assert result.moved["l2o-pa"] == "not equivariant"
    problem = l2o.synthetic.lasso(4, 20, 40, sparsity=5)
    x0 = l2o.synthetic.starts(problem)
    for name, same in (("go-math-l2o", True), ("l2o-pa", False)):
        made = l2o.pretrained(name, "lasso")
        ind = l2o.rollout(made, problem, x0, 8)
        ood = l2o.rollout(made, problem.shifted(2.0), x0 - 2.0, 8)
        outcome = attribution(ood, ind, made, "paired", np.ones((4, 8), dtype=bool))
        assert (outcome.dz < 1e-9) == same
        assert (outcome.along["bracket"] > 1 - 1e-9) == same
    cells = {m: result.select(model=m, shift="objective", level="10")[0].cost for m in RIVALS}
    assert cells["go-math-l2o"].reached == 6
    assert cells["l2o-pa"].reached == 0
    verdicts = {c.verdict for c in result.comparisons if c.shift == "objective" and c.level == "10"}
    assert verdicts == {"go-math-l2o"}


def test_parts_split_the_sum_of_the_deviations() -> None:
    ood, ind, made = sample()
    shares = decompose(ood, ind, made)
    a = summary(shares, ood, np.ones(shares.dz.shape, dtype=bool))
    size = np.linalg.norm(shares.deviation, axis=-1)
    by_hand = (shares.terms.bias_shift * shares.deviation).sum(-1) / size
    assert a.along["bshift"] == pytest.approx((by_hand.sum(1) / size.sum(1)).mean())
    assert a.share["bshift"] == pytest.approx(shares.share["bshift"].mean())
    assert a.dz == pytest.approx(np.median(shares.dz) / np.sqrt(40))


def test_steps_that_do_not_count_are_left_out() -> None:
    ood, ind, made = sample()
    shares = decompose(ood, ind, made)
    live = np.ones(shares.dz.shape, dtype=bool)
    live[:, 3:] = False
    assert summary(shares, ood, live).steps == 9
    nothing = summary(shares, ood, np.zeros_like(live))
    assert nothing.share is None
    assert nothing.reason


def at(control: bool = False) -> SimpleNamespace:
    return SimpleNamespace(shift="noise", level=SimpleNamespace(label="1", control=control))


def trace(values: list[float]) -> SimpleNamespace:
    return SimpleNamespace(iterations={0.1: between(values)})


def compared(first: list[float], second: list[float]) -> Comparison:
    base = trace([10.0] * len(first))
    return compare(RIVALS, at(), True, [(trace(first), base), (trace(second), base)], 0.1)


def test_which_model_loses_less() -> None:
    less = compared([11.0] * 12, [20.0] * 12)
    assert (less.less, less.more, less.open, less.verdict) == (12, 0, 0, "go-math-l2o")
    more = compared([20.0] * 12, [11.0] * 12)
    assert (more.less, more.more, more.verdict) == (0, 12, "l2o-pa")
    tied = compared([11.0] * 6 + [13.0] * 6, [11.0] * 6 + [12.0] * 3 + [14.0] * 3)
    assert (tied.open, tied.verdict) == (6, "open")
    assert less.share[0] > 0.7
    assert compared([10.0] * 12, [10.0] * 12).share is None


def test_over_a_shift_instances_are_counted_and_not_levels() -> None:
    """Two levels, at one of which the first model loses far more: the mean decides; an open end stays open."""
    base = trace([10.0] * 12)

    def level(first: float, second: float) -> list:
        return [(trace([first] * 12), base), (trace([second] * 12), base)]

    outcome = over_levels(RIVALS, "noise", True, [level(20.0, 10.0), level(10.0, 80.0)], 0.1)
    assert outcome.ratio.low == pytest.approx(0.5)
    assert (outcome.less, outcome.more, outcome.verdict) == (12, 0, "go-math-l2o")
    never = SimpleNamespace(iterations={0.1: Censored(np.full(12, 50.0), np.full(12, np.inf))})
    missing = over_levels(RIVALS, "noise", True, [level(10.0, 10.0), [(never, base), (trace([10.0] * 12), base)]], 0.1)
    assert missing.ratio.high is None
    assert missing.verdict == "l2o-pa"


def test_losing_less_is_not_being_faster() -> None:
    slow, quick_ = trace([20.0] * 12), trace([5.0] * 12)
    comparison = compare(RIVALS, at(), True, [(trace([22.0] * 12), slow), (trace([10.0] * 12), quick_)], 0.1)
    assert comparison.verdict == "go-math-l2o"
    assert comparison.faster == "l2o-pa"


@pytest.mark.slow
def test_features_of_the_trained_size_mend_other_sizes(result: Drift) -> None:
    """And change nothing at the trained size; a model without these norms has nothing to mend."""
    made = l2o.pretrained("go-math-l2o", "lasso")
    for rows, dim in ((20, 40), (80, 160)):
        problem = l2o.synthetic.lasso(6, rows, dim, sparsity=dim // 8, seed=4)
        field = Field("dimension", Level("size"), problem, l2o.synthetic.starts(problem, seed=4), optimum(problem))
        outcome = rescaled("go-math-l2o", made, field, 40, 120, 1e-3, 0)
        if dim == 40:
            assert outcome.ratio == Interval(1.0, 1.0, 1.0, 1.0)
        else:
            assert outcome.ratio.above
            assert outcome.half > outcome.rescaled
            smaller = rescaled("go-math-l2o", made, field, 640, 120, 1e-3, 0)  # the other way round
            assert smaller.ratio.below
    assert rescaled("l2o-pa", l2o.pretrained("l2o-pa", "lasso"), field, 40, 20, 1e-3, 0) is None
    assert [r.level for r in result.sizes] == ["10×20", "20×80", "40×80", "80×160"]
    assert any("divides its features by norms" in line for line in lines(result))


def test_predictions_leave_out_the_control_and_what_cannot_be_paired(result: Drift) -> None:
    assert {p.model for p in result.predictions} == {"go-math-l2o", "l2o-pa", "ada-lista"}
    assert {p.shift for p in result.predictions} == {"dictionary", "lam", "objective", ""}
    assert all(p.levels == 5 for p in result.predictions if p.shift == "dictionary")


def test_the_sentences_follow_the_numbers(result: Drift) -> None:
    """Planted: another cell is the dearest, and the first answer names it."""
    sentences = " ".join(lines(result))
    assert "LASSO of 20 × 40" in sentences
    cells = list(result.cells)
    i = next(i for i, c in enumerate(cells) if (c.model, c.shift, c.level) == ("go-math-l2o", "lam", "0.03"))
    dear = Interval(77.0, 77.0, 70.0, 80.0)
    old: Cost = cells[i].cost
    changed = replace(old, slowdown=dear, excess=dict.fromkeys(old.excess, dear))
    cells[i] = replace(cells[i], costs=(changed, *cells[i].costs[1:]))
    planted = lines(replace(result, cells=tuple(cells)))
    first = next(line for line in planted if line.startswith("The practical shift that costs most"))
    assert "lam 0.03, for go-math-l2o: ×77 [70, 80]" in first
    assert first not in sentences


def test_a_model_that_does_not_profit_is_told_from_one_that_is_slower(result: Drift) -> None:
    """Planted: the largest excess where the model is no slower than in distribution, a smaller one where it is."""
    even, twice = Interval(1.0, 1.0, 0.9, 1.1), Interval(2.0, 2.0, 1.5, 3.0)
    cells = []
    for c in result.cells:
        if c.model == "go-math-l2o" and not c.none and c.applies:
            far = c.shift == "lam" and c.level == "1"
            slowdown = twice if c.level == "corr 0.9" else even
            excess = dict.fromkeys(c.cost.excess, Interval(9.0, 9.0, 8.0, 9.5) if far else twice)
            c = replace(c, costs=(replace(c.cost, slowdown=slowdown, excess=excess), *c.costs[1:]))
        cells.append(c)
    sentences = next(s for s in lines(replace(result, cells=tuple(cells))) if s.startswith("go-math-l2o needs "))
    assert "loses most under dictionary corr 0.9" in sentences
    assert "The excess is larger under lam 1, ×9 [8, 9.5], where the model is not clearly slower" in sentences


def test_the_answer_on_robustness_has_both_ways(result: Drift) -> None:
    def answer(verdict: str) -> str:
        ratio = {"go-math-l2o": Interval(0.5, 0.5, 0.4, 0.6), "l2o-pa": Interval(2.0, 2.0, 1.5, 3.0)}[verdict]
        planted = tuple(replace(c, ratio=ratio) for c in result.comparisons)
        return next(
            s for s in lines(replace(result, comparisons=planted)) if s.startswith("The paper says that go-math-l2o")
        )

    assert "support the claim" in answer("go-math-l2o")
    assert "contradict the claim" in answer("l2o-pa")


def test_the_control_is_no_shift_that_makes_problems_harder(result: Drift) -> None:
    """Planted: the yardstick is slower on the control alone."""
    even, slow = Interval(1.0, 1.0, 0.9, 1.1), Interval(2.0, 2.0, 1.5, 3.0)
    cells = tuple(
        replace(c, costs=(replace(c.cost, slowdown=slow if c.control else even), *c.costs[1:]))
        if c.applies and c.practical
        else c
        for c in result.cells
    )
    assert any("makes the problems clearly harder" in s for s in lines(replace(result, cells=cells)))
    assert not any("makes the problems clearly harder" in s for s in lines(result))


def test_what_is_not_there_is_not_counted(result: Drift) -> None:
    """No practical shift: no sentence on practical levels; no bound: no claim that all hold."""
    reference = replace(
        result, cells=tuple(c for c in result.cells if not c.practical), settings=replace(SMALL, shifts=("objective",))
    )
    sentences = lines(reference)
    assert sentences[0].startswith("No bound is violated")
    assert {row[0] for row in checked(STUDY, result).rows} <= {*result.models}
    assert not STUDY.briefly(reference).rows
    assert not any("0 levels" in s or "of 0" in s or "practical shift makes" in s for s in sentences)
    open_ = Interval(0.0, None, 0.0, None)
    cells = tuple(
        replace(c, costs=(replace(c.cost, slowdown=open_, excess=dict.fromkeys(c.cost.excess, open_)),))
        if c.model == "l2o-dm" and not c.none
        else c
        for c in result.cells
    )
    unknown = lines(replace(result, cells=cells))
    assert any(s.startswith("l2o-dm: the cost of shifts cannot be measured") for s in unknown)
    assert not any("l2o-dm needs " in s or ("for l2o-dm " in s and "at least" in s) for s in unknown)
    unchecked = replace(result, cells=tuple(replace(c, bounds=()) for c in result.cells))
    assert lines(unchecked)[0].startswith("No bound was checked")


def test_the_page_the_table_and_the_numbers(result: Drift, tmp_path: Path) -> None:
    page = write(result, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "<svg" in text
    assert not re.search(r"\bnan\b", text, flags=re.IGNORECASE)
    assert not [w for w in ("https://", "<script src") if w in text]
    data = json.loads((tmp_path / "drift.json").read_text(encoding="utf-8"))
    assert len(data["cells"]) == len(result.cells)
    assert data["broken"] == []
    rows = list(csv.DictReader((tmp_path / "drift.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(result.cells)
    assert STUDY.render(result) == text
    for name in ("drift-costs.svg", "drift-attribution.pdf"):
        assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.slow
def test_equal_seeds_give_equal_numbers_and_others_others() -> None:
    small = replace(SMALL, models=("go-math-l2o",), shifts=("noise",), batch=3, steps=3, few_steps=3, horizon=30)
    one, two, other = (drift(s).to_dict() for s in (small, small, replace(small, seed=1)))
    for d in (one, two, other):
        d.pop("created")
    assert json.dumps(one) == json.dumps(two)
    assert json.dumps(one["cells"]) != json.dumps(other["cells"])


def test_settings_are_checked() -> None:
    for wrong in ({"models": ("x",)}, {"shifts": ()}, {"eps": (2.0,)}, {"few": 2}, {"steps": 0}, {"resamples": 0}):
        with pytest.raises(l2o.InputError, match="expected"):
            Settings(**wrong)
    assert quick(Settings()).batch < Settings().batch


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from l2obound.verification.cli.app import app

    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path / "cache"))
    out = ["--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["drift", "--quick", "--shift", "noise", "--optimizer", "l2o-pa", "--json", *out])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert {c["shift"] for c in data["cells"]} == {"noise"}
    assert Path(data["page"]).exists()
    wrong = CliRunner().invoke(app, ["drift", "--shift", "weather", *out])
    assert wrong.exit_code != 0
    assert "expected some of" in str(wrong.exception)
