"""The study of docs/extending.md, as it stands in docs/examples: its numbers, its page and its command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l2obound import l2o
from l2obound.verification.studies.framework import Context

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
FOLDER = EXAMPLES / "sharper_bound"


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import sharper_bound.run

    return sharper_bound


def test_it_is_small() -> None:
    files = [p for p in FOLDER.iterdir() if p.suffix == ".py"]
    assert len(files) <= 6
    assert sum(len(p.read_text(encoding="utf-8").splitlines()) for p in files) <= 250


def test_the_page_shows_every_file() -> None:
    page = (FOLDER.parents[1] / "extending.md").read_text(encoding="utf-8")
    for path in FOLDER.glob("*.py"):
        assert f"```{{literalinclude}} examples/sharper_bound/{path.name}\n" in page


def test_its_numbers_and_its_page(package: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For exact steps B6c is L R^2/(4K), half of B3, at every step."""
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path / "cache"))
    study = package.STUDY
    settings = study.settings(optimizers=("ista", "l2o-rnnprop"), batch=2, steps=4)
    result = study.run(settings, Context())
    assert not result.broken
    exact = [row for row in result.rows if row.optimizer == "ista"]
    assert [row.lead for row in exact] == [4, 4]
    np.testing.assert_allclose([row.ratio for row in exact], 0.5, rtol=1e-9)
    for row in result.rows:
        assert all(v < 1 for v in row.ratio[: row.lead])
        assert row.lead == 4 or not row.ratio[row.lead] < 1
    page = study.write(result, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.count('class="plot"') == 1
    assert "ista: B6c is below B3 for the first 4 of 4 steps (median)" in text
    assert (tmp_path / "sharper-bound.csv").read_text(encoding="utf-8").count("\n") == 5
    bad = replace(result, rows=(replace(result.rows[0], violated=(3,)), *result.rows[1:]))
    assert "B6c is violated after (3,) steps" in study.in_words(bad.broken[0])
    with pytest.raises(l2o.InputError, match="optimizers: expected some of"):
        study.settings(optimizers=("sgd",))


@pytest.mark.slow
def test_its_command(tmp_path: Path) -> None:
    path = os.pathsep.join([str(EXAMPLES.parents[1]), str(EXAMPLES)])
    environment = {**os.environ, "PYTHONPATH": path, "L2OBOUND_CACHE": str(tmp_path / "cache")}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sharper_bound", "--quick", "--steps", "2", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    done = call("--optimizer", "ista", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert {row["lead"] for row in data["rows"]} == {2}
    assert (tmp_path / data["page"]).exists()
    wrong = call("--optimizer", "sgd")
    assert wrong.returncode == 2
    assert wrong.stderr.strip() == "error: optimizers: expected some of go-math-l2o, l2o-rnnprop, ista, got sgd."
