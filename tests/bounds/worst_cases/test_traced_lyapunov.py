"""Rates that hold at every iteration: known ones, certificates in fractions, and a checker that refuses others."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest

from l2obound.bounds import InputError
from l2obound.bounds.worst_cases import LyapunovRate, Method, classes, lyapunov, methods
from l2obound.bounds.worst_cases.checker_lyapunov import check
from l2obound.bounds.worst_cases.checker_traced import Wrong
from tests.helpers.tampering import retold

MU = Fraction(1, 10)
STRONG = {"mu": MU}
RATES: dict[str, tuple[Method, dict[str, Any], float, float]] = {
    # the contraction of a gradient step, max(1 - h mu, h L - 1)^2
    "gradient": (methods.gradient(1), STRONG, 0.81, 1e-6),
    "gradient, best step": (methods.gradient(Fraction(20, 11)), STRONG, (9 / 11) ** 2, 1e-6),
    "objective": (methods.gradient(1), {**STRONG, "target": "objective"}, 0.81, 1e-6),
    "proximal gradient": (
        methods.proximal_gradient(1),
        {**STRONG, "function_class": "composite_strongly_convex"},
        0.81,
        2e-6,
    ),
    "proximal point": (methods.proximal_point(1), {"function_class": classes.strongly_convex(MU)}, 1.1**-2, 1e-6),
    "resolvent": (methods.proximal_point(1), {"function_class": classes.monotone(MU)}, 1.1**-2, 1e-6),
    # Van Scoy, Freeman, Lynch 2018: (1 - sqrt(mu/L))^2, where multipliers grow without a bound
    "triple momentum": (methods.triple_momentum(1, MU), STRONG, (1 - math.sqrt(0.1)) ** 2, 1e-3),
    # Giselsson and Boyd 2017: max(1/(1 + gamma mu), gamma L/(1 + gamma L))^2
    "Douglas-Rachford": (
        methods.douglas_rachford(3),
        {
            "function_class": {"A": classes.smooth_strongly_convex(1, MU), "B": classes.convex()},
            "fixed": lambda star, B: {"x": star + 3 * B.gradient(star), "shadow": star, "y": star},
        },
        max(1 / 1.3, 3 / 4) ** 2,
        1e-4,
    ),
}


@pytest.fixture(scope="module")
def rates() -> dict[str, LyapunovRate]:
    return {}


def rate_of(name: str, rates: dict[str, LyapunovRate]) -> LyapunovRate:
    if name not in rates:
        method, question, _, _ = RATES[name]
        rates[name] = lyapunov(method, **question)
    return rates[name]


@pytest.mark.parametrize("name", RATES)
def test_known_rates_are_certified(name: str, rates: dict[str, LyapunovRate]) -> None:
    rate, (method, _, expected, within) = rate_of(name, rates), RATES[name]
    assert expected <= float(rate.rate) <= expected * (1 + within)
    assert rate.least <= float(rate.rate)
    assert check(json.loads(json.dumps(rate.data)), method.step, method.init) == rate.rate
    assert any(rate.form.values())


def test_momentum_is_faster_than_gradient_steps(rates: dict[str, LyapunovRate]) -> None:
    momentum = lyapunov(methods.constant_momentum(1, MU), **STRONG)
    # Nesterov's bound is 1 - sqrt(mu/L)
    assert momentum.rate < 1 - math.sqrt(0.1)
    assert momentum.rate < rate_of("gradient", rates).rate


def test_a_given_rate_is_proved_or_not() -> None:
    proved = lyapunov(methods.gradient(1), **STRONG, rate=Fraction(82, 100))
    assert proved.rate == Fraction(41, 50)
    assert check(proved.data) == proved.rate
    with pytest.raises(InputError, match=r"no Lyapunov function of this kind shows 0\.8"):
        lyapunov(methods.gradient(1), **STRONG, rate=0.8)


@pytest.mark.parametrize(
    ("method", "question", "words"),
    [
        (methods.gradient(3), STRONG, "does not diverge"),
        (methods.nesterov(), STRONG, "depend on k"),
        (methods.inexact_gradient(1, Fraction(1, 10)), STRONG, "inexact"),
        (methods.gradient(1), {**STRONG, "target": "gradient"}, "expected one of distance"),
        (
            methods.fista(1, Fraction(1, 2)),
            {**STRONG, "function_class": "composite_strongly_convex", "target": "objective"},
            "asks every function at x_k",
        ),
        (
            Method(lambda s, f: {"x": s["x"] - f.gradient(s["x"]), "t": s["t"] + 1}, lambda x0: {"x": x0, "t": 0}),
            STRONG,
            "more than its vectors",
        ),
        (
            methods.douglas_rachford(1),
            {"function_class": {"A": classes.smooth_strongly_convex(1, MU), "B": classes.convex()}},
            "elsewhere than at",
        ),
        (
            methods.gradient(1),
            {**STRONG, "fixed": lambda star, f: star + star},
            "elsewhere than at",
        ),
        (
            Method(lambda x, f, r: x - f.gradient(x)),
            {**STRONG, "function_class": "composite_strongly_convex"},
            "moves the state",
        ),
    ],
)
def test_what_has_no_rate(method: Method, question: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        lyapunov(method, **question)


def test_every_part_of_a_certificate_is_checked(rates: dict[str, LyapunovRate]) -> None:
    data = rate_of("gradient", rates).data
    for change, words in (
        (lambda c: c.update(rate="4/5"), "the decrease: the function values|the decrease: the form"),
        (lambda c: c.update(rate="-1"), "negative"),
        (lambda c: c["functions"]["f"].update(mu="1/20"), "semidefinite"),
        (lambda c: c.update(decrease=[]), "the decrease"),
        (lambda c: c.update(above=[]), "V above the target"),
        (lambda c: c.update(form=[]), "the decrease|V above the target"),
        (lambda c: c["decrease"].append(["f", "9", "*", "1"]), "no inequality"),
        (lambda c: c["decrease"].append(c["decrease"][0]), "twice"),
        (lambda c: c["decrease"][0].__setitem__(-1, "-1"), "negative"),
        (lambda c: c.update(target="values"), "unknown target"),
        (lambda c: c["after"]["vectors"].pop(), "other vectors"),
        (lambda c: c["after"]["values"].pop(), "other values"),
        (lambda c: c["fixed"].append({}), "other vectors"),
        (lambda c: c.update(more=1), "entries"),
        (lambda c: c.update(format="other"), "format"),
        (lambda c: c.pop("x"), "entries"),
    ):
        with pytest.raises(Wrong, match=words):
            pytest.fail(f"accepted where it should say {words}: {check(retold(data, change))}")
    with pytest.raises(Wrong, match="digest"):
        check({**data, "rate": "1/2"})
    with pytest.raises(Wrong, match="not a certificate"):
        check({})


def test_the_checker_wants_the_same_method(rates: dict[str, LyapunovRate]) -> None:
    data = rate_of("gradient", rates).data
    assert check(data, methods.gradient(1).step) == Fraction(data["rate"])
    with pytest.raises(Wrong, match="elsewhere"):
        check(data, methods.gradient(Fraction(1, 2)).step)
    other = methods.heavy_ball(1, 0)
    with pytest.raises(Wrong, match="a state of other vectors"):
        check(data, other.step, other.init)
    code = methods.gradient(1).step
    for change, words in (
        (lambda c: c["now"]["vectors"][0].update({"state0": "2"}), "other vectors now|semidefinite"),
        (lambda c: c.update(x={"x*": "1"}), "another vector|semidefinite"),
        (lambda c: c.update(goal={"state0": "1"}), "another vector|semidefinite"),
    ):
        with pytest.raises(Wrong, match=words):
            pytest.fail(f"accepted: {check(retold(data, change), code)}")


@pytest.mark.parametrize("L", [Fraction(1, 100), Fraction(10**4)])
@pytest.mark.parametrize("target", ["distance", "objective"])
def test_rates_do_not_depend_on_units(L: Fraction, target: str) -> None:
    method = methods.gradient(1 / L)
    rate = lyapunov(method, L=L, mu=L / 10, target=target)
    assert 0.81 <= float(rate.rate) <= 0.81 * (1 + 1e-6)
    assert check(json.loads(json.dumps(rate.data)), method.step) == rate.rate
