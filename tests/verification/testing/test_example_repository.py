"""The repository of docs/ci.md, as it stands there: with the plugin of this checkout, and with the built wheel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.helpers.wheels import build, install

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "ci.md"


def files() -> dict[str, str]:
    """The files of the page by their captions."""
    page = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^```{code-block} \w+\n:caption: (\S+)\n\n(.*?)^```$", page, flags=re.S | re.M))


def write(folder: Path, without: tuple[str, ...] = ()) -> None:
    for name, content in files().items():
        if name not in without:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")


def session(folder: Path, *options: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_page_has_the_files_it_shows() -> None:
    result = files()
    page = PAGE.read_text(encoding="utf-8")
    for name in ("src/my_optimizer.py", "tests/test_my_optimizer.py", "pyproject.toml", ".github/workflows/tests.yml"):
        assert name in result
        assert f" {name}\n" in page
    assert tomllib.loads(result["pyproject.toml"])["project"]["name"] == "my-optimizer"


@pytest.mark.slow
def test_the_properties_hold_and_a_check_passes(tmp_path: Path) -> None:
    write(tmp_path)
    done = session(tmp_path, "-k", "climb or fixed_point", "--l2o-profile=dev", path=str(ROOT))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


@pytest.mark.slow
def test_the_repository_with_the_wheel(tmp_path: Path) -> None:
    """Build, install into an empty folder, run `pytest`: a correct ISTA passes, a wrong one does not."""
    target, repository = tmp_path / "installed", tmp_path / "my-optimizer"
    install(build(tmp_path), target)
    assert [p.name for p in target.iterdir() if p.name != "bin" and p.suffix != ".dist-info"] == ["l2obound"]
    write(repository)
    (repository / "tests" / "test_where.py").write_text(
        "from l2obound import bounds, l2o, verification\nfrom l2obound.verification.testing import pytest_plugin\n\n\n"
        "def test_where():\n    for module in (bounds, l2o, verification, pytest_plugin):\n"
        f"        assert module.__file__.startswith({str(target)!r})\n"
    )
    done = session(repository, "--l2o-report", "conformance.json", path=str(target))
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads((repository / "conformance.json").read_text())
    assert content["counts"].get("failed", 0) == 0
    assert content["counts"]["passed"] > 10
    optimizer = repository / "src" / "my_optimizer.py"
    optimizer.write_text(optimizer.read_text().rstrip() + " + 0.01\n")
    done = session(repository, "-m", "l2o", "--l2o-profile", "dev", path=str(target))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "run again" in done.stdout
    again = re.search(
        r"^  run again +l2obound (check my_optimizer:ista .* --profile dev --seed 0)$", done.stdout, re.M
    )[1]
    # What the report says is run again fails again.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(repository / "src")])}
    command = [sys.executable, "-m", "l2obound.verification.cli.app", *again.split()]
    assert subprocess.run(command, env=environment, cwd=repository, capture_output=True).returncode == 1
