"""A framed run as the conic data that every worst case is solved from, and its inequalities in fractions.

Names of inequalities: (f, i, j) puts f at point i above f at point j, or is the one of the pair; ("second", f, i, j)
and ("third", f, i, j) are of further laws of the class, ("bound", f, i) is of one point; then ("initial",),
("error", i), and ("metric", i): the least is at most expression i. Those of `_linear` are entries of matrices and
equations: their multipliers may be below 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product as every_pair
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from .._conic import Data
from .._fractions import double
from .._model import FLOATS, Model
from .._witness import Witness
from ._frame import Framed
from ._linear import Row, conditions, entry
from .classes import Law
from .oracles import STAR, Side
from .vectors import Scalar, Value, Vector

if TYPE_CHECKING:
    from ._twins import Common

Name = tuple[str, ...]
Number = TypeVar("Number")
ZERO, ONE = Fraction(0), Fraction(1)
ORDINALS = ("second", "third")
"""How the names of inequalities begin that are of a further law of a class."""


def value_name(value: Value) -> str:
    """The name of a function value: "f[3]"."""
    return f"{value[0]}[{value[1]}]"


def product_name(left_out: str, name: str) -> str:
    """The name of an inner product with a vector that is left out."""
    return f"<{left_out}, {name}>"


@dataclass(frozen=True)
class Group:
    """All inequalities of one law of one function: names, and the points above (`i`) and below (`j`) in each."""

    function: str
    law: Law
    names: list[Name]
    i: list[int]
    j: list[int]


@dataclass
class TracedModel(Model):
    """A model whose inequalities are those of the laws of its classes at the points of a traced run."""

    framed: Framed | None = None
    groups: list[Group] = field(default_factory=list)
    others: list[Side | Row] = field(default_factory=list)
    goal: Scalar = field(default_factory=lambda: Scalar({}, {}))
    dropped: frozenset[str] = frozenset()
    free: frozenset[Name] = frozenset()
    squares: list[tuple[Name, list[str]]] = field(default_factory=list)
    common: Common | None = None

    def renewed(self, used: set[str] | None = None) -> TracedModel:
        """The model with what was derived from its parts forgotten, and without values that occur nowhere.

        Args:
            used: The values that occur, where it is known which.
        """
        for name in ("place", "other", "index", "coefficients", "conic", "tilted"):
            self.__dict__.pop(name, None)
        if used is None:
            used = {node for group in self.groups for name in group.names for node in self.values_of(name)}
            used |= {node for one in self.others for node in self.values_of(one.name)}
        weights = {self.value_names[i]: w for i, w in self.metric_values}
        self.value_names = [name for name in self.value_names if name in used | set(weights)]
        self.metric_values = [(self.value_names.index(name), w) for name, w in weights.items()]
        return self

    @property
    def whole(self) -> TracedModel:
        """The model with all inequalities, on which instances are checked: this one, or that of both of two runs."""
        return self if self.common is None else self.common.whole

    def in_full(self, multipliers: Mapping[Name, Number]) -> dict[Name, Number]:
        """Multipliers with those of inequalities that have the same one, which stand for their sum here."""
        mirrored = {} if self.common is None else self.common.mirrored
        return {**multipliers, **{mirrored[name]: w for name, w in multipliers.items() if name in mirrored}}

    @property
    def attained(self) -> bool:
        """Whether an instance of this model is one of the question, with all its vectors."""
        return not self.dropped if self.common is None else self.dropped == self.common.gone

    def full_witness(self, witness: Witness | None) -> Witness | None:
        """The one-dimensional instance of `whole` that one of this model stands for."""
        if witness is None or self.common is None:
            return witness
        return self.common.witness(self.basis, witness)

    @property
    def run(self) -> Framed:
        """The run."""
        assert self.framed is not None, "made with its run"
        return self.framed

    @cached_property
    def conic(self) -> Data:
        """The conic data, in floating point."""
        return _data_of(self)

    @cached_property
    def place(self) -> dict[Name, tuple[Group, int]]:
        """Where each inequality of a law is."""
        return {name: (group, at) for group in self.groups for at, name in enumerate(group.names)}

    @cached_property
    def other(self) -> dict[Name, Side | Row]:
        """The inequalities that are of no law."""
        return {one.name: one for one in self.others}

    @cached_property
    def index(self) -> dict[str, int]:
        """The place of each vector in the basis."""
        return {name: i for i, name in enumerate(self.basis)}

    @cached_property
    def coefficients(self) -> tuple[np.ndarray, np.ndarray]:
        """x and g of all points (P, n), in fractions."""
        return self.rows_of([p.x for p in self.run.points]), self.rows_of([p.g for p in self.run.points])

    def entries(self, one: Scalar) -> Iterator[tuple[int, int, Fraction]]:
        """Places in the basis and weights of the inner products of an expression."""
        for (a, b), w in one.form.items():
            if a in self.index and b in self.index:
                yield self.index[a], self.index[b], w

    def rows_of(self, vectors: list[Vector]) -> np.ndarray:
        """Vectors as rows of fractions."""
        rows = np.full((len(vectors), len(self.basis)), ZERO)
        for at, vector in enumerate(vectors):
            for name, value in vector.entries.items():
                if name not in self.dropped:
                    rows[at, self.index[name]] = value
        return rows

    def floats_of(self, vectors: list[Vector]) -> np.ndarray:
        """Vectors as rows of floats."""
        rows = np.zeros((len(vectors), len(self.basis)))
        for at, vector in enumerate(vectors):
            for name, value in vector.entries.items():
                if name not in self.dropped:
                    rows[at, self.index[name]] = double(value)
        return rows

    def levels_of(self, name: Name) -> dict[str, Fraction]:
        """The function values of an inequality."""
        if name in self.other:
            least = {"t": ONE} if name[0] == "metric" else {}
            return least | {value_name(v): w for v, w in self.other[name].values.items()}
        group, at = self.place[name]
        if not group.law.values:
            return {}
        return {self.value_at(p): w for p, w in ((group.j[at], ONE), (group.i[at], -ONE)) if not self.is_zero(p)}

    def values_of(self, name: Name) -> dict[str, Fraction]:
        """The function values of an inequality, and its products with what is left out, which occur like values."""
        levels = self.levels_of(name)
        if self.run.tilts and name in self.place:
            group, at = self.place[name]
            levels |= self._tilted(group.law, group.i[at], group.j[at])
        return levels

    @cached_property
    def tilted(self) -> dict[str, list[Fraction]]:
        """How much of a direction that is left out the gradient of each point has, by the vector that is."""
        return {
            left_out: [sum((w * direction[n] for n, w in p.g.entries.items() if n in direction), ZERO) for p in points]
            for points in (self.run.points,)
            for left_out, direction in self.run.tilts.items()
        }

    def _tilted(self, law: Law, i: int, j: int) -> dict[str, Fraction]:
        """Products with what is left out by a tilt: free numbers, which occur like function values."""
        nodes: dict[str, Fraction] = {}
        for left_out in self.tilted:
            weight = self.share(left_out, law, i, j)
            if weight:
                moved = (self.run.points[i].x - self.run.points[j].x).entries
                nodes |= {product_name(left_out, n): weight * w for n, w in moved.items() if n in self.index}
        return nodes

    def shares(self, left_out: str, group: Group) -> list[Fraction]:
        """`share` of every pair of a group; few of them are different."""
        tilted = self.tilted[left_out]
        code = {value: at for at, value in enumerate(dict.fromkeys(tilted))}
        codes = [code[value] for value in tilted]
        table: dict[tuple[int, int, bool], Fraction] = {}
        shares = []
        for i, j in zip(group.i, group.j):
            key = codes[i], codes[j], i == j
            if key not in table:
                table[key] = self.share(left_out, group.law, i, j)
            shares.append(table[key])
        return shares

    def share(self, left_out: str, law: Law, i: int, j: int) -> Fraction:
        """What the difference of two points is multiplied with in its product with what is left out."""
        above, below = self.tilted[left_out][i], self.tilted[left_out][j]
        if i == j or not (above or below):
            return ZERO
        return law.slope * below + law.gamma * (above - below)

    def value_at(self, point: int) -> str:
        """The name of the value of a point."""
        p = self.run.points[point]
        return f"{p.function}[{p.label}]"

    def is_zero(self, point: int) -> bool:
        """Whether the value of a point is 0 by choice."""
        p = self.run.points[point]
        return self.run.reference[p.function] == p.label

    def right(self, name: Name) -> Fraction:
        """The right-hand side of an inequality."""
        return self.other[name].right if name in self.other else self.place[name][0].law.rhs


def traced_model(setting: object, run: Framed) -> TracedModel:
    """The model of a framed run: which inequalities there are, and what is maximised."""
    basis = [name for name in run.basis if name not in run.tilts]
    model = TracedModel(setting, FLOATS, basis=basis, framed=run, dropped=frozenset(run.tilts))  # type: ignore[arg-type]
    for at, p in enumerate(run.points):
        if run.classes[p.function].kind == "function" and not model.is_zero(at):
            model.value_names.append(model.value_at(at))
    for function, given in run.classes.items():
        places = [at for at, p in enumerate(run.points) if p.function == function]
        for nth, law in enumerate(given.laws):
            group = _group(run, function, law, places, nth)
            if group.names:
                model.groups.append(group)
    if run.infimum is not None:
        weight = run.classes[run.infimum].infimum
        assert weight is not None, "an infimum is asked of classes that have one"
        for p in run.points:
            left = weight * (p.g @ p.g) - Scalar({(p.function, p.label): ONE}, {})
            model.others.append(Side((p.function, p.label, STAR), left))
    model.others += run.sides
    for part in conditions(run.classes, run.points, run.reference):
        model.others += part.rows
        model.free |= {row.name for row in part.rows}
        model.squares += [square for square in part.squares if square[1]]
    if len(run.metric) == 1:
        model.goal = run.metric[0]
    else:
        model.value_names.append("t")
        model.others += [Side(("metric", str(i)), -one) for i, one in enumerate(run.metric)]
    model.value_names += [product_name(left_out, name) for left_out in run.tilts for name in _measured(model, left_out)]
    value_set = set(model.value_names)
    named_values = {value_name(v) for one in (model.goal, *model.others) for v in one.values}
    assert named_values <= value_set, f"values of no point: {named_values - value_set}"
    weights = {value_name(v): w for v, w in model.goal.values.items()} if len(run.metric) == 1 else {"t": ONE}
    model.metric_values = [(model.value_names.index(name), w) for name, w in weights.items()]
    return model


def _measured(model: TracedModel, left_out: str) -> list[str]:
    """The vectors whose product with a vector that is left out occurs somewhere."""
    rest = list(model.basis)
    for group in model.groups:
        for i, j, share in zip(group.i, group.j, model.shares(left_out, group)):
            if rest and share:
                one, other = (model.run.points[at].x.entries for at in (i, j))
                rest = [name for name in rest if _same(one.get(name, ZERO), other.get(name, ZERO))]
    return [name for name in model.basis if name not in rest]


def _same(one: Fraction, other: Fraction) -> bool:
    """Whether two fractions are equal; most that are are one object."""
    return one is other or one == other


def _group(run: Framed, function: str, law: Law, places: list[int], nth: int) -> Group:
    label = {at: run.points[at].label for at in places}
    prefix = ORDINALS[nth - 1 : nth] if nth else ()
    if law.over == "points":
        return Group(function, law, [("bound", function, label[a]) for a in places], places, places)
    allowed: Callable[[int, int], bool] = {
        "ordered": lambda a, b: a != b,
        "pairs": lambda a, b: a < b,
        "above x*": lambda a, b: label[a] != STAR and label[b] == STAR,
        "below x*": lambda a, b: label[a] == STAR and label[b] != STAR,
    }[law.over]
    chosen = [(a, b) for a, b in every_pair(places, places) if allowed(a, b)]
    names = [(*prefix, function, label[a], label[b]) for a, b in chosen]
    return Group(function, law, names, [a for a, _ in chosen], [b for _, b in chosen])


def _matrices(law: Law, xi: np.ndarray, gi: np.ndarray, xj: np.ndarray, gj: np.ndarray) -> np.ndarray:
    """The matrices (R, n, n) of a law at pairs of points in coordinates (R, n)."""
    dx, dg = xi - xj, gi - gj
    half = np.zeros((len(dx), dx.shape[1], dx.shape[1]))
    for weight, a, b in (
        (law.slope, gj, dx),
        (law.alpha, dg, dg),
        (law.beta, dx, dx),
        (law.gamma, dg, dx),
    ):
        if weight:
            half += float(weight) * a[:, :, None] * b[:, None, :]
    return (half + half.transpose(0, 2, 1)) / 2


def dense(model: TracedModel, one: Scalar, of: Callable[[Fraction], object], dtype: type) -> np.ndarray:
    """The symmetric matrix of an expression."""
    n = len(model.basis)
    if dtype is float and one.square is not None:
        [vector] = model.floats_of([one.square[1]])
        return double(one.square[0]) * np.multiply.outer(vector, vector)
    matrix: np.ndarray = np.full((n, n), of(ZERO), dtype)
    for i, j, w in model.entries(one):
        if i == j:
            matrix[i, i] = of(w)
        else:
            matrix[i, j] = matrix[j, i] = of(w / 2)
    return matrix


def _others(model: TracedModel) -> np.ndarray:
    """The matrices of what is of no law; those of products without their expressions, which are long."""
    n = len(model.basis)
    matrices = np.zeros((len(model.others), n, n))
    factors = [f for one in model.others if isinstance(one, Row) for _, *pair in one.products for f in pair]
    place = {id(f): at for at, f in enumerate(factors)}
    vectors = model.floats_of(factors)
    for matrix, one in zip(matrices, model.others):
        if isinstance(one, Side):
            matrix[:] = dense(model, one.left, double, float)
            continue
        for weight, u, v in one.products:
            matrix += np.multiply.outer(double(weight) * vectors[place[id(u)]], vectors[place[id(v)]])
        matrix += matrix.T
        matrix /= 2
    return matrices


def _data_of(model: TracedModel) -> Data:
    x, g = (model.floats_of([getattr(p, part) for p in model.run.points]) for part in ("x", "g"))
    names: list[Name] = []
    parts = []
    products: list[tuple[str, np.ndarray, np.ndarray]] = []
    for group in model.groups:
        i, j = group.i, group.j
        for left_out in model.run.tilts:
            shares = np.array([double(share) for share in model.shares(left_out, group)])
            products.append((left_out, len(names) + np.arange(len(i)), shares[:, None] * (x[i] - x[j])))
        if group.law.over == "points":
            parts.append(_matrices(group.law, x[i], g[i], np.zeros_like(x[j]), np.zeros_like(g[j])))
        else:
            parts.append(_matrices(group.law, x[i], g[i], x[j], g[j]))
        names += group.names
    names += [one.name for one in model.others]
    parts.append(_others(model))
    place = {name: i for i, name in enumerate(model.value_names)}
    values = np.zeros((len(place), len(names)))
    level = {at: place[name] for at in range(len(x)) if (name := model.value_at(at)) in place}
    at = 0
    for group in model.groups:
        for point, sign in ((group.j, 1.0), (group.i, -1.0)) if group.law.values else ():
            for row, where in enumerate(point, at):
                if where in level:
                    values[level[where], row] = sign
        at += len(group.names)
    for row, one in enumerate(model.others, at):
        for node, w in model.levels_of(one.name).items():
            values[place[node], row] = double(w)
    for left_out, which, moved in products:
        for vector, column in model.index.items():
            if (node := product_name(left_out, vector)) in place:
                values[place[node], which] = moved[:, column]
    metric = np.zeros(len(place))
    for at, w in model.metric_values:
        metric[at] = float(w)
    goal = dense(model, model.goal, double, float)
    rights = [np.full(len(group.names), double(group.law.rhs)) for group in model.groups]
    right = np.concatenate([*rights, [double(one.right) for one in model.others]])
    blocks = [(np.arange(len(names)), np.concatenate(parts), goal)]
    row_of = {name: row for row, name in enumerate(names)} if model.squares else {}
    for prefix, labels in model.squares:
        pairs = [(a, b) for a in range(len(labels)) for b in range(a, len(labels))]
        units = np.zeros((len(pairs), len(labels), len(labels)))
        for row, (a, b) in enumerate(pairs):
            units[row, a, b] = units[row, b, a] = 1.0
        rows = np.array([row_of[entry(prefix, labels, a, b)] for a, b in pairs])
        blocks.append((rows, units, np.zeros((len(labels),) * 2)))
    free = np.array([name in model.free for name in names], bool)
    return Data(names, values, right, free, metric, blocks, [0] * len(blocks), [])
