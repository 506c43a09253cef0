"""Composite problems F = f + r."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from .. import rounding
from ..support import views
from ..support.arrays import as_tensor, batch_of, float_dtype, integer_array, per_instance, plain_tensor
from .fingerprint import describe
from .nonsmooth import NonsmoothTerm
from .smooth import Evaluated, Remembered, SmoothTerm
from .transforms import Change, changed_nonsmooth, changed_smooth


def _dense(x: torch.Tensor) -> bool:
    return x.layout is torch.strided and not x.is_nested and not x.is_neg()


@dataclass(frozen=True, eq=False)
class EvaluatedObjective:
    """A problem at points x (B,n): its two terms, and a bound on the rounding of their sum."""

    smooth: Evaluated
    nonsmooth: torch.Tensor  # (B,) r(x), +inf outside its domain
    error: torch.Tensor  # (B,) of F(x)


@dataclass(frozen=True, eq=False)
class Composite:
    """A batch of B problems min F(x) = f(x) + r(x) in n variables; any smooth term with any nonsmooth term."""

    smooth: SmoothTerm
    nonsmooth: NonsmoothTerm

    def __post_init__(self) -> None:
        for part, kind in ((self.smooth, SmoothTerm), (self.nonsmooth, NonsmoothTerm)):
            if not isinstance(part, kind):
                raise InputError(
                    f"Composite: expected a {kind.__name__}, got {type(part).__name__}; "
                    f"build them with l2o.least_squares, l2o.l1 and the like."
                )
        size = batch_of(self.smooth.batch_size, self.nonsmooth.batch_size, "Composite")
        if size != self.smooth.batch_size:
            raise InputError(
                f"Composite: the nonsmooth term has {size} instances, the smooth term 1; repeat the smooth data."
            )
        width = self.nonsmooth.dim
        if width is not None and width != self.smooth.dim:
            raise InputError(f"Composite: the smooth term has {self.smooth.dim} variables, the nonsmooth one {width}.")
        other = {a.dtype for a in self.nonsmooth.arrays().values() if a.is_floating_point()} - {self.dtype}
        if other:
            raise InputError(
                f"Composite: the data of the smooth term are {self.dtype}, of the nonsmooth one {other.pop()}; give "
                f"both the same dtype, with the argument dtype= or with .to(...)."
            )

    def __repr__(self) -> str:
        return views.line("Composite", views.problem_facts(self))

    def _repr_html_(self) -> str:
        return views.table("Composite", views.problem_facts(self))

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.smooth.batch_size

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.smooth.dim

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the data."""
        return next(iter(self.smooth.arrays().values())).dtype

    @property
    def device(self) -> torch.device:
        """Device of the data."""
        return next(iter(self.smooth.arrays().values())).device

    @cached_property
    def smoothness(self) -> torch.Tensor:
        """(B,) Lipschitz constant L of grad f; 1 where f is linear, for which every positive number is one."""
        L = self.smooth.smoothness
        return torch.where(L > 0, L, torch.ones_like(L))

    @property
    def strong_convexity(self) -> torch.Tensor:
        """(B,) modulus mu of f, a certified lower bound; 0 where there is none."""
        return self.smooth.strong_convexity

    @property
    def name(self) -> str:
        """The kinds of the two terms, as in "least-squares + l1"."""
        smooth = getattr(self.smooth, "base", self.smooth).kind
        nonsmooth = getattr(self.nonsmooth, "base", self.nonsmooth).kind
        return f"{smooth} + {nonsmooth}"

    def objective(self, x: Any) -> torch.Tensor:
        """F at one point for each instance.

        Args:
            x: (B,n).

        Returns:
            (B,) F(x); +inf outside the domain of r.

        Raises:
            InputError: If `x` has another shape.
        """
        x = self.point(x)
        return self.smooth.value(x) + self.nonsmooth.value(x)

    def objective_error(self, x: Any) -> torch.Tensor:
        """Bound on the rounding error of `objective`.

        Args:
            x: (B,n).

        Returns:
            (B,) rigorous bound on |computed F(x) - F(x)|; for an x within rounding of dom r, F at the nearest point of
            it.

        Raises:
            InputError: If `x` has another shape.
        """
        x, smooth = self.point(x), self.smooth
        error = self._sum_error(x, smooth.value(x), smooth.value_error(x), self.nonsmooth.value(x))
        moved = self.nonsmooth.domain_error(x)
        if moved is None:
            return error
        return error + self._off_the_domain(moved, smooth.gradient(x), smooth.gradient_error(x))

    def _sum_error(self, x: torch.Tensor, f: torch.Tensor, f_error: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
        """(B,) the rounding of f(x) + r(x)."""
        total = (f + r).nan_to_num(posinf=0.0).abs()
        return f_error + self.nonsmooth.value_error(x) + torch.finfo(x.dtype).eps * total

    def _off_the_domain(self, moved: torch.Tensor, gradient: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
        """(B,) by how much f may change on the way, `moved` (B,), to the nearest point of dom r."""
        slope = rounding.norms(gradient) + error
        return 1.01 * moved * (slope + self.smoothness * moved)

    def evaluated(self, x: Any) -> EvaluatedObjective:
        """The two terms at one point for each instance, with their errors; each term is evaluated once.

        Args:
            x: (B,n).

        Returns:
            f and its gradient with the bounds on their rounding, r, and the bound that `objective_error` gives.

        Raises:
            InputError: If `x` has another shape.
        """
        x = self.point(x)
        f, r = self.smooth.evaluated(x), self.nonsmooth.value(x)
        error, moved = self._sum_error(x, f.value, f.value_error, r), self.nonsmooth.domain_error(x)
        if moved is not None:
            error = error + self._off_the_domain(moved, f.gradient, f.gradient_error)
        return EvaluatedObjective(f, r, error)

    def smooth_gradient(self, x: Any) -> torch.Tensor:
        """The gradient of the smooth term.

        Args:
            x: (B,n).

        Returns:
            (B,n) grad f(x).

        Raises:
            InputError: If `x` has another shape.
        """
        return self.smooth.gradient(self.point(x))

    def smooth_gradient_error(self, x: Any) -> torch.Tensor:
        """Bound on the rounding error of `smooth_gradient`.

        Args:
            x: (B,n).

        Returns:
            (B,) rigorous bound on the 2-norm of computed minus exact gradient.

        Raises:
            InputError: If `x` has another shape.
        """
        return self.smooth.gradient_error(self.point(x))

    def prox(self, u: Any, step: Any) -> torch.Tensor:
        """Prox of r in the metric diag(step)^-1: the x that minimises r(x) + sum_i (x_i - u_i)^2 / (2 step_i).

        Args:
            u: (B,n).
            step: Positive: a scalar, (B,1) or (B,n). Steps that differ between the coordinates of an instance are for
                separable terms and the balls and simplices; other terms refuse them.

        Returns:
            (B,n), exact to rounding.

        Raises:
            InputError: For wrong shapes, steps that are not positive, and steps that the term cannot take.
        """
        u = self.point(u, "u")
        if isinstance(step, torch.Tensor):
            step = plain_tensor(step, "step")
        else:
            step = as_tensor(step, "step", ndim=(0, 1, 2), dtype=self.dtype, device=self.device)
        column, full = (self.batch_size, 1), (self.batch_size, self.dim)
        if step.ndim > 0 and tuple(step.shape) not in (column, full, (1,), (1, 1)):
            raise InputError(f"step: expected a scalar, {column} or {full}, got shape {tuple(step.shape)}.")
        if not bool((step > 0).all()):
            raise InputError(f"step: expected > 0, got {float(step.min())}.")
        return self.nonsmooth.prox(u, step)

    def subdifferential(self, x: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Ends of the subdifferential of r, coordinate by coordinate.

        Args:
            x: (B,n).

        Returns:
            (B,n) lower and (B,n) upper end; lower > upper outside the domain of r, where it is empty.

        Raises:
            InputError: If `x` has another shape, and where r is not separable, so that its subdifferential is no box.
        """
        return self.nonsmooth.subdifferential(self.point(x))

    def point(self, x: Any, name: str = "x") -> torch.Tensor:
        """A point of each instance as a tensor in the precision and on the device of the problem.

        Args:
            x: (B,n), or (n,) where there is one instance. Tensors may hold NaN and inf: iterates may have diverged.
            name: Of the argument, for the error.

        Returns:
            (B,n).

        Raises:
            InputError: If `x` has another shape, or is no array of numbers.
        """
        if not isinstance(x, torch.Tensor):
            x = as_tensor(x, name, dtype=self.dtype, device=self.device)
        elif x.dtype != self.dtype or x.device != self.device or type(x) is not torch.Tensor or not _dense(x):
            x = plain_tensor(x, name).to(dtype=self.dtype, device=self.device)  # iterates may have diverged
        if x.ndim == 1 and self.batch_size == 1:
            x = x.unsqueeze(0)
        if x.shape != (self.batch_size, self.dim):
            raise InputError(
                f"{name}: expected shape (B, n) = ({self.batch_size}, {self.dim}), got {tuple(x.shape)}; "
                f"give one row per instance."
            )
        return x

    def _changed(self, change: Change) -> Composite:
        batch_of(change.batch_size, self.batch_size, "change of variables")
        return Composite(changed_smooth(self.smooth, change), changed_nonsmooth(self.nonsmooth, change))

    def _factor(self, value: Any, name: str) -> torch.Tensor:
        factor = per_instance(value, name, positive=True, dtype=self.dtype, device=self.device)
        return factor.reshape(-1, 1)

    def shifted(self, t: Any) -> Composite:
        """The problem x -> F(x + t), exact: the data are kept and the change is carried along.

        Args:
            t: A scalar, (n,) or (B,n), in the unit of x.

        Returns:
            The shifted problem; L and mu are the same.

        Raises:
            InputError: If `t` has another shape or is not finite.
        """
        t = as_tensor(t, "t", ndim=(0, 1, 2), dtype=self.dtype, device=self.device)
        t = t.reshape(1, -1) if t.ndim < 2 else t
        if t.shape[1] not in (1, self.dim) or t.shape[0] not in (1, self.batch_size):
            raise InputError(
                f"t: expected a scalar, ({self.dim},) or ({self.batch_size}, {self.dim}), got {tuple(t.shape)}."
            )
        return self._changed(Change.of(shift=t))

    def scaled(self, c: Any) -> Composite:
        """The problem x -> c F(x).

        Args:
            c: Positive: a scalar or (B,).

        Returns:
            The scaled problem, with constants c L and c mu.

        Raises:
            InputError: If `c` is not positive and finite, or has another shape.
        """
        return self._changed(Change.of(scale=self._factor(c, "c")))

    def rescaled(self, a: Any) -> Composite:
        """The problem x -> F(x / a).

        Args:
            a: Positive: a scalar or (B,).

        Returns:
            The problem in the rescaled variable, with constants L/a^2 and mu/a^2.

        Raises:
            InputError: If `a` is not positive and finite, or has another shape.
        """
        return self._changed(Change.of(dilation=self._factor(a, "a")))

    def select(self, index: Any) -> Composite:
        """The problem of some of the instances.

        Args:
            index: Integers in 0..B-1, at least one; repetitions are allowed.

        Returns:
            The problem of these instances, in this order.

        Raises:
            InputError: For an index out of range, and for what are no integers.
        """
        index = torch.from_numpy(integer_array(index, "select").astype(np.int64).reshape(-1)).to(self.device)
        if index.numel() == 0 or int(index.min()) < 0 or int(index.max()) >= self.batch_size:
            raise InputError(
                f"select: expected indices in 0..{self.batch_size - 1}, at least one, got {index.tolist()[:8]}."
            )
        return Composite(self.smooth.select(index), self.nonsmooth.select(index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Composite:
        """The problem in another precision or on another device.

        Args:
            dtype: torch.float32 or torch.float64; None keeps it.
            device: A device of torch; None keeps it.

        Returns:
            The other problem; this one, with all it has computed, where nothing changes.

        Raises:
            InputError: For another dtype, and for data that float32 cannot hold.
        """
        dtype = None if dtype is None else float_dtype(dtype, "to")
        same_device = device is None or torch.device(device) == self.device
        if dtype in (None, self.dtype) and same_device:
            return self
        return Composite(self.smooth.to(dtype, device), self.nonsmooth.to(dtype, device))

    def remembering(self) -> Composite:
        """The same problem, which keeps f and its gradient for the last points: who asks again does not compute again.

        For one run at a time; the problem itself stays without memory.

        Returns:
            The problem with a memory.
        """
        return Composite(Remembered(self.smooth), self.nonsmooth)

    def fingerprint(self) -> str:
        """Digest of everything that determines the problem: kinds, shapes and data (as float64, on any device).

        Data are the arrays of both terms and whatever else their attributes hold.

        Returns:
            Hex digest. A problem with a part that cannot be read has a digest that no other problem has, not even a
            copy.
        """
        return self._digest

    @cached_property
    def _digest(self) -> str:
        description = describe(self)
        if not description.unreadable:
            return description.digest
        return hashlib.sha256(f"{description.digest} {uuid.uuid4().hex}".encode()).hexdigest()
