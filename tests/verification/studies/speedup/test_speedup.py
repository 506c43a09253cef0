"""The comparison as a whole: planted factors, a small run that is resumed, its page, wrong configurations, the verb."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import html5lib
import numpy as np
import pytest
from typer.testing import CliRunner

from l2obound import l2o
from l2obound.l2o.pretrained import manifest
from l2obound.verification.cli import app as cli
from l2obound.verification.statistics.censored import NEVER
from l2obound.verification.studies.speedup import load_speedup, render, run_speedup, write
from l2obound.verification.studies.speedup._weights import exported, seconds_of
from l2obound.verification.studies.speedup.page import FIELDS
from l2obound.verification.studies.speedup.run import (
    BEST,
    BEST_OF_PAPER,
    MEASURES,
    Measured,
    amortisation,
    claims,
    comparisons,
)
from l2obound.verification.studies.speedup.timing import CLOCKS, Timing

SMALL = {
    "eps": [1e-2, 1e-4],
    "shown": 1e-4,
    "learned": ["go-math-l2o", "other"],
    "paper": ["ista"],
    "stronger": ["coordinate-descent", "lbfgs"],
    "longer": {"ista": 3},
    "repeats": 2,
    "timed_steps": 2,
    "fixed": {"rows": 8, "dim": 10, "sparsity": 2, "batch": 8, "steps": 60},
    "setting": [
        {"key": "lasso", "trained": True},
        {"key": "smooth", "vary": "smooth", "weights": "lasso", "cell": {"family": "quadratic", "condition": 10.0}},
    ],
    "model": [{"key": "other", "name": "l2o-pa", "weights": "random", "label": "untrained L2O-PA"}],
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("speedup")
    return folder, run_speedup(load_speedup(SMALL), folder)


def planted(factor: float, second: float = 1.0) -> dict[str, Measured]:
    """A learned method that is `factor` times as fast as ISTA on each of 20 instances, in every measure."""
    k = np.random.default_rng(0).integers(3, 30, 20)

    def method(reached: np.ndarray, steps: int) -> Measured:
        times = {clock: Timing((0.0,) * 9, (second,) * 9) for clock in CLOCKS}
        by_name = {e: reached.astype(int) for e in (1e-2, 1e-4)}
        return Measured(by_name, steps, np.arange(steps + 1)[None, :], times)

    return {"go-math-l2o": method(k, 100), "ista": method(factor * k, 1000)}


@pytest.mark.parametrize(("factor", "expected"), [(10, "HOLDS"), (8, "FAILS"), (1, "FAILS")])
def test_a_planted_factor_is_found(factor: int, expected: str) -> None:
    config = load_speedup({**SMALL, "learned": ["go-math-l2o"]})
    rows = comparisons(config, "lasso", planted(factor))
    assert {r["measure"] for r in rows} == set(MEASURES)
    assert {r["baseline"] for r in rows} == {"ista", BEST, BEST_OF_PAPER}
    for row in rows:
        results = [row[name] for name in ("median_low", "median_high", "lower", "upper")]
        assert results == pytest.approx([factor] * 4)
        assert row["verdict"] == expected
    for claim in claims(config, rows):
        assert claim["up_to"] == expected
        assert claim[expected] == 2  # gaps


def test_a_noisy_clock_widens_the_interval() -> None:
    config, result = load_speedup({**SMALL, "learned": ["go-math-l2o"]}), planted(12)
    noisy = Timing((0.0,) * 9, (0.5, 0.6, 0.7, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0))
    slow = Measured(result["ista"].reached, 1000, result["ista"].calls, dict.fromkeys(CLOCKS, noisy))
    rows = comparisons(config, "lasso", {**result, "ista": slow})
    by = {r["measure"]: r for r in rows if r["baseline"] == "ista"}
    assert by["iterations"]["verdict"] == "HOLDS"
    assert by["latency"]["median_low"] == pytest.approx(12)
    assert by["latency"]["lower"] == pytest.approx(12 * 0.6)  # the second of nine repeats
    assert by["latency"]["verdict"] == "OPEN"


def test_the_best_baseline_is_the_best_on_each_instance() -> None:
    config, result = load_speedup({**SMALL, "learned": ["go-math-l2o"]}), planted(12)
    mixed = np.where(np.arange(20) % 2, NEVER, 2 * result["go-math-l2o"].reached[1e-2])
    rival = Measured(dict.fromkeys((1e-2, 1e-4), mixed), 1000, result["ista"].calls, result["ista"].times)
    rows = comparisons(config, "lasso", {**result, "coordinate-descent": rival})
    by = {r["baseline"]: r for r in rows if r["measure"] == "iterations"}
    assert by["coordinate-descent"]["reached_baseline"] == 0.5
    assert by["coordinate-descent"]["upper"] is None
    assert (by[BEST]["median_low"], by[BEST]["lower"], by[BEST]["upper"]) == (7, 2, 12)
    assert by[BEST_OF_PAPER]["median_low"] == 12


def test_training_is_paid_for_by_the_time_that_is_saved() -> None:
    config = load_speedup({**SMALL, "learned": ["go-math-l2o"]})
    result = planted(10, second=0.01)
    row = amortisation(config, "lasso", result, {"go-math-l2o": 300.0})[0]
    k = np.median(result["go-math-l2o"].reached[1e-2])
    assert row["saved_low"] == row["saved_high"] == pytest.approx(9 * k * 0.01)
    assert row["instances_high"] == pytest.approx(300 / (9 * k * 0.01))
    row = amortisation(config, "lasso", planted(1), {"go-math-l2o": 300.0})[0]
    assert (row["saved_low"], row["instances_low"], row["instances_high"]) == (0.0, None, None)


def test_every_seed_that_was_tried_is_paid_for(tmp_path: Path) -> None:
    several = manifest("go-math-l2o", "logistic_l1")
    assert seconds_of(several) == sum(s["seconds"] for s in several["seeds"]) > several["seconds"]
    description = manifest("go-math-l2o", "lasso")  # of one seed
    assert seconds_of(description) == description["seconds"]
    assert seconds_of({"seconds": 3.0}) == 3.0
    assert seconds_of({}) is None
    folder = exported("go-math-l2o", "lasso", tmp_path)
    assert l2o.load_trained(folder)[1]["sha256"] == description["sha256"]


def test_a_small_run_has_everything(ran: tuple[Path, dict[str, Any]]) -> None:
    results = ran[1]
    lasso, smooth = results["settings"]
    assert lasso["not_run"] == {"lbfgs": "r is not 0"}
    assert smooth["not_run"] == {}
    steps = {m["method"]: m["steps"] for m in smooth["methods"]}
    assert steps == {"go-math-l2o": 60, "other": 60, "ista": 180, "coordinate-descent": 60, "lbfgs": 60}
    learned = smooth["methods"][0]
    assert learned["calls_per_step"] == 1
    assert learned["training_seconds"] > 100
    assert smooth["methods"][1]["training_seconds"] == 0  # random weights
    assert all(len(m["seconds"][c]["step"]) == 2 for m in smooth["methods"] for c in CLOCKS)
    (row,) = (
        r
        for r in results["comparisons"]
        if (r["setting"], r["eps"], r["learned"], r["baseline"], r["measure"])
        == ("lasso", 1e-2, "go-math-l2o", "ista", "iterations")
    )
    assert row["instances"] == 8
    assert 1 < row["median_low"] < 30
    json.dumps(results, allow_nan=False)


def test_the_iterations_are_those_of_a_plain_run(ran: tuple[Path, dict[str, Any]]) -> None:
    from l2obound.l2o.runs.objective_curve import objective_curve
    from l2obound.verification.optima import optimum
    from l2obound.verification.optima.gaps import first_below, gaps, relative_to_optimum

    seed = l2o.training.config.split_seed("test", 0, 0)
    p = l2o.synthetic.lasso(8, 8, 10, sparsity=2, seed=seed)
    run = objective_curve(l2o.optimizer("ista"), p, l2o.synthetic.starts(p, seed=seed), 180)
    certified = optimum(p)
    reached = first_below(relative_to_optimum(gaps(run.objective, certified), certified), 1e-2).certain
    entry = next(m for m in ran[1]["settings"][0]["methods"] if m["method"] == "ista")
    assert entry["reached"][0]["median"] == np.median(reached)


def test_a_second_run_runs_nothing(ran: tuple[Path, dict[str, Any]]) -> None:
    folder, first = ran
    times = {p.name: p.stat().st_mtime_ns for p in (folder / "times").iterdir()}
    second = run_speedup(load_speedup(SMALL), folder)
    assert first["provenance"]["cells"]["ran"] == second["provenance"]["cells"]["reused"] == 9
    assert second["provenance"]["cells"]["ran"] == 0
    assert times == {p.name: p.stat().st_mtime_ns for p in (folder / "times").iterdir()}
    assert second["comparisons"] == first["comparisons"]


@pytest.mark.slow
def test_the_page_and_the_tables(ran: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    results = ran[1]
    page = write(results, tmp_path).read_text(encoding="utf-8")
    html5lib.HTMLParser(strict=True).parse(page)
    assert page == render(results)
    assert "http" not in page.replace("http://www.w3.org", "")
    assert page.count('class="plot"') == 4
    assert "untrained L2O-PA" in page
    assert json.loads((tmp_path / "speedup.json").read_text()) == json.loads(json.dumps(results))
    rows = list(csv.DictReader((tmp_path / "speedup.csv").read_text().splitlines()))
    assert tuple(rows[0]) == FIELDS
    assert len(rows) == len(results["comparisons"])
    assert {r["verdict"] for r in rows} <= {"HOLDS", "FAILS", "OPEN"}


def test_a_failed_cell_is_said_and_the_others_go_on(tmp_path: Path) -> None:
    config = load_speedup({**SMALL, "learned": ["go-math-l2o"], "paper": ["ista", "nesterov"], "stronger": []})
    results = run_speedup(config, tmp_path)
    assert "nesterov cannot run" in results["settings"][0]["not_run"]["nesterov"]
    assert {r["baseline"] for r in results["comparisons"] if r["setting"] == "smooth"} >= {"ista", "nesterov"}
    assert "Nesterov was not run on lasso" in render(results)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lerned": ["ista"]}, r"config: lerned: unknown key"),
        ({"learned": ["ista"]}, r"learned: ista has nothing learned"),
        (
            {"paper": ["istaa"], "longer": {}},
            r"'istaa': neither a \[\[model\]\] of this file nor an optimizer",
        ),
        ({"setting": []}, r"config: setting: expected 1 or more entries, got 0"),
        ({"setting": [{"key": "a", "cell": {"rows": 0}}]}, r"setting a: rows: expected a number >= 1, got 0"),
        ({"setting": [{"key": "a", "cell": {"batches": 2}}]}, r"setting a: batches cannot be set"),
        ({"setting": [{"key": "a"}, {"key": "a"}]}, r"setting keys must differ, got a, a"),
        ({"shown": 0.5}, r"expected eps in \(0, 1\) and shown among them"),
        ({"stronger": ["ista"]}, r"in paper or in stronger, not in both"),
        ({"longer": {"fista": 2}}, r"longer: fista is none of"),
    ],
)
def test_a_wrong_configuration_is_one_clear_error(change: dict[str, Any], message: str) -> None:
    with pytest.raises(l2o.InputError, match=message) as problem:
        load_speedup({**SMALL, **change})
    assert "\n" not in str(problem.value)


def test_shipped_configurations_name_what_there_is(tmp_path: Path) -> None:
    for quick in (False, True):
        config = load_speedup(quick=quick)
        config.sweep(tmp_path)
        assert config.claim == 10
        assert config.setting[0].trained
    assert config.label("fista-restart") == "restarted FISTA"


# The same as SMALL, with one learned method and one gap, whose page has a single figure.
SMALLER = """
eps = [1e-2]
shown = 1e-2
learned = ["go-math-l2o"]
paper = ["ista"]
stronger = []
longer = { ista = 3 }
repeats = 2
timed_steps = 2
fixed = { rows = 8, dim = 10, sparsity = 2, batch = 8, steps = 60 }

[[setting]]
key = "lasso"
trained = true
"""


def check_verb(asked: list[str], out: Path) -> None:
    app = CliRunner()
    done = app.invoke(cli.app, ["speedup", *asked, "--json", "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0
    answer = json.loads(done.stdout)
    assert Path(answer["page"]).stat().st_size > 30_000
    assert answer["cells"]["failed"] == 0
    assert {c["measure"] for c in answer["claims"]} == set(MEASURES)
    assert {c["verdict"] for c in answer["comparisons"]} <= {"HOLDS", "FAILS", "OPEN"}
    again = app.invoke(cli.app, ["speedup", *asked, "--out", str(out)], catch_exceptions=False)
    assert again.stdout.startswith("Is the learned method ")
    assert "HOLDS" not in again.stdout
    assert len(again.stdout.splitlines()) <= 18
    assert json.loads((out / "speedup.json").read_text())["provenance"]["cells"]["ran"] == 0


@pytest.mark.slow
def test_the_quick_configuration(tmp_path: Path) -> None:
    check_verb(["--quick"], tmp_path / "out")


def test_the_verb(tmp_path: Path) -> None:
    (tmp_path / "smaller.toml").write_text(SMALLER, encoding="utf-8")
    check_verb([str(tmp_path / "smaller.toml")], tmp_path / "out")
    both = CliRunner().invoke(cli.app, ["speedup", str(tmp_path / "x.toml"), "--quick"])
    assert isinstance(both.exception, l2o.InputError)


def test_the_configuration_of_the_documentation_is_valid(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "speed-up.md").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    config = load_speedup(tmp_path / "mine.toml")
    assert config.own("mine").weights == str(tmp_path / "runs" / "mine")
    assert config.spec(config.setting[1], "ista").steps == 10_000
