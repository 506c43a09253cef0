"""Worst cases away from unit scale: right, inside their interval, and closed relative to their size."""

from __future__ import annotations

import copy
import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2obound import bounds
from l2obound.bounds.worst_cases import checker, sweep
from l2obound.verification.worst_cases.run_instance import replay
from tests.helpers.scales import random_question

STRONG = {"function_class": "smooth_strongly_convex", "method": "gradient"}
COMPOSITE_STRONG = {"function_class": "composite_strongly_convex", "method": "proximal_gradient"}
POINT = {"function_class": "convex", "method": "proximal_point"}

KNOWN = {
    "contraction, 13 steps": (0.4**26, {**STRONG, "mu": 0.6, "steps": 13, "metric": "distance"}),
    "contraction, 20 steps": (0.5**40, {**STRONG, "mu": 0.5, "steps": 20, "metric": "distance"}),
    "contraction, mu near L": (1e-8, {**STRONG, "mu": 0.9999, "steps": 1, "metric": "distance"}),
    "values, mu near L": (1e-6, {**STRONG, "mu": 0.999, "steps": 1, "initial": "objective"}),
    "values, long step": (0.25, {**STRONG, "mu": 0.999999, "steps": 1, "step": 1.5, "initial": "objective"}),
    "values, mu nearly L": (1e-12, {**STRONG, "mu": 0.999999, "steps": 1, "initial": "objective"}),
    "values, step beyond 2/L": (4.0**5, {**STRONG, "mu": 0.1, "steps": 5, "step": 3.0, "initial": "objective"}),
    "gradients": (0.7**6, {**STRONG, "mu": 0.3, "steps": 3, "metric": "best_gradient", "initial": "gradient"}),
    "values from a gradient": (0.7**6 / 0.6, {**STRONG, "mu": 0.3, "steps": 3, "initial": "gradient"}),
    "distance from values": (
        2 / 0.3 * 0.7**6,
        {**STRONG, "mu": 0.3, "steps": 3, "metric": "distance", "initial": "objective"},
    ),
    "composite": (0.1**10, {**COMPOSITE_STRONG, "mu": 0.9, "steps": 5, "metric": "distance"}),
    "composite, values": (0.1**10, {**COMPOSITE_STRONG, "mu": 0.9, "steps": 5, "initial": "objective"}),
    "composite, beyond 2/L": (0.5 * 9.0**6, {"function_class": "composite", "method": "proximal_gradient",
                                             "step": 10.0, "steps": 3}),
    "one function": (0.5**7, {**STRONG, "mu": 1.0, "step": 0.5, "steps": 3}),
    "one function, at once": (0.0, {**STRONG, "mu": 3.0, "L": 3.0, "steps": 3}),
    "one function, proximal": (0.5**6, {**COMPOSITE_STRONG, "mu": 1.0, "step": 0.5, "steps": 3, "metric": "distance"}),
    "long steps": (9.0**20 / 2, {"step": 10.0, "steps": 10}),
    "longer steps": ((1e6 - 1) ** 16 / 2, {"step": 1e6, "steps": 8}),
    "short steps": (1 / (2 * (2e-2 + 1)), {"step": 1e-3, "steps": 10}),
    "shorter steps": (1 / (2 * (2e-6 + 1)), {"step": 1e-6, "steps": 1}),
    "short steps, average": (1 / (2 * (1.1e-3 + 1)), {"step": 1e-4, "steps": 10, "metric": "average_objective"}),
    "short steps, gradient": (1 / (1e-3 + 1) ** 2, {"step": 1e-4, "steps": 10, "metric": "best_gradient"}),
    "proximal point": (1 / (4 * 5e6), {**POINT, "step": 1e6, "steps": 5}),
    "proximal point, tiny": (1 / (4 * 5e-9), {**POINT, "step": 1e-9, "steps": 5}),
    "proximal point, both": (1 / (4 * (1e5 + 1e-5)), {**POINT, "step": [1e5, 1e-5], "steps": 2}),
    "proximal point has no L": (0.25, {**POINT, "L": 3.0, "steps": 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_known_values(name: str) -> None:
    right, asked = KNOWN[name]
    answer = bounds.worst_case(**asked)
    assert answer.lower <= right * (1 + 1e-12)
    assert answer.upper >= right * (1 - 1e-12)
    assert answer.lower <= answer.value <= answer.upper
    assert answer.closed, answer.summary()
    assert answer.value == pytest.approx(right, rel=1e-5, abs=0)


def test_closed_is_relative() -> None:
    assert bounds.worst_cases.tolerance(1e-8) == pytest.approx(1e-13)
    answer = bounds.worst_case(**STRONG, mu=0.9999, steps=1, metric="distance")
    wide = answer.lower * (1 - 2e-5)
    assert answer.closed
    object.__setattr__(answer, "lower", wide)  # a gap of 2e-13, far below any absolute tolerance
    assert not answer.closed
    assert bounds.worst_case(L=1e6, metric="best_gradient").floor == pytest.approx(1e-12 * 1e12)


@settings(max_examples=5)
@given(exponent=st.integers(-20, 20), metric=st.sampled_from(["objective", "distance", "best_gradient"]))
def test_the_metric_scales_with_L_exactly(exponent: int, metric: str) -> None:
    """A power of two of L multiplies both ends by what the metric is homogeneous of, to the last digit."""
    factor = 2.0**exponent
    asked = {**STRONG, "step": 0.75, "steps": 3, "metric": metric}
    one, other = bounds.worst_case(**asked, mu=0.25), bounds.worst_case(**asked, L=factor, mu=0.25 * factor)
    by = {"objective": factor, "distance": 1.0, "best_gradient": factor**2}[metric]
    assert (other.lower, other.upper, other.value) == (by * one.lower, by * one.upper, by * one.value)


@settings(max_examples=5)
@given(exponent=st.integers(-20, 20), steps=st.integers(1, 4), metric=st.sampled_from(["objective", "distance"]))
def test_gamma_is_a_unit(exponent: int, steps: int, metric: str) -> None:
    factor = 2.0**exponent
    one, other = (bounds.worst_case(**POINT, step=g, steps=steps, metric=metric) for g in (1.0, factor))
    by = 1 / factor if metric == "objective" else 1.0
    assert (other.lower, other.upper) == (by * one.lower, by * one.upper)


def answered(seed: int) -> bool:
    """Whether a random question is closed; what is said of it has to hold."""
    asked, right = random_question(seed)
    try:
        answer = bounds.worst_case(**asked)
    except bounds.InputError:  # infinite, or of no meaning: `random_question` knows no answer
        assert right is None, asked
        return True
    assert answer.lower <= answer.value <= answer.upper, (asked, answer.summary())
    assert answer.lower >= 0 or asked["metric"] == "decrease"
    if right is not None:
        assert answer.lower <= right * (1 + 1e-12), (asked, answer.summary())
        assert answer.upper >= right * (1 - 1e-12), (asked, answer.summary())
        assert answer.closed, (asked, answer.summary())
    if answer.closed:
        ends = max(abs(answer.lower), abs(answer.upper), answer.floor)
        assert answer.upper - answer.lower <= 1e-5 * ends * (1 + 1e-12)
    return answer.closed


def test_some_random_questions() -> None:
    assert sum(map(answered, range(9))) >= 7


@pytest.mark.slow
def test_five_hundred_random_questions() -> None:
    assert sum(map(answered, range(500))) > 400


def test_closed_forms_are_attained_by_their_runs() -> None:
    for name in ("values, mu near L", "composite, values", "long steps", "proximal point"):
        right, asked = KNOWN[name]
        assert replay(bounds.worst_case(**asked))[1] == pytest.approx(right, rel=1e-6)


def test_certificates_of_closed_forms_are_exact() -> None:
    for name in ("contraction, mu near L", "values, mu nearly L", "longer steps", "gradients", "proximal point, both"):
        right, asked = KNOWN[name]
        proof = bounds.worst_case(**asked).certificate()
        assert proof.exact
        assert float(checker.check(json.loads(json.dumps(proof.data)))) == pytest.approx(right, rel=1e-9)
    one = bounds.worst_case(**KNOWN["one function"][1])
    assert one.certificate() is None
    assert "one function" in one.why_no_certificate


# -- certificates of another question


def relabelled(certificate: dict, **entries: object) -> dict:
    changed = {**copy.deepcopy(certificate), **entries}
    return {**changed, "digest": checker.digest(changed)}


RELABELLED = (
    {"function_class": "smooth_convex"},
    {"function_class": "smooth_nonconvex"},
    {"function_class": "composite_strongly_convex"},
    {"function_class": "composite_strongly_convex", "method": "proximal_gradient"},
    {"function_class": "convex", "method": "proximal_point"},
    {"function_class": "anything"},
    {"method": "heavy_ball"},
    {"method": "heavy_ball", "momentum": ["0.5", "0.5"]},
    {"method": "newton"},
    {"mu": "0"},
    {"mu": "1/10"},
    {"mu": "2"},
    {"L": "2"},
    {"L": 1.0},
    {"step": ["1/2", "1/2"]},
    {"step": ["1", "1", "1"]},
    {"steps": 3},
    {"steps": True},
    {"metric": "distance"},
    {"metric": "average_objective"},
    {"metric": "speed"},
    {"initial": "objective"},
    {"initial": "gradient"},
    {"relative_error": ["1/2", "1/2"], "momentum": ["0", "0"]},
    {"absolute_error": ["-1", "-1"]},
    {"momentum": ["0", "0"]},
    {"exact": 1},
    {"note": "more"},
    {"tau": "1e9"},
)


@pytest.mark.parametrize("entries", RELABELLED)
def test_a_certificate_is_of_its_question_alone(entries: dict) -> None:
    answer = bounds.worst_case(function_class="smooth_strongly_convex", mu=0.5, steps=2)
    data = answer.certificate().data
    assert checker.check(data) < Fraction(1, 10)
    with pytest.raises(checker.Wrong):
        checker.check({**data, **entries})
    with pytest.raises(checker.Wrong):
        checker.check(relabelled(data, **entries))


def test_a_witness_has_every_point_of_the_run() -> None:
    data = bounds.worst_case(steps=3).certificate().data
    for name in data["witness"]["values"]:
        witness = copy.deepcopy(data["witness"])
        del witness["values"][name]
        with pytest.raises(checker.Wrong):
            checker.check(relabelled(data, witness=witness))
    with pytest.raises(checker.Wrong, match="entries"):
        checker.check(relabelled(data, exact=False))  # "exact" and a witness belong together


# -- what is infinite, and what a sweep makes of it


def test_a_sweep_goes_on() -> None:
    asked = [{"step": 1.0}, {"step": 10.0, "steps": 10}, {"initial": "gradient"}, {"step": 0.5}]
    one, long, infinite, last = sweep(asked)
    assert (one.closed, long.value, last.closed) == (True, pytest.approx(9.0**20 / 2), True)
    assert isinstance(infinite, bounds.UnboundedError)
    assert infinite.value == infinite.lower == infinite.upper == math.inf
    assert infinite.setting.initial == "gradient"


INFINITE = (
    {"initial": "decrease", "metric": "best_gradient", "step": 2.5, "steps": 2},
    {**STRONG, "mu": 0.5, "initial": "decrease", "metric": "distance", "step": 3.0, "steps": 2},
    {"method": "accelerated_gradient", "initial": "objective", "metric": "distance", "steps": 4},
    {"function_class": "composite", "method": "proximal_gradient", "relative_error": 1.5, "steps": 3},
)


@pytest.mark.parametrize("asked", INFINITE)
def test_infinity_is_shown(asked: dict) -> None:
    with pytest.raises(bounds.UnboundedError, match="a ray of instances"):
        bounds.worst_case(**asked)


FINITE = (
    {"method": "heavy_ball", "momentum": 0.3, "step": 100.0, "steps": 8},
    {"step": [10.0, 0.1, 1e3, 0.5], "steps": 4},
    {"step": 1e4, "steps": 4, "relative_error": 0.5},
    {"method": "go_math", "momentum": (0.5, 0.5), "step": 1e3, "steps": 5},
    {"function_class": "composite", "method": "accelerated_gradient", "step": 1e3, "steps": 4},
    {"function_class": "smooth_nonconvex", "initial": "objective", "metric": "best_gradient", "step": 1e3, "steps": 4},
    {**COMPOSITE_STRONG, "mu": 1e-9, "step": 1e-4, "steps": 2, "relative_error": 0.9, "metric": "distance"},
    {**STRONG, "mu": 1.0, "step": 0.5, "steps": 2, "relative_error": 0.1},
    {**STRONG, "mu": 1.0, "step": 0.5, "steps": 4, "method": "accelerated_gradient"},
)


@pytest.mark.parametrize("asked", FINITE)
def test_what_is_finite_has_two_ends(asked: dict) -> None:
    answer = bounds.worst_case(**asked)
    assert 0 <= answer.lower <= answer.value <= answer.upper < math.inf, answer.summary()
    assert set(answer.sources) <= {"solver", "closed form", "sizes", ""}


# -- wherever the solver stops


@pytest.mark.parametrize(
    "asked", [{"steps": 3}, {**STRONG, "mu": 0.01, "steps": 2, "step": 1.98, "initial": "objective"}]
)
@pytest.mark.parametrize("status", ["InsufficientProgress", "NumericalError", "PrimalInfeasible", "MaxIterations"])
def test_a_solver_that_stops_early_changes_nothing_that_is_said(
    asked: dict, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its numbers are off by 1e-3 and worse: the interval, the value and the run on the instance stay right."""
    from l2obound.bounds.worst_cases import _conic, _envelope, _solve

    right = bounds.worst_case(**asked)

    def stopped(*arguments: object, **options: object) -> object:
        answer = _conic.solve(*arguments, **options)
        off = np.random.default_rng(0)
        return _conic.Solution(
            status,
            answer.value * 1.01,
            answer.multipliers * (1 + 1e-3 * off.standard_normal(len(answer.multipliers))),
            answer.values * 1.01,
            [gram * 1.01 for gram in answer.grams],
            answer.iterations,
        )

    monkeypatch.setattr(_solve, "solve", stopped)
    monkeypatch.setattr(_envelope, "solve", stopped)
    answer = bounds.worst_case(**asked)
    assert answer.lower <= right.upper
    assert right.lower <= answer.upper
    assert answer.lower <= answer.value <= answer.upper
    assert answer.closed
    assert answer.value == pytest.approx(right.value, rel=1e-5)
    assert replay(answer)[1] == pytest.approx(right.value, rel=1e-6)
