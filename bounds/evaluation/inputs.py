"""The gate for the arrays that this package takes in: exactly or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from .ball import EPS, Ball

_WORDS = {
    "c": "complex numbers; pass a real array",
    "O": "Python objects; pass numbers, as in values.astype(float)",
    "S": "text; convert it, as in values.astype(float)",
    "U": "text; convert it, as in values.astype(float)",
    "T": "text; convert it, as in values.astype(float)",
    "M": "dates; pass numbers",
    "m": "time spans; pass numbers",
    "V": "records; pass its columns as one rectangular array",
}
_SCALARS = (bool, int, float, np.bool_, np.integer, np.floating)


def numbers(name: str, value: Any, like: str = "an array of numbers") -> np.ndarray:
    """`value` as a float64 array of the same numbers, or an `InputError`; NaN and inf may be among them.

    A tensor that carries a gradient is taken without it. Refused is what would change on the way: masked and missing
    entries, complex numbers, objects, text, dates, sparse arrays, and numbers that float64 does not have.
    """
    try:
        return _exact(name, _raw(name, value, like))
    except InputError:
        raise
    except Exception as error:  # whatever foreign code in `value` raises when it is asked for an array
        given = repr(value)[:80] if isinstance(value, str) else type(value).__name__
        raise InputError(f"`{name}` must be {like}; given {given}") from error


def _refuse_marked(name: str, marked: np.ndarray, word: str) -> None:
    if marked.any():
        where = tuple(int(i) for i in np.argwhere(marked)[0])
        raise InputError(
            f"`{name}`: {int(marked.sum())} of {marked.size} entries are {word}, the first at {where}; fill them in or "
            f"leave their runs out"
        )


def _raw(name: str, value: Any, like: str) -> np.ndarray:
    """`value` as an array of booleans, integers or floats, nothing changed."""
    layout = str(getattr(value, "layout", "torch.strided"))  # of a tensor, without importing torch
    if layout.startswith("torch.") and layout != "torch.strided":
        raise InputError(f"`{name}` must be a dense array of numbers, and is sparse ({layout}); use .to_dense()")
    if callable(getattr(value, "toarray", None)) and hasattr(value, "nnz"):
        raise InputError(
            f"`{name}` must be a dense array of numbers, and is a sparse {type(value).__name__}; use .toarray()"
        )
    if isinstance(value, np.ma.MaskedArray):
        _refuse_marked(name, np.ma.getmaskarray(value), "masked")
        value = value.data
    elif callable(getattr(value, "get_mask", None)) and callable(getattr(value, "get_data", None)):  # torch's masked
        _refuse_marked(name, ~np.asarray(value.get_mask()), "masked")
        value = value.get_data()
    elif callable(getattr(value, "isna", None)) and callable(getattr(value, "to_numpy", None)):  # pandas
        _refuse_marked(name, np.asarray(value.isna()), "missing")
        value = np.asarray(value.to_numpy())
        if value.dtype.kind == "O" and all(isinstance(entry, _SCALARS) for entry in value.flat):
            return _sequence(name, value.ravel().tolist(), like).reshape(value.shape)
    if isinstance(value, (list, tuple)):
        out = _sequence(name, value, like)
    else:
        for method in ("detach", "resolve_neg", "cpu"):
            value = getattr(value, method)() if callable(getattr(value, method, None)) else value
        wide = "float16" in str(getattr(value, "dtype", "")) and callable(getattr(value, "double", None))
        out = np.asarray(value.double() if wide else value)  # NumPy has no bfloat16
    if out.dtype.kind not in "fiub":
        words = _WORDS.get(out.dtype.kind, "no numbers")
        given = repr(value)[:80] if isinstance(value, str) else type(value).__name__
        raise InputError(f"`{name}` must be {like}; given {given} of dtype {out.dtype}: {words}")
    return out


def _sequence(name: str, values: list | tuple, like: str) -> np.ndarray:
    kinds = {type(entry) for entry in values}
    if not all(issubclass(kind, _SCALARS) for kind in kinds):
        return np.stack([_raw(name, entry, like) for entry in values])
    out = np.asarray(values)
    if out.dtype.kind in "fO":  # NumPy rounds integers beside floats, and keeps those above 2^64 as objects
        for entry in values:
            if isinstance(entry, (int, np.integer)):
                _check_integer(name, int(entry))
    return out.astype(np.float64) if out.dtype.kind == "O" else out


def _check_integer(name: str, number: int) -> None:
    if abs(number) > 2**53 and (abs(number) >= 2**1024 or int(float(number)) != number):
        raise InputError(f"`{name}` holds an integer above 2^53 without a float64 of the same value; pass floats")


def _exact(name: str, out: np.ndarray) -> np.ndarray:
    if out.dtype.kind in "iu" and out.dtype.itemsize == 8:
        for number in out[(out > 2**53) | (out < -(2**53) if out.dtype.kind == "i" else False)].flat:
            _check_integer(name, int(number))
    with np.errstate(over="ignore", under="ignore"):
        exact = out.astype(np.float64, copy=False)
    if out.dtype.itemsize > 8 and not ((exact == out) | (np.isnan(exact) & np.isnan(out))).all():
        raise InputError(f"`{name}` holds numbers of {out.dtype} that float64 does not have; round them yourself")
    return exact


def array(name: str, value: Any, shape: tuple[int | None, ...], like: str, *, infinite: bool = False) -> np.ndarray:
    """`value` as a float64 array of the shape (None: any length); a scalar fills the shape.

    Its entries must be finite; with `infinite` they may be inf, and a NaN is still refused.
    """
    out = numbers(name, value, f"an array of numbers of shape {like}")
    lengths = [length for length in shape if length is not None]
    if out.ndim == 0 and len(lengths) == len(shape):
        out = np.broadcast_to(out, lengths)
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
    """L > 0 of each run as a ball, (B,); its error is n eps L where none is given."""
    value = array("L", L, (batch,), "(B,)")
    off = n * EPS * np.abs(value) if L_error is None else error_bound("L_error", L_error, (batch,), "(B,)")
    if not (value - off > 0).all():
        raise InputError("`L` must be > 0 and its error bound less than it; for a linear f give any positive L")
    return Ball(value, off)


def step_size(h: Any, batch: int) -> np.ndarray:
    """The reference step h > 0 of each run, (B,)."""
    value = array("reference_step", h, (batch,), "scalar or (B,)")
    if not (value > 0).all():
        raise InputError(f"`reference_step` must be > 0 (in units of 1/L); given {np.min(value)}")
    return value
