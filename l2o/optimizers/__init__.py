"""Optimizers, one file a method, and the registry that makes them by name.

A new one is a file with a frozen dataclass that has `name`, `init` and `step`, and a line in `_REGISTRY`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...errors import InputError, suggestion
from .ada_lista import AdaLista
from .adam import Adam, AdamHD
from .adapg import AdaPG
from .alista import ALISTA
from .anderson import Anderson
from .base import Optimizer, State
from .fista import Fista, FistaRestart, Nesterov
from .gated_lista import GatedLISTA
from .go_math_l2o import GoMathL2O
from .gradient_descent import GradientDescent, Ista
from .guaranteed import Guaranteed, guaranteed
from .heavy_ball import HeavyBall
from .l2o_dm import L2ODM
from .l2o_pa import L2OPA
from .l2o_rnnprop import RNNprop
from .lbfgs import LBFGS
from .lista import LISTA
from .ogm import OGM
from .optista import OptISTA
from .safeguarded import Safeguarded
from .shampoo import Shampoo
from .silver import SilverGradient, SilverProximal
from .subgradient import Subgradient

_REGISTRY: dict[str, type] = {
    kind.name: kind
    for kind in (
        GradientDescent,
        HeavyBall,
        Nesterov,
        OGM,
        SilverGradient,
        Subgradient,
        Ista,
        Fista,
        FistaRestart,
        OptISTA,
        SilverProximal,
        AdaPG,
        Anderson,
        Adam,
        AdamHD,
        Shampoo,
        LBFGS,
        LISTA,
        ALISTA,
        GatedLISTA,
        AdaLista,
        L2ODM,
        RNNprop,
        L2OPA,
        GoMathL2O,
        Safeguarded,
        Guaranteed,
    )
}


def optimizer_names() -> tuple[str, ...]:
    """Which names `optimizer` takes.

    Returns:
        The names, classical methods first.
    """
    return tuple(_REGISTRY)


def optimizer_class(name: str) -> type:
    """The class behind a name."""
    if name not in _REGISTRY:
        raise InputError(
            f"unknown optimizer {name!r}: {suggestion(name, _REGISTRY)}`l2obound list optimizers` has all names."
        )
    return _REGISTRY[name]


def option_names(name: str) -> tuple[str, ...]:
    """The options of an optimizer; the step size is called `step`."""
    fields = (f.name for f in dataclasses.fields(optimizer_class(name)) if f.name != "parameters")
    return tuple("step" if f == "step_size" else f for f in fields)


def make(name: str, options: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer `name` with `options` and, for a learned one or what is around one, its weights `parameters`."""
    kind, options_known = optimizer_class(name), option_names(name)
    unknown = sorted(set(options) - set(options_known))
    if unknown:
        raise InputError(
            f"optimizer {name!r} has no option {unknown[0]!r}; its options are {', '.join(options_known) or 'none'}."
        )
    arguments = {"step_size" if k == "step" else k: v for k, v in options.items()}
    if parameters is not None and kind is Guaranteed:
        arguments["base"] = make(str(options.get("base", Guaranteed.base)).partition(":")[0], {}, parameters)
    elif parameters is not None:
        arguments["parameters"] = parameters
    try:
        return kind(**arguments)
    except TypeError as problem:  # an option of the wrong type, as a string for a number
        raise InputError(f"optimizer {name!r}: {problem}; check the types of its options.") from None


def optimizer(name: str, **options: Any) -> Optimizer:
    """Make an optimizer by name; learned ones start from random weights drawn with `seed` (default 0).

    Args:
        name: One of `optimizer_names()`.
        options: Settings by name, `option_names(name)` lists them. Step sizes are absolute, a scalar or (B,); the
            default is 1/L (0.9999/L for the learned ones).

    Returns:
        The optimizer: frozen, with pure `init` and `step`.

    Raises:
        InputError: For an unknown name or option, and for a value out of range or of the wrong type.
    """
    return make(name, options)


__all__ = [
    "Optimizer",
    "State",
    "guaranteed",
    "make",
    "optimizer",
    "optimizer_class",
    "optimizer_names",
    "option_names",
]
