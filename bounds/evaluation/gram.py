"""Quantities of runs recorded as inner products of G, D and x - z: every e(h) = D - (h/L) G follows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from ..errors import InputError
from .ball import Ball
from .inputs import array, error_bound, numbers, smoothness, step_size
from .measure import NORM_UNDERFLOW, UNIT, Arrays, growth, sound, unpacked, upper_norm, with_sigma

_PER_STEP = ("G2", "D2", "GD", "Gx", "Gx_prev", "Dx", "Dx_prev")


def _growth(n: int, unit: float) -> float:
    """At least 1 / (1 - 2 g_n) for sums of n terms with rounding `unit`; inf where nothing is known of them."""
    rounding = 2 * (n + 4) * unit
    return (1.0 + 2 * UNIT) / (1.0 - rounding) ** 2 if rounding < 0.5 else np.inf


def from_gram(given: SimpleNamespace) -> tuple[Arrays, Arrays, int, int]:
    """Values, error bounds, steps and batch size of runs given by the arguments of `from_inner_products`."""
    F = array("F", given.F, (None, None), "(B, K+1)")
    batch, steps, n = F.shape[0], F.shape[1] - 1, given.dimension
    if batch < 1 or steps < 1 or n < 1:
        raise InputError(
            f"`F` has shape {F.shape} and dimension is {n}: at least one run, step and variable are needed"
        )
    with np.errstate(all="ignore"):
        return *unpacked(with_sigma(_gram_balls(given, batch, steps))), steps, batch


def _gram_balls(given: SimpleNamespace, batch: int, steps: int) -> dict[str, Ball]:
    many, points, n = (batch, steps), (batch, steps + 1), given.dimension
    unit = max(UNIT, given.run_precision / 2)
    # the smallest normal number of that arithmetic: n products may miss as much each, and a norm the root of it
    least = n * float(np.finfo(np.float32 if unit > UNIT else np.float64).tiny)
    declared = given.errors or {}
    read = {name: array(name, getattr(given, name), many, "(B, K)") for name in _PER_STEP}
    F, dist = array("F", given.F, points, "(B, K+1)"), array("dist", given.dist, points, "(B, K+1)")
    off_G = error_bound("gradient_error", given.gradient_error, many, "(B, K)")
    off_z = error_bound("comparator_error", given.comparator_error, (batch,), "(B,)")[:, None]
    more = _growth(n, unit) / growth(n)
    G, D = (more * upper_norm(np.sqrt(np.maximum(read[name], 0) + least), n) for name in ("G2", "D2"))
    reach = more * upper_norm(dist + np.sqrt(least), n)
    near, far = reach[:, 1:], reach[:, :-1]
    sides = {
        "G2": (G, G),
        "D2": (D, D),
        "GD": (G, D),
        "Gx": (G, near),
        "Gx_prev": (G, far),
        "Dx": (D, near),
        "Dx_prev": (D, far),
    }
    balls = {}
    for name, value in read.items():
        a, b = sides[name]
        # the sum, and the rounding of the entries of G, D and x - z
        rad = (n + 8) * unit * _growth(n, unit) * a * b + 4 * least
        if name in declared:
            rad = error_bound(f"errors[{name!r}]", declared[name], many, "(B, K)")
        # an error of the gradient moves G against whatever it is multiplied with, and twice in ||G||^2
        if name == "G2":
            rad = rad + off_G * (2 * G + off_G)
        elif name.startswith("G"):
            rad = rad + off_G * b
        if name.endswith(("x", "x_prev")):
            rad = rad + off_z * a
        balls[name] = sound(value, n, rad)
    L, h = smoothness(given.L, given.L_error, batch, n), step_size(given.reference_step, batch)
    c = Ball(h[:, None]) / L[:, None]
    off = {
        name: error_bound(f"errors[{name!r}]", declared.get(name), shape, "the shape of its value")
        for name, shape in (("F", points), ("F_z", (batch,)), ("tau", (batch,)), ("G_inf", many))
    }
    off_dist = declared.get("dist", (n + 4) * unit * _growth(n, unit) * dist + n * NORM_UNDERFLOW + np.sqrt(least))
    e2 = balls["D2"] - 2.0 * c * balls["GD"] + c * c * balls["G2"]
    e2 = Ball(np.maximum(e2.mid, 0.0), e2.rad)  # a square: moving the midpoint to 0 keeps every member >= 0
    out = {
        "L": L,
        "h": Ball(h),
        "F": Ball(F, off["F"]),
        "F_z": Ball(array("F_z", given.F_z, (batch,), "(B,)"), off["F_z"]),
        "dist": sound(dist, n, error_bound("errors['dist']", off_dist, points, "(B, K+1)") + off_z),
        "G2": balls["G2"],
        "D2": balls["D2"],
        "e2": e2,
        "enorm": e2.sqrt(),
        "Gnorm": balls["G2"].sqrt(),
        "Ge": balls["GD"] - c * balls["G2"],
        "ex": balls["Dx"] - c * balls["Gx"],
        "ex_prev": balls["Dx_prev"] - c * balls["Gx_prev"],
    }
    for name, shape in (("tau", (batch,)), ("G_inf", many)):
        if getattr(given, name) is not None:
            out[name] = Ball(array(name, getattr(given, name), shape, str(shape)), off[name])
    for name, value, error in (
        ("mu", given.strong_convexity, given.strong_convexity_error),
        ("F_low", given.objective_lower, None),
    ):
        if value is not None:
            checked = array(name, value, (batch,), "(B,)", infinite=name == "F_low")
            out[name] = Ball(checked, error_bound(f"the error of {name}", error, (batch,), "(B,)"))
    for name, value in (given.extra or {}).items():
        value = numbers(f"extra[{name!r}]", value, "an array of numbers")
        out[name] = Ball(value, error_bound(f"errors[{name!r}]", declared.get(name), value.shape, "the value's shape"))
    return out
