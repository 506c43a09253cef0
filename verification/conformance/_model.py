"""An optimizer as what is trained: its weights, its loss as a function of them, and the weights read from a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ...errors import InterfaceError
from ...l2o import InputError
from ...l2o.optimizers.adapted import TorchOptimOptimizer
from ...l2o.optimizers.learned import LearnedOptimizer
from ...l2o.optimizers.users_code import code_of, is_adapter, with_code
from ...l2o.optimizers.weights import cast, copied, loose_weights_of, modules_of, shared_weights, weights_of
from ...l2o.support.files import read_npz, write_npz
from ._case import Case, Instance, seed_global_rng
from ._reference import value

NO_WEIGHTS = "it holds no tensors that require gradients"
_IN_PLACE = "a class of torch.optim takes its steps in place, so that no derivative goes through them"
_FROZEN = "none of its weights requires gradients, so that nothing of it is trained"


@dataclass(frozen=True, eq=False)
class Model:
    """An optimizer with weights: its loss sum_k F(x_k) as a function of them.

    `weights` are leaves that belong to `optimizer` alone and may be moved. `held` are those that its steps use and that
    cannot be reached from it, as of a module that is a global: they are only differentiated by. `nothing` says why
    there are neither.
    """

    optimizer: Any
    weights: dict[str, torch.Tensor]
    seed: int
    held: dict[str, torch.Tensor] = field(default_factory=dict)
    nothing: str | None = None

    @classmethod
    def of(cls, case: Case) -> Model:
        """The model of a case, in float64."""
        optimizer = case.fresh()
        if isinstance(optimizer, LearnedOptimizer):
            given = optimizer.parameters or {}
            weights = {n: w.detach().double().clone().requires_grad_() for n, w in given.items()}
            nothing = None if weights else NO_WEIGHTS
            return cls(optimizer.with_parameters(weights), weights, case.seed, nothing=nothing)
        if isinstance(optimizer, TorchOptimOptimizer):
            return cls(optimizer, {}, case.seed, nothing=_IN_PLACE)
        private = _with_own_weights(optimizer)
        shared = set(shared_weights(optimizer, private))
        weights = {n: w for n, w in weights_of(private).items() if n not in shared}
        held = {n: w for n, w in weights_of(private).items() if n in shared}
        model, nothing = cls(private, weights, case.seed), None
        if is_adapter(optimizer):
            try:
                held |= model._held_in_the_graph(case.instances[0])
            except InterfaceError:
                raise
            except Exception as error:
                if weights:
                    raise  # the check that takes derivatives will say what it raises
                nothing = (
                    f"with gradients switched on it raises {type(error).__name__}: {error}, so that it cannot be told "
                    "whether it uses tensors that require them"
                )
        if not weights and not held and nothing is None:
            nothing = _FROZEN if modules_of(private) or loose_weights_of(private) else NO_WEIGHTS
        return cls(private, weights, case.seed, held, nothing)

    @property
    def not_replaced(self) -> str | None:
        """Which weights cannot be moved; None where all can."""
        if not self.held:
            return None
        names = ", ".join(list(self.held)[:4])
        return (
            f"it holds tensors that require gradients, and the suite cannot replace them: {names}; make them "
            "attributes of the object, or a module that is one"
        )

    def _held_in_the_graph(self, instance: Instance) -> dict[str, torch.Tensor]:
        """Leaves of the graph of two steps that are not among the weights, and are the same in a second run."""
        mine, runs = {id(w) for w in self.weights.values()}, []
        for _ in range(2):
            with torch.enable_grad():
                runs.append({id(leaf): leaf for leaf in _leaves(self.loss(instance, 2)) if id(leaf) not in mine})
        again = [leaf for key, leaf in runs[0].items() if key in runs[1]]
        return {f"leaf {i} of the graph {tuple(leaf.shape)}": leaf for i, leaf in enumerate(again)}

    def loss(self, instance: Instance, steps: int) -> torch.Tensor:
        """sum_k F(x_k) over `steps` steps and all instances; f alone outside the domain of r."""
        seed_global_rng(self.seed)
        state = self.optimizer.init(instance.problem, instance.x0.clone(), seed=self.seed)
        total = torch.zeros((), dtype=instance.x0.dtype)
        for _ in range(steps):
            state = self.optimizer.step(instance.problem, state)
            total = total + value(instance.problem, state.x).sum()
        return total

    @contextmanager
    def moved(self, by: dict[str, torch.Tensor], size: float = 1.0) -> Iterator[None]:
        """With weights + size * by."""
        before = {n: w.detach().clone() for n, w in self.weights.items()}
        with torch.no_grad():
            for name, w in self.weights.items():
                w.add_(size * by[name])
        try:
            yield
        finally:
            with torch.no_grad():
                for name, w in self.weights.items():
                    w.copy_(before[name])

    def directions(self, seed: int) -> dict[str, torch.Tensor]:
        """A random direction of the weights, each tensor's of the size of its entries."""
        generator = torch.Generator().manual_seed(seed)
        direction = {}
        for name, w in self.weights.items():
            size = max(float(w.detach().abs().mean()), 0.05) if w.numel() else 0.0
            direction[name] = size * torch.randn(w.shape, generator=generator, dtype=torch.float64)
        return direction

    def gradients(self, loss: torch.Tensor) -> dict[str, torch.Tensor]:
        """The derivative by each weight, reached or held; one that has no part in the loss is left out."""
        leaves = {**self.weights, **self.held}
        gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        return {n: g for n, g in zip(leaves, gradients) if g is not None}


def is_users_network(optimizer: Any) -> bool:
    """Whether an optimizer is code of a user's that holds modules or weights."""
    return is_adapter(optimizer) and bool(modules_of(optimizer) or loose_weights_of(optimizer))


def holds_weights(optimizer: Any) -> bool:
    """Whether an optimizer is a learned one of this package, or code of a user's that holds modules or weights."""
    return isinstance(optimizer, LearnedOptimizer) or is_users_network(optimizer)


def _with_own_weights(optimizer: Any) -> Any:
    """A copy of an optimizer whose weights are its own and in float64."""
    code = code_of(optimizer)
    private = copied(code)
    return with_code(optimizer, private if shared_weights(code, private) else cast(private, torch.float64))


def _leaves(loss: torch.Tensor) -> list[torch.Tensor]:
    """The leaf tensors of the graph of `loss`."""
    left, met, leaves = [loss.grad_fn], set(), []
    while left:
        node = left.pop()
        if node is None or node in met:
            continue
        met.add(node)
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        left += [following for following, _ in node.next_functions]
    return leaves


def restored(optimizer: Any, case: Case, folder: Path) -> Any:
    """An optimizer with the weights of `optimizer`, written to a file and read from it.

    Args:
        optimizer: That of the case.
        case: The case, which makes another optimizer.
        folder: Where the file is written.

    Returns:
        The other optimizer; None where `optimizer` has no weights, or they cannot be replaced.
    """
    learned = isinstance(optimizer, LearnedOptimizer)  # not narrowed: `replace` takes dataclasses alone
    if learned:
        path = write_npz(folder / "weights.npz", {k: v.detach().numpy() for k, v in optimizer.parameters.items()})
        weights = read_npz(path, "an npz of weights", "write it again")
        try:
            return dataclasses.replace(optimizer, parameters=weights)
        except (TypeError, InputError):
            return case.fresh().with_parameters({k: torch.as_tensor(v) for k, v in weights.items()})
    code = code_of(optimizer)
    if not (modules_of(code) or loose_weights_of(code)):
        return None
    other = copied(code)
    if shared_weights(code, other):
        return None
    with torch.no_grad():  # another start, so that what is not in the file shows
        for tensor in weights_of(other).values():
            tensor.add_(1.0)
    torch.save(_content(code), folder / "weights.pth")
    _load(other, torch.load(folder / "weights.pth", weights_only=True))
    return with_code(optimizer, other)


def _content(code: Any) -> dict[str, Any]:
    """What a user writes of it: the state_dict of a module, else that of each module, and each loose weight."""
    if isinstance(code, torch.nn.Module):
        return code.state_dict()
    modules = {where: module.state_dict() for where, module in modules_of(code).items()}
    return {"modules": modules, "loose": {n: w.detach() for n, w in loose_weights_of(code).items()}}


def _load(code: Any, content: dict[str, Any]) -> None:
    if isinstance(code, torch.nn.Module):
        code.load_state_dict(content)
        return
    for where, module in modules_of(code).items():
        module.load_state_dict(content["modules"][where])
    with torch.no_grad():
        for name, weight in loose_weights_of(code).items():
            weight.copy_(content["loose"][name])
