"""Families of instances that a search moves through, each with its minimiser known by construction.

A point of a family is five arrays: a factor M whose square is the curvature, a point w, a weight, the way from the
minimiser to the start, and a shift of the objective. The minimiser is x* = prox_r(w) and w - x* is a subgradient of r
there, so that f is tilted until grad f(x*) = -(w - x*): every admissible point is an instance with F* known, and a
gradient can be taken through both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from ... import l2o
from ...l2o import Composite, InputError
from ...l2o.problems.nonsmooth import L1, Box, NonsmoothTerm, Zero
from ...l2o.problems.smooth import Huber, LeastSquares, LinearMap, QuadraticForm

Point = dict[str, torch.Tensor]
"""factor (B,n,n), w (B,n), weight (B,1), start (B,n) = x_0 - x*, shift (B,n)."""

_LEAST_SINGULAR = 1e-2  # of the data of least squares, whose tilt is solved for
_FAR = 1e3


@dataclass(frozen=True, eq=False)
class Instance:
    """One problem with its start, as plain arrays: what a finding is saved as.

    `arrays` are the arguments of the constructor `kind`; x0 (n,) the start; shift (n,) the t of F(x + t).
    """

    kind: str
    arrays: Mapping[str, np.ndarray]
    x0: np.ndarray
    shift: np.ndarray

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return len(self.x0)

    def problem(self) -> Composite:
        """The problem, batch size 1; `InputError` where the arrays are not admissible."""
        base = _CONSTRUCTORS[self.kind](**{name: np.array(a) for name, a in self.arrays.items()})
        return base.shifted(self.shift[None]) if self.shift.any() else base

    def start(self) -> np.ndarray:
        """(1,n) x_0."""
        return np.array(self.x0)[None]

    def with_arrays(self, **changes: np.ndarray) -> Instance:
        """A copy with other arrays; `x0` and `shift` are taken too."""
        fields: dict[str, Any] = {name: changes.pop(name) for name in ("x0", "shift") if name in changes}
        return replace(self, arrays={**self.arrays, **changes}, **fields)

    def all_arrays(self) -> dict[str, np.ndarray]:
        """Everything that determines it, by name."""
        return {**self.arrays, "x0": self.x0, "shift": self.shift}


def _symmetric_l1(Q: np.ndarray, c: np.ndarray, lam: np.ndarray) -> Composite:
    return l2o.quadratic(Q, c[None], nonsmooth=l2o.l1(float(lam)))


def _boxed(Q: np.ndarray, c: np.ndarray, radius: np.ndarray) -> Composite:
    return l2o.quadratic(Q, c[None], nonsmooth=l2o.box(-float(radius), float(radius)))


_CONSTRUCTORS: dict[str, Callable[..., Composite]] = {
    "quadratic_l1": _symmetric_l1,
    "quadratic_box": _boxed,
    "quadratic": lambda Q, c: l2o.quadratic(Q, c[None]),
    "lasso": lambda A, y, lam: l2o.lasso(A, y[None], float(lam)),
    "huber": lambda A, y, delta: Composite(l2o.huber(A, y[None], float(delta)), l2o.zero()),
}
AXES: dict[str, dict[str, tuple[int, ...]]] = {
    "quadratic_l1": {"Q": (0, 1), "c": (0,), "lam": ()},
    "quadratic_box": {"Q": (0, 1), "c": (0,), "radius": ()},
    "quadratic": {"Q": (0, 1), "c": (0,)},
    "lasso": {"A": (1,), "y": (), "lam": ()},
    "huber": {"A": (1,), "y": (), "delta": ()},
}
"""The axes of each array that run over the variables."""


def _gram(point: Point) -> torch.Tensor:
    return point["factor"].mT @ point["factor"]


def _times(matrix: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return (matrix @ x.unsqueeze(-1)).squeeze(-1)


def _tilted_quadratic(point: Point, term: NonsmoothTerm) -> tuple[Composite, torch.Tensor, dict[str, torch.Tensor]]:
    """f = 1/2 x'Qx - c'x with grad f(x*) = x* - w, where x* = prox_r(w)."""
    Q, w = _gram(point), point["w"]
    z = term.prox(w, 1.0)
    c = _times(Q, z) + w - z
    return Composite(QuadraticForm(LinearMap(Q), c), term), z, {"Q": Q, "c": c}


def _composite(point: Point) -> tuple[Composite, torch.Tensor, dict[str, torch.Tensor]]:
    problem, z, arrays = _tilted_quadratic(point, L1(point["weight"]))
    return problem, z, {**arrays, "lam": point["weight"][:, 0]}


def _box(point: Point) -> tuple[Composite, torch.Tensor, dict[str, torch.Tensor]]:
    radius = point["weight"]
    problem, z, arrays = _tilted_quadratic(point, Box(-radius, radius))
    return problem, z, {**arrays, "radius": radius[:, 0]}


def _quadratic(point: Point) -> tuple[Composite, torch.Tensor, dict[str, torch.Tensor]]:
    return _tilted_quadratic(point, Zero())


def _lasso(point: Point) -> tuple[Composite, torch.Tensor, dict[str, torch.Tensor]]:
    A, w, term = point["factor"], point["w"], L1(point["weight"])
    z = term.prox(w, 1.0)
    y = _times(A, z) + torch.linalg.solve(A.mT, w - z)
    return Composite(LeastSquares(LinearMap(A), y), term), z, {"A": A, "y": y, "lam": point["weight"][:, 0]}


def _smooth(point: Point) -> tuple[Composite, torch.Tensor, dict[str, torch.Tensor]]:
    A, z = point["factor"], point["w"]
    y = _times(A, z)
    problem = Composite(Huber(LinearMap(A), y, point["weight"]), Zero())
    return problem, z, {"A": A, "y": y, "delta": point["weight"][:, 0]}


@dataclass(frozen=True, eq=False)
class Family:
    """A family: its problems (differentiable) with their minimisers and arrays, and the kind of its instances."""

    name: str
    kind: str
    words: str
    made: Callable[[Point], tuple[Composite, torch.Tensor, dict[str, torch.Tensor]]] = field(repr=False)
    weight_from: float = 0.0
    least_singular: float = 0.0

    def problem(self, point: Point) -> tuple[Composite, torch.Tensor, torch.Tensor]:
        """The problems, their minimisers and the starts, (B,n) each."""
        problem, z, _ = self.made(point)
        if bool((point["shift"] != 0).any()):
            problem, z = problem.shifted(point["shift"]), z - point["shift"]
        return problem, z, z + point["start"]

    def instance(self, point: Point, index: int) -> Instance:
        """Instance `index` as arrays."""
        one = {name: a.detach()[index : index + 1] for name, a in point.items()}
        _, z, arrays = self.made(one)
        plain = {name: a[0].numpy().copy() for name, a in arrays.items()}
        if "Q" in plain:
            plain["Q"] = (plain["Q"] + plain["Q"].T) / 2
        shift = one["shift"][0].numpy().copy()
        return Instance(self.kind, plain, z[0].numpy() - shift + one["start"][0].numpy(), shift)

    def projected(self, point: Point, shifts: bool) -> Point:
        """The nearest admissible point, more or less: L = 1 or f linear, weight >= 0, starts neither near nor far."""
        point = {name: a.detach().nan_to_num(0.0, 0.0, 0.0) for name, a in point.items()}
        u, s, v = torch.linalg.svd(point["factor"])
        s = s / s[:, :1].clamp(min=1e-12)
        s = torch.where(s[:, :1] > 0, s.clamp(min=self.least_singular), float(self.least_singular > 0))
        size = torch.linalg.vector_norm(point["start"], dim=-1, keepdim=True)
        start = torch.where(size > 0, point["start"], torch.ones_like(point["start"]))
        size = torch.linalg.vector_norm(start, dim=-1, keepdim=True)
        return {
            "factor": (u * s.unsqueeze(1)) @ v,
            "w": point["w"].clamp(-_FAR, _FAR),
            "weight": point["weight"].clamp(self.weight_from, _FAR),
            "start": start * (size.clamp(1e-2, _FAR) / size),
            "shift": point["shift"].clamp(-_FAR, _FAR) if shifts else torch.zeros_like(point["shift"]),
        }


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("composite", "quadratic_l1", "quadratic + l1 norm, singular ones too", _composite),
        Family("lasso", "lasso", "least squares + l1 norm", _lasso, least_singular=_LEAST_SINGULAR),
        Family("quadratic", "quadratic", "quadratics, r = 0", _quadratic),
        Family("smooth", "huber", "Huber losses, r = 0", _smooth, weight_from=1e-6),
        Family("box", "quadratic_box", "quadratic on a box", _box, weight_from=1e-6),
    )
}


def family_of(name: Any) -> Family:
    """The family called `name`."""
    if isinstance(name, str) and ":" in name:
        raise InputError(
            f"falsify: the search moves the data of a family that it knows ({', '.join(FAMILIES)}), and those of the "
            f"code {name} it cannot move; hold the bound against runs on that problem with `verify`."
        )
    if name not in FAMILIES:
        raise InputError(f"falsify: family must be one of {', '.join(FAMILIES)}, got {name!r}.")
    return FAMILIES[name]


def drawn(generator: torch.Generator, batch: int, dim: int) -> Point:
    """Random points with heavy tails: ill-conditioned and singular curvature, kinks at x*, starts far and near."""

    def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def coin(*shape: int, p: float = 0.5) -> torch.Tensor:
        return uniform(*shape) < p

    spectrum = 10.0 ** uniform(batch, dim, low=-3.0, high=0.0)
    spectrum = torch.where(coin(batch, 1, p=0.3), torch.ones_like(spectrum), spectrum)
    spectrum = torch.where(coin(batch, dim, p=0.2), torch.zeros_like(spectrum), spectrum)
    which = torch.randint(dim, (batch, 1), generator=generator)
    spectrum = spectrum.scatter(1, which, 1.0)
    if dim == 1:  # with L = 1 a curvature is 1 there, or 0: f is linear, and L is 1 by convention
        spectrum = torch.where(coin(batch, 1, p=0.3), torch.zeros_like(spectrum), spectrum)
    rotation = torch.linalg.qr(normal(batch, dim, dim))[0]
    rotation = torch.where(coin(batch, 1, 1), torch.eye(dim, dtype=torch.float64).expand_as(rotation), rotation)
    weight = 10.0 ** uniform(batch, 1, low=-2.5, high=1.0)
    start = normal(batch, dim) / uniform(batch, dim).clamp(min=1e-2).sqrt()
    axis = torch.zeros(batch, dim, dtype=torch.float64).scatter(
        1, torch.randint(dim, (batch, 1), generator=generator), 1.0
    )
    start = torch.where(coin(batch, 1), axis, start)
    start = start * 10.0 ** uniform(batch, 1, low=-0.5, high=1.0)
    edge = torch.where(coin(batch, dim), weight, -weight)
    w = torch.where(coin(batch, dim), torch.zeros_like(edge), torch.where(coin(batch, dim), edge, normal(batch, dim)))
    shift = torch.where(coin(batch, 1), torch.zeros_like(w), normal(batch, dim) / uniform(batch, 1).clamp(min=1e-2))
    return {
        "factor": spectrum.unsqueeze(-1) * rotation.mT,
        "w": w,
        "weight": weight,
        "start": start,
        "shift": shift,
    }
