"""The gate for arrays: whatever a public function takes as numbers comes in here, exactly or not at all.

NumPy arrays, torch tensors, numbers, (nested) sequences of these, and tables and columns of pandas become tensors of
float64 or float32. What would change on the way is refused, with one `InputError` that says what to do: masked and
missing entries, complex numbers, objects, text, dates, sparse, quantized, nested and meta tensors, and numbers that
float64 does not have (integers above 2^53, extended precision). Rounding to float32 is what `dtype` asks for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.masked import MaskedTensor

from ...errors import InputError

_WORDS = {
    "c": "complex numbers; pass a real array (of the real and the imaginary parts, if that is what you mean)",
    "O": "Python objects; pass numbers, as in values.astype(float)",
    "S": "text; convert it, as in values.astype(float)",
    "U": "text; convert it, as in values.astype(float)",
    "T": "text; convert it, as in values.astype(float)",
    "M": "dates; pass numbers, as in seconds since a day of your choice",
    "m": "time spans; pass numbers, as in values / np.timedelta64(1, 's')",
    "V": "records; pass its columns as one rectangular array",
}


def float_dtype(dtype: Any, name: str = "dtype") -> torch.dtype:
    """torch.float32 or torch.float64, given as such, by name ("float64") or as NumPy's; else an `InputError`.

    Other precisions have no rounding bounds here, and integers would cut off every weight.
    """
    if dtype is torch.float32 or dtype is torch.float64:
        return dtype
    if (
        isinstance(dtype, (str, np.dtype))
        or dtype is float
        or (isinstance(dtype, type) and issubclass(dtype, np.generic))
    ):
        try:
            return {"float32": torch.float32, "float64": torch.float64}[np.dtype(dtype).name]
        except (TypeError, KeyError):
            pass
    raise InputError(f"{name}: expected torch.float32 or torch.float64, got {dtype!r}.")


def moved(tensor: torch.Tensor, dtype: Any, device: torch.device | str | None) -> torch.Tensor:
    """A float tensor in another precision or on another device; None leaves the one or the other as it is.

    What float32 cannot hold is an `InputError`: a number that becomes infinite, or a parameter, of shape (..., 1), that
    becomes 0.
    """
    other = tensor.to(dtype=None if dtype is None else float_dtype(dtype), device=device)
    if other.dtype == torch.float32 and tensor.dtype == torch.float64:
        _check_narrowed(tensor.to(other.device), other, "to")
    return other


def _check_narrowed(wide: torch.Tensor, narrow: torch.Tensor, name: str) -> None:
    if bool((torch.isinf(narrow) & ~torch.isinf(wide)).any()):
        raise InputError(
            f"{name}: {float(wide.abs().max()):.3g} is too large for float32; scale the data or use float64."
        )
    if narrow.ndim == 0 or narrow.shape[-1] == 1:
        vanished = (narrow == 0) & (wide != 0)
        if bool(vanished.any()):
            raise InputError(f"{name}: {float(wide[vanished][0]):.3g} is 0 in float32; scale the data or use float64.")


def plain_tensor(value: torch.Tensor, name: str) -> torch.Tensor:
    """A torch tensor of any kind as a dense real one of a floating dtype, same numbers; NaN and inf may be among them.

    A tensor that asks for a gradient keeps it; one made in inference mode is copied out of it.
    """
    value = _dense(value, name)
    if not value.is_floating_point():
        return torch.from_numpy(_exact(value.detach().cpu().numpy(), name)).to(value.device)
    if value.is_inference() and not torch.is_inference_mode_enabled():
        value = value.clone()
    return value


def _dense(value: torch.Tensor, name: str) -> torch.Tensor:
    if isinstance(value, MaskedTensor):
        _refuse_marked(~value.get_mask().to_dense().cpu().numpy(), name, "masked")
        value = value.get_data()
    if value.is_nested:
        raise InputError(f"{name}: it is a nested tensor; pass a rectangular one (torch.nested.to_padded_tensor).")
    if value.layout is not torch.strided:
        raise InputError(f"{name}: it is sparse ({value.layout}); make it dense, with .to_dense().")
    if value.is_quantized:
        raise InputError(f"{name}: it is quantized ({value.dtype}); make it one of floats, with .dequantize().")
    if value.is_meta:
        raise InputError(
            f"{name}: it is a tensor on the device meta, which has a shape and no numbers; pass a real one."
        )
    if value.is_complex():
        raise InputError(f"{name}: it holds {_WORDS['c']}.")
    if value.is_neg():
        value = value.resolve_neg()
    if type(value) is not torch.Tensor:
        value = value.as_subclass(torch.Tensor)
    return value


def real_array(value: Any, name: str) -> np.ndarray:
    """Numbers of any kind as a new float64 array, exactly, NaN and inf among them; else an `InputError`."""
    return _exact(_numbers(value, name), name)


def integer_array(value: Any, name: str) -> np.ndarray:
    """Integers of any kind as an array of integers, any shape; else an `InputError`."""
    array = _numbers(value, name)
    if array.dtype.kind not in "iu" and array.size:
        raise InputError(f"{name}: expected integers, got {array.dtype} of shape {array.shape}.")
    return array


def _refuse_marked(marked: np.ndarray, name: str, word: str) -> None:
    if marked.any():
        first = tuple(int(i) for i in np.argwhere(marked)[0])
        raise InputError(
            f"{name}: {int(marked.sum())} of {marked.size} entries are {word} (the first at index {first}); "
            f"fill them in, or leave their rows out."
        )


_SCALARS = (bool, int, float, np.bool_, np.integer, np.floating)


def _numbers(value: Any, name: str) -> np.ndarray:
    """`value` as an array of booleans, integers or floats, nothing changed."""
    try:
        array = _unwrapped(value, name)
    except InputError:
        raise
    except Exception as problem:  # whatever foreign code in `value` raises when it is asked for an array
        raise InputError(
            f"{name}: expected numbers (a NumPy array or a torch tensor), got {type(value).__name__} "
            f"({(str(problem) or type(problem).__name__).splitlines()[0][:120]}); pass a rectangular real array."
        ) from None
    if array.dtype.kind not in "fiub":
        words = _WORDS.get(array.dtype.kind, "no numbers")
        raise InputError(f"{name}: expected numbers, got {type(value).__name__} of dtype {array.dtype}: {words}.")
    return array


def _unwrapped(value: Any, name: str) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        tensor = _dense(value, name).detach().cpu()
        return (tensor.to(torch.float64) if tensor.is_floating_point() else tensor).numpy()
    if isinstance(value, np.ma.MaskedArray):
        _refuse_marked(np.ma.getmaskarray(value), name, "masked")
        return value.data
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    if isinstance(value, (list, tuple)):
        return _sequence(value, name)
    if callable(getattr(value, "toarray", None)) and hasattr(value, "nnz"):
        raise InputError(f"{name}: it is a sparse {type(value).__name__}; make it dense, with .toarray().")
    if callable(getattr(value, "isna", None)) and callable(getattr(value, "to_numpy", None)):
        _refuse_marked(np.asarray(value.isna()), name, "missing")
        array = np.asarray(value.to_numpy())  # of nullable columns, in some versions, the numbers as objects
        if array.dtype.kind == "O" and all(isinstance(entry, _SCALARS) for entry in array.flat):
            return _sequence(array.ravel().tolist(), name).reshape(array.shape)
        return array
    return np.asarray(value)


def _sequence(values: list | tuple, name: str) -> np.ndarray:
    kinds = {type(entry) for entry in values}
    if not all(issubclass(kind, _SCALARS) for kind in kinds):
        return np.stack([_numbers(entry, name) for entry in values])
    array = np.asarray(values)
    if array.dtype.kind in "fO" and any(not issubclass(kind, (float, np.floating)) for kind in kinds):
        for entry in values:  # NumPy rounds integers beside floats, and keeps those above 2^64 as objects
            if isinstance(entry, (int, np.integer)):
                _check_integer(int(entry), name)
        array = array.astype(np.float64) if array.dtype.kind == "O" else array
    return array


def _check_integer(number: int, name: str) -> None:
    if abs(number) > 2**53 and (abs(number) >= 2**1024 or int(float(number)) != number):
        raise InputError(
            f"{name}: the integer {str(number)[:40]} has no float64 of the same value (above 2^53 not all have); "
            f"subtract an offset or scale it, or pass floats if the rounding does not matter."
        )


def _exact(array: np.ndarray, name: str) -> np.ndarray:
    """Booleans, integers and floats as a new float64 array of the same numbers."""
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        for number in array[(array > 2**53) | (array < -(2**53) if array.dtype.kind == "i" else False)].flat:
            _check_integer(int(number), name)
    with np.errstate(over="ignore", under="ignore"):
        out = array.astype(np.float64, order="C")
    if array.dtype.itemsize > 8 and not ((out == array) | (np.isnan(out) & np.isnan(array))).all():
        raise InputError(
            f"{name}: it holds numbers of {array.dtype} that float64 does not have; round them yourself, as in "
            f"{name}.astype(float)."
        )
    return out


def as_tensor(
    value: Any,
    name: str,
    *,
    ndim: tuple[int, ...] | None = None,
    dtype: Any = torch.float64,
    device: torch.device | str | None = None,
    allow_infinite: bool = False,
) -> torch.Tensor:
    """`value` as a finite tensor of `dtype`, or an `InputError` that says what is wrong with it.

    Args:
        value: numbers of any kind, see the top of this module.
        name: of the argument, for the error.
        ndim: the accepted numbers of axes.
        dtype: see `float_dtype`.
        device: where the tensor goes; None leaves a tensor where it is, anything else on the CPU.
        allow_infinite: admits +-inf (bounds of a box), never NaN.
    """
    dtype = float_dtype(dtype)
    given = plain_tensor(value, name) if isinstance(value, torch.Tensor) else torch.from_numpy(real_array(value, name))
    if ndim is not None and given.ndim not in ndim:
        axes = " or ".join(str(d) for d in ndim)
        raise InputError(f"{name}: expected {axes} axes, got shape {tuple(given.shape)}; reshape it.")
    if given.numel() == 0:
        raise InputError(
            f"{name}: it is empty (shape {tuple(given.shape)}); give at least one instance, row and variable."
        )
    tensor = given.to(dtype=dtype, device=device)
    if bool(torch.isfinite(tensor.detach().sum())):  # then every entry is; else look closer, for a sum may overflow
        return tensor
    bad = torch.isnan(given) if allow_infinite else ~torch.isfinite(given)
    if bool(bad.any()):
        first = tuple(int(i) for i in torch.nonzero(bad)[0])
        what = "NaN" if allow_infinite else "NaN or inf"
        raise InputError(
            f"{name}: {int(bad.sum())} of {given.numel()} entries are {what} (the first at index {first}); "
            f"clean the data first."
        )
    if dtype == torch.float32:
        _check_narrowed(given, tensor.to(given.device), name)
    return tensor


def per_instance(
    value: Any,
    name: str,
    *,
    positive: bool = False,
    nonnegative: bool = False,
    dtype: Any = torch.float64,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """A scalar or (B,) `value` as a tensor of shape (1,) or (B,), with its sign checked; what is not 0 stays so."""
    tensor = as_tensor(value, name, ndim=(0, 1), dtype=dtype, device=device).reshape(-1)
    if tensor.dtype == torch.float32 and bool((tensor == 0).any()):
        wide = as_tensor(value, name, device=device).reshape(-1, 1)
        _check_narrowed(wide, tensor.reshape(-1, 1), name)
    if positive and bool((tensor <= 0).any()):
        raise InputError(f"{name}: expected > 0, got {float(tensor.min())}; pass a positive number.")
    if nonnegative and bool((tensor < 0).any()):
        raise InputError(f"{name}: expected >= 0, got {float(tensor.min())}; pass a non-negative number.")
    return tensor


def batch_of(size: int, other: int, what: str) -> int:
    """Return the common batch size of two parts, where 1 stands for "the same for every instance"."""
    if size != other and 1 not in (size, other):
        raise InputError(f"{what}: batch sizes {size} and {other} do not agree; make them equal, or one of them 1.")
    return max(size, other)
