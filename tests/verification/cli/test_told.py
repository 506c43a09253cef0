"""What the command tells: errors that name the option and what was given, progress, and answers of small runs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from l2obound import l2o
from l2obound.verification.cli import console
from l2obound.verification.cli.answer import MOST_ROWS, table_lines
from l2obound.verification.cli.verbs import experiment, speedup, sweep
from l2obound.verification.sweeps import Status

TRAINING = """
[model]
name = "go-math-l2o"
[problem]
rows = 4
dim = 6
[training]
epochs = 1
batches = 2
batch = 2
horizon = 4
unroll = 2
[validation]
batch = 2
steps = 3
"""
GRID = """
title = "t"
eps = [1e-1, 1e-16]
bounds = ["ood_last_iterate"]
[fixed]
rows = 4
dim = 6
batch = 2
steps = 300
[[grid]]
optimizer = ["ista", "fista"]
"""


# Errors


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("speedup", "--style", "icmll"), "--style: did you mean 'icml'?"),
        (("drift", "--optimizer", "sgd"), "--optimizer: expected some of go-math-l2o"),
        (("drift", "--shift", "nois"), "--shift: did you mean 'noise'? expected some of dictionary"),
        (("sensitivity", "--problem", "laso"), "--problem: did you mean 'lasso'?"),
        (("beyond-convex", "--problem", "welch"), "--problem: did you mean 'welsch'?"),
        (("worst-case", "--method", "newton"), "--method: expected one of gradient"),
        (("worst-case", "--L", "0"), "--L: expected a number > 0, got 0."),
        (("worst-case", "--function-class", "flat"), "--function-class: expected one of smooth_convex"),
        (("falsify", "B1", "--problem", "laso"), "--problem: expected composite, lasso"),
        (("falsify", "B1", "--search", "luck"), "--search: expected both, gradient, random, got 'luck'"),
    ],
)
def test_an_error_names_the_option_and_not_an_argument_of_a_function(run, arguments, says: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {says}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("verify", "--batch", "1.5"), "'--batch': expected an integer, got '1.5'."),
        (("verify", "--s", "far"), "'--s': expected a number, got 'far'."),
        (("train", "--stage", "two"), "'--stage': expected an integer, got 'two'."),
    ],
)
def test_a_number_that_is_none_is_quoted(run, arguments, says: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert says in " ".join(err.split())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("batches = 2", "batches = -3", "training.batches: expected a number >= 1, got -3"),
        ("batches = 2", "batches = 1.5", "training.batches: expected an integer, got 1.5"),
        ("batches = 2", 'batches = "2"', "training.batches: expected an integer, got '2'"),
        ("batches = 2", "batches = [2]", "training.batches: expected an integer, got a list"),
        ("horizon = 4", "horizons = 4", "training.horizons: unknown key; did you mean 'horizon'?"),
        ("[validation]", "[validations]", "validations: unknown key; did you mean 'validation'?"),
        ("[model]", "[nothing_like_it]", "model: it is missing; give it"),
        ("[training]", "[training]\nlearning_rate = nan", "training.learning_rate: expected a"),
    ],
)
def test_a_wrong_configuration_is_told_what_was_expected_and_what_was_given(
    run, tmp_path: Path, old: str, new: str, says: str
) -> None:
    (tmp_path / "t.toml").write_text(TRAINING.replace(old, new))
    code, out, err = run("train", "t.toml", "--out", "out")
    assert (code, out) == (2, "")
    assert f"t.toml: {says}" in err or f"; {says}" in err
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_a_folder_is_called_a_file(run, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(TRAINING)
    assert "(it is a file)" in run("train", "t.toml", "--out", "t.toml")[2]
    assert "(t.toml is a file)" in run("train", "t.toml", "--out", "t.toml/below")[2]


def test_a_certificate_that_is_missing_is_told_as_any_other_file(run) -> None:
    code, _, err = run("worst-case", "--check", "none.json")
    assert code == 2
    assert "none.json: no such file, so it cannot be read; expected a certificate." in err


# Progress


@pytest.mark.parametrize("person", [True, False])
def test_a_bar_is_for_people_and_leaves_with_the_work(monkeypatch, person: bool) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(console, "errors", Console(file=screen, force_terminal=person, width=60))
    with console.progress_bar() as bar:
        bar.update(bar.add_task("working", total=2), completed=2)
    assert ("working" in screen.getvalue()) == person
    if person:
        assert screen.getvalue().endswith("\x1b[2K")  # the line is erased


def test_an_error_is_not_preceded_by_an_empty_bar(run) -> None:
    assert run("training-curve", "--training", "none")[2].startswith("error: ")


def test_the_table_below_the_bar_of_a_sweep_has_a_head_of_its_own() -> None:
    screen = io.StringIO()
    status = Status(total=4, ran=1, by_optimizer={"ista": [1, 0, 4]})
    Console(file=screen, width=80).print(sweep._picture("t", status, 1.0))
    lines = screen.getvalue().splitlines()
    assert [line.split() for line in lines if "optimizer" in line] == [["optimizer", "done", "failed", "cells"]]


# Answers


def test_a_training_says_which_weights_are_kept_and_that_it_was_finished_before(run, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(TRAINING)
    code, out, _ = run("train", "t.toml", "--out", "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert code == 0
    assert f"go-math-l2o is trained: {manifest['updates']} updates on 2 batches." in out
    assert f"after update {manifest['best_update']} are kept" in out
    assert "before" not in out
    assert "nothing was trained now" in run("train", "t.toml", "--out", "out")[1]


def test_a_sweep_answers_for_each_optimizer(run, tmp_path: Path) -> None:
    (tmp_path / "g.toml").write_text(GRID)
    code, out, _ = run("sweep", "g.toml", "--out", "out", "--collect")
    assert code == 0
    assert "2 still to run, of 2" in out
    assert "without --collect" in out
    code, out, _ = run("sweep", "g.toml", "--out", "out")
    head, ista, fista = (line.split() for line in out.splitlines()[:3])
    assert head == ["optimizer", "cells", "done", "to", "gap", "0.1", "to", "gap", "1e-16"]
    for row, name in ((ista, "ista"), (fista, "fista")):
        assert row[:4] == [name, "1", "of", "1"]
        assert 0 < int(row[4]) <= 300
        assert row[5] == "-"
    assert "ood_last_iterate: VERIFIED on 4 of 4 runs." in out
    assert len(out.splitlines()) <= 8


@pytest.mark.parametrize(
    ("iterations", "median"), [([], "-"), ([3], "3"), ([3, None], "-"), ([1, 2, None], "2"), ([1200, 1200], "1,200")]
)
def test_a_run_that_does_not_arrive_counts_as_the_slowest(iterations, median: str) -> None:
    assert sweep._median(iterations) == median


def test_a_worst_case_says_what_was_asked_and_from_where_the_ends_are(run) -> None:
    out = run("worst-case", "--steps", "2", "--certificate", "c.json")[1]
    assert out.startswith("The largest value of F(x_K) - F* after K = 2 steps of the method gradient (step 1)")
    assert "where ||x_0 - x*|| <= 1" in out
    assert "exactly 1/10" in out
    assert "EXACT: the two ends agree" in out
    assert "--check c.json" in out
    out = run("worst-case", "--sweep-steps", "1,2", "--sweep-step", "1,3/2")[1]
    assert out.startswith("The largest value of F(x_K) - F* after K steps of the method gradient over the class")
    assert "4 of 4 worst cases are exact" in out
    assert "infinite" not in out


def test_a_figure_has_a_row_for_each_claim_of_the_paper() -> None:
    numbers = {
        "fields": ["s", "optimizer"],
        "lines": [{"line": [1, "a"], "label": "GO-Math-L2O"}, {"line": [1, "b"], "label": "L2O-PA"}],
        "claims": [{"claim": "a < b", "word": word} for word in ("holds", "fails", "fails")],
    }
    assert experiment._claims(3, numbers) == [["3", "GO-Math-L2O before L2O-PA", "1", "2", "0", "0"]]
    assert experiment._claims(3, {**numbers, "claims": []})[0][1] == "none that is judged"


def test_the_comparisons_of_speed_fit_a_small_terminal() -> None:
    measured = {"HOLDS": 1, "FAILS": 12, "OPEN": 3, "largest_lower": 12.345, "up_to": "FAILS"}
    claims = [
        {"learned": "go-math-l2o", "baseline": baseline, "measure": measure, **measured}
        for baseline in ("best of all baselines", "best of the paper's baselines", "coordinate-descent")
        for measure in ("iterations", "gradient calls", "latency", "throughput")
    ]
    results = SimpleNamespace(title="speed", claim=10.0, claims=claims, labels={"go-math-l2o": "GO-Math-L2O"})
    answer = speedup.answer(vars(results), Path("page.html"), ())
    assert answer.table is not None
    shown = answer.table.rows[:MOST_ROWS]
    assert len(table_lines(answer.table.columns, shown, 80)) == 1 + len(shown)
    assert shown[0][1] == "best of all"
    assert "yes in 8 of 128 comparisons, no in 96 and open in 24" in answer.finding[0]


def test_an_input_error_of_code_of_the_user_keeps_its_words(run, tmp_path: Path) -> None:
    """Only the name of an argument at the head is replaced, and only where the verb has an option of that name."""
    (tmp_path / "mine.py").write_text(
        "from l2obound.l2o import InputError\n\n\ndef mine(problem, x):\n    raise InputError('sparsity: too large')\n"
    )
    err = run("verify", "--optimizer", "mine.py:mine", "--batch", "1", "--rows", "3", "--dim", "4", "--steps", "2")[2]
    assert "sparsity: too large" in err
    assert "--sparsity" not in err
    assert issubclass(l2o.InputError, ValueError)
