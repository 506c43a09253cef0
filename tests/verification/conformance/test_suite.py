"""Reports, expectations, declarations and profiles."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o, verification
from l2obound.l2o import InputError
from l2obound.l2o.optimizers.gradient_descent import Ista
from l2obound.verification import check_optimizer, check_problem
from l2obound.verification.conformance import CHECKS, PROFILES, ConformanceError, Status, run_check
from l2obound.verification.conformance._expectations import expected_by
from tests.helpers.offenders import LongStep, ReadsX, Sound

QUADRATIC = l2o.synthetic.quadratic(2, 5)


def test_a_report_says_what_it_found() -> None:
    report = check_optimizer(LongStep(), profile="dev", checks=["deterministic", "outputs_in_range"])
    assert not report.passed
    assert [r.name for r in report.results] == ["deterministic", "outputs_in_range"]
    result = report["outputs_in_range"]
    assert result.status is Status.FAILED
    assert result.evidence["lhs"] == pytest.approx(2.1)
    assert result.evidence["rhs"] == 2.0
    assert result.evidence["slack"] == pytest.approx(-0.1)
    assert result.theory == "B2"
    summary = report.summary()
    for part in (
        "LongStep, profile dev, seed 0: 1 passed, 1 failed",
        "what to do: confine",
        "again: verification.check_optimizer(",
    ):
        assert part in summary
    with pytest.raises(ConformanceError, match=r"LongStep fails 1 checks \(outputs_in_range\)"):
        report.raise_if_failed()
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["counts"] == {"passed": 1, "failed": 1, "not applicable": 0, "expected failure": 0, "lacking": 0}
    assert not plain["passed"]


def test_evidence_is_plain_json_for_every_check() -> None:
    chosen = ["deterministic", "descent", "makes_progress", "every_weight_has_a_part", "scale_wild", "assumption_1"]
    network = check_optimizer("go-math-l2o", profile="dev", checks=chosen)
    for report in (network, check_problem(QUADRATIC, profile="dev")):
        json.dumps(report.to_dict(), allow_nan=False)
        report.raise_if_failed()
        for result in report.results:
            assert "\n" not in result.message
            assert result.message


def test_an_expected_failure_has_its_reason() -> None:
    expected = {"outputs_in_range": "long steps on purpose", "deterministic": "it is not"}
    report = check_optimizer(LongStep, profile="dev", checks=list(expected), expected_failed_checks=expected)
    assert report.passed
    assert report["outputs_in_range"].status is Status.EXPECTED_FAILURE
    assert report["outputs_in_range"].message.startswith("long steps on purpose [")
    assert report["deterministic"].status is Status.PASSED
    assert "passed, though it was expected to fail (it is not)" in report["deterministic"].message


class Owned(ReadsX):
    expected_failed_checks = {"translation_equivariant": "reads x"}  # noqa: RUF012


def test_an_optimizer_brings_its_expectations() -> None:
    report = check_optimizer(Owned(), profile="dev", checks=["translation_equivariant", "variable_scale_equivariant"])
    assert [r.status for r in report.results] == [Status.EXPECTED_FAILURE, Status.FAILED]


def test_the_table_of_symmetries_sets_expectations() -> None:
    scales = {"objective_scale_equivariant", "variable_scale_equivariant"}
    assert expected_by(l2o.optimizer("go-math-l2o")) == {}
    assert set(expected_by(l2o.optimizer("go-math-l2o", q_step_power=1))) == scales
    assert expected_by(l2o.optimizer("go-math-l2o", q_step_power=1, gradient_map="recurrent")) == {}
    assert set(expected_by(l2o.optimizer("go-math-l2o", b3_norm="tanh"))) == {
        "variable_scale_equivariant",
        "fixed_point",
    }
    assert set(expected_by(l2o.optimizer("ista", step=0.1))) == scales
    assert "translation_equivariant" in expected_by(l2o.optimizer("safeguarded", base=l2o.optimizer("l2o-pa")))
    assert expected_by(LongStep()) == {}


@pytest.mark.parametrize(
    "options",
    [{"q_step_power": 1}, {"gradient_map": "recurrent", "q_step_power": 1}, {"b3_norm": "tanh", "b3_scale": 0.1}],
    ids=str,
)
def test_what_is_expected_of_a_setting_is_what_happens(options: dict[str, Any]) -> None:
    optimizer = l2o.optimizer("go-math-l2o", **options)
    checks = ["objective_scale_equivariant", "variable_scale_equivariant", "fixed_point"]
    report = check_optimizer(optimizer, profile="dev", checks=checks)
    failing = {r.name for r in report.results if r.status is Status.EXPECTED_FAILURE}
    assert failing == set(expected_by(optimizer)), report.summary()
    assert report.passed, report.summary()


@pytest.mark.parametrize(
    ("name", "options"),
    [("l2o-dm", {"batch_mean": True}), ("l2o-rnnprop", {"batch_mean": True}), ("adam-hd", {"coupled": True})],
)
def test_the_authors_coupling_is_expected_and_found(name: str, options: dict[str, Any]) -> None:
    report = check_optimizer(l2o.optimizer(name, **options), profile="ci", checks=["batch_equals_loop"])
    assert report["batch_equals_loop"].status is Status.EXPECTED_FAILURE, report.summary()


def test_declarations() -> None:
    names = ["relative_deviation", "monotone_objective", "assumption_1", "jacobian_limit", "converges"]
    assert {c.name for c in CHECKS.values() if c.declares} == set(names)
    silent = check_optimizer(Sound(), profile="dev", checks=names)
    assert {r.status for r in silent.results} == {Status.NOT_APPLICABLE}
    assert "measured: " in silent["relative_deviation"].message
    assert "declares no monotone_objective" in silent["monotone_objective"].message
    half = l2o.optimizer("ista", step=(0.5 / QUADRATIC.smoothness))
    declares = {"relative_deviation": 0.5, "assumption_1": 0.0, "monotone_objective": True}
    checks = list(declares)
    report = check_optimizer(half, problems=QUADRATIC, profile="dev", checks=checks, declares=declares)
    assert {r.status for r in report.results} == {Status.PASSED}, report.summary()
    tight = check_optimizer(
        half, problems=[QUADRATIC], profile="dev", checks=checks, declares={"relative_deviation": 0.49}
    )
    assert [r.name for r in tight.failed] == ["relative_deviation"]
    network = check_optimizer("go-math-l2o", profile="dev", checks=["jacobian_limit"], declares={"jacobian_limit": 1e6})
    assert network["jacobian_limit"].status is Status.PASSED


def test_what_is_lacking_is_declared_and_shown() -> None:
    lacks = {"translation_equivariant": "it reads x", "deterministic": "no need for this one"}
    report = check_optimizer(ReadsX(), profile="dev", checks=list(lacks), lacks=lacks)
    assert {r.status for r in report.results} == {Status.NOT_APPLICABLE}
    assert report["translation_equivariant"].message.startswith("declared as lacking: it reads x [measured: ")
    assert report["deterministic"].message.endswith("no need for this one [it holds here all the same]")

    class Lacking(ReadsX):
        pass

    Lacking.lacks = lacks
    assert check_optimizer(Lacking(), profile="dev", checks=["translation_equivariant"]).passed
    for wrong, message in ((["descent"], "lacks: expected a mapping"), ({"x": "y"}, "unknown check 'x'")):
        with pytest.raises(InputError, match=message):
            check_optimizer("ista", profile="dev", checks=["descent"], lacks=wrong)


def test_an_expectation_that_does_not_apply_says_so() -> None:
    report = check_optimizer(
        Sound, profile="dev", checks=["jacobian_limit"], expected_failed_checks={"jacobian_limit": "x"}
    )
    assert report["jacobian_limit"].message.endswith("(it was expected to fail: x)")


def test_convergence_is_declared() -> None:
    for share, status in ((0.9, Status.PASSED), (1e-9, Status.FAILED)):
        report = check_optimizer("ista", profile="dev", checks=["converges"], declares={"converges": share})
        assert report["converges"].status is status, report.summary()
    with pytest.raises(InputError, match="converges must be a finite number >= 0, got 'fast'"):
        check_optimizer("ista", profile="dev", declares={"converges": "fast"})


def test_instances_that_were_written_into_are_made_anew() -> None:
    class Vandal(Sound):
        def step(self, problem: Any, state: Any) -> Any:
            problem.smooth.arrays()["A"].mul_(1.5) if "A" in problem.smooth.arrays() else None
            return super().step(problem, state)

    before = check_optimizer("ista", profile="dev", seed=77, checks=["descent"])["descent"].evidence
    assert not check_optimizer(Vandal, profile="dev", seed=77, checks=["state_not_mutated"]).passed
    assert check_optimizer("ista", profile="dev", seed=77, checks=["descent"])["descent"].evidence == before


def test_problems_of_the_user() -> None:
    named = {"mine": QUADRATIC, "yours": l2o.synthetic.lasso(2, 6, 4, sparsity=1)}
    report = check_optimizer("gradient-descent", problems=named, profile="dev", checks=["descent", "makes_progress"])
    assert report.passed, report.summary()
    assert report["descent"].evidence["instance"] == "mine"  # it refuses the other one
    nothing = check_optimizer("gradient-descent", problems={"yours": named["yours"]}, profile="dev", checks=["descent"])
    assert nothing["descent"].status is Status.NOT_APPLICABLE
    assert "takes none of the problems (yours: gradient-descent cannot run" in nothing["descent"].message


class Raises(Sound):
    def prox(self, problem: Any, u: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
        raise IndexError("no prox\ntoday")


def test_an_exception_is_a_failure() -> None:
    result = run_check("descent", Raises, "dev")
    assert result.status is Status.FAILED
    assert result.message == "raised IndexError: no prox today"
    where = result.evidence["where"]
    assert result.evidence == {"exception": "IndexError", "during": "a run on lasso", "where": where}
    assert where.startswith(__file__)
    assert where.endswith(", in prox")
    assert result.advice.startswith("mend what raises this error")


def test_the_global_generators_are_left_alone() -> None:
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)
    before = torch.get_rng_state().clone(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    check_optimizer("go-math-l2o", profile="dev", checks=["seeds_matter_not", "fixed_point"])
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert before[2] == random.getstate()


def test_progress_is_told() -> None:
    seen: list[tuple[str, int, int]] = []
    check_optimizer("ista", profile="dev", checks=["descent", "save_load"], progress=lambda *a: seen.append(a))
    assert seen == [("descent", 0, 2), ("save_load", 1, 2)]


def test_wrong_arguments() -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("profile: expected one of dev, ci, thorough, got 'fast'", {"profile": "fast"}),
        ("unknown check 'descnt'", {"checks": ["descnt"]}),
        ("checks a problem", {"checks": ["prox_is_optimal"]}),
        ("expected at least one name", {"checks": []}),
        ("seed: expected an integer", {"seed": -1}),
        ("needs a reason", {"expected_failed_checks": {"descent": ""}}),
        ("unknown check 'x'", {"expected_failed_checks": {"x": "y"}}),
        ("expected a mapping of names of checks", {"expected_failed_checks": ["descent"]}),
        ("unknown declaration 'rho'; there are", {"declares": {"rho": 0.5}}),
        ("relative_deviation must be a finite number >= 0, got 'a'", {"declares": {"relative_deviation": "a"}}),
        ("monotone_objective must be True or False, got 1", {"declares": {"monotone_objective": 1}}),
        ("problems: expected a Composite", {"problems": "lasso"}),
        ("expected at least one problem", {"problems": []}),
        ("expected problems .Composite., got int", {"problems": [3]}),
    ]
    for message, arguments in cases:
        with pytest.raises(InputError, match=message):
            check_optimizer("ista", **{"profile": "dev", **arguments})
    with pytest.raises(InputError, match="checks a problem, got Ista"):
        run_check("prox_is_optimal", Ista())

    class Wrong(Sound):
        expected_failed_checks = ("descent",)

    with pytest.raises(InputError, match="expected a mapping of names of checks to reasons, got tuple"):
        check_optimizer(Wrong(), profile="dev")
    Wrong.expected_failed_checks = {"descnt": "a slip of the pen"}
    with pytest.raises(InputError, match="unknown check 'descnt'"):
        check_optimizer(Wrong(), profile="dev")


def test_profiles_differ_in_size_only() -> None:
    sizes = [(p.batch, p.dim, p.steps, p.draws, p.images) for p in PROFILES.values()]
    assert sizes == sorted(sizes)
    assert list(PROFILES) == ["dev", "ci", "thorough"]


def test_public_names() -> None:
    for name in ("check_optimizer", "check_problem", "parametrize_with_checks"):
        assert name in verification.__all__
        assert callable(getattr(verification, name))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ista", "go-math-l2o:lasso", "adam"])
def test_the_thorough_profile(name: str) -> None:
    report = check_optimizer(name, profile="thorough")
    assert report.passed, report.summary()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fista", "budget", "descent", "energy"])
@pytest.mark.parametrize("base", ["go-math-l2o", "l2o-pa"])
def test_every_mode_of_a_guarantee_passes(mode: str, base: str) -> None:
    report = check_optimizer(l2o.guaranteed(base, mode=mode), profile="dev")
    assert report.passed, report.summary()
