"""Whether a worst case is +inf: instances that grow without end, in fractions.

Every vector of a run is v + m w, and every function value p + m q + m^2 r, for all m >= 0 at once. What an inequality
or the metric says is then a polynomial in m. The instances satisfy an inequality where its constant term does and
no other coefficient is above 0. No number bounds the metric where no coefficient of its powers of m is below 0, and one
is above. Inner products of all v and w are a positive semidefinite matrix: which ones there are is a cone.

It is solved for a point with as much room as there is. Where there is none the multipliers that show this say which
inequalities are equations on the whole cone, and which vectors have no part in it. Without these there is room again,
in the end (facial reduction; Borwein, Wolkowicz, J. Austral. Math. Soc. 30 (1981)). A point with room survives being
rounded. It is then checked in fractions, and nothing rests on how it was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat
from scipy.linalg import qr

from .._conic import Data, Solution, solve
from .._exact import fraction, positive_semidefinite, rational, restricted
from .._fractions import double
from ._forms import TracedForms
from ._linear import SQUARE, entry
from ._model import Name, TracedModel, traced_model
from .question import TracedSetting
from .vectors import Scalar

ZERO, ONE, HALF = Fraction(0), Fraction(1), Fraction(1, 2)
POWERS = (0, 1, 2)
MOST: dict[tuple[int, ...], int] = {(2,): 26, POWERS: 13}
"""Vectors of a run up to which growth is looked for: a second or two, for instances with v = 0 and for all."""
ROUNDS = 30
ROOM = 1e-5
"""Less room than this may be an error of the fractions that a face was given."""
SHARE = 0.05
"""Multipliers from this share of the largest on show what is an equation; a smaller one comes up again."""
SIMPLE = ((12, 1e-3), (1000, 1e-5), (10**6, 1.0))
"""Entries of the basis of a face are fractions of denominators up to the first that are as near as the second."""
INDEPENDENT = 1e-9
"""What is left of an equation that others imply, as a share of the largest."""
DENOMINATORS = (1, 2, 4, 12, 60, 1000, 2**30)
"""Of numbers before equations are solved: the first with which all holds."""
SCALE = "scale"
GROWTH: Name = ("metric", "growth")
POSITIVE: Name = (SCALE,)
Part = tuple[str, int]


@dataclass(frozen=True)
class Ray:
    """Instances that grow: inner products of (vector, 0) for v and (vector, 1) for w, and values by (name, power)."""

    form: Mapping[tuple[Part, Part], Fraction]
    values: Mapping[Part, Fraction]

    @property
    def vectors(self) -> list[str]:
        """The vectors that grow."""
        return [a[0] for a, b in self.form if a == b and a[1]]


def ray_of(question: TracedSetting) -> Ray | None:
    """Instances of a question that grow without end, in the units of its run; None where none are found.

    Args:
        question: The checked question.

    Returns:
        The instances, checked in fractions. There are none for classes without an interpolation theorem.
    """
    assert question.units is not None, "made with its run"
    model = traced_model(question, replace(question.units.run, tilts={}))
    if not question.tight:
        return None
    # v = 0 first: half as many vectors. Matrices of classes of matrices are known of w alone
    for powers in ((2,), POWERS) if not model.squares else ((2,),):
        ray = _first_ray(_Cone(model, powers)) if len(model.basis) <= MOST[powers] else None
        if ray is not None:
            return ray
    return None


def _first_ray(cone: _Cone) -> Ray | None:
    for _ in range(ROUNDS):
        solution = solve(cone.data())
        if not (np.isfinite(solution.value) and np.isfinite(solution.multipliers).all()):
            return None
        if solution.value > ROOM:
            return next((ray for ray in cone.rounded(solution) if grows(cone.forms, ray)), None)
        if not cone.reduce(solution):
            return None
    return None


def grows(forms: TracedForms, ray: Ray) -> bool:
    """Whether there is an instance for every m >= 0, and their metric has no bound."""
    model = forms.model
    n = len(model.basis)
    gram = np.full((2 * n, 2 * n), ZERO)
    for ((one, p), (other, q)), value in ray.form.items():
        i, j = model.index[one] + n * p, model.index[other] + n * q
        gram[i, j] = gram[j, i] = value
    if not positive_semidefinite(gram):
        return False
    parts = [_flint(part) for part in (gram[:n, :n], gram[:n, n:] + gram[n:, :n], gram[n:, n:])]

    def levels_at(levels: Mapping[str, Fraction], power: int) -> Fraction:
        return sum((w * ray.values.get((node, power), ZERO) for node, w in levels.items()), ZERO)

    left: dict[Name, list[Fraction]] = {}
    for power, part in enumerate(parts):
        forms_of_part = _forms_at(forms, part)
        for name in forms.names:
            left.setdefault(name, []).append(forms_of_part(name) + levels_at(forms.values[name], power))
    for name, (constant, *others) in left.items():
        if name[0] == SQUARE:
            continue
        if name in model.free and (constant or any(others)):
            return False
        if constant > model.right(name) or any(v > 0 for v in others):
            return False
    for prefix, labels in model.squares:
        square = np.full((len(labels),) * 2, ZERO)
        for a in range(len(labels)):
            for b in range(a, len(labels)):
                *rest, last = left[entry(prefix, labels, a, b)]
                if any(rest):  # these would be more than one matrix
                    return False
                square[a, b] = square[b, a] = -last * (ONE if a == b else HALF)
        if not positive_semidefinite(square):
            return False
    weights = {model.value_names[i]: w for i, w in model.metric_values}
    growth = [_form_at(model, model.goal, parts[power]) + levels_at(weights, power) for power in (1, 2)]
    return min(growth) >= 0 and any(growth)


def _form_at(model: TracedModel, one: Scalar, gram: fmpq_mat) -> Fraction:
    """The quadratic part of an expression, from inner products."""
    index = model.index
    return sum((w * fraction(gram[index[a], index[b]]) for (a, b), w in one.form.items()), ZERO)


def _forms_at(forms: TracedForms, gram: fmpq_mat) -> Callable[[Name], Fraction]:
    """The quadratic parts of all inequalities, from inner products."""
    model = forms.model
    x, g = (_flint(part) for part in forms.coordinates)
    xx, gx, gg = (a * gram * b.transpose() for a, b in ((x, x), (g, x), (g, g)))

    def at(name: Name) -> Fraction:
        if name in model.other:
            return _form_at(model, model.other[name].left, gram)
        group, place = model.place[name]
        law, i, j = group.law, group.i[place], group.j[place]
        if law.over == "points":
            dg, dx, mixed, cross = gg[i, i], xx[i, i], gx[i, i], gx[i, i]
        else:
            dg, dx = gg[i, i] - 2 * gg[i, j] + gg[j, j], xx[i, i] - 2 * xx[i, j] + xx[j, j]
            mixed, cross = gx[i, i] - gx[i, j] - gx[j, i] + gx[j, j], gx[j, i] - gx[j, j]
        parts = ((law.slope, cross), (law.alpha, dg), (law.beta, dx), (law.gamma, mixed))
        return sum((w * fraction(v) for w, v in parts if w), ZERO)

    return at


class _Cone:
    """Values, and for each block F H F' with H positive semidefinite and F a face; some rows are equations."""

    def __init__(self, model: TracedModel, powers: tuple[int, ...]) -> None:
        self.model, self.powers = model, powers
        self.forms = TracedForms(model)
        given, self.count = model.conic, len(model.basis)
        self.nodes: list[Part] = [(node, p) for p in powers for node in model.value_names]
        if 0 in powers:
            self.nodes.append((SCALE, 0))
        self.names: list[tuple[int, Name]] = [(p, name) for p in powers for name in given.names]
        growth = [p for p in powers if p]
        # the coefficients of the metric are at least 0, and their sum is what is to be above 0
        self.names += [(p, GROWTH) for p in growth] if len(growth) > 1 else []
        self.names += [(0, POSITIVE)] if 0 in powers else []
        self.equation = np.array([name in model.free for _, name in self.names])
        levels = [self.levels(power, name) for power, name in self.names]
        table = [[double(row.get(node, ZERO)) for row in levels] for node in self.nodes]
        self.values = np.array(table).reshape(len(self.nodes), len(levels))
        self.matrices, self.target = self._floats(given, growth)
        goals = [self._goal(p) for p in growth]
        self.goal = np.array([sum(double(row.get(node, ZERO)) for row in goals) for node in self.nodes])
        self.faces = [_identity(len(part)) for part in self.target]
        self.independent = np.ones(len(self.names) + 3, bool)

    def _floats(self, given: Data, growth: list[int]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Matrices of the rows by block, and those of the metric, in floating point."""
        first, goal = given.blocks[0][1], given.blocks[0][2]
        rows = [self._placed(p, part) for p in self.powers for part in first]
        goals = [self._placed(p, goal) for p in growth]
        if len(goals) > 1:
            rows += [*(-part for part in goals), np.zeros_like(goals[0])]
        matrices, target = [np.array(rows)], [np.sum(goals, axis=0)]
        for index, units, constant in given.blocks[1:]:  # there is one power then
            whole = np.zeros((len(rows), *constant.shape))
            whole[index] = units
            matrices.append(whole)
            target.append(constant)
        return matrices, target

    def _placed(self, power: int, matrix: np.ndarray) -> np.ndarray:
        """The matrix of the coefficient of a power of m."""
        n = self.count
        if 0 not in self.powers:
            return matrix
        whole = np.full((2 * n, 2 * n), matrix.dtype.type(0) if matrix.dtype != object else ZERO)
        if power == 1:
            whole[:n, n:] = whole[n:, :n] = matrix
        else:
            at = slice(0, n) if power == 0 else slice(n, 2 * n)
            whole[at, at] = matrix
        return whole

    def _goal(self, power: int) -> dict[Part, Fraction]:
        return {(self.model.value_names[i], power): Fraction(w) for i, w in self.model.metric_values}

    def levels(self, power: int, name: Name) -> dict[Part, Fraction]:
        """The values of what is at most 0."""
        if name == GROWTH:
            return {node: -w for node, w in self._goal(power).items()}
        if name == POSITIVE:
            return {(SCALE, 0): -ONE}
        levels = {(node, power): w for node, w in self.forms.values[name].items()}
        if power == 0:
            levels[SCALE, 0] = -self.model.right(name)
        return levels

    def row(self, power: int, name: Name) -> list[tuple[int, np.ndarray]]:
        """The matrices of what is at most 0 by block."""
        if name == GROWTH:
            return [(0, -self._placed(power, self.forms.metric()))]
        if name == POSITIVE:
            return []
        matrix = self.forms.matrix(name)
        assert matrix is not None, "laws have matrices"
        parts = [(0, self._placed(power, matrix))]
        for at, (prefix, labels) in enumerate(self.model.squares, 1):
            if name[: len(prefix)] == prefix:
                a, b = labels.index(name[-2]), labels.index(name[-1])
                unit = np.full((len(labels),) * 2, ZERO)
                unit[a, b] = unit[b, a] = ONE
                parts.append((at, unit))
        return parts

    def _inner(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Matrices of the rows and of the metric on the faces."""
        parts = []
        for matrices, goal, face in zip(self.matrices, self.target, self.faces):
            F = face.astype(float)
            parts.append((np.einsum("ia,rij,jb->rab", F, matrices, F), F.T @ goal @ F))
        return parts

    def data(self) -> Data:
        """The most room s: H - s I positive semidefinite, what is no equation at most -s, the metric at least s."""
        count, inner = len(self.names), self._inner()
        room = np.where(self.equation, 0.0, 1.0)
        for matrices, _ in inner:
            room += np.einsum("raa->r", matrices)
        goal = float(sum(np.trace(part) for _, part in inner))
        size = sum(len(part) for _, part in inner)
        # three more rows: the metric is at least s, and at most 1; the traces are at most 1, and s with them
        values = np.zeros((len(self.nodes) + 1, count + 3))
        values[:-1, :count], values[-1, :count] = self.values, room
        values[:-1, count], values[-1, count] = -self.goal, 1.0 - goal
        values[:-1, count + 1], values[-1, count + 1] = self.goal, goal
        values[-1, count + 2] = 1.0 + size
        if 0 in self.powers:
            scale = self.nodes.index((SCALE, 0))
            values[scale, count + 2] = 1.0
        blocks = []
        for matrices, part in inner:
            if len(part):
                rows = np.concatenate([matrices, np.stack([-part, part, np.eye(len(part))])])
                blocks.append((np.arange(count + 3), rows, np.zeros_like(part)))
        metric = np.zeros(len(self.nodes) + 1)
        metric[-1] = 1.0
        right = np.concatenate([np.zeros(count + 1), [1.0, 1.0]])
        equality = np.concatenate([self.equation, [False] * 3])
        names: list[Name] = [(str(p), *name) for p, name in self.names] + [("goal",), ("top",), ("size",)]
        self.independent = np.concatenate([~self.equation | self._independent(inner), [True] * 3])
        whole = Data(names, values, right, equality, metric, blocks, [0] * len(blocks), [])
        return restricted(whole, self.independent)

    def _independent(self, inner: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Equations that are independent: the multipliers of others are no numbers to rely on."""
        rows = np.concatenate([self.values.T, *(m.reshape(len(m), -1) for m, _ in inner)], axis=1)
        rows[~self.equation] = 0.0
        _, factor, order = qr(rows.T, mode="economic", pivoting=True)
        sizes = np.abs(np.diag(factor))
        chosen = np.zeros(len(rows), bool)
        chosen[order[: int((sizes > INDEPENDENT * sizes.max(initial=1.0)).sum())]] = True
        return chosen

    def reduce(self, solution: Solution) -> bool:
        """Rows and vectors that the multipliers show to be equations and 0; False where the metric is among them."""
        count = len(self.names)
        multipliers = np.zeros(count + 3)
        multipliers[self.independent] = solution.multipliers
        growth = multipliers[count] - multipliers[count + 1]
        spectra = []
        for matrices, part in self._inner():
            slack = np.einsum("r,rab->ab", multipliers[:count], matrices) - growth * part
            spectra.append(np.linalg.eigh(slack))
        strict = np.where(self.equation, 0.0, multipliers[:count])
        largest = max(strict.max(initial=0.0), *(weights.max(initial=0.0) for weights, _ in spectra))
        if multipliers[count] > SHARE * max(largest, multipliers[count]) or largest <= ROOM:
            return False
        self.equation |= strict > SHARE * largest
        for at, (weights, vectors) in enumerate(spectra):
            gone = vectors[:, weights > SHARE * largest]
            if gone.shape[1]:
                self.faces[at] = self.faces[at].dot(_complement(gone))
        return True

    def rounded(self, solution: Solution) -> Iterator[Ray]:
        """The solution in fractions with its equations: values and entries of H of small denominators near it."""
        place: dict[tuple, int] = {("value", node): i for i, node in enumerate(self.nodes)}
        floats = list(solution.values[:-1])
        grams = iter(solution.grams)
        for at, face in enumerate(self.faces):
            width = face.shape[1]
            gram = next(grams) + solution.value * np.eye(width) if width else np.zeros((0, 0))
            for a in range(width):
                for b in range(a, width):
                    place[at, a, b] = len(floats)
                    floats.append(gram[a, b])
        solved = _solution_set(self._equations(place))
        inner, width = _flint(self.faces[0]), self.faces[0].shape[1]
        parts: list[Part] = [(name, int(p > 0)) for p in sorted({*self.powers} - {1}) for name in self.model.basis]
        size = len(parts)
        for most in DENOMINATORS:
            near = solved([fmpq(round(Fraction(float(v)) * most), most) for v in floats])
            scale = near[place["value", (SCALE, 0)]] if 0 in self.powers else fmpq(1)
            if scale <= 0:
                continue
            H = [near[place[0, min(a, b), max(a, b)]] for a in range(width) for b in range(width)]
            whole = (inner * fmpq_mat(width, width, H) * inner.transpose()).entries() if width else [fmpq(0)] * size**2
            entries = ((i, j, whole[i * size + j]) for i in range(size) for j in range(i, size))
            form = {(parts[i], parts[j]): fraction(v / scale) for i, j, v in entries if v}
            values = {node: fraction(v / scale) for node, v in zip(self.nodes, near) if v and node[0] != SCALE}
            yield Ray(form, values)

    def _equations(self, place: Mapping[tuple, int]) -> fmpq_mat:
        """The equations of the cone."""
        faces = [_flint(face) for face in self.faces]
        names = [name for name, is_one in zip(self.names, self.equation) if is_one]
        whole = fmpq_mat(len(names), len(place))
        for at, name in enumerate(names):
            for node, w in self.levels(*name).items():
                whole[at, place["value", node]] = rational(w)
            for block, part in self.row(*name):
                width = self.faces[block].shape[1]
                if width:
                    inner = faces[block].transpose() * _flint(part) * faces[block]
                    for a in range(width):
                        for b in range(a, width):
                            whole[at, place[block, a, b]] = inner[a, b] * (1 if a == b else 2)
        return whole


def _solution_set(equations: fmpq_mat) -> Callable[[list[fmpq]], list[fmpq]]:
    """What makes numbers a solution of homogeneous equations, by changes of as few as there are equations."""
    reduced, rank = equations.rref()
    table = reduced.table()[:rank]
    pivots = [next(j for j, v in enumerate(row) if v) for row in table]
    others = [[(j, v) for j, v in enumerate(row) if v and j != pivot] for row, pivot in zip(table, pivots)]

    def solved(near: list[fmpq]) -> list[fmpq]:
        changed = list(near)
        for pivot, rest in zip(pivots, others):
            changed[pivot] = -sum((v * near[j] for j, v in rest), fmpq(0))
        return changed

    return solved


def _flint(array: np.ndarray) -> fmpq_mat:
    rows, columns = array.shape
    return fmpq_mat(rows, columns, [rational(v) for v in array.ravel()])


def _identity(n: int) -> np.ndarray:
    return np.array([[Fraction(int(i == j)) for j in range(n)] for i in range(n)], object).reshape(n, n)


def _complement(vectors: np.ndarray) -> np.ndarray:
    """A basis in fractions of what is orthogonal to vectors: columns in reduced echelon form."""
    rows = vectors.T.copy()
    n = rows.shape[1]
    pivots: list[int] = []
    for at in range(len(rows)):
        size = np.abs(rows[at:])
        for pivot in pivots:
            size[:, pivot] = 0.0
        i, j = map(int, np.unravel_index(int(size.argmax()), size.shape))
        rows[[at, at + i]] = rows[[at + i, at]]
        rows[at] /= rows[at, j]
        for other in range(len(rows)):
            if other != at:
                rows[other] -= rows[other, j] * rows[at]
        pivots.append(j)
    free = [j for j in range(n) if j not in pivots]
    basis = np.full((n, len(free)), ZERO)
    for column, j in enumerate(free):
        basis[j, column] = ONE
        for at, pivot in enumerate(pivots):
            basis[pivot, column] = -_simple(rows[at, j])
    return basis


def _simple(value: float) -> Fraction:
    near = ((Fraction(float(value)).limit_denominator(most), off) for most, off in SIMPLE)
    return next(short for short, off in near if abs(float(short) - value) <= off)
