"""Optimizers: the network cell, equivariance, options, purity, checkpoints."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
import torch

import l2o
from tests import zoo

NAMES = l2o.optimizer_names()
LEARNED = ("l2o-pa", "go-math-l2o")


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
    torch.testing.assert_close(together.x[1:2], alone.x, rtol=1e-12, atol=1e-14)


TRANSLATED = ("ista", "fista", "fista-restart", "go-math-l2o")


@pytest.mark.parametrize("name", TRANSLATED)
def test_translation_equivariance(name: str) -> None:
    """Catalogue statement B12: objective shift t and start shift s = t are one experiment for these."""
    p, opt = problem_for(name), l2o.optimizer(name)
    x0 = zoo.start(p)
    moved = l2o.rollout(opt, p.shifted(2.5), x0 - 2.5, 20).x + 2.5
    torch.testing.assert_close(moved, l2o.rollout(opt, p, x0, 20).x, rtol=1e-9, atol=1e-9)


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
    plain = l2o.rollout(opt, p, x0, 20).x
    torch.testing.assert_close(l2o.rollout(opt, p.scaled(5.0), x0, 20).x, plain, rtol=1e-9, atol=1e-9)
    wide = l2o.rollout(opt, p.rescaled(4.0), 4.0 * x0, 20).x / 4.0
    torch.testing.assert_close(wide, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in LEARNED and n != "heavy-ball"])
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


@pytest.mark.parametrize("name", LEARNED)
def test_weights_are_drawn_from_the_seed(name: str) -> None:
    one, two, other = (l2o.optimizer(name, seed=s).parameters for s in (1, 1, 2))
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert not torch.equal(one["linear.weight"], other["linear.weight"])


@pytest.mark.parametrize("kind", LEARNED)
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


class _Evil:
    def __reduce__(self):
        return (print, ("executed",))


BAD = {
    "unknown optimizer": (lambda d: l2o.optimizer("istaa"), "did you mean 'ista'"),
    "unknown option": (lambda d: l2o.optimizer("ista", speed=2), "no option 'speed'"),
    "option of another type": (lambda d: l2o.optimizer("go-math-l2o", r_scale="x"), "r_scale"),
    "unknown norm": (lambda d: l2o.optimizer("go-math-l2o", r_norm="relu"), "unknown norm"),
    "unknown map": (lambda d: l2o.optimizer("go-math-l2o", gradient_map="no"), "gradient_map"),
    "unknown power": (lambda d: l2o.optimizer("go-math-l2o", q_step_power=3), "q_step_power"),
    "no layers": (lambda d: l2o.optimizer("l2o-pa", layers=0), "layers"),
    "momentum": (lambda d: l2o.optimizer("heavy-ball", momentum=1.5), "momentum"),
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
