"""What is known of the optimizers of this package: which checks they must fail and why, and what they declare.

The symmetries come from the table of B12 (`bounds.equivariance`). Anyone's optimizer may carry the same three
attributes: `expected_failed_checks` (name of a check that must fail -> reason), `lacks` (name of a check of which
nothing is promised -> reason) and `declares` (name -> value).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import l2o
from ...bounds.equivariance import EQUIVARIANCE_TABLE, YES
from ...l2o import InputError
from ...l2o.optimizers.learned import LearnedOptimizer
from ...l2o.optimizers.users_code import code_of

_SYMMETRIES = {
    "translation": "translation_equivariant",
    "scaling": "objective_scale_equivariant",
    "rescaling": "variable_scale_equivariant",
}
_STEP_IS_ONE_OVER_L = ("gradient-descent", "ista", "fista", "fista-restart", "nesterov", "heavy-ball", "subgradient")
_SILVER = ("silver-gradient", "silver-proximal")
_KINK = "it follows a subgradient of r that need not vanish where F is least, so it moves away from a minimiser"
_OWN_LENGTH = "its steps have a length of their own, and it comes to rest near a minimiser and not at it"
_LAYERED = ("ada-lista", "lista", "alista", "gated-lista")
_LAYERS = "its matrices, steps and thresholds are learned layer by layer, and no theorem keeps them in a range"
_TRAINED = "its weights decide where it goes, and nothing is promised on problems that it was not trained on"
_CUT = "it learns with gradients that are taken off the graph, as in the authors' code: no second derivatives"
_PLANNED = "its theorem is of the last of the steps that it plans for, and on the way there nothing is promised"
_BETWEEN = "its theorem is of 2^j - 1 steps, and nothing is promised between"
_LONG = "steps beyond 2/L are its point, and its theorem covers them"
_BEST = "x_k is the best point so far, and may stay while the base goes on from a point of its own"
_MOVES = "the network's output is the step and does not vanish at a minimiser"


def builtin_name(optimizer: Any) -> str | None:
    """The name of an optimizer of this package; None for anyone else's, a subclass included."""
    name = getattr(optimizer, "name", None)
    if not isinstance(name, str) or name not in l2o.optimizer_names():
        return None
    return name if type(optimizer) is l2o.optimizers.optimizer_class(name) else None


def expected_by(optimizer: Any) -> dict[str, str]:
    """The checks that `optimizer` is expected to fail: those of its attribute and, for one of ours, those we know."""
    return {**_known_failures(optimizer), **_attribute(optimizer, "expected_failed_checks")}


def lacked_by(optimizer: Any) -> dict[str, str]:
    """The checks of which `optimizer` promises nothing: those of its attribute and, for one of ours, those we know."""
    return {**_known_lacks(optimizer), **_attribute(optimizer, "lacks")}


def _attribute(optimizer: Any, name: str) -> dict[str, str]:
    given = getattr(code_of(optimizer), name, None)
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise InputError(f"{name}: expected a mapping of names of checks to reasons, got {type(given).__name__}.")
    return {str(k): str(v) for k, v in given.items()}


def _known_lacks(optimizer: Any) -> dict[str, str]:
    name = builtin_name(optimizer)
    if name in ("subgradient", "adam", "adam-hd", "shampoo"):
        return {"makes_progress": _OWN_LENGTH}
    if name == "optista":
        return {"makes_progress": _PLANNED}
    if name in _SILVER:
        return {"makes_progress": _BETWEEN}
    if name == "guaranteed" and optimizer.mode == "fista":
        return {"record_is_of_this_step": _BEST}
    if name in _LAYERED:
        layers = dict.fromkeys(("fixed_point", "outputs_in_range"), _LAYERS)
        return {**dict.fromkeys(("makes_progress", "does_not_diverge"), _TRAINED), **layers}
    if name is not None and isinstance(optimizer, LearnedOptimizer):
        return dict.fromkeys(("makes_progress", "does_not_diverge"), _TRAINED)
    return {}


def declared_by(optimizer: Any) -> dict[str, Any]:
    """What `optimizer` declares: its attribute and, for one of ours, what we know."""
    return {**_known_declarations(optimizer), **declarations_of(optimizer)}


def declarations_of(optimizer: Any) -> dict[str, Any]:
    """The attribute `declares` of an optimizer, or of what it adapts."""
    given = getattr(code_of(optimizer), "declares", None)
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise InputError(f"declares: expected a mapping of names to values, got {type(given).__name__}.")
    return dict(given)


def _known_declarations(optimizer: Any) -> dict[str, Any]:
    name = builtin_name(optimizer)
    if name in ("gradient-descent", "ista") and optimizer.step_size is None:
        return {"relative_deviation": 0.0, "monotone_objective": True}
    monotone = name in ("safeguarded", "lbfgs", "anderson") or (
        name == "guaranteed" and optimizer.mode in ("fista", "descent")
    )
    return {"monotone_objective": True} if monotone else {}


def _known_failures(optimizer: Any) -> dict[str, str]:
    name = builtin_name(optimizer)
    if name is None:
        return {}
    if name in ("safeguarded", "guaranteed"):
        failures = {k: v for k, v in _known_failures(optimizer.base).items() if k in _SYMMETRIES.values()}
        if getattr(optimizer, "mode", "") == "budget":
            failures["variable_scale_equivariant"] = "its budget is a number, which does not follow a"
        return failures
    failures = _symmetries(name, optimizer)
    if name in ("subgradient", "adam", "adam-hd", "shampoo"):
        failures["fixed_point"] = _KINK
    if name == "silver-proximal" or (name == "optista" and optimizer.horizon > 2):
        failures["outputs_in_range"] = _LONG
    if name in ("l2o-dm", "l2o-rnnprop"):
        failures["fixed_point"] = _MOVES
        failures["derivative_is_that_of_the_loss"] = _CUT
    if any(getattr(optimizer, f"{head}_norm", None) is not None for head in ("b1", "b2", "b3", "b4")):
        failures["fixed_point"] = "its bias heads are on, and a bias need not vanish at a minimiser"
    if getattr(optimizer, "batch_mean", False) or getattr(optimizer, "coupled", False):
        failures["batch_equals_loop"] = "as in the authors' code, an instance's run depends on the rest of the batch"
    if name == "l2o-pa":
        failures["derivative_is_that_of_the_loss"] = _CUT
        failures["respects_domain"] = "it extrapolates after the prox, and so leaves the domain of r"
    return failures


def _symmetries(name: str, optimizer: Any) -> dict[str, str]:
    """From the table of B12: the rows of this method whose options are those of the optimizer."""
    failures = {}
    for row in EQUIVARIANCE_TABLE:
        defaults = {"gradient_map": "displacement", "q_step_power": 0} if name == "go-math-l2o" else {}
        wanted = {**defaults, **row.options}
        if row.optimizer != name or not all(_has(optimizer, option, value) for option, value in wanted.items()):
            continue
        for transform, check in _SYMMETRIES.items():
            if row.expected(transform) != YES:
                failures[check] = row.reason
    if any(getattr(optimizer, f"{head}_norm", None) is not None for head in ("b3", "b4")):
        failures["variable_scale_equivariant"] = "a bias without units does not follow a"
    if name in _STEP_IS_ONE_OVER_L and optimizer.step_size is not None:
        reason = "its step is a number, which does not follow c or a"
        failures["objective_scale_equivariant"] = failures["variable_scale_equivariant"] = reason
    if getattr(optimizer, "official", False):
        failures |= dict.fromkeys(_SYMMETRIES.values(), "the authors' form has steps and thresholds without units")
    return failures


def _has(optimizer: Any, option: str, value: Any) -> bool:
    value_ = getattr(optimizer, option, None)
    return value_ is not None if option.endswith("_norm") else value_ == value
