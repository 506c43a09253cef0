"""The origin of a run: which vectors are 0 without loss of generality, and whether x* is a point of it.

A run may not change where its points are moved by c and a linear function <t c, .> is taken from one function and given
to another. Such symmetries, all of them by linear algebra, are used up by vectors that are set to 0: x* first. Without
that every matrix of a proof has a null vector, and no interior.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpz_mat

from ...errors import InputError
from .classes import Class, transposed
from .oracles import MINIMISER, STAR, START, Point, Recorder, Side
from .vectors import Coefficients, Scalar, Value, Vector

ZERO, ONE = Fraction(0), Fraction(1)
NEARLY = Fraction(1, 10**9)
"""Weights that are off by less than this were rounded."""


@dataclass(frozen=True)
class Framed:
    """A run with its origin chosen: points, inequalities, and what is maximised.

    `raw` has points, inequalities and metric before the choice. `reference` is for each function the label at which its
    value is 0: the minimiser, or its first point. `infimum` is the function of whose infimum alone the question speaks,
    None otherwise. `positions` are the vectors that move where the origin does, `zero` those that are 0; `tilts`: see
    `_tilts`.
    """

    classes: Mapping[str, Class]
    basis: list[str]
    points: list[Point]
    sides: list[Side]
    metric: list[Scalar]
    reference: Mapping[str, str]
    infimum: str | None
    zero: tuple[str, ...]
    tilts: Mapping[str, Coefficients]
    positions: frozenset[str]
    raw: tuple[list[Point], list[Side], list[Scalar]]


def framed(
    classes: Mapping[str, Class], recorder: Recorder, metric: Sequence[Scalar], initial: Sequence[Scalar]
) -> Framed:
    """The frame of a run."""
    sides = [_initial(i, one) for i, one in enumerate(initial)] + recorder.sides
    expressions = [*metric, *(side.left for side in sides)]
    speaks = {name for one in expressions for (name, label) in one.values if label == STAR}
    star, infimum = _star(classes, recorder, speaks)
    points = [p for p in recorder.points if star or p.label != STAR]
    for one in expressions:
        _demand_differences(one, classes)
    _demand_exact_weights(recorder, points)
    reference = {name: STAR if star or name == infimum else _first(points, name) for name in classes}
    used = {name for p in points for name in (*p.x.entries, *p.g.entries)}
    used |= {name for one in expressions for name in one.names}
    vectors = sorted(
        (name for name in recorder.basis if name in used), key=lambda n: (n != MINIMISER, STAR not in n, n != START)
    )
    zero = _symmetries(classes, vectors, points, expressions)
    gone = dict.fromkeys(zero, ZERO)
    raw = points, sides, list(metric)

    def in_frame(vector: Vector) -> Vector:
        if gone.keys().isdisjoint(vector.entries):
            return vector
        return Vector({name: value for name, value in vector.entries.items() if name not in gone})

    points = [Point(p.function, p.label, in_frame(p.x), in_frame(p.g)) for p in points]
    sides = [Side(s.name, _reduced(s.left, gone, reference), s.right) for s in sides]
    goals = [_reduced(one, gone, reference) for one in metric]
    vectors = [name for name in vectors if name not in gone]
    tilts = _tilts(classes, vectors, points, [*goals, *(side.left for side in sides)])
    used = set()
    for p in points:
        used |= {*p.x.entries, *p.g.entries}
    for one in (*goals, *(side.left for side in sides)):
        used |= one.names
    basis = [name for name in recorder.basis if name in used]
    _demand_origin(classes, points)
    positions = frozenset(name for name, weight in recorder.weights.items() if weight)
    return Framed(classes, basis, points, sides, goals, reference, infimum, tuple(zero), tilts, positions, raw)


def _initial(index: int, one: Scalar) -> Side:
    name = ("initial",) if not index else ("initial", str(index))
    return Side(name, one.plus(-one.constant), 1 - one.constant)


def _first(points: Sequence[Point], name: str) -> str:
    return next((p.label for p in points if p.function == name), "")


def _star(classes: Mapping[str, Class], recorder: Recorder, speaks: set[str]) -> tuple[bool, str | None]:
    """Whether x* is a point of the question, and else the function of whose infimum it speaks."""
    free = [name for name, given in classes.items() if given.name == "smooth_nonconvex"]
    alone = len(classes) == 1 and next(iter(classes.values())).infimum is not None
    about_star = [name for name, given in classes.items() if any("x*" in law.over for law in given.laws)]
    if about_star and len(classes) > 1:
        raise InputError(
            f"{about_star[0]}: the class {classes[about_star[0]].name} is about the minimiser of its function, which "
            f"has to be the only one of the question."
        )
    used = recorder.star_used or bool(about_star) or any(given.kind in ("map", "linear") for given in classes.values())
    if free and (used or (speaks and not alone)):
        raise InputError(
            f"{free[0]}: a function of the class smooth_nonconvex has no minimiser that a question may speak of; "
            f"ask for values above run.F_star, of one function, or for gradients."
        )
    if used or (speaks and not alone):
        return True, None
    return False, next(iter(speaks), None)


def _demand_differences(one: Scalar, classes: Mapping[str, Class]) -> None:
    """Values occur in differences: a constant that is added to a function changes nothing."""
    for name in classes:
        total = sum((w for (function, _), w in one.values.items() if function == name), ZERO)
        if total:
            raise InputError(
                f"metric or initial: it has the values of {name} with weights that add up to {float(total):g}; "
                f"subtract a value, such as run.F_star, because no class knows how high a function lies."
            )


def _demand_origin(classes: Mapping[str, Class], points: Sequence[Point]) -> None:
    """Linear operators take 0 to 0: what they have at x* has to be 0 by a move of the points and an exchange."""
    for name, given in classes.items():
        if given.kind == "linear":
            at_star = [p for p in points if p.label == STAR and p.function == name]
            if not at_star or any(p.x.entries or p.g.entries for p in at_star):
                raise InputError(
                    f"{name}: a linear operator needs a term f({name} x) of the question, see classes.composed, and a "
                    f"term that a linear function may be added to; the minimiser cannot be moved to 0 here."
                )


def _demand_exact_weights(recorder: Recorder, points: Sequence[Point]) -> None:
    """Weights of positions that add up to nearly 1 were meant to add up to 1."""
    for p in points:
        off = sum((w for name, w in p.x.entries.items() if recorder.weights[name]), ZERO) - 1  # weights are 1 or 0
        if 0 < abs(off) < NEARLY:
            raise InputError(
                f"method: {p.function} is asked at a point whose weights of positions add up to 1 {float(off):+.1e}, "
                f"by rounding; write x + a * (x - y) for (1 + a) * x - a * y, or use fractions."
            )


def _symmetries(
    classes: Mapping[str, Class], vectors: Sequence[str], points: Sequence[Point], expressions: Sequence[Scalar]
) -> list[str]:
    """Vectors that are 0 after moves of the points and an exchange of linear functions.

    Unknown are how far each vector of the basis moves, how far the points of each function do, and the slope that it
    gets (what is added to all that a map returns), in multiples of one vector c. Each condition is a linear equation.
    The unknowns that elimination leaves free are set.
    """
    slopes = [name for name, given in classes.items() if _tiltable(given)]
    at = {(p.function, p.label): p.x.entries for p in points}
    rows: list[Coefficients] = []
    for p in points:
        rows.append(_less(p.x.entries, f"move of {p.function}"))
        rows.append(_less(p.g.entries, f"slope of {p.function}") if p.function in slopes else dict(p.g.entries))
    rows += rows_of(expressions, vectors)
    outputs = _outputs(classes, points)
    for one in expressions:
        rows += _tilted_values(one, vectors, classes, at, outputs)
    return list(directions(rows, classes, vectors))


def _tilts(
    classes: Mapping[str, Class], vectors: Sequence[str], points: Sequence[Point], expressions: Sequence[Scalar]
) -> dict[str, Coefficients]:
    """Directions that no inequality measures, by the vector that each is used to leave out.

    Along them the points of a function move together, gradients of a function with a law in ||g_i - g_j||^2 move
    together, and forms stay: what they hold may be as long as it likes. Every slack matrix of a proof has them as null
    vectors, which is a condition on multipliers: a vector less, and one more number for each product with it.
    """
    measured = [n for n, given in classes.items() if any(law.alpha for law in given.laws)]
    slopes = [name for name in measured if all(law.over != "points" for law in classes[name].laws)]
    rows: list[Coefficients] = []
    for p in points:
        if classes[p.function].kind == "linear" or classes[p.function].linear is not None:
            rows += [dict(p.x.entries), dict(p.g.entries)]
            continue
        rows.append(_less(p.x.entries, f"move of {p.function}"))
        if p.function in measured:
            rows.append(_less(p.g.entries, f"slope of {p.function}") if p.function in slopes else dict(p.g.entries))
    rows += rows_of(expressions, vectors)
    return directions(rows, classes, vectors)


def directions(
    rows: Sequence[Coefficients], classes: Mapping[str, Class], vectors: Sequence[str]
) -> dict[str, Coefficients]:
    """A basis of the solutions, each by the vector of which it alone has a multiple; the first vectors if possible."""
    # free unknowns of a reduced echelon form are the last ones
    unknowns = [f"{what} of {name}" for what in ("slope", "move") for name in classes] + list(reversed(vectors))
    place = {name: i for i, name in enumerate(unknowns)}
    width, first = len(unknowns), len(unknowns) - len(vectors)
    entries: list[int] = []
    for row in rows:
        if row:
            whole = [0] * width
            common = math.lcm(*[w.denominator for w in row.values()])
            for name, w in row.items():
                if name in place:
                    whole[place[name]] = w.numerator * (common // w.denominator)
            entries += whole
    reduced, size, rank = fmpz_mat(len(entries) // width, width, entries).rref()
    if rank == width:
        return {}
    echelon = reduced.table()[:rank]
    pivots: list[int] = []
    at = 0
    for entry in echelon:  # each begins behind the one before
        while not entry[at]:
            at += 1
        pivots.append(at)
    given = set(pivots)
    directions_ = {}
    for name in vectors:
        at = place[name]
        if at not in given:
            column = ((j, entry[at]) for entry, j in zip(echelon, pivots) if j >= first)
            directions_[name] = {name: ONE, **{unknowns[j]: Fraction(-int(v), int(size)) for j, v in column if v}}
    return directions_


def _less(entries: Coefficients, name: str) -> Coefficients:
    return {**entries, name: -ONE}


def rows_of(expressions: Sequence[Scalar], vectors: Sequence[str]) -> list[Coefficients]:
    """What spans the rows of the symmetric matrices of forms."""
    rows: list[Coefficients] = []
    for one in expressions:
        if one.square is not None:  # they are multiples of one
            rows.append(dict(one.square[1].entries) if one.square[0] else {})
            continue
        of: dict[str, Coefficients] = {name: {} for name in vectors}
        for (a, b), w in one.form.items():  # each pair stands there once
            of[a][b] = of[b][a] = w if a != b else 2 * w
        rows += of.values()
    return rows


def _outputs(classes: Mapping[str, Class], points: Sequence[Point]) -> dict[str, tuple[str, Coefficients]]:
    """The vectors that operators returned: the name of the transpose, and what it was asked at."""
    outputs = {}
    for p in points:
        if classes[p.function].kind == "linear" and transposed(p.function) in classes and len(p.g.entries) == 1:
            outputs[next(iter(p.g.entries))] = transposed(p.function), p.x.entries
    return outputs


def _tilted_values(
    one: Scalar,
    vectors: Sequence[str],
    classes: Mapping[str, Class],
    at: Mapping[Value, Coefficients],
    outputs: Mapping[str, tuple[str, Coefficients]],
) -> list[Coefficients]:
    """By how much the values of an expression change in each coordinate of the points, for a slope of each function.

    The slope u of a term f(M x) changes it by <u, M x>, which is <M' u, x>, a slope of the transpose.
    """
    of: dict[str, Coefficients] = {name: {} for name in vectors}
    for value, w in one.values.items():
        if value not in at or not _tiltable(classes[value[0]]):
            continue
        for vector, part in at[value].items():
            output = outputs.get(vector) if classes[value[0]].inside is not None else None
            key, sizes = (
                (f"slope of {value[0]}", {vector: ONE}) if output is None else (f"slope of {output[0]}", output[1])
            )
            for name, size in sizes.items():
                if name in of:
                    change = w * part if size == 1 else w * part * size
                    of[name][key] = of[name][key] + change if key in of[name] else change
    return list(of.values())


def _tiltable(given: Class) -> bool:
    """Whether a linear function, or a constant of an operator, may be added within the class."""
    if given.kind in ("operator", "map", "linear"):
        return True
    return given.kind == "function" and all(law.values for law in given.laws)


def _reduced(one: Scalar, gone: Mapping[str, Fraction], reference: Mapping[str, str]) -> Scalar:
    """The expression with vectors and values that are 0 left out."""
    values = {v: w for v, w in one.values.items() if reference.get(v[0]) != v[1]}
    if one.square is not None:
        weight, vector = one.square
        left = Vector({name: w for name, w in vector.entries.items() if name not in gone})
        return Scalar(values, None, one.constant, (weight, left))
    form = {pair: w for pair, w in one.form.items() if pair[0] not in gone and pair[1] not in gone}
    return Scalar(values, form, one.constant)
