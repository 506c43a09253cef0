"""Half the squared residual and its gradient in one pass over the matrices, with its adjoint."""

from __future__ import annotations

from typing import Any

import torch

from ...support.native import gram as native


class _Residuals(torch.autograd.Function):
    """x -> |A x - y|^2 / 2 and A'(A x - y), for A and y that are data."""

    @staticmethod
    def forward(
        ctx: Any, matrix: torch.Tensor, target: torch.Tensor, x: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        value, _, gradient = native.gram(matrix, x, target)
        assert gradient is not None
        ctx.save_for_backward(matrix, gradient)
        ctx.set_materialize_grads(False)
        return value, gradient

    @staticmethod
    def backward(
        ctx: Any, of_value: torch.Tensor | None, of_gradient: torch.Tensor | None
    ) -> tuple[None, None, torch.Tensor | None]:
        matrix, gradient = ctx.saved_tensors
        total = None if of_value is None else of_value.unsqueeze(-1) * gradient
        if of_gradient is not None:
            second = _Curvature.apply(matrix, of_gradient)
            total = second if total is None else second + total
        return None, None, total


class _Curvature(torch.autograd.Function):
    """p -> A'A p, which is its own adjoint."""

    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(matrix)
        product = native.gram(matrix, p)[2]
        assert product is not None
        return product

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[None, torch.Tensor]:
        (matrix,) = ctx.saved_tensors
        return None, _Curvature.apply(matrix, gradient)


def available(matrix: torch.Tensor, target: torch.Tensor, x: torch.Tensor) -> bool:
    """Whether compiled code can evaluate the residuals at x."""
    plain = x.ndim == 2 and x.shape[0] == matrix.shape[0] and x.dtype == matrix.dtype == target.dtype
    data = not (matrix.requires_grad or target.requires_grad)
    return plain and data and target.shape == matrix.shape[:-1] and native.available(matrix)


def value_and_gradient(
    matrix: torch.Tensor, target: torch.Tensor, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(B,m,n), (B,m) and (B,n) -> values (B,) and gradients (B,n)."""
    if torch.is_grad_enabled() and x.requires_grad:
        return _Residuals.apply(matrix, target, x)
    value, _, gradient = native.gram(matrix, x, target)
    assert gradient is not None
    return value, gradient


def value(matrix: torch.Tensor, target: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """(B,m,n), (B,m) and (B,n) -> values (B,), to the bit those of `value_and_gradient`."""
    if torch.is_grad_enabled() and x.requires_grad:
        return _Residuals.apply(matrix, target, x)[0]
    return native.gram(matrix, x, target, gradient=False)[0]
