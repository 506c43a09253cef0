"""Constraints, groups, quadratics; and where runs start."""

from __future__ import annotations

import numpy as np
import torch

from ....errors import InputError
from .. import _draws, constructors
from ..composite import Composite


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
