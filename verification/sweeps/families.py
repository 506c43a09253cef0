"""The problem of a cell: its family (see `l2o.problems.families`) with the fields that the family reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import InputError
from ...l2o.problems import Composite
from ...l2o.problems.families import FAMILIES, family_of
from ...l2o.problems.families import build as build_family

if TYPE_CHECKING:
    from .config import CellSpec


def build(spec: CellSpec, seed: int) -> Composite:
    """The problem of a cell, in distribution (not shifted), in float64; of a table of data the rows in their order."""
    family = family_of(spec.family)
    options = {name: getattr(spec, name) for name in family.fields if name in type(spec).model_fields}
    try:
        return build_family(spec.family, spec.batch, 0 if family.single else seed, **options)
    except TypeError as problem:
        raise InputError(f"family {spec.family}: {problem}.") from None


__all__ = ["FAMILIES", "build"]
