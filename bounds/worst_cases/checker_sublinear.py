"""An independent checker of certificates of rates 1/k: the standard library, fractions, nothing of the engine.

A certificate has the points of two steps from any state, potentials A and B before and after a step, and multipliers.
The checker writes down the inequalities of the classes and checks that A - A' - B', B - B', A, B less the target, and
constant ||x_0 - x*||^2 - A at the first state are, with the multipliers, forms that are positive semidefinite and in
which function values cancel. Then V(k) = A + k B does not increase, and k target <= V(k) <= V(0). Given the method, it
makes both steps, and the first state, on symbols of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from ._checked import (
    ONE,
    ZERO,
    Entries,
    certified,
    demand,
    number,
    product,
    summed,
    vector,
)
from ._checked_method import first_state, steps_again
from .checker_lyapunov import demand_form, demand_sides, plus, potential, target
from .checker_traced import digest as digest
from .checker_traced import inequalities_of

FORMAT = "l2obound-sublinear-rate-1"
PROOFS = ("decrease", "growth", "nonnegative", "above", "start")
ENTRIES = {
    "format", "method", "functions", "points", "state", "fixed", "now", "after", "target", "x", "goal", "next",
    "constant", "start", "A", "B", "proofs", "digest",
}  # fmt: skip


def check(
    certificate: Mapping[str, Any],
    method: Callable | None = None,
    init: Callable | None = None,
) -> Fraction:
    """The proved constant c of target(x_k) <= c ||x_0 - x*||^2/k.

    Args:
        certificate: The data of a `SublinearRate`.
        method: The step function, if the proof is to be compared with it.
        init: Its init.

    Returns:
        The constant.

    Raises:
        Wrong: Where something does not hold, or where the method is another one.
    """
    return certified(FORMAT, _check, certificate, method, init)


def _check(c: Mapping[str, Any], method: Callable | None, init: Callable | None) -> Fraction:
    demand(c["format"] == FORMAT, f"the format is not {FORMAT}")
    demand(c["digest"] == digest(c), "the digest is that of another certificate")
    demand(set(c) == ENTRIES, f"its entries are not those of a certificate: {set(c) ^ ENTRIES}")
    demand(set(c["proofs"]) == set(PROOFS), "its proofs are not those of a certificate")
    constant = number(c["constant"])
    demand(constant > 0, "the constant is not positive")
    demand_sides(c)
    demand(len(c["start"]) == c["state"] and number(c["start"][0]) == ONE, "the first state does not begin with x_0")
    rows = inequalities_of(c["functions"], c["points"])
    A, B = ([potential(c, c[part], c[side]) for side in ("now", "after")] for part in "AB")
    proofs = c["proofs"]
    decrease = plus((ONE, A[0]), (-ONE, A[1]), (-ONE, B[1]))
    demand_form(rows, decrease, proofs["decrease"], "the decrease")
    demand_form(rows, plus((ONE, B[0]), (-ONE, B[1])), proofs["growth"], "B, which may not grow,")
    demand_form(rows, A[0], proofs["nonnegative"], "A above 0")
    demand_form(rows, plus((ONE, B[0]), (-ONE, target(c))), proofs["above"], "B above the target")
    _demand_start(c, rows, constant, A[0])
    if method is not None:
        steps_again(c, method, init, proofs=True)
        begun = first_state(init)
        demand(begun == [summed((number(w), {"x0": ONE})) for w in c["start"]], "the method has another first state")
    return constant


def _demand_start(c: Mapping[str, Any], rows: Any, constant: Fraction, A: tuple[Entries, Entries]) -> None:
    """constant ||x_0 - x*||^2 - A with every vector of the state a multiple of x_0, the first one x_0 itself."""
    weights = {f"state{i}": number(w) for i, w in enumerate(c["start"])}

    def at_start(form: Entries) -> Entries:
        total: Entries = {}
        for (p, q), w in form.items():
            names, factor = [], w
            for name in (p, q):
                factor *= weights.get(name, ONE)
                names.append("state0" if name in weights else name)
            key = (min(names), max(names))
            total[key] = total.get(key, ZERO) + factor
        return {pair: w for pair, w in total.items() if w}

    off = {"state0": ONE, "x*": -ONE}
    goal = plus((constant, ({}, product(off, off))), (-ONE, (A[0], at_start(A[1]))))
    begun = {name: (name, values, at_start(form), rhs) for name, (_, values, form, rhs) in rows.items()}
    demand_form(begun, goal, c["proofs"]["start"], "A at the start")


__all__ = ["FORMAT", "PROOFS", "check", "digest", "vector"]
