"""The methods with a name are step functions: traced, on numbers, and as conic data, they are the same methods."""

from __future__ import annotations

from typing import Any

import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import METHODS, checker_traced, classes, methods, replayed, tolerance

SETS = {"f": classes.smooth_convex(2), "r": classes.indicator()}
BALL = {"momentum": 0.3}
HEADS = {"momentum": (0.2, 0.4)}
QUESTIONS: dict[str, tuple[dict[str, Any], Any]] = {
    "gradient": ({"method": "gradient", "step": 1.2, "L": 2}, None),
    "gradient, not convex": (
        {
            "method": "gradient",
            "function_class": "smooth_nonconvex",
            "metric": "best_gradient",
            "initial": "decrease",
        },
        None,
    ),
    "proximal_gradient": (
        {
            "method": "proximal_gradient",
            "function_class": "composite_strongly_convex",
            "mu": 0.1,
            "L": 2,
            "metric": "distance",
        },
        None,
    ),
    "projected_gradient": ({"method": "projected_gradient", "function_class": "composite", "L": 2}, SETS),
    "accelerated_gradient": ({"method": "accelerated_gradient", "step": 0.9, "L": 2}, None),
    "accelerated_gradient, composite": ({"method": "accelerated_gradient", "function_class": "composite"}, None),
    "heavy_ball": (
        {"method": "heavy_ball", "function_class": "smooth_strongly_convex", "mu": 0.1, "step": 0.5, **BALL},
        None,
    ),
    "proximal_point": ({"method": "proximal_point", "function_class": "convex", "step": 3}, None),
    "go_math": ({"method": "go_math", "step": 0.8, **HEADS}, None),
    "go_math, composite": ({"method": "go_math", "function_class": "composite", "L": 3, "step": 0.8, **HEADS}, None),
}


@pytest.mark.parametrize("K", [1, 3, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_built_in_method_is_its_code(name: str, K: int) -> None:
    question, kinds = QUESTIONS[name]
    built_in = bounds.worst_case(**{**question, "steps": K})
    numbers = {key: value for key, value in question.items() if key in ("step", "L", "momentum")}
    code = methods.built_in(question["method"], K, **numbers)
    rest = {key: question[key] for key in ("metric", "initial", "L", "mu") if key in question}
    traced = bounds.worst_case(kinds or question.get("function_class", "smooth_convex"), method=code, steps=K, **rest)
    assert built_in.closed
    assert traced.closed
    assert abs(traced.value - built_in.value) <= tolerance(built_in.value, built_in.floor)
    assert max(traced.lower, built_in.lower) <= min(traced.upper, built_in.upper), "both intervals hold"
    if K == 3:
        proof = traced.certificate()
        assert proof is not None
        assert checker_traced.check(proof.data, code.step, code.init) == proof.tau
        assert replayed(traced)[1] == pytest.approx(traced.lower, abs=1e-8)


def test_every_method_with_a_name_is_there() -> None:
    assert {question["method"] for question, _ in QUESTIONS.values()} == set(METHODS)


@pytest.mark.parametrize("errors", [{"relative": 0.3}, {"absolute": 0.1}])
def test_errors_are_added_by_code(errors: dict[str, float]) -> None:
    named = {f"{name}_error": size for name, size in errors.items()}
    built_in = bounds.worst_case(method="heavy_ball", momentum=0.2, step=0.5, steps=3, **named)
    code = methods.inexact(methods.built_in("heavy_ball", 3, step=0.5, momentum=0.2), **errors)
    traced = bounds.worst_case(method=code, steps=3)
    assert traced.value == pytest.approx(built_in.value, rel=1e-5)
    assert traced.value > 1.01 * bounds.worst_case(method="heavy_ball", momentum=0.2, step=0.5, steps=3).value


def test_other_numbers_are_another_method() -> None:
    """What the comparison would see: a step that is off by a thousandth, and momentum in the wrong place."""
    right = bounds.worst_case(method="heavy_ball", momentum=0.3, step=0.5, steps=3)
    for numbers in ({"step": 0.501, "momentum": 0.3}, {"step": 0.5, "momentum": [0.3, 0.3, 0]}):
        other = bounds.worst_case(method=methods.built_in("heavy_ball", 3, **numbers), steps=3)
        assert abs(other.value - right.value) > 10 * tolerance(right.value)
    with pytest.raises(bounds.InputError, match="expected one of gradient"):
        methods.built_in("newton", 3)
    with pytest.raises(bounds.InputError, match="needs momentum"):
        methods.built_in("heavy_ball", 3)
