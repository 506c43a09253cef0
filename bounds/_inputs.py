"""Checks of the arrays that measuring takes in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._ball import EPS, Ball
from ._errors import InputError


def numbers(name: str, value: Any, like: str) -> np.ndarray:
    """`value` as a float64 array; a tensor that carries a gradient is taken without it."""
    detach = getattr(value, "detach", None)
    try:
        return np.asarray(detach() if callable(detach) else value, np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        given = repr(value) if isinstance(value, str) else type(value).__name__
        raise InputError(f"`{name}` must be {like}; given {given}") from error


def array(name: str, value: Any, shape: tuple[int | None, ...], like: str, *, infinite: bool = False) -> np.ndarray:
    """`value` as a float64 array of the shape (None: any length); a scalar fills the shape.

    Its entries must be finite; with `infinite` they may be inf, and a NaN is still refused.
    """
    out = numbers(name, value, f"an array of numbers of shape {like}")
    if out.ndim == 0 and None not in shape:
        out = np.broadcast_to(out, shape)
    if out.ndim != len(shape) or any(want not in (None, got) for got, want in zip(out.shape, shape)):
        expected = tuple("any" if length is None else length for length in shape)
        raise InputError(f"`{name}` has shape {out.shape}, expected {like} = {expected}")
    bad = np.isnan(out) if infinite else ~np.isfinite(out)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        advice = "give inf where nothing is known" if infinite else "cut the run before it diverges"
        raise InputError(f"`{name}` is {'NaN' if infinite else 'not finite'} at {where}; {advice}")
    return out


def error_bound(name: str, value: Any, shape: tuple[int, ...], like: str) -> np.ndarray:
    """A bound on an absolute error: 0 if not given, inf where nothing is known."""
    out = np.zeros(shape) if value is None else array(name, value, shape, like, infinite=True)
    if (out < 0).any():
        raise InputError(f"`{name}` must be >= 0: a bound on the absolute error")
    return out


def smoothness(L: Any, L_error: Any, batch: int, n: int) -> Ball:
    value = array("L", L, (batch,), "(B,)")
    off = n * EPS * np.abs(value) if L_error is None else error_bound("L_error", L_error, (batch,), "(B,)")
    if not (value - off > 0).all():
        raise InputError("`L` must be > 0 and its error bound less than it; for a linear f give any positive L")
    return Ball(value, off)


def step_size(h: Any, batch: int) -> np.ndarray:
    value = array("reference_step", h, (batch,), "scalar or (B,)")
    if not (value > 0).all():
        raise InputError(f"`reference_step` must be > 0 (in units of 1/L); given {np.min(value)}")
    return value
