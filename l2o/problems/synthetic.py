"""Seeded generators of synthetic families: those of the paper, and one for each further term.

Every instance b of a batch has a random stream of its own, derived from (seed, family, b), so that the first
instances of a larger batch are those of a smaller one and different seeds never share an instance.
"""

from __future__ import annotations

import numpy as np
import torch

from ...errors import InputError
from . import _draws, constructors
from .composite import Composite
from .smooth import SmoothTerm

LAWS = ("normal", "student", "signs")
"""Laws of the entries of a dictionary: normal, Student's t with 2 degrees of freedom, and sparse signs."""


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
    sparsity = _draws.sparsity_of(batch, rows, dim, sparsity, tenths=1)
    if condition is not None and not 1 <= condition < np.inf:
        raise InputError(f"condition: expected a number >= 1 or None, got {condition}.")
    if law not in LAWS:
        raise InputError(f"law: expected one of {', '.join(LAWS)}, got {law!r}.")
    if not 0 <= correlation < 1:
        raise InputError(f"correlation: expected a number in [0, 1), got {correlation!r}.")

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        a = rng.standard_normal((rows, dim))
        x_true, error = _draws.sparse(rng, dim, sparsity), rng.standard_normal(rows)
        # what is asked for beside is drawn last, so that signal and noise are as without it
        if law != "normal":
            a = _draws.entries(rng, rows, dim, law)
        if correlation:
            a = np.sqrt(1 - correlation) * a + np.sqrt(correlation) * rng.standard_normal((rows, 1))
        a = _draws.unit_columns(a) if condition is None else _draws.conditioned(a, condition)
        return a, a @ x_true + noise * error

    return constructors.lasso(*_draws.drawn("lasso", seed, batch, draw), lam, dtype=dtype)


def lasso_dictionary(
    batch: int = 32,
    rows: int = 250,
    dim: int = 500,
    *,
    sparsity: int | None = None,
    lam: float = 0.1,
    noise: float = 0.0,
    dictionary: int = 0,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """LASSO as by `lasso`, with one Gaussian A of unit columns for all instances and all seeds.

    This is what LISTA and its relatives are for, whose weights belong to one A.

    Args:
        batch: Number of instances B.
        rows: Rows m of A.
        dim: Variables n.
        sparsity: Non-zeros of x_true; by default a tenth of `dim`.
        lam: Weight >= 0 of the l1 norm.
        noise: Standard deviation of the noise of y.
        dictionary: Seed of A, in [0, 2^32): with equal sizes and this seed equal, A is the same.
        seed: In [0, 2^32), of x_true and the noise; each instance has a stream of its own.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem, whose smooth term holds A once, as (m,n).

    Raises:
        InputError: For a number out of range, and for a batch that does not fit into memory.
    """
    sparsity = _draws.sparsity_of(batch, rows, dim, sparsity, tenths=1)
    (rng,) = _draws.streams("dictionary", dictionary, 1)
    a = _draws.unit_columns(rng.standard_normal((rows, dim)))
    signals = np.stack(
        [
            a @ _draws.sparse(rng, dim, sparsity) + noise * rng.standard_normal(rows)
            for rng in _draws.streams("lasso-dictionary", seed, batch)
        ]
    )
    return constructors.lasso(torch.from_numpy(a), torch.from_numpy(signals), lam, dtype=dtype)


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
    sparsity = _draws.sparsity_of(batch, rows, dim, sparsity, tenths=4)

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        a = rng.standard_normal((rows, dim))
        return a, a @ _draws.sparse(rng, dim, sparsity) >= 0

    return constructors.logistic_l1(
        *_draws.drawn("logistic", seed, batch, draw), lam, smoothness=smoothness, dtype=dtype
    )


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
    a, y = _draws.regression("huber", batch, rows, dim, sparsity, noise, outliers, seed)
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
    a, y = _draws.regression("student-t", batch, rows, dim, sparsity, noise, outliers, seed)
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
    a, y = _draws.regression("welsch", batch, rows, dim, sparsity, noise, outliers, seed)
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
    a, labels = _draws.classification("squared-hinge", batch, rows, dim, sparsity, flips, seed)
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
    a, labels = _draws.classification("sigmoid", batch, rows, dim, sparsity, flips, seed)
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
    sparsity = _draws.sparsity_of(batch, rows, dim, sparsity, tenths=1)
    if sparsity < 1:
        raise InputError(f"sparsity: expected >= 1, for 0 is no point of the simplex, got {sparsity}.")

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        a = _draws.unit_columns(rng.standard_normal((rows, dim)))
        weights = np.abs(_draws.sparse(rng, dim, sparsity))
        return a, a @ (radius * weights / weights.sum()) + noise * rng.standard_normal(rows)

    f = constructors.least_squares(*_draws.drawn("simplex", seed, batch, draw), dtype=dtype)
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
    if not _draws.is_integer(size, 1):
        raise InputError(f"size: expected the number of variables of a group, an integer >= 1, got {size!r}.")
    _draws.check_size(batch, rows, dim, 0)
    labels = np.arange(dim) // size
    count = -(-dim // size)
    active = max(1, count // 10) if active is None else active
    if not _draws.is_integer(active, 0) or active > count:
        raise InputError(f"active: expected a number of groups in 0..{count}, got {active}.")

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        a = _draws.unit_columns(rng.standard_normal((rows, dim)))
        in_active = np.isin(labels, rng.choice(count, active, replace=False))
        return a, a @ (in_active * rng.standard_normal(dim)) + noise * rng.standard_normal(rows)

    f = constructors.least_squares(*_draws.drawn("group-lasso", seed, batch, draw), dtype=dtype)
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
    _draws.check_size(batch, dim, dim, 0)
    if not 1 <= condition < np.inf or not 0 < smoothness < np.inf:
        raise InputError(f"expected finite condition >= 1 and smoothness > 0, got {condition}, {smoothness}.")
    eigenvalues = smoothness * np.logspace(-np.log10(condition), 0.0, dim)

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        basis, _ = np.linalg.qr(rng.standard_normal((dim, dim)))
        form = (basis * eigenvalues) @ basis.T
        form = 0.5 * (form + form.T)
        return form, form @ rng.standard_normal(dim)

    return constructors.quadratic(*_draws.drawn("quadratic", seed, batch, draw), dtype=dtype)


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
    rows = [rng.standard_normal(problem.dim) for rng in _draws.streams("start", seed, problem.batch_size)]
    return torch.as_tensor(np.stack(rows) + shift, dtype=problem.dtype, device=problem.device)
