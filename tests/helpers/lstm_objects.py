"""An LSTM in float32 as a user writes it, and its weights in every place where an object may hold some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from l2obound.l2o import Composite


class Lstm(torch.nn.Module):
    """init and step, without a seed; a state is a tuple, and torch.zeros has no dtype."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.cell, self.head = torch.nn.LSTMCell(1, 4), torch.nn.Linear(4, 1)

    def init(self, problem: Composite, x0: torch.Tensor) -> Any:
        zeros = torch.zeros(x0.numel(), 4)
        return x0, (zeros, zeros)

    def step(self, problem: Composite, state: Any) -> Any:
        x, hidden = state
        hidden = self.cell(self.gradient(problem, x).reshape(-1, 1), hidden)
        return x - 0.1 * self.update(hidden[0]).reshape(x.shape), hidden

    def gradient(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        return problem.smooth_gradient(x)

    def update(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.head(hidden)


class NaNInTheGradient(Lstm):
    """Its derivative is NaN: that of a square root at 0, times 0."""

    def update(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.head(hidden) + 0 * torch.sqrt(self.head.bias * 0)


class Holder:
    """An object that holds a module as an attribute, `where` puts it."""

    def __init__(self, net: Any, where: str) -> None:
        self.parts = {"attribute": net, "list": [net], "mapping": {"deep": [{"net": net}]}}[where]
        self.where = where

    def net(self) -> Any:
        if self.where == "list":
            return self.parts[0]
        return self.parts["deep"][0]["net"] if self.where == "mapping" else self.parts

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        return self.net().init(problem, x0)

    def step(self, problem: Composite, state: Any) -> Any:
        return self.net().step(problem, state)


class Forward(torch.nn.Module):
    """The same network behind forward(x, gradient, state)."""

    def __init__(self, net: Lstm) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor, gradient: torch.Tensor, state: Any = None) -> Any:
        zeros = torch.zeros(x.numel(), 4)
        hidden = self.net.cell(gradient.reshape(-1, 1), (zeros, zeros) if state is None else state)
        return x - 0.1 * self.net.update(hidden[0]).reshape(x.shape), hidden


class Parameters:
    """Parameters that are attributes of a plain object."""

    def __init__(self, net: Lstm) -> None:
        self.size, self.net = torch.nn.Parameter(torch.tensor(0.1)), net

    def init(self, problem: Composite, x0: torch.Tensor) -> Any:
        return {"x": x0}

    def step(self, problem: Composite, state: Any) -> Any:
        size = self.size + 0 * self.net.update(torch.zeros(1, 4)).sum()
        return {"x": state["x"] - size * problem.smooth_gradient(state["x"])}


def closure(net: Lstm) -> Any:
    def step(problem: Composite, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.ones(x.numel(), 4)
        hidden = hidden * net.cell(problem.smooth_gradient(x).reshape(-1, 1))[0]
        return x - 0.1 * net.update(hidden).reshape(x.shape)

    return step


def forms(make: Callable[[], Lstm]) -> dict[str, Callable[[], Any]]:
    """Every form that holds the network that `make` makes."""
    return {
        "a module with init and step": make,
        "an attribute": lambda: Holder(make(), "attribute"),
        "a list": lambda: Holder(make(), "list"),
        "a mapping": lambda: Holder(make(), "mapping"),
        "a module with forward": lambda: Forward(make()),
        "parameters": lambda: Parameters(make()),
        "a closure": lambda: closure(make()),
    }


FORMS = forms(Lstm)
BROKEN = forms(NaNInTheGradient)
"""The same, with a derivative that is NaN."""
