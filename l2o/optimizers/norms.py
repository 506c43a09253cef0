"""The output nonlinearities ("norms") of the learned optimizers' heads, by the names the authors use."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn.functional import softplus

from ...errors import InputError

SIGMOIDS = {"sigmoid": 2.0, "sigmoid1": 1.0, "sigmoid05": math.sqrt(2), "sigmoid3": 3.0, "sigmoid4": 4.0}
"""The factors of those that are a multiple of the sigmoid."""
NORMS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "eye": lambda u: u,
    "exp": torch.exp,
    "softplus": softplus,
    "sigmoid": lambda u: 2 * torch.sigmoid(u),
    "sigmoid1": torch.sigmoid,
    "sigmoid05": lambda u: math.sqrt(2) * torch.sigmoid(u),
    "sigmoid3": lambda u: 3 * torch.sigmoid(u),
    "sigmoid4": lambda u: 4 * torch.sigmoid(u),
    "tanh": lambda u: 2 * torch.tanh(u),
    "Gaussian": lambda u: 2 - 2 * torch.exp(-u * u),
    "Gaussian1": lambda u: 1 - torch.exp(-u * u),
}


def check_norm(option: str, name: str | None, *, optional: bool = True) -> None:
    """Raise unless `name` is a norm (or None, where a head may be switched off)."""
    if name is None and optional:
        return
    if name not in NORMS:
        raise InputError(f"{option}: unknown norm {name!r}; expected one of {', '.join(NORMS)}, or None.")
