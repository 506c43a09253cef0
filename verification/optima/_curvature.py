"""Certified lower bounds on the curvature of a smooth term."""

from __future__ import annotations

import functools
from fractions import Fraction

import torch

from ...l2o.problems.nonsmooth import ElasticNet, NonsmoothTerm
from ...l2o.problems.smooth import LeastSquares, Logistic, QuadraticForm, SmoothTerm
from ._directed import ROOT_TINY

EXACT_DIM = 16
"""Largest number of variables for which semidefiniteness is decided in rational arithmetic."""


@functools.singledispatch
def curvature_floor(term: SmoothTerm) -> torch.Tensor:
    """(B,) certified c with f - c/2 ||x||^2 convex; possibly negative, -inf where nothing is known."""
    modulus = term.strong_convexity
    return modulus if term.convex else torch.full_like(modulus, -torch.inf)


@curvature_floor.register
def _(term: LeastSquares) -> torch.Tensor:
    # With fewer rows than columns A'A is singular; asking the term would factorise for nothing.
    rows, columns = term.map.matrix.shape[-2:]
    if rows < columns:
        return torch.zeros(term.batch_size, dtype=torch.float64)
    return term.strong_convexity


@curvature_floor.register
def _(term: Logistic) -> torch.Tensor:
    return torch.zeros(term.batch_size, dtype=torch.float64)


@curvature_floor.register
def _(term: QuadraticForm) -> torch.Tensor:
    matrix = term.map.matrix.reshape(-1, term.dim, term.dim)
    slack = 10 * term.dim * torch.finfo(torch.float64).eps * term.map.frobenius.reshape(-1) + ROOT_TINY
    floor = (term.eigenvalues[:, 0] - slack).clone()
    for b in torch.nonzero(floor <= 0).flatten().tolist():
        if _exactly_semidefinite(matrix[b]):
            floor[b] = 0.0
    # Without symmetry 1/2 x'Qx and the gradient Qx do not belong together.
    symmetric = (matrix == matrix.mT).flatten(1).all(-1)
    floor = torch.where(symmetric, floor, -torch.inf)
    return floor.expand(term.batch_size)


def _exactly_semidefinite(matrix: torch.Tensor) -> bool:
    """Whether a symmetric float64 matrix is positive semidefinite, decided without rounding.

    Zero rows are dropped; what is left is decided by its eigenvalues if they are safely positive, else, when
    small, by symmetric elimination in rationals (a zero pivot needs a zero row).
    """
    keep = (matrix != 0).any(dim=-1)
    block = matrix[keep][:, keep]
    size = block.shape[0]
    if size == 0:
        return True
    if size < matrix.shape[0]:
        slack = 10 * size * torch.finfo(torch.float64).eps * float(torch.linalg.matrix_norm(block)) + ROOT_TINY
        if float(torch.linalg.eigvalsh(block)[0]) > slack:
            return True
    if size > EXACT_DIM:
        return False
    rows = [[Fraction(v) for v in row] for row in block.tolist()]
    for k in range(size):
        pivot = rows[k][k]
        if pivot < 0:
            return False
        if pivot == 0:
            if any(rows[k][j] != 0 for j in range(k + 1, size)):
                return False
            continue
        for i in range(k + 1, size):
            factor = rows[i][k] / pivot
            if factor:
                for j in range(k + 1, size):
                    rows[i][j] -= factor * rows[k][j]
    return True


def added_curvature(term: NonsmoothTerm) -> torch.Tensor | float:
    """(B,) or (1,) modulus of strong convexity of r: the ridge of an elastic net, else 0."""
    return term.ridge.reshape(-1) if isinstance(term, ElasticNet) else 0.0
