"""The checks of weights see those of every form that a user's object has, and say what they cannot see."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from l2obound import l2o
from l2obound.l2o import Composite
from l2obound.verification import check_optimizer
from tests.helpers.lstm_objects import BROKEN, FORMS, Forward, Holder, Lstm, NaNInTheGradient

TRAINING = ["finite_gradients", "every_weight_has_a_part", "derivative_is_that_of_the_loss"]
P = {"quadratic": l2o.synthetic.quadratic(2, 4, seed=0)}
GLOBAL: dict[str, Any] = {"net": NaNInTheGradient().double(), "sound": Lstm().double()}


def statuses(arguments: Any, checks: list[str]) -> dict[str, tuple[str, str]]:
    report = check_optimizer(arguments, profile="dev", checks=checks, problems=P)
    return {r.name: (str(r.status), r.message) for r in report.results}


@pytest.mark.parametrize("form", FORMS)
def test_sound_weights_are_trained_saved_and_cast(form: str) -> None:
    results = statuses(FORMS[form](), ["finite_gradients", "derivative_is_that_of_the_loss", "save_load"])
    assert results["save_load"] == ("passed", "the run and the weights are the same from their files")
    assert {status for status, _ in results.values()} == {"passed"}, results
    assert statuses(FORMS[form](), ["float32_matches_float64"])["float32_matches_float64"][0] == "passed"


@pytest.mark.parametrize("form", BROKEN)
def test_a_derivative_that_is_nan_is_detected(form: str) -> None:
    status, message = statuses(BROKEN[form](), ["finite_gradients"])["finite_gradients"]
    assert status == "failed"
    assert "head.bias is not finite" in message


def idle(form: str) -> Any:
    """A network with a layer that nothing reads."""
    net = Lstm()
    net.unused = torch.nn.Linear(3, 3)
    return {"module": net, "attribute": Holder(net, "attribute"), "forward": Forward(net)}[form]


@pytest.mark.parametrize("form", ["module", "attribute", "forward"])
def test_a_weight_without_a_part_is_detected(form: str) -> None:
    status, message = statuses(idle(form), ["every_weight_has_a_part"])["every_weight_has_a_part"]
    assert status == "failed"
    assert "unused.weight (100%)" in message


class Detached(Lstm):
    def gradient(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        return super().gradient(problem, x).detach()

    def step(self, problem: Composite, state: Any) -> Any:
        return super().step(problem, (state[0].detach(), state[1]))


@pytest.mark.parametrize("arguments", [Detached, lambda: Holder(Detached(), "list")])
def test_a_derivative_that_is_cut_is_detected(arguments: Any) -> None:
    status, message = statuses(arguments, ["derivative_is_that_of_the_loss"])["derivative_is_that_of_the_loss"]
    assert status == "failed", message


class Unregistered(Lstm):
    """Its head is in a plain list, so that its state_dict lacks it."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = [self.head]
        del self.head

    def update(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.heads[0](hidden)


@pytest.mark.parametrize("arguments", [Unregistered, lambda: Forward(Unregistered())])
def test_a_weight_that_is_in_no_file_is_detected(arguments: Any) -> None:
    status, message = statuses(arguments, ["save_load"])["save_load"]
    assert status == "failed"
    assert "with the weights from the file the run differs" in message


def of_a_global(problem: Composite, x: torch.Tensor) -> torch.Tensor:
    net = GLOBAL["sound"]
    hidden = net.cell(problem.smooth_gradient(x).reshape(-1, 1))
    return x - 0.1 * net.update(hidden[0]).reshape(x.shape)


class OfAGlobal:
    def init(self, problem: Composite, x0: torch.Tensor) -> Any:
        return (x0,)

    def step(self, problem: Composite, state: Any) -> Any:
        hidden = GLOBAL["net"].cell(problem.smooth_gradient(state[0]).reshape(-1, 1))
        return (state[0] - 0.1 * GLOBAL["net"].update(hidden[0]).reshape(state[0].shape),)


def test_weights_that_cannot_be_replaced_are_differentiated_by_and_named() -> None:
    before = {n: w.detach().clone() for n, w in GLOBAL["sound"].named_parameters()}
    results = statuses(of_a_global, [*TRAINING, "save_load"])
    assert results["finite_gradients"][0] == "passed"
    for name in (*TRAINING[1:], "save_load"):
        status, message = results[name]
        assert status == "not applicable"
        assert "it holds tensors that require gradients, and the suite cannot replace them: leaf" in message
        assert "(16, 1)" in message
    assert all(torch.equal(w, before[n]) for n, w in GLOBAL["sound"].named_parameters())
    status, message = statuses(OfAGlobal, ["finite_gradients"])["finite_gradients"]
    assert status == "failed"
    assert "is not finite" in message


class OwnGradient:
    """It asks autograd for its gradient: the points at which it does so are leaves, and no weights."""

    def init(self, problem: Composite, x0: torch.Tensor) -> Any:
        return (x0,)

    def step(self, problem: Composite, state: Any) -> Any:
        with torch.enable_grad():
            x = state[0].detach().requires_grad_()
            (gradient,) = torch.autograd.grad(problem.smooth.value(x).sum(), x)
        return (x - 0.1 * gradient,)


class OnNumbersAlone:
    def init(self, problem: Composite, x0: torch.Tensor) -> Any:
        return (x0,)

    def step(self, problem: Composite, state: Any) -> Any:
        net = GLOBAL["sound"]
        moved = net.head(torch.ones(1, 4, dtype=state[0].dtype)).numpy()  # fails where gradients are switched on
        return (state[0] - 0.1 * float(moved[0, 0]) * problem.smooth_gradient(state[0]),)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (OwnGradient, "it holds no tensors that require gradients"),
        ("ista", "it holds no tensors that require gradients"),
        (lambda: Lstm().requires_grad_(False), "none of its weights requires gradients"),
        (lambda: torch.optim.SGD, "takes its steps in place, so that no derivative goes through them"),
        (OnNumbersAlone, "it raises RuntimeError: .*cannot be told whether it uses tensors that require them"),
    ],
)
def test_where_there_is_nothing_to_train_the_reason_is_true(arguments: Any, says: str) -> None:
    for status, message in statuses(arguments, TRAINING).values():
        assert status == "not applicable"
        assert re.search(says, message), message
