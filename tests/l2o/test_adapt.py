"""Whatever iterates becomes an optimizer, or one clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o import Composite, InputError, adapt, resolve_optimizer, rollout
from l2obound.l2o.optimizers.adapted import FunctionOptimizer, IterateState, ModuleOptimizer
from l2obound.l2o.optimizers.gradient_descent import Ista
from l2obound.verification import check_optimizer
from tests.helpers.offenders import DetachedModule, Sound

P = l2o.synthetic.lasso(2, 6, 4, sparsity=1)
X0 = l2o.synthetic.starts(P)


def ista_function(problem: Composite, x: torch.Tensor) -> torch.Tensor:
    step = (1 / problem.smoothness).unsqueeze(-1)
    return problem.prox(x - step * problem.smooth_gradient(x), step)


def with_state(problem: Composite, state: Any) -> Any:
    return IterateState(ista_function(problem, state.x))


class Module(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.raw = torch.nn.Parameter(torch.zeros(()))

    def forward(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        p = (2 * torch.sigmoid(self.raw) / problem.smoothness).unsqueeze(-1)
        return problem.prox(x - p * problem.smooth_gradient(x), p)


class Features(torch.nn.Module):
    def forward(self, gradient: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return gradient @ x.mT


class OwnFeatures(torch.nn.Module):
    def forward(self, features: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return features * scale


NAMED = Module()
FORMS: dict[str, Any] = {
    "object": Ista(),
    "name": "ista",
    "function": ista_function,
    "function of a state": with_state,
    "lambda": lambda problem, x: ista_function(problem, x),
    "module": Module(),
    "module class": Module,
    "class": Ista,
    "factory": lambda: Ista(),
    "factory of a function": lambda: ista_function,
    "import": "l2obound.l2o.optimizers.gradient_descent:Ista",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_proximal_gradient(form: str) -> None:
    run = rollout(adapt(FORMS[form]), P, X0, 5)
    expected = rollout(Ista(), P, X0, 5)
    assert torch.allclose(run.x, expected.x, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("form", ["function", "function of a state", "module"])
def test_what_was_adapted_passes(form: str) -> None:
    chosen = ["deterministic", "batch_equals_loop", "save_load", "fixed_point", "makes_progress", "finite_gradients"]
    report = check_optimizer(FORMS[form], profile="dev", checks=chosen)
    assert report.passed, report.summary()
    assert (report["finite_gradients"].status.name == "PASSED") == (form == "module")


def test_forms_are_told_apart() -> None:
    assert isinstance(adapt(ista_function), FunctionOptimizer)
    assert not adapt(ista_function).takes_state
    assert adapt(with_state).takes_state
    assert isinstance(adapt(Module()), ModuleOptimizer)
    ista = Ista()
    assert adapt(ista) == ista


def test_a_subject_is_made_anew() -> None:
    subject = resolve_optimizer(Sound())
    one = subject.fresh()
    one.code.name = "changed"
    assert subject.fresh().code.name == "Sound"
    assert subject.label == "Sound"
    assert resolve_optimizer(Sound).spec == "tests.helpers.offenders:Sound"
    assert resolve_optimizer(l2o.optimizer("fista")).spec == "fista"
    assert resolve_optimizer(ista_function).spec == f"{__name__}:ista_function"
    assert resolve_optimizer(NAMED).spec == f"{__name__}:NAMED"
    for arguments in (lambda: Ista(), Sound(), Module()):
        assert not resolve_optimizer(arguments).is_named


def test_files(tmp_path: Path) -> None:
    shipped = l2o.pretrained("go-math-l2o", "lasso")
    weights = {n: w.float() for n, w in shipped.parameters.items()}
    torch.save(weights, tmp_path / "checkpoint.pth")
    path = str(tmp_path / "checkpoint.pth")
    assert adapt(path, kind="go-math-l2o").name == "go-math-l2o"
    assert resolve_optimizer(path, kind="go-math-l2o").spec.endswith("checkpoint.pth --kind go-math-l2o")
    with pytest.raises(InputError, match="does not say what it is; give kind="):
        adapt(path)
    with pytest.raises(InputError, match="no finished training there"):
        adapt(tmp_path)
    assert adapt("go-math-l2o:lasso").parameters.keys() == shipped.parameters.keys()


def test_errors_say_what_was_given() -> None:
    cases: list[tuple[Any, str]] = [
        (3, "int is not an optimizer .missing: init, step."),
        (np.zeros(3), "ndarray is not an optimizer"),
        (lambda: 3, "int .made by .* is not an optimizer"),
        (Features(), "Features.forward.gradient, x. must give the next iterate .B, n., got .2, 2."),
        (OwnFeatures(), "forward.problem, x. does not run .*one that is fed features"),
        (lambda problem, x: None, "neither step.problem, x. -> x nor step.problem, state."),
        (lambda a, b, c: a, "neither step"),
        (FunctionOptimizer, "needs arguments"),
        ("istaa", "did you mean 'ista'"),
        ("no/such/file.pth", "no such checkpoint"),
        ("l2obound.l2o:nothing", "l2obound.l2o has no nothing"),
        ("no_such_module:x", "cannot import it"),
        (type("HalfAnOptimizer", (), {"init": lambda self, p, x, seed=0: x}), "missing: step"),
    ]
    for arguments, message in cases:
        with pytest.raises(InputError, match=message):
            adapt(arguments)
    with pytest.raises(InputError, match="kind='l2o-pa' belongs to a checkpoint"):
        adapt(Ista(), kind="l2o-pa")


def test_a_module_keeps_its_precision() -> None:
    module = DetachedModule()
    optimizer = adapt(module)
    assert optimizer.of(torch.float32).raw.dtype == torch.float32
    assert optimizer.of(torch.float64).raw.dtype == torch.float64
    assert module.raw.dtype == torch.float32
