"""Upper bounds on the relative deviations of a run, rounding included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....l2o import Composite
from ...runs.inspection import Inspection, as_numpy, norm


@dataclass(frozen=True, eq=False)
class Measured:
    """L D_k, G_k (B,K,n) and bounds on what is not known of them (B,K)."""

    LD: np.ndarray
    G: np.ndarray
    step_error: np.ndarray
    gradient_error: np.ndarray

    def deviation(self, step: np.ndarray) -> np.ndarray:
        """(B,K) an upper bound on ||(L/h_k) D_k - G_k|| / ||G_k||, h (K,); inf where G_k is within its rounding."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            error = norm(self.LD / step[:, None] - self.G) + self.gradient_error + self.step_error / step
            size = norm(self.G) - self.gradient_error
            return np.where(size > 0, error / size, np.inf)


def measure(inspection: Inspection, problem: Composite, chosen: list[int], steps: int) -> Measured:
    L = as_numpy(problem.smoothness)[chosen, None]
    L_error = as_numpy(problem.smooth.smoothness_error)[chosen, None]
    assert inspection.x is not None
    assert inspection.gradient is not None
    assert inspection.subgradient is not None
    assert inspection.gradient_error is not None, "the inspection of a run with arrays has them"
    x = inspection.x[chosen, : steps + 1]
    gradient, subgradient = inspection.gradient[chosen, :steps], inspection.subgradient[chosen, :steps]
    D = x[:, :-1] - x[:, 1:]
    unit = (8 + x.shape[-1]) * np.finfo(np.float64).eps  # roundings of sums, differences and norms
    gradient_error = inspection.gradient_error[chosen, :steps] + unit * (norm(gradient) + norm(subgradient))
    return Measured(L[..., None] * D, gradient + subgradient, (L_error + unit * L) * norm(D), gradient_error)


def best_steps(measured: Measured) -> np.ndarray:
    """(K,) for each step the h in [1e-3, 1e3] whose largest deviation over the instances is least, to a part in 100."""
    grid = np.geomspace(1e-3, 1e3, 1401)
    K = measured.G.shape[1]
    largest = np.array([measured.deviation(np.full(K, h)).max(axis=0) for h in grid])
    return grid[largest.argmin(axis=0)]
