"""Seeded generators of the synthetic families of the paper.

Every instance b of a batch has a random stream of its own, derived from (seed, family, b), so that the first
instances of a larger batch are those of a smaller one and different seeds never share an instance.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch

from l2o._errors import InputError
from l2o.problems.composite import Composite
from l2o.problems.constructors import lasso as _lasso
from l2o.problems.constructors import logistic_l1 as _logistic_l1
from l2o.problems.constructors import quadratic as _quadratic


def _streams(family: str, seed: int, batch: int) -> list[np.random.Generator]:
    if not isinstance(batch, int) or batch < 1:
        raise InputError(f"batch: expected at least one instance, an integer, got {batch!r}.")
    if not isinstance(seed, int) or not 0 <= seed < 2**32:  # larger ones are split by NumPy and could meet others
        raise InputError(f"seed: expected an integer in [0, 2**32), got {seed!r}.")
    label = zlib.crc32(family.encode())
    return [np.random.default_rng([label, seed, b]) for b in range(batch)]


def _check_size(rows: int, dim: int, sparsity: int) -> None:
    if rows < 1 or dim < 1 or not 0 <= sparsity <= dim:
        raise InputError(
            f"expected rows >= 1, dim >= 1 and 0 <= sparsity <= dim, got {rows} x {dim}, sparsity {sparsity}."
        )


def _sparse(rng: np.random.Generator, dim: int, sparsity: int) -> np.ndarray:
    x = np.zeros(dim)
    x[rng.choice(dim, sparsity, replace=False)] = rng.standard_normal(sparsity)
    return x


def lasso(
    batch: int = 32,
    rows: int = 250,
    dim: int = 500,
    *,
    sparsity: int | None = None,
    lam: float = 0.1,
    noise: float = 0.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """LASSO with Gaussian A of unit columns and y = A x_true (+ noise), x_true sparse with normal entries.

    The paper's sizes are 250 x 500 with 50 non-zeros (default: a tenth of `dim`) and lam = 0.1, without noise.
    """
    sparsity = max(1, dim // 10) if sparsity is None else sparsity
    _check_size(rows, dim, sparsity)
    matrices, targets = np.empty((batch, rows, dim)), np.empty((batch, rows))
    for b, rng in enumerate(_streams("lasso", seed, batch)):
        a = rng.standard_normal((rows, dim))
        matrices[b] = a / np.linalg.norm(a, axis=0)
        targets[b] = matrices[b] @ _sparse(rng, dim, sparsity) + noise * rng.standard_normal(rows)
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
    """l1-logistic with Gaussian A and labels 1[A x_true >= 0], x_true sparse (the paper: 1000 x 50, 20 non-zeros)."""
    sparsity = max(1, (2 * dim) // 5) if sparsity is None else sparsity
    _check_size(rows, dim, sparsity)
    matrices, labels = np.empty((batch, rows, dim)), np.empty((batch, rows))
    for b, rng in enumerate(_streams("logistic", seed, batch)):
        matrices[b] = rng.standard_normal((rows, dim))
        labels[b] = matrices[b] @ _sparse(rng, dim, sparsity) >= 0
    return _logistic_l1(torch.from_numpy(matrices), torch.from_numpy(labels), lam, smoothness=smoothness, dtype=dtype)


def quadratic(
    batch: int = 32,
    dim: int = 50,
    *,
    condition: float = 100.0,
    smoothness: float = 1.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """1/2 x'Qx - c'x, Q with eigenvalues log-spaced over [L/condition, L] in a random basis; minimiser normal."""
    if condition < 1 or smoothness <= 0 or dim < 1:
        raise InputError(f"expected condition >= 1, smoothness > 0, dim >= 1, got {condition}, {smoothness}, {dim}.")
    forms, linear = np.empty((batch, dim, dim)), np.empty((batch, dim))
    eigenvalues = smoothness * np.logspace(-np.log10(condition), 0.0, dim)
    for b, rng in enumerate(_streams("quadratic", seed, batch)):
        basis, _ = np.linalg.qr(rng.standard_normal((dim, dim)))
        form = (basis * eigenvalues) @ basis.T
        forms[b] = 0.5 * (form + form.T)
        linear[b] = forms[b] @ rng.standard_normal(dim)
    return _quadratic(torch.from_numpy(forms), torch.from_numpy(linear), dtype=dtype)


def starts(problem: Composite, *, shift: float = 0.0, seed: int = 0) -> torch.Tensor:
    """(B,n) initial points x_0 = normal + `shift`, one stream per instance (the paper's s is `shift`)."""
    rows = [rng.standard_normal(problem.dim) for rng in _streams("start", seed, problem.batch_size)]
    return torch.as_tensor(np.stack(rows) + shift, dtype=problem.dtype, device=problem.device)
