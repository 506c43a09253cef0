"""False arguments: what they are made of, and those about lines, points, quantities and guarantees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp

from l2obound import bounds
from l2obound.bounds import Source
from l2obound.bounds import hypotheses as H
from l2obound.bounds.proofs import ARGUMENTS
from l2obound.bounds.proofs._claims import (
    Argument,
    Claim,
    Earlier,
    Part,
    Recurrence,
    Use,
    term,
    use,
)
from l2obound.bounds.proofs._facts import DEFINITIONS
from l2obound.bounds.proofs._goal import Goal
from l2obound.bounds.proofs._rules import Rule
from l2obound.bounds.proofs._symbols import (
    AHEAD,
    BEFORE,
    END,
    EXTRAPOLATED,
    FIRST,
    FORWARD,
    NOW,
    STEP,
    G,
    L,
    Point,
    Z,
    h,
    size,
    symbol,
)
from l2obound.bounds.proofs.descent import ENORM, GNORM, ONE_STEP
from l2obound.bounds.vocabulary import Q, k

K = Q.K
ZERO = sp.Integer(0)
CONVEX = (H.F_SMOOTH, H.F_CONVEX, H.R_CONVEX)
Build = Callable[[Goal], Argument]


def statement(lhs: sp.Expr, rhs: sp.Expr, *hypotheses: H.Hypothesis, level: str = "step") -> bounds.Bound:
    sides, source = (sp.sympify(lhs), sp.sympify(rhs)), Source("derived", "")
    return bounds.Bound("attack", "B99", "An attack", level, *sides, "upper", source, hypotheses)


def at_last(goal: Goal, *terms: Any, before: tuple[Claim, ...] = (), part: Any = None, **more: Any) -> Argument:
    """Claims, and the goal as a sum of terms."""
    last = Claim("bound", "", goal.expression, (part or Part(terms),))
    return Argument((*before, last), goal.sums, **more)


NEGATIVE = statement(Q.D2[k], 0)  # ||D_k||^2 <= 0
RISE = statement(Q.F[k] - Q.F[k - 1], -Q.G2[k])
LOWER = statement(Q.F[K] - Q.F_z, 0, level="run")


def about_lines() -> Iterator[tuple[str, bounds.Bound, Build]]:
    sigma = size("sigma", "k")
    # lines taken for granted
    for what, line in {
        "anything": -(STEP**2),
        "sigma <= 0": -sigma,
        "sigma below the step": h - sigma,
        "half of what sigma means": sigma * GNORM / (2 * L) - ENORM,
        "F_low above F": Q.F_low - END.F,
        "Delta": Q.Delta - size("dist", "k"),
        "B4 without its hypothesis": size("C2", "k") * size("dz", "k") - size("bshift", "k"),
        "inf f with any r": Z.F - sp.Symbol("f_inf", real=True),
    }.items():
        yield (
            f"a hypothesis: {what}",
            statement(*_sides(line)),
            lambda g, e=line: at_last(g, term(1, use("hypothesis", e))),
        )
        yield (
            f"jensen: {what}",
            statement(*_sides(line), *CONVEX),
            lambda g, e=line: at_last(g, term(1, use("jensen", e))),
        )
    mean = symbol("sum1", "K") / K - Q.F_mean
    weighted = statement(Q.F_mean, sp.Sum(Q.F[k] * k, (k, 1, K)) / K, *CONVEX, level="run")
    yield "jensen of another sum", weighted, lambda g: at_last(g, term(1, use("jensen", mean)))
    yield (
        "borrowed needs",
        statement(Q.sigma[k], Q.h, H.R_CONVEX),
        lambda g: at_last(g, term(1, use("hypothesis", h - sigma, needs=("r_convex",)))),
    )

    # points, subgradients, signs
    for a, b in ((NOW, Z), (NOW, FIRST), (NOW, BEFORE), (Z, BEFORE), (NOW, Point("q"))):
        yield (
            f"a subgradient at {b.index}",
            NEGATIVE.replace(hypotheses=CONVEX),
            (lambda g, a=a, b=b: at_last(g, term(1, use("subgradient", a, b)), term(1, use("subgradient", b, a)))),
        )
    inexact = statement(Q.F[k] - Q.F[k - 1], bounds.get("per_step_descent").rhs + Q.eps[k] / 2, H.F_SMOOTH, H.R_CONVEX)
    yield (
        "an exact subgradient of an inexact prox",
        inexact,
        lambda g: at_last(g, *ONE_STEP, term(size("eps", "k") / 2)),
    )
    for eps in (ZERO, size("eps", "k") / 2, -L):
        yield (
            f"an eps-subgradient with {eps}",
            inexact,
            lambda g, e=eps: at_last(
                g, term(1, use("descent_lemma", BEFORE, NOW)), term(1, use("inexact_subgradient", BEFORE, NOW, e))
            ),
        )
    yield (
        "T(z) for any r",
        statement(0, -Q.tau, H.F_SMOOTH),
        lambda g: at_last(g, term(1, use("descent_lemma", Z, Point("t")))),
    )
    for s in (size("ex", "k"), sp.Symbol("f_k", nonnegative=True), sp.Symbol("x_k", positive=True), size("mine", "k")):
        yield f"{s} >= 0", statement(-Q.ex[k], 0), lambda g, s=s: at_last(g, term(s), term(-s))
    yield (
        "a symbol of one's own",
        statement(Q.F_low, 0),
        lambda g: at_last(g, term(sp.Symbol("F_low", negative=True) * -1)),
    )
    yield "a vector as a multiplier", NEGATIVE, lambda g: at_last(g, term(-(STEP**2)))
    yield "a negative multiplier", NEGATIVE, lambda g: at_last(g, term(-1, square=STEP))
    yield "times 0", NEGATIVE, lambda g: at_last(g, part=Part((), times=ZERO))
    yield (
        "times a negative number",
        NEGATIVE,
        lambda g: at_last(g, part=Part((term(1, square=STEP),), times=sp.Integer(-1))),
    )
    yield "times what may be 0", NEGATIVE, lambda g: at_last(g, part=Part((term(0),), times=Q.mu - Q.mu))
    yield "no claim", NEGATIVE, lambda g: Argument(())
    yield "no terms", NEGATIVE, lambda g: at_last(g)
    lie = Rule("descent_lemma", "a lie", lambda: -(STEP**2), ())
    yield "a rule of one's own", NEGATIVE, lambda g: at_last(g, term(1, Use(lie, ())))
    lie2 = Rule("norm", "a lie", lambda: -(STEP**2), (), equality=True)
    yield "an equality of one's own", NEGATIVE, lambda g: at_last(g, term(1, Use(lie2, ())))
    yield "too many arguments", NEGATIVE, lambda g: at_last(g, term(1, use("convexity", NOW, Z, L)))
    yield (
        "a sum of one's own",
        bounds.get("ood_multi_step_sharp").replace(name="attack", lhs=L),
        lambda g: Argument(
            (Claim("bound", "", g.expression, (Part((term(0),)),)),), {name: Recurrence(ZERO) for name in g.sums}
        ),
    )
    smaller = {"sum1": Recurrence(NOW.F, start=-L)}
    yield (
        "a sum with another start",
        statement(sp.Sum(Q.F[k], (k, 1, K)), 0, level="run"),
        lambda g: Argument((Claim("bound", "", g.expression, (Part((term(0),)),)),), smaller),
    )
    yield "degree four", statement(Q.G2[k] * Q.D2[k], 0), lambda g: at_last(g, term(0, square=G * STEP))
    quarter = statement(Q.G2[k] * Q.e2[k], Q.Ge[k] ** 2)
    yield "on a line only", quarter, lambda g: at_last(g)

    # quantities whose meaning rests on a hypothesis
    for name in ("homogeneous_descent:diagonal", "ood_multi_step_sharp:varying_steps", "ood_multi_step_sharp:weighted"):
        entry = bounds.get(name)
        remaining = tuple(one for one in entry.hypotheses if one not in (H.BIAS_FREE, H.OWN_STEPS, H.WEIGHTS))
        yield f"{name} of anything", entry.replace(name="attack", variant=None, hypotheses=remaining), ARGUMENTS[name]
    yield "p > 0 unsaid", statement(-Q.Lp_min[k], 0), lambda g: at_last(g, term(size("Lp_min", "k")))


def about_guarantees() -> Iterator[tuple[str, bounds.Bound, Build]]:
    """Points of one step, numbers of entries, and the guard's recurrences."""
    weights, energy = ARGUMENTS["accelerated_guard:weights"], ARGUMENTS["energy_descent"]
    guard = bounds.get("accelerated_guard:weights").replace(name="attack", variant=None)
    for what, name in (("weight", "guard, weight"), ("point", "guard, point"), ("ahead", "guard, ahead")):
        yield f"another {what} of the guard", guard, _other_definition(weights, name)
    undeclared = tuple(one for one in guard.hypotheses if one is not H.ACCELERATED_GUARD)
    yield "a guard that nobody declares", guard.replace(hypotheses=undeclared), weights
    point = Claim("point", "", (AHEAD.x - NOW.x) ** 2, (Part((term(1, square=AHEAD.x - NOW.x),)),))
    claim = statement(-Q.L, 0, H.ACCELERATED_GUARD, level="run")
    at_end = (term(Q.L), term(1, Earlier("point", "K", K)), term(0, Earlier("point", "K", K)))
    yield "a point of a step in a claim", claim, lambda g: at_last(g, *at_end, before=(point,))
    argued = ARGUMENTS["accelerated_inexact"]
    reference = bounds.get("accelerated_inexact").replace(name="attack")
    a = size("accel_momentum", "k")
    for name, old, new in (
        ("weight", a, a - 1),
        ("weight before", a, 2 * a),
        ("ahead", a, 2 * a),
        ("deviation", L, 2 * L),
        ("auxiliary", a, ZERO),
    ):
        yield f"another {name} of the reference", reference, _with_definition(argued, f"accelerated, {name}", old, new)
    unweighted = tuple(one for one in reference.hypotheses if one is not H.ACCELERATED_WEIGHTS)
    yield "a reference of any weights", reference.replace(hypotheses=unweighted), argued
    ahead = Claim("point", "", (EXTRAPOLATED.x - NOW.x) ** 2, (Part((term(1, square=EXTRAPOLATED.x - NOW.x),)),))
    claim = statement(-Q.L, 0, H.ACCELERATED_WEIGHTS, level="run")
    yield "a point of the reference in a claim", claim, lambda g: at_last(g, *at_end, before=(ahead,))
    yield (
        "a subgradient at a point of the reference",
        NEGATIVE.replace(hypotheses=(*CONVEX, H.ACCELERATED_WEIGHTS)),
        lambda g: at_last(g, term(1, use("subgradient", NOW, EXTRAPOLATED))),
    )
    yield (
        "a point of the reference that nobody has",
        NEGATIVE.replace(hypotheses=CONVEX),
        lambda g: at_last(g, term(1, use("convexity", NOW, EXTRAPOLATED))),
    )
    descent = bounds.get("energy_descent").replace(name="attack")
    r = sp.Symbol("rhead_k", real=True)
    yield "a rule times a number of entries", descent, _with_term(energy, r, use("descent_lemma", BEFORE, NOW))
    single = Claim("single", "", r**2, (Part((term(1, square=r),)),))
    yield "a claim about an entry", descent, _with_term(energy, 1, Earlier("single"), before=single)
    yield "multiplied by a number of entries", descent, _times(energy, r)
    moving = bounds.get("energy_descent:momentum").replace(name="attack", variant=None)
    argued, A = ARGUMENTS["energy_descent:momentum"], sp.Symbol("pull_k", real=True)
    yield "a rule times a momentum", moving, _with_term(argued, A**2, use("descent_lemma", BEFORE, NOW))
    for name, old, new in (("ahead", A, 2 * A), ("prox", L, 2 * L), ("step", NOW.x, BEFORE.x)):
        yield f"another {name} of the momentum", moving, _with_definition(argued, f"momentum, {name}", old, new)
    everywhere = tuple(one for one in moving.hypotheses if one is not H.MOMENTUM_REGION)
    yield "momentum that nobody declares", moving.replace(hypotheses=everywhere), argued
    yield (
        "a point ahead that nobody has",
        NEGATIVE.replace(hypotheses=CONVEX),
        lambda g: at_last(g, term(1, use("convexity", NOW, FORWARD))),
    )
    yield (
        "a subgradient at the point ahead",
        NEGATIVE.replace(hypotheses=(*CONVEX, H.MOMENTUM_REGION)),
        lambda g: at_last(g, term(1, use("subgradient", NOW, FORWARD))),
    )
    forward = Claim("point", "", (FORWARD.x - NOW.x) ** 2, (Part((term(1, square=FORWARD.x - NOW.x),)),))
    claim = statement(-Q.L, 0, H.MOMENTUM_REGION, level="run")
    yield "the point ahead in a claim", claim, lambda g: at_last(g, *at_end, before=(forward,))


def _other_definition(argued: Build, name: str) -> Build:
    """The argument of B16 with another equality in place of one of the guard's: A of t + 1, 1/(2L), a sign."""

    def build(goal: Goal) -> Argument:
        argument = argued(goal)
        old = DEFINITIONS[name]
        a = size("guard_momentum", "k")
        value = old.value.subs(a, -a) if name != "guard, point" else old.value.subs(L, 2 * L)
        value = (a - 1) ** 2 if name == "guard, weight" else value
        new = dataclasses.replace(old, value=value)
        definitions = tuple(new if one is old else one for one in argument.definitions)
        return dataclasses.replace(argument, definitions=definitions)

    return build


def _with_definition(argued: Build, name: str, old: sp.Expr, new: sp.Expr) -> Build:
    """The argument of B19 with another equality in place of one of the reference's."""

    def build(goal: Goal) -> Argument:
        argument, true = argued(goal), DEFINITIONS[name]
        false = dataclasses.replace(true, value=true.value.subs(old, new))
        definitions = tuple(false if one is true else one for one in argument.definitions)
        return dataclasses.replace(argument, definitions=definitions)

    return build


def _with_term(build: Build, multiplier: Any, factor: Any, before: Claim | None = None) -> Build:
    """The argument with a term more, and less."""

    def changed(goal: Goal) -> Argument:
        argument = build(goal)
        (part,) = argument.claims[-1].parts
        terms = (*part.terms, term(multiplier, factor), term(-sp.sympify(multiplier), factor))
        last = dataclasses.replace(argument.claims[-1], parts=(dataclasses.replace(part, terms=terms),))
        return dataclasses.replace(argument, claims=(*(() if before is None else (before,)), last))

    return changed


def _times(build: Build, times: sp.Expr) -> Build:
    def changed(goal: Goal) -> Argument:
        argument = build(goal)
        (part,) = argument.claims[-1].parts
        terms = tuple(dataclasses.replace(one, multiplier=times * one.multiplier) for one in part.terms)
        last = dataclasses.replace(argument.claims[-1], parts=(dataclasses.replace(part, terms=terms, times=times),))
        return dataclasses.replace(argument, claims=(last,))

    return changed


def _sides(line: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """A statement that says something like the line; what it says does not matter, for the line is refused."""
    quantity_of = {size("sigma", "k"): Q.sigma[k], GNORM: sp.sqrt(Q.G2[k]), ENORM: Q.enorm[k]}
    quantity_of |= {size(n, "k"): getattr(Q, n)[k] for n in ("C2", "dz", "bshift", "dist")}
    quantity_of |= {END.f: Q.F[K], END.r: ZERO, Z.f: Q.F_z, Z.r: ZERO, sp.Symbol("f_inf", real=True): Q.F_low}
    if line == -(STEP**2):
        return Q.D2[k], ZERO
    return ZERO, line.xreplace(quantity_of)
