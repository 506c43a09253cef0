"""Averaged Jacobians against exact differences, and against derivatives taken another way."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o import InputError
from l2obound.verification import decompose, segment_jacobians
from l2obound.verification.virtual_steps.network_states import replay
from l2obound.verification.virtual_steps.segment_jacobians import _gradients, _Heads

STEPS = 6
B3 = {"b3_norm": "tanh", "b3_scale": 0.02}
MODELS = {
    "go-math-l2o": lambda: l2o.pretrained("go-math-l2o", "lasso"),
    "l2o-pa": lambda: l2o.pretrained("l2o-pa", "lasso"),
    "go-math-l2o, b3": lambda: l2o.optimizer("go-math-l2o", seed=4, q_step_power=1, **B3),
}


@cache
def runs(name: str, shift: float = 0.25) -> tuple[l2o.Run, l2o.Run, Any]:
    """A run from a moved start and the run from the start, close enough that some segments meet no kink."""
    p, opt = l2o.synthetic.lasso(3, 8, 12, sparsity=3, seed=4), MODELS[name]()
    x0 = l2o.synthetic.starts(p)
    return l2o.rollout(opt, p, x0 + shift, STEPS), l2o.rollout(opt, p, x0, STEPS), opt


@pytest.mark.parametrize("name", MODELS)
def test_the_averaged_jacobian_gives_the_difference_of_heads(name: str) -> None:
    ood, ind, opt = runs(name)
    result = segment_jacobians(ood, ind, opt, nodes=24)
    assert result.smooth.mean() > 0.1
    assert (~result.smooth).mean() > 0.1
    smooth = np.broadcast_to(result.smooth, result.error.shape)
    assert result.error[smooth].max() < 1e-6
    # a kink leaves an error: at most the variation of the integrand times the largest weight, which on (0, 1) is below
    # pi/(2 nodes); the variation of these integrands is below that of one swing from -C |dz| to C |dz|
    coarse = segment_jacobians(ood, ind, opt, nodes=3)
    kinks = ~smooth & ~np.broadcast_to(coarse.smooth, smooth.shape)
    swing = np.broadcast_to(2 * (result.constant * result.dz)[..., None], result.error.shape)
    assert result.error[kinks].max() > 1e-7
    assert (result.error <= swing * np.pi / (2 * 24)).all()
    assert result.error[kinks].mean() < 0.5 * coarse.error[kinks].mean()
    assert "no ReLU unit changes sign" in result.summary()


@pytest.mark.parametrize("name", MODELS)
def test_differences_are_those_of_the_recorded_heads(name: str) -> None:
    ood, ind, opt = runs(name)
    result, d = segment_jacobians(ood, ind, opt, nodes=2), decompose(ood, ind, opt)
    np.testing.assert_allclose(result.dz, d.dz, rtol=1e-12)
    p = ood.preconditioner.numpy() - ind.preconditioner.numpy()
    np.testing.assert_allclose(result.difference[result.of("N1")], p, atol=1e-12)
    if name != "l2o-pa":
        np.testing.assert_allclose(result.difference[result.of("N2")], d.terms.bias_shift, atol=1e-12)
    else:
        with pytest.raises(InputError, match="no head 'N2'"):
            result.of("N2")
    some = segment_jacobians(ood, ind, opt, nodes=2, steps=[1, 4])
    np.testing.assert_array_equal(some.integral, result.integral[:, :, [1, 4]])
    assert some.steps == (1, 4)


def test_gradients_against_directional_derivatives_and_differences() -> None:
    ood, _, opt = runs("go-math-l2o, b3")
    z = next(iter(replay(ood, opt, "run"))).z.flatten(1)
    heads, step = _Heads(opt, torch.full((3,), 0.3, dtype=torch.float64)), torch.full((36,), 0.3, dtype=torch.float64)
    gradients, _ = _gradients(heads, z, step)
    move = torch.as_tensor(np.random.default_rng(0).standard_normal(z.shape))
    _, tangent = torch.autograd.functional.jvp(lambda a: heads(a, step)[0], z, move)
    torch.testing.assert_close((gradients * move).sum(1), tangent, rtol=1e-12, atol=1e-13)
    near = (heads(z + 1e-6 * move, step)[0] - heads(z - 1e-6 * move, step)[0]) / 2e-6
    torch.testing.assert_close(tangent, near, rtol=1e-4, atol=1e-6)
    wrong = (-gradients * move).sum(1)
    assert (wrong - tangent).abs().max() > 1e-3


def test_the_spectral_norm_is_that_of_the_whole_jacobian() -> None:
    """Coordinates do not mix, so the norm of the full Jacobian (n, m n) is the largest of its rows."""
    ood, _, opt = runs("go-math-l2o, b3")
    z = next(iter(replay(ood, opt, "run"))).z[:, 0]
    step = torch.full((12,), 0.2, dtype=torch.float64)
    heads = _Heads(opt, torch.full((1,), 0.2, dtype=torch.float64))
    full = torch.func.jacrev(lambda a: heads(a, step)[0])(z)  # (P,n,m,n)
    gradients, _ = _gradients(heads, z, step)
    for whole, rows in zip(full, gradients):
        spectral = torch.linalg.matrix_norm(whole.flatten(1), 2)
        torch.testing.assert_close(spectral, torch.linalg.vector_norm(rows, dim=0).max(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_constants_exceed_the_quotients_of_the_pair(name: str) -> None:
    ood, ind, opt = runs(name)
    result, d = segment_jacobians(ood, ind, opt, nodes=24), decompose(ood, ind, opt)
    assert (result.constant[result.of("N1")] * (1 + 1e-6) >= d.C1).all()
    if name != "l2o-pa":
        assert (result.constant[result.of("N2")] * (1 + 1e-6) >= d.C2).all()
    more = segment_jacobians(ood, ind, opt, nodes=3)
    ends = segment_jacobians(ood, ind, opt, nodes=1)
    assert (ends.constant > 0).all()
    assert np.median(result.constant / more.constant) >= 1 - 1e-6  # the largest of more points


def test_a_segment_of_length_zero() -> None:
    _, ind, opt = runs("l2o-pa")
    result = segment_jacobians(ind, ind, opt, nodes=4)
    assert result.smooth.all()
    for array in (result.integral, result.difference, result.dz):
        assert (array == 0).all()
    heads = _Heads(opt, 0.9999 / ind.smoothness)
    for k, read in enumerate(replay(ind, opt, "run")):
        step = heads.step.unsqueeze(-1).expand(3, 12).flatten()
        gradients, _ = _gradients(heads, read.z.flatten(1), step)
        expected = gradients.square().sum(1).sqrt().view(-1, 3, 12).amax(-1)
        np.testing.assert_allclose(result.constant[:, :, k], expected, rtol=1e-12)


def test_heads_that_are_off_do_not_move() -> None:
    p = l2o.synthetic.lasso(2, 6, 8, sparsity=2, seed=4)
    x0 = l2o.synthetic.starts(p)
    for kind, off in (("l2o-pa", ("p", "a")), ("go-math-l2o", ("r", "q", "b"))):
        opt = l2o.optimizer(kind, **{f"{head}_norm": None for head in off})
        result = segment_jacobians(l2o.rollout(opt, p, x0 + 1.0, 3), l2o.rollout(opt, p, x0, 3), opt, nodes=2)
        assert result.names[0] == "N1"
        assert (result.difference == 0).all()
        assert (result.constant[0] == 0).all()


def test_wrong_input_is_one_clear_error() -> None:
    ood, ind, opt = runs("l2o-pa")
    ista = l2o.optimizer("ista")
    for message, change in (
        ("ista has no network", {"optimizer": ista}),
        ("nodes must be", {"nodes": 0}),
        (r"steps must be in 0\.\.5", {"steps": [6]}),
        ("one size", {"run_ind": ind.head(2)}),
        ("not by l2o-pa", {"run_ind": runs("go-math-l2o")[1]}),
    ):
        with pytest.raises(InputError, match=message):
            segment_jacobians(**{"run_ood": ood, "run_ind": ind, "optimizer": opt, **change})
