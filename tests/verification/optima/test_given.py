"""A lower end of F* that the user gives: used where nothing is certified, called trusted, refused where it is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.errors import InputError
from l2obound.verification import Verdict, optimum, run_certificate, verify
from l2obound.verification.report._own_page import render_runs
from l2obound.verification.report.own_runs import results_of_runs

B, M, N = 3, 4, 6
rng = np.random.default_rng(2)
A, Y = rng.standard_normal((B, M, N)), rng.standard_normal((B, M))
L = np.linalg.norm(A, 2, axis=(1, 2)) ** 2


def squares(x, A, y):
    return 0.5 * (torch.einsum("bmn,bn->bm", A, x) - y).square().sum(-1)


def shrink(u, step):
    return u.sign() * (u.abs() - 0.2 * step).clamp(min=0)


# of functions: there is no dual, and A has a kernel; the same of the package's terms, where F* is certified
P = l2o.Composite(
    l2o.smooth(squares, dim=N, L=L, data={"A": A, "y": Y}),
    l2o.nonsmooth(lambda x: 0.2 * x.abs().sum(-1), shrink, dim=N),
)
SAME = l2o.Composite(l2o.least_squares(A, Y), l2o.l1(0.2))
CERTIFIED = optimum(SAME, cache=False)
BARE = optimum(P, cache=False)
RUN = l2o.rollout(l2o.optimizer("ista"), P, np.ones((B, N)), 20)


def test_a_given_lower_end_makes_a_verdict_which_says_so() -> None:
    assert not np.isfinite(BARE.lower).any()
    assert verify(RUN, P, "ood_last_iterate", BARE).overall is Verdict.INCONCLUSIVE
    interval = optimum(P, cache=False, lower=CERTIFIED.lower - 1e-9)
    assert interval.trusted.all()
    assert set(interval.certificate) == {"given"}
    assert all(reason is None or "was given" in reason for reason in interval.reason)
    v = verify(RUN, P, "ood_last_iterate", interval)
    assert v.overall is Verdict.VERIFIED
    assert "as given on 3 of 3 instances: nothing proves it" in v.summary()
    assert "as given" not in verify(RUN, P, "per_step_descent", interval).summary(), "bounds on steps need no F*"


def test_a_certificate_comes_first() -> None:
    interval = optimum(SAME, cache=False, lower=CERTIFIED.lower - 1.0)
    assert not interval.trusted.any()
    np.testing.assert_array_equal(interval.lower, CERTIFIED.lower)
    part = optimum(P, cache=False, lower=[-np.inf, 0.0, -np.inf])
    assert part.trusted.tolist() == [False, True, False]


def test_a_run_certificate_is_a_lower_end() -> None:
    def ends(x):
        kink = 0.2 * (x == 0)
        return 0.2 * x.sign() - kink, 0.2 * x.sign() + kink

    p = l2o.Composite(P.smooth, l2o.nonsmooth(lambda x: 0.2 * x.abs(), shrink, dim=N, subdifferential=ends))
    radius = np.linalg.norm(CERTIFIED.x - 1.0, axis=1) + 0.1
    certificate = run_certificate(l2o.rollout(l2o.optimizer("ista"), p, np.ones((B, N)), 20), p, radius=radius)
    interval = optimum(p, cache=False, lower=certificate.lower[:, -1])
    assert np.isfinite(interval.lower).all()
    assert (interval.lower <= CERTIFIED.upper).all()
    np.testing.assert_array_equal(interval.lower, certificate.lower[:, -1])


@pytest.mark.parametrize("above", [1e-3, 1.0])
def test_a_lower_end_above_F_is_named_and_judges_nothing(above: float) -> None:
    lower = CERTIFIED.lower.copy()
    lower[1] = CERTIFIED.upper[1] + above
    with pytest.raises(InputError, match=r"F\* of instance 1 was given to be at least .* at a point.*is wrong"):
        optimum(P, cache=False, lower=lower)
    with pytest.raises(InputError, match="instance 1"):
        optimum(SAME, cache=False, lower=lower)


def test_a_lower_end_above_an_iterate_is_named_and_no_bound_is_violated() -> None:
    """The point of the interval is a poor one, so that only the run can contradict the number."""
    value = P.objective(RUN.x[:, 0]).numpy()
    interval = replace(BARE, x=RUN.x[:, 0].numpy(), upper=value + 1e-12, lower=value - 1e-3, certificate=("given",) * B)
    for name in ("ood_last_iterate", "per_step_descent"):
        with pytest.raises(InputError, match=r"at the iterate x_20 of ista.*no bound is judged with it"):
            verify(RUN, P, name, interval)
    with pytest.raises(InputError, match="at the iterate x_20"):
        results_of_runs({"mine": RUN}, P, interval)
    ours = replace(interval, certificate=("fenchel-dual",) * B)
    assert verify(RUN, P, "ood_last_iterate", ours).overall is Verdict.VIOLATED, "one that nobody gave is wrong data"


def test_within_rounding_a_number_is_not_wrong() -> None:
    interval = optimum(P, cache=False, lower=BARE.upper)
    assert interval.trusted.all()
    assert (interval.width == 0).all()


def test_points_are_taken_where_they_are_better() -> None:
    def waves(x):
        return x.cos().sum(-1) + 0.01 * x.sum(-1)

    p = l2o.Composite(l2o.smooth(waves, dim=2, L=1.0, batch=2, convex=False), l2o.zero())
    here = optimum(p, cache=False)
    far = here.x - np.array([[20 * np.pi], [0.0]])
    there = optimum(p, cache=False, x=far)
    assert there.upper[0] < here.upper[0] - 1
    np.testing.assert_array_equal(there.x[0], far[0])
    assert there.upper[1] == here.upper[1]
    assert there.solver[0] == "given point"
    with pytest.raises(InputError, match="expected shape"):
        optimum(p, cache=False, x=far[:, :1])


@pytest.mark.parametrize("wrong", [np.inf, np.nan, [0.0, 0.0], "low"])
def test_what_is_no_lower_end_is_one_error(wrong) -> None:
    with pytest.raises(InputError, match="lower"):
        optimum(P, cache=False, lower=wrong)


def test_the_page_says_what_is_trusted() -> None:
    interval = optimum(P, cache=False, lower=CERTIFIED.lower - 1e-9)
    log = l2o.run_from_objectives(P, RUN.objective - 1.0)
    page = render_runs(results_of_runs({"mine": RUN, "log": log}, P, interval, ["ood_last_iterate"]))
    assert "The lower end of F* is as given on 3 of 3 instances: nothing proves it" in page
    assert "or the lower end that was given is wrong" in page
    plain = render_runs(results_of_runs({"mine": RUN}, SAME, CERTIFIED, ["ood_last_iterate"]))
    assert "as given" not in plain


def test_selecting_keeps_the_mark() -> None:
    interval = optimum(P, cache=False, lower=[-np.inf, 0.0, -np.inf])
    assert interval.select([1, 0]).trusted.tolist() == [True, False]


def test_optima_and_certificates_print_in_a_line() -> None:
    assert repr(CERTIFIED).startswith("Optimum(3 instances, F* ")
    assert "relative width up to inf, none 3)" in repr(BARE)
    assert "given 3" in repr(optimum(P, cache=False, lower=0.0))
    line = repr(run_certificate(l2o.rollout(l2o.optimizer("ista"), SAME, np.ones((B, N)), 20), SAME))
    assert line.startswith("RunCertificate(3 instances, k = 20, F(best point) - F* at most ")
    assert "\n" not in line
