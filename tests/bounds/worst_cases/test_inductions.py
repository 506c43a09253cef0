"""Proofs for every K: the known theorems have one, patterns that are false or have been changed have none."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds.worst_cases import methods
from l2obound.bounds.worst_cases._exact import positive_semidefinite
from l2obound.bounds.worst_cases.discoveries import Discovery, Induction, _fit, induction
from l2obound.bounds.worst_cases.discoveries._blocks import blocks_of, padded
from l2obound.bounds.worst_cases.discoveries._kinds import Kind
from tests.helpers.discoveries import FOR_EVERY_K, discovered, proved

K, k = _fit.K, _fit.k
FEW = {"check_on": [8]}
QUICK = ("gradient", "proximal point", "contraction", "mean of the values")


@pytest.fixture(scope="module")
def gradient() -> Discovery:
    return discovered("gradient")


def remainder(proof: Induction, k_at: int, K_at: int) -> np.ndarray:
    """P_k at numbers."""
    values = proof.form.subs({k: k_at, K: K_at})
    return np.array([[Fraction(int(v.p), int(v.q)) for v in values.row(i)] for i in range(values.rows)], object)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in FOR_EVERY_K]
)
def test_known_theorems_are_proved_for_every_length(name: str) -> None:
    discovery, proof = discovered(name), proved(name)
    assert proof, proof.reason
    assert sp.simplify(proof.rate - discovery.rate) == 0
    assert "proved for every K >= 1" in proof.text
    # the forms at numbers, at a length that nothing was fitted on, make the chain that the text speaks of
    length = 17
    _, blocks = blocks_of(discovery.setting(length))
    _, multipliers = discovery.at(length)
    for c, block in enumerate(blocks):
        form = block.form(multipliers)
        if c:
            form = form + padded(remainder(proof, c, length), block.width)
        if block.handed is not None:
            form = form - block.handed.T.dot(remainder(proof, c + 1, length)).dot(block.handed)
        assert positive_semidefinite(form), (name, c)


def test_what_is_written() -> None:
    proof = proved("gradient")
    data = json.loads(json.dumps(proof.data))
    assert data["valid"] is True
    assert data["rate"] == "1/(2*(2*K + 1))"
    assert len(data["form"]) == 2
    assert data["by_symbols_from"] == 3
    assert any("steps 2 to K - 1" in one for one in data["conditions"])
    assert r"P_k &=" in proof.latex
    assert sp.simplify(proof.form[1, 1] - (k + 1) / (2 * (2 * K - k))) == 0


@pytest.mark.slow
def test_a_pattern_that_is_false_from_some_length_on_is_no_proof() -> None:
    """Steps of 1.9: proofs for K = 1..13, and none at K = 14."""
    proof = bounds.discover(step=1.9, **FEW).prove()
    assert not proof
    assert "not shown to be positive semidefinite" in proof.reason
    assert proof.latex == ""
    assert "no proof for every K" in proof.text


def changed(discovery: Discovery, kind: Kind, factor: Fraction) -> Discovery:
    """The discovery with the multipliers of one kind times a number."""
    parts = []
    for one in discovery.multipliers:
        fit = one.inner
        if one.kind == kind:
            fit = replace(fit, above={e: factor * c for e, c in fit.above.items()})
        parts.append(replace(one, inner=fit))
    return replace(discovery, multipliers=tuple(parts))


def test_a_changed_pattern_is_no_proof(gradient: Discovery) -> None:
    forward, initial = Kind(("f",), "k over k+1"), Kind(("initial",), "")
    reason = changed(gradient, forward, Fraction(99, 100)).prove().reason
    assert "do not cancel" in reason
    reason = changed(gradient, forward, Fraction(-1)).prove().reason
    assert reason
    reason = changed(gradient, initial, Fraction(99, 100)).prove().reason
    assert reason
    one = {(0,): Fraction(1)}
    smaller = replace(gradient, fit=_fit.Fit(one, {(1,): Fraction(4), (0,): Fraction(3)}))
    assert "the multiplier of the initial condition is not the rate" in smaller.prove().reason
    without = replace(gradient, multipliers=gradient.multipliers[:-1])
    assert not without.prove()


@pytest.mark.slow
def test_the_pattern_of_another_method_is_no_proof(gradient: Discovery) -> None:
    assert not replace(gradient, setting=bounds.discover(step=1.2, **FEW).setting).prove()


def test_forms_that_are_wrong_are_no_proof(gradient: Discovery, monkeypatch: pytest.MonkeyPatch) -> None:
    """P is found and not believed: one that is off by a thousandth is refused."""
    right = induction._Attempt.pattern
    monkeypatch.setattr(induction._Attempt, "pattern", lambda self, way: right(self, way) * sp.Rational(1001, 1000))
    assert "positive semidefinite" in gradient.prove().reason


def test_questions_without_such_a_proof_say_why() -> None:
    assert "the method is code" in bounds.discover(methods.gradient(), **FEW).prove().reason
    partly = bounds.discover(step=1.7, fit_on=range(1, 5), **FEW)
    assert "there is no formula" in partly.prove().reason
    by_length = bounds.discover(at=lambda K: {"step": Fraction(1, K)}, **FEW).prove()
    assert "steps" in by_length.reason or "other" in by_length.reason


def test_signs_are_shown_or_not() -> None:
    domain = {K: k + 1 + induction._b, k: 1 + induction._a}
    assert induction.nonnegative(K - k, domain, True)
    assert induction.nonnegative((K - k - 1) / K, domain)
    assert not induction.nonnegative(K - k - 1, domain, True)
    assert not induction.nonnegative(K - 2 * k, domain)
    assert not induction.nonnegative(1 / (K - 2 * k), domain)
    assert not induction.nonnegative(-induction.OF_K, domain)
    assert induction.nonnegative(induction.OF_K / k, domain, True)
    assert induction.eliminated(sp.Matrix([[k, K], [K, K**2 / k]]), domain) == [k]
    assert induction.eliminated(sp.Matrix([[k, K], [K, K]]), domain) is None
