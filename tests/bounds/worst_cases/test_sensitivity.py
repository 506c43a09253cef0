"""Derivatives of worst cases by steps and momentum: held against differences of worst cases, and what has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from l2obound import bounds

QUESTIONS: dict[str, dict[str, Any]] = {
    "gradient": {"step": [0.9, 1.1, 0.7]},
    "heavy ball": {"method": "heavy_ball", "step": [0.8, 1.0, 0.6], "momentum": [0.0, 0.3, 0.2]},
    "strongly convex": {
        "function_class": "smooth_strongly_convex", "mu": 0.1, "method": "heavy_ball", "metric": "distance",
        "step": [0.7, 1.0], "momentum": [0.1, 0.4],
    },
    "not convex": {
        "function_class": "smooth_nonconvex", "metric": "best_gradient", "initial": "objective", "step": [0.8, 0.9],
    },
    "composite": {"function_class": "composite", "method": "proximal_gradient", "step": [0.9, 0.8], "L": 3.0},
    "inexact": {
        "function_class": "composite", "method": "proximal_gradient", "step": [0.7, 0.9], "relative_error": 0.2,
    },
    "accelerated": {"function_class": "composite", "method": "accelerated_gradient", "step": [1.0, 0.9, 0.8]},
    "learned recurrence": {
        "function_class": "composite", "method": "go_math", "step": [0.9, 1.1, 0.7],
        "momentum": ([0.1, 0.35, 0.25], [0.3, 0.15, 0.2]),
    },
}  # fmt: skip
"""Questions whose solution is unique, so that the worst case has a derivative."""
APART = 1e-3


def moved(question: dict[str, Any], name: str, place: tuple[int, ...], by: float) -> dict[str, Any]:
    numbers = np.array(question[name], float)
    numbers[place] += by
    return {**question, name: tuple(numbers) if numbers.ndim == 2 else numbers}


def difference(question: dict[str, Any], name: str, place: tuple[int, ...]) -> float:
    above, below = (
        bounds.worst_case(**moved(question, name, place, sign * APART), steps=len(question["step"])).estimate
        for sign in (1, -1)
    )
    return (above - below) / (2 * APART)


@pytest.mark.parametrize("name", QUESTIONS)
def test_derivatives_are_those_of_differences(name: str) -> None:
    """The solver's values are good to 1e-8 of their size, their differences to 1e-5; what is left is of order 1e-6."""
    question = QUESTIONS[name]
    steps = len(question["step"])
    worst = bounds.worst_case(**question, steps=steps)
    slopes = worst.sensitivity()
    assert slopes.value == pytest.approx(worst.estimate, rel=1e-7)
    size = np.abs(slopes.step).max()
    assert size > 1e-3, "there is something to compare"
    for k in range(steps):
        assert slopes.step[k] == pytest.approx(difference(question, "step", (k,)), abs=1e-4 * size)
    if "momentum" not in question:
        assert slopes.momentum is None
        return
    arguments = np.array(question["momentum"])
    assert slopes.momentum.shape == arguments.T.shape
    for place in np.ndindex(*arguments.shape):
        assert slopes.momentum[place[::-1]] == pytest.approx(difference(question, "momentum", place), abs=1e-4 * size)


def test_a_closed_form_and_its_derivative() -> None:
    """1/(2 (2 sum h_k + 1)) for short steps of gradient descent: -1/(2 sum h_k + 1)^2 by each."""
    slopes = bounds.worst_case(steps=2, step=[0.5, 0.6], L=2.0).sensitivity()
    assert slopes.value == pytest.approx(2 / (2 * 3.2), rel=1e-7)
    np.testing.assert_allclose(slopes.step, -2 / 3.2**2, rtol=1e-5)


def test_what_cannot_matter_does_not() -> None:
    """The first step has no memory to weigh, the last one no step after it that would use what it remembers."""
    question = {"function_class": "composite", "method": "go_math", "steps": 2, "step": 0.9}
    slopes = bounds.worst_case(**question, momentum=([0.3, 0.2], [0.4, 0.5])).sensitivity()
    assert slopes.momentum[0, 0] == slopes.momentum[1, 1] == 0
    assert np.abs([slopes.momentum[0, 1], slopes.momentum[1, 0]]).min() > 1e-4


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"function_class": "convex", "method": "proximal_point"}, "proximal_point is measured in its longest gamma"),
        (
            {"function_class": "composite", "method": "proximal_gradient", "metric": "best_gradient", "steps": 1},
            "the gradient map",
        ),
        ({"function_class": "composite", "method": "proximal_gradient", "steps": 40}, "at most 64 vectors, got 82"),
        ({"function_class": "smooth_strongly_convex", "mu": 1.0, "steps": 1}, "no solution of this question"),
    ],
)
def test_what_has_no_derivative_is_an_error(question: dict[str, Any], message: str) -> None:
    with pytest.raises(bounds.InputError, match=message):
        bounds.worst_case(**question).sensitivity()
