"""The numbers bounds speak of: the vocabulary, a container for their values, and ways to measure them.

`VOCABULARY` names every quantity; `Quantities` holds their values on a batch of runs, each with a bound on
its rounding error; `measure` makes one from the arrays of a run, `from_inner_products` from scalars recorded
along it, and `from_scalars` from plain numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from .evaluation.container import FACTS, Quantities
from .evaluation.gram import from_gram
from .evaluation.measure import measure_arrays
from .evaluation.scalars import as_quantities, from_scalars
from .vocabulary import VIRTUAL, VOCABULARY, Quantity

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
    """Measure every quantity on the arrays of a batch of runs, each with a bound on its rounding error.

    Arrays are NumPy's or torch's. Iterates, comparator, subgradients, preconditioner and h are taken as exact numbers;
    the error bounds say how far the others may be off, and are 0 where they are left out. inf means that nothing is
    known. Quantities that an argument left out would give are not measured.

    Args:
        x: Iterates x_0..x_K, (B, K+1, n).
        gradient: grad f(x_{k-1}), (B, K, n).
        subgradient: g_k in the subdifferential of r at x_k, (B, K, n).
        objective: F(x_k), (B, K+1).
        L: Smoothness of f, > 0, (B,) or a scalar.
        comparator: z, any point of dom r, (B, n).
        comparator_objective: F(z), (B,).
        reference_step: h > 0 in units of 1/L, a scalar or (B,).
        comparator_residual: tau, the fixed-point residual of z, (B,).
        preconditioner: p_k, (B, K, n).
        objective_error: Bound on the error of `objective`, (B, K+1).
        gradient_error: Bound on the 2-norm of the error of grad f(x_{k-1}), (B, K). One may add that of g_k where it
            is only near a subgradient.
        comparator_objective_error: Bound on the error of F(z), (B,).
        comparator_residual_error: Bound on the error of tau, (B,).
        L_error: Bound on the error of L, (B,), less than L; by default n eps L.
        end_gradient: grad f(x_K), (B, n).
        end_gradient_error: Bound on the 2-norm of its error, (B,).
        comparator_gradient: grad f(z), (B, n).
        comparator_gradient_error: Bound on the 2-norm of its error, (B,).
        strong_convexity: mu of f, (B,).
        strong_convexity_error: Bound on its error, (B,).
        objective_lower: A lower bound of inf F, (B,), -inf where none is known.
        mean_objective: F at the mean of x_1..x_K, (B,).
        mean_objective_error: Bound on its error, (B,).
        facts: What is declared of the problem, by the keys of `FACTS`.
        run_precision: Epsilon of the arithmetic that made the run (2^-23 for float32). It sets `e_floor` and `b_floor`
            and no error bound.

    Returns:
        The quantities. Their error bounds are rigorous: they cover the errors above, the sums of length n and L
        (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1).

    Raises:
        InputError: For wrong shapes, and for values that are not finite.
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

    ||e(h)||^2 = ||D||^2 - 2 (h/L) <G, D> + (h/L)^2 ||G||^2 cancels where the deviation is small: its error bound says
    so (about sqrt(n eps) ||D|| for the norm). `measure` does not lose these digits.

    Args:
        dimension: n. Each inner product is taken to be a sum of n products in arithmetic of epsilon `run_precision`,
            which bounds its error.
        G2: ||G_k||^2, (B, K).
        D2: ||D_k||^2, (B, K).
        GD: <G_k, D_k>, (B, K).
        Gx: <G_k, x_k - z>, (B, K).
        Gx_prev: <G_k, x_{k-1} - z>, (B, K).
        Dx: <D_k, x_k - z>, (B, K).
        Dx_prev: <D_k, x_{k-1} - z>, (B, K).
        dist: ||x_k - z||, (B, K+1).
        F: F(x_k), (B, K+1).
        L: Smoothness of f, > 0, (B,).
        F_z: F(z), (B,).
        reference_step: h > 0 in units of 1/L, a scalar or (B,).
        tau: Fixed-point residual of z, (B,).
        G_inf: Largest entry of |G_k|, (B, K).
        gradient_error: Bound on the 2-norm of the error of grad f(x_{k-1}), (B, K).
        L_error: Bound on the error of L, (B,), less than L; by default n eps L.
        strong_convexity: mu of f, (B,).
        strong_convexity_error: Bound on its error, (B,).
        objective_lower: A lower bound of inf F, (B,).
        errors: Error bounds by the names above, in place of those from `dimension`.
        extra: Further quantities by name, passed through as they are (`pG2`, ...).
        facts: What is declared of the problem, by the keys of `FACTS`.
        run_precision: Epsilon of the arithmetic of the inner products (2^-23 for float32).
        comparator_error: Bound on the distance from z to the point that the products were taken with, (B,), as of a z
            that was rounded to float32.

    Returns:
        The quantities, with rigorous error bounds under the assumption on the inner products.

    Raises:
        InputError: For wrong shapes, and for values that are not finite.
    """
    given = SimpleNamespace(**locals())  # the arguments under their own names
    values, bounds, steps, batch = from_gram(given)
    return Quantities(values, bounds, dict(facts or {}), steps, batch)
