"""The table of a level that a model does not fit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from l2obound.verification.studies.drift import STUDY
from l2obound.verification.studies.drift._measure import Cell


def test_a_level_that_does_not_apply_is_a_row_with_its_reason() -> None:
    cell = Cell("ada-lista", "dimension", "10×20", False, False, True, True, reason="its weights are of 20 rows")
    (row,) = STUDY.rows(cast("Any", SimpleNamespace(cells=(cell,))))
    assert row["reason"] == "its weights are of 20 rows"
    assert row["reached"] is row["slowdown low"] is None
