"""Ways to say something false by the letter of the rules: 0/0, roots, a known prime, copies and look-alikes."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds import hypotheses as H
from l2obound.bounds.proofs import ARGUMENTS
from l2obound.bounds.proofs import _checker_base as base
from l2obound.bounds.proofs._checker_arithmetic import BITS, fresh_prime, is_prime, prime
from l2obound.bounds.proofs._claims import (
    COUNT,
    INDEX,
    INDEX_FROM_2,
    UNIT_STEP,
    Argument,
    Claim,
    Earlier,
    Given,
    Part,
    Range,
    Recurrence,
    Term,
    Unproved,
    Use,
    signs_of,
    term,
    use,
)
from l2obound.bounds.proofs._goal import translate
from l2obound.bounds.proofs._rules import RULES
from l2obound.bounds.proofs._symbols import DEVIATION, NOW, G, L, Point, Z, h, size, symbol
from l2obound.bounds.proofs.checker import Wrong, check
from l2obound.bounds.proofs.descent import ENORM, ONE_STEP, at_once
from l2obound.bounds.vocabulary import Q, k
from tests.helpers.false_arguments import Build, at_last, statement
from tests.helpers.proof_material import certificate_of, is_accepted, unchecked

K, MINE, OTHER = Q.K, size("mine", "k"), size("other", "k")
NOTHING = ENORM**2 - MINE**2
"""0, for both are ||e_k||."""
TWICE = (use("norm", ENORM, DEVIATION), use("norm", MINE, DEVIATION))
AT_1 = (use("hypothesis", h - 1), use("hypothesis", 1 - h))
"""h = 1."""
FALSE = statement(1, 0)
FALSE_AT_1 = statement(1, 0, H.FULL_STEP)
NORMS = {MINE: DEVIATION}


def vanishing() -> Claim:
    return Claim("zero", "", NOTHING, (Part((term(1, TWICE[0]), term(-1, TWICE[1]))),), equality=True)


def after(*claims: Claim, terms: Any = (), parts: Any = None, **more: Any) -> Build:
    """The goal by these terms, after claims of one's own."""
    more.setdefault("norms", NORMS)

    def build(goal: Any) -> Argument:
        last = Claim("bound", "", goal.expression, parts or (Part(tuple(terms)),))
        return Argument((*claims, last), {**goal.sums, **more.get("sums", {})}, norms=more["norms"])

    return build


def zero_denominators() -> Iterator[tuple[str, bounds.Bound, Build]]:
    yield "a square 1/(h-1)", FALSE_AT_1, lambda g: at_once(g, term(1, *AT_1, square=1 / (h - 1)))
    yield (
        "a square inside",
        FALSE_AT_1,
        lambda g: at_once(g, term(1, *AT_1, square=1 / (h - 1) + 1 / (1 + 1 / (h - 1)))),
    )
    yield "a multiplier 1/(h-1)^2", FALSE_AT_1, lambda g: at_once(g, term((1 - h) ** -2, *AT_1))
    yield (
        "a vector over h-1",
        statement(Q.G2[k], 0, H.FULL_STEP),
        lambda g: at_once(g, term(1, *AT_1, square=G / (h - 1))),
    )
    yield "multipliers of equalities", FALSE, lambda g: at_once(
        g, term(-1 / NOTHING, TWICE[0]), term(1 / NOTHING, TWICE[1]), norms=NORMS
    )  # fmt: skip
    yield "any F", statement(Q.F[k] - Q.F[k - 1], -1), lambda g: at_once(
        g, term(g.expression / NOTHING, TWICE[0]), term(-g.expression / NOTHING, TWICE[1]), norms=NORMS
    )  # fmt: skip
    infinite = Claim("infinite", "", (h - 1) ** -2, (Part((term(1, square=1 / (h - 1)),)),))
    yield "a claim 1/(h-1)^2", FALSE_AT_1, after(infinite, terms=[term(1, Earlier("infinite"), *AT_1)])
    infinite = Claim("infinite", "", NOTHING**-2, (Part((term(1, square=1 / NOTHING),)),))
    yield (
        "a claim 1/0^2",
        FALSE,
        after(vanishing(), infinite, terms=[term(-NOTHING, Earlier("zero"), Earlier("infinite"))]),
    )
    late = Claim("late", "", (k - 1) ** -2, (Part((term(1, square=1 / (k - 1)),), (INDEX,)),))
    yield (
        "a claim that is infinite at k = 1",
        statement(0, -((k - 1) ** 0)),
        after(late, terms=[term((k - 1) ** 2, Earlier("late"))]),
    )
    times = Part((term(1),), times=NOTHING**2)
    yield (
        "times 1/0",
        FALSE,
        after(
            vanishing(), Claim("c", "", NOTHING**-2, (times,)), terms=[term(-NOTHING, Earlier("zero"), Earlier("c"))]
        ),
    )
    yield (
        "times 1/(h-1)^2",
        FALSE_AT_1,
        lambda g: at_last(g, part=Part((term(1, *AT_1, square=(h - 1) ** -2),), times=(h - 1) ** -2)),
    )
    plus, minus = signs_of("q", 1 / NOTHING)
    cases = (
        Part((term(-1, Given(plus), Earlier("zero")),), (plus,)),
        Part((term(1, Given(minus), Earlier("zero")),), (minus,)),
    )
    yield "the sign of 1/0", FALSE, after(vanishing(), parts=cases)
    difference = symbol("sum7", "k") - symbol("sum7", "j")
    for name, rule in {
        "increment": Recurrence(1 / NOTHING),
        "factor": Recurrence(sp.Integer(0), 1 / NOTHING),
        "start": Recurrence(sp.Integer(0), start=1 / size("dist", "0")),
        "increment at k = 1": Recurrence(1 / (k - 1)),
        "increment at k = K": Recurrence(1 / (K - k)),
    }.items():
        yield (
            f"the {name} of a sum",
            FALSE,
            after(vanishing(), terms=[term(-difference, Earlier("zero"))], sums={"sum7": rule}),
        )
    norm = use("norm", OTHER, G / NOTHING)
    yield "a norm of v/0", statement(Q.G2[k], 0), after(
        vanishing(),
        terms=[term(NOTHING**2, norm), term(-NOTHING * OTHER**2, Earlier("zero"))],
        norms={**NORMS, OTHER: G / NOTHING},
    )  # fmt: skip
    yield "a norm of v/(h-1)", statement(Q.G2[k], 0, H.FULL_STEP), after(
        terms=[term((h - 1) ** 2, use("norm", OTHER, G / (h - 1))), term(OTHER**2, *AT_1)], norms={OTHER: G / (h - 1)}
    )  # fmt: skip
    M = L + (h - 1) ** -2
    yield "a constant L + 1/0", statement(Q.F[k] - Q.F_z, 0, H.FULL_STEP, H.F_SMOOTH, H.F_CONVEX), lambda g: at_once(
        g, term(1, use("smooth_interpolation", Z, NOW, M))
    )  # fmt: skip
    weighted = bounds.get("ood_multi_step_sharp:weighted").replace(name="attack", variant=None)
    yield "a definition that divides by 2W - v", weighted, _without_ranges(ARGUMENTS["ood_multi_step_sharp:weighted"])
    least = bounds.get("asymptotics").replace(name="attack", variant=None)
    yield "1/p without its range", least, _without_ranges(ARGUMENTS["asymptotics"])


def _without_ranges(build: Build) -> Build:
    def bare(goal: Any) -> Argument:
        argument = build(goal)
        claims = tuple(
            dataclasses.replace(
                c,
                parts=tuple(
                    dataclasses.replace(p, ranges=tuple(r for r in p.ranges if r in (INDEX, COUNT, UNIT_STEP)))
                    for p in c.parts
                ),
            )
            for c in argument.claims
        )
        return dataclasses.replace(argument, claims=claims)

    return bare


def statements() -> Iterator[tuple[str, bounds.Bound, Build]]:
    """What divides by what may be 0 says nothing, even if that cancels."""
    steep = 1 / (1 - Q.h)
    unit = (H.REFERENCE_STEP,)
    one = lambda g: at_once(g, term(1, square=G), ranges=(UNIT_STEP,))  # noqa: E731
    yield (
        "1/(1-h)",
        statement(0, Q.G2[k] * steep, *unit),
        lambda g: at_once(g, term(1 / (1 - h), square=G), ranges=(UNIT_STEP,)),
    )
    yield "1/(1-h) on both sides", statement(steep, Q.G2[k] + steep, *unit), one
    yield "(1-h^2)/(1-h)", statement(0, Q.G2[k] * (1 - Q.h**2) * steep / (1 + Q.h), *unit), one
    yield "1/R on both sides", statement(1 / Q.R, Q.G2[k] + 1 / Q.R), lambda g: at_once(g, term(1, square=G))
    yield (
        "1/||G_k||",
        statement(sp.sqrt(1 / Q.G2[k]), Q.G2[k] + sp.sqrt(1 / Q.G2[k])),
        lambda g: at_once(g, term(1, square=G)),
    )
    yield "1/(R - dist_0)", statement(0, L / (Q.R - Q.dist[0])), lambda g: at_once(g, term(L))
    for divisor in (k - 1, K - k, Q.sigma[k]):
        total = sp.Sum(1 / divisor, (k, 1, K))
        yield f"a sum of 1/({divisor})", statement(total - L, total, level="run"), lambda g: at_once(g, term(L))


def other_formulas() -> Iterator[tuple[str, bounds.Bound, Build]]:
    fall = statement(Q.F[k] - Q.F[k - 1], -1)
    yield "the square of a root", fall, lambda g: at_once(g, term(1, square=sp.sqrt(g.expression)))
    yield "the square of an imaginary vector", statement(Q.G2[k], 0), lambda g: at_once(g, term(1, square=sp.I * G))
    yield "an imaginary square", FALSE, lambda g: at_once(g, term(1, square=sp.I))
    for what, number in {
        "infinity": sp.oo, "complex infinity": sp.zoo, "nan": sp.nan, "a float": sp.Float(0.5), "a root": sp.sqrt(2),
        "an exponential": sp.exp(L), "an absolute value": sp.Abs(NOW.f), "a power": L ** sp.Symbol("y", real=True),
        "a power too high": L**65, "a sine": sp.sin(L) ** 2, "pi": sp.pi,
    }.items():  # fmt: skip
        yield f"a multiplier: {what}", FALSE, lambda g, n=number: at_once(g, term(n), term(-1 - n))
        yield f"a square: {what}", FALSE, lambda g, n=number: at_once(g, term(1, square=n), term(-1 - n**2))
    yield "a number of Python's", FALSE, lambda g: at_once(g, Term(0.5), Term(-1.5))
    root = Claim("root", "", sp.sqrt(L), (Part((term(sp.sqrt(L)),)),))
    yield "a root in a claim", fall, after(root, terms=[term(1, Earlier("root"))])


class _Use(Use):
    expression = sp.Integer(-1)


class _Point(Point):
    f = symbol("f", "z") - 1


class _Term(Term):
    multiplier = sp.Integer(-1)


class _Part(Part):
    times = sp.Integer(-1)


class _Claim(Claim):
    case = None


class _Range(Range):
    gives = None


class _Earlier(Earlier):
    position = k


class _Text(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class _Sums(dict):
    pass


def look_alikes() -> Iterator[tuple[str, bounds.Bound, Build]]:
    late = statement(2 * Q.enorm[k], k * Q.enorm[k])
    twin = dataclasses.replace(INDEX_FROM_2)
    yield "a copy of k >= 2", late, lambda g: at_once(g, term((k - 2) * ENORM), ranges=(twin,))
    yield "a copy of k >= 2 in a run", statement(2, K, level="run"), lambda g: at_once(g, term(K - 2), ranges=(twin,))
    renamed = dataclasses.replace(INDEX_FROM_2, says="1 <= k <= K")
    yield "k >= 2 called k >= 1", late, lambda g: at_once(g, term((k - 2) * ENORM), ranges=(renamed,))
    yield "a kind of Use", FALSE, lambda g: at_once(g, term(1, _Use(RULES["norm"], (ENORM, DEVIATION))))
    yield "a kind of Point", FALSE.replace(hypotheses=(H.F_CONVEX,)), lambda g: at_once(
        g, term(1, use("convexity", _Point("z"), Z)), term(1, use("convexity", Z, Z))
    )  # fmt: skip
    yield "a kind of Term", FALSE, lambda g: at_once(g, _Term.__new__(_Term))
    yield "a kind of Part", FALSE, lambda g: at_last(g, part=_Part((term(1),)))
    yield "a kind of Claim", FALSE, lambda g: Argument((_Claim("bound", "", g.expression, (Part((term(0),)),)),))
    yield "a kind of Range", FALSE, lambda g: at_once(g, term(0), ranges=(_Range("1 <= k <= K"),))
    yield "a kind of Earlier", FALSE, lambda g: at_once(g, term(1, _Earlier("bound", "j", k - 1)))
    yield "a kind of str", FALSE, lambda g: at_once(g, term(1, Earlier(_Text("bound"), "j", k - 1)))
    yield "a kind of dict", FALSE, lambda g: Argument(at_once(g, term(0)).claims, _Sums())


def unsaid() -> Iterator[tuple[str, bounds.Bound, Build]]:
    """Hypotheses whose formulas say more than the bound has."""
    pairs = (
        (Q.pG2[k] - Q.G2[k] / (4 * L), Q.G2[k] + Q.pG2[k]),
        (Q.ex_own[k], -Q.ex_own[k]),
        (Q.Lp_min[k] - 1, Q.step_h[k]),
    )
    for first, second in pairs:
        mine = H.Hypothesis("mine", "of one's own", "", H._apart, (), (first, second))
        line = use("hypothesis", translate(first))
        yield f"what {first} means", statement(0, Q.D2[k] - Q.D2[k], mine), lambda g, one=line: at_once(g, term(0, one))
    own = H.Hypothesis("own", "pG2 >= G2/(4L)", "", H._apart, ("pG2", "G2", "L"), (Q.pG2[k] - Q.G2[k] / (4 * L),))
    fall = statement(Q.F[k] - Q.F[k - 1], -Q.G2[k] / (4 * L), H.F_SMOOTH, H.R_CONVEX, own)
    yield "descent by pG2", fall, lambda g: at_once(g, *ONE_STEP, term(1, use("hypothesis", translate(own.formula[0]))))
    for uses, formula in ((("eps",), ()), ((), (1 - Q.eps[k],)), (("eps",), (1 - Q.eps[k],)), ((), (Q.eps[K],))):
        inexact = H.Hypothesis("inexact", "g_k is an eps_k-subgradient", "", H._apart, uses, formula)
        descent = bounds.get("per_step_descent")
        yield (
            f"eps in a hypothesis only: {uses}, {formula}",
            descent.replace(name="attack", variant=None, hypotheses=(*descent.hypotheses, inexact)),
            lambda g: at_once(g, *ONE_STEP),
        )


KINDS = (zero_denominators, statements, other_formulas, look_alikes, unsaid)
LOOPHOLES = {f"{kind.__name__}: {what}": (bound, build) for kind in KINDS for what, bound, build in kind()}


@pytest.mark.parametrize("what", LOOPHOLES)
def test_a_loophole_is_closed_on_both_sides(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bound, build = LOOPHOLES[what]
    monkeypatch.setitem(ARGUMENTS, bound.key, build)
    proof = bound.prove()
    assert not proof.valid
    assert "independent checker" not in proof.reason  # the prover sees it by itself
    try:
        certificate = unchecked(bound, build)
    except (AttributeError, Unproved):  # nothing that a certificate could be made of
        return
    assert not is_accepted(certificate, bound)


def test_what_is_refused_for_its_divisor_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for what, (bound, build) in LOOPHOLES.items():
        if not what.startswith("zero_denominators"):
            continue
        monkeypatch.setitem(ARGUMENTS, bound.key, build)
        assert re.search(r"divides by|is no constant", bound.prove().reason), what
        with pytest.raises(Wrong, match=r"divides by|is of no vector|is no constant"):
            check(unchecked(bound, build), bound)


@pytest.mark.parametrize("divisor", [1 + h, -1 - h, 2 - h, h - 2, K + 1 - k, 1 + 1 / (2 - h), L, 2 * K * h + 1])
def test_a_divisor_that_is_never_0_is_fine(divisor: sp.Expr, monkeypatch: pytest.MonkeyPatch) -> None:
    true = statement(0, Q.G2[k] / divisor**2, H.REFERENCE_STEP)
    monkeypatch.setitem(
        ARGUMENTS, true.key, lambda g: at_once(g, term(1, square=G / divisor), ranges=(UNIT_STEP, INDEX))
    )
    proof = true.prove()
    assert proof.valid, proof.reason


# Both have to agree


def test_a_proof_that_the_checker_refuses_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(base.RULES, "descent_lemma")
    proof = bounds.get("per_step_descent").prove()
    assert not proof.valid
    assert proof.reason.startswith("the independent checker refuses the certificate")
    assert proof.certificate()["valid"] is False
    assert bounds.get("ood_multi_step_sharp:bonus").prove().valid


# The checker's prime


def made(*terms: tuple[str, str | None], **more: Any) -> dict[str, Any]:
    """A certificate of 1 <= 0 with these multipliers and squares."""
    listed = [{"multiplier": multiplier, "square": square, "factors": []} for multiplier, square in terms]
    part = {"ranges": [], "times": "1", "index": "k", "position": "k", "terms": listed}
    claim = {"name": "bound", "expression": "-1", "equality": False, "case": None, "parts": [part]}
    blank = unchecked(FALSE, lambda g: at_last(g))
    return {**blank, "claims": [claim], **more}


P = 2**521 - 1
WRAPPED = {
    "a number that is -1 modulo a known prime": [(str(P - 1), None)],
    "and in brackets": [(f"-(-{P - 1})", None)],
    "a square that is -3": [("1/3", str(pow(-3 % P, (P + 1) // 4, P)))],
    "a power of Fermat": [("1", f"L**{(P - 1) // 2}"), ("2", None)],
    "-1 made of small numbers": [("*".join(["2**64"] * 8) + "*2**9 - 2", None)],
}


@pytest.mark.parametrize("what", WRAPPED)
def test_no_number_wraps_around(what: str) -> None:
    with pytest.raises(Wrong):
        check(made(*WRAPPED[what]), FALSE)


@pytest.mark.parametrize(
    "text", [str(2**64), "L**65", "L**(-65)", "((L**16)**16)**17", str(P), "1" * 5000, "(" * 500 + "L" + ")" * 500]
)
def test_numbers_and_powers_have_a_limit(text: str) -> None:
    certificate = certificate_of("per_step_descent")
    for path in ("times", "expression"):
        wrong = copy.deepcopy(certificate)
        target = wrong["claims"][0]["parts"][0] if path == "times" else wrong["claims"][0]
        target[path] = f"({target[path]})*(({text})/({text}))"
        assert not is_accepted(wrong)


def test_the_prime_is_drawn_for_each_check() -> None:
    drawn = set()
    for _ in range(3):
        with fresh_prime():
            assert prime().bit_length() == BITS >= 256
            assert is_prime(prime())
            drawn.add(prime())
    assert len(drawn) == 3
    with pytest.raises(LookupError):
        prime()


def test_primes_are_told_from_others() -> None:
    small = [n for n in range(5, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
    assert [n for n in range(5, 2000, 2) if is_prime(n)] == small
    assert all(map(is_prime, (2**127 - 1, 2**521 - 1, 2**255 - 19, 2**256 - 189)))
    primes = (2**61 - 1, 2**89 - 1, 2**127 - 1)
    assert not any(is_prime(a * b) for a in primes for b in primes)
    assert not any(
        map(is_prime, (2**256 - 1, 3215031751, 3825123056546413051, 1195068768795265792518361315725116351898245581))
    )


def test_a_certificate_is_read_once() -> None:
    """A mapping that answers otherwise the second time is plain data before anything is looked at."""

    class Shifty(dict):
        def __getitem__(self, key: str) -> Any:
            return True if key == "valid" else super().__getitem__(key)

    with pytest.raises(Wrong, match="nothing is proved"):
        check(Shifty({**certificate_of("per_step_descent"), "valid": False}))
    with pytest.raises(Wrong, match="not a certificate"):
        check({**certificate_of("per_step_descent"), "extra": object()})
    check(json.loads(json.dumps(certificate_of("per_step_descent"))))
