"""The hypotheses of bounds, each of which can be checked on the measured quantities of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sympy as sp

from ._hypothesis import Hypothesis, HypothesisCheck
from .quantities import FACTS, Quantities
from .vocabulary import Q, k

_OF_RUNS = ("accelerated_guard", "energy_region", "momentum_region")


@dataclass(frozen=True)
class _Fact:
    """Judges what is declared of the problem, or of each run.

    Judges are objects, not closures: a bound can then be pickled.
    """

    name: str

    def __call__(self, quantities: Quantities) -> HypothesisCheck:
        holds = np.broadcast_to(np.asarray(quantities.facts.get(self.name, False)), (quantities.batch,))
        subject = "the run" if self.name in _OF_RUNS else "the problem"
        required = f"{subject} declares that {FACTS[self.name]}"
        return HypothesisCheck(self.name, holds, holds.astype(np.float64), required, np.where(holds, 1.0, -1.0))


def _fact(name: str, latex: str) -> Hypothesis:
    return Hypothesis(name, FACTS[name], latex, _Fact(name))


def _inside(name: str, measured: np.ndarray, margin: np.ndarray, required: str, strict: bool) -> HypothesisCheck:
    margin = np.where(np.isnan(margin), -np.inf, margin)  # inf - inf: nothing known is not inside
    return HypothesisCheck(name, margin > 0 if strict else margin >= 0, measured, required, margin)


def _deviation_below_step(quantities: Quantities) -> HypothesisCheck:
    sigma, h = quantities.values["sigma"], quantities.values["h"][:, None]
    with np.errstate(invalid="ignore"):  # certain: the error of sigma counts against it
        margin = h - sigma - quantities.error("sigma")
    return _inside("deviation_below_step", sigma, margin, "sigma_k < h at each step, errors included", True)


def _monotone(quantities: Quantities) -> HypothesisCheck:
    # within rounding only: the bounds that ask for it carry as slop what the steps that are not certain may
    # add
    sigma, h = quantities.values["sigma"], quantities.values["h"][:, None]
    margin = np.full(sigma.shape, -np.inf)
    np.subtract(h + quantities.error("sigma"), sigma, out=margin, where=np.isfinite(sigma))
    size = quantities.values["enorm"]
    tiny = np.isfinite(size) & (size <= _allowed(quantities, "enorm", "e_floor"))
    margin = np.where(tiny, np.maximum(margin, 0.0), margin)
    return _inside("monotone", sigma, margin, "sigma_k <= h at each step, within rounding", False)


def _allowed(quantities: Quantities, name: str, floor: str) -> np.ndarray:
    """What rounding explains of a norm: of measuring it, and of the run where that is known."""
    measured = not quantities.missing([floor])
    return quantities.error(name) + (quantities.values[floor] if measured else 0.0)


@dataclass(frozen=True)
class _Zero:
    """Judges whether a norm is 0 within what rounding explains."""

    name: str
    quantity: str
    floor: str

    def __call__(self, quantities: Quantities) -> HypothesisCheck:
        measured, allowed = quantities.values[self.quantity], _allowed(quantities, self.quantity, self.floor)
        with np.errstate(invalid="ignore"):
            margin = allowed - measured
        return _inside(self.name, measured, margin, f"{self.quantity} is 0 at each step, within rounding", False)


@dataclass(frozen=True)
class _ReferenceStep:
    """Judges whether 0 < h <= `high`."""

    name: str
    high: float

    def __call__(self, quantities: Quantities) -> HypothesisCheck:
        h = quantities.values["h"]
        margin = np.where(h > 0, self.high - h, h)
        return HypothesisCheck(self.name, (h > 0) & (h <= self.high), h, f"0 < h <= {self.high:g}", margin)


def _mu_at_most_L(quantities: Quantities) -> HypothesisCheck:
    L, mu = quantities.values["L"], quantities.values["mu"]
    return _inside("mu_at_most_L", mu, L - mu, "mu <= L", False)


def _preconditioner(quantities: Quantities) -> HypothesisCheck:
    low, high = quantities.values["Lp_min"], quantities.values["Lp_max"]
    # p = 2/L in float64 may exceed 2/L by rounding, which the bound does not mind: the inequality itself
    # needs no range
    below = 2.0 + quantities.error("Lp_max") - high
    r_zero = np.broadcast_to(np.asarray(quantities.facts.get("r_zero", False)), low.shape[:1])[:, None]
    margin = np.minimum(low, below)
    holds = (below >= 0) & np.where(r_zero, low >= 0, low > 0)
    measured = np.where(below < low, high, low)
    return HypothesisCheck(
        "preconditioner_in_range",
        holds,
        measured,
        f"{'0 <=' if r_zero.all() else '0 <'} L p_i <= 2 for each i and step",
        margin,
    )


def _preconditioner_short(quantities: Quantities) -> HypothesisCheck:
    # p = 1/L may exceed 1/L by rounding, which the bound pays for in its slop
    high = quantities.values["Lp_max"]
    margin = 1.0 + quantities.error("Lp_max") - high
    return _inside("preconditioner_short", high, margin, "L p_i <= 1 for each i and step", False)


def _metric_weights(quantities: Quantities) -> HypothesisCheck:
    weight, now = quantities.values["metric_weight"], quantities.values["metric_dist2"]
    before, off = quantities.values["metric_before"], quantities.error("metric_before")
    with np.errstate(invalid="ignore"):
        blur = weight[:, :-1] * quantities.error("metric_dist2")[:, :-1] + weight[:, 1:] * off
        margin = weight[:, :-1] * now[:, :-1] - weight[:, 1:] * before + blur
        margin = np.where(weight[:, 1:] >= 0, margin, -np.inf)
    required = "omega_k ||x_{k-1} - z||^2 in the metric of step k is at most omega_{k-1} times that in the one before"
    return _inside("metric_weights", weight[:, 1:], margin, required, False)


def _preconditioner_positive(quantities: Quantities) -> HypothesisCheck:
    low = quantities.values["Lp_min"]
    return _inside("preconditioner_positive", low, low - quantities.error("Lp_min"), "L p_i > 0 for each i", True)


def _apart(quantities: Quantities) -> HypothesisCheck:
    distance = quantities.values["Delta"]
    return _inside("apart", distance, distance - quantities.error("Delta"), "Delta > 0", True)


@dataclass(frozen=True)
class _StepIs:
    """Judges whether h is the reference step of a reading of Assumption 1."""

    name: str
    value: float

    def __call__(self, quantities: Quantities) -> HypothesisCheck:
        h = quantities.values["h"]
        return _inside(self.name, h, -np.abs(h - self.value), f"h = {self.value:g}", False)


def _own_steps(quantities: Quantities) -> HypothesisCheck:
    h = quantities.values["step_h"]
    return HypothesisCheck("own_steps", (h > 0) & (h <= 1), h, "0 < h_k <= 1", np.minimum(h, 1 - h))


def _weights(quantities: Quantities) -> HypothesisCheck:
    W, v = quantities.values["weight"], quantities.values["pot"]
    before, after = v[:, :-1], v[:, 1:]
    # v is given with W by `out_of_distribution.weight_potentials`, which rounds: 16 units of its size are allowed
    blur = 2.0**-48 * (np.abs(before) + np.abs(W))
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.abs(before * (2 * W - after) - W**2) / np.abs(W)
        last = np.where(np.arange(W.shape[1]) == W.shape[1] - 1, np.abs(after), 0.0)
    margin = np.minimum.reduce([blur - off, 2 * W - after, W - before + after + blur, blur - last])
    return _inside("weights", margin, margin, "the recurrence of v and its two inequalities, within rounding", False)


def _shares(quantities: Quantities) -> HypothesisCheck:
    a, left = quantities.values["share"], quantities.values["left"]
    blur = 2.0**-48  # the A_k are sums of the a_k, and rounded
    margin = np.minimum(a, blur - np.abs(left[:, :-1] - left[:, 1:] - a))
    ends = np.maximum(np.abs(left[:, :1] - 1), np.abs(left[:, -1:]))
    return _inside("shares", a, np.minimum(margin, blur - ends), "a_k >= 0, and their sum is 1 within rounding", False)


def _guard_weights(quantities: Quantities) -> HypothesisCheck:
    count, A, a, made = (quantities.values[n] for n in ("guard_count", "guard_weight", "guard_momentum", "guarded"))
    blur = quantities.error("guard_weight")[:, 1:] + quantities.error("guard_weight")[:, :-1]
    blur = blur + quantities.error("guard_momentum") * (1 + 2 * np.abs(a)) + 2.0**-48 * np.abs(A[:, 1:])
    with np.errstate(invalid="ignore"):
        margin = np.minimum.reduce(
            [
                -np.abs(made - count[:, 1:] + count[:, :-1]),
                np.where((made == 0) | (made == 1), 0.0, -1.0),
                A[:, 1:] - 1,
                blur - np.abs(A[:, 1:] - A[:, :-1] - a),
                np.where(made == 1, np.minimum(blur - np.abs(a**2 - A[:, 1:]), a - 1), -np.abs(a)),
            ]
        )
    margin[:, 0] = np.minimum(margin[:, 0], np.minimum(-np.abs(A[:, 0]), -np.abs(count[:, 0])))
    return _inside("guard_weights", margin, margin, "the recurrences of A, a and N from 0, within rounding", False)


def _accelerated_weights(quantities: Quantities) -> HypothesisCheck:
    A, a = quantities.values["accel_weight"], quantities.values["accel_momentum"]
    blur = quantities.error("accel_weight")[:, 1:] + quantities.error("accel_weight")[:, :-1]
    blur = blur + quantities.error("accel_momentum") * (1 + 2 * np.abs(a)) + 2.0**-48 * np.abs(A[:, 1:])
    with np.errstate(invalid="ignore"):
        grown, square = np.abs(A[:, 1:] - A[:, :-1] - a), np.abs(a**2 - A[:, 1:])
        margin = np.minimum.reduce([blur - grown, blur - square, a - 1, A[:, 1:] - 1])
    margin[:, 0] = np.minimum(margin[:, 0], -np.abs(A[:, 0]))
    required = "a_k >= 1 and the recurrences of A and a from 0, within rounding"
    return _inside("accelerated_weights", a, margin, required, False)


def _not_below(quantities: Quantities) -> HypothesisCheck:
    # for certain: what rounding hides would be multiplied with A_k
    F, F_z = quantities.values["F"][:, 1:], quantities.values["F_z"][:, None]
    with np.errstate(invalid="ignore"):
        margin = F - quantities.error("F")[:, 1:] - F_z - quantities.error("F_z")[:, None]
    return _inside("not_below", F, margin, "F(x_k) >= F(z) at each step, errors included", False)


def _budget(quantities: Quantities) -> HypothesisCheck:
    left, size = quantities.values["budget"], quantities.values["enorm"]
    allowed = _allowed(quantities, "enorm", "x_floor")
    with np.errstate(invalid="ignore"):
        margin = np.minimum(left[:, :-1] - left[:, 1:] - size + allowed, left[:, 1:])
    return _inside("budget", size, margin, "||e_k|| <= E_{k-1} - E_k, within rounding, and E_k >= 0", False)


def _history_range(quantities: Quantities) -> HypothesisCheck:
    b, r = quantities.values["history_b"], quantities.values["history_r"]
    holds = (b >= 0) & (b < 1) & (r > 0)
    return HypothesisCheck("history_range", holds, b, "0 <= b < 1 and r > 0", np.minimum(np.minimum(b, 1 - b), r))


def _history_stable(quantities: Quantities) -> HypothesisCheck:
    radius = quantities.values["history_radius"]
    margin = 1 - radius + quantities.error("history_radius")
    return _inside("history_stable", radius, margin, "spectral radius <= 1", False)


F_SMOOTH = _fact("f_smooth", r"f \in C^{1,1}_L")
F_CONVEX = _fact("f_convex", r"f \text{ convex}")
R_CONVEX = _fact("r_convex", r"r \text{ proper closed convex}")
R_ZERO = _fact("r_zero", "r = 0")
R_INDICATOR = _fact("r_indicator", r"r = \iota_C,\ C \text{ convex}")
STRONGLY_CONVEX = _fact("strongly_convex", r"f \text{ } \mu\text{-strongly convex}")
POLYAK_LOJASIEWICZ = _fact("polyak_lojasiewicz", r"\lVert \nabla f(x) \rVert^2 \ge 2 \mu (f(x) - \inf f)")
COMPARATOR_OPTIMAL = _fact("comparator_optimal", r"z \in \operatorname{argmin} F")
HEADS_LIPSCHITZ = _fact("heads_lipschitz", r"N_i \text{ } C_i\text{-Lipschitz on } [z_k, z'_k]")
EQUIVARIANT_HEADS = _fact("equivariant_heads", r"p, b \text{ transform along}")
ACCELERATED_GUARD = _fact("accelerated_guard", r"\text{an accelerated guard}")
ENERGY_REGION = _fact("energy_region", r"(r, q, b)_i \text{ in the energy region}")
MOMENTUM_REGION = _fact("momentum_region", r"(p, A)_i \text{ in the momentum region}")
DEVIATION_BELOW_STEP = Hypothesis(
    "deviation_below_step",
    "the relative deviation is below the reference step",
    r"\sigma_k < h",
    _deviation_below_step,
    ("sigma", "h"),
    (Q.h - Q.sigma[k],),
)
MONOTONE = Hypothesis(
    "monotone",
    "the relative deviation is nowhere above the reference step, so that F never increases (B2)",
    r"\sigma_k \le h \ \forall k",
    _monotone,
    ("sigma", "enorm", "h"),
    (Q.h - Q.sigma[k],),
)
EXACT_STEP = Hypothesis(
    "exact_step",
    "Assumption 1 with step h/L: each step is the proximal-gradient step, e_k(h) = 0 within rounding",
    r"e_k(h) = 0 \ \forall k",
    _Zero("exact_step", "enorm", "e_floor"),
    ("enorm",),
)
BIAS_FREE = Hypothesis(
    "bias_free",
    "the step is a preconditioned one without bias, b_k = 0 within rounding",
    r"b_k = 0",
    _Zero("bias_free", "bnorm", "b_floor"),
    ("bnorm",),
)
PRECONDITIONER_IN_RANGE = Hypothesis(
    "preconditioner_in_range",
    "the preconditioner is at most 2/L and positive (nonnegative where r = 0)",
    r"0 < L p_{k,i} \le 2",
    _preconditioner,
    ("Lp_min", "Lp_max"),
    (Q.Lp_min[k], 2 - Q.Lp_max[k]),
)
REFERENCE_STEP = Hypothesis(
    "reference_step",
    "the reference step is in (0, 1]",
    r"0 < h \le 1",
    _ReferenceStep("reference_step", 1.0),
    ("h",),
    (Q.h, 1 - Q.h),
)
REFERENCE_STEP_LONG = Hypothesis(
    "reference_step_long",
    "the reference step is in (0, 5/4]",
    r"0 < h \le \tfrac54",
    _ReferenceStep("reference_step_long", 1.25),
    ("h",),
    (Q.h, sp.Rational(5, 4) - Q.h),
)
REFERENCE_STEP_LONGER = Hypothesis(
    "reference_step_longer",
    "the reference step is in (0, 3/2]",
    r"0 < h \le \tfrac32",
    _ReferenceStep("reference_step_longer", 1.5),
    ("h",),
    (Q.h, sp.Rational(3, 2) - Q.h),
)
REFERENCE_STEP_ROOT_2 = Hypothesis(
    "reference_step_root_2",
    "the reference step is in (0, sqrt(2)]",
    r"0 < h \le \sqrt2",
    _ReferenceStep("reference_step_root_2", 1.414213562373095),
    ("h",),
    (Q.h, 2 - Q.h**2),
)
MU_AT_MOST_L = Hypothesis(
    "mu_at_most_L",
    "mu <= L, which is so wherever f is not constant",
    r"\mu \le L",
    _mu_at_most_L,
    ("mu", "L"),
    (Q.L - Q.mu,),
)
PRECONDITIONER_POSITIVE = Hypothesis(
    "preconditioner_positive",
    "the preconditioner is positive",
    r"p_{k,i} > 0",
    _preconditioner_positive,
    ("Lp_min",),
    (Q.Lp_min[k],),
)
APART = Hypothesis("apart", "some x_k with k < K is not the comparator", r"\Delta > 0", _apart, ("Delta",), (Q.Delta,))
FULL_STEP = Hypothesis(
    "full_step",
    "reading gradient_descent: the reference step is 1/L",
    "h = 1",
    _StepIs("full_step", 1.0),
    ("h",),
    (Q.h - 1, 1 - Q.h),
)
HALF_STEP = Hypothesis(
    "half_step",
    "reading half_step: the reference step is 1/(2L)",
    r"h = \tfrac12",
    _StepIs("half_step", 0.5),
    ("h",),
    (Q.h - sp.Rational(1, 2), sp.Rational(1, 2) - Q.h),
)
OWN_STEPS = Hypothesis(
    "own_steps",
    "each reference step h_k is in (0, 1]",
    r"0 < h_k \le 1",
    _own_steps,
    ("step_h",),
    (Q.step_h[k], 1 - Q.step_h[k]),
)
WEIGHTS = Hypothesis(
    "weights",
    "v_K = 0, v_{k-1} = W_k^2/(2 W_k - v_k), 2 W_k > v_k and W_k - v_{k-1} + v_k >= 0",
    r"v_K = 0,\ v_{k-1} = \tfrac{W_k^2}{2 W_k - v_k},\ 2 W_k > v_k,\ W_k - v_{k-1} + v_k \ge 0",
    _weights,
    ("weight", "pot"),
    (2 * Q.weight[k] - Q.pot[k], Q.weight[k] - Q.pot[k - 1] + Q.pot[k]),
)
SHARES = Hypothesis(
    "shares",
    "a_k >= 0, A_0 = 1, A_{k-1} = A_k + a_k and A_K = 0: the weights a_k sum to 1",
    r"a_k \ge 0,\ \textstyle\sum_k a_k = 1",
    _shares,
    ("share", "left"),
    (Q.share[k],),
)
GUARD_WEIGHTS = Hypothesis(
    "guard_weights",
    "A_0 = N_0 = 0, A_k - a_k = A_{k-1}, A_k >= 1; where the guard makes a step a_k^2 = A_k, a_k >= 1 and "
    "N_k = N_{k-1} + 1, elsewhere a_k = 0 and N_k = N_{k-1}",
    r"A_k = A_{k-1} + a_k,\ a_k^2 = \gamma_k A_k,\ A_1 = 1,\ N_k = N_{k-1} + \gamma_k",
    _guard_weights,
    ("guard_count", "guard_weight", "guard_momentum", "guarded"),
    (
        Q.guard_weight[k] - Q.guard_momentum[k] ** 2,
        Q.guard_momentum[k] ** 2 - Q.guarded[k] * Q.guard_weight[k],
    ),
)
ACCELERATED_WEIGHTS = Hypothesis(
    "accelerated_weights",
    "A_0 = 0, A_k - a_k = A_{k-1}, a_k^2 = A_k and a_k >= 1",
    r"A_0 = 0,\ A_k = A_{k-1} + a_k = a_k^2",
    _accelerated_weights,
    ("accel_weight", "accel_momentum"),
)
NOT_BELOW = Hypothesis(
    "not_below",
    "no iterate after the start is below the comparator: F(x_k) >= F(z)",
    r"F(x_k) \ge F(z)",
    _not_below,
    ("F", "F_z"),
    (Q.F[k] - Q.F_z,),
)
BUDGET = Hypothesis(
    "budget",
    "the size of each deviation is taken from a budget that stays >= 0: ||e_k|| <= E_{k-1} - E_k",
    r"\lVert e_k(h) \rVert \le E_{k-1} - E_k,\ E_k \ge 0",
    _budget,
    ("budget", "enorm"),
    (Q.budget[k - 1] - Q.budget[k] - Q.enorm[k],),
)
PRECONDITIONER_SHORT = Hypothesis(
    "preconditioner_short",
    "the preconditioner is at most 1/L",
    r"L p_{k,i} \le 1",
    _preconditioner_short,
    ("Lp_max",),
    (1 - Q.Lp_max[k],),
)
METRIC_WEIGHTS = Hypothesis(
    "metric_weights",
    "omega_k >= 0, and omega_k ||x_{k-1} - z||^2 in the metric of step k is at most omega_{k-1} times that of k-1",
    r"\omega_k \lVert x_{k-1} - z \rVert_{P_k}^2 \le \omega_{k-1} \lVert x_{k-1} - z \rVert_{P_{k-1}}^2",
    _metric_weights,
    ("metric_weight", "metric_dist2", "metric_before"),
    (Q.metric_weight[k - 1] * Q.metric_dist2[k - 1] - Q.metric_weight[k] * Q.metric_before[k],),
)
HISTORY_RANGE = Hypothesis(
    "history_range",
    "0 <= b < 1 and r > 0",
    r"0 \le b < 1,\ r > 0",
    _history_range,
    ("history_b", "history_r"),
    (Q.history_b, 1 - Q.history_b, Q.history_r),
)
HISTORY_STABLE = Hypothesis(
    "history_stable",
    "the recurrence is stable: no eigenvalue of modulus above 1",
    r"\varrho \le 1",
    _history_stable,
    ("history_radius",),
    (1 - Q.history_radius,),
)
