"""A smooth term whose value and gradient are functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import torch

from ....errors import InputError
from ...support.arrays import float_dtype, moved, per_instance
from ..curvature import largest_curvature
from ..smooth import Evaluated, SmoothTerm
from ._arguments import Arguments, arguments_of, digest_of, matrix, name_of, require_callable, require_dim, vector
from ._shared import FromFunctions, estimate, other_precision


@dataclass(frozen=True, eq=False)
class FunctionSmooth(FromFunctions, SmoothTerm):  # type: ignore[override]  # `kind` is the name given
    """A smooth term whose value and gradient are functions; made by `l2o.smooth`."""

    function: Callable[..., Any]
    gradient_function: Callable[..., Any] | None
    arguments: Arguments
    L: torch.Tensor
    mu: torch.Tensor
    variables: int
    is_convex: bool
    label: str
    code: str  # a digest of what the functions do, so that two functions on the same data are two problems

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.L.shape[0]

    @property
    def smoothness(self) -> torch.Tensor:
        """(B,) L as declared."""
        return self.L

    @property
    def smoothness_error(self) -> torch.Tensor:
        """(B,) zeros: L is a number that was given."""
        return torch.zeros_like(self.L)

    @property
    def strong_convexity(self) -> torch.Tensor:
        """(B,) mu as declared."""
        return self.mu

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        return vector(self.arguments.call(self.function, x), x, self.label)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        if self.gradient_function is not None:
            gradient = self.arguments.call(self.gradient_function, x)
            return self.value(x), matrix(gradient, x, f"the gradient of {self.label}")
        derivatives = torch.is_grad_enabled() and x.requires_grad
        with torch.inference_mode(False), torch.enable_grad():
            point = x.clone() if derivatives else x.detach().clone()
            point = point if point.requires_grad else point.requires_grad_()
            value = self.value(point)
            try:
                (gradient,) = torch.autograd.grad(value.sum(), point, create_graph=derivatives)
            except RuntimeError as problem:
                raise InputError(
                    f"{self.label}: torch cannot differentiate it ({str(problem).splitlines()[0]}); write it with "
                    f"torch operations on x, or give gradient=."
                ) from None
        return (value, gradient) if derivatives else (value.detach(), gradient)

    def _elsewhere(self, x: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Value and gradient in the other precision; None where the functions do not run in it."""
        try:
            return self.to(other_precision(x.dtype)).value_and_gradient(x.to(other_precision(x.dtype)))
        except (RuntimeError, InputError):
            return None, None

    def evaluated(self, x: torch.Tensor) -> Evaluated:
        """Both errors are estimates: the functions are called once here and once in the other precision."""
        value, gradient = self.value_and_gradient(x)
        value_there, gradient_there = self._elsewhere(x)
        eps = torch.finfo(x.dtype).eps
        size = value.abs() + (gradient * x).abs().sum(-1)
        floor = 8 * eps * torch.linalg.vector_norm(gradient, dim=-1)
        value_error = estimate(value, value_there, 8 * eps * size, ())
        return Evaluated(value, gradient, value_error, estimate(gradient, gradient_there, floor, (-1,)))

    def errors(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Two estimates, from one evaluation in each precision."""
        there = self.evaluated(x)
        return there.value_error, there.gradient_error

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) an estimate."""
        return self.evaluated(x).value_error

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) an estimate."""
        return self.evaluated(x).gradient_error

    def arrays(self) -> dict[str, torch.Tensor]:
        """L, mu and the arrays that the functions take."""
        return {"L": self.L.unsqueeze(-1), "mu": self.mu.unsqueeze(-1), **self.arguments.arrays()}

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return replace(self, arguments=self.arguments.select(index), L=self.L[index], mu=self.mu[index])

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device; in float32 L grows by what rounding the data may add to it."""
        L, mu = (moved(a.unsqueeze(-1), dtype, device).squeeze(-1) for a in (self.L, self.mu))
        if L.dtype == torch.float32 and self.L.dtype == torch.float64:
            # entries off by eps/2 move a matrix of n columns by eps/2 sqrt(n) of its norm, and L by twice as much
            off = 2 * (1 + self.dim**0.5) * torch.finfo(torch.float32).eps
            L, mu = L * (1 + off), mu * (1 - off)
        return replace(self, arguments=self.arguments.to(dtype, device), L=L, mu=mu)


def smooth(
    value: Callable[..., Any],
    *,
    dim: int,
    L: Any = None,
    mu: Any = 0.0,
    gradient: Callable[..., Any] | None = None,
    data: Mapping[str, Any] | None = None,
    shared: Mapping[str, Any] | None = None,
    batch: int | None = None,
    batched: bool = True,
    convex: bool = True,
    name: str | None = None,
    dtype: Any = torch.float64,
) -> FunctionSmooth:
    """A smooth term f from a function of your own.

    L, mu and `convex` are declarations. `verify` holds them against the run (the curvature met on the way, the
    convexity between its points) and `check_problem` against many points; neither can prove them.

    Args:
        value: `value(x, **data, **shared)` -> (B,) for x (B,n), with torch operations; with `batched=False` it takes
            one instance, x (n,), and returns a number.
        dim: number of variables n.
        L: Lipschitz constant of the gradient, scalar or (B,), > 0. Needed; `l2o.largest_curvature` gives a number that
            it cannot be below.
        mu: a lower bound of the modulus of strong convexity, scalar or (B,); 0 if unknown.
        gradient: `gradient(x, **data, **shared)` -> (B,n); autograd if left out.
        data: arrays with one entry per instance, the first axis B.
        shared: arrays and other objects that all instances share.
        batch: number of instances B, where no data and no L of shape (B,) say it.
        batched: whether the functions take the whole batch.
        convex: whether every instance is convex.
        name: what the term is called in tables; the name of the function if left out.
        dtype: torch.float64 or torch.float32.

    Returns:
        A term for `l2o.Composite(smooth, nonsmooth)`. Its rounding is estimated, not bounded, and verdicts say so.

    Raises:
        InputError: L is missing, the sizes do not agree, or a function returns something of another shape.
    """
    what, dtype = "smooth", float_dtype(dtype)
    require_callable(value, "value", what)
    if gradient is not None:
        require_callable(gradient, "gradient", what)
    require_dim(dim, what)
    arguments = arguments_of(data, shared, batched, dtype, what)
    sizes = {a.shape[0] for a in arguments.data.values()} | ({batch} if batch is not None else set())
    constants = {
        "L": per_instance(1.0 if L is None else L, "L", positive=True, dtype=dtype),
        "mu": per_instance(mu, "mu", nonnegative=True, dtype=dtype),
    }
    sizes |= {a.shape[0] for a in constants.values()} - {1}
    if len(sizes) > 1:
        raise InputError(f"{what}: the numbers of instances {sorted(sizes)} of data, L, mu and batch do not agree.")
    size = sizes.pop() if sizes else 1
    constants = {n: a.expand(size).clone() for n, a in constants.items()}
    if L is not None and bool((constants["mu"] > constants["L"]).any()):
        raise InputError(f"{what}: mu exceeds L, which no function allows; got mu {mu!r}, L {L!r}.")
    term = FunctionSmooth(
        value, gradient, arguments, constants["L"], constants["mu"], dim, bool(convex),
        name or name_of(value, "f"), digest_of(value, gradient),
    )  # fmt: skip
    start = torch.zeros(size, dim, dtype=dtype)
    term.value_and_gradient(start)
    if L is None:
        seen = float(largest_curvature(term, start).max())
        raise InputError(
            f"{what}: L is needed, the Lipschitz constant of the gradient; the curvature at 0 shows that it is at "
            f"least {seen:.6g}. Give a number that holds everywhere."
        )
    return term
