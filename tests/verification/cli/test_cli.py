"""The command line: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from l2obound import l2o
from l2obound.verification import report
from l2obound.verification.cli import app as cli


def call(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["l2obound", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    out, err = capsys.readouterr()
    return exit_.value.code or 0, out, err


@pytest.fixture
def run(monkeypatch, capsys):
    return lambda *arguments: call(monkeypatch, capsys, *map(str, arguments))


SMALL = ("--batch", "2", "--rows", "5", "--dim", "8", "--steps", "10")


def test_verify_prints_verdicts(run) -> None:
    code, out, _ = run("verify", "--optimizer", "fista", *SMALL)
    assert code == 0
    assert out.count("VERIFIED") >= 6
    assert "not applicable" in out
    assert "NOT APPLICABLE" in run("verify", "--optimizer", "fista", *SMALL, "--verbose")[1]


def test_verify_json(run) -> None:
    code, out, _ = run(
        "verify", "--bound", "ood_last_iterate", "--bound", "a_priori:sharp", "--s", "10", *SMALL, "--json"
    )
    result = json.loads(out)
    assert code == 0
    assert [b["bound"] for b in result["bounds"]] == ["ood_last_iterate", "a_priori:sharp"]
    assert all(b["verdict"] == "verified" for b in result["bounds"])


@pytest.mark.parametrize("problem", ["quadratic", "logistic_l1", "breast_cancer"])
def test_verify_other_problems(run, problem: str) -> None:
    code, out, _ = run("verify", "--optimizer", "ista", "--problem", problem, "--t", "2", *SMALL)
    assert code == 0
    assert "VERIFIED" in out


def test_verify_given_data_and_iterates(run, tmp_path) -> None:
    rng = np.random.default_rng(0)
    A, y = rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 4))
    np.savez(tmp_path / "data.npz", A=A, y=y, lam=0.2)
    np.savez(tmp_path / "x.npz", X=rng.standard_normal((2, 6, 6)))
    code, out, _ = run("verify", "--data", tmp_path / "data.npz", "--iterates", tmp_path / "x.npz")
    assert code == 0
    assert "given iterates" in out
    p = l2o.lasso(A, y, 0.2)
    recorded = l2o.rollout(l2o.optimizer("ista"), p, np.zeros((2, 6)), 5)
    recorded.save(tmp_path / "run.npz")
    assert run("verify", "--data", tmp_path / "data.npz", "--iterates", tmp_path / "run.npz")[0] == 0


def test_a_violation_is_exit_code_one(run, tmp_path) -> None:
    """A run whose file was tampered with: its objective is not F(x_k)."""
    rng = np.random.default_rng(0)
    A, y = rng.standard_normal((1, 4, 6)), rng.standard_normal((1, 4))
    np.savez(tmp_path / "data.npz", A=A, y=y, lam=0.2)
    path = l2o.rollout(l2o.optimizer("ista"), l2o.lasso(A, y, 0.2), np.ones((1, 6)), 5).save(tmp_path / "run.npz")
    with np.load(path) as archive:
        arrays = {n: archive[n].copy() for n in archive.files}
    arrays["objective"] *= 0.99
    np.savez(path, **arrays)
    code, out, _ = run("verify", "--data", tmp_path / "data.npz", "--iterates", path)
    assert code == 1
    assert "VIOLATED" in out
    assert "recorded objective" in out


def test_strict_inconclusive_is_exit_code_three(run, tmp_path) -> None:
    """Without regularisation and with a singular Q there is no certified lower bound on F*."""
    np.savez(
        tmp_path / "q.npz", Q=np.array([[1.0, 1.0 / 3], [1.0 / 3, 1.0 / 9 * (1 + 1e-14)]]), c=np.array([1.0, 1 / 3])
    )
    arguments = (
        "verify",
        "--optimizer",
        "gradient-descent",
        "--data",
        tmp_path / "q.npz",
        "--bound",
        "ood_last_iterate",
    )
    code, out, _ = run(*arguments)
    assert (code, "INCONCLUSIVE" in out) == (0, True)
    assert run(*arguments, "--strict")[0] == 3


def test_bounds_are_listed_and_stated(run) -> None:
    code, out, _ = run("bounds")
    assert code == 0
    assert "B6c" in out
    code, out, _ = run("bounds", "ood_multi_step_sharp")
    assert code == 0
    assert "<= L' ||x'_0 - z||^2/(2 h (K + 1)) - " in out
    assert "L the smoothness constant of f" in out
    assert "\\frac" not in out
    assert "\\frac" in run("bounds", "ood_multi_step_sharp", "--verbose")[1]
    entries = json.loads(run("bounds", "--json")[1])
    assert {"per_step_descent", "a_priori"} <= {e["name"] for e in entries}


TRAINING = """
[model]
name = "go-math-l2o"
options = { hidden_size = 3, layers = 1 }
[problem]
rows = 3
dim = 4
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


def test_train_and_use_the_weights(run, tmp_path) -> None:
    (tmp_path / "t.toml").write_text(TRAINING)
    code, out, _ = run("train", tmp_path / "t.toml", "--out", tmp_path / "m", "--stage", 1)
    assert code == 0
    assert len(list((tmp_path / "m").glob("stage-1-*.npz"))) == 1
    assert "their loss on the validation instances is the least" in out
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text())
    assert manifest["command"].startswith("l2obound train")
    assert run("verify", "--weights", tmp_path / "m", *SMALL)[0] == 0
    assert "nothing was trained now" in run("train", tmp_path / "t.toml", "--out", tmp_path / "m")[1]


REPORT = """
title = "small <script>alert(1)</script>"
proofs = false
[[problem]]
key = "tiny"
family = "lasso"
rows = 5
dim = 8
instances = 3
steps = 12
optimizers = ["go-math-l2o", "ista"]
scenarios = [{}, { t = 10 }]
"""


@pytest.mark.slow
def test_report_end_to_end(run, tmp_path, monkeypatch) -> None:
    (tmp_path / "r.toml").write_text(REPORT)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    code, text, _ = run("report", tmp_path / "r.toml", "--out", out)
    assert code == 0
    assert "VERIFIED: no bound is violated" in text
    assert (out / "mine.txt").read_text() == "kept"
    page = (out / "report.html").read_text()
    results = json.loads((out / "results.json").read_text())
    assert "<script>alert(1)" not in page
    assert len(results["runs"]) == 4
    assert results["provenance"]["weights"][0]["sha256"]
    tables = {"verdicts.csv", "curves.csv", "per_step.csv", "deviations.csv", "comparison.csv", "f_star.csv"}
    tables |= {"ledger.csv", "attribution.csv", "shift_pairs.csv", "transients.csv", "worst_cases.csv"}
    tables |= {"next_instance.csv", "certificates.csv"}
    tables |= {name.replace(".csv", ".tex") for name in tables}
    assert {p.name for p in (out / "tables").iterdir()} == tables
    figures = {p.name: p.read_bytes() for p in (out / "figures").iterdir()}
    assert {"convergence-tiny.svg", "convergence-tiny.pdf", "per-step-tiny-go-math-l2o.pdf"} <= set(figures)
    # Regenerated from the stored results: the same page and figures, nothing run.
    for name in figures:
        (out / "figures" / name).unlink()
    assert run("report", "--from", out)[0] == 0
    assert (out / "report.html").read_text() == page
    assert {p.name: p.read_bytes() for p in (out / "figures").iterdir()} == figures
    # Run again: everything is reused, and said to be. What is drawn of it is known from above.
    monkeypatch.setattr(report, "_files", lambda results: {})
    code, text, _ = run("report", tmp_path / "r.toml", "--out", out)
    assert "7 results are reused" in text  # four runs, F* with and without the shift, the attribution of one
    again = json.loads((out / "results.json").read_text())
    assert again["runs"] == results["runs"]
    # A damaged partial result is made again.
    for file in (out / "partial").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    _, text, _ = run("report", tmp_path / "r.toml", "--out", out, "--verbose")
    assert "reused: tiny" not in text
    third = json.loads((out / "results.json").read_text())
    assert [r["verdicts"] for r in third["runs"]] == [r["verdicts"] for r in results["runs"]]


def bad(tmp: Path) -> dict[str, tuple[tuple[str, ...], str]]:
    np.savez(tmp / "nan.npz", A=np.full((2, 2), np.nan), y=np.ones(2))
    np.savez(tmp / "lam.npz", A=np.eye(2), y=np.ones(2), lam=-1.0)
    np.savez(tmp / "rows.npz", A=np.eye(2), y=np.ones(3))
    np.savez(tmp / "odd.npz", B=np.eye(2))
    np.savez(tmp / "indefinite.npz", Q=np.diag([1.0, -1.0]), c=np.ones(2))
    np.savez(tmp / "skew.npz", Q=np.array([[1.0, 2.0], [0.0, 1.0]]), c=np.ones(2))
    np.savez(tmp / "empty.npz", A=np.ones((0, 2, 2)), y=np.ones((0, 2)))
    np.savez(tmp / "objects.npz", A=np.array([{}], dtype=object), y=np.ones(1))
    (tmp / "broken.npz").write_bytes(b"PK\x03\x04")
    (tmp / "key.toml").write_text(REPORT + "\nspeed = 3\n")
    (tmp / "data.toml").write_text('[[problem]]\nkey = "a"\nfamily = "data"\nkind = "lasso"\npath = "none.npz"\n')
    (tmp / "kind.toml").write_text('[[problem]]\nkey = "a"\nfamily = "data"\npath = "none.npz"\n')
    (tmp / "toplevel.toml").write_text('speed = 3\n[[problem]]\nkey = "a"\nfamily = "lasso"\n')
    (tmp / "method.toml").write_text('[[problem]]\nkey = "a"\nfamily = "lasso"\noptimizers = ["sgd"]\n')
    (tmp / "bound.toml").write_text('bounds = ["B99"]\n[[problem]]\nkey = "a"\nfamily = "lasso"\n')
    (tmp / "broken.toml").write_text("[[problem")
    (tmp / "train.toml").write_text(TRAINING + "\nspeed = 3\n")
    (tmp / "occupied").write_text("a file")
    return {
        "NaN in data": (("verify", "--data", tmp / "nan.npz"), "NaN"),
        "lam < 0": (("verify", "--data", tmp / "lam.npz"), "lam"),
        "wrong shapes": (("verify", "--data", tmp / "rows.npz"), "expected 2 entries"),
        "other arrays": (("verify", "--data", tmp / "odd.npz"), "expected arrays A and y"),
        "indefinite Q": (("verify", "--data", tmp / "indefinite.npz"), "semidefinite"),
        "non-symmetric Q": (("verify", "--data", tmp / "skew.npz"), "symmetric"),
        "empty batch": (("verify", "--data", tmp / "empty.npz"), "empty"),
        "pickled objects": (("verify", "--data", tmp / "objects.npz"), "npz"),
        "broken npz": (("verify", "--data", tmp / "broken.npz"), "npz"),
        "missing file": (("verify", "--data", tmp / "none.npz"), "no such file"),
        "unknown optimizer": (("verify", "--optimizer", "sgd"), "unknown optimizer"),
        "unknown bound": (("verify", "--bound", "B99"), "B99"),
        "unknown family": (("verify", "--problem", "tsp"), "unknown family"),
        "reference step": (("verify", "--reference-step", "2", *SMALL), "reference_step"),
        "reference word": (("verify", "--reference-step", "good", *SMALL), "best"),
        "prox-free method": (("verify", "--optimizer", "nesterov", *SMALL), "r = 0"),
        "no weights": (("verify", "--weights", tmp), "no finished training"),
        "no instances": (("verify", "--batch", "0"), "at least one"),
        "no steps": (("verify", "--steps", "0"), "steps"),
        "unknown config key": (("report", tmp / "key.toml"), "speed: unknown key"),
        "missing data": (("report", tmp / "data.toml", "--out", tmp / "o"), str(tmp / "none.npz")),
        "data without a kind": (("report", tmp / "kind.toml"), 'kind = "lasso"'),
        "unknown top key": (("report", tmp / "toplevel.toml"), "speed: unknown key"),
        "unknown method in config": (("report", tmp / "method.toml"), "sgd"),
        "unknown bound in config": (("report", tmp / "bound.toml"), "B99"),
        "broken config": (("report", tmp / "broken.toml"), "TOML"),
        "missing config": (("report", tmp / "none.toml"), "cannot be read"),
        "config and quick": (("report", tmp / "key.toml", "--quick"), "not both"),
        "nothing to redraw": (("report", "--from", tmp), "make a report there first"),
        "no such style": (
            ("report", "--from", tmp, "--style", "neurps"),
            "did you mean 'neurips'? expected one of none",
        ),
        "no such style of a study": (("drift", "--style", "icmll"), "did you mean 'icml'?"),
        "out is a file": (("report", "--quick", "--out", tmp / "occupied"), "cannot be used"),
        "unknown training key": (("train", tmp / "train.toml"), "speed: unknown key"),
        "unknown bound to state": (("bounds", "per_step_decent"), "per_step_descent"),
        "unknown option": (("verify", "--speed"), "No such option"),
        "unknown verb": (("fly",), "No such command"),
    }


def test_bad_input_is_exit_code_two_and_one_line(run, tmp_path, subtests) -> None:
    for case, (arguments, says) in bad(tmp_path).items():
        with subtests.test(case):
            code, _, err = run(*arguments)
            assert code == 2
            assert says in " ".join(err.split())
            assert "Traceback" not in err
            if err.startswith("error:"):
                assert err.count("\n") == 1


def test_every_verb_has_help_with_an_example(run) -> None:
    for verb in ("report", "verify", "train", "bounds"):
        code, out, _ = run(verb, "--help")
        assert code == 0
        assert "Example: l2obound" in out


def test_installed_command() -> None:
    command = [sys.executable, "-m", "l2obound.verification.cli.app", "bounds", "B99"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no bound `B99`")


def test_untrained_models_say_so(run, tmp_path) -> None:
    assert "UNTRAINED" in run("verify", "--problem", "quadratic", "--optimizer", "l2o-pa", *SMALL)[1]
    assert "shipped weights for logistic_l1" in run("verify", "--problem", "logistic_l1", *SMALL)[1]
    assert "shipped weights for lasso" in run("verify", *SMALL)[1]
    assert "UNTRAINED" in run("verify", "--untrained", *SMALL, "--json")[1]
    np.savez(tmp_path / "data.npz", A=np.eye(3), y=np.ones((2, 3)))
    assert "shipped weights for lasso" in run("verify", "--data", tmp_path / "data.npz")[1]


def test_defects_and_machines_are_not_violations(run, monkeypatch) -> None:
    """Exit code 1 says that a bound is violated, and nothing else may use it."""
    for problem, code, says in (
        (ZeroDivisionError("x"), cli.CRASH, "ZeroDivisionError"),
        (MemoryError("5 GB"), 2, "not enough memory"),
        (OSError(28, "No space left on device", "/x"), 2, "/x: No space left on device"),
        (KeyboardInterrupt(), 130, ""),
    ):

        def fail(*arguments, problem=problem, **options):
            raise problem

        monkeypatch.setattr(l2o, "rollout", fail)
        got, _, err = run("verify", *SMALL)
        assert got == code
        assert says in " ".join(err.split())


def test_damaged_runs_are_exit_code_two(run, tmp_path) -> None:
    path = l2o.rollout(l2o.optimizer("ista"), l2o.synthetic.lasso(2, 5, 8), np.zeros((2, 8)), 4).save(
        tmp_path / "r.npz"
    )
    with np.load(path) as archive:
        whole = {n: archive[n] for n in archive.files}
    for change in (
        {"subgradient": None},
        {"objective": whole["objective"][:, :-1]},
        {"objective": whole["objective"].astype(complex)},
        {"objective": np.array(["a"])},
        {"x": whole["x"].astype(np.int64)},
        {"x": whole["x"][:, 0]},
        {"meta": np.zeros(3, np.uint8)},
        {"unheard": np.zeros(3)},
    ):
        np.savez(path, **{n: a for n, a in {**whole, **change}.items() if a is not None})
        code, _, err = run("verify", "--iterates", path, *SMALL)
        assert code == 2, change
        assert err.count("\n") == 1


def test_verify_real_data(run, tmp_path) -> None:
    """Data sets by name, with the weights of their family; a csv is of the family that --problem names."""
    arguments = ["--batch", "2", "--steps", "5", "--bound", "per_step_descent"]
    code, out, _ = run("verify", "--problem", "patches", "--optimizer", "l2o-pa", *arguments)
    assert code == 0
    assert "shipped weights for lasso" in out
    (tmp_path / "d.csv").write_text("a,b,y\n1,2,0\n2,1,1\n0,1,0\n3,1,1\n")
    data = ["--data", tmp_path / "d.csv", "--optimizer", "ista"]
    assert run("verify", *data, "--problem", "logistic_l1", *arguments)[0] == 0
    assert "1 instance of 2 variables" in run("verify", *data, *arguments)[1]
    assert run("verify", *data, "--problem", "digits", *arguments)[0] == 2
