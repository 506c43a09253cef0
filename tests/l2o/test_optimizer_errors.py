"""Wrong input to optimizers, rollouts and checkpoints is one clear error each."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from l2obound import l2o
from tests.helpers import zoo


class Opaque:
    """An optimizer whose state is of another make."""

    def init(self, problem, x0, seed=0):
        return SimpleNamespace(x=x0)

    def step(self, problem, state):
        return l2o.optimizer("ista").step(problem, state)


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
    "horizon": (lambda d: l2o.optimizer("optista", horizon=0), "horizon: expected a number of steps"),
    "first step": (lambda d: start("adapg", "least-squares + l1", initial_step=[1.0, 1.0]), "initial_step: expected"),
    "changes": (lambda d: l2o.optimizer("anderson", memory=0), "memory: expected an integer from 1 to"),
    "OGM on l1": (lambda d: start("ogm", "least-squares + l1"), "use optista"),
    "silver steps on l1": (lambda d: start("silver-gradient", "least-squares + l1"), "use silver-proximal"),
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
    "memory": (lambda d: l2o.optimizer("lbfgs", memory=0), "memory: expected an integer from 1 to"),
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
            zoo.problem_for("ista").shifted(1.0), zoo.start(zoo.problem_for("ista"))
        ),
        "use official=False",
    ),
    "weights of another ada-lista": (
        lambda d: l2o.load_official({"step_sizes.0": np.ones(2), "thresholds.0": 1.0}, "ada-lista"),
        "shape",
    ),
    "base": (lambda d: l2o.optimizer("safeguarded", base=3), "base: expected the name"),
    "base without x": (
        lambda d: l2o.optimizer("safeguarded", base=Opaque()).init(
            zoo.problem_for("ista"), zoo.start(zoo.problem_for("ista"))
        ),
        "no dataclass with a field x",
    ),
    "base by name": (lambda d: l2o.optimizer("safeguarded", base="istaa"), "did you mean"),
    "negative step": (
        lambda d: l2o.optimizer("ista", step=-1.0).init(zoo.problem_for("ista"), zoo.start(zoo.problem_for("ista"))),
        "> 0",
    ),
    "step of another batch": (
        lambda d: l2o.optimizer("ista", step=[1.0, 1.0]).init(
            zoo.problem_for("ista"), zoo.start(zoo.problem_for("ista"))
        ),
        "one step per instance",
    ),
    "smooth method on l1": (
        lambda d: l2o.optimizer("nesterov").init(zoo.problem_for("ista"), zoo.start(zoo.problem_for("ista"))),
        "use fista",
    ),
    "network state": (
        lambda d: l2o.optimizer("go-math-l2o").init(
            zoo.problem_for("ista"), zoo.start(zoo.problem_for("ista")), hidden=torch.zeros(2, 3, 20)
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
