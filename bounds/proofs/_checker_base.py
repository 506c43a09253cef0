"""The trusted base as the checker knows it: rules, ranges, definitions, norms, facts, quantities, hypotheses.

It is written anew as text, and takes nothing from the prover: `docs/theory/trusted.md` gives the reason of each row. In
formulas `x_k`, `x_j`, `x_0`, `x_K`, `x_z`, `x_t` are x_k, x_{k-1}, x_0, x_K, the comparator z and T(z).
"""

from __future__ import annotations

_G, _E, _Y = "(g_j + s_k)", "(x_j - x_k - h/L*(g_j + s_k))", "(x_k - x_z)"
_CONVEX = "(f_{a} - f_{b} - g_{b}*(x_{a} - x_{b}))"
_STRONG = "((g_{a}-g_{b})**2 + mu*L*(x_{a}-x_{b})**2 - 2*mu*(g_{a}-g_{b})*(x_{a}-x_{b}))/2"
_SMOOTH, _F, _R = "f_smooth", "f_convex", "r_convex"
RULES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    # what is >= 0, what the arguments are, hypotheses
    "descent_lemma": (
        "f_{a} + g_{a}*(x_{b} - x_{a}) + L/2*(x_{b} - x_{a})**2 - f_{b}",
        ("point", "point"),
        (_SMOOTH,),
    ),
    "convexity": (_CONVEX, ("point", "point"), (_F,)),
    "smooth_interpolation": (
        _CONVEX + " - (g_{a} - g_{b})**2/(2*({0}))",
        ("point", "point", "constant"),
        (_SMOOTH, _F),
    ),
    "nonconvex_interpolation": (
        "f_{a} - f_{b} - (g_{a} + g_{b})*(x_{a} - x_{b})/2 - (g_{a} - g_{b})**2/(4*L) + L/4*(x_{a} - x_{b})**2",
        ("point", "point"),
        (_SMOOTH,),
    ),
    "subgradient": ("r_{a} - r_{b} - s_{b}*(x_{a} - x_{b})", ("point", "subgradient"), (_R,)),
    "inexact_subgradient": ("r_{a} - r_{b} - s_{b}*(x_{a} - x_{b}) + ({0})", ("point", "inexact", "eps"), (_R,)),
    "monotone_subdifferential": ("(s_{a} - s_{b})*(x_{a} - x_{b})", ("subgradient", "subgradient"), (_R,)),
    "strong_convexity": (_CONVEX + " - mu/2*(x_{a} - x_{b})**2", ("point", "point"), ("strongly_convex",)),
    "strong_interpolation": (
        f"(L - mu)*{_CONVEX} - {_STRONG}",
        ("point", "point"),
        (_SMOOTH, "strongly_convex"),
    ),
    "lipschitz_gradient": ("L**2*(x_{a} - x_{b})**2 - (g_{a} - g_{b})**2", ("point", "point"), (_SMOOTH,)),
    "polyak_lojasiewicz": ("g_{a}**2 - 2*mu*(f_{a} - f_inf)", ("point",), ("polyak_lojasiewicz",)),
    "gradient_domination": ("2*L*(f_{a} - f_inf) - g_{a}**2", ("point",), (_SMOOTH,)),
    "cauchy_schwarz": ("({0})*({1}) - ({2})*({3})", ("size of 3", "size of 4", "vector", "vector"), ()),
    "norm": ("({0})**2 - ({1})**2", ("size of 2", "vector"), ()),  # = 0
    "entrywise_product": ("({0})*({1}) - ({2})", ("product", "product", "product"), ()),
    "jensen": ("({0})", ("mean",), (_F, _R)),
    "hypothesis": ("({0})", ("fact",), ()),
}
EQUALITIES = frozenset({"norm"})

# Parameters of ranges begin with an underscore, so that no other symbol is called like one
RANGES: dict[str, tuple[dict[str, str], tuple[str, ...], str]] = {
    # values, hypotheses, family of cases
    "1 <= k <= K": ({"K": "k + _b", "k": "1 + _a"}, (), ""),
    "2 <= k <= K": ({"K": "k + _b", "k": "2 + _a"}, (), ""),
    "K >= 1": ({"K": "1 + _b"}, (), ""),
    "0 < h <= 1": ({"h": "_v/(_u + _v)"}, ("reference_step",), ""),
    "0 < h <= 1, of h <= 5/4": ({"h": "_v/(_u + _v)"}, ("reference_step_long",), "h"),
    "1 < h <= 5/4": ({"h": "(_u + 5*_v/4)/(_u + _v)"}, ("reference_step_long",), "h"),
    "h = 1": ({"h": "1"}, ("full_step",), ""),
    "h = 1/2": ({"h": "1/2"}, ("half_step",), ""),
    "0 < h_k <= 1": ({"step_h_k": "_q/(_p + _q)"}, ("own_steps",), ""),
    "2 W_k > v_k": ({"weight_k": "(pot_k + _q)/2"}, ("weights",), ""),
    "L p_i > 0": ({"Lp_min_k": "_least"}, ("preconditioner_positive",), ""),
    "sigma < h": ({"sigma_max": "h*_p/(_p + _q)"}, ("deviation_below_step",), ""),
    "0 < L p_i <= 1": (
        {"rootw_k": "_q", "L": "_q**2*_v/(_u + _v)"},
        ("preconditioner_positive", "preconditioner_short"),
        "",
    ),
    "0 <= b < 1": ({"history_b": "_p/(_p + _q)"}, ("history_range",), ""),
    "Delta > 0, of apart": ({"Delta": "_delta"}, ("apart",), ""),
    "sigma_k < h": ({"sigma_k": "h*_t/(_t + _w)"}, (), "sigma_k"),
    "sigma_k >= h": ({"sigma_k": "h + _t"}, (), "sigma_k"),
    "Delta > 0": ({"Delta": "_delta"}, (), "Delta"),
    "Delta = 0": ({"Delta": "0"}, (), "Delta"),
    "0 <= mu < L": ({"mu": "L*_m/(_m + _l)"}, (_SMOOTH, "strongly_convex"), "mu"),
    "0 < mu <= L": ({"mu": "L*_l/(_m + _l)"}, (_SMOOTH, "strongly_convex"), "mu"),
    "step k is guarded": ({"guarded_k": "1", "guard_momentum_k": "1 + _p"}, ("guard_weights",), "guard"),
    "step k is not guarded": ({"guarded_k": "0", "guard_momentum_k": "0"}, ("guard_weights",), "guard"),
    "A_k >= 1 and A_K >= 1": ({"guard_weight_k": "1 + _m", "guard_weight_K": "1 + _t"}, ("guard_weights",), ""),
    "a_k >= 1 and A_K >= 1, accelerated": (
        {"accel_momentum_k": "1 + _m", "accel_weight_K": "1 + _t"},
        ("accelerated_weights",),
        "",
    ),
    "a > 0, 0 <= b < 1, 0 < r, 1/r > 1/2 + (a/2)(1-b)^2": (
        {"energy_a": "_w", "bhead_k": "_p/(_p + _q)", "rhead_k": "1/(1/2 + _w/2*(1 - _p/(_p + _q))**2 + _l)"},
        ("energy_region",),
        "",
    ),
    "0 < p <= 1": ({"phead_k": "1/(1 + _t)"}, ("momentum_region",), ""),
}
ABOVE_0 = frozenset({"_v", "_w", "_q", "_l", "_delta", "_least", "L", "h", "K"})
AT_LEAST_0 = ABOVE_0 | {
    "_a",
    "_b",
    "_t",
    "_u",
    "_p",
    "_m",
    "mu",
    "R",
    "Delta",
    "sigma_max",
    "tau",
    "history_radius",
    "mean_grad",
}
CASES = {
    "h": ("0 < h <= 1, of h <= 5/4", "1 < h <= 5/4"),
    "sigma_k": ("sigma_k < h", "sigma_k >= h"),
    "Delta": ("Delta > 0", "Delta = 0"),
    "mu": ("0 <= mu < L", "0 < mu <= L"),
    "guard": ("step k is guarded", "step k is not guarded"),
}

SIZES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # symbol, vector, hypotheses
    "Gnorm": ("Gnorm_k", _G, ()),
    "Dnorm": ("Dnorm_k", "x_j - x_k", ()),
    "enorm": ("enorm_k", _E, ()),
    **{f"dist at {index}": (f"dist_{index}", f"x_{index} - x_z", ()) for index in "kj0K"},
    "stationarity": ("stationarity_k", "g_k + s_k", ()),
    "bracket": ("bracket_k", "bracketvec_k", ()),
    "pshift": ("pshift_k", "pshiftvec_k", ()),
    "bshift": ("bshift_k", "bshiftvec_k", ()),
    "delta1 G": ("product_k", "delta1vec_k", ()),
    "delta2": ("delta2_k", "delta2vec_k", ()),
    "defect": ("defect_k", "defectvec_k", ()),
    "mean of gradients": ("mean_grad", "u_K", ()),
    "accelerated deviation": ("accel_enorm_k", "accerrvec_k", ("accelerated_weights",)),
    **{f"accelerated dist at {i}": (f"accel_dist_{i}", f"accelvec_{i} - x_z", ("accelerated_weights",)) for i in "kK"},
    "tau": ("tau", "x_t - x_z", (_R,)),
    "tau, r = 0": ("tau", "h/L*g_z", ("r_zero",)),
}
PRODUCTS: dict[str, tuple[tuple[str, str, str], tuple[str, ...]]] = {
    "delta1 G": (("delta1_k", "Gnorm_k", "product_k"), ()),
    "G + b/p": (("L/Lp_min_k", "Dnorm_k", "Gb_k"), ("preconditioner_positive",)),
}
_VIRTUAL = "bracket_k + C1_k*dz_k*G_inf_k + C2_k*dz_k"
_ABOVE = "f_y + g_y*(x_p - x_y) + L/2*(x_p - x_y)**2 + r_p"
_FORM_1 = "(1/rhead_k - 1/2 - energy_a/2*(1 - bhead_k)**2)"
_FORM_2 = "(energy_a/2*(1 - bhead_k**2))"
_FORM_3 = "((qhead_k/rhead_k + energy_a*bhead_k*(1 - bhead_k))/2)"
FACTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "guard, best": ("f_j + r_j - f_k - r_k", ("accelerated_guard",)),
    "guard, prox": (f"guarded_k*({_ABOVE} - f_k - r_k)", ("accelerated_guard",)),
    "energy region": (f"{_FORM_1}*{_FORM_2} - {_FORM_3}**2", ("energy_region",)),
    "momentum region": ("(1 - pull_k**2)/2 - (1/phead_k - 1)*pull_k**2/4", ("momentum_region",)),
    "Delta at k-1": ("Delta - dist_j", ()),
    "Delta at 0": ("Delta - dist_0", ()),
    "sigma_k": ("sigma_k*Gnorm_k/L - enorm_k", ()),
    "sigma": ("sigma_max*Gnorm_k/L - enorm_k", ()),
    "virtual": (f"{_VIRTUAL} - enorm_k", ("heads_lipschitz",)),
    "preconditioner head": ("C1_k*dz_k*G_inf_k - pshift_k", ("heads_lipschitz",)),
    "bias head": ("C2_k*dz_k - bshift_k", ("heads_lipschitz",)),
    "best iterate": ("f_k + r_k - F_best", ()),
    "lower bound": ("f_K + r_K - F_low", ()),
    "infimum at z": ("f_z + r_z - f_inf", ("r_zero",)),
    "lower bound of f": ("f_inf - F_low", ("r_zero",)),
    "determinant": (
        "1 - (history_b + (1 - history_b)*history_q - history_b*history_r)",
        ("history_stable",),
    ),
}
DEFINITIONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # symbol, value, hypotheses
    "guard, auxiliary": (
        "guardvec_k",
        "guardvec_j + guard_momentum_k*(x_p - x_y)",
        ("accelerated_guard", "guard_weights"),
    ),
    "guard, point": ("x_p", "x_y - (g_y + s_p)/L", ("accelerated_guard", _R)),
    "guard, ahead": (
        "x_y",
        "x_j + guard_momentum_k/guard_weight_k*(guardvec_j - x_j)",
        ("accelerated_guard", "guard_weights"),
    ),
    "guard, start": ("guardvec_0", "x_0", ("accelerated_guard",)),
    "guard, weight": ("guard_weight_j", "guard_weight_k - guard_momentum_k", ("guard_weights",)),
    "guard, no weight": ("guard_weight_0", "0", ("guard_weights",)),
    "guard, count": ("guard_count_j", "guard_count_k - guarded_k", ("guard_weights",)),
    "guard, no count": ("guard_count_0", "0", ("guard_weights",)),
    "accelerated, auxiliary": ("accelvec_k", "x_j + accel_momentum_k*(x_k - x_j)", ("accelerated_weights",)),
    "accelerated, start": ("accelvec_0", "x_0", ("accelerated_weights",)),
    "accelerated, deviation": ("g_e", "L*(x_e - x_k - accerrvec_k) - s_k", ("accelerated_weights",)),
    "accelerated, ahead": ("x_e", "x_j + (accelvec_j - x_j)/accel_momentum_k", ("accelerated_weights",)),
    "accelerated, weight": ("accel_weight_k", "accel_momentum_k**2", ("accelerated_weights",)),
    "accelerated, weight before": (
        "accel_weight_j",
        "accel_momentum_k**2 - accel_momentum_k",
        ("accelerated_weights",),
    ),
    "accelerated, no weight": ("accel_weight_0", "0", ("accelerated_weights",)),
    "energy, memory": (
        "memoryvec_k",
        "(1 - bhead_k)*(x_j - x_k) + bhead_k*memoryvec_j",
        ("energy_region",),
    ),
    "metric, before": ("beforevec_k", "rootw_k*(x_j - x_z)", ("preconditioner_positive",)),
    "metric, after": ("aftervec_k", "rootw_k*(x_k - x_z)", ("preconditioner_positive",)),
    "metric, bias": ("ratiovec_k", f"rootw_k**2*(x_j - x_k) - {_G}", ("preconditioner_positive",)),
    "momentum, step": ("stepvec_k", "x_j - x_k", ("momentum_region",)),
    "momentum, ahead": ("x_o", "x_j - pull_k*stepvec_j", ("momentum_region",)),
    "momentum, prox": ("s_k", "L/phead_k*(x_o - x_k) - g_o", ("momentum_region",)),
    "energy, step": ("s_k", "L/rhead_k*(x_j - x_k - qhead_k*memoryvec_j) - g_j", ("energy_region",)),
    "exact step": ("s_k", "L/h*(x_j - x_k) - g_j", ("exact_step",)),
    "exact step, r = 0": ("x_k", "x_j - h/L*g_j", ("exact_step", "r_zero")),
    "minimiser, r = 0": ("g_z", "0", ("comparator_optimal", "r_zero")),
    **{f"r = 0: {base}_{index}": (f"{base}_{index}", "0", ("r_zero",)) for base in "rs" for index in "kj0Kz"},
    **{f"indicator: r_{index}": (f"r_{index}", "0", ("r_indicator",)) for index in "kz"},
    "T(z)": ("x_t", "x_z - h/L*(g_z + s_t)", (_R,)),
    "potential": ("pot_j", "weight_k**2/(2*weight_k - pot_k)", ("weights",)),
    "last potential": ("pot_K", "0", ("weights",)),
    "weight left": ("left_j", "left_k + share_k", ("shares",)),
    "all weight": ("left_0", "1", ("shares",)),
    "no weight": ("left_K", "0", ("shares",)),
    "decomposition": ("bshiftvec_k", f"{_E} - bracketvec_k - pshiftvec_k", ()),
    "profile": ("delta2vec_k", f"2*L*(x_j - x_k - {_G}/L) - delta1vec_k", ()),
    "mapped back": ("defectvec_k", "0", ("equivariant_heads",)),
}

FORMULAS = {
    "G2": f"{_G}**2",
    "D2": "(x_j - x_k)**2",
    "e2": f"{_E}**2",
    "Ge": f"{_G}*{_E}",
    "ex": f"{_E}*{_Y}",
    "ex_prev": f"{_E}*(x_j - x_z)",
    "pG2": f"({_G}*(x_j - x_k) - L/2*(x_j - x_k)**2)",
    "ex_own": f"(x_j - x_k - step_h_k/L*{_G})*{_Y}",
    "accel_ex": "accerrvec_k*(accelvec_k - x_z)",
    "metric_before": "beforevec_k**2",
    "metric_bias": f"ratiovec_k*{_Y}",
    "vi_gap": f"g_k*{_Y}",
    "model": "(f_k + g_k*(x_z - x_k) + r_z)",
    "model_0": "(f_k + g_k*(x_0 - x_k))",
}
"""Quantities of a step that are polynomials in its vectors."""
ROOTS = {"G2": "Gnorm_k", "D2": "Dnorm_k", "e2": "enorm_k"}
NUMBERS = (
    *("enorm", "sigma", "sigma_slack", "eps", "step_h", "weight", "stationarity", "defect", "defect_floor", "share"),
    *("bracket", "pshift", "bshift", "C1", "C2", "dz", "G_inf", "Gb", "delta1", "delta2", "Lp_min"),
    *("bnorm", "b_floor", "e_floor", "guard_momentum", "guarded", "accel_momentum", "accel_enorm"),
)
"""Quantities of a step that are numbers >= 0."""
RUN = (
    *("L", "h", "K", "mu", "F_low", "F_best", "F_mean", "F_z", "R", "Delta", "sigma_max", "tau"),
    *("history_q", "history_r", "history_b", "history_radius", "mean_grad"),
)
MEANT_UNDER = {
    "pG2": "bias_free",
    "step_h": "own_steps",
    "ex_own": "own_steps",
    "weight": "weights",
    "pot": "weights",
    "share": "shares",
    "left": "shares",
    "Lp_min": "preconditioner_positive",
    **dict.fromkeys(("guard_count", "guard_weight", "guard_momentum", "guarded"), "guard_weights"),
    "budget": "budget",
    **dict.fromkeys(("accel_weight", "accel_momentum", "accel_dist", "accel_ex", "accel_enorm"), "accelerated_weights"),
    "energy": "energy_region",
    "motion": "momentum_region",
    **dict.fromkeys(("metric_before", "metric_dist2", "metric_bias"), "preconditioner_positive"),
    "metric_weight": "metric_weights",
}
"""Quantities whose formula or sign rests on a hypothesis."""
AT_POINTS = (
    "F",
    "dist",
    "gz2",
    "grad2",
    "pot",
    "left",
    "guard_count",
    "guard_weight",
    "budget",
    "energy",
    "motion",
    "metric_dist2",
    "metric_weight",
    "accel_weight",
    "accel_dist",
)
"""Quantities of a point x_k, for k = 0..K."""
ENTRYWISE = frozenset({"rhead_k", "qhead_k", "bhead_k", "phead_k", "pull_k", "rootw_k"})
"""Numbers that differ from entry to entry."""

_HERE = __name__.rpartition(".proofs.")[0] + ".hypotheses."
_FACT = _HERE + "_Fact _Fact(name={name!r})"
HYPOTHESES: dict[str, tuple[str, str]] = {
    # what it says, and what judges it
    "f_smooth": ("f is L-smooth", _FACT),
    "f_convex": ("f is convex", _FACT),
    "r_convex": ("r is proper, closed and convex", _FACT),
    "r_zero": ("r = 0", _FACT),
    "r_indicator": ("r is the indicator of a convex set", _FACT),
    "strongly_convex": ("f is convex, and mu-strongly convex with the mu >= 0 given", _FACT),
    "polyak_lojasiewicz": ("||grad f(x)||^2 >= 2 mu (f(x) - inf f) with the mu given", _FACT),
    "comparator_optimal": ("the comparator is a minimiser", _FACT),
    "heads_lipschitz": ("C1 and C2 are Lipschitz constants of the heads on the segments of features", _FACT),
    "equivariant_heads": ("the heads transform along with the problem", _FACT),
    "accelerated_guard": (
        "an accelerated guard is beside the run, and x_k no worse than x_{k-1} and the guard's point",
        _FACT,
    ),
    "energy_region": (
        "the steps are D = (r/L) G + q v, v_k = (1-b) D + b v, with heads in the energy region",
        _FACT,
    ),
    "momentum_region": (
        "the steps are proximal-gradient steps of p/L from x_{k-1} + A (x_{k-1} - x_{k-2}), with p and A in the "
        "momentum region",
        _FACT,
    ),
    "guard_weights": (
        "A_0 = N_0 = 0, A_k - a_k = A_{k-1}, A_k >= 1; where the guard makes a step a_k^2 = A_k, a_k >= 1 and "
        "N_k = N_{k-1} + 1, elsewhere a_k = 0 and N_k = N_{k-1}",
        _HERE + "_guard_weights",
    ),
    "accelerated_weights": (
        "A_0 = 0, A_k - a_k = A_{k-1}, a_k^2 = A_k and a_k >= 1",
        _HERE + "_accelerated_weights",
    ),
    "budget": (
        "the size of each deviation is taken from a budget that stays >= 0: ||e_k|| <= E_{k-1} - E_k",
        _HERE + "_budget",
    ),
    "deviation_below_step": ("the relative deviation is below the reference step", _HERE + "_deviation_below_step"),
    "monotone": (
        "the relative deviation is nowhere above the reference step, so that F never increases (B2)",
        _HERE + "_monotone",
    ),
    "exact_step": (
        "Assumption 1 with step h/L: each step is the proximal-gradient step, e_k(h) = 0 within rounding",
        _HERE + "_Zero _Zero(name='exact_step', quantity='enorm', floor='e_floor')",
    ),
    "bias_free": (
        "the step is a preconditioned one without bias, b_k = 0 within rounding",
        _HERE + "_Zero _Zero(name='bias_free', quantity='bnorm', floor='b_floor')",
    ),
    "reference_step": (
        "the reference step is in (0, 1]",
        _HERE + "_ReferenceStep _ReferenceStep(name='reference_step', high=1.0)",
    ),
    "reference_step_long": (
        "the reference step is in (0, 5/4]",
        _HERE + "_ReferenceStep _ReferenceStep(name='reference_step_long', high=1.25)",
    ),
    "preconditioner_positive": ("the preconditioner is positive", _HERE + "_preconditioner_positive"),
    "preconditioner_short": ("the preconditioner is at most 1/L", _HERE + "_preconditioner_short"),
    "metric_weights": (
        "omega_k >= 0, and omega_k ||x_{k-1} - z||^2 in the metric of step k is at most omega_{k-1} times that of k-1",
        _HERE + "_metric_weights",
    ),
    "apart": ("some x_k with k < K is not the comparator", _HERE + "_apart"),
    "full_step": (
        "reading gradient_descent: the reference step is 1/L",
        _HERE + "_StepIs _StepIs(name='full_step', value=1.0)",
    ),
    "half_step": (
        "reading half_step: the reference step is 1/(2L)",
        _HERE + "_StepIs _StepIs(name='half_step', value=0.5)",
    ),
    "own_steps": ("each reference step h_k is in (0, 1]", _HERE + "_own_steps"),
    "weights": (
        "v_K = 0, v_{k-1} = W_k^2/(2 W_k - v_k), 2 W_k > v_k and W_k - v_{k-1} + v_k >= 0",
        _HERE + "_weights",
    ),
    "shares": (
        "a_k >= 0, A_0 = 1, A_{k-1} = A_k + a_k and A_K = 0: the weights a_k sum to 1",
        _HERE + "_shares",
    ),
    "history_range": ("0 <= b < 1 and r > 0", _HERE + "_history_range"),
    "history_stable": ("the recurrence is stable: no eigenvalue of modulus above 1", _HERE + "_history_stable"),
}
"""The hypotheses that the rows above rest on, by name: a statement must have them word for word."""
