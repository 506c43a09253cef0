"""Checks of the arrays that measuring takes in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._ball import Ball
from ._errors import InputError

_EPS = 2.0**-52


def array(name: str, value: Any, shape: tuple[int | None, ...], like: str) -> np.ndarray:
    """`value` as a finite float64 array of the shape (None: any length); a scalar fills the shape."""
    try:
        out = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"`{name}` must be an array of numbers of shape {like}; given {type(value).__name__}"
        ) from error
    if out.ndim == 0 and None not in shape:
        out = np.broadcast_to(out, shape)
    if out.ndim != len(shape) or any(want not in (None, got) for got, want in zip(out.shape, shape)):
        expected = tuple("any" if length is None else length for length in shape)
        raise InputError(f"`{name}` has shape {out.shape}, expected {like} = {expected}")
    if not np.isfinite(out).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(out))[0])
        raise InputError(f"`{name}` is not finite at {where}; cut the run before it diverges")
    return out


def error_bound(name: str, value: Any, shape: tuple[int, ...], like: str) -> np.ndarray:
    out = np.zeros(shape) if value is None else array(name, value, shape, like)
    if (out < 0).any():
        raise InputError(f"`{name}` must be >= 0: a bound on the absolute error")
    return out


def smoothness(L: Any, L_error: Any, batch: int, n: int) -> Ball:
    value = array("L", L, (batch,), "(B,)")
    off = n * _EPS * np.abs(value) if L_error is None else error_bound("L_error", L_error, (batch,), "(B,)")
    if not (value - off > 0).all():
        raise InputError("`L` must be > 0 and its error bound less than it; for a linear f give any positive L")
    return Ball(value, off)


def step_size(h: Any, batch: int) -> np.ndarray:
    value = array("reference_step", h, (batch,), "scalar or (B,)")
    if not (value > 0).all():
        raise InputError(f"`reference_step` must be > 0 (in units of 1/L); given {np.min(value)}")
    return value
