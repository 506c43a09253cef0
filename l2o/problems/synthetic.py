"""Seeded generators of synthetic families: those of the paper, and one for each further term.

Every instance b of a batch has a random stream of its own, derived from (seed, family, b), so that the first
instances of a larger batch are those of a smaller one and different seeds never share an instance.
"""

from __future__ import annotations

import operator
import zlib

import numpy as np
import torch

from ...errors import InputError
from ..support.files import check_memory, memory_limit
from ..support.memory import data_size, require_memory
from . import constructors
from .composite import Composite
from .constructors import lasso as _lasso
from .constructors import logistic_l1 as _logistic_l1
from .constructors import quadratic as _quadratic
from .smooth import SmoothTerm

_MEMORY = 4  # times the limit of a file is what the data of a batch may take


def _is_integer(value: object, least: int) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, (bool, np.bool_)) and operator.index(value) >= least


def _streams(family: str, seed: int, batch: int) -> list[np.random.Generator]:
    if not _is_integer(seed, 0) or seed >= 2**32:  # larger ones are split by NumPy and could meet others
        raise InputError(f"seed: expected an integer in [0, 2**32), got {seed!r}.")
    label = zlib.crc32(family.encode())
    return [np.random.default_rng([label, operator.index(seed), b]) for b in range(batch)]


def _check_size(batch: int, rows: int, dim: int, sparsity: int) -> None:
    if not _is_integer(batch, 1):
        raise InputError(f"batch: expected at least one instance, an integer, got {batch!r}.")
    if not (_is_integer(rows, 1) and _is_integer(dim, 1) and _is_integer(sparsity, 0) and sparsity <= dim):
        raise InputError(
            f"expected rows >= 1, dim >= 1 and 0 <= sparsity <= dim, integers, got {rows!r} x {dim!r}, sparsity "
            f"{sparsity!r}."
        )
    where = f"{batch} instances of {rows} x {dim}"
    size = data_size(operator.index(batch), operator.index(rows), operator.index(dim))
    require_memory(size, where, "ask for fewer instances or smaller sizes")
    check_memory(8 * int(batch) * int(rows) * int(dim), where, limit=_MEMORY * memory_limit())


def _tenth(dim: int) -> int:
    """A default of `sparsity`; `_check_size` looks at `dim` itself."""
    return max(1, dim // 10) if _is_integer(dim, 1) else 1


def _two_fifths(dim: int) -> int:
    return max(1, (2 * dim) // 5) if _is_integer(dim, 1) else 1


def _sparse(rng: np.random.Generator, dim: int, sparsity: int) -> np.ndarray:
    x = np.zeros(dim)
    x[rng.choice(dim, sparsity, replace=False)] = rng.standard_normal(sparsity)
    return x


def _unit_columns(a: np.ndarray) -> np.ndarray:
    return a / np.linalg.norm(a, axis=0)


def _conditioned(a: np.ndarray, condition: float) -> np.ndarray:
    """The singular vectors of `a` with log-spaced singular values; the mean squared column norm is 1."""
    left, values, right = np.linalg.svd(a, full_matrices=False)
    values = np.logspace(0.0, -np.log10(condition), len(values))
    return np.sqrt(a.shape[1] / (values @ values)) * ((left * values) @ right)


LAWS = ("normal", "student", "signs")
"""Laws of the entries of a dictionary: normal, Student's t with 2 degrees of freedom, and sparse signs."""


def _entries(rng: np.random.Generator, rows: int, dim: int, law: str) -> np.ndarray:
    """Entries of a law that is not normal.

    Returns:
        (rows, dim). `signs`: a quarter of the entries of each column, at random places, are 1 or -1, the others 0.
    """
    if law == "student":  # no variance
        return rng.standard_t(2, (rows, dim))
    nonzeros = max(1, rows // 4)
    places = rng.random((rows, dim)).argsort(axis=0) < nonzeros  # the same number in each column, so that none is 0
    return places * rng.choice([-1.0, 1.0], (rows, dim))


def lasso(
    batch: int = 32,
    rows: int = 250,
    dim: int = 500,
    *,
    sparsity: int | None = None,
    lam: float = 0.1,
    noise: float = 0.0,
    condition: float | None = None,
    law: str = "normal",
    correlation: float = 0.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """LASSO with Gaussian A of unit columns and y = A x_true (+ noise), x_true sparse with normal entries.

    The sizes of arXiv 2506.14263 are the defaults: 250 x 500 with 50 non-zeros, lam = 0.1, no noise.

    Args:
        batch: Number of instances B.
        rows: Rows m of A.
        dim: Variables n.
        sparsity: Non-zeros of x_true; by default a tenth of `dim`.
        lam: Weight >= 0 of the l1 norm.
        noise: Standard deviation of the noise of y.
        condition: Ratio of the largest to the smallest of the min(rows, dim) singular values of A, which are then
            log-spaced. Columns have a mean squared norm of 1 then, but not one norm.
        law: That of the entries before columns are scaled, one of `LAWS`.
        correlation: c in [0, 1) mixes one normal vector into all columns, a column becoming sqrt(1 - c) of itself and
            sqrt(c) of that vector: the expected inner product of two normal ones is about c.
        seed: In [0, 2^32). Each instance has a stream of its own, so that a larger batch begins with a smaller one.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    sparsity = _tenth(dim) if sparsity is None else sparsity
    _check_size(batch, rows, dim, sparsity)
    if condition is not None and not 1 <= condition < np.inf:
        raise InputError(f"condition: expected a number >= 1 or None, got {condition}.")
    if law not in LAWS:
        raise InputError(f"law: expected one of {', '.join(LAWS)}, got {law!r}.")
    if not 0 <= correlation < 1:
        raise InputError(f"correlation: expected a number in [0, 1), got {correlation!r}.")
    matrices, targets = np.empty((batch, rows, dim)), np.empty((batch, rows))
    for b, rng in enumerate(_streams("lasso", seed, batch)):
        a = rng.standard_normal((rows, dim))
        x_true, error = _sparse(rng, dim, sparsity), rng.standard_normal(rows)
        # what is asked for beside is drawn last, so that signal and noise are as without it
        if law != "normal":
            a = _entries(rng, rows, dim, law)
        if correlation:
            a = np.sqrt(1 - correlation) * a + np.sqrt(correlation) * rng.standard_normal((rows, 1))
        matrices[b] = _unit_columns(a) if condition is None else _conditioned(a, condition)
        targets[b] = matrices[b] @ x_true + noise * error
    return _lasso(torch.from_numpy(matrices), torch.from_numpy(targets), lam, dtype=dtype)


def logistic_l1(
    batch: int = 32,
    rows: int = 1000,
    dim: int = 50,
    *,
    sparsity: int | None = None,
    lam: float = 0.1,
    smoothness: str = "exact",
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """l1-logistic with Gaussian A and labels 1[A x_true >= 0], x_true sparse with normal entries.

    The sizes of arXiv 2506.14263 are the defaults: 1000 x 50 with 20 non-zeros, lam = 0.1.

    Args:
        batch: Number of instances B.
        rows: Rows m of A.
        dim: Variables n.
        sparsity: Non-zeros of x_true; by default two fifths of `dim`.
        lam: Weight >= 0 of the l1 norm.
        smoothness: "exact" or "official", see `l2o.logistic`.
        seed: In [0, 2^32); each instance has a stream of its own.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    sparsity = _two_fifths(dim) if sparsity is None else sparsity
    _check_size(batch, rows, dim, sparsity)
    matrices, labels = np.empty((batch, rows, dim)), np.empty((batch, rows))
    for b, rng in enumerate(_streams("logistic", seed, batch)):
        matrices[b] = rng.standard_normal((rows, dim))
        labels[b] = matrices[b] @ _sparse(rng, dim, sparsity) >= 0
    return _logistic_l1(torch.from_numpy(matrices), torch.from_numpy(labels), lam, smoothness=smoothness, dtype=dtype)


def _regression(
    family: str, batch: int, rows: int, dim: int, sparsity: int | None, noise: float, outliers: float, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """A of unit columns and y = A x_true + noise, a fraction `outliers` of it off by normal numbers of size 5."""
    sparsity = _tenth(dim) if sparsity is None else sparsity
    _check_size(batch, rows, dim, sparsity)
    if not 0 <= outliers <= 1:
        raise InputError(f"outliers: expected a fraction in [0, 1], got {outliers}.")
    matrices, targets = np.empty((batch, rows, dim)), np.empty((batch, rows))
    for b, rng in enumerate(_streams(family, seed, batch)):
        matrices[b] = _unit_columns(rng.standard_normal((rows, dim)))
        clean = matrices[b] @ _sparse(rng, dim, sparsity) + noise * rng.standard_normal(rows)
        hit = rng.permutation(rows) < round(outliers * rows)
        targets[b] = clean + 5.0 * hit * rng.standard_normal(rows)
    return torch.from_numpy(matrices), torch.from_numpy(targets)


def _classification(
    family: str, batch: int, rows: int, dim: int, sparsity: int | None, flips: float, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gaussian A and labels 1[A x_true >= 0], a fraction `flips` of them turned."""
    sparsity = _two_fifths(dim) if sparsity is None else sparsity
    _check_size(batch, rows, dim, sparsity)
    if not 0 <= flips <= 1:
        raise InputError(f"flips: expected a fraction in [0, 1], got {flips}.")
    matrices, labels = np.empty((batch, rows, dim)), np.empty((batch, rows))
    for b, rng in enumerate(_streams(family, seed, batch)):
        matrices[b] = rng.standard_normal((rows, dim))
        right = matrices[b] @ _sparse(rng, dim, sparsity) >= 0
        labels[b] = right ^ (rng.permutation(rows) < round(flips * rows))
    return torch.from_numpy(matrices), torch.from_numpy(labels)


def _plus_l1(smooth: SmoothTerm, lam: float, dtype: torch.dtype) -> Composite:
    return Composite(smooth, constructors.l1(lam, dtype=dtype))


def huber_l1(
    batch: int = 32,
    rows: int = 250,
    dim: int = 500,
    *,
    sparsity: int | None = None,
    lam: float = 0.1,
    delta: float = 0.1,
    outliers: float = 0.1,
    noise: float = 0.01,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """Huber loss + lam ||x||_1; A and x_true as for `lasso`, y with noise and some rows far off.

    Args:
        batch: Number of instances B.
        rows: Rows m of A.
        dim: Variables n.
        sparsity: Non-zeros of x_true; by default a tenth of `dim`.
        lam: Weight >= 0 of the l1 norm.
        delta: Parameter of `l2o.huber`.
        outliers: Fraction of the rows whose y is off by normal numbers of standard deviation 5.
        noise: Standard deviation of the noise of y.
        seed: In [0, 2^32); each instance has a stream of its own.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    a, y = _regression("huber", batch, rows, dim, sparsity, noise, outliers, seed)
    return _plus_l1(constructors.huber(a, y, delta, dtype=dtype), lam, dtype)


def student_t_l1(
    batch: int = 32,
    rows: int = 250,
    dim: int = 500,
    *,
    sparsity: int | None = None,
    lam: float = 0.1,
    nu: float = 0.1,
    outliers: float = 0.1,
    noise: float = 0.01,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """Student's t loss + lam ||x||_1, not convex; data as for `huber_l1`.

    Args:
        batch: Number of instances B.
        rows: Rows m of A.
        dim: Variables n.
        sparsity: Non-zeros of x_true; by default a tenth of `dim`.
        lam: Weight >= 0 of the l1 norm.
        nu: Parameter of `l2o.student_t`.
        outliers: Fraction of the rows whose y is off by normal numbers of standard deviation 5.
        noise: Standard deviation of the noise of y.
        seed: In [0, 2^32); each instance has a stream of its own.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    a, y = _regression("student-t", batch, rows, dim, sparsity, noise, outliers, seed)
    return _plus_l1(constructors.student_t(a, y, nu, dtype=dtype), lam, dtype)


def welsch_l1(
    batch: int = 32,
    rows: int = 250,
    dim: int = 500,
    *,
    sparsity: int | None = None,
    lam: float = 0.1,
    c: float = 1.0,
    outliers: float = 0.1,
    noise: float = 0.01,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """Welsch loss + lam ||x||_1, not convex; data as for `huber_l1`.

    Args:
        batch: Number of instances B.
        rows: Rows m of A.
        dim: Variables n.
        sparsity: Non-zeros of x_true; by default a tenth of `dim`.
        lam: Weight >= 0 of the l1 norm.
        c: Parameter of `l2o.welsch`.
        outliers: Fraction of the rows whose y is off by normal numbers of standard deviation 5.
        noise: Standard deviation of the noise of y.
        seed: In [0, 2^32); each instance has a stream of its own.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    a, y = _regression("welsch", batch, rows, dim, sparsity, noise, outliers, seed)
    return _plus_l1(constructors.welsch(a, y, c, dtype=dtype), lam, dtype)


def squared_hinge_l1(
    batch: int = 32,
    rows: int = 1000,
    dim: int = 50,
    *,
    sparsity: int | None = None,
    lam: float = 0.1,
    flips: float = 0.05,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """Squared hinge loss + lam ||x||_1; data as for `logistic_l1`, some of the labels turned.

    Args:
        batch: Number of instances B.
        rows: Rows m of A.
        dim: Variables n.
        sparsity: Non-zeros of x_true; by default two fifths of `dim`.
        lam: Weight >= 0 of the l1 norm.
        flips: Fraction of the labels that are turned.
        seed: In [0, 2^32); each instance has a stream of its own.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    a, labels = _classification("squared-hinge", batch, rows, dim, sparsity, flips, seed)
    return _plus_l1(constructors.squared_hinge(a, labels, dtype=dtype), lam, dtype)


def sigmoid_l1(
    batch: int = 32,
    rows: int = 1000,
    dim: int = 50,
    *,
    sparsity: int | None = None,
    lam: float = 0.01,
    flips: float = 0.05,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """Sigmoid loss + lam ||x||_1, not convex; data as for `squared_hinge_l1`.

    Args:
        batch: Number of instances B.
        rows: Rows m of A.
        dim: Variables n.
        sparsity: Non-zeros of x_true; by default two fifths of `dim`.
        lam: Weight >= 0 of the l1 norm.
        flips: Fraction of the labels that are turned.
        seed: In [0, 2^32); each instance has a stream of its own.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    a, labels = _classification("sigmoid", batch, rows, dim, sparsity, flips, seed)
    return _plus_l1(constructors.sigmoid_loss(a, labels, dtype=dtype), lam, dtype)


def simplex_least_squares(
    batch: int = 32,
    rows: int = 250,
    dim: int = 500,
    *,
    sparsity: int | None = None,
    radius: float = 1.0,
    noise: float = 0.01,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """1/2 ||A x - y||^2 on the simplex; A as for `lasso`, y = A x_true + noise with x_true a sparse point of it.

    Args:
        batch: Number of instances B.
        rows: Rows m of A.
        dim: Variables n.
        sparsity: Non-zeros of x_true, at least 1; by default a tenth of `dim`.
        radius: Sum of the variables, > 0.
        noise: Standard deviation of the noise of y.
        seed: In [0, 2^32); each instance has a stream of its own.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    sparsity = _tenth(dim) if sparsity is None else sparsity
    _check_size(batch, rows, dim, sparsity)
    if sparsity < 1:
        raise InputError(f"sparsity: expected >= 1, for 0 is no point of the simplex, got {sparsity}.")
    matrices, targets = np.empty((batch, rows, dim)), np.empty((batch, rows))
    for b, rng in enumerate(_streams("simplex", seed, batch)):
        matrices[b] = _unit_columns(rng.standard_normal((rows, dim)))
        weights = np.abs(_sparse(rng, dim, sparsity))
        targets[b] = matrices[b] @ (radius * weights / weights.sum()) + noise * rng.standard_normal(rows)
    f = constructors.least_squares(torch.from_numpy(matrices), torch.from_numpy(targets), dtype=dtype)
    return Composite(f, constructors.simplex(radius, dtype=dtype))


def group_lasso(
    batch: int = 32,
    rows: int = 250,
    dim: int = 500,
    *,
    size: int = 5,
    active: int | None = None,
    lam: float = 0.1,
    noise: float = 0.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """1/2 ||A x - y||^2 + lam sum_g ||x_g||; A as for `lasso`, groups of neighbouring variables.

    Args:
        batch: Number of instances B.
        rows: Rows m of A.
        dim: Variables n.
        size: Variables of a group; the last group is smaller where `size` does not divide `dim`.
        active: Groups that are not zero in x_true; by default a tenth of them.
        lam: Weight >= 0 of the group norm.
        noise: Standard deviation of the noise of y.
        seed: In [0, 2^32); each instance has a stream of its own.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    if not _is_integer(size, 1):
        raise InputError(f"size: expected the number of variables of a group, an integer >= 1, got {size!r}.")
    _check_size(batch, rows, dim, 0)
    labels = np.arange(dim) // size
    count = -(-dim // size)
    active = max(1, count // 10) if active is None else active
    if not _is_integer(active, 0) or active > count:
        raise InputError(f"active: expected a number of groups in 0..{count}, got {active}.")
    matrices, targets = np.empty((batch, rows, dim)), np.empty((batch, rows))
    for b, rng in enumerate(_streams("group-lasso", seed, batch)):
        matrices[b] = _unit_columns(rng.standard_normal((rows, dim)))
        in_active = np.isin(labels, rng.choice(count, active, replace=False))
        targets[b] = matrices[b] @ (in_active * rng.standard_normal(dim)) + noise * rng.standard_normal(rows)
    f = constructors.least_squares(torch.from_numpy(matrices), torch.from_numpy(targets), dtype=dtype)
    return Composite(f, constructors.group_l1(labels, lam, dtype=dtype))


def quadratic(
    batch: int = 32,
    dim: int = 50,
    *,
    condition: float = 100.0,
    smoothness: float = 1.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """1/2 x'Qx - c'x, Q with eigenvalues log-spaced over [L/condition, L] in a random basis; minimiser normal.

    Args:
        batch: Number of instances B.
        dim: Variables n.
        condition: L/mu >= 1.
        smoothness: L > 0.
        seed: In [0, 2^32); each instance has a stream of its own.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    _check_size(batch, dim, dim, 0)
    if not 1 <= condition < np.inf or not 0 < smoothness < np.inf:
        raise InputError(f"expected finite condition >= 1 and smoothness > 0, got {condition}, {smoothness}.")
    forms, linear = np.empty((batch, dim, dim)), np.empty((batch, dim))
    eigenvalues = smoothness * np.logspace(-np.log10(condition), 0.0, dim)
    for b, rng in enumerate(_streams("quadratic", seed, batch)):
        basis, _ = np.linalg.qr(rng.standard_normal((dim, dim)))
        form = (basis * eigenvalues) @ basis.T
        forms[b] = 0.5 * (form + form.T)
        linear[b] = forms[b] @ rng.standard_normal(dim)
    return _quadratic(torch.from_numpy(forms), torch.from_numpy(linear), dtype=dtype)


def starts(problem: Composite, *, shift: float = 0.0, seed: int = 0) -> torch.Tensor:
    """Initial points x_0 = normal + `shift`.

    Args:
        problem: The problem, for its sizes, precision and device; its data are not looked at.
        shift: Added to every entry, in the unit of x (s in arXiv 2506.14263).
        seed: In [0, 2^32); each instance has a stream of its own.

    Returns:
        (B,n).

    Raises:
        InputError: For a seed out of range.
    """
    rows = [rng.standard_normal(problem.dim) for rng in _streams("start", seed, problem.batch_size)]
    return torch.as_tensor(np.stack(rows) + shift, dtype=problem.dtype, device=problem.device)
