"""The rows that files declare and suppose, once for both languages.

`needs` names the hypotheses of the catalogue without which a row may not be declared, "a|b" either of two; rows without
any say what a quantity of the vocabulary is.
"""

from __future__ import annotations

from fractions import Fraction

from ._context import Definition, Row, Supposition, Variable
from .nodes import Node, add, at, call, mul, name, number, sub

_z, _L, _h, _p = (name(text) for text in ("z", "L", "h", "p"))
ZERO, ONE = number(0), number(1)
HALF = Node("div", (ONE, number(2)))
X, XJ, D, G, E = at("x", "k"), at("x", "j"), at("D", "k"), at("G", "k"), at("e", "k")


def _vsub(a: Node, b: Node) -> Node:
    return Node("vsub", (a, b))


def _vadd(a: Node, b: Node) -> Node:
    return Node("vadd", (a, b))


def _scal(c: Node, v: Node) -> Node:
    return Node("vscal", (c, v))


def _norm(v: Node) -> Node:
    return Node("norm", (v,))


def _div(a: Node, b: Node) -> Node:
    return Node("div", (a, b))


def _F(p: Node) -> Node:
    return call("F", p)


def _grad(p: Node) -> Node:
    return call("grad", p)


def _prop(text: str, *args: Node) -> Node:
    return call(text, *args)


H_OVER_L = _div(_h, _L)
_GUARDED = at("guarded", "k")
_PV = call("precond k", name("v"))
_HEAD, _VIRTUAL = call("precond k", G), call("precond_virtual k", G)
_Y, _W, _U = at("y", "k"), at("w", "k"), at("aux", "k")
_A, _AJ, _N, _NJ, _a = at("A", "k"), at("A", "j"), at("N", "k"), at("N", "j"), at("a", "k")
_ABOVE = add(
    call("f", _Y),
    Node("dot", (_grad(_Y), _vsub(_W, _Y))),
    mul(_div(_L, number(2)), Node("sq", (_vsub(_W, _Y),))),
    call("r", _W),
)
_AY = at("accel_y", "k")
_WEIGHTS = ("accelerated_weights",)
_LIPSCHITZ = ("heads_lipschitz",)
_POT, _POTJ, _WEIGHT = at("pot", "k"), at("pot", "j"), at("weight", "k")
_DELTA1 = _vsub(_scal(mul(number(2), _L), _HEAD), G)
_TAIL = _vsub(_scal(mul(number(2), _L), at("bias", "k")), G)


def _size(text: str, over: str = "step") -> Supposition:
    left = at(text, "k") if over else name(text)
    return Supposition(f"{text}_nonneg", over, "<=", ZERO, left)


ROWS: tuple[Row, ...] = (
    Variable("f", "V -> R", "the smooth part"),
    Variable("grad", "V -> V", "its gradient"),
    Variable("domain", "V -> Prop", "where the regularizer is finite"),
    Variable("r", "V -> R", "the regularizer"),
    Variable("x", "nat -> V", "the iterates x_0, ..., x_K"),
    Variable("s", "nat -> V", "s_k, a subgradient of r at x_k"),
    Variable("z", "V", "the comparator"),
    Variable("L", "R", "the smoothness of f"),
    Variable("h", "R", "the reference step, in units of 1/L"),
    Variable("mu", "R", "the strong convexity of f"),
    Variable("K", "nat", "the number of steps"),
    Variable("Tz", "V", "the proximal-gradient step h/L from z"),
    Variable("s_T", "V", "the subgradient of r at Tz that it makes"),
    Variable("f_inf", "R", "inf f"),
    Variable("F_low", "R", "a lower bound of F"),
    Variable("F_best", "R", "the least of F(x_1), ..., F(x_K)"),
    Variable("sigma", "nat -> R", "the relative deviations"),
    Variable("sigma_max", "R", "the largest relative deviation"),
    Variable("Delta", "R", "the largest distance of x_0, ..., x_(K-1) from z"),
    Variable("eps", "nat -> R", "s_k is a subgradient up to eps_k"),
    Variable("step_h", "nat -> R", "the reference step of each step"),
    Variable("weight", "nat -> R", "the weights W_k of a mean"),
    Variable("pot", "nat -> R", "their potentials v_k"),
    Variable("share", "nat -> R", "the weights a_k of a certificate"),
    Variable("rest", "nat -> R", "what is left of the weight after x_k"),
    Variable("budget", "nat -> R", "what is left of the budget of deviations after step k"),
    Variable("precond", "nat -> V -> V", "the preconditioner of step k, a diagonal matrix"),
    Variable("bias", "nat -> V", "the bias of step k"),
    Variable("precond_virtual", "nat -> V -> V", "the preconditioner at the virtual features"),
    Variable("bias_virtual", "nat -> V", "the bias at the virtual features"),
    Variable("C1", "nat -> R", "Lipschitz constant of the preconditioner head"),
    Variable("C2", "nat -> R", "Lipschitz constant of the bias head"),
    Variable("dz", "nat -> R", "the shift of the features"),
    Variable("G_inf", "nat -> R", "the largest entry of G_k"),
    Variable("delta1_max", "nat -> R", "the largest |2 L p_i - 1|"),
    Variable("Lp_min", "nat -> R", "the least L p_i"),
    Variable("G_b", "nat -> V", "G + b/p"),
    Variable("q", "R", "the weight of the memory in a step"),
    Variable("rho", "R", "the step, in units of the curvature"),
    Variable("b", "R", "how much of the memory is kept"),
    Variable("y", "nat -> V", "the point that the guard looks from"),
    Variable("w", "nat -> V", "its prox-gradient point"),
    Variable("s_w", "nat -> V", "the subgradient of r at w_k that the prox makes"),
    Variable("aux", "nat -> V", "the auxiliary point of the guard"),
    Variable("guarded", "nat -> R", "1 where the guard makes a step, 0 where it does nothing"),
    Variable("a", "nat -> R", "the momentum of the guard"),
    Variable("A", "nat -> R", "the weight of F(x_k) in its potential"),
    Variable("N", "nat -> R", "the number of its steps"),
    Variable("accel_a", "nat -> R", "the momentum of accelerated steps"),
    Variable("accel_A", "nat -> R", "the weight of F(x_k) in their potential"),
    Definition("F", "R", add(call("f", _p), call("r", _p)), "the objective", "(p : V)"),
    Definition("D", "V", _vsub(XJ, X), "the step from x_(k-1) to x_k"),
    Definition("G", "V", _vadd(_grad(XJ), at("s", "k")), "the generalised gradient"),
    Definition("e", "V", _vsub(D, _scal(H_OVER_L, G)), "the deviation from the reference step"),
    Definition(
        "bracket",
        "V",
        _vadd(_vsub(_VIRTUAL, _scal(H_OVER_L, G)), at("bias_virtual", "k")),
        "what the model does at the virtual features, less the reference step",
    ),
    Definition("pshift", "V", _vsub(_HEAD, _VIRTUAL), "what the change of the preconditioner does"),
    Definition("bshift", "V", _vsub(at("bias", "k"), at("bias_virtual", "k")), "the change of the bias"),
    Definition("delta1_G", "V", _DELTA1, "delta1 G, delta1 = 2 L p - 1"),
    Definition("delta2", "V", _TAIL, "2 L b - G"),
    Definition(
        "accel_u",
        "V",
        _vadd(XJ, _scal(at("accel_a", "k"), _vsub(X, XJ))),
        "the auxiliary point of accelerated steps, x_0 at k = 0",
    ),
    Definition(
        "accel_y",
        "V",
        _vadd(XJ, _scal(_div(ONE, at("accel_a", "k")), _vsub(at("accel_u", "j"), XJ))),
        "where an accelerated step looks from",
    ),
    Definition(
        "accel_e",
        "V",
        _vsub(_vsub(_AY, X), _scal(_div(ONE, _L), _vadd(_grad(_AY), at("s", "k")))),
        "the deviation from the accelerated step",
    ),
    Supposition("L_pos", "", "<", ZERO, _L),
    Supposition("h_pos", "", "<", ZERO, _h),
    Supposition("K_pos", "", "is", Node("name", ("(1 <= K)%nat",)), ONE),
    _size("mu", ""),
    _size("Delta", ""),
    _size("sigma_max", ""),
    *(_size(text) for text in ("sigma", "weight", "share", "delta1_max", "C1", "C2", "dz", "G_inf", "guarded", "a")),
    *(_size(text, "index") for text in ("pot", "rest", "budget", "A", "N", "accel_A")),
    Supposition("f_smooth", "", "is", _prop("smooth f grad L"), ONE, "f is L-smooth", ("f_smooth",)),
    Supposition("f_convex", "", "is", _prop("convex_smooth f grad"), ONE, "f is convex", ("f_convex",)),
    Supposition(
        "f_strongly_convex",
        "",
        "is",
        _prop("strongly_convex f grad mu"),
        ONE,
        "f is mu-strongly convex",
        ("strongly_convex",),
    ),
    Supposition(
        "mu_at_most_L",
        "",
        "<=",
        name("mu"),
        _L,
        "so it is in a space with more than one point",
        ("strongly_convex", "f_smooth"),
    ),
    Supposition(
        "polyak_lojasiewicz", "", "is", _prop("gradient_dominates f grad mu f_inf"), ONE, "", ("polyak_lojasiewicz",)
    ),
    Supposition("f_inf_below", "anywhere", "<=", name("f_inf"), call("f", _p), "f_inf is inf f"),
    Supposition("f_inf_largest", "below", "<=", name("m"), name("f_inf")),
    Supposition("F_low_below", "point", "<=", name("F_low"), _F(_p), "F_low is a lower bound of F"),
    Supposition("r_convex", "", "is", _prop("convex domain r"), ONE, "r is convex", ("r_convex",)),
    Supposition("r_zero", "anywhere", "is", _prop("domain p /\\ r p = 0"), ONE, "r = 0", ("r_zero",)),
    Supposition("r_indicator", "point", "=", call("r", _p), ZERO, "r is the indicator of its domain", ("r_indicator",)),
    Supposition(
        "s_subgradient",
        "step",
        "is",
        call("subgradient domain r", X, at("s", "k")),
        ONE,
        "s_k is a subgradient of r at x_k",
        ("r_convex|r_zero",),
    ),
    Supposition(
        "s_inexact",
        "step",
        "is",
        call("inexact_subgradient domain r", at("eps", "k"), X, at("s", "k")),
        ONE,
        "s_k is an eps_k-subgradient of r at x_k",
        ("r_convex",),
    ),
    Supposition("x_0_domain", "", "is", call("domain", at("x", "0")), ONE, "F(x_0) is finite"),
    Supposition("z_domain", "", "is", call("domain", _z), ONE, "F(z) is finite"),
    Supposition("z_minimises", "point", "<=", _F(_z), _F(_p), "z is a minimiser", ("comparator_optimal",)),
    Supposition(
        "Tz_step",
        "",
        "=",
        name("Tz"),
        _vsub(_z, _scal(H_OVER_L, _vadd(_grad(_z), name("s_T")))),
        "",
        ("r_convex|r_zero",),
    ),
    Supposition(
        "Tz_subgradient", "", "is", call("subgradient domain r", name("Tz"), name("s_T")), ONE, "", ("r_convex|r_zero",)
    ),
    Supposition("h_at_most_1", "", "<=", _h, ONE, "the reference step is in (0, 1]", ("reference_step",)),
    Supposition(
        "h_at_most_5_4",
        "",
        "<=",
        _h,
        number(Fraction(5, 4)),
        "the reference step is in (0, 5/4]",
        ("reference_step_long",),
    ),
    Supposition(
        "h_at_most_3_2",
        "",
        "<=",
        _h,
        number(Fraction(3, 2)),
        "the reference step is in (0, 3/2]",
        ("reference_step_longer",),
    ),
    Supposition(
        "h_square_at_most_2",
        "",
        "<=",
        mul(_h, _h),
        number(2),
        "the reference step is in (0, sqrt(2)]",
        ("reference_step_root_2",),
    ),
    Supposition("mu_below_L", "", "<=", name("mu"), _L, "mu <= L", ("mu_at_most_L",)),
    Supposition("h_is_1", "", "=", _h, ONE, "the reference step is 1/L", ("full_step",)),
    Supposition("h_is_half", "", "=", _h, number(Fraction(1, 2)), "the reference step is 1/(2L)", ("half_step",)),
    Supposition("step_h_pos", "step", "<", ZERO, at("step_h", "k"), "", ("own_steps",)),
    Supposition("step_h_at_most_1", "step", "<=", at("step_h", "k"), ONE, "", ("own_steps",)),
    Supposition("exact_step", "step", "=", E, Node("vzero"), "each step is the reference step", ("exact_step",)),
    Supposition("monotone_run", "step", "<=", at("sigma", "k"), _h, "no deviation is above the step", ("monotone",)),
    Supposition(
        "sigma_below_step",
        "",
        "<",
        name("sigma_max"),
        _h,
        "the deviations are below the step",
        ("deviation_below_step",),
    ),
    Supposition(
        "sigma_bounds", "step", "<=", _norm(E), _div(mul(at("sigma", "k"), _norm(G)), _L), "what sigma_k means"
    ),
    Supposition(
        "sigma_max_bounds", "step", "<=", _norm(E), _div(mul(name("sigma_max"), _norm(G)), _L), "what sigma_max means"
    ),
    Supposition("Delta_largest", "before K", "<=", _norm(_vsub(X, _z)), name("Delta"), "what Delta means"),
    Supposition("F_best_least", "step", "<=", name("F_best"), _F(X), "what F_best means"),
    Supposition("apart", "", "<", ZERO, name("Delta"), "", ("apart",)),
    Supposition("bias_free", "step", "=", D, _HEAD, "the step is p G, without a bias", ("bias_free",)),
    Supposition("head_step", "step", "=", D, _vadd(_HEAD, at("bias", "k")), "the step is p G + b"),
    Supposition(
        "p_lipschitz",
        "step",
        "<=",
        _norm(at("pshift", "k")),
        mul(at("C1", "k"), at("dz", "k"), at("G_inf", "k")),
        "the preconditioner head is Lipschitz",
        _LIPSCHITZ,
    ),
    Supposition(
        "b_lipschitz",
        "step",
        "<=",
        _norm(at("bshift", "k")),
        mul(at("C2", "k"), at("dz", "k")),
        "the bias head is Lipschitz",
        _LIPSCHITZ,
    ),
    Supposition(
        "delta1_largest",
        "diagonal",
        "<=",
        _norm(_vsub(_scal(mul(number(2), _L), _PV), name("v"))),
        mul(at("delta1_max", "k"), _norm(name("v"))),
        "a diagonal matrix makes no vector longer than its largest entry does",
    ),
    Supposition("Lp_min_pos", "step", "<", ZERO, at("Lp_min", "k"), "", ("preconditioner_positive",)),
    Supposition("G_b_is", "step", "=", call("precond k", at("G_b", "k")), D, "p (G + b/p) = D entry by entry"),
    Supposition(
        "p_largest_inverse",
        "diagonal",
        "<=",
        _norm(name("v")),
        mul(_div(_L, at("Lp_min", "k")), _norm(_PV)),
        "the largest 1/p_i is L/Lp_min",
        ("preconditioner_positive",),
    ),
    Supposition("b_nonneg", "", "<=", ZERO, name("b"), "", ("history_range",)),
    Supposition("b_below_1", "", "<", name("b"), ONE, "", ("history_range",)),
    Supposition(
        "history_is_stable",
        "",
        "is",
        _prop(
            "stable",
            sub(ONE, name("rho")),
            Node("neg", (name("q"),)),
            mul(sub(ONE, name("b")), name("rho")),
            add(name("b"), mul(sub(ONE, name("b")), name("q"))),
        ),
        ONE,
        "(y, v) -> ((1 - rho) y - q v, (1 - b) rho y + (b + (1 - b) q) v)",
        ("history_stable",),
    ),
    Supposition("weight_heavy", "step", "<", _POT, mul(number(2), _WEIGHT), "", ("weights",)),
    Supposition("weight_free", "step", "<=", ZERO, add(_WEIGHT, Node("neg", (_POTJ,)), _POT), "", ("weights",)),
    Supposition(
        "pot_before",
        "step",
        "=",
        _POTJ,
        _div(Node("power", (_WEIGHT, 2)), sub(mul(number(2), _WEIGHT), _POT)),
        "",
        ("weights",),
    ),
    Supposition("pot_last", "", "=", at("pot", "K"), ZERO, "", ("weights",)),
    Supposition("rest_before", "step", "=", at("rest", "j"), add(at("rest", "k"), at("share", "k")), "", ("shares",)),
    Supposition("rest_first", "", "=", at("rest", "0"), ONE, "", ("shares",)),
    Supposition("rest_last", "", "=", at("rest", "K"), ZERO, "", ("shares",)),
    Supposition(
        "budget_spent",
        "step",
        "<=",
        _norm(E),
        sub(at("budget", "j"), at("budget", "k")),
        "the size of each deviation is taken from the budget",
        ("budget",),
    ),
    Supposition("no_worse", "step", "<=", _F(X), _F(XJ), "x_k is no worse than x_(k-1)", ("accelerated_guard",)),
    Supposition(
        "guard_accepts",
        "guarded",
        "<=",
        _F(X),
        _ABOVE,
        "nor than what the descent lemma says of w_k",
        ("accelerated_guard",),
    ),
    Supposition(
        "w_subgradient",
        "step",
        "is",
        call("subgradient domain r", _W, at("s_w", "k")),
        ONE,
        "",
        ("accelerated_guard", "r_convex"),
    ),
    Supposition(
        "w_step",
        "step",
        "=",
        _W,
        _vsub(_Y, _scal(_div(ONE, _L), _vadd(_grad(_Y), at("s_w", "k")))),
        "w_k is the proximal-gradient step 1/L from y_k",
        ("accelerated_guard", "r_convex"),
    ),
    Supposition(
        "y_step",
        "step",
        "=",
        _Y,
        _vadd(XJ, _scal(_div(_a, _A), _vsub(at("aux", "j"), XJ))),
        "",
        ("accelerated_guard", "guard_weights"),
    ),
    Supposition(
        "aux_step",
        "step",
        "=",
        _U,
        _vadd(at("aux", "j"), _scal(_a, _vsub(_W, _Y))),
        "",
        ("accelerated_guard", "guard_weights"),
    ),
    Supposition("aux_first", "", "=", at("aux", "0"), at("x", "0"), "", ("accelerated_guard",)),
    Supposition("accel_a_large", "step", "<=", ONE, at("accel_a", "k"), "", _WEIGHTS),
    Supposition("accel_A_is", "step", "=", at("accel_A", "k"), Node("power", (at("accel_a", "k"), 2)), "", _WEIGHTS),
    Supposition(
        "accel_A_grows", "step", "=", at("accel_A", "j"), sub(at("accel_A", "k"), at("accel_a", "k")), "", _WEIGHTS
    ),
    Supposition("accel_A_first", "", "=", at("accel_A", "0"), ZERO, "", _WEIGHTS),
    Supposition("not_below", "step", "<=", _F(_z), _F(X), "no iterate is below the comparator", ("not_below",)),
    Supposition("A_before", "step", "=", _AJ, sub(_A, _a), "", ("guard_weights",)),
    Supposition("A_first", "", "=", at("A", "0"), ZERO, "", ("guard_weights",)),
    Supposition("A_at_least_1", "step", "<=", ONE, _A, "", ("guard_weights",)),
    Supposition("N_before", "step", "=", _NJ, sub(_N, _GUARDED), "", ("guard_weights",)),
    Supposition("N_first", "", "=", at("N", "0"), ZERO, "", ("guard_weights",)),
    Supposition("guarded_or_not", "step", "is", _prop("guarded k = 1 \\/ guarded k = 0"), ONE, "", ("guard_weights",)),
    Supposition("momentum_square", "guarded", "=", Node("power", (_a, 2)), _A, "", ("guard_weights",)),
    Supposition("momentum_large", "guarded", "<=", ONE, _a, "", ("guard_weights",)),
    Supposition("momentum_none", "unguarded", "=", _a, ZERO, "", ("guard_weights",)),
)
"""Every row, in the order in which files have them."""
BY_NAME = {row.name: row for row in ROWS}
