"""The points of the axes, and the problems at them: all points of a family are instances of one batch.

A base problem of each condition number is certified once and judges every run: F at the point (kappa, L, c) is a
multiple of it, so the shares of the initial gap are the same numbers. The data themselves are scaled, as a user would
have them, and then rounded to the precision of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .... import l2o
from ....l2o import Composite
from ...optima import Optimum, optimum
from ...runs.inspection import as_numpy, norm
from ._declared import with_declared_L

FLOAT64, FLOAT32 = "float64", "float32"
DTYPES = {FLOAT64: torch.float64, FLOAT32: torch.float32}
CERTIFIED = 0.01
"""An interval of F* is accepted up to this share of the gap that is asked for."""


@dataclass(frozen=True, order=True)
class Point:
    """Condition number of the Hessian (of its non-zero eigenvalues), true L, and c: the problem declares c L."""

    kappa: float
    L: float
    c: float


def _quadratic(batch: int, kappa: float, seed: int) -> Composite:
    return l2o.synthetic.quadratic(batch, 20, condition=kappa, seed=seed)


def _lasso(batch: int, kappa: float, seed: int) -> Composite:
    # `condition` is the ratio of the singular values of A, the eigenvalues of A'A are their squares
    return l2o.synthetic.lasso(batch, 20, 40, sparsity=5, condition=kappa**0.5, seed=seed)


BASES: dict[str, Callable[[int, float, int], Composite]] = {"quadratic": _quadratic, "lasso": _lasso}
"""(batch, kappa, seed) -> problem; the same singular vectors and solution for all kappa of a seed."""


def stacked(problems: Sequence[Composite], factor: np.ndarray | None = None) -> Composite:
    """The instances of `problems`, all of one family, as one batch; instance i times factor[i] > 0, in its data."""
    one = problems[0].smooth
    parts = [{**p.smooth.arrays(), **p.nonsmooth.arrays()} for p in problems]
    total = sum(p.batch_size for p in problems)
    times = torch.ones(total, dtype=torch.float64) if factor is None else torch.as_tensor(factor, dtype=torch.float64)
    if one.kind == "quadratic":
        forms, linear = (torch.cat([p[name] for p in parts]) for name in ("Q", "c"))
        return l2o.quadratic(forms * times[:, None, None], linear * times[:, None])
    matrix, target = (torch.cat([p[name] for p in parts]) for name in ("A", "y"))
    lam = torch.cat([p["lam"].reshape(-1).expand(q.batch_size) for p, q in zip(parts, problems)])
    root = times.sqrt()
    return l2o.lasso(matrix * root[:, None, None], target * root[:, None], lam * times)


@dataclass(frozen=True, eq=False)
class Field:
    """A family at P points with I instances each, B = P I rows, points first.

    `exact`: the problem in float64 with its true L; `seen`: what the optimizer sees, which declares c L; `judge`: the
    base problems of the rows, whose F times `factor` (B,) is that of `exact`; `lower`, `upper` (B,) and `z` (B,n) are
    of the judge. `x0` (B,n) is representable in float32.
    """

    family: str
    points: tuple[Point, ...]
    instances: int
    exact: Composite
    seen: Composite
    judge: Composite
    factor: np.ndarray
    x0: torch.Tensor
    lower: np.ndarray
    upper: np.ndarray
    z: np.ndarray

    def rows(self, point: Point) -> np.ndarray:
        """The rows of a point."""
        return self.points.index(point) * self.instances + np.arange(self.instances)

    @property
    def R(self) -> np.ndarray:
        """(B,) ||x_0 - z||, z the certified point."""
        return norm(as_numpy(self.x0) - self.z)

    @property
    def start(self) -> np.ndarray:
        """(B,) F(x_0) - F_up of the judge."""
        return as_numpy(self.judge.objective(self.x0)) - self.upper


def field(family: str, points: Sequence[Point], instances: int, eps: float, seed: int) -> Field:
    """The problems of `points`, certified: each interval of F* within `CERTIFIED` of the gap `eps` asks for."""
    points = tuple(points)
    kappas = sorted({p.kappa for p in points})
    bases = {kappa: BASES[family](instances, kappa, seed) for kappa in kappas}
    judges = stacked([bases[kappa] for kappa in kappas])
    start = l2o.synthetic.starts(bases[kappas[0]], seed=seed).float().double()
    certified = _certified(judges, start.repeat(len(kappas), 1), eps)
    place = np.concatenate([kappas.index(p.kappa) * instances + np.arange(instances) for p in points])
    L = np.repeat([p.L for p in points], instances)
    factor = L / as_numpy(judges.smoothness)[place]
    exact = stacked([bases[p.kappa] for p in points], factor)
    return Field(
        family,
        points,
        instances,
        exact,
        with_declared_L(exact, np.repeat([p.c for p in points], instances)),
        stacked([bases[p.kappa] for p in points]),
        factor,
        start.repeat(len(points), 1),
        certified.lower[place],
        certified.upper[place],
        certified.x[place],
    )


def _certified(problem: Composite, x0: torch.Tensor, eps: float) -> Optimum:
    certified = optimum(problem, cross_check=0)
    room = CERTIFIED * eps * (as_numpy(problem.objective(x0)) - certified.upper)
    wide = np.flatnonzero(~(certified.width <= room))
    if wide.size:
        b = int(wide[0])
        raise l2o.InputError(
            f"conditioning: the interval of F* of instance {b} is {certified.width[b]:.3g} wide, and {eps:g} of the "
            f"initial gap needs {room[b]:.3g}; ask for a larger eps, or a smaller condition number."
        )
    return certified
