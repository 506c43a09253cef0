"""Ada-LISTA (Aberdam, Golts and Elad 2021): ISTA on a LASSO, with learned matrices, steps and thresholds.

For f(x) = 1/2 ||A x - y||^2, a = 1/L and layer i = min(k, layers) - 1 of step k = 1, 2, ...

    x_k = prox_{|theta_i| a r}(x_{k-1} - a s_i A'(W1'W1 A x_{k-1} - W2 y)),

with W1 and W2 (m,m). s_i and theta_i are relative: the start, W1 = W2 = I and s_i = theta_i = 1, is ISTA. On
c f(x/b + t) the middle term is (c/b) A'(W1'W1 A w - W2 y) at w = x/b + t, so the method follows every change of
variables.

The authors' form (`official=True`) has absolute steps and soft thresholds,

    x_k = S_{theta_i}(x_{k-1} - s_i (W1 A)'(W1 A) x_{k-1} + s_i A'W2 y),

on logistic regression with the labels for y. It is proximal gradient with the step theta_i / lam in the prox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch

from ...errors import InputError
from ..problems.composite import Composite
from ..problems.nonsmooth.l1 import soft_threshold
from ..problems.smooth import LinearMap
from .learned import LearnedOptimizer, cast, check_parameters, check_sizes, parameters_of

_OFFICIAL_START = 0.2  # the authors' start of steps and thresholds


@dataclass(frozen=True)
class AdaListaState:
    """Iterate, number of steps made, and what the prox of the step that led here was given (None at x_0)."""

    x: torch.Tensor
    index: int = 0
    preconditioner: torch.Tensor | None = None
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True)
class AdaLista(LearnedOptimizer):
    """Ada-LISTA with `layers` steps and thresholds, of which the last is used from then on.

    `rows` is m. Without it, and without weights that tell, W1 and W2 are the identity whatever m is and there are only
    steps and thresholds, which is no model to train. The start is ISTA and nothing is drawn.
    """

    layers: int = 10
    rows: int | None = None
    official: bool = False
    parameters: Mapping[str, torch.Tensor] | None = field(default=None, repr=False, compare=False)

    name: ClassVar[str] = "ada-lista"
    calls_per_step: ClassVar[int] = 1  # its products with A are not seen as gradients

    def __post_init__(self) -> None:
        if not isinstance(self.official, bool):
            raise InputError(f"official: expected True or False, got {self.official!r}.")
        matrix = None if self.parameters is None else self.parameters.get("W1")
        if self.rows is None and matrix is not None:
            object.__setattr__(self, "rows", int(np.shape(matrix)[-1]))
        check_sizes(self, ("layers",) if self.rows is None else ("layers", "rows"))
        given = self._start() if self.parameters is None else self.parameters
        object.__setattr__(self, "parameters", check_parameters(given, self.shapes, self.name))

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights, the authors'."""
        matrices = {} if self.rows is None else dict.fromkeys(("W1", "W2"), (1, self.rows, self.rows))
        numbers = (f"{kind}.{i}" for kind in ("step_sizes", "thresholds") for i in range(self.layers))
        return matrices | dict.fromkeys(numbers, ())

    def _start(self) -> dict[str, torch.Tensor]:
        number = torch.tensor(_OFFICIAL_START if self.official else 1.0, dtype=torch.float64, device="cpu")
        return {
            name: number.clone()
            if shape == ()
            else torch.eye(shape[-1], dtype=torch.float64, device="cpu").unsqueeze(0)
            for name, shape in self.shapes.items()
        }

    @property
    def learns(self) -> bool:
        """Whether it has matrices."""
        return self.rows is not None

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> AdaListaState:
        """The state at x_0; an error where f is not one it knows. `seed` is not used."""
        self._require(problem)
        return AdaListaState(problem.point(x0, "x0"))

    def _require(self, problem: Composite) -> None:
        smooth: Any = getattr(problem.smooth, "base", problem.smooth)
        changed = hasattr(problem.smooth, "change")
        if self.official and (changed or hasattr(problem.nonsmooth, "change")):
            raise InputError(
                "ada-lista: the authors' form knows no shifted, scaled or rescaled problem; build the problem itself, "
                "or use official=False."
            )
        kinds = ("least-squares", "logistic") if self.official else ("least-squares",)
        if smooth.kind not in kinds or (self.official and problem.nonsmooth.kind not in ("l1", "zero")):
            wanted = " or ".join(kinds) + (" with l1 or zero" if self.official else "")
            raise InputError(
                f"ada-lista cannot run on {problem.name}: it needs the matrix and the right-hand side of a problem "
                f"({wanted}); use ista or a network as go-math-l2o."
            )
        rows = smooth.map.matrix.shape[-2]
        if self.rows is not None and self.rows != rows:
            raise InputError(
                f"ada-lista: its matrices are {self.rows} x {self.rows}, and the problem has {rows} rows; give a "
                f"problem with {self.rows} rows, or the model of one with {rows}."
            )

    def step(self, problem: Composite, state: AdaListaState) -> AdaListaState:
        """One step."""
        weights = cast(parameters_of(self), state.x)
        layer = min(state.index, self.layers - 1)
        size, threshold = weights[f"step_sizes.{layer}"], weights[f"thresholds.{layer}"]
        if self.official:
            return self._official_step(problem, state, weights, size, threshold)
        a = (1 / problem.smoothness).unsqueeze(-1)
        argument = state.x - a * size * self._direction(problem, state.x, weights)
        p = a * threshold.abs()
        return AdaListaState(problem.nonsmooth.prox(argument, p), state.index + 1, p, argument)

    def _direction(self, problem: Composite, x: torch.Tensor, weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """(B,n) (c/b) A'(W1'W1 A w - W2 y), which is grad f(x) where the matrices are the identity."""
        if self.rows is None:
            return problem.smooth.gradient(x)
        smooth: Any = problem.smooth  # least squares, perhaps changed: see `_require`
        change = getattr(smooth, "change", None)
        if change is None:
            return self._back_projected(smooth.map, x, smooth.target, weights)
        direction = self._back_projected(smooth.base.map, change.inward(x), smooth.base.target, weights)
        return change.scale / change.dilation * direction

    def _back_projected(
        self, matrix: LinearMap, w: torch.Tensor, target: torch.Tensor, weights: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        one, two = weights["W1"][0], weights["W2"][0]
        return matrix.adjoint(matrix(w) @ one.mT @ one - target @ two.mT)

    def _official_step(
        self,
        problem: Composite,
        state: AdaListaState,
        weights: Mapping[str, torch.Tensor],
        size: torch.Tensor,
        threshold: torch.Tensor,
    ) -> AdaListaState:
        smooth: Any = problem.smooth  # of a kind that `_require` lets through, as is r
        nonsmooth: Any = problem.nonsmooth
        target = smooth.target if smooth.kind == "least-squares" else smooth.labels
        if self.rows is None:
            direction = smooth.map.adjoint(smooth.map(state.x) - target)
        else:
            direction = self._back_projected(smooth.map, state.x, target, weights)
        argument = state.x - size * direction
        x = soft_threshold(argument, threshold)
        lam = None if nonsmooth.is_zero else nonsmooth.lam
        if lam is None or bool((lam == 0).any()) or bool(threshold <= 0):
            return AdaListaState(x, state.index + 1)  # the threshold is then no step of a prox
        return AdaListaState(x, state.index + 1, (threshold / lam).expand(x.shape[0], 1), argument)
