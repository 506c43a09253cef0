"""Making a finding small: fewer variables, zeros, few digits, as long as it stays what it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ._families import AXES, Instance
from ._judge import Judged

Move = Callable[[Instance], Instance | None]
"""What makes an instance simpler; None where it cannot."""

_DIGITS = (1, 2, 3, 4, 6)
_PASSES = 3


def shrink(
    current: Judged,
    judged: Callable[[Instance], Judged | None],
    keeps: Callable[[Judged], bool],
    *,
    trials: int = 120,
    seconds: float = 20.0,
    tell: Callable[[int, int], None] | None = None,
) -> Judged:
    """The simplest instance met for which `keeps` holds; at most `trials` are judged, none after `seconds`.

    `tell` is called before each trial with the number of those before it, and with `trials`.
    """
    begun, left = time.monotonic(), trials

    def attempt(instance: Instance) -> Judged | None:
        nonlocal left
        if left <= 0 or time.monotonic() - begun > seconds:
            return None
        if tell is not None:
            tell(trials - left, trials)
        left -= 1
        result = judged(instance)
        return result if result is not None and keeps(result) else None

    for _ in range(_PASSES):
        before = current
        for moves in (_fewer, _unshifted, _unit, _zeros, _rounded):
            for move in moves(current):
                instance = move(current.instance)
                if instance is not None and not _same(instance, current.instance):
                    current = attempt(instance) or current
        if current is before:
            break
    return current


def _same(one: Instance, two: Instance) -> bool:
    pairs = zip(one.all_arrays().values(), two.all_arrays().values())
    return one.dim == two.dim and all(np.array_equal(a, b) for a, b in pairs)


def _fewer(current: Judged) -> Iterator[Move]:
    """Without one variable; without one row of data."""
    for i in reversed(range(current.instance.dim)):
        yield partial(_without_variable, i=i)
    for j in reversed(range(len(current.instance.arrays.get("A", ())))):
        yield partial(_without_row, j=j)


def _without_row(instance: Instance, j: int) -> Instance | None:
    if len(instance.arrays["y"]) == 1:
        return None
    return instance.with_arrays(**{name: np.delete(instance.arrays[name], j, 0) for name in ("A", "y")})


def _without_variable(instance: Instance, i: int) -> Instance | None:
    if instance.dim == 1:
        return None
    changes = {}
    for name, axes in AXES[instance.kind].items():
        array = instance.arrays[name]
        for axis in axes:
            array = np.delete(array, i, axis)
        changes[name] = array
    return instance.with_arrays(**changes, x0=np.delete(instance.x0, i), shift=np.delete(instance.shift, i))


def _unshifted(current: Judged) -> Iterator[Move]:
    """No shift, the start moved along (the same run for what is equivariant) or not."""
    yield lambda instance: instance.with_arrays(x0=instance.x0 + instance.shift, shift=0 * instance.shift)
    yield lambda instance: instance.with_arrays(shift=0 * instance.shift)


def _unit(current: Judged) -> Iterator[Move]:
    """In units of R, and of L: the same run for what does not mind."""
    R, L = current.measured["R"], current.measured["L"]

    def lengths(instance: Instance) -> Instance:
        changes = {name: a if name in ("A", "Q") else a / R for name, a in instance.arrays.items()}
        return instance.with_arrays(**changes, x0=instance.x0 / R, shift=instance.shift / R)

    def curvatures(instance: Instance) -> Instance:
        roots = ("A", "y", "delta")  # f is quadratic in them
        by = {name: 1.0 if name == "radius" else L**0.5 if name in roots else L for name in instance.arrays}
        return instance.with_arrays(**{name: a / by[name] for name, a in instance.arrays.items()})

    if abs(R - 1) > 1e-6 and 1e-9 < R < 1e9:
        yield lengths
    if abs(L - 1) > 1e-6 and 1e-12 < L < 1e12:
        yield curvatures


def _zeros(current: Judged) -> Iterator[Move]:
    """One entry 0, of a symmetric matrix two."""
    for name, place in _entries(current.instance):
        yield partial(_replaced, name=name, place=place, value=0.0)


def _rounded(current: Judged) -> Iterator[Move]:
    """Everything to few digits, then one entry after the other to fewer."""
    for digits in _DIGITS:
        yield partial(_all_rounded, digits=digits)
    for name, place in _entries(current.instance):
        for digits in _DIGITS:
            yield partial(_entry_rounded, name=name, place=place, digits=digits)


def _all_rounded(instance: Instance, digits: int) -> Instance:
    return instance.with_arrays(**{name: _round(a, digits) for name, a in instance.all_arrays().items()})


def _entry_rounded(instance: Instance, name: str, place: tuple[int, ...], digits: int) -> Instance:
    return _replaced(instance, name, place, float(_round(instance.all_arrays()[name][place], digits)))


def _entries(instance: Instance) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and places of the entries that are not 0; of a symmetric matrix those on and above the diagonal."""
    for name, array in instance.all_arrays().items():
        for place in np.ndindex(array.shape):
            if array[place] != 0 and not (name == "Q" and place[0] > place[1]):
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
