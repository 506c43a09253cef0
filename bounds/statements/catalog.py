"""The catalogue: every bound by name, in the order of its numbers."""

from __future__ import annotations

import difflib
import re

from ..bound import Bound
from ..errors import InputError
from . import (
    accelerated,
    certificate,
    descent,
    features,
    guaranteed,
    history,
    linear,
    nonconvex,
    out_of_distribution,
    preconditioned,
    rates,
)


def _order(bound: Bound) -> tuple[int, str, bool]:
    number = re.fullmatch(r"B(\d+)([a-z]?)", bound.number)
    if number is None:
        raise InputError(f"`{bound.key}`: a number is B, digits and perhaps a letter; given {bound.number!r}")
    return int(number[1]), number[2], bound.variant is not None


def _collect(*groups: tuple[Bound, ...]) -> dict[str, Bound]:
    catalog: dict[str, Bound] = {}
    for bound in sorted((bound for group in groups for bound in group), key=_order):  # sorted keeps ties in place
        if bound.key in catalog:
            raise InputError(f"two entries of the catalogue are called `{bound.key}`; rename one")
        catalog[bound.key] = bound
    return catalog


_MODULES = (
    *(descent, rates, features, out_of_distribution, linear, nonconvex, history, certificate, guaranteed),
    *(accelerated, preconditioned),
)
_CATALOG = _collect(*(module.ENTRIES for module in _MODULES))
_NUMBERS = {key.replace(bound.name, bound.number, 1): key for key, bound in _CATALOG.items()}


def names(variants: bool = False) -> list[str]:
    """Names of the bounds in the order of the catalogue.

    Args:
        variants: Whether variants, "name:variant", are listed too.

    Returns:
        The keys that `get` takes.
    """
    return [key for key, bound in _CATALOG.items() if variants or bound.variant is None]


def get(name: str) -> Bound:
    """The bound of a name.

    Args:
        name: "name" or "name:variant", or its number: "B7", "B7:sharp".

    Returns:
        The entry of the catalogue.

    Raises:
        InputError: If there is none; the message has the nearest names.
    """
    key = _NUMBERS.get(name, name)
    if key in _CATALOG:
        return _CATALOG[key]
    keys = [*_CATALOG, *_NUMBERS]
    near = difflib.get_close_matches(str(name), keys, n=3) or difflib.get_close_matches(str(name), keys, 1, 0.0)
    hint = " or ".join(f"`{_NUMBERS[key]}` ({key})" if key in _NUMBERS else f"`{key}`" for key in near)
    raise InputError(f"there is no bound `{name}`. Did you mean {hint}? `l2obound bounds` lists all {len(_CATALOG)}.")
