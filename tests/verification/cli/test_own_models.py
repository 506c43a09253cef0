"""A researcher's own model, checkpoint or folder gets into every verb that takes an optimizer."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.verification import report, sweeps
from l2obound.verification.cli import app as cli
from tests.helpers import hostile
from tests.helpers.hostile import write_modules

MINE = """
import functools
import torch

SIZE = 0.5


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.size = torch.nn.Parameter(torch.tensor(SIZE))

    def forward(self, problem, x):
        step = (self.size.detach() / problem.smoothness).unsqueeze(-1)
        return problem.prox(x - step * problem.smooth_gradient(x), step)


def step(problem, x):
    size = (SIZE / problem.smoothness).unsqueeze(-1)
    return problem.prox(x.sub_(size * problem.smooth_gradient(x)), size)  # in place


sgd = functools.partial(torch.optim.SGD, lr=0.05)
"""
SMALL = ("--batch", "2", "--rows", "4", "--dim", "5", "--steps", "3")
TRAINING = {
    "model": {"name": "l2o-pa", "options": {"hidden_size": 3, "layers": 1}},
    "problem": {"rows": 3, "dim": 4},
    "training": {"epochs": 1, "batches": 1, "batch": 2, "horizon": 2, "unroll": 2},
    "validation": {"batch": 2, "steps": 2},
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint and a training."""
    folder = tmp_path_factory.mktemp("weights")
    torch.save(dict(l2o.pretrained("go-math-l2o", "lasso").parameters), folder / "weights.pth")
    l2o.train(TRAINING, folder / "trained")
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path, weights: Path) -> Any:
    """The command, in a folder with the user's module, checkpoint and training."""
    shutil.copytree(weights, tmp_path, dirs_exist_ok=True)
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield hostile.command(tmp_path, monkeypatch, capsys)
    for name in ("mine", "hostile_codes", "hostile_syntax", "hostile_lacks", "hostile_name"):
        sys.modules.pop(name, None)


SPECS = {
    "module:class": (("mine:Net",), "Net"),
    "file:class": (("mine.py:Net",), "Net"),
    "file:function in place": (("mine.py:step",), "step"),
    "file:torch.optim": (("mine.py:sgd",), "SGD"),
    "folder": (("trained",), "l2o-pa (trained on lasso, trained)"),
    "checkpoint": (("weights.pth", "--kind", "go-math-l2o"), "go-math-l2o (weights.pth)"),
    "checkpoint as one text": (("weights.pth --kind go-math-l2o",), "go-math-l2o (weights.pth)"),
    "shipped": (("l2o-pa:logistic_l1",), "l2o-pa (shipped weights for logistic_l1)"),
}


@pytest.mark.parametrize("kind", SPECS)
def test_every_kind_of_optimizer_is_verified_and_guaranteed(run: Any, kind: str) -> None:
    (spec, *more), label = SPECS[kind]
    code, out, err = run("verify", "--optimizer", spec, *more, *SMALL, "--bound", "B1", "--json")
    assert code == 0, err
    data = json.loads(out)
    assert (data["run"], data["bounds"][0]["verdict"]) == (label, "verified")
    small = ("--rows", "4", "--dim", "5", "--steps", "2", "--instances", "20")
    code, out, err = run("guarantee", spec, *more, *small, "--json")
    assert code == 0, err
    assert json.loads(out)["label"] == label


@pytest.mark.parametrize("kind", ["file:class", "folder", "checkpoint"])
def test_other_verbs_take_them_too(run: Any, kind: str) -> None:
    (spec, *more), label = SPECS[kind]
    code, out, err = run("assumption", "--optimizer", spec, *more, *SMALL, "--json")
    assert (code, json.loads(out)["run"]) == (0, label), err
    limits = ("--evaluations", "100", "--dim", "1", "--steps", "1", "--out", "finding.npz", "--json")
    code, out, err = run("falsify", "B1", "--optimizer", spec, *more, *limits)
    assert code == 0, err
    assert (code, json.loads(out)["bound"]) == (0, "per_step_descent"), err
    assert run("check", spec, *more, "--check", "deterministic", "--profile", "dev", "--json")[0] == 0
    again = () if kind != "file:class" else ("--optimizer", spec)
    code, out, err = run("falsify", "--replay", "finding.npz", *again, "--json")
    assert json.loads(out)["agrees"], err
    assert run("worst-case", "--profile-of", f"{spec} {' '.join(more)}".strip(), "--steps", "2", "--json")[0] == 0


def test_weights_of_another_model_are_an_error_that_names_both(run: Any) -> None:
    code, out, err = run("verify", "--optimizer", "go-math-l2o", "--weights", "trained", *SMALL)
    assert (code, out) == (2, "")
    assert "--optimizer go-math-l2o: the weights in trained are those of l2o-pa" in " ".join(err.split())
    for more in (("--optimizer", "l2o-pa"), ()):
        code, out, err = run("verify", *more, "--weights", "trained", *SMALL, "--bound", "B1", "--json")
        assert json.loads(out)["run"] == "l2o-pa (trained on lasso, trained)", err
    for more in (("--untrained",), ("--kind", "l2o-pa")):
        code, _, err = run("verify", "--weights", "trained", *more, *SMALL)
        assert (code, "leave out one" in err) == (2, True)
    code, _, err = run("verify", "--optimizer", "mine.py:Net", "--untrained", *SMALL)
    assert (code, "--untrained belongs to the bare name" in " ".join(err.split())) == (2, True)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("hostile_codes:raises", "my own message"),
        ("hostile_codes.py:Fails", "ZeroDivisionError"),
        ("hostile_codes.py:Exits", "ended the program"),
        ("hostile_syntax.py:f", "SyntaxError"),
        ("hostile_lacks.py:f", "import nosuch_package"),
        ("hostile_name.py:f", "x = undefined"),
    ],
)
@pytest.mark.parametrize("verb", ["verify", "assumption"])
def test_errors_of_the_users_code_are_shown_as_theirs(
    run: Any, tmp_path: Path, verb: str, spec: str, says: str
) -> None:
    write_modules(tmp_path)
    code, out, err = run(verb, "--optimizer", spec, *SMALL, "--json")
    assert (code, out) == (2, "")
    assert says in err
    assert "the code that you named" in err
    assert str(Path(cli.__file__).parents[2]) not in err.replace(str(tmp_path), "")


def test_a_typo_is_one_line_with_a_suggestion(run: Any) -> None:
    for arguments in (
        ("verify", "--optimizer", "fistaa"),
        ("guarantee", "fistaa"),
        ("falsify", "B1", "--optimizer", "fistaa"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert "did you mean 'fista'" in " ".join(err.split())


# sweeps

GRID = """
title = "mine"
[fixed]
rows = 4
dim = 5
batch = 2
steps = 3
[[grid]]
optimizer = ["ista", "mine.py:Net", "big", "./trained", "weights.pth --kind go-math-l2o"]
[[model]]
key = "big"
name = "../mine.py:Made"
options = { size = 1.0 }
"""
MADE = """

def Made(size):
    made = Net()
    torch.nn.init.constant_(made.size, size)
    return made
"""


def test_a_sweep_runs_them_and_changed_code_is_run_again(run: Any, tmp_path: Path) -> None:
    """Paths are relative to the file; what is changed has another key, the rest is reused."""
    (tmp_path / "mine.py").write_text(MINE + MADE)
    (tmp_path / "grids").mkdir()
    grid = GRID.replace('"mine.py', '"../mine.py').replace('"./trained', '"../trained').replace('"wei', '"../wei')
    (tmp_path / "grids" / "grid.toml").write_text(grid)
    arguments = ("sweep", "grids/grid.toml", "--out", "out", "--json")
    counts = [json.loads(run(*arguments)[1]) for _ in range(2)]
    assert [(c["ran"], c["reused"], c["failed"]) for c in counts] == [(5, 0, 0), (0, 5, 0)]
    rows = sweeps.read_tables("out").table.to_pylist()
    final = {row["optimizer"]: row["objective_final"] for row in rows if row["instance"] == 0}
    assert final["big"] == pytest.approx(final["ista"], rel=1e-12)
    assert final["grids/../mine.py:Net"] != pytest.approx(final["ista"], rel=1e-3)
    (tmp_path / "mine.py").write_text(MINE.replace("SIZE = 0.5", "SIZE = 1.0") + MADE)
    after = json.loads(run(*arguments)[1])
    assert (after["ran"], after["reused"], after["failed"]) == (2, 3, 0)
    rows = sweeps.read_tables("out").table.to_pylist()
    final = {row["optimizer"]: row["objective_final"] for row in rows if row["instance"] == 0}
    assert final["grids/../mine.py:Net"] == pytest.approx(final["ista"], rel=1e-12)


@pytest.mark.slow
def test_worker_processes_load_the_code_themselves(run: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE + MADE)
    (tmp_path / "grid.toml").write_text(GRID.replace('"../mine', '"mine'))
    alone, together = (
        json.loads(run("sweep", "grid.toml", "--out", f"out{jobs}", "--jobs", jobs, "--json")[1]) for jobs in (1, 2)
    )
    assert (alone["ran"], together["ran"]) == (5, 5)
    one, two = ((tmp_path / f"out{jobs}" / "table.parquet").read_bytes() for jobs in (1, 2))
    assert one == two


def test_a_sweep_refuses_what_is_no_optimizer(run: Any, tmp_path: Path) -> None:
    def refused(text: str) -> str:
        (tmp_path / "grid.toml").write_text(text)
        code, _, err = run("sweep", "grid.toml", "--out", "out")
        assert code == 2, err
        return " ".join(err.split())

    small = "[fixed]\nrows = 4\ndim = 5\nbatch = 2\nsteps = 3\n"
    assert "did you mean 'fista'" in refused(f'{small}[[grid]]\noptimizer = ["fistaa"]\n')
    assert "mine.py has no Nett" in refused(f'{small}[[grid]]\noptimizer = ["mine.py:Nett"]\n')
    model = '[[model]]\nkey = "a"\nname = "mine.py:Net"\n'
    assert "has weights of its own" in refused(f'{small}{model}weights = "random"\n[[grid]]\noptimizer = ["a"]\n')
    assert "does not take these options" in refused(
        f'{small}{model}options = {{ a = 1 }}\n[[grid]]\noptimizer = ["a"]\n'
    )


# the report

REPORT = """
title = "mine"
proofs = false
[[problem]]
key = "small"
family = "lasso"
rows = 4
dim = 6
instances = 2
steps = 5
optimizers = ["ista", "mine.py:Net", "mine.py:step", "./trained"]
scenarios = [{}]
"""


def test_a_report_shows_them_and_changed_code_is_run_again(run: Any, tmp_path: Path) -> None:
    (tmp_path / "report.toml").write_text(REPORT)
    config = report.load_report_config("report.toml")
    first = report.run_report(config, tmp_path / "out")
    kinds = {r["optimizer"]["name"]: r["optimizer"]["learned"] for r in first["runs"]}
    assert kinds == {"ista": False, "mine.py:Net": True, "mine.py:step": False, "trained": True}
    digests = {w["model"]: w["sha256"] for w in first["provenance"]["weights"]}
    assert {"Net", "l2o-pa"} <= set(digests)
    again = report.run_report(config, tmp_path / "out")
    assert sum("mine.py" in part for part in again["provenance"]["reused"]) == 2
    (tmp_path / "mine.py").write_text(MINE.replace("SIZE = 0.5", "SIZE = 1.0"))
    after = report.run_report(config, tmp_path / "out")
    assert not [part for part in after["provenance"]["reused"] if "mine.py" in part]
    assert [part for part in after["provenance"]["reused"] if "/ista" in part]
    assert digests["Net"] not in json.dumps(after["provenance"])


@pytest.mark.slow
def test_the_page_of_a_report_names_them(run: Any, tmp_path: Path) -> None:
    (tmp_path / "report.toml").write_text(REPORT)
    code, _, err = run("report", "report.toml", "--out", "out")
    assert code == 0, err
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert text.count("mine.py:Net") > 5
    assert "not known" in text


def test_a_report_says_what_is_no_optimizer_before_it_runs(run: Any, tmp_path: Path) -> None:
    for name, says in (("mine.py:Nett", "has no Nett"), ("istaa", "did you mean 'ista'")):
        (tmp_path / "report.toml").write_text(REPORT.replace("mine.py:step", name))
        code, _, err = run("report", "report.toml", "--out", "out")
        assert (code, says in " ".join(err.split())) == (2, True), err
        assert not list(tmp_path.glob("out/partial/*"))


WRONG = """
import torch
from steps import MyLSTM


class NoIterate(MyLSTM):
    def init(self, problem, x0):
        return {"h": x0}


class NoProblem(MyLSTM):
    def init(self, x0):
        return x0


class Raises(MyLSTM):
    def step(self, problem, state):
        return state.x
"""
FILES = Path(__file__).parents[2] / "data" / "user_files"


@pytest.fixture
def lstm(run: Any, tmp_path: Path) -> Any:
    """The same with an LSTM that has init and step, with wrong ones, and with data."""
    shutil.copy(FILES / "steps.py", tmp_path)
    (tmp_path / "wrong.py").write_text(WRONG)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", A=rng.standard_normal((3, 10, 6)), y=rng.standard_normal((3, 10)), lam=0.1)
    yield run
    sys.modules.pop("steps", None)


def test_an_lstm_with_init_and_step_runs_on_the_users_data(lstm: Any) -> None:
    for verb in ("verify", "assumption"):
        code, out, err = lstm(verb, "--optimizer", "steps.py:MyLSTM", "--data", "d.npz", "--steps", "4", "--json")
        assert code == 0, err
        assert json.loads(out)["run"] == "MyLSTM"
    code, out, err = lstm("assumption", "--optimizer", "steps.py:MyLSTM", "--data", "d.npz", "--steps", "4")
    assert "3 instances of 6 variables, 4 steps" in out, err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("NoIterate", r"NoIterate\.init gives a mapping with the keys 'h': a state is an object with the attribute x"),
        ("NoProblem", r"NoProblem\.init\(x0\) cannot be called as init\(problem, x0\) or init\(problem, x0, seed\)"),
        ("Raises", r"the code that you named raised AttributeError.*wrong\.py\", line 18, in step"),
    ],
)
def test_a_fault_in_init_or_step_is_the_users(lstm: Any, name: str, says: str) -> None:
    code, out, err = lstm("verify", "--optimizer", f"wrong.py:{name}", *SMALL)
    assert (code, out) == (2, "")
    assert re.search(says, " ".join(err.split())), err
    code, out, err = lstm("check", f"wrong.py:{name}", "--profile", "dev", "--check", "deterministic")
    if name == "Raises":
        assert code == 1
        assert "wrong.py, line 18, in step" in out
    else:
        assert (code, out) == (2, "")
        assert re.search(says, " ".join(err.split())), err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("falsify", "B1"), "it searches over all instances of a family"),
        (("guarantee", "ista"), "it speaks of a distribution"),
        (("drift",), "--train-data and --deployed-data"),
    ],
)
def test_a_verb_without_data_says_why(lstm: Any, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = lstm(*arguments, "--data", "d.npz")
    assert (code, out) == (2, "")
    assert says in " ".join(err.split())
