"""Rates 1/k that hold at every iteration: known ones, certificates in fractions, and a checker that refuses others."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from l2obound import bounds
from l2obound.bounds import InputError
from l2obound.bounds.worst_cases import Method, SublinearRate, classes, methods, sublinear
from l2obound.bounds.worst_cases._checked import Wrong
from l2obound.bounds.worst_cases.checker_sublinear import check
from tests.helpers.tampering import retold

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)


def heavy_ball(step: Fraction, momentum: Fraction) -> Method:
    """The heavy ball whose state has both iterates from the start."""

    def heavy_ball_step(state: Any, f: Any) -> Any:
        x, before = state
        return x - step * f.gradient(x) + momentum * (x - before), x

    return Method(heavy_ball_step, lambda x0: (x0, x0), "heavy_ball")


MONOTONE = {"function_class": classes.monotone(), "target": "residual"}
RATES: dict[str, tuple[Method, dict[str, Any], float]] = {
    # k (f - f*) + ||x - x*||^2/(2 h): Bansal and Gupta 2019
    "gradient": (methods.gradient(1), {}, 1 / 2),
    "gradient, h = 1/2": (methods.gradient(HALF), {}, 1.0),
    "gradient, L = 4": (methods.gradient(QUARTER), {"L": 4}, 2.0),
    "proximal point, gamma = 2": (methods.proximal_point(2), {"function_class": "convex"}, 1 / 4),
    # k ||x_k - x_{k+1}||^2 + ||x - x*||^2
    "resolvent": (methods.proximal_point(1), MONOTONE, 1.0),
    # (1 - beta)/(2 h), as of Ghadimi, Feyzmahdavian, Johansson 2015
    "heavy ball": (heavy_ball(HALF, QUARTER), {}, 3 / 4),
}


@pytest.fixture(scope="module")
def rates() -> dict[str, SublinearRate]:
    return {}


def rate_of(name: str, rates: dict[str, SublinearRate]) -> SublinearRate:
    if name not in rates:
        method, question, _ = RATES[name]
        rates[name] = sublinear(method, **question)
    return rates[name]


@pytest.mark.parametrize("name", RATES)
def test_known_potentials_are_certified(name: str, rates: dict[str, SublinearRate]) -> None:
    rate, (method, _, expected) = rate_of(name, rates), RATES[name]
    assert expected * (1 - 1e-6) <= rate.least <= float(rate.constant) <= expected * (1 + 1e-6)
    assert check(json.loads(json.dumps(rate.data)), method.step, method.init) == rate.constant
    assert any(rate.growth.values())


@pytest.mark.parametrize("K", [1, 3])
def test_no_worst_case_is_above_the_rate(K: int, rates: dict[str, SublinearRate]) -> None:
    for name in ("gradient", "proximal point, gamma = 2"):
        method, question, _ = RATES[name]
        worst = bounds.worst_case(method=method, steps=K, **{"function_class": "smooth_convex", **question})
        assert worst.lower <= float(rate_of(name, rates).constant) / K


def test_a_given_constant_is_proved_or_not() -> None:
    proved = sublinear(methods.gradient(1), constant=Fraction(501, 1000))
    assert proved.constant == Fraction(501, 1000)
    assert check(proved.data, methods.gradient(1).step) == proved.constant
    with pytest.raises(InputError, match=r"no potential A \+ k B shows 0\.499"):
        sublinear(methods.gradient(1), constant=0.499)


@pytest.mark.parametrize(
    ("method", "question", "words"),
    [
        (methods.gradient(Fraction(21, 10)), {}, "any constant"),
        (methods.gradient(1), {"target": "distance"}, "expected one of objective, residual"),
        (methods.gradient(1), {"constant": 0}, "expected > 0"),
        (methods.nesterov(), {}, "depend on k"),
        (
            Method(heavy_ball(HALF, QUARTER).step, lambda x0, f: (x0, x0 - f.gradient(x0))),
            {},
            "asks for 'f'",
        ),
        (Method(heavy_ball(HALF, QUARTER).step, lambda x0: (2 * x0, x0)), {}, "has to be x_0"),
    ],
)
def test_what_has_no_rate(method: Method, question: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        sublinear(method, **question)


def test_every_part_of_a_certificate_is_checked(rates: dict[str, SublinearRate]) -> None:
    data = rate_of("gradient", rates).data
    for change, words in (
        (lambda c: c.update(constant="499/1000"), "A at the start"),
        (lambda c: c.update(constant="-1"), "not positive"),
        (lambda c: c["functions"]["f"].update(L="2"), "semidefinite"),
        (lambda c: c["proofs"].update(decrease=[]), "the decrease"),
        (lambda c: c["proofs"].update(growth=[]), "B, which may not grow"),
        (lambda c: c["proofs"].pop("start"), "proofs are not those"),
        (lambda c: c["A"].update(form=[]), "the decrease"),
        (lambda c: c["A"]["form"].append([0, 0, "-1"]), "the decrease|A above 0"),
        (lambda c: c["B"].update(weights=[]), "B|the decrease"),
        (lambda c: c["B"].update(weights=[[0, "1/2"]]), "B|the decrease"),
        (lambda c: c.update(start=["2"]), "does not begin"),
        (lambda c: c["proofs"]["decrease"][0].__setitem__(-1, "-1"), "negative"),
        (lambda c: c["proofs"]["decrease"].append(c["proofs"]["decrease"][0]), "twice"),
        (lambda c: c.update(target="values"), "unknown target"),
        (lambda c: c.update(more=1), "entries"),
        (lambda c: c.update(format="other"), "format"),
        (lambda c: c.pop("next"), "entries"),
    ):
        with pytest.raises(Wrong, match=words):
            pytest.fail(f"accepted where it should say {words}: {check(retold(data, change))}")
    with pytest.raises(Wrong, match="digest"):
        check({**data, "constant": "1/3"})
    with pytest.raises(Wrong, match="not a certificate"):
        check({})


def test_the_checker_wants_the_same_method(rates: dict[str, SublinearRate]) -> None:
    data = rate_of("heavy ball", rates).data
    method = heavy_ball(HALF, QUARTER)
    assert check(data, method.step, method.init) == Fraction(data["constant"])
    with pytest.raises(Wrong, match=r"elsewhere|other vectors"):
        check(data, heavy_ball(HALF, HALF).step, method.init)
    with pytest.raises(Wrong, match="another first state"):
        check(data, method.step, lambda x0: (x0, 0 * x0))
    with pytest.raises(Wrong, match=r"another vector|another first state|A at the start|the decrease"):
        check(retold(data, lambda c: c.update(next=c["x"])), method.step, method.init)
