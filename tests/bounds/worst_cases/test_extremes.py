"""Numbers at the ends of what can be asked, and what must not be lost in them: digits, proofs, answers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import _closed, _envelope
from l2obound.bounds.worst_cases._crude import crude_upper
from l2obound.bounds.worst_cases._fractions import double, nonzero_double, root_above, rounded_up
from l2obound.bounds.worst_cases._setting import setting

STRONG = {"function_class": "smooth_strongly_convex"}
ONE = {"function_class": "composite_strongly_convex", "method": "proximal_gradient", "mu": 1}
LONG = {"function_class": "composite_strongly_convex", "method": "proximal_gradient", "initial": "objective"}


def near(digits: int) -> Fraction:
    """1 - 10^-digits."""
    return 1 - Fraction(1, 10**digits)


def is_interval(asked: dict[str, Any]) -> bounds.WorstCase:
    """The answer to a question, whose ends agree."""
    answer = bounds.worst_case(**asked)
    assert answer.lower <= answer.value <= answer.upper, answer.summary()
    return answer


# -- mu = L with a nonsmooth part


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("step", [0.5, 1, 2, 2.5, 3])
@pytest.mark.parametrize("initial", ["distance", "objective"])
def test_one_function_never_climbs_less_than_its_run(step: float, steps: int, initial: str) -> None:
    """r = 0 is one of the functions: F(x_K) - F(x_0) = ((1 - h)^(2K) - 1)/2 from a distance of 1."""
    result = is_interval({**ONE, "step": step, "steps": steps, "metric": "decrease", "initial": initial})
    climbed = ((1 - Fraction(step)) ** (2 * steps) - 1) / (2 if initial == "distance" else 1)
    assert result.upper >= max(climbed, 0)
    assert result.closed == (step <= 2)


@pytest.mark.parametrize(
    ("right", "asked"),
    [
        (0.25, {"step": 0.5, "steps": 1, "initial": "objective"}),
        (0.0, {"steps": 2, "initial": "objective"}),
        (64.0, {"step": 3, "steps": 3, "metric": "distance"}),
        (16.0, {"step": 3, "steps": 2, "initial": "objective"}),
        (1.0, {"step": 2, "steps": 2, "metric": "distance"}),
    ],
)
def test_one_function_is_closed_by_what_is_proved_below_L(right: float, asked: dict) -> None:
    result = is_interval({**ONE, **asked})
    assert result.lower <= right <= result.upper
    assert result.closed
    assert result.sources == ("closed form", "closed form")


def test_multipliers_that_prove_nothing_bound_nothing_at_mu_L(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_closed, "multipliers", lambda _: iter([{("initial",): Fraction(0)}]))
    assert is_interval({**ONE, "step": 3, "steps": 1, "metric": "distance"}).upper >= 4.0


@pytest.mark.parametrize("mu", [0.5, near(5), near(9), 1])
@pytest.mark.parametrize("step", [3, 3303])
def test_values_beyond_steps_of_two_over_L_with_any_r(mu: Any, step: int) -> None:
    result = is_interval({**LONG, "mu": mu, "step": step, "steps": 2})
    assert result.closed
    assert result.value == pytest.approx((step - 1) ** 4, rel=1e-5)


# -- crude bounds lose no digit

ATTAINED = {
    "1 - h mu, with an error": (
        Fraction(4, 10**34),
        {**STRONG, "mu": near(17), "steps": 1, "metric": "distance", "absolute_error": 1e-17},
    ),
    "1 - h mu, beyond doubles": (
        Fraction(4, 10**80),
        {**STRONG, "mu": near(40), "steps": 1, "metric": "distance", "absolute_error": Fraction(1, 10**40)},
    ),
    "1 - b": (
        Fraction(1),  # f = x^2/2: x_1 = 0, v_1 = (1 - b) x_0, x_2 = -q v_1 = x_0
        {**STRONG, "mu": 0.5, "method": "go_math", "steps": 2, "metric": "distance",
         "momentum": (1e17, 1 + Fraction(1, 10**17))},
    ),
    "1 - h": (
        Fraction(1, 10**80),
        {**STRONG, "mu": 1, "steps": 2, "step": 1 + Fraction(1, 10**20), "metric": "distance"},
    ),
    "an underflow on the way": (
        Fraction(5, 10**61),
        {**STRONG, "L": 10**300, "mu": 10**300 - 10**120, "steps": 1},
    ),
    "nothing left of doubles": (
        Fraction(1, 10**400),
        {**STRONG, "mu": near(200), "steps": 1, "metric": "distance", "absolute_error": Fraction(1, 10**290)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTAINED)
def test_what_is_attained_is_below_the_upper_end(name: str) -> None:
    attained, asked = ATTAINED[name]
    result = is_interval(asked)
    assert Fraction(result.upper) >= attained


@pytest.mark.parametrize("step", [1e-30, 1e-160, 1e-300])
@pytest.mark.parametrize("error", ["relative_error", "absolute_error"])
def test_the_point_ahead_is_not_lost_beside_the_iterate(step: float, error: str) -> None:
    """A nearly linear f climbed by errors: three steps of (size - 1) h each, and what momentum adds."""
    size = 1e6
    asked = dict.fromkeys(("L", "mu", "relative_error", "absolute_error", "momentum"))
    asked |= {"function_class": "smooth_convex", "method": "accelerated_gradient", "step": step, "steps": 3}
    crude = crude_upper(setting(**{**asked, "metric": "decrease", "initial": "gradient", error: size}))
    assert crude >= Fraction(328, 100) * Fraction(step) * (Fraction(size) - 1)


@pytest.mark.parametrize("exponent", [-4000, -1001, -50, 0, 3, 1001, 4000])
def test_roots_and_rounding_go_upwards(exponent: int) -> None:
    for top in (1, 2, 9, 10**60 + 1):
        value = Fraction(top) * Fraction(2) ** exponent
        root = root_above(value)
        assert value <= root**2 <= value * (1 + Fraction(1, 2**59))
        third = value / 3
        assert third <= rounded_up(third) <= third * (1 + Fraction(1, 2**120))
        assert math.isfinite(double(value))
        assert 0 < nonzero_double(value) < math.inf
        assert -math.inf < nonzero_double(-value) < 0
    assert root_above(Fraction(4, 9)) == Fraction(2, 3)
    assert root_above(Fraction(0)) == rounded_up(Fraction(0)) == nonzero_double(0) == 0


# -- ends that contradict each other are no answer


def test_a_contradiction_is_never_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {**STRONG, "mu": 0.5, "method": "go_math", "steps": 2, "metric": "distance",
             "momentum": (1e17, 1 + Fraction(1, 10**17))}  # fmt: skip
    assert is_interval(asked).sources[1] == "sizes"
    monkeypatch.setattr(_envelope, "crude_upper", lambda _: Fraction(1, 16))
    answer = bounds.worst_case(**asked)
    for name in ("lower", "upper", "value", "closed"):
        with pytest.raises(bounds.DefectError, match=r"a defect of this package.* at least 1 .*at most 0.0625"):
            getattr(answer, name)


# -- no number of the documented range ends in another error

EXTREME = (
    {"steps": 1, "absolute_error": 1e-170},
    {"steps": 1, "absolute_error": 1e200},
    {"steps": 1, "absolute_error": 1e300, "L": 1e-300},
    {"steps": 1, "absolute_error": 1e-300, "L": 1e300},
    {"steps": 1, "relative_error": 1e300},
    {"steps": 1, "relative_error": 1e-300},
    {"steps": 3, "method": "heavy_ball", "momentum": 1e300},
    {"steps": 3, "method": "heavy_ball", "momentum": -2, "step": 1e-300, "metric": "best_gradient",
     "initial": "decrease", "absolute_error": 1e-8},
    {"steps": 3, "step": 1e200, "metric": "distance"},
    {"steps": 1, "step": 1e300, "L": 1e-300},
    {"steps": 3, "function_class": "smooth_nonconvex", "step": 1e160, "initial": "objective", "absolute_error": 1e-3},
    {"steps": 2, "function_class": "convex", "method": "proximal_point", "step": [1e300, 1e-300]},
    {**ONE, "method": "projected_gradient", "steps": 2, "step": 1e-300, "metric": "best_gradient",
     "initial": "objective", "relative_error": 1e-160, "absolute_error": 1e200},
)  # fmt: skip


@pytest.mark.parametrize("asked", EXTREME)
def test_extreme_numbers_have_an_interval(asked: dict) -> None:
    result = is_interval(asked)
    assert result.summary()
    assert result.certificate() is None or result.certificate().tau > 0


BEYOND = (
    {"step": Fraction(10**400)},
    {"step": [1, Fraction(1, 10**400)]},
    {"L": 10**400},
    {"L": 1e-305},
    {"function_class": "smooth_strongly_convex", "mu": Fraction(1, 10**400)},
    {"relative_error": Fraction(10**400)},
    {"relative_error": Fraction(1, 10**400)},
    {"absolute_error": 1e307},
    {"method": "heavy_ball", "momentum": Fraction(-(10**400))},
    {"method": "go_math", "momentum": (0.5, Fraction(1, 10**400))},
)


@pytest.mark.parametrize("asked", BEYOND)
def test_numbers_beyond_the_range_are_refused(asked: dict) -> None:
    with pytest.raises(bounds.InputError, match=r"expected 0 or a number from 1e-300 to 1e300 in size, got one of"):
        bounds.worst_case(**asked, steps=2)
