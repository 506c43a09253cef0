"""What a sweep refuses: each bad configuration is one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2obound import l2o
from l2obound.verification.sweeps import cells_of, load_sweep, read_tables
from l2obound.verification.sweeps.executors import dask
from tests.helpers import small_sweep as small

ROOT = Path(__file__).parents[3]
TABLES = ("table", "curves", "cells")

BAD = {
    "unknown key": ({"grids": []}, "grids: unknown key"),
    "unknown field": ({"fixed": {"row": 3}}, "row: unknown key.*in the cell"),
    "bad value": ({"grid": [{"lam": [0.1, -1]}]}, "lam: expected a number >= 0, got -1.*lam = -1"),
    "empty axis": ({"grid": [{"lam": []}]}, "axis lam is empty"),
    "axis no list": ({"grid": [{"lam": 0.1}]}, "grid.*list"),
    "unknown optimizer": ({"fixed": {"optimizer": "istaa"}}, "'istaa': neither a model"),
    "unknown family": ({"fixed": {"family": "knapsack"}}, "knapsack"),
    "unknown bound": ({"bounds": ["B99"]}, "B99"),
    "eps": ({"eps": [0.0]}, "eps"),
    "batches of a table": ({"fixed": {"family": "digits"}}, "digits is one instance"),
    "no weights": ({"fixed": {"family": "quadratic", "optimizer": "go-math-l2o"}}, "no weights trained for quadratic"),
    "no shipped weights": (
        {
            "fixed": {"family": "quadratic", "optimizer": "own"},
            "model": [{"key": "own", "name": "go-math-l2o", "weights": "shipped"}],
        },
        "quadratic",
    ),
    "two models of a name": ({"model": [{"key": "a", "name": "ista"}, {"key": "a", "name": "fista"}]}, "must differ"),
    "weights of ista": ({"model": [{"key": "a", "name": "ista", "weights": "random"}]}, "no weights"),
    "train alone": ({"model": [{"key": "a", "name": "l2o-pa", "train": small.TRAIN}]}, "belong together"),
    "bad training": (
        {"model": [{"key": "a", "name": "l2o-pa", "weights": "trained", "train": {"training": {"epoch": 2}}}]},
        "epoch: unknown key",
    ),
    "bad option": ({"model": [{"key": "a", "name": "ista", "options": {"speed": 1}}]}, "no option 'speed'"),
    "no folder": (
        {"fixed": {"optimizer": "a"}, "model": [{"key": "a", "name": "l2o-pa", "weights": "/no/such"}]},
        "no finished training",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_configuration_is_one_clear_error(case: str) -> None:
    source, says = BAD[case]
    with pytest.raises(l2o.InputError, match=says) as caught:
        cells_of(load_sweep(source))
    assert "\n" not in str(caught.value)


def test_other_errors_are_clear(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(l2o.InputError, match="cannot be used as a sweep's folder"):
        small.sweep(tmp_path / "file")
    with pytest.raises(l2o.InputError, match="no Dask scheduler answers"):
        list(dask("tcp://127.0.0.1:9", timeout=0.5)([1], print, print))
    (tmp_path / "table.parquet").write_bytes(b"x")
    with pytest.raises(l2o.InputError, match="damaged"):
        read_tables(tmp_path)
    (tmp_path / "bad.toml").write_text("a = ")
    with pytest.raises(l2o.InputError, match="not valid TOML"):
        load_sweep(tmp_path / "bad.toml")
