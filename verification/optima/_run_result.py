"""The certificate of a run: bounds for every instance and step, and what carries them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...l2o.support.files import write_bytes
from ._result import counted

FORMAT = 1


@dataclass(frozen=True, eq=False)
class RunCertificate:
    """Certified gaps of the best points of a run; B instances, S steps, N points that may carry weight.

    lower, upper   (B,S) lower <= F* <= upper, rounding included; lower = -inf where nothing is known (see `reason`),
                   upper = F at the best point up to then.
    steps          (S,) the steps k; only x_0..x_k are used.
    best           (B,S) index of the best point among x_0..x_k.
    source         (B,S) what the lower bound is: "averaged gradients", the same "over a ball", or the name of a
                   certificate of one point that is better. A step without news keeps that of the step before.
    weights        (B,N) the weights of the last step, in units of 2^-52: integers that sum to 2^52.
    points         (B,N) the index of the point that each weight is of.
    averaged       (B,) the lower bound of these weights alone, which `to_dict` writes down.
    extent         (B,) what `averaged` depends on: a bound on the l1 norm (or sum of group norms) of the minimisers,
                   or the radius of a ball that holds one; NaN where it depends on neither.
    intercept, rate (B,) averaged = intercept - rate * extent, up to rounding.
    reason         per instance, None, or why lower = -inf at the last step.
    problem        fingerprint of the problem.
    records        makes the data of `to_dict`.
    """

    lower: np.ndarray
    upper: np.ndarray
    steps: np.ndarray
    best: np.ndarray
    source: np.ndarray
    weights: np.ndarray
    points: np.ndarray
    averaged: np.ndarray
    extent: np.ndarray
    intercept: np.ndarray
    rate: np.ndarray
    reason: tuple[str | None, ...]
    problem: str
    records: Callable[[], list[dict[str, Any]]] = field(repr=False)

    def __repr__(self) -> str:
        size, last = len(self.lower), int(self.steps[-1])
        return (
            f"RunCertificate({size} instance{'' if size == 1 else 's'}, k = {last}, F(best point) - F* at most "
            f"{self.gap[:, -1].max():.3g}, {counted(self.source[:, -1].tolist())})"
        )

    @property
    def gap(self) -> np.ndarray:
        """(B,S) F(best point) - F* is at most this; inf where there is no lower bound."""
        with np.errstate(invalid="ignore"):
            gap = np.nextafter(self.upper - self.lower, np.inf)
        return np.where(np.isfinite(self.lower) & np.isfinite(self.upper), np.maximum(gap, 0.0), np.inf)

    def lower_at(self, extent: Any) -> np.ndarray:
        """What `averaged` would be with another extent of the set; not rounded to the safe side.

        Args:
            extent: The radius, or the cap of the l1 norm, scalar or (B,).

        Returns:
            (B,) lower bounds of F*, up to rounding.
        """
        return self.intercept - self.rate * np.asarray(extent, dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Plain data of the last step, for JSON: all that `check_run_certificate` needs besides the problem.

        An instance without a certificate of its own has the entry `reason` instead.
        """
        return {"format": FORMAT, "problem": self.problem, "instances": self.records()}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write `to_dict` as JSON, atomically.

        Args:
            path: The file; one that exists is replaced.

        Returns:
            The path of the file.
        """
        text = json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":"))
        return write_bytes(path, text.encode())
