"""Attribution of deviations on real runs: the identity, its planted faults, and the verdicts that rest on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o import InputError
from l2obound.verification import Verdict, decompose, segment_jacobians, verify
from l2obound.verification.virtual_steps.network_states import replay
from l2obound.verification.virtual_steps.pairing import _Nearest
from tests.helpers.virtual_runs import MODELS, SHIFTS, STEPS, model, problem, run_of, shifted

CASES = [(name, False) for name in MODELS] + [("go-math-l2o", True), ("l2o-pa", True)]


@pytest.mark.parametrize("choice", ["paired", "nearest"])
@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize(("name", "trained"), CASES)
def test_the_terms_add_up_to_the_deviation(name: str, trained: bool, shift: str, choice: str) -> None:
    run, ind = run_of(name, shift, trained), run_of(name, "none", trained)
    for h in (1.0, np.array([0.3, 0.5, 0.9])):
        d = decompose(run, ind, model(name, trained), choice=choice, reference_step=h)
        L = run.smoothness.numpy()
        e = run.step.numpy() - np.reshape(h / L, (-1, 1, 1)) * run.generalized_gradient.numpy()
        np.testing.assert_array_equal(d.deviation, e)
        size = np.linalg.norm(e, axis=-1)
        assert (d.residual <= 1e-12 * size).all()
        assert d.exact.all()
        assert d.alive.all()
        assert (size <= (d.bracket + d.pshift + d.bshift) * (1 + 1e-12)).all()
        assert (size <= d.magnitude * (1 + 1e-12)).all()
    assert "add up" in d.summary()


@pytest.mark.parametrize("fault", ["noise", "sign", "step"])
@pytest.mark.parametrize("name", ["go-math-l2o", "l2o-pa"])
def test_a_wrong_bias_is_found(name: str, fault: str) -> None:
    run, ind = run_of(name, "start", True), run_of(name, "none", True)
    bias = {
        "noise": run.bias + 1e-9 * torch.ones_like(run.bias),
        "sign": -run.bias,
        "step": run.bias.roll(1, dims=1),
    }[fault]
    d = decompose(replace(run, bias=bias), ind, model(name, True))
    assert (~d.exact).mean() > 0.9
    assert "NOT EXACT" in d.summary()
    v = verify(
        replace(run, bias=bias), shifted("start")[0], "ood_per_step:magnitude", None, 1.0, ind, model(name, True)
    )
    assert v.overall is Verdict.VIOLATED
    assert any("b_k is D_k - p_k G_k" in s for s in v.to_dict()["broken_data"])


@dataclass(frozen=True)
class Careless:
    """GO-Math-L2O whose update takes the history term with the wrong sign, and says nothing of it."""

    model: Any
    name: str = "go-math-l2o"

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        return self.model.init(problem, x0, seed)

    def step(self, problem: l2o.Composite, state: Any) -> Any:
        after = self.model.step(problem, state)
        argument = after.prox_argument + 2 * after.history_weight * state.memory
        return replace(after, x=problem.nonsmooth.prox(argument, after.preconditioner), prox_argument=argument)


def test_an_update_that_is_not_the_networks_is_found() -> None:
    p, x0 = shifted("start")
    wrong = l2o.rollout(Careless(model("go-math-l2o", True)), p, x0, STEPS)
    d = decompose(wrong, run_of("go-math-l2o", "none", True), model("go-math-l2o", True))
    assert (d.residual <= d.residual_allowed).all()  # the identity is one in p and b, whatever they are
    assert not d.exact[:, 1:].any()  # v_0 = 0 has no sign
    assert d.exact[:, 0].all()
    right = decompose(
        run_of("go-math-l2o", "start", True), run_of("go-math-l2o", "none", True), model("go-math-l2o", True)
    )
    assert (right.replay <= right.replay_allowed).all()


def test_weights_of_another_model_are_refused() -> None:
    run, ind = run_of("go-math-l2o", "start"), run_of("go-math-l2o", "none")
    with pytest.raises(InputError, match="preconditioner that differs"):
        decompose(run, ind, l2o.optimizer("go-math-l2o", seed=6))


def test_network_states_are_part_of_the_features() -> None:
    p, x0 = shifted("none")
    opt = model("go-math-l2o")
    rng = np.random.default_rng(0)
    hidden, cell = (torch.as_tensor(rng.uniform(-0.5, 0.5, (2, x0.numel(), 20))) for _ in range(2))
    state = opt.init(p, x0, hidden=hidden, cell=cell)
    run, ind = l2o.rollout(opt, p, x0, STEPS, state=state), run_of("go-math-l2o", "none")
    with pytest.raises(InputError, match="the state it started from"):
        decompose(run, ind, opt)
    d = decompose(run, ind, opt, state_ood=state)
    assert d.exact.all()
    first = torch.stack([hidden, cell]).view(2, 2, 3, -1).square().sum((0, 1, 3)).sqrt()
    np.testing.assert_allclose(d.dz[:, 0], first, rtol=1e-12)  # features and memory are equal at the start
    with pytest.raises(InputError, match="state that this run started from"):
        decompose(run, ind, opt, state_ood=replace(state, hidden=hidden[:1]))


def test_states_are_those_the_optimizer_went_through() -> None:
    p, x0 = shifted("start")
    for name in ("go-math-l2o, all heads", "l2o-pa, all heads"):
        opt = model(name)
        state = opt.init(p, x0)
        for k, read in enumerate(replay(run_of(name, "start"), opt, "the run")):
            layers = [s.transpose(1, 2).reshape(-1, *x0.shape) for s in (state.hidden, state.cell)]
            last = state.memory if name.startswith("go") else state.z
            expected = torch.cat([run_of(name, "start").features[:, k].movedim(-1, 0), *layers, last.unsqueeze(0)])
            torch.testing.assert_close(read.z, expected, rtol=1e-10, atol=1e-12)
            state = opt.step(p, state)


@pytest.mark.parametrize("name", ["go-math-l2o", "go-math-l2o, all heads"])
def test_moving_problem_and_start_together_shifts_nothing(name: str) -> None:
    d = decompose(run_of(name, "both"), run_of(name, "none"), model(name))
    assert d.dz.max() < 1e-12
    for norm in (d.pshift, d.bshift):
        assert (norm <= 1e-12 * (1 + d.bracket)).all()
    assert (decompose(run_of("l2o-pa", "both"), run_of("l2o-pa", "none"), model("l2o-pa")).dz > 0.1).all()


def test_units_of_another_smoothness_constant() -> None:
    """On cF GO-Math-L2O makes the same steps: in the unit of the run nothing is shifted, otherwise p is."""
    run, ind, opt = run_of("go-math-l2o", "scaled"), run_of("go-math-l2o", "none"), model("go-math-l2o")
    d = decompose(run, ind, opt)
    assert d.scaled
    assert d.dz.max() < 1e-12
    assert max(d.pshift.max(), d.bshift.max()) < 1e-12
    raw = decompose(run, ind, opt, scaled=False)
    assert raw.exact.all()
    np.testing.assert_allclose(raw.pshift[1], 0.0, atol=1e-12)  # c = 1
    p, G = (getattr(run, name).numpy() for name in ("preconditioner", "generalized_gradient"))
    moved = np.linalg.norm(p * G, axis=-1)
    np.testing.assert_allclose(raw.pshift[0], moved[0] * 0.7, rtol=1e-9)  # p' - p = p' (1 - c)
    np.testing.assert_allclose(raw.pshift[2], moved[2] * 3.0, rtol=1e-9)
    # in the standard map Q v is multiplied by the step too, and b3 is not
    mapped = model("go-math-l2o, standard")
    d = decompose(run_of("go-math-l2o, standard", "scaled"), run_of("go-math-l2o, standard", "none"), mapped)
    first = d.bshift[:, 0] / np.linalg.norm(run_of("go-math-l2o, standard", "scaled").bias[:, 0], axis=-1)
    assert (first < 1e-9).all()
    fixed = l2o.optimizer("ista", step=0.1)
    runs = [l2o.rollout(fixed, *shifted(s), 3) for s in ("scaled", "none")]
    assert decompose(*runs, fixed).pshift.max() == 0  # an absolute step is the same on cF


@dataclass(frozen=True)
class Perfect:
    """Steps 1/L told apart as p = 1/(2L) and b = G/(2L) (both), or p = 1/(2L) alone; r = 0."""

    both: bool
    name: str = "perfect"

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        return _Split(x0, (0.5 / problem.smoothness).unsqueeze(-1))

    def step(self, problem: l2o.Composite, state: Any) -> Any:
        factor = 2.0 if self.both else 1.0
        return replace(state, x=state.x - factor * state.preconditioner * problem.smooth.gradient(state.x))


@dataclass(frozen=True)
class _Split:
    x: torch.Tensor
    preconditioner: torch.Tensor


@pytest.mark.parametrize("both", [True, False])
def test_perfect_models_have_the_bracket_of_assumption_1(both: bool) -> None:
    p = l2o.synthetic.quadratic(3, 6, condition=20.0, seed=1)
    opt, x0, h = Perfect(both), l2o.synthetic.starts(p), 1.0 if both else 0.5
    ind, run = l2o.rollout(opt, p, x0, STEPS), l2o.rollout(opt, p, x0 + 2.0, STEPS)
    other = l2o.rollout(opt, p.scaled(2.0), x0, STEPS)
    name, wrong = ("gradient_descent", "half_step") if both else ("half_step", "gradient_descent")
    d = decompose(run, ind, opt, reference_step=h)
    size = np.linalg.norm(run.step, axis=-1)
    assert (d.assumption_gap[name] < 1e-13 * size.max()).all()
    assert (d.assumption_gap[wrong] > 1e-3 * size).all()
    L, G, G_ood = (np.asarray(a) for a in (p.smoothness, ind.generalized_gradient, run.generalized_gradient))
    expected = (G - G_ood) / (2 * L[:, None, None]) if both else np.zeros_like(G)
    np.testing.assert_allclose(d.terms.bracket, expected, atol=1e-12)
    assert d.pshift.max() < 1e-15
    raw = decompose(other, ind, opt, reference_step=h)  # L' = 2 L
    assert (raw.assumption_gap[name] < 1e-12).all()


def test_the_exact_step_has_no_bracket() -> None:
    """With all heads off and step h/L GO-Math-L2O is proximal gradient: e(h) = 0, and so are all its terms."""
    off = {"r_norm": None, "q_norm": None, "b_norm": None}
    p, x0 = shifted("start")
    for h in (1.0, 0.5):
        opt = l2o.optimizer("go-math-l2o", **off, step=(h / p.smoothness).numpy())
        run, ind = l2o.rollout(opt, p, x0, STEPS), l2o.rollout(opt, *shifted("none"), STEPS)
        assert (run.memory[:, -1] == 0).all()  # B = 1 freezes v = 0
        d = decompose(run, ind, opt, reference_step=h)
        assert max(d.bracket.max(), d.pshift.max(), d.bshift.max()) < 1e-14
        if h == 0.5:
            assert d.assumption_gap["half_step"].max() < 1e-14


@pytest.mark.parametrize("shift", ["start", "objective"])
@pytest.mark.parametrize("name", ["go-math-l2o", "l2o-pa"])
def test_nearest_is_never_farther_than_paired(name: str, shift: str) -> None:
    run, ind, opt = run_of(name, shift, True), run_of(name, "none", True), model(name, True)
    paired, nearest = (decompose(run, ind, opt, choice=c) for c in ("paired", "nearest"))
    assert (nearest.dz <= paired.dz).all()
    assert (nearest.dz < paired.dz).any()
    # and it is the nearest of all
    table = torch.stack([r.z for r in replay(ind, opt, "ind")])  # (K,m,B,n)
    for k, read in enumerate(replay(run, opt, "run")):
        for i in range(3):
            distance = (table - read.z[None, :, i : i + 1]).square().sum((1, 3)).sqrt()  # (K,B)
            j, step = nearest.virtual_index[i, k]
            np.testing.assert_allclose(nearest.dz[i, k], distance[step, j], rtol=1e-12)
            np.testing.assert_allclose(nearest.dz[i, k], distance.min(), rtol=1e-12)
    grid = np.stack(np.meshgrid(np.arange(3), np.arange(STEPS), indexing="ij"), -1)
    np.testing.assert_array_equal(paired.virtual_index, grid)


def test_nearest_does_not_cancel() -> None:
    """Where features are large and near to one another, squared distances by inner products hold no digit."""
    rng = np.random.default_rng(0)
    base = 1e8 * rng.standard_normal((3, 1, 5))
    z = [torch.as_tensor(base + 0.1 * rng.standard_normal((3, 1, 5))) for _ in range(30)]
    alive = np.ones((1, 30), dtype=bool)
    few, many = _Nearest.among([z[:4]], [alive[:, :4]]), _Nearest.among([z], [alive])
    for k in range(30):
        mine = z[k] + 0.05 * torch.as_tensor(rng.standard_normal((3, 1, 5)))
        distance = [float((mine - other).norm()) for other in z]
        dz, _, step = few(k, mine)
        np.testing.assert_allclose(dz, min(distance[:4]), rtol=1e-6)
        assert step == np.argmin(distance[:4])
        assert many(k, mine)[0] <= distance[k]  # of more, at least the paired one is measured without cancellation


def test_nearest_takes_several_runs_of_any_size() -> None:
    opt, run = model("l2o-pa", True), run_of("l2o-pa", "start", True)
    p = l2o.synthetic.lasso(2, 10, 16, sparsity=3, seed=8)
    far = l2o.rollout(opt, p, l2o.synthetic.starts(p), 5)
    one = decompose(run, run_of("l2o-pa", "none", True), opt, choice="nearest")
    two = decompose(run, [far, run_of("l2o-pa", "none", True), run], opt, choice="nearest")
    assert one.exact.all()
    assert two.exact.all()
    assert (two.dz == 0).all()  # it is among them
    np.testing.assert_array_equal(two.virtual_index[..., 0], np.arange(5, 8)[:, None].repeat(STEPS, 1))
    assert (two.C1 == 0).all()
    assert (two.pshift + two.bshift == 0).all()


def test_runs_that_diverge_are_attributed_up_to_there() -> None:
    wild = l2o.optimizer("ista", step=1e60)
    p, x0 = problem(), l2o.synthetic.starts(problem())
    run, ind = l2o.rollout(wild, p, x0 + 1.0, STEPS), l2o.rollout(wild, p, x0, STEPS)
    assert not run.finite.any()
    d = decompose(run, ind, wild)
    assert not d.alive.all()
    assert d.alive[:, 0].all()
    assert d.exact.all()
    assert np.isnan(d.terms.bracket[~d.alive]).all()
    assert d.summary()
    v = verify(run, p, "ood_per_step:magnitude", reference_run=ind, optimizer=wild)
    assert v.count(Verdict.VIOLATED) == 0


def test_shares_and_the_data_of_figures() -> None:
    d = decompose(run_of("l2o-pa", "start", True), run_of("l2o-pa", "none", True), model("l2o-pa", True))
    for kind in ("share", "projection"):
        np.testing.assert_allclose(sum(d.measure(kind).values()), 1.0, rtol=1e-10)
    size = np.linalg.norm(d.deviation, axis=-1)
    ratio = d.stacked("ratio")
    assert set(ratio) == {"bracket", "pshift", "bshift"}
    np.testing.assert_allclose(ratio["pshift"], np.median(d.pshift / size, axis=0), rtol=1e-12)
    assert all(v.shape == (STEPS,) and (v >= 0).all() for v in d.stacked().values())
    np.testing.assert_allclose(sum(decompose_one().stacked().values()), 1.0, rtol=1e-12)
    with pytest.raises(InputError, match="kind must be one of ratio, share"):
        d.measure("volume")


def decompose_one() -> Any:
    p = l2o.synthetic.lasso(1, 10, 16, sparsity=3, seed=2)
    opt, x0 = model("l2o-pa"), l2o.synthetic.starts(p)
    return decompose(l2o.rollout(opt, p, x0 + 1.0, 4), l2o.rollout(opt, p, x0, 4), opt)


def test_what_cannot_be_compared_is_one_clear_error() -> None:
    run, opt, p = run_of("l2o-pa", "start", True), model("l2o-pa", True), problem()
    x0 = l2o.synthetic.starts(p)
    small = l2o.synthetic.lasso(2, 10, 16, sparsity=3, seed=2)
    cases = {
        "give two runs of one size": l2o.rollout(opt, small, l2o.synthetic.starts(small), STEPS),
        "one size, or use": run_of("l2o-pa", "none", True).head(3),
        "not by l2o-pa": run_of("go-math-l2o", "none", True),
        "scalars only": l2o.rollout(opt, p, x0, STEPS, record="scalars"),
    }
    for message, ind in cases.items():
        with pytest.raises(InputError, match=message):
            decompose(run, ind, opt)
        with pytest.raises(InputError, match=message):
            verify(run, p, "ood_per_step:magnitude", reference_run=ind, optimizer=opt)
    ind = run_of("l2o-pa", "none", True)
    scalars = l2o.rollout(opt, p, x0, STEPS, record="scalars")
    with pytest.raises(InputError, match="out of distribution: the run holds scalars only"):
        verify(scalars, p, "ood_per_step:magnitude", reference_run=ind, optimizer=opt)
    narrow = l2o.synthetic.lasso(3, 10, 8, sparsity=2, seed=2)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("choice must be one of", {"choice": "closest"}),
        ("reference_step must be > 0", {"reference_step": -1.0}),
        ("2 runs in distribution", {"run_ind": [ind, ind]}),
        ("no run in distribution", {"run_ind": []}),
        (
            "one number of variables",
            {"run_ind": l2o.rollout(opt, narrow, l2o.synthetic.starts(narrow), 3), "choice": "nearest"},
        ),
        ("recorded features", {"run_ind": replace(ind, features=None)}),
    ]
    for message, change in wrong:
        with pytest.raises(InputError, match=message):
            decompose(**{"run_ood": run, "run_ind": ind, "optimizer": opt, **change})
    fista = l2o.optimizer("fista")
    runs = [l2o.rollout(fista, p, x0 + s, 3) for s in (1.0, 0.0)]
    if runs[0].preconditioner is None:
        with pytest.raises(InputError, match="names no preconditioner"):
            decompose(*runs, fista)
    arguments = l2o.run_from_iterates(p, run.x)
    with pytest.raises(InputError, match="made by given iterates"):
        decompose(arguments, ind, opt)
    with pytest.raises(InputError, match="names no preconditioner"):
        decompose(replace(run, preconditioner=None), ind, opt)


def test_a_reference_that_diverges_leaves_nothing_known() -> None:
    run, ind, opt = run_of("l2o-pa", "start", True), run_of("l2o-pa", "none", True), model("l2o-pa", True)
    broken = {}
    for name in ("x", "preconditioner", "bias", "generalized_gradient"):
        value = getattr(ind, name).clone()
        value[1, 7:] = torch.inf
        broken[name] = value
    ind = replace(ind, **broken)
    d = decompose(run, ind, opt)
    assert (~d.alive).sum() == STEPS - 6 or (~d.alive).sum() == STEPS - 7
    v = verify(run, shifted("start")[0], "ood_per_step:magnitude", reference_run=ind, optimizer=opt)
    assert (v.verdict[1, ~d.alive[1]] == Verdict.INCONCLUSIVE).all()
    assert (v.verdict[d.alive] == Verdict.VERIFIED).all()
    nearest = decompose(run, ind, opt, choice="nearest")
    assert nearest.alive.all()
    assert nearest.exact.all()


def test_a_method_with_a_preconditioner_and_no_network_is_attributed_by_its_points() -> None:
    """Ada-LISTA: p_k = theta a, and what its matrices make of the gradient is its bias."""
    p = l2o.synthetic.lasso(2, 6, 12, sparsity=3, seed=1)
    x0, start = l2o.synthetic.starts(p), l2o.optimizer("ada-lista", rows=6, layers=4)
    rng = torch.Generator().manual_seed(0)
    weights = {n: w + 0.1 * torch.randn(w.shape, generator=rng, dtype=w.dtype) for n, w in start.parameters.items()}
    opt = start.with_parameters(weights)
    run, ind = (l2o.rollout(opt, p, x0 + s, 8) for s in (3.0, 0.0))
    d = decompose(run, ind, opt)
    assert d.exact.all()
    assert float(run.bias.abs().max()) > 1e-3


@pytest.mark.parametrize("name", ["adam", "l2o-dm", "l2o-rnnprop", "safeguarded", "guaranteed"])
def test_a_method_without_a_preconditioner_is_refused(name: str) -> None:
    p = l2o.synthetic.lasso(2, 6, 12, sparsity=3, seed=1)
    opt = l2o.optimizer(name)
    run = l2o.rollout(opt, p, l2o.synthetic.starts(p), 3)
    with pytest.raises(InputError, match=f"{name} names no preconditioner"):
        decompose(run, run, opt)
    with pytest.raises(InputError, match=f"{name} has no network with heads"):
        segment_jacobians(run, run, opt)
