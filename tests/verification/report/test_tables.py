import copy
import csv
import re

import pytest

from l2obound.verification.report.csv_files import write_tables
from tests.helpers.report_sample import make_results


@pytest.fixture(scope="module")
def results():
    return make_results()


@pytest.fixture(scope="module")
def tables(results, tmp_path_factory):
    paths = [p for p in write_tables(results, tmp_path_factory.mktemp("tables")) if p.suffix == ".csv"]
    return {p.stem: list(csv.DictReader(p.read_text(encoding="utf-8").splitlines())) for p in paths}


def _numbers(rows):
    return [float(r["value"]) if r["value"] else None for r in rows]


def test_there_is_a_table_for_everything(tables):
    first = {"verdicts", "curves", "per_step", "deviations", "comparison", "f_star"}
    more = {"ledger", "worst_cases", "attribution", "shift_pairs", "transients", "next_instance", "certificates"}
    assert set(tables) == first | more
    assert all(tables.values())


def test_verdicts_hold_what_the_results_hold(results, tables):
    expected = [(run, v) for run in results["runs"] for v in run["verdicts"]]
    assert len(tables["verdicts"]) == len(expected)
    for row, (run, verdict) in zip(tables["verdicts"], expected):
        assert (row["run"], row["bound"], row["verdict"]) == (run["key"], verdict["bound"], verdict["verdict"])
        assert int(row["not_applicable"]) == verdict["counts"]["not applicable"]
        for name in ("vacuous_share", "tightness_median", "worst_slack"):
            assert row[name] == ("" if verdict[name] is None else repr(verdict[name]))


def test_curves_steps_and_deviations_hold_what_the_results_hold(results, tables):
    for run in results["runs"]:
        own = {name: [r for r in rows if r.get("run") == run["key"]] for name, rows in tables.items()}

        def pick(table, quantity, statistic="median", own=own):
            return [r for r in own[table] if (r["quantity"], r["statistic"]) == (quantity, statistic)]

        assert _numbers(pick("curves", "gap", "q90")) == run["gap"]["q90"]
        assert _numbers(pick("curves", "relative_gap")) == run["relative_gap"]["median"]
        assert [int(r["k"]) for r in pick("deviations", "rho")] == run["k"][1:]
        for curve in run["bound_curves"]:
            assert _numbers(pick("curves", curve["bound"])) == curve["median"]
        if run["descent"]:
            assert _numbers(pick("per_step", "measured_decrease", "q10")) == run["descent"]["measured"]["q10"]
            assert _numbers(pick("per_step", "guaranteed_decrease")) == run["descent"]["guaranteed"]["median"]
            assert _numbers(pick("per_step", "unguaranteed", "share")) == run["descent"]["unguaranteed"]
            assert _numbers(pick("deviations", "delta1_max")) == run["deviation"]["delta1"]["median"]
            half = run["deviation"]["delta2"]["half_step"]
            assert _numbers(pick("deviations", "delta2_relative:half_step", "q90")) == half["q90"]
        else:
            assert not own["per_step"]


def test_f_star_names_the_lowest_gap_of_each_instance(results, tables):
    rows = tables["f_star"]
    assert len(rows) == 3 * 32 + 1
    first = rows[0]
    assert float(first["relative_width"]) == pytest.approx(5e-10, rel=1e-6)
    assert first["lowest_relative_gap"] == "0.0"  # GO-Math-L2O is below the upper end of the interval
    assert (first["lowest_by"], first["resolved"]) == ("go-math-l2o", "False")
    assert rows[-1]["resolved"] == "True"


def test_comparison_counts_iterations(results, tables):
    run = results["runs"][0]
    rows = [r for r in tables["comparison"] if (r["scenario"], r["optimizer"]) == ("unshifted", "go-math-l2o")]
    assert [float(r["tolerance"]) for r in rows] == [1e-2, 1e-4, 1e-6]
    assert [int(r["iterations_median"]) for r in rows] == [r["median"] for r in run["reach"]]
    assert not any(re.search("None|nan", value) for r in tables["comparison"] for value in r.values())


def test_no_gap_is_below_what_is_known(results, tmp_path):
    """Medians below the floor, negative ones too, are given as the floor."""
    other = copy.deepcopy(results)
    for run, end in zip(other["runs"][:2], (-1e-12, 1e-11)):
        run["relative_gap"]["median"][-1] = end
        run["lowest"]["gap"] = [end] * 32
    write_tables(other, tmp_path)
    rows = list(csv.DictReader((tmp_path / "comparison.csv").read_text().splitlines()))
    assert [row["relative_gap_median"] for row in rows[:6]] == ["5e-10"] * 6


def test_ledger_holds_proofs_and_counts(results, tables):
    rows = {row["bound"]: row for row in tables["ledger"]}
    assert len(rows) == len(results["catalogue"])
    assert (rows["per_step_descent"]["proved"], rows["per_step_descent"]["claims"]) == ("True", "2")
    verified = sum(v["counts"]["verified"] for r in results["runs"] for v in r["verdicts"] if v["number"] == "B1")
    assert int(rows["per_step_descent"]["verified"]) == verified
    assert rows["ind_rate:smooth"]["why_not_proved"] == "not proved here: literature"
    assert rows["history_stability"]["proved"] == ""
    assert rows["history_stability"]["why_not_checked"] == "not about a run"


def test_tables_of_shifts_hold_what_the_results_hold(results, tables):
    own = [r for r in tables["attribution"] if r["run"] == "lasso-20x40/t10/l2o-pa/attributions"]
    means = {r["quantity"]: float(r["value"]) for r in own if r["statistic"] == "mean"}
    assert means == {"bracket_share": 0.2, "pshift_share": 0.3, "bshift_share": 0.5}
    pair = [r for r in tables["shift_pairs"] if r["optimizer"] == "l2o-pa"]
    assert [float(r["value"]) for r in pair if r["quantity"] == "gap"] == results["shift_pairs"][1]["gap"]
    first = [r["value"] for r in tables["transients"] if r["quantity"] == "first_k_for_good" and "l2o-pa" in r["run"]]
    assert first == ["300", "", "120", "180"]


def test_worst_cases_hold_what_the_results_hold(results, tables):
    rows = results["worst_cases"]["rows"]
    assert [r["bound"] for r in tables["worst_cases"]] == [r["bound"] for r in rows]
    assert [float(r["ratio_low"]) for r in tables["worst_cases"]] == [r["ratio_low"] for r in rows]
