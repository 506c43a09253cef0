"""Why an interval is wider than asked for, in words."""

from __future__ import annotations

import numpy as np
import torch

from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import L1, Zero
from ...l2o.problems.smooth import QuadraticForm
from ...l2o.problems.transforms import ChangedSmooth
from ._curvature import curvature_floor
from ._result import relative_width
from ._terms import CONVEX_SMOOTH, NONNEGATIVE, doubtful, nonsmooth_convex


def reasons(
    p: Composite, base: Composite, lower: np.ndarray, upper: np.ndarray, x: np.ndarray, rtol: float
) -> tuple[str | None, ...]:
    """One entry per instance, None where the width is reached; `base` is p before its change of variables."""
    relative = relative_width(lower, upper)
    if (relative <= rtol).all():
        return (None,) * len(lower)
    noise = p.objective_error(torch.from_numpy(x)).tolist()
    return tuple(
        None if relative[b] <= rtol else _reason(base, b, float(lower[b]), float(upper[b]), noise[b], rtol)
        for b in range(len(lower))
    )


def _reason(p: Composite, b: int, lower: float, upper: float, noise: float, rtol: float) -> str:
    relative = float(relative_width(np.array(lower), np.array(upper)))
    if not np.isfinite(upper):
        return "no point with a finite objective was found"
    if np.isfinite(lower) and upper - lower <= 4 * noise:
        return (
            f"the relative width {relative:.2e} exceeds {rtol:.2e}: it is rounding, as F itself is computed to "
            f"{noise:.2e} here; rescale the data or accept a larger rtol"
        )
    if np.isfinite(lower) and relative < 1e-6:
        return (
            f"the relative width {relative:.2e} exceeds {rtol:.2e}: what is left is rounding or slow "
            f"convergence; rescale the data or accept a larger rtol"
        )
    why = _obstacle(p, b)
    if np.isfinite(lower):
        return f"the relative width {relative:.2e} exceeds {rtol:.2e}: {why}"
    return f"no finite dual value: {why}"


def _obstacle(p: Composite, b: int) -> str:
    f, r = p.smooth, p.nonsmooth
    if not f.convex:
        return (
            "the smooth term is not convex, and duality says nothing then; a finite lower bound is that of "
            "non-negative terms, and the upper one the best local minimum that was found"
        )
    if not nonsmooth_convex(p):
        return "the nonsmooth term is not convex, and the certificates speak of convex ones"
    if (doubt := doubtful(p)) is not None:
        return f"{doubt}, so that its dual may be another; derive from SmoothTerm or NonsmoothTerm instead"
    base = f.base if isinstance(f, ChangedSmooth) and not r.separable else f
    if not isinstance(base, CONVEX_SMOOTH) or not isinstance(r, NONNEGATIVE):
        return (
            f'there is no dual for "{p.name}" and no strong convexity; add a minorant or a linear model for '
            f"the new term, or use the same change of variables for both terms"
        )
    if isinstance(f, QuadraticForm):
        floor = float(curvature_floor(f.select(torch.tensor([b])))[0])
        if floor < 0:
            return (
                f"Q is not certified positive semidefinite (its smallest eigenvalue is only known to be >= "
                f"{floor:.3g}), so F may be unbounded below; add a ridge or a finite box, or state the "
                f"problem as least squares"
            )
    free = isinstance(r, Zero) or (isinstance(r, L1) and float(r.lam[b if len(r.lam) > 1 else 0]) == 0)
    if free:
        return (
            "without regularisation only curvature bounds the minimisers, and the smallest eigenvalue of the "
            "Hessian is not certified to be positive"
        )
    return "no strictly feasible dual point was found, so nothing bounds the minimisers"
