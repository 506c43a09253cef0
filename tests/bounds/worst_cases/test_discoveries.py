"""Formulas found by the engine: known theorems, what has no formula, and wrong formulas that the check refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds.worst_cases import methods
from l2obound.bounds.worst_cases.discoveries import Discovery, _fit
from l2obound.bounds.worst_cases.discoveries._kinds import Kind, ends_of, kind_of
from l2obound.bounds.worst_cases.discoveries._proofs import Problem, Proof, exact_proof, needed_kinds
from tests.helpers.discoveries import THEOREMS, discovered

K, k = _fit.K, _fit.k
FEW = range(1, 6)
LONG = ("best gradient", "projected gradient", "last gradient")
"""Of further classes and methods, which take seconds."""


@pytest.fixture(scope="module")
def gradient() -> Discovery:
    return discovered("gradient")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in THEOREMS]
)
def test_theorems_are_found_and_checked_at_further_lengths(name: str) -> None:
    rate, discovery = THEOREMS[name][1], discovered(name)
    assert sp.simplify(discovery.rate - rate) == 0
    assert discovery.holds
    assert discovery.fitted_on == (1, 2, 3, 4, 5, 6, 7)
    assert discovery.checked_on == (8, 9, 10)
    assert not discovery.missing
    assert not discovery.refused
    assert all(share == pytest.approx(1, abs=1e-5) for share in discovery.attained.values())
    assert "a conjecture for other K" in discovery.text


def test_few_lengths_decide_a_short_formula() -> None:
    """Of functions that are not convex."""
    question, rate = THEOREMS["best gradient"]
    discovery = bounds.discover(**question, fit_on=FEW, check_on=[6])
    assert sp.simplify(discovery.rate - rate) == 0
    assert discovery.checked_on == (6,)


def test_the_multipliers_are_those_of_the_theorem(gradient: Discovery) -> None:
    """mu_k = k/(2K + 1 - k) forwards; the catalogue has the proof for every K."""
    forward = next(one for one in gradient.multipliers if one.kind == Kind(("f",), "k over k+1"))
    assert sp.simplify(forward.inner.formula - (k + 1) / (2 * K - k)) == 0
    assert gradient.recognised == "ind_rate:smooth"
    assert bounds.get(gradient.recognised).prove()
    tau, multipliers = gradient.at(12)
    assert tau == Fraction(1, 50)
    assert multipliers["f", "0", "1"] == Fraction(1, 24)
    assert gradient.check(12) == ""


def test_a_wrong_formula_is_refused(gradient: Discovery) -> None:
    """A rate that is too small, one that is too large, a multiplier that is off, and another method."""
    one = {(0,): Fraction(1)}
    small = replace(gradient, fit=_fit.Fit(one, {(1,): Fraction(4), (0,): Fraction(3)})).checked((8,))
    assert not small.holds
    assert "the multipliers prove 1/34, and the formula says 1/35" in small.refused[8]
    large = replace(gradient, fit=_fit.Fit(one, {(1,): Fraction(1)}))
    assert large.check(8) == "", "it is a bound"
    assert "the worst case is less" in large.checked((8,)).refused[8]
    first = gradient.multipliers[0]
    doubled = replace(first, inner=replace(first.inner, above={e: 2 * c for e, c in first.inner.above.items()}))
    assert "do not cancel" in replace(gradient, multipliers=(doubled, *gradient.multipliers[1:])).check(8)
    negative = replace(first, inner=replace(first.inner, above={e: -c for e, c in first.inner.above.items()}))
    assert "negative" in replace(gradient, multipliers=(negative, *gradient.multipliers[1:])).check(8)
    shorter = bounds.discover(step=0.5, check_on=[8]).setting
    assert "positive semidefinite" in replace(gradient, setting=shorter).check(8)
    undefined = replace(gradient, fit=_fit.Fit(one, {(1,): Fraction(1), (0,): Fraction(-8)}))
    assert undefined.check(8) == "a formula has the denominator 0"


def test_a_formula_of_small_lengths_can_be_false_for_large_ones() -> None:
    """Steps of 1.9: the proof for small K is none at K = 14, and at K = 22 the rate is another one."""
    discovery = bounds.discover(step=1.9, fit_on=FEW, check_on=[6, 14])
    assert sp.simplify(discovery.rate - sp.Rational(81, 100) ** K / 2) == 0
    assert discovery.checked_on == (6,)
    assert list(discovery.refused) == [14]
    assert not discovery.holds
    assert "refused at K = 14" in discovery.text
    assert bounds.worst_case(step=1.9, steps=22).lower > 0.81**22 / 2


def test_what_has_no_formula_is_said() -> None:
    """Steps of 1.7: three K have one worst function, the others another one; and a rate whose multipliers have none."""
    nothing = bounds.discover(step=1.7, fit_on=FEW)
    assert nothing.rate is None
    assert not nothing.holds
    assert nothing.missing
    assert nothing.latex == ""
    assert "there is no formula" in nothing.check(8)
    partly = bounds.discover(method=methods.gradient(), metric="gradient", fit_on=FEW)
    assert sp.simplify(partly.rate - 1 / (K + 1) ** 2) == 0
    assert not partly.complete
    assert not partly.checked_on
    assert "a formula of the multipliers of f[* over k]" in partly.missing
    assert "there is no formula" in partly.check(8)


def test_arguments_may_depend_on_the_length() -> None:
    """Steps of 1/K: 1/(2 (2 K/K + 1))."""
    discovery = bounds.discover(at=lambda K: {"step": Fraction(1, K)})
    assert discovery.rate == sp.Rational(1, 6)
    assert discovery.holds


def test_what_is_written(gradient: Discovery) -> None:
    data = json.loads(json.dumps(gradient.data))
    assert data["rate"] == "1/(2*(2*K + 1))"
    assert data["values"]["3"] == "1/14"
    assert data["conjecture"] is True
    assert r"\tau_K &= \frac{1}{2 \left(2 K + 1\right)}" in gradient.latex
    assert "1, 2, 3, 4, 5, 6, 7, 8, 9, 10" in gradient.latex


def test_a_fit_predicts_the_numbers_of_the_largest_length() -> None:
    values = {(i, n): Fraction(i + 1, 2 * n - i) for n in range(1, 7) for i in range(n)}
    fit = _fit.fitted(values)
    assert fit is not None
    assert fit.at(3, 20) == Fraction(4, 37)
    assert _fit.fitted({**values, (2, 6): Fraction(1, 7)}) is None
    generator = np.random.default_rng(0)
    assert _fit.fitted({(n,): Fraction(int(generator.integers(1, 10**6))) for n in range(1, 8)}) is None
    powers = {(i, n): Fraction(9, 10) ** (n - i) for n in range(1, 7) for i in range(n)}
    assert _fit.fitted(powers) is None
    geometric = _fit.fitted(powers, Fraction(9, 10))
    assert geometric is not None
    assert geometric.exponents == (-1, 1)


def test_a_bound_that_is_proved_and_larger_than_the_worst_case_is_no_basis() -> None:
    """The worst run of a contraction is (1, 9/10, 81/100, ...), and snapped to short fractions it is another one."""
    problem = Problem(bounds.worst_case(**THEOREMS["contraction"][0], steps=4).setting)
    kinds = needed_kinds(problem)
    proof = exact_proof(problem, kinds)
    assert isinstance(proof, Proof)
    assert proof.tau == Fraction(9, 10) ** 8
    problem = Problem(problem.setting)
    problem.__dict__["witnesses"] = []
    other = exact_proof(problem, kinds)
    assert isinstance(other, str) or problem.close(other.tau)
    assert not problem.close(Fraction(9, 10) ** 8 + Fraction(1, 10**6))


def test_kinds_stay_the_same_from_run_to_run() -> None:
    names = [("f", str(i), str(j)) for i in range(6) for j in range(6) if i != j]
    names += [
        ("f", "*", "2"),
        ("f", "2", "*"),
        ("metric", "1"),
        ("metric", "5"),
        ("initial",),
        ("second", "A", "1", "2"),
    ]
    ends = ends_of(names)
    arguments = {name: kind_of(name, ends) for name in names}
    assert arguments["f", "2", "3"] == (Kind(("f",), "k over k+1"), 2)
    assert arguments["f", "5", "2"] == (Kind(("f",), "last over k"), 2)
    assert arguments["f", "0", "3"] == (Kind(("f",), "first over k"), 3)
    assert arguments["f", "*", "2"] == (Kind(("f",), "* over k"), 2)
    assert arguments["metric", "5"] == (Kind(("metric",), "last"), 0)
    assert arguments["metric", "1"] == (Kind(("metric",), "k"), 1)
    assert arguments["initial",] == (Kind(("initial",), ""), 0)
    assert arguments["second", "A", "1", "2"] == (Kind(("second", "A"), "k over k+1"), 1)
    assert len({(kind, index) for kind, index in arguments.values()}) == len(names)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"fit_on": [1, 2, 3]}, "at least 4"),
        ({"fit_on": [0, 1, 2, 3]}, "integers K >= 1"),
        ({"check_on": [7]}, "not in fit_on"),
        ({"check_on": []}, "not in fit_on"),
        ({"method": "newton"}, "method"),
        ({"relative_error": 0.1}, "unknown argument 'relative_error'"),
    ],
)
def test_questions_that_make_no_sense_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(bounds.InputError, match=words):
        bounds.discover(**arguments)
