"""Run certificates: never above F*, near to it on shipped models, and what they say where nothing is known."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from l2obound import l2o, verification
from l2obound.l2o.problems.nonsmooth import L1, Box, NonsmoothTerm
from l2obound.l2o.problems.smooth import LeastSquares, LinearMap, SmoothTerm
from l2obound.verification.optima import CertificateError
from tests.helpers import zoo

CONVEX = ("least-squares", "least-squares-shared", "logistic", "quadratic", "huber", "squared-hinge")
TERMS = {**zoo.nonsmooth_terms(), **zoo.coupled_terms()}


def composite(f: str, r: str) -> l2o.Composite:
    return l2o.Composite({**zoo.smooth_terms(), **zoo.losses()}[f], TERMS[r])


def fista(p: l2o.Composite, steps: int = 25) -> l2o.Run:
    return l2o.rollout(l2o.optimizer("fista"), p, zoo.start(p), steps)


def optimum(p: l2o.Composite) -> verification.Optimum:
    return verification.optimum(p, cache=False)


def lasso(batch: int = 4, seed: int = 0) -> tuple[l2o.Composite, l2o.Run]:
    p = l2o.synthetic.lasso(batch, 20, 40, seed=seed)
    return p, l2o.rollout(l2o.optimizer("fista"), p, l2o.synthetic.starts(p), 50)


def true_radius(o: verification.Optimum, run: l2o.Run) -> np.ndarray:
    """||x_0 - x|| for the point of the optimum, with what its own distance from a minimiser may be."""
    return 1.5 * np.linalg.norm(run.x[:, 0].numpy() - o.x, axis=1) + 1.0


# --- never above F*


PAIRS = (
    *(("least-squares", "zero"), ("logistic", "l1-per-instance"), ("huber", "elastic-net"), ("quadratic", "box")),
    *(
        ("logistic", "nonnegative"),
        ("least-squares-shared", "simplex"),
        ("quadratic", "l2-ball"),
        ("huber", "group-l1"),
    ),
)
"""Each form of a certificate; the slow test has all pairs."""


@pytest.mark.parametrize(("f", "r"), PAIRS)
def test_never_above_the_optimum(f: str, r: str) -> None:
    p = composite(f, r)
    o, run = optimum(p), fista(p)
    for radius in (None, true_radius(o, run)):
        c = verification.run_certificate(run, p, radius=radius)
        assert (c.lower[:, 0] <= o.upper).all()
        assert (c.upper[:, 0] >= o.lower).all()
        assert (c.averaged <= c.lower[:, 0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("f", CONVEX)
@pytest.mark.parametrize("r", sorted(TERMS))
@pytest.mark.parametrize("change", [None, *sorted(zoo.CHANGES)])
def test_never_above_the_optimum_everywhere(f: str, r: str, change: str | None) -> None:
    p = composite(f, r)
    p = p if change is None else zoo.CHANGES[change](p)
    o, run = optimum(p), fista(p)
    for radius in (None, true_radius(o, run)):
        c = verification.run_certificate(run, p, radius=radius, steps=[0, 1, 5, 25])
        assert (c.lower <= o.upper[:, None]).all()
        assert (c.upper >= o.lower[:, None]).all()


def random_weights(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Weights from even ones to nearly a single one."""
    return rng.dirichlet(np.full(shape[1], 10.0 ** rng.uniform(-2, 1)), size=shape[0]) + 1e-300


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["l1", "box", "simplex", "l2-ball", "group-l1", "zero"]))
def test_any_weights_are_valid(seed: int, r: str) -> None:
    p = composite("least-squares", r)
    run, o = _RUNS.setdefault(r, (fista(p), optimum(p)))
    weights = random_weights(np.random.default_rng(seed), (3, run.steps + 1))
    c = verification.run_certificate(run, p, weights=weights, radius=true_radius(o, run))
    assert np.isfinite(c.averaged).all()
    assert (c.averaged <= o.upper).all()


_RUNS: dict[str, tuple[l2o.Run, verification.Optimum]] = {}


@pytest.mark.slow
@pytest.mark.parametrize("family", ["lasso", "logistic_l1", "huber_l1", "quadratic"])
def test_ten_thousand_random_weights(family: str) -> None:
    p = getattr(l2o.synthetic, family)(100, **({} if family == "quadratic" else {"rows": 20}), dim=12, seed=5)
    o = optimum(p)
    run = l2o.rollout(l2o.optimizer("fista" if family != "quadratic" else "nesterov"), p, l2o.synthetic.starts(p), 20)
    rng = np.random.default_rng(0)
    for _ in range(100):
        weights = random_weights(rng, (100, 21))
        c = verification.run_certificate(run, p, weights=weights, radius=true_radius(o, run))
        assert (c.averaged <= o.upper).all()


def test_the_validity_tests_can_fail() -> None:
    """With an L that is too small, the formula gives numbers above F*, which is noticed."""
    p, run = lasso()
    wrong = l2o.Composite(Misdeclared(p.smooth, 0.05), p.nonsmooth)
    with pytest.raises(CertificateError, match="L is too small"):
        verification.run_certificate(run, wrong, smooth_lower=0.0)
    free = l2o.synthetic.quadratic(2, 6)
    with pytest.raises(CertificateError, match="radius"):
        verification.run_certificate(
            l2o.rollout(l2o.optimizer("nesterov"), free, l2o.synthetic.starts(free), 9), free, radius=1e-3
        )
    with pytest.raises(CertificateError, match="smooth_lower"):
        verification.run_certificate(run, p, smooth_lower=run.objective[:, -1].numpy() * 2)


# --- how good it is


@pytest.mark.parametrize(("shift", "target"), [(0.0, 20.0), (10.0, 300.0)])
def test_shipped_model_on_lasso(shift: float, target: float) -> None:
    """No radius is given; the median certified gap is a small multiple of the median true one."""
    p = l2o.synthetic.lasso(32, 20, 40, seed=3)
    run = l2o.rollout(l2o.pretrained("go-math-l2o", "lasso"), p, l2o.synthetic.starts(p, shift=shift), 50)
    c, o = verification.run_certificate(run, p), optimum(p)
    assert np.median(c.gap[:, 0]) <= target * np.median(c.upper[:, 0] - o.lower)
    assert (c.gap[:, 0] >= c.upper[:, 0] - o.upper).all()


def test_best_weights_beat_others() -> None:
    p, run = lasso()
    best = verification.run_certificate(run, p).averaged
    rng = np.random.default_rng(0)
    for _ in range(8):
        assert (verification.run_certificate(run, p, weights=random_weights(rng, (4, 51))).averaged <= best).all()


def test_a_hard_instance_does_not_spoil_its_batch() -> None:
    """Systems of one instance that are nearly singular are made heavier, and those of the others are not."""
    p, model = l2o.synthetic.lasso(32, 20, 40, seed=3), l2o.pretrained("l2o-pa", "lasso")
    start = l2o.synthetic.starts(p)
    together = verification.run_certificate(l2o.rollout(model, p, start, 50), p).gap[:, 0]
    for b in (1, 2, 4, 7):
        one = p.select([b])
        alone = verification.run_certificate(l2o.rollout(model, one, start[b : b + 1], 50), one).gap[0, 0]
        assert together[b] <= 2 * alone


def test_never_above_the_duality_gap() -> None:
    """By hand: the dual value at the residual of the best point, scaled into the dual feasible set."""
    p, run = lasso(6)
    c = verification.run_certificate(run, p, steps=[0, 1, 5, 50])
    a, y, lam = p.smooth.map.matrix.numpy(), p.smooth.target.numpy(), p.nonsmooth.lam.numpy()[0, 0]
    for s in range(4):
        x = run.x[np.arange(6), c.best[:, s]].numpy()
        residual = np.einsum("bmn,bn->bm", a, x) - y
        reach = np.abs(np.einsum("bmn,bm->bn", a, residual)).max(-1, keepdims=True)
        u = residual * np.minimum(1.0, lam / reach)
        dual = -0.5 * (u * u).sum(-1) - (u * y).sum(-1)
        assert (c.lower[:, s] >= dual - 1e-12).all()


def test_steps_only_improve() -> None:
    p, run = lasso()
    run = run.head(20)
    c = verification.run_certificate(run, p, steps="all")
    assert c.lower.shape == (4, 21)
    assert (np.diff(c.lower) >= 0).all()
    assert (np.diff(c.upper) <= 1e-12).all()
    assert (c.weights.sum(-1) == 2**52).all()
    alone = verification.run_certificate(run, p, steps=[20])
    assert (alone.lower[:, 0] <= c.lower[:, 20]).all()


def test_few_points_of_a_long_run() -> None:
    p, run = lasso()
    c, o = verification.run_certificate(run, p, points=10), optimum(p)
    assert c.weights.shape == (4, 10)
    assert (c.lower[:, 0] <= o.upper).all()
    assert (c.gap[:, 0] < 0.1).all()


def test_dependence_on_the_extent() -> None:
    p, run = lasso()
    c = verification.run_certificate(run, p)
    np.testing.assert_allclose(c.lower_at(c.extent), c.averaged, rtol=1e-9)
    assert (c.lower_at(2 * c.extent) <= c.averaged).all()


# --- runs of any kind


def test_diverged_points_are_left_out() -> None:
    p, run = lasso()
    x = run.x.clone()
    x[1, 30:] = torch.inf
    x[2, 10] = torch.nan
    x[3, 40] = 1e200
    c, o = verification.run_certificate(replace(run, x=x), p), optimum(p)
    assert (c.lower[:, 0] <= o.upper).all()
    assert np.isfinite(c.gap).all()


def test_a_run_in_float32() -> None:
    p = l2o.synthetic.lasso(3, 20, 40, seed=2)
    run = l2o.rollout(l2o.optimizer("fista"), p.to(torch.float32), l2o.synthetic.starts(p).float(), 60)
    c, o = verification.run_certificate(run, p), optimum(p)
    assert (c.lower[:, 0] <= o.upper).all()
    assert (c.gap[:, 0] < 1e-2).all()


def test_a_change_of_variables_is_undone() -> None:
    p, run = lasso()
    q = p.shifted(0.5).scaled(4.0).rescaled(2.0)
    moved = l2o.run_from_iterates(q, (run.x - 0.5) * 2.0)
    c, d = verification.run_certificate(run, p), verification.run_certificate(moved, q)
    np.testing.assert_allclose(d.gap, 4 * c.gap, rtol=0.2)


@dataclass(frozen=True, eq=False)
class Misdeclared(SmoothTerm):
    """A smooth term of somebody else: nothing is known of it but its interface; L is `factor` times the true one."""

    base: SmoothTerm
    factor: float = 1.0
    kind = "own"

    batch_size = property(lambda self: self.base.batch_size)
    dim = property(lambda self: self.base.dim)
    smoothness = property(lambda self: self.factor * self.base.smoothness)
    strong_convexity = property(lambda self: 0 * self.base.smoothness)

    def value_and_gradient(self, x):
        return self.base.value_and_gradient(x)

    def value_error(self, x):
        return self.base.value_error(x)

    def gradient_error(self, x):
        return self.base.gradient_error(x)

    def arrays(self):
        return self.base.arrays()

    def select(self, index):
        return Misdeclared(self.base.select(index), self.factor)

    def to(self, dtype=None, device=None):
        return Misdeclared(self.base.to(dtype, device), self.factor)


@dataclass(frozen=True, eq=False)
class TwoSlopes(NonsmoothTerm):
    """sum_i max(low x_i, high x_i), somebody else's term."""

    low: torch.Tensor
    high: torch.Tensor
    kind = "two-slopes"
    batch_size = 1

    def values(self, x):
        return torch.maximum(self.low * x, self.high * x)

    def prox(self, u, step):
        return (u - self.high * step).clamp(min=0.0) + (u - self.low * step).clamp(max=0.0)

    def subdifferential(self, x):
        low, high = self.low.expand_as(x), self.high.expand_as(x)
        return torch.where(x > 0, high, low), torch.where(x < 0, low, high)

    def arrays(self):
        return {"low": self.low, "high": self.high}

    def select(self, index):
        return self

    def to(self, dtype=None, device=None):
        return self


def two_slopes() -> TwoSlopes:
    return TwoSlopes(zoo.column(-0.1), zoo.column(0.3))


def test_somebody_elses_terms() -> None:
    """f and r of which only values, gradients, subgradients and L are known."""
    p, run = lasso()
    own = l2o.Composite(Misdeclared(p.smooth), p.nonsmooth)
    o = optimum(p)
    c = verification.run_certificate(run, own, smooth_lower=0.0)
    assert (c.lower[:, 0] <= o.upper).all()
    assert (c.gap[:, 0] <= 2e-2).all()
    assert verification.run_certificate(run, own).reason[0].startswith("nothing bounds the minimisers: f >= 0")

    q = l2o.Composite(Misdeclared(zoo.smooth_terms()["least-squares"]), two_slopes())
    long, run = fista(q, 2000), fista(q, 40)
    least = long.objective.min(1).values.numpy()
    x = long.x[:, -1]
    radius = 1.01 * (x - run.x[:, 0]).norm(dim=1) + 1e-3
    c = verification.run_certificate(run, q, radius=radius)
    assert set(c.source[:, 0]) == {"averaged gradients over a ball"}
    assert (c.lower[:, 0] <= least).all()
    assert (c.gap[:, 0] <= 0.05).all()
    assert verification.run_certificate(run, q).reason[0].startswith("nothing bounds the minimisers: of this nonsmooth")


@pytest.mark.parametrize("r", ["box", "simplex", "l2-ball"])
def test_the_tangent_gives_somebody_elses_term_an_interval(r: str) -> None:
    """`optimum` knows no dual of the term; over a bounded set its tangent is enough."""
    f = zoo.smooth_terms()["least-squares"]
    true, result = optimum(l2o.Composite(f, TERMS[r])), optimum(l2o.Composite(Misdeclared(f), TERMS[r]))
    assert (result.lower <= true.upper).all()
    assert (result.upper >= true.lower).all()
    assert (result.width <= 1e-5).all()


class Doubled(LeastSquares):
    """Computes something else than the class it derives from."""

    def value(self, x):
        return 2 * super().value(x)


def test_what_is_not_certified_says_why() -> None:
    p, run = lasso()
    a, y = p.smooth.map.matrix, p.smooth.target
    rough = l2o.Composite(Doubled(LinearMap(a), y), p.nonsmooth)
    c = verification.run_certificate(run, rough)
    assert "overrides value" in c.reason[0]
    assert np.isneginf(c.lower).all()
    assert np.isinf(c.gap).all()
    bent = composite("student-t", "l1")
    assert "not convex" in verification.run_certificate(fista(bent), bent).reason[0]
    free = l2o.Composite(p.smooth, TERMS["zero"])  # singular
    run = l2o.rollout(l2o.optimizer("nesterov"), free, l2o.synthetic.starts(free), 5)
    assert (verification.run_certificate(run, free).lower >= 0).all()  # f >= 0
    outside = l2o.Composite(p.smooth, Box(zoo.column(2.0), zoo.column(3.0)))
    run = l2o.run_from_iterates(outside, torch.zeros(4, 3, 40, dtype=torch.float64))
    c = verification.run_certificate(run, outside)
    assert np.isinf(c.upper).all()
    assert c.reason[0] == "no point of the run has a finite objective"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": []}, "steps: expected increasing integers in 0..50"),
        ({"steps": [3, 2]}, "steps: expected increasing"),
        ({"steps": [51]}, "steps: expected increasing"),
        ({"steps": "some"}, "steps: expected integers, 'all' or None"),
        ({"radius": -1.0}, "radius"),
        ({"radius": [1.0, 2.0]}, "radius"),
        ({"center": np.zeros(40)}, "center: it is the center of a ball"),
        ({"radius": 1.0, "center": np.zeros(3)}, "center: expected"),
        ({"points": 1}, "points: expected an integer >= 2"),
        ({"weights": np.ones((4, 3))}, "weights: expected"),
        ({"weights": -np.ones((4, 51))}, "weights: expected numbers >= 0"),
        ({"smooth_lower": [0.0, 0.0]}, "smooth_lower"),
    ],
)
def test_wrong_input(options: dict, message: str) -> None:
    p, run = lasso()
    with pytest.raises(l2o.InputError, match=message):
        verification.run_certificate(run, p, **options)


def test_wrong_runs() -> None:
    p, run = lasso()
    scalars = l2o.rollout(l2o.optimizer("ista"), p, run.x[:, 0], 3, record="scalars")
    with pytest.raises(l2o.InputError, match="record='all'"):
        verification.run_certificate(scalars, p)
    with pytest.raises(l2o.InputError, match="pass the problem the run was made on"):
        verification.run_certificate(run, p.select([0]))


def test_written_data(tmp_path) -> None:
    p, run = lasso()
    c = verification.run_certificate(run, p)
    data = json.loads(c.save(tmp_path / "c.json").read_text())
    assert data == c.to_dict()
    assert [r["lower"] for r in data["instances"]] == c.averaged.tolist()


def test_l1_of_weight_zero() -> None:
    """lam = 0 in one instance: nothing bounds its minimisers, the others are certified."""
    p, _ = lasso()
    q = l2o.Composite(p.smooth, L1(zoo.column(0.1, 0.0, 0.1, 0.1)))
    c = verification.run_certificate(l2o.rollout(l2o.optimizer("fista"), q, l2o.synthetic.starts(q), 30), q)
    assert (c.lower[:, 0] <= optimum(q).upper).all()
    assert np.isfinite(c.averaged[[0, 2, 3]]).all()
