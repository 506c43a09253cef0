"""Configurations, families, and reports that go on where they were interrupted."""

import json

import numpy as np
import pytest

from l2obound import l2o
from l2obound.verification.report import (
    experiment,
    load_report_config,
    make_report,
    read_results,
    render_report,
    run_report,
)
from l2obound.verification.support.store import read_partial, write_partial

SMALL = {"rows": 5, "dim": 8, "instances": 2, "steps": 8, "scenarios": [{}], "optimizers": ["go-math-l2o", "ista"]}


def config(**section):
    settings = {"key": "p", "family": "lasso", **SMALL, **section}
    return load_report_config({"bounds": ["per_step_descent"], "proofs": False, "problem": [settings]})


def test_partial_runs_are_used_only_if_they_are_what_was_written(tmp_path, subtests):
    path = tmp_path / "partial" / "a.json"
    assert read_partial(path) is None
    write_partial(path, {"gap": [1.25, None], "verdicts": []})
    whole = path.read_bytes()
    assert read_partial(path) == {"gap": [1.25, None], "verdicts": []}
    damage = {
        "cut": whole[:-20],
        "empty": b"",
        "a digit": whole.replace(b"1.25", b"1.35"),
        "not text": b"\xff\xfe" + whole,
        "another form": b'{"verdicts": []}',
        "a list": b"[1, 2]",
        "nested": b"[" * 100_000,
    }
    for name, data in damage.items():
        with subtests.test(name):
            path.write_bytes(data)
            assert read_partial(path) is None


def test_an_interrupted_report_goes_on_and_says_so(tmp_path):
    seen = []

    def stop(progress):
        seen.append(progress.what)
        if len(seen) == 3:  # F*, the first run, and the second one about to begin
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_report(config(), tmp_path, progress=stop)
    remaining = list((tmp_path / "partial").iterdir())
    assert len(remaining) == 1
    results = run_report(config(), tmp_path)
    assert results["provenance"]["reused"] == ["F* of p (cache)", "p/unshifted/go-math-l2o"]
    again = run_report(config(), tmp_path)
    assert again["provenance"]["reused"][1:] == ["p/unshifted/go-math-l2o", "p/unshifted/ista"]
    assert again["runs"] == results["runs"]
    for file in (tmp_path / "partial").iterdir():
        file.write_bytes(file.read_bytes().replace(b'"diverged": 0', b'"diverged": 1'))
    third = run_report(config(), tmp_path)
    assert third["provenance"]["reused"] == ["F* of p (cache)"]
    assert [r["diverged"] for r in third["runs"]] == [0, 0]
    # Another processor adds in another order: its runs are not mixed with those of this one.
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setattr(experiment, "arithmetic", lambda: "another processor")
        assert run_report(config(), tmp_path)["provenance"]["reused"] == ["F* of p (cache)"]
    # Other settings are other runs.
    other = config(steps=9)
    assert run_report(other, tmp_path)["provenance"]["reused"] == ["F* of p (cache)"]


def test_provenance_is_complete(tmp_path):
    results = run_report(config(), tmp_path)
    made = results["provenance"]
    assert {"processor", "arithmetic", "cores", "memory", "threads", "system", "python"} <= set(made["machine"])
    assert made["machine"]["threads"] == "1"
    assert {"torch", "numpy", "l2obound"} <= set(made["versions"])
    assert len(made["config_digest"]) == len(made["code_digest"]) == 64
    assert made["weights"][0]["sha256"] == results["runs"][0]["optimizer"]["weights"]["sha256"]
    assert results["problems"][0]["fingerprint"] == config().problem[0].build(0).fingerprint()
    assert all(run["seconds"] >= 0 and run["checking_seconds"] >= 0 for run in results["runs"])


@pytest.mark.slow
def test_from_redraws_figures_and_tables_to_the_byte(tmp_path):
    make_report(config(), tmp_path)
    files = {p: p.read_bytes() for p in tmp_path.rglob("*.*") if p.is_file() and p.parent.name != "partial"}
    assert {p.suffix for p in files} == {".html", ".json", ".svg", ".pdf", ".csv", ".tex"}
    for path in files:
        if path.suffix != ".json":
            path.unlink()
    render_report(read_results(tmp_path), tmp_path)
    assert {p: p.read_bytes() for p in files} == files


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 3}', "\xff"])
def test_other_results_are_one_clear_error(tmp_path, text):
    (tmp_path / "results.json").write_text(text, encoding="latin-1")
    with pytest.raises(l2o.InputError, match=r"results\.json"):
        read_results(tmp_path)


FAMILIES = [
    ({"family": "lasso"}, "lasso", 2),
    ({"family": "logistic_l1"}, "logistic_l1", 2),
    ({"family": "breast_cancer", "instances": 1}, "logistic_l1", 1),
    ({"family": "digits", "instances": 1}, "logistic_l1", 1),
    ({"family": "patches"}, "lasso", 2),
]


@pytest.mark.parametrize(("section", "weights", "instances"), FAMILIES)
def test_families_build(section, weights, instances):
    built = config(**section).problem[0]
    problem = built.build(0)
    assert (problem.batch_size, built.trained_for) == (instances, weights)
    assert problem.nonsmooth.lam.min() == pytest.approx(0.1)
    assert built.describe(problem)


def test_data_are_found_beside_the_configuration(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"A": rng.standard_normal((3, 4, 6)), "y": rng.standard_normal((3, 4))}
    np.savez(tmp_path / "mine.npz", **arrays, lam=0.25)
    (tmp_path / "r.toml").write_text(
        'proofs = false\n[[problem]]\nkey = "m"\nfamily = "data"\npath = "mine.npz"\nkind = "lasso"\nsteps = 5\n'
        'optimizers = ["fista"]\nscenarios = [{ s = 1 }]\n'
    )
    settings = load_report_config(tmp_path / "r.toml")
    assert settings.problem[0].trained_for == "lasso"
    results = run_report(settings, tmp_path)
    (problem,) = results["problems"]
    assert (problem["instances"], problem["rows"], problem["dim"]) == (3, 4, 6)
    assert problem["lam"] == {"min": 0.25, "median": 0.25, "max": 0.25}
    assert problem["title"] == "mine.npz, LASSO"
    weighed = load_report_config({"problem": [settings.problem[0].model_dump() | {"lam": 0.5}]})
    assert weighed.problem[0].build(0).nonsmooth.lam.max() == 0.5


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"family": "digits"}, "digits is one instance"),
        ({"family": "data", "path": "x.npz"}, "data needs path"),
        ({"family": "data", "kind": "lasso"}, "data needs path"),
        ({"family": "lasso", "path": "x.npz"}, 'belong to family = "data"'),
        ({"family": "pictures"}, "family"),
        ({"family": "lasso", "optimizers": ["ista", "ista"]}, "given once"),
        ({"family": "lasso", "scenarios": [{}, {"s": 0}]}, "given once"),
        ({"family": "lasso", "lam": -1}, "lam"),
        ({"family": "lasso", "key": "../up"}, "key"),
    ],
)
def test_wrong_sections_are_one_clear_error(section, says):
    with pytest.raises(l2o.InputError, match=says):
        config(**section)


def test_a_device_that_is_not_there_is_one_clear_error():
    with pytest.raises(l2o.InputError, match="device 'cuda:99' cannot be used here"):
        load_report_config({"device": "cuda:99", "problem": [{"key": "k", "family": "lasso"}]})


def test_missing_data_are_one_clear_error(tmp_path):
    settings = config(family="data", path=str(tmp_path / "none.npz"), kind="lasso")
    with pytest.raises(l2o.InputError, match=r"none\.npz"):
        run_report(settings, tmp_path)


def test_shipped_configurations_are_as_they_are_told():
    default, quick = load_report_config(), load_report_config(quick=True)
    families = [section.family for section in default.problem]
    assert families == ["lasso", "lasso", "logistic_l1", "breast_cancer", "digits", "patches"]
    for section in (*default.problem, *quick.problem):
        assert "fista-restart" in section.optimizers
    for section in (*default.problem, quick.problem[0]):
        assert [s.key for s in section.scenarios][:3] == ["unshifted", "s10", "t10"]
    assert [s.key for s in quick.problem[1].scenarios] == [
        "unshifted"
    ]  # one shifted problem is enough for a quick look
    json.dumps(default.model_dump(mode="json"))


@pytest.mark.slow
def test_worst_cases_are_solved_where_asked_for_and_kept(tmp_path):
    settings = {"key": "p", "family": "lasso", **SMALL}
    asked = {"worst_cases": True, "worst_case_steps": [1], "proofs": False, "problem": [settings]}
    first = run_report(load_report_config(asked), tmp_path)
    assert {row["steps"] for row in first["worst_cases"]["rows"]} == {1}
    assert {row["verdict"] for row in first["worst_cases"]["rows"]} == {"attained", "loose"}
    again = run_report(load_report_config(asked), tmp_path)
    assert "worst cases" in again["provenance"]["reused"]
    assert again["worst_cases"] == first["worst_cases"]
    assert run_report(config(), tmp_path)["worst_cases"] is None
    with pytest.raises(l2o.InputError, match="worst_case_steps"):
        load_report_config(asked | {"worst_case_steps": [0]})
