"""Numbers in the documentation that come from runs are those of the facts, and facts are read out of results."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from docs.numbers import (
    DOCS,
    HEADS,
    SUFFIX,
    NumbersError,
    digest,
    foreign_pictures,
    load,
    page_of,
    render,
    shown,
    stale,
    table,
    written,
)
from docs.numbers import __main__ as script
from docs.numbers.comparisons import SCALES, SPEEDUP, interval
from docs.numbers.sources import REPORT, SOURCES, read

FACTS: dict[str, dict[str, Any]] = {
    "report": {
        "command": "l2obound report",
        "processor": "a processor",
        "cpu_seconds": 240.0,
        "date": "2026-11-29",
        "source": "results",
        "values": {"checks": 12345, "violated": 0, "share": 0.75, "small": 3.5e-15, "text": "three quarters"},
        "pictures": {},
    }
}


def test_no_page_is_stale() -> None:
    pages = {page_of(template).name for template in DOCS.rglob(f"*{SUFFIX}")}
    assert {"findings.md", "open-questions.md", "sensitivity.md"} <= pages
    assert not stale(), "run python -m docs.numbers"


def test_a_changed_number_or_page_is_seen(tmp_path: Path) -> None:
    template, page = tmp_path / f"one{SUFFIX}", tmp_path / "one.md"
    template.write_text("# One\n\n{report.checks:,} checks.\n")
    assert stale(tmp_path, FACTS) == [page]  # missing
    page.write_text(written(template, FACTS))
    assert stale(tmp_path, FACTS) == []
    fresh = copy.deepcopy(FACTS)
    fresh["report"]["values"]["checks"] += 1
    assert stale(tmp_path, fresh) == [page]
    page.write_text(page.read_text().replace("12,345", "12,346"))
    assert stale(tmp_path, FACTS) == [page]


def test_places_are_filled_and_code_is_not() -> None:
    template = "{report.checks:,}, {report.share:.0%}, {report.text:.0%}, {report.small:.2g}, {report.cpu}, {x}\n"
    code = "```python\nprint(f'{report.checks}')\n```\n"
    assert (
        render(template + code, FACTS) == "12,345, 75 %, three quarters, 3.5e-15, 4 minutes (a processor), {x}\n" + code
    )
    assert shown(1e-5, ".0e") == "1e-5"
    assert shown(2.5e8, ".1e") == "2.5e8"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{report.missing}", "has no value 'missing'"),
        ("{report.go-math-l2o_missing}", "has no value 'go-math-l2o_missing'"),
        ("{other.checks}", "no docs/numbers/other.json"),
        ("<!-- holds: report.violated > 0 -->\n", "write that paragraph anew"),
        ("<!-- holds: report.checks < report.violated -->\n", "write that paragraph anew"),
        ("<!-- holds: report.text == 1 -->\n", "write that paragraph anew"),
        ("<!-- holds: report.checks is 0 -->\n", "expected FACT"),
    ],
)
def test_what_is_missing_or_no_longer_true_is_an_error(template: str, message: str) -> None:
    with pytest.raises(NumbersError, match=message):
        render(template, FACTS)


def test_a_time_that_was_not_measured_is_called_so() -> None:
    facts = {"report": {**FACTS["report"], "cpu_seconds": None}}
    assert render("{report.cpu}", facts) == "not measured"


def test_every_file_of_facts_has_all_entries(tmp_path: Path) -> None:
    for source, entries in load().items():
        assert entries["command"].startswith(("l2obound ", "python ")), source
    (tmp_path / "one.json").write_text('{"values": {}}')
    with pytest.raises(NumbersError, match=f"one.json: expected the entries {', '.join(HEADS)}"):
        load(tmp_path)


def test_the_facts_are_the_values_that_are_read_from_results() -> None:
    facts = load()
    for source, entry in SOURCES.items():
        assert list(facts[source]["values"]) == list(entry.values), source
        assert facts[source]["command"] == entry.command


def test_pictures_of_pages_are_those_of_the_results(tmp_path: Path) -> None:
    facts = load()
    assert {name: set(facts[name]["pictures"]) for name in SOURCES} == {n: set(s.pictures) for n, s in SOURCES.items()}
    assert not foreign_pictures(facts), "run python -m docs.numbers read SOURCE FOLDER"
    (tmp_path / "a.svg").write_text("<svg/>")
    recorded = {"one": {"pictures": {"a.svg": digest(tmp_path / "a.svg"), "missing.svg": ""}}}
    assert foreign_pictures(recorded, tmp_path) == ["missing.svg"]
    (tmp_path / "a.svg").write_text("<svg>another</svg>")
    assert foreign_pictures(recorded, tmp_path) == ["a.svg", "missing.svg"]


def test_no_picture_of_a_page_is_copied_by_hand() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md")))
    folders = ("open-questions", "experiments", "schedules")
    there = set(re.findall(rf"_static/((?:{'|'.join(folders)})/[\w.-]+)", pages))
    assert there == {name for source in SOURCES.values() for name in source.pictures}
    files = [path for folder in folders for path in (DOCS / "_static" / folder).iterdir()]
    assert {f"{path.parent.name}/{path.name}" for path in files} == there


def test_every_time_on_a_page_was_measured_on_a_processor_with_a_name() -> None:
    facts = load()
    for template in DOCS.rglob(f"*{SUFFIX}"):
        for source in re.findall(r"\{([a-z-]+)\.cpu\}", template.read_text(encoding="utf-8")):
            assert None not in (facts[source]["cpu_seconds"], facts[source]["processor"]), (template.name, source)


def test_every_value_is_on_a_page() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob(f"*{SUFFIX}")))
    for source, entries in load().items():
        assert not [name for name in entries["values"] if f"{source}.{name}" not in templates], source


def verdict(number: str, checks: int, **fields: Any) -> dict[str, Any]:
    counts = {"verified": checks, "violated": 0, "inconclusive": 0, "not applicable": 0}
    return {"number": number, "checks": checks, "counts": counts, "vacuous_share": 0.0, "form_of": None, **fields}


def report_results() -> dict[str, Any]:
    """Two methods on a problem, without a shift, from s = 10 and at t = 10."""

    def run(scenario: str, name: str, learned: bool, reach: int | None, gap: float) -> dict[str, Any]:
        s, t = (10.0 if scenario == f"{letter}10" else 0.0 for letter in "st")
        return {
            "key": f"lasso-20x40/{scenario}/{name}",
            "problem": "lasso-20x40",
            "scenario": {"key": scenario, "s": s, "t": t},
            "optimizer": {"name": name, "learned": learned},
            "reach": [{"tolerance": e, "median": reach, "reached": int(reach is not None)} for e in (1e-2, 1e-4)],
            "gap": {"median": [1.0, gap]},
            "floor": 1e-12,
            "next_instance": {
                "statement": {
                    "instances": 16,
                    "within": [{"tolerance": 1e-4, "successes": 16, "at_least": 0.8299}],
                    "bounds": {name: {"median": 0.3} for name in ("last_iterate", "worst_case")},
                    "gap": {"largest": gap},
                }
            },
            "verdicts": [
                verdict("B1", 10, vacuous_share=0.9 if learned else 0.0, decided=1 if learned else 10),
                verdict("B2", 10, form_of="per_step_descent"),
                verdict("B3", 1, counts={"not applicable": 1} if learned else {"verified": 1}),
            ],
        }

    def transient(name: str, first: list[int]) -> dict[str, Any]:
        return {"optimizer": {"name": name}, "scenario": {"s": 10.0, "t": 0.0}, "first": first}

    pairs = {"optimizer": {"name": "go-math-l2o"}, "iterates": [0.0, 2e-15, 1e-15]}
    row = {"bound": "ind_rate", "verdict": "attained", "narrower": False}
    return {
        "bounds": [{}, {}, {}],
        "runs": [
            run("unshifted", "go-math-l2o", True, 35, 1e-8),
            run("unshifted", "fista", False, 51, 1e-10),
            run("unshifted", "ista", False, None, 0.02),
            run("s10", "go-math-l2o", True, 90, 1e-8),
            run("s10", "fista", False, 60, 1e-7),
            run("t10", "l2o-pa", True, None, 80.0),
            run("t10", "fista", False, 60, 1e-7),
        ],
        "shift_pairs": [pairs],
        "attributions": [
            {"share": {"bracket": [0.1, 0.3], "pshift": [0.1, None], "bshift": [0.8, 0.6]}},
            {"share": {"bracket": [0.9, 0.7], "pshift": [0.1, 0.1], "bshift": [0.0, 0.2]}},
        ],
        "transients": [transient("go-math-l2o", [80, 85, 86]), transient("l2o-pa", [60, 66, 70])],
        "worst_cases": {"rows": [row, {**row, "bound": "b6"}, {**row, "bound": "b6", "verdict": "loose"}]},
    }


def write(folder: Path, results: dict[str, Any]) -> Path:
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def test_values_are_read_from_a_report(tmp_path: Path) -> None:
    values = read("report", write(tmp_path, report_results()))
    assert values == {
        "checks": 147, "bounds": 3, "runs": 7, "violated": 0, "decided": 47, "vacuous": 27, "repeated": 70,
        "not_applicable": 3, "inconclusive": 0, "b3_learned_runs": 0, "b1_vacuous": 27 / 70, "b1_vacuous_learned": 0.9,
        "certified": 0, "certified_vacuous": 0,
        "problems": 1, "shifted_cases": 2, "fewest_unshifted": 1, "fewest_shifted": 0, "lowest_unshifted": 0,
        "equivariance": 2e-15, "l2o_pa_arrived_t10": 0, "settled_l2o_pa": 66, "settled_go_math_l2o": 85,
        "attributed_runs": 2, "history_leads": 1, "preconditioner_leads": 0,
        "worst_cases_claimed": 2, "worst_cases_attained": 1, "worst_cases_false": 0, "next_instances": 16,
        "next_at_least_go_math_l2o": 0.829, "next_successes_go_math_l2o": 16, "next_b6c_go_math_l2o": 0.3,
        "next_largest_go_math_l2o": 1e-8, "next_at_least_ista": 0.829, "next_successes_ista": 16,
        "next_worst_case_ista": 0.3, "next_largest_ista": 0.02,
    }  # fmt: skip
    assert set(values) == set(REPORT)


def test_a_guarded_run_is_no_learned_run(tmp_path: Path) -> None:
    results = report_results()
    results["runs"][0]["optimizer"]["guards"] = "go-math-l2o"
    assert read("report", write(tmp_path, results))["fewest_unshifted"] == 0


@pytest.mark.parametrize("key", ["worst_cases", "transients", "shift_pairs", "runs"])
def test_a_missing_key_is_named(key: str, tmp_path: Path) -> None:
    results = report_results()
    del results[key]
    with pytest.raises(NumbersError, match=rf"report\.\w+ cannot be read from .*: no key '{key}'"):
        read("report", write(tmp_path, results))


def test_no_results_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NumbersError, match="run l2obound report --out"):
        read("report", tmp_path)


def test_facts_of_a_folder_have_its_cpu_time(tmp_path: Path) -> None:
    write(tmp_path, report_results())
    assert script.facts_of("report", tmp_path)["cpu_seconds"] is None
    (tmp_path / script.TIME).write_text('{"cpu_seconds": 77, "processor": "a processor"}')
    facts = script.facts_of("report", tmp_path)
    assert tuple(facts) == HEADS
    assert (facts["cpu_seconds"], facts["processor"], facts["source"]) == (77, "a processor", "results")


def test_a_source_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        script.main(["read", "report"])
    assert "expected a source and a folder" in capsys.readouterr().err


def comparison(measure: str, baseline: str, low: float | None, high: float | None, verdict: str) -> dict[str, Any]:
    return {
        "setting": "large",
        "eps": 1e-4,
        "learned": "go-math-l2o",
        "baseline": baseline,
        "measure": measure,
        "median_low": low,
        "median_high": high,
        "lower": 0.5,
        "upper": None if high is None else high + 1,
        "verdict": verdict,
    }


def speedup_results() -> dict[str, Any]:
    """One setting, two baselines, of which one does not apply in time."""
    methods = ("go-math-l2o", "go-math-l2o-matched", "go-math-l2o-small", "fista", "fista-restart", "l2o-pa")
    reached = [
        {
            "method": name,
            "seconds": {clock: {"step": [0.0, 6.0 - i, 9.0]} for clock in ("latency", "throughput")},
            "reached": [{"eps": 1e-4, "median": 10 + i}],
        }
        for i, name in enumerate(methods)
    ]
    large = {"key": "large", "title": "LASSO 250 × 500", "vary": "lasso", "trained": True, "methods": reached}
    small = {"key": "small", "title": "LASSO 10 × 20", "vary": "lasso", "trained": False, "methods": []}
    claim = {"learned": "go-math-l2o", "HOLDS": 1, "FAILS": 3, "OPEN": 0, "largest_lower": 11.25}
    claim["holds_in"] = [["large", 1e-2], ["large", 1e-4]]
    paid = {"learned": "go-math-l2o", "baseline": "fista", "eps": 1e-4, "instances_high": None}
    baselines = ("fista", "best of all baselines")
    return {
        "config": {"paper": ["go-math-l2o", "fista"], "stronger": ["fista-restart"], "shown": 1e-4},
        "labels": {"go-math-l2o": "GO-Math-L2O", "fista": "FISTA", "fista-restart": "restarted FISTA"},
        "settings": [large | {"cell": {"dim": 500}}, small | {"cell": {"dim": 20}}],
        "comparisons": [
            comparison("iterations", "fista", 12.4, 12.4, "HOLDS"),
            comparison("iterations", "fista-restart", 55.6, None, "OPEN"),
            comparison("latency", "fista", 0.0, 2.5, "FAILS"),
            {**comparison("iterations", "fista", 1.526, 1.526, "FAILS"), "setting": "small"},
        ],
        "claims": [
            {**claim, "baseline": b, "measure": m} for b in baselines for m in ("iterations", "latency", "throughput")
        ],
        "amortisation": [paid, {**paid, "instances_high": 16512.3}, {**paid, "baseline": "fista-restart"}],
        "claim": 10.0,
    }


def test_tables_are_read_from_a_speed_up(tmp_path: Path) -> None:
    (tmp_path / "speedup.json").write_text(json.dumps(speedup_results()))
    values = read("speedup", tmp_path)
    assert values["iterations"].splitlines() == [
        "| setting | FISTA | restarted FISTA |",
        "| --- | --- | --- |",
        "| LASSO 250 × 500 | **12.4 [0.5, 13.4]** | ≥ 55.6 [0.5, ∞] ? |",
        "| LASSO 10 × 20 | 1.53 [0.5, 2.53] | – |",
    ]
    assert values["latency"].splitlines()[2] == "| LASSO 250 × 500 | ≤ 2.5 [0.5, 3.5] | – |"
    assert values["verdicts"].splitlines()[2:] == [
        "| GO-Math-L2O | FISTA | 1 / 3 / 0, 11.2 | 1 / 3 / 0, 11.2 | 1 / 3 / 0, 11.2 |",
        "| GO-Math-L2O | the best of all baselines | 1 / 3 / 0, 11.2 | 1 / 3 / 0, 11.2 | 1 / 3 / 0, 11.2 |",
    ]
    numbers = ("holds_against_best", "fails_against_best", "comparisons_with_best", "highest_fista", "held_by_strong")
    assert [values[name] for name in numbers] == [3, 9, 12, 13.4, 1]
    assert values["highest_fista_restart"] == float("inf")
    assert values["where"].splitlines()[2:] == ["| FISTA | LASSO 250 × 500 | LASSO 250 × 500 | LASSO 250 × 500 |"]
    assert values["steps"].splitlines()[2:] == [
        "| FISTA | 2 to 2 | 2 to 2 |",
        "| restarted FISTA | 3 to 3 | 3 to 3 |",
    ]
    assert values["paid"].splitlines()[2:] == [
        "| FISTA | 1 of 2 | 16,500 instances |",
        "| restarted FISTA | 0 of 1 | never |",
    ]
    assert set(values) == set(SPEEDUP)
    assert interval(comparison("iterations", "fista", 3.52, 4.01, "FAILS")) == "3.52 to 4.01 [0.5, 5.01]"


def test_values_are_read_from_the_question_of_scales(tmp_path: Path) -> None:
    (tmp_path / "scales").mkdir()
    (tmp_path / "scales" / "speedup.json").write_text(json.dumps(speedup_results()))
    values = read("scales", tmp_path)
    assert values == {
        "go_math_l2o": 10, "go_math_l2o_matched": 11, "go_math_l2o_small": 12, "fista": 13, "fista_restart": 14,
        "l2o_pa": 15, "comparisons": 4, "holds": 1, "fails": 2, "factor_fista_20": 1.53, "factor_fista_500": 12.4,
    }  # fmt: skip
    assert set(values) == set(SCALES)


def test_values_are_read_from_the_question_of_baselines(tmp_path: Path) -> None:
    results = speedup_results()
    results["comparisons"].append(comparison("iterations", "best of all baselines", 2.0, 2.0, "FAILS"))
    results["comparisons"][-1]["lower"] = 1.2
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "speedup.json").write_text(json.dumps(results))
    values = read("baselines", tmp_path)
    assert (values["settings"], values["ahead_in_iterations"], values["ahead_in_time"]) == (2, 1, 0)
    assert values["answers"].startswith("- 10 times, in iterations or in time for one instance: HOLDS in 1 of 5")


def test_a_table_has_a_line_below_its_head() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def guards_results() -> dict[str, Any]:
    """Two models and a base that fails on LASSO; a form in a region; certificates of one run."""

    def form(iterations: list[float]) -> dict[str, Any]:
        counts = {"iterations": iterations, "calls": [2 * v for v in iterations], "guard": iterations}
        counts |= {"values": [0.0, 0.0, 0.0], "times": {"median": [1.0, 1.5, 2.0], "largest": [1.0, 2.0, 3.0]}}
        return {**counts, "later": 0, "added_calls": [0.1, 0.2, 0.15], "most_added": 0.5, "gradients": [1.0, 1.1, 1.05]}

    def row(place: str, base: str, iterations: list[float]) -> dict[str, Any]:
        forms = {name: form(iterations) for name in ("guarded", "restarted")}
        alone = {"alone": {"iterations": [9.0, 99.0, 251.0], "missed": 3}} if base != "nan" else {}
        return {"family": "lasso", "place": place, "base": base, "rival": [4.0, 8.0, 12.0], **forms, **alone}

    names = ("L2O-PA trained in its region", "the shipped L2O-PA moved into it", "FISTA")
    names += ("GO-Math-L2O trained in its region, 600 updates", "the shipped GO-Math-L2O moved into it")
    rows = [{"form": n, "in": [1.0, 17.0, 251.0], "start": [1.0] * 3, "objective": [1.0] * 3} for n in names]
    counts = {"steps_convex": 10, "rises_convex": 0, "steps_other": 20, "rises_other": 0}
    heads = {"median_r": 1.9, "inside_go_math_l2o": 0.1, "inside_l2o_pa": 0.2}
    spent = {"1": [40.0], "32": [3.0, 4.0], "192": [1.0, 2.0], "large": [50.0], "checker": [1600.0]}
    scores = {"updates": 600, "moved": 1e-3, "updates_logistic": 300, "before_logistic": -3.0, "after_logistic": -4.0}
    certified = {"optimizer": "ista", "moved": True, "shares": [[0.1, 0.2], [1e-3, 2e-3]]}
    return {
        "guards": [
            row("in", "go-math-l2o", [4.0, 8.0, 16.0]),
            row("objective", "l2o-pa", [4.0, 200.0, 251.0]),
            row("in", "nan", [4.0, 12.0, 24.0]),
        ],
        "regions": {"lasso": rows, "logistic_l1": rows},
        "heads": heads,
        "rises": counts,
        "budgets": {"usual": [1.1, 1.3], "moved_l2o_pa": [5.5], "largest": [1.5], "runs": [192]},
        "certificates": {"rows": [certified], "over": 0, "count": 8, "milliseconds": spent},
        "trained": scores,
    }


def test_values_are_read_from_a_measurement_of_guards(tmp_path: Path) -> None:
    (tmp_path / "guards.json").write_text(json.dumps(guards_results()))
    values = read("guards", tmp_path)
    assert "| L2O-PA, objective moved | 9, 99, – | 4, 200, – (8, 400, –) |" in values["models"]
    line = "| LASSO | points that are no numbers | 1.50, 2.00 | 1.50, 2.00 | 2.00 = 1.00 + 1.00 + 0.00 |"
    assert line in values["failing"]
    assert (values["missed"], values["later"], values["added"], values["most_added"]) == (3, 0, 0.2, 0.5)
    assert (values["failing_median"], values["failing_largest"], values["pa_energy"]) == (1.5, 2.0, 17.0)
    assert "| ISTA | s = 10 | 1.0e-1 | 2.0e-1 | 1.0e-3 | 2.0e-3 |" in values["certificates"]
    assert (values["least_32"], values["most_192"], values["large"]) == (3.0, 2.0, 50.0)
    assert (values["alone"], values["checker"]) == (40.0, 1.6)
    assert (values["updates"], values["moved"], values["after_logistic"]) == (600, 1e-3, -4.0)


def test_values_are_read_from_schedules(tmp_path: Path) -> None:
    def row(name: str, upper: float, ratio: float, **more: Any) -> dict[str, Any]:
        common = {"log10_share": -2.0, "fista_iterations": 10 / ratio, "ratio": ratio, "numbers": None}
        return {"name": name, "upper": upper, **common, **more}

    trained = {"numbers": [[1.0, 0.0, 0.0]], "certified": 0.0150001234}
    rows = [row("FISTA", 0.01, 1.0), row("limit 3", 0.03, 0.5, **trained), row("limit 1.1", 0.011, 0.625, **trained)]
    (tmp_path / "trade-off.json").write_text(json.dumps({"fista": 0.01, "rows": rows}))
    values = read("schedules", tmp_path)
    assert values["table"].splitlines()[2] == "| FISTA | 1.000 | -2.00 | 10.0 |  |"
    assert values["table"].splitlines()[4] == "| trained, limit 1.1 | 1.100 | -2.00 | 16.0 | 0.015001 |"  # rounded up
    assert (values["least_ratio"], values["most_ratio"], values["lowest_ratio"]) == (0.5, 0.625, 0.625)
    assert values["lowest_worst"] == pytest.approx(1.1)


def test_values_are_read_from_worst_cases_with_closed_forms(tmp_path: Path) -> None:
    row = {"method": "gradient", "K": 5, "ours": 2.0, "pepit": 36.0, "ratio": 18.0, "error": 8e-11}
    row |= {"pepit_error": 3e-9, "bounds": 15.2, "certificate": 22.0}
    large = {"method": "gradient", "K": 100, "ours": 1234.5, "bounds": 20.0, "gap": 6e-10}
    (tmp_path / "closed-forms.json").write_text(json.dumps({"rows": [row], "large": [large]}))
    values = read("closed-forms", tmp_path)
    assert values["table"].splitlines()[2:] == [
        "| gradient, K = 5 | 2.0 | 36 | 18 | 8e-11 | 3e-9 | 15 | 22 |",
        "| K = 100 | 1,234 | – | – | – | – | 20 | – |",
    ]
    assert values["ratio_five"] == 18.0


def test_values_are_read_from_times_of_commands(tmp_path: Path) -> None:
    rows = [{"command": "l2obound bounds", "cpu_seconds": 0.24}, {"command": "l2obound prove", "cpu_seconds": 100.0}]
    (tmp_path / "commands.json").write_text(json.dumps({"rows": rows}))
    lines = read("commands", tmp_path)["table"].splitlines()
    assert lines[2:] == ["| `l2obound bounds` | 0.2 s |", "| `l2obound prove` | 2 minutes |"]
