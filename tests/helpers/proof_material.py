"""Proofs made once, forged certificates, and runs in numbers that refute what is false."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from l2obound import bounds
from l2obound.bounds.proofs import Proof
from l2obound.bounds.proofs._claims import Argument
from l2obound.bounds.proofs._goal import goal
from l2obound.bounds.proofs._proof import _data as certificate_data
from l2obound.bounds.proofs.checker import FORMAT, Wrong, check
from l2obound.bounds.statements.out_of_distribution import weight_potentials
from l2obound.bounds.vocabulary import Q, k


@functools.cache
def proof_of(name: str) -> Proof:
    """The proof of an entry, made once."""
    return bounds.get(name).prove()


@functools.cache
def _text(name: str) -> str:
    return json.dumps(proof_of(name).certificate())


def certificate_of(name: str) -> dict[str, Any]:
    """The certificate of an entry, as it comes from JSON: a copy of one's own."""
    return json.loads(_text(name))


def signed(certificate: dict[str, Any]) -> dict[str, Any]:
    """The certificate with the digest of the statement that it holds now."""
    c = copy.deepcopy(certificate)
    statement = {name: c[name] for name in ("bound", "level", "lhs", "rhs", "hypotheses")}
    c["digest"] = hashlib.sha256(json.dumps(statement, sort_keys=True).encode()).hexdigest()
    return c


def forged(bound: bounds.Bound) -> dict[str, Any]:
    """The certificate of the entry of that name, passed off as one of this bound."""
    return signed({**certificate_of(bound.key), **json.loads(json.dumps(bound.statement))})


def unchecked(bound: bounds.Bound, build: Callable[[Any], Argument]) -> dict[str, Any]:
    """What a prover that checks nothing would hand out."""
    wanted = goal(bound.lhs, bound.rhs, bound.level)
    data = certificate_data(bound, wanted.expression, build(wanted))
    return json.loads(json.dumps({"format": FORMAT, "valid": True, "reason": "", **data}))


def is_accepted(certificate: dict[str, Any], bound: bounds.Bound | None = None) -> bool:
    """Whether the checker accepts it."""
    try:
        check(certificate, bound)
    except Wrong:
        return False
    return True


# Runs in numbers. f = a x^2/2 and r = c|x| on the line, minimised at 0, plus a number; any steps, any comparator.


@functools.cache
def pool(K: int, batch: int = 4000) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Quantities by name, and by hypothesis which of the runs meet it."""
    rng = np.random.default_rng(K)
    L = rng.choice([1.0, 2.0], batch)
    a = L * rng.choice([0.0, 0.3, 1.0], batch)
    c = rng.choice([0.0, 0.0, 0.5, 3.0], batch)
    h = rng.choice([0.5, 1.0, 1.2, 1.25, 1.4, 1.5, 3.0, 0.1], batch)
    exact = rng.random(batch) < 0.5
    x, s = [rng.choice([-2.0, 1.0, 5.0], batch)], []

    def prox(point: np.ndarray) -> np.ndarray:
        return np.sign(point) * np.maximum(np.abs(point) - h / L * c, 0)

    small = rng.random(batch) < 0.5
    for _ in range(K):
        target = prox(x[-1] - h / L * a * x[-1])
        free = np.where(small, target + 0.1 * rng.standard_normal(batch), rng.choice([-3.0, 0.5, 5.0, 10.0], batch))
        x.append(np.where(exact, target, free))
        implied = L / h * (x[-2] - x[-1]) - a * x[-2]
        s.append(np.where(exact, implied, np.where(x[-1] != 0, c * np.sign(x[-1]), 0.0)))
    x, s = np.array(x).T, np.array(s).T
    z = rng.choice([0.0, 0.0, 2.0], batch)
    column = L[:, None], h[:, None], a[:, None], z[:, None]
    Lc, hc, ac, zc = column
    F = ac / 2 * x**2 + c[:, None] * np.abs(x)
    level = rng.choice([0.0, -20.0], batch)  # what F is at its minimum
    F = F + level[:, None]
    D, G = x[:, :-1] - x[:, 1:], ac * x[:, :-1] + s
    e = D - hc / Lc * G
    e = np.where(exact[:, None], 0.0, e)
    own, W = rng.choice([0.3, 1.0], (batch, K)), np.sort(rng.uniform(0.5, 1.0, (batch, K)), axis=1)
    p = rng.choice([0.3, 1.0], batch)[:, None] / Lc
    bias = D - p * G
    mean = x[:, 1:].mean(1)
    b_, r_, q_ = rng.choice([0.0, 0.5, 0.9], batch), rng.choice([0.3, 1.0], batch), rng.uniform(-1, 3, batch)
    share = rng.random((batch, K))
    a_k = rng.dirichlet(np.ones(K), batch)
    left = np.concatenate([np.cumsum(a_k[:, ::-1], 1)[:, ::-1], np.zeros((batch, 1))], 1)
    tangent = (level + 0 * a)[:, None] - ac / 2 * x[:, 1:] ** 2  # of f at x_k, at 0
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.where(e == 0, 0.0, Lc * np.abs(e) / np.abs(G))
    values = {
        **{"L": L, "h": h, "K": np.full(batch, float(K)), "mu": a, "F_low": level, "R": np.abs(x[:, 0] - z)},
        **{"F": F, "F_z": level + a / 2 * z**2 + c * np.abs(z), "F_best": F[:, 1:].min(1)},
        **{"F_mean": level + a / 2 * mean**2 + c * np.abs(mean), "dist": np.abs(x - zc), "gz2": (ac * (x - zc)) ** 2},
        **{"Delta": np.abs(x - zc)[:, :-1].max(1), "tau": np.abs(prox(z - h / L * a * z) - z)},
        **{"G2": G**2, "D2": D**2, "e2": e**2, "enorm": np.abs(e), "Ge": G * e, "ex": e * (x[:, 1:] - zc)},
        **{"ex_prev": e * (x[:, :-1] - zc), "sigma": sigma, "sigma_max": sigma.max(1)},
        **{"stationarity": np.abs(ac * x[:, 1:] + s), "vi_gap": ac * x[:, 1:] * (x[:, 1:] - zc)},
        **{"pG2": p * (1 - Lc * p / 2) * G**2, "step_h": own, "ex_own": (D - own / Lc * G) * (x[:, 1:] - zc)},
        **{"eps": np.zeros((batch, K)), "weight": W, "pot": weight_potentials(W)},
        **{"bracket": share * np.abs(e), "C1": np.zeros((batch, K)), "C2": (1 - share) * np.abs(e)},
        **{"dz": np.ones((batch, K)), "G_inf": np.abs(G), "pshift": np.zeros((batch, K))},
        **{"bshift": (1 - share) * np.abs(e), "Lp_min": Lc * p + 0 * G, "Gb": np.abs(G + bias / p)},
        **{
            "delta1": np.abs(2 * Lc * p - 1) + 0 * G,
            "delta2": np.abs(2 * Lc * bias - G),
            "defect": np.ones((batch, K)),
        },
        **{"share": a_k, "left": left, "model": tangent + ac * x[:, 1:] * zc + (c * np.abs(z))[:, None]},
        **{"model_0": tangent + ac * x[:, 1:] * x[:, :1], "grad2": (ac * x) ** 2},
        **{"mean_grad": np.abs((a_k * ac * x[:, 1:]).sum(1))},
        # a guard at work on no run, and a budget that covers every run's deviations
        **{name: np.zeros((batch, K)) for name in ("guard_momentum", "guarded")},
        **{name: np.zeros((batch, K + 1)) for name in ("guard_count", "guard_weight", "energy", "motion")},
        "budget": np.abs(e)[:, ::-1].cumsum(1)[:, ::-1] @ np.eye(K, K + 1),
        **{"history_q": q_, "history_r": r_, "history_b": b_},
    }
    away = (x - zc) ** 2 / p
    values |= {"metric_weight": np.ones((batch, K + 1)), "metric_dist2": away, "metric_before": away[:, :-1]}
    values |= {"metric_bias": bias / p * (x[:, 1:] - zc), "Lp_max": Lc * p + 0 * G}
    values |= _accelerated(x, ac * 1.0, s, Lc, zc)
    values["history_radius"] = bounds.history.frozen_mode(r_, q_, b_).radius
    true = np.ones(batch, bool)
    meets = dict.fromkeys(("f_smooth", "f_convex", "r_convex", "strongly_convex", "polyak_lojasiewicz"), true)
    meets |= dict.fromkeys(("heads_lipschitz", "own_steps", "weights", "preconditioner_positive", "shares"), true)
    meets |= {"r_zero": c == 0, "r_indicator": c == 0, "comparator_optimal": z == 0, "equivariant_heads": ~true}
    meets |= {"deviation_below_step": (sigma < hc).all(1), "monotone": (sigma <= hc).all(1), "exact_step": exact}
    meets |= {"bias_free": np.abs(bias).max(1) < 1e-14, "preconditioner_in_range": true, "apart": values["Delta"] > 0}
    meets |= {
        "reference_step": h <= 1,
        "reference_step_long": h <= 1.25,
        "reference_step_longer": h <= 1.5,
        "full_step": h == 1,
        "half_step": h == 0.5,
    }
    meets |= {"reference_step_root_2": h**2 <= 2, "mu_at_most_L": true}
    meets |= {"preconditioner_short": (Lc * p <= 1).all(1), "metric_weights": true}
    meets |= {"history_range": true, "history_stable": values["history_radius"] <= 1}
    meets |= {"accelerated_weights": true, "not_below": (F[:, 1:] >= values["F_z"][:, None]).all(1)}
    meets |= {"accelerated_guard": ~true, "guard_weights": ~true, "energy_region": ~true, "budget": true}
    meets |= {"momentum_region": ~true}
    return values, meets


def _accelerated(x: np.ndarray, a: np.ndarray, s: np.ndarray, L: np.ndarray, z: np.ndarray) -> dict[str, np.ndarray]:
    """What the accelerated reference makes of runs (batch, K+1) on a x^2/2 + r."""
    t, momenta, u, e = 1.0, [], [x[:, 0]], []
    for i in range(s.shape[1]):
        y = x[:, i] + (u[-1] - x[:, i]) / t
        e.append(y - x[:, i + 1] - (a[:, 0] * y + s[:, i]) / L[:, 0])
        u.append(x[:, i] + t * (x[:, i + 1] - x[:, i]))
        momenta.append(t)
        t = 0.5 * (1 + np.sqrt(1 + 4 * t**2))
    e, away = np.array(e).T, np.array(u).T - z
    momentum = np.tile(momenta, (len(x), 1))
    return {
        "accel_momentum": momentum,
        "accel_weight": np.concatenate([np.zeros((len(x), 1)), momentum**2], 1),
        "accel_dist": np.abs(away),
        "accel_ex": e * away[:, 1:],
        "accel_enorm": np.abs(e),
    }


def number(e: sp.Expr, values: dict[str, np.ndarray], K: int, step: int | None = None) -> np.ndarray:
    """The value of a formula on every run of the pool, at step k."""
    if e.is_number:
        return np.float64(e)
    if isinstance(e, sp.Symbol):
        return np.float64(step) if e == k else values[e.name]
    if isinstance(e, sp.Indexed):
        index = int(e.indices[0].subs({k: 0 if step is None else step, Q.K: K}))
        array = values[str(e.base)]
        return array[:, index] if array.shape[1] == K + 1 else array[:, index - 1]
    if isinstance(e, sp.Sum):
        low, high = (int(limit.subs({Q.K: K})) for limit in e.limits[0][1:])
        return sum((number(e.function, values, K, i) for i in range(low, high + 1)), np.float64(0))
    parts = [number(a, values, K, step) for a in e.args]
    if isinstance(e, sp.Add):
        return sum(parts)
    if isinstance(e, sp.Mul):
        return functools.reduce(np.multiply, parts)
    if isinstance(e, sp.Max):
        return functools.reduce(np.maximum, parts)
    assert isinstance(e, sp.Pow), e
    return parts[0] ** parts[1]


def is_refuted(bound: bounds.Bound) -> bool:
    """Whether some run of the pool meets the hypotheses and breaks the bound by more than rounding."""
    for K in (1, 2, 3):
        values, meets = pool(K)
        fine = np.logical_and.reduce([meets[h.name] for h in bound.hypotheses] or [np.ones(len(values["L"]), bool)])
        for step in range(1, K + 1) if bound.level == "step" else (None,):
            with np.errstate(all="ignore"):
                lhs, rhs = (number(side, values, K, step) for side in (bound.lhs, bound.rhs))
                broken = fine & (lhs - rhs > 1e-9 * (1 + np.abs(lhs) + np.abs(rhs)))
            if broken.any():
                return True
    return False
