"""The type checker finds a wrong type in each of the packages, and knows the ones that are imported from others."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.typed_tree import PACKAGES, ROOT, check

RIGHT = "from ..errors import InputError\n\n\ndef f(x: int) -> InputError:\n    return InputError(str(x))\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small project with the folders of this one."""
    files = {"l2obound/__init__.py": "", "l2obound/errors.py": "class InputError(ValueError):\n    pass\n"}
    files |= {f"{name}/__init__.py": "" for name in PACKAGES} | {f"{name}/module.py": RIGHT for name in PACKAGES}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_wrong_type_is_noticed_in_each_package(root: Path) -> None:
    status, report = check(root, root / "types")
    assert status == 0, report
    wrong = {"InputError(str(x))": "x", "x: int": "x"}
    for name, (before, after) in zip(PACKAGES, (*wrong.items(), ("-> InputError", "-> int"))):
        (root / name / "module.py").write_text(RIGHT.replace(before, after), encoding="utf-8")
    status, report = check(root, root / "types")
    assert status == 1
    for name in PACKAGES:
        assert f"\n{name}/module.py:" in f"\n{report}"


def test_no_module_is_left_out() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    left_out = [part["module"] for part in settings["overrides"] if part.get("ignore_errors")]
    assert not left_out
    assert not settings.get("exclude")
