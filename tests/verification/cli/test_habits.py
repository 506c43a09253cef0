"""Habits of the command line: interruption, names, nearest names, lists, completion, and what goes where."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from l2obound import bounds, l2o
from l2obound.bounds.worst_cases import METHODS
from l2obound.errors import suggestion
from l2obound.l2o.problems.families import FAMILIES
from l2obound.l2o.training import load_config, shipped_configs
from l2obound.verification.cli import app as cli
from l2obound.verification.cli.verbs.names import KINDS
from l2obound.verification.conformance import CHECKS
from l2obound.verification.studies import STUDIES

ROOT = Path(__file__).parents[3]


# Interruption


@pytest.mark.parametrize("verb", cli.VERBS)
def test_an_interrupted_verb_says_whether_it_can_be_resumed(run, monkeypatch, verb: str) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "function", lambda _: interrupted)
    code, out, err = run(verb)
    assert (code, out) == (130, "")
    assert err.startswith("interrupted")
    assert err.count("\n") == 1
    assert ("run the same command again to resume" in err) == (verb in cli.RESUMED)
    assert ("the same command begins anew" in err) == (verb not in cli.RESUMED)


def test_an_interruption_before_a_verb_runs_has_no_traceback(run, monkeypatch) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "function", interrupted)
    assert run("verify") == (130, "", "interrupted\n")
    monkeypatch.setattr(cli, "open_streams", lambda: None)
    with pytest.raises(SystemExit) as end:
        cli.main(lambda: interrupted("anywhere"))
    assert end.value.code == 130


STOPS = """
import os
from l2obound import l2o


def second():
    if os.path.exists("stop"):
        raise KeyboardInterrupt  # what Ctrl-C makes of itself; a signal needs the handler that some library replaced
    return l2o.optimizer("fista")
"""
GRID = """
title = "t"
[fixed]
rows = 4
dim = 6
batch = 2
steps = 5
[[grid]]
optimizer = ["ista", "stops.py:second"]
"""


def test_a_sweep_that_is_interrupted_goes_on(run, tmp_path: Path) -> None:
    """Ctrl-C in the second of two cells: the same command runs that one alone."""
    (tmp_path / "stops.py").write_text(STOPS)
    (tmp_path / "grid.toml").write_text(GRID)
    command = ("sweep", "grid.toml", "--out", "out", "--json")
    code, whole, _ = run(*command, "--out", "other")
    assert (code, json.loads(whole)["ran"]) == (0, 2)
    (tmp_path / "stop").touch()
    code, out, err = run(*command)
    assert (code, out) == (130, "")
    assert err.endswith("interrupted: what is finished is kept; run the same command again to resume\n")
    assert "Traceback" not in err
    (tmp_path / "stop").unlink()
    counts = json.loads(run(*command)[1])
    assert counts["ran"] + counts["reused"] == 2
    assert counts["failed"] == 0


# Names


def names_in(text: str) -> set[str]:
    return {name for name in bounds.names(variants=True) if re.search(rf"(?<![\w:]){name}(?![\w:])", text)}


@pytest.mark.parametrize("columns", ["1", "40", "80"])
def test_bounds_cuts_no_name_in_a_pipe(run, monkeypatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    out = run("bounds", "--verbose")[1]
    assert names_in(out) == {*bounds.names(variants=True)}
    assert len(out.splitlines()) == len(bounds.names(variants=True)) + 1


def test_a_wrong_bound_has_three_neighbours_and_not_the_whole_catalogue(run) -> None:
    for verb in ("bounds", "prove", "falsify"):
        code, out, err = run(verb, "ood_multi_step_sharb")
        assert (code, out) == (2, "")
        assert "ood_multi_step_sharp" in err
        assert 1 <= len(names_in(err)) <= 3
        assert "l2obound bounds" in err


@pytest.mark.parametrize(
    ("arguments", "nearest", "names"),
    [
        (("verify", "--optimizer", "fistaa"), "'fista'", l2o.optimizer_names()),
        (("verify", "--problem", "laso"), "'lasso'", FAMILIES),
        (("check", "ista", "--check", "fixedpoint"), "'fixed_point'", CHECKS),
        (("list", "optimizer"), "'optimizers'", KINDS),
        (("train", "go-math-l2o"), "'go-math-l2o-lasso'", shipped_configs()),
        (("drift", "--shift", "noisy"), "'noise'", ()),
        (("sensitivity", "--problem", "laso"), "'lasso'", ()),
        (("verfy",), "'verify'", cli.VERBS),
    ],
)
def test_a_wrong_name_has_its_neighbours(run, arguments, nearest: str, names) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert f"did you mean {nearest}" in " ".join(err.split())
    if len(names) > 8:
        assert sum(f"'{name}'" in err for name in names) <= 3


def test_neighbours_are_three_at_most_the_nearest_first_and_none_where_none_is_near() -> None:
    assert (
        suggestion("istb", ["fista", "ista", "lista", "vista", "adam"]) == "did you mean 'ista', 'vista' or 'lista'? "
    )
    assert suggestion("isto", ["ista", "adam"]) == "did you mean 'ista'? "
    assert suggestion("x", ["ista", "adam"]) == ""


@pytest.mark.parametrize("verb", cli.OLD_SPELLINGS)
def test_old_spellings_are_understood_and_not_shown(verb: str) -> None:
    command = cli.commands()[verb]
    shown = {option for parameter in command.params for option in parameter.opts}
    for old, new in cli.OLD_SPELLINGS[verb].items():
        assert old not in shown
        assert new in shown
        name = next(p.name for p in command.params if new in p.opts)
        required = {"falsify": ["B1"]}.get(verb, [])
        for arguments in ([old, "word"], [f"{old}=word"], [new, "word"]):
            value = command.make_context(verb, [*required, *arguments]).params[name]
            assert value in ("word", ["word"])


def test_one_thing_has_one_name() -> None:
    """No verb calls what has a name by another one."""
    others = {"--family", "--families", "--model", "--models", "--bounds", "--batch-size", "--n", "--k", "--output"}
    for verb, command in cli.commands().items():
        shown = {option for parameter in command.params for option in parameter.opts}
        assert not shown & others, verb
    assert "gradient" in METHODS  # the values of --method, which is no search any more


# Help


def test_every_verb_says_in_one_whole_sentence_what_it_does() -> None:
    for verb, command in cli.commands().items():
        first = " ".join(command.help.split("\n\n")[0].split())
        for line in (cli.VERBS[verb][1], first):
            assert re.fullmatch(r"[A-Z][^.?!]*\.", line), line
        assert first.split()[0] == cli.VERBS[verb][1].split()[0]


def test_no_help_promises_a_time() -> None:
    for command in cli.commands().values():
        for text in (command.help, *(p.help or "" for p in command.params)):
            assert not re.search(r"\b(minutes?|hours?|in seconds|half a)\b", text), text


def test_the_page_of_the_command_line_says_which_verbs_go_on() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    sentence = page[page.index("**Ctrl-C.**") : page.index("keep what is finished")]
    assert {*re.findall(r"`([\w-]+)`", sentence)} == cli.RESUMED


def test_the_version_is_that_of_the_package(run) -> None:
    assert run("--version") == (0, f"l2obound {importlib.metadata.version('l2obound')}\n", "")


# Standard output

LOUD = """
import ctypes, os, sys
import numpy, osqp, scipy.sparse
from l2obound.verification.cli import app
from l2obound.verification.cli.console import emit


def loud():
    ctypes.CDLL(None).printf(b"printed by C, and left in its buffer\\n")
    print("printed by Python")
    os.write(1, b"written to the descriptor\\n")
    identity = scipy.sparse.csc_matrix(numpy.eye(1))
    try:
        osqp.OSQP().setup(identity, numpy.array([1e30]), identity, numpy.array([1e30]), numpy.array([-1e30]))
    except osqp.OSQPException:
        pass
    emit('{"a": 1}')


app.function = lambda _: loud
sys.argv = ["l2obound", "verify"]
app.main()
"""


def test_what_a_library_in_c_prints_is_no_result() -> None:
    """Also what it leaves in a buffer, which is written out when the process ends."""
    done = subprocess.run([sys.executable, "-c", LOUD], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == {"a": 1}
    for words in ("left in its buffer", "printed by Python", "to the descriptor", "ERROR in"):
        assert words in done.stderr, words


# Lists


def test_everything_that_has_a_name_is_listed(run) -> None:
    names = {kind: [row["name"] for row in rows] for kind, rows in json.loads(run("list", "--json")[1]).items()}
    assert names == {
        "optimizers": [*l2o.optimizer_names()],
        "problems": [*FAMILIES],
        "bounds": [*bounds.names(variants=True)],
        "weights": [f"{name}:{family}" for name, family in l2o.pretrained_names()],
        "trainings": [*shipped_configs()],
        "checks": [*CHECKS],
        "studies": [*STUDIES],
    }
    assert set(names) == set(KINDS)
    for rows in json.loads(run("list", "--json")[1]).values():
        assert all(row["about"].strip() for row in rows)


def test_a_list_cuts_no_name_and_may_be_of_some_kinds(run, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    out = run("list", "weights", "studies")[1]
    assert "  go-math-l2o:logistic_l1  " in out
    assert "beyond-convex" in out
    assert "ista" not in out.replace("lista", "")
    assert len(run("list", "studies")[1].splitlines()) == len(STUDIES)


# Trainings


def test_shipped_trainings_are_named_and_run_by_name(run, tmp_path: Path, monkeypatch) -> None:
    assert {row["name"] for row in json.loads(run("train", "--list", "--json")[1])["trainings"]} == {*shipped_configs()}
    asked = []

    def trained(settings, folder, **more):
        asked.append((settings, folder))
        raise l2o.InputError("asked for")

    monkeypatch.setattr(l2o, "train", trained)
    for name, path in shipped_configs().items():
        for arguments in (name, path):
            assert run("train", arguments)[0] == 2
            settings, folder = asked[-1]
            assert settings == load_config(path)
            assert folder == Path("runs") / name
    assert "train --list" in run("train")[2]
    (tmp_path / "go-math-l2o-lasso").write_text("a file of the user's goes first")
    with pytest.raises(l2o.InputError, match="TOML"):
        load_config("go-math-l2o-lasso")


# Completion


@pytest.mark.parametrize(
    ("words", "completed"),
    [("wor", ["worst-case"]), ("be", ["beyond-convex"]), ("", [*cli.VERBS]), ("--ver", ["--version"])],
)
def test_verbs_are_completed_without_importing_them(words: str, completed: list[str]) -> None:
    code = """
import sys
sys.argv = ["l2obound"]
from l2obound.verification.cli.app import main
try:
    main()
finally:
    print(*({"torch", "sympy", "numpy"} & {*sys.modules}), file=sys.stderr)
"""
    asked = {"_L2OBOUND_COMPLETE": "complete_bash", "COMP_WORDS": f"l2obound {words}", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == completed
    assert done.stderr.strip() == ""
