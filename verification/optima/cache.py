"""The disk cache of certified optima.

One npz file (no pickle) per problem, tolerance and version of the code; written to a temporary file and renamed,
so that a reader never sees half a file. What is read is checked: the key and the checksum stored inside, shapes, order
of the interval, and against the problem itself: F(x) is the upper bound, and no point that a few proximal gradient
steps lead to is below the lower one. Anything that fails is recomputed and replaced.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ...l2o import problems
from ...l2o import rounding as _rounding
from ...l2o.problems import Composite
from ...l2o.problems.fingerprint import describe
from ...l2o.support.files import parse_npz, write_npz
from ..errors import VerificationError
from ._cross_check import CrossCheck
from ._directed import value_error
from ._result import Optimum

FORMAT = 3
"""Of the files; part of every key."""

ENVIRONMENT = "L2OBOUND_CACHE"


class CacheError(VerificationError, ValueError):
    """A cache file that cannot be used; the message says why."""


class UncachableError(VerificationError, ValueError):
    """A problem whose optimum cannot be kept; the message says why."""


def cache_folder(given: str | os.PathLike[str] | None) -> Path:
    """The folder: the argument, else $L2OBOUND_CACHE/optimum, else the user's cache directory."""
    if given is not None:
        return Path(given)
    if os.environ.get(ENVIRONMENT):
        return Path(os.environ[ENVIRONMENT]) / "optimum"
    import platformdirs  # imported here: only the default needs it

    return Path(platformdirs.user_cache_dir("l2obound")) / "optimum"


@functools.cache
def code_digest() -> str:
    """Hex digest of the code that results depend on: an error that was corrected must not live on in caches."""
    digest = hashlib.sha256()
    for root in (Path(__file__).parent, Path(problems.__file__).parent):
        for file in sorted(root.rglob("*.py")):
            digest.update(f"{file.relative_to(root).as_posix()} ".encode())
            digest.update(file.read_bytes())
    digest.update(Path(_rounding.__file__).read_bytes())
    return digest.hexdigest()


def _class_digest(part: object) -> str:
    """The classes of a problem's terms: other classes may share the kind and the data, and change as well."""
    kind = type(part)
    text = f"{kind.__module__}.{kind.__qualname__}"
    if not kind.__module__.startswith(f"{problems.__name__}."):
        with contextlib.suppress(OSError, TypeError):  # no source, as for classes typed into a console
            text += hashlib.sha256(inspect.getsource(kind).encode()).hexdigest()
    base = getattr(part, "base", None)
    return text if base is None else f"{text}({_class_digest(base)})"


def cache_key(p: Composite, rtol: float) -> str:
    """Hex digest of the problem with the code of its classes, the tolerance, this package's code and the format.

    Read afresh from the data, whatever the problem remembers of its fingerprint. `UncachableError` names the parts of
    a problem that cannot be read: then nobody knows whether a file belongs to it.
    """
    description = describe(p, code=True)
    if description.unreadable:
        raise UncachableError(f"{', '.join(description.unreadable[:3])} cannot be read, and may be data of the problem")
    classes = f"{_class_digest(p.smooth)} {_class_digest(p.nonsmooth)}"
    return hashlib.sha256(f"{description.digest} {classes} {rtol!r} {code_digest()} {FORMAT}".encode()).hexdigest()


def _strings(values: tuple[str | None, ...]) -> np.ndarray:
    # None is kept apart from "" by a leading mark.
    return np.array(["-" if v is None else "+" + v for v in values], dtype=np.str_)


def _read_strings(array: np.ndarray) -> tuple[str | None, ...]:
    return tuple(None if v == "-" else v[1:] for v in array.tolist())


def _checksum(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _pack(key: str, o: Optimum) -> dict[str, np.ndarray]:
    checks = o.cross_checked
    missing = float("nan")
    arrays = {
        "key": np.array(key),
        "lower": o.lower,
        "upper": o.upper,
        "x": o.x,
        "solver": _strings(o.solver),
        "certificate": _strings(o.certificate),
        "reason": _strings(o.reason),
        "messages": _strings(o.messages),
        "check_index": np.array([c.index for c in checks], dtype=np.int64),
        "check_value": np.array([missing if c.value is None else c.value for c in checks], dtype=np.float64),
        "check_objective": np.array(
            [missing if c.objective is None else c.objective for c in checks], dtype=np.float64
        ),
        "check_agrees": np.array([c.agrees for c in checks], dtype=np.bool_),
        "check_note": _strings(tuple(c.note for c in checks)),
    }
    return {**arrays, "checksum": np.array(_checksum(arrays))}


def save(path: Path, key: str, o: Optimum) -> None:
    """Write o atomically; `OSError` if the folder cannot be written."""
    write_npz(path, _pack(key, o))


def load(path: Path, key: str, p: Composite) -> Optimum:
    """Read and check; `FileNotFoundError` if there is none, `CacheError` if it cannot be trusted."""
    try:
        arrays = parse_npz(path.read_bytes(), path.name, "a cached optimum", "it is recomputed")
    except FileNotFoundError:
        raise
    except (InputError, OSError) as failure:
        raise CacheError(f"it cannot be read ({type(failure).__name__})") from failure
    stored = arrays.pop("checksum", None)
    if stored is None or str(stored) != _checksum(arrays):
        raise CacheError("its checksum does not match")
    try:
        if str(arrays["key"]) != key:
            raise CacheError("it belongs to another problem")
        return _unpack(arrays, p)
    except KeyError as missing:
        raise CacheError(f"it lacks {missing}") from missing


def _unpack(arrays: dict[str, np.ndarray], p: Composite) -> Optimum:
    size, dim = p.batch_size, p.dim
    lower, upper, x = arrays["lower"], arrays["upper"], arrays["x"]
    if any(a.dtype != np.float64 for a in (lower, upper, x)) or (
        (lower.shape, upper.shape, x.shape) != ((size,), (size,), (size, dim))
    ):
        raise CacheError("its arrays have other shapes than the problem")
    texts: dict[str, Any] = {name: _read_strings(arrays[name]) for name in ("solver", "certificate", "reason")}
    if any(len(t) != size for t in texts.values()):
        raise CacheError("its arrays have other shapes than the problem")
    if not (np.isfinite(x).all() and np.isfinite(upper).all() and (lower <= upper).all()):
        raise CacheError("its interval is not one")
    if contradiction := _contradiction(p, torch.from_numpy(lower), torch.from_numpy(upper), torch.from_numpy(x)):
        raise CacheError(contradiction)
    checks = tuple(
        CrossCheck(int(i), None if np.isnan(v) else float(v), None if np.isnan(f) else float(f), bool(a), note)
        for i, v, f, a, note in zip(
            arrays["check_index"],
            arrays["check_value"],
            arrays["check_objective"],
            arrays["check_agrees"],
            _read_strings(arrays["check_note"]),
        )
    )
    messages = tuple(m for m in _read_strings(arrays["messages"]) if m is not None)
    return Optimum(lower, upper, x, **texts, from_cache=True, messages=messages, cross_checked=checks)


_STEPS = 5  # of proximal gradient on reading a file


def _contradiction(p: Composite, lower: torch.Tensor, upper: torch.Tensor, x: torch.Tensor) -> str | None:
    """Why the interval and its point cannot be those of `p`; None where nothing speaks against them.

    The upper bound is F at the point, rounded up, so another objective shows there. The lower bound holds everywhere:
    a point that is surely below it refutes it, and where x is not nearly a minimiser of `p` a step leads to one.
    """
    value, error = p.objective(x), p.objective_error(x)
    if not bool((value <= upper + error).all()):  # `error` absorbs another machine's order of summation
        return "F(x) exceeds its upper bound"
    rounding = 8 * (error + value_error(p, x)) + 1e-14 * value.abs()
    if not bool((upper - value <= rounding).all()):
        return "its upper bound is not F(x) of this problem"
    step = (1 / p.smoothness).unsqueeze(-1)
    for _ in range(_STEPS):
        if bool((p.objective(x) + p.objective_error(x) < lower).any()):
            return "this problem has points below its lower bound"
        x = p.prox(x - step * p.smooth_gradient(x), step)
        if not bool(torch.isfinite(x).all()):
            return None
    return None
