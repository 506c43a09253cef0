"""One import name beside packages of the user that have the names of its parts; variables that say what is in them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

import l2obound
from l2obound import bounds, l2o, verification

ROOT = Path(__file__).parents[1]
BESIDE = """
import bounds, l2o, verification
assert bounds.MINE == l2o.MINE == verification.MINE == "the user's"
import l2obound
from l2obound.l2o import lasso, optimizer, synthetic
problem = synthetic.lasso(2, 8, 5, sparsity=2)
run = l2obound.rollout(optimizer("ista"), problem, synthetic.starts(problem), 5)
print(l2obound.verify(run, problem, "B1").overall)
assert sys.modules["l2o"].MINE == "the user's"
"""


def python(code: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_works_beside_packages_of_the_same_names(tmp_path: Path) -> None:
    for file in ("l2o/__init__.py", "bounds.py", "verification/__init__.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text('MINE = "the user\'s"\n')
    assert python(f"import sys\n{BESIDE}", tmp_path).split() == ["verified"]


def test_importing_it_loads_nothing(tmp_path: Path) -> None:
    new = python(
        "import sys; before = {*sys.modules}; import l2obound; print(*sorted({*sys.modules} - before))", tmp_path
    ).split()
    assert not {name.partition(".")[0] for name in new} & {"numpy", "torch", "sympy", "scipy", "matplotlib"}
    assert [name for name in new if name.startswith("l2obound")] == ["l2obound"]


def test_the_verbs_are_those_of_the_packages() -> None:
    assert l2obound.rollout is l2o.rollout
    assert l2obound.verify is verification.verify
    assert l2obound.optimum is verification.optimum
    assert l2obound.report is verification.report.report
    assert l2obound.worst_case is bounds.worst_case
    assert l2obound.__version__ == version("l2obound")
    assert {*l2obound.__all__} <= {*dir(l2obound)}
    with pytest.raises(AttributeError, match="no attribute 'bound'"):
        _ = l2obound.bound


def test_nothing_but_it_is_installed() -> None:
    names = [name for name, owners in packages_distributions().items() if "l2obound" in owners]
    assert [name for name in names if not name.startswith("__editable__")] == ["l2obound"]


EMPTY = {"found", "known", "own", "said", "kept", "lost", "shown", "told", "asked"}
"""Words that say that there is something, and not what."""
EMPTY_IN_TESTS = {"found", "known", "said", "kept", "lost", "told", "given"}
"""In tests what a method does of its own, what is shown and what was asked may be called so."""
NAMED = [ROOT / folder for folder in ("bounds", "l2o", "l2obound", "verification", "docs/_ext", "docs/examples")]
PUBLIC = {
    "verification/pages/figure_style.py": {"shown"},
    "verification/studies/beyond_convex/_counterexamples.py": {"shown"},
    "verification/studies/beyond_convex/_measure.py": {"asked", "_asked"},
    "verification/studies/beyond_convex/_sentences.py": {"asked"},
    "verification/studies/sensitivity/_measure.py": {"own"},
    "verification/studies/speedup/config.py": {"own", "shown"},
}
"""Names that others rely on: fields of files that are written, and what is called with them."""


def empty_names(source: str, words: set[str] = EMPTY) -> list[str]:
    """Variables, parameters, fields and functions whose names are such words."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            names.append(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.arg):
            names.append(node.arg)
        elif isinstance(node, ast.FunctionDef):
            names.append(node.name)
        elif isinstance(node, ast.alias) and node.asname:
            names.append(node.asname)
    return [name for name in names if name.lstrip("_") in words]


def test_a_name_says_what_is_in_it() -> None:
    for path in {path for folder in NAMED for path in folder.rglob("*.py")}:
        place = path.relative_to(ROOT).as_posix()
        assert {*empty_names(path.read_text(encoding="utf-8"))} <= PUBLIC.get(place, set()), place


def test_a_name_in_a_test_says_what_is_in_it() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        names = {*empty_names(path.read_text(encoding="utf-8"), EMPTY_IN_TESTS)}
        assert not names, path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "source",
    [
        "found = 1",
        "a, (found, b) = x",
        "for found in x: pass",
        "[y for found in x]",
        "def f(found): pass",
        "class A:\n    found: int = 0",
        "self._found = 1",
        "def found(): pass",
        "import x as found",
    ],
)
def test_an_empty_name_is_noticed(source: str) -> None:
    assert empty_names(source)
    assert not empty_names(source.replace("found", "solution"))
