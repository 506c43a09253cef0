"""Every method with every class, metric, initial condition and kind of error: answered, certified and replayed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import INITIALS, METHODS, METRICS
from l2obound.bounds.worst_cases.checker import check
from l2obound.verification.worst_cases.run_instance import replay

ERRORS = ({}, {"relative_error": 0.2}, {"absolute_error": 0.1})


def questions() -> list[dict]:
    made = []
    for method, classes in METHODS.items():
        for kind, metric, initial, K, errors in itertools.product(classes, METRICS, INITIALS, (1, 3), ERRORS):
            asked = {"method": method, "function_class": kind, "metric": metric, "initial": initial, "steps": K}
            asked |= {"step": 0.9, **errors}
            if kind.endswith("strongly_convex"):
                asked["mu"] = 0.1
            if method == "heavy_ball":
                asked["momentum"] = 0.3
            if method == "go_math":
                asked["momentum"] = (0.3, 0.5)
            made.append(asked)
    return made


def answered(asked: dict) -> bool:
    """Check one question; False where it has no finite answer or makes no sense, which an error has to say."""
    result, message = None, ""
    try:
        result = bounds.worst_case(**asked)
    except bounds.InputError as error:
        message = str(error)
    assert "solver stopped" not in message, asked
    if result is None:
        return False
    assert result.closed, (asked, result.summary())
    assert not result.relaxed
    assert abs(replay(result)[1] - result.value) <= 1e-6 * max(1.0, abs(result.value)), asked
    certificate = result.certificate()
    if certificate is not None:
        assert check(certificate.data) == certificate.tau
        assert float(certificate.tau) >= result.lower
    return True


def test_a_sample_of_pairings() -> None:
    every = questions()
    chosen = [every[i] for i in np.random.default_rng(3).permutation(len(every))[:60]]
    for key, certified in (("method", METHODS), ("metric", METRICS), ("initial", INITIALS)):
        assert {asked[key] for asked in chosen} == set(certified)
    assert sum(map(answered, chosen)) > 25


@pytest.mark.parametrize("mu", [0.0, 1.0])
def test_where_nothing_is_gained_the_instance_is_at_rest(mu: float) -> None:
    """Momentum is irrational, and the solver may stop early: 0 is attained all the same, with all points at x*."""
    kind = "composite_strongly_convex" if mu else "composite"
    question = {"method": "accelerated_gradient", "function_class": kind, "metric": "decrease", "mu": mu}
    answer = bounds.worst_case(**question, initial="objective", steps=3, step=0.9)
    assert answer.closed
    assert answer.instance["x"] == pytest.approx(0.0, abs=1e-3)
    assert mu or abs(replay(answer)[1]) < 1e-8  # where mu = L there is no problem to run: f is a quadratic


@pytest.mark.slow
def test_every_pairing() -> None:
    assert sum(map(answered, questions())) > 1600
