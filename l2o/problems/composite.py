"""Composite problems F = f + r, and the three that have a constructor of their own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from l2o._arrays import as_tensor, batch_of, per_instance
from l2o._errors import InputError
from l2o.problems.nonsmooth import L1, NonsmoothTerm, Zero
from l2o.problems.smooth import LeastSquares, LinearMap, Logistic, QuadraticForm, SmoothTerm
from l2o.problems.transforms import Change, changed_nonsmooth, changed_smooth


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
                    f"build the parts with l2o.smooth and l2o.nonsmooth."
                )
        size = batch_of(self.smooth.batch_size, self.nonsmooth.batch_size, "Composite")
        if size != self.smooth.batch_size:
            raise InputError(
                f"Composite: the nonsmooth term has {size} instances, the smooth term 1; repeat the smooth data."
            )
        width = self.nonsmooth.dim
        if width is not None and width != self.smooth.dim:
            raise InputError(f"Composite: the smooth term has {self.smooth.dim} variables, the nonsmooth one {width}.")

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

    @property
    def smoothness(self) -> torch.Tensor:
        """(B,) Lipschitz constant L of grad f."""
        return self.smooth.smoothness

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
        """(B,n) -> (B,) F(x); +inf outside the domain of r."""
        x = self.point(x)
        return self.smooth.value(x) + self.nonsmooth.value(x)

    def objective_error(self, x: Any) -> torch.Tensor:
        """(B,) bound on |computed F(x) - F(x)|."""
        x = self.point(x)
        total = (self.smooth.value(x) + self.nonsmooth.value(x)).nan_to_num(posinf=0.0).abs()
        eps = torch.finfo(x.dtype).eps
        return self.smooth.value_error(x) + self.nonsmooth.value_error(x) + eps * total

    def smooth_gradient(self, x: Any) -> torch.Tensor:
        """(B,n) -> (B,n) grad f(x)."""
        return self.smooth.gradient(self.point(x))

    def smooth_gradient_error(self, x: Any) -> torch.Tensor:
        """(B,) bound on the 2-norm of the rounding error of `smooth_gradient`."""
        return self.smooth.gradient_error(self.point(x))

    def prox(self, u: Any, step: Any) -> torch.Tensor:
        """(B,n) prox of r in the diag(step)^-1 metric, exact; step scalar, (B,1) or (B,n), positive."""
        u = self.point(u, "u")
        if not isinstance(step, torch.Tensor):
            step = as_tensor(step, "step", ndim=(0, 1, 2), dtype=self.dtype, device=self.device)
        return self.nonsmooth.prox(u, step)

    def subdifferential(self, x: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> lower and upper end of the subdifferential of r at x."""
        return self.nonsmooth.subdifferential(self.point(x))

    def point(self, x: Any, name: str = "x") -> torch.Tensor:
        """`x` as a tensor of shape (B,n), or an error that says what was expected."""
        if not isinstance(x, torch.Tensor) or x.dtype != self.dtype or x.device != self.device:
            if not isinstance(x, torch.Tensor):
                x = as_tensor(x, name, dtype=self.dtype)
            x = x.to(dtype=self.dtype, device=self.device)
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
        """x -> F(x + t), with t a scalar, (n,) or (B,n)."""
        t = as_tensor(t, "t", ndim=(0, 1, 2), dtype=self.dtype, device=self.device)
        t = t.reshape(1, -1) if t.ndim < 2 else t
        if t.shape[1] not in (1, self.dim) or t.shape[0] not in (1, self.batch_size):
            raise InputError(
                f"t: expected a scalar, ({self.dim},) or ({self.batch_size}, {self.dim}), got {tuple(t.shape)}."
            )
        return self._changed(Change.of(shift=t))

    def scaled(self, c: Any) -> Composite:
        """x -> c F(x), c > 0 a scalar or (B,)."""
        return self._changed(Change.of(scale=self._factor(c, "c")))

    def rescaled(self, a: Any) -> Composite:
        """x -> F(x / a), a > 0 a scalar or (B,)."""
        return self._changed(Change.of(dilation=self._factor(a, "a")))

    def select(self, index: Any) -> Composite:
        """The problem of the instances `index` (integers) only."""
        index = torch.as_tensor(index, dtype=torch.long, device=self.device).reshape(-1)
        if index.numel() == 0 or int(index.min()) < 0 or int(index.max()) >= self.batch_size:
            raise InputError(
                f"select: expected indices in 0..{self.batch_size - 1}, at least one, got {index.tolist()[:8]}."
            )
        return Composite(self.smooth.select(index), self.nonsmooth.select(index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Composite:
        """The problem in another precision or on another device; itself, with all it knows, where nothing changes."""
        same_device = device is None or torch.device(device) == self.device
        if dtype in (None, self.dtype) and same_device:
            return self
        return Composite(self.smooth.to(dtype, device), self.nonsmooth.to(dtype, device))

    def fingerprint(self) -> str:
        """Hex digest of everything that determines the problem: kinds, shapes, precision and data."""
        digest = hashlib.sha256(self.name.encode())
        for part in (self.smooth, self.nonsmooth):
            digest.update(part.kind.encode())
            for name, tensor in sorted(part.arrays().items()):
                array = np.ascontiguousarray(tensor.detach().cpu().numpy())
                digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
                digest.update(array.data)
        return digest.hexdigest()


def _matrix_and_rows(matrix: Any, rows: Any, names: tuple[str, str], dtype: torch.dtype) -> tuple:
    a = as_tensor(matrix, names[0], ndim=(2, 3), dtype=dtype)
    y = as_tensor(rows, names[1], ndim=(1, 2), dtype=dtype, device=a.device)
    y = y.unsqueeze(0) if y.ndim == 1 else y
    if y.shape[1] != a.shape[-2]:
        raise InputError(
            f"{names[1]}: expected {a.shape[-2]} entries per instance, one for each row of {names[0]} "
            f"{tuple(a.shape)}, got shape {tuple(y.shape)}."
        )
    if a.ndim == 3 and y.shape[0] != a.shape[0]:
        if 1 not in (y.shape[0], a.shape[0]):
            raise InputError(f"{names[1]}: {y.shape[0]} instances, but {names[0]} has {a.shape[0]}; make them equal.")
        a = a[0] if a.shape[0] == 1 else a
        y = y.expand(a.shape[0], -1) if y.shape[0] == 1 else y
    return LinearMap(a), y


def _l1(lam: Any, like: torch.Tensor) -> L1:
    return L1(per_instance(lam, "lam", nonnegative=True, dtype=like.dtype, device=like.device).reshape(-1, 1))


def lasso(A: Any, y: Any, lam: Any, *, dtype: torch.dtype = torch.float64) -> Composite:
    """1/2 ||A x - y||^2 + lam ||x||_1 with A (B,m,n) or (m,n), y (B,m) or (m,), lam >= 0 scalar or (B,)."""
    map_, target = _matrix_and_rows(A, y, ("A", "y"), dtype)
    return Composite(LeastSquares(map_, target), _l1(lam, target))


def logistic_l1(
    A: Any, labels: Any, lam: Any, *, smoothness: str = "exact", dtype: torch.dtype = torch.float64
) -> Composite:
    """mean_j logloss(a_j'x, label_j) + lam ||x||_1, labels in {0,1}; L = lambda_max(A'A)/(4m).

    `smoothness="official"` drops the factor 1/4, as the authors' code does.
    """
    map_, y = _matrix_and_rows(A, labels, ("A", "labels"), dtype)
    if bool(((y != 0) & (y != 1)).any()):
        odd = y[(y != 0) & (y != 1)][0]
        raise InputError(f"labels: expected 0 or 1, got {float(odd)}; map the classes to 0 and 1.")
    if smoothness not in ("exact", "official"):
        raise InputError(f'smoothness: expected "exact" or "official", got {smoothness!r}.')
    return Composite(Logistic(map_, y, 0.25 if smoothness == "exact" else 1.0), _l1(lam, y))


def quadratic(
    Q: Any, c: Any, *, nonsmooth: NonsmoothTerm | None = None, dtype: torch.dtype = torch.float64
) -> Composite:
    """1/2 x'Qx - c'x with Q (n,n) or (B,n,n), symmetric to 1e-12 relative and positive semidefinite, c (B,n).

    `nonsmooth` adds a term r; the default is none.
    """
    matrix = as_tensor(Q, "Q", ndim=(2, 3), dtype=dtype)
    if matrix.shape[-1] != matrix.shape[-2]:
        raise InputError(f"Q: expected square matrices, got shape {tuple(matrix.shape)}.")
    size = matrix.abs().amax()
    skew = (matrix - matrix.mT).abs().amax()
    if float(skew) > 1e-12 * float(size):
        raise InputError(
            f"Q: expected a symmetric matrix, but max|Q - Q'| = {float(skew):.3g} with max|Q| = {float(size):.3g}; "
            f"pass (Q + Q')/2 if that is what you mean."
        )
    map_, linear = _matrix_and_rows(0.5 * (matrix + matrix.mT), c, ("Q", "c"), dtype)
    form = QuadraticForm(map_, linear)
    low, high = form.eigenvalues[:, 0], form.eigenvalues[:, -1]
    tolerance = max(1e-12, 10 * torch.finfo(dtype).eps)
    worst = int((low + tolerance * high.clamp(min=0.0)).argmin())
    if float(low[worst]) < -tolerance * max(float(high[worst]), 0.0):
        raise InputError(
            f"Q: expected a positive semidefinite matrix, but instance {worst} has smallest eigenvalue "
            f"{float(low[worst]):.3g} (largest {float(high[worst]):.3g}); the problem has no minimum."
        )
    return Composite(form, Zero() if nonsmooth is None else nonsmooth)
