"""Runs against accelerated steps: the quantities in exact arithmetic, and the weights of B19."""

import mpmath as mp
import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds.vocabulary import ACCELERATED, Q
from tests.helpers import bound_runs as runs
from tests.helpers import guaranteed_runs as guaranteed

BATCH, STEPS, N = 4, 6, 3


def exact(x, curvature, s, L, z, where):
    """The quantities of one run on sum c_i x_i^2/2, at 60 digits; `where` are the points y_k in float64."""
    with mp.workdps(60):
        vector = mp.matrix
        points, u, a = [vector(row) for row in x], vector(x[0]), mp.mpf(1)
        out = {"accel_momentum": [], "accel_weight": [0], "accel_dist": [mp.norm(u - vector(z))]}
        out |= {"accel_ex": [], "accel_enorm": [], "off": []}
        for k in range(len(s)):
            y = points[k] + (u - points[k]) / a
            G = vector([mp.mpf(c) * y[i] + mp.mpf(s[k][i]) for i, c in enumerate(curvature)])
            e = y - points[k + 1] - G / mp.mpf(L)
            u = points[k] + a * (points[k + 1] - points[k])
            away = u - vector(z)
            out["off"].append(mp.norm(y - vector(where[k])))
            out["accel_momentum"].append(a)
            out["accel_weight"].append(a**2)
            out["accel_dist"].append(mp.norm(away))
            out["accel_enorm"].append(mp.norm(e))
            out["accel_ex"].append(sum(e[i] * away[i] for i in range(len(z))))
            a = (1 + mp.sqrt(1 + 4 * a**2)) / 2
        return out


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_errors_cover_exact_arithmetic_and_are_small(scale):
    rng = np.random.default_rng(0)
    x = scale * rng.standard_normal((BATCH, STEPS + 1, N))
    x[1] = x[1, :1] + 1e-9 * x[1]  # a run that hardly moves
    s, z = rng.standard_normal((BATCH, STEPS, N)), rng.standard_normal((BATCH, N))
    curvature, L = 2.0 ** rng.integers(-3, 3, (BATCH, N)), rng.uniform(4, 8, BATCH)
    ahead = bounds.accelerated.look_ahead(x)
    # powers of 2, so that the gradients at the points in float64 are exact
    values, errors = bounds.accelerated.measure(
        ahead, gradient=curvature[:, None] * ahead.point, subgradient=s, L=L, L_error=np.zeros(BATCH), comparator=z
    )
    assert set(values) == set(ACCELERATED)
    for b in range(BATCH):
        for name, row in exact(x[b], curvature[b], s[b], L[b], z[b], ahead.point[b]).items():
            if name == "off":
                assert all(off <= error for off, error in zip(row, ahead.error[b], strict=True))
                continue
            for k, true in enumerate(row):
                assert abs(mp.mpf(values[name][b, k]) - true) <= errors[name][b, k], (name, b, k)
    assert (errors["accel_enorm"] <= 1e-13 * (1 + scale)).all()
    assert (ahead.error <= 1e-14 * scale * 10).all()


def test_an_error_of_the_gradient_or_of_L_counts():
    run = runs.battery()[4]
    ahead = bounds.accelerated.look_ahead(run.x)
    arguments = {"gradient": run.gradient, "subgradient": run.subgradient, "L": run.L, "comparator": run.comparator}
    _, sure = bounds.accelerated.measure(ahead, **arguments, L_error=0.0)
    for more in ({"gradient_error": 1e-3, "L_error": 0.0}, {"L_error": 1e-3 * run.L}):
        _, vague = bounds.accelerated.measure(ahead, **arguments, **more)
        assert (vague["accel_enorm"] > 10 * sure["accel_enorm"]).all()
    values, errors = bounds.accelerated.measure(ahead, **arguments, gradient_error=np.inf)
    assert np.isinf(values["accel_enorm"]).all()
    assert np.isinf(errors["accel_ex"]).all()


def test_wrong_arrays_are_refused():
    with pytest.raises(bounds.InputError, match=r"expected \(B, K\+1, n\)"):
        bounds.accelerated.look_ahead(np.zeros((2, 3)))
    with pytest.raises(bounds.InputError, match="at least one run, one step"):
        bounds.accelerated.look_ahead(np.zeros((2, 1, 3)))
    ahead = bounds.accelerated.look_ahead(np.zeros((2, 3, 4)))
    arguments = {"gradient": np.zeros((2, 2, 4)), "subgradient": np.zeros((2, 2, 4)), "comparator": np.zeros((2, 4))}
    with pytest.raises(bounds.InputError, match="`gradient` has shape"):
        bounds.accelerated.measure(ahead, **{**arguments, "gradient": np.zeros((2, 3, 4))}, L=1.0)
    with pytest.raises(bounds.InputError, match="`L` must be > 0"):
        bounds.accelerated.measure(ahead, **arguments, L=0.0)


def resting(weights):
    """A run that stays on a slope, with weights A_1, A_2, ... of its choice."""
    q = guaranteed.with_accelerated(runs.line([2.0] * (len(weights) + 1), slope=0.4, L=3.0, z=0.5))
    A = np.concatenate([[0.0], weights])
    return runs.with_further(q, {"accel_weight": A[None], "accel_momentum": np.diff(A)[None]})


def test_weights_of_another_recurrence_are_refused():
    bound = bounds.get("accelerated_inexact")
    own = bounds.accelerated.momenta(5)[0][1:] ** 2
    assert runs.holds(bound, resting(own))[0].all()
    k = np.arange(1, 6)
    for other in ((k + 1) ** 2 / 4, k * (k + 1) / 2, own * (1 + 1e-9), own - 1e-9, np.append(own[:-1], own[-1] + 1e-6)):
        assert not runs.holds(bound, resting(other))[0].any()


def test_a_run_below_the_comparator_is_no_business_of_the_a_priori_form():
    bound = bounds.get("accelerated_inexact:a_priori")
    above = guaranteed.with_accelerated(runs.line([2.0, 1.0, 0.5], curvature=1.0, L=1.0, z=0.0))
    assert runs.holds(bound, above)[0].all()
    below = guaranteed.with_accelerated(runs.line([2.0, 1.0, 0.5], curvature=1.0, L=1.0, z=1.5))
    assert not runs.holds(bound, below)[0].any()
    blurred = runs.with_further(above, {}, {"F": np.full((1, 3), 1.0)})
    assert not runs.holds(bound, blurred)[0].any(), "it has to be certain"


@pytest.mark.parametrize("form", ["", ":sharp"])
def test_half_of_L_is_caught(form):
    """On the run that attains the sharp form: the curvature of f is 0, so nothing but the bound can tell."""
    K = 4
    u, a = 2.0 * (1 - np.arange(K + 1) / (K + 1)), bounds.accelerated.momenta(K)[0]
    x = [2.0]
    for i in range(1, K + 1):
        x.append(x[-1] + (u[i] - x[-1]) / a[i])
    run = runs.line(x, r_slope=2.0 / ((K + 1) * a[K]), L=1.0)
    bound = bounds.get(f"accelerated_inexact{form}")
    ok, broken = runs.holds(bound, guaranteed.with_accelerated(run))
    assert ok.all()
    assert not broken.any()
    # the deviations belong to L = 1; with half of it in the rate alone the bound is broken
    lower = bound.replace(rhs=bound.rhs - Q.R**2 / (4 * Q.accel_weight[Q.K]))
    assert runs.holds(lower, guaranteed.with_accelerated(run))[1].all()
