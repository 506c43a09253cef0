"""The worst case of a performance-estimation problem as a problem that runs.

A worst case is a finite set of points with values and (sub)gradients that some function of a class has there. The
functions built here have them: f interpolates the smooth data, r is the greatest of the affine minorants of the
nonsmooth data, or the indicator of their hull. A method that is run on them from x_0 meets the points again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ..support.arrays import real_array
from .composite import Composite
from .constructors import quadratic_form
from .nonsmooth import Hull, MaxAffine, NonsmoothTerm, Zero
from .smooth import Interpolated, SmoothTerm

CLASSES = (
    "smooth_convex",
    "smooth_strongly_convex",
    "smooth_nonconvex",
    "composite",
    "composite_strongly_convex",
    "convex",
)


class Instance:
    """Checked access to the arrays of a worst case: every array has the shape asked for and is finite."""

    def __init__(self, worst_case: Any):
        arrays = getattr(worst_case, "instance", worst_case)
        if not isinstance(arrays, Mapping):
            raise InputError(
                f"worst_case: expected an object with an `instance`, or the instance itself (a dict of arrays), got "
                f"{type(worst_case).__name__}; pass what bounds.worst_case returns."
            )
        self._arrays = arrays
        self.dim = self.array("x0", None).shape[0]

    def has(self, name: str) -> bool:
        """Whether the instance has the array."""
        return self._arrays.get(name) is not None

    def word(self, name: str, allowed: tuple[str, ...]) -> str:
        """A string, one of `allowed`."""
        value = str(self._raw(name))
        if value not in allowed:
            raise InputError(f"instance[{name!r}]: expected one of {', '.join(allowed)}, got {value!r}.")
        return value

    def has_axes(self, name: str) -> bool:
        """Whether the instance has the array, and it is no single number."""
        return self.has(name) and np.ndim(self._arrays[name]) > 0

    def array(self, name: str, *shape: int | None) -> np.ndarray:
        """A finite float64 array; None in `shape` stands for any length >= 1."""
        array = real_array(self._raw(name), f"instance[{name!r}]")
        fits = array.ndim == len(shape) and all(
            got == wanted or (wanted is None and got > 0) for got, wanted in zip(array.shape, shape)
        )
        if not fits:
            words = ", ".join("any" if wanted is None else str(wanted) for wanted in shape)
            raise InputError(
                f"instance[{name!r}]: expected shape ({words}), got {array.shape}; the arrays of an instance agree in "
                f"the numbers of points, steps and variables."
            )
        if not np.isfinite(array).all():
            raise InputError(
                f"instance[{name!r}]: {int((~np.isfinite(array)).sum())} of {array.size} entries are NaN or inf; "
                f"the worst case was not solved, solve it again."
            )
        return array

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number."""
        return default if default is not None and not self.has(name) else float(self.array(name))

    def _raw(self, name: str) -> Any:
        if not self.has(name):
            raise InputError(
                f"worst_case: its instance has no {name!r}; it has {', '.join(map(repr, self._arrays)) or 'nothing'}. "
                f"Pass what bounds.worst_case returns."
            )
        return self._arrays[name]


def problem_from(worst_case: Any) -> Composite:
    """The problem, with batch size 1, on which a method attains a worst case.

    Args:
        worst_case: What `bounds.worst_case` returns, or its `instance`, a dict of arrays.

    Returns:
        A function of the class that has the values and gradients of the instance at its points (Taylor, Hendrickx and
        Glineur, Math. Program. 2017, for the smooth part). Data known to d only (a numerical solution) are met to d in
        value and to sqrt(2 L d) in gradient.

    Raises:
        InputError: If an array is missing, not finite or of the wrong shape, or the worst case has no instance.
    """
    instance = Instance(worst_case)
    return Composite(_smooth(instance), _nonsmooth(instance))


def start_from(worst_case: Any) -> torch.Tensor:
    """Where the worst run starts.

    Args:
        worst_case: What `bounds.worst_case` returns, or its `instance`, a dict of arrays.

    Returns:
        (1,n) x_0.

    Raises:
        InputError: If the worst case has no instance.
    """
    instance = Instance(worst_case)
    return torch.from_numpy(instance.array("x0", instance.dim)[None])


def _smooth(instance: Instance) -> SmoothTerm:
    function_class, n = instance.word("function_class", CLASSES), instance.dim
    if function_class == "convex":
        return quadratic_form(np.zeros((n, n)), np.zeros((1, n)))
    x = instance.array("smooth_x", None, n)
    g, f = instance.array("smooth_g", len(x), n), instance.array("smooth_f", len(x))
    upper = instance.number("L")
    lower = -upper if function_class == "smooth_nonconvex" else 0.0
    if function_class.endswith("strongly_convex"):
        lower = instance.number("mu")
    if not (upper > 0 and (lower >= 0 or function_class == "smooth_nonconvex") and lower < upper):
        raise InputError(
            f"instance: expected 0 <= mu < L, got mu = {lower} and L = {upper}; where mu = L the function is a "
            f"quadratic, build it with l2o.quadratic."
        )
    return Interpolated.through(x, g, f, lower, upper)


def _nonsmooth(instance: Instance) -> NonsmoothTerm:
    if not instance.has("nonsmooth_x"):
        return Zero()
    x = instance.array("nonsmooth_x", None, instance.dim)
    if instance.has("indicator") and instance.array("indicator"):
        return Hull(torch.from_numpy(x[None]))
    return MaxAffine.through(x, instance.array("nonsmooth_s", *x.shape), instance.array("nonsmooth_r", len(x)))
