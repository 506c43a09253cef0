"""Ball arithmetic encloses exact rational arithmetic, and a planted unsound version does not."""

from fractions import Fraction
from itertools import pairwise
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2obound import bounds
from l2obound.bounds import Ball
from l2obound.bounds.evaluation import ball as _ball

# of every order of magnitude, where products and quotients underflow or overflow
extreme = st.builds(lambda m, e: m * 10.0**e, st.floats(1, 10), st.integers(-323, 307))
numbers = st.one_of(
    extreme,
    extreme.map(lambda t: -t),
    st.floats(-1e3, 1e3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 5e-324, 1e-308, 1.0, 1 / 3, 1e308, -1e-160]),
)
radii = st.one_of(
    extreme, st.just(0.0), st.floats(0, 1e-10), st.floats(0, 1e3), st.sampled_from([5e-324, 1e-170, 1e300])
)
shares = st.fractions(-1, 1, max_denominator=8)
balls = st.tuples(numbers, radii, shares)
few, many = (settings(derandomize=True, deadline=None, max_examples=most) for most in (60, 300))


def member(drawn):
    """A ball and an exact member of it."""
    mid, rad, share = drawn
    return Ball(mid, rad), Fraction(mid) + share * Fraction(rad)


def encloses(ball, exact):
    mid, rad = float(ball.mid), float(ball.rad)
    return rad == np.inf or abs(Fraction(mid) - exact) <= Fraction(rad)


OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "square": lambda a, b: a**2,
    "cube": lambda a, b: a**3,
    "inverse": lambda a, b: a**-2,
    "abs": lambda a, b: abs(a),
    "neg": lambda a, b: -a,
    "max": lambda a, b: a.maximum(b) if isinstance(a, Ball) else max(a, b),
    "min": lambda a, b: a.minimum(b) if isinstance(a, Ball) else min(a, b),
    "mixed": lambda a, b: (a - b) * (a + b) + a * b,
}


@pytest.mark.parametrize("name", OPERATIONS)
@few
@given(first=balls, second=balls)
def test_operations_enclose_exact_arithmetic(name, first, second):
    assert_operation_encloses(name, first, second)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
@many
@given(first=balls, second=balls)
def test_operations_enclose_exact_arithmetic_of_many(name, first, second):
    assert_operation_encloses(name, first, second)


def assert_operation_encloses(name, first, second):
    (a, x), (b, y) = member(first), member(second)
    if (name == "div" and y == 0) or (name == "inverse" and x == 0):
        return
    result = OPERATIONS[name](a, b)
    assert encloses(result, OPERATIONS[name](x, y))
    exact = OPERATIONS[name](x, y)
    if np.isfinite(result.rad):
        assert (not np.isfinite(result.lower)) or Fraction(float(result.lower)) <= exact
        assert (not np.isfinite(result.upper)) or Fraction(float(result.upper)) >= exact


@many
@given(drawn=balls)
def test_roots_enclose_exact_roots(drawn):
    ball, x = member(drawn)
    if x < 0:
        return
    root = ball.sqrt()
    if root.rad == np.inf:
        return
    scale = 10**400  # floor and ceiling of sqrt(x), in units of 1/scale
    low = isqrt(x.numerator * scale**2 // x.denominator)
    mid, rad = Fraction(float(root.mid)), Fraction(float(root.rad))
    assert mid - rad <= Fraction(low + 1, scale)
    assert mid + rad >= Fraction(low, scale)
    assert encloses(ball**3, x**3)


@few
@given(drawn=st.lists(balls, min_size=0, max_size=40))
def test_sums_enclose_exact_sums(drawn):
    assert_sum_encloses(drawn)


@pytest.mark.slow
@many
@given(drawn=st.lists(balls, min_size=0, max_size=40))
def test_sums_enclose_exact_sums_of_many(drawn):
    assert_sum_encloses(drawn)


def assert_sum_encloses(drawn):
    pairs = [member(d) for d in drawn]
    total = Ball([p.mid for p, _ in pairs], [p.rad for p, _ in pairs]).sum(axis=0)
    assert encloses(total, sum((x for _, x in pairs), Fraction(0)))


@pytest.mark.parametrize("planted", ["EPS", "_GROW"])
def test_an_arithmetic_that_forgets_rounding_is_caught(monkeypatch, planted):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 200))
    ra, rb = 10.0 ** rng.uniform(-20, -1, (2, 200))

    def missed():
        total = 0
        for ball, one in (
            (Ball(a) * Ball(b), lambda x, y, p, q: x * y),
            (
                Ball(a, ra) * Ball(b, rb),
                lambda x, y, p, q: (abs(x) + p) * (abs(y) + q) * (1 if x * y > 0 else -1),
            ),
            (Ball(a, ra) + Ball(b, rb), lambda x, y, p, q: x + y + p + q),
        ):
            exact = [one(*map(Fraction, row)) for row in zip(a, b, ra, rb)]
            total += sum(not encloses(ball[i], e) for i, e in enumerate(exact))
        return total

    assert missed() == 0
    monkeypatch.setattr(_ball, planted, 0.0 if planted == "EPS" else 1 - 1e-15)
    assert missed() > 0


def test_quotients_keep_what_underflows_in_their_radius():
    # |m/n| rad_b is below the least float, and divided by n it is not
    quotient = Ball(1e-314) / Ball(1e-100, 1e-110)
    for divisor in (Fraction(1e-100) + s * Fraction(1e-110) for s in (-1, 0, 1)):
        assert encloses(quotient, Fraction(1e-314) / divisor)
    rng = np.random.default_rng(0)
    sizes = 10.0 ** rng.uniform(-323, 307, (4, 4000))
    quotients = Ball(sizes[0], sizes[1]) / Ball(sizes[2], sizes[3])
    for i, (a, ra, b, rb) in enumerate(sizes.T):
        if np.isfinite(quotients.rad[i]):
            ends = [
                (Fraction(a) + s * Fraction(ra)) / (Fraction(b) + t * Fraction(rb)) for s in (-1, 1) for t in (-1, 1)
            ]
            assert all(encloses(quotients[i], end) for end in ends)


def test_division_by_a_ball_with_zero_knows_nothing():
    result = Ball([1.0, 1.0, 0.0]) / Ball([0.0, 1.0, 0.0], [0.0, 2.0, 0.0])
    assert (result.rad == np.inf).all()
    assert (result.mid == 0).all()
    assert (1.0 / Ball(2.0)).mid == 0.5


def test_overflow_and_differences_of_infinities_know_nothing():
    huge = Ball(1e308)
    for result in (
        huge * 10.0 - huge * 10.0,
        huge + huge,
        Ball(0.0) * Ball(0.0, np.inf),
        Ball(np.inf) - Ball(np.inf),
    ):
        assert result.mid == 0
        assert result.rad == np.inf
    assert Ball(-1.0, 0.5).sqrt().rad == np.inf


def test_radii_stay_near_rounding():
    x = Ball(np.linspace(0.1, 1, 1000))
    assert (x * x - x / 3.0).rad.max() < 1e-15
    assert x.sum(0).rad < 1e-11
    assert (x**2).sqrt().rad.max() < 1e-15
    assert Ball.rational(Fraction(1, 3)).rad < 1e-15
    assert Ball.rational(Fraction(3, 4)).rad == 0
    assert Ball.rational(Fraction(10**400)).rad == np.inf


def test_broadcasting_and_arrays_on_either_side():
    column, row = Ball(np.ones((3, 1))), np.arange(4.0)
    for result in (column + row, row + column, row - column, column * row, row * column, (row + 1) / column):
        assert isinstance(result, Ball)
        assert result.shape == (3, 4)
    assert all(a.shape == b.shape for a, b in pairwise([column.lower, column.upper, column.magnitude]))
    assert column.sum(axis=0, keepdims=True).shape == (1, 1)


@pytest.mark.parametrize(("mid", "rad"), [(np.nan, 0.0), (0.0, -1.0), (0.0, np.nan)])
def test_wrong_balls_are_refused(mid, rad):
    with pytest.raises(bounds.InputError, match="NaN"):
        Ball(mid, rad)


def test_other_powers_are_refused():
    with pytest.raises(bounds.InputError, match="half-integer"):
        Ball(2.0) ** Fraction(1, 3)
