"""Questions about code whose answer is +inf: instances that grow, their checker, and answers that stay open."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import Method, checker_growth, classes, methods, sweep
from l2obound.bounds.worst_cases.traced import METRICS, traced_setting
from l2obound.bounds.worst_cases.traced._ray import ray_of

from ...helpers.tampering import retold

CONVEX_OF_M = {"g": classes.composed(classes.convex(), "M"), "M": classes.linear_operator(1)}


def forward(x: Any, A: Any) -> Any:
    return x - A(x)


def subgradient(x: Any, f: Any) -> Any:
    return x - f.subgradient(x)


def chain_rule(x: Any, g: Any, M: Any) -> Any:
    return x - M.adjoint(g.gradient(M(x))) / 2


def explicit(x: Any, f: Any, r: Any) -> Any:
    return x - f.gradient(x) - r.subgradient(x)


def first_gradient(run: Any) -> Any:
    return run.f.gradient(run.x[0]) ** 2


def first_objective(run: Any) -> Any:
    return run.F(run.x[0]) - run.F_star


def question(name: str) -> dict[str, Any]:
    """A question without a bound, by what is wrong with it."""
    of_operator = {"function_class": {"A": classes.monotone(Fraction(1, 10))}, "metric": "distance"}
    return {
        "subgradients of no size": {"method": subgradient, "function_class": "convex", "steps": 2},
        "the best of them": {"method": subgradient, "function_class": "convex", "metric": "best_objective", "steps": 3},
        "a step forward of an operator": {"method": forward, "steps": 1, **of_operator},
        "a step forward of r": {"method": explicit, "function_class": "composite", "steps": 1},
        "far from x*": {"method": methods.gradient(1), "initial": "gradient", "metric": "distance", "steps": 2},
        "high above f*": {"method": methods.nesterov(), "initial": "gradient", "metric": "objective", "steps": 3},
        "from anywhere": {"method": methods.gradient(1), "initial": "none", "steps": 2},
        "a steep start": {
            "method": methods.proximal_point(1), "function_class": "convex", "metric": first_gradient, "steps": 2,
        },
        "a high start": {  # no ray from the origin: vectors grow beside others that do not
            "method": methods.fista(1, methods.accelerated_weights(2)), "function_class": "composite",
            "metric": first_objective, "steps": 2,
        },
        "a prox too long": {
            "method": methods.proximal_point(2), "function_class": classes.weakly_convex(1), "metric": "gradient",
            "steps": 2,
        },
        "flat quadratics": {
            "method": methods.gradient(3), "function_class": classes.quadratic(1, 0), "initial": "gradient",
            "metric": "distance", "steps": 2,
        },
        "an operator in a term": {"method": chain_rule, "function_class": CONVEX_OF_M, "steps": 1},
    }[name]  # fmt: skip


NAMES = (
    "subgradients of no size", "the best of them", "a step forward of an operator", "a step forward of r",
    "far from x*", "high above f*", "from anywhere", "a steep start", "a high start", "a prox too long",
    "flat quadratics", "an operator in a term",
)  # fmt: skip


def refused(**asked: Any) -> bounds.UnboundedError:
    """The error of a question without a bound."""
    with pytest.raises(bounds.UnboundedError, match="without end") as raised:
        bounds.worst_case(**asked)
    return raised.value


@pytest.mark.parametrize("name", NAMES)
def test_what_has_no_bound_says_so_and_is_checked(name: str) -> None:
    asked = question(name)
    error = refused(**asked)
    assert (error.value, error.lower, error.upper, error.status) == (math.inf, math.inf, math.inf, "unbounded")
    method = asked["method"]
    parts = (method.step, method.init) if isinstance(method, Method) else (method, None)
    data = json.loads(json.dumps(error.data))
    for vector in checker_growth.check(data, *parts):
        assert vector in str(error)


def test_growth_is_of_the_question_in_its_own_units() -> None:
    # steps of 1000 and a class with L = 1/1000: another unit of length and of slopes
    error = refused(method=methods.gradient(1000), L=Fraction(1, 1000), initial="objective", metric="distance", steps=2)
    assert checker_growth.check(error.data, methods.gradient(1000).step) == ["x0"]


def test_an_initial_condition_that_0_breaks() -> None:
    # ||x_0 - x*||^2 is at least 1: instances begin at one of those
    error = refused(
        method=methods.gradient(1), steps=1, metric="distance", initial=lambda run: 2 - (run.x[0] - run.star) ** 2
    )
    assert checker_growth.check(error.data)


def test_a_sweep_goes_on() -> None:
    method = methods.gradient(1)
    first, second = sweep([{"initial": "gradient"}, {"initial": "distance"}], method=method, metric="distance", steps=1)
    assert first.upper == math.inf
    assert second.closed


@pytest.mark.parametrize("name", ["a step forward of an operator", "a prox too long"])
def test_what_is_bounded_has_no_growth(name: str) -> None:
    asked = question(name)
    bounded = {
        "a step forward of an operator": {"function_class": {"A": classes.cocoercive(1)}},
        "a prox too long": {"method": methods.proximal_point(Fraction(1, 2))},
    }[name]
    rest = {"L": 1, "mu": None, "initial": "distance", **asked, **bounded}
    assert ray_of(traced_setting(**rest)) is None
    assert math.isfinite(bounds.worst_case(**{**asked, **bounded}).upper)


@pytest.mark.parametrize("metric", [name for name in METRICS if name not in ("residual", "decrease")])
def test_smooth_functions_from_a_distance_have_no_growth(metric: str) -> None:
    setting = traced_setting(methods.gradient(3), "smooth_convex", 1, None, 2, metric, "distance")
    assert ray_of(setting) is None


def changed(entry: str, at: int, place: int, value: Any) -> Any:
    """A change of one part of an entry."""

    def change(data: dict[str, Any]) -> None:
        data[entry][at][place] = value

    return change


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (changed("vectors", 0, 4, "-1"), "those of no vectors"),
        (changed("values", 0, 2, ["0", "0", "-1"]), "in the end"),
        (changed("values", 1, 2, ["5", "0", "1"]), "at first"),
        (lambda data: data["vectors"].clear(), "does not grow|in the end"),
        (lambda data: data["vectors"].append(["x0", 1, "x0", 1, "1"]), "in the end"),
        (lambda data: data["functions"]["f"].update({"class": "bounded_subgradients", "M": "1"}), "in the end"),
        (lambda data: data["functions"]["f"].update({"class": "restricted_secant", "L": "2", "mu": "1"}), "no theorem"),
        (lambda data: data["vectors"].append(data["vectors"][0]), "twice"),
        (lambda data: data.update(tau="1"), "entries"),
        (lambda data: data["vectors"].append(["x0", 2, "x0", 2, "1"]), "neither v nor w"),
    ],
)
def test_a_changed_certificate_is_refused(change: Any, match: str) -> None:
    data = refused(**question("subgradients of no size")).data
    with pytest.raises(checker_growth.Wrong, match=match):
        checker_growth.check(retold(data, change))


def test_the_digest_and_the_method_belong_to_it() -> None:
    data = refused(**question("subgradients of no size")).data
    with pytest.raises(checker_growth.Wrong, match="digest"):
        checker_growth.check({**data, "steps": 3})
    with pytest.raises(checker_growth.Wrong, match="elsewhere"):
        checker_growth.check(data, lambda x, f: x - f.subgradient(x) / 2)


def test_what_nobody_decides_is_open_with_what_is_attained() -> None:
    # h'(M x_0) grows beside an x_0 that does not: matrices are known of what grows alone
    worst = bounds.worst_case(method=chain_rule, function_class=CONVEX_OF_M, steps=1, metric=first_objective)
    assert worst.upper == math.inf
    assert 1 < worst.lower < math.inf
    assert not worst.closed
    assert "not bounded by the solver" in worst.summary()
    assert worst.certificate() is None
    assert "above" in worst.why_no_certificate


def test_a_class_without_a_theorem_is_never_called_unbounded() -> None:
    loose = {"A": classes.lipschitz_monotone(1, 0)}
    worst = bounds.worst_case(
        method=forward, function_class=loose, steps=1, initial="none", metric=lambda run: run.A(run.x[0]) ** 2
    )
    assert (worst.lower, worst.upper) == (-math.inf, math.inf)
    assert "not bounded by the solver" in worst.summary()
