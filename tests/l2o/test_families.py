"""Problems by name: one registry for sweeps, reports, guarantees, trainings and verbs, and functions of the user's."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from l2obound import l2o
from l2obound.l2o import InputError
from l2obound.l2o.problems.families import DRAWN, FAMILIES, build, family_of
from l2obound.verification import report, sweeps
from tests.helpers import hostile

MINE = """
from l2obound import l2o

SCALE = 1.0

def scaled(seed, batch, rows=6, dim=4, lam=0.2):
    return l2o.synthetic.lasso(batch, rows, dim, lam=SCALE * lam, sparsity=1, seed=seed)

scaled.trained_for = "lasso"

def few(seed, batch):
    return l2o.synthetic.quadratic(1, 3, seed=seed)

def nothing(seed, batch):
    return None

def raises(seed, batch):
    raise ValueError("my own message")

def not_a_family(x):
    return x
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shapes.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("shapes", None)


@pytest.mark.parametrize("name", DRAWN)
def test_a_generator_is_what_the_registry_says(name: str) -> None:
    family, generator = FAMILIES[name], getattr(l2o.synthetic, name)
    small = {option: value for option, value in {"rows": 8, "dim": 10}.items() if option in family.fields}
    problem = build(name, 2, 3, **small, lam=None)
    assert problem.fingerprint() == generator(2, seed=3, **small).fingerprint()
    parameters = inspect.signature(generator).parameters
    assert family.defaults == {option: parameters[option].default for option in family.fields}
    assert build(name, 2, 3, dtype=torch.float32, **small).dtype == torch.float32


def test_what_is_no_family_or_no_option_is_one_clear_error() -> None:
    for act, says in (
        (lambda: build("lass"), "unknown family 'lass': did you mean 'lasso'?"),
        (lambda: build("quadratic", lam=0.1), "quadratic has no lam; leave it out. Its options are dim, condition"),
        (lambda: build("spambase"), "spambase needs path"),
        (lambda: build("digits", 3), "digits is one instance"),
    ):
        with pytest.raises(InputError) as error:
            act()
        assert says in str(error.value)


def test_a_function_of_the_users_is_a_family(place: Path) -> None:
    for name in ("shapes:scaled", "shapes.py:scaled"):
        family = family_of(name)
        assert (family.fields, family.trained_for, family.drawn) == (("rows", "dim", "lam"), "lasso", True)
        assert build(name, 3, 1, dim=5).nonsmooth.lam.max() == 0.2
    for name, says in (
        ("shapes.py:few", "expected 2 instances, got 1"),
        ("shapes.py:nothing", "expected a problem .Composite., got NoneType"),
        ("shapes.py:not_a_family", "expected a function .seed, batch"),
        ("shapes.py:absent", "has no absent"),
    ):
        with pytest.raises(InputError, match=says):
            build(name, 2, 0)


@pytest.fixture
def run(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    return hostile.command(place, monkeypatch, capsys)


def test_verbs_take_it(run: Any) -> None:
    small = ("--problem", "shapes.py:scaled", "--rows", "4", "--dim", "5", "--steps", "3")
    code, out, err = run("verify", "--optimizer", "l2o-pa", *small, "--batch", "2", "--bound", "B1", "--json")
    assert (code, json.loads(out)["run"]) == (0, "l2o-pa (shipped weights for lasso)"), err
    code, out, err = run("guarantee", "fista", *small, "--instances", "20", "--json")
    assert (code, json.loads(out)["distribution"]["family"]) == (0, "shapes.py:scaled"), err
    code, out, err = run("verify", "--problem", "shapes.py:raises")
    assert (code, out) == (2, "")
    assert "my own message" in err
    assert "in raises" in err
    code, _, err = run("verify", "--problem", "lasssso")
    assert (code, "did you mean 'lasso'?" in " ".join(err.split())) == (2, True)
    code, out, err = run(
        "verify", "--optimizer", "fista", "--problem", "huber_l1", *small[2:], "--bound", "B1", "--json"
    )
    assert (code, json.loads(out)["bounds"][0]["verdict"]) == (0, "verified"), err


def test_a_guarantee_that_names_code_does_not_run_it(run: Any, place: Path) -> None:
    from l2obound.verification.guarantees import Guarantee

    small = ("--problem", "shapes.py:scaled", "--rows", "4", "--dim", "5", "--steps", "3", "--instances", "20")
    assert run("guarantee", "fista", *small, "--out", "out", "--json")[0] == 0
    (place / "shapes.py").write_text("raise SystemExit('was run')\n")
    assert "shapes.py:scaled" in Guarantee.load(place / "out" / "guarantee.npz").summary()


def test_a_sweep_runs_changed_families_again(place: Path) -> None:
    config = {"fixed": {"family": "shapes.py:scaled", "dim": 5, "batch": 2, "steps": 3, "optimizer": "l2o-pa"}}
    (place / "grid.toml").write_text(
        '[fixed]\nfamily = "shapes.py:scaled"\ndim = 5\nbatch = 2\nsteps = 3\noptimizer = "l2o-pa"\n'
    )
    for settings in (config, place / "grid.toml"):
        done = [sweeps.run_sweep(sweeps.load_sweep(settings), place / "out") for _ in range(2)]
        assert [(s.failed, s.reused) for s in done][1] == (0, 1)
    (place / "shapes.py").write_text(MINE.replace("SCALE = 1.0", "SCALE = 2.0"))
    assert sweeps.run_sweep(sweeps.load_sweep(config), place / "out").ran == 1
    with pytest.raises(InputError, match="did you mean 'lasso'"):
        sweeps.cells_of(sweeps.load_sweep({"fixed": {"family": "lassso"}}))


def test_training_and_reports_take_it(place: Path) -> None:
    training = {
        "model": {"name": "l2o-pa", "options": {"hidden_size": 3, "layers": 1}},
        "problem": {"family": "shapes.py:scaled", "rows": 3, "dim": 4},
        "training": {"epochs": 1, "batches": 1, "batch": 2, "horizon": 2, "unroll": 2},
        "validation": {"batch": 2, "steps": 2},
    }
    config = l2o.training.load_config(training)
    before = config.digest
    assert l2o.train(training).manifest["family"] == "shapes.py:scaled"
    (place / "shapes.py").write_text(MINE.replace("SCALE = 1.0", "SCALE = 2.0"))
    assert config.digest != before
    with pytest.raises(InputError, match="digits are data"):
        l2o.training.load_config({**training, "problem": {"family": "digits"}})
    section = {"steps": 3, "instances": 2, "rows": 4, "dim": 5, "optimizers": ["fista"], "scenarios": [{}]}
    problems = [
        {"key": "mine", "family": "shapes.py:scaled", **section},
        {"key": "simplex", "family": "simplex_least_squares", **section},
    ]
    results = report.run_report(report.load_report_config({"proofs": False, "problem": problems}), place / "report")
    mine, simplex = results["problems"]
    assert (mine["lam"]["max"], simplex["lam"]) == (pytest.approx(0.4), None)
    assert simplex["title"] == "synthetic simplex_least_squares 4 x 5"
    assert mine["title"] == "shapes.py:scaled 5"


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.dim and not family.needs_path])
def test_a_family_of_one_size_has_it(name: str) -> None:
    assert build(name, 1, 0).dim == FAMILIES[name].dim == FAMILIES[name].variables(7)
