"""Runs: the identities between their quantities, subgradients, recording, files."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.runs.rollout import implicit_subgradient
from tests.helpers import zoo
from tests.helpers.sampling import one_in

COMPOSITES = zoo.composites()
METHODS = ("ista", "fista", "go-math-l2o", "l2o-pa")


@pytest.mark.parametrize(
    ("method", "name", "change"),
    one_in(3, METHODS, [n for n in COMPOSITES if "shared" not in n], [None, *zoo.CHANGES]),
)
def test_quantities_of_a_run(method: str, name: str, change: str | None) -> None:
    p = COMPOSITES[name] if change is None else zoo.CHANGES[change](COMPOSITES[name])
    run = l2o.rollout(l2o.optimizer(method), p, zoo.start(p, 1, 2.0), 12)
    smoothness = p.smoothness.reshape(-1, 1, 1)
    assert run.x.shape == (3, 13, 5)
    assert torch.equal(run.step, run.x[:, :-1] - run.x[:, 1:])
    torch.testing.assert_close(run.generalized_gradient, run.smooth_gradient + run.subgradient)
    torch.testing.assert_close(run.deviation, run.step - run.generalized_gradient / smoothness)
    for k in (0, 5, 11):
        torch.testing.assert_close(run.smooth_gradient[:, k], p.smooth_gradient(run.x[:, k]))
        torch.testing.assert_close(run.objective[:, k], p.objective(run.x[:, k]))
        low, high = p.subdifferential(run.x[:, k + 1])
        g = run.subgradient[:, k]
        feasible = low <= high  # L2O-PA may leave a box
        assert bool(((g >= low - 1e-13 * g.abs()) & (g <= high + 1e-13 * g.abs()))[feasible].all())
    size = run.generalized_gradient.norm(dim=-1)
    torch.testing.assert_close(run.relative_deviation * size, p.smoothness[:, None] * run.deviation.norm(dim=-1))
    if method != "fista":
        expected = run.step - run.preconditioner * run.generalized_gradient
        torch.testing.assert_close(run.bias, expected)


@pytest.mark.parametrize("name", [n for n in COMPOSITES if n.endswith(("l1", "elastic-net", "zero"))])
def test_ista_is_the_exact_step(name: str) -> None:
    """e_k = 0 up to rounding: with step 1/L, proximal gradient is the reference itself."""
    p = COMPOSITES[name]
    run = l2o.rollout(l2o.optimizer("ista"), p, zoo.start(p), 10)
    assert float(run.deviation.abs().max()) <= 1e-14 * float(run.x.abs().max())


def test_implicit_gradient_of_go_math_is_its_history_term() -> None:
    """b_k = D_k - p_k G_k is Q_k v_{k-1}, and e_k = (R - 1/L) G + Q v (THEORY of GO-Math-L2O)."""
    p = COMPOSITES["least-squares + l1"]
    opt = l2o.optimizer("go-math-l2o")
    x0 = zoo.start(p)
    run = l2o.rollout(opt, p, x0, 8)
    state = opt.init(p, x0)
    for k in range(8):
        memory = state.memory
        state = opt.step(p, state)
        torch.testing.assert_close(run.bias[:, k], state.history_weight * memory, rtol=1e-7, atol=1e-13)


@pytest.mark.parametrize("name", ["least-squares + l1", "logistic + elastic-net", "quadratic + zero"])
def test_given_iterates_make_the_same_run(name: str) -> None:
    """For proximal gradient the choice of least deviation is the implicit subgradient."""
    p = COMPOSITES[name]
    run = l2o.rollout(l2o.optimizer("ista"), p, zoo.start(p), 10)
    read = l2o.run_from_iterates(p, run.x.numpy())
    torch.testing.assert_close(read.generalized_gradient, run.generalized_gradient, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(read.objective, run.objective)
    assert read.preconditioner is None
    assert read.bias is None
    assert read.subgradient_rule in ("least deviation", "zero")


def test_least_deviation_is_least() -> None:
    p = COMPOSITES["least-squares + l1"]
    x = torch.randn(3, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x[:, :, 2] = 0.0
    run = l2o.run_from_iterates(p, x)
    rng = np.random.default_rng(0)
    for k in range(5):
        low, high = p.subdifferential(x[:, k + 1])
        for _ in range(20):
            g = low + torch.as_tensor(rng.random((3, 5))) * (high - low)
            other = run.step[:, k] - (run.smooth_gradient[:, k] + g) / p.smoothness[:, None]
            assert bool((other.norm(dim=-1) >= run.deviation[:, k].norm(dim=-1) - 1e-12).all())


def test_wrong_prox_is_left_visible() -> None:
    """An x that is not the prox of its argument keeps a quotient outside the subdifferential, never a tidied one."""
    p = COMPOSITES["least-squares + l1"]
    x, step = torch.full((3, 5), 0.5, dtype=torch.float64), torch.full((3, 5), 0.1, dtype=torch.float64)
    g = implicit_subgradient(p, x, x + 0.2, step, x)
    torch.testing.assert_close(g, torch.full_like(g, 2.0))


@pytest.mark.parametrize("method", METHODS)
def test_scalars_are_the_inner_products(method: str) -> None:
    p = COMPOSITES["least-squares + l1"]
    x0, z = zoo.start(p), zoo.start(p, 9)
    full = l2o.rollout(l2o.optimizer(method), p, x0, 7)
    lean = l2o.rollout(l2o.optimizer(method), p, x0, 7, record="scalars", comparator=z)
    assert lean.x is None
    assert lean.deviation is None
    G, D, after = full.generalized_gradient, full.step, full.x[:, 1:] - z[:, None]
    torch.testing.assert_close(lean.scalars["GD"], (G * D).sum(-1))
    torch.testing.assert_close(lean.scalars["Dx"], (D * after).sum(-1))
    torch.testing.assert_close(lean.scalars["Gx_prev"], (G * (full.x[:, :-1] - z[:, None])).sum(-1))
    torch.testing.assert_close(lean.objective, full.objective)
    torch.testing.assert_close(lean.relative_deviation, full.relative_deviation)
    torch.testing.assert_close(lean.x_final, full.x[:, -1])


def test_a_run_may_diverge_and_says_so() -> None:
    p = COMPOSITES["least-squares + l1"]
    run = l2o.rollout(l2o.optimizer("ista", step=1e6), p, zoo.start(p), 120)
    assert not bool(run.finite.any())


@pytest.mark.parametrize("record", ["all", "scalars"])
def test_save_and_load(record: str, tmp_path) -> None:
    p = COMPOSITES["least-squares + l1"]
    run = l2o.rollout(l2o.optimizer("go-math-l2o"), p, zoo.start(p), 4, record=record, comparator=zoo.start(p))
    first, second = run.save(tmp_path / "a.npz").read_bytes(), run.save(tmp_path / "b.npz").read_bytes()
    assert first == second
    loaded = l2o.Run.load(tmp_path / "a.npz")
    for name in ("x", "objective", "deviation", "features", "memory", "x_final"):
        one, two = getattr(run, name), getattr(loaded, name)
        assert (one is None and two is None) or torch.equal(one, two)
    assert set(loaded.scalars) == set(run.scalars)
    assert (loaded.optimizer, loaded.subgradient_rule) == ("go-math-l2o", "prox")


def test_any_flipped_byte_of_a_run_file_is_harmless(tmp_path) -> None:
    """It is one clear error, or the byte did not matter; nothing else escapes."""
    p = COMPOSITES["least-squares + l1"].select([0])
    path = l2o.rollout(l2o.optimizer("ista"), p, zoo.start(p), 1).save(tmp_path / "run.npz")
    whole = path.read_bytes()
    errors = []
    places = range(0, len(whole), 7)
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            l2o.Run.load(path)
        except l2o.InputError as error:
            errors.append(str(error))
    assert len(errors) > 0.3 * len(places)
    assert not any("\n" in message for message in errors)


def test_damaged_run_files(tmp_path) -> None:
    p = COMPOSITES["least-squares + l1"]
    path = l2o.rollout(l2o.optimizer("ista"), p, zoo.start(p), 2).save(tmp_path / "run.npz")
    whole = path.read_bytes()
    for damage in (whole[: len(whole) // 2], b"", b"PK\x03\x04 nonsense"):
        path.write_bytes(damage)
        with pytest.raises(l2o.InputError, match="damaged"):
            l2o.Run.load(path)
    np.savez(path, x=np.zeros(3))
    with pytest.raises(l2o.InputError, match="not a run written"):
        l2o.Run.load(path)
    with pytest.raises(l2o.InputError, match="no such"):
        l2o.Run.load(tmp_path / "missing.npz")


class _Shrinking:
    def init(self, problem, x0, seed=0):
        return l2o.optimizer("ista").init(problem, x0)

    def step(self, problem, state):
        return type(state)(state.x[:1], state.preconditioner)


P = COMPOSITES["least-squares + l1"]
BAD = {
    "steps": (lambda: l2o.rollout(l2o.optimizer("ista"), P, zoo.start(P), 0), "steps"),
    "record": (lambda: l2o.rollout(l2o.optimizer("ista"), P, zoo.start(P), 1, record="some"), "record"),
    "no optimizer": (lambda: l2o.rollout(object(), P, zoo.start(P), 1), "missing: init"),
    "shape of x0": (lambda: l2o.rollout(l2o.optimizer("ista"), P, np.zeros((2, 5)), 1), "x0"),
    "NaN in x0": (lambda: l2o.rollout(l2o.optimizer("ista"), P, np.full((3, 5), np.nan), 1), "NaN"),
    "shrinking": (
        lambda: l2o.rollout(_Shrinking(), P, zoo.start(P), 1),
        r"step gives a state whose x is a tensor of shape \(1, 5\), expected",
    ),
    "one iterate": (lambda: l2o.run_from_iterates(P, np.zeros((3, 1, 5))), "K"),
    "NaN in X": (lambda: l2o.run_from_iterates(P, np.full((3, 4, 5), np.nan)), "NaN"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case: str) -> None:
    act, says = BAD[case]
    with pytest.raises(l2o.InputError, match=says):
        act()


def test_a_memory_that_is_no_tensor_is_not_recorded() -> None:
    class Remembers:
        def init(self, problem: l2o.Composite, x0: torch.Tensor) -> SimpleNamespace:
            return SimpleNamespace(x=x0, memory=3)

        def step(self, problem: l2o.Composite, state: SimpleNamespace) -> SimpleNamespace:
            return SimpleNamespace(x=state.x / 2, memory=state.memory + 1)

    problem = l2o.synthetic.lasso(2, 4, 6, seed=0)
    run = l2o.rollout(l2o.adapt(Remembers()), problem, torch.ones(2, 6, dtype=torch.float64), 3)
    assert run.memory is None
    assert torch.equal(run.x[:, -1], torch.full((2, 6), 0.125, dtype=torch.float64))
