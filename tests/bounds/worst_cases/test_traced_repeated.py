"""Worst cases of many steps from a proof of one, where a solver finds no bound or a worse one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import Method, checker_traced, classes, methods
from l2obound.bounds.worst_cases.traced import TracedWorstCase
from l2obound.bounds.worst_cases.traced._forms import TracedForms
from l2obound.bounds.worst_cases.traced._repeated import repeated

STRONG = classes.smooth_strongly_convex(1, Fraction(1, 10))


def between(run: Any) -> Any:
    last = run.states[-1]
    return (last["x"] - last["other"]) ** 2


def between_starts(run: Any) -> Any:
    first = run.states[0]
    return (first["x"] - first["other"]) ** 2


def two_runs(method: Method, steps: int, **more: Any) -> TracedWorstCase:
    asked = {"function_class": STRONG, "metric": between, "initial": between_starts, **more}
    worst = bounds.worst_case(method=methods.twice(method), steps=steps, **asked)
    assert isinstance(worst, TracedWorstCase)
    return worst


@pytest.mark.parametrize(("step", "steps"), [(Fraction(3, 2), 3), (1, 5)])
def test_the_contraction_factor_of_several_steps(step: Any, steps: int) -> None:
    # the solver alone shows no upper end here: both runs may drift together
    worst = two_runs(methods.gradient(step), steps)
    factor = max(1 - Fraction(step) / 10, Fraction(step) - 1) ** (2 * steps)
    assert worst.closed
    assert worst.lower <= factor <= Fraction(worst.upper)
    assert worst.upper <= factor * (1 + Fraction(1, 10**7))
    proof = worst.certificate()
    method = methods.twice(methods.gradient(step))
    assert checker_traced.check(proof.data, method.step, method.init) == proof.tau


def proof_of(worst: TracedWorstCase, factor: Fraction) -> Any:
    """The proof of a question that one of one step makes, at a factor per step that may be another."""
    one = bounds.worst_case(
        method=worst.question.program, function_class=STRONG, metric=between, initial=between_starts, steps=1
    )
    given = {name: v * one._unit(name) for name, v in one._exactly.multipliers.items()}
    tau = one._exactly.tau * one.setting.scale
    return repeated(worst.question, one.question, factor * tau, given, TracedForms(worst.traced)), tau


def test_a_factor_that_is_too_small_proves_nothing() -> None:
    worst = two_runs(methods.gradient(1), 3)
    proof, tau = proof_of(worst, Fraction(1))
    assert proof.tau * worst.setting.scale == tau**3
    assert proof_of(worst, Fraction(9, 10))[0] is None


def test_steps_that_differ_are_not_one_repeated() -> None:
    def slower(x: Any, f: Any, k: int) -> Any:
        return x - Fraction(1, k) * f.gradient(x)

    worst = two_runs(Method(slower), 2)
    assert proof_of(worst, Fraction(1))[0] is None
    assert worst.upper > 0.9**4


def test_short_vectors_make_an_instance_of_many_steps() -> None:
    # instances that the solver finds inside lose two thirds of the value to its margins
    method = methods.information_theoretic(10, 1, Fraction(1, 10))
    worst = bounds.worst_case(method=method, function_class=STRONG, metric="distance", steps=10)
    assert worst.closed


@pytest.mark.slow
def test_douglas_rachford_over_five_steps() -> None:
    kinds = {"A": STRONG, "B": classes.convex()}
    worst = two_runs(methods.douglas_rachford(3), 5, function_class=kinds)
    assert worst.closed
    assert abs(worst.upper / float(Fraction(10, 13) ** 10) - 1) <= 1e-7
