"""Experiments: the configurations, what is made of a sweep, the files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from l2obound import l2o
from l2obound.verification.cli.verbs.experiment import experiment
from l2obound.verification.pages.figure_export import file_bytes
from l2obound.verification.studies.experiments import (
    Experiment,
    Result,
    figure_numbers,
    load_experiment,
    run_experiment,
)
from l2obound.verification.studies.experiments.config import sweep_of
from l2obound.verification.studies.experiments.figure import draw
from l2obound.verification.studies.experiments.page import claim_sentences, write_page
from l2obound.verification.studies.experiments.run import FAILS, HOLDS, MIXED, OPEN, evaluate
from l2obound.verification.sweeps import cells_of, load_sweep, run_sweep

TINY = {"steps": 20, "batch": 2, "batches": 1}
CELLS = {
    1: 10,
    2: 9,
    3: 24,
    4: 48,
    5: 5,
    6: 8,
    7: 8,
    8: 8,
    9: 5,
    10: 4,
    11: 16,
    12: 16,
    13: 11,
    14: 9,
    15: 9,
    16: 24,
    17: 48,
}


def test_there_is_one_for_each_figure() -> None:
    assert figure_numbers() == tuple(range(1, 18)) == tuple(CELLS)


@pytest.mark.parametrize("figure", CELLS)
def test_every_configuration_makes_its_cells(figure: int) -> None:
    experiment = load_experiment(figure)
    assert experiment.figure == figure
    cells = cells_of(sweep_of(experiment))
    assert len(cells) == CELLS[figure]
    names = {c.spec.optimizer for c in cells}
    assert all(name in names for pair in experiment.pairs() for name in pair)
    single = cells[0].spec.batch == 1
    large = cells_of(sweep_of(experiment, full=True))
    assert single or large[0].spec.batch * large[0].spec.batches >= 1000
    shipped = [c for c in cells if c.model.learned and c.model.weights is None]
    trained = cells_of(sweep_of(experiment, authors_training=True))
    assert all(c.model.weights == "trained" for c in trained if c.model.learned)
    assert len(trained) == len(cells)
    budgets = {c.model.training().training.updates for c in trained if c.model.learned}
    assert max(budgets) == (7500 if shipped or figure not in (7, 8) else {7: 3000, 8: 1500}[figure])


def test_shifts_are_the_papers() -> None:
    for figure, name in ((3, "s"), (4, "t"), (11, "s"), (12, "t"), (16, "s"), (17, "t")):
        values = {getattr(c.spec, name) for c in cells_of(sweep_of(load_experiment(figure)))}
        assert values == {sign * v for sign in (-1, 1) for v in (10, 20, 50, 100)}


def test_the_training_ablation_is_the_papers() -> None:
    """24 settings in the order epochs, batch, loss, for each unroll."""
    expected = [
        (unroll, epochs, batch, loss)
        for unroll in (20, 50, 100)
        for epochs in (1, 3)
        for batch in (64, 128)
        for loss in ("mean", "weighted_sum")
    ]
    results = []
    for figure in (6, 7, 8):
        for cell in cells_of(sweep_of(load_experiment(figure))):
            t = cell.model.training().training
            assert cell.model.key == str(len(results) + 1)
            results.append((t.unroll, t.epochs, t.batch, t.loss))
    assert results == expected
    best = [c.model for c in cells_of(sweep_of(load_experiment(9)))]
    assert [(m.training().training.unroll, m.key) for m in best] == [
        (20, "7"),
        (20, "8"),
        (50, "14"),
        (50, "16"),
        (100, "24"),
    ]


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run_experiment(4, tmp_path_factory.mktemp("experiments"), overrides=TINY)


@pytest.mark.slow
def test_numbers_of_an_experiment(shifted: Result) -> None:
    numbers = shifted.numbers
    assert json.loads((shifted.folder / "result.json").read_text()) == json.loads(json.dumps(numbers))
    assert (len(numbers["lines"]), numbers["panel"], shifted.summary.failed) == (48, "t", 0)
    assert {tuple(line["line"]) for line in numbers["lines"]} == {
        (name, prox) for name in ("go-math-l2o", "l2o-pa", "fista-restart") for prox in ("exact", "official")
    }
    for line in numbers["lines"]:
        assert line["instances"] == 2
        assert list(line["mean_gap"]) == ["10", "20"]
        assert line["curve"]["k"][0] == 0
    assert len(numbers["claims"]) == 16
    assert all(c["word"] in (HOLDS, FAILS, MIXED, OPEN) for c in numbers["claims"])


def test_the_page_stands_alone(shifted: Result) -> None:
    page = (shifted.folder.parent / "index.html").read_text(encoding="utf-8")
    assert "Figure 4. LASSO with shifted objectives" in page
    assert page.count('class="plot"') == 1
    outside = [u for u in re.findall(r'(?:href|src)="([^"#]+)"', page) if not u.startswith("figure-04/")]
    assert not outside
    assert (shifted.folder / "figure.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow
def test_a_second_run_reuses_the_cells_and_gives_the_same_files(shifted: Result) -> None:
    before = {p.name: p.read_bytes() for p in shifted.folder.iterdir() if p.name != "timings.parquet"}
    again = run_experiment(4, shifted.folder.parent, overrides=TINY)
    assert (again.summary.ran, again.summary.reused) == (0, 48)
    assert {p.name: p.read_bytes() for p in shifted.folder.iterdir() if p.name != "timings.parquet"} == before


def test_a_run_that_diverges_ends_its_line(tmp_path: Path) -> None:
    source = {
        "fixed": {"rows": 6, "dim": 10, **TINY},
        "grid": [{"optimizer": ["ista", "wild", "nesterov"]}],
        "model": [{"key": "wild", "name": "ista", "label": "too long a step", "options": {"step": 5.0}}],
    }
    config = load_sweep(source)
    experiment = Experiment(figure=99, title="x", shows="y", claims=("ista < wild", "ista < nesterov"), sweep=source)
    numbers = evaluate(experiment, config, run_sweep(config, tmp_path / "figure-99").tables)
    wild = numbers["lines"][1]
    assert wild["diverged"] == 2
    assert 0 < wild["diverged_first"] < 20
    assert wild["mean_gap"]["20"] is None
    figure = draw(numbers)
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert len(crosses) == 1
    assert crosses[0].get_xdata()[0] < wild["diverged_first"]
    assert [c["word"] for c in numbers["claims"]][1] == OPEN
    (tmp_path / "figure-99" / "result.json").write_text(json.dumps(numbers))
    (tmp_path / "figure-99" / "figure.svg").write_bytes(file_bytes(figure, "svg"))
    page = write_page(tmp_path).read_text(encoding="utf-8")
    assert f"2 of 2, from step {wild['diverged_first']}" in page
    assert "nesterov cannot run" in page
    assert "nan" not in page.lower().replace("nanum", "")


def test_a_start_outside_the_domain_is_drawn_from_the_step_it_is_inside(tmp_path: Path) -> None:
    """F is inf there: no limit of an axis, and no number that JSON has."""
    source = {
        "fixed": {"rows": 6, "dim": 10, "family": "simplex_least_squares", **TINY},
        "grid": [{"optimizer": ["ista"], "s": [0, 10, 1e160]}],
    }
    config = load_sweep(source)
    experiment = Experiment(figure=99, title="x", shows="y", panel="s", sweep=source)
    numbers = evaluate(experiment, config, run_sweep(config, tmp_path).tables)
    json.dumps(numbers, allow_nan=False)
    curve = numbers["lines"][1]["curve"]
    assert curve["mean"][0] is None
    low, high = draw(numbers).axes[0].get_ylim()
    assert low < curve["mean"][1] < high


def test_an_experiment_that_is_interrupted_is_not_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("l2obound.verification.studies.experiments.run.file_bytes", stop)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(3, tmp_path, overrides={"steps": 2, "batch": 1, "batches": 1})
    assert "Figure 3" not in write_page(tmp_path).read_text(encoding="utf-8")


def line(name: str, medians: list[float | None]) -> dict:
    reached = {f"1e-0{i}": {"share": 1.0, "median": m} for i, m in enumerate(medians)}
    return {"panel": None, "line": [name], "label": name, "reached": reached, "error": None}


@pytest.mark.parametrize(
    ("one", "other", "word"),
    [
        ([1, 5], [2, 6], HOLDS),
        ([1, 5], [2, None], HOLDS),
        ([2, 6], [1, 5], FAILS),
        ([2, None], [2, 5], FAILS),
        ([2, 5], [2, 5], FAILS),
        ([1, 9], [2, 6], MIXED),
        ([1, 5], [1, 6], MIXED),
        ([None, None], [None, None], OPEN),
    ],
)
def test_the_word_on_a_claim(one: list, other: list, word: str) -> None:
    """It holds where A is first at every gap that either reaches; a tie is not first."""
    from l2obound.verification.studies.experiments.run import _claims

    experiment = Experiment(figure=1, title="", shows="", claims=("a < b",), sweep={})
    (claim,) = _claims(experiment, ("a", "b"), [line("a", one), line("b", other)])
    assert claim["word"] == word
    numbers = {"claims": [claim], "lines": [line("a", one), line("b", other)], "fields": ["optimizer"], "panel": None}
    assert word in claim_sentences(numbers)[0]


def test_trained_models_are_shared_between_figures(tmp_path: Path) -> None:
    """Q and Q sqrt(a) of figure 10 are those of figure 11: trained once, kept in the common store."""
    digests = [
        {c.model.training().digest for c in cells_of(sweep_of(load_experiment(f))) if c.model.key == "Q"}
        for f in (10, 11, 12)
    ]
    assert digests[0] == digests[1] == digests[2]


BAD = {
    "no such figure": (lambda d: run_experiment(18, d), "figures 1 to 17"),
    "no data": (lambda d: run_experiment(3, d, data="x"), "takes no data"),
    "no such field": (lambda d: run_experiment(3, d, overrides={"step": 3}), "step: unknown key"),
    "no effect": (lambda d: run_experiment(3, d, overrides={"s": 3}), "s is an axis of the grid"),
    "a list": (lambda d: run_experiment(3, d, overrides={"family": ["lasso"]}), "family"),
    "no digit": (lambda d: experiment(["\u00b2"], out=d), "expected numbers of figures"),
    "late error": (lambda d: experiment(["3", "99"], out=d), "figures 1 to 17"),
    "bad claim": (lambda d: Experiment(figure=1, title="", shows="", claims=("a > b",), sweep={}), 'written "A < B"'),
    "bad panel": (lambda d: Experiment(figure=1, title="", shows="", panel="u", sweep={}), "no field of a cell"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case: str, tmp_path: Path) -> None:
    act, says = BAD[case]
    with pytest.raises(ValueError, match=says):  # InputError and pydantic's are both
        act(tmp_path)


def test_a_damaged_result_is_said(tmp_path: Path) -> None:
    (tmp_path / "figure-01").mkdir()
    (tmp_path / "figure-01" / "result.json").write_text("{")
    with pytest.raises(l2o.InputError, match="run the experiment again"):
        write_page(tmp_path)
