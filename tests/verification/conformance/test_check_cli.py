"""`l2obound check`."""

from __future__ import annotations

import json
import sys
from typing import Any

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
