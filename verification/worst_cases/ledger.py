r"""How loose each bound of the catalogue is, exactly: the bound's number beside the exact worst case it bounds.

Every entry of the catalogue is either held against one or several questions of `bounds.worst_case` (`CLAIMS`), or there
is a reason why it cannot be (`REASONS`). The number of a bound comes from the bound's own expression, at L = 1 and an
initial condition of 1; quantities of a run that the bound subtracts (dist_K, ||D||^2, gz2 ...) are put at the value
that makes it largest, which is what it promises before anything is run. The exact worst case is known from both sides,
so the ratio is an interval. A bound below the lower end is false, and the row says so.

Ratios are at least 1 for a true bound: bound over worst case, and for a decrease (both sides negative) worst case over
bound, that is the exact guaranteed decrease over the one the bound guarantees. Theory: docs/worst-case-ledger.md.

To add a bound: a `Claim` in `CLAIMS`, or a sentence in `REASONS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ... import bounds
from ...bounds import Bound, InputError
from ..support.plain import plain
from .exact import answered

STEPS = (1, 2, 5, 10, 20)
STEP_SIZES = (0.25, 0.5, 0.75, 1.0)
KNOWN = 1e-3
"""A bound is called attained if its ratio is 1 within an interval of at most this width, relative."""

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """A question whose worst case a bound claims to bound.

    `ask`: arguments of `bounds.worst_case` besides step and steps. `given` makes the bound's quantities out of K and
    h, beside L = R = 1; what it leaves out is 0. `add` is what stands on the left of the bound besides the metric.
    `root`: the bound is on the root of the metric. `only` restricts the step sizes, `most` the steps (larger problems
    take long). `on_instance`: Delta comes from the worst-case instance. `narrower`: the class is a part of the
    bound's. `note` says how the question differs from the bound's words.
    """

    ask: Mapping[str, Any]
    given: Callable[[int, float], Given] = lambda K, h: {}
    parameter: str = ""
    add: float = 0.0
    root: bool = False
    only: tuple[float, ...] | None = None
    most: int = 20
    on_instance: bool = False
    narrower: bool = False
    note: str = ""

    @property
    def words(self) -> str:
        """The question in words: metric, initial condition, method, class."""
        a = self.ask
        metric = f"root of {a['metric']}" if self.root else a["metric"]
        text = f"{metric} | {a['initial']}, {a['method']}, {a['function_class']}"
        return text.replace("_", " ")

    def points(self, steps: Iterable[int], step_sizes: Iterable[float]) -> list[tuple[int, float]]:
        """The (K, h) of a grid at which it is asked."""
        return [(K, h) for h in step_sizes if self.only is None or h in self.only for K in steps if 1 <= K <= self.most]


@dataclass(frozen=True)
class LedgerEntry:
    """One bound at one K, h and parameter beside the exact worst case in [lower, upper].

    Units: L = 1, initial condition 1. `value` is the bound, `value_error` bounds its rounding error. `tight`: True
    where the bound is attained, to the width of the interval, False where it is loose for certain, None where the
    interval does not tell. `narrower`: the question's class is a part of the bound's, and loose means loose on it.
    `on_instance`: the bound is that of the worst-case run, not of all runs.
    """

    bound: str
    number: str
    question: str
    steps: int
    step: float
    parameter: str
    value: float
    value_error: float = field(repr=False)
    lower: float
    upper: float
    narrower: bool = False
    on_instance: bool = False
    note: str = ""

    @property
    def ratio(self) -> tuple[float, float]:
        """(least, greatest) factor that the bound loses; NaN where a side is not known or signs differ."""
        pairs = [(self.value, end) for end in (self.upper, self.lower)]
        if self.value < 0 and self.upper < 0:
            pairs = [(end, self.value) for end in (self.upper, self.lower)]
        elif not (self.value > 0 and self.lower > 0):
            return math.nan, math.nan
        low, high = (a / b if math.isfinite(a) and math.isfinite(b) else math.nan for a, b in pairs)
        return low, high

    @property
    def violated(self) -> bool:
        """Whether the exact worst case is above the bound for certain: then the bound is false."""
        return self.value + self.value_error < self.lower

    @property
    def tight(self) -> bool | None:
        """Attained (True), loose for certain (False), or not known."""
        low, high = self.ratio
        if self.violated:
            return False
        if not math.isnan(low) and low > 1 + 1e-9:
            return False
        if math.isnan(low) or math.isnan(high) or high - low > KNOWN * high:
            return None
        return True

    @property
    def verdict(self) -> str:
        """One word: "violated", "attained", "loose" or "not known"."""
        return "violated" if self.violated else {True: "attained", False: "loose", None: "not known"}[self.tight]


def _classed(method: str, function_class: str, metric: str, initial: str, **more: Any) -> dict[str, Any]:
    return {"function_class": function_class, "method": method, "metric": metric, "initial": initial, **more}


_GRADIENT = partial(_classed, "gradient", "smooth_convex")
_PROXIMAL = partial(_classed, "proximal_gradient", "composite")
_LAST = _PROXIMAL("objective", "distance")
_LAST_SMOOTH = _GRADIENT("objective", "distance")
_MEAN = _PROXIMAL("average_objective", "distance")
_RHO, _RHO_RATE, _DELTA, _MU = (0.0, 0.25, 0.5, 0.75), (0.25, 0.5), (0.01, 0.1), (0.1, 0.5)


def _start(K: int, h: float) -> Given:
    """dist_0 = R = 1 and nothing to subtract: the largest value that B6 takes."""
    return {"dist": [1.0] + [0.0] * K}


def _weights(K: int, h: float) -> Given:
    """Equal weights 1/K, for which the weighted mean is the mean."""
    weights = np.full(K, 1.0 / K)
    return {"weight": weights, "pot": bounds.statements.out_of_distribution.weight_potentials(weights)[0]}


def _sizes(delta: float) -> Callable[[int, float], Given]:
    return lambda K, h: {"enorm": h * delta, "e2": (h * delta) ** 2}


def _relative(rho: float, start: Given) -> Callable[[int, float], Given]:
    """||u|| <= rho ||G|| in D = (h/L)(G + u) is sigma = h rho."""
    return lambda K, h: {"sigma": h * rho, "sigma_max": h * rho, **start}


def _decrease(rho: float) -> Claim:
    ask = _GRADIENT("decrease", "gradient", relative_error=rho or None)
    return Claim(ask, _relative(rho, {"G2": 1.0}), f"ρ = {rho:g}", only=(1.0,), most=1)


def _a_priori(delta: float) -> Claim:
    ask = _PROXIMAL("average_objective", "distance", absolute_error=delta)
    return Claim(ask, _sizes(delta), f"δ = {delta:g}", only=(1.0,), most=10, note="L‖e_k‖ ≤ δ at every step")


_ON_INSTANCE = "Δ is a quantity of the run: that of the worst-case instance is taken"


def _rate(rho: float, smooth: bool) -> Claim:
    ask = (_GRADIENT if smooth else _PROXIMAL)("objective", "distance", relative_error=rho)
    return Claim(
        ask, _relative(rho, {}), f"ρ = {rho:g}", only=(1.0,), most=10, on_instance=True, note=_ON_INSTANCE
    )  # Delta comes from the instance


def _momenta(K: int, h: float) -> Given:
    return {"accel_weight": bounds.accelerated.momenta(K)[0] ** 2}


def _contraction(mu: float, delta: float, most: int) -> Claim:
    ask = _classed("proximal_gradient", "composite_strongly_convex", "distance", "distance", mu=mu)
    if delta:
        ask |= {"absolute_error": delta}
    return Claim(
        ask,
        lambda K, h: {"mu": mu, "enorm": h * delta, "dist": [1.0] + [0.0] * K},
        f"μ/L = {mu:g}" + (f", δ = {delta:g}" if delta else ""),
        root=True,
        only=(1.0,) if delta else None,
        most=most,
        note="the metric is the square of the distance that the bound is on; its root is compared; L‖e_k‖ ≤ δ",
    )


def _pl(mu: float, rho: float) -> Claim:
    ask = _classed("gradient", "smooth_strongly_convex", "objective", "objective", mu=mu, relative_error=rho or None)
    return Claim(
        ask,
        lambda K, h: {"mu": mu, "sigma": h * rho, "F": [1.0] + [0.0] * K},
        f"μ/L = {mu:g}, ρ = {rho:g}",
        add=1.0,
        only=(1.0,),
        most=1,
        narrower=True,
        note="strongly convex functions are a part of those with the Polyak-Lojasiewicz inequality; F(x_0) - F* = 1 is "
        "added to both sides",
    )


def _pl_rate(mu: float, delta: float = 0.0) -> Claim:
    ask = _classed("gradient", "smooth_strongly_convex", "objective", "objective", mu=mu)
    return Claim(
        ask | ({"absolute_error": delta} if delta else {}),
        lambda K, h: {"mu": mu, "e2": (h * delta) ** 2, "F": [1.0] + [0.0] * K},
        f"μ/L = {mu:g}" + (f", δ = {delta:g}" if delta else ""),
        only=(1.0,),
        most=5,
        narrower=True,
        note="strongly convex functions are a part of those with the Polyak-Lojasiewicz inequality",
    )


def _stationary(initial: str) -> Claim:
    return Claim(
        _classed("gradient", "smooth_nonconvex", "best_gradient", initial),
        lambda K, h: {"F": [1.0] + [0.0] * K},
        most=10,
        narrower=True,
        note="r = 0, and the metric is the least of K + 1 gradients, where the bound is on the mean of the first K",
    )


def _fall(K: int, h: float) -> Given:
    """F(x_0) - F_low = 1."""
    return {"F": [1.0] + [0.0] * K}


_SHRINK = "the metric is the least of K + 1 gradients, which is the last: they shrink"
_LAST_BOTH = (Claim(_LAST), Claim(_LAST_SMOOTH, narrower=True, note="the class is the part with r = 0"))
_EXACT = "the deviations are 0"
_ACCELERATED = (
    Claim(
        _classed("accelerated_gradient", "composite", "objective", "distance"),
        _momenta,
        only=(1.0,),
        most=10,
        narrower=True,
        note="exact accelerated steps, where the bound is on any run",
    ),
)
_LARGEST = f"{_EXACT}, and so is what the bound subtracts"

CLAIMS: dict[str, tuple[Claim, ...]] = {
    "homogeneous_descent": tuple(map(_decrease, _RHO)),
    "homogeneous_descent:diagonal": (
        Claim(
            _GRADIENT("decrease", "gradient"),
            lambda K, h: {"pG2": h * (1 - h / 2)},
            most=1,
            narrower=True,
            note="the same p = h/L in every coordinate",
        ),
    ),
    "ind_rate": _LAST_BOTH,
    "ind_rate:exact": _LAST_BOTH,
    "ind_rate:average": (Claim(_MEAN),),
    "ind_rate:gradient_descent": (Claim(_LAST, only=(1.0,)),),
    "ind_rate:half_step": (Claim(_LAST, only=(0.5,)),),
    "ind_rate:smooth": (Claim(_LAST_SMOOTH),),
    "ind_rate:gradient": (Claim(_GRADIENT("best_gradient", "distance"), note=_SHRINK),),
    "ind_rate:gradient_by_objective": (Claim(_GRADIENT("best_gradient", "objective"), _fall, note=_SHRINK),),
    "ood_multi_step": (Claim(_MEAN, _start, note=_LARGEST),),
    "ood_multi_step:magnitude": (Claim(_MEAN, _start, note=_LARGEST),),
    "ood_multi_step:last_iterate": (Claim(_LAST, _start, note=_LARGEST),),
    "ood_multi_step_sharp": (Claim(_MEAN, note=_EXACT),),
    "ood_multi_step_sharp:magnitude": (Claim(_MEAN, note=_EXACT),),
    "ood_multi_step_sharp:last_iterate": (Claim(_LAST, note=_EXACT),),
    "ood_multi_step_sharp:best_iterate": (
        Claim(_LAST, note=f"{_EXACT}, so F decreases and the best iterate is the last"),
    ),
    "ood_multi_step_sharp:bonus": (Claim(_MEAN, note=_LARGEST),),
    "ood_multi_step_sharp:inexact_prox": (Claim(_MEAN, note=f"{_EXACT} and the prox is exact"),),
    "ood_multi_step_sharp:varying_steps": (
        Claim(_MEAN, lambda K, h: {"step_h": h}, only=(1.0,), note=f"{_EXACT}, equal steps"),
    ),
    "ood_multi_step_sharp:weighted": (Claim(_MEAN, _weights, note=f"{_EXACT}, equal weights"),),
    "ood_last_iterate": (Claim(_LAST, note=_EXACT),),
    "ood_last_iterate:magnitude": (Claim(_LAST, note=_EXACT),),
    "a_priori": tuple(map(_a_priori, _DELTA)),
    "a_priori:sharp": tuple(map(_a_priori, _DELTA)),
    "relative_deviation_rate": tuple(_rate(rho, False) for rho in _RHO_RATE),
    "relative_deviation_rate:smooth": tuple(_rate(rho, True) for rho in _RHO_RATE),
    "strong_convexity": tuple(_contraction(mu, delta, 1) for mu in _MU for delta in (0.0, 0.1)),
    "strong_convexity:rate": tuple(_contraction(mu, delta, 5) for mu in _MU for delta in (0.0, 0.1)),
    "strong_convexity:pl_inexact": tuple(_pl_rate(mu, delta) for mu in _MU for delta in (0.0, 0.1)),
    "strong_convexity:pl_exact_steps": tuple(_pl_rate(mu) for mu in _MU),
    "strong_convexity:pl": tuple(_pl(mu, rho) for mu in _MU for rho in (0.0, 0.5)),
    **{f"accelerated_inexact{form}": _ACCELERATED for form in ("", ":distance", ":sharp", ":size", ":a_priori")},
    "nonconvex_stationarity": (_stationary("objective"),),
    "nonconvex_stationarity:descent": (_stationary("decrease"),),
    "nonconvex_stationarity:exact_steps": (
        Claim(
            _classed("gradient", "smooth_nonconvex", "best_gradient", "objective"),
            lambda K, h: {"F": [1.0] + [0.0] * K},
            only=(1.0,),
            most=10,
            note="the metric is the least of K + 1 gradients, where the bound is on a weighted mean of them",
        ),
    ),
}
"""The questions of each bound that has some."""

_INNER = "depends on inner products of a run, not on sizes alone; attained by construction (tests/bounds/test_tight.py)"
_VIRTUAL = "speaks of virtual steps and features of a network, which no class of functions bounds"
REASONS: dict[str, str] = {
    "per_step_descent": _INNER,
    "ood_per_step": _INNER,
    "ood_per_step:magnitude": _VIRTUAL,
    "virtual_decomposition": _VIRTUAL,
    "virtual_decomposition:magnitude": _VIRTUAL,
    "ood_multi_step:virtual": _VIRTUAL,
    "ood_multi_step_sharp:average_point": "speaks of F at the mean of the iterates, which is no point of the run",
    "nonconvex_stationarity:subdifferential": "one step, in quantities of the run; attained by construction "
    "(tests/bounds/test_tight.py)",
    "nonconvex_stationarity:constrained": "one step, in quantities of the run; attained by construction "
    "(tests/bounds/test_tight.py)",
    "asymptotics": "speaks of where a run with a bias comes to rest, in quantities of the run",
    "equivariance": "a statement about two runs",
    "assumption_sensitivity": "an inequality between measures of deviation of one step; attained by construction "
    "(tests/bounds/test_tight.py)",
    "run_certificate": "a lower bound of F(z) from chosen weights, in quantities of the run; attained by construction "
    "(tests/bounds/test_tight.py)",
    "run_certificate:ball": "a lower bound of F* from chosen weights, in quantities of the run; attained by "
    "construction (tests/bounds/test_tight.py)",
    "accelerated_guard": "speaks of a method beside any other, whose points may be anything that is good enough",
    "accelerated_guard:weights": "speaks of a method beside any other, whose points may be any that are good enough",
    "budgeted_deviations": "it is B7 with the budget in place of the sizes of the deviations; see there",
    "energy_descent": "one step with a head for each entry, in quantities of the run",
    "energy_descent:momentum": "one step with a head for each entry, in quantities of the run; attained by "
    "construction (tests/bounds/test_tight.py)",
    "variable_metric": "speaks of preconditioners, which no method of the worst cases has; with p = h/L it is B6",
    "history_stability": "a statement about one frozen mode of the recurrence, not about a class of functions",
}
"""Why the other bounds have no question."""


def number_of(bound: Bound) -> str:
    """Its number with its form: "B6b", "B6b:bonus"."""
    return bound.number if bound.variant is None else f"{bound.number}:{bound.variant}"


def bound_value(bound: Bound, claim: Claim, K: int, h: float, more: Given | None = None) -> tuple[float, float]:
    """The number that a bound gives to a claim at L = R = 1, from the bound's own expression.

    Args:
        bound: The bound.
        claim: What it speaks of; quantities that the claim does not name are 0.
        K: Number of steps.
        h: Step in units of 1/L.
        more: Quantities of an instance.

    Returns:
        The number, and a bound on its rounding error.
    """
    given = dict.fromkeys(bound.quantities, 0.0) | {"L": 1.0, "h": h, "R": 1.0, "K": K}
    named = {name: value for name, value in {**claim.given(K, h), **(more or {})}.items() if name in bound.quantities}
    evaluation = bound.evaluate({**given, **named})
    return float(evaluation.rhs.flat[0]) + claim.add, float(evaluation.rhs_error.flat[0]) + 1e-15 * claim.add


def _exact(claim: Claim, K: int, h: float) -> tuple[float, float, Given]:
    """[lower, upper] of the worst case, the root where the claim says so, and Delta of its instance if asked for."""
    solved, _ = answered(lambda answer: (answer, answer.lower, answer.upper), step=h, steps=K, **claim.ask)
    if solved is None:
        return -math.inf, math.inf, {}  # no answer: nothing is known, and the row says so
    answer, lower, upper = solved
    more: Given = {}
    if claim.on_instance:
        try:
            x = answer.instance["x"][:-1]  # the minimiser is 0
        except ValueError:
            return -math.inf, math.inf, {}
        more = {"Delta": float(np.linalg.norm(x, axis=1).max())}
    if claim.root:
        lower = float(np.nextafter(math.sqrt(max(lower, 0.0)), 0.0))
        upper = float(np.nextafter(math.sqrt(upper), math.inf))
    return lower, upper, more


def worst_case_ledger(
    steps: Sequence[int] = STEPS,
    step_sizes: Sequence[float] = STEP_SIZES,
    progress: Callable[[int, int, str], None] | None = None,
    *,
    names: Iterable[str] | None = None,
    lookup: Callable[[str], Bound] = bounds.get,
) -> tuple[LedgerEntry, ...]:
    """Every bound that claims a worst case beside that worst case, over a grid of K and h.

    Args:
        steps: Numbers of steps K.
        step_sizes: Steps h in units of 1/L.
        progress: Called with (done, total, bound).
        names: These bounds only.
        lookup: Gives the bound of a name; another one than the catalogue's holds changed bounds against the worst
            cases.

    Returns:
        An entry for each bound, K and h. A worst case that several bounds claim is solved once.

    Raises:
        InputError: For a bound that claims no worst case.
    """
    chosen = list(CLAIMS) if names is None else list(names)
    for name in chosen:
        if name not in CLAIMS:
            why = REASONS.get(name)
            hint = f"it has none: {why}" if why else f"known are {', '.join(CLAIMS)}"
            raise InputError(f"worst_case_ledger: no worst case is claimed by `{name}`; {hint}.")
    rows = [
        (name, claim, *point) for name in chosen for claim in CLAIMS[name] for point in claim.points(steps, step_sizes)
    ]
    answers: dict[Any, tuple[float, float, Given]] = {}
    entries = []
    for done, (name, claim, K, h) in enumerate(rows):
        if progress is not None:
            progress(done, len(rows), name)
        key = (K, h, claim.root, claim.on_instance, *sorted(claim.ask.items(), key=lambda item: item[0]))
        if key not in answers:
            answers[key] = _exact(claim, K, h)
        lower, upper, more = answers[key]
        bound = lookup(name)
        if claim.on_instance and not more:
            value, error = math.nan, 0.0
        else:
            value, error = bound_value(bound, claim, K, h, more)
        if claim.on_instance:
            error += 1e-9 * abs(value)  # Delta is a rounded norm
        entries.append(
            LedgerEntry(
                name,
                number_of(bound),
                claim.words,
                K,
                h,
                claim.parameter,
                value,
                error,
                lower,
                upper,
                claim.narrower,
                claim.on_instance,
                claim.note,
            )
        )
    return tuple(entries)


def to_dict(entry: LedgerEntry) -> dict[str, Any]:
    """The entry as plain JSON; None for what is not known."""

    low, high = entry.ratio
    return {
        "bound": entry.bound,
        "number": entry.number,
        "question": entry.question,
        "steps": entry.steps,
        "step": entry.step,
        "parameter": entry.parameter,
        "value": plain(entry.value),
        "lower": plain(entry.lower),
        "upper": plain(entry.upper),
        "ratio_low": plain(low),
        "ratio_high": plain(high),
        "verdict": entry.verdict,
        "narrower": entry.narrower,
        "on_instance": entry.on_instance,
        "note": entry.note,
    }
