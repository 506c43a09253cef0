"""What verbs print: few lines, no name cut at any width, more with --verbose, and the same JSON with and without it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from l2obound import bounds
from l2obound.verification.cli import app as cli
from l2obound.verification.cli.answer import MOST_ROWS, Answer, Table, lines, table_lines
from l2obound.verification.studies.framework import Brief, Study

ROOT = Path(__file__).parents[3]
LONG = "ood_multi_step_sharp:last_iterate"
SMALL = ("--batch", "2", "--rows", "5", "--dim", "8", "--steps", "10")
BESIDES = 6  # title, head of the table, "and N more", finding, where, next
CHEAP = {
    "list": (("list",), 9),
    "bounds": (("bounds",), 24),
    "a bound": (("bounds", "B6c"), 6),
    "a proof": (("prove", "per_step_descent"), 4),
    "verify": (("verify", *SMALL), MOST_ROWS + BESIDES),
    "assumption": (("assumption", *SMALL), 6),
    "check": (("check", "gradient-descent", "--profile", "dev", "--check", "descent"), 4),
    "falsify": (("falsify", "B6b", "--evaluations", "200", "--dim", "1"), 9),
    "guarantee": (("guarantee", "ista", "--instances", "20", "--steps", "3"), MOST_ROWS + BESIDES),
    "worst case": (("worst-case", "--steps", "2"), 7),
    "worst cases": (("worst-case", "--sweep-steps", "1,2"), 6),
}
"""Verbs of seconds, and the most lines of their answers."""


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["l2obound", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, capsys.readouterr().out

    return call


@pytest.mark.parametrize("case", CHEAP)
def test_an_answer_is_short_and_verbose_has_more(run, case: str) -> None:
    arguments, most = CHEAP[case]
    code, out = run(*arguments)
    assert code == 0
    printed = out.splitlines()
    assert 0 < len(printed) <= most
    assert all(line == line.rstrip() for line in printed)
    if case != "worst cases":  # which is complete
        assert len(run(*arguments, "--verbose")[1].splitlines()) > len(printed)


def test_json_is_the_same_with_verbose(run) -> None:
    arguments = ("verify", *SMALL, "--json")
    assert json.loads(run(*arguments)[1]) == json.loads(run(*arguments, "--verbose")[1])


def test_every_verb_that_prints_an_answer_has_verbose() -> None:
    whole = {"train", "doctor"}  # which always print all they have
    for name, command in cli.commands().items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert ("--verbose" in options) == (name not in whole), name
        assert "--json" in options


# Layout

ROWS = [[LONG, "NOT APPLICABLE", "0 of 16 runs", "needs sigma_k < h at each step"], ["B1", "VERIFIED", "1 of 2", ""]]
COLUMNS = ("bound", "verdict", "says something on", "why")


def test_a_table_is_aligned_where_it_fits() -> None:
    head, first, second = table_lines(COLUMNS, ROWS)
    assert head.index("verdict") == first.index("NOT") == second.index("VERIFIED")
    assert second.endswith("1 of 2")


@pytest.mark.parametrize("width", [1, 20, 40, 60])
def test_a_narrow_table_is_a_block_for_each_row_and_cuts_nothing(width: int) -> None:
    printed = table_lines(COLUMNS, ROWS, width)
    assert printed[0] == LONG
    words = " ".join(printed).split()
    for row in ROWS:
        for cell in row:
            assert all(word in words or f"{word};" in words for word in cell.split())
    if width >= 40:
        assert all(len(line) <= width for line in printed)


def test_a_number_at_the_head_of_a_block_has_its_name() -> None:
    printed = table_lines(("K", "worst case", "by"), [["5", "0.05", "a long proof"]], 20)
    assert printed[0] == "K 5"


def test_rows_beyond_the_twelfth_are_counted() -> None:
    answer = Answer(table=Table(("n",), [[str(n)] for n in range(20)], "numbers"), details=["more"])
    printed = lines(answer, width=60)
    assert printed[-1] == "and 8 more numbers: --verbose prints them."
    assert len(printed) == 1 + MOST_ROWS + 1
    verbose = lines(answer, verbose=True, width=60)
    assert verbose == ["n", *map(str, range(20)), "more"]


def test_the_files_and_the_next_step_are_named() -> None:
    assert lines(Answer(where=["a.html", "b.csv", "c.svg"], next="open it.")) == [
        "Written: a.html, and 2 more files",
        "Next: open it.",
    ]


def terminal(*arguments: str, columns: int) -> str:
    """What a terminal of so many columns is given."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", "PYTHONPATH": str(ROOT)}
    program = subprocess.Popen([sys.executable, "-m", "l2obound", *arguments], stdout=theirs, env=environment)
    os.close(theirs)
    inputs = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the terminal is closed
            break
        if not part:
            break
        inputs += part
    os.close(ours)
    assert program.wait() == 0
    return inputs.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [40, 60])
def test_no_name_is_cut_in_a_narrow_terminal(columns: int) -> None:
    out = terminal("bounds", "--verbose", columns=columns)
    for name in bounds.names(variants=True):
        assert re.search(rf"(?<![\w:]){name}(?![\w:])", out), name
    longest = max(len(name) for name in bounds.names(variants=True))
    assert all(len(line) <= max(columns, longest + 5) for line in out.splitlines())


def test_no_name_is_cut_in_an_answer_in_a_narrow_terminal(run, monkeypatch) -> None:
    """In this process: another one would import torch first."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out = run("verify", "--bound", LONG, "--optimizer", "ista", *SMALL)
    assert code == 0
    assert LONG in out.split()


# Studies


@dataclass(frozen=True)
class Settings:
    seed: int = 0


@dataclass(frozen=True)
class Result:
    settings: Settings
    created: str = "now"
    broken: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        return {}


def study(**more: Any) -> Study[Any, Any]:
    return Study(
        name="planted", title="", question="", settings=Settings, quick=lambda s: s, run=lambda s, c: Result(s),
        sections=lambda r: [], rows=lambda r: [], lines=lambda r: ["1", "2", "3", "4", "5"],
        headline=lambda r: ["1", "2", "3", "4"], figures=lambda r: {}, **more,
    )  # fmt: skip


def test_a_study_prints_its_brief_or_three_sentences_of_its_headline() -> None:
    assert study().briefly(Result(Settings())) == Brief(("1", "2", "3"))
    brief = Brief(("so",), ("a",), (("1",),))
    assert study(brief=lambda r: brief).briefly(Result(Settings())) is brief
