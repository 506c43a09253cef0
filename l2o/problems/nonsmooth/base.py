"""What every nonsmooth term offers."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import torch

from ....errors import InputError
from ... import rounding as _rounding
from .. import _simplex

if TYPE_CHECKING:
    from ..transforms import Change


class NonsmoothTerm(abc.ABC):
    """A batch of separable, proper, closed functions r_b(x) = sum_i r_bi(x_i), convex unless `convex` says otherwise.

    Being separable makes the prox exact in every diagonal metric and the subdifferential a box, which is what the
    implicit gradients of learned optimizers need. Parameters have shape (1,1), (1,n), (B,1) or (B,n). A term that is
    not separable is a `CoupledTerm` and does without.
    """

    kind: ClassVar[str]
    is_zero: ClassVar[bool] = False
    is_indicator: ClassVar[bool] = False  # whether r is 0 on a convex set and inf elsewhere
    finite_slopes: ClassVar[bool] = False  # whether the ends of the subdifferential are finite wherever x is
    separable: ClassVar[bool] = True  # a term that is not is a CoupledTerm
    names_subgradients: ClassVar[bool] = True  # whether `nearest_subgradient` has an answer in any dimension

    @property
    def convex(self) -> bool:
        """Whether every r_b is convex; a term that is not overrides this, and most bounds do not apply to it."""
        return True

    @property
    def rounding_bounded(self) -> bool:
        """Whether `value_error` is a bound; a term that estimates it overrides this."""
        return True

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

    def boxed(self, dim: int) -> bool:
        """Whether a box holds the subdifferential in `dim` variables, so that `subdifferential` has an answer."""
        return True

    def domain_error(self, x: torch.Tensor) -> torch.Tensor | None:
        """(B,) bound on the distance from dom r of an x with finite `value`; None where it is 0 for every x."""
        return None

    def steepness(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) bound on |g_i| over the subdifferential at x."""
        return torch.stack(self.subdifferential(x)).abs().amax(0)

    def nearest_subgradient(self, x: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """(B,n) the element of the subdifferential at x nearest to `wanted` (B,n); 0 where it is empty.

        With `wanted` = 0 it is the subgradient of least norm: lam sign(x_i), sign(0) = 0, for the l1 norm.
        """
        low, high = self.subdifferential(x)
        nearest = torch.minimum(torch.maximum(wanted, low), high)
        return torch.where(low > high, torch.zeros_like(nearest), nearest)

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
        """(B,) bound on the rounding error of `value`: a few units for each r_i, gamma_n for the sum, underflow."""
        size = self.values(x).abs().nan_to_num(posinf=0.0).sum(-1)
        floor = 0.0 if self.is_zero or self.is_indicator else _rounding.underflow(3 * x.shape[-1], x.dtype)
        return _rounding.gamma(x.shape[-1] + 8, x.dtype) * size + floor

    def subgradient_blur(self, x: torch.Tensor, g: torch.Tensor, units: float = 32.0) -> torch.Tensor:
        """(B,) by how much the elements of the subdifferential near g (B,n) move within `units` roundings of x."""
        return torch.zeros_like(x[:, 0])

    def subgradient_slack(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """(B,) by how much r(y) >= r(x) + <g, y - x> may fail for y in dom r and g = `nearest_subgradient` at x.

        0 but for sets of which few points are floating-point numbers: there x counts as a point of the set, or of its
        surface, within rounding, and g is normal to the set at that point near to x.
        """
        return torch.zeros_like(x[:, 0])


class CoupledTerm(NonsmoothTerm):
    """A batch of proper, closed, convex functions that are no sum over the coordinates.

    Such a term has a prox for steps that are one number per instance, and no box holds its subdifferential unless
    n = 1; it overrides `value` and `value_error`, and `changed(change)` gives it under a change of variables. One that
    overrides `nearest_subgradient` says so in `names_subgradients`.
    """

    separable: ClassVar[bool] = False
    names_subgradients: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def dim(self) -> int | None:
        """Number of variables n where the parameters fix it, else None."""

    @abc.abstractmethod
    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,) r(x); +inf outside the domain."""

    @abc.abstractmethod
    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) bound on the rounding error of `value`."""

    @abc.abstractmethod
    def changed(self, change: Change) -> CoupledTerm:
        """The term c r(x/a + t)."""

    def values(self, x: torch.Tensor) -> torch.Tensor:
        """(B,1) r(x) where n = 1, an error otherwise."""
        self._require_one_variable("values(x), one number per coordinate,", x.shape[-1])
        return self.value(x).unsqueeze(-1)

    def boxed(self, dim: int) -> bool:
        """Where n = 1; a term may know better."""
        return dim == 1

    def nearest_subgradient(self, x: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """(B,n) the element of the subdifferential nearest to `wanted`, where n = 1; a term may know better."""
        if self.dim != 1:
            raise InputError(
                f"{self.kind} in {self.dim} variables: the subgradient of least deviation is not known for this term; "
                f"run an optimizer whose state has prox_argument and preconditioner, which name the subgradient."
            )
        return super().nearest_subgradient(x, wanted)

    def _require_one_variable(self, what: str, dim: int | None = None) -> None:
        dim = self.dim if dim is None else dim
        if dim != 1:
            raise InputError(
                f"{self.kind} in {dim} variables: {what} is no box, because the term is not separable; "
                f"use a method and a check that need its value and its prox only."
            )

    def _one_step(self, u: torch.Tensor, step: torch.Tensor | float) -> np.ndarray:
        """(B,) the steps, or an error where the coordinates of an instance have different ones."""
        steps = torch.as_tensor(step, dtype=u.dtype, device=u.device)
        if steps.ndim == 2 and steps.shape[1] > 1 and bool((steps != steps[:, :1]).any()):
            raise InputError(
                f"{self.kind}: its prox takes one step per instance, a scalar or (B, 1), got shape "
                f"{tuple(steps.shape)} with different steps for the coordinates of an instance; the term is not "
                f"separable, so use a method with scalar steps."
            )
        steps = steps[:, 0] if steps.ndim == 2 else steps
        return steps.expand(u.shape[0]).detach().cpu().numpy().astype(_simplex.EXTENDED)

    def _extended(self, x: torch.Tensor, *parameters: torch.Tensor) -> list[np.ndarray]:
        """The parameters, one row per instance, and x in extended precision."""
        rows = [a.expand(x.shape[0], *a.shape[1:]) for a in parameters]
        return [a.detach().cpu().numpy().astype(_simplex.EXTENDED) for a in (*rows, x)]

    @staticmethod
    def _tensor(array: np.ndarray, like: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(array.astype(np.float64)).to(like)


def pick(parameter: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Rows `index` of a per-instance parameter; a shared one (one row) is left as it is."""
    return parameter if parameter.shape[0] == 1 else parameter[index]
