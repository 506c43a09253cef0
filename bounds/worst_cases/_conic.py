"""From a model to Clarabel, in the dual form: multipliers, and positive semidefinite slack matrices.

    minimise b'lambda   so that   B'lambda = c,  lambda >= 0,  sum_j lambda_j M_j - C  positive semidefinite,

as one matrix over the whole run with the inequalities of all pairs (`whole`), or as a chain of small matrices with the
inequalities of neighbours (`chain`), which is a relaxation: its value is an upper bound. Both may be tightened by a
margin: eps on each inequality and delta on the matrix leave what is found strictly inside, so that it survives being
made rigorous.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import clarabel
import numpy as np

from ._model import STAR, UNIT, Model, Row, interpolation, times

ROOT2 = np.sqrt(2.0)
SMALL = 5
"""Width of the Gram matrix up to which the chain brings nothing."""
FINE = ("Solved", "AlmostSolved")
GOOD = 1e-8
"""Residuals and relative gap of a solution that is good enough not to ask the solver again for fewer digits."""
LARGEST = 1e120
"""The solver is not asked where a number is larger: squares of its numbers have to be doubles."""
FINEST, QUICK = 1e-11, 1e-9
"""The accuracy that bounds are made of, and that of a value whose bounds are not asked for yet."""
ENOUGH = 1e-7
"""How far off such a value may be where the solver does not come nearer."""
ABSOLUTE = 1e-4
"""The absolute gap that is asked for, as a part of the relative one: values may be small."""
FRACTION = 0.97
"""How much of the way to the boundary a step of a quick solution goes: less than Clarabel's 0.99 saves steps here, most
where inequalities have multipliers that are 0 beside room that is 0."""
WIDE = 16
"""Width of a matrix from which on the solver of linear systems that works on blocks is the faster one."""
LOOSER = (1e2, 1e4, 1e6)
"""By how much looser tolerances are, whose iterates are taken where the solver does not get to the end."""
A_DIGIT = 10
"""Looser tolerances are tried up to those that are a digit short of what there is."""


@dataclass(frozen=True)
class Data:
    """Rows of a semidefinite problem: names (R,), values (V, R), right-hand sides (R,); blocks of matrices.

    `blocks` holds for each matrix (rows (R,), matrices (R, m, m), constant (m, m)); `links` what joins a block to the
    next: (out (s, m), into (s, m')).
    """

    names: list[tuple[str, ...]]
    values: np.ndarray
    rhs: np.ndarray
    equality: np.ndarray
    metric: np.ndarray
    blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
    carried: list[int]
    handed: list[np.ndarray]


@dataclass(frozen=True)
class Solution:
    """Multipliers, function values and Gram matrices that the solver found, and what it says of itself."""

    status: str
    value: float
    multipliers: np.ndarray
    values: np.ndarray
    grams: list[np.ndarray]
    iterations: int


def _collect(model: Model, rows: list[Row], blocks: list, carried: list[int], handed: list[np.ndarray]) -> Data:
    n_values = len(model.value_names)
    values = np.zeros((n_values, len(rows)))
    for j, row in enumerate(rows):
        for i, w in row.values:
            values[i, j] = w
    metric = np.zeros(n_values)
    for i, w in model.metric_values:
        metric[i] += w
    return Data(
        [row.name for row in rows],
        values,
        np.array([float(row.rhs) for row in rows]),
        np.array([row.equality for row in rows]),
        metric,
        blocks,
        carried,
        handed,
    )


@np.errstate(over="ignore", invalid="ignore")  # see `LARGEST`
def chain(model: Model) -> Data:
    """The relaxation with inequalities between neighbours and with the minimiser, block by block."""
    blocks = []
    for k, width in enumerate(model.widths):
        mine = [(j, row.matrix) for j, row in enumerate(model.rows) if row.clique == k and row.matrix is not None]
        index = np.array([j for j, _ in mine], int)
        matrices = np.array([m for _, m in mine]).reshape(-1, width, width)
        constant = np.zeros((width, width))
        if k == len(model.widths) - 1 and model.metric_matrix is not None:
            constant = model.metric_matrix
        blocks.append((index, matrices, constant))
    return _collect(model, model.rows, blocks, model.carried, model.handed)


def points(model: Model, kind: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Labels, positions and (sub)gradients of all points of f or r, the minimiser last, in the basis of the run."""
    into = model.embeddings
    given = model.f_points if kind == "f" else model.r_points
    n = len(model.basis)
    labels = [p.label for p in given]
    x = [times(p.x, into[p.clique]) for p in given]
    g = [times(p.g, into[p.clique]) for p in given]
    if not model.setting.starless:
        zero = np.zeros(n, model.numbers.dtype)
        labels.append(STAR)
        x.append(zero)
        g.append(zero)
    shape = (len(labels), n)
    return labels, np.array(x, model.numbers.dtype).reshape(shape), np.array(g, model.numbers.dtype).reshape(shape)


def pairs(model: Model, kind: str) -> tuple[list[tuple[str, ...]], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Every pair of points of f or r: names and both indices (R,), and x and g of `points`. Floats only."""
    labels, x, g = points(model, kind)
    mask = ~np.eye(len(labels), dtype=bool)
    mask[:, [(kind, label) in model.tops for label in labels]] = False
    i, j = np.nonzero(mask)
    names: list[tuple[str, ...]] = [(kind, labels[a], labels[b]) for a, b in zip(i, j)]
    return names, i, j, x, g


def pair_rows(model: Model, kind: str) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Every pair of points: names, and matrices (R, n, n) in the basis of the run. Floats only."""
    names, i, j, x, g = pairs(model, kind)
    alpha, beta, gamma = interpolation(model.setting, kind, float)
    dx, dg = x[i] - x[j], g[i] - g[j]
    half = g[j][:, :, None] * dx[:, None, :]
    if beta:
        half += gamma * dg[:, :, None] * dx[:, None, :] + beta * dx[:, :, None] * dx[:, None, :]
    if alpha:
        half += alpha * dg[:, :, None] * dg[:, None, :]
    return names, (half + half.transpose(0, 2, 1)) / 2


def aside(model: Model) -> list[Row]:
    """The inequalities that are none between two points."""
    return [row for row in model.rows if row.name[0] not in ("f", "r") or (model.setting.starless and STAR in row.name)]


@np.errstate(over="ignore", invalid="ignore")  # see `LARGEST`
def whole(model: Model) -> Data:
    """The problem itself: all pairs, one matrix."""
    into = model.embeddings
    n = len(model.basis)
    rows: list[Row] = []
    parts = []
    for kind, given in (("f", model.f_points), ("r", model.r_points)):
        if not given:
            continue
        names, matrices = pair_rows(model, kind)
        for name in names:
            pairs = ((name[2], UNIT), (name[1], -UNIT))
            entries = tuple((model.value(kind + label), w) for label, w in pairs if label != STAR)
            rows.append(Row(name, 0, entries, None))
        parts.append(matrices)
    rest = aside(model)
    extra = np.zeros((len(rest), n, n))
    for a, row in enumerate(rest):
        rows.append(row)
        if row.matrix is not None:
            e = into[row.clique]
            extra[a] = e.T @ row.matrix @ e
    parts.append(extra)
    constant = np.zeros((n, n))
    if model.metric_matrix is not None:
        constant = into[-1].T @ model.metric_matrix @ into[-1]
    matrices = np.concatenate(parts)
    return _collect(model, rows, [(np.arange(len(rows)), matrices, constant)], [0], [])


@cache  # the layout of a cone, which every question of a sweep asks for
def _triangle(m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and scale of the upper triangle, column after column, as Clarabel has it."""
    columns = np.repeat(np.arange(m), np.arange(1, m + 1))
    rows = np.concatenate([np.arange(j + 1) for j in range(m)])
    return rows, columns, np.where(rows == columns, 1.0, ROOT2)


@dataclass(frozen=True)
class Columns:
    """A sparse matrix, column after column, as Clarabel reads one: making one of SciPy's takes as long as the rest."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    shape: tuple[int, int]
    has_canonical_format: bool = True
    has_sorted_indices: bool = True


@cache
def _nothing(n: int) -> Columns:
    """The quadratic term of a linear objective."""
    return Columns(np.zeros(0), np.zeros(0, int), np.zeros(n + 1, int), (n, n))


def _columns(rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> Columns:
    """A sparse matrix from entries that occur once each."""
    order = np.lexsort((rows, columns))
    ends = np.zeros(shape[1] + 1, int)
    np.cumsum(np.bincount(columns, minlength=shape[1]), out=ends[1:])
    return Columns(values[order], rows[order], ends, shape)


def _unfold(vector: np.ndarray, m: int) -> np.ndarray:
    rows, columns, scale = _triangle(m)
    matrix = np.zeros((m, m))
    matrix[rows, columns] = matrix[columns, rows] = vector / scale
    return matrix


def spectrum(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of what the solver found; all eigenvalues 0 where it found no numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            weight, directions = np.linalg.eigh((gram + gram.T) / 2)
        except np.linalg.LinAlgError:
            weight = directions = np.full(gram.shape, np.nan)
    if np.isfinite(weight).all() and np.isfinite(directions).all():
        return weight, directions
    return np.zeros(len(gram)), np.eye(len(gram))


Problem = tuple[Columns, np.ndarray, Columns, np.ndarray, list]


def _assembled(data: Data, eps: float, delta: float) -> tuple[Problem, list[int]]:
    """What Clarabel is given, and the sizes of the matrices."""
    n_rows = len(data.names)
    n_values = len(data.metric)
    sizes = [block[2].shape[0] for block in data.blocks]
    links = [h.shape[0] for h in data.handed]
    link_start = n_rows + np.cumsum([0, *(s * (s + 1) // 2 for s in links)])
    n_vars = int(link_start[-1])
    sign = np.flatnonzero(~data.equality)
    a, b = np.nonzero(data.values)
    at = [(a, b, data.values[a, b]), (n_values + np.arange(len(sign)), sign, np.full(len(sign), -1.0))]
    rhs = [data.metric, np.zeros(len(sign))]
    offset = n_values + len(sign)
    for k, (index, matrices, constant) in enumerate(data.blocks):
        m = sizes[k]
        rows, columns, scale = _triangle(m)
        flat = matrices[:, rows, columns] * scale
        a, b = np.nonzero(flat)
        at.append((offset + b, index[a], -flat[a, b]))
        # what is handed on is given a form P: plus here, minus where it is taken over
        for which, other in ((k, True), (k - 1, False)):
            if not 0 <= which < len(links):
                continue
            s = links[which]
            p, q, pscale = _triangle(s)
            if other:
                T = data.handed[which]
                u, v = T[p], T[q]
            else:
                eye = np.eye(s, m)
                u, v = eye[p], eye[q]
            both = (u[:, rows] * v[:, columns] + u[:, columns] * v[:, rows]) / 2
            part = both * scale * (pscale**2)[:, None]
            a, b = np.nonzero(part)
            sign_here = -1.0 if other else 1.0
            at.append((offset + b, link_start[which] + a, sign_here * part[a, b]))
        rhs.append(-(constant + delta * np.eye(m))[rows, columns] * scale)
        offset += len(rows)
    cones = [clarabel.ZeroConeT(n_values), clarabel.NonnegativeConeT(len(sign))]
    cones += [clarabel.PSDTriangleConeT(m) for m in sizes]
    rows, columns, entries = (np.concatenate(parts) for parts in zip(*at))
    A = _columns(rows, columns, entries, (offset, n_vars))
    q = np.zeros(n_vars)
    q[:n_rows] = data.rhs - np.where(data.equality, 0.0, eps)
    return (_nothing(n_vars), q, A, np.concatenate(rhs), cones), sizes


def _settings(tolerance: float) -> clarabel.DefaultSettings:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_rel = settings.tol_feas = tolerance
    settings.tol_gap_abs = ABSOLUTE * tolerance
    # 1e-11 is out of reach of some problems; what is called almost solved is solved to 1e-8
    settings.reduced_tol_gap_rel = settings.reduced_tol_gap_abs = settings.reduced_tol_feas = 1e-8
    settings.tol_ktratio = 1e-9
    settings.max_threads = 1
    settings.chordal_decomposition_enable = False
    settings.presolve_enable = False
    return settings


def _quick(sizes: list[int]) -> clarabel.DefaultSettings:
    """Steps that take two thirds of the time, for problems in units of their own, and lose the last digits."""
    settings = _settings(QUICK)
    settings.iterative_refinement_enable = settings.equilibrate_enable = False
    settings.max_step_fraction = FRACTION
    if max(sizes) >= WIDE:
        settings.direct_solve_method = "faer"
    return settings


def _off(primal: float, dual: float, gap: float, value: float) -> float:
    """The largest of residuals and relative gap."""
    worst = max(primal, dual, gap / max(1e-3, abs(value)))
    return worst if math.isfinite(worst) else math.inf


def _residual(solution: Any) -> float:
    """How far off a solution is."""
    if solution is None:
        return np.inf
    return _off(solution.r_prim, solution.r_dual, abs(solution.obj_val - solution.obj_val_dual), solution.obj_val)


def _run(
    problem: Problem, settings: clarabel.DefaultSettings, watched: bool = True
) -> tuple[Any, list[tuple[float, float]]]:
    """What the solver finds, None where it breaks down; of each iterate how far off it is, to us and to Clarabel."""
    solver = clarabel.DefaultSolver(*problem, settings)
    way: list[tuple[float, float]] = []

    def noted(now: Any) -> bool:
        theirs = max(now.res_primal, now.res_dual, min(now.gap_rel, now.gap_abs / ABSOLUTE))
        way.append((_off(now.res_primal, now.res_dual, now.gap_abs, now.cost_primal), theirs))
        return False  # it goes on

    if watched:
        solver.set_termination_callback(noted)
    try:
        return solver.solve(), way
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # its eigenvalue routine met a NaN; the type cannot be imported
            raise
        return None, way


def _decided(solution: Any, enough: float) -> bool:
    """Whether nothing is gained by asking again."""
    return solution is not None and ("Infeasible" in str(solution.status) or _residual(solution) <= enough)


def _status(solution: Any) -> str:
    """What the solver says; where it gave up close enough to the end, all that is missing are the last digits."""
    status = str(solution.status)
    near = _residual(solution) <= GOOD and "Infeasible" not in status
    return "AlmostSolved" if near and status != "Solved" else status


def _best(problem: Problem, tolerance: float) -> tuple[Any, str]:
    """What the solver finds, or an iterate on its way that solves it to fewer digits; and its status."""
    last, way = _run(problem, _settings(tolerance))
    if _decided(last, GOOD):
        return last, _status(last)
    chosen, off = last, _residual(last)
    for looser in (factor * tolerance for factor in LOOSER):
        if off <= max(GOOD, A_DIGIT * looser):
            break
        ends = [ours for ours, theirs in way if theirs <= looser]
        if not ends or ends[0] >= off:  # the same way ends where it did, or nowhere that is better
            continue
        again, _ = _run(problem, _settings(looser))
        if again is not None and ("Infeasible" in str(again.status) or _residual(again) < off):
            chosen, off = again, _residual(again)
    return chosen, "" if chosen is None else _status(chosen)


def solve(data: Data, eps: float = 0.0, delta: float = 0.0, tolerance: float = FINEST) -> Solution:
    """Solve it with Clarabel. Thread-safe: nothing is shared between calls."""
    return _solved(data, eps, delta, lambda problem: _best(problem, tolerance))


def estimate(data: Data) -> Solution:
    """A solution of nine digits or so in half the time of `solve`; that of `solve` where it has less than seven."""

    def quick(problem: Problem) -> tuple[Any, str]:
        solution, _ = _run(problem, settings, watched=False)
        return (solution, _status(solution)) if _decided(solution, ENOUGH) else _best(problem, FINEST)

    settings = _quick([len(constant) for _, _, constant in data.blocks])
    return _solved(data, 0.0, 0.0, quick)


@np.errstate(over="ignore", invalid="ignore")  # numbers beyond doubles: the solver stops, and says so; see `LARGEST`
def _solved(data: Data, eps: float, delta: float, ask: Callable[[Problem], tuple[Any, str]]) -> Solution:
    problem, sizes = _assembled(data, eps, delta)
    _, q, A, right, _ = problem
    within = all(np.abs(entries).max(initial=0.0) < LARGEST for entries in (q, A.data, right))  # no NaN is
    best, status = ask(problem) if within else (None, "")
    n_rows, n_values = len(data.names), len(data.metric)
    if best is None:
        nothing = np.full(n_values, np.nan)
        return Solution("Failed", np.nan, np.full(n_rows, np.nan), nothing, [np.full((m, m), np.nan) for m in sizes], 0)
    x, z = np.asarray(best.x), np.asarray(best.z)
    start = n_values + n_rows - int(data.equality.sum())
    grams = []
    for m in sizes:
        size = m * (m + 1) // 2
        grams.append(_unfold(z[start : start + size], m))
        start += size
    return Solution(status, float(best.obj_val), x[:n_rows], -z[:n_values], grams, best.iterations)


__all__ = [
    "Data", "Solution", "aside", "chain", "estimate", "pair_rows", "pairs", "points", "solve", "spectrum", "whole",
]  # fmt: skip
