"""Methods designed by the engine: the known best values, the linear problems behind them, and what is refused."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from docs.numbers import measure_designs
from l2obound import bounds
from l2obound.bounds.worst_cases import checker, checker_traced, methods
from l2obound.bounds.worst_cases._conic import solve
from l2obound.bounds.worst_cases.designs import _sequence
from l2obound.bounds.worst_cases.designs._families import built_in

CLOSE = 1e-6


def theta_bound(K: int) -> float:
    """1/(2 theta_K^2), the worst case of OGM; Drori 2017: no method has a smaller one."""
    theta = 1.0
    for k in range(1, K + 1):
        theta = (1 + math.sqrt(1 + (8 if k == K else 4) * theta**2)) / 2
    return 1 / (2 * theta**2)


@pytest.mark.parametrize(("K", "best"), [(1, 1 / 8), (2, 0.065945976), (3, (3 - 2 * math.sqrt(2)) / 4)])
def test_best_steps_of_gradient_descent(K: int, best: float) -> None:
    """Steps 3/2; (sqrt 2, 1.8768); (sqrt 2, 1 + sqrt 2, 3/2): Das Gupta, Van Parys, Ryu, Math. Program. 204 (2024)."""
    design = bounds.design("gradient", K)
    assert design.value == pytest.approx(best, abs=CLOSE)
    assert design.value == pytest.approx(design.least, abs=CLOSE / 10)
    assert design.worst.closed
    certificate = design.certificate()
    assert certificate is not None
    assert best - 1e-9 <= float(certificate.tau) <= best + CLOSE
    assert checker.check(certificate.data) == certificate.tau
    assert len(design.step) == K
    assert design.momentum is None
    silver = bounds.worst_case(steps=K, step=methods.silver_steps(K))
    assert design.value <= silver.upper + CLOSE


def test_silver_steps_are_reached_and_beaten_at_seven() -> None:
    """The silver schedule is no local minimum: from it the design goes down by a ninth, to what random starts find.

    For K = 7 the steps of Das Gupta, Van Parys and Ryu, and the composed schedules of Grimmer, Shu and Wang, are
    better than silver.
    """
    silver = bounds.worst_case(steps=7, step=methods.silver_steps(7))
    design = bounds.design("gradient", 7, start=methods.silver_steps(7), starts=1)
    assert silver.lower == pytest.approx(0.0184215422, abs=1e-9)
    assert design.worst.closed
    assert design.worst.upper < 0.9 * silver.lower
    assert design.value == pytest.approx(0.016383754, abs=CLOSE)
    certificate = design.certificate()
    assert certificate is not None
    assert checker.check(certificate.data) == certificate.tau < Fraction(silver.lower)


def test_momentum_reaches_the_optimized_gradient_method() -> None:
    design = bounds.design("go_math", 3, starts=2)
    assert design.value == pytest.approx(theta_bound(3), abs=CLOSE)
    assert design.momentum is not None
    assert "no proof that it is the least of all" in design.summary()
    assert 1 <= design.agreeing <= len(design.starts) == 2


def test_the_best_constant_step() -> None:
    """Where 1/(2 (2Kh + 1)) = (1 - h)^(2K)/2; Taylor, Hendrickx, Glineur, Math. Program. 161 (2017)."""
    K, L = 3, 2.0
    h = brentq(lambda h: 1 / (2 * K * h + 1) - (1 - h) ** (2 * K), 1.0, 1.99)
    design = bounds.design("gradient", K, constant=True, L=L, starts=2)
    assert set(design.step) == {design.step[0]}
    assert float(design.step[0]) == pytest.approx(h, abs=1e-5)
    assert design.value == pytest.approx(L / (2 * (2 * K * h + 1)), abs=CLOSE)


composite = measure_designs.composite(2)


def test_a_family_as_code_reaches_optista() -> None:
    best = bounds.worst_case(method=methods.optista(2), steps=2, function_class="composite").value
    design = bounds.design(composite, 2, start=[1, 1, 0.2, 0.6], starts=1, function_class="composite")
    assert design.value == pytest.approx(best, abs=CLOSE)
    certificate = design.certificate()
    assert certificate is not None
    assert float(certificate.tau) <= best + CLOSE
    assert checker_traced.check(certificate.data, composite(design.numbers).step, composite(design.numbers).init) == (
        certificate.tau
    )


def test_the_linear_problem_promises_what_the_gradient_does() -> None:
    """For a small radius: the sum of the sizes of the derivatives, times the radius."""
    step, radius = [0.9, 1.1, 0.7], 1e-3
    family = built_in("gradient", 3, False, {})
    data, scale = family.data(step)
    solution = solve(data)
    changes = _sequence._changes(lambda numbers: family.data(list(numbers)), np.array(step), data, solution.multipliers)
    assert changes is not None
    promised = solution.value - solve(_sequence._linear(data, changes, radius)).value
    slopes = bounds.worst_case(steps=3, step=step).sensitivity().step
    assert scale * promised / radius == pytest.approx(np.abs(slopes).sum(), rel=1e-2)


def test_the_same_seed_gives_the_same_starts_and_another_one_others() -> None:
    first, again, other = (bounds.design("gradient", 2, starts=2, seed=seed) for seed in (1, 1, 2))
    assert [one.start for one in first.starts] == [one.start for one in again.starts]
    assert first.starts[1].start != other.starts[1].start
    assert first.starts[0].start == other.starts[0].start


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"method": "proximal_point", "function_class": "convex"}, "decreases in gamma"),
        ({"method": "newton"}, "expected one of gradient"),
        ({"method": composite}, "needs a start"),
        ({"method": composite, "start": [1], "constant": True}, "decides for itself"),
        ({"method": lambda numbers: 3, "start": [1]}, "it returned 3"),
        ({"steps": 0}, "integer >= 1"),
        ({"starts": True}, "integer >= 1"),
        ({"start": [1, 1]}, "expected 3 numbers"),
        ({"metrics": "objective"}, "unknown argument 'metrics'"),
        ({"metric": "distances"}, "metric"),
        ({"start": [-1, -1, -1], "starts": 1}, "no start has a finite worst case"),
        (
            {"function_class": "smooth_nonconvex", "initial": "gradient", "starts": 1, "steps": 1},
            "no start has a finite worst case",
        ),
    ],
)
def test_questions_without_an_answer_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(bounds.InputError, match=words):
        bounds.design(**{"steps": 3, **arguments})
