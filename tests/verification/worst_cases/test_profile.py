"""Profile certificates: they hold, they are attained, and a profile that is too small is found."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o, verification
from l2obound.verification import Verdict
from l2obound.verification.optima import Optimum
from l2obound.verification.worst_cases.profile import (
    NO_GUARANTEE,
    figure,
    mean_heads,
    profile_certificate,
    recurrence_certificate,
    rounded_up,
)


@pytest.fixture(scope="module")
def lasso():
    problem = l2o.synthetic.lasso(8, 20, 40, seed=1)
    return problem, verification.optimum(problem)


def rolled(problem, name: str, steps: int = 10, **options):
    shipped = (name, "lasso") in l2o.pretrained_names()
    opt = l2o.pretrained(name, "lasso") if shipped else l2o.optimizer(name, **options)
    return l2o.rollout(opt, problem, l2o.synthetic.starts(problem), steps)


def worst_run(eps: list[float]):
    """A run that is the worst of its profile, its problem, and the optimum of that, which is 0 at 0."""
    worst = bounds.worst_case(steps=len(eps), relative_error=eps)
    problem = l2o.problem_from(worst)
    run = l2o.rollout(l2o.method_from(worst), problem, l2o.start_from(worst), len(eps))
    zero = np.zeros(1)
    return worst, run, problem, Optimum(zero, zero, np.zeros((1, problem.dim)), ("",), ("known",), (None,))


CASES = list(itertools.product(("unit", "best"), ("worst", 3), ("go-math-l2o", "l2o-pa", "ista")))
# Ten of the best steps of a trained model take up to 10 s to solve; of the others one each stays.
LONG = [c for c in CASES if c[0] == "best" and c[2] != "ista"] + [("unit", 3, "l2o-pa"), ("unit", "worst", "ista")]


@pytest.mark.parametrize(
    ("reference", "instance", "name"),
    [pytest.param(*case, marks=pytest.mark.slow if case in LONG else ()) for case in CASES],
)
def test_trained_models_are_below_the_worst_case_of_their_profile(lasso, name, instance, reference) -> None:
    problem, certified = lasso
    certificate = profile_certificate(
        rolled(problem, name), problem, certified, (1, 2, 5, 10), instance, reference=reference, certified_up_to=5
    )
    settled = ~np.isnan(certificate.worst)
    assert settled[0]
    assert (certificate.verdict[:, settled] == Verdict.VERIFIED).all()
    assert (certificate.gap_up <= np.where(settled, certificate.worst, np.inf)).all()
    assert certificate.contained.all()
    if name == "ista":
        assert certificate.certified[:3].all()
        # eps = 1e-4, the least that is asked for: hardly above exact steps
        np.testing.assert_allclose(certificate.worst, 1 / (4 * np.array([1, 2, 5, 10])), rtol=1e-3)
        assert not certificate.vacuous[:, -1].any()
    else:  # what the deviations alone guarantee is nothing
        assert certificate.vacuous.all()
        assert "VACUOUS" in certificate.summary()
    json.dumps(certificate.to_dict(), allow_nan=False)


@pytest.mark.parametrize("eps", [[0.5] * 5, [0.8, 0.1, 0.9]])
def test_the_worst_run_attains_its_certificate_and_half_its_profile_is_found_out(eps) -> None:
    worst, run, problem, certified = worst_run(eps)
    K = len(eps)
    certificate = profile_certificate(run, problem, certified, (K,))
    assert [float(v) for v in certificate.profile] == pytest.approx(eps, rel=2e-5)
    assert float(certificate.gap_up[0, 0]) == pytest.approx(float(certificate.worst[0]), abs=1e-6)
    assert float(certificate.worst[0]) == pytest.approx(worst.value, abs=1e-6)
    assert certificate.verdict[0, 0] is Verdict.VERIFIED
    assert certificate.relative_rate[0, 0] >= certificate.worst[0]
    half = profile_certificate(run, problem, certified, (K,), profile=[e / 2 for e in eps])
    assert half.verdict[0, 0] is Verdict.VIOLATED
    assert not half.contained[0]
    assert "ABOVE IT: 1 of 1" in half.summary()
    assert "[0] do not have this profile" in half.summary()
    double = profile_certificate(run, problem, certified, (K,), profile=[1.05 * e for e in eps])
    assert double.contained[0]
    assert double.verdict[0, 0] is Verdict.VERIFIED


@dataclass(frozen=True)
class Erring:
    """Proximal gradient steps 1/L with gradient errors of a share of the gradient, straight back or anywhere."""

    share: float
    straight: bool
    name: str = "erring"

    def init(self, problem, x0, seed=0):
        return Point(x0, 0)

    def step(self, problem, state):
        gradient = problem.smooth_gradient(state.x)
        size = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
        rng = torch.Generator().manual_seed(state.index)
        way = torch.randn(gradient.shape, generator=rng, dtype=gradient.dtype)
        way = -gradient if self.straight else way
        error = self.share * size * way / torch.linalg.vector_norm(way, dim=-1, keepdim=True)
        step = 1 / problem.smoothness[:, None]
        argument = state.x - step * (gradient + error)
        return Point(problem.prox(argument, step), state.index + 1, step.expand_as(argument), argument)


@dataclass(frozen=True)
class Point:
    x: torch.Tensor
    index: int
    preconditioner: torch.Tensor | None = None
    prox_argument: torch.Tensor | None = None


@pytest.mark.parametrize(("straight", "share"), [(True, 0.2), (False, 0.7)])
@pytest.mark.parametrize("kind", ["lasso", "quadratic"])
def test_no_run_is_above_the_worst_case_of_its_profile(kind, share, straight) -> None:
    problem = l2o.synthetic.lasso(3, 3, 5, seed=4) if kind == "lasso" else l2o.synthetic.quadratic(3, 3, seed=4)
    run = l2o.rollout(Erring(share, straight), problem, l2o.synthetic.starts(problem, seed=4), 4)
    certified = verification.optimum(problem)
    for instance in range(3):
        certificate = profile_certificate(run, problem, certified, (1, 4), instance)
        settled = np.isfinite(certificate.worst)
        assert (certificate.verdict[0, settled] == Verdict.VERIFIED).all()
        assert settled.any() or kind == "lasso"
        if kind == "quadratic":
            assert float(max(certificate.profile)) == pytest.approx(share, rel=1e-5)


def test_the_class_of_a_batch_contains_that_of_each_instance(lasso) -> None:
    problem = l2o.synthetic.quadratic(3, 5, seed=2)
    run = rolled(problem, "nesterov", 5)
    certified = verification.optimum(problem)
    all_of_them = profile_certificate(run, problem, certified, (2, 5))
    assert all_of_them.method == "gradient"
    for b in range(3):
        one = profile_certificate(run, problem, certified, (2, 5), b)
        assert one.instances == (b,)
        assert all(mine <= shared for mine, shared in zip(one.profile, all_of_them.profile))
        assert (one.worst <= all_of_them.worst * (1 + 1e-6)).all()
        np.testing.assert_allclose(one.gap_up[0], all_of_them.gap_up[b])
    rho = run.relative_deviation.max(0).values.numpy()
    assert all(float(v) >= r for v, r in zip(all_of_them.profile, rho))


def test_steps_against_the_gradient_leave_nothing_bounded(lasso) -> None:
    """The shortcut for eps_k > 1 with r says what the engine says."""
    problem, certified = lasso
    certificate = profile_certificate(rolled(problem, "l2o-pa"), problem, certified, (1,))
    assert np.isposinf(certificate.worst).all()
    assert certificate.reasons == ("nothing is bounded: deviation > 1 at step 1",)
    assert certificate.to_dict()["rows"][0]["unbounded"]
    for eps in ([0.5, 1.2], [1.2, 0.5]):
        with pytest.raises(bounds.UnboundedError):
            bounds.worst_case("composite", method="proximal_gradient", steps=2, relative_error=eps)


def test_a_profile_within_rounding_is_none() -> None:
    """At a solution G_k is rounding: there is no relative deviation, and nothing is said of it."""
    problem = l2o.lasso(np.eye(2), np.array([3.0, 0.0]), 1.0)
    run = l2o.rollout(l2o.optimizer("ista"), problem, np.array([[5.0, 1.0]]), 3)
    certificate = profile_certificate(run, problem)
    assert certificate.steps == (1, 2)
    assert len(certificate.profile) == 1
    assert certificate.verdict[0].tolist() == [Verdict.VERIFIED, Verdict.NOT_APPLICABLE]
    assert "G_2 is within its rounding" in certificate.summary()


def test_what_is_not_found_is_said(monkeypatch) -> None:
    problem = l2o.synthetic.quadratic(1, 4, seed=2)
    run = rolled(problem, "gradient-descent", 2)

    def stopped(error):
        def worst_case(**question):
            raise error("no")

        return worst_case

    for error, word in ((bounds.InputError, "the solver stopped"), (bounds.UnboundedError, "too large")):
        monkeypatch.setattr(bounds, "worst_case", stopped(error), raising=False)
        certificate = profile_certificate(run, problem, steps=(2,))
        assert np.isnan(certificate.worst).all()
        assert word in certificate.summary()


def test_rounding_goes_up() -> None:
    assert rounded_up(0.12345649) == Fraction(123457, 10**6)
    assert rounded_up(1 / 3) > Fraction(1 / 3)
    assert rounded_up(0.5) == Fraction(1, 2)
    assert rounded_up(1e-9) == Fraction(1, 10_000)
    with pytest.raises(l2o.InputError, match="finite numbers >= 0"):
        rounded_up(np.inf)


def test_a_recurrence_without_memory_is_gradient_descent() -> None:
    done: list[int] = []
    certificate = recurrence_certificate([1.0] * 5, [0.0] * 5, [0.5] * 5, steps=(1, 5), progress=lambda: done.append(1))
    assert done == [1, 1]
    np.testing.assert_allclose(certificate.worst, [1 / 6, 1 / 22], rtol=1e-6)
    assert "a guarantee for these scalars" in certificate.summary()
    # with memory, the number of the theory's B13: Q = 1/4, B = 1/2
    memory = recurrence_certificate([1.0] * 10, [0.25] * 10, [0.5] * 10, steps=(10,))
    assert float(memory.worst[0]) == pytest.approx(0.0193, abs=1e-4)


def test_the_mean_heads_of_a_model_are_labelled(lasso) -> None:
    problem, _ = lasso
    opt, x0 = l2o.pretrained("go-math-l2o", "lasso"), l2o.synthetic.starts(problem)
    r, q, b = mean_heads(opt, problem, x0, 5)
    run = l2o.rollout(opt, problem, x0, 5)
    scaled = run.preconditioner * problem.smoothness[:, None, None]
    np.testing.assert_allclose(r, scaled.mean(dim=(0, 2)).numpy(), rtol=1e-12)
    assert ((q > 0) & (q < 2) & (b > 0) & (b < 1)).all()
    certificate = recurrence_certificate(r, q, b, "composite", label=NO_GUARANTEE)
    assert certificate.steps == (1, 2, 5)
    assert certificate.certified.all()
    assert (certificate.worst[2] < certificate.exact[2]).all()
    assert "not a guarantee: mean over coordinates" in certificate.summary()


def test_the_figure_shows_every_curve(lasso) -> None:
    problem, certified = lasso
    certificates = [
        profile_certificate(rolled(problem, name), problem, certified, (1, 2, 5)) for name in ("ista", "go-math-l2o")
    ]
    drawn = figure(certificates)
    first, second = drawn.axes
    assert [line.get_label() for line in first.lines] == [
        "largest gap of the runs",
        "worst case of the profile",
        "B8, from the largest deviation",
        "B6c, from the deviations",
        "worst case of exact steps",
    ]
    assert (first.get_xscale(), first.get_yscale()) == ("log", "log")
    assert first.get_xlabel() == "steps K"
    assert "L R^2" in first.get_ylabel()
    np.testing.assert_allclose(first.lines[1].get_ydata(), certificates[0].worst)
    assert second.lines[-1].get_label() == "worst case unbounded"
    np.testing.assert_array_equal(second.lines[-1].get_xdata(), [2, 5])
    drawn.canvas.draw()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": "nearest"}, "reference: expected one of unit, best"),
        ({"reference": "best", "profile": [0.1, 0.1]}, "leave out reference"),
        ({"steps": (0,)}, r"integers in 1\.\.2"),
        ({"steps": (3,)}, r"integers in 1\.\.2"),
        ({"steps": ()}, r"got \[\]"),
        ({"instance": 2}, r"an index in 0\.\.1, got 2"),
        ({"instance": "best"}, "got 'best'"),
        ({"instance": True}, "got True"),
        ({"profile": [0.1]}, "expected 2 numbers >= 0"),
        ({"profile": [0.1, -0.1]}, "expected 2 numbers >= 0"),
        ({"profile": [0.1, np.nan]}, "expected a list of finite numbers"),
        ({"profile": "low"}, "expected a list of finite numbers"),
    ],
)
def test_wrong_input(options, message) -> None:
    problem = l2o.synthetic.quadratic(2, 3, seed=0)
    with pytest.raises(l2o.InputError, match=message):
        profile_certificate(rolled(problem, "gradient-descent", 2), problem, **options)


def test_runs_that_have_no_profile() -> None:
    problem = l2o.synthetic.quadratic(2, 3, seed=0)
    run = rolled(problem, "gradient-descent", 2)
    certified = verification.optimum(problem)
    with pytest.raises(l2o.InputError, match="expected one of 2 instances, got 1"):
        profile_certificate(run, problem, certified.select(0))
    scalars = l2o.rollout(l2o.optimizer("gradient-descent"), problem, np.ones((2, 3)), 2, record="scalars")
    with pytest.raises(l2o.InputError, match="scalars only"):
        profile_certificate(scalars, problem, certified)
    with pytest.raises(l2o.InputError, match="data do not hold"):
        profile_certificate(replace(run, objective=run.objective + 1), problem, certified)
    still = l2o.rollout(l2o.optimizer("gradient-descent"), problem, certified.x, 2)
    with pytest.raises(l2o.InputError, match="R = 0"):
        profile_certificate(still, problem, certified)
    far = l2o.run_from_iterates(problem, np.array([1.0, 1e200, 1.0])[None, :, None] * np.ones((2, 3, 3)))
    with pytest.raises(l2o.InputError, match=r"instances \[0, 1\] diverged"):
        profile_certificate(far, problem, certified)
    bent = bounds.worst_case("smooth_nonconvex", steps=1, initial="objective", metric="best_gradient")
    bent_problem = l2o.problem_from(bent)
    bent_run = l2o.rollout(l2o.method_from(bent), bent_problem, l2o.start_from(bent), 1)
    with pytest.raises(l2o.InputError, match="f is not convex"):
        profile_certificate(bent_run, bent_problem, certified)


def test_wrong_recurrences(lasso) -> None:
    with pytest.raises(l2o.InputError, match="2 of r, 1 of q, 2 of b"):
        recurrence_certificate([1, 1], [0], [0, 0])
    with pytest.raises(l2o.InputError, match="expected a list of finite numbers"):
        recurrence_certificate(1.0, 0.0, 0.0)
    with pytest.raises(l2o.InputError, match="smooth_convex or composite"):
        recurrence_certificate([1], [0], [0], "convex")
    with pytest.raises(l2o.InputError, match="expected a GO-Math-L2O model"):
        mean_heads(l2o.optimizer("ista"), lasso[0], None, 1)
    with pytest.raises(l2o.InputError, match="no bias heads"):
        mean_heads(l2o.optimizer("go-math-l2o", gradient_map="recurrent"), lasso[0], None, 1)
    with pytest.raises(l2o.InputError, match="at least one"):
        figure([])
