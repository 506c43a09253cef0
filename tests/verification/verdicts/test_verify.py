"""Verdicts: right where a bound holds, wrong where it was made wrong, and honest where nothing can be said."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o
from l2obound.bounds.vocabulary import Q
from l2obound.l2o.problems.nonsmooth.l1 import L1, soft_threshold
from l2obound.l2o.problems.smooth import QuadraticForm
from l2obound.verification import Verdict, gather, judge, optimum, verify, verify_all
from tests.helpers import instances, zoo

TIGHT = (
    "per_step_descent",
    "homogeneous_descent",
    "ood_per_step",
    "ood_multi_step_sharp",
    "ood_last_iterate",
    "ind_rate:exact",
)


@pytest.mark.parametrize("name", TIGHT)
def test_attained_bounds_are_verified_and_tight(name: str) -> None:
    run, p = instances.attained(name)
    v = verify(run, p, name)
    assert v.overall is Verdict.VERIFIED
    assert v.count(Verdict.VERIFIED) == v.verdict.size
    # An increase the bound permits and the run makes is used up too, so tightness is 1 everywhere.
    np.testing.assert_allclose(v.tightness, 1.0, rtol=1e-9)
    np.testing.assert_allclose(v.slack, 0.0, atol=1e-9)


@pytest.mark.parametrize("name", TIGHT)
def test_a_constant_two_percent_too_small_is_found(name: str) -> None:
    run, p = instances.attained(name)
    bound = bounds.get(name)
    factor = np.where(verify(run, p, name).rhs < 0, 1.02, 0.98)
    for wrong in (1.02, 0.98):
        v = verify(run, p, bound.replace(rhs=bound.rhs * wrong))
        expected = np.broadcast_to(factor == wrong, v.verdict.shape)
        assert (v.verdict[expected] == Verdict.VIOLATED).all()
        assert (v.verdict[~expected] == Verdict.VERIFIED).all()
        if expected.any():
            assert v.overall is Verdict.VIOLATED


@dataclass(frozen=True, eq=False)
class UnderstatedForm(QuadraticForm):
    """A quadratic that claims a smaller L than it has."""

    factor: float = 0.98

    @property
    def smoothness(self) -> torch.Tensor:
        return self.factor * super().smoothness


@pytest.mark.parametrize("factor", [0.5, 0.98])
def test_a_wrong_smoothness_constant_is_found(factor: float) -> None:
    _, p = instances.attained("per_step_descent")
    lying = l2o.Composite(UnderstatedForm(p.smooth.map, p.smooth.linear, factor), p.nonsmooth)
    x0 = zoo.start(p)
    v = verify(l2o.rollout(l2o.optimizer("gradient-descent"), lying, x0, 5), lying, "per_step_descent")
    assert v.count(Verdict.VIOLATED) == v.verdict.size
    honest = l2o.Composite(UnderstatedForm(p.smooth.map, p.smooth.linear, 1.0), p.nonsmooth)
    v = verify(l2o.rollout(l2o.optimizer("gradient-descent"), honest, x0, 5), honest, "per_step_descent")
    assert v.count(Verdict.VIOLATED) == 0


@dataclass(frozen=True, eq=False)
class WrongProx(L1):
    """Soft thresholding at half the level."""

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        return soft_threshold(u, 0.5 * self.lam * step)


def lasso_run(steps: int = 30) -> tuple[l2o.Run, l2o.Composite, torch.Tensor]:
    p = l2o.synthetic.lasso(4, 10, 20, sparsity=3, seed=1)
    x0 = l2o.synthetic.starts(p)
    return l2o.rollout(l2o.optimizer("ista"), p, x0, steps), p, x0


@pytest.mark.parametrize("bound", ["per_step_descent", "ood_multi_step_sharp"])
@pytest.mark.parametrize("method", ["ista", "fista", "go-math-l2o"])
def test_a_wrong_prox_is_found(method: str, bound: str) -> None:
    run, p, x0 = lasso_run()
    wrong = l2o.Composite(p.smooth, WrongProx(p.nonsmooth.lam))
    certified = replace(optimum(p), problem=wrong.fingerprint())  # F is the same
    v = verify(l2o.rollout(l2o.optimizer(method), wrong, x0, 30), wrong, bound, certified)
    assert v.overall is Verdict.VIOLATED
    assert any("subdifferential" in s for s in v.to_dict()["broken_data"])
    assert verify(run, p, bound, optimum(p)).overall is Verdict.VERIFIED


def test_a_swapped_sign_in_the_subgradient_is_found() -> None:
    run, p, _ = lasso_run()
    flipped = replace(
        run,
        subgradient=-run.subgradient,
        generalized_gradient=run.smooth_gradient - run.subgradient,
        deviation=run.step - (run.smooth_gradient - run.subgradient) / p.smoothness.reshape(-1, 1, 1),
    )
    v = verify(flipped, p, "per_step_descent")
    assert v.count(Verdict.VIOLATED) > 0.9 * v.verdict.size
    assert "subdifferential" in v.summary()
    half = replace(run, subgradient=-run.subgradient)  # G left as it was: then the two disagree
    assert any(c.name == "gradients" and not c.holds.all() for c in verify(half, p, "per_step_descent").data)


@pytest.mark.parametrize("bound", [n for n in bounds.names() if bounds.get(n).lhs.has(Q.F_z) and bounds.get(n).on_runs])
def test_an_optimal_value_too_low_is_found(bound: str) -> None:
    run, p, _ = lasso_run(300)
    o = optimum(p)
    low = replace(o, lower=o.lower * (1 - 1e-6), upper=o.upper * (1 - 1e-6))
    assert verify(run, p, bound, low).count(Verdict.VIOLATED) == 4
    assert verify(run, p, bound, o).count(Verdict.VIOLATED) == 0


@pytest.mark.slow
def test_an_optimal_value_too_high_is_found() -> None:
    run, p, _ = lasso_run(3000)
    o = optimum(p)
    high = replace(o, lower=o.lower * (1 + 1e-6), upper=o.upper * (1 + 1e-6))
    assert verify(run, p, "ood_last_iterate", high).overall is Verdict.VIOLATED


def test_recorded_objectives_are_recomputed() -> None:
    run, p, _ = lasso_run()
    objective = run.objective.clone()
    objective[2, 7] *= 1 + 1e-9
    v = verify(replace(run, objective=objective), p, "per_step_descent")
    assert set(zip(*np.nonzero(v.verdict == Verdict.VIOLATED), strict=True)) == {(2, 6), (2, 7)}
    assert "recorded objective" in v.summary()


def test_unknown_optimum_is_inconclusive_not_verified() -> None:
    run, p, _ = lasso_run(5)
    o = optimum(p)
    blind = replace(o, lower=np.full(4, -np.inf))
    v = verify(run, p, "ood_last_iterate", blind)
    assert v.count(Verdict.INCONCLUSIVE) == 4
    assert "no finite lower bound" in v.summary()
    bound = bounds.get("ood_last_iterate")
    wrong = bound.replace(rhs=bound.rhs * 1e-6 - 1)  # fails whatever F* is
    assert verify(run, p, wrong, blind).count(Verdict.VIOLATED) == 4


def test_a_wide_interval_decides_what_it_can() -> None:
    run, p, _ = lasso_run(5)
    o = optimum(p)
    v = verify(run, p, "ood_last_iterate", o)
    room = v.rhs - v.lhs
    for share, expected in ((0.5, Verdict.VERIFIED), (1.5, Verdict.INCONCLUSIVE)):
        wide = replace(o, lower=o.upper - share * room)
        assert verify(run, p, "ood_last_iterate", wide).overall is expected


def test_broken_hypotheses_are_named_and_measured() -> None:
    _, p, x0 = lasso_run()
    run = l2o.rollout(l2o.optimizer("fista"), p, x0, 20)
    v = verify(run, p, "ind_rate", reference_step="best")
    assert v.count(Verdict.NOT_APPLICABLE) == 4
    broken = next(h for h in v.hypotheses if h.share < 1)
    assert broken.name == "exact_step"
    assert broken.worst_margin < 0
    assert np.isfinite(v.rhs).all(), "the comparison is still shown"
    assert v.to_dict()["tightness_median"] is None


@dataclass(frozen=True, eq=False)
class Concave(QuadraticForm):
    """-(1/2)||x||^2, with L = 1: smooth, not convex."""

    @property
    def convex(self) -> bool:
        return False

    @property
    def smoothness(self) -> torch.Tensor:
        return torch.ones(self.batch_size, dtype=torch.float64)


def test_bounds_that_need_convexity_say_so() -> None:
    _, p = instances.attained("per_step_descent")
    concave = l2o.Composite(
        Concave(type(p.smooth.map)(-torch.eye(3, dtype=torch.float64)), p.smooth.linear), p.nonsmooth
    )
    run = l2o.rollout(l2o.optimizer("gradient-descent"), concave, zoo.start(p), 4)
    o = instances.interval(np.full(4, -np.inf), concave.objective(run.x_final).numpy() + 1e-9, run.x_final.numpy())
    v = verify(run, concave, "ood_last_iterate", o)
    assert v.count(Verdict.NOT_APPLICABLE) == 4
    assert any(h.name == "f_convex" and h.share == 0 for h in v.hypotheses)
    assert verify(run, concave, "per_step_descent").count(Verdict.VERIFIED) == 16


def test_the_paper_bound_on_exact_steps_of_both_readings() -> None:
    _, p, x0 = lasso_run()
    o = optimum(p)
    for h in (1.0, 0.5):
        run = l2o.rollout(l2o.optimizer("ista", step=(h / p.smoothness).numpy()), p, x0, 25)
        assert verify(run, p, "ind_rate", o, h).overall is Verdict.VERIFIED
        other = 1.0 if h == 0.5 else 0.5
        assert verify(run, p, "ind_rate", o, other).overall is Verdict.NOT_APPLICABLE
        best = verify(run, p, "ind_rate", o, "best")
        assert best.overall is Verdict.VERIFIED
        np.testing.assert_allclose(best.rhs, verify(run, p, "ind_rate", o, h).rhs, rtol=1e-9)


@pytest.mark.parametrize("name", [n for n in bounds.names() if bounds.get(n).on_runs])
def test_the_best_reference_step_is_no_worse(name: str) -> None:
    _, p, x0 = lasso_run()
    o = optimum(p)
    run = l2o.rollout(l2o.optimizer("ista", step=(0.4 / p.smoothness).numpy()), p, x0, 25)
    best, one = (verify(run, p, name, o, h) for h in ("best", 1.0))
    both = best.judged & one.judged
    assert (best.rhs[both] <= one.rhs[both] + one.tolerance[both]).all()
    assert (best.judged | ~one.judged).all()
    assert best.count(Verdict.VIOLATED) == 0


def test_vacuity_is_said() -> None:
    _, p, x0 = lasso_run()
    run = l2o.rollout(instances.Adversary("jump", 5.0), p, x0, 20)
    for name in ("per_step_descent", "ood_multi_step_sharp", "a_priori"):
        v = verify(run, p, name)
        threshold = 0.0 if v.bound.level == "step" else (run.objective[:, 0].numpy() - optimum(p).upper)
        np.testing.assert_array_equal(v.vacuous, v.rhs >= threshold)
        assert v.vacuous.any()
        assert "vacuous on" in v.summary()


def test_runs_that_leave_float64_are_not_judged() -> None:
    _, p, x0 = lasso_run()
    step = np.array([0.1, 1e6, 0.1, 0.1])
    run = l2o.rollout(l2o.optimizer("ista", step=step), p, x0, 150)
    evidence = gather(run, p)
    for name in bounds.names():
        v = judge(name, evidence)
        assert (np.atleast_1d(v.verdict[1])[-1:] == Verdict.NOT_APPLICABLE).all()
        if name == "per_step_descent":  # up to the point where it leaves float64 the run is judged
            assert v.verdict[1, 0] is Verdict.VERIFIED
        assert v.count(Verdict.VIOLATED) == 0
        assert "left float64" in v.summary()


def test_starts_outside_the_domain() -> None:
    p = zoo.composites()["least-squares + box"]
    run = l2o.rollout(l2o.optimizer("ista"), p, np.full((3, 5), 7.0), 10)
    steps = verify(run, p, "per_step_descent")
    assert (steps.verdict[:, 0] == Verdict.NOT_APPLICABLE).all()
    assert (steps.verdict[:, 1:] == Verdict.VERIFIED).all()
    whole = verify(run, p, "ood_multi_step_sharp")
    assert whole.overall is Verdict.VERIFIED
    assert not whole.vacuous.any(), "F(x_0) = inf: any finite bound says something"


OF_VECTORS = {
    "asymptotics": Verdict.VERIFIED,
    "assumption_sensitivity": Verdict.VERIFIED,
    "accelerated_inexact": Verdict.VERIFIED,
    "variable_metric": Verdict.NOT_APPLICABLE,  # steps of the untrained model are above 1/L
}


def test_scalars_give_the_verdicts_of_arrays() -> None:
    _, p, x0 = lasso_run()
    o = optimum(p)
    opt = l2o.optimizer("go-math-l2o")
    full = l2o.rollout(opt, p, x0, 20)
    lean = l2o.rollout(opt, p, x0, 20, record="scalars", comparator=o.x)
    for name in bounds.names():
        one, two = verify(full, p, name, o), verify(lean, p, name, o)
        if name in OF_VECTORS:  # not in scalars
            assert one.overall is OF_VECTORS[name]
            assert two.overall is Verdict.NOT_APPLICABLE
            continue
        np.testing.assert_array_equal(one.verdict, two.verdict)
        np.testing.assert_allclose(one.rhs, two.rhs, rtol=1e-8)
        np.testing.assert_allclose(one.lhs, two.lhs, rtol=1e-8, atol=1e-12)
    with pytest.raises(l2o.InputError, match="comparator"):
        verify(l2o.rollout(opt, p, x0, 20, record="scalars"), p, "ood_last_iterate", o)


def test_numbers_against_formulas_written_again() -> None:
    _, p, x0 = lasso_run()
    o = optimum(p)
    run = l2o.rollout(l2o.optimizer("go-math-l2o"), p, x0, 12)
    G, D, x = (t.numpy() for t in (run.generalized_gradient, run.step, run.x))
    L, z, K = p.smoothness.numpy()[:, None], o.x[:, None], 12
    e = D - G / L[..., None]
    after, before, F = x[:, 1:] - z, x[:, :-1] - z, run.objective.numpy()

    def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.einsum("bkn,bkn->bk", a, b)

    R2, k, L0 = dot(before, before)[:, 0], np.arange(1, K + 1), L[:, 0]
    alpha, alpha_next = (k - 1) / (2 * K - k + 1), k / (2 * K - k)
    size = np.sqrt(dot(e, e))
    A, E = size.sum(1), dot(e, e).sum(1)
    expected = {
        "per_step_descent": -dot(G, G) / (2 * L) + L / 2 * dot(e, e),
        "ood_multi_step": L0 / (2 * K) * (R2 - dot(after, after)[:, -1]) - L0 / K * dot(e, after).sum(1),
        "ood_multi_step_sharp": L0 * R2 / (2 * (K + 1)) - L0 / K * dot(e, after).sum(1),
        "ood_last_iterate": L0 * R2 / (4 * K) - L0 * (alpha_next * dot(e, after) - alpha * dot(e, before)).sum(1),
        "ind_rate": L0 * R2 / (2 * K),
        "a_priori": L0 / (2 * K) * (np.sqrt(R2) + 2 * A) ** 2,
        "a_priori:sharp": L0 * R2 / (2 * (K + 1)) + L0 / K * (np.sqrt(R2) * A + (A**2 + E) / 2),
    }
    for name, rhs in expected.items():
        np.testing.assert_allclose(verify(run, p, name, o).rhs, rhs, rtol=1e-11, err_msg=name)
    lhs = verify(run, p, "ood_multi_step_sharp", o).lhs
    np.testing.assert_allclose(lhs, F[:, 1:].mean(1) - o.upper, rtol=1e-12)


def test_a_prefix_is_a_run() -> None:
    run, p, x0 = lasso_run(20)
    short = l2o.rollout(l2o.optimizer("ista"), p, x0, 7)
    head = run.head(7)
    torch.testing.assert_close(head.x, short.x, rtol=0, atol=0)
    torch.testing.assert_close(head.deviation, short.deviation, rtol=0, atol=0)
    with pytest.raises(l2o.InputError, match="head"):
        run.head(21)


def test_transformed_problems_and_shifted_runs() -> None:
    """Everything at once: shift, scale and dilation, learned and classical, no violation."""
    base = l2o.synthetic.lasso(8, 10, 20, sparsity=3, seed=2)
    for p in (base.shifted(10.0), base.scaled(30.0), base.rescaled(0.01), base.shifted(3.0).rescaled(7.0).scaled(0.1)):
        o = optimum(p)
        for method in ("fista", "go-math-l2o"):
            run = l2o.rollout(l2o.optimizer(method), p, l2o.synthetic.starts(p), 20)
            for v in verify_all(run, p, o, reference_step="best").values():
                assert v.count(Verdict.VIOLATED) == 0, v.summary()
                assert v.count(Verdict.INCONCLUSIVE) == 0, v.summary()


def test_summary_and_dict_agree() -> None:
    run, p, _ = lasso_run()
    v = verify(run, p, "per_step_descent")
    d = v.to_dict()
    assert d["checks"] == sum(d["counts"].values()) == 120
    assert f"{d['tightness_median']:.3g}" in v.summary()
    assert all(verdict.meaning for verdict in Verdict)


RUN, PROBLEM, START = lasso_run(3)
BAD = {
    "unknown bound": (lambda: verify(RUN, PROBLEM, "per_step_decent"), "per_step_descent"),
    "reference step": (lambda: verify(RUN, PROBLEM, "per_step_descent", reference_step=1.51), r"\(0, 3/2\]"),
    "reference word": (lambda: verify(RUN, PROBLEM, "per_step_descent", reference_step="good"), "best"),
    "other problem": (lambda: verify(RUN, l2o.synthetic.lasso(4, 10, 21), "per_step_descent"), "was made on"),
    "other optimum": (
        lambda: verify(RUN, PROBLEM, "ind_rate", optimum(l2o.synthetic.lasso(2, 10, 20))),
        "optimum of this problem",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case: str) -> None:
    act, says = BAD[case]
    with pytest.raises(l2o.InputError, match=says):
        act()


@pytest.mark.parametrize(
    "method", ["ista", "go-math-l2o", *(pytest.param(m, marks=pytest.mark.slow) for m in ("fista", "l2o-pa"))]
)
def test_single_precision_runs_are_judged_in_double(method: str) -> None:
    """A float32 run, against its own problem and against the float64 one it was cast from."""
    p = l2o.synthetic.lasso(4, 10, 20, sparsity=3, seed=1)
    single = p.to(torch.float32)
    run = l2o.rollout(l2o.optimizer(method), single, l2o.synthetic.starts(p).float(), 40)
    assert run.x.dtype == torch.float32
    for problem in (single, p):
        for v in verify_all(run, problem, optimum(problem), reference_step="best").values():
            assert v.count(Verdict.VIOLATED) == 0, v.summary()
    assert verify(run, single, "ood_last_iterate").overall is Verdict.VERIFIED


def test_recorded_deviations_are_recomputed() -> None:
    run, p, _ = lasso_run()
    v = verify(replace(run, deviation=run.deviation + 1e-9), p, "per_step_descent")
    assert any(c.name == "deviation" and not c.holds.any() for c in v.data)
