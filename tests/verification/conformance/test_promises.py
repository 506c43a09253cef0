"""What is declared is tested or fails; what a network lacks and does not declare is no failure."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from l2obound import l2o
from l2obound.errors import InterfaceError
from l2obound.l2o import Composite, InputError
from l2obound.verification import check_optimizer, parametrize_with_checks
from l2obound.verification.conformance import CHECKS, ConformanceError, Status, run_check
from tests.helpers.lstm_objects import Forward, Holder, Lstm, closure
from tests.helpers.offenders import ReadsX, Sound, State, WrongSign

P = {"lasso": l2o.synthetic.lasso(2, 8, 4, sparsity=2, seed=0)}
PROPERTIES = [c.name for c in CHECKS.values() if c.is_property]
FORMS: dict[str, Any] = {
    "a module with init and step": Lstm,
    "an object": lambda: Holder(Lstm(), "attribute"),
    "a module with forward": lambda: Forward(Lstm()),
    "a function": lambda: closure(Lstm()),
}


class Bare(Sound):
    """Its states name no preconditioner, so that nobody can tell its deviation from the assumption."""

    def step(self, problem: Composite, state: Any) -> Any:
        return State(super().step(problem, state).x, None)

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        return State(x0, None)


def with_(arguments: Any, **attributes: Any) -> Any:
    """An optimizer with attributes."""
    made = arguments()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_a_declaration_that_cannot_be_tested_is_a_failure() -> None:
    for report in (
        check_optimizer(with_(Bare, declares={"assumption_1": 0.5}), profile="dev", problems=P),
        check_optimizer(Bare(), profile="dev", problems=P, checks=["assumption_1"], declares={"assumption_1": 0.5}),
    ):
        assert not report.passed
        assert [r.name for r in report.failed] == ["assumption_1"]
        assert report["assumption_1"].message == (
            "declared (assumption_1 = 0.5), and not tested: its state names no preconditioner, so the deltas are not "
            "known"
        )
        assert report["assumption_1"].advice.startswith("take the declaration back")
    assert run_check("assumption_1", Bare(), "dev", problems=P).status is Status.NOT_APPLICABLE
    silent = with_(Bare, declares={"monotone_objective": False})
    assert run_check("monotone_objective", silent, "dev", problems=P).status is Status.NOT_APPLICABLE
    rows = parametrize_with_checks([with_(Bare, declares={"assumption_1": 0.5})], profile="dev").mark.args[1]
    optimizer, check = next(r.values for r in rows if r.id == "Bare-assumption_1")
    with pytest.raises(ConformanceError, match="and not tested"):
        check(optimizer)


@pytest.mark.parametrize("form", FORMS)
def test_what_a_form_declares_is_read(form: str) -> None:
    arguments, on_lasso = FORMS[form](), {"profile": "dev", "problems": P, "checks": ["fixed_point"]}
    for attribute, value, status in (
        ("declares", {"fixed_point": True}, Status.FAILED),
        ("declares", {"fixed_point": False}, Status.LACKING),
        ("declares", {}, Status.LACKING),
        ("expected_failed_checks", {"fixed_point": "its head has a bias"}, Status.EXPECTED_FAILURE),
        ("lacks", {"fixed_point": "its head has a bias"}, Status.NOT_APPLICABLE),
    ):
        setattr(arguments, attribute, value)
        result = check_optimizer(arguments, **on_lasso)["fixed_point"]
        assert result.status is status, attribute
        assert ("its head has a bias" in result.message) == (attribute != "declares")
        delattr(arguments, attribute)


def test_a_network_may_lack_properties_and_a_method_without_weights_may_not() -> None:
    report = check_optimizer(Lstm, profile="dev", problems=P, checks=["fixed_point", "deterministic"])
    assert report.passed
    assert [r.name for r in report.lacking] == ["fixed_point"]
    assert report.to_dict()["counts"]["lacking"] == 1
    # a method that goes nowhere has a defect, with weights or without
    assert not check_optimizer(Lstm, profile="dev", problems=P, checks=["makes_progress"]).passed
    assert not check_optimizer(WrongSign, profile="dev", problems=P, checks=["fixed_point"]).passed
    assert not check_optimizer(ReadsX, profile="dev", problems=P, checks=["translation_equivariant"]).passed


def test_a_defect_of_a_network_is_a_failure() -> None:
    class Draws(Lstm):
        def step(self, problem: Composite, state: Any) -> Any:
            return super().step(problem, (state[0] + 1e-3 * torch.randn_like(state[0]), state[1]))

    report = check_optimizer(Draws, profile="dev", problems=P, checks=["seeds_matter_not"])
    assert [r.name for r in report.failed] == ["seeds_matter_not"]


def test_an_error_is_no_lack_of_a_property() -> None:
    class Fails(Lstm):
        def step(self, problem: Composite, state: Any) -> Any:
            raise ZeroDivisionError("mine")

    for name in PROPERTIES:
        result = run_check(name, Fails, "dev", problems=P)
        assert result.status is Status.FAILED, result.line()


def test_properties_are_what_no_result_depends_on() -> None:
    assert set(PROPERTIES) == {
        "permutation_equivariant",
        "translation_equivariant",
        "objective_scale_equivariant",
        "variable_scale_equivariant",
        "momentum_goes_forward",
        "fixed_point",
    }


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"declares": {"asumption_1": 0.5}}, r"unknown declaration 'asumption_1'; did you mean 'assumption_1'\?"),
        ({"declares": {"fixedpoint": True}}, r"did you mean 'fixed_point'\?"),
        ({"declares": {"fixed_point": 3}}, "fixed_point must be True or False, got 3"),
        ({"declares": {"deterministic": True}}, "unknown declaration 'deterministic'"),
        (
            {"declares": {"fixed_point": True}, "lacks": {"fixed_point": "a bias"}},
            "fixed_point = True is promised, and lacks says that it is not",
        ),
    ],
)
def test_a_wrong_declaration_is_an_error(more: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        check_optimizer(Sound(), profile="dev", checks=["fixed_point"], **more)
    with pytest.raises(InputError, match=says):
        check_optimizer(with_(Lstm, **more), profile="dev", checks=["fixed_point"])


def test_an_optimizer_that_takes_nothing_is_not_checked() -> None:
    class Refuses(Sound):
        def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Any:
            raise InputError("I take images")

    with pytest.raises(InputError, match=r"Refuses: it takes none of the problems \(.*I take images\)"):
        check_optimizer(Refuses, profile="dev")
    with pytest.raises(InputError, match="nothing can be checked; give problems that it takes"):
        run_check("descent", Refuses, "dev")


def test_a_wrong_form_is_no_refusal() -> None:
    class NoIterate(Lstm):
        def init(self, problem: Composite, x0: torch.Tensor) -> Any:
            return {"h": x0}

    with pytest.raises(InterfaceError, match="a mapping with the keys 'h'"):
        check_optimizer(NoIterate, profile="dev")
    with pytest.raises(InterfaceError, match="a mapping with the keys 'h'"):
        run_check("descent", NoIterate, "dev")


def test_a_result_says_how_to_run_it_again() -> None:
    named = run_check("descent", Sound, "dev")
    assert named.reproduce == "l2obound check tests.helpers.offenders:Sound --check descent --profile dev --seed 0"
    for result in (run_check("descent", Sound(), "dev"), run_check("descent", lambda: Sound(), "dev")):
        assert result.reproduce == "verification.check_optimizer(optimizer, checks=['descent'], profile='dev', seed=0)"
    assert run_check("descent", Sound, "dev", problems=P).reproduce.endswith("seed=0, problems=problems)")
