"""The numbers bounds speak of: the vocabulary, a container for their values, and ways to measure them.

`VOCABULARY` names every quantity; `Quantities` holds their values on a batch of runs, each with a bound on
its rounding error; `measure` makes one from the arrays of a run, `from_inner_products` from scalars recorded
along it, and `from_scalars` from plain numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from ._errors import InputError
from ._gram import from_gram
from ._inputs import numbers
from ._measure import measure_arrays
from ._quantities import FACTS, Quantities, check_known, shape_of
from ._vocabulary import VIRTUAL, VOCABULARY, Quantity

__all__ = [
    "FACTS",
    "VIRTUAL",
    "VOCABULARY",
    "Quantities",
    "Quantity",
    "as_quantities",
    "from_inner_products",
    "from_scalars",
    "measure",
]

_NUMBERS = "a number or an array of numbers"
_SIZES = (
    *("R", "tau", "dist", "G2", "D2", "e2", "enorm", "sigma", "sigma_slack", "bnorm", "G_inf"),
    *("dz", "C1", "C2", "pshift", "bshift"),
)


def measure(
    *,
    x: Any,
    gradient: Any,
    subgradient: Any,
    objective: Any,
    L: Any,
    comparator: Any,
    comparator_objective: Any,
    reference_step: Any = 1.0,
    comparator_residual: Any = None,
    preconditioner: Any = None,
    objective_error: Any = None,
    gradient_error: Any = None,
    comparator_objective_error: Any = None,
    comparator_residual_error: Any = None,
    L_error: Any = None,
    end_gradient: Any = None,
    end_gradient_error: Any = None,
    comparator_gradient: Any = None,
    comparator_gradient_error: Any = None,
    strong_convexity: Any = None,
    strong_convexity_error: Any = None,
    objective_lower: Any = None,
    mean_objective: Any = None,
    mean_objective_error: Any = None,
    facts: Mapping[str, bool] | None = None,
    run_precision: float = 2.0**-52,
) -> Quantities:
    """Measure every quantity on the arrays of a batch of runs.

    Arrays, NumPy or on the CPU in torch: `x` (B, K+1, n) iterates; `gradient` (B, K, n) grad f(x_{k-1});
    `subgradient` (B, K, n) g_k in the subdifferential of r at x_k; `objective` (B, K+1); `L` (B,) or scalar;
    `comparator` (B, n) z; `comparator_objective` (B,) F(z); `reference_step` h, scalar or (B,);
    `comparator_residual` (B,) tau; `preconditioner` (B, K, n) p. Iterates, comparator, subgradients,
    preconditioner and h are taken as exact numbers.

    For the bounds that speak of more: `end_gradient` (B, n) grad f(x_K); `comparator_gradient` (B, n) grad f(z);
    `strong_convexity` (B,) mu; `objective_lower` (B,) a lower bound of inf F, -inf where none is known;
    `mean_objective` (B,) F at the mean of x_1..x_K. What is left out is not measured.

    Error bounds: `gradient_error` (B, K) bounds the 2-norm of the error of grad f(x_{k-1}), to which one may
    add that of g_k when it is only near a subgradient; the others bound the absolute error of what they name,
    in its shape. One left out means 0, except `L_error`, which defaults to n eps L; inf means that nothing is
    known (of L something must be: its error is below L). `run_precision` is the epsilon of the arithmetic that
    made the run (2^-23 for float32); it sets `e_floor` and `b_floor` and no error bound.

    Each result carries a bound on its rounding error that covers the errors above, the sums of length n and
    L. Raises `InputError` on wrong shapes and on values that are not finite.
    """
    given = SimpleNamespace(**locals())  # the arguments under their own names
    values, errors, steps, batch = measure_arrays(given)
    return Quantities(values, errors, dict(facts or {}), steps, batch)


def from_inner_products(
    *,
    dimension: int,
    G2: Any,
    D2: Any,
    GD: Any,
    Gx: Any,
    Gx_prev: Any,
    Dx: Any,
    Dx_prev: Any,
    dist: Any,
    F: Any,
    L: Any,
    F_z: Any,
    reference_step: Any = 1.0,
    tau: Any = None,
    G_inf: Any = None,
    gradient_error: Any = None,
    L_error: Any = None,
    strong_convexity: Any = None,
    strong_convexity_error: Any = None,
    objective_lower: Any = None,
    errors: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    facts: Mapping[str, bool] | None = None,
    run_precision: float = 2.0**-52,
    comparator_error: Any = None,
) -> Quantities:
    """Quantities of runs recorded as scalars only, for any reference step.

    Per step, (B, K): `G2` = ||G||^2, `D2` = ||D||^2, `GD` = <G, D>, `Gx` = <G, x_k - z>, `Gx_prev` = <G,
    x_{k-1} - z>, `Dx`, `Dx_prev` likewise. `dist` and `F` (B, K+1); `L`, `F_z`, `tau` (B,). `dimension` is n:
    each inner product is taken to be a sum of n products in arithmetic of epsilon `run_precision` (2^-23 for
    float32), which bounds its error; `errors` (same
    names) replaces such a bound. `comparator_error` (B,) bounds the distance from z to the point
    that the products were taken with, as a z that was rounded to float32.
    `gradient_error` (B, K) and `L_error` (B,) as in `measure`. `extra` passes further quantities through (`pG2`...).

    ||e(h)||^2 = ||D||^2 - 2 (h/L) <G, D> + (h/L)^2 ||G||^2 cancels where the deviation is small: its error
    bound says so (about sqrt(n eps) ||D|| for the norm). `measure` does not lose these digits.
    """
    given = SimpleNamespace(**locals())  # the arguments under their own names
    values, bounds, steps, batch = from_gram(given)
    return Quantities(values, bounds, dict(facts or {}), steps, batch)


def from_scalars(
    values: Mapping[str, Any],
    errors: Mapping[str, Any] | None = None,
    facts: Mapping[str, bool] | None = None,
) -> Quantities:
    """Quantities from plain numbers or arrays.

    A per-step or per-iterate quantity is a number (the same at every step), a list of one run (K,) or (K+1,),
    or a batch (B, K) or (B, K+1); a run quantity a number or (B,). `K` may be given; it is 1 if nothing says
    otherwise. `h` is 1 where it is not given, and `R` is dist[0] where only `dist` is. L <= 0 and negative
    sizes (`R`, `dist`, squares, norms) are an `InputError`; an h out of range is for the hypotheses to tell.
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
    """`values` itself, or `from_scalars` of a plain mapping."""
    return values if isinstance(values, Quantities) else from_scalars(values)


def _integer(name: str, value: Any) -> int:
    number = numbers(name, value, _NUMBERS)
    if number.ndim or not np.isfinite(number) or number != np.floor(number) or number < 1:
        raise InputError(f"`{name}` must be a whole number >= 1; given {value!r}")
    return int(number)
