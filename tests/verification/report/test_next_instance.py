"""What the report says of the next instance: the numbers of `verification.guarantee`, and what changes them."""

from __future__ import annotations

import copy
import csv
import functools
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o, verification
from l2obound.l2o.training.config import split_seed
from l2obound.verification.guarantees import proportion_lower, quantile_curves
from l2obound.verification.report import figures, load_report_config, run_report
from l2obound.verification.report._next_instance import LAST_ITERATE, next_instance, no_sample, sample_of, statements
from l2obound.verification.report._next_view import headline, next_view, problem_words, rounded
from l2obound.verification.report._series import TOLERANCES
from l2obound.verification.report.config import ProblemSection, Scenario
from l2obound.verification.report.csv_files import write_tables
from l2obound.verification.report.methods import Case, Method, Rollouts
from l2obound.verification.report.render import render_html
from l2obound.verification.runs.inspection import inspect_run
from tests.helpers.report_sample import make_results, sample_page

N, STEPS = 6, 30
SMALL = {"key": "p", "family": "lasso", "rows": 6, "dim": 10, "instances": N, "steps": STEPS}
SHIFTS = [{}, {"s": 2.0, "t": 1.0}]


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return make_results()


def few(results: dict[str, Any]) -> dict[str, Any]:
    """Without what takes long to draw and is not looked at here."""
    runs = [run for run in results["runs"] if run["scenario"]["key"] != "t10" and run["optimizer"]["name"] != "fista"]
    left = dict.fromkeys(("bounds", "catalogue", "attributions", "shift_pairs", "transients"), ())
    return results | left | {"runs": [run | {"descent": None} for run in runs], "worst_cases": None}


def settings(*sections: dict[str, Any]) -> Any:
    return load_report_config({"bounds": ["per_step_descent"], "proofs": False, "problem": list(sections)})


def test_numbers_are_those_of_the_guarantee_of_the_same_sample(tmp_path: Any) -> None:
    """The report's instances are the first batch of `verification.guarantee`: the sample is one and the same."""
    names = ["go-math-l2o", "ista", "fista"]
    result = run_report(settings(SMALL | {"optimizers": names, "scenarios": SHIFTS}), tmp_path)
    assert len(result["runs"]) == 6
    optima = {o["scenario"]["key"]: o for o in result["problems"][0]["optima"]}
    for run in result["runs"]:
        where, name = run["scenario"], run["optimizer"]["name"]
        family = {"family": "lasso", "rows": 6, "dim": 10, "lam": 0.1, "s": where["s"], "t": where["t"]}
        other = verification.guarantee(
            name, family, STEPS, eps=1.0, instances=N, batch=N, points=0, quantiles=(0.5, 0.9), compare=True
        )
        sentences, sample = run["next_instance"]["statement"], other.sample
        assert (sentences["instances"], sentences["delta"], sentences["uncertain"]) == (N, other.delta, other.uncertain)
        ends = [sample.gap_low[:, -1:], sample.gap_up[:, -1:]], [sample.deviation[:, -1:]] * 2
        for what, (low, up) in zip(("gap", "rho"), ends):
            for entry in sentences[what]["quantiles"]:
                curves = quantile_curves(low, up, [entry["quantile"]], 0, other.delta)
                close = {"rel": 1e-6, "abs": 1e-13}
                assert entry["sample"] == pytest.approx(curves.sample[0, 0], **close)
                assert entry["lower"] == pytest.approx(max(curves.lower[0, 0], 0.0), **close)
                assert entry["open"] == np.isposinf(curves.upper[0, 0])
                assert entry["upper"] == (None if entry["open"] else pytest.approx(curves.upper[0, 0], **close))
            assert sentences[what]["largest"] == pytest.approx(up.max(), rel=1e-6, abs=1e-13)
        lower = np.array(optima[where["key"]]["lower"])
        for tolerance, entry in zip(TOLERANCES, sentences["within"]):
            count = int((sample.gap_up[:, -1] <= tolerance * lower).sum())
            assert (entry["tolerance"], entry["successes"]) == (tolerance, count)
            assert entry["at_least"] == proportion_lower(count, N, 0.05)
        below = int((sample.deviation[:, -1] < 1).sum())
        assert sentences["rho_below_1"] == {"successes": below, "at_least": float(proportion_lower(below, N, 0.05))}
        assert sentences["bounds"]["last_iterate"]["largest"] == pytest.approx(sample.last_iterate.max(), rel=1e-6)
        assert (sentences["bounds"]["worst_case"] is None) == (name != "ista")
        if name == "ista":
            assert sentences["bounds"]["worst_case"]["largest"] == pytest.approx(sample.worst_case.max(), rel=1e-9)
            assert sentences["over_k"]["worst_case"][-1] == pytest.approx(np.median(sample.worst_case), rel=1e-9)
        over = sentences["over_k"]
        curves = quantile_curves(sample.gap_low[:, over["k"]], sample.gap_up[:, over["k"]], [0.5], STEPS, 0.05)
        assert over["sample"] == pytest.approx(curves.sample[0], rel=1e-6, abs=1e-13)
        assert over["k"][-1] == STEPS
    assert any(0 < e["successes"] < N for r in result["runs"] for e in r["next_instance"]["statement"]["within"])


class Planted:
    """Proximal gradient steps; `how` moves the iterates of the first instance, `coupled` makes the batch one."""

    name, step_size = "planted", None

    def __init__(self, how: float = 1.0, coupled: float = 0.0) -> None:
        self.base, self.how, self.coupled = l2o.optimizer("ista"), how, coupled

    def init(self, problem: Any, x0: Any, seed: int = 0) -> Any:
        return self.base.init(problem, x0, seed=seed)

    def step(self, problem: Any, state: Any) -> Any:
        after = self.base.step(problem, state)
        first = torch.arange(len(after.x))[:, None] == 0
        x = torch.where(first & (self.how != 1), self.how * (state.x + 1), after.x)
        return replace(after, x=x - self.coupled * x.mean(dim=0) if self.coupled else x)


@functools.cache
def known_of(steps: int) -> Any:
    """Problem, its start and its certified optimum, which no test changes."""
    problem = ProblemSection(**{**SMALL, "steps": steps}).build(0)
    return problem, l2o.synthetic.starts(problem, seed=split_seed("test", 0, 0)), verification.optimum(problem)


def said_of(optimizer: Any, change: Any = lambda certified: certified, steps: int = 200) -> dict[str, Any]:
    section = ProblemSection(**{**SMALL, "steps": steps})
    problem, start, certified = known_of(steps)
    case, method = Case(Scenario(), problem, start, certified), Method(optimizer.name, optimizer)
    rollouts = Rollouts(section, "cpu")
    run = rollouts(case, method)
    last = verification.verify(run, problem, LAST_ITERATE, certified)
    case = replace(case, optimum=change(certified))
    return next_instance(rollouts, 0, case, method, run, inspect_run(run, problem), last)


def test_what_fails_is_lost_or_is_not_certified_counts_against_it() -> None:
    plain = said_of(l2o.optimizer("ista"))["statement"]
    assert plain["within"][1] | {"undecided": 0} == {
        "tolerance": 1e-4, "successes": N, "at_least": plain["most"], "undecided": 0,
    }  # fmt: skip
    assert plain["most"] == pytest.approx(0.05 ** (1 / N))
    fewer = float(proportion_lower(N - 1, N, 0.05))

    failing = said_of(Planted(how=0.5))["statement"]  # stays at a point that is no minimiser
    assert (failing["diverged"], failing["uncertain"]) == (0, 0)
    assert failing["within"][1] == {"tolerance": 1e-4, "successes": N - 1, "at_least": fewer, "undecided": 0}
    assert failing["gap"]["largest"] > 100 * plain["gap"]["largest"]

    for how in (1e4, math.nan):
        statement = said_of(Planted(how=how))["statement"]
        assert (statement["diverged"], statement["uncertain"]) == (1, 0)
        assert [entry["successes"] for entry in statement["within"]] == [e["successes"] - 1 for e in plain["within"]]
        assert statement["within"][1] == {"tolerance": 1e-4, "successes": N - 1, "at_least": fewer, "undecided": 0}
        assert (statement["gap"]["largest"], statement["rho"]["largest"]) == (None, None)
        assert statement["bounds"]["last_iterate"]["largest"] is None
        assert statement["over_k"]["largest"][-1] is None

    def unknown(certified: Any) -> Any:
        return replace(certified, lower=np.where(np.arange(N) == 2, -np.inf, certified.lower))

    uncertain = said_of(l2o.optimizer("ista"), unknown)["statement"]
    assert (uncertain["diverged"], uncertain["uncertain"]) == (0, 1)
    assert uncertain["within"][1] == {"tolerance": 1e-4, "successes": N - 1, "at_least": fewer, "undecided": 1}
    assert uncertain["gap"]["largest"] is None
    assert uncertain["rho_below_1"] == plain["rho_below_1"]  # rho does not ask for F*


def test_a_deviation_of_1_or_more_and_a_lost_run_count_against_rho() -> None:
    """After 30 steps no run is where rho is noise."""
    assert said_of(l2o.optimizer("ista"), steps=30)["statement"]["rho_below_1"]["successes"] == N
    for how in (1e4, math.nan):
        statement = said_of(Planted(how=how), steps=30)["statement"]["rho_below_1"]
        assert statement == {"successes": N - 1, "at_least": float(proportion_lower(N - 1, N, 0.05))}
    gap = np.zeros((3, 2))
    rho = np.array([[0, 0.999], [0, 1.0], [0, np.inf]])
    sample = verification.guarantees.Sample(gap, gap, rho, np.full(3, -1), np.ones(3, bool), None, None)
    certified = SimpleNamespace(lower=np.ones(3), upper=np.ones(3))
    assert statements(sample, certified)["rho_below_1"]["successes"] == 1  # strictly below


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 6, 7])
def test_a_few_steps_are_all_after_the_start(steps: int) -> None:
    """The start is no step: the worst case after 0 of them has no number."""
    over = said_of(l2o.optimizer("ista"), steps=steps)["statement"]["over_k"]
    assert over["k"] == sorted(set(over["k"]))
    assert over["k"][0] > 0
    assert over["k"][-1] == steps
    assert all(value is not None for value in over["worst_case"])


def test_steps_that_depend_on_the_batch_are_no_sample() -> None:
    assert said_of(Planted())["why"] is None
    statement = said_of(Planted(coupled=0.01))
    assert statement["statement"] is None
    assert "depend on the others of its batch" in statement["why"]


def test_a_gap_relative_to_what_may_be_zero_is_not_certain() -> None:
    """The tolerance is relative to the least |F*| of the interval; with 0 in it a positive gap is no success."""
    gap = np.full((4, 3), 1e-9)
    sample = verification.guarantees.Sample(0 * gap, gap, gap, np.full(4, -1), np.ones(4, bool), None, None)
    wide = SimpleNamespace(lower=np.array([1.0, -1e-3, 1e-8, -2.0]), upper=np.array([1.1, 1e-3, 2e-8, -1.9]))
    counts = [(e["successes"], e["undecided"]) for e in statements(sample, wide)["within"]]
    assert counts == [(2, 2), (2, 2), (2, 2)]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, None),
        ({"family": "logistic_l1"}, None),
        ({"instances": 1}, "one instance"),
        ({"family": "breast_cancer", "instances": 1}, "no independent draws"),
        ({"family": "digits", "instances": 1}, "no independent draws"),
        ({"family": "patches"}, "no independent draws"),
        ({"family": "data", "path": "x.npz", "kind": "lasso"}, "no independent draws"),
    ],
)
def test_only_draws_of_a_generator_are_a_sample(changed: dict[str, Any], why: str | None) -> None:
    result = no_sample(ProblemSection(**{**SMALL, **changed}))
    assert result is None if why is None else why in result


def test_data_get_no_statement(tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "mine.npz", A=rng.standard_normal((3, 4, 6)), y=rng.standard_normal((3, 4)), lam=0.25)
    data = {"key": "own", "family": "data", "path": str(tmp_path / "mine.npz"), "kind": "lasso", "steps": 4}
    one = {"optimizers": ["ista"], "scenarios": [{}]}
    result = run_report(settings(data | one), tmp_path)
    assert [run["next_instance"]["statement"] for run in result["runs"]] == [None]
    page = render_html(few(result))
    assert "Nothing can be said of it" in page
    assert "No statement: own: no independent draws" in page
    assert "with probability at least" not in page
    assert "next-instance" not in figures.figures(result)


# --- the page ------------------------------------------------------------------------------------------------------


def test_the_page_has_the_section(results: dict[str, Any]) -> None:
    page = sample_page()
    section = page.partition('<h3 id="next">')[2].partition('<h3 id="counts">')[0]
    assert "What can be expected of the next instance?" in section
    assert page.count(headline(results)) == 2  # in the answer too
    assert "32 instances show no probability above 0.910, which is 0.05 to the power of 1/32." in section
    assert section.count("<tr>") == 2 + 12  # 3 scenarios, 4 methods
    assert "figures/next-instance.svg" in section
    assert "No statement: logistic: one instance is no sample." in section
    assert "2 diverged" in section
    assert "open above" in section
    assert "unbounded" in section


def test_sentences_follow_the_numbers(results: dict[str, Any]) -> None:
    words = headline(results)
    # 32 instances, 4 at most of the common curve; F* = 2, so 1e-4 is 2e-4 of it.
    assert "lasso-20x40, in distribution, after 100 steps: GO-Math-L2O is within a relative gap of 0.0001" in words
    assert "with probability at least 0.910 (32 of 32 were)" in words
    most = 4 * 0.965**100
    assert (
        f"its gap is at most {rounded(most, up=True)}, where the exact worst case allows 0.531 in the median" in words
    )
    assert "confidence 0.95, from 32 instances, which cannot show a probability above 0.910" in words
    other = copy.deepcopy(results)
    first = other["runs"][0]["next_instance"]["statement"]
    first["within"][1] |= {"successes": 30, "at_least": 0.8123}
    first["gap"]["largest"] = None
    first["diverged"] = 2
    words = headline(other)
    assert "with probability at least 0.812 (30 of 32 were), and no largest gap is known: 2 runs diverged" in words
    own = [run for run in results["runs"] if run["problem"] == "lasso-20x40"]
    assert problem_words(own).startswith(
        "Of 12 rows, 4 have all 32 instances certainly within a relative gap of 0.0001"
    )
    assert "ρ stays below 1 over the whole of every run in 3 of the rows." in problem_words(own)


def test_a_single_row_is_told_as_one(results: dict[str, Any]) -> None:
    own = copy.deepcopy(results["runs"][2])
    sentences = own["next_instance"]["statement"]
    for entry in sentences["within"]:
        entry["successes"] = 32
    sentences["bounds"]["last_iterate"]["largest"] = (
        5 * sentences["gap"]["largest"]
    )  # like with like, the median is no part of it
    words = problem_words([own])
    assert "Of 1 row, 1 has all 32 instances" in words
    assert "(the next one is, with probability at least 0.910)" in words
    assert "; the largest gap that B6c allows is 5 times the largest one; " in words
    for entry in sentences["within"]:
        entry["successes"] = 0
    assert "Of 1 row, 0 have all 32 instances certainly within a relative gap of 0.0001, and 1 has none" in (
        problem_words([own])
    )


def test_interval_ends_are_rounded_outwards_and_probabilities_down(results: dict[str, Any]) -> None:
    assert [rounded(1.2341e-7, up=up) for up in (False, True)] == ["1.23e-7", "1.24e-7"]
    assert [rounded(0.0, up=up) for up in (False, True)] == ["0", "0"]
    assert rounded(9.999e3, up=True) == "1e4"
    other = copy.deepcopy(results)
    sentences = other["runs"][0]["next_instance"]["statement"]
    sentences["gap"]["quantiles"] = [
        {"quantile": 0.5, "lower": 1.2349, "sample": 2.0, "upper": 3.0001, "open": False},
        {"quantile": 0.9, "lower": 0.0, "sample": None, "upper": None, "open": False},
    ]
    sentences["within"][0] |= {"at_least": 0.99999, "undecided": 2}
    row = next_view(other)["tables"][0]["rows"][0]
    assert [cell["interval"] for cell in row["gap"]] == ["1.23 to 3.01", "0 to unbounded"]
    assert row["within"][0] == {"value": "0.999", "counted": "32 of 32, 2 may be"}


def test_the_figure_draws_intervals_the_largest_and_what_is_proved(results: dict[str, Any]) -> None:
    drawn = figures.figures(few(results) | {"problems": ()})["next-instance"]
    titles = [axes.get_title(loc="left") for axes in drawn.axes if axes.axison]
    assert titles == ["GO-Math-L2O", "L2O-PA", "ISTA"]
    ista = drawn.axes[2]
    over = results["runs"][2]["next_instance"]["statement"]["over_k"]
    lines = [list(line.get_ydata()) for line in ista.lines]
    assert [over["lower"][-1], over["upper"][-1]] in lines
    assert over["largest"] in lines
    assert over["worst_case"] in lines
    assert not any(list(line.get_ydata()) == over["worst_case"] for line in drawn.axes[0].lines)
    other = copy.deepcopy(results)
    other["runs"][2]["next_instance"]["statement"]["over_k"] |= {"upper": [None] * 6, "open": True}
    axes = figures.figures(few(other) | {"problems": ()})["next-instance"].axes[2]
    top = axes.get_ylim()[1]
    assert sum(list(line.get_ydata())[-1] == top for line in axes.lines) == 6


def test_the_table_holds_what_the_results_hold(results: dict[str, Any], tmp_path: Any) -> None:
    write_tables(results, tmp_path)
    rows = list(csv.DictReader((tmp_path / "next_instance.csv").read_text(encoding="utf-8").splitlines()))
    sentences = results["runs"][0]["next_instance"]["statement"]
    own = [r for r in rows if r["run"] == results["runs"][0]["key"]]
    within = [r for r in own if r["quantity"].startswith("P(relative")]
    assert [float(r["probability_at_least"]) for r in within] == [e["at_least"] for e in sentences["within"]]
    (median,) = (r for r in own if r["quantity"] == "gap quantile" and r["at"] == "0.5")
    entry = sentences["gap"]["quantiles"][0]
    assert [float(median[n]) for n in ("lower", "sample", "upper")] == [entry[n] for n in ("lower", "sample", "upper")]
    high = next(r for r in own if r["quantity"] == "gap quantile" and r["at"] == "0.9")
    assert (high["upper"], high["open"]) == ("", "True")
    assert len([r for r in own if "all k at once" in r["quantity"]]) == 6
    assert not [r for r in rows if r["problem"] == "logistic"]


def test_the_largest_is_above_the_quantile_that_it_is_said_to_be_above() -> None:
    """delta^(1/N): the largest of N is below the quantile in at most delta of the samples; a little higher, in more."""
    from l2obound.verification.guarantees import rank_above

    for n in (2, 4, 8, 16, 32):
        q = float(proportion_lower(n, n, 0.05)) * (1 - 1e-6)
        assert rank_above(n, q, 0.05) == n
        assert rank_above(n, q * (1 + 1e-4), 0.05) == n + 1


@pytest.mark.slow  # in the default tier guarantees/test_coverage.py simulates what the statements are made of
def test_coverage_of_the_statements_on_a_known_law() -> None:
    """Uniform gaps and F* = 1: over 1,000 samples each statement is wrong in at most 5 % of them, up to chance."""
    rng = np.random.default_rng(0)
    n, wrong = 16, np.zeros(4)
    certified = SimpleNamespace(lower=np.ones(n), upper=np.ones(n))
    for _ in range(1000):
        gap = np.repeat(rng.random((n, 1)) / 50, 2, axis=1)  # P(gap <= 0.01) = 1/2
        sample = verification.guarantees.Sample(gap, gap, gap, np.full(n, -1), np.ones(n, bool), None, None)
        statements_made = statements(sample, certified)
        median = statements_made["gap"]["quantiles"][0]
        wrong += [
            statements_made["within"][0]["at_least"] > 0.5,
            statements_made["gap"]["largest"] * 50 < statements_made["most"],
            median["lower"] * 50 > 0.5,
            median["upper"] * 50 < 0.5,
        ]
    assert (wrong[:2] / 1000 <= 0.05 + 0.021).all()
    assert (wrong[2:] / 1000 <= 0.025 + 0.015).all()
    assert (wrong > 0).all()


def test_sample_of_counts_the_rounding_of_the_objective() -> None:
    section = ProblemSection(**SMALL)
    problem = section.build(0)
    start = l2o.synthetic.starts(problem, seed=split_seed("test", 0, 0))
    case = Case(Scenario(), problem, start, verification.optimum(problem))
    method = Method("ista", l2o.optimizer("ista"))
    run = Rollouts(section, "cpu")(case, method)
    inspection = inspect_run(run, problem)
    last = verification.verify(run, problem, LAST_ITERATE, case.optimum)
    gap = sample_of(case, method, run, inspection, last).gap_up
    blurred = replace(inspection, objective_error=inspection.objective_error + 1e-3)
    more = sample_of(case, method, run, blurred, last).gap_up
    np.testing.assert_allclose(more, gap + 1e-3, rtol=1e-9)
