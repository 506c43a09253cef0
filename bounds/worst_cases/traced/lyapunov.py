r"""Linear rates that hold at every iteration: V(k + 1) <= rate V(k), and V(k) at least what is asked for.

V is a quadratic form of the vectors of a state and of the gradients that the step asks for, all less their values at
x*, and a linear function of the function values there above their tangents at x*. With multipliers lambda, nu >= 0 of
the inequalities of the classes it is a Lyapunov function if

    rate V(k) - V(k + 1) + sum lambda_j (inequality j)  and  V(k) - target(k) + sum nu_j (inequality j)

are positive semidefinite forms in which function values cancel: two small linear matrix inequalities for a given rate,
and the rate by bisection. The solution at a slightly larger rate is rounded to fractions, repaired and checked by the
functions that do so for worst cases.

Source: Taylor, Van Scoy, Lessard, *Lyapunov functions for first-order methods: tight automated convergence guarantees*,
ICML 2018; Upadhyaya, Banert, Taylor, Giselsson, Math. Program. 209 (2025), with the name AutoLyap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import InputError
from .._conic import FINE, Data, Solution, solve
from .._exact import positive_semidefinite
from .._fractions import double
from .._repair import rounded
from .._setting import number
from ._forms import TracedForms, balanced_by_largest
from ._frame import framed
from ._model import ORDINALS, Name, TracedModel, dense, traced_model, value_name
from ._steps import TwoSteps, leaves, two_steps, values_at, vectors_at
from ._units import Units, in_units, unit
from .as_code import Method, iterate
from .certificate import lyapunov_data
from .classes import Class
from .oracles import STAR
from .question import classes_of
from .vectors import Scalar, Value, Vector

ZERO, ONE = Fraction(0), Fraction(1)
MARGIN = 1.0
"""How much both forms are above 0, in units of the target: any number does, because V may be as large as it likes."""
BISECTIONS = 40
NUDGES = (0.0, 0.1, 0.3)
"""Shares of the way down to a rate that is not shown, at which the solver is asked again."""
ABOVE = (1e-7, 2e-7, 5e-7, 1e-6, 1e-5, 1e-4)
"""By how much a certified rate may be above the least that was found, the first that can be shown."""
TARGETS = ("distance", "objective")


@dataclass(frozen=True, eq=False)
class LyapunovRate:
    """A proof over the fractions that V(k + 1) <= `rate` V(k) for all k, with V(k) >= the target.

    `form` and `weights` are V: coefficients of products of the vectors `names`, and of values. `least` is the rate that
    bisection found, in floating point: no smaller one has a V of this kind, up to rounding. `data` is plain JSON.
    """

    rate: Fraction
    least: float
    names: tuple[str, ...]
    form: Mapping[tuple[str, str], Fraction]
    weights: Mapping[str, Fraction]
    data: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class StepProblem:
    """Both inequalities: V now and after a step, in the frame and the units of the run, and what V is at least.

    `sizes` are what the vectors of V are measured in, `scale` is that for the target.
    """

    model: TracedModel
    forms: TracedForms
    now: list[Vector]
    after: list[Vector]
    values: tuple[list[Value], list[Value]]
    target: Scalar
    early: list[Name]
    places: list[int]
    units: Units
    sizes: list[Fraction]
    scale: Fraction

    def in_question(self, given: Mapping[Name, Fraction]) -> dict[Name, Fraction]:
        """Multipliers in the units of the question."""
        scale, total = self.scale, {}
        for name, w in given.items():
            if name[0] == "form":
                total[name] = scale * w / (self.sizes[int(name[1])] * self.sizes[int(name[2])])
            elif name[0] == "value":
                total[name] = scale * w / self.units.values[self.values[0][int(name[1])][0]]
            else:
                total[name] = scale * w * self.units.multiplier(name[1:]) / self.units.metric
        return total

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The entries of a symmetric matrix."""
        return [(a, b) for a in range(len(self.now)) for b in range(a, len(self.now))]

    @property
    def free(self) -> frozenset[Name]:
        """Multipliers that may be below 0: those of V."""
        forms: list[Name] = [("form", str(a), str(b)) for a, b in self.pairs]
        return frozenset([*forms, *(("value", str(i)) for i in range(len(self.values[0])))])

    def nodes(self, rate: Fraction) -> dict[Name, dict[str, Fraction]]:
        """The function values of each multiplier, "1" those of the decrease and "2" those of the target."""
        table: dict[Name, dict[str, Fraction]] = {("form", str(a), str(b)): {} for a, b in self.pairs}
        for i, (now, after) in enumerate(zip(*self.values)):
            row: dict[str, Fraction] = {}
            for node, w in (
                (f"1{self._node(now)}", rate),
                (f"1{self._node(after)}", -ONE),
                (f"2{self._node(now)}", ONE),
            ):
                row[node] = row.get(node, ZERO) + w
            table["value", str(i)] = row
        for name in self.names:
            table["decrease", *name] = {f"1{node}": w for node, w in self.forms.values[name].items()}
        for name in self.early:
            table["above", *name] = {f"2{node}": w for node, w in self.forms.values[name].items()}
        return table

    def _node(self, value: Value) -> str:
        return value_name(value)

    @property
    def names(self) -> list[Name]:
        """The inequalities of the classes."""
        return [name for group in self.model.groups for name in group.names]

    @property
    def wanted(self) -> dict[str, Fraction]:
        """What the function values of both add up to."""
        nodes = [f"1{node}" for node in self.model.value_names if node != "t"]
        early = {f"2{node}" for name in self.early for node in self.forms.values[name]}
        early |= {f"2{self._node(value)}" for value in self.values[0]}
        early |= {f"2{value_name(v)}" for v in self.target.values}
        wanted = dict.fromkeys([*nodes, *sorted(early)], ZERO)
        for value, w in self.target.values.items():
            wanted[f"2{value_name(value)}"] += w
        return wanted

    def form(self, vectors: list[Vector], a: int, b: int) -> Scalar:
        """<z_a, z_b>."""
        return vectors[a] @ vectors[b]

    def matrices(self, rate: Fraction) -> tuple[dict[Name, np.ndarray], dict[Name, np.ndarray], np.ndarray]:
        """Of both inequalities by multiplier, in fractions, and the matrix of the target."""
        one: dict[Name, np.ndarray] = {}
        other: dict[Name, np.ndarray] = {}
        inner = np.ix_(self.places, self.places)
        for a, b in self.pairs:
            now = dense(self.model, self.form(self.now, a, b), Fraction, object)
            after = dense(self.model, self.form(self.after, a, b), Fraction, object)
            one["form", str(a), str(b)] = rate * now - after
            other["form", str(a), str(b)] = now[inner]
        for name in self.names:
            matrix = self.forms.matrix(name)
            assert matrix is not None, "laws have matrices"
            one["decrease", *name] = matrix
            if name in self.early:
                other["above", *name] = matrix[inner]
        return one, other, dense(self.model, self.target, Fraction, object)[inner]


def problem_of(
    steps: TwoSteps, classes: Mapping[str, Class], target: Any, targets: tuple[str, ...] = TARGETS
) -> StepProblem:
    """The inequalities of two steps, with V and the target, in units of their own."""
    now, after = vectors_at(steps, 0), vectors_at(steps, 1)
    x = iterate(steps.states[0])
    if target not in targets:
        raise InputError(f"target: expected one of {', '.join(targets)}, got {target!r}.")
    wanted = (x - steps.goal) ** 2 if target != "residual" else (iterate(steps.states[1]) - x) ** 2
    if target == "objective":
        at = {p.function: p for p in steps.calls[0] if p.x.key == x.key}
        if not at and "residual" in targets:  # a prox leads to the next iterate
            at = {p.function: p for p in steps.calls[0] if p.x.key == iterate(steps.states[1]).key}
        if set(at) != set(classes) or any(given.kind != "function" for given in classes.values()):
            raise InputError("target: the objective needs a step that asks every function at x_k; use distance.")
        wanted = Scalar({(p.function, p.label): ONE for p in at.values()}, {})
        wanted = wanted - Scalar({(name, STAR): ONE for name in classes}, {})
    frame = framed(classes, steps.recorder, [*(v @ v for v in (*now, *after)), wanted], [])
    if frame.tilts:
        raise InputError("lyapunov: a gradient of the method is measured by no inequality; see `TracedWorstCase`.")
    units = in_units(frame)
    model = traced_model(None, units.run)
    forms = TracedForms(model)

    def in_frame(vector: Vector) -> Vector:
        return Vector({n: w * units.vector(n) for n, w in vector.entries.items() if n not in frame.zero})

    early = {(p.function, p.label) for p in steps.calls[0]} | {(name, STAR) for name in classes}
    names = [n for group in model.groups for n in group.names if _among(n, early)]
    goal = units.run.metric[-1] * units.metric
    scale = unit(max(map(abs, [*goal.form.values(), *goal.values.values()])))
    goal = goal * (1 / scale)
    used = {n for p in frame.points if (p.function, p.label) in early for n in (*p.x.entries, *p.g.entries)}
    used |= {n for v in now for n in in_frame(v).entries} | {n for pair in goal.form for n in pair}
    places = [i for i, n in enumerate(model.basis) if n in used]
    values = values_at(steps, 0, classes), values_at(steps, 1, classes)
    first, second = ([in_frame(v) for v in part] for part in (now, after))
    largest = ([abs(w) for v in both for w in v.entries.values()] for both in zip(first, second))
    sizes = [unit(max(numbers, default=ONE)) for numbers in largest]
    first, second = ([v * (1 / size) for v, size in zip(part, sizes)] for part in (first, second))
    return StepProblem(model, forms, first, second, values, goal, names, places, units, sizes, scale)


def _among(name: Name, early: set[tuple[str, str]]) -> bool:
    rest = name[1:] if name[0] in (*ORDINALS, "bound") else name
    return all((rest[0], label) in early for label in rest[1:])


def _data(problem: StepProblem, rate: Fraction) -> Data:
    table, wanted = problem.nodes(rate), problem.wanted
    one, other, target = problem.matrices(rate)
    names = list(table)
    place = {node: i for i, node in enumerate(wanted)}
    values = np.zeros((len(wanted), len(names)))
    for j, name in enumerate(names):
        for node, w in table[name].items():
            values[place[node], j] = double(w)
    free = np.array([name in problem.free for name in names])
    n = len(problem.model.basis)
    blocks = []
    for part, constant in ((one, np.zeros((n, n))), (other, np.array(target, float))):
        index = np.array([j for j, name in enumerate(names) if name in part])
        blocks.append((index, np.array([np.array(part[names[j]], float) for j in index]), constant))
    right = np.where(free, 0.0, 1.0)
    metric = np.array([double(w) for w in wanted.values()])
    return Data(names, values, right, free, metric, blocks, [0, 0], [])


def _solved(problem: StepProblem, rate: Fraction) -> Solution | None:
    solution = solve(_data(problem, rate), 0.0, MARGIN)
    return solution if solution.status in FINE and np.isfinite(solution.multipliers).all() else None


def _feasible(problem: StepProblem, rate: float, low: float) -> bool:
    # Where the solver gives up without an answer, which depends on the processor, smaller rates are asked for: what
    # shows a smaller rate shows the rate.
    for share in NUDGES:
        status = solve(_data(problem, Fraction(rate - share * (rate - low))), 0.0, MARGIN).status
        if status in FINE or "Infeasible" in status:
            return status in FINE
    return False


def _exactly(problem: StepProblem, rate: Fraction) -> dict[Name, Fraction] | None:
    """Multipliers in fractions that prove the rate; None where none were found."""
    solution = _solved(problem, rate)
    if solution is None:
        return None
    table = problem.nodes(rate)
    names = list(table)
    free = np.array([name in problem.free for name in names])
    near = rounded(names, solution.multipliers, free, 44)
    given = balanced_by_largest(table, problem.wanted, near, problem.free)
    if given is None:
        return None
    one, other, target = problem.matrices(rate)
    for part, constant in ((one, 0 * one["form", "0", "0"]), (other, target)):
        total = -constant
        for name, value in given.items():
            if name in part:
                total = total + value * part[name]
        if not positive_semidefinite(total):
            return None
    return given


def same_steps(program: Method, classes: Mapping[str, Class], fixed: Callable | None) -> TwoSteps:
    """Two steps of a method from any state; an error where steps differ, or where they have no proof of this kind."""
    matrices = [name for name, given in classes.items() if given.linear is not None]
    if matrices:
        raise InputError(
            f"lyapunov: {matrices[0]} is of the class {classes[matrices[0]]}, whose conditions are on all points at "
            f"once; ask worst_case for K steps."
        )
    steps, later = (two_steps(program, classes, fixed, k) for k in (1, 8))
    if [(p.x.key, p.g.key) for p in steps.recorder.points] != [(p.x.key, p.g.key) for p in later.recorder.points]:
        raise InputError(f"lyapunov: the steps of {program.title} depend on k; a rate is that of one step for all.")
    if [v.key for v in leaves(steps.states[-1])] != [v.key for v in leaves(later.states[-1])]:
        raise InputError(f"lyapunov: the steps of {program.title} depend on k; a rate is that of one step for all.")
    if steps.recorder.sides:
        raise InputError("lyapunov: methods with inexact gradients have no rate here; ask worst_case for K steps.")
    if [p.function for p in steps.calls[0]] != [p.function for p in steps.calls[1]]:
        raise InputError(f"lyapunov: two steps of {program.title} ask for different things.")
    return steps


def lyapunov(
    method: Any,
    function_class: Any = "smooth_strongly_convex",
    L: Any = 1.0,
    mu: Any = None,
    target: str = "distance",
    rate: Any = None,
    fixed: Callable | None = None,
) -> LyapunovRate:
    """The best linear rate of a method that a Lyapunov function shows for every iteration.

    Args:
        method: A step function or a `Method` whose steps are all the same: it may not use k.
        function_class: As for `worst_case` of a method that is code.
        L: Smoothness of f, for a class by name.
        mu: Strong convexity of f, for a class by name.
        target: What V is at least: "distance", ||x_k - x||^2 with x that of the fixed state, mostly x*, or "objective",
            F(x_k) - F*.
        rate: A rate to be proved; the least is looked for if it is None.
        fixed: The state that a step does not change, as a function of x* and of functions, which are asked at x*; all
            positions are x* if it is None.

    Returns:
        The rate per iteration with its V and its proof in fractions: the target is at most rate^k V(0).

    Raises:
        InputError: Where steps differ, where no state is fixed, and where no rate below 1 is found or the given one has
            no proof of this kind.
    """
    program = method if isinstance(method, Method) else Method(method)
    classes = classes_of(function_class, L, mu)
    steps = same_steps(program, classes, fixed)
    problem = problem_of(steps, classes, target)
    if rate is not None:
        exact = number(rate, "rate")
        given = _exactly(problem, exact)
        if given is None:
            raise InputError(
                f"rate: no Lyapunov function of this kind shows {float(exact):g}; leave it out for the least."
            )
        return _written(problem, steps, classes, program, target, exact, float(exact), problem.in_question(given))
    low, high = 0.0, 1.0
    if not _feasible(problem, high, low):
        raise InputError(
            f"lyapunov: no Lyapunov function of this kind shows that {program.title} does not diverge over "
            f"{', '.join(map(str, classes.values()))}; take smaller steps, or another target."
        )
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if _feasible(problem, middle, low):
            high = middle
        else:
            low = middle
    for above in ABOVE:
        exact = Fraction(high * (1 + above)).limit_denominator(10**9)
        given = _exactly(problem, exact) if exact < 1 else None
        if given is not None:
            return _written(problem, steps, classes, program, target, exact, high, problem.in_question(given))
    raise InputError(f"lyapunov: the least rate that was found is {high:.9g}, and no rounding of its proof is one.")


def _written(
    problem: StepProblem,
    steps: TwoSteps,
    classes: Mapping[str, Class],
    method: Method,
    target: str,
    rate: Fraction,
    least: float,
    given: Mapping[Name, Fraction],
) -> LyapunovRate:
    count = len(leaves(steps.states[0]))
    words = [f"state {i} - x*" for i in range(count)] + [
        f"gradient {i} of {p.function}" for i, p in enumerate(steps.calls[0])
    ]
    form = {(words[a], words[b]): given.get(("form", str(a), str(b)), ZERO) for a, b in problem.pairs}
    weights = {value_name(v): given.get(("value", str(i)), ZERO) for i, v in enumerate(problem.values[0])}
    parts = [(vectors_at(steps, which), values_at(steps, which, classes)) for which in (0, 1)]
    data = lyapunov_data(steps, classes, method, target, rate, given, *parts)
    return LyapunovRate(rate, least, tuple(words), form, weights, data)
