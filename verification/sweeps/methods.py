"""Methods that sweeps know beside those of `l2o.optimizer_names()`: they are compared with, and nobody trains them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from ... import l2o
from ...errors import InputError
from ...l2o.optimizers import Optimizer, make, optimizer_class

METHODS = {"coordinate-descent": "..studies.speedup.coordinate_descent:CoordinateDescent"}
"""Name -> "module:class", imported when it is asked for."""


def method_names() -> tuple[str, ...]:
    """Every name that a cell may use for an optimizer."""
    return (*l2o.optimizer_names(), *METHODS)


def method_class(name: str) -> type:
    """The class behind a name."""
    if name not in METHODS:
        return optimizer_class(name)
    module, _, attribute = METHODS[name].partition(":")
    return getattr(importlib.import_module(module, __package__), attribute)


def make_method(name: str, options: Mapping[str, Any]) -> Optimizer:
    """The optimizer of that name with `options`; one of `METHODS` has none."""
    if name not in METHODS:
        return make(name, options)
    if options:
        raise InputError(f"{name}: it has no options, got {', '.join(options)}; leave them out.")
    return method_class(name)()
