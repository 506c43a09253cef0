"""The examples of AutoLyap with linear rates: each is proved in fractions, and a rate that is a little less is not.

Questions and rates are those of the documentation of AutoLyap (arXiv 2506.24076, March 2026). Where it has no closed
form, the rate is the one that its bisection found; a Lyapunov function of another kind may show less.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from l2obound.bounds import InputError
from l2obound.bounds.worst_cases import Method, checker_lyapunov, classes, lyapunov, methods

HALF = Fraction(1, 2)
PAIR = classes.smooth_strongly_convex(50, Fraction(1, 20))


def douglas_rachford(length: Any, relaxation: Any) -> Method:
    """As `methods.douglas_rachford`, with the first operator first and a state of one vector."""

    def step(x: Any, A: Any, B: Any) -> Any:
        v = A.prox(x, length)
        return x + relaxation * (B.prox(2 * v - x, length) - v)

    return Method(step, name="douglas_rachford")


def davis_yin(length: Any) -> Method:
    def step(x: Any, A: Any, B: Any, C: Any) -> Any:
        v = A.prox(x, length)
        return x + C.prox(2 * v - x - length * B.gradient(v), length) - v

    return Method(step, name="davis_yin")


def shifted(length: Any) -> Any:
    return lambda star, A: star + length * A.gradient(star)


def reflected(length: Any) -> Method:
    """The forward-reflected-backward method; Malitsky and Tam, SIAM J. Optim. 30 (2020)."""

    def step(state: Any, A: Any, B: Any) -> Any:
        slope = A(state["x"])
        return {"x": B.prox(state["x"] - 2 * length * slope + length * state["slope"], length), "slope": slope}

    return Method(step, lambda x0, A: {"x": x0, "slope": A(x0)}, "reflected")


def chambolle_pock(length: float, theta: float) -> Method:
    """Chambolle-Pock whose operator is the identity, with both steps of one length."""

    def step(state: Any, f: Any, h: Any) -> Any:
        x = f.prox(state["x"] - length * state["u"], length)
        w = state["u"] + length * (x + theta * (x - state["x"]))
        return {"x": x, "u": w - length * h.prox(w / length, 1 / Fraction(length))}

    return Method(step, lambda x0, h: {"x": x0, "u": h.gradient(x0)}, "chambolle_pock")


CASES: dict[str, tuple[Method, dict[str, Any], float, bool]] = {
    "gradient, mu = 1, L = 4, gamma = 0.2": (methods.gradient(Fraction(1, 5)), {"L": 4, "mu": 1}, 0.8**2, True),
    "proximal point, mu = 1, gamma = 0.6": (
        methods.proximal_point(Fraction(3, 5)),
        {"function_class": classes.strongly_convex(1)},
        1.6**-2,
        True,
    ),
    "proximal gradient, mu = 1, L = 4, gamma = 2/(L + mu)": (
        methods.proximal_gradient(Fraction(2, 5)),
        {"function_class": {"f": classes.smooth_strongly_convex(4, 1), "r": classes.convex()}},
        0.6**2,
        True,
    ),
    "Douglas-Rachford, cocoercive and strongly monotone, lambda = 1.2": (
        douglas_rachford(1, Fraction(6, 5)),
        {"function_class": {"A": classes.cocoercive(1), "B": classes.monotone(1)}, "fixed": shifted(1)},
        0.256,  # Ryu, Taylor, Bergeling, Giselsson 2020, theorem 4.1
        True,
    ),
    "Douglas-Rachford, monotone, and strongly monotone and Lipschitz, lambda = 2": (
        douglas_rachford(1, 2),
        {"function_class": {"A": classes.monotone(), "B": classes.lipschitz_monotone(2, 1)}, "fixed": shifted(1)},
        3 / 7,  # 1 - 4 gamma mu/(1 + 2 gamma mu + (gamma L)^2); Giselsson 2017
        True,
    ),
    "Douglas-Rachford, smooth and strongly convex, and convex": (
        douglas_rachford(1, 1),
        {"function_class": {"A": classes.smooth_strongly_convex(2, 1), "B": classes.convex()}, "fixed": shifted(1)},
        (2 / 3) ** 2,  # Giselsson and Boyd 2017
        True,
    ),
    "Davis-Yin, L1 = 15.6": (
        davis_yin(HALF),
        {
            "function_class": {
                "A": classes.smooth_convex(15.6),
                "B": classes.smooth_strongly_convex(2, 1),
                "C": classes.convex(),
            },
            "fixed": shifted(HALF),
        },
        0.786245293099,
        True,
    ),
    "Malitsky-Tam, gamma = 0.39": (
        reflected(0.39),
        {
            "function_class": {"A": classes.lipschitz_monotone(1, 0), "B": classes.monotone(1)},
            "fixed": lambda star, A: {"x": star, "slope": A.gradient(star)},
        },
        0.549318802084,
        False,
    ),
    "Chambolle-Pock, tau = sigma = 1.5606, theta = 0.2424": (
        chambolle_pock(1.560606060606, 0.242424242424),
        {
            "function_class": {"f": PAIR, "h": PAIR},
            "fixed": lambda star, h: {"x": star, "u": h.gradient(star)},
        },
        0.8837890625,
        False,
    ),
}
"""Method, question, rate, and whether the rate is the least."""
ABOVE, BELOW = 2e-4, 1e-3


@pytest.mark.parametrize("name", CASES)
def test_examples_of_autolyap_are_proved(name: str) -> None:
    method, question, expected, _ = CASES[name]
    rate = Fraction(expected * (1 + ABOVE))
    certificate = lyapunov(method, **question, rate=rate)
    assert checker_lyapunov.check(json.loads(json.dumps(certificate.data)), method.step, method.init) == rate


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[3]])
def test_smaller_rates_are_not_proved(name: str) -> None:
    method, question, expected, _ = CASES[name]
    with pytest.raises(InputError, match="no Lyapunov function of this kind"):
        lyapunov(method, **question, rate=expected * (1 - BELOW))


@pytest.mark.parametrize("name", CASES)
def test_certificates_of_smaller_rates_are_refused(name: str) -> None:
    method, question, expected, _ = CASES[name]
    data = dict(lyapunov(method, **question, rate=expected * (1 + ABOVE)).data)
    data["rate"] = str(Fraction(expected * (1 - BELOW)))
    data["digest"] = checker_lyapunov.digest(data)
    with pytest.raises(checker_lyapunov.Wrong, match="the decrease"):
        checker_lyapunov.check(data, method.step, method.init)
