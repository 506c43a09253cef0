"""What is kept, what is made again, what the page and the command say; and the comparisons of speed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from l2obound import l2o
from l2obound.l2o.support.files import write_bytes
from l2obound.verification.studies import open_questions
from l2obound.verification.studies.open_questions import _run, _scales
from l2obound.verification.studies.open_questions._parts import PARTS, Answer, Asked, Part
from l2obound.verification.support.store import read_partial, write_partial


def planted(calls: list[Asked], broken: int = 0) -> Part:
    """A question that is answered at once."""

    def make(folder: Path, asked: Asked, tell: Any) -> Answer:
        calls.append(asked)
        tell("half of it")
        figure = Figure(figsize=(2, 2))
        figure.subplots().plot([0, 1], [0, asked.seed])
        page = write_bytes(folder / "page.html", b"<p>all of it</p>")
        return Answer((f"Seed {asked.seed} <says> so.",), {"line": figure}, page, broken)

    return Part("Asked in a test", "Is it so?", "l2obound open-questions planted", make)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    calls: list[Asked] = []
    monkeypatch.setitem(PARTS, "planted", planted(calls))
    return calls


def test_an_answer_is_kept(calls: list[Asked], tmp_path: Path) -> None:
    messages: list[str] = []
    (first,) = open_questions.answer(["planted"], tmp_path, progress=lambda done, total, what: messages.append(what))
    assert messages == ["planted", "planted: half of it", "the page"]
    page = open_questions.write([first], tmp_path).read_bytes()
    (again,) = open_questions.answer(["planted"], tmp_path, jobs=2)
    assert (len(calls), first.reused, again.reused) == (1, False, True)
    assert replace(again, reused=False) == first
    assert open_questions.write([again], tmp_path).read_bytes() == page


def test_other_settings_and_other_programs_ask_again(
    calls: list[Asked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options in ({}, {"seed": 1}, {"quick": True}):
        (result,) = open_questions.answer(["planted"], tmp_path, **options)
        assert not result.reused
    monkeypatch.setattr(_run, "code_digest", lambda: "another version")
    assert not open_questions.answer(["planted"], tmp_path, quick=True)[0].reused
    monkeypatch.setattr(_run, "arithmetic", lambda: "another processor")
    assert not open_questions.answer(["planted"], tmp_path, quick=True)[0].reused
    assert len(calls) == 5
    monkeypatch.setattr(_run, "SETTINGS", tmp_path)
    assert not open_questions.answer(["planted"], tmp_path, quick=True)[0].reused
    assert open_questions.answer(["planted"], tmp_path, quick=True)[0].reused
    (tmp_path / "scales.toml").write_text("eps = [1e-3]", encoding="utf-8")
    assert not open_questions.answer(["planted"], tmp_path, quick=True)[0].reused
    monkeypatch.setattr(_run, "manifest", lambda name, family: {"sha256": "other weights"})
    assert not open_questions.answer(["planted"], tmp_path, quick=True)[0].reused
    assert open_questions.answer(["planted"], tmp_path, quick=True)[0].reused


def test_a_seed_that_a_part_would_refuse_is_refused_before_all(calls: list[Asked], tmp_path: Path) -> None:
    for seed in (-1, 1000):
        with pytest.raises(l2o.InputError, match="from 0 to 999"):
            open_questions.answer(["planted"], tmp_path, seed=seed)
    assert not calls


def test_what_another_version_made_is_no_part_of_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings are kept for the same version of the program alone."""
    from l2obound.verification.studies import sensitivity
    from l2obound.verification.studies.framework import Context
    from l2obound.verification.studies.open_questions import _parts

    inputs: list[Path] = []

    def stop(settings: Any, context: Context) -> None:
        inputs.append(context.store)
        raise KeyboardInterrupt

    monkeypatch.setattr(sensitivity, "STUDY", replace(sensitivity.STUDY, run=stop))
    part = _parts.of_study("sensitivity", _parts.PAPER)
    for version in ("one", "one", "another"):
        monkeypatch.setattr(_parts, "code_digest", lambda version=version: version)
        with pytest.raises(KeyboardInterrupt):
            part.make(tmp_path, Asked(), lambda what: None)
    assert inputs[0] == inputs[1] != inputs[2]
    assert all(tmp_path in path.parents for path in inputs)


@pytest.mark.parametrize("damage", ["no JSON", "another shape", "a figure gone", "the page gone", "another question"])
def test_a_damaged_answer_is_made_again(damage: str, calls: list[Asked], tmp_path: Path) -> None:
    (result,) = open_questions.answer(["planted"], tmp_path)
    selected = tmp_path / "planted" / _run.FILE
    data = read_partial(selected)
    assert data is not None
    if damage == "no JSON":
        selected.write_bytes(selected.read_bytes()[:40])
    elif damage == "another shape":
        selected.write_text(json.dumps({"run": {**data, "sentences": None}}), encoding="utf-8")
    elif damage == "another question":
        write_partial(selected, {**data, "name": "scales"})
    else:
        (tmp_path / (result.page if "page" in damage else result.figures[0])).unlink()
    (again,) = open_questions.answer(["planted"], tmp_path)
    assert not again.reused
    assert len(calls) == 2


def test_the_page_shows_each_answer(calls: list[Asked], tmp_path: Path) -> None:
    page = open_questions.write(open_questions.answer(["planted"], tmp_path), tmp_path).read_text(encoding="utf-8")
    assert "Is it so?" in page
    assert "Seed 0 &lt;says&gt; so." in page
    assert page.count('class="plot"') == 1
    assert 'href="planted/page.html"' in page
    assert "No run that is held against a proved statement contradicts it" in page
    assert (tmp_path / "planted" / "line.pdf").exists()


def test_the_command(calls: list[Asked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from l2obound.verification.cli import app as cli

    ask = ["open-questions", "planted", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli.app, [*ask, "--json"])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert Path(data["page"]).exists()
    assert [a["name"] for a in data["answers"]] == ["planted"]
    assert "reused from before: planted" in CliRunner().invoke(cli.app, ask).stdout
    monkeypatch.setitem(PARTS, "planted", planted(calls, broken=1))
    failed = CliRunner().invoke(cli.app, [*ask, "--seed", "3"])
    assert failed.exit_code == 1
    assert "contradict a proved statement: a defect" in (tmp_path / "open-questions.html").read_text(encoding="utf-8")
    with pytest.raises(l2o.InputError, match="expected some of beyond-convex"):
        CliRunner().invoke(cli.app, ["open-questions", "why"], catch_exceptions=False)


def test_the_page_keeps_the_answers_of_earlier_calls(
    calls: list[Asked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from l2obound.verification.cli import app as cli

    monkeypatch.setitem(PARTS, "other", planted(calls))
    for name in ("planted", "other"):
        assert CliRunner().invoke(cli.app, ["open-questions", name, "--out", str(tmp_path)]).exit_code == 0
    assert [a.name for a in open_questions.standing(tmp_path)] == ["planted", "other"]
    assert open_questions.standing(tmp_path, seed=1) == []
    page = (tmp_path / "open-questions.html").read_text(encoding="utf-8")
    assert page.count("Is it so?</h2>") == 2


def test_every_question_names_its_command() -> None:
    from l2obound.verification.cli.app import VERBS as verbs

    for part in PARTS.values():
        assert part.command.split()[1] in verbs
        assert part.question.endswith("?")


def comparison(baseline: str, setting: str, verdict: str, median: float | None, **more: Any) -> dict[str, Any]:
    row = {
        "setting": setting, "eps": 1e-4, "learned": "go-math-l2o", "baseline": baseline, "measure": "iterations",
        "median_low": 20.0 if median is None else median, "median_high": median, "lower": 0.5, "upper": 3.0,
        "verdict": verdict,
    }  # fmt: skip
    return {**row, **more}


RESULTS = {
    "claim": 10.0,
    "labels": {"ista": "ISTA", "fista": "FISTA", "fista-restart": "restarted FISTA"},
    "config": {"shown": 1e-4, "learned": ["go-math-l2o"], "paper": ["ista", "fista"], "stronger": ["fista-restart"]},
    "settings": [
        {"key": "small", "vary": "lasso", "cell": {"dim": 20}},
        {"key": "large", "vary": "lasso", "cell": {"dim": 500}},
    ],
    "comparisons": [
        comparison("ista", "large", "HOLDS", None, lower=12.0, upper=None),
        comparison("ista", "small", "FAILS", 4.0, lower=3.0),
        comparison("fista", "small", "FAILS", 1.5, lower=1.2),
        comparison("fista", "large", "OPEN", 0.7),
        comparison("fista-restart", "small", "FAILS", 0.9, lower=0.8),
        comparison("ista", "small", "HOLDS", 40.0, eps=1e-2),
        comparison("ista", "small", "FAILS", 0.4, measure="latency", lower=0.3),
    ],
}


def test_the_sentences_count_what_is_there() -> None:
    sentences = _scales.scale_sentences(RESULTS)
    assert "HOLDS in 2 of 7 comparisons (against ISTA); FAILS in 4, OPEN in 1" in sentences[0]
    assert "than ISTA, to a relative gap of 0.0001: LASSO ×4 at n = 20, at least ×20 at n = 500." in sentences[1]
    assert "than FISTA, to a relative gap of 0.0001: LASSO ×1.5 at n = 20, ×0.7 at n = 500." in sentences[2]
    sentences = _scales.baseline_sentences(RESULTS)
    assert "ISTA in 2 of 2 settings (in time: 0 of 1 settings) and FISTA in 1 of 2 settings" in sentences[1]
    assert "restarted FISTA in 0 of 1 settings" in sentences[2]


def test_another_model_of_the_file_is_told_apart() -> None:
    own = [{**r, "learned": _scales.MATCHED, "median_low": 3.0, "median_high": 3.0} for r in RESULTS["comparisons"]]
    config = {**RESULTS["config"], "learned": [_scales.LEARNED, _scales.MATCHED]}
    labels = {**RESULTS["labels"], _scales.MATCHED: "Mended"}
    results = {**RESULTS, "config": config, "labels": labels, "comparisons": [*RESULTS["comparisons"], *own]}
    sentences = _scales.scale_sentences(results)
    assert sentences[: len(_scales.scale_sentences(RESULTS))] == _scales.scale_sentences(RESULTS)
    assert sentences[-1] == (
        "Mended: times fewer iterations than FISTA, to a relative gap of 0.0001: LASSO ×3 at n = 20, ×3 at n = 500."
    )
    heights = {
        float(y) for line in _scales.across_scales(results, _scales.MATCHED).axes[0].lines for y in line.get_ydata()
    }
    assert 3.0 in heights
    assert 4.0 not in heights


def test_the_figure_holds_every_comparison() -> None:
    drawn = _scales.across_scales(RESULTS)
    panel = drawn.axes[0]
    assert panel.get_title() == "LASSO"
    assert len(drawn.axes) == 3
    heights = {float(y) for line in panel.lines for y in line.get_ydata()}
    assert {4.0, 20.0, 1.5, 0.7, 0.9} <= heights


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PARTS))
def test_every_question_is_answered(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path / "cache"))
    (result,) = open_questions.answer([name], tmp_path, quick=True)
    assert result.sentences
    assert result.figures
    assert result.broken == 0
    assert open_questions.write([result], tmp_path).read_text(encoding="utf-8").count('class="plot"') == len(
        result.figures
    )
