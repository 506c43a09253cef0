"""A report of given runs: their verdicts, several seeds as a band, and a page made of its results alone."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import l2obound
from l2obound import l2o, verification
from l2obound.l2o.runs.run import pooled
from l2obound.verification.report._own_page import render_runs
from l2obound.verification.report.own_runs import results_of_runs

P = l2o.synthetic.lasso(2, 6, 4, sparsity=2, seed=3)
NAMES = ("per_step_descent", "ind_rate", "ood_last_iterate")


def run_of(method: str, seed: int = 0, steps: int = 8) -> l2o.Run:
    return l2o.rollout(l2o.optimizer(method), P, l2o.synthetic.starts(P, shift=2.0, seed=seed), steps)


ISTA = run_of("ista")
SEEDS = [run_of("fista", seed) for seed in range(3)]
HOSTILE = "FISTA <b> $x$"
RESULTS = results_of_runs({"mine": ISTA, HOSTILE: SEEDS}, P, bounds=NAMES)


def test_one_call_writes_a_page_tables_and_figures(tmp_path: Path) -> None:
    page, results = l2obound.report({"mine": ISTA}, P, out=tmp_path / "r", bounds=NAMES[:1])
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert json.loads((tmp_path / "r" / "results.json").read_text()) == results
    assert sorted(p.name for p in (tmp_path / "r" / "figures").iterdir()) == ["convergence.pdf", "convergence.svg"]
    with (tmp_path / "r" / "tables" / "verdicts.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert (row["run"], row["number"], row["verdict"], row["checks"]) == ("mine", "B1", "verified", "16")
    with (tmp_path / "r" / "tables" / "curves.csv").open() as stream:
        gaps = [
            float(r["value"]) for r in csv.DictReader(stream) if (r["quantity"], r["statistic"]) == ("gap", "least")
        ]
    assert len(gaps) == 9
    assert not (tmp_path / "r" / "UNFINISHED.txt").exists()


def test_verdicts_are_those_of_verify() -> None:
    certified = verification.optimum(P)
    for entry, runs in zip(RESULTS["runs"], ([ISTA], SEEDS)):
        for verdict in entry["verdicts"]:
            each = [verification.verify(r, P, verdict["bound"], certified, "best").to_dict()["counts"] for r in runs]
            assert verdict["counts"] == {name: sum(counts[name] for counts in each) for name in verdict["counts"]}
    assert [entry["seeds"] for entry in RESULTS["runs"]] == [1, 3]
    assert [entry["instances"] for entry in RESULTS["runs"]] == [2, 6]


def test_several_seeds_are_a_median_with_its_range() -> None:
    gap = RESULTS["runs"][1]["gap"]
    last = torch.cat([run.objective[:, -1] for run in SEEDS]).numpy() - np.tile(verification.optimum(P).upper, 3)
    for name, value in (("least", last.min()), ("median", np.median(last)), ("greatest", last.max())):
        assert gap[name][-1] == pytest.approx(value, rel=1e-4, abs=1e-9), name


def test_the_page_is_made_of_its_results_alone() -> None:
    stored = json.loads(json.dumps(RESULTS))
    page = render_runs(RESULTS)
    assert page == render_runs(stored)
    assert "No bound was violated: " in page
    assert "<b> $x$" not in page
    assert "FISTA &lt;b&gt; $x$" in page


def test_a_violation_is_the_first_thing_said() -> None:
    off = ISTA.objective.clone()
    off[0, 3] += 1.0
    results = results_of_runs({"wrong": replace(ISTA, objective=off)}, P, bounds=NAMES[:1])
    page = render_runs(results)
    assert "2 checks violated." in page
    assert "Violated: B1 on wrong (2 of 16)" in page
    assert "the recorded objective is F(x_k), up to rounding" in page


def test_diverged_runs_are_said_to_be(tmp_path: Path) -> None:
    run = l2o.rollout(l2o.optimizer("ista", step=1e3), P, l2o.synthetic.starts(P, shift=2.0), 200)
    assert not run.finite.any()
    results = results_of_runs({"wild": run}, P, bounds=NAMES[:1])
    assert "every instance diverged" in render_runs(results)


def test_float32_is_named_and_its_gaps_are_those_of_its_iterates() -> None:
    iterates = l2o.rollout(l2o.optimizer("ista"), P.to(torch.float32), ISTA.x[:, 0].float(), 200).x
    results = results_of_runs({"single": l2o.run_from_iterates(P, iterates)}, P, bounds=NAMES[:2])
    (entry,) = results["runs"]
    assert entry["precision"] == "float32"
    assert entry["verdicts"][1]["verdict"] == "verified"
    exact = P.objective(iterates[:, -1].double()).numpy() - verification.optimum(P).upper
    assert entry["gap"]["greatest"][-1] == pytest.approx(exact.max(), abs=1e-12)


def test_a_list_is_pooled_as_instances_of_one_run() -> None:
    run = pooled(SEEDS)
    assert (run.batch_size, run.steps, run.dim) == (6, 8, 4)
    assert torch.equal(run.x[4:], SEEDS[2].x)
    assert pooled([ISTA]) is ISTA


def test_objectives_alone_are_drawn_and_not_judged() -> None:
    logs = [l2o.run_from_objectives(P, run.objective) for run in SEEDS]
    results = results_of_runs({"mine": ISTA, "log": logs}, P, bounds=NAMES[:1])
    entry = results["runs"][1]
    assert entry["gap"] == RESULTS["runs"][1]["gap"]
    assert entry["reach"] == RESULTS["runs"][1]["reach"]
    assert (entry["verdicts"], entry["below"]) == ([], 0.0)
    page = render_runs(results)
    assert "Of log only objectives are given." in page
    assert "below the certified F*" not in page
    low = l2o.run_from_objectives(P, SEEDS[0].objective - 100.0)
    assert "low has objectives below the certified F*, by up to " in render_runs(results_of_runs({"low": low}, P))


def test_wrong_objectives_are_one_clear_error() -> None:
    assert l2o.run_from_objectives(P.select([0]), [3.0, 2.0, float("inf")]).steps == 2
    for F, says in (([[1.0, 2.0]], r"\(2, >= 2\)"), ([[1.0], [2.0]], "got"), ([[1.0, float("nan")]] * 2, "NaN")):
        with pytest.raises(l2o.InputError, match=says):
            l2o.run_from_objectives(P, F)


WRONG: dict[str, tuple[Any, str]] = {
    "no runs": ({}, "expected runs by name"),
    "one run": (ISTA, "expected runs by name"),
    "iterates": ({"mine": ISTA.x}, "run_from_iterates"),
    "empty list": ({"mine": []}, "a run or a list of runs"),
    "another problem": ({"mine": l2o.rollout(l2o.optimizer("ista"), P.select([0]), np.zeros((1, 4)), 2)}, "2 of 4"),
    "kinds": ({"mine": [ISTA, l2o.run_from_objectives(P, ISTA.objective)]}, "a run or a list of runs"),
    "log lengths": ({"mine": [l2o.run_from_objectives(P, ISTA.objective[:, :k]) for k in (3, 4)]}, "2, 3 steps"),
    "lengths": ({"mine": [ISTA, run_of("ista", steps=5)]}, "report: mine: pooled: run 2 has 5 steps"),
    "arrays": ({"mine": [ISTA, l2o.run_from_iterates(P, ISTA.x)]}, "other arrays"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_one_clear_error(case: str) -> None:
    runs, says = WRONG[case]
    with pytest.raises(l2o.InputError, match=says) as caught:
        results_of_runs(runs, P)
    assert "\n" not in str(caught.value)


def test_the_verb_takes_runs_or_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(l2o.InputError, match="or a ReportConfig, got int"):
        l2obound.report(3)
    with pytest.raises(l2o.InputError, match="no bound"):
        l2obound.report({"mine": ISTA}, P, out=tmp_path, bounds=["nonsense"])
    (tmp_path / "file").write_text("")
    with pytest.raises(l2o.InputError, match="cannot be used"):
        l2obound.report({"mine": ISTA}, P, out=tmp_path / "file")
    config = verification.report.load_report_config(quick=True)
    monkeypatch.setattr(verification.report, "make_report", lambda *args, **options: (args, options))
    assert l2obound.report(config, tmp_path, quick=True) == ((config, tmp_path), {"quick": True})
