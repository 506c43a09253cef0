"""Everything flows one way: the layers of `.importlinter`, checked on the packages as they are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("bounds", "l2o", "verification")


def installed(folder: Path) -> Path:
    """A copy of the sources with the three packages below `l2obound`."""
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.npz", "*.json")
    shutil.copytree(ROOT / "l2obound", folder / "l2obound", ignore=ignore)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / "l2obound" / name, ignore=ignore)
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path.insert(0, '.'); sys.meta_path = [m for m in sys.meta_path if 'ditable' not in repr(m)]\n"
        "from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)


def test_imports_point_one_way(tmp_path: Path) -> None:
    done = lint(installed(tmp_path))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("bounds/_ball.py", "from .. import l2o"),
        ("l2o/run.py", "from ..verification import verdicts"),
        ("verification/pages/text.py", "from ..report import tables"),
    ],
)
def test_an_import_against_the_layers_is_noticed(module: str, line: str, tmp_path: Path) -> None:
    path = installed(tmp_path) / "l2obound" / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_no_module_lies_loose_in_verification() -> None:
    assert {p.stem for p in (ROOT / "verification").glob("*.py")} <= {"__init__", "errors"}
