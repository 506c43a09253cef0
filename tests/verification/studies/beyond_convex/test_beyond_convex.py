"""Verdicts without convexity, the ledger, the counter-examples, and planted cases that must be caught."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from typer.testing import CliRunner

from l2obound import bounds, l2o
from l2obound.l2o.problems.smooth import LeastSquares, Welsch
from l2obound.verification import gather, judge, optimum, verify
from l2obound.verification.studies.beyond_convex import (
    STUDY,
    Settings,
    _ledger,
    _measure,
    beyond_convex,
    entry,
    ledger,
    lines,
    rises,
    write,
)
from l2obound.verification.studies.beyond_convex._counterexamples import certify_line, local_minimum, plateau
from l2obound.verification.studies.beyond_convex._figure import envelope
from l2obound.verification.studies.beyond_convex._measure import NEED_CONVEXITY
from l2obound.verification.studies.beyond_convex._methods import methods
from l2obound.verification.studies.beyond_convex._minima import compare
from l2obound.verification.studies.beyond_convex._problems import Case, pairs, sets
from l2obound.verification.verdicts.verdict import Verdict
from tests.helpers.briefs import checked

pytestmark = pytest.mark.slow  # by default the code of docs/beyond-convex.md runs the study

SMALL = Settings(
    families=("student_t",), sets=("simplex",), shifts=(10.0,), batch=2, steps=10, random=1, instances=6,
    horizon=40,
)  # fmt: skip


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("L2OBOUND_CACHE", str(tmp_path_factory.mktemp("cache")))
        return beyond_convex(SMALL)


@pytest.fixture(scope="module")
def page(result: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(result, tmp_path_factory.mktemp("written"))


@pytest.fixture(scope="module")
def examples(result: object) -> dict:
    return {c.name: c for c in result.counterexamples}


def first(family: str, term: str) -> Case:
    return next(c for c in pairs(("student_t",), 2, 0) if (c.family, c.term) == (family, term))


def test_nothing_proved_is_violated(result: object) -> None:
    assert not result.broken
    for bound in ("B1", "B2", "B10", "B10:subdifferential"):
        assert sum(e.held[bound]["violated"] for e in result.entries) == 0
        assert sum(e.held[bound]["verified"] for e in result.entries if not e.convex) > 50
    assert {e.term for e in result.entries if not e.convex} == {"zero", "l1", "box", "simplex"}


def test_what_needs_convexity_is_not_applicable_without_it(result: object) -> None:
    for e in result.entries:
        for bound in NEED_CONVEXITY:
            verdicts = e.held[bound]
            if e.convex:
                assert verdicts["violated"] == e.asked[bound]["false"] == 0
            else:
                assert verdicts["not applicable"] == e.instances
    bent = [e for e in result.entries if not e.convex]
    assert sum(e.asked["B6"]["false"] for e in bent) > 0
    assert sum(e.held["B6"]["verified"] for e in result.entries if e.convex) > 50
    for e in bent:  # false only where some convexity inequality fails
        if any(e.asked[bound]["false"] for bound in NEED_CONVEXITY):
            assert e.least_convexity < 0
            assert not e.ledger["B6"] or e.ledger["B6"]["convexity"] < 0 or not e.asked["B6"]["false"]


def test_the_inequalities_of_the_proofs_add_up_to_the_bounds() -> None:
    """And those that do not need convexity are never short of 0."""
    for case in (*pairs(("welsch",), 2, 0), *sets(("simplex",), 2, 0)):
        certified = optimum(case.problem, cache=False)
        for optimizer in (l2o.optimizer("ista"), l2o.optimizer("go-math-l2o", seed=1)):
            run = l2o.rollout(optimizer, case.problem, case.start(2.0, 0), 9)
            evidence = gather(run, case.problem, optimum=certified)
            split = ledger(evidence.inspection, np.array(certified.x))
            for bound in ("B6", "B6b", "B6c"):
                verdict = judge(bound, evidence)
                np.testing.assert_allclose(split.slack(bound), verdict.rhs - verdict.lhs, atol=1e-13 * split.size.max())
                for part in ("r", "squares"):
                    assert (split.parts[bound][part] >= -1e-13 * split.size).all()
                if case.convex:
                    assert all((v >= -1e-13 * split.size).all() for v in split.parts[bound].values())
            assert (split.parts["B6"]["smoothness"] >= -1e-13 * split.size).all()


def test_the_counterexamples_fail_where_they_must(examples: dict) -> None:
    """The plateau: F - F* is 1/2, R = 4 and L = 1, so that 8/K, 8/(K+1) and 4/K pass below it at these K."""
    flat, two = examples["plateau"], examples["local minimum"]
    assert {b: flat.first_false[b] for b in ("B3", "B6b", "B6c")} == {"B3": 17, "B6b": 16, "B6c": 9}
    # L R^2/2 = 3 * 4.5^2/2 = 30.375 against F - F* = 1/2
    assert (two.first_false["B3"], two.first_false["B6b"], two.first_false["B6c"]) == (61, 60, 31)
    for example in (flat, two):
        assert example.descends
        assert example.largest_rho < 1e-2
        assert {example.verdicts[b] for b in ("B1", "B2", "B10")} == {"verified"}
        assert {example.verdicts[b] for b in example.first_false} == {"not applicable"}
        assert example.bare["B3"] == example.bare["B6b"] == example.bare["B6c"] == "violated"
        assert (np.diff(example.gap) <= 0).all()
        assert example.gap[-1] > 0.49
        assert example.stationarity[0] <= example.stationarity[1]
        assert example.convexity[1] < -0.4
        for parts in example.ledger.values():
            assert sum(parts.values()) < 0 < -parts["convexity"]
            assert parts["squares"] >= 0
        assert example.ledger["B6"]["smoothness"] >= 0


@dataclass(frozen=True, eq=False)
class PretendsConvex(Welsch):
    """A loss that forgot to say that it is not convex."""

    @property
    def convex(self) -> bool:
        return True


def test_a_false_declaration_of_convexity_is_a_broken_hypothesis() -> None:
    """The run itself contradicts it: no bound that supposes convexity says anything, and the hypothesis is named."""
    problem, x0 = plateau()
    liar = l2o.Composite(PretendsConvex(**{f: getattr(problem.smooth, f) for f in ("map", "target", "c")}), l2o.zero())
    certified = replace(optimum(problem, cache=False), problem=liar.fingerprint())
    run = l2o.rollout(l2o.optimizer("ista"), liar, torch.full((1, 1), x0).double(), 30)
    for bound in ("B3", "B6", "B6b", "B6c"):
        judged = verify(run, liar, bound, certified)
        assert judged.overall == Verdict.NOT_APPLICABLE
        assert [h.name for h in judged.hypotheses if not h.holds.all()][:1] == ["f_convex"]
        assert verify(run, problem, bound, replace(certified, problem="")).overall == Verdict.NOT_APPLICABLE
    assert verify(run, liar, "B1", certified).overall == Verdict.VERIFIED


def test_half_of_b10_is_violated() -> None:
    """One step on f = 3x^2/2 attains B10."""
    problem = l2o.quadratic(np.array([[[3.0]]]), np.zeros((1, 1)))
    run = l2o.rollout(l2o.optimizer("ista"), problem, torch.full((1, 1), 2.0).double(), 1)
    bound = bounds.get("B10")
    assert verify(run, problem, bound).overall == Verdict.VERIFIED
    assert verify(run, problem, bound).tightness[0] == pytest.approx(1)
    assert verify(run, problem, bound.replace(rhs=bound.rhs / 2)).overall == Verdict.VIOLATED


@dataclass(frozen=True, eq=False)
class TooSmooth(LeastSquares):
    """Says that L is a quarter of what it is."""

    @property
    def smoothness(self) -> torch.Tensor:
        return self.map.largest_eigenvalue() / 4


def test_a_rise_that_rho_does_not_explain_is_found() -> None:
    problem = l2o.synthetic.lasso(2, 8, 12)
    wrong = l2o.Composite(TooSmooth(problem.smooth.map, problem.smooth.target), problem.nonsmooth)
    run = l2o.rollout(l2o.optimizer("ista"), wrong, l2o.synthetic.starts(wrong), 6)
    rising = rises(gather(run, wrong))
    assert rising.unexplained > 0
    assert rising.least_rho < 1
    certified = replace(optimum(problem), problem="")
    sentences = entry(Case("pairs", "least_squares", "l1", wrong), 0.0, "ista", run, certified, 1e-3).broken
    assert "F rises at a step with rho <= 1" in sentences
    assert "B1 is violated" in sentences
    sound = rises(gather(l2o.rollout(l2o.optimizer("ista"), problem, l2o.synthetic.starts(problem), 6), problem))
    assert (sound.count, sound.unexplained, sound.least_rho) == (0, 0, None)


def test_rises_are_counted_and_have_rho_above_one() -> None:
    """Steps 3/L on f = x^2/2 double |x|: every step rises, with rho = 2."""
    problem = l2o.quadratic(np.array([[[1.0]]]), np.zeros((1, 1)))
    run = l2o.rollout(l2o.optimizer("ista", step=3.0), problem, torch.ones(1, 1).double(), 20)
    rising = rises(gather(run, problem))
    assert (rising.judged, rising.count, rising.unexplained) == (20, 20, 0)
    assert rising.least_rho == pytest.approx(2)


def test_a_ledger_that_does_not_add_up_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    case = first("student_t", "l1")
    run = l2o.rollout(l2o.optimizer("ista"), case.problem, case.start(0.0, 0), 6)
    certified = optimum(case.problem)
    assert not entry(case, 0.0, "ista", run, certified, 1e-3).broken
    real = _ledger._sharp
    monkeypatch.setattr(_ledger, "_sharp", lambda *a: {**(outcome := real(*a)), "r": 0.9 * outcome["r"]})
    assert entry(case, 0.0, "ista", run, certified, 1e-3).broken == ("the ledger of B6b does not add up",)
    monkeypatch.undo()
    monkeypatch.setattr(_measure.bounds, "get", lambda n, real=bounds.get: real(n).replace(rhs=real(n).rhs / 2))
    assert any("does not add up" in line for line in entry(case, 0.0, "ista", run, certified, 1e-3).broken)


def test_points_outside_the_set_are_counted() -> None:
    case = next(c for c in sets(("box",), 3, 0) if c.family == "quadratic")
    certified = optimum(case.problem)
    by_name = {}
    for name in ("l2o-pa", "go-math-l2o", "safeguarded l2o-pa"):
        run = l2o.rollout(methods(case, 1)[name], case.problem, case.start(0.0, 0), 15)
        by_name[name] = entry(case, 0.0, name, run, certified, 1e-3)
        assert not by_name[name].broken
        outside = torch.isinf(run.objective)
        assert by_name[name].infeasible == int(outside.sum())
        for left, row in zip(by_name[name].left_at, outside):
            assert left == (int(row.int().argmax()) if bool(row.any()) else None)
    assert by_name["l2o-pa"].infeasible > 0
    assert by_name["l2o-pa"].held["B1"]["not applicable"] > 0
    assert by_name["go-math-l2o"].infeasible == by_name["safeguarded l2o-pa"].infeasible == 0
    held = by_name["go-math-l2o"].held["B1"]  # where it is next to F*, a step is below the rounding of F
    assert held["verified"] + held["inconclusive"] == 45
    assert held["violated"] == 0


def test_the_optimum_on_the_line_is_certified() -> None:
    problem, _ = local_minimum()
    certified = certify_line(problem)
    best = minimize_scalar(lambda x: float(problem.objective(torch.tensor([[x]]).double())[0]), bounds=(-1, 1))
    assert certified.lower[0] <= best.fun <= certified.upper[0] + 1e-12
    assert certified.upper[0] - certified.lower[0] < 1e-9
    coarse = certify_line(problem, 101)
    assert coarse.lower[0] < certified.lower[0]
    assert coarse.upper[0] == pytest.approx(certified.upper[0], abs=1e-12)
    # the other minimum is no optimum: taken for one, it is above what the run attains
    run = l2o.rollout(l2o.optimizer("ista"), problem, torch.full((1, 1), 0.5).double(), 60)
    assert verify(run, problem, "B10", replace(certified, lower=certified.lower + 0.4)).overall == Verdict.VIOLATED


def test_what_counts_as_reached_is_reached_for_certain() -> None:
    """The share of the gap to the comparator does not change with what is known of F*; the iterations to it do."""
    case = next(c for c in pairs(("student_t",), 2, 0) if c.convex and c.term == "l1")
    certified, run = optimum(case.problem), l2o.rollout(l2o.optimizer("ista"), case.problem, case.start(0.0, 0), 60)
    start = run.objective[:, 0].numpy() - certified.upper
    sharp, wide = (
        entry(case, 0.0, "ista", run, replace(certified, lower=certified.lower - room * start), 1e-2)
        for room in (0.0, 0.02)
    )
    assert None not in sharp.iterations
    assert wide.iterations == (None, None)
    assert wide.gap == sharp.gap


def test_ends_are_told_apart() -> None:
    problem, _ = local_minimum()
    problem = problem.select([0, 0, 0, 0, 0])
    deep, shallow = 0.0, float(counter_end())
    x0 = torch.full((5, 1), 5.0).double()
    plain = torch.tensor([[shallow], [deep], [deep], [shallow], [deep]]).double()
    end = torch.tensor([[deep], [deep], [shallow], [2.0], [float("nan")]]).double()
    before = end + torch.tensor([[0.0], [0.0], [0.0], [1e-6], [0.0]]).double()
    comparison = compare(problem, x0, plain, end, before, ("welsch", 0.0, "planted", 0))
    assert comparison.counts == {"lower": 1, "equal": 1, "higher": 1, "not settled": 2}
    assert comparison.restless == 2
    assert comparison.last_step == pytest.approx(1e-6 / abs(float(gradient_at(problem, 2.0)) / 3), rel=1e-6)
    assert comparison.low["lower"] == pytest.approx(1 - 0.975 ** (1 / 5), rel=1e-6)
    assert comparison.least < 0 < comparison.most


def gradient_at(problem: l2o.Composite, x: float) -> torch.Tensor:
    return problem.smooth.gradient(torch.full((5, 1), x).double())[0, 0]


def counter_end() -> torch.Tensor:
    problem, x0 = local_minimum()
    run = l2o.rollout(l2o.optimizer("ista"), problem, torch.full((1, 1), x0).double(), 300)
    return run.x_final[0, 0]


def test_what_the_figures_show_is_below_its_bound(result: object) -> None:
    rho = np.array([0.0, 0.5, 1.0, 3.0])
    np.testing.assert_allclose(envelope(rho), rho**2 - 1)
    dots = result.scatter
    assert (dots.change > 0).any()
    assert (dots.change <= envelope(dots.rho) + 1e-6 * (1 + dots.rho**2)).all()
    assert (dots.change > envelope(dots.rho) - 1).any()
    for curve in result.curves:
        for least, bound, exact in zip(curve.least, curve.bound, curve.exact):
            assert least <= bound
            assert exact is None or least <= exact <= bound
    assert any(v is not None for c in result.curves for v in c.exact)


def test_what_is_written(result: object, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count('class="plot"') == 3
    assert "http" not in text.replace("http://www.w3.org", "")
    assert ">nan<" not in text.lower()
    data = json.loads(page.with_name("beyond-convex.json").read_text(encoding="utf-8"))
    assert len(data["entries"]) == len(result.entries)
    assert data["broken"] == 0
    with page.with_name("beyond-convex.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result.entries)
    assert rows[0]["B1 violated"] == "0"
    sentences = list(lines(result))
    assert sentences[0].startswith("Descent and stationarity do not need a convex f")
    assert len(checked(STUDY, result).rows) >= len(NEED_CONVEXITY) - 1
    assert any("B3 from K = 17" in line for line in sentences)
    assert any(line.startswith("l2o-pa: leaves the set on") for line in sentences)


def test_the_command(result: object, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page it writes of an equal result is the same bytes."""
    from l2obound.verification.cli import app as cli
    from l2obound.verification.studies import beyond_convex as package

    asked = []
    planted = replace(package.STUDY, run=lambda settings, context: asked.append(settings) or result)
    monkeypatch.setattr(package, "STUDY", planted)
    ask = ["beyond-convex", "--quick", "--out", str(tmp_path), "--seed", "3"]
    done = CliRunner().invoke(cli.app, [*ask, "--problem", "welsch", "--json"])
    assert done.exit_code == 0, done.output
    assert (asked[0].families, asked[0].seed, asked[0].instances) == (("welsch",), 3, 12)
    assert json.loads(done.stdout)["broken"] == 0
    assert (tmp_path / page.name).read_bytes() == page.read_bytes()
    bad = replace(result, entries=(replace(result.entries[0], broken=("B1 is violated",)), *result.entries[1:]))
    monkeypatch.setattr(package, "STUDY", replace(planted, run=lambda settings, context: bad))
    done = CliRunner().invoke(cli.app, ask)
    assert done.exit_code == 1
    assert "contradict what is proved" in done.output
    with pytest.raises(l2o.InputError, match="expected some of"):
        CliRunner().invoke(cli.app, [*ask, "--problem", "cubic"], catch_exceptions=False)


def test_settings_that_make_no_sense() -> None:
    for wrong in (
        {"families": ()}, {"sets": ("torus",)}, {"eps": 0.0}, {"batch": 0}, {"steps": 0}, {"shifts": ()},
        {"shifts": (float("nan"),)}, {"random": -1}, {"instances": -1}, {"horizon": 0},
        {"families": ("welsch", "welsch")},
    ):  # fmt: skip
        with pytest.raises(l2o.InputError, match="expected"):
            Settings(**wrong)
