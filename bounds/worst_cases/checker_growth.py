"""An independent checker of certificates that a worst case is +inf: the standard library, nothing of the engine.

A certificate has the run of a question, as those of `checker_traced` have, and instances that grow: every vector is
v + m w and every value a + m b + m^2 c, for all m >= 0. The checker writes down the inequalities of the classes, and
checks that inner products of all v and w are a positive semidefinite form, that each inequality holds for m = 0 and no
other coefficient of it is above 0, and that the metric grows: no coefficient of its m and m^2 is below 0, one is above.
Classes of matrices ask for w alone, whose matrices have to be positive semidefinite.

Given the method it is compared with the points of the certificate. That an instance of m is one of a function of the
class is the interpolation theorem of the class. Classes that have none are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from ._checked import ONE, ZERO, Entries, Wrong, certified, demand, expression, number, positive_semidefinite
from ._checked_method import demand_method
from .checker_traced import ENTRIES as PROOF
from .checker_traced import FREE, NOT_TIGHT, rows_of_question
from .checker_traced import digest as digest

FORMAT = "l2obound-unbounded-worst-case-1"
ENTRIES = (PROOF - {"tau", "exact", "upper_bound_only", "multipliers"}) | {"vectors", "values"}
Growth = tuple[Fraction, Fraction, Fraction]


def check(certificate: Mapping[str, Any], method: Callable | None = None, init: Callable | None = None) -> list[str]:
    """The vectors that grow.

    Args:
        certificate: The data of an `UnboundedError`.
        method: The step function, if the question is to be compared with it.
        init: Its init.

    Returns:
        The names of the vectors with a part w that is not 0; none where only function values grow.

    Raises:
        Wrong: Where something does not hold, or where the method is another one.
    """
    return certified(FORMAT, _check, certificate, method, init)


def _check(c: Mapping[str, Any], method: Callable | None, init: Callable | None) -> list[str]:
    demand(c["format"] == FORMAT, f"the format is not {FORMAT}")
    demand(c["digest"] == digest(c), "the digest is that of another certificate")
    demand(set(c) == ENTRIES, f"its entries are not those of a certificate: {set(c) ^ ENTRIES}")
    loose = [name for name, f in c["functions"].items() if f["class"] in NOT_TIGHT]
    demand(not loose, f"{loose}: no theorem says that what satisfies the inequalities is a function of the class")
    if method is not None:
        demand_method(c, method, init)
    form: Entries = {}
    for one, p, other, q, text in c["vectors"]:
        demand(p in (0, 1) and q in (0, 1), "a part that is neither v nor w")
        key = ((one, p), (other, q)) if (one, p) <= (other, q) else ((other, q), (one, p))
        demand(key not in form, f"{key} stands there twice")
        form[key] = number(text)
    _demand_semidefinite(form)
    values = {tuple(name): tuple(map(number, three)) for *name, three in c["values"]}
    demand(all(len(three) == 3 for three in values.values()), "a value without its three coefficients")

    def of(p: str, i: int, q: str, j: int) -> Fraction:
        return form.get(((p, i), (q, j)) if (p, i) <= (q, j) else ((q, j), (p, i)), ZERO)

    def at(levels: Entries, given: Entries) -> Growth:
        total = [ZERO, ZERO, ZERO]
        for name, w in levels.items():
            key = (name,) if isinstance(name, str) else tuple(name)
            for power, v in enumerate(values.get(key, ())):
                total[power] += w * v
        for (p, q), w in given.items():
            total[0] += w * of(p, 0, q, 0)
            total[1] += w * (of(p, 0, q, 1) + of(p, 1, q, 0))
            total[2] += w * of(p, 1, q, 1)
        return total[0], total[1], total[2]

    squares: dict[str, Entries] = {}
    for name, levels, given, right in rows_of_question(c).values():
        first, *rest = at(levels, given)
        if name[0] == "square":
            demand(not first and not rest[0], f"{name} has a part that does not grow with m^2")
            squares.setdefault(name[1], {})[min(name[2], name[3]), max(name[2], name[3])] = -rest[1]
            continue
        if name[0] in FREE:
            demand(not (first or any(rest)), f"{name} is not 0")
        demand(first <= right, f"{name} does not hold at first: {first} > {right}")
        demand(all(v <= 0 for v in rest), f"{name} does not hold in the end: {rest}")
    for square in squares.values():
        positive_semidefinite(square)
    goal = ({"t": ONE}, {}) if len(c["metric"]) > 1 else expression(c["metric"][0])
    _, *growth = at(*goal)
    demand(min(growth) >= 0 and any(growth), f"the metric does not grow: {growth}")
    return [one for (one, p), (other, q) in form if (one, p) == (other, q) and p == 1 and form[(one, p), (other, q)]]


def _demand_semidefinite(form: Entries) -> None:
    try:
        positive_semidefinite({pair: v if pair[0] == pair[1] else 2 * v for pair, v in form.items()})
    except Wrong:
        raise Wrong("the inner products are those of no vectors") from None


__all__ = ["FORMAT", "Wrong", "check", "digest"]
