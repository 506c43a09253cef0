r"""The vocabulary: every named quantity a bound may speak of, declared once.

A quantity is one number per run (level "run", array (B,)), per iterate k = 0..K ("iterate", (B, K+1)) or per
step k = 1..K ("step", (B, K)). In formulas a run quantity is a sympy symbol, the others are indexed by k.

Notation. The run is x_0, ..., x_K on F = f + r; G_k = grad f(x_{k-1}) + g_k with g_k a subgradient of r at
x_k is the generalised gradient, D_k = x_{k-1} - x_k the step, h the reference step (in units of 1/L), e_k(h)
= D_k - (h/L) G_k the deviation from it, and z the comparator, any point of dom r.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Literal

import sympy as sp

Level = Literal["run", "iterate", "step"]


@dataclass(frozen=True)
class Quantity:
    """A named quantity: `symbol` stands in formulas, `latex` is a template in `k`, `j` = k-1, `p` (prime)."""

    name: str
    symbol: sp.Symbol | sp.IndexedBase
    level: Level
    latex: str
    meaning: str
    unit: str


def _run(name: str, latex: str, meaning: str, unit: str, **assumptions: bool) -> Quantity:
    return Quantity(name, sp.Symbol(name, **(assumptions or {"nonnegative": True})), "run", latex, meaning, unit)


def _iterate(name: str, latex: str, meaning: str, unit: str) -> Quantity:
    return Quantity(name, sp.IndexedBase(name, real=True), "iterate", latex, meaning, unit)


def _step(name: str, latex: str, meaning: str, unit: str) -> Quantity:
    return Quantity(name, sp.IndexedBase(name, real=True), "step", latex, meaning, unit)


_NORM_E = r"\lVert e{p}_{{{k}}}(h) \rVert"
_DZ = r"\lVert \Delta z_{{{k}}} \rVert"
_TABLE = (
    _run("L", "L{p}", "smoothness constant of f", "[F]/[x]^2", positive=True),
    _run("h", "h", "reference step, in units of 1/L", "1", positive=True),
    _run("K", "K", "number of steps", "1", positive=True, integer=True),
    _run("mu", r"\mu{p}", "strong convexity constant of f, 0 where there is none", "[F]/[x]^2"),
    _run("F_low", r"F{p}_{{\mathrm{{low}}}}", "a lower bound of inf F", "[F]", real=True),
    _run("F_best", r"\min_{{1 \le k \le K}} F{p}(x{p}_k)", "least objective after the start", "[F]", real=True),
    _run(
        "F_mean", r"F{p}(\tfrac1K {{\textstyle\sum_k}} x{p}_k)", "objective at the mean of x_1..x_K", "[F]", real=True
    ),
    _run("F_z", "F{p}(z)", "objective at the comparator z", "[F]", real=True),
    _run("R", r"\lVert x{p}_0 - z \rVert", "distance of the start from the comparator", "[x]"),
    _run("Delta", r"\Delta", "largest distance of x_0..x_{K-1} from the comparator", "[x]"),
    _run("sigma_max", r"\sigma", "largest relative deviation of the run, max_k sigma_k", "1"),
    _run("history_q", "q", "weight of the memory v in a step, frozen", "1", real=True),
    _run("history_r", "r", "step on a mode of a quadratic, R times its curvature, frozen", "1", real=True),
    _run("history_b", "b", "forgetting factor of the memory, frozen", "1", real=True),
    _run("history_radius", r"\varrho", "spectral radius of the recurrence of (x - x*, v) on the mode", "1"),
    _run(
        "tau",
        r"\lVert T(z) - z \rVert",
        "fixed-point residual of the comparator: T(z) = prox of (h/L) r at z - (h/L) grad f(z); 0 at a minimiser",
        "[x]",
    ),
    _run(
        "mean_grad",
        r"\lVert \bar g{p} \rVert",
        "norm of the weighted mean of the gradients, sum of a_k grad f(x_k)",
        "[F]/[x]",
    ),
    _iterate("F", "F{p}(x{p}_{{{k}}})", "objective at x_k", "[F]"),
    _iterate("dist", r"\lVert x{p}_{{{k}}} - z \rVert", "distance of x_k from the comparator", "[x]"),
    _iterate(
        "gz2",
        r"\lVert \nabla f{p}(x{p}_{{{k}}}) - \nabla f{p}(z) \rVert^2",
        "squared distance of the gradient of f from that at the comparator",
        "[F]^2/[x]^2",
    ),
    _iterate(
        "grad2",
        r"\lVert \nabla f{p}(x{p}_{{{k}}}) \rVert^2",
        "squared norm of the gradient of f at x_k",
        "[F]^2/[x]^2",
    ),
    _iterate("pot", "v_{{{k}}}", "v of the weighted rate: v_K = 0, v_{k-1} = W_k^2/(2 W_k - v_k)", "1"),
    _iterate(
        "left", "A_{{{k}}}", "weight that is left after x_k: A_0 = 1, A_{k-1} = A_k + a_k, A_K = 0, so sum a_k = 1", "1"
    ),
    _iterate("guard_count", "N_{{{k}}}", "steps of an accelerated guard up to k", "1"),
    _iterate("guard_weight", "A_{{{k}}}", "weight of F(x_k) in the potential of an accelerated guard, t^2", "1"),
    _iterate(
        "accel_weight", "A_{{{k}}}", "weight of F(x_k) in the accelerated reference: A_0 = 0, A_k = A_{k-1} + a_k", "1"
    ),
    _iterate(
        "accel_dist",
        r"\lVert u{p}_{{{k}}} - z \rVert",
        "distance of u_k = x_{k-1} + a_k (x_k - x_{k-1}), u_0 = x_0, from the comparator",
        "[x]",
    ),
    _iterate(
        "metric_dist2",
        r"\lVert x{p}_{{{k}}} - z \rVert_{{P}}^2",
        "squared distance from the comparator in the metric P_k^-1 of the preconditioner, sum_i (x_k - z)_i^2/p_{k,i}; "
        "of x_0 in that of step 1",
        "[F]",
    ),
    _iterate(
        "metric_weight",
        r"\omega_{{{k}}}",
        "weight of step k that makes the metrics shrink: omega_k P_k^-1 <= omega_{k-1} P_{k-1}^-1",
        "1",
    ),
    _iterate("budget", r"E_{{{k}}}", "what is left of a budget of deviations after step k", "[x]"),
    _iterate("energy", r"\tfrac{{aL}}{{2}} \lVert v_{{{k}}} \rVert^2", "energy of the memory beside F", "[F]"),
    _iterate(
        "motion",
        r"\tfrac{{L}}{{2}} \lVert D{p}_{{{k}}} \rVert^2",
        "energy of the last step beside F, (L/2)||x_k - x_{k-1}||^2, and 0 at x_0",
        "[F]",
    ),
    _step("G2", r"\lVert G{p}_{{{k}}} \rVert^2", "squared norm of the generalised gradient", "[F]^2/[x]^2"),
    _step("D2", r"\lVert D{p}_{{{k}}} \rVert^2", "squared norm of the step", "[x]^2"),
    _step("e2", _NORM_E + "^2", "squared norm of the deviation", "[x]^2"),
    _step("enorm", _NORM_E, "norm of the deviation", "[x]"),
    _step("Ge", r"\langle G{p}_{{{k}}}, e{p}_{{{k}}}(h) \rangle", "gradient against deviation", "[F]"),
    _step("ex", r"\langle e{p}_{{{k}}}(h), x{p}_{{{k}}} - z \rangle", "deviation against x_k - z", "[x]^2"),
    _step(
        "ex_prev",
        r"\langle e{p}_{{{k}}}(h), x{p}_{{{j}}} - z \rangle",
        "deviation against x_{k-1} - z",
        "[x]^2",
    ),
    _step(
        "sigma",
        r"\sigma_{{{k}}}",
        "relative deviation L ||e_k(h)|| / ||G_k||, the rho_k of the step at h = 1; 0 where "
        "both vanish within rounding",
        "1",
    ),
    _step(
        "sigma_slack",
        r"\varepsilon^\sigma_{{{k}}}",
        "what B2 leaves out where sigma is 0 because G and e vanish within rounding, 0 elsewhere",
        "[F]",
    ),
    _step("pG2", r"\sum_i p_i (1 - \tfrac{{L p_i}}{{2}}) G_i^2", "decrease of a diagonal step", "[F]"),
    _step("Lp_max", r"\max_i L p_i", "largest L p_i", "1"),
    _step("Lp_min", r"\min_i L p_i", "least L p_i", "1"),
    _step("bnorm", r"\lVert b_{{{k}}} \rVert", "norm of the bias b = D - p G", "[x]"),
    _step(
        "e_floor",
        r"\varepsilon_{{{k}}}",
        "how much of ||e_k(h)|| the rounding of the run's own arithmetic explains",
        "[x]",
    ),
    _step(
        "b_floor",
        r"\varepsilon^b_{{{k}}}",
        "how much of ||b_k|| the rounding of the run's own arithmetic explains",
        "[x]",
    ),
    _step(
        "bracket",
        r"\lVert [\cdot]_{{{k}}} \rVert",
        "norm of what the model does at the virtual features, less the reference step: (N1(z_k) - h/L) G_k + N2(z_k)",
        "[x]",
    ),
    _step(
        "C1",
        "C_1",
        "Lipschitz constant of the preconditioner head on the segment of features",
        "[x]^2/[F]/[z]",
    ),
    _step("C2", "C_2", "Lipschitz constant of the bias head on the segment of features", "[x]/[z]"),
    _step("dz", _DZ, "distance of the features from the virtual ones", "[z]"),
    _step(
        "pshift",
        r"\lVert (N_1(z{p}_{{{k}}}) - N_1(z_{{{k}}})) G{p}_{{{k}}} \rVert",
        "norm of what the change of the preconditioner head does",
        "[x]",
    ),
    _step(
        "bshift",
        r"\lVert N_2(z{p}_{{{k}}}) - N_2(z_{{{k}}}) \rVert",
        "norm of the change of the bias head",
        "[x]",
    ),
    _step("G_inf", r"\lVert G{p}_{{{k}}} \rVert_\infty", "largest entry of the generalised gradient", "[F]/[x]"),
    _step(
        "Gb",
        r"\lVert G{p}_{{{k}}} + b_{{{k}}} / p_{{{k}}} \rVert",
        "distance of the generalised gradient from -b/p, where a run with a bias can come to rest",
        "[F]/[x]",
    ),
    _step("delta1", r"\lVert \delta^1_{{{k}}} \rVert_\infty", "largest entry of delta1 = 2 L p - 1", "1"),
    _step("delta2", r"\lVert \delta^2_{{{k}}} \rVert", "norm of delta2 = 2 L b - G", "[F]/[x]"),
    _step(
        "stationarity",
        r"\lVert \nabla f{p}(x{p}_{{{k}}}) + g{p}_{{{k}}} \rVert",
        "norm of an element of the subdifferential of F at x_k (for convex r)",
        "[F]/[x]",
    ),
    _step(
        "vi_gap",
        r"\langle \nabla f{p}(x{p}_{{{k}}}), x{p}_{{{k}}} - z \rangle",
        "gap of the variational inequality of a constrained problem at the comparator",
        "[F]",
    ),
    _step("defect", r"\lVert \hat x_{{{k}}} - x_{{{k}}} \rVert", "the mapped-back run against the run itself", "[x]"),
    _step("defect_floor", r"\varepsilon^x_{{{k}}}", "how much of the defect rounding explains", "[x]"),
    _step("eps", r"\epsilon_{{{k}}}", "g_k is an epsilon_k-subgradient of r at x_k (an inexact prox)", "[F]"),
    _step("step_h", "h_{{{k}}}", "reference step of step k, in units of 1/L, where it varies", "1"),
    _step(
        "ex_own",
        r"\langle e{p}_{{{k}}}(h_{{{k}}}), x{p}_{{{k}}} - z \rangle",
        "deviation from the step h_k/L against x_k - z",
        "[x]^2",
    ),
    _step("weight", "W_{{{k}}}", "weight of x_k in a weighted mean", "1"),
    _step("share", "a_{{{k}}}", "weight of x_k in a run certificate", "1"),
    _step(
        "model",
        r"m_{{{k}}}(z)",
        "f(x_k) + <grad f(x_k), z - x_k> + r(z): F at the comparator with the tangent of f at x_k in place of f",
        "[F]",
    ),
    _step("model_0", r"t_{{{k}}}(x_0)", "f(x_k) + <grad f(x_k), x_0 - x_k>: the tangent at x_k, at the start", "[F]"),
    _step(
        "accel_momentum", "a_{{{k}}}", "momentum of the accelerated reference: a_1 = 1, a_k^2 - a_k = a_{k-1}^2", "1"
    ),
    _step(
        "accel_ex",
        r"\langle \hat e{p}_{{{k}}}, u{p}_{{{k}}} - z \rangle",
        "deviation from the accelerated reference step against u_k - z",
        "[x]^2",
    ),
    _step(
        "accel_enorm",
        r"\lVert \hat e{p}_{{{k}}} \rVert",
        "norm of the deviation y_k - x_k - (grad f(y_k) + g_k)/L from the accelerated reference step, "
        "y_k = x_{k-1} + (u_{k-1} - x_{k-1})/a_k",
        "[x]",
    ),
    _step(
        "metric_before",
        r"\lVert x{p}_{{{j}}} - z \rVert_{{P_{{{k}}}}}^2",
        "squared distance of x_{k-1} from the comparator in the metric P_k^-1 of step k",
        "[F]",
    ),
    _step(
        "metric_bias",
        r"\langle b_{{{k}}}, x{p}_{{{k}}} - z \rangle_{{P}}",
        "the bias b_k = D_k - p_k G_k against x_k - z in the metric P_k^-1",
        "[F]",
    ),
    _step("guard_momentum", "a_{{{k}}}", "momentum t of an accelerated guard in step k, 0 where it does nothing", "1"),
    _step(
        "guard_floor",
        r"\varepsilon^A_{{{k}}}",
        "how much of the potential of an accelerated guard the rounding in step k explains",
        "[F]",
    ),
    _step("x_floor", r"\varepsilon^s_{{{k}}}", "how far rounding may move x_k, of a run with a guarantee", "[x]"),
    _step("guarded", r"\gamma_{{{k}}}", "1 where an accelerated guard makes a step, 0 where it does nothing", "1"),
)

VOCABULARY: dict[str, Quantity] = {quantity.name: quantity for quantity in _TABLE}
"""Every quantity by name, in order of declaration."""

VIRTUAL = frozenset(("bracket", "C1", "C2", "dz", "pshift", "bshift"))
"""Quantities of a step and its virtual one."""
_GIVEN = ("defect", "defect_floor", "eps", "step_h", "ex_own", "weight", "pot")
_CERTIFICATE = ("share", "left", "model", "model_0", "mean_grad")
_STATED = (
    "guard_count",
    "guard_weight",
    "guard_momentum",
    "guarded",
    "guard_floor",
    "x_floor",
    "budget",
    "energy",
    "motion",
)
_MODE = ("history_q", "history_r", "history_b", "history_radius")
ACCELERATED = frozenset(("accel_weight", "accel_momentum", "accel_dist", "accel_ex", "accel_enorm"))
"""Quantities of a run against accelerated reference steps, which take gradients where the run has none."""
METRIC = frozenset(("metric_dist2", "metric_weight", "metric_before", "metric_bias"))
"""Quantities of a run in the metric of its own preconditioner."""
BEYOND_A_RUN = VIRTUAL.union(_GIVEN, _STATED, _MODE, _CERTIFICATE, ACCELERATED, METRIC)
"""Quantities that not every run has: of virtual or accelerated steps, a transformed run, choices, guarantees, modes,
certificates, a metric."""

k = sp.Symbol("k", integer=True)
"""The step index of formulas."""

Q = SimpleNamespace(**{name: quantity.symbol for name, quantity in VOCABULARY.items()})
"""The symbols by name: ``Q.L``, ``Q.F[k]``."""


def used(*expressions: sp.Expr | None) -> tuple[str, ...]:
    """Names of the quantities in the expressions, in order of the vocabulary; never `K`."""
    names: set[str] = set()
    for expression in expressions:
        if expression is not None:
            names |= {str(s) for s in expression.free_symbols if isinstance(s, sp.Symbol)}
            names |= {str(i.base) for i in expression.atoms(sp.Indexed)}
    return tuple(name for name in VOCABULARY if name in names and name != "K")
