"""Methods that are code run by `l2o.rollout` on their worst cases, and so does any other method."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from l2obound import bounds, l2o
from l2obound.bounds.worst_cases import classes, methods
from l2obound.verification.worst_cases.run_code import code_problem
from l2obound.verification.worst_cases.run_instance import replay

MU = Fraction(1, 10)
QUESTIONS: dict[str, dict[str, Any]] = {
    "gradient": {"method": methods.gradient(), "steps": 3},
    "OGM": {"method": methods.ogm(3), "steps": 3},
    "last gradient": {"method": methods.gradient(), "steps": 3, "metric": "gradient"},
    "distance": {
        "method": methods.triple_momentum(1, MU),
        "function_class": "smooth_strongly_convex",
        "mu": MU,
        "steps": 2,
        "metric": "distance",
    },
    "FISTA": {"method": methods.fista(), "function_class": "composite", "steps": 3},
    "proximal point": {"method": methods.proximal_point(), "function_class": "convex", "steps": 3},
    "errors": {"method": methods.inexact_gradient(1, Fraction(1, 4)), "steps": 2},
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_rollout_attains_the_worst_case(name: str) -> None:
    worst = bounds.worst_case(**QUESTIONS[name])
    run, attained = replay(worst)
    assert run.steps == worst.setting.steps
    # the function is interpolated to rounding, its gradients to the root of it
    assert abs(attained - worst.lower) <= 1e-6


def test_another_method_runs_on_it_too() -> None:
    worst = bounds.worst_case(method=methods.gradient(), steps=3)
    problem = code_problem(worst)
    run = l2o.rollout(l2o.optimizer("nesterov"), problem, l2o.start_from({"x0": worst.instance["x0"]}), 3)
    assert float(run.objective[0, -1]) < worst.lower


@pytest.mark.parametrize(
    ("arguments", "step"),
    [
        (classes.monotone(), lambda x, f: f.prox(x, 1)),
        (
            {"f": classes.smooth_convex(), "g": classes.smooth_convex()},
            lambda x, f, g: x - (f.gradient(x) + g.gradient(x)) / 2,
        ),
    ],
    ids=["operator", "two"],
)
def test_what_has_no_problem_says_so(arguments: Any, step: Any) -> None:
    worst = bounds.worst_case(method=step, function_class=arguments, steps=1, metric="distance")
    with pytest.raises(l2o.InputError, match="one smooth function"):
        replay(worst)


def test_subgradients_of_r_are_not_guessed() -> None:
    worst = bounds.worst_case(method=methods.proximal_point(), function_class="convex", steps=1, metric="gradient")
    assert worst.closed
    with pytest.raises(l2o.InputError, match="of which there may be several"):
        replay(worst)
