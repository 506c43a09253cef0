"""The catalogue: every bound by name, in the order of its numbers."""

from __future__ import annotations

import difflib
import re

from . import descent, out_of_distribution, rates
from ._bound import Bound
from ._errors import InputError


def _order(bound: Bound) -> tuple[int, str, bool]:
    digits, letter = re.fullmatch(r"B(\d+)([a-z]?)", bound.number).groups()
    return int(digits), letter, bound.variant is not None


def _collect(*groups: tuple[Bound, ...]) -> dict[str, Bound]:
    found: dict[str, Bound] = {}
    for bound in sorted((bound for group in groups for bound in group), key=_order):  # sorted keeps ties in place
        if bound.key in found:
            raise InputError(f"two entries of the catalogue are called `{bound.key}`; rename one")
        found[bound.key] = bound
    return found


_CATALOG = _collect(descent.ENTRIES, rates.ENTRIES, out_of_distribution.ENTRIES)


def names(variants: bool = False) -> list[str]:
    """Names of the bounds in catalogue order; with `variants` also "name:variant"."""
    return [key for key, bound in _CATALOG.items() if variants or bound.variant is None]


def get(name: str) -> Bound:
    """The bound called "name" or "name:variant"; `InputError` with the nearest names if there is none."""
    if name in _CATALOG:
        return _CATALOG[name]
    near = difflib.get_close_matches(str(name), _CATALOG, n=3)
    hint = f" Did you mean {' or '.join(f'`{key}`' for key in near)}?" if near else ""
    raise InputError(f"there is no bound `{name}`.{hint} The catalogue has: {', '.join(_CATALOG)}")
