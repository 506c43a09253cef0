"""What LISTA and its relatives share: weights for one dictionary A, which all instances must have in common.

The problem is least squares, 1/2 ||A w - y||^2, with any separable prox. On c f(x/b + t) the methods work at
w = x/b + t and lead their step back, so that they follow every change of variables. After the last layer the steps are
those of ISTA, so that the methods go on to a minimiser; the papers stop there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch

from ...errors import InputError
from ..problems.composite import Composite
from ..problems.smooth import LinearMap
from .learned import LearnedOptimizer, cast, check_parameters, check_sizes


@dataclass(frozen=True)
class LayerState:
    """Iterate, number of steps made, and what the prox of the step that led here was given (None at x_0)."""

    x: torch.Tensor
    index: int = 0
    preconditioner: torch.Tensor | None = None
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True)
class FixedDictionary(LearnedOptimizer):
    """`layers` learned steps, and ISTA from then on; `rows` and `dim` are the sizes of A.

    A subclass names its weights in `shapes` and makes its step in `learned_step`; what `start` does not name starts at
    0. Nothing is drawn.
    """

    layers: int = 16
    rows: int | None = None
    dim: int | None = None
    parameters: Mapping[str, torch.Tensor] | None = field(default=None, repr=False, compare=False)

    start: ClassVar[Mapping[str, float]] = {}
    ends_with_prox: ClassVar[bool] = True  # whether every x_k is the output of a prox, which names the subgradient
    calls_per_step: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if (self.rows is None) != (self.dim is None):
            raise InputError(f"{self.name}: rows and dim, the sizes of A, belong together; give both or neither.")
        check_sizes(self, ("layers",) if self.rows is None else ("layers", "rows", "dim"))
        given = self.parameters
        if given is None:
            given = {
                name: torch.full(shape, self.start.get(name, 0.0), dtype=torch.float64, device="cpu")
                for name, shape in self.shapes.items()
            }
        object.__setattr__(self, "parameters", check_parameters(given, self.shapes, self.name))

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights."""
        raise NotImplementedError

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> LayerState:
        """The state at x_0; an error where the instances do not share A. `seed` is not used."""
        dictionary = shared_dictionary(problem, self.name)
        if self.rows is not None and tuple(dictionary.shape) != (self.rows, self.dim):
            m, n = dictionary.shape
            raise InputError(
                f"{self.name}: its weights are for a dictionary of {self.rows} x {self.dim}, and that of the problem "
                f"is {m} x {n}; train with rows = {m} and dim = {n}."
            )
        return LayerState(problem.point(x0, "x0"))

    def step(self, problem: Composite, state: LayerState) -> LayerState:
        """One step."""
        a = (1 / problem.smoothness).unsqueeze(-1)
        if state.index < self.layers:
            weights = {name: w[state.index] if w.ndim == 1 else w for name, w in cast(self.given, state.x).items()}
            x, p, argument = self.learned_step(problem, state, a, weights)
        else:
            p, argument = a, state.x - a * problem.smooth.gradient(state.x)
            x = problem.nonsmooth.prox(argument, p)
        if not self.ends_with_prox:
            p = argument = None
        return replace(state, x=x, index=state.index + 1, preconditioner=p, prox_argument=argument)

    @property
    def given(self) -> Mapping[str, torch.Tensor]:
        """The weights, which are there once the model is made."""
        assert self.parameters is not None
        return self.parameters

    def learned_step(
        self, problem: Composite, state: LayerState, a: torch.Tensor, weights: Mapping[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """The next iterate, and step and argument of the prox it comes from (None where it is no prox).

        `a` (B,1) is 1/L; `weights` are those of the layer: numbers, and the matrices that all layers share.
        """
        raise NotImplementedError


def shared_dictionary(problem: Composite, name: str) -> torch.Tensor:
    """(m,n) the A of all instances of a least-squares problem; an error where there is none."""
    smooth: Any = getattr(problem.smooth, "base", problem.smooth)
    if smooth.kind != "least-squares":
        raise InputError(
            f"{name} cannot run on {problem.name}: it needs the dictionary A and y of least squares; use fista."
        )
    matrix = smooth.map.matrix
    if matrix.ndim == 2:
        return matrix
    if not bool((matrix == matrix[:1]).all()):
        raise InputError(
            f"{name}: its weights are for one dictionary A, and the {len(matrix)} instances have different ones; give "
            f"instances that share A (l2o.synthetic.lasso_dictionary, or A of shape (m, n)), or use ada-lista or fista."
        )
    return matrix[0]


def inside(problem: Composite, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | float]:
    """w = x/b + t (B,n), y (B,m), and b (1|B,1) by which a step in w is multiplied to be one in x."""
    smooth: Any = problem.smooth
    change = getattr(smooth, "change", None)
    if change is None:
        return x, smooth.target, 1.0
    return change.inward(x), smooth.base.target, change.dilation


def inside_step(problem: Composite) -> torch.Tensor:
    """(B,1) 1/L of the term in w: 1/L of f is b^2/c times as long."""
    change = getattr(problem.smooth, "change", None)
    a = (1 / problem.smoothness).unsqueeze(-1)
    return a if change is None else a * change.scale / change.dilation**2


def shared_map(problem: Composite) -> LinearMap:
    """A as a linear map, of the term in w."""
    smooth: Any = getattr(problem.smooth, "base", problem.smooth)
    return smooth.map
