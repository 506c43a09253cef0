"""What terms from functions share: what is declared of them, and how their rounding is estimated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ._arguments import Arguments

_SAFETY = 8.0
"""How many times the scaled difference of two precisions an estimate of rounding is."""


def other_precision(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype == torch.float64 else torch.float64


def estimate(here: torch.Tensor, there: torch.Tensor | None, floor: torch.Tensor, dims: tuple[int, ...]) -> Any:
    """The rounding of `here`, (B,) in the 2-norm over `dims`, from its value `there` in the other precision."""
    if there is None:
        return 64 * floor
    difference = (here - there.to(here.dtype)).nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=torch.inf)
    size = torch.linalg.vector_norm(difference, dim=dims) if dims else difference.abs()
    ratio = (
        torch.finfo(here.dtype).eps / torch.finfo(other_precision(here.dtype)).eps
        if here.dtype == torch.float64
        else 1.0
    )
    scaled = _SAFETY * ratio * size
    return torch.where(torch.isfinite(scaled), torch.maximum(scaled, floor), 64 * floor)


class FromFunctions:
    """The members that are the same for every term from functions."""

    function: Callable[..., Any]
    arguments: Arguments
    variables: int
    is_convex: bool
    label: str
    code: str  # a digest of what the functions do, so that two functions on the same data are two problems

    @property
    def kind(self) -> str:
        """The name that was given to it."""
        return self.label

    @property
    def rounding_bounded(self) -> bool:
        """False: how the functions round is estimated."""
        return False

    @property
    def convex(self) -> bool:
        """As declared."""
        return self.is_convex

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.variables
