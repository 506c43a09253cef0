"""Errors that a method bounds itself: known rates, monotony, and a checker that refuses other bounds."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from l2obound import bounds
from l2obound.bounds import InputError
from l2obound.bounds.worst_cases import Method, classes, methods, replayed
from l2obound.bounds.worst_cases.checker_traced import Wrong, check


def inexact(relative: Any) -> Method:
    return methods.relatively_inexact_proximal_point(1, relative)


def test_a_larger_error_is_worse() -> None:
    exact = bounds.worst_case(method=methods.proximal_point(1), function_class="convex", steps=2)
    less, more = (bounds.worst_case(method=inexact(s), function_class="convex", steps=2) for s in (0.1, 0.4))
    assert exact.upper < less.lower < less.upper < more.lower
    assert less.closed
    assert more.closed


def test_an_error_relative_to_the_gradient_written_out() -> None:
    def step(x: Any, f: Any, error: Any) -> Any:
        g, e = f.gradient(x), error.vector()
        error.bounded(e, g, Fraction(1, 10))
        return x - (g + e)

    one = bounds.worst_case(method=step, steps=1)
    other = bounds.worst_case(method=methods.inexact_gradient(1, Fraction(1, 10)), steps=1)
    assert one.certificate().tau == other.certificate().tau
    assert check(other.certificate().data, step) == one.certificate().tau  # they are the same method


def test_a_bound_by_values_and_a_number() -> None:
    # g is a subgradient at some w with f(x) <= f(w) + <g, x - w> + 1/10, and no longer than 1: an epsilon-subgradient
    def step(x: Any, f: Any, error: Any) -> Any:
        w = x + error.vector()
        g = f.subgradient(w)
        error.demand(f.value(x) - f.value(w) - g @ (x - w), Fraction(1, 10))
        error.demand(g**2, 1)
        return {"x": x - g, "g": g}

    def distance(run: Any) -> Any:
        return (run.states[-1]["x"] - run.star) ** 2

    method = Method(lambda state, f, error: step(state["x"], f, error), lambda x0: {"x": x0})
    worst = bounds.worst_case(method=method, function_class="convex", steps=1, metric=distance)
    # ||x - g - x*||^2 = ||x - x*||^2 - 2 <g, x - x*> + ||g||^2 <= 1 + 2/10 + 1
    assert worst.lower <= 2.2 * (1 + 1e-9)
    assert abs(worst.estimate - 2.2) <= 1e-5


def test_errors_without_a_meaning() -> None:
    for change, words in (
        (lambda e, x, error: error.bounded(e, x, 0), "expected an error > 0"),
        (lambda e, x, error: error.bounded(e, x, -1), "expected an error >= 0"),
        (lambda e, x, error: error.demand(1, 2), "expected values and inner products"),
    ):

        def step(x: Any, f: Any, error: Any, change: Any = change) -> Any:
            change(error.vector(), x, error)
            return x - f.gradient(x)

        with pytest.raises(InputError, match=words):
            bounds.worst_case(method=step, steps=1)


def test_the_checker_wants_the_same_errors() -> None:
    method = inexact(Fraction(1, 10))
    worst = bounds.worst_case(method=method, function_class="convex", steps=1)
    data = worst.certificate().data
    assert check(data, method.step) == worst.certificate().tau
    assert abs(replayed(worst)[1] - worst.lower) <= 1e-12
    with pytest.raises(Wrong, match="another error"):
        check(data, inexact(Fraction(1, 20)).step)

    def unbounded(x: Any, f: Any, error: Any) -> Any:
        return f.prox(x + error.vector(), 1)

    with pytest.raises(Wrong, match="fewer errors"):
        check(data, unbounded)

    def by_another(x: Any, f: Any, error: Any) -> Any:
        e = error.vector()
        after = f.prox(x + e, 1)
        error.bounded(e, after, Fraction(1, 10))
        return after

    with pytest.raises(Wrong, match="another error"):
        check(data, by_another)


def test_an_instance_is_replayed_with_its_errors() -> None:
    question = {
        "method": methods.partially_inexact_douglas_rachford(1, Fraction(1, 5)),
        "function_class": {"f": classes.smooth_strongly_convex(1, Fraction(1, 10)), "r": classes.convex()},
        "steps": 1,
        "metric": lambda run: (run.x[-1] - run.star - run.f.gradient(run.star)) ** 2,
        "initial": lambda run: (run.x[0] - run.star - run.f.gradient(run.star)) ** 2,
    }
    worst = bounds.worst_case(**question)
    # Barre, Taylor, Bach 2022: max of ((1 - s + g mu s)/(1 - s + g mu))^2 and ((s + (1 - s) g L)/(1 + (1 - s) g L))^2
    assert abs(worst.value - ((0.8 + 0.02) / 0.9) ** 2) <= 1e-6
    assert abs(replayed(worst)[1] - worst.lower) <= 1e-12


def test_a_replay_that_meets_other_points_is_one_error() -> None:
    """The worst case of objective from objective moves no point, in the limit: its points cannot be told apart."""
    worst = bounds.worst_case("composite", method=methods.proximal_gradient(1), steps=1, initial="objective")
    assert worst.lower == pytest.approx(1, rel=1e-6)
    with pytest.raises(InputError, match="too near each other"):
        replayed(worst)
