"""The checker of proofs for every K: it accepts those of known theorems, and refuses each of them with a change."""

from __future__ import annotations

import ast
import copy
import json
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from l2obound.bounds.worst_cases import _polynomials, _semidefinite, checker, checker_induction
from l2obound.bounds.worst_cases.checker_induction import Wrong, check, digest
from tests.helpers.discoveries import proved

Data = dict[str, Any]


def certified(name: str) -> Data:
    proof = proved(name)
    assert proof, proof.reason
    return json.loads(json.dumps(proof.certificate))


@pytest.fixture(scope="module")
def gradient() -> Data:
    return certified("gradient")


@pytest.fixture(scope="module")
def contraction() -> Data:
    return certified("contraction")


def retold(data: Data, change: Callable[[Data], Any]) -> Data:
    """A copy with a change, and the digest of what it is now."""
    new = copy.deepcopy(data)
    change(new)
    new["digest"] = digest(new)
    return new


def numbers(part: Any) -> Iterator[list[Any]]:
    """Every term of every polynomial: a coefficient and four exponents."""
    if isinstance(part, list) and part and isinstance(part[0], str) and len(part) == 5:
        yield part
    elif isinstance(part, (list, dict)):
        for one in part.values() if isinstance(part, dict) else part:
            yield from numbers(one)


def test_proofs_are_accepted(gradient: Data, contraction: Data) -> None:
    assert eval(check(gradient), {"K": 5}) == 1 / 22
    assert eval(check(contraction), {"K": 3}) == pytest.approx(0.9**6)


def test_a_proximal_point_is_accepted() -> None:
    data = certified("proximal point")
    assert eval(check(data), {"K": 2}) == pytest.approx(1 / 24)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "K", "rate"),
    [
        ("proximal gradient", 5, 1 / 20),
        ("best gradient", 3, 4 / 9),
        ("last gradient", 3, 2 / 7),
        ("mean of the values", 3, 2 / 10),
    ],
)
def test_further_theorems_are_accepted(name: str, K: int, rate: float) -> None:
    assert eval(check(certified(name)), {"K": K}) == pytest.approx(rate)


def test_every_coefficient_counts(gradient: Data) -> None:
    parts = ("rate", "multipliers", "form")
    count = sum(1 for part in parts for _ in numbers(gradient[part]))
    assert count > 20
    for factor in (Fraction(101, 100), Fraction(-1), Fraction(0)):
        for at in range(count):

            def change(data: Data, at: int = at, factor: Fraction = factor) -> None:
                term = [term for part in parts for term in numbers(data[part])][at]
                term[0] = str(Fraction(term[0]) * factor)

            with pytest.raises(Wrong):
                check(retold(gradient, change))


def test_every_exponent_counts(gradient: Data) -> None:
    parts = ("rate", "multipliers", "form")
    count = sum(1 for part in parts for _ in numbers(gradient[part]))
    for at in range(count):
        for which in (1, 2):

            def change(data: Data, at: int = at, which: int = which) -> None:
                [term for part in parts for term in numbers(data[part])][at][which] += 1

            with pytest.raises(Wrong):
                check(retold(gradient, change))


def test_every_multiplier_is_needed(gradient: Data) -> None:
    for at in range(len(gradient["multipliers"])):
        with pytest.raises(Wrong):
            check(retold(gradient, lambda data, at=at: data["multipliers"].pop(at)))
    with pytest.raises(Wrong):
        check(retold(gradient, lambda data: data["multipliers"][0]["last"].clear()))
    with pytest.raises(Wrong, match="one name"):
        check(retold(gradient, lambda data: data["multipliers"].append(data["multipliers"][0])))


QUESTIONS = [
    ("step", "3/2"), ("step", "-1"), ("mu", "1/10"), ("L", "2"), ("metric", "average_objective"),
    ("metric", "distance"), ("initial", "objective"), ("function_class", "smooth_nonconvex"), ("method", "heavy_ball"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), QUESTIONS)
def test_the_proof_is_of_its_question(gradient: Data, name: str, value: str) -> None:
    with pytest.raises(Wrong):
        check(retold(gradient, lambda data: data["question"].update({name: value})))


def test_the_rate_is_of_its_base(contraction: Data) -> None:
    for q in ("4/5", "-9/10", "0"):
        with pytest.raises(Wrong):
            check(retold(contraction, lambda data, q=q: data.update(q=q)))
    with pytest.raises(Wrong):
        check(retold(contraction, lambda data: data["question"].update(mu="1/20")))


def test_steps_with_formulas_of_their_own_are_not_left_out(gradient: Data) -> None:
    for spans in ([1, 0], [0, -1], [0, 1], [-1, 0]):
        with pytest.raises(Wrong):
            check(retold(gradient, lambda data, spans=spans: data["multipliers"][0].update(span=spans)))
    assert check(retold(gradient, lambda data: data.update(before=2))) == check(gradient)
    for before in (0, -1, "1", True):
        with pytest.raises(Wrong):
            check(retold(gradient, lambda data, before=before: data.update(before=before)))


def test_what_is_no_certificate_is_refused(gradient: Data) -> None:
    with pytest.raises(Wrong, match="digest"):
        check(gradient | {"after": 2})
    with pytest.raises(Wrong, match="entries"):
        check(retold(gradient, lambda data: data.update(more=1)))
    with pytest.raises(Wrong, match="format"):
        check(retold(gradient, lambda data: data.update(format="l2obound-worst-case-2")))
    for wrong in ({}, {"format": checker_induction.FORMAT}):
        with pytest.raises(Wrong):
            check(wrong)

    def negative_power(data: Data) -> None:
        data["rate"]["below"][0][1] = -1

    with pytest.raises(Wrong):
        check(retold(gradient, negative_power))


def test_it_uses_the_standard_library_alone() -> None:
    allowed = {"_polynomials", "_semidefinite", "checker", ""}
    for module in (checker_induction, _polynomials, _semidefinite, checker):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {name.name for name in node.names} <= sys.stdlib_module_names
            elif isinstance(node, ast.ImportFrom):
                name = (node.module or "").split(".")[0]
                assert name in (allowed if node.level else sys.stdlib_module_names)


def test_polynomials() -> None:
    k, K = {(1, 0, 0, 0): Fraction(1)}, {(0, 1, 0, 0): Fraction(1)}
    one = _polynomials.UNIT
    less = _polynomials.add(K, _polynomials.scaled(k, Fraction(-1)))
    product = _polynomials.times(less, _polynomials.add(k, one))
    assert _polynomials.divided(product, less) == _polynomials.add(k, one)
    assert _polynomials.divided(_polynomials.add(product, one), less) is None
    assert not _polynomials.nonnegative(less)
    assert _polynomials.nonnegative(_polynomials.moved(less, k, _polynomials.add(k, K)))
    assert not _polynomials.positive(K)
    assert _polynomials.positive(_polynomials.add(K, one))
    assert _polynomials.semidefinite([[_polynomials.add(k, one), one], [one, one]])
    assert not _polynomials.semidefinite([[one, _polynomials.add(k, one)], [_polynomials.add(k, one), one]])
    assert _polynomials.semidefinite([[one, one], [one, one]])
    assert not _polynomials.semidefinite([[{}, one], [one, one]])
