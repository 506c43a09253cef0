"""Multipliers that are known for every K: worst cases whose proof in the catalogue has the same ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from ._model import STAR
from ._setting import Setting

Name = tuple[str, ...]


@dataclass(frozen=True)
class Pattern:
    """A bound of the catalogue, when it is the one, and its multipliers of the normalised problem."""

    bound: str
    fits: Callable[[Setting], bool]
    multipliers: Callable[[int], dict[Name, Fraction]]


def _plain(s: Setting, method: str, function_class: str) -> bool:
    """A constant step up to 1/L, no errors, the last value from a distance."""
    exact = s.relative is None and s.absolute is None
    return (
        (s.method, s.function_class, s.metric, s.initial) == (method, function_class, "objective", "distance")
        and exact
        and len(set(s.step)) == 1
        and s.step[0] <= 1
    )


def _smooth(K: int) -> dict[Name, Fraction]:
    """mu_k = k/(2K+1-k) forwards, their differences from the minimiser; no step in them."""
    mu = [Fraction(k, 2 * K + 1 - k) for k in range(K + 1)]
    weights: dict[Name, Fraction] = {("f", str(k - 1), str(k)): mu[k] for k in range(1, K + 1)}
    steps = zip(mu, [*mu[1:], Fraction(1)])
    return weights | {("f", STAR, str(k)): after - before for k, (before, after) in enumerate(steps)}


def _composite(K: int) -> dict[Name, Fraction]:
    """B6c: mu_k = k/(2K-k+1) for f, alpha_k = (k-1)/(2K-k+1) for r, their differences from the minimiser."""
    mu = [Fraction(k, 2 * K - k + 1) for k in range(K + 1)]
    alpha = [Fraction(k - 1, 2 * K - k + 1) for k in range(1, K + 1)]
    weights: dict[Name, Fraction] = {("f", str(k - 1), str(k)): mu[k] for k in range(1, K + 1)}
    steps = zip(mu, [*mu[1:], Fraction(1)])
    weights |= {("f", STAR, str(k)): after - before for k, (before, after) in enumerate(steps)}
    weights |= {("r", str(k - 1), str(k)): alpha[k - 1] for k in range(2, K + 1)}
    steps = zip(alpha, [*alpha[1:], Fraction(1)])
    return weights | {("r", STAR, str(k)): after - before for k, (before, after) in enumerate(steps, 1)}


PATTERNS = (
    Pattern("ind_rate:smooth", lambda s: _plain(s, "gradient", "smooth_convex"), _smooth),
    Pattern("ind_rate:exact", lambda s: _plain(s, "proximal_gradient", "composite"), _composite),
)


def recognised(setting: Setting, multipliers: dict[Name, Fraction]) -> str | None:
    """The bound of the catalogue whose proof, for every K, has exactly these multipliers; None where none is known."""
    given = {name: value for name, value in multipliers.items() if name[0] in ("f", "r") and value}
    for pattern in PATTERNS:
        if pattern.fits(setting):
            wanted = {name: value for name, value in pattern.multipliers(setting.steps).items() if value}
            if wanted == given:
                return pattern.bound
    return None
