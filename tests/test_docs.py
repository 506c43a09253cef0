"""The code in README and docs runs as it stands."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from l2obound import bounds
from l2obound.bounds.proofs import ARGUMENTS, Proof

ROOT = Path(__file__).parents[1]
GENERATED = re.compile(r"b\d\d\.md")
"""Pages of docs/theory that are written when the documentation is built."""
WRITTEN = {"_build", "checks", "notebooks"}
"""Folders of docs/ that are written then."""
DOCS = sorted(
    p
    for p in (ROOT / "docs").rglob("*.md")
    if not WRITTEN & set(p.parts) and not GENERATED.fullmatch(p.name) and not p.name.endswith(".in.md")
)
PAGES = [ROOT / "README.md", *DOCS]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.S | re.M)
EXPECTED = re.compile(r"^# -> ?(.*)$", flags=re.M)


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    matches = FENCE.findall(page.read_text(encoding="utf-8"))
    return [(language, code) for language, code in matches if language in languages]


def agrees(printed: str, expected: list[str]) -> bool:
    """Whether each printed line is the expected one, in which `...` stands for anything; a line `...` for any lines."""
    lines = [".*" if line == "..." else re.escape(line).replace(r"\.\.\.", "[^\n]*") for line in expected]
    pattern = "\n".join(lines)
    return (
        re.fullmatch(pattern, "\n".join(line.rstrip() for line in printed.rstrip().split("\n")), flags=re.S) is not None
    )


def command(code: str) -> None:
    """Run the `l2obound` lines of a block of shell."""
    from l2obound.verification.cli import app as cli

    for line in code.splitlines():
        if line.startswith("l2obound "):
            sys.argv = line.split()
            with pytest.raises(SystemExit) as stopped:
                cli.main()
            assert not stopped.value.code, line


WITH_COMMANDS = ("tutorial.md", "own-model.md")
"""Pages whose files are written and whose commands are run."""
LONG = ("gallery.md", "falsify.md", "equivariance.md", "conformance.md", "drift.md", "discover.md")
"""Pages whose code takes many seconds and is that of other tests."""
WITH_CODE = [
    pytest.param(p, id=p.name, marks=[pytest.mark.slow] * (p.name in LONG)) for p in PAGES if blocks(p, "python")
]


@pytest.mark.parametrize("page", WITH_CODE)
def test_the_code_of_a_page_runs_in_order(page: Path, capsys, tmp_path, monkeypatch) -> None:
    """Python blocks share a namespace, and what they print is what `# ->` says, where it says something.

    On the pages of `WITH_COMMANDS`, a block whose first line names a file is that file, and `l2obound` runs as on the
    command line.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "argv", sys.argv)
    namespace = {"__name__": "__main__"}
    try:
        with mock.patch.dict(ARGUMENTS):  # a page may add a proof
            run_blocks(page, capsys, namespace, page.name in WITH_COMMANDS)
    finally:
        for file in tmp_path.glob("*.py"):
            sys.modules.pop(file.stem, None)
    assert page.name != "tutorial.md" or Path("small/report.html").stat().st_size > 10_000


def run_blocks(page: Path, capsys: Any, namespace: dict[str, Any], commands: bool) -> None:
    for i, (language, code) in enumerate(blocks(page, *(("python", "toml", "sh") if commands else ("python",)))):
        file = re.match(r"# (\S+\.(?:toml|py))\n", code)
        if commands and file:
            Path(file[1]).write_text(code, encoding="utf-8")
            continue
        if language == "sh":
            command(code)
            capsys.readouterr()  # what a command prints is for its own tests
            continue
        exec(compile(code, f"{page.name} block {i}", "exec"), namespace)
        printed, expected = capsys.readouterr().out, EXPECTED.findall(code)
        assert printed.strip() or commands or i == 0 or "savefig" in code  # imports, or a picture
        assert not expected or agrees(printed, expected), f"block {i} printed\n{printed}"


def test_a_wrong_output_would_be_found() -> None:
    assert agrees("a 1.5\nb\nc\n", ["a ...", "...", "c"])
    for expected in (["a 1.5", "b"], ["a 1.6", "b", "c"], ["a 1.5", "b", "c", "d"], ["..5", "b", "c"]):
        assert not agrees("a 1.5\nb\nc\n", expected)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_figures_of_a_page_have_the_colours_of_the_report() -> None:
    def colours(css: str) -> set[str]:
        """Each set of colours of lines, in light and in dark."""
        blocks = re.findall(r"{[^{}]*--s1[^{}]*}", css)
        return {" ".join(re.findall(r"--(?:muted|grid|s\d): #[0-9a-f]{6}", block)) for block in blocks}

    pages = colours((ROOT / "docs" / "_static" / "plot.css").read_text(encoding="utf-8"))
    assert len(pages) == 2
    assert pages == colours((ROOT / "verification" / "pages" / "style.css").read_text(encoding="utf-8"))


def test_every_page_is_in_one_table_of_contents() -> None:
    entries = []
    for page in DOCS:
        for tree in re.findall(r"^```{toctree}\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.S | re.M):
            # what a pattern stands for is written when the documentation is built
            names = [line for line in tree.splitlines() if line and line[0] != ":" and "*" not in line]
            entries += [Path(os.path.normpath(page.parent / f"{name}.md")) for name in names]
    assert sorted(entries) == [p for p in DOCS if p != ROOT / "docs" / "index.md"]


def test_pages_need_nothing_from_elsewhere() -> None:
    for page in DOCS:
        assert not re.findall(r"https?://", page.read_text(encoding="utf-8")), page


def test_commands_are_verbs() -> None:
    from l2obound.verification.cli import app as cli

    certified = set(cli.VERBS)
    for page in PAGES:
        fences = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)
        verbs = {verb for fence in fences for verb in re.findall(r"^l2obound (\w[\w-]*)", fence, flags=re.M)}
        verbs |= set(re.findall(r"`l2obound (\w[\w-]*)", page.read_text(encoding="utf-8")))
        assert verbs or page.name != "README.md"
        assert verbs <= certified, (page, verbs - certified)


def test_the_reference_has_every_verb_and_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read from the verbs when the documentation is built, so that it is never behind them."""
    from l2obound.verification.cli import app as cli

    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    verbs = importlib.import_module("verbs")
    sections = dict(re.findall(r"^### ([\w-]+)\n(.*?)(?=^### |\Z)", verbs.reference(), flags=re.S | re.M))
    assert set(sections) == set(cli.VERBS)
    for name, command in cli.commands().items():
        section = sections[name]
        assert f"l2obound {name}" in section
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name != "help":
                assert f"`{parameter.opts[0]}" in section, (name, parameter.opts)
        assert (" 3: " in section) == ("--strict" in section)
        assert (" 1: where" in section) == ("Exits with 1" in command.help)
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    inputs = [page]
    verbs._source(None, "command-line", inputs)
    assert verbs.reference() in inputs[0]
    assert all(f"[`{name}`](#verb-{name})" in inputs[0] for name in cli.VERBS)
    with pytest.raises(AssertionError):  # a page without the places
        verbs._source(None, "command-line", ["nothing"])


@pytest.fixture
def theory(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    return importlib.import_module("theory")


def test_the_theory_has_every_bound(theory: Any) -> None:
    from words import TITLES, WORDS

    numbers = {theory.number_of(b) for b in theory.entries()}
    assert numbers == set(TITLES) == set(WORDS)
    assert {b.number for b in theory.entries(6)} == {"B6", "B6b", "B6c"}
    assert theory.overview().count("\n") == 1 + len(bounds.names(variants=True))
    assert theory.OVERVIEW in (ROOT / "docs" / "theory" / "index.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", bounds.names(variants=True))
def test_every_bound_has_a_section(theory: Any, key: str) -> None:
    bound = bounds.get(key)
    section = theory.entry(bound, Proof(key, True, "", text="the proof"))
    for part in (bound.title, "<svg", "the proof", "side.rhs", "Implemented in `l2obound.bounds."):
        assert part in section
    shown = re.search(r"evaluate\((\{.*?\})\)", section, flags=re.S)[1]
    result = bound.evaluate(eval(shown))
    assert (result.lhs <= result.rhs + result.slop + 1e-5 * (1 + abs(result.rhs))).all()
    assert f"{result.rhs.ravel()[0]:.6g}" in section


def test_a_wrong_bound_or_a_failed_proof_has_no_page(theory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bound = bounds.get("per_step_descent")
    with pytest.raises(AssertionError, match="per_step_descent"):
        theory.example(bound.replace(rhs=3 * bound.rhs))
    with pytest.raises(AssertionError, match="no example"):
        theory.example(
            bounds.get("ood_multi_step").replace(hypotheses=(bounds.hypotheses.FULL_STEP, bounds.hypotheses.HALF_STEP))
        )
    monkeypatch.setattr(theory, "entries", lambda number: [bound.replace(rhs=bound.rhs * 51 / 50)])
    with pytest.raises(AssertionError, match="proofs that fail"):
        theory.page(1)


def test_pages_are_written_once(theory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = theory.entries(1)
    monkeypatch.setattr(theory, "entries", lambda number=None: one)
    theory.write(tmp_path)
    (page,) = tmp_path.iterdir()
    before = page.stat().st_mtime_ns
    theory.write(tmp_path)
    assert page.stat().st_mtime_ns == before
    text = page.read_text(encoding="utf-8")
    assert GENERATED.fullmatch(page.name)
    assert text.startswith("# B1: one step")
    assert "Every identity above was expanded" in text


def test_shipped_configurations_are_valid() -> None:
    from l2obound.l2o.training import load_config, shipped_configs
    from l2obound.verification.report import load_report_config

    for quick in (False, True):
        load_report_config(quick=quick)
    for name in shipped_configs():
        load_config(name)


def test_arrows_point_one_way() -> None:
    allowed = {"bounds": {"bounds"}, "l2o": {"l2o"}, "verification": {"bounds", "l2o", "verification"}}
    for package, knows in allowed.items():
        for source in (ROOT / package).rglob("*.py"):
            result = set(re.findall(r"^\s*(?:from|import) (bounds|l2o|verification)\b", source.read_text(), flags=re.M))
            assert result <= knows, source


def test_every_check_has_a_page_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Written from the registry when the documentation is built: texts, how it is run, who is expected to fail it."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    checks = importlib.import_module("checks")
    checks.write(tmp_path)
    from l2obound.verification.conformance import CHECKS

    assert {p.stem for p in tmp_path.glob("*.md")} == set(CHECKS)
    for name, check in CHECKS.items():
        page = (tmp_path / f"{name}.md").read_text(encoding="utf-8").lower()
        assert all(text.rstrip(".").lower() in page for text in (check.asserts, check.why, check.breaks, check.advice))
    assert "adam" in (tmp_path / "fixed_point.md").read_text(encoding="utf-8")
