"""A problem that declares a wrong smoothness constant: the same F, another L for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch

from ....l2o import Composite, InputError
from ....l2o.problems.smooth import Evaluated, SmoothTerm, WrappedSmooth


@dataclass(frozen=True, eq=False)
class MisreportedSmoothness(WrappedSmooth):
    """`base` with `declared` (B,) in place of its smoothness constant; all else is the base's.

    Bounds must not be asked of it: its L is a claim. Keep the true problem for them.
    """

    base: SmoothTerm
    declared: torch.Tensor

    kind: ClassVar[str] = "misreported"

    @property
    def smoothness(self) -> torch.Tensor:
        """(B,) what is declared."""
        return self.declared

    @property
    def strong_convexity(self) -> torch.Tensor:
        """(B,) of the base, at most the declared L."""
        return torch.minimum(self.base.strong_convexity, self.declared)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        return self.base.value_and_gradient(x)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        return self.base.value(x)

    def evaluated(self, x: torch.Tensor) -> Evaluated:
        """Of the base."""
        return self.base.evaluated(x)

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) of the base."""
        return self.base.value_error(x)

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) of the base."""
        return self.base.gradient_error(x)

    def arrays(self) -> dict[str, torch.Tensor]:
        """Of the base, and the declared L."""
        return {**self.base.arrays(), "declared": self.declared}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, base=self.base.select(index), declared=self.declared[index])

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return replace(self, base=self.base.to(dtype, device), declared=self.declared.to(dtype=dtype, device=device))


def with_declared_L(problem: Composite, factor: Any) -> Composite:
    """`problem` that declares factor * L in place of its L; factor > 0 a scalar or (B,)."""
    factor = torch.as_tensor(factor, dtype=problem.dtype, device=problem.device)
    if factor.ndim > 1 or not bool((torch.isfinite(factor) & (factor > 0)).all()):
        raise InputError(f"factor: expected numbers > 0, a scalar or one for each instance, got {factor.tolist()!r}.")
    return Composite(MisreportedSmoothness(problem.smooth, problem.smoothness * factor), problem.nonsmooth)
