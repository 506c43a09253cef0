"""The linear map A of terms of the form phi(A x): one matrix for all instances, or one per instance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from ... import rounding
from ...support.arrays import moved


def _apply(matrix: torch.Tensor, x: torch.Tensor, transposed: bool) -> torch.Tensor:
    """Products of matrices (B,m,n), or their transposes, with vectors."""
    if transposed:
        return torch.bmm(x.unsqueeze(1), matrix).squeeze(1)
    if matrix.device.type != "cpu" or matrix.shape[0] == 1:
        return torch.bmm(matrix, x.unsqueeze(2)).squeeze(2)
    # On the CPU a batched product with one vector takes a path two to four times slower than one with two.
    return torch.bmm(torch.stack([x, x], dim=1), matrix.mT)[:, 0]


class _Apply(torch.autograd.Function):
    """`_apply` with its adjoint, for a matrix that is data: torch's own would take the slow path."""

    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor, x: torch.Tensor, transposed: bool) -> torch.Tensor:
        ctx.save_for_backward(matrix)
        ctx.transposed = transposed
        return _apply(matrix, x, transposed)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[None, torch.Tensor, None]:
        (matrix,) = ctx.saved_tensors
        return None, _Apply.apply(matrix, gradient, not ctx.transposed), None


@dataclass(frozen=True, eq=False)
class LinearMap:
    """A of shape (m,n), shared by the batch, or (B,m,n)."""

    matrix: torch.Tensor

    @property
    def shared(self) -> bool:
        """Whether all instances use the same matrix."""
        return self.matrix.ndim == 2

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,m) A x."""
        return x @ self.matrix.mT if self.shared else self._product(x, transposed=False)

    def adjoint(self, u: torch.Tensor) -> torch.Tensor:
        """(B,m) -> (B,n) A'u."""
        return u @ self.matrix if self.shared else self._product(u, transposed=True)

    def _product(self, x: torch.Tensor, transposed: bool) -> torch.Tensor:
        if torch._C._functorch.peek_interpreter_stack() is not None or self.matrix.requires_grad or x.ndim != 2:
            matrix = self.matrix.mT if transposed else self.matrix  # any shape, every kind of derivative
            return torch.matmul(matrix, x.unsqueeze(-1)).squeeze(-1)
        if torch.is_grad_enabled() and x.requires_grad:
            return _Apply.apply(self.matrix, x, transposed)
        return _apply(self.matrix, x, transposed)

    @cached_property
    def row_norms(self) -> torch.Tensor:
        """(m,) or (B,m) 2-norms of the rows."""
        return rounding.norms(self.matrix, -1)

    @cached_property
    def column_norms(self) -> torch.Tensor:
        """(n,) or (B,n) 2-norms of the columns."""
        return rounding.norms(self.matrix, -2)

    @cached_property
    def frobenius(self) -> torch.Tensor:
        """() or (B,) Frobenius norm."""
        return rounding.norms(self.row_norms, -1)

    def forward_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,m) bound on the rounding error of A x: gamma |A||x| with |A_i||x| <= ||A_i|| ||x||."""
        weight = rounding.gamma(rounding.nonzeros(x), x.dtype) * rounding.norms(x, -1).unsqueeze(-1)
        # Each of the n products may also underflow, by less than the smallest normal number.
        return weight * self.row_norms + x.shape[-1] * torch.finfo(x.dtype).tiny

    def adjoint_error(self, u: torch.Tensor, u_error: torch.Tensor) -> torch.Tensor:
        """(B,n) bound on the entries of the error of A'u, u itself known up to `u_error` (B,m)."""
        size, error = rounding.norms(u, -1).unsqueeze(-1), rounding.norms(u_error, -1).unsqueeze(-1)
        rows = self.matrix.shape[-2]
        bound = self.column_norms * (rounding.gamma(rows, u.dtype) * (size + error) + error)
        return bound + rows * torch.finfo(u.dtype).tiny

    @cached_property
    def gram_eigenvalues(self) -> torch.Tensor:
        """Ascending eigenvalues of the smaller of A A' and A'A: (q,) or (B,q), q = min(m,n)."""
        a = self.matrix
        gram = a @ a.mT if a.shape[-2] <= a.shape[-1] else a.mT @ a
        return torch.linalg.eigvalsh(gram)

    def largest_eigenvalue(self) -> torch.Tensor:
        """(1,) or (B,) largest eigenvalue of A'A."""
        return self.gram_eigenvalues[..., -1].reshape(-1)

    def smallest_eigenvalue(self) -> torch.Tensor:
        """(1,) or (B,) lower bound on the smallest eigenvalue of A'A, at least 0.

        Forming the Gram matrix and the eigenvalue solver are backward stable; both errors are below
        (m + 10 n) eps ||A||_F^2, which is taken off. With fewer rows than columns the answer is 0.
        """
        m, n = self.matrix.shape[-2:]
        if m < n:
            return torch.zeros_like(self.largest_eigenvalue())
        slack = (m + 10 * n) * torch.finfo(self.matrix.dtype).eps * self.frobenius.reshape(-1) ** 2
        return (self.gram_eigenvalues[..., 0].reshape(-1) - slack).clamp(min=0.0)

    def select(self, index: torch.Tensor) -> LinearMap:
        """The map of the instances `index`."""
        return self if self.shared else LinearMap(self.matrix[index])

    def to(self, dtype: torch.dtype | None, device: torch.device | str | None) -> LinearMap:
        """The map in another precision or on another device."""
        return LinearMap(moved(self.matrix, dtype, device))
