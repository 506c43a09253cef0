"""Arguments that users might write: each attack argues for something false, and neither prover nor checker follows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds import hypotheses as H
from l2obound.bounds.proofs import ARGUMENTS
from l2obound.bounds.proofs._claims import (
    ABOVE_0,
    BELOW_L,
    COUNT,
    INDEX,
    INDEX_FROM_2,
    SHORT_CASE,
    UNIT_STEP,
    Argument,
    Claim,
    Definition,
    Earlier,
    Given,
    Part,
    Range,
    Recurrence,
    Unproved,
    signs_of,
    term,
    use,
)
from l2obound.bounds.proofs._symbols import (
    BEFORE,
    DEVIATION,
    NOW,
    STEP,
    G,
    L,
    Z,
    h,
    size,
    symbol,
)
from l2obound.bounds.proofs._telescope import from_zero, in_one_go, telescope
from l2obound.bounds.proofs.descent import ENORM, GNORM, ONE_STEP, at_once, relative_deviation
from l2obound.bounds.proofs.out_of_distribution import ROOM, last_iterate_steps, sharp_start, sharp_steps
from l2obound.bounds.vocabulary import Q, k
from tests.helpers.false_arguments import (
    CONVEX,
    NEGATIVE,
    ZERO,
    Build,
    K,
    about_guarantees,
    about_lines,
    at_last,
    statement,
)
from tests.helpers.proof_material import is_accepted, is_refuted, unchecked

GAP = NOW.F - Z.F
POSITIVE, NEGATIVE_GAP = signs_of("the gap", GAP)


def about_claims() -> Iterator[tuple[str, bounds.Bound, Build]]:
    # constants of smooth interpolation
    rate = bounds.get("ood_last_iterate").replace(name="attack", variant=None, hypotheses=CONVEX)
    yield (
        "B6c for every h > 0",
        rate,
        lambda g: in_one_go(g, *telescope(g, *_pair(last_iterate_steps()), claims=ROOM), *ROOM),
    )
    sharp = bounds.get("ood_multi_step_sharp").replace(name="attack", variant=None, hypotheses=CONVEX)
    yield "B6b for every h > 0", sharp, lambda g: in_one_go(g, *telescope(g, sharp_steps(), sharp_start(), scale=h * K))
    for M in (L / 2, Q.mu, ZERO, -L, L * h):
        false = statement(
            -Q.F[k] + Q.F[0] * 0 - Q.F_z * 0 + Q.F[k], -Q.gz2[k] / (2 * M) if M != 0 else -Q.gz2[k], *CONVEX
        )
        yield (
            f"interpolation with {M}",
            false,
            lambda g, M=M: at_last(
                g, term(1, use("smooth_interpolation", Z, NOW, M)), term(1, use("convexity", NOW, Z))
            ),
        )

    # claims used where they do not hold
    late = Claim("late", "", (k - 2) * STEP**2, (Part((term(k - 2, square=STEP),), (INDEX_FROM_2,)),))
    early = statement((2 - k) * Q.D2[k], 0)
    yield "a claim for k >= 2 at k = 1", early, lambda g: at_last(g, term(1, Earlier("late")), before=(late,))
    yield "the bound for k >= 2 only", early, lambda g: at_last(g, part=late.parts[0])
    two = Claim("late", "", K - 2 + ZERO * k, (Part((term(K - 2),), (INDEX_FROM_2,)),))
    yield (
        "a claim for K >= 2",
        statement(2 - K, 0, level="run"),
        lambda g: at_last(g, term(1, Earlier("late")), before=(two,)),
    )
    grow = from_zero("grow", "", k * L, term(L))
    for index, position in (
        ("j", k),
        ("k", k - 1),
        ("k", K),
        ("K", k),
        ("0", k),
        ("k", 0),
        ("z", k),
        ("z", 0),
        ("k", 7),
    ):
        yield (
            f"`Earlier` at {index} and {position}",
            statement(-(k + 3) * L, -(k + 4) * L),
            (lambda g, i=index, p=position: at_last(g, term(1, Earlier("grow", i, p)), term(3 * L), before=(grow,))),
        )
    step = Claim(
        "step", "", BEFORE.F - NOW.F, (Part((*ONE_STEP, term(1 / (2 * L), square=G - L * STEP)), (UNIT_STEP,)),)
    )
    for index, position in (("K", K), ("j", k - 1), ("0", 0), ("z", k), ("t", k)):
        yield (
            f"a step claim at {index}",
            statement(Q.F[k] - Q.F_z, 0, *CONVEX, H.REFERENCE_STEP),
            (lambda g, i=index, p=position: at_last(g, term(1, Earlier("step", i, p)), before=(step,))),
        )
    induction = from_zero("sum", "", symbol("sum9", "k"), term(1, square=STEP))
    sums = {"sum9": Recurrence(STEP**2)}
    yield (
        "an induction at z",
        NEGATIVE,
        lambda g: Argument(
            (induction, Claim("bound", "", g.expression, (Part((term(1, Earlier("sum", "z", 0)),)),))), sums
        ),
    )
    here = Claim("zero", "", -k * L, (Part((), (COUNT,), index="0", position=0),))
    yield (
        "a claim proved at its start only",
        statement(K * L, 0, level="run"),
        (lambda g: at_last(g, term(1, Earlier("zero", "K", K)), before=(here,))),
    )
    one = Claim("one", "", (1 - k) * L, (Part((), (COUNT,), position=1),))
    yield (
        "a claim proved at k = 1 only",
        statement((K - 1) * L, 0, level="run"),
        (lambda g: at_last(g, term(1, Earlier("one", "K", K)), before=(one,))),
    )
    gap = (Part((), (COUNT,), index="0", position=0), Part((term(1, Earlier("gap", "j", k - 1)),), (INDEX_FROM_2,)))
    yield (
        "an induction with a gap",
        statement(L, 0),
        lambda g: at_last(g, term(1, Earlier("gap")), before=(Claim("gap", "", -L * k, gap),)),
    )
    plus, minus = signs_of("f", NOW.f)
    mixed = (
        Part((), (COUNT,), index="0", position=0),
        Part((term(1, Earlier("mixed", "j", k - 1)), term(1, Given(plus))), (INDEX, plus)),
        Part((term(1, Earlier("mixed", "j", k - 1)), term(-1, Given(minus))), (INDEX_FROM_2, minus)),
    )
    yield (
        "an induction with a gap in one case",
        statement(L, 0),
        lambda g: at_last(g, term(1, Earlier("mixed")), before=(Claim("mixed", "", symbol("sum9", "k"), mixed),)),
    )
    wrong_k = Claim(
        "wrong",
        "",
        -L * (k - 1),
        (Part((), (COUNT,), position=1), Part((term(1, Earlier("wrong", "j", k - 1)),), (INDEX_FROM_2,))),
    )
    yield (
        "an induction that does not go on",
        statement((K - 1) * L, 0, level="run"),
        (lambda g: at_last(g, term(1, Earlier("wrong", "K", K)), before=(wrong_k,))),
    )
    circle = Part((term(1, Earlier("bound")),))
    yield "a circle", NEGATIVE, lambda g: at_last(g, part=circle)
    good = Claim("twice", "", L, (Part((term(L),)),))
    bad = Claim("twice", "", -L, (Part((term(2, Earlier("twice")), term(1, Earlier("twice")))),))
    yield "two claims of one name", statement(L, 0), lambda g: at_last(g, term(1, Earlier("twice")), before=(good, bad))

    # sizes that belong to other vectors
    yield (
        "||G_k|| is ||D_k||",
        statement(Q.G2[k], Q.D2[k]),
        lambda g: at_last(g, term(-1, use("norm", GNORM, G)), term(1, use("norm", GNORM, STEP))),
    )
    yield (
        "||e_k|| is ||G_k||",
        statement(sp.sqrt(Q.G2[k]), Q.enorm[k]),
        lambda g: at_last(
            g, part=Part((term(1, use("norm", ENORM, G)), term(-1, use("norm", GNORM, G))), times=GNORM + ENORM)
        ),
    )
    yield (
        "Cauchy-Schwarz with other sizes",
        statement(-Q.Ge[k], Q.e2[k]),
        lambda g: at_last(
            g, term(1, use("cauchy_schwarz", ENORM, ENORM, -G, DEVIATION)), term(1, use("norm", ENORM, DEVIATION))
        ),
    )
    yield (
        "Cauchy-Schwarz with 0",
        statement(-Q.Ge[k], 0),
        lambda g: at_last(g, term(1, use("cauchy_schwarz", ZERO, ENORM, -G, DEVIATION))),
    )
    yield (
        "a norm that is a number",
        statement(L, 0),
        lambda g: at_last(g, term(-1, use("norm", ZERO, sp.sqrt(2) * G)), term(1, use("norm", L, G))),
    )
    yield (
        "an entrywise product",
        statement(sp.sqrt(Q.G2[k]), Q.delta1[k] * Q.enorm[k]),
        lambda g: at_last(g, term(1, use("entrywise_product", size("delta1", "k"), ENORM, GNORM))),
    )
    yield (
        "tau with r = 0",
        statement(sp.sqrt(Q.G2[k]) * 0 + Q.tau, 0),
        lambda g: at_last(g, part=Part((term(-1, use("norm", Q.tau, h / L * Z.g)),), times=Q.tau), norms={}),
    )
    yield (
        "a norm of one's own for a quantity",
        statement(Q.enorm[k], 0),
        lambda g: at_last(
            g, part=Part((term(-1, use("norm", ENORM, STEP - STEP + 0 * G)),), times=ENORM), norms={ENORM: ZERO * G}
        ),
    )
    mine = size("mine", "k")
    yield "a norm of a number", statement(L, 0), lambda g: at_last(g, term(1, use("norm", mine, L)), norms={mine: L})
    yield (
        "a norm of itself",
        statement(Q.D2[k], 0),
        lambda g: at_last(g, term(-1, use("norm", mine, 2 * mine * STEP)), norms={mine: 2 * mine * STEP}),
    )

    # ranges, definitions, what is given
    sigma = size("sigma", "k")
    B2 = bounds.get("homogeneous_descent").replace(name="attack", hypotheses=(H.F_SMOOTH, H.R_CONVEX))
    swap = term((h - sigma) * (2 - h + sigma) / (2 * L), use("norm", GNORM, G))
    u, v = sp.Symbol("u", nonnegative=True), sp.Symbol("v", positive=True)
    free = Range("0 < h <= 1", {h: v / (u + v)})
    for what, r in {
        "a range without hypotheses": free,
        "a range of one's own": Range("h is small", {h: v / (u + v)}),
        "a range with a hypothesis of its own": Range("0 < h <= 1", {h: v / (u + v)}, (H.F_SMOOTH,)),
        "the first of two cases": SHORT_CASE,
    }.items():
        yield what, B2, lambda g, r=r: at_once(g, *ONE_STEP, *relative_deviation(sigma), swap, ranges=(r,))
    unit = statement(Q.sigma[k], Q.h, H.REFERENCE_STEP)
    shared = Range("sigma_k < h", {sigma: u / (u + v)})
    yield "two ranges that share their symbols", unit, lambda g: at_once(g, term(h - sigma), ranges=(UNIT_STEP, shared))
    yield (
        "two ranges of one symbol",
        statement(Q.h, 1),
        lambda g: at_once(g, term(1 - h), ranges=(UNIT_STEP, SHORT_CASE)),
    )
    both = Range("the sign of f", {h: v / (u + v)}, cases="the sign of f", gives=NOW.f, sign="+")
    other = Range("not", {h: v / (u + v)}, cases="the sign of f", gives=-NOW.f, sign="-")
    yield (
        "cases that say more",
        statement(Q.h, 1),
        lambda g: Argument(
            (Claim("bound", "", g.expression, tuple(Part((term(1 - h),), (r,)) for r in (both, other))),)
        ),
    )
    yield (
        "mu <= L without strong convexity",
        statement(Q.mu, Q.L),
        lambda g: Argument(
            (Claim("bound", "", g.expression, tuple(Part((term(L - Q.mu),), (r,)) for r in (BELOW_L, ABOVE_0))),)
        ),
    )
    for what, definition in {
        "s_k = 0": Definition(NOW.s, ZERO, "by decree"),
        "x_k = x_{k-1}": Definition(NOW.x, BEFORE.x, "by decree"),
        "exact steps": Definition(NOW.x, BEFORE.x - h / L * G, "exact", (H.EXACT_STEP,)),
        "r = 0 under r_convex": Definition(NOW.s, ZERO, "r = 0", (H.R_CONVEX,)),
        "a size": Definition(ENORM, ZERO, "small"),
        "L": Definition(L, ZERO, "small"),
    }.items():
        yield f"a definition: {what}", NEGATIVE, lambda g, d=definition: at_last(g, term(0), definitions=(d,))
    arguments = Range("sigma_k <= h", gives=h - sigma)
    yield (
        "given by decree",
        statement(Q.sigma[k], Q.h),
        lambda g: at_once(g, term(1, Given(arguments)), ranges=(arguments,)),
    )
    yield "given with a borrowed hypothesis", statement(Q.sigma[k], Q.h, H.R_CONVEX), lambda g: at_once(
        g, term(1, Given(Range("x", {}, (H.R_CONVEX,), gives=h - sigma))),
        ranges=(Range("x", {}, (H.R_CONVEX,), gives=h - sigma),),
    )  # fmt: skip
    up, _down = signs_of("F", NOW.f)
    yield "one sign only", statement(-Q.F[k], 0), lambda g: at_once(g, term(1, Given(up)), ranges=(up,))
    yield (
        "the bound in one case",
        statement(-Q.F[k], 0),
        lambda g: Argument((Claim("bound", "", g.expression, (Part((term(1, Given(up)),), (up,)),), case=up),)),
    )
    right, left = signs_of("x", NOW.x)
    yield (
        "the sign of a vector",
        NEGATIVE,
        lambda g: Argument(
            tuple(
                Claim(
                    "bound", "", g.expression, tuple(Part((term(1, Given(r), Given(r)),), (r,)) for r in (right, left))
                )
                for _ in "1"
            )
        ),
    )
    half = Claim("half", "", GAP, (Part((term(1, Given(POSITIVE)),), (POSITIVE,)),), case=POSITIVE)
    parts = (
        Part((term(1, Earlier("half", "K", K)),), (POSITIVE,)),
        Part((term(1, Earlier("half", "K", K)),), (NEGATIVE_GAP,)),
    )
    yield (
        "a claim of a case elsewhere",
        statement(Q.F_z - Q.F[K], 0, level="run"),
        lambda g: Argument((half, Claim("bound", "", g.expression, parts))),
    )


def _pair(steps: tuple[Any, Any]) -> tuple[Any, ...]:
    return steps[0], (), steps[1]


ATTACKS = {what: (bound, build) for what, bound, build in (*about_claims(), *about_lines(), *about_guarantees())}


@pytest.fixture
def registered() -> Iterator[dict[str, Build]]:
    before = dict(ARGUMENTS)
    yield ARGUMENTS
    ARGUMENTS.clear()
    ARGUMENTS.update(before)


@pytest.mark.parametrize("what", ATTACKS)
def test_an_attack_neither_proves_nor_checks(what: str, registered: dict[str, Build]) -> None:
    bound, build = ATTACKS[what]
    registered[bound.key] = build
    proof = bound.prove()
    assert not proof.valid
    assert "does not fit" not in proof.reason, proof.reason
    try:
        certificate = unchecked(bound, build)
    except Unproved:  # the formula itself is refused
        return
    assert not is_accepted(certificate, bound)


def test_there_are_many_and_runs_refute_some() -> None:
    assert len(ATTACKS) > 90
    assert sum(is_refuted(bound) for bound, _ in ATTACKS.values()) > 30
