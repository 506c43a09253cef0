"""Questions about the difference of two runs: solved in differences, and shown on runs with all their points."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import checker_traced, classes, methods, replayed
from l2obound.bounds.worst_cases._conic import solve
from l2obound.bounds.worst_cases.traced import TracedWorstCase
from l2obound.bounds.worst_cases.traced._model import traced_model
from l2obound.bounds.worst_cases.traced._shown import TracedSearch
from l2obound.bounds.worst_cases.traced._twins import of_differences

from ...helpers.pepit_examples import TWO_RUNS

MU = Fraction(1, 10)
STRONG = {"function_class": "smooth_strongly_convex", "mu": MU}
SPLITTING = {
    "method": methods.twice(methods.douglas_rachford(3)),
    "function_class": {"A": classes.smooth_strongly_convex(1, MU), "B": classes.convex()},
}
OPERATORS = {
    "method": methods.twice(methods.douglas_rachford(1)),
    "function_class": {"A": classes.cocoercive(1), "B": classes.monotone(MU)},
}


def asked(**question: Any) -> TracedWorstCase:
    worst = bounds.worst_case(**TWO_RUNS, **question)
    assert isinstance(worst, TracedWorstCase)
    return worst


def test_a_contraction_over_steps_is_closed_with_an_exact_proof() -> None:
    method = methods.twice(methods.gradient())
    worst = asked(**STRONG, method=method, steps=3)
    assert worst.closed
    assert worst.lower <= 0.9**6 <= worst.upper
    assert len(worst.traced.basis) == 4  # x0 and three gradients, as differences
    certificate = asked(**STRONG, method=method, steps=2).certificate()
    assert certificate is not None
    assert certificate.exact
    assert certificate.tau == Fraction(9, 10) ** 4
    assert checker_traced.check(certificate.data, method.step, method.init) == certificate.tau


@pytest.mark.parametrize(("step", "steps"), [(Fraction(3, 2), 3), (1, 10)])
def test_the_contraction_factor_of_gradient_steps(step: Any, steps: int) -> None:
    method = methods.twice(methods.gradient(step))
    worst = asked(**STRONG, method=method, steps=steps)
    factor = max(1 - Fraction(step) / 10, Fraction(step) - 1) ** (2 * steps)
    assert worst.closed
    assert worst.lower <= factor <= Fraction(worst.upper) <= factor * (1 + Fraction(1, 10**7))
    proof = worst.certificate()
    assert proof is not None
    assert checker_traced.check(proof.data, method.step, method.init) == proof.tau


def test_steps_that_depend_on_k_are_closed_too() -> None:
    def slower(x: Any, f: Any, k: int) -> Any:
        return x - Fraction(1, k) * f.gradient(x)

    worst = asked(**STRONG, method=methods.twice(methods.Method(slower)), steps=2)
    assert worst.closed
    assert worst.lower <= (0.9 * 0.95) ** 2 <= worst.upper * (1 + 1e-7)


@pytest.mark.slow
def test_douglas_rachford_over_five_steps() -> None:
    worst = asked(**SPLITTING, steps=5)
    assert worst.closed
    assert abs(worst.upper / float(Fraction(10, 13) ** 10) - 1) <= 1e-7


@pytest.mark.parametrize("question", [SPLITTING, OPERATORS], ids=["functions", "operators"])
def test_the_answer_is_that_of_all_points_of_both_runs(question: dict[str, Any]) -> None:
    worst = asked(**question, steps=3)
    whole = worst.traced.whole
    assert len(whole.basis) > len(worst.traced.basis)
    assert worst.closed
    assert worst._solution.value == pytest.approx(solve(whole.conic).value, rel=1e-5)
    assert replayed(worst)[1] == pytest.approx(worst.lower, rel=1e-6)
    certificate = worst.certificate()
    assert certificate is not None
    assert checker_traced.check(certificate.data) == certificate.tau


def test_both_inequalities_between_twins_are_in_a_proof() -> None:
    worst = asked(**STRONG, method=methods.twice(methods.gradient()), steps=2)
    named = worst.multipliers
    pairs = [name for name in named if name.startswith("f[")]
    assert len(pairs) == 4
    assert named["f[0 over 1]"] == named["f[1 over 0]"]


def without_star(run: Any) -> Any:
    return run.F(run.x[-1]) - run.F(run.states[-1]["other"])


@pytest.mark.parametrize(
    "question",
    [
        {"method": methods.gradient(), "initial": "distance", "metric": "objective"},
        {**TWO_RUNS, "method": methods.twice(methods.gradient()), "metric": without_star},
        {
            **TWO_RUNS,
            "method": methods.twice(methods.subgradient(1)),
            "function_class": classes.bounded_subgradients(1),
        },
        {**TWO_RUNS, "method": methods.twice(methods.gradient()), "metric": "distance"},
    ],
    ids=["one run", "values", "bounded gradients", "a minimiser"],
)
def test_other_questions_are_left_as_they_are(question: dict[str, Any]) -> None:
    from l2obound.bounds.worst_cases._solve import question_of

    defaults = {"function_class": "smooth_convex", "L": 1, "mu": None, "step": 1.0}
    more = dict.fromkeys(("relative_error", "absolute_error", "momentum"))
    setting: Any = question_of(**{**defaults, "steps": 2, **more, **question})
    model = traced_model(setting, setting.units.run)
    assert of_differences(model) is model


def test_an_instance_without_a_common_run_is_refused() -> None:
    worst = asked(**SPLITTING, steps=2)
    model = worst.traced
    assert model.common is not None
    solution = solve(worst._conic, 1e-6, 1e-6)
    search = TracedSearch(model, worst._conic, solution, 1e-8)
    assert search.shown_lower(solution.grams[0], solution.values) is not None
    alone = replace(model.common, line={}, levels=[Fraction(0)] * len(model.common.levels))
    search.model = replace(model, common=alone)
    assert search.shown_lower(solution.grams[0], solution.values) is None


def test_squares_are_kept_as_vectors() -> None:
    from l2obound.bounds.worst_cases.traced.vectors import Scalar, Vector

    v = Vector({"a": Fraction(2), "b": Fraction(-1, 3)})
    square = 3 * (v @ v) + 1
    assert square.square == (3, v)
    assert square.form == {("a", "a"): 12, ("a", "b"): -4, ("b", "b"): Fraction(1, 3)}
    other = Vector({"b": Fraction(1)})
    both = square - (other @ other)
    assert both.square is None
    assert both.form == {("a", "a"): 12, ("a", "b"): -4, ("b", "b"): Fraction(-2, 3)}
    assert (square + Scalar({("f", "0"): Fraction(1)}, {})).square == (3, v)
    assert (0 * square).names == set()
    assert np.isclose(float((-square).constant), -1)
