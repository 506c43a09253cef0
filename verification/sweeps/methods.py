"""Methods that sweeps know beside those of `l2o.optimizer_names()`: they are compared with, and nobody trains them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import l2o
from ...errors import InputError
from ...l2o.optimizers import Optimizer, make, optimizer_class
from ...l2o.optimizers.coordinate_descent import CoordinateDescent

METHODS = {"coordinate-descent": CoordinateDescent}
"""Optimizers for comparison that `l2o.optimizer` does not make, by name."""


def method_names() -> tuple[str, ...]:
    """Every name that a cell may use for an optimizer."""
    return (*l2o.optimizer_names(), *METHODS)


def method_class(name: str) -> type:
    """The class behind a name."""
    if name not in METHODS:
        return optimizer_class(name)
    return METHODS[name]


def make_method(name: str, options: Mapping[str, Any]) -> Optimizer:
    """The optimizer of that name with `options`; one of `METHODS` has none."""
    if name not in METHODS:
        return make(name, options)
    if options:
        raise InputError(f"{name}: it has no options, got {', '.join(options)}; leave them out.")
    return method_class(name)()
