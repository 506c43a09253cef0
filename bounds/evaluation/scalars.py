"""Quantities from plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import InputError
from ..vocabulary import VOCABULARY
from .container import Quantities, check_known, shape_of
from .inputs import numbers

_NUMBERS = "a number or an array of numbers"
_SIZES = (
    *("R", "tau", "dist", "G2", "D2", "e2", "enorm", "sigma", "sigma_slack", "bnorm", "G_inf"),
    *("dz", "C1", "C2", "pshift", "bshift"),
)


def from_scalars(
    values: Mapping[str, Any],
    errors: Mapping[str, Any] | None = None,
    facts: Mapping[str, bool] | None = None,
) -> Quantities:
    """Quantities from plain numbers or arrays.

    Args:
        values: By name. A per-step or per-iterate quantity is a number (the same at every step), a list of one run
            (K,) or (K+1,), or a batch (B, K) or (B, K+1); a run quantity is a number or (B,). `K` may be given, and is
            1 if nothing says otherwise. `h` is 1 where it is not given, and `R` is dist[0] where only `dist` is.
        errors: Bounds on the absolute errors, by the same names; 0 where left out.
        facts: What is declared of the problem, by the keys of `FACTS`.

    Returns:
        The quantities.

    Raises:
        InputError: For an unknown name, arrays that speak of different runs, L <= 0 and negative sizes (`R`, `dist`,
            squares, norms). An h out of range is for the hypotheses to tell.
    """
    values = dict(values)
    given_steps = values.pop("K", None)
    check_known(values, VOCABULARY, "quantity")
    values.setdefault("h", 1.0)
    if "sigma" in values:
        values.setdefault("sigma_slack", 0.0)
    arrays = {name: numbers(name, value, _NUMBERS) for name, value in values.items()}
    bounds = {name: numbers(f"errors[{name!r}]", value, _NUMBERS) for name, value in (errors or {}).items()}
    check_known(bounds, VOCABULARY, "quantity")
    for name, array in arrays.items():
        if (name == "L" and (array <= 0).any()) or (name in _SIZES and (array < 0).any()):
            raise InputError(f"`{name}` must be {'> 0' if name == 'L' else '>= 0'}; given {np.min(array)}")
    batches, steps = {1}, set() if given_steps is None else {_integer("K", given_steps)}
    for name, array in (*arrays.items(), *bounds.items()):
        level = VOCABULARY[name].level
        if array.ndim > (1 if level == "run" else 2):
            raise InputError(f"`{name}` is a {level} quantity; given an array with {array.ndim} axes")
        if array.ndim and level != "run":
            steps.add(array.shape[-1] - (level == "iterate"))
        if array.ndim == (1 if level == "run" else 2):
            batches.add(array.shape[0])
    if len(steps) > 1 or len(batches - {1}) > 1:
        raise InputError(
            f"the arrays speak of different runs: steps {sorted(steps)}, batch sizes {sorted(batches)}; "
            "per-step quantities have length K, per-iterate ones K+1"
        )
    count, batch = steps.pop() if steps else 1, max(batches)

    def full(items: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.broadcast_to(a, shape_of(VOCABULARY[name].level, batch, count)) for name, a in items.items()}

    out, out_errors = full(arrays), full(bounds)
    if "R" not in out and "dist" in out:
        out["R"] = out["dist"][:, 0]
        if "dist" in out_errors:
            out_errors["R"] = out_errors["dist"][:, 0]
    return Quantities(out, out_errors, dict(facts or {}), count, batch)


def as_quantities(values: Quantities | Mapping[str, Any]) -> Quantities:
    """Quantities as they are, or from a plain mapping.

    Args:
        values: Quantities, or a mapping that `from_scalars` takes.

    Returns:
        `values` itself, or `from_scalars(values)`.

    Raises:
        InputError: For a mapping that `from_scalars` refuses.
    """
    return values if isinstance(values, Quantities) else from_scalars(values)


def _integer(name: str, value: Any) -> int:
    number = numbers(name, value, _NUMBERS)
    if number.ndim or not np.isfinite(number) or number != np.floor(number) or number < 1:
        raise InputError(f"`{name}` must be a whole number >= 1; given {value!r}")
    return int(number)
