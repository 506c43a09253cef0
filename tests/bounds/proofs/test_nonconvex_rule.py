"""The interpolation inequality of smooth non-convex functions: it holds, is sharp, and no other constant proves B10."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds.proofs import _checker_base as base
from l2obound.bounds.proofs import _proof
from l2obound.bounds.proofs._rules import RULES
from l2obound.bounds.proofs._symbols import L, Point
from l2obound.bounds.proofs.checker import Wrong, check
from tests.helpers.proof_material import certificate_of

NAME, RULE = "nonconvex_stationarity:exact_steps", "nonconvex_interpolation"
CONSTANTS = [(4, 4), (3, 4), (5, 4), (4, 3), (4, 5), (-4, 4)]
"""(c, d) of ||dg||^2/(cL) and (L/d)||dx||^2; the first is the rule."""


def stated(a: Point, b: Point, c: int, d: int) -> sp.Expr:
    dg, dx = a.g - b.g, a.x - b.x
    return a.f - b.f - (a.g + b.g) / 2 * dx - dg**2 / (c * L) + L / d * dx**2


def gaps(c: int, d: int) -> np.ndarray:
    """The inequality on sum q_i x_i^2/2, |q_i| <= L = 2, and on log(1 + x^2), L = 2: differences of sides."""
    rng, slacks = np.random.default_rng(0), []
    q = rng.choice([-2.0, 2.0, 1.0, 0.0, -0.5], (2000, 3))
    a, b = rng.standard_normal((2, 2000, 3))
    for value, gradient in (
        (lambda x: (q * x**2).sum(-1) / 2, lambda x: q * x),
        (lambda x: np.log1p(x**2).sum(-1), lambda x: 2 * x / (1 + x**2)),
    ):
        dg, dx = gradient(a) - gradient(b), a - b
        mean = ((gradient(a) + gradient(b)) * dx).sum(-1) / 2
        slacks.append(value(a) - value(b) - mean - (dg**2).sum(-1) / (c * 2.0) + 2.0 / d * (dx**2).sum(-1))
    return np.concatenate(slacks)


def test_it_holds_and_a_stronger_one_does_not() -> None:
    assert gaps(4, 4).min() >= -1e-12
    assert gaps(3, 4).min() < -0.1
    assert gaps(4, 5).min() < -0.1


@pytest.mark.parametrize(("c", "d"), CONSTANTS)
def test_another_constant_does_not_prove_the_bound(c: int, d: int, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = certificate_of(NAME)
    _proof.argued.cache_clear()  # arguments keep the rules that they were made of
    monkeypatch.setitem(RULES, RULE, replace(RULES[RULE], build=lambda a, b: stated(a, b, c, d)))
    proof = bounds.get(NAME).prove()
    assert proof.valid == ((c, d) == (4, 4))
    assert proof.valid or "remainder" in proof.reason or "not shown" in proof.reason
    _proof.argued.cache_clear()
    text, kinds, needs = base.RULES[RULE]
    other = text.replace("/(4*L)", f"/({c}*L)").replace("L/4*", f"L/{d}*")
    monkeypatch.setitem(base.RULES, RULE, (other, kinds, needs))
    if (c, d) == (4, 4):
        check(certificate)
    else:
        with pytest.raises(Wrong, match="remainder"):
            check(certificate)
