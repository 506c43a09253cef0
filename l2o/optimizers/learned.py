"""What the learned optimizers share: weights that training replaces, and the networks that most of them have.

`HeadNetwork` is a coordinate-wise LSTM, a ReLU layer, and one linear head per quantity (GO-Math-L2O, L2O-PA);
`CoordinateNetwork` a coordinate-wise LSTM whose output is the step (L2O-DM, RNNprop).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
import torch

from ...errors import InputError
from ..problems.composite import Composite
from ..problems.nonsmooth import L1
from ..support.arrays import as_tensor
from ..support.memory import require_memory
from .base import subgradient
from .cell import Layout, Parameters, lstm, lstm_blocks, network_state, pack
from .kernel import Records, Update, Workspace, available, network, updated
from .norms import NORMS, SIGMOIDS, check_norm

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AnyState = TypeVar("AnyState", bound="DataclassInstance")
Off = TypeVar("Off", bound=torch.Tensor | float)


def xavier(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, torch.Tensor]:
    """Xavier-uniform matrices and zero biases (the authors' start for GO-Math-L2O), in float64."""
    generator = torch.Generator(device="cpu").manual_seed(seed)
    start = {}
    for name, shape in shapes.items():
        if len(shape) == 1:
            start[name] = torch.zeros(shape, dtype=torch.float64, device="cpu")
        else:
            bound = (6.0 / (shape[0] + shape[1])) ** 0.5
            start[name] = (2 * torch.rand(shape, generator=generator, dtype=torch.float64, device="cpu") - 1) * bound
    return start


def uniform(shapes: Mapping[str, tuple[int, ...]], hidden_size: int, seed: int) -> dict[str, torch.Tensor]:
    """torch's own start for these layers, uniform in +-1/sqrt(hidden size) (the authors' for L2O-PA), in float64."""
    generator = torch.Generator(device="cpu").manual_seed(seed)
    bound = hidden_size**-0.5
    return {
        name: (2 * torch.rand(shape, generator=generator, dtype=torch.float64, device="cpu") - 1) * bound
        for name, shape in shapes.items()
    }


def check_parameters(
    given: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    model: str,
    ignored: tuple[str, ...] = (),
) -> dict[str, torch.Tensor]:
    """`given` as float64 tensors with exactly the names and shapes of `shapes`.

    `ignored` lists heads that are switched off: their weights are accepted and dropped.
    """
    dropped = {f"linear_{head}.{part}" for head in ignored for part in ("weight", "bias")}
    missing = sorted(set(shapes) - set(given))
    extra = sorted(set(given) - set(shapes) - dropped)
    if missing or extra:
        raise InputError(
            f"{model}: these are not its weights (missing: {', '.join(missing[:4]) or 'none'}; "
            f"unknown: {', '.join(extra[:4]) or 'none'}); check the model's kind and options."
        )
    tensors = {}
    for name, shape in shapes.items():
        # Before its numbers are looked at: a tensor may claim a shape that no memory holds.
        actual = tuple(
            np.shape(given[name]) if isinstance(given[name], (list, tuple)) else getattr(given[name], "shape", ())
        )
        if actual != tuple(shape):
            raise InputError(
                f"{model}: weight {name} has shape {actual}, expected {tuple(shape)}; "
                f"check hidden_size, layers and the model's kind."
            )
        tensors[name] = as_tensor(given[name], f"weight {name}")
    return tensors


def cast(parameters: Parameters, like: torch.Tensor) -> Parameters:
    """The weights in the precision and on the device of `like`; the same mapping where nothing changes."""
    first = next(iter(parameters.values()))
    if first.dtype == like.dtype and first.device == like.device:
        return parameters
    return {name: w.to(dtype=like.dtype, device=like.device) for name, w in parameters.items()}


def detach(state: AnyState) -> AnyState:
    """The state, with the states in it, cut off from the graph that made it (between segments of training)."""
    cut: dict[str, Any] = {}
    for f in fields(state):
        value = getattr(state, f.name)
        if isinstance(value, torch.Tensor):
            cut[f.name] = value.detach()
        elif is_dataclass(value) and not isinstance(value, type):
            cut[f.name] = detach(value)
    return replace(state, **cut)


class LearnedOptimizer:
    """What training needs of a learned optimizer; a subclass is a frozen dataclass with a field `parameters`."""

    name: ClassVar[str]
    parameters: Mapping[str, torch.Tensor] | None

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        """The state at x_0."""
        raise NotImplementedError

    def step(self, problem: Composite, state: Any) -> Any:
        """The state after one step."""
        raise NotImplementedError

    @property
    def learns(self) -> bool:
        """Whether its options leave it something to learn."""
        return True

    def with_parameters(self, parameters: Mapping[str, torch.Tensor]) -> Self:
        """The same model with other weights, taken as they are (training differentiates through them)."""
        model: Any = self  # a dataclass, as every subclass is
        other: Self = replace(model)
        object.__setattr__(other, "parameters", parameters)
        return other

    def prepared(self, workspace: Workspace | None = None) -> Self:
        """The same model, ready for many steps that are differentiated together."""
        return self.with_parameters(parameters_of(self))


def parameters_of(model: LearnedOptimizer) -> Parameters:
    """The weights of a model, which draws them where it is given none."""
    assert model.parameters is not None
    return model.parameters


_LARGEST = 10**5


def check_sizes(model: Any, options: tuple[str, ...]) -> None:
    """Raise unless these options of a model are integers >= 1, and its weights fit into memory."""
    for option in options:
        size = getattr(model, option)
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= _LARGEST:
            raise InputError(f"{option}: expected an integer from 1 to {_LARGEST}, got {size!r}.")
    sizes = {option: getattr(model, option) for option in options}
    hidden, layers, rows = (sizes.get(option, 0) for option in ("hidden_size", "layers", "rows"))
    named = ", ".join(f"{option} = {size}" for option, size in sizes.items())
    # at least 4 H x H matrices of a layer's memory and, above the first layer, of its input; two m x m of Ada-LISTA
    size = 32 * hidden**2 * (2 * layers - 1) if hidden else 16 * (rows**2 + layers)
    require_memory(size, f"weights with {named}", "choose smaller ones")


def check_seed(seed: Any) -> None:
    """Raise unless the seed of a model is an integer >= 0."""
    if not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise InputError(f"seed: expected an integer from 0 to 2**63 - 1, got {seed!r}.")


@dataclass(frozen=True)
class CoordinateNetwork(LearnedOptimizer):
    """Options and weights of a learned optimizer whose step is the output of a coordinate-wise LSTM.

    `batch_mean` divides the subgradient by the number of instances, as the authors' code does, so that an instance's
    run depends on how many others there are. A subclass names its weights in `shapes`.
    """

    hidden_size: int = 20
    layers: int = 2
    batch_mean: bool = False
    seed: int = 0
    parameters: Mapping[str, torch.Tensor] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_sizes(self, ("hidden_size", "layers"))
        check_seed(self.seed)
        if not isinstance(self.batch_mean, bool):
            raise InputError(f"batch_mean: expected True or False, got {self.batch_mean!r}.")
        given = self.draw() if self.parameters is None else self.parameters
        object.__setattr__(self, "parameters", check_parameters(given, self.shapes, self.name))

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights."""
        raise NotImplementedError

    def draw(self) -> dict[str, torch.Tensor]:
        """torch's own start for linear and LSTM layers, drawn from `self.seed`."""
        return uniform(self.shapes, self.hidden_size, self.seed)

    def network_state(
        self, x0: torch.Tensor, hidden: torch.Tensor | None, cell: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The network state at x_0, (layers, B*n, hidden_size) each: zero unless given."""
        return network_state((self.layers, x0.numel(), self.hidden_size), hidden, cell, x0)

    def driving_subgradient(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        """(B,n) the subgradient of F that the network is fed, off the graph: it learns from what it did."""
        d = subgradient(problem, x).detach()
        return d / problem.batch_size if self.batch_mean else d

    @staticmethod
    def lstm(
        weights: Parameters, signal: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(d,B*n) -> output (H,B*n), next hidden and cell state."""
        blocks = lstm_blocks(weights, len(hidden))
        # The network is feature-major inside; the state's axes are (layers, B*n, H).
        output, hidden, cell = lstm(blocks, signal, hidden.transpose(1, 2), cell.transpose(1, 2))
        return output, hidden.transpose(1, 2), cell.transpose(1, 2)


@dataclass(frozen=True)
class HeadNetwork(LearnedOptimizer):
    """Options and weights of a learned optimizer with one linear head per quantity.

    A subclass names its heads in `head_names`, gives each a field `<head>_norm` (None switches it off) and
    `<head>_scale`, says how many features it feeds in `feature_count`, and draws its start in `draw`.
    """

    hidden_size: int = 20
    layers: int = 2
    step_size: Any = None
    seed: int = 0
    parameters: Mapping[str, torch.Tensor] | None = field(default=None, repr=False, compare=False)

    head_names: ClassVar[tuple[str, ...]]
    feature_count: ClassVar[int]
    memory_name: ClassVar[str]  # of the field of the state that a step carries on beside x and the network's state

    def __post_init__(self) -> None:
        for head in self.head_names:
            check_norm(f"{head}_norm", getattr(self, f"{head}_norm"))
            scale = getattr(self, f"{head}_scale")
            if not isinstance(scale, (int, float)) or not math.isfinite(scale):
                raise InputError(f"{head}_scale: expected a finite number, got {scale!r}.")
        check_sizes(self, ("hidden_size", "layers"))
        check_seed(self.seed)
        given = self.draw(self.layout.shapes) if self.parameters is None else self.parameters
        off = tuple(h for h in self.head_names if h not in self.heads)
        checked = check_parameters(given, self.layout.shapes, self.name, off)
        object.__setattr__(self, "parameters", checked)

    def draw(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
        """Random weights from `self.seed`."""
        raise NotImplementedError

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads that are switched on."""
        return tuple(h for h in self.head_names if getattr(self, f"{h}_norm") is not None)

    @property
    def learns(self) -> bool:
        """Whether a head is switched on."""
        return bool(self.heads)

    @cached_property
    def layout(self) -> Layout:
        """Sizes of the network."""
        return Layout(self.feature_count, self.hidden_size, self.layers, self.heads)

    def prepared(self, workspace: Workspace | None = None) -> Self:
        """The same model with its weights packed once, for many steps that are differentiated together.

        Weights changed in place afterwards are not seen.
        """
        parameters = parameters_of(self)
        other = self.with_parameters(parameters)
        object.__setattr__(other, "_prepared", (pack(parameters, self.layout), workspace))
        return other

    def _packed(self, like: torch.Tensor) -> torch.Tensor:
        """The packed weights in the precision and on the device of `like`, kept while the weights stay the same."""
        parameters = parameters_of(self)
        weights = tuple(parameters.values())
        if torch.is_grad_enabled() and any(w.requires_grad for w in weights):
            return pack(cast(parameters, like), self.layout)
        key = (like.dtype, like.device, *((id(w), None if w.is_inference() else w._version) for w in weights))
        cached = self.__dict__.get("_cached")
        if cached is None or cached[0] != key:
            cached = (key, pack(cast(parameters, like), self.layout), weights)  # holding them keeps ids theirs
            object.__setattr__(self, "_cached", cached)
        return cached[1]

    def head(self, raw: Mapping[str, torch.Tensor], name: str, off: Off) -> torch.Tensor | Off:
        """The output of head `name`, its norm and scale applied; `off` where it is switched off."""
        if name not in raw:
            return off
        output, scale = NORMS[getattr(self, f"{name}_norm")](raw[name]), getattr(self, f"{name}_scale")
        return output if scale == 1 else output * scale

    def network(
        self, features: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
        """(d,B,n) features -> raw heads (B,n) each, next hidden and cell state, in the precision of the features."""
        packed, workspace = self.__dict__.get("_prepared") or (self._packed(features), None)
        width, batch, dim = features.shape
        # The network is feature-major inside; the state's axes are (layers, B*n, H), whatever its memory is like.
        state = (hidden.transpose(1, 2), cell.transpose(1, 2))
        raw, hidden, cell = network(packed, features.reshape(width, batch * dim), *state, self.layout, workspace)
        heads = {name: row.view(batch, dim) for name, row in zip(self.heads, raw)}
        return heads, hidden.transpose(1, 2), cell.transpose(1, 2)

    def kernel_update(self, problem: Composite, state: Any) -> Update | None:
        """The step from `state` as one call of the kernel, where that has it; None where it has not."""
        return None

    def _update(
        self,
        kind: int,
        problem: Composite,
        x: torch.Tensor,
        base_step: torch.Tensor,
        scales: torch.Tensor | None = None,
    ) -> Update | None:
        """The update `kind` (kernel.GO_MATH, kernel.L2O_PA) for one call of the kernel; None where that has no way.

        The kernel has one for r = lam ||x||_1 and heads that are multiples of a sigmoid. Where a graph is kept it takes
        prepared models only, whose steps are differentiated once and leave no records.
        """
        norms, term = [getattr(self, f"{head}_norm") for head in self.heads], problem.nonsmooth
        if type(term) is not L1 or "prox" in vars(term):  # such as one that counts its calls
            return None
        if not available(x) or not all(norm in SIGMOIDS for norm in norms):
            return None
        numbers = [term.lam, base_step, *(() if scales is None else (scales,))]
        if torch.is_grad_enabled():
            _packed, workspace = self.__dict__.get("_prepared") or (None, None)
            graph = any(w.requires_grad for w in parameters_of(self).values()) or x.requires_grad
            if any(a.requires_grad for a in numbers) or (workspace is None and graph):
                return None
        factors = tuple(SIGMOIDS[norm] * getattr(self, f"{head}_scale") for head, norm in zip(self.heads, norms))
        rows = [a.squeeze(-1).expand(*a.shape[:-2], x.shape[0]).contiguous() for a in numbers]
        return Update(kind, x.shape[1], factors, *rows)

    def packed(self, like: torch.Tensor) -> torch.Tensor:
        """The weights as one vector, in the precision and on the device of `like`."""
        prepared = self.__dict__.get("_prepared")
        return self._packed(like) if prepared is None else prepared[0]

    def updated(
        self,
        update: Update,
        x: torch.Tensor,
        memory: torch.Tensor,
        gradient: torch.Tensor,
        hidden: torch.Tensor,
        cell: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, Records | None]:
        """Next point and memory (B,n), hidden and cell state, and what is recorded of a step without a graph."""
        packed, workspace = self.__dict__.get("_prepared") or (self._packed(x), None)
        state = (hidden.transpose(1, 2), cell.transpose(1, 2))
        x, memory, hidden, cell, records = updated(packed, x, memory, gradient, *state, self.layout, update, workspace)
        return x, memory, hidden.transpose(1, 2), cell.transpose(1, 2), records
