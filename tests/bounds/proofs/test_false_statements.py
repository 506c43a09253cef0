"""Nothing false, or that proofs cannot read, is proved, and no certificate of it is accepted."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds import hypotheses as H
from l2obound.bounds.proofs import ARGUMENTS
from l2obound.bounds.proofs.checker import Wrong, check
from l2obound.bounds.vocabulary import Q, k
from tests.helpers.proof_material import certificate_of, forged, is_accepted, is_refuted, proof_of, signed

K, L, h = Q.K, Q.L, Q.h
NAMES = bounds.names(variants=True)


def entry(entry_name: str, /, **changes: Any) -> bounds.Bound:
    return bounds.get(entry_name).replace(**changes)


def swapped(name: str, old: Any, new: Any) -> bounds.Bound:
    """The entry with one expression for another in both sides."""
    bound = bounds.get(name)
    return bound.replace(lhs=bound.lhs.xreplace({old: new}), rhs=bound.rhs.xreplace({old: new}))


def over(name: str, limits: tuple[Any, ...], side: str = "both") -> bounds.Bound:
    """The entry with other limits in its sums."""
    bound = bounds.get(name)

    def changed(e: sp.Expr) -> sp.Expr:
        return e.xreplace({s: sp.Sum(s.function, limits) for s in e.atoms(sp.Sum)})

    return bound.replace(
        lhs=changed(bound.lhs) if side in ("both", "lhs") else bound.lhs,
        rhs=changed(bound.rhs) if side in ("both", "rhs") else bound.rhs,
    )


def limits() -> Iterator[tuple[str, bounds.Bound]]:
    for name in (
        *("ood_multi_step_sharp", "ood_multi_step", "a_priori", "nonconvex_stationarity", "ood_last_iterate"),
        "budgeted_deviations",
    ):
        for what in ((k, 2, K), (k, 1, K - 1), (k, 1, 0), (k, 0, K), (k, 1, K + 1), (k, K, K), (k, 1, 1)):
            yield f"{name}: sums over {what}", over(name, what)
    for side in ("lhs", "rhs"):
        for what in ((k, 2, K), (k, 1, K - 1), (k, 1, 2 * K)):
            yield f"B6b: the sum of the {side} over {what}", over("ood_multi_step_sharp", what, side)
    i = sp.Symbol("i", integer=True)
    sharp = bounds.get("ood_multi_step_sharp")
    inner = sp.Sum(Q.ex[k], (k, 1, K))
    yield "B6b: a sum in another index", sharp.replace(rhs=sharp.rhs.xreplace({inner: sp.Sum(Q.ex[i], (i, 1, K))}))
    yield "B6b: a sum of a sum", sharp.replace(rhs=sharp.rhs.xreplace({inner: sp.Sum(inner, (k, 1, K))}))
    yield (
        "B6b: a sum of two indices",
        sharp.replace(rhs=sharp.rhs.xreplace({inner: sp.Sum(Q.ex[k], (k, 1, K), (i, 1, K))})),
    )
    yield "B6b: a term outside of its sum", sharp.replace(rhs=sharp.rhs.xreplace({inner: Q.ex[k]}))
    yield "B6b: only the last term", sharp.replace(rhs=sharp.rhs.xreplace({inner: Q.ex[K]}))


def discounts() -> Iterator[tuple[str, bounds.Bound]]:
    rate = bounds.get("strong_convexity:rate")
    c = 1 - h * Q.mu / L
    for exponent in (k, K, K - k + 1, 2 * (K - k), K - k - 1, (K - k) ** 2, K + k):
        made = sp.Sum(c**exponent * (Q.enorm[k] + Q.tau), (k, 1, K))
        yield f"B9:rate: the discount {exponent}", rate.replace(rhs=c**K * Q.R + made)
    body = Q.enorm[k] + Q.tau
    for base in (c**2, h * Q.mu / L, c / k, c * Q.sigma[k]):
        yield f"B9:rate: discounted by {base}", rate.replace(rhs=c**K * Q.R + sp.Sum(base ** (K - k) * body, (k, 1, K)))
    for power in (2 * K, K + 1, K**2, k):
        made = sp.Sum(c ** (K - k) * body, (k, 1, K))
        yield f"B9:rate: the power {power}", rate.replace(rhs=c**power * Q.R + made)
    yield (
        "B9:rate: two discounts",
        rate.replace(rhs=c**K * Q.R + sp.Sum(c ** (K - k) * (h / 2) ** (K - k) * body, (k, 1, K))),
    )
    yield (
        "B9:rate: a discount of one term",
        rate.replace(rhs=c**K * Q.R + sp.Sum(c ** (K - k) * Q.enorm[k] + Q.tau * (h / 4) ** (K - k), (k, 1, K))),
    )
    sharp = bounds.get("ood_multi_step_sharp")
    yield (
        "B6b: a discounted mean",
        sharp.replace(
            rhs=sharp.rhs.xreplace({sp.Sum(Q.ex[k], (k, 1, K)): sp.Sum((h / 2) ** (K - k) * Q.ex[k], (k, 1, K))})
        ),
    )


def constants() -> Iterator[tuple[str, bounds.Bound]]:
    for name in NAMES:
        bound = bounds.get(name)
        shares = (sp.Rational(49, 50), sp.Rational(51, 50), sp.Rational(3, 4), sp.Rational(1, 2), 2)
        stronger = (bound.replace(rhs=bound.rhs * share) for share in shares if bound.rhs != 0)
        false = next((one for one in stronger if is_refuted(one)), None)
        if false is not None:
            yield f"{name}: the right-hand side scaled", false
    yield "B1: L e2/4", entry("per_step_descent", rhs=bounds.get("per_step_descent").rhs - L * Q.e2[k] / 4)
    yield "B3:exact: L R^2/(4.1 h K)", entry("ind_rate:exact", rhs=L * Q.R**2 / (4 * h * K) * 40 / 41)
    yield "B3:exact: K + 1", entry("ind_rate:exact", rhs=L * Q.R**2 / (4 * h * (K + 1)))
    yield "B3:average: K + 2", entry("ind_rate:average", rhs=L * Q.R**2 / (2 * h * (K + 2)))
    yield "B3:smooth: 4hK + 3", entry("ind_rate:smooth", rhs=L * Q.R**2 / (4 * h * K + 3))
    yield "B9: twice mu", swapped("strong_convexity", Q.mu, 2 * Q.mu)
    yield "B9:pl: twice mu", swapped("strong_convexity:pl", Q.mu, 2 * Q.mu)
    yield "B8: K + 4", swapped("relative_deviation_rate", K + 3, K + 9)
    yield (
        "B10: h(2-h)(K+1)",
        entry("nonconvex_stationarity", rhs=bounds.get("nonconvex_stationarity").rhs * K / (K + 1)),
    )
    exact = "nonconvex_stationarity:exact_steps"
    yield "B10:exact_steps: 3K + 3", swapped(exact, 3 * K + 2, 3 * K + 3)
    yield "B10:exact_steps: 3L", entry(exact, rhs=3 * L * (Q.F[0] - Q.F_low) / (3 * K + 2))
    yield "B10:exact_steps: equal weights", entry(exact, lhs=bounds.get(exact).lhs + Q.grad2[0] / (3 * K + 2))
    yield "B10:exact_steps: F_low is F(x_K)", swapped(exact, Q.F_low, Q.F[K])
    yield "B14: r b/2", entry("history_stability", rhs=1 + Q.history_r * Q.history_b / (1 - Q.history_b) / 2)
    yield "B6b:weighted: less", swapped("ood_multi_step_sharp:weighted", Q.pot[0], Q.pot[0] / 2)
    yield "B2: a float", entry("homogeneous_descent", rhs=bounds.get("homogeneous_descent").rhs * 1.5)
    guard, rate = "accelerated_guard", bounds.get("accelerated_guard").rhs
    yield "B16: half", entry(guard, rhs=rate / 2)
    yield "B16: N + 2", swapped(guard, Q.guard_count[K] + 1, Q.guard_count[K] + 2)
    yield "B16: K for N", swapped(guard, Q.guard_count[K], K)
    yield "B16:weights: 4 A", swapped("accelerated_guard:weights", Q.guard_weight[K], 2 * Q.guard_weight[K])
    yield (
        "B16:weights: A of t + 1, N^2",
        entry("accelerated_guard:weights", rhs=L * Q.R**2 / (2 * Q.guard_count[K] ** 2)),
    )
    yield "B16: from x_K", swapped(guard, Q.R, Q.dist[K])
    yield "B17: half", entry("budgeted_deviations", rhs=bounds.get("budgeted_deviations").rhs / 2)
    yield "B17: what is left", swapped("budgeted_deviations", Q.budget[0], Q.budget[K])
    yield (
        "B17: no E^2",
        entry("budgeted_deviations", rhs=bounds.get("budgeted_deviations").rhs - L / (h * K) * Q.budget[0] ** 2),
    )
    accelerated, A = "accelerated_inexact", Q.accel_weight[K]
    for name in ("", ":sharp", ":size", ":a_priori"):
        bound = bounds.get(accelerated + name)
        yield f"B19{name}: less of R^2", bound.replace(rhs=bound.rhs - L * Q.R**2 / (3 * A))
        yield f"B19{name}: from u_K", swapped(accelerated + name, Q.R, Q.accel_dist[K])
        yield f"B19{name}: the weight A_1", swapped(accelerated + name, A, Q.accel_weight[1])
        yield f"B19{name}: 1/A_0", swapped(accelerated + name, A, Q.accel_weight[0])
        yield f"B19{name}: K", swapped(accelerated + name, A, K**2)
    less = L * Q.R**2 / (2 * A) * (K / (K + 2) - K / (K + 1))
    for name in (":sharp", ":size"):
        yield f"B19{name}: K/(K+2)", entry(accelerated + name, rhs=bounds.get(accelerated + name).rhs + less)
    yield "B19:distance: twice", swapped(f"{accelerated}:distance", Q.accel_dist[K], 2 * Q.accel_dist[K])
    yield "B19: weights 1", swapped(accelerated, Q.accel_momentum[k] * Q.accel_ex[k], Q.accel_ex[k])
    yield "B19: a sign", swapped(accelerated, Q.accel_ex[k], -Q.accel_ex[k])
    yield "B19: the deviation of B6c", swapped(accelerated, Q.accel_ex[k], Q.ex[k])
    yield "B19:a_priori: once", swapped(f"{accelerated}:a_priori", Q.accel_enorm[k], Q.accel_enorm[k] / 2)
    yield "B18: F", entry("energy_descent", lhs=Q.F[k], rhs=Q.F[k - 1])
    yield "B18: twice", entry("energy_descent", lhs=Q.F[k] + 2 * Q.energy[k])
    yield "B18: less", entry("energy_descent", rhs=Q.F[k - 1])
    for name in ("per_step_descent", "ood_multi_step_sharp", "strong_convexity"):
        for term in sp.Add.make_args(sp.expand(bounds.get(name).rhs))[:3]:
            yield f"{name}: the sign of {term}", entry(name, rhs=bounds.get(name).rhs - 2 * term)


def indices() -> Iterator[tuple[str, bounds.Bound]]:
    yield "B1: F[0] for F[k-1]", swapped("per_step_descent", Q.F[k - 1], Q.F[0])
    yield "B1: F[K] for F[k]", swapped("per_step_descent", Q.F[k], Q.F[K])
    yield "B1: F[k-2]", swapped("per_step_descent", Q.F[k - 1], Q.F[k - 2])
    yield "B1: G2[k-1]", swapped("per_step_descent", Q.G2[k], Q.G2[k - 1])
    yield "B1: a sign", entry("per_step_descent", lhs=Q.F[k - 1] - Q.F[k])
    yield "B2: sigma[K]", swapped("homogeneous_descent", Q.sigma[k], Q.sigma[K])
    yield "B3: F[0] for F[K]", swapped("ind_rate", Q.F[K], Q.F[0])
    yield "B3: F[1] for F[K]", swapped("ind_rate:exact", Q.F[K], Q.F[1])
    yield "B6: dist[K] is dist[0]", swapped("ood_multi_step", Q.dist[0], Q.dist[K])
    yield "B6b: R is dist[K]", swapped("ood_multi_step_sharp", Q.R, Q.dist[K])
    yield "B6b: dist[k] outside of a sum", swapped("ood_multi_step_sharp", Q.R, Q.dist[k])
    yield "B6b: 1/k for 1/(K+1)", swapped("ood_multi_step_sharp", K + 1, k + 5)
    yield "B6b:bonus: gz2[K]", swapped("ood_multi_step_sharp:bonus", Q.gz2[0], Q.gz2[K])
    yield "B6b:weighted: pot[K]", swapped("ood_multi_step_sharp:weighted", Q.pot[0], Q.pot[K])
    yield "B6c: ex for ex_prev", swapped("ood_last_iterate", Q.ex_prev[k], Q.ex[k])
    yield "B6c: k for k-1", swapped("ood_last_iterate", k - 1, k)
    yield "B9: dist[k] on both sides", swapped("strong_convexity", Q.dist[k - 1], Q.dist[k])
    yield "B9:rate: dist[0] <= ...", swapped("strong_convexity:rate", Q.dist[K], Q.dist[0])
    yield "B10: F[K] for F[0]", swapped("nonconvex_stationarity", Q.F[0], Q.F[K])
    yield "B13: e for delta2", swapped("assumption_sensitivity", Q.delta2[k], Q.enorm[k])
    yield "ex[K] >= 0", entry("per_step_descent", lhs=-Q.ex[K], rhs=sp.Integer(0))
    yield "another L", swapped("per_step_descent", L, sp.Symbol("L"))
    yield "another F_z", swapped("ind_rate", Q.F_z, sp.Symbol("F_z", real=True) - 1)
    for wrong in (sp.exp(-L), sp.Abs(Q.F[k]) - 5, sp.nan, -sp.oo, sp.zoo, sp.Symbol("y"), sp.sqrt(Q.e2[k] / 4), sp.I):
        yield f"B1 with {wrong}", entry("per_step_descent", rhs=wrong)


def certificates() -> Iterator[tuple[str, bounds.Bound]]:
    """B15: a constant, a sign, weights that sum to something else, squares of the wrong mean."""
    squares, models = sp.Sum(Q.share[k] * Q.grad2[k], (k, 1, K)), sp.Sum(Q.share[k] * Q.model[k], (k, 1, K))
    for name, mean in (("run_certificate", Q.mean_grad**2), ("run_certificate:ball", sp.Integer(0))):
        lhs = bounds.get(name).lhs
        more = (squares - mean) / (2 * L)
        yield f"{name}: 1/L for 1/(2L)", entry(name, lhs=lhs + more)
        yield f"{name}: 1/(1.9 L)", entry(name, lhs=lhs + more / 19)
        yield f"{name}: twice the weights", entry(name, lhs=2 * lhs)
        yield f"{name}: weights of the last step only", swapped(name, Q.share[k], Q.left[k - 1])
    plain = bounds.get("run_certificate")
    yield "run_certificate: + ||s||^2", plain.replace(lhs=plain.lhs + Q.mean_grad**2 / L)
    yield "run_certificate: without - ||s||^2", plain.replace(lhs=plain.lhs + Q.mean_grad**2 / (2 * L))
    yield "run_certificate: ||s||^2/3", plain.replace(lhs=models + (squares - Q.mean_grad**2 / 3) / (2 * L))
    yield "run_certificate: the model at x_0", swapped("run_certificate", Q.model[k], Q.model_0[k])
    ball = bounds.get("run_certificate:ball")
    yield "run_certificate:ball: R/2", ball.replace(lhs=ball.lhs + Q.R * Q.mean_grad / 2)
    yield "run_certificate:ball: + R ||s||", ball.replace(lhs=ball.lhs + 2 * Q.R * Q.mean_grad)
    yield "run_certificate:ball: the model at z, and a radius", swapped("run_certificate:ball", Q.R, -Q.R)


STATEMENTS = dict([*limits(), *discounts(), *constants(), *indices(), *certificates()])


SCALED = "the right-hand side scaled"
QUICK = ("ood_multi_step_sharp", "ind_rate:exact", "nonconvex_stationarity", "strong_convexity:rate")
"""Entries on whole runs whose scaled forms are in the default tier; the others take a second each."""


def _is_long(what: str) -> bool:
    name, _, change = what.rpartition(": ")
    return change == SCALED and bounds.get(name).level == "run" and name not in QUICK


@pytest.mark.parametrize("what", [pytest.param(w, marks=[pytest.mark.slow] * _is_long(w)) for w in STATEMENTS])
def test_a_false_formula_neither_proves_nor_checks(what: str) -> None:
    bound = STATEMENTS[what]
    proof = bound.prove()
    assert not proof.valid
    assert proof.reason
    certificate = forged(bound)
    assert not is_accepted(certificate, bound)
    assert not is_accepted(certificate)
    certificate["goal"] = certificate["claims"][-1]["expression"] = "-L"
    assert not is_accepted(certificate, bound)


def test_most_of_them_are_refuted_by_a_run() -> None:
    known = [what for what, bound in STATEMENTS.items() if _in_numbers(bound)]
    assert len(STATEMENTS) > 150
    assert len(known) > 100
    assert not any(is_refuted(bounds.get(name)) for name in NAMES)


def _in_numbers(bound: bounds.Bound) -> bool:
    try:
        return is_refuted(bound)
    except (AssertionError, IndexError, KeyError, TypeError, ValueError):  # a formula that means nothing
        return False


def test_an_example_by_hand() -> None:
    """F = 0, K = 2, x = (1, 10, 5), z = 0: an empty sum leaves 0 <= -12.3."""
    empty = over("ood_multi_step_sharp", (k, 1, 0), "lhs")
    numbers = {"F": [[0.0, 0.0, 0.0]], "F_z": 0.0, "R": 1.0, "L": 1.0, "h": 1.0, "ex": [[-90.0, 25.0]]}
    assert bounds.get("ood_multi_step_sharp").evaluate(numbers).rhs > 0
    assert not empty.prove().valid
    false = over("ood_multi_step_sharp", (k, 2, K), "rhs")
    assert not false.prove().valid


@pytest.mark.parametrize("name", ["run_certificate", "run_certificate:ball"])
@pytest.mark.parametrize("missing", [H.SHARES, H.F_CONVEX, H.F_SMOOTH])
def test_a_run_certificate_needs_weights_that_sum_to_one_and_convexity(name: str, missing: H.Hypothesis) -> None:
    bound = bounds.get(name)
    weaker = bound.replace(hypotheses=tuple(one for one in bound.hypotheses if one is not missing))
    proof = weaker.prove()
    assert not proof.valid
    assert f"`{missing.name}`" in proof.reason
    assert not is_accepted(forged(weaker), weaker)


# Hypotheses


@pytest.mark.parametrize(
    "name", [n if i % 3 == 0 else pytest.param(n, marks=pytest.mark.slow) for i, n in enumerate(NAMES)]
)
def test_every_hypothesis_is_needed_or_said_not_to_be(name: str) -> None:
    bound = bounds.get(name)
    assert set(proof_of(name).hypotheses) == {one.name for one in bound.hypotheses} - set(bound.beyond_proof)
    assert set(bound.beyond_proof) <= {one.name for one in bound.hypotheses}
    for hypothesis in bound.hypotheses:
        rest = bound.replace(hypotheses=tuple(one for one in bound.hypotheses if one is not hypothesis))
        proof, certificate = rest.prove(), forged(rest)
        assert proof.valid == (hypothesis.name in bound.beyond_proof)
        assert proof.valid or f"`{hypothesis.name}`" in proof.reason
        assert not is_accepted(certificate), hypothesis.name  # it is not the entry of the catalogue
        assert is_accepted(certificate, rest) == proof.valid, hypothesis.name


ALL = tuple(one for one in vars(H).values() if isinstance(one, H.Hypothesis))
STEPS = (H.REFERENCE_STEP, H.REFERENCE_STEP_LONG, H.FULL_STEP, H.HALF_STEP)


def _always(quantities: bounds.Quantities) -> H.HypothesisCheck:
    good = np.ones(quantities.batch)
    return H.HypothesisCheck("good", good > 0, good, "nothing", good)


def _with(bound: bounds.Bound, old: H.Hypothesis, new: H.Hypothesis) -> bounds.Bound:
    return bound.replace(hypotheses=tuple(new if one is old else one for one in bound.hypotheses))


WITH_STEPS = [n for n in NAMES if set(bounds.get(n).hypotheses) & set(STEPS)]


@pytest.mark.parametrize(
    "name", [n if i % 3 == 0 else pytest.param(n, marks=pytest.mark.slow) for i, n in enumerate(WITH_STEPS)]
)
def test_another_reference_step_is_another_hypothesis(name: str) -> None:
    bound = bounds.get(name)
    (mine,) = (one for one in bound.hypotheses if one in STEPS)
    for other in STEPS:
        if other is mine:
            continue
        for wrong in (other, dataclasses.replace(other, name=mine.name)):
            changed = _with(bound, mine, wrong)
            assert not changed.prove().valid
            assert not is_accepted(forged(changed), changed)


@pytest.mark.parametrize("name", ["homogeneous_descent", "strong_convexity:rate", "ood_multi_step_sharp:weighted"])
def test_hypotheses_are_what_they_say_and_not_their_names(name: str) -> None:
    bound = bounds.get(name)
    for mine in bound.hypotheses:
        if mine.name in bound.beyond_proof:
            continue
        for change in ({"statement": "nothing"}, {"judge": _always}, {"judge": lambda q: _always(q)}):
            changed = _with(bound, mine, dataclasses.replace(mine, **change))
            proof = changed.prove()
            assert not proof.valid
            assert "says another thing" in proof.reason
            assert not is_accepted(forged(changed), changed)
        same = _with(bound, mine, dataclasses.replace(mine))
        assert same.prove().valid
        assert is_accepted(forged(same))


def test_names_of_hypotheses_are_their_own_and_those_of_their_checks() -> None:
    assert len({one.name for one in ALL}) == len({one.digest for one in ALL}) == len(ALL)
    for one in ALL:
        values = dict.fromkeys(one.uses, 1.0)
        assert one.check(bounds.quantities.from_scalars(values)).name == one.name


def test_a_lambda_is_told_by_its_code() -> None:
    judges = [lambda q: _always(q), lambda q: None, functools.partial(_always), functools.partial(_always, 1), _always]
    made = [H.Hypothesis("mine", "mine", "", judge) for judge in judges]
    assert len({one.digest for one in made}) == len(judges)


def test_formulas_of_hypotheses_are_what_they_are_judged_by() -> None:
    """Each formula is >= 0 on random quantities wherever the hypothesis holds, and some other time it does not."""
    rng = np.random.default_rng(0)
    for one in ALL:
        if not one.formula or {"pot", "left", "guard_count", "budget", "accel_weight"} & set(
            one.uses
        ):  # recurrences: own tests
            continue
        holds = fails = 0
        for _ in range(200):
            values = {n: float(rng.choice([-0.5, 0.0, 0.3, 0.5, 0.9, 1.0, 1.2, 1.25, 1.4, 2.5])) for n in one.uses}
            values = {n: abs(v) if n in ("sigma", "enorm", "Delta") else v for n, v in values.items()}
            check_ = one.check(bounds.quantities.from_scalars(values))
            numbers = [float(f.subs({_symbol(f, n): v for n, v in values.items()})) for f in one.formula]
            if check_.holds.all() and values.get("enorm", 1) != 0:
                holds += 1
                assert min(numbers) >= -1e-12, (one.name, values)
            else:
                fails += 1
        assert holds, one.name
        assert fails, one.name


def _symbol(formula: sp.Expr, name: str) -> Any:
    return next((e for e in formula.atoms(sp.Indexed) if str(e.base) == name), bounds.VOCABULARY[name].symbol)


# Tampered certificates


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value of a certificate that is not a container."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from leaves(value, (*path, place))
    else:
        yield path


def put(certificate: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The certificate with another value there."""
    changed = copy.deepcopy(certificate)
    node = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return changed


HARMLESS = ("reason",)
"""Fields for a reader only."""


def tampered(certificate: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The certificate with one value changed: each of its values in turn."""
    for path in leaves(certificate):
        value = functools.reduce(lambda node, key: node[key], path, certificate)
        if path[0] in HARMLESS:
            continue
        if path[-1] == "times":
            new = "0"
        elif path[-1] == "name" and path[1] == len(certificate["claims"]) - 1:
            continue  # nothing refers to the last claim
        elif isinstance(value, str):
            new = f"({value})*51/50 - 1" if path[-1] in FORMULAS else f"{value}x"
        else:
            new = {True: False, False: True, None: "L"}.get(value, 7)
        yield f"{'/'.join(map(str, path))}: {str(value)[:40]}", put(certificate, path, new)


FORMULAS = ("lhs", "rhs", "goal", "increment", "factor", "start", "expression", "times", "multiplier", "square")


MOST = {"homogeneous_descent": 1000, "nonconvex_stationarity:constrained": 40, "strong_convexity:rate": 20}


@pytest.mark.parametrize(("name", "most"), MOST.items())
def test_a_change_of_any_field_is_noticed(name: str, most: int) -> None:
    certificate = certificate_of(name)
    check(certificate)
    made = list(tampered(certificate))
    for what, wrong in random.Random(name).sample(made, min(most, len(made))):
        assert not is_accepted(wrong), what


@pytest.mark.parametrize("name", ["ood_multi_step_sharp", "relative_deviation_rate", "ind_rate:exact", "a_priori"])
def test_a_statement_put_into_a_certificate_is_noticed(name: str) -> None:
    certificate = certificate_of(name)
    other = certificate_of("ood_last_iterate")
    for fields in (("lhs",), ("rhs",), ("lhs", "rhs"), ("hypotheses",), ("goal",), ("level",), ("bound",), ("claims",)):
        wrong = {**certificate, **{field: other[field] for field in fields}}
        if wrong != certificate:
            assert not is_accepted(wrong), fields
            assert not is_accepted(signed(wrong)), fields
    for extra in (
        {"sums": {}},
        {"definitions": ["exact step"]},
        {"norms": {"enorm_k": "x_k"}},
        {"norms": {"mine_k": "1"}},
    ):
        wrong = {**certificate, **extra}
        assert wrong == certificate or not is_accepted(wrong) or name == "ind_rate:exact", extra


@pytest.mark.parametrize("wrong", [{}, {"format": "l2obound-proof-1"}, {"format": "l2obound-proof-2"}, {"claims": []}])
def test_what_is_no_certificate_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Wrong):
        check(wrong)
    full = {**certificate_of("per_step_descent"), **wrong}
    assert full == certificate_of("per_step_descent") or not is_accepted(full)


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('true')", "x_k.real", "[x_k]", "lambda: 1", "1.5*L", "L if L else h", "", "L +", "'L'"],
)
def test_a_formula_runs_nothing(text: str) -> None:
    certificate = certificate_of("per_step_descent")
    certificate["claims"][0]["parts"][0]["times"] = text
    assert not is_accepted(certificate)
    certificate = certificate_of("per_step_descent")
    certificate["claims"][0]["parts"][0]["terms"][0]["multiplier"] = f"({text})" if text else text
    assert not is_accepted(certificate)


def test_a_certificate_of_a_bound_of_ones_own_is_checked_against_it() -> None:
    mine = entry("per_step_descent", name="mine", variant=None)
    ARGUMENTS["mine"] = ARGUMENTS["per_step_descent"]
    try:
        certificate = json.loads(json.dumps(mine.prove().certificate()))
    finally:
        del ARGUMENTS["mine"]
    check(certificate, mine)
    with pytest.raises(Wrong, match="give the bound"):
        check(certificate)
    with pytest.raises(Wrong, match="not that of the bound"):
        check(certificate, bounds.get("per_step_descent"))
