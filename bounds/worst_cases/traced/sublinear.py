r"""Rates 1/k that hold at every iteration: potentials V(k) = A + k B that do not increase, B at least the target.

A and B are forms of a state, as V of `lyapunov` is; B has gradients and values only. With multipliers of the
inequalities of the classes

    A - A' - B' and B - B'                    (V(k + 1) <= V(k) for every k >= 0, ' after a step),
    A and B - target                          (V(k) >= k target),
    constant ||x_0 - x*||^2 - A at the start

are positive semidefinite forms in which function values cancel. So target(x_k) <= constant ||x_0 - x*||^2/k for all k.
These are five small linear matrix inequalities, and one semidefinite problem has the least constant.

Where no inequality has the square of a vector, the matrix of a proof has a 0 there, and its row has to vanish: the
vector is left out, and its products are counted like function values. Positions are differences from the first one,
which no inequality about convex functions measures.

Source: Bansal, Gupta, Theory of Computing 15 (2019), and Taylor, Bach, COLT 2019, for such potentials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import InputError
from .._conic import FINE, Data, solve
from .._exact import positive_semidefinite
from .._fractions import double
from .._repair import rounded
from ._forms import balanced_by_largest
from ._model import Name, dense, value_name
from ._steps import TwoSteps, leaves, values_at, vectors_at
from .as_code import Method, called
from .certificate import sublinear_data
from .lyapunov import StepProblem, problem_of, same_steps
from .oracles import START
from .question import classes_of
from .vectors import Scalar, Vector

ZERO, ONE = Fraction(0), Fraction(1)
TARGETS = ("objective", "residual")
MARGINS = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
"""How far inside multipliers are before they are rounded; the first that survives is taken."""
CONSTANT: Name = ("constant",)
PARTS = ("decrease", "growth", "nonnegative", "above", "start")
Form = tuple[str, str]


@dataclass(frozen=True, eq=False)
class SublinearRate:
    """A proof over the fractions that target(x_k) <= `constant` ||x_0 - x*||^2/k for all k >= 1.

    `level` is A, `growth` is B: coefficients of products of the vectors `names` and of values. `least` is the constant
    that the solver found: no smaller one has such a potential, up to rounding. `data` is plain JSON.
    """

    constant: Fraction
    least: float
    names: tuple[str, ...]
    level: Mapping[Form | str, Fraction]
    growth: Mapping[Form | str, Fraction]
    data: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class _Block:
    """One inequality: matrices and function values by multiplier, the constant matrix, and what values add up to."""

    matrices: dict[Name, np.ndarray]
    constant: np.ndarray
    nodes: dict[Name, dict[str, Fraction]]
    wanted: dict[str, Fraction]


def sublinear(
    method: Any,
    function_class: Any = "smooth_convex",
    L: Any = 1.0,
    mu: Any = None,
    target: str = "objective",
    constant: Any = None,
    fixed: Callable | None = None,
) -> SublinearRate:
    """The least constant c of a rate c ||x_0 - x*||^2/k that a potential A + k B shows for every k.

    Args:
        method: A step function or a `Method` whose steps are all the same, and whose init asks no function.
        function_class: As for `worst_case` of a method that is code.
        L: Smoothness of f, for a class by name.
        mu: Strong convexity of f, for a class by name.
        target: "objective", F(x_k) - F*, or "residual", ||x_{k+1} - x_k||^2.
        constant: A constant to be proved; the least is looked for if it is None.
        fixed: As for `lyapunov`.

    Returns:
        The constant with its potential and its proof in fractions.

    Raises:
        InputError: Where steps differ, where init asks a function, and where no constant is found or the given one has
            no proof of this kind.
    """
    program = method if isinstance(method, Method) else Method(method)
    classes = classes_of(function_class, L, mu)
    steps = same_steps(program, classes, fixed)
    problem = _from_first(problem_of(steps, classes, target, TARGETS), steps)
    places = _start(program, steps)
    inner = _Inequalities(problem, steps, places)
    least, unit = _least(inner), inner.unit
    for margin in MARGINS:
        wanted = None if constant is None else _number(constant) / unit
        given = _proved(inner, margin, wanted)
        if given is not None:
            exact = given[CONSTANT] * unit
            parts = [(vectors_at(steps, w), values_at(steps, w, classes)) for w in (0, 1)]
            proof = inner.in_question(given)
            data = sublinear_data(steps, classes, program, target, exact, proof, parts[0], parts[1], places)
            return _written(inner, steps, exact, least * double(unit), proof, data)
    raise InputError(
        f"sublinear: no potential A + k B shows {'any constant' if constant is None else f'{float(constant):g}'} for "
        f"{program.title} over {', '.join(map(str, classes.values()))}; the least that the solver found is "
        f"{least * double(unit):.6g}."
    )


def _number(value: Any) -> Fraction:
    given = Fraction(value)
    if given <= 0:
        raise InputError(f"constant: expected > 0, got {float(given)}.")
    return given


def _from_first(problem: StepProblem, steps: TwoSteps) -> StepProblem:
    """The problem with positions as differences from the first one, and gradients from those of the step before."""
    # what no inequality measures is then a vector of the basis: a common move, and gradients that do not change
    positions = [n for n in problem.model.basis if n in problem.model.run.positions]
    before = dict.fromkeys(positions[1:], positions[0]) if positions else {}
    for one, other in zip(steps.calls[0], steps.calls[1]):
        if len(one.g.entries) == len(other.g.entries) == 1 and one.g.key != other.g.key:
            [first], [later] = one.g.entries, other.g.entries
            if later not in before and later not in positions:
                before[later] = first

    def moved(vector: Vector) -> Vector:
        total = vector
        for name, w in vector.entries.items():
            while name in before:
                name = before[name]
                total = total + Vector({name: w})
        return total

    run = problem.model.run
    problem.model.framed = replace(run, points=[p._replace(x=moved(p.x), g=moved(p.g)) for p in run.points])
    problem.model.renewed()
    goal = Scalar(problem.target.values, {})
    for (a, b), w in problem.target.form.items():
        goal = goal + w * (moved(Vector({a: ONE})) @ moved(Vector({b: ONE})))
    forms = type(problem.forms)(problem.model)
    now, after = [moved(v) for v in problem.now], [moved(v) for v in problem.after]
    early = {n for v in now for n in v.entries} | {problem.model.basis[i] for i in problem.places} | {*positions[:1]}
    places = [i for i, n in enumerate(problem.model.basis) if n in early]
    return replace(problem, forms=forms, now=now, after=after, target=goal, places=places)


def _start(method: Method, steps: TwoSteps) -> list[Fraction]:
    """The first state: by how much of x_0 each of its vectors is x_0."""
    x0 = Vector({START: ONE})
    state = x0 if method.init is None else called(method.init, x0, {}, f"init of {method.title}")
    parts = leaves(state)
    if len(parts) != len(steps.fixed) or any(set(v.entries) - {START} for v in parts):
        raise InputError(f"sublinear: init of {method.title} has to make the state of x_0 alone, with all its vectors.")
    weights = [v.entries.get(START, ZERO) for v in parts]
    if weights[0] != 1:
        raise InputError(f"sublinear: the first vector of the state of {method.title} has to be x_0.")
    return weights


class _Inequalities:
    """The five inequalities of a problem, reduced."""

    def __init__(self, problem: StepProblem, steps: TwoSteps, places: list[Fraction]) -> None:
        self.problem, self.count = problem, len(steps.fixed)
        self.width = len(problem.now)
        self.parts = {"A": self._of_state(), "B": self._of_differences()}
        self.start = self._at_start(places)
        self.unit = problem.scale / problem.units.vector("state0") ** 2
        self.blocks = [_reduced(part, str(i)) for i, part in enumerate(self._parts())]
        self.names = list(dict.fromkeys(name for block in self.blocks for name in (*block.matrices, *block.nodes)))
        self.free = frozenset(name for name in self.names if name[0] in ("A", "B"))
        self.table = {n: {k: w for b in self.blocks for k, w in b.nodes.get(n, {}).items()} for n in self.names}
        self.wanted = {k: w for block in self.blocks for k, w in block.wanted.items()}

    def _at_start(self, places: list[Fraction]) -> Callable[[Vector], Vector]:
        """A vector of the first step where the state is the first one; positions are differences from x_0 by then."""
        positions = self.problem.model.run.positions
        gone = {f"state{i}": w for i, w in enumerate(places) if i}

        def at(vector: Vector) -> Vector:
            total: dict[str, Fraction] = {}
            for name, w in vector.entries.items():
                if name in gone:
                    part = w * (gone[name] - (1 if name in positions else 0))
                    total["state0"] = total.get("state0", ZERO) + part
                else:
                    total[name] = total.get(name, ZERO) + w
            return Vector({n: w for n, w in total.items() if w})

        return at

    def _of_state(self) -> list[dict[int, Fraction]]:
        """What A is a form of, as combinations of the vectors of V: all of them."""
        return [{a: ONE} for a in range(self.width)]

    def _of_differences(self) -> list[dict[int, Fraction]]:
        """What B is a form of: positions less the first one, and what is no position."""
        run, sizes = self.problem.model.run, self.problem.sizes
        parts: list[dict[int, Fraction]] = []
        for a in range(self.width):
            position = a < self.count and f"state{a}" in run.positions
            if not position:
                parts.append({a: ONE})
            elif a:
                parts.append({a: sizes[a], 0: -sizes[0]})
        return parts

    def _form(self, part: str, vectors: list[Vector]) -> dict[Name, np.ndarray]:
        listed = [sum((w * vectors[a] for a, w in one.items()), Vector({})) for one in self.parts[part]]
        return {
            (part, "form", str(a), str(b)): dense(self.problem.model, listed[a] @ listed[b], Fraction, object)
            for a in range(len(listed))
            for b in range(a, len(listed))
        }

    def _values(self, part: str, after: bool) -> dict[Name, dict[str, Fraction]]:
        listed = self.problem.values[1 if after else 0]
        return {(part, "value", str(i)): {value_name(v): ONE} for i, v in enumerate(listed)}

    def _parts(self) -> list[_Block]:
        p = self.problem
        n, model = len(p.model.basis), p.model
        early = np.ix_(p.places, p.places)
        zero = np.full((n, n), ZERO)
        forms = {(part, when): self._form(part, v) for part in "AB" for when, v in (("", p.now), ("'", p.after))}
        values = {(part, when): self._values(part, bool(when)) for part in "AB" for when in ("", "'")}

        def block(at: str, terms: dict[tuple[str, str], int], laws: list[Name], target: bool = False) -> _Block:
            matrices: dict[Name, np.ndarray] = {}
            nodes: dict[Name, dict[str, Fraction]] = {}
            for key, sign in terms.items():
                for name, matrix in forms[key].items():
                    matrices[name] = matrices.get(name, zero) + sign * matrix
                for name, row in values[key].items():
                    now = nodes.setdefault(name, {})
                    for node, w in row.items():
                        now[f"{at}{node}"] = now.get(f"{at}{node}", ZERO) + sign * w
            for law in laws:
                of_law = p.forms.matrix(law)
                assert of_law is not None, "laws have matrices"
                matrices[at, *law] = of_law
                nodes[at, *law] = {f"{at}{node}": w for node, w in p.forms.values[law].items()}
            wanted = {node: ZERO for row in nodes.values() for node in row}
            constant = zero
            if target:
                constant = dense(model, p.target, Fraction, object)
                wanted |= {f"{at}{value_name(v)}": w for v, w in p.target.values.items()}
            return _Block(matrices, constant, nodes, wanted)

        both = [
            block("decrease", {("A", ""): 1, ("A", "'"): -1, ("B", "'"): -1}, p.names),
            block("growth", {("B", ""): 1, ("B", "'"): -1}, p.names),
        ]
        few = [
            block("nonnegative", {("A", ""): 1}, p.early),
            block("above", {("B", ""): 1}, p.early, True),
        ]
        few = [
            replace(b, matrices={m: v[early] for m, v in b.matrices.items()}, constant=b.constant[early]) for b in few
        ]
        return [*both, *few, self._first(early)]

    def _first(self, early: Any) -> _Block:
        """constant ||x_0 - x*||^2 - A where the state is the first one."""
        p = self.problem
        vectors = [self.start(v) for v in p.now]
        matrices = {name: -matrix[early] for name, matrix in self._form("A", vectors).items()}
        nodes = {name: {f"start{k}": -w for k, w in row.items()} for name, row in self._values("A", False).items()}
        x0 = Vector({"state0": ONE})
        matrices[CONSTANT] = dense(p.model, x0 @ x0, Fraction, object)[early]
        run = p.model.run
        points = [q._replace(x=self.start(q.x), g=self.start(q.g)) for q in run.points]
        model = replace(p.model, framed=replace(run, points=points))
        forms = type(p.forms)(model.renewed())
        for law in p.early:
            of_law = forms.matrix(law)
            assert of_law is not None, "laws have matrices"
            matrices["start", *law] = of_law[early]
            nodes["start", *law] = {f"start{k}": w for k, w in forms.values[law].items()}
        wanted = {node: ZERO for row in nodes.values() for node in row}
        size = len(p.places)
        return _Block(matrices, np.full((size, size), ZERO), nodes, wanted)

    def data(self) -> Data:
        """The semidefinite problem, in floating point."""
        place = {node: i for i, node in enumerate(self.wanted)}
        values = np.zeros((len(place), len(self.names)))
        for j, name in enumerate(self.names):
            for node, w in self.table[name].items():
                values[place[node], j] = double(w)
        blocks = []
        for block in self.blocks:
            if len(block.constant):
                index = np.array([j for j, name in enumerate(self.names) if name in block.matrices])
                parts = np.array([np.array(block.matrices[self.names[j]], float) for j in index])
                blocks.append((index, parts, np.array(block.constant, float)))
        free = np.array([name in self.free for name in self.names])
        right = np.array([1.0 if name == CONSTANT else 0.0 for name in self.names])
        metric = np.array([double(w) for w in self.wanted.values()])
        return Data(self.names, values, right, free, metric, blocks, [0] * len(blocks), [])

    def holds(self, given: Mapping[Name, Fraction]) -> bool:
        """Whether multipliers in fractions are a proof; function values cancel already."""
        for block in self.blocks:
            total = -block.constant
            for name, value in given.items():
                if name in block.matrices:
                    total = total + value * block.matrices[name]
            if not positive_semidefinite(total):
                return False
        return True

    def in_question(self, given: Mapping[Name, Fraction]) -> dict[Name, Fraction]:
        """A, B and multipliers in the units of the question."""
        p, total = self.problem, dict[Name, Fraction]()
        for name, w in given.items():
            if name[0] in ("A", "B") and name[1] == "form":
                one, other = (self.parts[name[0]][int(i)] for i in name[2:])
                for a, u in one.items():
                    for b, v in other.items():
                        key: Name = (name[0], "form", str(min(a, b)), str(max(a, b)))
                        total[key] = total.get(key, ZERO) + p.scale * w * u * v / (p.sizes[a] * p.sizes[b])
            elif name[0] in ("A", "B"):
                total[name] = p.scale * w / p.units.values[p.values[0][int(name[2])][0]]
            elif name != CONSTANT:
                total[name] = p.scale * w * p.units.multiplier(name[1:]) / p.units.metric
        return total


def _reduced(block: _Block, at: str) -> _Block:
    """The inequality without the vectors whose squares occur nowhere; their products are counted like values."""
    # where such a number comes with one sign only, the inequalities that have it have multiplier 0, and are left out
    matrices, constant = dict(block.matrices), block.constant
    nodes, wanted = {name: dict(row) for name, row in block.nodes.items()}, dict(block.wanted)
    keep = list(range(len(constant)))
    while True:
        useless = _useless(nodes, wanted)
        for name in useless:
            del nodes[name]
            matrices.pop(name, None)
        out = next((b for b in keep if not constant[b, b] and not any(m[b, b] for m in matrices.values())), None)
        if out is None and not useless:
            break
        if out is None:
            continue
        keep.remove(out)
        for k in keep:
            node = f"{at}<{out}, {k}>"
            row = {name: m[out, k] for name, m in matrices.items() if m[out, k]}
            if row or constant[out, k]:
                wanted[node] = constant[out, k]
                for name, w in row.items():
                    nodes.setdefault(name, {})[node] = w
    inner = np.ix_(keep, keep)
    return _Block({name: m[inner] for name, m in matrices.items()}, constant[inner], nodes, wanted)


def _useless(nodes: Mapping[Name, Mapping[str, Fraction]], wanted: Mapping[str, Fraction]) -> set[Name]:
    """Inequalities of which one number occurs with one sign only, and adds up to 0."""
    useless: set[Name] = set()
    for node, right in wanted.items():
        row = {name: r[node] for name, r in nodes.items() if r.get(node)}
        signs = {w > 0 for w in row.values()}
        if not right and len(signs) == 1 and all(name[0] in PARTS for name in row):
            useless |= set(row)
    return useless


def _least(inner: _Inequalities) -> float:
    solution = solve(inner.data())
    return solution.value if solution.status in FINE else np.inf


def _proved(inner: _Inequalities, margin: float, constant: Fraction | None) -> dict[Name, Fraction] | None:
    """Multipliers in fractions with their constant; None where none were found, or only for a larger one."""
    solution = solve(inner.data(), 0.0, margin)
    if solution.status not in FINE or not np.isfinite(solution.multipliers).all():
        return None
    free = np.array([name in inner.free for name in inner.names])
    near = rounded(inner.names, solution.multipliers, free, 44)
    given = balanced_by_largest(inner.table, inner.wanted, near, inner.free)
    if given is None or not inner.holds(given):
        return None
    if constant is None:
        return given
    return None if given.get(CONSTANT, ZERO) > constant else {**given, CONSTANT: constant}


def _written(
    inner: _Inequalities,
    steps: TwoSteps,
    constant: Fraction,
    least: float,
    given: Mapping[Name, Fraction],
    data: Mapping[str, Any],
) -> SublinearRate:
    words = [f"state {i} - x*" for i in range(inner.count)]
    words += [f"gradient {i} of {p.function}" for i, p in enumerate(steps.calls[0])]
    parts: dict[str, dict[Form | str, Fraction]] = {"A": {}, "B": {}}
    for name, w in given.items():
        if name[0] in parts and w:
            key: Form | str
            if name[1] == "form":
                key = words[int(name[2])], words[int(name[3])]
            else:
                key = value_name(inner.problem.values[0][int(name[2])])
            parts[name[0]][key] = w
    return SublinearRate(constant, least, tuple(words), parts["A"], parts["B"], data)
