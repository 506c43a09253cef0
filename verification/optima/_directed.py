"""Outward rounding: the last step of every bound, so that what is printed is on the safe side."""

from __future__ import annotations

import torch

from ...l2o import rounding
from ...l2o.problems import Composite

UNIT = rounding.unit_roundoff(torch.float64)
TINY = 1e-300
"""Absolute allowance for underflow, which the relative error bounds do not cover."""

ROOT_TINY = 1e-150
"""The same for norms, whose squares underflow: a norm may come out as 0 for entries up to 1e-162."""

FLAT = 1e-290
"""Moduli of convexity below are no evidence of any: at that scale even eigenvalues are made of underflow."""


def down(value: torch.Tensor, error: torch.Tensor | float = 0.0) -> torch.Tensor:
    """A float64 at most value - error; NaN (as from inf - inf) becomes -inf, the bound that says nothing."""
    error = torch.as_tensor(error, dtype=value.dtype) * (1 + 4 * UNIT)
    low = torch.nextafter(value - error, torch.full_like(value, -torch.inf))
    return low.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)


def up(value: torch.Tensor, error: torch.Tensor | float = 0.0) -> torch.Tensor:
    """A float64 at least value + error; NaN becomes +inf."""
    return -down(-value, error)


def value_error(p: Composite, x: torch.Tensor) -> torch.Tensor:
    """(B,) bound on the error of the computed F(x), underflow included."""
    size = x.abs().sum(-1)
    # Rows with a norm that underflows are missing from the bounds of the terms: u times that norm, times x and, as
    # F is at most quadratic, times x or a residual again.
    underflow = UNIT * ROOT_TINY * (1 + size) * (1 + size + p.objective(x).abs().sqrt())
    change = getattr(p.smooth, "change", None)
    if change is not None:  # what underflows inside is scaled afterwards
        inner, scale = change.inward(x).expand_as(x).abs().sum(-1), change.scale.reshape(-1)
        root = (p.objective(x).abs() / scale).sqrt()
        underflow = underflow + UNIT * ROOT_TINY * (1 + inner) * (1 + inner + root) * scale
    return p.objective_error(x) + underflow


def total(terms: torch.Tensor, relative: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum over the last axis and a bound on its error, each term known to `relative` units of roundoff."""
    size = terms.abs().sum(-1)
    return terms.sum(-1), rounding.gamma(terms.shape[-1] + relative, terms.dtype) * size + TINY
