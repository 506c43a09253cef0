"""Every proof holds, an independent checker agrees, and nothing false can be proved."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds import hypotheses as H
from l2obound.bounds.proofs import ARGUMENTS
from l2obound.bounds.proofs import _checker_base as base
from l2obound.bounds.proofs._check import check_argument
from l2obound.bounds.proofs._claims import (
    CASES,
    COUNT,
    INDEX,
    LONG_CASE,
    RANGES,
    SHORT_CASE,
    UNIT_STEP,
    Argument,
    Claim,
    Earlier,
    Given,
    Part,
    Unproved,
    signs_of,
    term,
)
from l2obound.bounds.proofs._facts import DEFINITIONS, FACTS, PRODUCTS, SIZES
from l2obound.bounds.proofs._goal import FORMULAS, MEANT_UNDER, RUN, Goal, goal
from l2obound.bounds.proofs._goal import SIZES as NUMBERS
from l2obound.bounds.proofs._polynomials import Ring
from l2obound.bounds.proofs._rules import CONDITIONS, RULES
from l2obound.bounds.proofs._signs import is_nonnegative
from l2obound.bounds.proofs._symbols import BEFORE, NOW, L, Z, h, size, symbol
from l2obound.bounds.proofs._telescope import term_sum
from l2obound.bounds.proofs.out_of_distribution import sharp_steps
from l2obound.bounds.vocabulary import Q, k
from tests.helpers import proof_checker
from tests.helpers.proof_material import certificate_of, proof_of

NAMES = bounds.names(variants=True)
PROVED = NAMES


@pytest.mark.parametrize("name", PROVED)
def test_every_bound_is_proved_and_the_checker_agrees(name: str) -> None:
    proof = proof_of(name)
    assert proof.valid, proof.reason
    assert proof.reason == ""
    assert proof.multipliers or name == "equivariance"
    assert bounds.get(name).title in proof.text
    certificate = certificate_of(name)
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


def _cheap_mutants(bound: bounds.Bound) -> list[bounds.Bound]:
    less = sp.Rational(49, 50)
    made = [bound.replace(rhs=bound.rhs * less), bound.replace(lhs=bound.lhs * sp.Rational(51, 50))]
    parts = sp.Add.make_args(bound.rhs)
    if len(parts) > 1:
        made += [bound.replace(rhs=bound.rhs - 2 * part) for part in parts]
    made.append(bound.replace(rhs=bound.rhs.subs(Q.L, Q.L * less)))
    return made


def _plain(bound: bounds.Bound) -> bool:
    return not bound.rhs.has(sp.Sum)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROVED)
def test_no_mutant_is_proved(name: str) -> None:
    bound = bounds.get(name)
    for mutant in mutants(bound) if _plain(bound) else _cheap_mutants(bound):
        assert not mutant.prove().valid, (name, mutant.rhs)


def test_a_bound_in_other_symbols_is_refused_without_an_exception() -> None:
    bound = bounds.get("per_step_descent")
    for wrong in (sp.Symbol("y"), sp.nan, sp.exp(Q.L), 1 / Q.F[k], Q.F[k - 2], sp.zoo):
        assert not bound.replace(rhs=wrong).prove().valid


def test_multipliers_and_text_of_a_short_proof() -> None:
    proof = bounds.get("per_step_descent").prove()
    named = [(m.inequality, m.multiplier) for m in proof.multipliers]
    assert named == [("descent_lemma(j, k)", 1), ("subgradient(j, k)", 1)]
    assert proof.identity == ("[bound] = (1) * [descent_lemma(j, k)] + (1) * [subgradient(j, k)]",)


def test_prover_and_checker_know_the_same_base() -> None:
    """Written twice, row by row: a row on one side alone is a mistake."""
    from l2obound.bounds.proofs._symbols import Point

    a, b = Point("k"), Point("j")
    assert set(base.RULES) == set(RULES)
    for name, rule in RULES.items():
        text, takes, needs = base.RULES[name]
        assert (takes, needs) == (rule.takes, tuple(one.name for one in rule.hypotheses)), name
        assert (name in base.EQUALITIES) == rule.equality
        others = [sp.Symbol(f"q{i}") for i, kind in enumerate(takes) if kind not in ("point", "subgradient", "inexact")]
        points = [(a, b)[i] for i in range(len(takes) - len(others))]
        assert same(rule.build(*points, *others), text.format(*others, a="k", b="j")), name
    assert set(base.RANGES) == set(RANGES)
    for name, r in RANGES.items():
        values, needs, family = base.RANGES[name]
        assert (needs, family) == (tuple(one.name for one in r.hypotheses), r.cases), name
        assert set(values) == {s.name for s in r.values}
        assert all(same(value, plain(values[s.name])) for s, value in r.values.items())
    assert {name: tuple(r.says for r in members) for name, members in CASES.items()} == base.CASES
    assert {n: (s.symbol.name, names(s.hypotheses)) for n, s in SIZES.items()} == {
        n: (s[0], s[2]) for n, s in base.SIZES.items()
    }
    assert all(same(size_.vector, base.SIZES[name][1]) for name, size_ in SIZES.items())
    assert set(PRODUCTS) == set(base.PRODUCTS)
    for name, row in PRODUCTS.items():
        assert names(row.hypotheses) == base.PRODUCTS[name][1]
        assert all(map(same, (row.largest, row.norm, row.product), base.PRODUCTS[name][0]))
    assert {n: names(f.hypotheses) for n, f in FACTS.items()} == {n: f[1] for n, f in base.FACTS.items()}
    assert all(same(fact.expression, base.FACTS[name][0]) for name, fact in FACTS.items())
    assert {n: (d.symbol.name, names(d.hypotheses)) for n, d in DEFINITIONS.items()} == {
        n: (d[0], d[2]) for n, d in base.DEFINITIONS.items()
    }
    assert all(same(one.value, base.DEFINITIONS[name][1]) for name, one in DEFINITIONS.items())
    assert set(FORMULAS) == set(base.FORMULAS)
    assert all(same(formula, base.FORMULAS[name]) for name, formula in FORMULAS.items())
    assert (NUMBERS, RUN) == (base.NUMBERS, base.RUN)
    assert {name: one.name for name, one in MEANT_UNDER.items()} == base.MEANT_UNDER


def names(hypotheses: tuple[H.Hypothesis, ...]) -> tuple[str, ...]:
    return tuple(one.name for one in hypotheses)


def plain(text: str) -> str:
    """The parameters of ranges without their underscore."""
    return re.sub(r"\b_(\w+)", r"\1", text)


def same(expression: sp.Expr, text: str) -> bool:
    """Whether an expression of the prover and a text of the checker are one formula."""
    matches = re.findall(r"[A-Za-z_]\w*", f"{expression} {text}")
    symbols = {name: sp.Symbol(name) for name in matches}
    here = sp.sympify(expression)
    here = here.xreplace({s: symbols[s.name] for s in here.free_symbols})
    return sp.simplify(here - sp.sympify(text, locals=symbols)) == 0


def test_the_checker_knows_the_hypotheses_by_their_words() -> None:
    expected = {one.name: one for one in vars(H).values() if isinstance(one, H.Hypothesis)}
    tables = (base.RULES, base.RANGES, base.SIZES, base.PRODUCTS, base.FACTS, base.DEFINITIONS)
    cells = [cell for table in tables for row in table.values() for cell in row if isinstance(cell, tuple)]
    needed = {name for cell in cells for name in cell if name in expected}
    assert needed | set(base.MEANT_UNDER.values()) | {"monotone", "deviation_below_step"} == set(base.HYPOTHESES)
    for name, (says, judge) in base.HYPOTHESES.items():
        content = expected[name].content
        assert (content["statement"], content["judge"]) == (says, judge.format(name=name))


def test_the_page_lists_the_trusted_base() -> None:
    """Every row of the base is on the page, each table under its heading, and nothing else is."""
    page = (Path(__file__).parents[3] / "docs" / "theory" / "trusted.md").read_text()
    tables = {
        "Rules": set(RULES),
        "Arguments of rules": set(CONDITIONS),
        "Ranges": set(RANGES),
        "Norms": set(SIZES),
        "Entrywise products": set(PRODUCTS),
        "Facts": set(FACTS),
        "Definitions": {re.sub(r"_[kj0Kz]$", "", name) for name in DEFINITIONS},
        "Quantities": set(FORMULAS) | {"F", "gz2", "grad2", "R", "F_z", *MEANT_UNDER},
    }
    for heading, wanted in tables.items():
        section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        rows = [line.split("|")[1].strip().strip("`") for line in section.splitlines() if line.startswith("| `")]
        assert set(rows) == wanted, heading
        assert len(rows) == len(wanted), heading


# The engine itself


def proved(claims: tuple[Claim, ...], expression: sp.Expr, hypotheses: tuple[H.Hypothesis, ...] = (), **more) -> None:
    check_argument(Argument(claims, **more), Goal(expression), hypotheses)


def refused(claims: tuple[Claim, ...], expression: sp.Expr, hypotheses: tuple[H.Hypothesis, ...] = (), **more) -> str:
    with pytest.raises(Unproved) as caught:
        proved(claims, expression, hypotheses, **more)
    return str(caught.value)


def single(expression: sp.Expr, *terms, ranges=(), **more) -> tuple[Claim, ...]:
    return (Claim("bound", "", expression, (Part(terms, ranges, **more),)),)


def test_terms_of_degree_four_in_the_vectors_mean_nothing() -> None:
    # ||u||^2 ||v||^2 = <u, v>^2 holds on a line and nowhere else
    u, v = NOW.x, NOW.g
    proved(single(-(u**2) * v**2 + u**2 * v**2 + L, term(L)), L)
    a = sp.Symbol("a_k", real=True)
    assert "not quadratic" in refused(single(a**2 - u**2 * v**2, term(0)), a**2 - u**2 * v**2)
    assert "not quadratic" in refused(single(u, term(0)), u)


def test_a_negative_multiplier_is_refused() -> None:
    assert "not shown to be >= 0" in refused(single(-L, term(-L)), -L)
    assert "not shown to be >= 0" in refused(single(1 - h, term(1 - h)), 1 - h)
    proved(single(1 - h, term(1 - h), ranges=(UNIT_STEP,)), 1 - h, (H.REFERENCE_STEP,))
    message = refused(single(1 - h, term(1 - h), ranges=(UNIT_STEP,)), 1 - h)
    assert "hypothesis `reference_step`" in message


def test_a_claim_times_something_that_may_vanish_is_refused() -> None:
    assert "not shown to be positive" in refused(single(-L, term(0), times=size("dist", "k")), -L)
    assert "not shown to be positive" in refused(single(-L, times=sp.Integer(0)), -L)


def test_a_circle_is_refused() -> None:
    circle = single(-L, term(1, Earlier("bound")))
    assert "itself" in refused(circle, -L)
    later = single(-L, term(1, Earlier("later")))
    assert "before it is proved" in refused(later, -L)


def test_a_claim_about_steps_is_not_used_before_the_first() -> None:
    about_steps = Claim("step", "", k * L, (Part((term(k * L),)),))
    used = Claim("bound", "", (k - 1) * L, (Part((term(1, Earlier("step", "j", k - 1)),)),))
    assert "speaks of steps" in refused((about_steps, used), (k - 1) * L)


def test_an_induction_needs_its_start() -> None:
    step = Part((term(1, Earlier("bound", "j", k - 1)), term(L)), (INDEX,))
    value = k * L - 5 * L
    claim = (Claim("bound", "", value, (step,)),)
    assert "without a start" in refused(claim, value)
    start = Part((), (COUNT,), index="0", position=0)
    assert "remainder" in refused((Claim("bound", "", value, (start, step)),), value)
    good = k * L
    proved((Claim("bound", "", good, (start, step)),), good)


def test_every_case_is_needed() -> None:
    one = Part((term(L),), (SHORT_CASE,))
    other = Part((term(L),), (LONG_CASE,))
    assert "is left out" in refused((Claim("bound", "", L, (one,)),), L, (H.REFERENCE_STEP_LONG,))
    proved((Claim("bound", "", L, (one, other)),), L, (H.REFERENCE_STEP_LONG,))
    plus, minus = signs_of("f", NOW.f)
    parts = tuple(Part((term(1, Given(r), Given(r)),), (r,)) for r in (plus, minus))
    proved((Claim("bound", "", NOW.f**2, parts),), NOW.f**2)
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
    for letter in "xgs":
        numbers |= {symbol(letter, i): rng.standard_normal(5) for i in "kjz"}
    numbers |= {symbol(letter, i): rng.standard_normal() for letter in "fr" for i in "kjz"}
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
