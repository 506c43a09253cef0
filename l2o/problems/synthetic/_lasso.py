"""LASSO with an own or a common dictionary."""

from __future__ import annotations

import numpy as np
import torch

from ....errors import InputError
from .. import _draws, constructors
from ..composite import Composite

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
