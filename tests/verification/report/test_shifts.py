"""Attribution, pairs of shifts and transients: from runs to results, and from results to sentences and figures."""

import copy
import dataclasses

import numpy as np
import pytest

from l2obound import bounds, l2o
from l2obound.verification import decompose
from l2obound.verification.report import load_report_config, read_results, render_report, run_report, shift_sentences
from l2obound.verification.report._extras import attributed, differences
from l2obound.verification.report._ledger import ELSEWHERE, PAIRED, checked_names, ledger
from l2obound.verification.report._ledger_view import ledger_rows, ledger_words
from l2obound.verification.report.experiment import SEAL, digest_of
from l2obound.verification.report.render import render_html
from tests.helpers.report_sample import make_results, sample_figures

CONFIG = {
    "proofs": False,
    "problem": [
        {
            "key": "p", "family": "lasso", "rows": 5, "dim": 8, "instances": 2, "steps": 12,
            "optimizers": ["go-math-l2o", "l2o-pa", "ista"], "scenarios": [{}, {"s": 3}, {"t": 3}, {"t": 2}],
        }
    ],
    "transient": [{"key": "long", "family": "lasso", "rows": 5, "dim": 8, "instances": 2, "steps": 60}],
}  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return folder, run_report(load_report_config(CONFIG), folder)


@pytest.fixture
def results():
    return copy.deepcopy(make_results())


@pytest.mark.slow
def test_runs_with_a_paired_run_get_the_virtual_bounds(report):
    _, results = report
    for run in results["runs"]:
        names = {v["bound"] for v in run["verdicts"]}
        assert names & set(ELSEWHERE) == {"run_certificate"}
        paired = run["optimizer"]["learned"] and run["scenario"]["key"] != "unshifted"
        assert names & set(PAIRED) == (set(PAIRED) if paired else set())
        for verdict in run["verdicts"]:
            assert verdict["counts"]["violated"] == 0, (run["key"], verdict["bound"])
            if verdict["bound"] in PAIRED:
                assert verdict["counts"]["verified"] == verdict["checks"]
                assert verdict["number"].startswith("B")
    assert {b["key"] for b in results["bounds"]} == {*checked_names(None, True), "run_certificate"}
    assert set(checked_names(None, False, guarded=True)) - set(checked_names(None, False)) == {"accelerated_guard"}
    assert checked_names(("a_priori",), True) == ["a_priori"]


def test_pairs_of_shifts_are_one_experiment_for_go_math_only(report):
    _, results = report
    pairs = {pair["optimizer"]["name"]: pair for pair in results["shift_pairs"]}
    assert [(p["start"], p["scenario"]["key"], p["tau"]) for p in pairs.values()] == [("s3", "t3", 3.0)] * 2
    ours, theirs = pairs["go-math-l2o"], pairs["l2o-pa"]
    assert max(ours["worst_iterates"], ours["worst_gap"]) < ours["agree"] == 1e-8
    assert (ours["equivariance"]["verdict"], ours["expected"]) == ("equivariant", "yes")
    assert min(theirs["worst_iterates"], theirs["worst_gap"]) > 1e-3
    assert (theirs["equivariance"]["verdict"], theirs["expected"]) == ("not equivariant", "no")
    assert max(theirs["gap"]) == pytest.approx(theirs["worst_gap"], rel=1e-5)


def test_attribution_is_the_decomposition(report):
    _, results = report
    entry = next(e for e in results["attributions"] if e["key"] == "p/s3/l2o-pa/attributions")
    assert len(results["attributions"]) == 6
    section = load_report_config(CONFIG).problem[0]
    problem = section.build(0)
    start = l2o.synthetic.starts(problem, seed=l2o.training.config.split_seed("test", 0, 0))
    model = l2o.pretrained("l2o-pa", "lasso")
    runs = [l2o.rollout(model, problem, start + s, 12) for s in (3.0, 0.0)]
    shares = decompose(*runs, model)
    for name, share in shares.share.items():
        decided = ~np.isnan(share)  # at the minimiser 0 the model stays, and a deviation of 0 has no shares
        assert entry["resolved_steps"] == decided.sum()
        assert entry["overall"][name] == pytest.approx(share[decided].mean(), rel=1e-9)
        stacked = shares.stacked()
        expected = stacked[name] / sum(stacked.values())
        np.testing.assert_allclose(entry["share"][name], expected, rtol=1e-5)
    assert sum(entry["overall"].values()) == pytest.approx(1)
    assert (entry["attributed_steps"], entry["inexact_steps"], entry["steps"]) == (24, 0, 12)
    # Planted: a recorded bias that is not that of the step; terms within rounding; nothing finite.
    broken = dataclasses.replace(shares, residual=shares.residual_allowed * 2 + 1)
    assert attributed(broken)["inexact_steps"] == 24
    tiny = dataclasses.replace(shares, replay_allowed=np.full_like(shares.bracket, np.inf))
    assert attributed(tiny)["resolved_steps"] == 0
    assert attributed(tiny)["overall"]["bracket"] is None


def test_differences_are_relative_to_the_distance_covered():
    x = np.array([[[3.0, 4.0], [3.0, 14.0], [0.0, 0.0]]])
    apart, gap = differences(x, x + np.array([0.0, 1.0]), np.array([[5.0, 2.0, 1.0]]), np.array([[5.0, 3.0, 1.5]]))
    np.testing.assert_allclose(apart, [[0.2, 0.1, 0.1]])
    np.testing.assert_allclose(gap, [[0.0, 1.0, 0.5]])
    assert not differences(x, x, gap, gap)[0].any()


def test_transients_are_measured(report):
    _, results = report
    entries = {e["optimizer"]["name"]: e for e in results["transients"]}
    assert set(entries) == {"go-math-l2o", "l2o-pa"}
    for entry in entries.values():
        assert entry["scenario"]["key"] == "s10"
        assert len(entry["first"]) == 2
        assert len(entry["k"]) == 61


def test_a_transient_of_a_classical_method_is_one_clear_error():
    with pytest.raises(l2o.InputError, match="learned optimizers, and fista is none"):
        load_report_config(CONFIG | {"transient": [CONFIG["transient"][0] | {"optimizers": ["fista"]}]})


@pytest.mark.slow
def test_the_page_is_redrawn_and_parts_are_reused(report):
    folder, results = report
    import json

    # Without the figures of bounds and steps, which are not looked at here.
    shown = results | {"runs": [run | {"descent": None, "bound_curves": []} for run in results["runs"]]}
    shown[SEAL] = digest_of(shown)
    (folder / "results.json").write_text(json.dumps(shown))
    page = render_report(shown, folder).read_text(encoding="utf-8")
    names = ("attribution-p-go-math-l2o", "attribution-p-l2o-pa", "shifts-p", "transient-long")
    for name in names:
        for kind in ("svg", "pdf"):
            assert f"figures/{name}.{kind}" in page
            assert (folder / "figures" / f"{name}.{kind}").is_file()
    assert render_html(read_results(folder)) == page
    again = run_report(load_report_config(CONFIG), folder)
    for name in ("runs", "attributions", "shift_pairs", "transients", "catalogue"):
        assert again[name] == results[name]
    assert "p/s3/l2o-pa/attributions" in again["provenance"]["reused"]
    assert "long/s10/l2o-pa/transients" in again["provenance"]["reused"]


def test_attribution_sentence_changes_with_the_data(results):
    entries = results["attributions"][2:]
    assert shift_sentences.attribution(entries) == (
        "At s = 10 the deviation of L2O-PA is due to what the model does at the features without the shift by 20 %, "
        "the shift of its preconditioner by 30 % and the shift of its bias by 50 % (means over 3,193 steps); at t = 10 "
        "20 %, 30 % and 50 %."
    )
    entries[1]["overall"] = {"bracket": 0.1, "pshift": 0.9, "bshift": 0.0}
    assert "at t = 10 10 %, 90 % and 0 %" in shift_sentences.attribution(entries)
    entries[1]["inexact_steps"] = 4
    assert "at t = 10 the terms do not add up to the deviation of L2O-PA on 4 steps, so nothing" in (
        shift_sentences.attribution(entries)
    )
    assert not any("add up to e'_k up to rounding" in note for note in shift_sentences.attribution_notes(entries))
    entries[0]["overall"]["bracket"] = None
    assert shift_sentences.attribution(entries).startswith("At s = 10 no step of L2O-PA has a deviation above")
    assert shift_sentences.attribution([]).startswith("Nothing can be said")


def test_pair_sentence_changes_with_the_data(results):
    pair = results["shift_pairs"][0]
    assert shift_sentences.shift_pairs([pair]) == (
        "With τ = 10 the two runs of GO-Math-L2O are one experiment: they differ by at most 1e-15 (iterates mapped "
        "back) and 2e-15 (relative gaps) (B12: equivariant on 32 of 32 instances, as its table expects)."
    )
    pair["worst_iterates"] = 3e-8
    assert "those of GO-Math-L2O are two experiments: they differ by up to 3e-8" in shift_sentences.shift_pairs([pair])
    pair["expected"] = "no"
    assert "equivariant on 32 of 32 instances, where its table expects “no”" in shift_sentences.shift_pairs([pair])
    pair["worst_gap"] = None
    assert "a run of GO-Math-L2O diverges, and nothing can be compared" in shift_sentences.shift_pairs([pair])


def test_transient_sentence_changes_with_the_data(results):
    entries = results["transients"]
    assert shift_sentences.transients(entries) == (
        "At s = 10 GO-Math-L2O is within a relative gap of 1e-6 at every step from step 60 on in the median (at the "
        "latest 90, 4 of 4 instances) and L2O-PA is there from step 300 on in the median (at the latest 300, 3 of 4 "
        "instances), so that L2O-PA takes 5 times as long as GO-Math-L2O; no floor is seen for any of them."
    )
    entries[1]["first"] = [None] * 4
    entries[1]["verdict"] = "floor"
    sentences = shift_sentences.transients(entries)
    assert "L2O-PA is not there on any of 4 instances in 400 steps" in sentences
    assert sentences.endswith("; a floor is seen for L2O-PA at s = 10.")
    entries[1]["verdict"] = "not settled"
    assert "not settled for L2O-PA" in shift_sentences.transients(entries)
    entries[1]["verdict"] = "inconsistent data"
    assert "contradict themselves for L2O-PA" in shift_sentences.transients(entries)


def test_figures_show_the_data(results):
    drawn = sample_figures()
    pairs = drawn["shifts/lasso-20x40"]
    assert list(pairs.axes[2].lines[0].get_ydata())[1:] == results["shift_pairs"][0]["iterates"][1:]
    shares = drawn["attribution/lasso-20x40/l2o-pa"].axes[0].collections
    tops = [c.get_paths()[0].vertices[:, 1].max() for c in shares]
    np.testing.assert_allclose(tops, [0.2, 0.5, 1.0])
    assert drawn["attribution/lasso-20x40/l2o-pa"].axes[0].get_xlim() == (0.0, 100.0)
    marks = [line for line in drawn["transient/long"].axes[0].lines if line.get_marker() == "v"]
    assert [line.get_xdata()[0] for line in marks] == [60, 300]


def test_ledger_covers_the_catalogue_and_tells_what_was_proved(results):
    entries = ledger({"a_priori": {"valid": True, "reason": "", "claims": 1, "inequalities": 2}}, ["a_priori"])
    assert [e["key"] for e in entries] == bounds.names(variants=True)
    assert all((e["unchecked"] is None) == (e["key"] == "a_priori") for e in entries)
    rows = {row["key"]: row for row in ledger_rows(results)}
    assert rows["per_step_descent"]["proved_words"] == "2 claims, 9 terms"
    assert rows["ind_rate:smooth"]["proved_words"] == "no: not proved here"
    assert rows["history_stability"]["proved_words"].startswith("not tried here")
    standings = [rows[key]["standing"] for key in ("per_step_descent", "ind_rate:smooth", "history_stability")]
    assert standings == ["machine-checked", "quoted", "kernel-checked"]
    assert "1 of 8 are checked by the kernel of Coq" in ledger_words(results)
    unwritten = {"equivariance", "energy_descent", "energy_descent:momentum", "variable_metric"}
    assert {e["key"] for e in entries if not e["kernel"]} == unwritten
    assert "6 of 7 are proved by machine" in ledger_words(results)
    assert "violated: B6c" in ledger_words(results)
    for run in results["runs"]:
        for verdict in run["verdicts"]:
            verdict["counts"]["violated"] = 0
    results["catalogue"][0]["proof"] = {"valid": False, "reason": "x", "claims": 0, "inequalities": 0}
    assert "5 of 7 are proved by machine" in ledger_words(results)
    assert ledger_words(results).endswith("none is violated.")
