"""Wrong questions get one clear error; questions with no finite answer say why."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import sweep
from l2obound.bounds.worst_cases._setting import number

WRONG = {
    "step list": ({"step": [1.0, 1.0], "steps": 3}, "step: expected a number or one for each of the 3 steps, got 2"),
    "error list": ({"relative_error": [0.1], "steps": 3}, "relative_error: expected a number or one for each of the 3"),
    "K = 0": ({"steps": 0}, "steps: expected an integer K >= 1, got 0"),
    "K = 2.5": ({"steps": 2.5}, "steps: expected an integer"),
    "K = True": ({"steps": True}, "steps: expected an integer"),
    "mu > L": ({"function_class": "smooth_strongly_convex", "mu": 2.0}, "mu: expected mu < L"),
    "mu left out": ({"function_class": "smooth_strongly_convex"}, "needs one, 0 < mu <= L; .* use smooth_convex"),
    "mu left out, composite": (
        {"function_class": "composite_strongly_convex", "method": "proximal_gradient"},
        "needs one, 0 < mu <= L; .* use composite[.]",
    ),
    "mu < 0": ({"function_class": "smooth_strongly_convex", "mu": -0.1}, "mu: expected a number >= 0"),
    "mu of another class": ({"mu": 0.1}, "smooth_convex has none"),
    "L = 0": ({"L": 0.0}, "L: expected a number > 0"),
    "L = nan": ({"L": float("nan")}, "L: expected a finite number"),
    "step = inf": ({"step": np.inf}, "step: expected a finite number"),
    "step < 0": ({"step": -1.0}, "step: expected steps > 0"),
    "step = text": ({"step": "long"}, "step: expected a finite number, got 'long'|step: expected a number"),
    "negative relative error": ({"relative_error": -0.1}, "relative_error: expected errors >= 0"),
    "negative absolute error": ({"absolute_error": [0.1, 0.1, -1, 0, 0]}, "absolute_error: expected errors >= 0"),
    "unknown metric": ({"metric": "speed"}, "metric: expected one of objective"),
    "unknown method": ({"method": "newton"}, "method: expected one of gradient"),
    "unknown class": ({"function_class": "smooth"}, "function_class: expected one of smooth_convex"),
    "unknown initial condition": ({"initial": "anywhere"}, "initial: expected one of distance"),
    "method of another class": ({"method": "proximal_gradient"}, "not defined for the class smooth_convex: use one of"),
    "no momentum": ({"method": "heavy_ball"}, "heavy_ball needs momentum"),
    "momentum of a method without": ({"momentum": 0.5}, "momentum: gradient takes none"),
    "one number for go_math": ({"method": "go_math", "momentum": 0.5}, "go_math needs momentum = \\(q, b\\)"),
    "no distance without x*": ({"function_class": "smooth_nonconvex", "metric": "objective"}, "no minimiser"),
    "a gradient of r": (
        {"function_class": "composite", "method": "proximal_gradient", "initial": "gradient"},
        "`gradient` is for r = 0",
    ),
    "a gradient of a nonsmooth f": (
        {"function_class": "convex", "method": "proximal_point", "metric": "best_gradient"},
        "has no gradient",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_questions(name: str) -> None:
    arguments, message = WRONG[name]
    with pytest.raises(bounds.InputError, match=message):
        bounds.worst_case(**arguments)


UNBOUNDED = (
    {"initial": "objective", "metric": "distance"},
    {"initial": "gradient", "metric": "objective"},
    {"initial": "decrease", "metric": "objective"},
    {"function_class": "composite", "method": "proximal_gradient", "metric": "distance", "initial": "objective"},
    {"steps": 12, "initial": "objective", "metric": "distance"},
)


@pytest.mark.parametrize("arguments", UNBOUNDED)
def test_an_unbounded_problem_says_why(arguments: dict[str, object]) -> None:
    with pytest.raises(bounds.UnboundedError, match=r"\+inf: .*no multiple of the initial condition"):
        bounds.worst_case(**arguments)


def test_a_sweep_is_checked_before_it_starts() -> None:
    with pytest.raises(bounds.InputError, match="unknown argument 'stepz'"):
        sweep([{"steps": 1}, {"stepz": 2}])
    with pytest.raises(bounds.InputError, match="steps: expected"):
        sweep([{"steps": 1}, {"steps": 0}])
    values = [result.value for result in sweep([{"steps": K} for K in (1, 2, 3)], step=0.5)]
    assert values == pytest.approx([1 / (2 * K + 2) for K in (1, 2, 3)], rel=1e-8)


def test_how_numbers_are_read() -> None:
    assert number(0.1, "h") == Fraction(1, 10)
    assert number(0.25, "h") == Fraction(1, 4)
    assert number(Fraction(1, 3), "h") == Fraction(1, 3)
    assert number(np.float64(1 / 3), "h") == Fraction(1, 3)
    assert number(np.float32(0.5), "h") == Fraction(1, 2)
    odd = 0.7053367989832943
    assert float(number(odd, "h")) == odd
    assert number(2**0.5, "h") == Fraction(2**0.5)


def test_a_sweep_gives_the_bytes_of_single_calls() -> None:
    asked = [{"steps": 6, "step": h, "relative_error": eps} for h in (0.5, 1.0) for eps in (0.0, 0.2)]
    values = [result.value for result in sweep(asked)]
    assert values == [bounds.worst_case(**one).value for one in reversed(asked)][::-1]
