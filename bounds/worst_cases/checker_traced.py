"""An independent checker of certificates of traced methods: the standard library, fractions, nothing of the engine.

A certificate says at which points a run asked its functions (combinations of x0, x* and what was returned), which
further inequalities hold, and what is maximised. The checker writes down the inequalities of the classes at these
points, and checks that multipliers are >= 0, that function values cancel, that the form which remains is positive
semidefinite, that tau is what the multipliers prove, and that a witness satisfies every inequality and attains tau.
Linear operators and quadratic functions have equations, whose multipliers may be below 0, and matrices, whose
multipliers are a positive semidefinite matrix.

Given the method itself, `check` runs it on symbols of its own and demands the points of the certificate: then the
proof is about that code. Metrics and initial conditions that have names are written down again as well; those that were
given as code are believed as they stand in the certificate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from ._checked import (
    HALF,
    LINEAR,
    MAPS,
    ONE,
    ZERO,
    Entries,
    Wrong,
    add,
    certified,
    demand,
    expression,
    number,
    positive_semidefinite,
    product,
    summed,
    vector,
)
from ._checked_method import demand_method

FORMAT = "l2obound-traced-worst-case-1"
ENTRIES = {
    "format", "method", "steps", "metric_name", "initial_name", "functions", "points", "inequalities", "metric",
    "infimum", "tau", "exact", "upper_bound_only", "multipliers", "digest",
}  # fmt: skip
Inequality = tuple[tuple[str, ...], Entries, Entries, Fraction]


def digest(certificate: Mapping[str, Any]) -> str:
    """sha256 of all but the digest, as JSON with sorted keys."""
    rest = {name: value for name, value in certificate.items() if name != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


# -- classes


def _laws(function: Mapping[str, str]) -> list[tuple[str, bool, Fraction, Fraction, Fraction, Fraction, Fraction]]:
    """(over, values, slope, alpha, beta, gamma, rhs) of each kind of inequality of a class."""
    given = {name: number(v) for name, v in function.items() if name not in ("class", "inside")}
    kind = function["class"]

    def curved(mu: Fraction, L: Fraction) -> tuple:
        demand(mu < L and L > 0, f"{kind}: mu = {mu} and L = {L} make no sense")
        rest = 1 / (2 * (L - mu))
        return ("ordered", True, ONE, rest, rest * mu * L, -2 * rest * mu, ZERO)

    plain = ("ordered", True, ONE, ZERO, ZERO, ZERO, ZERO)
    demand(all(v > 0 for name, v in given.items() if name != "mu"), f"{kind}: a number of the class is not positive")
    demand(given.get("mu", ZERO) >= 0 or kind == "symmetric_operator", f"{kind}: mu is negative")
    ordered = kind not in ("quadratic", "symmetric_operator") or given.get("mu", ZERO) < given.get("L", ZERO)
    demand(ordered, f"{kind}: mu is not below L")
    numbers, laws = {
        "smooth_convex": ({"L"}, lambda: [curved(ZERO, given["L"])]),
        "smooth_strongly_convex": ({"L", "mu"}, lambda: [curved(given["mu"], given["L"])]),
        "smooth_nonconvex": ({"L"}, lambda: [curved(-given["L"], given["L"])]),
        "convex": (set(), lambda: [plain]),
        "strongly_convex": ({"mu"}, lambda: [(*plain[:4], given["mu"] / 2, ZERO, ZERO)]),
        "weakly_convex": ({"rho"}, lambda: [(*plain[:4], -given["rho"] / 2, ZERO, ZERO)]),
        "quadratically_bounded": (
            {"L"},
            lambda: [plain, ("below x*", True, ONE, 1 / (2 * given["L"]), ZERO, ZERO, ZERO)],
        ),
        "restricted_secant": (
            {"L", "mu"},
            lambda: [
                ("above x*", False, ZERO, ZERO, given["mu"], -ONE, ZERO),
                ("above x*", False, ZERO, ONE, -(given["L"] ** 2), ZERO, ZERO),
            ],
        ),
        "lojasiewicz": (
            {"L", "mu"},
            lambda: [
                curved(-given["L"], given["L"]),
                ("below x*", True, ZERO, -1 / (2 * given["mu"]), ZERO, ZERO, ZERO),
                ("above x*", True, ZERO, 1 / (2 * given["L"]), ZERO, ZERO, ZERO),
            ],
        ),
        "bounded_subgradients": (
            {"M"}, lambda: [plain, ("points", False, ZERO, ONE, ZERO, ZERO, given["M"] ** 2)],
        ),
        "indicator": (
            {"diameter"} & set(given),
            lambda: [("ordered", False, *plain[2:])]
            + [("pairs", False, ZERO, ZERO, ONE, ZERO, D * D) for D in given.values()],
        ),
        "monotone": ({"mu"}, lambda: [("pairs", False, ZERO, ZERO, given["mu"], -ONE, ZERO)]),
        "cocoercive": ({"beta"}, lambda: [("pairs", False, ZERO, given["beta"], ZERO, -ONE, ZERO)]),
        "lipschitz_monotone": (
            {"L", "mu"},
            lambda: [
                ("pairs", False, ZERO, ZERO, given["mu"], -ONE, ZERO),
                ("pairs", False, ZERO, ONE, -(given["L"] ** 2), ZERO, ZERO),
            ],
        ),
        "lipschitz_map": ({"L"}, lambda: [("pairs", False, ZERO, ONE, -(given["L"] ** 2), ZERO, ZERO)]),
        "quadratic": ({"L", "mu"}, list),
        "linear_operator": ({"L"}, list),
        "symmetric_operator": ({"L", "mu"}, list),
        "skew_operator": ({"L"}, list),
    }[kind]  # fmt: skip
    demand(set(given) == numbers, f"{kind}: its numbers are {sorted(numbers)}, not {sorted(given)}")
    return laws()


NOT_TIGHT = ("lipschitz_monotone", "restricted_secant", "lojasiewicz")
ABOUT_STAR = ("quadratically_bounded", "restricted_secant", "lojasiewicz")
ORDINALS = ("second", "third")
INDICATORS = ("indicator",)
INFIMUM = ("smooth_convex", "smooth_nonconvex")
MATRICES = ("quadratic", *LINEAR)
FREE = ("square", "adjoint", "level")
"""Rows whose multipliers may be below 0."""


# -- classes of matrices


def _matrix_rows(name: str, function: Mapping[str, str], points: Mapping[str, list], first: str) -> list[Inequality]:
    """Entries of matrices that are positive semidefinite, with the sign of inequalities, and equations."""
    kind, L = function["class"], number(function["L"])
    mu = number(function["mu"]) if "mu" in function else ZERO
    skew, function_class = kind == "skew_operator", kind == "quadratic"
    forth = _less(points[name], first, "", ONE)
    back = [] if function_class else _less(points[f"{name}.T"], first, "T", -ONE if skew else ONE)
    lists = [forth, back] if kind == "linear_operator" else [forth + back]
    rows: list[Inequality] = []

    def entry(p: tuple, q: tuple) -> Entries:
        if kind in ("quadratic", "symmetric_operator"):
            return product(summed((L, p[1]), (-ONE, p[2])), summed((ONE, q[2]), (-mu, q[1])))
        return summed((L * L, product(p[1], q[1])), (-ONE, product(p[2], q[2])))

    for which, listed in enumerate(lists):
        for a, p in enumerate(listed):
            for b, q in enumerate(listed[a:], a):
                form = summed((-ONE, entry(p, q))) if a == b else summed((-ONE, entry(p, q)), (-ONE, entry(q, p)))
                rows.append((("square", f"{name}.T" if which else name, p[0], q[0]), {}, form, ZERO))
    if kind == "linear_operator":
        pairs = [(p, q) for p in forth for q in back]
    else:
        pairs = [(p, q) for a, p in enumerate(lists[0]) for q in lists[0][a if skew else a + 1 :]]
    for p, q in pairs:
        form = summed((ONE, product(p[1], q[2])), (ONE if skew else -ONE, product(p[2], q[1])))
        rows.append((("adjoint", name, p[0], q[0]), {}, form, ZERO))
    if not function_class:  # <M x - M x*, u*> = <x - x*, v*>
        [(u, v)] = [(x, g) for label, x, g in points[f"{name}.T"] if label == "*"]
        for label, x, y in _less(points[name], first, "", ONE):
            rows.append((("adjoint", name, label, "*"), {}, summed((ONE, product(x, v)), (-ONE, product(y, u))), ZERO))
    if function_class:
        [(xr, gr)] = [(x, g) for label, x, g in points[name] if label == first]
        for label, x, g in points[name]:
            if label != first:
                form = product(summed((ONE, g), (ONE, gr)), summed((ONE, x), (-ONE, xr)))
                rows.append(
                    (("level", name, label), {(name, label): ONE, (name, first): -ONE}, summed((-HALF, form)), ZERO)
                )
    return rows


def _less(points: list, first: str, prefix: str, sign: Fraction) -> list[tuple[str, Entries, Entries]]:
    """Labels, inputs and outputs less those of a point, which has to be there."""
    there = [(x, g) for label, x, g in points if label == first]
    if not points:
        return []
    demand(len(there) == 1, "a class of matrices without its reference")
    x0, g0 = there[0]
    return [
        (prefix + label, summed((ONE, x), (-ONE, x0)), summed((sign, g), (-sign, g0)))
        for label, x, g in points
        if label != first
    ]


def _demand_squares(weights: Mapping[tuple[str, ...], Fraction]) -> None:
    """The multipliers of the entries of each matrix are a positive semidefinite matrix."""
    of: dict[str, Entries] = {}
    for name, weight in weights.items():
        if name[0] == "square":
            a, b = name[2], name[3]
            key, factor = (min(a, b), max(a, b)), ONE if a == b else Fraction(2)
            of.setdefault(name[1], {})[key] = factor * weight
    for matrix, form in of.items():
        try:
            positive_semidefinite(form)
        except Wrong:
            raise Wrong(f"the multipliers of the matrix of {matrix} are not positive semidefinite") from None


def _of_class(
    name: str, function: Mapping[str, str], points: list[tuple[str, Entries, Entries]]
) -> Iterator[Inequality]:
    """Every inequality of a class at the points of one function."""
    for nth, (over, values, slope, alpha, beta, gamma, rhs) in enumerate(_laws(function)):
        prefix = ORDINALS[nth - 1 : nth] if nth else ()
        if over == "points":
            for label, x, g in points:
                yield ("bound", name, label), {}, summed((alpha, product(g, g)), (beta, product(x, x))), rhs
            continue
        for a, (one, xi, gi) in enumerate(points):
            for b, (other, xj, gj) in enumerate(points):
                if a == b or (over == "pairs" and a > b):
                    continue
                if "x*" in over and ("*" not in (one, other) or (over == "above x*") != (other == "*")):
                    continue
                dx, dg = summed((ONE, xi), (-ONE, xj)), summed((ONE, gi), (-ONE, gj))
                terms = ((slope, gj, dx), (alpha, dg, dg), (beta, dx, dx), (gamma, dg, dx))
                form = summed(*((weight, product(u, v)) for weight, u, v in terms if weight))
                levels = {(name, other): ONE, (name, one): -ONE} if values else {}
                yield (*prefix, name, one, other), levels, form, rhs


# -- the question of a certificate


def inequalities_of(functions: Mapping[str, Any], given: list[Mapping[str, Any]]) -> dict[tuple[str, ...], Inequality]:
    """Every inequality of the classes at points, by name; raises `Wrong` where x* is no minimiser.

    Args:
        functions: Name to class and its numbers.
        given: The points: function, label, x and g.

    Returns:
        For each name: the name, function values, form and right-hand side.
    """
    demand(all(name.isidentifier() for name in functions), "a function whose name is no name")
    points: dict[str, list] = {name: [] for name in functions}
    points |= {f"{name}.T": [] for name, function in functions.items() if function["class"] in LINEAR}
    for p in given:
        points[p["function"]].append((p["label"], vector(p["x"]), vector(p["g"])))
    _demand_minimiser(functions, points)
    alone = len(functions) == 1 or not any(f["class"] in ABOUT_STAR for f in functions.values())
    demand(alone, "a class about its minimiser is beside others")
    rows: list[Inequality] = []
    for listed in points.values():
        labels = [label for label, _, _ in listed]
        demand(len(set(labels)) == len(labels), "a function has two points of one label")
    for name, function in functions.items():
        rows += _of_class(name, function, points[name])
        if function["class"] in MATRICES and points[name]:
            labels = [label for label, _, _ in points[name]]
            rows += _matrix_rows(name, function, points, "*" if "*" in labels else labels[0])
    return {row[0]: row for row in rows}


def _demand_minimiser(functions: Mapping[str, Any], points: Mapping[str, list]) -> None:
    """Functions are asked at x*, or at M x*, and what they have there adds up to 0."""
    star = {name: (x, g) for name, listed in points.items() for label, x, g in listed if label == "*"}
    linear = [name for name, function in functions.items() if function["class"] in LINEAR]
    inside = [function["inside"] for function in functions.values() if "inside" in function]
    demand(sorted(inside) == sorted(linear), "operators and the terms behind them do not belong together")
    demand(set(linear) <= set(star), "an operator without a point at x*")
    demand(not star or set(star) == set(points), "x* is a point of some functions and not of others")
    shares: dict[str, Entries] = {}
    for name, (x, g) in star.items():
        if name.endswith(".T"):
            shares[name] = g
            continue
        function = functions[name]
        if "inside" in function:
            demand(x == star[function["inside"]][1], f"the minimiser of {name} is elsewhere")
            demand(star[f"{function['inside']}.T"][0] == g, f"the transpose is not applied to what {name} has at x*")
            demand(g == {f"{name}'*": ONE}, f"what {name} has at x* is not its own")
        else:
            demand(x == {"x*": ONE}, f"the minimiser of {name} is elsewhere")
            maps = function["class"] in MAPS
            demand(not maps or g == x, f"x* is no fixed point of {name}")
            demand(name not in linear or g == {f"{name}'*": ONE}, f"what {name} has at x* is not its own")
            if not maps and name not in linear:
                shares[name] = g
    demand(not summed(*((ONE, g) for g in shares.values())), "the gradients at the minimiser do not add up to 0")
    others = [name for name, g in shares.items() if g != {f"{name}'*": ONE}]
    demand(len(others) <= 1, f"what {', '.join(others)} have at x* is not their own")


def rows_of_question(c: Mapping[str, Any]) -> dict[tuple[str, ...], Inequality]:
    """Every inequality of the question of a certificate, by name.

    Args:
        c: The certificate.

    Returns:
        Those of the classes at its points, of the initial condition, of errors, and of the entries of a metric.
    """
    rows = list(inequalities_of(c["functions"], c["points"]).values())
    points = {name: [p for p in c["points"] if p["function"] == name] for name in c["functions"]}
    if c["infimum"] is not None:
        name = c["infimum"]
        demand([name] == list(c["functions"]), "an infimum is spoken of beside other functions")
        demand(c["functions"][name]["class"] in INFIMUM, "the class has no infimum that may be far away")
        demand("*" not in [p["label"] for p in points[name]], "the minimiser is a point and far away")
        weight = 1 / (2 * number(c["functions"][name]["L"]))
        for label, g in ((p["label"], vector(p["g"])) for p in points[name]):
            rows.append(
                ((name, label, "*"), {(name, "*"): ONE, (name, label): -ONE}, summed((weight, product(g, g))), ZERO)
            )
    for side in c["inequalities"]:
        demand(side["name"][0] in ("initial", "error"), f"an inequality of no source: {side['name']}")
        rows.append((tuple(side["name"]), *expression(side), number(side["right"])))
    if len(c["metric"]) > 1:
        for i, one in enumerate(c["metric"]):
            values, form = expression(one)
            rows.append((("metric", str(i)), summed((-ONE, values), (ONE, {"t": ONE})), summed((-ONE, form)), ZERO))
    named = {row[0]: row for row in rows}
    demand(len(named) == len(rows), "two inequalities have one name")
    return named


def check(certificate: Mapping[str, Any], method: Callable | None = None, init: Callable | None = None) -> Fraction:
    """The proved bound tau; raises `Wrong` where something does not hold, or where the method is another one."""
    return certified(FORMAT, _check, certificate, method, init)


def _check(c: Mapping[str, Any], method: Callable | None, init: Callable | None) -> Fraction:
    demand(c["format"] == FORMAT, f"the format is not {FORMAT}")
    demand(c["digest"] == digest(c), "the digest is that of another certificate")
    demand(type(c["exact"]) is bool, "exact is neither true nor false")
    wanted = ENTRIES | ({"witness"} if c["exact"] else set())
    demand(set(c) == wanted, f"its entries are not those of a certificate: {set(c) ^ wanted}")
    loose = any(f["class"] in NOT_TIGHT for f in c["functions"].values())
    demand(c["upper_bound_only"] is loose, "it does not say whether it is an upper bound only")
    demand(not (loose and c["exact"]), "an upper bound that is called exact")
    if method is not None:
        demand_method(c, method, init)
    rows, tau = rows_of_question(c), number(c["tau"])
    values, form = ({"t": ONE}, {}) if len(c["metric"]) > 1 else expression(c["metric"][0])
    rest, slack, bound = dict(values), summed((-ONE, form)), ZERO
    seen: dict[tuple[str, ...], Fraction] = {}
    for *name, text in c["multipliers"]:
        weight = number(text)
        demand(tuple(name) in rows, f"there is no inequality {name}")
        demand(tuple(name) not in seen, f"{name} stands there twice")
        demand(weight >= 0 or name[0] in FREE, f"the multiplier of {name} is negative")
        seen[tuple(name)] = weight
        _, levels, matrix, rhs = rows[tuple(name)]
        add(rest, -weight, levels)
        add(slack, weight, matrix)
        bound += weight * rhs
    rest = summed((ONE, rest))
    demand(not rest, f"the function values do not cancel: {rest}")
    demand(bound == tau, f"the multipliers prove {bound}, not tau = {tau}")
    null = {name: number(v) for name, v in c["witness"]["vectors"].items()} if c["exact"] else None
    positive_semidefinite(slack, null)
    _demand_squares(seen)
    if c["exact"]:
        _check_witness(c, rows, tau)
    return tau


def _check_witness(c: Mapping[str, Any], rows: Mapping[tuple[str, ...], Inequality], tau: Fraction) -> None:
    at = {name: number(v) for name, v in c["witness"]["vectors"].items()}
    level = {tuple(name): number(v) for *name, v in c["witness"]["values"]}

    def total(values: Entries, form: Entries, t: Fraction = ZERO) -> Fraction:
        levels = sum((w * (t if name == "t" else level[name]) for name, w in values.items()), ZERO)
        return levels + sum((w * at[p] * at[q] for (p, q), w in form.items()), ZERO)

    for name, levels, form, rhs in rows.values():
        if name[0] != "metric":
            demand(name[0] not in FREE, "a witness of a class of matrices")
            left = total(levels, form)
            demand(left <= rhs, f"the witness breaks {name} by {left - rhs}")
    attained = min(total(*expression(one)) for one in c["metric"])
    demand(attained == tau, f"the witness attains {attained}, not tau")
