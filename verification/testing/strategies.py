"""Problems, starts, shifts and networks for property-based tests with hypothesis.

    from hypothesis import given
    from l2obound.verification import strategies

    @given(problem=strategies.problems(families=("lasso", "box")))
    def test_my_prox_step(problem): ...

A drawn problem is an `l2o.Composite` whose repr is the code that makes it. Everything is drawn as integers and small
fractions before it is a float, so that what fails shrinks to something that can be read, as in

    problem=l2o.lasso(A=[[1]], y=[0], lam=0.1)

Among the draws are what optimizers stumble over: `PATHOLOGIES`, data of any scale, lam = 0, one variable, one row.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from ... import l2o
from ...errors import InputError
from ...l2o.optimizers import make, option_names


class MissingExtra(InputError, ImportError):
    """A package that an extra of this one brings is not installed."""


try:
    from hypothesis import assume
    from hypothesis import strategies as st
except ImportError:
    raise MissingExtra(
        "verification.strategies: hypothesis is needed and not installed; it comes with the extra `test`: "
        'pip install "l2obound[test]".'
    ) from None

PATHOLOGIES = ("none", "zero data", "zero columns", "duplicate columns", "rank-deficient", "ill-conditioned")
"""What may be the matter with the data; "none" is data without an intention (which may be singular all the same)."""

FAMILIES = (
    "lasso",
    "logistic_l1",
    "quadratic",
    "elastic_net",
    "box",
    "nonnegative",
    "huber",
    "squared_hinge",
    "group_lasso",
    "simplex",
    "l2_ball",
)
"""The convex families, which `problems` draws from unless told otherwise."""

NONCONVEX = ("student_t", "welsch", "sigmoid")
"""Families that are not convex."""

_LABELLED = ("logistic_l1", "squared_hinge", "sigmoid")
_LOSSES = {
    "logistic_l1": "logistic",
    "huber": "huber",
    "squared_hinge": "squared_hinge",
    "student_t": "student_t",
    "welsch": "welsch",
    "sigmoid": "sigmoid_loss",
}
_LOSS_PARAMETERS = {"huber": "delta", "student_t": "nu", "welsch": "c"}

_Matrix = list[list[Fraction]]


@dataclass(frozen=True, eq=False, repr=False)
class DrawnProblem(l2o.Composite):
    """A problem that knows the code that makes it: `eval(problem.code, {"l2o": l2o})` is the problem again."""

    code: str = ""

    def fingerprint(self) -> str:
        """That of the problem that `code` makes: how it is written does not determine it."""
        return l2o.Composite(self.smooth, self.nonsmooth).fingerprint()

    def __repr__(self) -> str:
        return self.code

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.code)


@dataclass(frozen=True)
class _Limits:
    """How large, how many and how badly conditioned."""

    max_batch: int
    max_rows: int
    max_dim: int
    max_condition: float
    max_scale: float
    max_changes: int
    pathologies: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, low in (("max_batch", 1), ("max_rows", 1), ("max_dim", 1), ("max_changes", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise InputError(f"problems: {name} is an integer >= {low}, got {value!r}.")
        if not 100 <= self.max_condition <= 1e12:
            raise InputError(
                f"problems: max_condition is a number in [100, 1e12], got {self.max_condition!r}; leave "
                f'"ill-conditioned" out of `pathologies` for data without it.'
            )
        _check_scale(self.max_scale)

    @property
    def decades(self) -> int:
        """Powers of ten that data may be larger or smaller by."""
        return _decades(self.max_scale)


def _check_scale(scale: float) -> None:
    if not 1 <= scale <= 1e100:
        raise InputError(f"max_scale: expected a number in [1, 1e100], got {scale!r}.")


def _decades(scale: float) -> int:
    return math.floor(math.log10(scale) + 1e-9)


def _chosen(names: Sequence[str], allowed: Sequence[str], what: str) -> tuple[str, ...]:
    names = (names,) if isinstance(names, str) else tuple(names)
    unknown = [n for n in names if n not in allowed]
    if unknown or not names:
        given = repr(unknown[0]) if unknown else "none"
        raise InputError(f"{what}: expected some of {', '.join(allowed)}, got {given}.")
    return names


def _text(value: Any) -> str:
    """Numbers and nested lists of them as code, integers as such."""
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if value == int(value) and abs(value) < 10**6:
        return str(int(value))
    return repr(float(value))


def _call(function: str, **arguments: Any) -> str:
    return f"l2o.{function}({', '.join(f'{name}={_text(value)}' for name, value in arguments.items())})"


def _ten(exponent: int) -> Fraction:
    return Fraction(10) ** exponent


def _exponents(decades: int) -> st.SearchStrategy[int]:
    """A power of ten, half of the time 0."""
    return st.just(0) | st.integers(-decades, decades)


_ENTRY = st.integers(-3, 3)
_DENOMINATOR = st.sampled_from((1, 2, 10))
_POSITIVE = st.sampled_from((Fraction(1), Fraction(1, 10), Fraction(1, 2), Fraction(10)))
_WEIGHT = st.sampled_from((Fraction(1, 10), Fraction(1), Fraction(0), Fraction(10)))


def condition(matrix: Any) -> float:
    """Ratio of the largest singular value to the smallest that is not zero; 1 for a matrix of zeros."""
    values = np.linalg.svd(np.asarray(matrix, dtype=float), compute_uv=False)
    values = values[values > 1e-13 * values.max(initial=0.0)]
    return float(values[0] / values[-1]) if len(values) else 1.0


def _applicable(pathologies: tuple[str, ...], rows: int, dim: int) -> list[str]:
    """The pathologies that a matrix of up to this many rows can have; none of them leaves "none"."""
    least = {"duplicate columns": dim, "rank-deficient": min(rows, dim), "ill-conditioned": min(rows, dim)}
    return [p for p in pathologies if least.get(p, 2) >= 2] or ["none"]


def _graded(matrix: _Matrix, limit: float) -> _Matrix:
    """The columns times powers of ten that fall as far as a condition number of `limit` allows."""
    rank = min(len(matrix), len(matrix[0]))
    for decades in range(_decades(limit) if rank > 1 else 0, 0, -1):
        powers = [_ten(-round(decades * min(j, rank - 1) / (rank - 1))) for j in range(len(matrix[0]))]
        graded = [[entry * power for entry, power in zip(row, powers)] for row in matrix]
        if condition(graded) <= limit:
            return graded
    return matrix


@dataclass(frozen=True)
class _Plan:
    """What is the same for all instances: the pathology, the variables, the number that entries are divided by."""

    pathology: str
    dim: int
    column: int
    denominator: int
    direction: list[int]
    limit: float

    @classmethod
    def drawn(cls, draw: Any, pathologies: tuple[str, ...], rows: int, dim: int, limit: float) -> _Plan:
        """A plan for matrices of up to `rows` rows whose condition number is at most `limit`."""
        pathology = draw(st.sampled_from(_applicable(pathologies, rows, dim)))
        direction = draw(_list_of(_ENTRY, dim)) if pathology == "rank-deficient" else []
        return cls(pathology, dim, draw(st.integers(0, dim - 1)), draw(_DENOMINATOR), direction, limit)

    @property
    def rows(self) -> st.SearchStrategy[list[int]]:
        """One row."""
        if self.pathology == "rank-deficient":
            return _ENTRY.map(lambda u: [u * v for v in self.direction])
        return _list_of(st.integers(-1, 1) if self.pathology == "ill-conditioned" else _ENTRY, self.dim)

    def matrix(self, rows: list[list[int]]) -> _Matrix:
        """The matrix of these rows, with the pathology."""
        matrix = [[Fraction(e) for e in row] for row in rows]
        if self.pathology == "ill-conditioned":
            size = max(len(rows), self.dim) + 1  # a dominant diagonal: the grading is what makes the condition number
            matrix = [[e + size * (i == j) for j, e in enumerate(row)] for i, row in enumerate(matrix)]
            return _graded(matrix, self.limit)
        for row in matrix:
            if self.pathology == "zero columns":
                row[self.column] = Fraction(0)
            elif self.pathology == "duplicate columns":
                row[min(self.column, self.dim - 2)] = row[-1]
        assume(condition(matrix) <= self.limit)
        return [[e / self.denominator for e in row] for row in matrix]


def _list_of(values: st.SearchStrategy, size: int) -> st.SearchStrategy[list]:
    return st.lists(values, min_size=size, max_size=size)


def _some(values: st.SearchStrategy, most: int) -> st.SearchStrategy[list]:
    """A list that shrinks by leaving any of its elements out; a drawn number of them would shrink badly."""
    return st.lists(values, min_size=1, max_size=most)


def _times(value: Any, factor: Fraction) -> Any:
    return [_times(v, factor) for v in value] if isinstance(value, list) else value * factor


def _per_instance(draw: Any, batch: int, values: Any) -> Any:
    """One of `values`, or a list of one per instance."""
    if batch > 1 and draw(st.booleans()):
        return [draw(values) for _ in range(batch)]
    return draw(values)


def _quadratic(draw: Any, limits: _Limits) -> str:
    """Q = M'M and c = Q z, exact before they are rounded: there is a minimiser whatever the rank."""
    dim = draw(st.integers(1, limits.max_dim))
    plan = _Plan.drawn(draw, limits.pathologies, dim, dim, math.sqrt(limits.max_condition))
    scale = _ten(draw(_exponents(limits.decades)))
    z = _list_of(st.just(0) if plan.pathology == "zero data" else _ENTRY, dim)
    forms, linear = [], []
    for rows, minimiser in draw(_some(st.tuples(_some(plan.rows, dim), z), limits.max_batch)):
        m = plan.matrix(rows)
        forms.append(
            [[scale * sum((row[i] * row[j] for row in m), Fraction(0)) for j in range(dim)] for i in range(dim)]
        )
        linear.append([sum((a * b for a, b in zip(row, minimiser)), Fraction(0)) for row in forms[-1]])
    return _call("quadratic", Q=_without_batch(forms), c=_without_batch(linear))


def _without_batch(values: list) -> list:
    """One instance without the axis of the batch, several as they are."""
    return values[0] if len(values) == 1 else values


def _table(draw: Any, limits: _Limits, labelled: bool) -> tuple[list[_Matrix], list[list[Fraction]]]:
    """Matrices and targets (labels) of a batch; a row is drawn with its target, so that both are left out together."""
    dim = draw(st.integers(1, limits.max_dim))
    plan = _Plan.drawn(draw, limits.pathologies, limits.max_rows, dim, limits.max_condition)
    targets = st.just(0) if plan.pathology == "zero data" else st.integers(0, 1) if labelled else _ENTRY
    denominator = draw(_DENOMINATOR)
    tables = draw(_some(_some(st.tuples(plan.rows, targets), limits.max_rows), limits.max_batch))
    rows = min(map(len, tables))
    matrices = [plan.matrix([row for row, _ in table[:rows]]) for table in tables]
    return matrices, [
        [Fraction(target, 1 if labelled else denominator) for _, target in table[:rows]] for table in tables
    ]


def _nonsmooth(draw: Any, family: str, batch: int, dim: int, size: Fraction, weights: Any) -> str:
    """The code of r; `size` is about that of a solution."""
    if family == "elastic_net":
        return _call("elastic_net", lam=_per_instance(draw, batch, weights), ridge=draw(weights))
    if family == "box":
        lower, width = draw(_ENTRY), draw(st.integers(0, 3))
        return _call("box", lower=lower * size, upper=(lower + width) * size)
    if family == "nonnegative":
        return "l2o.nonnegative()"
    if family == "group_lasso":
        groups = draw(st.lists(st.integers(0, 2), min_size=dim, max_size=dim))
        return _call("group_l1", groups=groups, lam=_per_instance(draw, batch, weights))
    if family in ("simplex", "l2_ball"):
        return _call(family, radius=_per_instance(draw, batch, _POSITIVE.map(lambda v: v * size)))
    return _call("l1", lam=_per_instance(draw, batch, weights))


def _code(draw: Any, family: str, limits: _Limits) -> str:
    """The code of one problem."""
    if family == "quadratic":
        return _quadratic(draw, limits)
    matrices, targets = _table(draw, limits, family in _LABELLED)
    batch, dim = len(matrices), len(matrices[0][0])
    shared = draw(st.booleans())
    a, y = matrices[0] if shared else _without_batch(matrices), _without_batch(targets)
    # What is drawn for every family alike lets a failure shrink to the first family that has it.
    large, tall = draw(_exponents(limits.decades)), draw(_exponents(limits.decades))
    tall = 0 if family in _LABELLED else tall
    a, y = _times(a, _ten(large)), _times(y, _ten(tall))
    # lam matters where it is of the size of A'y, which is where half of the draws are
    level = draw(st.sampled_from((0, large + tall)) | st.integers(-limits.decades, limits.decades))
    weights = _WEIGHT.map(lambda w: w * _ten(level))
    named = "labels" if family in _LABELLED else "y"
    if family in ("lasso", "logistic_l1"):
        return _call(family, **{"A": a, named: y, "lam": _per_instance(draw, batch, weights)})
    data = {"A": a, named: y}
    if family in _LOSS_PARAMETERS:
        parameter = draw(_POSITIVE) * _ten(2 * tall if family == "student_t" else tall)
        data[_LOSS_PARAMETERS[family]] = parameter
    smooth = _call(_LOSSES.get(family, "least_squares"), **data)
    size = _ten(draw(st.sampled_from(sorted({0, tall - large}, key=abs))))
    return f"l2o.Composite({smooth}, {_nonsmooth(draw, family, batch, dim, size, weights)})"


def _change(draw: Any, limits: _Limits) -> str:
    """A change of variables, as the call of a method."""
    kind = draw(st.sampled_from(("shifted", "scaled", "rescaled")))
    power = _ten(draw(_exponents(limits.decades)))
    value = draw(st.integers(-3, 3)) if kind == "shifted" else draw(st.integers(1, 3))
    return f".{kind}({_text(value * power)})"


def problem_from_code(code: str) -> DrawnProblem:
    """The problem that code like `l2o.lasso(A=[[1]], y=[1], lam=0.1)` makes, with the code as its repr."""
    problem = eval(code, {"l2o": l2o})
    return DrawnProblem(problem.smooth, problem.nonsmooth, code)


@st.composite
def _problems(draw: Any, families: tuple[str, ...], limits: _Limits) -> DrawnProblem:
    code = _code(draw, draw(st.sampled_from(families)), limits)
    for _ in range(draw(st.integers(0, limits.max_changes))):
        code += _change(draw, limits)
    return problem_from_code(code)


def problems(
    families: Sequence[str] = FAMILIES,
    *,
    max_batch: int = 2,
    max_rows: int = 4,
    max_dim: int = 4,
    max_condition: float = 1e6,
    max_scale: float = 1e6,
    max_changes: int = 0,
    pathologies: Sequence[str] = PATHOLOGIES,
) -> st.SearchStrategy[DrawnProblem]:
    """Problems of the `families`, of 1..max_batch instances with 1..max_rows rows and 1..max_dim variables.

    The ratio of the largest to the smallest nonzero singular value (of Q for quadratics) is at most `max_condition`.
    Data and weights are larger or smaller than 1 by up to `max_scale`. Up to `max_changes` times a problem is
    shifted, scaled or dilated. Families beyond `FAMILIES` are `NONCONVEX`. A lasso without rank or a logistic loss on
    separable data with lam = 0 are among the draws: a minimiser need not be unique, nor exist.
    """
    families = _chosen(families, FAMILIES + NONCONVEX, "families")
    chosen = _chosen(pathologies, PATHOLOGIES, "pathologies")
    limits = _Limits(max_batch, max_rows, max_dim, max_condition, max_scale, max_changes, chosen)
    return _problems(families, limits)


@st.composite
def _tensors(draw: Any, shape: tuple[int, ...], decades: int, like: l2o.Composite) -> torch.Tensor:
    count = math.prod(shape)
    scale = _ten(draw(_exponents(decades)))
    values = [float(v * scale) for v in draw(st.lists(_ENTRY, min_size=count, max_size=count))]
    return torch.tensor(values, dtype=like.dtype, device=like.device).reshape(shape)


def starts(problem: l2o.Composite, *, max_scale: float = 1e3) -> st.SearchStrategy[torch.Tensor]:
    """(B,n) starts in the domain of r, of integers times a power of ten up to `max_scale`; 0 is the simplest."""
    _check_scale(max_scale)
    points = _tensors((problem.batch_size, problem.dim), _decades(max_scale), problem)
    return points.map(lambda x: problem.prox(x, 1.0)) if problem.nonsmooth.is_indicator else points


def shifts(problem: l2o.Composite | None = None, *, max_scale: float = 1e3) -> st.SearchStrategy[Any]:
    """Numbers t for `problem.shifted(t)`; with a `problem` also lists of one per variable."""
    _check_scale(max_scale)
    decades = _decades(max_scale)
    number = st.builds(lambda e, p: float(_text(e * _ten(p))), _ENTRY, _exponents(decades))
    if problem is None:
        return number
    return number | st.lists(number, min_size=problem.dim, max_size=problem.dim)


def features(problem: l2o.Composite, width: int = 2, *, max_scale: float = 1.0) -> st.SearchStrategy[torch.Tensor]:
    """(B,n,width) features of a coordinate-wise network, integers times a power of ten up to `max_scale`."""
    _check_scale(max_scale)
    if not isinstance(width, int) or width < 1:
        raise InputError(f"width: expected the number of features, an integer >= 1, got {width!r}.")
    return _tensors((problem.batch_size, problem.dim, width), _decades(max_scale), problem)


_EIGHTHS = st.integers(-8, 8).map(lambda k: k / 8)


@st.composite
def _weights(draw: Any, shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    weights = {}
    for name, shape in shapes.items():
        tensor = torch.full(shape, draw(_EIGHTHS), dtype=torch.float64)
        for index, value in draw(st.dictionaries(st.integers(0, tensor.numel() - 1), _EIGHTHS, max_size=4)).items():
            tensor.view(-1)[index] = value
        weights[name] = tensor
    return weights


def network_weights(kind: str, **options: Any) -> st.SearchStrategy[dict[str, torch.Tensor]]:
    """Weights of the learned optimizer `kind`, by name: one number for each tensor but for a few of its entries.

    `options` are those of `l2o.optimizer(kind, ...)`; the default is a network of one layer of two units. The
    optimizer itself is `dataclasses.replace(l2o.optimizer(kind, ...), parameters=weights)` with the same options.
    """
    like: Any = make(kind, _small(kind) | options)
    if getattr(like, "parameters", None) is None:
        learned = [n for n in l2o.optimizer_names() if "parameters" in _fields(n)]
        raise InputError(f"network_weights: {kind} has no weights; the learned optimizers are {', '.join(learned)}.")
    return _weights({name: tuple(w.shape) for name, w in like.parameters.items()})


def _fields(name: str) -> set[str]:
    made: Any = l2o.optimizer(name)
    return {f.name for f in dataclasses.fields(made)}


def _small(name: str) -> dict[str, int]:
    """Options that make the network of a learned optimizer small."""
    return {o: v for o, v in (("hidden_size", 2), ("layers", 1)) if o in option_names(name)}


@st.composite
def _optimizers(draw: Any, names: tuple[str, ...]) -> Any:
    name = draw(st.sampled_from(names))
    options = {option: st.just(value) for option, value in _small(name).items()}
    if "seed" in option_names(name):
        options["seed"] = st.integers(0, 9)
    return draw(st.builds(l2o.optimizer, st.just(name), **options))  # hypothesis then shows the call


def optimizers(
    names: Sequence[str] | None = None, *, problem: l2o.Composite | None = None
) -> st.SearchStrategy[l2o.optimizers.Optimizer]:
    """Optimizers of this package by default options; learned ones are small networks with drawn seeds.

    `names` are some of `l2o.optimizer_names()`, all of them by default; with a `problem`, those that run on it.
    """
    chosen = _chosen(l2o.optimizer_names() if names is None else names, l2o.optimizer_names(), "names")
    if problem is not None:
        able = tuple(name for name in chosen if _runs_on(name, problem))
        if not able:
            raise InputError(f"optimizers: none of {', '.join(chosen)} runs on {problem.name}; name others.")
        chosen = able
    return _optimizers(chosen)


def _runs_on(name: str, problem: l2o.Composite) -> bool:
    method = l2o.optimizer(name)
    try:
        method.step(problem, method.init(problem, l2o.synthetic.starts(problem), 0))
    except InputError:
        return False
    return True
