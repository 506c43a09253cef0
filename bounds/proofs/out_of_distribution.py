"""Proofs of B6, B6b and B6c: rates out of distribution, with arbitrary deviations."""

from __future__ import annotations

import sympy as sp

from .._vocabulary import Q, k
from ._claims import LONG_CASE, SHORT_CASE, UNIT_STEP, Argument, Claim, Range, term, use
from ._goal import Goal
from ._symbols import BEFORE, END, FIRST, NOW, L, Z, h
from ._telescope import in_one_go, telescope

K = Q.K
ONE, HALF = sp.Integer(1), sp.Rational(1, 2)
y, y_before = NOW.x - Z.x, BEFORE.x - Z.x
d = BEFORE.g - NOW.g


def multi_step(goal: Goal) -> Argument:
    """B6: descent lemma, convexity at z and the subgradient inequality, at each step."""
    steps = (
        term(1 / K, use("descent_lemma", BEFORE, NOW)),
        term(1 / K, use("convexity", Z, BEFORE)),
        term(1 / K, use("subgradient", Z, NOW)),
    )
    return in_one_go(goal, *telescope(goal, steps))


def weight(index: sp.Expr) -> sp.Expr:
    """a_k = (K+1-k)/(K+2-k) of B6b, 0 at k = K+1."""
    return (K + 1 - index) / (K + 2 - index)


def _sharp(goal: Goal, case: Range) -> tuple[Claim, Part]:
    a, after = weight(k), weight(k + 1)
    b = 1 - a + after
    long = case is LONG_CASE
    at_z = (lambda p: use("smooth_interpolation", Z, p, L)) if long else (lambda p: use("convexity", Z, p))
    steps = [
        term(h * a, use("smooth_interpolation", BEFORE, NOW, L)),
        term(h * b, at_z(NOW)),
        term(h, use("subgradient", Z, NOW)),
        term(L / (2 * a), square=y - a * y_before + h * a / L * d),
    ]
    start = [term(h * weight(1), at_z(FIRST))]
    if long:
        # what interpolation at z adds, b_k ||y||^2, pays for (h-1) a_k ||d||^2 <= 2 (h-1) a_k (||y'||^2 + ||y||^2)
        now, before, first = NOW.g - Z.g, BEFORE.g - Z.g, FIRST.g - Z.g
        pay = (h - 1) * h / (2 * L)
        steps += [
            term(pay * a, square=now + before),
            term(h / (2 * L) * (b - 2 * (h - 1) * (a + after)), square=now),
        ]
        start += [term(h / (2 * L) * (weight(1) - 2 * (h - 1) * weight(1)), square=first)]
        # the payment of step k+1 for y_k is written at k, where its a is `after`
    else:
        steps.append(term(h * a * (1 - h) / (2 * L), square=d))
    name = "invariant for long steps" if long else "invariant"
    return telescope(goal, steps, start, scale=h * K, ranges=(case,), name=name)


def sharp(goal: Goal) -> Argument:
    """B6b: the exact identity of its catalogue entry, for 0 < h <= 1, and with interpolation at z up to h = 5/4."""
    found = [_sharp(goal, case) for case in (SHORT_CASE, LONG_CASE)]
    last = Claim("bound", "the bound", goal.expression, tuple(part for _, part in found))
    return Argument((*(claim for claim, _ in found), last), goal.sums)


def last_iterate(goal: Goal) -> Argument:
    """B6c: the identity of its catalogue entry with M = L/h in place of L (f is M-smooth too, h <= 1)."""
    M = L / h

    def u(index: sp.Expr) -> sp.Expr:
        return 2 * K - index

    alpha = (k - 1) / u(k - 1)
    mu, before = k / u(k - 1), (k - 1) / u(k - 2)
    size = K * (2 * k - 1) - k * (k - 1)
    w = u(k - 1) * y - u(k) * y_before
    steps = (
        term(mu, use("smooth_interpolation", BEFORE, NOW, M)),
        term(mu - before, use("convexity", Z, BEFORE)),
        term(alpha, use("subgradient", BEFORE, NOW)),
        term(k / u(k) - alpha, use("subgradient", Z, NOW)),
        term(M * size / (u(k - 1) * u(k)) ** 2, square=w + k * u(k - 1) * u(k) / (2 * size) * d / M),
        term(k * (k - 1) * u(k) / (4 * u(k - 1) * size) / M, square=d),
    )
    end = (term(1 / (K + 1), use("convexity", Z, END)),)
    return in_one_go(goal, *telescope(goal, steps, (), end, ranges=(UNIT_STEP,)))
