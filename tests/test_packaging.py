"""What is installed, and what the metadata say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.helpers.wheels import ROOT, build, install

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("bounds", "l2o", "verification", "l2obound")
NOT_INSTALLED = {".py", ".pyc", ".so"}
"""Endings of files that are installed as modules, or made."""


def folder_of(package: str) -> Path:
    """Where the files of an installed package lie in the checkout."""
    return ROOT / "l2obound" if package == "l2obound" else ROOT.joinpath(*package.split(".")[1:])


def test_every_file_of_data_is_installed() -> None:
    """A file beside the modules that no pattern takes would be missing from the wheel, and a pattern may take none."""
    taken: set[Path] = set()
    for package, patterns in PROJECT["tool"]["setuptools"]["package-data"].items():
        for pattern in patterns:
            matches = set(folder_of(package).glob(pattern))
            assert matches, (package, pattern)
            taken |= matches
    data = {p for name in PACKAGES for p in (ROOT / name).rglob("*") if p.is_file() and p.suffix not in NOT_INSTALLED}
    data = {p for p in data if "__pycache__" not in p.parts and not any(part.startswith(".") for part in p.parts)}
    assert data <= taken, sorted(data - taken)


def test_the_citation_is_of_this_version_and_names_the_paper() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (\S+)$", text, flags=re.M)[1] == PROJECT["project"]["version"]
    assert re.search(r"^license: (\S+)$", text, flags=re.M)[1] == PROJECT["project"]["license"]
    assert "arXiv:2506.14263" in text


def test_the_metadata_name_no_host_and_take_the_locked_versions() -> None:
    assert "urls" not in PROJECT["project"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)$", lock.lower(), flags=re.M))
    for line in PROJECT["project"]["dependencies"]:
        asked = Requirement(line)
        assert asked.specifier.contains(Version(locked[asked.name])), line


MINE = "WORD = 'mine'\n"


@pytest.mark.slow
def test_a_wheel_without_a_compiler_runs_beside_a_package_l2o_of_the_users(tmp_path: Path) -> None:
    wheel = build(tmp_path, CC="no-such-compiler")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert not [name for name in names if name.endswith(".so")]
    assert not [name for name in names if not name.startswith(("l2obound/", "l2obound-"))]
    target, project = tmp_path / "installed", tmp_path / "project"
    install(wheel, target)
    (project / "l2o").mkdir(parents=True)
    (project / "l2o" / "__init__.py").write_text(MINE)
    environment = {**os.environ, "PYTHONPATH": str(target)}

    def run(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True).stdout

    assert "per_step_descent" in run("-m", "l2obound", "bounds")
    trainings = json.loads(run("-m", "l2obound", "list", "trainings", "--json"))["trainings"]
    assert "go-math-l2o-lasso" in {row["name"] for row in trainings}
    which = "import l2o, l2obound.l2o as ours; print(l2o.WORD, ours.__file__)"
    assert run("-c", which).split() == ["mine", str(target / "l2obound" / "l2o" / "__init__.py")]
    small = ("--batch", "2", "--rows", "4", "--dim", "6", "--steps", "3", "--bound", "B1")
    assert "VERIFIED" in run("-m", "l2obound", "verify", "--optimizer", "go-math-l2o", *small)


@pytest.mark.slow
def test_a_wheel_with_a_compiler_has_the_kernel_or_is_of_python_alone(tmp_path: Path) -> None:
    wheel = build(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        compiled = [name for name in archive.namelist() if "_kernel" in name and name.endswith((".so", ".pyd"))]
    assert bool(compiled) == (not wheel.name.endswith("-py3-none-any.whl"))
