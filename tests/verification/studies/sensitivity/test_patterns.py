"""Patterns have the deviation they are named by, and the region ends where it is said to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o
from l2obound.verification.runs.inspection import as_numpy, norm
from l2obound.verification.studies.sensitivity import (
    PATTERNS,
    Bias,
    MomentumWeight,
    StepScale,
    check_pattern,
    pattern,
)
from l2obound.verification.studies.sensitivity._patterns import largest_size
from tests.helpers.sampling import one_in

CONSTANT = [name for name in PATTERNS if name != "momentum-weight"]
PROBLEMS = {
    "quadratic": l2o.synthetic.quadratic(3, 8, condition=20.0),
    "lasso": l2o.synthetic.lasso(3, 8, 12),
    "logistic": l2o.synthetic.logistic_l1(3, 12, 6),
    "group": l2o.synthetic.group_lasso(3, 8, 12, size=3, active=2),
}
"""Also a term that is not separable; patterns of p by coordinate need a separable one."""
BY_COORDINATE = ("random-signs", "worst-signs")


def line(curvature: float = 2.0) -> l2o.Composite:
    """F = curvature x^2 / 2, on which a step of deviation rho multiplies |x| by rho."""
    return l2o.quadratic(np.array([[[curvature]]]), np.zeros((1, 1)))


PAIRS = [(k, n) for k in PROBLEMS for n in PATTERNS if k != "group" or n not in BY_COORDINATE]


@pytest.mark.parametrize(
    ("key", "name"), [p if i % 2 == 0 else pytest.param(*p, marks=pytest.mark.slow) for i, p in enumerate(PAIRS)]
)
def test_the_measured_deviation_is_the_nominal_one(key: str, name: str) -> None:
    problem = PROBLEMS[key]
    x0 = l2o.synthetic.starts(problem, shift=3.0)
    for size in (0.0, 0.1, 0.5, 0.95, 1.4):
        if size >= largest_size(name, problem.nonsmooth.is_zero):
            continue
        made = pattern(name, size)
        run = l2o.rollout(made, problem, x0, 12, seed=4)
        deviation = check_pattern(made, run)
        assert deviation.agrees, (size, deviation.error)
        assert deviation.compared.mean() > 0.7
        if made.level is not None:
            assert deviation.error < 1e-7
            assert deviation.claims_region == deviation.in_region == (size < 1)


@pytest.mark.parametrize("name", PATTERNS)
def test_steps_are_pure_and_their_prox_is_a_prox(name: str) -> None:
    problem = PROBLEMS["lasso"]
    made = pattern(name, 0.4)
    state = made.step(problem, made.init(problem, l2o.synthetic.starts(problem), seed=7))
    before = state.x.clone()
    one, two = made.step(problem, state), made.step(problem, state)
    assert torch.equal(one.x, two.x)
    assert torch.equal(state.x, before)
    assert torch.equal(one.x, problem.nonsmooth.prox(one.prox_argument, one.preconditioner))


def test_a_bias_has_the_size_of_the_gradient_it_changes() -> None:
    problem = PROBLEMS["lasso"]
    for way in ("random", "against"):
        run = l2o.rollout(Bias(0.6, way), problem, l2o.synthetic.starts(problem), 6)
        G, b = norm(as_numpy(run.generalized_gradient)), norm(as_numpy(run.bias))
        np.testing.assert_allclose(as_numpy(run.smoothness)[:, None] * b, 0.6 * G, rtol=1e-9)


def test_momentum_of_constant_weight_is_the_heavy_ball() -> None:
    problem = PROBLEMS["quadratic"]
    x0 = l2o.synthetic.starts(problem)
    one, two = (l2o.rollout(o, problem, x0, 15) for o in (MomentumWeight(0.5), l2o.optimizer("heavy-ball")))
    torch.testing.assert_close(one.x, two.x)


def test_a_bias_against_the_gradient_is_the_short_step_where_r_is_zero() -> None:
    problem = PROBLEMS["quadratic"]
    x0 = l2o.synthetic.starts(problem)
    one, two = (l2o.rollout(pattern(n, 0.3), problem, x0, 10) for n in ("bias-against", "short-step"))
    torch.testing.assert_close(one.x, two.x)


@pytest.mark.parametrize("name", one_in(2, CONSTANT))
def test_just_inside_every_run_descends(name: str) -> None:
    """rho = 0.99 on the families, and on the instance on which a profile of 0.99 does worst."""
    worst = [bounds.worst_case(steps=3, relative_error=0.99)]
    if name not in BY_COORDINATE:  # its r is a greatest of planes
        worst.append(bounds.worst_case("composite", method="proximal_gradient", steps=3, relative_error=0.99))
    instances = [(l2o.problem_from(w), l2o.start_from(w), 3) for w in worst]
    instances += [(p, l2o.synthetic.starts(p, shift=2.0), 40) for k, p in PROBLEMS.items() if k != "group"]
    instances.append((line(), torch.ones(1, 1, dtype=torch.float64), 40))
    for problem, x0, steps in instances:
        F = as_numpy(l2o.rollout(pattern(name, 0.99), problem, x0, steps).objective)
        assert (np.diff(F, axis=1) <= 1e-9 * (1 + np.abs(F[:, :-1]))).all(), problem.name
        assert (F[:, -1] < F[:, 0]).all(), problem.name


@pytest.mark.parametrize("name", [n for n in CONSTANT if n != "short-step"])
def test_the_region_ends_at_one_on_the_line(name: str) -> None:
    x0 = torch.ones(1, 1, dtype=torch.float64)
    for size, factor in ((0.99, 0.99), (1.01, 1.01)):
        x = l2o.rollout(pattern(name, size), line(), x0, 200).x[0, :, 0].abs()
        start = 1 if name == "momentum" else 0  # its first step is exact, and on the line that is all
        if start:
            assert float(x[-1]) == 0
            continue
        np.testing.assert_allclose(x[-1], factor**200, rtol=1e-9)


def test_outside_the_momentum_along_the_last_step_climbs() -> None:
    """Two modes, so that the exact first step does not end the run."""
    problem = l2o.quadratic(np.diag([1.0, 0.2])[None], np.zeros((1, 2)))
    x0 = torch.ones(1, 2, dtype=torch.float64)
    ends = [as_numpy(l2o.rollout(pattern("momentum", s), problem, x0, 300).objective)[0] for s in (0.99, 2.0)]
    assert ends[0][-1] < 1e-3 * ends[0][0]
    assert ends[1][-1] > ends[0][-1]
    assert (np.diff(ends[1]) > 0).any()


def test_outside_with_l1_the_long_step_diverges() -> None:
    problem = l2o.lasso(np.eye(1)[None], np.zeros((1, 1)), 0.01)
    x0 = torch.full((1, 1), 100.0, dtype=torch.float64)
    inside, outside = (as_numpy(l2o.rollout(StepScale(s), problem, x0, 200).objective)[0] for s in (0.99, 1.05))
    assert inside[-1] < 0.1 * inside[0]
    assert outside[-1] > 1e3 * outside[0]


@dataclass(frozen=True)
class Misnamed(StepScale):
    """Says half of its deviation."""

    def nominal(self, run: l2o.Run) -> np.ndarray:
        return super().nominal(run) / 2


def test_a_wrong_nominal_deviation_is_found() -> None:
    problem = PROBLEMS["lasso"]
    for size, inside in ((0.4, True), (1.2, False)):
        made = Misnamed(size)
        deviation = check_pattern(made, l2o.rollout(made, problem, l2o.synthetic.starts(problem), 8))
        assert not deviation.agrees
        assert deviation.error == pytest.approx(size / 2)
        assert deviation.claims_region
        assert deviation.in_region == inside
    slightly = replace(StepScale(0.4), size=0.4 + 1e-7)
    run = l2o.rollout(StepScale(0.4), problem, l2o.synthetic.starts(problem), 8)
    assert not check_pattern(slightly, run).agrees


def test_what_is_not_defined_is_refused() -> None:
    problem = PROBLEMS["lasso"]
    x0 = l2o.synthetic.starts(problem)
    for name in ("random-signs", "worst-signs", "bias-random", "momentum"):
        with pytest.raises(l2o.InputError, match="expected size < 1"):
            l2o.rollout(pattern(name, 1.0), problem, x0, 1)
    for wrong in (lambda: pattern("short-step", 1.0), lambda: pattern("long-step", 2.0), lambda: pattern("bias", 0.1)):
        with pytest.raises(l2o.InputError, match="expected"):
            wrong()
    with pytest.raises(l2o.InputError, match="way"):
        Bias(0.1, "sideways")


def test_a_run_of_scalars_cannot_be_checked() -> None:
    problem = l2o.synthetic.lasso(2, 8, 12, seed=0)
    run = l2o.rollout(l2o.optimizer("ista"), problem, l2o.synthetic.starts(problem), 3, record="scalars")
    with pytest.raises(l2o.InputError, match="check_pattern: the run kept scalars only"):
        check_pattern(l2o.optimizer("ista"), run)
