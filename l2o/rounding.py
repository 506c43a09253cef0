"""A-priori bounds on the rounding error of the few kernels every problem is built from.

A sum or dot product of n terms, evaluated in any order and with or without fused multiply-add, is off by at most
gamma_n * sum|a_i b_i| with gamma_n = n u / (1 - n u) and u the unit roundoff (Higham, Accuracy and Stability of
Numerical Algorithms, 2002, section 3.1). Terms that are exactly zero contribute no rounding, so n may be replaced
by the number of non-zero entries of either factor.
"""

from __future__ import annotations

import math

import torch


def unit_roundoff(dtype: torch.dtype) -> float:
    """Half the distance from 1 to the next number of `dtype`."""
    return torch.finfo(dtype).eps / 2


def gamma(terms: torch.Tensor | int, dtype: torch.dtype) -> torch.Tensor | float:
    """gamma_n for n = `terms` + 3; the three spare roundings cover the evaluation of the bound itself."""
    nu = (terms + 3) * unit_roundoff(dtype)
    return nu / (1 - nu)


def underflow(terms: torch.Tensor | int, dtype: torch.dtype) -> torch.Tensor | float:
    """What a sum of n = `terms` products may miss where they are below the smallest normal number of `dtype`."""
    return (terms + 3) * torch.finfo(dtype).tiny


def norms(a: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """2-norms along `dim`, also where the squares underflow (a norm that is too small makes an error bound unsound)."""
    plain = torch.linalg.vector_norm(a, dim=dim)
    if bool((plain < 10 * math.sqrt(a.shape[dim] * torch.finfo(a.dtype).tiny / torch.finfo(a.dtype).eps)).any()):
        largest = a.abs().amax(dim, keepdim=True)
        scale = torch.where(largest > 0, largest, torch.ones_like(largest))
        plain = torch.linalg.vector_norm(a / scale, dim=dim) * scale.squeeze(dim)
    return plain


def nonzeros(x: torch.Tensor) -> torch.Tensor:
    """Number of non-zero entries along the last axis, with the axis kept: (..., 1)."""
    return (x != 0).sum(dim=-1, keepdim=True).to(x.dtype)
