"""The code in README and docs runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts)
PAGES = [ROOT / "README.md", *DOCS]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.S | re.M)
EXPECTED = re.compile(r"^# -> ?(.*)$", flags=re.M)


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [(language, code) for language, code in found if language in languages]


def agrees(printed: str, expected: list[str]) -> bool:
    """Whether each printed line is the expected one, in which `...` stands for anything; a line `...` for any lines."""
    lines = [".*" if line == "..." else re.escape(line).replace(r"\.\.\.", "[^\n]*") for line in expected]
    pattern = "\n".join(lines)
    return (
        re.fullmatch(pattern, "\n".join(line.rstrip() for line in printed.rstrip().split("\n")), flags=re.S) is not None
    )


def command(code: str) -> None:
    """Run the `l2obound` lines of a block of shell."""
    from verification import cli

    for line in code.splitlines():
        if line.startswith("l2obound "):
            sys.argv = line.split()
            with pytest.raises(SystemExit) as stopped:
                cli.main()
            assert not stopped.value.code, line


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_the_code_of_a_page_runs_in_order(page: Path, capsys, tmp_path, monkeypatch) -> None:
    """Python blocks share a namespace, and what they print is what `# ->` says, where it says something.

    On the tutorial, a block of TOML is the file its first line names and `l2obound` runs as on the command line.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    tutorial = page.name == "tutorial.md"
    namespace = {"__name__": "__main__"}
    for i, (language, code) in enumerate(blocks(page, *(("python", "toml", "sh") if tutorial else ("python",)))):
        if language == "toml":
            Path(re.match(r"# (\S+\.toml)\n", code)[1]).write_text(code, encoding="utf-8")
            continue
        if language == "sh":
            command(code)
            continue
        exec(compile(code, f"{page.name} block {i}", "exec"), namespace)
        printed, expected = capsys.readouterr().out, EXPECTED.findall(code)
        assert printed.strip() or tutorial
        assert not expected or agrees(printed, expected), f"block {i} printed\n{printed}"
    assert not tutorial or Path("small/report.html").stat().st_size > 10_000


def test_a_wrong_output_would_be_found() -> None:
    assert agrees("a 1.5\nb\nc\n", ["a ...", "...", "c"])
    for expected in (["a 1.5", "b"], ["a 1.6", "b", "c"], ["a 1.5", "b", "c", "d"], ["..5", "b", "c"]):
        assert not agrees("a 1.5\nb\nc\n", expected)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_in_one_table_of_contents() -> None:
    entries = []
    for page in DOCS:
        for tree in re.findall(r"^```{toctree}\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.S | re.M):
            names = [line for line in tree.splitlines() if line and not line.startswith(":")]
            entries += [Path(os.path.normpath(page.parent / f"{name}.md")) for name in names]
    assert sorted(entries) == [p for p in DOCS if p != ROOT / "docs" / "index.md"]


def test_pages_need_nothing_from_elsewhere() -> None:
    for page in DOCS:
        assert not re.findall(r"https?://", page.read_text(encoding="utf-8")), page


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
