"""Stages of a training on instances that it has not seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from l2obound import l2o
from l2obound.verification.cli import app as cli
from l2obound.verification.studies.framework import Context
from l2obound.verification.studies.training import STUDY, Settings, Training

CONFIG = {
    "model": {"name": "l2o-pa"},
    "problem": {"family": "lasso", "rows": 6, "dim": 10, "sparsity": 2},
    "training": {"epochs": 1, "batches": 4, "batch": 8, "horizon": 10, "unroll": 5},
    "validation": {"batch": 8, "steps": 5},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training of eight updates, with the untrained weights and those after four updates."""
    out = tmp_path_factory.mktemp("trained") / "small"
    l2o.train(CONFIG, out, stages=(0, 2, 4))
    return out


@pytest.fixture(scope="module")
def result(folder: Path) -> Training:
    return STUDY.run(Settings(trainings=(str(folder),), batch=4, steps=40), Context())


def test_a_row_for_each_stage_and_for_the_classical_methods(result: Training) -> None:
    assert [(r.method, r.training, r.updates, r.best) for r in result.rows][:5] == [
        ("fista", "", None, False),
        ("optista", "", None, False),
        ("l2o-pa", "small", 0, False),
        ("l2o-pa", "small", 4, False),
        ("l2o-pa", "small", 8, False),
    ]
    assert result.rows[-1].best
    assert not result.broken


def test_numbers_are_those_of_the_run(result: Training, folder: Path) -> None:
    """Iterations to a gap, against F* from another solver's many steps."""
    problem = l2o.synthetic.lasso(4, 6, 10, sparsity=2, seed=l2o.training.config.split_seed("test", 0, 0))
    x0 = l2o.synthetic.starts(problem, seed=l2o.training.config.split_seed("test", 0, 0))
    best = l2o.rollout(l2o.optimizer("fista"), problem, x0, 5000).objective.min(dim=1).values
    model, _ = l2o.load_trained(folder)
    objective = l2o.rollout(model, problem, x0, 40).objective
    gap = ((objective - best[:, None]) / best[:, None]).clamp(min=0)
    first = sorted(int((row <= 1e-2).nonzero()[0]) if (row <= 1e-2).any() else 10**6 for row in gap)
    assert result.rows[-1].iterations[0] == (first[1] if first[1] < 10**6 else None)


def test_the_best_weights_in_other_sizes(folder: Path) -> None:
    sizes = ("6x10", "4x30")
    made = STUDY.run(Settings(trainings=(str(folder),), sizes=sizes, batch=4, steps=40), Context())
    assert [(row.problem, row.training or row.method) for row in made.carried] == [
        (f"lasso {size} non-zeros", name)
        for size in ("6 x 10, 2", "4 x 30, 6")
        for name in ("fista", "optista", "small")
    ]
    best = made.rows[-1]
    assert made.carried[2] == best  # the size of the training
    problem = l2o.synthetic.lasso(4, 4, 30, sparsity=6, seed=l2o.training.config.split_seed("test", 0, 0))
    assert not replace(made, carried=()).broken
    x0 = l2o.synthetic.starts(problem, seed=l2o.training.config.split_seed("test", 0, 0))
    fista = l2o.rollout(l2o.optimizer("fista"), problem, x0, 5000).objective
    gaps = (fista[:, 40] - fista.min(dim=1).values) / fista.min(dim=1).values
    assert made.carried[3].mean_gap == pytest.approx(float(gaps.mean()), rel=1e-3, abs=1e-9)
    wrong = replace(made, carried=(replace(made.carried[0], violated=2), *made.carried[1:]))
    assert wrong.broken == wrong.carried[:1]
    assert "In other sizes" in [section.heading for section in STUDY.sections(made)]


@pytest.mark.parametrize("size", ["20", "0x4", "3x", "axb", "20x40x3", ""])
def test_what_is_no_size_is_one_error(folder: Path, size: str) -> None:
    with pytest.raises(l2o.InputError, match="expected ROWSxVARIABLES"):
        Settings(trainings=(str(folder),), sizes=(size,))


def test_problems_of_one_size_are_told_apart(folder: Path, tmp_path: Path) -> None:
    """Two trainings whose problems differ in the non-zeros alone: each is run on its own instances."""
    denser = tmp_path / "denser"
    l2o.train({**CONFIG, "problem": {**CONFIG["problem"], "sparsity": 9}}, denser, stages=(0, 2, 4))
    settings = Settings(trainings=(str(folder), str(denser)), sizes=("6x10",), batch=4, steps=40)
    made = STUDY.run(settings, Context())
    alone = STUDY.run(replace(settings, trainings=(str(denser),), sizes=()), Context())
    assert [row for row in made.rows if row.problem.endswith("9 non-zeros")] == list(alone.rows)
    assert {row.problem for row in made.carried} == {"lasso 6 x 10, 2 non-zeros"}


def test_weights_are_not_carried_to_another_family(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "logistic"
    l2o.train({**CONFIG, "problem": {**CONFIG["problem"], "family": "logistic_l1"}}, other, stages=(2,))
    settings = Settings(trainings=(str(folder), str(other)), sizes=("4x6",), batch=2, steps=3)
    made = STUDY.run(settings, Context())
    assert {row.training for row in made.rows} == {"", "small", "logistic"}
    assert {row.training for row in made.carried} == {"", "small"}


def test_a_violated_bound_is_broken(result: Training) -> None:
    rows = (replace(result.rows[0], violated=1), *result.rows[1:])
    assert replace(result, rows=rows).broken == rows[:1]
    assert "B6c is violated on 1" in STUDY.in_words(rows[0])


def test_the_command(folder: Path, tmp_path: Path) -> None:
    words = ["training-curve", "--training", str(folder), "--batch", "3", "--steps", "5", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli.app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert len(answer["rows"]) == 6
    assert "What more training brings" in Path(answer["page"]).read_text(encoding="utf-8")


def test_what_is_no_training_with_stages_is_one_error(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(l2o.InputError, match="give --training"):
        STUDY.run(Settings(), Context())
    with pytest.raises(l2o.InputError, match="no finished training there"):
        STUDY.run(Settings(trainings=(str(tmp_path),)), Context())
    bare = tmp_path / "bare"
    l2o.train(CONFIG, bare)
    with pytest.raises(l2o.InputError, match="train with --stage"):
        STUDY.run(Settings(trainings=(str(bare),)), Context())
