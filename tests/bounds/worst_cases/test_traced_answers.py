"""Methods that are code: values known in closed form, both ends, certificate, checker with the code, and replay."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import Method, checker_traced, classes, methods, replayed
from l2obound.bounds.worst_cases.traced import TracedWorstCase

MU = Fraction(1, 10)


def theta(steps: int) -> float:
    """theta_K of OGM and OptISTA."""
    value = 1.0
    for k in range(1, steps + 1):
        value = (1 + math.sqrt(1 + (8 if k == steps else 4) * value**2)) / 2
    return value


def shifted(run: Any) -> Any:
    """||w_K - w*||^2 of Douglas-Rachford with gamma = 1: w* = x* + B x*."""
    return (run.x[-1] - run.star - run.B.gradient(run.star)) ** 2


def shifted_start(run: Any) -> Any:
    return (run.x[0] - run.star - run.B.gradient(run.star)) ** 2


def residual_of_map(run: Any) -> Any:
    return (run.x[-1] - run.T(run.x[-1])) ** 2 / 4


def ahead(run: Any) -> Any:
    return (run.states[-1]["x"] - run.states[-2]["y"]) ** 2


STRONG = {"function_class": "smooth_strongly_convex", "mu": MU}
SOURCES: dict[str, tuple[dict[str, Any], float]] = {
    # Drori and Teboulle 2014
    "gradient": ({"method": methods.gradient(), "steps": 4}, 1 / 18),
    "gradient of L = 10": ({"method": methods.gradient(Fraction(1, 10)), "L": 10, "steps": 3}, 10 / 14),
    # Taylor, Hendrickx, Glineur 2017
    "proximal gradient": ({"method": methods.proximal_gradient(), "function_class": "composite", "steps": 4}, 1 / 16),
    "last gradient": ({"method": methods.gradient(), "steps": 4, "metric": "gradient"}, 1 / 25),
    "proximal point": ({"method": methods.proximal_point(2), "function_class": "convex", "steps": 4}, 1 / 32),
    # Taylor 2017 (thesis), PEPit's documentation
    "best gradient, nonconvex": (
        {
            "method": methods.gradient(),
            "function_class": "smooth_nonconvex",
            "steps": 4,
            "metric": "best_gradient",
            "initial": "decrease",
        },
        4 / 3 / 4,
    ),
    # Kim and Fessler 2016
    "OGM": ({"method": methods.ogm(4), "steps": 4}, 1 / (2 * theta(4) ** 2)),
    # Taylor, Hendrickx, Glineur 2017, of the momentum k/(k + 3)
    "Nesterov": ({"method": methods.nesterov(), "steps": 5}, 2 / (25 + 25 + 6)),
    "FISTA": ({"method": methods.fista(), "function_class": "composite", "steps": 4}, 2 / (16 + 20 + 2)),
    # Jang, Das Gupta, Ryu 2025
    "OptISTA": (
        {"method": methods.optista(2), "function_class": "composite", "steps": 2},
        1 / (2 * (theta(2) ** 2 - 1)),
    ),
    # Drori and Teboulle 2016
    "subgradient": (
        {
            "method": methods.subgradient(1 / math.sqrt(5)),
            "function_class": classes.bounded_subgradients(1),
            "steps": 4,
            "metric": "best_objective",
        },
        1 / math.sqrt(5),
    ),
    # de Klerk, Glineur, Taylor 2017
    "inexact gradient": (
        {
            **STRONG,
            "method": methods.inexact_gradient(2 / (Fraction(9, 10) * MU + Fraction(11, 10)), Fraction(1, 10)),
            "steps": 2,
            "initial": "objective",
        },
        ((1.1 - 0.09) / (1.1 + 0.09)) ** 4,
    ),
    # Gu and Yang 2020
    "proximal point of operators": (
        {
            "method": methods.proximal_point(1),
            "function_class": classes.monotone(),
            "steps": 5,
            "metric": "residual",
        },
        (1 - 1 / 5) ** 4 / 5,
    ),
    # Kim 2021
    "accelerated proximal point of operators": (
        {
            "method": methods.accelerated_proximal_point(1),
            "function_class": classes.monotone(),
            "steps": 5,
            "metric": ahead,
        },
        1 / 25,
    ),
    # Lieder 2021
    "Halpern": (
        {
            "method": methods.halpern(),
            "function_class": {"T": classes.lipschitz_map(1)},
            "steps": 4,
            "metric": residual_of_map,
        },
        1 / 25,
    ),
    # Giselsson and Boyd 2017
    "Douglas-Rachford": (
        {
            "method": methods.douglas_rachford(1),
            "function_class": {"A": classes.smooth_strongly_convex(1, MU), "B": classes.convex()},
            "steps": 2,
            "metric": shifted,
            "initial": shifted_start,
        },
        (1 / 1.1) ** 4,
    ),
    # an m-strongly convex term: prox contracts by 1/(1 + gamma m)
    "proximal point, strongly convex": (
        {
            "method": methods.proximal_point(1),
            "function_class": classes.strongly_convex(Fraction(1, 2)),
            "steps": 3,
            "metric": "distance",
        },
        (1 / 1.5) ** 6,
    ),
    "forward step, cocoercive": (
        {
            "method": methods.gradient(1),
            "function_class": classes.cocoercive(1),
            "steps": 1,
            "metric": "distance",
        },
        1.0,
    ),
}


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    return {}


def answer(name: str, answers: dict[str, Any]) -> TracedWorstCase:
    if name not in answers:
        answers[name] = bounds.worst_case(**SOURCES[name][0])
    return answers[name]


@pytest.mark.parametrize("name", SOURCES)
def test_values_known_in_closed_form(name: str, answers: dict[str, Any]) -> None:
    worst, expected = answer(name, answers), SOURCES[name][1]
    assert abs(worst.value - expected) <= 1e-6 * expected
    # irrational numbers of a method are doubles, so that the closed form is met to rounding
    assert worst.lower <= expected * (1 + 1e-12)
    assert worst.upper >= expected * (1 - 1e-12)
    assert worst.closed
    assert worst.tight
    assert "closed" in worst.summary()


@pytest.mark.parametrize("name", SOURCES)
def test_certificates_are_checked_with_the_code(name: str, answers: dict[str, Any]) -> None:
    worst = answer(name, answers)
    proof = worst.certificate()
    assert proof is not None, worst.why_no_certificate
    method = SOURCES[name][0]["method"]
    data = json.loads(json.dumps(proof.data))
    assert checker_traced.check(data, method.step, method.init) == proof.tau
    assert proof.tau >= Fraction(worst.lower)
    assert float(proof.tau) <= worst.value * (1 + 1e-5)
    assert worst.text.count("\n") >= len(proof.multipliers)


@pytest.mark.parametrize("name", SOURCES)
def test_the_code_attains_it_on_the_instance(name: str, answers: dict[str, Any]) -> None:
    worst = answer(name, answers)
    run, attained = replayed(worst)
    assert worst.setting.steps == run.K
    assert abs(attained - worst.lower) <= 1e-9 * max(1.0, worst.lower)


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("h", [Fraction(1, 2), Fraction(1), Fraction(3, 2)])
def test_a_traced_method_has_the_answer_of_the_built_in_one(K: int, h: Fraction) -> None:
    for built_in, code, kind in (
        ("gradient", methods.gradient(h), "smooth_convex"),
        ("proximal_gradient", methods.proximal_gradient(h), "composite"),
        ("heavy_ball", methods.heavy_ball(h, Fraction(1, 4)), "smooth_convex"),
    ):
        more = {"momentum": Fraction(1, 4)} if built_in == "heavy_ball" else {}
        one = bounds.worst_case(kind, method=built_in, step=h, steps=K, **more)
        other = bounds.worst_case(kind, method=code, steps=K)
        assert abs(one.value - other.value) <= 1e-7 * one.value
        assert other.upper >= one.lower
        assert one.upper >= other.lower


def test_exact_certificates_have_a_witness() -> None:
    worst = bounds.worst_case(method=methods.gradient(), steps=3)
    proof = worst.certificate()
    assert proof.exact
    assert proof.tau == Fraction(1, 14)
    assert "f[0 over 1]" in proof.multipliers


def test_a_plain_function_is_a_method() -> None:
    def step(x: Any, f: Any) -> Any:
        return x - 0.5 * f.gradient(x)

    assert bounds.worst_case(method=step, steps=2).certificate().tau == Fraction(1, 6)


def test_a_sweep_takes_code() -> None:
    answers = list(bounds.worst_cases.sweep([{"steps": K} for K in (1, 2)], method=methods.gradient()))
    assert [one.certificate().tau for one in answers] == [Fraction(1, 6), Fraction(1, 10)]


def test_a_metric_and_a_start_by_expression() -> None:
    def potential(run: Any) -> Any:
        return run.F(run.x[0]) - run.F_star + MU / 2 * (run.x[0] - run.star) ** 2

    worst = bounds.worst_case(
        **STRONG, method=methods.constant_momentum(1, MU), steps=2, metric=potential, initial=potential
    )
    assert abs(worst.value - 1) <= 1e-9
    assert worst.closed


def test_what_has_no_interpolation_theorem_is_an_upper_bound() -> None:
    worst = bounds.worst_case(
        method=methods.gradient(Fraction(1, 4)),
        function_class=classes.lipschitz_monotone(1, Fraction(1, 2)),
        steps=1,
        metric="distance",
    )
    # 1 - 2 h mu + h^2 L^2 is the well-known bound
    assert abs(worst.value - 0.8125) <= 1e-7
    assert not worst.tight
    assert worst.lower == -math.inf
    assert not worst.closed
    assert "upper bound" in worst.summary()
    assert worst.certificate().data["upper_bound_only"]
    assert not worst.certificate().exact


def test_a_subgradient_that_no_step_asks_for_is_left_out() -> None:
    worst = bounds.worst_case(
        method=methods.proximal_point(1), function_class="convex", steps=2, metric="objective", initial="objective"
    )
    assert worst.traced.dropped == {"f'2", "x0"}
    assert abs(worst.value - 1) <= 1e-6
    assert worst.closed


def test_weakly_convex_functions() -> None:
    # one step of length gamma < 1/rho: f(x_0) - f(x_1) >= (1/gamma - rho/2) ||x_0 - x_1||^2, and not more
    worst = bounds.worst_case(
        method=methods.proximal_point(Fraction(1, 2)),
        function_class=classes.weakly_convex(1),
        steps=1,
        metric="residual",
        initial="decrease",
    )
    assert abs(worst.value - 1 / (2 - 0.5)) <= 1e-6
    assert worst.closed


def test_an_indicator_with_a_diameter() -> None:
    # a projection does not lengthen, and no two points are farther apart than the diameter
    worst = bounds.worst_case(
        method=Method(lambda x, r: r.project(x)),
        function_class={"r": classes.indicator(Fraction(1, 2))},
        steps=1,
        metric="distance",
        initial=lambda run: (run.x[0] - run.star) ** 2 / 4,
    )
    assert abs(worst.value - 0.25) <= 1e-6
    assert worst.closed


@pytest.mark.parametrize("L", [Fraction(1, 10**6), Fraction(1, 100), Fraction(10**5), Fraction(10**9)])
def test_units(L: Fraction) -> None:
    for method, kind, expected in (
        (methods.gradient(1 / L), "smooth_convex", L / 14),
        (methods.proximal_gradient(1 / L), "composite", L / 12),
    ):
        worst = bounds.worst_case(kind, method=method, L=L, steps=3)
        assert abs(worst.value / float(expected) - 1) <= 1e-9
        assert worst.closed
        assert worst.certificate().tau == expected
        assert check_again(worst, method) == expected
        assert abs(replayed(worst)[1] / float(expected) - 1) <= 1e-9
    # from a value to a gradient: the unit of length is another one
    worst = bounds.worst_case(method=methods.gradient(1 / L), L=L, steps=2, metric="gradient", initial="objective")
    assert abs(worst.value / (2 * float(L) / 5) - 1) <= 1e-6
    assert worst.closed
    assert check_again(worst, methods.gradient(1 / L)) == worst.certificate().tau


def check_again(worst: TracedWorstCase, method: Method) -> Fraction:
    return checker_traced.check(json.loads(json.dumps(worst.certificate().data)), method.step, method.init)


def test_multipliers_are_those_of_the_question() -> None:
    L = Fraction(100)
    one = bounds.worst_case(method=methods.gradient(1), steps=2)
    other = bounds.worst_case(method=methods.gradient(1 / L), L=L, steps=2)
    assert one.certificate().multipliers == one.certificate().multipliers | {"initial": Fraction(1, 10)}
    assert other.certificate().multipliers == other.certificate().multipliers | {"initial": Fraction(10)}
    weights = other.certificate().multipliers
    # those that put something above the last value, less those that put it above others, are its weight in the metric
    assert sum(w * (n.endswith("over 2]") - n.startswith("f[2 over")) for n, w in weights.items()) == 1
    assert "it is 10, " in other.text
    assert other.multipliers["initial"] == pytest.approx(10)


def test_short_vectors_make_an_instance_of_many_steps() -> None:
    # instances that the solver finds inside lose two thirds of the value to its margins
    mu = Fraction(1, 10)
    method = methods.information_theoretic(10, 1, mu)
    kind = classes.smooth_strongly_convex(1, mu)
    assert bounds.worst_case(method=method, function_class=kind, metric="distance", steps=10).closed
