"""Every proof holds, an independent checker agrees, and nothing false can be proved."""

from __future__ import annotations

import copy
import json
import random

import numpy as np
import pytest
import sympy as sp

import bounds
from bounds._vocabulary import Q, k
from bounds.proofs import ARGUMENTS
from bounds.proofs._check import Unproved, check_argument
from bounds.proofs._claims import (
    COUNT,
    INDEX,
    LONG_CASE,
    SHORT_CASE,
    UNIT_STEP,
    Argument,
    Claim,
    Earlier,
    Given,
    Part,
    signs_of,
    term,
    use,
)
from bounds.proofs._goal import goal
from bounds.proofs._polynomials import Ring
from bounds.proofs._signs import is_nonnegative
from bounds.proofs._symbols import BEFORE, NOW, L, Z, h, size, symbol
from bounds.proofs._telescope import term_sum
from bounds.proofs.out_of_distribution import sharp_steps
from tests.bounds.proofs import proof_checker

NAMES = bounds.names(variants=True)
PROVED = NAMES


@pytest.mark.parametrize("name", PROVED)
def test_every_bound_is_proved_and_the_checker_agrees(name: str) -> None:
    proof = bounds.get(name).prove()
    assert proof.valid, proof.reason
    assert proof.reason == ""
    assert proof.multipliers or name == "equivariance"
    assert bounds.get(name).title in proof.text
    certificate = json.loads(json.dumps(proof.certificate()))
    assert certificate["valid"]
    assert certificate["lhs"] == str(bounds.get(name).lhs)
    proof_checker.check(certificate)


def test_what_is_not_proved_says_so() -> None:
    assert set(ARGUMENTS) == set(PROVED)
    proof = bounds.get("per_step_descent").replace(name="unheard_of").prove()
    assert not proof.valid
    assert "not proved" in proof.reason
    assert proof.certificate()["valid"] is False


def mutants(bound: bounds.Bound) -> list[bounds.Bound]:
    """Stronger statements than the bound, or ones with a wrong sign or index."""
    less = sp.Rational(49, 50)
    made = [bound.replace(lhs=bound.lhs - (bound.rhs - bound.lhs) / 50)]
    if bound.rhs != 0:
        made.append(bound.replace(rhs=sp.expand(bound.rhs) * less))
        made += [bound.replace(rhs=bound.rhs - 2 * part) for part in sp.Add.make_args(bound.rhs)]
    if bound.rhs.has(Q.K):
        made.append(bound.replace(rhs=bound.rhs.subs(Q.K, Q.K + 1)))
    if bound.rhs.has(Q.L):
        made.append(bound.replace(rhs=bound.rhs.subs(Q.L, Q.L * less)))
    return [m for m in made if sp.simplify(m.rhs - m.lhs - (bound.rhs - bound.lhs)) != 0]


def _plain(bound: bounds.Bound) -> bool:
    return not bound.rhs.has(sp.Sum)


@pytest.mark.parametrize("name", PROVED)
def test_a_wrong_constant_or_sign_is_not_proved(name: str) -> None:
    bound = bounds.get(name)
    found = mutants(bound) if _plain(bound) else _cheap_mutants(bound)
    # each of them fails somewhere along the way; the default run takes two, `make test-slow` all
    for mutant in random.Random(name).sample(found, min(2, len(found))):
        proof = mutant.prove()
        assert not proof.valid, (name, mutant.rhs)
        assert proof.reason


def _cheap_mutants(bound: bounds.Bound) -> list[bounds.Bound]:
    less = sp.Rational(49, 50)
    made = [bound.replace(rhs=bound.rhs * less), bound.replace(lhs=bound.lhs * sp.Rational(51, 50))]
    parts = sp.Add.make_args(bound.rhs)
    if len(parts) > 1:
        made += [bound.replace(rhs=bound.rhs - 2 * part) for part in parts]
    made.append(bound.replace(rhs=bound.rhs.subs(Q.L, Q.L * less)))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", PROVED)
def test_no_mutant_is_proved(name: str) -> None:
    bound = bounds.get(name)
    for mutant in mutants(bound) if _plain(bound) else _cheap_mutants(bound):
        assert not mutant.prove().valid, (name, mutant.rhs)


NOT_NEEDED = {
    # the identity holds for every p; the range is what makes the right-hand side a decrease
    ("homogeneous_descent:diagonal", "preconditioner_in_range"),
    # for every sigma; below the step it is a decrease
    ("homogeneous_descent", "deviation_below_step"),
    # r = 0 is convex
    ("ind_rate:smooth", "r_convex"),
}


@pytest.mark.parametrize("name", PROVED)
def test_without_a_hypothesis_there_is_no_proof(name: str) -> None:
    bound = bounds.get(name)
    for hypothesis in bound.hypotheses:
        rest = tuple(other for other in bound.hypotheses if other is not hypothesis)
        if (name, hypothesis.name) in NOT_NEEDED:
            continue
        proof = bound.replace(hypotheses=rest).prove()
        assert not proof.valid, (name, hypothesis.name)
        assert hypothesis.name in proof.reason


def test_a_bound_in_other_symbols_is_refused_without_an_exception() -> None:
    bound = bounds.get("per_step_descent")
    for wrong in (sp.Symbol("y"), sp.nan, sp.exp(Q.L), 1 / Q.F[k], Q.F[k - 2], sp.zoo):
        assert not bound.replace(rhs=wrong).prove().valid


def test_multipliers_and_text_of_a_short_proof() -> None:
    proof = bounds.get("per_step_descent").prove()
    named = [(m.inequality, m.multiplier) for m in proof.multipliers]
    assert named == [("descent_lemma(j, k)", 1), ("subgradient(j, k)", 1)]
    assert proof.identity == ("[bound] = (1) * [descent_lemma(j, k)] + (1) * [subgradient(j, k)]",)


def tampered(certificate: dict, seed: int) -> tuple[dict, str]:
    """The certificate with one thing wrong."""
    rng, c = random.Random(seed), copy.deepcopy(certificate)
    parts = [part for claim in c["claims"] for part in claim["parts"] if part["terms"]]
    part = rng.choice(parts)
    one = rng.choice(part["terms"])
    kind = seed % 5
    if kind == 0:
        one["multiplier"] = f"({one['multiplier']})*51/50"
    elif kind == 1:
        part["terms"].remove(one)
    elif kind == 2:
        c["goal"] = f"({c['goal']}) - L"
    elif kind == 3:
        one["multiplier"] = f"-({one['multiplier']})"
    else:
        claim = rng.choice(c["claims"])
        claim["expression"] = f"({claim['expression']}) - L"
    return c, str(kind)


@pytest.mark.parametrize("name", ["homogeneous_descent", "ood_multi_step", "relative_deviation_rate", "a_priori:sharp"])
def test_a_tampered_certificate_is_refused(name: str) -> None:
    certificate = json.loads(json.dumps(bounds.get(name).prove().certificate()))
    for seed in range(10):
        wrong, kind = tampered(certificate, seed)
        with pytest.raises(proof_checker.Wrong):
            proof_checker.check(wrong)
        assert kind


def test_the_checker_wants_equalities_proved_by_equalities() -> None:
    certificate = json.loads(json.dumps(bounds.get("per_step_descent").prove().certificate()))
    proof_checker.check(certificate)
    certificate["claims"][0]["equality"] = True
    with pytest.raises(proof_checker.Wrong, match="equalities only"):
        proof_checker.check(certificate)


def test_the_checker_wants_the_hypotheses_of_the_rules() -> None:
    certificate = json.loads(json.dumps(bounds.get("ood_multi_step").prove().certificate()))
    certificate["hypotheses"].remove("f_convex")
    with pytest.raises(proof_checker.Wrong, match="f_convex"):
        proof_checker.check(certificate)


@pytest.mark.parametrize("drop", ["start", "case"])
def test_the_checker_wants_every_case(drop: str) -> None:
    name = {"start": "ood_multi_step", "case": "strong_convexity:pl"}[drop]
    certificate = json.loads(json.dumps(bounds.get(name).prove().certificate()))
    claim = next(c for c in certificate["claims"] if len(c["parts"]) > 1)
    claim["parts"] = claim["parts"][1:]
    with pytest.raises(proof_checker.Wrong, match=r"start|missing"):
        proof_checker.check(certificate)


# The engine itself


def refused(claims: tuple[Claim, ...], expression: sp.Expr, hypotheses: tuple[str, ...] = ()) -> str:
    with pytest.raises(Unproved) as caught:
        check_argument(Argument(claims), expression, hypotheses)
    return str(caught.value)


def single(expression: sp.Expr, *terms, ranges=(), **more) -> tuple[Claim, ...]:
    return (Claim("bound", "", expression, (Part(terms, ranges, **more),)),)


def test_terms_of_degree_four_in_the_vectors_mean_nothing() -> None:
    # ||u||^2 ||v||^2 = <u, v>^2 holds on a line and nowhere else
    u, v = NOW.x, NOW.g
    claim = single(-(u**2) * v**2 + u**2 * v**2 + L, term(L))
    assert not check_argument(Argument(claim), L, ())
    product = single(size("a", "k") ** 2 - u**2 * v**2, term(0))
    assert "not quadratic" in refused(product, size("a", "k") ** 2 - u**2 * v**2)
    linear = single(u, term(1, use("hypothesis", u)))
    assert "not quadratic" in refused(linear, u)


def test_a_negative_multiplier_is_refused() -> None:
    assert "not shown to be >= 0" in refused(single(-L, term(-L)), -L)
    assert "not shown to be >= 0" in refused(single(1 - h, term(1 - h)), 1 - h)
    check_argument(Argument(single(1 - h, term(1 - h), ranges=(UNIT_STEP,))), 1 - h, ("reference_step",))
    message = refused(single(1 - h, term(1 - h), ranges=(UNIT_STEP,)), 1 - h)
    assert "hypothesis `reference_step`" in message


def test_a_claim_times_something_that_may_vanish_is_refused() -> None:
    small = size("dist", "k")
    assert "not shown to be positive" in refused(single(-L, term(0), times=small - small + size("a", "k")), -L)
    assert "not shown to be positive" in refused(single(-L, times=sp.Integer(0)), -L)


def test_a_circle_is_refused() -> None:
    circle = single(-L, term(1, Earlier("bound")))
    assert "itself" in refused(circle, -L)
    later = single(-L, term(1, Earlier("later")))
    assert "before it is proved" in refused(later, -L)


def test_a_claim_about_steps_is_not_used_before_the_first() -> None:
    about_steps = Claim("step", "", L, (Part((term(L),)),))
    used = Claim("bound", "", L, (Part((term(1, Earlier("step", "j", k - 1)),)),))
    assert "speaks of steps" in refused((about_steps, used), L)


def test_an_induction_needs_its_start() -> None:
    step = Part((term(1, Earlier("bound", "j", k - 1)), term(L)), (INDEX,))
    value = k * L - 5 * L
    claim = (Claim("bound", "", value, (step,)),)
    assert "without a start" in refused(claim, value)
    start = Part((), (COUNT,), index="0", position=0)
    assert "remainder" in refused((Claim("bound", "", value, (start, step)),), value)
    good = k * L
    check_argument(Argument((Claim("bound", "", good, (start, step)),)), good, ())


def test_every_case_is_needed() -> None:
    one = Part((term(L),), (SHORT_CASE,))
    other = Part((term(L),), (LONG_CASE,))
    assert "is left out" in refused((Claim("bound", "", L, (one,)),), L, ("reference_step",))
    check_argument(Argument((Claim("bound", "", L, (one, other)),)), L, ("reference_step",))
    plus, minus = signs_of("f", NOW.f)
    parts = tuple(Part((term(1, Given(r), Given(r)),), (r,)) for r in (plus, minus))
    check_argument(Argument((Claim("bound", "", NOW.f**2, parts),)), NOW.f**2, ())
    assert "left out" in refused((Claim("bound", "", NOW.f**2, parts[:1]),), NOW.f**2)
    assert "another case" in refused((Claim("bound", "", NOW.f, (Part((term(1, Given(plus)),), (minus,)),)),), NOW.f)


def test_an_equality_is_proved_by_equalities() -> None:
    claim = (Claim("bound", "", L, (Part((term(L),)),), equality=True),)
    assert "by equalities only" in refused(claim, L)


def test_signs_see_only_what_is_certain() -> None:
    a, b = sp.Symbol("a", nonnegative=True), sp.Symbol("b", positive=True)
    x = sp.Symbol("x", real=True)
    assert is_nonnegative(a + x**2, {})
    assert not is_nonnegative(a + x, {})
    assert not is_nonnegative(a - b, {})
    assert is_nonnegative(b / (a + b), {}, strict=True)
    assert not is_nonnegative(a / (a + b), {}, strict=True)
    assert not is_nonnegative(b / a, {})  # a may be 0
    assert is_nonnegative(-b / (-a - b), {})
    assert not is_nonnegative(sp.Integer(0), {}, strict=True)


def value_in_space(expression: sp.Expr, numbers: dict[sp.Symbol, object]) -> float:
    """An expression of degree 2 in the vectors, its products of vectors taken as inner products."""
    ring = Ring([expression])
    total = 0.0
    for used, coefficient in ring.terms(expression):
        scalar, vectors = float(coefficient.subs({s: v for s, v in numbers.items() if np.isscalar(v)})), []
        for s, power in used.items():
            if isinstance(numbers[s], np.ndarray):
                vectors += [numbers[s]] * power
            else:
                scalar *= numbers[s] ** power
        total += scalar * (vectors[0] @ vectors[1] if vectors else 1.0)
    return total


def test_the_algebra_is_that_of_inner_products() -> None:
    """The identity of a step of B6b, in five dimensions, each side evaluated on its own."""
    rng = np.random.default_rng(0)
    sharp = bounds.get("ood_multi_step_sharp")
    wanted = goal(sharp.lhs, sharp.rhs)
    numbers: dict[sp.Symbol, object] = {L: 2.0, h: 0.7, k: 3, Q.K: 8}
    for base in "xgs":
        numbers |= {symbol(base, i): rng.standard_normal(5) for i in "kjz"}
    numbers |= {symbol(base, i): rng.standard_normal() for base in "fr" for i in "kjz"}
    left = sum(value_in_space(term_sum([one]), numbers) for one in sharp_steps())
    # the same sum by hand, with vectors
    a = (8 + 1 - 3) / (8 + 2 - 3)
    after = (8 - 3) / (8 + 1 - 3)
    x, xj, z, g, gj, s = (numbers[p] for p in (NOW.x, BEFORE.x, Z.x, NOW.g, BEFORE.g, NOW.s))
    f, fj, fz, r, rz = (numbers[p] for p in (NOW.f, BEFORE.f, Z.f, NOW.r, Z.r))
    y, yj, d = x - z, xj - z, gj - g
    right = (
        0.7 * a * (fj - f - g @ (xj - x) - d @ d / 4)
        + 0.7 * (1 - a + after) * (fz - f - g @ (z - x))
        + 0.7 * (rz - r - s @ (z - x))
        + 2 / (2 * a) * np.sum((y - a * yj + 0.7 * a / 2 * d) ** 2)
        + 0.7 * a * 0.3 / 4 * d @ d
    )
    assert left == pytest.approx(right, rel=1e-12)
    assert wanted.sums
