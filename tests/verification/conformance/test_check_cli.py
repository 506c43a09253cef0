"""`l2obound check`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l2obound.verification.cli import app as cli

OFFENDER = "tests.helpers.offenders:LongStep"


def call(monkeypatch: pytest.MonkeyPatch, capsys: Any, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["l2obound", "check", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def test_all_pass(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    code, out, _ = call(monkeypatch, capsys, "gradient-descent", "--profile", "dev", "--seed", "3")
    assert code == 0
    assert out.startswith("gradient-descent, profile dev, seed 3\n")
    assert "PASSED: " in out
    assert "descent" not in out.replace("gradient-descent", "")
    _, out, _ = call(monkeypatch, capsys, "gradient-descent", "--profile", "dev", "--check", "descent", "--verbose")
    assert "PASSED           descent (B1): B1 is verified at" in out


def test_a_failure_has_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    arguments = (OFFENDER, "--profile", "dev", "--check", "outputs_in_range", "--check", "descent")
    code, out, _ = call(monkeypatch, capsys, *arguments)
    assert code == 1
    assert "FAILED: 1 of 2 checks (1 failed, 1 passed)." in out
    assert "Next: confine the head" in out
    assert f"Run it alone: `l2obound check {OFFENDER} --check outputs_in_range --profile dev --seed 0`" in out
    code, out, _ = call(monkeypatch, capsys, *arguments, "--expect-fail", "outputs_in_range=long steps, on purpose")
    assert code == 0
    assert "EXPECTED FAILURE" in out
    assert "long steps, on purpose" in out
    lacks = ("--lacks", "outputs_in_range=long steps, on purpose", "--verbose")
    code, out, _ = call(monkeypatch, capsys, *arguments, *lacks)
    assert code == 0
    assert "NOT APPLICABLE   outputs_in_range (B2): declared as lacking: long steps, on purpose [measured: " in out


def test_json(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    code, out, _ = call(monkeypatch, capsys, OFFENDER, "--profile", "dev", "--check", "outputs_in_range", "--json")
    assert code == 1
    report = json.loads(out)
    assert report["results"][0]["status"] == "failed"
    assert report["results"][0]["evidence"]["rhs"] == 2.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fistaa"], "did you mean 'fista'"),
        (["ista", "--check", "x"], "unknown check 'x'"),
        (["ista", "--profile", "x"], "profile: expected one of dev, ci, thorough"),
        (["ista", "--expect-fail", "descent"], "--expect-fail: expected NAME=REASON, got 'descent'"),
        (["ista", "--expect-fail", "x=y"], "unknown check 'x'"),
        (["ista", "--lacks", "descent"], "--lacks: expected NAME=REASON, got 'descent'"),
        (["no_such_module:thing"], "cannot import it"),
        (["ista", "--seed", "-1"], "expected an integer from 0 to"),
    ],
)
def test_wrong_input_has_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, arguments: list[str], message: str
) -> None:
    code, out, err = call(monkeypatch, capsys, *arguments)
    assert code == 2
    assert out == ""
    assert message in " ".join(err.split())


LSTM = "tests.helpers.lstm_objects:Lstm"
QUICK = ("--profile", "dev", "--check", "fixed_point")


def test_a_property_that_a_network_lacks_is_no_failure_unless_declared(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    code, out, _ = call(monkeypatch, capsys, LSTM, *QUICK)
    assert code == 0
    assert "NO CHECK PASSED, and none failed (1 lacking)." in out
    assert "It lacks, and does not declare: fixed_point." in out
    code, out, _ = call(monkeypatch, capsys, LSTM, *QUICK, "--declares", "fixed_point=true")
    assert code == 1
    assert out.splitlines()[3].startswith("FAILED: 1 of 1 checks")
    assert f"`l2obound check {LSTM} --check fixed_point --profile dev --seed 0 --declares fixed_point=true`" in out
    code, out, _ = call(
        monkeypatch, capsys, LSTM, "--profile", "dev", "--check", "assumption_1", "--declares", "assumption_1=0.5"
    )
    assert code == 1
    assert "declared (assumption_1 = 0.5), and not tested: its state names no preconditioner" in out


def test_the_users_problem_in_place_of_those_of_the_suite(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "data.npz"
    np.savez(path, A=rng.standard_normal((3, 10, 6)), y=rng.standard_normal((3, 10)), lam=0.1)
    quick = ("--profile", "dev", "--check", "descent", "--json")
    code, out, _ = call(monkeypatch, capsys, "ista", *quick, "--data", str(path))
    assert code == 0
    result = json.loads(out)["results"][0]
    assert (result["evidence"]["batch"], result["evidence"]["dim"]) == (3, 6)
    assert result["reproduce"].endswith(f"--data {path}")
    code, out, _ = call(monkeypatch, capsys, "ista", *quick, "--problem", "quadratic")
    assert json.loads(out)["results"][0]["evidence"]["instance"].startswith("quadratic")
    code, _, err = call(monkeypatch, capsys, "ista", *quick, "--lam", "0.1")
    assert (code, "--lam belongs to --data or --problem" in " ".join(err.split())) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [("fixed_point", "expected NAME=VALUE"), ("converges=fast", "true, false or a number, got 'converges=fast'")],
)
def test_a_declaration_has_a_name_and_a_value(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, arguments: str, message: str
) -> None:
    code, _, err = call(monkeypatch, capsys, "ista", "--declares", arguments)
    assert (code, message in " ".join(err.split())) == (2, True)
