"""False statements: wrong limits of sums, discounts, constants, indices and hypotheses of the catalogue's bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from l2obound import bounds
from l2obound.bounds import hypotheses as H
from l2obound.bounds.vocabulary import Q, k
from tests.helpers.proof_material import is_refuted

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
    yield "B6c: K + 1", swapped("ood_last_iterate", L * Q.R**2 / (4 * h * K), L * Q.R**2 / (4 * h * (K + 1)))
    gradient, by_objective = "ind_rate:gradient", "ind_rate:gradient_by_objective"
    yield "B3:gradient: hK + 2", swapped(gradient, h * K + 1, h * K + 2)
    yield "B3:gradient: 2hK + 1", swapped(gradient, h * K + 1, 2 * h * K + 1)
    yield "B3:gradient: from x_K", swapped(gradient, Q.R, Q.dist[K])
    yield "B3:gradient: of x_0", swapped(gradient, Q.grad2[K], Q.grad2[0])
    yield "B3:gradient_by_objective: 2hK + 2", swapped(by_objective, 2 * h * K + 1, 2 * h * K + 2)
    yield "B3:gradient_by_objective: F(x_K)", swapped(by_objective, Q.F_low, Q.F[K])
    for form in ("pl_inexact", "pl_exact_steps"):
        yield f"B9:{form}: twice mu", swapped(f"strong_convexity:{form}", Q.mu, 2 * Q.mu)
        yield f"B9:{form}: F(x_K)", swapped(f"strong_convexity:{form}", Q.F_low, Q.F[K])
        yield f"B9:{form}: K + 1", swapped(f"strong_convexity:{form}", K, K + 1)
    yield "B9:pl_inexact: half", swapped("strong_convexity:pl_inexact", Q.e2[k], Q.e2[k] / 2)
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
    metric = "variable_metric"
    yield "B20: a third", swapped(metric, Q.metric_dist2[0], 2 * Q.metric_dist2[0] / 3)
    yield "B20: no bias", swapped(metric, Q.metric_bias[k], sp.Integer(0))
    yield "B20: from x_K", swapped(metric, Q.metric_dist2[0], Q.metric_dist2[K])
    yield "B20: twice the gaps", entry(metric, lhs=2 * bounds.get(metric).lhs)
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
    momentum = "energy_descent:momentum"
    yield "B18:momentum: F", entry(momentum, lhs=Q.F[k], rhs=Q.F[k - 1])
    yield "B18:momentum: twice", entry(momentum, lhs=Q.F[k] + 2 * Q.motion[k])
    yield "B18:momentum: half", entry(momentum, rhs=Q.F[k - 1] + Q.motion[k - 1] / 2)
    yield "B18:momentum: any f", bounds.get(momentum).replace(hypotheses=(H.F_SMOOTH, H.R_CONVEX, H.MOMENTUM_REGION))
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
