"""The curvature that a smooth term shows: a number that its Lipschitz constant cannot be below."""

from __future__ import annotations

from typing import Any

import torch

from ..support.arrays import as_tensor
from .smooth import SmoothTerm


def largest_curvature(
    term: SmoothTerm, x: Any, *, start: torch.Tensor | None = None, iterations: int = 30, seed: int = 0
) -> torch.Tensor:
    """A lower bound of the Lipschitz constant of the gradient, by power iteration on differences of gradients at x.

    Two points x +- d v whose gradients differ by c ||2 d v|| prove that L >= c; the rounding of the gradients is
    subtracted. The result is a proof as far as `gradient_error` bounds the rounding.

    Args:
        term: a smooth term of B instances in n variables.
        x: (B,n) the points to look from.
        start: (B,n) directions to begin with; random ones if left out.
        iterations: number of steps of the power iteration, two gradients each.
        seed: of the random directions.

    Returns:
        (B,) the largest c met; 0 where no gradient is finite.
    """
    x = as_tensor(x, "x", dtype=term.smoothness.dtype).reshape(-1, term.dim).expand(term.batch_size, term.dim)
    v = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed), dtype=x.dtype)
    if start is not None:
        size = torch.linalg.vector_norm(start, dim=-1, keepdim=True)
        usable = torch.isfinite(size) & (size > 0)
        v = torch.where(usable, start / torch.where(usable, size, 1.0), v)
    reach = 1e-4 * (1 + torch.linalg.vector_norm(x, dim=-1, keepdim=True))
    largest, best = torch.zeros_like(x[:, 0]), v
    for _ in range(iterations):
        v = v / torch.linalg.vector_norm(v, dim=-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)
        ahead, behind = x + reach * v, x - reach * v
        difference = term.gradient(ahead) - term.gradient(behind)
        seen = torch.linalg.vector_norm(difference, dim=-1) / torch.linalg.vector_norm(ahead - behind, dim=-1)
        larger = torch.isfinite(seen) & (seen > largest)
        largest = torch.where(larger, seen, largest)
        best = torch.where(larger.unsqueeze(-1), v, best)
        v = torch.where(torch.isfinite(difference).all(-1, keepdim=True), difference, v)
    # All pairs are equally far apart, so that rounding weighs the same in each: it is asked for once, at the best.
    ahead, behind = x + reach * best, x - reach * best
    one, two = term.evaluated(ahead), term.evaluated(behind)
    length = torch.linalg.vector_norm(ahead - behind, dim=-1)
    change = torch.linalg.vector_norm(one.gradient - two.gradient, dim=-1)
    seen = (change - one.gradient_error - two.gradient_error) / length * (1 - 1e-14)
    return torch.where(torch.isfinite(seen), seen, 0.0).clamp(min=0.0)
