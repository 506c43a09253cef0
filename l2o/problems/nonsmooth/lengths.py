"""2-norms whose squares neither overflow nor underflow, differentiable also at 0."""

from __future__ import annotations

import torch


def length(v: torch.Tensor) -> torch.Tensor:
    """(B,n) -> (B,1) 2-norms."""
    scale = _scale(v.detach().abs().amax(-1, keepdim=True))
    return torch.linalg.vector_norm(v / scale, dim=-1, keepdim=True) * scale


def group_lengths(v: torch.Tensor, groups: torch.Tensor, count: int) -> torch.Tensor:
    """(B,n) and the group of each variable (n,) -> (B,count) 2-norms of the groups; exact where a group is single."""
    index = groups.expand_as(v)
    zeros = v.new_zeros(v.shape[0], count)
    largest = zeros.scatter_reduce(1, index, v.detach().abs(), "amax")
    scale = _scale(largest)
    scaled = v / scale[:, groups]
    squares = zeros.index_add(1, groups, scaled * scaled)
    full = torch.where(largest > 0, squares, torch.ones_like(squares))  # the root of 0 has no derivative
    return torch.where(largest > 0, torch.sqrt(full) * scale, zeros)


def _scale(largest: torch.Tensor) -> torch.Tensor:
    return torch.where((largest > 0) & torch.isfinite(largest), largest, torch.ones_like(largest))
