"""What every nonsmooth term offers."""

from __future__ import annotations

import abc
from typing import ClassVar, Self

import torch

from l2o import _rounding


class NonsmoothTerm(abc.ABC):
    """A batch of separable, proper, closed, convex functions r_b(x) = sum_i r_bi(x_i).

    Being separable makes the prox exact in every diagonal metric and the subdifferential a box, which is what the
    implicit gradients of learned optimizers need. Parameters have shape (1,1), (1,n), (B,1) or (B,n).
    """

    kind: ClassVar[str]
    is_zero: ClassVar[bool] = False
    is_indicator: ClassVar[bool] = False  # whether r is 0 on a convex set and inf elsewhere
    finite_slopes: ClassVar[bool] = False  # whether the ends of the subdifferential are finite wherever x is

    @property
    @abc.abstractmethod
    def batch_size(self) -> int:
        """Number of instances B, or 1 for "the same for every instance"."""

    @abc.abstractmethod
    def values(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,n) r_i(x_i); +inf outside the domain."""

    @abc.abstractmethod
    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """(B,n) argmin_x r(x) + sum_i (x_i - u_i)^2 / (2 step_i); step scalar, (B,1) or (B,n)."""

    @abc.abstractmethod
    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> lower and upper end of the subdifferential, (B,n) each; empty (lower > upper) outside dom r."""

    @abc.abstractmethod
    def arrays(self) -> dict[str, torch.Tensor]:
        """The parameters that determine the term, by name."""

    @abc.abstractmethod
    def select(self, index: torch.Tensor) -> Self:
        """The term of the instances `index` only."""

    @abc.abstractmethod
    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """The term in another precision or on another device."""

    @property
    def dim(self) -> int | None:
        """Number of variables n where the parameters fix it, else None."""
        widths = {a.shape[-1] for a in self.arrays().values()} - {1}
        return widths.pop() if widths else None

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,) r(x)."""
        return self.values(x).sum(-1)

    def magnitude(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) size of the numbers that evaluating r or its prox near x handles; its rounding is a few units of it."""
        return x.abs()

    def subdifferential_near(self, x: torch.Tensor, units: float = 32.0) -> tuple[torch.Tensor, torch.Tensor]:
        """The least and the greatest slope of r within `units` roundings of x, (B,n) each.

        A prox is computed to a few roundings, so the slope that it implies belongs to a point this near to x.
        """
        reach = units * torch.finfo(x.dtype).eps * self.magnitude(x)
        low, high = self.subdifferential(x)
        return torch.minimum(low, self.subdifferential(x - reach)[0]), torch.maximum(
            high, self.subdifferential(x + reach)[1]
        )

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) bound on the rounding error of `value`: a few units for each r_i and gamma_n for the sum."""
        size = self.values(x).abs().nan_to_num(posinf=0.0).sum(-1)
        return _rounding.gamma(x.shape[-1] + 8, x.dtype) * size


def pick(parameter: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Rows `index` of a per-instance parameter; a shared one (one row) is left as it is."""
    return parameter if parameter.shape[0] == 1 else parameter[index]
