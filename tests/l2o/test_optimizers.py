"""Optimizers: the network cell, equivariance, options, purity, checkpoints."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from l2obound import l2o
from tests.helpers import zoo

NAMES = l2o.optimizer_names()
NETWORKS = ("l2o-dm", "l2o-rnnprop", "l2o-pa", "go-math-l2o")
# With a constant step these come to rest near a minimiser and not at it.
RESTLESS = ("heavy-ball", "subgradient", "adam", "adam-hd", "shampoo")
# The long steps undo on a problem with curvature what the short ones gained; the rate is K^-1.27.
SUBLINEAR = ("silver-gradient", "silver-proximal")


@pytest.mark.parametrize("name", NAMES)
def test_step_is_pure(name: str) -> None:
    """A step leaves its state alone and gives the same answer twice."""
    p, opt = zoo.problem_for(name), l2o.optimizer(name)
    state = opt.init(p, zoo.start(p))
    for _ in range(3):
        remaining = {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
        copies = {k: v.clone() for k, v in remaining.items() if isinstance(v, torch.Tensor)}
        one, two = opt.step(p, state), opt.step(p, state)
        assert torch.equal(one.x, two.x)
        for k, v in copies.items():
            assert torch.equal(getattr(state, k), v)
        state = one


@pytest.mark.parametrize("name", NAMES)
def test_instances_do_not_mix(name: str) -> None:
    """An instance run alone and in a batch gives the same iterates."""
    p = zoo.problem_for(name)
    x0 = zoo.start(p)
    opt = l2o.optimizer(name)
    together = l2o.rollout(opt, p, x0, 5)
    alone = l2o.rollout(opt, p.select([1]), x0[1:2], 5)
    rounding = 1e-9 if name == "shampoo" else 1e-12  # it divides by eigenvalues that are rounding, down to its 1e-8
    torch.testing.assert_close(together.x[1:2], alone.x, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_the_same_again_and_from_its_file(name: str, tmp_path) -> None:
    p = zoo.problem_for(name)
    one, two = (l2o.rollout(l2o.optimizer(name), p, zoo.start(p), 6) for _ in range(2))
    one.save(tmp_path / "run.npz")
    for other in (two, l2o.Run.load(tmp_path / "run.npz")):
        assert torch.equal(one.x, other.x)
        assert torch.equal(one.generalized_gradient, other.generalized_gradient)
        assert (one.optimizer, one.subgradient_rule) == (other.optimizer, other.subgradient_rule)


# Ten float32 steps: a rounding of 6e-8 in x or the gradient, some hundred of which add up. Shampoo divides what it is
# given by the fourth root of eigenvalues that are rounding, down to its 1e-8; L-BFGS by differences of gradients that
# vanish as it converges, so that its values are compared and not its path; Anderson acceleration likewise, with as many
# changes as there are variables.
SINGLE = {"shampoo": 1e-2, "lbfgs": 1e-4, "anderson": 2e-2}


@pytest.mark.parametrize("name", NAMES)
def test_float32_follows_float64(name: str) -> None:
    p = zoo.problem_for(name)
    double = l2o.rollout(l2o.optimizer(name), p, zoo.start(p), 10)
    single = l2o.rollout(l2o.optimizer(name), p.to(torch.float32), zoo.start(p), 10)
    assert single.x.dtype == torch.float32
    scale = float(double.x.abs().max())
    assert float((single.x.double() - double.x).abs().max()) <= SINGLE.get(name, 1e-5) * scale


@pytest.mark.parametrize("name", zoo.WITHOUT_PROX)
def test_without_a_prox_the_subgradient_is_chosen(name: str) -> None:
    p = zoo.problem_for(name)
    run = l2o.rollout(l2o.optimizer(name), p, zoo.start(p), 5)
    assert run.subgradient_rule == "least deviation"
    assert run.preconditioner is None


TRANSLATED = (
    "ista",
    "fista",
    "fista-restart",
    "ogm",
    "optista",
    "silver-gradient",
    "silver-proximal",
    "adapg",
    "anderson",
    "go-math-l2o",
    "subgradient",
    "lbfgs",
    "lista",
    "alista",
    "gated-lista",
    "ada-lista",
    "safeguarded",
    "guaranteed",
)


@pytest.mark.parametrize("name", TRANSLATED)
def test_translation_equivariance(name: str) -> None:
    """Catalogue statement B12: objective shift t and start shift s = t are one experiment for these."""
    p, opt = zoo.problem_for(name), l2o.optimizer(name)
    x0 = zoo.start(p)
    steps = 10 if name == "lbfgs" else 20  # it has then arrived, and follows the rounding of f
    moved = l2o.rollout(opt, p.shifted(2.5), x0 - 2.5, steps).x + 2.5
    torch.testing.assert_close(moved, l2o.rollout(opt, p, x0, steps).x, rtol=1e-9, atol=1e-9)


def test_translation_is_broken_by_features_that_read_x() -> None:
    p, opt = zoo.problem_for("l2o-pa"), l2o.optimizer("l2o-pa", seed=3)
    x0 = zoo.start(p)
    moved = l2o.rollout(opt, p.shifted(2.5), x0 - 2.5, 20).x + 2.5
    assert float((moved - l2o.rollout(opt, p, x0, 20).x).abs().max()) > 1e-3


@pytest.mark.parametrize("name", TRANSLATED)
def test_scaling_equivariance(name: str) -> None:
    """B12: c F(x) and F(x/a), the latter with the start scaled along."""
    p, opt = zoo.problem_for(name), l2o.optimizer(name)
    x0 = zoo.start(p)
    steps = 10 if name == "lbfgs" else 20
    plain = l2o.rollout(opt, p, x0, steps).x
    torch.testing.assert_close(l2o.rollout(opt, p.scaled(5.0), x0, steps).x, plain, rtol=1e-9, atol=1e-9)
    wide = l2o.rollout(opt, p.rescaled(4.0), 4.0 * x0, steps).x / 4.0
    torch.testing.assert_close(wide, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in NETWORKS + RESTLESS + SUBLINEAR])
def test_classical_methods_reach_the_optimum(name: str) -> None:
    """Optimality by certificate: the distance from 0 to the subdifferential of F vanishes."""
    p = zoo.problem_for(name)
    x = zoo.end_of(l2o.optimizer(name), p, zoo.start(p), 3000, lambda x: zoo.stationarity(p, x) < 1e-6)
    assert zoo.stationarity(p, x) < 1e-6


def test_heads_that_are_off_have_the_documented_defaults() -> None:
    """With R = a, Q = c_Q and B = 1 (so v stays 0) the model is proximal gradient with step a = 0.9999/L."""
    p = zoo.problem_for("go-math-l2o")
    x0 = zoo.start(p)
    opt = l2o.optimizer("go-math-l2o", r_norm=None, q_norm=None, b_norm=None)
    step = (0.9999 / p.smoothness).numpy()
    torch.testing.assert_close(
        l2o.rollout(opt, p, x0, 10).x, l2o.rollout(l2o.optimizer("ista", step=step), p, x0, 10).x
    )
    run = l2o.rollout(l2o.optimizer("l2o-pa", p_norm=None, a_norm=None), p, x0, 10)
    torch.testing.assert_close(run.x, l2o.rollout(l2o.optimizer("ista", step=step), p, x0, 10).x)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_drawn_from_the_seed(name: str) -> None:
    one, two, other = (l2o.optimizer(name, seed=s).parameters for s in (1, 1, 2))
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert not torch.equal(one["lstm.weight_hh_l0"], other["lstm.weight_hh_l0"])


@pytest.mark.parametrize("kind", NETWORKS)
def test_official_checkpoints_from_files(kind: str, tmp_path) -> None:
    opt = l2o.optimizer(kind, hidden_size=6, layers=1, seed=4)
    weights = dict(opt.parameters)
    spare = {"linear_b.weight": torch.zeros(1, 6), "linear_b.bias": torch.zeros(1)} if kind == "l2o-pa" else {}
    torch.save({**weights, **spare}, tmp_path / "a.pth")
    torch.save({"state_dict": weights}, tmp_path / "b.pth")
    np.savez(tmp_path / "c.npz", **{k: v.numpy() for k, v in weights.items()})
    for file in ("a.pth", "b.pth", "c.npz"):
        loaded = l2o.load_official(tmp_path / file, kind)
        assert (loaded.hidden_size, loaded.layers) == (6, 1)
        assert all(torch.equal(loaded.parameters[k], weights[k]) for k in weights)


def path_of(opt, p: l2o.Composite, steps: int = 20) -> torch.Tensor:
    return l2o.rollout(opt, p, zoo.start(p), steps).x


@pytest.mark.parametrize("change", [None, *zoo.CHANGES])
@pytest.mark.parametrize("base", ["least-squares + l1", "least-squares-shared + l1", "least-squares + box"])
def test_ada_lista_starts_as_ista(base: str, change: str | None) -> None:
    p = zoo.composites()[base]
    p = zoo.CHANGES[change](p) if change else p
    expected = path_of(l2o.optimizer("ista"), p)
    assert torch.equal(path_of(l2o.optimizer("ada-lista", layers=3), p), expected)
    torch.testing.assert_close(path_of(l2o.optimizer("ada-lista", rows=7), p), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("change", ["translation", "scaling", "rescaling"])
def test_ada_lista_with_any_weights_follows_changes(change: str) -> None:
    p, x0 = zoo.problem_for("ada-lista"), zoo.start(zoo.problem_for("ada-lista"))
    start = l2o.optimizer("ada-lista", rows=7, layers=3)
    rng = torch.Generator().manual_seed(0)
    weights = {n: w + 0.2 * torch.randn(w.shape, generator=rng, dtype=w.dtype) for n, w in start.parameters.items()}
    opt = start.with_parameters(weights)
    plain = l2o.rollout(opt, p, x0, 8).x
    assert float((plain - l2o.rollout(start, p, x0, 8).x).abs().max()) > 1e-2
    image, moved, back = {
        "translation": (p.shifted(2.5), x0 - 2.5, lambda x: x + 2.5),
        "scaling": (p.scaled(5.0), x0, lambda x: x),
        "rescaling": (p.rescaled(4.0), 4.0 * x0, lambda x: x / 4.0),
    }[change]
    torch.testing.assert_close(back(l2o.rollout(opt, image, moved, 8).x), plain, rtol=1e-9, atol=1e-9)


def test_ada_lista_stays_in_its_last_layer() -> None:
    p = zoo.problem_for("ada-lista")
    start = l2o.optimizer("ada-lista", rows=7, layers=2)
    weights = {n: w.clone() for n, w in start.parameters.items()}
    weights["step_sizes.1"] = torch.tensor(0.5, dtype=torch.float64)
    run = l2o.rollout(start.with_parameters(weights), p, zoo.start(p), 6)
    x = run.x[:, 5]
    halved = x - 0.5 / p.smoothness.unsqueeze(-1) * p.smooth_gradient(x)
    torch.testing.assert_close(run.x[:, 6], p.prox(halved, (1 / p.smoothness).unsqueeze(-1)))
    assert torch.equal(run.preconditioner[:, 5], (1 / p.smoothness).unsqueeze(-1).expand_as(x))


def test_the_authors_ada_lista_without_lam_and_without_matrices() -> None:
    p = zoo.composites()["least-squares + zero"]
    run = l2o.rollout(l2o.optimizer("ada-lista", official=True), p, zoo.start(p), 1)
    h = run.x[:, 0] - 0.2 * p.smooth_gradient(run.x[:, 0])
    torch.testing.assert_close(run.x[:, 1], torch.sign(h) * (h.abs() - 0.2).clamp(min=0.0))
    assert run.preconditioner is None


def adam_hd(coupled: bool, **options):
    return l2o.optimizer("adam-hd", hyper_step=1e-3, coupled=coupled, **options)


def test_coupling_makes_one_step_of_many() -> None:
    p, x0 = zoo.problem_for("adam-hd"), zoo.start(zoo.problem_for("adam-hd"))

    def steps(opt, p: l2o.Composite, x0: torch.Tensor) -> torch.Tensor:
        state, seen = opt.init(p, x0), []
        for _ in range(5):
            state = opt.step(p, state)
            seen.append(state.step_size)
        return torch.stack(seen)

    own, one = steps(adam_hd(False), p, x0), steps(adam_hd(True), p, x0)
    assert own.shape == one.shape == (5, 3, 1)
    assert bool((own[0] == 0.1).all()), "the first step is the given one"
    assert bool((one == one[:, :1]).all())
    assert float((own[-1] - own[-1, 0]).abs().max()) > 1e-4
    # together another step than alone, which is what coupled=False rules out
    alone = p.select([1]), x0[1:2]
    assert float((one[:, 1:2] - steps(adam_hd(True), *alone)).abs().max()) > 1e-4
    torch.testing.assert_close(own[:, 1:2], steps(adam_hd(False), *alone), rtol=1e-12, atol=0)


def test_the_learned_step_follows_the_descent() -> None:
    """While two successive directions agree the step grows, and it never falls below its floor."""
    p = l2o.quadratic(torch.eye(2, dtype=torch.float64).unsqueeze(0), torch.zeros(1, 2, dtype=torch.float64))
    state = (opt := adam_hd(False)).init(p, torch.tensor([[3.0, -2.0]], dtype=torch.float64))
    before, state = opt.step(p, state), opt.step(p, opt.step(p, state))
    assert float(state.step_size) > float(before.step_size)
    wild = l2o.optimizer("adam-hd", step=10.0, hyper_step=1e3)
    state = wild.init(p, torch.tensor([[1.0, -1.0]], dtype=torch.float64))
    for _ in range(3):
        state = wild.step(p, state)
        assert float(state.step_size) >= 1e-8


@dataclasses.dataclass(frozen=True)
class Reckless:
    """Steps of 10/L, which diverge."""

    def init(self, problem, x0, seed=0):
        return l2o.optimizer("ista", step=(10 / problem.smoothness).numpy()).init(problem, x0)

    def step(self, problem, state):
        return l2o.optimizer("ista").step(problem, state)


@pytest.mark.parametrize("base", [Reckless(), "go-math-l2o", "l2o-pa", "l2o-dm", "fista", "adam"], ids=str)
@pytest.mark.parametrize("problem", ["least-squares + l1", "logistic + l1-per-instance", "quadratic + elastic-net"])
def test_the_safeguard_descends_at_least_as_ista_does(base, problem: str) -> None:
    p = zoo.composites()[problem]
    opt = l2o.optimizer("safeguarded", base=base)
    state, step, answers = opt.init(p, zoo.start(p)), (1 / p.smoothness).unsqueeze(-1), []
    for _ in range(25):
        following = opt.step(p, state)
        plain = p.prox(state.x - step * p.smooth_gradient(state.x), step)
        assert bool((p.objective(following.x) <= p.objective(plain)).all())
        decrease = 0.5 * p.smoothness * ((state.x - plain) ** 2).sum(-1)
        rounding = 1e-14 * (1 + p.objective(state.x).abs())
        assert bool((p.objective(following.x) <= p.objective(state.x) - decrease + rounding).all())
        assert following.accepted.shape == (3, 1)
        assert torch.equal(following.base.x, following.x), "the base goes on from there"
        state = following
        answers.append(state.accepted)
    if isinstance(base, Reckless):
        assert not bool(torch.stack(answers[:10]).all())
        alone = l2o.rollout(base, p, zoo.start(p), 25).objective
        assert bool((alone.diff(dim=1) > 0.1 * alone[:, :1]).any()), "without the safeguard it jumps"


def test_a_safeguarded_step_that_is_taken_is_the_base_s() -> None:
    p = zoo.problem_for("safeguarded")
    opt = l2o.optimizer("safeguarded", base=l2o.pretrained("go-math-l2o", "lasso"))
    state = opt.init(p, zoo.start(p))
    for _ in range(10):
        following = opt.step(p, state)
        own = opt.base.step(p, state.base).x
        step = (1 / p.smoothness).unsqueeze(-1)
        plain = p.prox(state.x - step * p.smooth_gradient(state.x), step)
        assert torch.equal(following.x, torch.where(following.accepted, own, plain))
        state = following
