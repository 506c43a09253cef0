"""Random methods as code: no run on a function of the class is worse than `upper`, and `lower` is attained."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import Method, checker_traced, classes, methods, replayed

COUNT = 12


def drawn(seed: int) -> tuple[Method, dict[str, Fraction]]:
    """A method with momentum whose numbers are drawn, and the numbers."""
    draw = np.random.default_rng(seed)
    numbers = {n: Fraction(int(draw.integers(-8, 17)), 16) for n in ("momentum", "ahead", "back")}
    numbers["step"] = Fraction(int(draw.integers(1, 25)), 16)

    def step(state: Any, f: Any) -> Any:
        x, before, g = state
        y = x + numbers["ahead"] * (x - before)
        slope = f.gradient(y)
        after = x + numbers["momentum"] * (x - before) - numbers["step"] * slope + numbers["back"] * g / 4
        return after, x, slope

    return Method(step, lambda x0, f: (x0, x0, f.gradient(x0))), numbers


class Line:
    """A convex function of one variable: a parabola near 0 and straight lines beyond the knee."""

    def __init__(self, curvature: float, knee: float) -> None:
        self.curvature, self.knee = curvature, knee

    def gradient(self, x: float) -> float:
        return self.curvature * max(-self.knee, min(self.knee, x))

    def value(self, x: float) -> float:
        near = min(abs(x), self.knee)
        return self.curvature * (near * near / 2 + near * (abs(x) - near))


@pytest.mark.parametrize("seed", range(COUNT))
def test_no_function_is_worse_than_the_upper_end(seed: int) -> None:
    method, numbers = drawn(seed)
    worst = bounds.worst_case(method=method, steps=2)
    for curvature in (0.0, 0.3, 1.0):
        for knee in (0.01, 0.1, 0.3, 0.6, 1.0, 10.0):
            f = Line(curvature, knee)
            state = (1.0, 1.0, f.gradient(1.0))
            for _ in range(2):
                x, before, g = state
                slope = f.gradient(x + float(numbers["ahead"]) * (x - before))
                x = x + float(numbers["momentum"]) * (x - before) - float(numbers["step"]) * slope
                state = (x + float(numbers["back"]) * g / 4, state[0], slope)
            assert f.value(state[0]) <= worst.upper * (1 + 1e-12)
    assert worst.closed
    assert abs(replayed(worst)[1] - worst.lower) <= 1e-9 * max(1.0, worst.lower)
    proof = worst.certificate()
    assert checker_traced.check(proof.data, method.step, method.init) == proof.tau


def test_smaller_classes_have_smaller_answers() -> None:
    def answer(arguments: Any, **more: Any) -> Any:
        return bounds.worst_case(method=methods.gradient(1), function_class=arguments, steps=2, **more)

    plain = answer(classes.smooth_convex(1), metric="distance")
    strong = answer(classes.smooth_strongly_convex(1, Fraction(1, 5)), metric="distance")
    assert strong.upper < plain.lower
    mixed = answer(classes.cocoercive(1), metric="distance")
    # gradients of smooth convex functions are cocoercive operators
    assert plain.lower <= mixed.upper


def test_more_points_change_nothing() -> None:
    def also(run: Any) -> Any:
        run.f.gradient((run.x[0] + run.x[-1]) / 2)
        return run.F(run.x[-1]) - run.F_star

    one = bounds.worst_case(method=methods.gradient(1), steps=2)
    other = bounds.worst_case(method=methods.gradient(1), steps=2, metric=also)
    assert abs(one.value - other.value) <= 1e-8
