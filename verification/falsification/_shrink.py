"""Making a finding small: fewer variables, zeros, few digits, as long as it stays what it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from verification.falsification._families import AXES, Instance
from verification.falsification._judge import Judged

_DIGITS = (1, 2, 3, 4, 6)
_PASSES = 3


def shrink(
    found: Judged,
    judged: Callable[[Instance], Judged | None],
    keeps: Callable[[Judged], bool],
    *,
    trials: int = 300,
    seconds: float = 20.0,
) -> Judged:
    """The simplest instance met for which `keeps` holds; at most `trials` are judged, none after `seconds`."""
    begun, left = time.monotonic(), trials

    def attempt(instance: Instance) -> Judged | None:
        nonlocal left
        if left <= 0 or time.monotonic() - begun > seconds:
            return None
        left -= 1
        result = judged(instance)
        return result if result is not None and keeps(result) else None

    for _ in range(_PASSES):
        before = found
        for moves in (_fewer, _centred, _unshifted, _unit, _zeros, _rounded):
            found = _apply(found, moves, attempt)
        if found is before:
            break
    return found


def _apply(
    found: Judged, moves: Callable[[Judged], Iterator[Instance]], attempt: Callable[[Instance], Judged | None]
) -> Judged:
    """Take the first move that is kept, and start again from there, until none is."""
    while True:
        for instance in moves(found):
            if _same(instance, found.instance):
                continue
            result = attempt(instance)
            if result is not None:
                found = result
                break
        else:
            return found


def _same(one: Instance, two: Instance) -> bool:
    pairs = zip(one.all_arrays().values(), two.all_arrays().values())
    return one.dim == two.dim and all(np.array_equal(a, b) for a, b in pairs)


def _fewer(found: Judged) -> Iterator[Instance]:
    """Without one variable; without one row of data."""
    instance = found.instance
    for i in range(instance.dim if instance.dim > 1 else 0):
        changes = {}
        for name, axes in AXES[instance.kind].items():
            array = instance.arrays[name]
            for axis in axes:
                array = np.delete(array, i, axis)
            changes[name] = array
        yield instance.with_arrays(**changes, x0=np.delete(instance.x0, i), shift=np.delete(instance.shift, i))
    if "A" in instance.arrays and len(instance.arrays["y"]) > 1:
        for j in range(len(instance.arrays["y"])):
            yield instance.with_arrays(**{name: np.delete(instance.arrays[name], j, 0) for name in ("A", "y")})


def _centred(found: Judged) -> Iterator[Instance]:
    """The start moved with the shift taken away: the same run for what is equivariant."""
    instance = found.instance
    yield instance.with_arrays(x0=instance.x0 + instance.shift, shift=np.zeros_like(instance.shift))


def _unshifted(found: Judged) -> Iterator[Instance]:
    """No shift."""
    yield found.instance.with_arrays(shift=np.zeros_like(found.instance.shift))


def _unit(found: Judged) -> Iterator[Instance]:
    """In units of R, and of L: the same run for what does not mind."""
    instance, R, L = found.instance, found.measured["R"], found.measured["L"]
    if abs(R - 1) > 1e-6 and 1e-9 < R < 1e9:
        changes = {name: a if name in ("A", "Q") else a / R for name, a in instance.arrays.items()}
        yield instance.with_arrays(**changes, x0=instance.x0 / R, shift=instance.shift / R)
    if abs(L - 1) > 1e-6 and 1e-12 < L < 1e12:
        roots = ("A", "y", "delta")  # f is quadratic in them
        by = {name: 1.0 if name == "radius" else L**0.5 if name in roots else L for name in instance.arrays}
        yield instance.with_arrays(**{name: a / by[name] for name, a in instance.arrays.items()})


def _zeros(found: Judged) -> Iterator[Instance]:
    """One entry 0, of a symmetric matrix two."""
    yield from (_replaced(found.instance, name, place, 0.0) for name, place in _entries(found.instance))


def _rounded(found: Judged) -> Iterator[Instance]:
    """Everything to few digits, or one entry to fewer."""
    instance = found.instance
    for digits in _DIGITS:
        arrays = {name: _round(a, digits) for name, a in instance.all_arrays().items()}
        yield instance.with_arrays(**arrays)
    for name, place in _entries(instance):
        value = float(instance.all_arrays()[name][place])
        for digits in _DIGITS:
            shorter = float(_round(np.array(value), digits))
            if shorter == value:
                break
            yield _replaced(instance, name, place, shorter)


def _entries(instance: Instance) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, array in instance.all_arrays().items():
        for place in np.ndindex(array.shape):
            above = name == "Q" and place[0] > place[1]
            if array[place] != 0 and not above:
                yield name, place


def _replaced(instance: Instance, name: str, place: tuple[int, ...], value: float) -> Instance:
    array = np.array(instance.all_arrays()[name])
    array[place] = value
    if name == "Q":
        array[place[::-1]] = value
    return instance.with_arrays(**{name: array})


def _round(array: np.ndarray, digits: int) -> np.ndarray:
    """To `digits` significant digits, entry by entry."""
    flat = [float(f"{value:.{digits - 1}e}") for value in np.ravel(array)]
    return np.array(flat).reshape(np.shape(array))
