"""The contract of a study, on one that is answered at once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from matplotlib.figure import Figure
from typer.testing import CliRunner

from l2obound.errors import InputError
from l2obound.verification import studies
from l2obound.verification.cli.app import VERBS, program
from l2obound.verification.cli.studies import several, verb
from l2obound.verification.pages.blocks import Section, Text
from l2obound.verification.studies import STUDIES
from l2obound.verification.studies.framework import (
    Context,
    Counter,
    Study,
    chosen,
    plain,
    plain_fields,
    require_at_least,
    require_some,
)
from l2obound.verification.studies.open_questions import PARTS


@dataclass(frozen=True)
class Settings:
    kinds: tuple[str, ...] = ("even", "odd")
    size: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        require_some("kind", self.kinds, ("even", "odd"), "there are no others")
        require_at_least(self, {"size": 1})


@dataclass(frozen=True)
class Result:
    settings: Settings
    broken: tuple[str, ...] = ()
    created: str = "2001-01-01"

    def to_dict(self) -> dict[str, Any]:
        return plain_fields(self, "broken")


def drawn(result: Result) -> dict[str, Figure]:
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, result.settings.size], [1, 3])
    return {"line": figure}


STUDY: Study[Settings, Result] = Study(
    name="planted",
    title="Planted",
    question="Is it so?",
    settings=Settings,
    quick=lambda settings: replace(settings, size=1),
    run=lambda settings, context: Result(settings),
    sections=lambda result: [Section("one", "One", "One", (Text("all <of> it"),))],
    rows=lambda result: [{"kind": kind, "size": result.settings.size} for kind in result.settings.kinds],
    lines=lambda result: [f"size {result.settings.size}"],
    headline=lambda result: ["so"],
    figures=drawn,
    in_words=lambda item: f"broken: {item}",
)


def run(*arguments: str, study: Study[Any, Any] = STUDY) -> Any:
    options = {
        "kind": ("kinds", several("even or odd.")),
        "size": ("size", Annotated[int | None, typer.Option(help="How large.")]),
    }
    made = verb("planted", lambda: study, "Whether it is so.\n\nMore of it.", quick="A small one.", options=options)
    return CliRunner().invoke(program("planted", made), list(arguments))


def test_what_is_written(tmp_path: Path) -> None:
    page = STUDY.write(Result(Settings()), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text == STUDY.render(Result(Settings()))
    assert "Is it so?</h1>" in text
    assert "all &lt;of&gt; it" in text
    assert "<summary>Settings</summary>" in text
    assert "&#34;size&#34;: 3" in text
    assert "Another</h1>" in replace(STUDY, heading="Another").render(Result(Settings()))
    data = json.loads((tmp_path / "planted.json").read_text(encoding="utf-8"))
    assert data["settings"] == {"kinds": ["even", "odd"], "size": 3, "seed": 0}
    assert data["sentences"] == ["size 3"]
    assert (tmp_path / "planted.csv").read_text(encoding="utf-8") == "kind,size\neven,3\nodd,3\n"
    names = {f"planted.{kind}" for kind in ("json", "csv", "tex", "html")} | {"planted-line.svg", "planted-line.pdf"}
    assert {p.name for p in tmp_path.iterdir()} == names


def test_the_verb_sets_what_is_given(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path)]
    assert run(*out).stdout.splitlines()[0] == "so"
    assert "size 3" not in run(*out).stdout
    assert "size 3" in run(*out, "--verbose").stdout
    assert "size 1" in run(*out, "--verbose", "--quick").stdout
    assert "size 7" in run(*out, "--verbose", "--quick", "--size", "7").stdout
    data = json.loads(run(*out, "--json", "--seed", "4", "--kind", "odd", "--kind", "odd").stdout)
    assert data["settings"] == {"kinds": ["odd"], "size": 3, "seed": 4}
    assert Path(data["page"]) == tmp_path / "planted.html"


def test_the_verb_ends_with_1_where_something_is_broken(tmp_path: Path) -> None:
    assert run("--out", str(tmp_path)).exit_code == 0
    bad = replace(STUDY, run=lambda settings, context: Result(settings, ("B1",)))
    done = run("--out", str(tmp_path), study=bad)
    assert done.exit_code == 1
    assert "broken: B1" in done.output


def test_wrong_settings_are_one_clear_error(tmp_path: Path) -> None:
    for option, value, words in (
        ("--kind", "prime", "--kind: expected some of even, odd, got 'prime'; there are no others."),
        ("--size", "0", "--size: expected at least 1, got 0."),
    ):
        assert str(run("--out", str(tmp_path), option, value).exception) == words
    with pytest.raises(InputError, match="got none"):
        require_some("kind", (), ("even",))
    assert run("--seed", "-1").exit_code == 2


def test_the_help_needs_no_study() -> None:
    def load() -> Any:
        raise AssertionError("loaded")

    shown = CliRunner().invoke(program("planted", verb("planted", load, "Whether.", quick="A small one.")), ["--help"])
    assert shown.exit_code == 0
    for words in ("Whether.", "--quick", "A small one.", "[default: planted]"):
        assert words in shown.stdout


def test_a_study_is_told_where_it_may_keep_things(tmp_path: Path) -> None:
    inputs: list[Context] = []
    keeps = replace(STUDY, run=lambda settings, context: inputs.append(context) or Result(settings))
    assert run("--out", str(tmp_path), study=keeps).exit_code == 0
    assert inputs[0].store == tmp_path
    inputs[0].progress(1, 2, "half of it")
    assert Context().store is None


def test_a_counter_never_counts_more_than_there_is() -> None:
    messages: list[tuple[int, int, str]] = []
    counter = Counter(lambda *what: messages.append(what), 2)
    for step in (1, 0, 1, 1):
        counter("work", step)
    assert messages == [(0, 2, "work"), (1, 2, "work"), (1, 2, "work"), (2, 2, "work")]


def test_settings_and_results_are_plain_in_json() -> None:
    assert plain({"a": (1, Settings())}) == {"a": [1, {"kinds": ["even", "odd"], "size": 3, "seed": 0}]}
    assert plain(Result(Settings(), ("B1",)))["broken"] == ["B1"]
    assert chosen([Settings(), Settings(size=5)], size=5, seed=0) == (Settings(size=5),)


def test_every_study_has_a_verb_and_a_question() -> None:
    for name in STUDIES:
        study = studies.load(name)
        assert study.name == name
        assert VERBS[name][0] == "studies"
        if name != "training-curve":  # which asks about trainings that the user has made
            assert PARTS[name].question == study.question
