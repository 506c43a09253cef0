"""Optimizers: the network cell, equivariance, options, purity, checkpoints."""

from __future__ import annotations

import dataclasses
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import l2o
from l2o.optimizers.lbfgs import _search
from l2o.problems.smooth import LeastSquares
from tests import zoo

NAMES = l2o.optimizer_names()
NETWORKS = ("l2o-dm", "l2o-rnnprop", "l2o-pa", "go-math-l2o")
# With a constant step these come to rest near a minimiser and not at it.
RESTLESS = ("heavy-ball", "subgradient", "adam", "adam-hd", "shampoo")


def problem_for(name: str) -> l2o.Composite:
    return zoo.composites()["least-squares + zero" if zoo.smooth_only(name) else "least-squares + l1"]


@pytest.mark.parametrize("name", NAMES)
def test_step_is_pure(name: str) -> None:
    """A step leaves its state alone and gives the same answer twice."""
    p, opt = problem_for(name), l2o.optimizer(name)
    state = opt.init(p, zoo.start(p))
    for _ in range(3):
        kept = {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
        copies = {k: v.clone() for k, v in kept.items() if isinstance(v, torch.Tensor)}
        one, two = opt.step(p, state), opt.step(p, state)
        assert torch.equal(one.x, two.x)
        for k, v in copies.items():
            assert torch.equal(getattr(state, k), v)
        state = one


@pytest.mark.parametrize("name", NAMES)
def test_instances_do_not_mix(name: str) -> None:
    """An instance run alone and in a batch gives the same iterates."""
    p = problem_for(name)
    x0 = zoo.start(p)
    opt = l2o.optimizer(name)
    together = l2o.rollout(opt, p, x0, 5)
    alone = l2o.rollout(opt, p.select([1]), x0[1:2], 5)
    rounding = 1e-9 if name == "shampoo" else 1e-12  # it divides by eigenvalues that are rounding, down to its 1e-8
    torch.testing.assert_close(together.x[1:2], alone.x, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_the_same_again_and_from_its_file(name: str, tmp_path) -> None:
    p = problem_for(name)
    one, two = (l2o.rollout(l2o.optimizer(name), p, zoo.start(p), 6) for _ in range(2))
    one.save(tmp_path / "run.npz")
    for other in (two, l2o.Run.load(tmp_path / "run.npz")):
        assert torch.equal(one.x, other.x)
        assert torch.equal(one.generalized_gradient, other.generalized_gradient)
        assert (one.optimizer, one.subgradient_rule) == (other.optimizer, other.subgradient_rule)


# Ten float32 steps: a rounding of 6e-8 in x or the gradient, some hundred of which add up. Shampoo divides what it is
# given by the fourth root of eigenvalues that are rounding, down to its 1e-8; L-BFGS by differences of gradients that
# vanish as it converges, so that its values are compared and not its path.
SINGLE = {"shampoo": 1e-2, "lbfgs": 1e-4}


@pytest.mark.parametrize("name", NAMES)
def test_float32_follows_float64(name: str) -> None:
    p = problem_for(name)
    double = l2o.rollout(l2o.optimizer(name), p, zoo.start(p), 10)
    single = l2o.rollout(l2o.optimizer(name), p.to(torch.float32), zoo.start(p), 10)
    assert single.x.dtype == torch.float32
    scale = float(double.x.abs().max())
    assert float((single.x.double() - double.x).abs().max()) <= SINGLE.get(name, 1e-5) * scale


@pytest.mark.parametrize("name", zoo.WITHOUT_PROX)
def test_without_a_prox_the_subgradient_is_chosen(name: str) -> None:
    p = problem_for(name)
    run = l2o.rollout(l2o.optimizer(name), p, zoo.start(p), 5)
    assert run.subgradient_rule == "least deviation"
    assert run.preconditioner is None


TRANSLATED = ("ista", "fista", "fista-restart", "go-math-l2o", "subgradient", "lbfgs", "ada-lista", "safeguarded")


@pytest.mark.parametrize("name", TRANSLATED)
def test_translation_equivariance(name: str) -> None:
    """Catalogue statement B12: objective shift t and start shift s = t are one experiment for these."""
    p, opt = problem_for(name), l2o.optimizer(name)
    x0 = zoo.start(p)
    steps = 10 if name == "lbfgs" else 20  # it has then arrived, and follows the rounding of f
    moved = l2o.rollout(opt, p.shifted(2.5), x0 - 2.5, steps).x + 2.5
    torch.testing.assert_close(moved, l2o.rollout(opt, p, x0, steps).x, rtol=1e-9, atol=1e-9)


def test_translation_is_broken_by_features_that_read_x() -> None:
    p, opt = problem_for("l2o-pa"), l2o.optimizer("l2o-pa", seed=3)
    x0 = zoo.start(p)
    moved = l2o.rollout(opt, p.shifted(2.5), x0 - 2.5, 20).x + 2.5
    assert float((moved - l2o.rollout(opt, p, x0, 20).x).abs().max()) > 1e-3


@pytest.mark.parametrize("name", TRANSLATED)
def test_scaling_equivariance(name: str) -> None:
    """B12: c F(x) and F(x/a), the latter with the start scaled along."""
    p, opt = problem_for(name), l2o.optimizer(name)
    x0 = zoo.start(p)
    steps = 10 if name == "lbfgs" else 20
    plain = l2o.rollout(opt, p, x0, steps).x
    torch.testing.assert_close(l2o.rollout(opt, p.scaled(5.0), x0, steps).x, plain, rtol=1e-9, atol=1e-9)
    wide = l2o.rollout(opt, p.rescaled(4.0), 4.0 * x0, steps).x / 4.0
    torch.testing.assert_close(wide, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in NETWORKS + RESTLESS])
def test_classical_methods_reach_the_optimum(name: str) -> None:
    """Optimality by certificate: the distance from 0 to the subdifferential of F vanishes."""
    p = problem_for(name)
    run = l2o.rollout(l2o.optimizer(name), p, zoo.start(p), 3000)
    gradient = p.smooth_gradient(run.x_final)
    low, high = p.subdifferential(run.x_final)
    residual = torch.maximum(torch.maximum(gradient + low, -(gradient + high)), torch.zeros_like(gradient))
    assert float(residual.max()) < 1e-6


def test_heads_that_are_off_have_the_documented_defaults() -> None:
    """With R = a, Q = c_Q and B = 1 (so v stays 0) the model is proximal gradient with step a = 0.9999/L."""
    p = problem_for("go-math-l2o")
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
    p, x0 = problem_for("ada-lista"), zoo.start(problem_for("ada-lista"))
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
    p = problem_for("ada-lista")
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
    p, x0 = problem_for("adam-hd"), zoo.start(problem_for("adam-hd"))

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


SMOOTH = [name for name in zoo.composites() if name.endswith("+ zero")]


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("memory", [1, 10])
def test_lbfgs_never_increases_and_arrives(name: str, memory: int) -> None:
    p = zoo.composites()[name]
    run = l2o.rollout(l2o.optimizer("lbfgs", memory=memory), p, zoo.start(p, size=10.0), 300)
    assert bool((run.objective.diff(dim=1) <= 0).all())
    # Steps end where differences of F drown in its rounding: at ||g||^2 / L of the size of eps F, and a margin.
    eps, flat = torch.finfo(torch.float64).eps, p.objective(run.x_final).abs() + p.objective(run.x[:, 0]).abs()
    gradient = torch.linalg.vector_norm(p.smooth_gradient(run.x_final), dim=-1)
    assert bool((gradient <= 30 * (eps * flat * p.smoothness).sqrt()).all()), gradient


def test_lbfgs_on_an_ill_conditioned_quadratic() -> None:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((3, 20, 20)))[0]
    values = np.logspace(-4, 0, 20)
    q = (basis * values) @ basis.transpose(0, 2, 1)
    x_star = rng.standard_normal((3, 20))
    p = l2o.quadratic(0.5 * (q + q.transpose(0, 2, 1)), np.einsum("bij,bj->bi", q, x_star))
    x0 = zoo.start(p)
    run = l2o.rollout(l2o.optimizer("lbfgs"), p, x0, 400)
    lowest = p.objective(x_star)
    gap = (run.objective - lowest.unsqueeze(1)) / (run.objective[:, :1] - lowest.unsqueeze(1))
    assert bool((run.objective.diff(dim=1) <= 0).all())
    assert float(gap[:, -1].max()) < 1e-9
    slow = l2o.rollout(l2o.optimizer("gradient-descent"), p, x0, 400).objective[:, -1]
    assert bool((run.objective[:, -1] < slow).all())


@dataclasses.dataclass(frozen=True, eq=False)
class Wells(LeastSquares):
    """sum_i x_i^4/4 - x_i^2/2 near the unit box: not convex, with minima at +-1; A and y only carry the shape."""

    @property
    def convex(self) -> bool:
        return False

    @property
    def smoothness(self) -> torch.Tensor:
        return torch.full((self.batch_size,), 11.0, dtype=torch.float64)  # 3 x^2 - 1 up to |x| = 2

    def value(self, x: torch.Tensor) -> torch.Tensor:
        return (x**4 / 4 - x**2 / 2).sum(-1)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.value(x), x**3 - x


def test_lbfgs_where_f_is_not_convex() -> None:
    base = zoo.smooth_terms()["least-squares"]
    p = l2o.Composite(Wells(base.map, base.target), l2o.zero())
    x0 = 0.3 * torch.sign(zoo.start(p)) + 1e-3 * zoo.start(p)
    run = l2o.rollout(l2o.optimizer("lbfgs"), p, x0, 60)
    assert bool((run.objective.diff(dim=1) <= 0).all())
    torch.testing.assert_close(run.x_final.abs(), torch.ones_like(x0), rtol=1e-7, atol=0)


def test_lbfgs_falls_back_on_gradient_descent_and_rests_at_the_optimum() -> None:
    """A direction too long for 30 halvings, in one instance only; and a start where there is nothing to do."""
    p = zoo.composites()["quadratic + zero"]
    x = zoo.start(p)
    value, gradient = p.smooth.value_and_gradient(x)
    plain = -gradient / p.smoothness.unsqueeze(-1)
    direction = torch.tensor([[1.0], [1e12], [1.0]], dtype=torch.float64) * plain
    found, evaluations = _search(p, x, value, gradient, direction, (gradient * direction).sum(-1))
    torch.testing.assert_close(found, x + plain, rtol=1e-14, atol=0)
    assert evaluations.tolist() == [1, 31, 1]
    q = torch.eye(3, dtype=torch.float64).unsqueeze(0)
    run = l2o.rollout(l2o.optimizer("lbfgs"), l2o.quadratic(q, torch.ones(1, 3)), torch.ones(1, 3), 5)
    assert torch.equal(run.x, torch.ones_like(run.x))


def test_shampoo_whose_sums_overflow_diverges_alone() -> None:
    """An instance of 1e200 is not finite, its neighbour does not notice, and nothing is raised."""
    p, x0 = problem_for("shampoo"), zoo.start(problem_for("shampoo"))
    far = x0 * torch.tensor([[1.0], [1e200], [1.0]], dtype=torch.float64)
    run, usual = (l2o.rollout(l2o.optimizer("shampoo"), p, x, 5) for x in (far, x0))
    assert bool(torch.isnan(run.x_final[1]).all())
    assert torch.equal(run.x[[0, 2]], usual.x[[0, 2]])


def test_lbfgs_counts_the_points_it_looked_at() -> None:
    p = zoo.composites()["logistic + zero"]
    opt = l2o.optimizer("lbfgs")
    state = opt.init(p, zoo.start(p))
    assert state.evaluations.tolist() == [1, 1, 1]
    state = opt.step(p, state)
    assert state.evaluations.tolist() == [2, 2, 2], "the step of 1/L is taken as it is"
    alone = opt.init(p.select([2]), zoo.start(p)[2:])
    for _ in range(30):
        state, alone = opt.step(p, state), opt.step(p.select([2]), alone)
    assert int(state.evaluations[2]) >= 31


@dataclasses.dataclass(frozen=True)
class Reckless:
    """Steps of 10/L, which diverge."""

    def init(self, problem, x0, seed=0):
        return l2o.optimizer("ista", step=(10 / problem.smoothness).numpy()).init(problem, x0)

    def step(self, problem, state):
        return l2o.optimizer("ista").step(problem, state)


class Opaque(Reckless):
    """An optimizer whose state is of another make."""

    def init(self, problem, x0, seed=0):
        return SimpleNamespace(x=x0)


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
    p = problem_for("safeguarded")
    opt = l2o.optimizer("safeguarded", base=l2o.pretrained("go-math-l2o", "lasso"))
    state = opt.init(p, zoo.start(p))
    for _ in range(10):
        following = opt.step(p, state)
        own = opt.base.step(p, state.base).x
        step = (1 / p.smoothness).unsqueeze(-1)
        plain = p.prox(state.x - step * p.smooth_gradient(state.x), step)
        assert torch.equal(following.x, torch.where(following.accepted, own, plain))
        state = following


class _Evil:
    def __reduce__(self):
        return (print, ("executed",))


def start(name: str, problem: str, **options):
    p = zoo.composites()[problem]
    return l2o.optimizer(name, **options).init(p, zoo.start(p))


BAD = {
    "unknown optimizer": (lambda d: l2o.optimizer("istaa"), "did you mean 'ista'"),
    "unknown option": (lambda d: l2o.optimizer("ista", speed=2), "no option 'speed'"),
    "option of another type": (lambda d: l2o.optimizer("go-math-l2o", r_scale="x"), "r_scale"),
    "unknown norm": (lambda d: l2o.optimizer("go-math-l2o", r_norm="relu"), "unknown norm"),
    "unknown map": (lambda d: l2o.optimizer("go-math-l2o", gradient_map="no"), "gradient_map"),
    "unknown power": (lambda d: l2o.optimizer("go-math-l2o", q_step_power=3), "q_step_power"),
    "no layers": (lambda d: l2o.optimizer("l2o-pa", layers=0), "layers"),
    "momentum": (lambda d: l2o.optimizer("heavy-ball", momentum=1.5), "momentum"),
    "beta": (lambda d: l2o.optimizer("adam", beta1=1.0), r"beta1: expected a number in \[0, 1\)"),
    "second beta": (lambda d: l2o.optimizer("adam-hd", beta2=-0.1), "beta2"),
    "eps": (lambda d: l2o.optimizer("adam", eps=0), r"eps: expected a number in \(0, inf\)"),
    "eps of rnnprop": (lambda d: l2o.optimizer("l2o-rnnprop", eps=-1.0), "eps"),
    "Adam without a step": (lambda d: l2o.optimizer("adam", step=None), "give a positive number"),
    "hyper step": (lambda d: l2o.optimizer("adam-hd", hyper_step=-1e-7), "hyper_step"),
    "coupled": (lambda d: l2o.optimizer("adam-hd", coupled="yes"), "True or False"),
    "coupled steps": (
        lambda d: start("adam-hd", "least-squares + l1", step=[0.1, 0.2, 0.3], coupled=True),
        "give a scalar",
    ),
    "memory": (lambda d: l2o.optimizer("lbfgs", memory=0), "memory: expected an integer >= 1"),
    "lbfgs on l1": (lambda d: start("lbfgs", "least-squares + l1"), "use fista"),
    **{
        f"{name} on a box": (lambda d, name=name: start(name, "logistic + box"), f"{name} cannot run on .*ista")
        for name in zoo.WITHOUT_PROX
    },
    "batch mean": (lambda d: l2o.optimizer("l2o-dm", batch_mean=1), "batch_mean"),
    "width of dm": (lambda d: l2o.optimizer("l2o-dm", hidden_size=0), "hidden_size"),
    "seed of rnnprop": (lambda d: l2o.optimizer("l2o-rnnprop", seed=-1), "seed"),
    "rows": (lambda d: l2o.optimizer("ada-lista", rows=0), "rows: expected an integer"),
    "official": (lambda d: l2o.optimizer("ada-lista", official=1), "official"),
    "ada-lista on logistic": (lambda d: start("ada-lista", "logistic + l1"), "least-squares"),
    "ada-lista of other rows": (lambda d: start("ada-lista", "least-squares + l1", rows=5), "the problem has 7 rows"),
    "official ada-lista on a box": (lambda d: start("ada-lista", "least-squares + box", official=True), "l1 or zero"),
    "official ada-lista, shifted": (
        lambda d: l2o.optimizer("ada-lista", official=True).init(
            problem_for("ista").shifted(1.0), zoo.start(problem_for("ista"))
        ),
        "use official=False",
    ),
    "weights of another ada-lista": (
        lambda d: l2o.load_official({"step_sizes.0": np.ones(2), "thresholds.0": 1.0}, "ada-lista"),
        "shape",
    ),
    "base": (lambda d: l2o.optimizer("safeguarded", base=3), "base: expected the name"),
    "base without x": (
        lambda d: l2o.optimizer("safeguarded", base=Opaque()).init(problem_for("ista"), zoo.start(problem_for("ista"))),
        "no dataclass with a field x",
    ),
    "base by name": (lambda d: l2o.optimizer("safeguarded", base="istaa"), "did you mean"),
    "negative step": (
        lambda d: l2o.optimizer("ista", step=-1.0).init(problem_for("ista"), zoo.start(problem_for("ista"))),
        "> 0",
    ),
    "step of another batch": (
        lambda d: l2o.optimizer("ista", step=[1.0, 1.0]).init(problem_for("ista"), zoo.start(problem_for("ista"))),
        "one step per instance",
    ),
    "smooth method on l1": (
        lambda d: l2o.optimizer("nesterov").init(problem_for("ista"), zoo.start(problem_for("ista"))),
        "use fista",
    ),
    "network state": (
        lambda d: l2o.optimizer("go-math-l2o").init(
            problem_for("ista"), zoo.start(problem_for("ista")), hidden=torch.zeros(2, 3, 20)
        ),
        "instance-major",
    ),
    "kind": (lambda d: l2o.load_official({}, "lstm"), "unknown kind"),
    "no file": (lambda d: l2o.load_official(d / "no.pth", "l2o-pa"), "no such"),
    "garbage": (lambda d: l2o.load_official(d / "garbage.pth", "l2o-pa"), "not a readable"),
    "pickle": (lambda d: l2o.load_official(d / "evil.pth", "l2o-pa"), "not a readable"),
    "list": (lambda d: l2o.load_official(d / "list.pth", "l2o-pa"), "state_dict"),
    "other model": (
        lambda d: l2o.load_official(l2o.optimizer("l2o-pa").parameters, "go-math-l2o"),
        "not its weights",
    ),
    "other shape": (
        lambda d: l2o.load_official(l2o.optimizer("l2o-pa", hidden_size=5).parameters, "l2o-pa", hidden_size=6),
        "shape",
    ),
    "NaN weight": (
        lambda d: l2o.load_official(
            {**l2o.optimizer("l2o-pa").parameters, "linear.bias": torch.full((20,), torch.nan)}, "l2o-pa"
        ),
        "NaN",
    ),
    "option of checkpoint": (lambda d: l2o.load_official({}, "l2o-pa", q_norm="eye"), "no option"),
    "no weights shipped": (lambda d: l2o.pretrained("go-math-l2o", "knapsack"), "shipped"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case: str, tmp_path) -> None:
    (tmp_path / "garbage.pth").write_bytes(b"not a checkpoint")
    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"linear.weight": _Evil()}, protocol=2))
    torch.save([1, 2], tmp_path / "list.pth")
    act, says = BAD[case]
    with pytest.raises(l2o.InputError, match=says) as caught:
        act(tmp_path)
    assert "\n" not in str(caught.value)
