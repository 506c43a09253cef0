"""A sound installation is said to be sound, and each way of being broken is found."""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from l2obound import bounds, l2o
from l2obound.verification.cli import app as cli
from l2obound.verification.cli import doctor


def by_name(result: tuple[doctor.Finding, ...]) -> dict[str, doctor.Finding]:
    return {f.name: f for f in result}


def test_this_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path))
    done = CliRunner().invoke(cli.app, ["doctor", "--json"])
    assert done.exit_code == 0, done.output
    result = {f["name"]: f for f in json.loads(done.stdout)}
    assert all(f["ok"] is not False for f in result.values())
    assert result["a bound that is false"]["result"] == "violated"
    shown = CliRunner().invoke(cli.app, ["doctor"]).stdout.splitlines()
    assert len(result) == len(doctor.LOOKS)
    assert [line.split("  ")[0] for line in shown[1 : 1 + len(result)]] == list(result)
    assert shown[-2] == "This installation is sound."


BROKEN = {
    "Python": lambda m, p: m.setattr(doctor, "OLDEST", (99, 0)),
    "packages": lambda m, p: m.setattr(importlib.metadata, "requires", lambda n: ["numpy>=99", "no-such-thing"]),
    "solvers": lambda m, p: m.setattr("cvxpy.installed_solvers", list),
    "cache of F*": lambda m, p: m.setenv("L2OBOUND_CACHE", str(Path(__file__) / "a file is no folder")),
    "shipped weights": lambda m, p: m.setattr(
        sys.modules["l2obound.l2o.pretrained"], "weights_hash", lambda w: "another"
    ),
    "a bound that holds": lambda m, p: m.setattr(
        bounds, "get", lambda n, get=bounds.get: get(n).replace(rhs=get(n).rhs / 1e6)
    ),
    "a bound that is false": lambda m, p: m.setattr(
        bounds, "get", lambda n, get=bounds.get: get(n).replace(rhs=get(n).rhs / 3)
    ),
    "devices": lambda m, p: m.setattr("torch.get_num_threads", lambda: 1 / 0),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path))
    BROKEN[name](monkeypatch, tmp_path)
    result = by_name(doctor.doctor())
    assert result[name].ok is False
    assert result[name].advice
    done = CliRunner().invoke(cli.app, ["doctor"])
    assert done.exit_code == 1
    assert re.search(rf"^{re.escape(name)} +NOT OK ", done.stdout, flags=re.M)
    assert name in done.stdout.partition("NOT sound: ")[2]
    assert result[name].advice in done.stdout


def test_a_missing_kernel_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> bool:
        return False

    monkeypatch.setattr(l2o.optimizers.kernel, "available", none)
    assert by_name(doctor.doctor())["native kernel"].ok is None
