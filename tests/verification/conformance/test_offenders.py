"""Planted defects are found by the check meant for them, and by few others; nothing else is called a defect."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import l2o
from tests import zoo
from tests.verification.conformance.offenders import OFFENDERS, PROBLEM_OFFENDERS, Sound
from verification import check_optimizer, check_problem
from verification.conformance import CHECKS, Status

MODELS = (*l2o.optimizer_names(), *(":".join(pair) for pair in l2o.pretrained_names()))


@pytest.mark.parametrize("make", OFFENDERS, ids=lambda make: make.__name__)
def test_an_offender_fails_where_it_should(make: Any) -> None:
    meant, others = OFFENDERS[make]
    report = check_optimizer(make, profile="dev")
    assert {r.name for r in report.failed} == {meant, *others}, report.summary()
    result = report[meant]
    assert result.evidence
    assert result.advice == CHECKS[meant].advice
    assert f"--check {meant} --profile dev --seed 0" in result.reproduce


@pytest.mark.parametrize("name", PROBLEM_OFFENDERS)
def test_a_wrong_problem_fails_where_it_should(name: str) -> None:
    make, meant, others = PROBLEM_OFFENDERS[name]
    report = check_problem(make(), profile="dev")
    assert {r.name for r in report.failed} == {meant, *others}, report.summary()


def test_every_check_has_an_offender() -> None:
    found = {meant for meant, _ in OFFENDERS.values()} | {meant for _, meant, _ in PROBLEM_OFFENDERS.values()}
    found |= {name for _, others in OFFENDERS.values() for name in others}
    found |= {name for _, _, others in PROBLEM_OFFENDERS.values() for name in others}
    assert set(CHECKS) - found == {"changes_consistent"}  # its own test is below


@pytest.mark.parametrize("name", MODELS)
def test_our_own_optimizers_pass(name: str) -> None:
    report = check_optimizer(name, profile="dev")
    assert report.passed, report.summary()
    assert not [r for r in report.results if "though it was expected" in r.message], report.summary()


def test_ista_passes_everything() -> None:
    for subject in (l2o.optimizer("ista"), Sound):
        report = check_optimizer(subject, profile="dev")
        assert report.passed, report.summary()
        assert report.count(Status.EXPECTED_FAILURE) == 0
    assert check_optimizer("ista", profile="dev")["relative_deviation"].status is Status.PASSED


PROBLEMS = {
    **{name: p for i, (name, p) in enumerate(zoo.composites().items()) if i % 3 == 0},
    **{f"{name} + l1": l2o.Composite(f, l2o.l1(0.1)) for name, f in zoo.losses().items()},
    **{name: l2o.Composite(zoo.smooth_terms()["least-squares"], r) for name, r in zoo.coupled_terms().items()},
    **{name: change(zoo.composites()["logistic + l1"]) for name, change in zoo.CHANGES.items()},
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_our_own_problems_pass(name: str) -> None:
    report = check_problem(PROBLEMS[name], profile="dev")
    assert report.passed, report.summary()


def test_a_large_constant_is_no_defect() -> None:
    p = l2o.synthetic.logistic_l1(2, 12, 4, sparsity=1)
    large = l2o.logistic_l1(p.smooth.map.matrix, p.smooth.labels, 0.1, smoothness="official")
    assert torch.allclose(large.smoothness, 4 * p.smoothness)
    assert check_problem(large, profile="dev").passed


def test_a_change_of_variables_that_forgets_its_factor_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(l2o.Composite, "rescaled", l2o.Composite.scaled)
    report = check_problem(l2o.synthetic.lasso(2, 8, 4, sparsity=1), profile="dev")
    assert [r.name for r in report.failed] == ["changes_consistent"]
