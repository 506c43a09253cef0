"""Models and classes of the user's own: every way to name one, and steps that overwrite what they are given."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from l2obound import l2o, verification
from l2obound.l2o import Composite, InputError, adapt, resolve_optimizer, rollout

P = l2o.synthetic.lasso(3, 6, 4, sparsity=1)
Q = l2o.synthetic.quadratic(2, 4, condition=5.0)
X0, Y0 = l2o.synthetic.starts(P), l2o.synthetic.starts(Q)
ISTA = rollout("ista", P, X0, 5)

MINE = """
import torch
from helper import SIZE

class Mine:
    def __init__(self, scale=1.0):
        self.scale = scale
    def init(self, problem, x0, seed=0):
        return State(x0)
    def step(self, problem, state):
        step = SIZE * self.scale / problem.smoothness.unsqueeze(-1)
        return State(problem.prox(state.x - step * problem.smooth_gradient(state.x), step))

class State:
    def __init__(self, x):
        self.x = x

def drawn():
    made = Mine()
    made.scale = float(torch.rand(()))
    return made

def stored():
    made = Mine()
    made.scale = torch.load("scale.pth", weights_only=True)
    return made
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the user's modules, which is the current one; they are forgotten afterwards."""
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "helper.py").write_text("SIZE = 1.0\n")
    torch.save(torch.tensor(1.0, dtype=torch.float64), tmp_path / "scale.pth")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("mine", "helper"):
        sys.modules.pop(name, None)


def same_run(run: l2o.Run, other: l2o.Run = ISTA) -> bool:
    return torch.allclose(run.x, other.x, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("spec", ["mine:Mine", "mine.py:Mine", "{place}/mine.py:Mine", "mine.py:stored"])
def test_code_is_named_by_its_module_or_its_file(place: Path, spec: str) -> None:
    spec = spec.format(place=place)
    source = resolve_optimizer(spec)
    assert same_run(rollout(spec, P, X0, 5))
    assert same_run(rollout(source.fresh(), P, X0, 5))
    assert (source.spec, source.label, source.learned) == (spec, "Mine", True)
    assert source.digest() == resolve_optimizer(spec).digest()


def test_options_are_arguments_of_what_makes_it(place: Path) -> None:
    assert resolve_optimizer("mine.py:Mine", options={"scale": 0.5}).fresh().scale == 0.5
    with pytest.raises(InputError, match=r"Mine does not take these options: .*'size'"):
        resolve_optimizer("mine.py:Mine", options={"size": 1})
    assert resolve_optimizer("ista", options={"step": 0.5}).fresh().step_size == 0.5
    with pytest.raises(InputError, match="its options are those of its training"):
        resolve_optimizer("l2o-pa:lasso", options={"a_scale": 1.0})


def test_a_digest_follows_the_source_what_it_imports_and_the_numbers(place: Path) -> None:
    first = resolve_optimizer("mine.py:stored").digest()
    torch.save(torch.tensor(0.5, dtype=torch.float64), place / "scale.pth")
    second = resolve_optimizer("mine.py:stored").digest()
    (place / "mine.py").write_text(MINE + "\n# another comment\n")
    third = resolve_optimizer("mine.py:stored").digest()
    assert len({first, second, third}) == 3
    (place / "helper.py").write_text("SIZE = 0.5\n")
    with pytest.raises(InputError, match=r"helper\.py: it has changed since it was imported"):
        resolve_optimizer("mine.py:stored").digest()


def test_a_file_that_changed_is_read_again(place: Path) -> None:
    assert same_run(rollout("mine.py:Mine", P, X0, 5))
    (place / "mine.py").write_text(MINE.replace("scale=1.0", "scale=0.5"))
    assert not same_run(rollout("mine.py:Mine", P, X0, 5))


def test_what_differs_from_call_to_call_has_no_digest(place: Path) -> None:
    with pytest.raises(InputError, match=r"differ from call to call in their numbers.*seed what it draws"):
        resolve_optimizer("mine.py:drawn").digest()


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("mine.py", r"give mine\.py:NAME"),
        ("mine.py:nothing", "has no nothing"),
        ("no.py:Mine", "cannot be read"),
        ("fista:lasso", "no weights of 'fista' for 'lasso' are shipped"),
        ("go-math-l2o:lassso", "no weights of 'go-math-l2o' for 'lassso'"),
        ("ista --kind l2o-pa", "a kind belongs to a checkpoint"),
        ("no.pth --kind l2o-pa", "no such checkpoint"),
        ("coordinate-descents", "unknown optimizer"),
    ],
)
def test_what_does_not_exist_is_one_clear_error(place: Path, spec: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        resolve_optimizer(spec)


def test_labels_say_which_weights() -> None:
    assert resolve_optimizer("l2o-pa").label == "l2o-pa (UNTRAINED, random weights)"
    assert resolve_optimizer("l2o-pa", family="lasso").label == "l2o-pa (shipped weights for lasso)"
    guarded = resolve_optimizer("safeguarded", family="lasso")
    assert guarded.label == "safeguarded (go-math-l2o with shipped weights for lasso)"
    shipped = l2o.pretrained("go-math-l2o", "lasso").parameters
    assert all(torch.equal(w, shipped[n]) for n, w in guarded.fresh().base.parameters.items())
    assert resolve_optimizer("coordinate-descent").label == "coordinate-descent"
    names = ("l2o-pa", "l2o-pa:lasso", "go-math-l2o:lasso", "ista", "fista")
    assert len({resolve_optimizer(name).digest() for name in names}) == len(names)


def test_a_checkpoint_is_named_by_one_text(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(dict(l2o.pretrained("go-math-l2o", "lasso").parameters), path)
    source = resolve_optimizer(path, kind="go-math-l2o")
    assert same_run(rollout(source.spec, P, X0, 5), rollout("go-math-l2o:lasso", P, X0, 5))
    assert source.digest() == resolve_optimizer(source.spec).digest()
    assert source.learned
    with pytest.raises(InputError, match="has no option"):
        resolve_optimizer(source.spec, options={"nothing": 1})


# what torch users have


class Net(torch.nn.Module):
    """Half a step along the gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.size = torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> torch.Tensor:
        return x.sub_(self.size.detach() * grad)  # in place, as many do


class Swapped(Net):
    def forward(self, gradient: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return x - self.size * gradient


class Recurrent(Net):
    """Heavy ball with a state that it writes into."""

    def forward(self, x: torch.Tensor, gradient: torch.Tensor, state: Any = None) -> Any:
        velocity = torch.zeros_like(x) if state is None else state[0]
        velocity.mul_(0.5).sub_(self.size.detach() * gradient)
        return x + velocity, (velocity,)


class Sgd:
    """Works like the classes of torch.optim, and is none."""

    def __init__(self, params: list[torch.nn.Parameter], lr: float = 0.5) -> None:
        self.params, self.lr, self.count = params, lr, 0

    def step(self) -> None:
        self.count += 1
        for p in self.params:
            p.data.add_(p.grad, alpha=-self.lr)


def plain(problem: Composite, x: torch.Tensor) -> torch.Tensor:
    return x - 0.5 * problem.smooth_gradient(x)


OPTIMUM = verification.optimum(Q)
HALF = rollout(plain, Q, Y0, 6)
BALL = rollout("heavy-ball", Q, Y0, 6)
STEPS: dict[str, Any] = {
    "module of (x, grad)": Net(),
    "module of (gradient, x)": Swapped(),
    "module class": Net,
    "torch.optim with options": lambda parameters: torch.optim.SGD(parameters, lr=0.5),
    "torch.optim by partial": functools.partial(torch.optim.SGD, lr=0.5),
    "a factory of one": lambda: functools.partial(torch.optim.SGD, lr=0.5),
    "a class like those": Sgd,
}


@pytest.mark.parametrize("form", STEPS)
def test_torch_forms_take_the_steps_that_they_say(form: str) -> None:
    assert same_run(rollout(STEPS[form], Q, Y0, 6), HALF)


def test_momentum_is_kept_and_a_state_is_never_written_into() -> None:
    sgd = functools.partial(torch.optim.SGD, lr=0.5, momentum=0.5)
    expected = rollout(l2o.optimizer("heavy-ball", step=0.5, momentum=0.5), Q, Y0, 6)
    for form in (sgd, Recurrent()):
        assert same_run(rollout(form, Q, Y0, 6), expected)
        report = verification.check_optimizer(form, profile="dev", checks=["state_not_mutated", "batch_equals_loop"])
        assert report.passed, report.summary()


def test_adam_of_torch_is_adam() -> None:
    torchs = functools.partial(torch.optim.Adam, lr=0.05, betas=(0.5, 0.9), eps=1e-8)
    gradient = rollout(torchs, P, X0, 20).x
    x, m, v = X0.clone(), torch.zeros_like(X0), torch.zeros_like(X0)
    for k in range(1, 21):
        g = P.smooth_gradient(x) + P.nonsmooth.nearest_subgradient(x, torch.zeros_like(x))
        m, v = 0.5 * m + 0.5 * g, 0.9 * v + 0.1 * g * g
        x = x - 0.05 * (m / (1 - 0.5**k)) / ((v / (1 - 0.9**k)).sqrt() + 1e-8)
        assert torch.allclose(gradient[:, k], x, rtol=1e-9, atol=1e-12)


def test_with_the_prox_sgd_is_proximal_gradient() -> None:
    size = float(1 / P.smoothness.max())
    run = rollout(adapt(functools.partial(torch.optim.SGD, lr=size), prox=True), P, X0, 10)
    assert same_run(run, rollout(l2o.optimizer("ista", step=size), P, X0, 10))
    assert run.subgradient_rule == "prox"
    assert not any(v.overall == "violated" for v in verification.verify_all(run, P, verification.optimum(P)).values())
    boxed = Composite(Q.smooth, l2o.box(-1.0, 1.0))
    assert rollout(adapt(torch.optim.SGD, prox=True), boxed, Y0, 3).finite.all()
    with pytest.raises(InputError, match=r"SGD cannot run on .* use l2o.adapt\(..., prox=True\)"):
        rollout(torch.optim.SGD, boxed, Y0, 3)
    with pytest.raises(InputError, match=r"prox=True belongs to a class of torch.optim"):
        adapt(plain, prox=True)


def test_a_line_search_of_torch_sees_each_instance_alone() -> None:
    make = functools.partial(torch.optim.LBFGS, lr=1.0, max_iter=30, line_search_fn="strong_wolfe")
    run = rollout(make, Q, Y0, 3)
    assert float(run.objective[:, -1].sum()) <= float(rollout("nesterov", Q, Y0, 400).objective[:, -1].sum()) + 1e-9
    alone = rollout(make, Q.select([1]), Y0[1:], 3)
    assert torch.allclose(run.x[1:], alone.x, atol=1e-9)


def test_what_is_no_torch_optimizer_is_said() -> None:
    bound = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
    for arguments, says in (
        (bound, "is bound to parameters already"),
        (lambda parameters: parameters, "which has no step"),
        (lambda parameters: torch.optim.SGD(parameters, lr=-1.0), "makes no torch optimizer"),
    ):
        with pytest.raises(InputError, match=says):
            adapt(arguments)


# steps that overwrite what they are given


@dataclass
class Held:
    x: torch.Tensor


class WritesIntoX:
    """Gradient steps; `how` is the way in which it writes into state.x."""

    def __init__(self, how: str) -> None:
        self.how = how

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        return Held(x0)

    def step(self, problem: Composite, state: Any) -> Any:
        change = -0.5 * problem.smooth_gradient(state.x)
        if self.how == "add_":
            state.x.add_(change)
        elif self.how == "+=":
            state.x += change
        elif self.how == "data":
            state.x.data.add_(change)
        elif self.how == "numpy":
            state.x.numpy()[...] += change.numpy()
        elif self.how == "a copy comes back":
            state.x.add_(change)
            return Held(state.x.clone())
        return state


@pytest.mark.parametrize("record", ["all", "scalars"])
@pytest.mark.parametrize("how", ["add_", "+=", "data", "numpy", "a copy comes back"])
def test_a_step_in_place_corrupts_nothing(how: str, record: str) -> None:
    x0 = Y0.clone()
    run = rollout(WritesIntoX(how), Q, x0, 6, record=record, comparator=OPTIMUM.x)
    expected = rollout(plain, Q, Y0, 6, record=record)
    assert torch.equal(x0, Y0)
    assert torch.allclose(run.objective, expected.objective, rtol=1e-12)
    assert torch.allclose(run.relative_deviation, expected.relative_deviation, rtol=1e-9)
    assert torch.allclose(run.x_final, expected.x_final, rtol=1e-12)
    assert not any(v.overall == "violated" for v in verification.verify_all(run, Q, OPTIMUM).values())
    assert not verification.check_optimizer(WritesIntoX(how), profile="dev", checks=["state_not_mutated"]).passed


def test_functions_and_modules_get_copies() -> None:
    def moved(problem: Composite, x: torch.Tensor) -> torch.Tensor:
        return x.sub_(0.5 * problem.smooth_gradient(x))

    for form in (moved, Net()):
        optimizer = adapt(form)
        state = optimizer.init(Q, Y0)
        before = state.x.clone()
        optimizer.step(Q, state)
        assert torch.equal(state.x, before)
        assert verification.check_optimizer(form, profile="dev", checks=["state_not_mutated"]).passed


def test_a_record_that_lost_its_steps_in_place_says_so() -> None:
    """What `rollout` recorded of such a step before it made copies: D_k = x_k - x_k."""
    run = rollout(plain, Q, Y0, 6)
    missing = replace(run, step=torch.zeros_like(run.step))
    result = verification.inspect_run(missing, Q)
    (check,) = [check for check in result.checks if check.name == "step"]
    assert not check.holds.any()
    assert "in place" in check.statement
    other = verification.inspect_run(replace(run, step=2 * run.step), Q)
    (check,) = [check for check in other.checks if check.name == "step"]
    assert not check.holds.any()
    assert "in place" not in check.statement
