"""Exact certificates, and a checker that refuses every tampered one."""

from __future__ import annotations

import copy
import json
from fractions import Fraction

import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import _patterns
from l2obound.bounds.worst_cases.checker import Wrong, check, digest

STEPS = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(1))
COMPOSITE = {"function_class": "composite", "method": "proximal_gradient"}


def plan(counts: tuple[int, ...], long: int) -> list:
    """Every number of steps with every length, the long ones with one length each in the default tier."""
    shown = dict(zip([K for K in counts if long <= K], (Fraction(3, 4), Fraction(1, 2))))
    return [
        pytest.param(K, h, marks=[pytest.mark.slow] * (shown.get(K, h) != h), id=f"{K}-{h}")
        for K in counts
        for h in STEPS
    ]


@pytest.mark.parametrize(("K", "h"), plan((1, 2, 3, 5, 8, 13, 20), long=13))
def test_gradient_is_certified_exactly(K: int, h: Fraction) -> None:
    answer = bounds.worst_case(steps=K, step=h)
    certificate = answer.certificate()
    assert certificate.exact
    assert certificate.tau == 1 / (4 * h * K + 2)
    assert check(json.loads(json.dumps(certificate.data))) == certificate.tau
    assert answer.recognised == "ind_rate:smooth"


@pytest.mark.parametrize(("K", "h"), plan((1, 2, 3, 5, 7, 10), long=7))
def test_proximal_gradient_is_certified_exactly(K: int, h: Fraction) -> None:
    answer = bounds.worst_case(**COMPOSITE, steps=K, step=h)
    certificate = answer.certificate()
    assert certificate.exact
    assert certificate.tau == 1 / (4 * h * K)
    assert check(json.loads(json.dumps(certificate.data))) == certificate.tau
    assert answer.recognised == "ind_rate:exact"


def test_every_step_count_up_to_the_limit() -> None:
    for K in range(1, 13):
        assert bounds.worst_case(steps=K, step=0.5).certificate().tau == Fraction(1, 2 * K + 2)


def test_units() -> None:
    answer = bounds.worst_case(steps=3, L=10.0)
    assert answer.certificate().tau == Fraction(10, 14)
    assert answer.lower <= 10 / 14 <= answer.upper
    squared = bounds.worst_case(steps=2, L=4.0, metric="best_gradient")
    assert squared.certificate().tau == Fraction(16, 9)
    assert check(squared.certificate().data) == Fraction(16, 9)


def test_recognised_patterns_are_proved_for_every_step_count() -> None:
    for pattern in _patterns.PATTERNS:
        assert bounds.get(pattern.bound).prove().valid
    assert bounds.worst_case(steps=3, step=1.25).recognised is None
    assert bounds.worst_case(steps=3, metric="best_gradient").recognised is None


def test_the_proof_reads_well() -> None:
    text = bounds.worst_case(steps=2).text
    assert "1/10" in text
    assert "f[0 over 1]: f_0 >= f_1 + <g_1, x_0 - x_1> + ||g_0 - g_1||^2/2" in text
    assert "`ind_rate:smooth`" in text


@pytest.fixture(scope="module")
def certificates() -> dict[str, dict]:
    questions = {
        "gradient": {"steps": 3},
        "composite": {**COMPOSITE, "steps": 2, "step": 0.5},
        "inexact": {"steps": 2, "relative_error": 0.25},
        "absolute": {"steps": 2, "absolute_error": 0.1},
        "best gradient": {"steps": 2, "metric": "best_gradient"},
        "strongly convex": {
            "function_class": "smooth_strongly_convex",
            "mu": 0.1,
            "steps": 2,
            "metric": "distance",
        },
        "nonconvex": {
            "function_class": "smooth_nonconvex",
            "steps": 2,
            "metric": "best_gradient",
            "initial": "objective",
        },
        "decrease": {"steps": 1, "metric": "decrease", "initial": "gradient", "relative_error": 0.1},
        "recurrence": {"method": "go_math", "momentum": (0.25, 0.5), "steps": 3},
        "point": {"function_class": "convex", "method": "proximal_point", "steps": 3, "step": 2.0},
    }
    return {name: dict(bounds.worst_case(**asked).certificate().data) for name, asked in questions.items()}


def signed(certificate: dict) -> dict:
    """With its own digest: what is wrong has to be found in the mathematics."""
    return {**certificate, "digest": digest(certificate)}


def tampered(certificate: dict) -> list[tuple[str, dict]]:
    """Certificates that claim a little more, or rest on a little less."""
    made = []

    def change(what: str, **entries: object) -> None:
        made.append((what, signed({**copy.deepcopy(certificate), **entries})))

    tau = Fraction(certificate["tau"])
    change("a smaller tau", tau=str(tau - Fraction(1, 10**9)))
    change("another scale", scale=str(2 * Fraction(certificate["scale"])))
    change("another format", format="something-else")
    change("another step", step=[str(Fraction(v) * Fraction(99, 100)) for v in certificate["step"]])
    for i, (*_, value) in enumerate(certificate["multipliers"]):
        rows = copy.deepcopy(certificate["multipliers"])
        rows[i][-1] = str(Fraction(value) - Fraction(1, 1000))
        change(f"less of {rows[i]}", multipliers=rows)
        change(f"without {rows[i]}", multipliers=certificate["multipliers"][:i] + certificate["multipliers"][i + 1 :])
    negative = copy.deepcopy(certificate["multipliers"])
    negative.append([*negative[0][:-1], "0"])
    change("an inequality twice", multipliers=negative)
    if certificate["exact"]:
        for name, value in certificate["witness"]["vectors"].items():
            witness = copy.deepcopy(certificate["witness"])
            witness["vectors"][name] = str(Fraction(value) + Fraction(1, 100))
            change(f"another {name}", witness=witness)
    else:
        change("exact without a witness", exact=True)
    return made


def refused(certificate: dict) -> bool:
    try:
        check(certificate)
    except Wrong:
        return True
    return False


def test_every_tampered_certificate_is_refused(certificates: dict[str, dict]) -> None:
    for name, certificate in certificates.items():
        check(certificate)
        for what, wrong in tampered(certificate):
            assert refused(wrong), (name, what)


def test_a_false_form_is_refused(certificates: dict[str, dict]) -> None:
    """Multipliers that cancel all values but leave an indefinite form."""
    certificate = copy.deepcopy(certificates["gradient"])
    K = certificate["steps"]
    certificate["multipliers"] = [["f", "*", str(K), "1"], ["initial", "1/100"]]
    certificate["tau"] = "1/100"
    with pytest.raises(Wrong, match="digest"):
        check(certificate)
    del certificate["witness"]
    with pytest.raises(Wrong, match="not positive semidefinite"):
        check(signed({**certificate, "exact": False}))


def test_what_is_no_certificate_is_refused() -> None:
    for wrong in ({}, {"format": "l2obound-worst-case-2"}, {"format": 3}, []):
        with pytest.raises(Wrong):
            check(wrong)


def test_no_certificate_for_irrational_momentum() -> None:
    answer = bounds.worst_case(method="accelerated_gradient", steps=4)
    assert answer.certificate() is None
    assert "irrational" in answer.why_no_certificate
    assert answer.recognised is None
    assert "no exact certificate" in answer.text


def test_multipliers_are_few_and_named() -> None:
    answer = bounds.worst_case(steps=5)
    assert set(answer.multipliers) == (
        {"initial"} | {f"f[{k - 1} over {k}]" for k in range(1, 6)} | {f"f[* over {k}]" for k in range(6)}
    )
    assert answer.multipliers["initial"] == pytest.approx(1 / 22, rel=1e-6)
