"""What must hold of any worst case: nesting, units, real runs below it, threads, and a second modelling."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2obound import bounds
from l2obound.verification.worst_cases.run_instance import replay
from tests.helpers.records import ends

COMPOSITE = {"function_class": "composite", "method": "proximal_gradient"}
step_sizes = st.sampled_from([0.25, 0.5, 0.8, 1.0, 1.3, 1.7])


def general_question(draw_from: np.random.Generator) -> dict:
    """A random question that has a finite answer."""
    rng = draw_from
    K = int(rng.integers(1, 5))
    kind = rng.choice(["smooth_convex", "smooth_strongly_convex", "composite", "composite_strongly_convex"])
    smooth = kind.startswith("smooth")
    methods = ["gradient", "heavy_ball", "go_math", "accelerated_gradient"]
    method = str(rng.choice(methods if smooth else ["proximal_gradient", "go_math", "accelerated_gradient"]))
    asked = {
        "function_class": str(kind),
        "method": method,
        "steps": K,
        "step": [float(v) for v in rng.choice([0.3, 0.5, 1.0, 1.4], K)],
        "L": float(rng.choice([1.0, 3.0, 0.01])),
        "metric": str(rng.choice(["objective", "average_objective", "distance"])),
    }
    if str(kind).endswith("strongly_convex"):
        asked["mu"] = 0.2 * asked["L"]
    if method == "heavy_ball":
        asked["momentum"] = float(rng.choice([0.1, 0.4]))
    if method == "go_math":
        asked["momentum"] = ([float(v) for v in rng.choice([0.2, 0.6], K)], 0.5)
    if rng.random() < 0.4:
        asked["relative_error"] = [float(v) for v in rng.choice([0.0, 0.1, 0.3], K)]
    elif rng.random() < 0.3:
        asked["absolute_error"] = 0.1 * asked["L"]
    return asked


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_any_question_is_answered_from_both_sides_and_replayed(seed: int) -> None:
    assert_answered(seed)


@pytest.mark.slow
@settings(max_examples=300)
@given(seed=st.integers(0, 10**6))
def test_many_questions_are_answered_from_both_sides_and_replayed(seed: int) -> None:
    assert_answered(seed)


def assert_answered(seed: int) -> None:
    asked = general_question(np.random.default_rng(seed))
    answer = bounds.worst_case(**asked)
    assert answer.closed, (asked, answer.summary())
    slack = 1e-9 * max(1.0, abs(answer.value))
    assert answer.lower - slack <= answer.value <= answer.upper + slack
    assert abs(replay(answer)[1] - answer.value) <= 1e-6 * max(1.0, abs(answer.value)), asked


@settings(max_examples=10)
@given(K=st.integers(1, 6), h=step_sizes, eps=st.sampled_from([0.1, 0.3, 0.6]))
def test_more_error_is_worse_and_a_profile_lies_between(K: int, h: float, eps: float) -> None:
    exact = bounds.worst_case(steps=K, step=h)
    one = bounds.worst_case(steps=K, step=h, relative_error=[eps, *[0.0] * (K - 1)])
    every = bounds.worst_case(steps=K, step=h, relative_error=eps)
    assert exact.lower <= one.upper
    assert one.lower <= every.upper


@settings(max_examples=8)
@given(K=st.integers(1, 6), h=step_sizes)
def test_more_functions_are_worse(K: int, h: float) -> None:
    smooth, composite = bounds.worst_case(steps=K, step=h), bounds.worst_case(**COMPOSITE, steps=K, step=h)
    strong = bounds.worst_case(function_class="smooth_strongly_convex", mu=0.1, steps=K, step=h)
    assert strong.lower <= smooth.upper
    assert smooth.lower <= composite.upper


@pytest.mark.parametrize("L", [1e-6, 1e-2, 1.0, 1e3, 1e8])
def test_units_of_L(L: float) -> None:
    """Values go with L, distances do not, gradients with its square."""
    assert bounds.worst_case(steps=4, L=L).upper == pytest.approx(L / 18, rel=1e-7)
    assert bounds.worst_case(steps=4, L=L, metric="best_gradient").lower == pytest.approx(L**2 / 25, rel=1e-7)
    strong = bounds.worst_case(
        function_class="smooth_strongly_convex", L=L, mu=L / 10, steps=3, metric="distance", step=0.5
    )
    assert strong.value == pytest.approx(0.95**6, rel=1e-8)
    inexact = bounds.worst_case(steps=2, L=L, absolute_error=0.1 * L)
    assert inexact.value == pytest.approx(L * bounds.worst_case(steps=2, absolute_error=0.1).value, rel=1e-8)


def test_no_random_run_is_worse() -> None:
    """Quadratics of random spectra, run by hand, stay below the worst case of their class."""
    rng = np.random.default_rng(0)
    for h, eps in ((0.7, 0.0), (1.0, 0.2), (1.6, 0.0)):
        K = 4
        worst = bounds.worst_case(steps=K, step=h, relative_error=eps)
        for _ in range(300):
            spectrum = rng.uniform(0, 1, 6) ** rng.uniform(0.2, 6)
            x = rng.standard_normal(6)
            x /= np.linalg.norm(x)
            for _ in range(K):
                g = spectrum * x
                u = rng.standard_normal(6)
                x = x - h * (g + eps * np.linalg.norm(g) * u / np.linalg.norm(u))
            assert 0.5 * (spectrum * x * x).sum() <= worst.upper


QUESTIONS = [{"steps": K, "step": h} for K in (2, 7) for h in (0.5, 1.0)] + [
    {**COMPOSITE, "steps": 3, "relative_error": 0.3},
    {"method": "accelerated_gradient", "steps": 5},
]


def test_threads_and_processes_give_the_same_bytes() -> None:
    alone = [ends(q) for q in QUESTIONS]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ends, QUESTIONS * 2)) == alone * 2
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(ends, QUESTIONS)) == alone


def by_cvxpy(asked: dict) -> float:
    """The primal problem written down again, pair by pair, in the modelling language: gradient methods, L = 1."""
    K, h = asked["steps"], asked.get("step", 1.0)
    composite = asked.get("function_class") == "composite"
    beta, eps = asked.get("momentum", 0.0), asked.get("relative_error", 0.0)
    names = ["x0", *(f"g{k}" for k in range(K + 1))]
    names += [f"s{k}" for k in range(1, K + 1)] * composite + [f"u{k}" for k in range(1, K + 1)] * bool(eps)
    e = dict(zip(names, np.eye(len(names))))
    zero = np.zeros(len(names))
    G = cp.Variable((len(names), len(names)), PSD=True)
    f, r = cp.Variable(K + 1), cp.Variable(K + 1)

    def dot(a: np.ndarray, b: np.ndarray) -> cp.Expression:
        return a @ G @ b

    x, rows = [e["x0"]], []
    for k in range(1, K + 1):
        gradient = e[f"g{k - 1}"] + (e[f"s{k}"] if composite else zero)
        if eps:
            rows.append(dot(e[f"u{k}"], e[f"u{k}"]) <= eps**2 * dot(gradient, gradient))
        move = gradient + (e[f"u{k}"] if eps else zero)
        x.append(x[-1] - h * move + beta * (x[-1] - (x[-2] if k > 1 else x[-1])))
    smooth = [(x[k], e[f"g{k}"], f[k]) for k in range(K + 1)] + [(zero, zero, 0.0)]
    for i, (xi, gi, fi) in enumerate(smooth):
        for j, (xj, gj, fj) in enumerate(smooth):
            if i != j:
                rows.append(fi >= fj + dot(gj, xi - xj) + 0.5 * dot(gi - gj, gi - gj))
    if composite:
        rough = [(x[k], e[f"s{k}"], r[k]) for k in range(1, K + 1)] + [(zero, zero, 0.0)]
        for i, (xi, _, ri) in enumerate(rough):
            for j, (xj, sj, rj) in enumerate(rough):
                if i != j:
                    rows.append(ri >= rj + dot(sj, xi - xj))
    rows.append(dot(e["x0"], e["x0"]) <= 1)
    metric = f[K] + (r[K] if composite else 0)
    if asked.get("metric") == "distance":
        metric = dot(x[K], x[K])
    problem = cp.Problem(cp.Maximize(metric), rows)
    problem.solve(solver=cp.CLARABEL)
    return float(problem.value)


CROSS = (
    {"steps": 3},
    {"steps": 2, "step": 1.6},
    {"steps": 3, "method": "heavy_ball", "momentum": 0.4, "step": 0.7},
    {"steps": 2, "relative_error": 0.4, "step": 0.9},
    {"steps": 2, **COMPOSITE},
    {"steps": 2, **COMPOSITE, "relative_error": 0.3},
    {"steps": 2, **COMPOSITE, "metric": "distance", "step": 0.5},
)


@pytest.mark.parametrize("asked", CROSS)
def test_cvxpy_agrees(asked: dict) -> None:
    expected = by_cvxpy(asked)
    assert bounds.worst_case(**asked).value == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_the_facts_of_the_recurrence() -> None:
    """B13: exact gradient descent is not the best of GO-Math-L2O's family."""
    expected = {0: 0.0238, 0.25: 0.0193, 0.5: 0.0246, 0.75: 0.0805, 1: 0.269, 1.5: 14.6}
    for q, value in expected.items():
        answer = bounds.worst_case(method="go_math", steps=10, momentum=(q, 0.5))
        assert answer.value == pytest.approx(value, rel=5e-3)
        assert answer.closed


def test_averages_and_bounds_of_the_catalogue() -> None:
    for K in (1, 4, 9):
        assert bounds.worst_case(**COMPOSITE, steps=K, metric="average_objective").value == pytest.approx(
            1 / (2 * (K + 1)), rel=1e-7
        )
        quantities = {"L": 1.0, "K": K, "R": 1.0, "h": 1.0, "F": np.zeros((1, K + 1)), "F_z": 0.0}
        quantities |= {"enorm": np.zeros((1, K)), "dist": np.zeros((1, K + 1))}
        rate = float(bounds.get("ind_rate:smooth").evaluate(quantities).rhs[0])
        assert bounds.worst_case(steps=K).value == pytest.approx(rate, rel=1e-8)


@pytest.mark.parametrize("asked", [{"steps": 100}, pytest.param({"steps": 100, **COMPOSITE}, marks=pytest.mark.slow)])
def test_a_hundred_steps(asked: dict) -> None:
    answer = bounds.worst_case(**asked)
    exact = 1 / 400 if asked.get("method") else 1 / 402
    assert answer.lower <= exact <= answer.upper
    assert answer.gap <= 1e-8
    assert answer.value == pytest.approx(exact, rel=1e-7)
    assert replay(answer)[1] == pytest.approx(exact, rel=1e-6)
