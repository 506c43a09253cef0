"""Nonsmooth terms whose values and prox are functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ....errors import InputError
from ...support.arrays import float_dtype
from ..nonsmooth.base import CoupledTerm, NonsmoothTerm
from ..transforms import Change
from ._arguments import Arguments, arguments_of, digest_of, matrix, name_of, require_callable, require_dim, vector
from ._shared import FromFunctions, estimate, other_precision


class _FunctionTerm(FromFunctions):
    """What the two kinds of nonsmooth terms from functions share."""

    prox_function: Callable[..., Any]

    @property
    def batch_size(self) -> int:
        """Number of instances B, 1 without data."""
        return next((a.shape[0] for a in self.arguments.data.values()), 1)

    def arrays(self) -> dict[str, torch.Tensor]:
        """The arrays that the functions take."""
        return self.arguments.arrays()

    def select(self, index: torch.Tensor) -> Any:
        """The instances `index`."""
        return replace(self, arguments=self.arguments.select(index))  # type: ignore[type-var]  # both subclasses are dataclasses

    def _elsewhere(self, x: torch.Tensor) -> torch.Tensor | None:
        try:
            return self.to(other_precision(x.dtype)).arguments.call(self.function, x.to(other_precision(x.dtype)))
        except (RuntimeError, InputError):
            return None

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Any:
        """In another precision or on another device."""
        return replace(self, arguments=self.arguments.to(dtype, device))  # type: ignore[type-var]  # both subclasses are dataclasses

    def _prox(self, u: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        return matrix(self.arguments.call(self.prox_function, u.clone(), step), u, f"the prox of {self.label}")


@dataclass(frozen=True, eq=False)
class FunctionSeparable(_FunctionTerm, NonsmoothTerm):  # type: ignore[override]  # `kind` is the name given
    """A sum over the coordinates whose terms, prox and subdifferential are functions; made by `l2o.nonsmooth`."""

    function: Callable[..., Any]
    prox_function: Callable[..., Any]
    subdifferential_function: Callable[..., Any]
    arguments: Arguments
    variables: int
    is_convex: bool
    is_indicator: bool = field()  # type: ignore[misc]  # without a default: the class attribute would become one
    label: str
    code: str

    def values(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) r_i(x_i)."""
        return matrix(self.arguments.call(self.function, x), x, self.label)

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """By the function that was given."""
        return self._prox(u, torch.as_tensor(step, dtype=u.dtype, device=u.device).expand(u.shape))

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """By the function that was given."""
        ends = self.arguments.call(self.subdifferential_function, x)
        if not isinstance(ends, (tuple, list)) or len(ends) != 2:
            raise InputError(f"the subdifferential of {self.label}: expected (low, high), got {type(ends).__name__}.")
        low, high = (matrix(end, x, f"the subdifferential of {self.label}") for end in ends)
        return low, high

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) an estimate."""
        values, there = self.values(x), self._elsewhere(x)
        size = values.abs().nan_to_num(posinf=0.0).sum(-1)
        floor = (8 + x.shape[-1]) * torch.finfo(x.dtype).eps * size
        return estimate(values.sum(-1), None if there is None else there.sum(-1), floor, ())


@dataclass(frozen=True, eq=False)
class FunctionCoupled(_FunctionTerm, CoupledTerm):  # type: ignore[override]  # `kind` is the name given
    """c r(x/a + t), r no sum over the coordinates, its value and prox functions; made by `l2o.nonsmooth`."""

    function: Callable[..., Any]
    prox_function: Callable[..., Any]
    subgradient_function: Callable[..., Any] | None
    arguments: Arguments
    variables: int
    is_convex: bool
    is_indicator: bool = field()  # type: ignore[misc]  # without a default: the class attribute would become one
    label: str
    code: str
    change: Change | None = None

    @property
    def batch_size(self) -> int:
        """The larger of the data's and the change's."""
        size = super().batch_size
        return size if self.change is None else max(size, self.change.batch_size)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        if self.change is None:
            return vector(self.arguments.call(self.function, x), x, self.label)
        w = self.change.inward(x)
        return self.change.scale.squeeze(-1) * vector(self.arguments.call(self.function, w), w, self.label)

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) an estimate."""
        value, w = self.value(x), x if self.change is None else self.change.inward(x)
        there = self._elsewhere(w)
        if there is not None and self.change is not None:
            there = self.change.scale.squeeze(-1) * there
        floor = (8 + x.shape[-1]) * torch.finfo(x.dtype).eps * value.abs().nan_to_num(posinf=0.0)
        return estimate(value, there, floor, ())

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """By the function that was given, for steps that are one number per instance."""
        self._one_step(u, step)
        steps = torch.as_tensor(step, dtype=u.dtype, device=u.device)
        steps = (steps if steps.ndim == 2 else steps.reshape(-1, 1))[:, :1].expand(u.shape[0], 1)
        if self.change is None:
            return self._prox(u, steps)
        inner = steps * self.change.scale / self.change.dilation**2
        return self.change.outward(self._prox(self.change.inward(u), inner))

    def boxed(self, dim: int) -> bool:
        """Never: the ends of the subdifferential are not known."""
        return False

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """An error: no box is known that holds it."""
        raise InputError(
            f"{self.label}: its subdifferential is not known; give subdifferential= to l2o.nonsmooth if r is a sum "
            f"over the coordinates, or use a method that needs its value and its prox only."
        )

    def nearest_subgradient(self, x: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """(B,n) the subgradient that was given, whatever is wanted."""
        if self.subgradient_function is None:
            raise InputError(
                f"{self.label}: no subgradient is known at a point that is not the output of a prox; give subgradient= "
                f"to l2o.nonsmooth, or run a method whose x_k is the output of the prox."
            )
        return self._some_subgradient(x, self.subgradient_function)

    def _some_subgradient(self, x: torch.Tensor, function: Callable[..., Any]) -> torch.Tensor:
        w = x if self.change is None else self.change.inward(x)
        g = matrix(self.arguments.call(function, w), w, f"the subgradient of {self.label}")
        return g if self.change is None else self.change.scale / self.change.dilation * g

    def steepness(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) an estimate: twice the size of a subgradient at x, given or by autograd; inf where there is neither."""
        if self.subgradient_function is not None:
            return 2 * self._some_subgradient(x, self.subgradient_function).abs()
        try:
            with torch.inference_mode(False), torch.enable_grad():
                point = x.detach().clone().requires_grad_()
                (g,) = torch.autograd.grad(self.value(point).sum(), point)
        except RuntimeError:
            return torch.full_like(x, torch.inf)
        return 2 * g.nan_to_num().abs()

    def domain_error(self, x: torch.Tensor) -> torch.Tensor | None:
        """(B,) an estimate: how far the projection moves x, and its rounding; None for a term that is no set."""
        if not self.is_indicator:
            return None
        moved = torch.linalg.vector_norm(x - self.prox(x, 1.0), dim=-1)
        return moved + 32 * torch.finfo(x.dtype).eps * torch.linalg.vector_norm(self.magnitude(x), dim=-1)

    def subgradient_slack(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """(B,) an estimate of what <g, y - x> <= 0 may miss on a set: the length of g times `domain_error`."""
        error = self.domain_error(x)
        return torch.zeros_like(x[:, 0]) if error is None else torch.linalg.vector_norm(g, dim=-1) * error

    def magnitude(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) the size of the numbers that value and prox handle near x."""
        if self.change is None:
            return x.abs()
        return self.change.dilation * (self.change.inward(x).abs() + self.change.shift.abs())

    def changed(self, change: Change) -> FunctionCoupled:
        """Under one more change of variables."""
        return replace(self, change=change if self.change is None else self.change.then(change))

    def arrays(self) -> dict[str, torch.Tensor]:
        """The arrays that the functions take, and the change."""
        return {**super().arrays(), **({} if self.change is None else self.change.arrays())}

    def select(self, index: torch.Tensor) -> FunctionCoupled:
        """The instances `index`."""
        chosen = super().select(index)
        return chosen if self.change is None else replace(chosen, change=self.change.select(index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> FunctionCoupled:
        """In another precision or on another device."""
        other = super().to(dtype, device)
        return other if self.change is None else replace(other, change=self.change.to(dtype, device))


def nonsmooth(
    value: Callable[..., Any],
    prox: Callable[..., Any],
    *,
    dim: int,
    subgradient: Callable[..., Any] | None = None,
    subdifferential: Callable[..., Any] | None = None,
    data: Mapping[str, Any] | None = None,
    shared: Mapping[str, Any] | None = None,
    batched: bool = True,
    convex: bool = True,
    indicator: bool = False,
    name: str | None = None,
    dtype: Any = torch.float64,
) -> NonsmoothTerm:
    """A nonsmooth term r from a function and its prox.

    With `subdifferential` the term is a sum over the coordinates, r(x) = sum_i r_i(x_i), which learned optimizers with
    one step per coordinate need. Without it the term may couple the coordinates.

    Args:
        value: `value(x, **data, **shared)` -> (B,) r(x), +inf outside its domain; with `subdifferential` (B,n)
            r_i(x_i).
        prox: `prox(u, step, **data, **shared)` -> (B,n) argmin_x r(x) + ||x - u||^2 / (2 step), exact up to rounding.
            `step` is (B,1); with `subdifferential` (B,n), one step per coordinate.
        dim: number of variables n.
        subgradient: `subgradient(x, ...)` -> (B,n) one element of the subdifferential of r at x, for methods whose x_k
            is not the output of a prox.
        subdifferential: `subdifferential(x, ...)` -> (low, high), (B,n) each, the ends of the subdifferential of r_i.
        data: arrays with one entry per instance, the first axis B.
        shared: arrays and other objects that all instances share.
        batched: whether the functions take the whole batch; else one instance, x (n,) and step (1,).
        convex: whether every instance is convex. Few bounds speak of an r that is not.
        indicator: whether r is 0 on a set and +inf elsewhere.
        name: what the term is called in tables; the name of the function if left out.
        dtype: torch.float64 or torch.float32.

    Returns:
        A term for `l2o.Composite(smooth, nonsmooth)`. Its rounding is estimated, not bounded, and verdicts say so.

    Raises:
        InputError: something is no function, or a function returns something of another shape.
    """
    what, dtype = "nonsmooth", float_dtype(dtype)
    functions = {"value": value, "prox": prox, "subgradient": subgradient, "subdifferential": subdifferential}
    for given, function in functions.items():
        if function is not None or given in ("value", "prox"):
            require_callable(function, given, what)
    require_dim(dim, what)
    if subgradient is not None and subdifferential is not None:
        raise InputError(f"{what}: a subdifferential says all that a subgradient does; give one of the two.")
    arguments = arguments_of(data, shared, batched, dtype, what)
    common = (
        arguments,
        dim,
        bool(convex),
        bool(indicator),
        name or name_of(value, "r"),
        digest_of(*functions.values()),
    )
    term: NonsmoothTerm
    if subdifferential is not None:
        term = FunctionSeparable(value, prox, subdifferential, *common)
    else:
        term = FunctionCoupled(value, prox, subgradient, *common)
    point = torch.zeros(term.batch_size, dim, dtype=dtype)
    term.value(point)
    term.prox(point, 1.0)
    return term
