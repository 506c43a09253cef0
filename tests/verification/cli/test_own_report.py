"""`l2obound report` of runs in files and of optimizers that it runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from l2obound import l2o


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A problem, iterates of two seeds, and iterates that are another method's."""
    rng = np.random.default_rng(0)
    A, y = rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 4))
    np.savez(tmp_path / "data.npz", A=A, y=y)
    problem = l2o.lasso(A, y, 0.1)
    for name, method, shift in (("a", "ista", 1.0), ("b", "ista", 2.0), ("fast", "fista", 1.0)):
        start = l2o.synthetic.starts(problem, shift=shift)
        np.save(tmp_path / f"{name}.npy", l2o.rollout(l2o.optimizer(method), problem, start, 12).x)
    return tmp_path


def test_a_report_of_files_and_optimizers(run, files: Path) -> None:
    code, out, _ = run(
        "report", "--data", files / "data.npz", "--iterates", f"mine={files / 'a.npy'}", "--iterates",
        f"mine={files / 'b.npy'}", "--iterates", files / "fast.npy", "--optimizer", "ista", "--steps", "5",
        "--bound", "B1", "--bound", "ind_rate", "--out", files / "r",
    )  # fmt: skip
    assert code == 0
    rows = [line.split() for line in out.splitlines()[1:4]]
    assert {row[0]: sum(map(int, row[1:6])) for row in rows} == {"mine": 2, "fast": 1, "ista": 2}
    assert {row[0]: row[6] for row in rows} == {"mine": "0", "fast": "1", "ista": "0"}
    assert "VERIFIED: no bound is violated" in out
    results = json.loads((files / "r" / "results.json").read_text())
    sizes = [(r["key"], r["seeds"], r["steps"]) for r in results["runs"]]
    assert sizes == [("mine", 2, 12), ("fast", 1, 12), ("ista", 1, 5)]
    assert "l2obound report --data" in (files / "r" / "report.html").read_text(encoding="utf-8")


def test_a_violation_is_the_exit_code_and_json_is_json(run, files: Path) -> None:
    problem = l2o.real.load(files / "data.npz", "lasso")
    made = l2o.run_from_iterates(problem, np.load(files / "a.npy"))
    made.objective[:] += 1.0
    made.save(files / "false.npz")
    code, out, _ = run(
        "report", "--data", files / "data.npz", "--iterates", files / "false.npz", "--bound", "B1", "--json", "--out",
        files / "r",
    )  # fmt: skip
    assert code == 1
    (entry,) = json.loads(out)["runs"]
    assert (entry["run"], entry["bounds"][0]["verdict"]) == ("false", "violated")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--optimizer", "ista", "--quick"), "leave out the other"),
        (("--optimizer", "ista", "--from", "."), "leave out the other"),
        (("--bound", "B1"), "--bound belongs to --iterates or --optimizer"),
        (("--data", "none.npz"), "--data belongs to --iterates or --optimizer"),
        (("--iterates", "none.npz"), "no such file"),
        (("--optimizer", "ista", "--bound", "B99"), "B99"),
    ],
)
def test_wrong_usage_is_one_clear_error(run, arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    code, out, err = run("report", *arguments, "--out", tmp_path / "r", "--batch", 2, "--rows", 4, "--dim", 6)
    assert code == 2
    assert not out
    assert says in " ".join(err.split())


def test_an_optimizer_of_yours_by_file(run, files: Path) -> None:
    (files / "mine.py").write_text(
        "from l2obound import l2o\n\n\ndef make():\n    return l2o.optimizer('ista', step=0.9)\n"
    )
    code, out, _ = run(
        "report", "--data", files / "data.npz", "--optimizer", f"{files / 'mine.py'}:make", "--steps", "5", "--bound",
        "B1", "--out", files / "r",
    )  # fmt: skip
    assert code == 0
    assert "VERIFIED: no bound is violated" in out


OWN_FAMILY = """
import torch
from l2obound import l2o


def sparse(seed, batch, rows=4, dim=6):
    plain = l2o.synthetic.lasso(batch, rows, dim, seed=seed)
    def shrink(u, step):
        return u.sign() * (u.abs() - 0.1 * step).clamp(min=0)
    r = l2o.nonsmooth(lambda x: 0.1 * x.abs().sum(-1), shrink, dim=dim)
    return l2o.Composite(plain.smooth, r)
"""


def test_a_lower_end_of_the_users_is_used_and_called_trusted(run, files: Path) -> None:
    (files / "shapes.py").write_text(OWN_FAMILY)
    small = ("--problem", f"{files / 'shapes.py'}:sparse", "--batch", 2, "--steps", 30, "--bound", "B6c")
    code, out, _ = run("verify", "--optimizer", "ista", *small, "--strict")
    assert (code, "INCONCLUSIVE" in out) == (3, True)
    code, out, _ = run("verify", "--optimizer", "ista", *small, "--strict", "--lower", "0")
    assert (code, "VERIFIED" in out, "as given on 2 of 2 instances" in out) == (0, True, True)
    code, out, _ = run("report", "--optimizer", "ista", *small, "--lower", "0,-1", "--out", files / "r")
    assert "The lower end of F* is as given" in (files / "r" / "report.html").read_text(encoding="utf-8")
    for lower, says in (("9", "was given to be at least 9"), ("a", "--lower: expected a number"), ("1,2,3", "lower")):
        code, out, err = run("verify", "--optimizer", "ista", *small, "--lower", lower)
        assert (code, out, says in " ".join(err.split())) == (2, "", True), err
    code, _, err = run("report", "--lower", "0", "--out", files / "r")
    assert (code, "--lower belongs to --iterates or --optimizer" in " ".join(err.split())) == (2, True)


@pytest.mark.parametrize(
    "verb", [("assumption",), ("check", "ista"), ("falsify", "B1"), ("guarantee", "ista"), ("sensitivity",)]
)
def test_a_verb_that_runs_the_optimizer_says_where_iterates_go(run, verb: tuple[str, ...]) -> None:
    code, out, err = run(*verb, "--iterates", "x.npy")
    assert (code, out) == (2, "")
    assert f"{verb[0]} runs the optimizer itself and takes no iterates" in " ".join(err.replace("\u2502", " ").split())
    assert "No such option" in run("bounds", "--iterates", "x.npy")[2]


def test_the_search_says_why_a_problem_of_code_cannot_be_searched(run) -> None:
    code, out, err = run("falsify", "B1", "--problem", "shapes.py:sparse", "--evaluations", 1)
    assert (code, out) == (2, "")
    assert "the search moves the data of a family that it knows" in " ".join(err.split())


def test_a_file_of_objectives_is_told_from_iterates(run, files: Path) -> None:
    np.savetxt(files / "log.csv", np.arange(5.0))
    np.save(files / "log.npy", np.ones((2, 5)))
    for name in ("log.csv", "log.npy"):
        code, out, err = run("verify", "--data", files / "data.npz", "--iterates", files / name)
        assert (code, out, "no bound can be judged from objectives alone" in " ".join(err.split())) == (2, "", True), (
            err
        )
