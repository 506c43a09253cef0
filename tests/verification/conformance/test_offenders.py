"""Planted defects are found by the check meant for them, and by few others; nothing else is called a defect.

`OFFENDERS` and `PROBLEMS_OFF` say of each defect which check is meant for it and which others it fails. By default only
the check that is meant runs; that all the others do as they should is for the slow tier.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from l2obound import l2o
from l2obound.verification import check_optimizer, check_problem
from l2obound.verification.conformance import CHECKS, Status, registry
from tests.helpers import zoo
from tests.helpers.offenders import OFFENDERS as FIRST
from tests.helpers.offenders import Sound
from tests.helpers.problem_offenders import MORE_PROBLEMS, PROBLEM_OFFENDERS
from tests.helpers.slow_offenders import SLOW_OFFENDERS, SOUND_MODULE
from tests.helpers.sound_methods import SOUND

SHIPPED = [":".join(pair) for pair in l2o.pretrained_names()]
OFFENDERS = {**FIRST, **SLOW_OFFENDERS}
PROBLEMS_OFF = {**PROBLEM_OFFENDERS, **MORE_PROBLEMS}


@pytest.mark.parametrize("make", OFFENDERS, ids=lambda make: make.__name__)
def test_an_offender_fails_the_check_that_is_meant_for_it(make: Any) -> None:
    meant, _ = OFFENDERS[make]
    report = check_optimizer(make, profile="dev", checks=[meant])
    result = report[meant]
    assert result.status is Status.FAILED, report.summary()
    assert result.evidence
    assert result.advice == CHECKS[meant].advice
    assert f"--check {meant} --profile dev --seed 0" in result.reproduce


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["dev", "ci"])
@pytest.mark.parametrize("make", OFFENDERS, ids=lambda make: make.__name__)
def test_an_offender_fails_nothing_else(make: Any, profile: str) -> None:
    meant, others = OFFENDERS[make]
    report = check_optimizer(make, profile=profile)
    failed = {r.name for r in report.failed}
    assert meant in failed, report.summary()
    if profile == "dev":
        assert failed == {meant, *others}, report.summary()


@pytest.mark.parametrize("name", PROBLEMS_OFF)
def test_a_wrong_problem_fails_where_it_should(name: str) -> None:
    make, meant, others = PROBLEMS_OFF[name]
    report = check_problem(make(), profile="dev")
    assert {r.name for r in report.failed} == {meant, *others}, report.summary()


ONLY_IT_CATCHES: dict[str, str] = {
    meant: getattr(make, "__name__", "") for make, (meant, others) in OFFENDERS.items() if not others
} | {meant: name for name, (_, meant, others) in PROBLEMS_OFF.items() if not others}
"""Check -> a defect that no other check of the suite finds."""

ALONG_WITH_OTHERS = {
    "seeds_matter_not": "a draw from a global generator touches that generator",
    "translation_equivariant": "who reads x reads its size",
    "objective_scale_equivariant": "a step without units follows neither c nor a",
    "variable_scale_equivariant": "a step without units follows neither c nor a",
    "deterministic": "what is kept between runs is kept between steps, or between instances",
    "starts_at_x0": "a method that moves in init moves at a minimiser, too",
    "prox_optimal": "a wrong prox has another fixed point",
    "descent": "what breaks B1 is a false claim, and the check of that claim sees it",
    "relative_deviation": "one method makes all the promises",
    "monotone_objective": "one method makes all the promises",
    "assumption_1": "one method makes all the promises",
    "scale_wild": "what overflows depends on the scale before it does",
    "prox_firmly_nonexpansive": "the prox of no convex term belongs to no value",
    "prox_is_optimal": "such a prox belongs to no value",
    "convex_as_declared": "its test is the defect itself",
    "changes_consistent": "it has a test of its own",
    "gradient_matches_differences": "a wrong gradient is not monotone",
    "memory_stable": "a memory that is unstable diverges in a long run",
}
"""Checks whose defects others see as well, by their nature."""


def test_every_check_has_a_defect_that_it_alone_catches_or_a_reason() -> None:
    assert set(CHECKS) <= {*ONLY_IT_CATCHES, *ALONG_WITH_OTHERS}
    meant = {m for m, _ in OFFENDERS.values()} | {m for _, m, _ in PROBLEMS_OFF.values()}
    meant |= {name for _, others in OFFENDERS.values() for name in others}
    assert set(CHECKS) - meant == {"changes_consistent"}  # its own test is below
    assert len(SLOW_OFFENDERS) >= 30
    assert len(MORE_PROBLEMS) >= 15


OWN = (*l2o.optimizer_names(), "go-math-l2o:lasso", "ada-lista:lasso")
WHOLE = ("fista", "go-math-l2o")
"""A method with momentum, and a learned one."""
PART = 8
_DICTIONARY = {"dictionary": l2o.synthetic.lasso_dictionary(3, 20, 40, seed=1)}
OF_ITS_DATA = {
    "ada-lista:lasso": {"lasso": l2o.synthetic.lasso(3, 20, 40, seed=1)},
    **dict.fromkeys(("lista", "alista", "gated-lista"), _DICTIONARY),
}
"""Problems for the models that take instances of the trained size, or of one dictionary, only."""


def own_optimizer_passes(name: str, checks: list[str] | None = None) -> None:
    report = check_optimizer(name, profile="dev", checks=checks, problems=OF_ITS_DATA.get(name))
    assert report.passed, report.summary()
    assert not [r for r in report.results if "though it was expected" in r.message], report.summary()


@pytest.mark.parametrize(
    "name", [n if n in WHOLE else pytest.param(n, marks=[pytest.mark.slow] * (i % 2)) for i, n in enumerate(OWN)]
)
def test_our_own_optimizers_pass(name: str) -> None:
    """Every check on one optimizer of each kind; on each other one an eighth of them, other ones than on the next."""
    names, others = [check.name for check in registry.checks_of("optimizer")], [n for n in OWN if n not in WHOLE]
    own_optimizer_passes(name, names if name in WHOLE else names[others.index(name) % PART :: PART])


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN)
def test_our_own_optimizers_pass_every_check(name: str) -> None:
    own_optimizer_passes(name)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("profile", ["dev", "ci"])
@pytest.mark.parametrize("name", [*l2o.optimizer_names(), *SHIPPED])
def test_our_own_optimizers_pass_everywhere(name: str, profile: str, seed: int) -> None:
    report = check_optimizer(name, profile=profile, seed=seed, problems=OF_ITS_DATA.get(name))
    assert report.passed, report.summary()


def test_a_variable_at_a_bound_is_no_unstable_memory() -> None:
    """On least squares with a box a variable of the shipped model ends at its bound, with Q outside the region."""
    report = check_optimizer("go-math-l2o:lasso", profile="ci", checks=["memory_stable"])
    assert report["memory_stable"].status is Status.PASSED, report.summary()


AT_STAKE = {
    "state_not_mutated",
    "batch_equals_loop",
    "record_is_of_this_step",
    "translation_equivariant",
    "makes_progress",
    "does_not_diverge",
    "momentum_goes_forward",
    "fixed_point",
    "outputs_in_range",
    "float32_matches_float64",
}


@pytest.mark.parametrize(
    "make",
    [m if i % 3 == 0 else pytest.param(m, marks=pytest.mark.slow) for i, m in enumerate(SOUND)],
    ids=lambda m: m.__name__,
)
def test_methods_as_their_inventors_meant_them_pass(make: Any) -> None:
    report = check_optimizer(make, profile="dev", checks=sorted(AT_STAKE))
    assert report.passed, report.summary()
    assert report["makes_progress"].status is Status.PASSED, report.summary()


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["dev", "ci"])
@pytest.mark.parametrize("make", [*SOUND, SOUND_MODULE], ids=lambda make: make.__name__)
def test_methods_as_their_inventors_meant_them_pass_everything(make: Any, profile: str) -> None:
    report = check_optimizer(make, profile=profile)
    assert report.passed, report.summary()


def test_what_does_not_apply_says_why() -> None:
    expected = {
        "BarzilaiBorwein": (
            "outputs_in_range",
            "no theorem covers such steps, and its long runs come down all the same",
        ),
        "DouglasRachford": ("fixed_point", "it leaves the minimiser and comes back"),
        "Continuation": ("fixed_point", "it leaves the minimiser and comes back"),
        "LassoOnly": ("translation_equivariant", "it does not take F.x . t. .lasso-only: it is for least squares"),
        "logistic_only": ("objective_scale_equivariant", "it does not take c F .logistic_only: it is for the logistic"),
        "RandomSteps": ("batch_equals_loop", "depends on the seed of init"),
    }
    for make in SOUND:
        if make.__name__ in expected:
            check, words = expected[make.__name__]
            result = check_optimizer(make, profile="dev", checks=[check])[check]
            assert result.status is Status.NOT_APPLICABLE
            with pytest.raises(AssertionError, match=words):
                raise AssertionError(result.message)


def test_ista_passes_everything() -> None:
    report = check_optimizer(Sound, profile="dev")
    assert report.passed, report.summary()
    assert report.count(Status.EXPECTED_FAILURE) == 0


PROBLEMS = {
    **{name: p for i, (name, p) in enumerate(zoo.composites().items()) if i % 3 == 0},
    **{f"{name} + l1": l2o.Composite(f, l2o.l1(0.1)) for name, f in zoo.losses().items()},
    **{name: l2o.Composite(zoo.smooth_terms()["least-squares"], r) for name, r in zoo.coupled_terms().items()},
    **{name: change(zoo.composites()["logistic + l1"]) for name, change in zoo.CHANGES.items()},
}


SAMPLE = [name for i, name in enumerate(PROBLEMS) if i % 3 == 0 or name == "all"]


def own_problem_passes(name: str) -> None:
    report = check_problem(PROBLEMS[name], profile="dev")
    assert report.passed, report.summary()


@pytest.mark.parametrize("name", SAMPLE)
def test_our_own_problems_pass(name: str) -> None:
    own_problem_passes(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PROBLEMS if name not in SAMPLE])
def test_our_other_problems_pass(name: str) -> None:
    own_problem_passes(name)


def test_a_large_constant_is_no_defect() -> None:
    p = l2o.synthetic.logistic_l1(2, 12, 4, sparsity=1)
    large = l2o.logistic_l1(p.smooth.map.matrix, p.smooth.labels, 0.1, smoothness="official")
    assert torch.allclose(large.smoothness, 4 * p.smoothness)
    assert check_problem(large, profile="dev").passed


def test_a_change_of_variables_that_forgets_its_factor_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(l2o.Composite, "rescaled", l2o.Composite.scaled)
    report = check_problem(l2o.synthetic.lasso(2, 8, 4, sparsity=1), profile="dev")
    assert [r.name for r in report.failed] == ["changes_consistent"]
