"""What every smooth term offers."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar, Self

import torch


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A smooth term at points x (B,n): f and its gradient, with bounds on the rounding of both."""

    value: torch.Tensor  # (B,) f(x)
    gradient: torch.Tensor  # (B,n)
    value_error: torch.Tensor  # (B,)
    gradient_error: torch.Tensor  # (B,) in the 2-norm


class SmoothTerm(abc.ABC):
    """A batch of B differentiable functions f_b of n variables with Lipschitz gradients.

    A new term is one small file: a frozen dataclass with the members below. `value_error` and `gradient_error`
    bound the rounding of `value` and `gradient`; verdicts rest on them, so they must be sound, not typical.
    """

    kind: ClassVar[str]

    @property
    def convex(self) -> bool:
        """Whether every instance is convex; a term that is not overrides this."""
        return True

    @property
    def rounding_bounded(self) -> bool:
        """Whether `value_error` and `gradient_error` are bounds; a term that estimates them overrides this."""
        return True

    @property
    @abc.abstractmethod
    def batch_size(self) -> int:
        """Number of instances B."""

    @property
    @abc.abstractmethod
    def dim(self) -> int:
        """Number of variables n."""

    @property
    @abc.abstractmethod
    def smoothness(self) -> torch.Tensor:
        """(B,) Lipschitz constant L of the gradient."""

    @property
    @abc.abstractmethod
    def strong_convexity(self) -> torch.Tensor:
        """(B,) a certified lower bound mu >= 0 on the modulus of strong convexity."""

    @property
    def smoothness_error(self) -> torch.Tensor:
        """(B,) bound on the rounding error of `smoothness`, as far as it comes from an n x n eigenvalue problem."""
        return 4 * self.dim * torch.finfo(self.smoothness.dtype).eps * self.smoothness

    @abc.abstractmethod
    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> f(x) of shape (B,) and its gradient of shape (B,n), sharing what they have in common."""

    @abc.abstractmethod
    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) bound on |computed f(x) - f(x)|."""

    @abc.abstractmethod
    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) bound on the 2-norm of computed minus exact gradient."""

    @abc.abstractmethod
    def arrays(self) -> dict[str, torch.Tensor]:
        """The data that determine the term, by name (for fingerprints and saving)."""

    @abc.abstractmethod
    def select(self, index: torch.Tensor) -> Self:
        """The term of the instances `index` only."""

    @abc.abstractmethod
    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """The term in another precision or on another device."""

    def evaluated(self, x: torch.Tensor) -> Evaluated:
        """Values, gradients and their errors at x (B,n); a term whose errors need the values again overrides this."""
        return Evaluated(*self.value_and_gradient(x), *self.errors(x))

    def errors(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`value_error` and `gradient_error` (B,) at x (B,n); a term in which they share work overrides this."""
        return self.value_error(x), self.gradient_error(x)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,) f(x)."""
        return self.value_and_gradient(x)[0]

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,n) gradient of f."""
        return self.value_and_gradient(x)[1]
