"""The code in README and docs runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    (page, i, code)
    for page in PAGES
    for i, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S))
]


@pytest.mark.parametrize(("page", "i", "code"), BLOCKS, ids=[f"{p.name}-{i}" for p, i, _ in BLOCKS])
def test_python_blocks_run(page: Path, i: int, code: str, capsys) -> None:
    exec(compile(code, f"{page.name} block {i}", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("page", PAGES, ids=[p.name for p in PAGES])
def test_links_between_pages_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_commands_of_the_readme_are_verbs() -> None:
    fences = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
    verbs = {verb for fence in fences for verb in re.findall(r"^l2obound (\w+)", fence, flags=re.M)}
    assert verbs
    for verb in verbs:
        command = [sys.executable, "-m", "verification.cli", verb, "--help"]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0, verb


def test_shipped_configurations_are_valid() -> None:
    from l2o.training import load_config
    from verification.report import load_report_config

    for quick in (False, True):
        load_report_config(quick=quick)
    for path in (ROOT / "configs").glob("train-*.toml"):
        load_config(path)


def test_arrows_point_one_way() -> None:
    allowed = {"bounds": {"bounds"}, "l2o": {"l2o"}, "verification": {"bounds", "l2o", "verification"}}
    for package, knows in allowed.items():
        for source in (ROOT / package).rglob("*.py"):
            found = set(re.findall(r"^\s*(?:from|import) (bounds|l2o|verification)\b", source.read_text(), flags=re.M))
            assert found <= knows, source
