"""What the functions of a term take besides x, and what they must return."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ....errors import InputError
from ...support.arrays import as_tensor, moved
from ..fingerprint import describe_function


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


def arguments_of(
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


def vector(value: Any, x: torch.Tensor, name: str) -> torch.Tensor:
    """`value` as (B,), or an error that says what the function returned."""
    if not isinstance(value, torch.Tensor) or value.shape != x.shape[:1]:
        raise InputError(_shape_words(value, name, f"a tensor of shape (B,) = {tuple(x.shape[:1])}"))
    return value


def matrix(value: Any, x: torch.Tensor, name: str) -> torch.Tensor:
    """`value` as (B,n) in the precision of x, or an error that says what the function returned."""
    if not isinstance(value, torch.Tensor) or value.shape != x.shape:
        raise InputError(_shape_words(value, name, f"a tensor of shape (B, n) = {tuple(x.shape)}"))
    return value.to(x.dtype)


def _shape_words(value: Any, name: str, expected: str) -> str:
    given = f"shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
    return (
        f"{name}: expected {expected}, got {given}; the functions of a term take the whole batch x (B, n), or one "
        f"instance x (n,) with batched=False."
    )


def digest_of(*functions: Callable[..., Any] | None) -> str:
    digest = hashlib.sha256()
    for function in functions:
        digest.update(b"-" if function is None else describe_function(function).encode())
    return digest.hexdigest()


def require_callable(function: Any, name: str, what: str) -> None:
    if not callable(function):
        raise InputError(f"{what}: {name} must be a function of x, got {type(function).__name__}.")


def require_dim(dim: Any, what: str) -> None:
    """Raises `InputError` unless `dim` is a number of variables."""
    if isinstance(dim, bool) or not isinstance(dim, int) or dim < 1:
        raise InputError(f"{what}: dim must be the number of variables, an integer >= 1, got {dim!r}.")


def name_of(function: Callable[..., Any], otherwise: str) -> str:
    name = getattr(function, "__name__", "")
    return otherwise if not name or name == "<lambda>" else name
