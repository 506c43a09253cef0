"""Everything flows one way: the layers of `.importlinter`, checked on the packages as they are installed."""

from __future__ import annotations

import ast
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
        ("bounds/evaluation/ball.py", "from ... import l2o"),
        ("bounds/evaluation/ball.py", "from ..bound import Bound"),
        ("verification/verdicts/judge.py", "from ...bounds.evaluation import ball"),
        ("l2o/runs/run.py", "from ...verification import verdicts"),
        ("l2o/problems/composite.py", "from ..runs.run import Run"),
        ("verification/pages/text.py", "from ..report import tables"),
    ],
)
def test_an_import_against_the_layers_is_noticed(module: str, line: str, tmp_path: Path) -> None:
    path = installed(tmp_path) / "l2obound" / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def private_imports(path: Path) -> list[str]:
    """Imports of modules and names with an underscore from packages that `path` is not part of."""
    package, wrong = path.relative_to(ROOT).parent.parts, []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = package[: len(package) - node.level + 1] + tuple((node.module or "").split("."))
        for name in (part.name for part in node.names):
            parts = tuple(p for p in (*base, name) if p)
            owner = next((parts[:i] for i, part in enumerate(parts) if part.startswith("_")), None)
            if owner is not None and package[: len(owner)] != owner:
                wrong.append(f"{path.relative_to(ROOT)}: {'.'.join(parts)}")
    return wrong


def test_nobody_imports_what_is_private_to_another_package() -> None:
    assert not [w for name in PACKAGES for path in (ROOT / name).rglob("*.py") for w in private_imports(path)]


def test_a_private_import_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    module = tmp_path / "verification" / "report" / "page.py"
    module.parent.mkdir(parents=True)
    module.write_text("from ._answer import answer\nfrom ..optima._fista import fista\nfrom ...l2o import _hidden\n")
    assert [w.split(": ")[1] for w in private_imports(module)] == ["verification.optima._fista.fista", "l2o._hidden"]


def test_no_module_lies_loose_in_verification() -> None:
    assert {p.stem for p in (ROOT / "verification").glob("*.py")} <= {"__init__", "errors"}
