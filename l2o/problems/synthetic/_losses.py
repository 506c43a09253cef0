"""The l1 norm beside other losses: logistic, Huber, and losses that are not convex."""

from __future__ import annotations

import numpy as np
import torch

from .. import _draws, constructors
from ..composite import Composite
from ..smooth import SmoothTerm


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
