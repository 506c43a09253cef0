"""`--coq` and `--lean`: the files that `l2obound prove` and `l2obound worst-case` write for proof kernels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from l2obound.bounds.coq import LIBRARY

Run = Callable[..., tuple[int, str, str]]


def test_a_proof_is_written_with_its_library(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "one.v"
    code, out, _ = run("prove", "B1", "--coq", file)
    assert code == 0
    assert "one.v" in out
    assert "Theorem per_step_descent" in file.read_text(encoding="utf-8")
    assert (tmp_path / "L2O.v").read_bytes() == LIBRARY.read_bytes()


def test_a_proof_is_written_for_lean_and_is_unchecked(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "one.lean"
    assert run("prove", "B1", "--lean", file)[0] == 0
    assert "UNCHECKED" in file.read_text(encoding="utf-8")


def test_one_bound_is_asked_for(run: Run, tmp_path: Path) -> None:
    code, _, err = run("prove", "--coq", tmp_path / "all.v")
    assert code == 2
    assert "name the bound" in err


def test_a_bound_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    code, _, err = run("prove", "equivariance", "--coq", tmp_path / "e.v")
    assert code == 2
    assert "cannot be exported" in err
    assert not (tmp_path / "e.v").exists()


def test_a_worst_case_is_written(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "two.v"
    code, out, _ = run("worst-case", "--steps", 2, "--coq", file)
    assert code == 0
    assert "two.v" in out
    assert "F (x 2) - F z <= 1 / 10." in file.read_text(encoding="utf-8")
    assert (tmp_path / "L2O.v").exists()


def test_without_a_certificate_nothing_is_written(run: Run, tmp_path: Path) -> None:
    code, _, err = run("worst-case", "--method", "accelerated_gradient", "--steps", 3, "--coq", tmp_path / "a.v")
    assert code == 2
    assert "--coq: there is no certificate" in err


def test_a_sweep_takes_no_file(run: Run, tmp_path: Path) -> None:
    code, _, err = run("worst-case", "--sweep-steps", "1,2", "--coq", tmp_path / "a.v")
    assert code == 2
    assert "--coq" in err
