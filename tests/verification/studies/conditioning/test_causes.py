"""Each cause on a planted run, by the real solvers where they show it, and what must not pass for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.verification.studies.conditioning import Evidence, Outcome, Point, classify
from l2obound.verification.studies.conditioning import _causes as causes
from l2obound.verification.studies.conditioning._cells import cells, run_all
from l2obound.verification.studies.conditioning._measure import exact_step, follow
from l2obound.verification.studies.conditioning._methods import PLAIN
from l2obound.verification.studies.conditioning._points import FLOAT32, FLOAT64, field

EPS = 1e-8
THERE = Outcome(50, False, 1e-12, True, None, 1e-9, 1e-15)
FALLS = Outcome(None, False, 1e-3, True, 9000.0, 1e-2, 1e-15)
GROWS = Outcome(None, True, 40.0, False, None, 1.0, 1e-15)
LOST = Outcome(None, True, None, False, None, None, None)
STALLED = Outcome(None, False, 1e-5, False, None, 1e-8, 1e-7)
STUCK = Outcome(None, False, 1e-2, False, None, 1e-2, 1e-15)
SLOW = Evidence(FALLS, 100, plain=FALLS, plain_true=FALLS, promised=20000.0, promised_true=20000.0)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (Evidence(STALLED, 100, twin=THERE), "precision"),
        (Evidence(STALLED, 100, twin=FALLS), "precision"),
        (Evidence(STALLED, 100), "precision"),
        (Evidence(GROWS, 100, twin=FALLS), "precision"),
        (replace(SLOW, run=replace(FALLS, rounding=1.0), twin=replace(FALLS, gap=1e-4)), "precision"),
        (Evidence(GROWS, 100), "instability"),
        (Evidence(LOST, 100, twin=GROWS), "instability"),
        (Evidence(GROWS, 100, rescaled=THERE), "instability"),
        (Evidence(STUCK, 100, rest_unstable=True), "instability"),
        (Evidence(FALLS, 100, rescaled=THERE, plain=THERE), "scale"),
        (Evidence(STUCK, 100, rescaled=THERE), "scale"),
        (SLOW, "conditioning"),
        (replace(SLOW, plain=GROWS), "conditioning"),
        (replace(SLOW, promised=None), "conditioning"),  # what the true L promises stands in
        (replace(SLOW, same_method_true_L=THERE), "wrong L"),
        (Evidence(STUCK, 100, same_method_true_L=THERE), "wrong L"),
        (Evidence(STUCK, 100), "unexplained"),
    ],
)
def test_each_cause_has_its_evidence(evidence: Evidence, cause: str) -> None:
    result, words = classify(evidence)
    assert result == cause
    assert words


@pytest.mark.parametrize(
    "evidence",
    [
        replace(SLOW, plain=THERE),  # a gradient step converges: kappa is not to blame
        replace(SLOW, plain=GROWS, plain_true=THERE),
        replace(SLOW, plain=None),
        replace(SLOW, plain=STUCK),
        replace(SLOW, promised=8000.0, steps=100),  # slower than theory lets a gradient step be
        replace(SLOW, promised=80.0),  # theory promises that the gradient step is there, and it is not
        replace(SLOW, run=STUCK),  # falls no more, and rounding does not explain it
        Evidence(STUCK, 100, twin=FALLS),
        Evidence(STUCK, 100, rest_unstable=False),
        Evidence(STUCK, 100, rescaled=FALLS),
        Evidence(STUCK, 100, same_method_true_L=FALLS),
        replace(SLOW, promised=None, promised_true=None),  # theory promises nothing: it may be the method
        replace(SLOW, promised=None, promised_true=8000.0),
        Evidence(STALLED, 100, twin=replace(STUCK, gap=1e-5)),  # float64 stops there too, far above its rounding
    ],
)
def test_what_lacks_evidence_is_unexplained(evidence: Evidence) -> None:
    assert classify(evidence)[0] == "unexplained"


def test_swapped_evidence_is_not_another_cause() -> None:
    assert classify(replace(SLOW, run=replace(FALLS, rounding=1.0)))[0] == "conditioning"  # still falls, nobody ahead
    behind = replace(SLOW, run=replace(FALLS, rounding=1.0), twin=replace(FALLS, gap=0.9e-3))
    assert classify(behind)[0] == "conditioning"  # not visibly behind
    ahead = replace(SLOW, run=FALLS, twin=replace(FALLS, gap=1e-6))
    assert classify(ahead)[0] == "conditioning"  # behind, and no rounding that explains it
    assert classify(Evidence(GROWS, 100, twin=THERE))[0] == "precision"  # grows in float32 only
    assert (
        classify(Evidence(GROWS, 100, same_method_true_L=THERE))[0] == "instability"
    )  # how a wrong L fails comes first
    stalls_later = replace(STUCK, gap=1e-7)
    assert classify(Evidence(STALLED, 100, twin=stalls_later))[0] == "precision"  # stops, and earlier than float64
    assert classify(Evidence(STALLED, 100, twin=replace(STALLED, rounding=1e-7)))[0] == "precision"
    assert classify(Evidence(FALLS, 100, rest_unstable=True))[0] != "instability"  # falls all the same
    assert classify(Evidence(STALLED, 100, rest_unstable=True))[0] == "precision"


def test_the_fate_of_a_curve() -> None:
    k = np.arange(401)
    straight = causes.outcome_of(10.0 ** (-k / 100), 1e-16, -1, False, 1.0, 0.0, EPS)
    assert straight.falls
    assert straight.more == pytest.approx(800, abs=1)  # 10^(-8) at 100 steps a decade
    flat = causes.outcome_of(np.maximum(10.0 ** (-k / 10), 1e-4), 1e-16, -1, False, 1.0, 0.0, EPS)
    assert not flat.falls
    assert flat.more is None
    assert not causes.outcome_of(1e-3 * (1.5 + np.sin(k)), 1e-16, -1, False, 1.0, 0.0, EPS).falls  # a limit cycle
    below_rounding = causes.outcome_of(1e-4 - 1e-15 * k, 1e-12, -1, False, 1.0, 0.0, EPS)
    assert not below_rounding.falls
    assert not causes.outcome_of(10.0 ** (-k / 100), 1e-16, -1, True, 1.0, 0.0, EPS).falls
    diverged = causes.outcome_of(np.where(k < 10, 1.0, np.nan), np.nan, -1, True, np.nan, np.nan, EPS)
    assert (diverged.gap, diverged.step, diverged.falls) == (None, None, False)


def _planted(methods: tuple[str, ...], points: list[Point], steps: int, eps: float, both: bool = False) -> dict:
    made = {d: field("quadratic", points, 1, eps, 0) for d in ((FLOAT64, FLOAT32) if both else (FLOAT64,))}
    outcomes = run_all(made, methods, steps, eps, 0, lambda what: None)
    table = cells(made, outcomes, methods, {"all": points}, 10.0, steps, eps)
    return {(c.method, c.dtype, c.point): c for c in table}


def test_runs_of_real_methods_fail_for_the_reason_that_was_planted() -> None:
    points = [Point(100.0, 10.0, 1.0), Point(1e6, 10.0, 1.0), Point(100.0, 10.0, 0.3), Point(100.0, 1e4, 1.0)]
    points.append(Point(100.0, 10.0, 10.0))
    names = (PLAIN, "fista-restart", "standard, Q unscaled", "displacement, Q x step", "go-math-l2o")
    result = _planted(names, [*points, Point(100.0, 10.0, 0.9)], 1000, EPS)

    def cause(name: str, point: Point) -> tuple[str | None, ...]:
        return result[name, FLOAT64, point].causes

    center, hard, short, large, long = points
    assert cause(PLAIN, center) == (None,)
    assert cause(PLAIN, hard) == cause("fista-restart", hard) == ("conditioning",)
    assert cause(PLAIN, short) == cause("go-math-l2o", short) == ("instability",)
    # a tenth of the step is too slow, which kappa = 100 is not: with the true L it converges
    assert cause(PLAIN, long) == cause("go-math-l2o", long) == ("wrong L",)
    # it sees L, and with these weights that costs it iterations: it falls, four times slower than a gradient step
    assert cause("displacement, Q x step", large) == ("unexplained",)
    assert cause("standard, Q unscaled", large) == ("instability",)
    assert cause("go-math-l2o", large) == (None,)
    # bounded, and it never settles: the steps of the model at rest are too long for an L declared too small
    assert cause("go-math-l2o", Point(100.0, 10.0, 0.9)) == ("instability",)
    assert "B14" in result["go-math-l2o", FLOAT64, Point(100.0, 10.0, 0.9)].evidence[0]


def test_float32_far_from_the_origin_is_precision() -> None:
    """A solution at distance 1e5: float32 cannot name points closer than 1e-2 of each other, float64 converges."""
    made = field("quadratic", [Point(10.0, 10.0, 1.0)], 1, EPS, 0)
    far = 1e5
    moved = l2o.quadratic(
        made.exact.smooth.map.matrix, made.exact.smooth.linear + far * made.exact.smooth.map.matrix.sum(-1)
    )
    x0 = (made.x0 + far).float().double()
    z = made.z + far
    shifted = replace(
        made, exact=moved, seen=moved, judge=moved, x0=x0, z=z,
        lower=moved.objective(z).numpy() - 1e-6, upper=moved.objective(z).numpy(),
    )  # fmt: skip
    eps = 1e-7
    outcomes = run_all({FLOAT64: shifted, FLOAT32: shifted}, (PLAIN,), 400, eps, 0, lambda what: None)
    single, double = outcomes[PLAIN, FLOAT32, shifted.points[0]][0], outcomes[PLAIN, FLOAT64, shifted.points[0]][0]
    assert double.reached is not None
    assert single.reached is None
    assert classify(Evidence(single, 400, twin=double))[0] == "precision"
    # without the twin the bound on rounding has to explain it, and does
    assert single.within_rounding
    assert classify(Evidence(single, 400))[0] == "precision"
    # and a step that is far above the bound is not explained by it
    assert classify(Evidence(replace(single, step=1e6 * single.step), 400))[0] != "precision"


def test_the_bound_on_rounding_holds_and_is_not_vacuous() -> None:
    """Steps computed in float32 differ from those in float64 by at most the bound, and by a visible part of it."""
    made = field("lasso", [Point(100.0, 10.0, 1.0), Point(1e6, 1e-4, 1.0)], 2, EPS, 1)
    rng = np.random.default_rng(0)
    share = 0.0
    for _ in range(20):
        x = torch.as_tensor(rng.standard_normal(made.x0.shape) * 3).float()
        _, allowed = exact_step(made.exact, x, FLOAT32)
        ends = []
        for problem, at in ((made.exact, x.double()), (made.exact.to(torch.float32), x)):
            # the L of float64, as the optimizer sees it
            p = (1 / made.exact.smoothness).to(at.dtype).unsqueeze(-1)
            ends.append((at - problem.nonsmooth.prox(at - p * problem.smooth.gradient(at), p)).double())
        apart = torch.linalg.vector_norm(ends[0] - ends[1], dim=-1).numpy()
        assert (apart <= allowed).all()
        share = max(share, float((apart / allowed).max()))
    assert share > 1e-3


def test_growth_is_seen_and_decay_is_not() -> None:
    made = field("quadratic", [Point(10.0, 10.0, c) for c in (0.45, 0.55, 1.0)], 1, EPS, 0)
    traces = follow(l2o.optimizer("ista"), made, FLOAT64, 200, EPS)
    assert traces.grew.tolist() == [True, False, False]
    assert traces.reached[0] == -1
    assert traces.reached[2] > 0
