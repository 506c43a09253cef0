"""Questions over twelve decades of every number, those with a known answer with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from l2obound.bounds.worst_cases import INITIALS, METHODS, METRICS
from l2obound.bounds.worst_cases._setting import number

Question = tuple[dict[str, Any], float | None]


def decades(rng: np.random.Generator, low: float = -6.0, high: float = 6.0) -> float:
    return float(10.0 ** rng.uniform(low, high))


def share(rng: np.random.Generator) -> float:
    """mu/L: anywhere from 1e-12 to just below 1."""
    return float(rng.choice([decades(rng, -12, -0.01), 1 - decades(rng, -12, -0.01)]))


def step(rng: np.random.Generator) -> float:
    return float(rng.choice([decades(rng), rng.uniform(0.05, 1.95), decades(rng, -6, 0), 1.0]))


def _smooth(rng: np.random.Generator) -> Question:
    L, h, K = decades(rng), step(rng), int(rng.integers(1, 11))
    best = max(1 / (2 * K * h + 1), (1 - h) ** (2 * K))
    return {"L": L, "step": h, "steps": K}, L / 2 * best


def _composite(rng: np.random.Generator) -> Question:
    L, h, K = decades(rng), step(rng), int(rng.integers(1, 11))
    asked = {"function_class": "composite", "method": "proximal_gradient", "L": L, "step": h, "steps": K}
    return asked, L / 2 * max(1 / (2 * h * K), (1 - h) ** (2 * K))


def _contraction(rng: np.random.Generator) -> Question:
    L, h, K, q = decades(rng), step(rng), int(rng.integers(1, 11)), share(rng)
    composite, metric = bool(rng.integers(2)), str(rng.choice(["distance", "objective"]))
    mu = L * q
    q = mu / L
    asked = {"function_class": "smooth_strongly_convex", "method": "gradient", "L": L, "mu": mu, "step": h, "steps": K}
    if composite:
        asked |= {"function_class": "composite_strongly_convex", "method": "proximal_gradient"}
    asked |= {"metric": metric, "initial": metric}
    # 1 - h q loses digits where it is small: in fractions, and those that the numbers are read as
    a, b = 1 - number(h, "h") * number(mu, "mu") / number(L, "L"), 1 - number(h, "h")
    return asked, float(max(a**2, b**2) ** K)


def _strong_objective(rng: np.random.Generator) -> Question:
    L, K, q = decades(rng), int(rng.integers(1, 11)), share(rng)
    h = float(rng.choice([decades(rng, -6, 0), 1.0, rng.uniform(0.05, 1.0)]))
    asked = {"function_class": "smooth_strongly_convex", "L": L, "mu": L * q, "step": h, "steps": K}
    q_ = number(L * q, "mu") / number(L, "L")
    contracted = (1 - number(h, "h") * q_) ** (2 * K)
    value = q_ * contracted / (1 - (1 - q_) * contracted)
    return asked, float(number(L, "L") / 2 * max(value, (1 - number(h, "h")) ** (2 * K)))


def _proximal_point(rng: np.random.Generator) -> Question:
    K = int(rng.integers(1, 11))
    gamma = [decades(rng) for _ in range(K)] if rng.integers(2) else [decades(rng)] * K
    asked = {"function_class": "convex", "method": "proximal_point", "step": gamma, "steps": K}
    return asked, 1 / (4 * math.fsum(gamma))


def _gradients(rng: np.random.Generator) -> Question:
    L, K = decades(rng), int(rng.integers(1, 11))
    h = float(rng.choice([decades(rng, -6, 0), rng.uniform(0.05, 1.0), 1.0]))
    if rng.integers(2):
        return {"L": L, "step": h, "steps": K, "metric": "best_gradient"}, L**2 / (h * K + 1) ** 2
    asked = {"L": L, "step": h, "steps": K, "metric": "best_gradient", "initial": "objective"}
    return asked, 2 * L / (2 * h * K + 1)


def _averages(rng: np.random.Generator) -> Question:
    L, K = decades(rng), int(rng.integers(1, 11))
    h = float(rng.choice([decades(rng, -6, 0), rng.uniform(0.05, 1.0), 1.0]))
    asked = {"L": L, "step": h, "steps": K, "metric": "average_objective"}
    if rng.integers(2):
        return asked, L / (2 * (h * (K + 1) + 1))
    return {**asked, "function_class": "composite", "method": "proximal_gradient"}, L / (2 * h * (K + 1))


def _any(rng: np.random.Generator) -> Question:
    """A question of any kind, its answer unknown: it has to be an interval."""
    method = str(rng.choice(list(METHODS)))
    kind = str(rng.choice(METHODS[method]))
    K, L = int(rng.integers(1, 11)), decades(rng)
    asked: dict[str, Any] = {
        "method": method,
        "function_class": kind,
        "L": L,
        "steps": K,
        "metric": str(rng.choice(METRICS)),
        "initial": str(rng.choice(INITIALS)),
        "step": [step(rng) for _ in range(K)] if rng.integers(2) else step(rng),
    }
    if kind.endswith("strongly_convex"):
        asked["mu"] = L * share(rng)
    if method == "heavy_ball":
        asked["momentum"] = float(rng.uniform(0, 1))
    if method == "go_math":
        asked["momentum"] = (float(rng.uniform(0, 1)), float(rng.uniform(0, 1)))
    if rng.random() < 0.3:
        asked["relative_error"] = float(rng.uniform(0, 1.2))
    elif rng.random() < 0.2:
        asked["absolute_error"] = decades(rng)
    return asked, None


KINDS = (_smooth, _composite, _contraction, _strong_objective, _proximal_point, _gradients, _averages, _any, _any)


def random_question(seed: int) -> Question:
    """Arguments of `worst_case` and, where there is a closed form, its value."""
    rng = np.random.default_rng(seed)
    return KINDS[seed % len(KINDS)](rng)
