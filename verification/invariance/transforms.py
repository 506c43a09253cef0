"""The three changes of variables of B12, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...l2o import Composite, InputError

_SYMBOLS = {"translation": "F(x + t)", "scaling": "c F", "rescaling": "F(x / a)"}


@dataclass(frozen=True, eq=False)
class Transform:
    """F(x + t) from x_0 - t, c F from x_0, or F(x / a) from a x_0.

    `value` is t (scalar, (n,) or (B,n)), or c or a (positive, scalar or (B,)).
    """

    name: str
    value: torch.Tensor

    def __post_init__(self) -> None:
        if self.name not in _SYMBOLS:
            raise InputError(f"transform: expected one of {', '.join(_SYMBOLS)}, got {self.name!r}.")

    def __str__(self) -> str:
        return f"{self.name} {_SYMBOLS[self.name]}, size {self.size:g}"

    @property
    def size(self) -> float:
        """The entry of `value` of largest size."""
        flat = self.value.reshape(-1)
        return float(flat[flat.abs().argmax()])

    def _factor(self, like: torch.Tensor) -> torch.Tensor:
        """c or a, (1,...) or (B,1,...), to go with the axes of `like`."""
        return self.value.reshape((-1,) + (1,) * (like.ndim - 1)).to(like)

    def _shift(self, like: torch.Tensor) -> torch.Tensor:
        """t, to go with points (B,n) or (B,K+1,n)."""
        t = self.value.to(like)
        return t.unsqueeze(1) if t.ndim == 2 and like.ndim == 3 else t

    def problem(self, problem: Composite) -> Composite:
        """The image of a problem.

        Args:
            problem: F.

        Returns:
            F under the change.
        """
        if self.name == "translation":
            return problem.shifted(self.value)
        return problem.scaled(self.value) if self.name == "scaling" else problem.rescaled(self.value)

    def start(self, x: torch.Tensor) -> torch.Tensor:
        """Where the run on the image starts.

        Args:
            x: (B,n) a point of F.

        Returns:
            (B,n) the point of its image.
        """
        if self.name == "translation":
            return x - self._shift(x)
        return x * self._factor(x) if self.name == "rescaling" else x

    def back(self, x: torch.Tensor) -> torch.Tensor:
        """Points of the image, mapped back.

        Args:
            x: (B,n) or (B,K+1,n) points of the image.

        Returns:
            Points of F, in that shape.
        """
        if self.name == "translation":
            return x + self._shift(x)
        return x / self._factor(x) if self.name == "rescaling" else x

    def magnitude(self, x: torch.Tensor) -> torch.Tensor:
        """What the change adds to the size of the numbers handled, for bounds on rounding.

        Args:
            x: Points of F, for their shape and precision.

        Returns:
            |t| for a translation, else 0.
        """
        return self._shift(x).abs() if self.name == "translation" else torch.zeros_like(x[..., :1])

    def shrink(self, size: np.ndarray) -> np.ndarray:
        """Lengths in the image, mapped back.

        Args:
            size: (B,K+1) lengths in the image.

        Returns:
            (B,K+1) lengths of F.
        """
        return size / self._factor(torch.from_numpy(size)).numpy() if self.name == "rescaling" else size

    def slope_back(self, slope: torch.Tensor) -> torch.Tensor:
        """Slopes in the image, mapped back: over c, times a.

        Args:
            slope: (B,n) slopes in the image.

        Returns:
            (B,n) slopes of F.
        """
        if self.name == "translation":
            return slope
        factor = self._factor(slope)
        return slope / factor if self.name == "scaling" else slope * factor

    def factor(self, like: torch.Tensor) -> torch.Tensor:
        """What F is multiplied by.

        Args:
            like: (B,K+1), for its shape and precision.

        Returns:
            The factor, in the shape of `like`.
        """
        return self._factor(like).expand_as(like) if self.name == "scaling" else torch.ones_like(like)


def _value(value: Any, name: str, positive: bool) -> torch.Tensor:
    tensor = torch.as_tensor(np.asarray(value, dtype=np.float64))
    if not bool(torch.isfinite(tensor).all()) or (positive and bool((tensor <= 0).any())):
        kind = "finite numbers > 0" if positive else "finite numbers"
        raise InputError(f"{name}: expected {kind}, got {value!r}.")
    if tensor.ndim > (1 if positive else 2):
        axes = "a scalar or (B,)" if positive else "a scalar, (n,) or (B, n)"
        raise InputError(f"{name}: expected {axes}, got shape {tuple(tensor.shape)}.")
    return tensor


def translation(t: Any) -> Transform:
    """The change of variables F(x + t) from x_0 - t.

    Args:
        t: A scalar, (n,) or (B,n), in the unit of x.

    Returns:
        The change, for `check_equivariance`.

    Raises:
        InputError: If t is not finite, or has another shape.
    """
    return Transform("translation", _value(t, "t", positive=False))


def scaling(c: Any) -> Transform:
    """The change c F from x_0.

    Args:
        c: > 0, a scalar or (B,).

    Returns:
        The change, for `check_equivariance`.

    Raises:
        InputError: If c is not positive and finite, or has another shape.
    """
    return Transform("scaling", _value(c, "c", positive=True))


def rescaling(a: Any) -> Transform:
    """The change of variables F(x / a) from a x_0.

    Args:
        a: > 0, a scalar or (B,).

    Returns:
        The change, for `check_equivariance`.

    Raises:
        InputError: If a is not positive and finite, or has another shape.
    """
    return Transform("rescaling", _value(a, "a", positive=True))
