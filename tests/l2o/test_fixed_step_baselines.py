"""OGM, OptISTA and silver steps: their worst cases are the theorems', and instances attain them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch

from l2obound import bounds, l2o, verification
from tests.helpers.pep import worst_case_of

RHO = 1 + math.sqrt(2)
SOLVER = 2e-6  # relative: what the interior-point method leaves of a gap of 1e-8 on values down to 0.004


def squares(steps: int) -> list[float]:
    """theta_0^2, ..., theta_K^2 of a horizon K, from theta_k^2 - theta_k = theta_{k-1}^2, twice that for the last."""
    thetas_squared = [1.0]
    for k in range(steps):
        total = thetas_squared[-1] * (2 if k == steps - 1 else 1)
        thetas_squared.append(((1 + math.sqrt(1 + 4 * total)) / 2) ** 2)
    return thetas_squared


def ogm_factor(steps: int) -> float:
    return 1 / (2 * squares(steps)[-1])


def optista_factor(steps: int) -> float:
    return 1 / (2 * (squares(steps)[-1] - 1))


def silver_smooth(steps: int) -> float:
    return 1 / (4 * (steps + 1) ** math.log2(RHO) - 2)


def silver_composite(steps: int) -> float:
    return 1 / (4 * (steps + 1) ** math.log2(RHO) - 4)


HORIZONS = {"ogm": (1, 2, 5), "optista": (1, 2, 4), "silver-gradient": (1, 3, 7), "silver-proximal": (1, 3)}
FACTORS = {
    "ogm": ogm_factor,
    "optista": optista_factor,
    "silver-gradient": silver_smooth,
    "silver-proximal": silver_composite,
}


def method(name: str, steps: int):
    return l2o.optimizer(name, **({"horizon": steps} if name in ("ogm", "optista") else {}))


@pytest.mark.parametrize(("name", "steps"), [(n, k) for n, ks in HORIZONS.items() for k in ks])
def test_the_worst_case_of_the_code_is_that_of_the_theorem(name: str, steps: int) -> None:
    composite = name in ("optista", "silver-proximal")
    worst = worst_case_of(method(name, steps), steps, composite=composite)
    assert worst == pytest.approx(FACTORS[name](steps), rel=SOLVER)


@dataclass(frozen=True)
class OfAnotherHorizon:
    """OGM or OptISTA that plans for one step more than are made."""

    base: str
    horizon: int

    def init(self, problem, x0, seed=0):
        return method(self.base, self.horizon + 1).init(problem, x0)

    def step(self, problem, state):
        return method(self.base, self.horizon + 1).step(problem, state)


@pytest.mark.parametrize("name", ["ogm", "optista"])
def test_another_last_step_has_another_worst_case(name: str) -> None:
    wrong = worst_case_of(OfAnotherHorizon(name, 3), 3, composite=name == "optista")
    assert wrong > 1.01 * FACTORS[name](3)


def test_the_worst_case_program_agrees_with_the_engine() -> None:
    """On methods that `bounds.worst_case` knows."""
    for name, function_class, engine in (
        ("ista", "composite", "proximal_gradient"),
        ("fista", "composite", "accelerated_gradient"),
        ("gradient-descent", "smooth_convex", "gradient"),
    ):
        exact = bounds.worst_case(function_class=function_class, method=engine, steps=3)
        worst = worst_case_of(l2o.optimizer(name), 3, composite=function_class == "composite")
        assert exact.lower * (1 - SOLVER) <= worst <= exact.upper * (1 + SOLVER)


def test_ogm_without_a_horizon_is_within_its_bound_at_every_step() -> None:
    for k in (1, 2, 4):
        square = squares(k + 1)[k - 1]  # the squares before the last are those without a horizon
        worst = worst_case_of(l2o.optimizer("ogm"), k, composite=False)
        assert worst <= 1 / (4 * square)
        assert worst == pytest.approx(1 / (4 * square + 2), rel=SOLVER)


@pytest.mark.parametrize("name", HORIZONS)
@pytest.mark.parametrize("steps", [1, 7, 31, 127])
def test_an_instance_attains_the_factor(name: str, steps: int) -> None:
    """A parabola (OGM), |x| with a rounded tip (silver), a slope on a half-line (with a prox); R = 3, L = 2."""
    factor, radius, L = FACTORS[name](steps), 3.0, 2.0
    length = sum(1 + RHO ** ((k & -k).bit_length() - 2) for k in range(1, steps + 1))
    if name == "ogm":
        p = l2o.Composite(l2o.quadratic([[[L]]], [[0.0]]).smooth, l2o.zero())
    elif name == "silver-gradient":
        delta = radius / (2 * length + 1)  # in units of x: f = L x^2/2 below, L delta (|x| - delta/2) above
        p = l2o.Composite(l2o.huber([[[math.sqrt(L)]]], [[0.0]], math.sqrt(L) * delta), l2o.zero())
    else:
        total = length if name == "silver-proximal" else (squares(steps)[-1] - 1) / 2
        slope = L * radius / (2 * total)
        # a linear f: its declared L is 1, so that the step is in units of it
        p, L = l2o.Composite(l2o.quadratic([[[0.0]]], [[-slope / L]]).smooth, l2o.nonnegative()), 1.0
    x0 = torch.full((1, 1), radius, dtype=torch.float64)
    end = l2o.rollout(method(name, steps), p, x0, steps).objective[0, -1]
    assert float(p.smoothness) == pytest.approx(L)
    assert float(end) == pytest.approx(L * radius**2 * factor, rel=1e-9)
    assert float(end) > 0.999 * L * radius**2 * factor, "a factor that is 0.1 % less is refuted"


RANDOM = {
    "quadratic": lambda seed: l2o.synthetic.quadratic(8, 12, condition=1e3, seed=seed),
    "huber": lambda seed: l2o.Composite(l2o.synthetic.huber_l1(8, 15, 10, seed=seed).smooth, l2o.zero()),
    "lasso": lambda seed: l2o.synthetic.lasso(8, 10, 20, seed=seed),
    "logistic": lambda seed: l2o.synthetic.logistic_l1(8, 30, 8, lam=0.02, seed=seed),
}


def gaps(name: str, p: l2o.Composite, seed: int, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(B,) F(x_K) - F*, from above, and L R^2, R the distance to a point that is a minimiser as far as one can tell."""
    x0 = l2o.synthetic.starts(p, shift=1.0, seed=seed)
    optimum = verification.optimum(p)
    end = l2o.rollout(method(name, steps), p, x0, steps).objective[:, -1]
    best = torch.as_tensor(optimum.x)
    return end - torch.as_tensor(optimum.lower), p.smoothness * ((x0 - best) ** 2).sum(1)


@pytest.mark.parametrize("family", RANDOM)
@pytest.mark.parametrize("name", HORIZONS)
def test_random_instances_are_within_the_bound(name: str, family: str) -> None:
    p = RANDOM[family](3)
    if name in ("ogm", "silver-gradient") and not p.nonsmooth.is_zero:
        pytest.skip("it needs r = 0")
    for steps in (1, 7, 63):
        gap, unit = gaps(name, p, 3, steps)
        assert bool((gap <= FACTORS[name](steps) * unit * (1 + 1e-6) + 1e-9).all())


def test_after_the_horizon_the_method_begins_anew() -> None:
    p = l2o.synthetic.lasso(3, 10, 20, seed=5)
    x0 = l2o.synthetic.starts(p)
    opt = l2o.optimizer("optista", horizon=6)
    run = l2o.rollout(opt, p, x0, 10)
    again = l2o.rollout(opt, p, run.x[:, 6], 4)
    assert torch.equal(run.x[:, 6:], again.x)
    q = l2o.synthetic.quadratic(3, 5, seed=1)
    opt = l2o.optimizer("ogm", horizon=4)
    run = l2o.rollout(opt, q, l2o.synthetic.starts(q), 7)
    assert torch.equal(run.x[:, 4:], l2o.rollout(opt, q, run.x[:, 4], 3).x)


@pytest.mark.parametrize("horizon", [0, 2.0, True, 10**7])
@pytest.mark.parametrize("name", ["ogm", "optista"])
def test_a_horizon_is_a_number_of_steps(name: str, horizon) -> None:
    with pytest.raises(l2o.InputError, match="horizon: expected a number of steps"):
        l2o.optimizer(name, horizon=horizon)


@pytest.mark.parametrize("name", ["ogm", "silver-gradient"])
def test_methods_without_a_prox_say_which_has_one(name: str) -> None:
    p = l2o.synthetic.lasso(1, 3, 4)
    with pytest.raises(l2o.InputError, match=r"use (optista|silver-proximal)"):
        l2o.optimizer(name).init(p, l2o.synthetic.starts(p))
