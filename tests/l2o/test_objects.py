"""Objects of the user's with `init` and `step`: their seed, their states, the precision of their weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from l2obound import l2o
from l2obound.errors import InterfaceError
from l2obound.l2o import Composite, InputError, adapt, objective_curve, rollout
from l2obound.l2o.optimizers.adapted_object import ObjectOptimizer
from l2obound.l2o.optimizers.weights import cast, copied, modules_of, precisions_of, shared_weights, weights_of
from tests.helpers.lstm_objects import FORMS, Lstm

P = l2o.synthetic.lasso(3, 6, 4, sparsity=1)
X0 = l2o.synthetic.starts(P)


@dataclass
class Held:
    x: torch.Tensor


class Step:
    """Half a proximal gradient step; its states have the form that `shape` gives them, and `read` takes them apart."""

    def __init__(self, shape: Callable[[torch.Tensor], Any], read: Callable[[Any], torch.Tensor]) -> None:
        self.shape, self.read = shape, read

    def init(self, problem: Composite, x0: torch.Tensor) -> Any:
        return self.shape(x0)

    def step(self, problem: Composite, state: Any) -> Any:
        x, step = self.read(state), 0.5 / problem.smoothness[:, None]
        return self.shape(problem.prox(x - step * problem.smooth_gradient(x), step))


STATES: dict[str, tuple[Callable[[torch.Tensor], Any], Callable[[Any], torch.Tensor]]] = {
    "an attribute x": (Held, lambda state: state.x),
    "a tuple": (lambda x: (x, None), lambda state: state[0]),
    "a list": (lambda x: [x, 3], lambda state: state[0]),
    "a mapping": (lambda x: {"x": x, "h": None}, lambda state: state["x"]),
    "the iterate": (lambda x: x, lambda state: state),
}
EXPECTED = rollout(l2o.optimizer("ista", step=0.5 / P.smoothness), P, X0, 5)


@pytest.mark.parametrize("form", STATES)
def test_a_state_without_x_is_taken_where_it_is_clear(form: str) -> None:
    for run in (rollout(Step(*STATES[form]), P, X0, 5), rollout(adapt(Step(*STATES[form])), P, X0, 5)):
        assert torch.allclose(run.x, EXPECTED.x, rtol=1e-12, atol=1e-14)
    curve = objective_curve(Step(*STATES[form]), P, X0, 5)
    assert torch.allclose(torch.as_tensor(curve.objective), EXPECTED.objective, rtol=1e-12)


@pytest.mark.parametrize("form", STATES)
def test_a_guard_goes_on_from_the_point_that_it_chose(form: str) -> None:
    """The base goes on from where the guard put it, not from what its own state says."""
    shape, read = STATES[form]
    guarded = l2o.optimizer("safeguarded", base=Step(lambda x: shape(2 * x + 1), read))
    assert torch.allclose(
        rollout(guarded, P, X0, 6).objective[:, 1:], rollout("ista", P, 2 * X0 + 1, 6).objective[:, 1:]
    )


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        (lambda x: None, r"Step\.init gives None: a state is an object with the attribute x"),
        (lambda x: (1, x), r"Step\.init gives a tuple of int, Tensor: a state is"),
        (lambda x: {"y": x}, r"Step\.init gives a mapping with the keys 'y': a state is"),
        (lambda x: {"x": 3}, r"Step\.init gives a state whose x is a int without x, expected the iterate, a tensor"),
        (lambda x: Held(x[:1]), r"a tensor of shape \(1, 4\), expected the iterate, a tensor of shape \(3, 4\)"),
        (lambda x: (x.mT, x), r"a tensor of shape \(4, 3\), expected the iterate, a tensor of shape \(3, 4\)"),
    ],
)
def test_any_other_state_is_one_clear_error(shape: Any, says: str) -> None:
    with pytest.raises(InterfaceError, match=says):
        rollout(Step(shape, lambda state: state), P, X0, 2)


def test_a_mapping_may_name_what_a_run_records() -> None:
    class Proximal:
        def init(self, problem: Composite, x0: torch.Tensor) -> Any:
            return {"x": x0}

        def step(self, problem: Composite, state: Any) -> Any:
            step = 1 / problem.smoothness[:, None]
            argument = state["x"] - step * problem.smooth_gradient(state["x"])
            return {"x": problem.prox(argument, step), "prox_argument": argument, "preconditioner": step}

    run = rollout(Proximal(), P, X0, 3)
    assert run.subgradient_rule == "prox"
    assert run.preconditioner is not None


def made(init: Any, step: Any = lambda self, problem, state: state) -> Any:
    return type("Mine", (), {"init": init, "step": step})()


@pytest.mark.parametrize(
    "init",
    [
        lambda self, problem, x0: Held(x0),
        lambda self, problem, x0, seed: Held(x0),
        lambda self, problem, x0, *, seed=0: Held(x0),
        lambda self, problem, x0, hidden=None: Held(x0 if hidden is None else hidden),
        lambda self, *args: Held(args[1]),
        lambda self, problem, x0, **options: Held(x0 if options["seed"] == 3 else -x0),
    ],
)
def test_a_seed_is_passed_where_it_is_taken(init: Any) -> None:
    assert torch.equal(adapt(made(init)).init(P, X0, seed=3).x, X0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (made(lambda self, x0: Held(x0)), r"Mine\.init\(x0\) cannot be called as init\(problem, x0\) or init\("),
        (made(lambda self, problem, x0, net: Held(x0)), r"Mine\.init.*missing a required argument: 'net'"),
        (made(lambda self, p, x: Held(x), lambda self, state: state), r"Mine\.step\(state\) cannot be called as step"),
    ],
)
def test_another_signature_is_one_clear_error(arguments: Any, says: str) -> None:
    for call in (adapt, lambda obj: rollout(obj, P, X0, 2)):
        with pytest.raises(InterfaceError, match=says):
            call(arguments)


@pytest.mark.parametrize("form", FORMS)
def test_weights_are_cast_and_the_object_stays_as_it_is(form: str) -> None:
    arguments = FORMS[form]()
    runs = {}
    for dtype in (torch.float32, torch.float64):
        before = torch.get_default_dtype()
        runs[dtype] = rollout(arguments, P.to(dtype), X0.to(dtype), 5).x
        assert runs[dtype].dtype == dtype
        assert torch.get_default_dtype() == before
        assert precisions_of(arguments) == {torch.float32}
    assert torch.allclose(runs[torch.float32].double(), runs[torch.float64], rtol=1e-4, atol=1e-4)
    assert not torch.equal(runs[torch.float64][:, 0], runs[torch.float64][:, 5])


def test_the_default_precision_comes_back_after_an_error() -> None:
    class Fails(Lstm):
        def step(self, problem: Composite, state: Any) -> Any:
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        rollout(Fails(), P, X0, 2)
    assert torch.get_default_dtype() == torch.float32


def test_an_object_of_the_package_or_derived_from_one_is_itself() -> None:
    class Mine(type(l2o.optimizer("fista"))):
        pass

    for arguments in (l2o.optimizer("fista"), Mine(), l2o.pretrained("l2o-pa", "lasso")):
        assert type(adapt(arguments)) is type(arguments)

    class WithWeights(Mine):
        def __init__(self) -> None:
            super().__init__()
            object.__setattr__(self, "net", torch.nn.Linear(1, 1))

    assert isinstance(adapt(WithWeights()), ObjectOptimizer)


def test_attributes_of_the_object_are_read_through_the_adapter() -> None:
    arguments = Lstm()
    arguments.lacks = {"makes_progress": "untrained"}
    assert adapt(arguments).lacks == arguments.lacks
    with pytest.raises(AttributeError):
        _ = adapt(arguments).nothing
    with pytest.raises(AttributeError):
        _ = adapt(Step(lambda x: (x, x), lambda state: state[0])).init(P, X0).nothing


# weights inside of any object


def test_weights_are_seen_wherever_they_are() -> None:
    linear, loose, frozen = torch.nn.Linear(2, 1), torch.nn.Parameter(torch.ones(2)), torch.ones(3)

    class Slots:
        __slots__ = ("net", "unset")

        def __init__(self) -> None:
            self.net = linear

    class Unregistered(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.heads = [linear]

    class Inner:
        a, b = 1, "text"

    inner = Inner()
    inner.where = {"deep": [(loose,)]}
    inner.itself = inner

    def closes(problem: Any, x: Any) -> Any:
        return linear(x)

    assert set(weights_of(inner)) == {"where['deep'][0][0]"}
    assert set(weights_of(Unregistered())) == {"heads[0].weight", "heads[0].bias"}
    for holder in (Slots(), closes, functools.partial(closes), functools.partial(print, net=linear), [Slots().net]):
        assert {id(w) for w in weights_of(holder).values()} == {id(w) for w in linear.parameters()}
    assert weights_of([frozen, 3, None, "x", P, X0]) == {}
    assert list(modules_of({"a": linear, "b": torch.nn.Sequential(linear)})) == ["['b']"]
    assert not shared_weights(closes, copied(closes))
    assert not shared_weights(inner, copied(inner))
    assert precisions_of(cast(copied(closes), torch.float64)) == {torch.float64}
    assert precisions_of(closes) == {torch.float32}


def test_what_cannot_be_copied_or_cast_is_said() -> None:
    class Mine(Lstm):
        def __init__(self) -> None:
            super().__init__()
            self.file = (i for i in range(3))

    with pytest.raises(InputError, match=r"Mine cannot be copied \(TypeError: .*generator"):
        rollout(Mine(), P, X0, 2)

    class Closes:
        def __init__(self) -> None:
            net = torch.nn.Linear(1, 1)
            self.update = lambda g: net(g[..., None])[..., 0]

        def init(self, problem: Composite, x0: torch.Tensor) -> Any:
            return Held(x0)

        def step(self, problem: Composite, state: Any) -> Any:
            return Held(state.x - 0.1 * self.update(problem.smooth_gradient(state.x)))

    with pytest.raises(InputError, match=r"update\.net\.weight, .*cannot be cast, because a function inside"):
        rollout(Closes(), P, X0, 2)
    assert rollout(Closes(), P.to(torch.float32), X0.float(), 2).x.dtype == torch.float32
