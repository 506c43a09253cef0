"""Simplices and balls: GO-Math-L2O runs on them, its descent is verified, and rounding is allowed for as derived."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o
from l2obound.verification import Evidence, gather, judge, optimum, verify
from l2obound.verification.optima import Optimum
from l2obound.verification.studies.beyond_convex._problems import sets
from l2obound.verification.verdicts.verdict import Verdict

CASES = {(c.family, c.term): c for c in sets(("box", "simplex", "l2_ball"), 3, 0)}


@cache
def best(family: str, term: str) -> Optimum:
    """Certified once for all tests."""
    return optimum(CASES[family, term].problem, cache=False)


@pytest.mark.parametrize("term", ["simplex", "l2_ball"])
@pytest.mark.parametrize("weights", ["lasso", "logistic_l1", None])
def test_go_math_l2o_runs_on_sets_that_are_not_separable(term: str, weights: str | None) -> None:
    case = CASES["quadratic", term]
    model = l2o.pretrained("go-math-l2o", weights) if weights else l2o.optimizer("go-math-l2o", seed=3)
    run = l2o.rollout(model, case.problem, case.start(0.0, 0), 40)
    certified = best("quadratic", term)
    evidence = gather(run, case.problem, optimum=certified)
    assert bool(torch.isfinite(run.objective).all())
    assert run.subgradient_rule == "prox"
    judged = decided = 0
    for name in ("B1", "B2", "B10", "B10:constrained", "B6", "B6b", "B6c"):
        verdict = judge(name, evidence)
        assert verdict.count(Verdict.VIOLATED) == 0, name
        judged += verdict.judged.sum()
        decided += verdict.count(Verdict.VERIFIED)
    assert judged > 100
    assert decided > 20  # these runs are at a vertex after one to six steps, and nothing decreases there
    if (
        weights == "lasso"
    ):  # over the ball they stay 0.2 to 5 % above F*, after 400 steps too; under the guard they do not
        guarded = l2o.rollout(l2o.guaranteed(model), case.problem, case.start(0.0, 0), 40)
        for arrives, objective in ((term == "simplex", run.objective.numpy()), (True, guarded.objective.numpy())):
            gap = (objective[:, -1] - certified.lower) / (objective[:, 0] - certified.lower)
            assert (gap <= 1e-3).all() == arrives


@pytest.mark.parametrize("term", ["simplex", "l2_ball"])
def test_its_features_are_the_nearest_subgradient_and_translate(term: str) -> None:
    """Gradient-only features are invariant, so F(x + t) gives the run moved by -t (B12), and so does c F."""
    case = CASES["least_squares", term]
    model, problem, x0 = l2o.pretrained("go-math-l2o", "lasso"), case.problem, case.start(0.0, 0)
    run = l2o.rollout(model, problem, x0, 8)
    features = run.features[:, 0]
    torch.testing.assert_close(features[..., 1], features[..., 2], rtol=0, atol=0)
    moved = l2o.rollout(model, problem.shifted(0.7), x0 - 0.7, 8)
    torch.testing.assert_close(moved.x + 0.7, run.x, rtol=1e-9, atol=1e-11)
    scaled = l2o.rollout(model, problem.scaled(30.0), x0, 8)
    torch.testing.assert_close(scaled.x, run.x, rtol=1e-9, atol=1e-11)


def test_single_groups_are_the_l1_norm_as_before() -> None:
    """There a box holds the subdifferential, and its two ends are the features."""
    lasso = l2o.synthetic.lasso(2, 6, 8)
    single = l2o.Composite(lasso.smooth, l2o.group_l1(list(range(8)), 0.1))
    model, x0 = l2o.pretrained("go-math-l2o", "lasso"), l2o.synthetic.starts(lasso)
    one, two = (l2o.rollout(model, p, x0, 6) for p in (lasso, single))
    torch.testing.assert_close(one.x, two.x, rtol=1e-10, atol=1e-12)
    assert single.nonsmooth.boxed(8)
    assert not l2o.group_l1([[0, 1], [2]], 0.1).boxed(3)
    assert [l2o.simplex().boxed(n) for n in (1, 2)] == [True, False]
    assert l2o.l1(0.1).boxed(5)


def test_terms_without_a_prox_of_several_steps_still_say_so() -> None:
    group = l2o.synthetic.group_lasso(2, 8, 10, size=5, active=1)
    with pytest.raises(l2o.InputError, match="one step per group"):
        l2o.rollout(l2o.optimizer("go-math-l2o"), group, l2o.synthetic.starts(group), 1)


def _support(term: str, g: np.ndarray) -> np.ndarray:
    """sup of <g, y> over the set: radius 1 of the simplex, 0.5 of the ball."""
    return g.max(axis=1) if term == "simplex" else np.longdouble(0.5) * np.sqrt((g * g).sum(axis=1))


@pytest.mark.parametrize("term", ["simplex", "l2_ball"])
def test_the_slack_covers_points_within_rounding_of_the_set(term: str) -> None:
    """In extended precision: <g, y - x> <= slack for all y of the set; and without the slack that is false."""
    rng = np.random.default_rng(5)
    r = l2o.simplex() if term == "simplex" else l2o.l2_ball(0.5)
    x = r.prox(torch.from_numpy(rng.standard_normal((400, 7))), 1.0)
    x = x * (1 + torch.from_numpy(rng.uniform(-6e-15, 6e-15, (400, 1))))
    g = r.nearest_subgradient(x, torch.from_numpy(10 * rng.standard_normal((400, 7))) + 20 * x)
    slack = r.subgradient_slack(x, g).numpy()
    wide, at = g.numpy().astype(np.longdouble), x.numpy().astype(np.longdouble)
    excess = _support(term, wide) - (wide * at).sum(axis=1)
    certified = (r.value(x) == 0).numpy()
    assert certified.mean() > 0.5
    assert (excess[certified] <= slack[certified]).all()
    assert (excess[certified] > 1e-16).any()
    assert (slack[certified] < 1e-11).all()


def test_the_slack_is_rounding_and_changes_no_verdict_that_matters() -> None:
    case = CASES["student_t", "l2_ball"]
    run = l2o.rollout(l2o.optimizer("ista"), case.problem, case.start(0.0, 0), 60)
    certified = best("student_t", "l2_ball")
    evidence = gather(run, case.problem, optimum=certified)
    slack = evidence.set_slack()
    for part in (slack.before, slack.at_z):
        assert part.shape == (3, 60)
        assert 0 < part.max() < 1e-13
    bound = bounds.get("B10:constrained")
    sound = judge(bound, evidence)
    assert sound.count(Verdict.VIOLATED) == 0
    tight = sound.tightness
    planted = bound.replace(rhs=bound.rhs * float(0.5 * np.nanmax(tight[:, :10])))
    assert judge(planted, evidence).count(Verdict.VIOLATED) > 0
    box = CASES["student_t", "box"]
    run = l2o.rollout(l2o.optimizer("ista"), box.problem, box.start(0.0, 0), 3)
    assert gather(run, box.problem).set_slack() is None


@pytest.mark.parametrize("term", ["simplex", "l2_ball"])
@pytest.mark.parametrize("shift", [0.0, 10.0])
def test_the_slack_hides_no_violation(term: str, shift: float) -> None:
    """A shortfall of 1e-10 is seen by every bound, also where x_0 is far outside of the set (r(x_0) has no weight)."""
    case = CASES["least_squares", term]
    x0 = l2o.synthetic.starts(case.problem, shift=shift, seed=0)
    assert bool(torch.isinf(case.problem.objective(x0)).all())
    run = l2o.rollout(l2o.optimizer("ista"), case.problem, x0, 50)
    certified = best("least_squares", term)
    evidence = gather(run, case.problem, optimum=certified)
    for name in ("B1", "B2", "B3", "B3:exact", "B6", "B6b", "B6c", "B7", "B10:constrained"):
        bound = bounds.get(name)
        verdict = judge(bound, evidence)
        hidden = verdict.count(Verdict.INCONCLUSIVE)  # late steps, whose decrease is below rounding
        assert verdict.within_rounding[verdict.verdict == Verdict.INCONCLUSIVE].all(), name
        assert verdict.count(Verdict.VERIFIED) + hidden == verdict.judged.sum(), name
        assert verdict.count(Verdict.VERIFIED) > 0, name
        short = judge(bound.replace(rhs=bound.lhs - 1e-10), evidence)
        assert short.count(Verdict.VIOLATED) == verdict.judged.sum(), name


def test_the_slack_is_in_the_units_of_each_bound() -> None:
    """B9 speaks of distances: a shortfall of a millionth is seen however large F is. B10 speaks of its square."""
    case = CASES["quadratic", "simplex"]
    for scale in (1.0, 1e20):
        problem = case.problem.scaled(scale)
        certified, x0 = optimum(problem), case.start(0.0, 0)
        run = l2o.rollout(l2o.optimizer("ista"), problem, x0, 20)
        evidence = gather(run, problem, optimum=certified)

        def violated(bound: str | bounds.Bound, evidence: Evidence = evidence) -> int:
            return judge(bound, evidence).count(Verdict.VIOLATED)

        bound = bounds.get("B9")
        assert violated(bound) == 0
        short = bound.replace(rhs=bound.lhs - 1e-6)
        assert violated(short) == 60
        for name in ("B1", "B6b", "B6c", "B10"):
            assert violated(name) == 0


@pytest.mark.parametrize("term", ["box", "simplex", "l2_ball"])
@pytest.mark.parametrize("record", ["all", "scalars"])
def test_a_bound_that_speaks_of_the_first_value_is_not_judged_where_it_is_infinite(term: str, record: str) -> None:
    """B10 starts from F(x_0). From outside of the set that is inf, and no number may stand in for it."""
    problem = CASES["quadratic", term].problem
    x0 = l2o.synthetic.starts(problem, shift=10.0)
    certified = best("quadratic", term)
    remaining = {"record": record, "comparator": certified.x} if record == "scalars" else {}
    run = l2o.rollout(l2o.optimizer("ista"), problem, x0, 5, **remaining)
    assert bool(torch.isinf(run.objective[:, 0]).all())
    for name in ("B10", "B10:descent"):
        assert verify(run, problem, name, certified).overall == Verdict.NOT_APPLICABLE
        assert verify(run, problem, name, certified).count(Verdict.NOT_APPLICABLE) == 3
    assert verify(run, problem, "B6b", certified).count(Verdict.VERIFIED) == 3
    inside = l2o.rollout(l2o.optimizer("ista"), problem, problem.prox(x0, 1.0), 5, **remaining)
    assert verify(inside, problem, "B10", certified).count(Verdict.VERIFIED) == 3
