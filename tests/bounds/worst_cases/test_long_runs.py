"""Long runs: both ends of gradient descent and proximal gradient at K = 200 and of acceleration at K = 50."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import _closed, _rigour, checker
from l2obound.bounds.worst_cases._setting import Setting
from l2obound.verification.worst_cases.run_instance import replay


@pytest.mark.parametrize(
    ("method", "function_class", "K", "step"),
    [
        ("gradient", "smooth_convex", 50, 1),
        ("proximal_gradient", "composite", 41, Fraction(1, 2)),
        pytest.param("gradient", "smooth_convex", 200, 1, marks=pytest.mark.slow),
        pytest.param("proximal_gradient", "composite", 200, 1, marks=pytest.mark.slow),
    ],
)
def test_known_patterns_close_long_runs(method: str, function_class: str, K: int, step: Fraction) -> None:
    worst = bounds.worst_case(function_class, method=method, steps=K, step=step)
    right = 1 / Fraction(4 * step * K + (2 if method == "gradient" else 0))
    assert worst.sources == ("closed form", "closed form")
    assert worst.lower <= right <= worst.upper
    assert worst.gap <= 1e-15
    certificate = worst.certificate()
    assert certificate is not None
    assert certificate.exact
    assert certificate.tau == right
    assert worst.instance["x"].shape == (K + 1, 1)
    if K <= 50:
        data = json.loads(json.dumps(certificate.data))
        assert checker.check(data) == right
        data["tau"] = str(right - Fraction(1, 10**9))
        data["digest"] = checker.digest(data)
        with pytest.raises(checker.Wrong, match="prove"):
            checker.check(data)
        assert replay(worst)[1] == pytest.approx(float(right), rel=1e-9)


@pytest.mark.parametrize("function_class", ["smooth_convex", "composite"])
def test_acceleration_is_closed_at_fifty_steps(function_class: str) -> None:
    """The lower end is a run of balls on a function of one variable, the upper end a repaired proof."""
    worst = bounds.worst_case(function_class, method="accelerated_gradient", steps=50)
    assert worst.closed
    assert worst.sources == ("solver", "solver")
    assert worst.gap <= 1e-5 * worst.lower
    assert worst.instance["x"].shape == (51, 1)
    assert replay(worst)[1] == pytest.approx(worst.lower, rel=1e-9)
    assert worst.upper < 2 / 51**2, "Beck and Teboulle's bound"
    assert "irrational" in worst.why_no_certificate


def test_balls_of_too_few_digits_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Momentum makes radii grow with the steps: with 53 bits nothing is left at 50 of them."""
    monkeypatch.setattr(_rigour, "_bits", lambda setting: 53)
    worst = bounds.worst_case("composite", method="accelerated_gradient", steps=50)
    assert not worst.closed
    assert worst.lower > 7e-4


def test_the_run_on_a_line_is_a_lower_end_only_where_it_is_a_run() -> None:
    s = bounds.worst_case("composite", method="accelerated_gradient", steps=4).setting
    low, line = _closed.line_of_balls(s)
    assert 0 < low <= Fraction(5167330, 10**8)
    assert set(line.vectors) >= {"x0", "g0", "s1", "gy2"}
    other: Setting = replace(s, metric="best_gradient")
    assert _closed.line_of_balls(other) is None
