"""What the user knows of F*: a lower end that is taken on trust, and points that may be better than those of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ...l2o.problems import Composite
from ...l2o.support.arrays import as_tensor
from ._directed import up, value_error
from ._result import GIVEN, Optimum, relative_width


def with_given(p: Composite, result: Optimum, lower: Any, x: Any, rtol: float) -> Optimum:
    """`result` with the points x where F is less there, and with `lower` where no certificate reached the width.

    Args:
        p: The problem in float64.
        result: What was certified.
        lower: A number that F* is not below, scalar or (B,); -inf says nothing. None for none.
        x: (B,n) points whose F is an upper end. None for none.
        rtol: The relative width that was asked for.

    Returns:
        An optimum in which `certificate` says where the lower end was given.

    Raises:
        InputError: A lower end of the wrong shape or one that a point contradicts, or points of the wrong shape.
    """
    if x is not None:
        result = _with_points(p, result, x, rtol)
    return result if lower is None else _with_lower(p, result, lower, rtol)


def _with_points(p: Composite, result: Optimum, x: Any, rtol: float) -> Optimum:
    points = p.point(x).detach()
    points = torch.where(torch.isfinite(points), points, torch.inf)
    upper = up(p.objective(points), value_error(p, points)).numpy()
    better = np.isfinite(upper) & (upper < result.upper)
    if not better.any():
        return result
    return _reasoned(
        replace(
            result,
            upper=np.where(better, upper, result.upper),
            x=np.where(better[:, None], points.numpy(), result.x),
            solver=tuple("given point" if b else name for b, name in zip(better, result.solver)),
        ),
        rtol,
    )


def _with_lower(p: Composite, result: Optimum, lower: Any, rtol: float) -> Optimum:
    given = as_tensor(lower, "lower", ndim=(0, 1), allow_infinite=True).reshape(-1).numpy()
    if len(given) not in (1, p.batch_size) or (given == np.inf).any():
        raise InputError(
            f"lower: expected a number below F*, or one for each of {p.batch_size} instances (-inf where none is "
            f"known), got {np.asarray(lower).tolist()}."
        )
    given = np.broadcast_to(given, (p.batch_size,))
    refuse_above(given, result.upper, "at a point with a lower F, which `optimum(problem).x` has")
    wide = np.array([why is not None for why in result.reason])
    taken = wide & (given > result.lower)
    return _reasoned(
        replace(
            result,
            lower=np.where(taken, given, result.lower),
            certificate=tuple(GIVEN if t else name for t, name in zip(taken, result.certificate)),
        ),
        rtol,
    )


def refuse_above(lower: np.ndarray, upper: np.ndarray, where: str) -> None:
    """An error where a lower end of F* that was given is above what F is at most at a point of the domain.

    Args:
        lower: (B,) what F* is said not to be below.
        upper: (B,) upper bounds of F at a point, rounding included.
        where: Which point.

    Raises:
        InputError: For the instance where it is furthest above.
    """
    with np.errstate(invalid="ignore"):
        above = np.where(lower > upper, lower - upper, 0.0)
    if above.any():
        b = int(above.argmax())
        raise InputError(
            f"lower: F* of instance {b} was given to be at least {lower[b]:.17g}, and F is at most {upper[b]:.17g} "
            f"{where}. The given number is wrong (of another problem, or not reduced by the accuracy of the solver "
            "that it is from), or the problem is; no bound is judged with it."
        )


def _reasoned(result: Optimum, rtol: float) -> Optimum:
    """The reasons of the new widths."""
    relative = relative_width(result.lower, result.upper)
    reasons: list[str | None] = []
    for why, certificate, width in zip(result.reason, result.certificate, relative):
        if width <= rtol:
            reasons.append(None)
        elif certificate == GIVEN:
            reasons.append(f"the relative width {width:.2e} exceeds {rtol:.2e}: the lower end was given")
        else:
            reasons.append(why)
    return replace(result, reason=tuple(reasons))
