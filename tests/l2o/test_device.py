"""Devices: everything stays where the problem is, which is checked without a second device.

Inside `torch.device("meta")` a tensor made without saying where lands on the device "meta", and what mixes it with
tensors of the CPU fails; on a machine with a GPU the same slip mixes CPU and GPU.
"""

from __future__ import annotations

import pytest
import torch

from l2obound import l2o
from l2obound.l2o.optimizers import kernel
from l2obound.l2o.training.loop import _segment
from l2obound.l2o.training.measures import reference_values, score
from tests.helpers import zoo
from tests.helpers.sampling import one_in

PROBLEMS = {
    "lasso": lambda: l2o.synthetic.lasso(2, 5, 8),
    "shifted lasso": lambda: l2o.synthetic.lasso(2, 5, 8).shifted(2.0).scaled(3.0).rescaled(0.5),
    "logistic": lambda: l2o.synthetic.logistic_l1(2, 9, 4),
    "quadratic": lambda: l2o.synthetic.quadratic(2, 6),
    "elastic net": lambda: l2o.Composite(l2o.synthetic.lasso(2, 5, 8).smooth, l2o.elastic_net(0.1, 0.2)),
    "box": lambda: l2o.Composite(l2o.synthetic.lasso(2, 5, 8).smooth, l2o.box(-0.5, 0.5)),
}


@pytest.fixture(params=[True, False], ids=["kernel", "plain torch"])
def native(request, monkeypatch) -> bool:
    """With the kernel, and without it, as on a GPU."""
    if not request.param:
        monkeypatch.setattr(kernel, "_library", lambda: None)
    return request.param


@pytest.mark.parametrize(("name", "problem", "record"), one_in(3, l2o.optimizer_names(), PROBLEMS, ("all", "scalars")))
def test_a_run_stays_on_the_device_of_its_problem(name: str, problem: str, record: str, native: bool) -> None:
    p = PROBLEMS[problem]()
    if zoo.smooth_only(name):
        p = l2o.Composite(p.smooth, l2o.zero())
    if not zoo.runs_on(name, p):
        pytest.skip(f"{name} does not take {p.name}")
    x0 = l2o.synthetic.starts(p)
    opt = l2o.optimizer(name)
    expected = l2o.rollout(opt, p, x0, 3, record=record, comparator=x0)
    with torch.device("meta"):
        run = l2o.rollout(opt, p, x0, 3, record=record, comparator=x0)
    assert run.x_final.device == x0.device
    assert torch.equal(run.objective, expected.objective)


@pytest.mark.parametrize("name", ["go-math-l2o", "l2o-pa", "l2o-dm", "l2o-rnnprop", "ada-lista"])
def test_training_stays_on_the_device_of_its_problem(name: str, native: bool) -> None:
    p = l2o.synthetic.lasso(2, 5, 8)
    x0 = l2o.synthetic.starts(p)
    model = l2o.optimizer(name, **({"rows": 5} if name == "ada-lista" else {"hidden_size": 3}))
    leaves = {n: w.clone().requires_grad_() for n, w in model.parameters.items()}
    with torch.device("meta"):
        trained = model.with_parameters(leaves).prepared()
        loss, _ = _segment(trained, p.remembering(), trained.init(p, x0), 3, "weighted_sum")
        gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
        values = reference_values(p, x0, 3)
        assert score(values.unsqueeze(0), "log_gap", values) < 0
    assert all(g.device == x0.device for g in gradients)


def test_the_check_above_can_fail() -> None:
    """A method that forgets to say where its tensors go."""

    class Careless(l2o.optimizers.Ista):
        def step(self, problem, state):
            return super().step(problem, state.__class__(state.x + torch.zeros(state.x.shape), state.preconditioner))

    p = l2o.synthetic.lasso(2, 5, 8)
    with torch.device("meta"), pytest.raises((RuntimeError, NotImplementedError)):
        l2o.rollout(Careless(), p, l2o.synthetic.starts(p), 2)


def test_moving_a_run_keeps_it() -> None:
    p = l2o.synthetic.lasso(2, 5, 8)
    run = l2o.rollout(l2o.optimizer("go-math-l2o"), p, l2o.synthetic.starts(p), 3, record="scalars")
    assert torch.equal(run.to("cpu").scalars["G2"], run.scalars["G2"])
    moved = run.to("meta")
    assert (moved.objective.device.type, moved.scalars["G2"].device.type) == ("meta", "meta")
    assert (moved.steps, moved.optimizer) == (run.steps, run.optimizer)


@pytest.mark.parametrize("device", ["cuda:99", "meta", "gpu"])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(l2o.InputError, match=f"training.device: device '{device}' cannot be used here"):
        l2o.train({"model": {"name": "go-math-l2o"}, "training": {"device": device}})
