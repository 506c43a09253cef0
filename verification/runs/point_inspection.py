"""An inspection of a run with iterates, as the type checker sees it: `Inspection` says that its points may be None."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from .inspection import Inspection

if TYPE_CHECKING:
    from ...l2o.runs.array_run import ArrayRun

    class PointInspection(Inspection):
        """An `Inspection` of a run that kept its arrays."""

        run: ArrayRun
        x: np.ndarray
        gradient: np.ndarray
        subgradient: np.ndarray
        end_gradient: np.ndarray
        end_gradient_error: np.ndarray
        nonsmooth_value: np.ndarray
        named: np.ndarray

else:  # There is one class; this is a name for what `inspect_run` fills in where there are iterates.
    PointInspection = Inspection


def has_points(inspection: Inspection) -> TypeGuard[PointInspection]:
    """Whether the run was judged at its iterates; all that is computed at them is then there."""
    return inspection.x is not None
