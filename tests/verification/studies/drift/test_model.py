"""Drift of one's own data: a pair of data sets, for a model that records features and for one that does not."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from l2obound import l2o
from l2obound.verification.cli import app as cli
from l2obound.verification.studies.drift import MODEL_STUDY, ModelDrift, drift_of
from l2obound.verification.studies.drift._run import YARDSTICKS
from tests.helpers.briefs import checked

MINE = '''
import torch


class Net(torch.nn.Module):
    """An LSTM for each coordinate, beside a gradient step."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.cell = torch.nn.LSTMCell(2, 4)
        self.head = torch.nn.Linear(4, 1)

    def forward(self, x, gradient, state=None):
        features = torch.stack([x, gradient], dim=-1).reshape(-1, 2)
        state = self.cell(features, state)
        return x - 0.05 * gradient + 0.01 * self.head(state[0]).reshape(x.shape), state


def make():
    return Net()
'''


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path / "cache"))


def lasso(seed: int, batch: int = 1, lam: float = 0.1) -> l2o.Composite:
    return l2o.synthetic.lasso(batch, 8, 12, sparsity=3, lam=lam, seed=seed)


def small(optimizer: Any, train: l2o.Composite, deployed: l2o.Composite, **more: Any) -> ModelDrift:
    return drift_of(optimizer, train, deployed, **{"starts": 8, "steps": 6, "horizon": 80, "eps": (1e-2,), **more})


def test_data_that_have_not_changed_cost_nothing() -> None:
    result = small("go-math-l2o:lasso", lasso(1), lasso(1))
    assert not result.broken
    slowdown = result.deployed.cost.slowdown
    assert (slowdown.lower, slowdown.low, slowdown.upper) == (1.0, 1.0, 1.0)
    along = result.deployed.of("paired").along
    assert along["bracket"] == pytest.approx(1.0)
    assert result.deployed.of("paired").dz == 0.0
    assert result.control.dz > 0  # other starts are other features
    assert "does not decide" in MODEL_STUDY.headline(result)[1]


def test_a_model_that_reads_the_training_data_loses_what_it_must() -> None:
    """A step that fits the training data only is slower elsewhere; the exact step is as slow as the problem."""

    def trained_step(problem: l2o.Composite, x: torch.Tensor) -> torch.Tensor:
        return x - 1.0 * problem.smooth.gradient(x)  # 1/L of the training data, 1/10 of it on the deployed ones

    p = l2o.synthetic.quadratic(1, 4, condition=5.0, seed=1)
    assert float(p.smoothness[0]) == pytest.approx(1.0)
    weaker = l2o.quadratic(0.1 * p.smooth.arrays()["Q"], 0.1 * p.smooth.arrays()["c"])
    result = small(trained_step, p, weaker, horizon=400)
    assert not result.broken
    cost = result.deployed.cost
    assert cost.slowdown.above
    assert cost.slowdown.low > 5
    assert cost.excess["ista"].above  # the problem itself has become no harder
    assert result.of("ista", "deployed").cost.slowdown.low == pytest.approx(1.0)
    assert "the model loses more than the classical method" in MODEL_STUDY.headline(result)[1]
    assert result.deployed.rho_median == pytest.approx(0.9)  # (1/10 - 1) of the step 1/L
    b8 = {c.level: next(b for b in c.bounds if b.number == "B8") for c in (result.train, result.deployed)}
    assert b8["train"].verified == b8["deployed"].verified == 8


def test_a_model_that_records_nothing_has_no_attribution() -> None:
    def step(problem: l2o.Composite, x: torch.Tensor) -> torch.Tensor:
        return x - 0.5 / problem.smoothness.unsqueeze(-1) * problem.smooth.gradient(x)

    result = small(step, lasso(1), lasso(2))
    assert result.deployed.attributed is None
    assert "not available: the run out of distribution" in " ".join(MODEL_STUDY.lines(result))
    json.dumps(result.to_dict(), allow_nan=False)
    assert len(checked(MODEL_STUDY, result).rows) == 1 + len(YARDSTICKS)


def test_no_number_is_made_up_where_no_run_arrives() -> None:
    result = small(lambda problem, x: x * 1.0, lasso(1), lasso(2), steps=2, horizon=3)
    assert "an unknown number of times" in MODEL_STUDY.headline(result)[0]
    assert result.deployed.cost.reached == 0


def test_instances_are_paired() -> None:
    result = small("ista", lasso(1, 3), lasso(2, 3, lam=0.3))
    assert result.settings.instances == 3
    assert result.deployed.cost.slowdown.lower == 0.0 or result.deployed.cost.slowdown.lower is None  # three are few
    assert small("ista", lasso(1, 3), lasso(2), steps=2).settings.instances == 3
    assert not result.settings.repeated


def test_the_command_takes_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine_drift.py").write_text(MINE)
    for name, p, lam in (("a", lasso(1), 0.1), ("b", lasso(2), 0.3)):
        np.savez(f"{name}.npz", A=p.smooth.arrays()["A"][0], y=p.smooth.arrays()["y"][0], lam=lam)
    words = ["--optimizer", "mine_drift.py:make", "--train-data", "a.npz", "--deployed-data", "b.npz", "--steps", "4"]
    done = CliRunner().invoke(cli.app, ["drift", *words, "--quick", "--json", "--out", "o"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert (answer["train_data"], answer["deployed_data"]) == ("lasso of a.npz", "lasso of b.npz")
    page = Path(answer["page"]).read_text(encoding="utf-8")
    for line in ("is not available", "Proved: the bounds", "over starts on these data", "<svg"):
        assert line in page
    with open(Path(answer["page"]).with_suffix(".csv"), newline="") as file:
        assert {(row["method"], row["data"]) for row in csv.DictReader(file)} >= {
            ("ista", "train"),
            ("ista", "deployed"),
        }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--optimizer", "ista", "--deployed-problem", "lasso"], "there is no train one"),
        (["--optimizer", "ista", "--train-problem", "lasso"], "there is no deployed one"),
        (
            ["--train-problem", "lasso", "--deployed-problem", "lasso", "--shift", "noise"],
            "--shift belongs to the study",
        ),
        (
            ["--train-problem", "lasso", "--deployed-problem", "lasso", "--optimizer", "ista", "--optimizer", "fista"],
            "give one, got",
        ),
    ],
)
def test_what_does_not_fit_is_an_error(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.app, ["drift", *arguments])
    assert isinstance(done.exception, l2o.InputError)
    assert words in str(done.exception)


def test_wrong_settings_are_errors() -> None:
    with pytest.raises(l2o.InputError, match="as many variables, got 12 and 5"):
        drift_of("ista", lasso(1), l2o.synthetic.lasso(1, 4, 5, sparsity=2))
    with pytest.raises(l2o.InputError, match="as many instances in both data sets, or one instance, got 2 and 3"):
        drift_of("ista", lasso(1, 2), lasso(1, 3))
    with pytest.raises(l2o.InputError, match="deployed: expected a problem"):
        drift_of("ista", lasso(1), "lasso")
    with pytest.raises(l2o.InputError, match="eps: expected shares"):
        drift_of("ista", lasso(1), lasso(2), eps=())
