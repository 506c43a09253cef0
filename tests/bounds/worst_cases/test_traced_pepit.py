"""Examples of PEPit, answered with the same values, closed on both sides where the classes allow it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import checker_traced, classes, methods, replayed
from tests.helpers.pepit_examples import EXAMPLES, MU
from tests.helpers.pepit_further_examples import FURTHER
from tests.helpers.pepit_lengths import OF_K

EVERY: dict[str, tuple[dict[str, Any], float]] = EXAMPLES | FURTHER


def of_class(question: dict[str, Any]) -> list[classes.Class]:
    function_class = question.get("function_class")
    if isinstance(function_class, dict):
        return list(function_class.values())
    return [function_class] if isinstance(function_class, classes.Class) else []


def test_the_examples_are_forty_from_eight_folders_and_more() -> None:
    assert len(EVERY) == len(EXAMPLES) + len(FURTHER) == 60
    assert len({name.split(",")[0] for name in EVERY}) == 58  # one has three forms of an operator
    assert len({name.split("/")[0] for name in EVERY}) == 12
    tight = [name for name, (question, _) in EVERY.items() if all(one.tight for one in of_class(question))]
    assert len(tight) == 56


@pytest.mark.parametrize("name", EVERY)
def test_examples_of_pepit(name: str) -> None:
    question, expected = EVERY[name]
    worst = bounds.worst_case(**question)
    proof = worst.certificate()
    assert proof is not None
    method = question["method"]
    assert checker_traced.check(proof.data, method.step, method.init) == proof.tau
    size = abs(expected) or 1.0
    assert float(proof.tau) <= expected + 1e-6 * size
    if worst.tight:
        assert abs(worst.value - expected) <= 1e-6 * size
        assert worst.closed
        assert abs(replayed(worst)[1] - worst.lower) <= 1e-9 * max(1.0, abs(worst.lower))
    else:
        assert abs(worst.upper - expected) <= 1e-6 * size
        assert worst.lower == -math.inf


@pytest.mark.parametrize("name", OF_K)
def test_examples_with_any_number_of_steps_are_the_same_questions(name: str) -> None:
    """What the benchmark asks is what is known."""
    question, expected = next(value for key, value in EVERY.items() if key.startswith(f"{name}, "))
    worst = bounds.worst_case(**OF_K[name][0](question["steps"]))
    assert abs(worst.estimate - expected) <= 1e-6 * abs(expected)


def test_a_smooth_function_of_lojasiewicz() -> None:
    # Abbaszadehpeivasti, de Klerk, Zamani, Optim. Lett. 17 (2023): (2 L - 2 mu)/(2 L + mu) for the step 1/L
    worst = bounds.worst_case(
        method=methods.gradient(), function_class=classes.lojasiewicz(1, MU), steps=1, initial="objective"
    )
    assert abs(worst.upper - 6 / 7) <= 1e-6
    assert not worst.tight
    assert worst.certificate().data["upper_bound_only"]


def test_a_class_about_its_minimiser_stands_alone() -> None:
    with pytest.raises(bounds.InputError, match="the only one"):
        bounds.worst_case(
            method=methods.proximal_gradient(),
            function_class={"f": classes.restricted_secant(), "r": classes.convex()},
            steps=1,
            metric="distance",
        )
    for made in (classes.restricted_secant, classes.lojasiewicz):
        with pytest.raises(bounds.InputError, match="mu: expected mu <"):
            made(1, 2)
