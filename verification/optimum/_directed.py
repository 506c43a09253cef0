"""Outward rounding: the last step of every bound, so that what is printed is on the safe side."""

from __future__ import annotations

import torch

from l2o import _rounding

UNIT = _rounding.unit_roundoff(torch.float64)
TINY = 1e-300
"""Absolute allowance for underflow, which the relative error bounds do not cover."""


def down(value: torch.Tensor, error: torch.Tensor | float = 0.0) -> torch.Tensor:
    """A float64 at most value - error; NaN (as from inf - inf) becomes -inf, the bound that says nothing."""
    error = torch.as_tensor(error, dtype=value.dtype) * (1 + 4 * UNIT)
    low = torch.nextafter(value - error, torch.full_like(value, -torch.inf))
    return low.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)


def up(value: torch.Tensor, error: torch.Tensor | float = 0.0) -> torch.Tensor:
    """A float64 at least value + error; NaN becomes +inf."""
    return -down(-value, error)


def total(terms: torch.Tensor, relative: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum over the last axis and a bound on its error, each term known to `relative` units of roundoff."""
    size = terms.abs().sum(-1)
    return terms.sum(-1), _rounding.gamma(terms.shape[-1] + relative, terms.dtype) * size + TINY
