"""An independent checker of certificates of linear rates: the standard library, fractions, nothing of the engine.

A certificate has the points of two steps from any state, V before and after the first step, and multipliers. The
checker writes down the inequalities of the classes and checks that rate V(k) - V(k + 1) and V(k) less the target are,
with the multipliers, forms that are positive semidefinite and in which function values cancel. Given the method, it
makes both steps on symbols of its own and demands the points and vectors of the certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from ._checked import (
    MAPS,
    ONE,
    ZERO,
    Entries,
    Wrong,
    certified,
    demand,
    number,
    positive_semidefinite,
    product,
    summed,
    vector,
)
from ._checked_method import steps_again
from .checker_traced import FREE, INDICATORS, inequalities_of
from .checker_traced import digest as digest

FORMAT = "l2obound-linear-rate-1"
ENTRIES = {
    "format", "method", "functions", "points", "state", "fixed", "now", "after", "target", "x", "goal", "rate", "form",
    "weights", "decrease", "above", "digest",
}  # fmt: skip


def check(
    certificate: Mapping[str, Any],
    method: Callable | None = None,
    init: Callable | None = None,
) -> Fraction:
    """The proved rate.

    Args:
        certificate: The data of a `LyapunovRate`.
        method: The step function, if the proof is to be compared with it.
        init: Its init.

    Returns:
        The rate per iteration.

    Raises:
        Wrong: Where something does not hold, or where the method is another one.
    """
    return certified(FORMAT, _check, certificate, method, init)


def _check(c: Mapping[str, Any], method: Callable | None, init: Callable | None) -> Fraction:
    demand(c["format"] == FORMAT, f"the format is not {FORMAT}")
    demand(c["digest"] == digest(c), "the digest is that of another certificate")
    demand(set(c) == ENTRIES, f"its entries are not those of a certificate: {set(c) ^ ENTRIES}")
    rate = number(c["rate"])
    demand(rate >= 0, "the rate is negative")
    rows = inequalities_of(c["functions"], c["points"])
    demand_sides(c)
    now, after = potential(c, c, c["now"]), potential(c, c, c["after"])
    demand_form(rows, plus((rate, now), (-ONE, after)), c["decrease"], "the decrease")
    demand_form(rows, plus((ONE, now), (-ONE, target(c))), c["above"], "V above the target")
    if method is not None:
        steps_again(c, method, init)
    return rate


def plus(*terms: tuple[Fraction, tuple[Entries, Entries]]) -> tuple[Entries, Entries]:
    """A combination of values and forms."""
    return summed(*((w, values) for w, (values, _) in terms)), summed(*((w, form) for w, (_, form) in terms))


def demand_sides(c: Mapping[str, Any]) -> None:
    """V is the same function before and after: entry by entry of the same functions, all less what they are at x*."""
    kinds = [[f for f, _ in c[side]["values"]] for side in ("now", "after")]
    demand(kinds[0] == kinds[1], "V has other values after a step")
    demand(len(c["now"]["vectors"]) == len(c["after"]["vectors"]), "V has other vectors after a step")
    demand(len(c["fixed"]) == c["state"], "the fixed state has other vectors")


def potential(c: Mapping[str, Any], given: Mapping[str, Any], side: Mapping[str, Any]) -> tuple[Entries, Entries]:
    """Values and form of a potential before or after a step; `given` has its form and weights."""
    vectors = [vector(v) for v in side["vectors"]]
    form = summed(*((number(w), product(vectors[a], vectors[b])) for a, b, w in given["form"]))
    values: Entries = {}
    at = {(p["function"], p["label"]): (vector(p["x"]), vector(p["g"])) for p in c["points"]}
    for i, text in given["weights"]:
        name, label = side["values"][i]
        w, off = number(text), summed((ONE, at[name, label][0]), (-ONE, {"x*": ONE}))
        values = summed((ONE, values), (w, {(name, label): ONE}), (-w, {(name, "*"): ONE}))
        form = summed((ONE, form), (-w, product(at[name, "*"][1], off)))  # above its tangent at x*
    return values, form


def target(c: Mapping[str, Any]) -> tuple[Entries, Entries]:
    """Values and form of what a potential is at least."""
    x = vector(c["x"])
    if c["target"] == "distance":
        off = summed((ONE, x), (-ONE, vector(c["goal"])))
        return {}, product(off, off)
    if c["target"] == "residual" and "next" in c:
        off = summed((ONE, vector(c["next"])), (-ONE, x))
        return {}, product(off, off)
    demand(c["target"] == "objective", f"unknown target {c['target']}")
    values: Entries = {}
    if "next" in c and not any(vector(p["x"]) == x for p in c["points"]):
        x = vector(c["next"])  # a prox leads to the next iterate
    for name, function in c["functions"].items():
        demand(function["class"] not in (*MAPS, *INDICATORS), f"{name} has no values")
        at = [p["label"] for p in c["points"] if p["function"] == name and vector(p["x"]) == x]
        demand(len(at) == 1, f"{name} is not asked at x_k")
        values = summed((ONE, values), (ONE, {(name, at[0]): ONE}), (-ONE, {(name, "*"): ONE}))
    return values, {}


def demand_form(
    rows: Mapping[tuple[str, ...], Any], goal: tuple[Entries, Entries], multipliers: list[list[str]], what: str
) -> None:
    """A combination with inequalities in which values cancel and whose form is positive semidefinite."""
    values, form = goal
    seen = set()
    for *name, text in multipliers:
        weight, row = number(text), rows.get(tuple(name))
        if row is None:
            raise Wrong(f"{what}: there is no inequality {name}")
        demand(name[0] not in FREE, f"{what}: {name} is of a class of matrices, which has no rate")
        demand(weight >= 0, f"{what}: the multiplier of {name} is negative")
        demand(tuple(name) not in seen, f"{what}: {name} stands there twice")
        demand(row[3] == ZERO, f"{what}: {name} has a constant, which no rate allows")
        seen.add(tuple(name))
        values, form = summed((ONE, values), (weight, row[1])), summed((ONE, form), (weight, row[2]))
    demand(not values, f"{what}: the function values do not cancel")
    try:
        positive_semidefinite(form)
    except Wrong:
        raise Wrong(f"{what}: the form is not positive semidefinite") from None
