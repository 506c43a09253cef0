"""Terms from functions: an f or r of your own in a few lines, where no class is worth writing.

`smooth(value, L=...)` differentiates by autograd where no gradient is given; `nonsmooth(value, prox)` is any r with a
prox. What such a term cannot know is how its functions round. Its error bounds are therefore estimates: the function is
evaluated in the other precision as well, and the difference is scaled to the precision at hand. A term says so in
`rounding_bounded`, and verdicts carry the remark.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch

from ...errors import InputError
from ..support.arrays import as_tensor, float_dtype, moved, per_instance
from .curvature import largest_curvature
from .fingerprint import describe_function
from .nonsmooth.base import CoupledTerm, NonsmoothTerm
from .smooth import SmoothTerm
from .transforms import Change

_SAFETY = 8.0
"""How many times the scaled difference of two precisions an estimate of rounding is."""


@dataclass(frozen=True, eq=False)
class Arguments:
    """What the functions of a term take besides x: `data` with one entry per instance, `shared` by all instances."""

    data: Mapping[str, torch.Tensor] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)
    batched: bool = True

    def call(self, function: Callable[..., Any], *points: torch.Tensor) -> Any:
        """`function` of the points, on the whole batch, or on each instance where it is written for one."""
        if self.batched:
            return function(*points, **self.data, **self.shared)
        shared = dict(self.shared)
        return torch.func.vmap(lambda data, *x: function(*x, **data, **shared))(dict(self.data), *points)

    def select(self, index: torch.Tensor) -> Arguments:
        """The instances `index`."""
        return replace(self, data={name: a[index] for name, a in self.data.items()})

    def to(self, dtype: torch.dtype | None, device: torch.device | str | None) -> Arguments:
        """The floating-point arrays in another precision, and all arrays on another device."""

        def move(value: Any) -> Any:
            if not isinstance(value, torch.Tensor):
                return value
            return moved(value, dtype, device) if value.is_floating_point() else value.to(device=device)

        parts: dict[str, Any] = {n: {k: move(v) for k, v in getattr(self, n).items()} for n in ("data", "shared")}
        return replace(self, **parts)

    def arrays(self) -> dict[str, torch.Tensor]:
        """Every tensor by name."""
        return {n: a for n, a in {**self.data, **self.shared}.items() if isinstance(a, torch.Tensor)}


def _other(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype == torch.float64 else torch.float64


def _estimate(here: torch.Tensor, there: torch.Tensor | None, floor: torch.Tensor, dims: tuple[int, ...]) -> Any:
    """The rounding of `here`, (B,) in the 2-norm over `dims`, from its value `there` in the other precision."""
    if there is None:
        return 64 * floor
    difference = (here - there.to(here.dtype)).nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=torch.inf)
    size = torch.linalg.vector_norm(difference, dim=dims) if dims else difference.abs()
    ratio = torch.finfo(here.dtype).eps / torch.finfo(_other(here.dtype)).eps if here.dtype == torch.float64 else 1.0
    scaled = _SAFETY * ratio * size
    return torch.where(torch.isfinite(scaled), torch.maximum(scaled, floor), 64 * floor)


@dataclass(frozen=True, eq=False)
class FunctionSmooth(SmoothTerm):
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
    def kind(self) -> str:  # type: ignore[override]  # a class attribute of the others; here the name given
        """The name that was given to it."""
        return self.label

    @property
    def rounding_bounded(self) -> bool:
        """False: see the module."""
        return False

    @property
    def convex(self) -> bool:
        """As declared."""
        return self.is_convex

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.L.shape[0]

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.variables

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
        return _vector(self.arguments.call(self.function, x), x, self.label)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        if self.gradient_function is not None:
            gradient = self.arguments.call(self.gradient_function, x)
            return self.value(x), _matrix(gradient, x, f"the gradient of {self.label}")
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
            return self.to(_other(x.dtype)).value_and_gradient(x.to(_other(x.dtype)))
        except (RuntimeError, InputError):
            return None, None

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) an estimate."""
        value, gradient = self.value_and_gradient(x)
        size = value.abs() + (gradient * x).abs().sum(-1)
        return _estimate(value, self._elsewhere(x)[0], 8 * torch.finfo(x.dtype).eps * size, ())

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) an estimate."""
        gradient = self.value_and_gradient(x)[1]
        floor = 8 * torch.finfo(x.dtype).eps * torch.linalg.vector_norm(gradient, dim=-1)
        return _estimate(gradient, self._elsewhere(x)[1], floor, (-1,))

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


class _FunctionTerm:
    """What the two kinds of nonsmooth terms from functions share."""

    function: Callable[..., Any]
    prox_function: Callable[..., Any]
    arguments: Arguments
    is_convex: bool
    label: str
    code: str

    @property
    def kind(self) -> str:
        """The name that was given to it."""
        return self.label

    @property
    def rounding_bounded(self) -> bool:
        """False: see the module."""
        return False

    @property
    def convex(self) -> bool:
        """As declared."""
        return self.is_convex

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
            return self.to(_other(x.dtype)).arguments.call(self.function, x.to(_other(x.dtype)))
        except (RuntimeError, InputError):
            return None

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Any:
        """In another precision or on another device."""
        return replace(self, arguments=self.arguments.to(dtype, device))  # type: ignore[type-var]  # both subclasses are dataclasses

    def _prox(self, u: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        return _matrix(self.arguments.call(self.prox_function, u.clone(), step), u, f"the prox of {self.label}")


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

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.variables

    def values(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) r_i(x_i)."""
        return _matrix(self.arguments.call(self.function, x), x, self.label)

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """By the function that was given."""
        return self._prox(u, torch.as_tensor(step, dtype=u.dtype, device=u.device).expand(u.shape))

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """By the function that was given."""
        ends = self.arguments.call(self.subdifferential_function, x)
        if not isinstance(ends, (tuple, list)) or len(ends) != 2:
            raise InputError(f"the subdifferential of {self.label}: expected (low, high), got {type(ends).__name__}.")
        low, high = (_matrix(end, x, f"the subdifferential of {self.label}") for end in ends)
        return low, high

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) an estimate."""
        values, there = self.values(x), self._elsewhere(x)
        size = values.abs().nan_to_num(posinf=0.0).sum(-1)
        floor = (8 + x.shape[-1]) * torch.finfo(x.dtype).eps * size
        return _estimate(values.sum(-1), None if there is None else there.sum(-1), floor, ())


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

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.variables

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        if self.change is None:
            return _vector(self.arguments.call(self.function, x), x, self.label)
        w = self.change.inward(x)
        return self.change.scale.squeeze(-1) * _vector(self.arguments.call(self.function, w), w, self.label)

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) an estimate."""
        value, w = self.value(x), x if self.change is None else self.change.inward(x)
        there = self._elsewhere(w)
        if there is not None and self.change is not None:
            there = self.change.scale.squeeze(-1) * there
        floor = (8 + x.shape[-1]) * torch.finfo(x.dtype).eps * value.abs().nan_to_num(posinf=0.0)
        return _estimate(value, there, floor, ())

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
        g = _matrix(self.arguments.call(function, w), w, f"the subgradient of {self.label}")
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


def _vector(value: Any, x: torch.Tensor, name: str) -> torch.Tensor:
    """`value` as (B,), or an error that says what the function returned."""
    if not isinstance(value, torch.Tensor) or value.shape != x.shape[:1]:
        raise InputError(_shape_words(value, name, f"a tensor of shape (B,) = {tuple(x.shape[:1])}"))
    return value


def _matrix(value: Any, x: torch.Tensor, name: str) -> torch.Tensor:
    if not isinstance(value, torch.Tensor) or value.shape != x.shape:
        raise InputError(_shape_words(value, name, f"a tensor of shape (B, n) = {tuple(x.shape)}"))
    return value.to(x.dtype)


def _shape_words(value: Any, name: str, expected: str) -> str:
    given = f"shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
    return (
        f"{name}: expected {expected}, got {given}; the functions of a term take the whole batch x (B, n), or one "
        f"instance x (n,) with batched=False."
    )


def _digest(*functions: Callable[..., Any] | None) -> str:
    digest = hashlib.sha256()
    for function in functions:
        digest.update(b"-" if function is None else describe_function(function).encode())
    return digest.hexdigest()


def _arguments(
    data: Mapping[str, Any] | None, shared: Mapping[str, Any] | None, batched: bool, dtype: torch.dtype, what: str
) -> Arguments:
    for name, given in (("data", data), ("shared", shared)):
        if given is not None and not isinstance(given, Mapping):
            raise InputError(f"{what}: {name} must map names to arrays, got {type(given).__name__}.")
    if twice := set(data or {}) & set(shared or {}):
        raise InputError(f"{what}: {', '.join(sorted(twice))} is in both data and shared; give it once.")
    dims = tuple(range(1, 9))
    arrays = {name: as_tensor(a, f"data[{name!r}]", ndim=dims, dtype=dtype) for name, a in (data or {}).items()}
    sizes = {name: a.shape[0] for name, a in arrays.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{n} has {size}" for n, size in sizes.items())
        raise InputError(f"{what}: data have one entry per instance, but {listed}; put what all share into shared=.")
    others = {
        name: as_tensor(a, f"shared[{name!r}]", ndim=(0, *dims), dtype=dtype) if _is_array(a) else a
        for name, a in (shared or {}).items()
    }
    if not batched and not arrays:
        raise InputError(f"{what}: batched=False needs data, one entry per instance.")
    return Arguments(arrays, others, batched)


def _is_array(value: Any) -> bool:
    """Whether it is an array of floats, which follows the precision; integers and other objects stay as they are."""
    if isinstance(value, torch.Tensor):
        return value.is_floating_point()
    return getattr(getattr(value, "dtype", None), "kind", "") == "f"


def _require_callable(function: Any, name: str, what: str) -> None:
    if not callable(function):
        raise InputError(f"{what}: {name} must be a function of x, got {type(function).__name__}.")


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
    _require_callable(value, "value", what)
    if gradient is not None:
        _require_callable(gradient, "gradient", what)
    if isinstance(dim, bool) or not isinstance(dim, int) or dim < 1:
        raise InputError(f"{what}: dim must be the number of variables, an integer >= 1, got {dim!r}.")
    arguments = _arguments(data, shared, batched, dtype, what)
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
        name or _name_of(value, "f"), _digest(value, gradient),
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
            _require_callable(function, given, what)
    if isinstance(dim, bool) or not isinstance(dim, int) or dim < 1:
        raise InputError(f"{what}: dim must be the number of variables, an integer >= 1, got {dim!r}.")
    if subgradient is not None and subdifferential is not None:
        raise InputError(f"{what}: a subdifferential says all that a subgradient does; give one of the two.")
    arguments = _arguments(data, shared, batched, dtype, what)
    common = (arguments, dim, bool(convex), bool(indicator), name or _name_of(value, "r"), _digest(*functions.values()))
    term: NonsmoothTerm
    if subdifferential is not None:
        term = FunctionSeparable(value, prox, subdifferential, *common)
    else:
        term = FunctionCoupled(value, prox, subgradient, *common)
    point = torch.zeros(term.batch_size, dim, dtype=dtype)
    term.value(point)
    term.prox(point, 1.0)
    return term


def _name_of(function: Callable[..., Any], otherwise: str) -> str:
    name = getattr(function, "__name__", "")
    return otherwise if not name or name == "<lambda>" else name
