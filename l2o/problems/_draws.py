"""What the generators draw with: a random stream for each instance, matrices, sparse points, targets and labels."""

from __future__ import annotations

import operator
import zlib
from collections.abc import Callable

import numpy as np
import torch

from ...errors import InputError
from ..support.files import check_memory, memory_limit
from ..support.memory import data_size, require_memory

_MEMORY = 4  # times the limit of a file is what the data of a batch may take


def is_integer(value: object, least: int) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, (bool, np.bool_)) and operator.index(value) >= least


def streams(family: str, seed: int, batch: int) -> list[np.random.Generator]:
    if not is_integer(seed, 0) or seed >= 2**32:  # larger ones are split by NumPy and could meet others
        raise InputError(f"seed: expected an integer in [0, 2**32), got {seed!r}.")
    label = zlib.crc32(family.encode())
    return [np.random.default_rng([label, operator.index(seed), b]) for b in range(batch)]


def check_size(batch: int, rows: int, dim: int, sparsity: int) -> None:
    if not is_integer(batch, 1):
        raise InputError(f"batch: expected at least one instance, an integer, got {batch!r}.")
    if not (is_integer(rows, 1) and is_integer(dim, 1) and is_integer(sparsity, 0) and sparsity <= dim):
        raise InputError(
            f"expected rows >= 1, dim >= 1 and 0 <= sparsity <= dim, integers, got {rows!r} x {dim!r}, sparsity "
            f"{sparsity!r}."
        )
    where = f"{batch} instances of {rows} x {dim}"
    size = data_size(operator.index(batch), operator.index(rows), operator.index(dim))
    require_memory(size, where, "ask for fewer instances or smaller sizes")
    check_memory(8 * int(batch) * int(rows) * int(dim), where, limit=_MEMORY * memory_limit())


def sparsity_of(batch: int, rows: int, dim: int, sparsity: int | None, tenths: int) -> int:
    """The number of non-zeros, by default so many tenths of `dim`, once all sizes are checked."""
    if sparsity is None:  # `check_size` looks at `dim` itself
        sparsity = max(1, (tenths * dim) // 10) if is_integer(dim, 1) else 1
    check_size(batch, rows, dim, sparsity)
    return sparsity


def sparse(rng: np.random.Generator, dim: int, sparsity: int) -> np.ndarray:
    x = np.zeros(dim)
    x[rng.choice(dim, sparsity, replace=False)] = rng.standard_normal(sparsity)
    return x


def unit_columns(a: np.ndarray) -> np.ndarray:
    return a / np.linalg.norm(a, axis=0)


def conditioned(a: np.ndarray, condition: float) -> np.ndarray:
    """The singular vectors of `a` with log-spaced singular values; the mean squared column norm is 1."""
    left, values, right = np.linalg.svd(a, full_matrices=False)
    values = np.logspace(0.0, -np.log10(condition), len(values))
    return np.sqrt(a.shape[1] / (values @ values)) * ((left * values) @ right)


def entries(rng: np.random.Generator, rows: int, dim: int, law: str) -> np.ndarray:
    """Entries of a law that is not normal.

    Returns:
        (rows, dim). `signs`: a quarter of the entries of each column, at random places, are 1 or -1, the others 0.
    """
    if law == "student":  # no variance
        return rng.standard_t(2, (rows, dim))
    nonzeros = max(1, rows // 4)
    places = rng.random((rows, dim)).argsort(axis=0) < nonzeros  # the same number in each column, so that none is 0
    return places * rng.choice([-1.0, 1.0], (rows, dim))


def drawn(
    family: str, seed: int, batch: int, draw: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The matrices (B,m,n) and the rows (B,m) that `draw` makes, each instance of a stream of its own."""
    matrices, rows = np.empty(0), np.empty(0)
    for b, rng in enumerate(streams(family, seed, batch)):
        a, y = draw(rng)
        if b == 0:  # filled in one by one: a batch may take half of the memory
            matrices, rows = np.empty((batch, *a.shape)), np.empty((batch, *y.shape))
        matrices[b], rows[b] = a, y
    return torch.from_numpy(matrices), torch.from_numpy(rows)


def regression(
    family: str, batch: int, rows: int, dim: int, sparsity: int | None, noise: float, outliers: float, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """A of unit columns and y = A x_true + noise, a fraction `outliers` of it off by normal numbers of size 5."""
    sparsity = sparsity_of(batch, rows, dim, sparsity, tenths=1)
    if not 0 <= outliers <= 1:
        raise InputError(f"outliers: expected a fraction in [0, 1], got {outliers}.")

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        a = unit_columns(rng.standard_normal((rows, dim)))
        clean = a @ sparse(rng, dim, sparsity) + noise * rng.standard_normal(rows)
        hit = rng.permutation(rows) < round(outliers * rows)
        return a, clean + 5.0 * hit * rng.standard_normal(rows)

    return drawn(family, seed, batch, draw)


def classification(
    family: str, batch: int, rows: int, dim: int, sparsity: int | None, flips: float, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gaussian A and labels 1[A x_true >= 0], a fraction `flips` of them turned."""
    sparsity = sparsity_of(batch, rows, dim, sparsity, tenths=4)
    if not 0 <= flips <= 1:
        raise InputError(f"flips: expected a fraction in [0, 1], got {flips}.")

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        a = rng.standard_normal((rows, dim))
        right = a @ sparse(rng, dim, sparsity) >= 0
        return a, right ^ (rng.permutation(rows) < round(flips * rows))

    return drawn(family, seed, batch, draw)
