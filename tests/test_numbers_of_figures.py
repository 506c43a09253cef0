"""What is read out of the results of figures of the paper and of the sweep of the defects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from docs.numbers import NumbersError, defects, figures
from docs.numbers.sources import read


def test_figures() -> None:
    def line(method: str, panel: float | None, median: float | None, diverged: int = 0) -> dict[str, Any]:
        share = 0.0 if median is None else 1.0
        return {
            "status": "done", "panel": panel, "line": [method], "method": method, "label": method.upper(),
            "instances": 4, "diverged": diverged, "mean_gap": {"96": 2e-7, "1000": None},
            "reached": {"1e-04": {"share": share, "median": median}},
        }  # fmt: skip

    def claim(word: str, steps: list[float | None]) -> dict[str, Any]:
        return {"claim": "go-math-l2o < l2o-pa", "panel": 10.0, "line": [], "word": word, "steps": {"1e-04": steps}}

    one = [line("go-math-l2o", None, 20), line("l2o-pa", None, None, 3), line("fista", None, 50)]
    shifted = [line("go-math-l2o", 10.0, 20), line("l2o-pa", 10.0, 30, 1), line("fista-restart", 10.0, 45)]
    made: dict[str, Any] = {
        "figure-01": {"figure": 1, "title": "all", "panel": None, "fixed": {"steps": 1000}, "lines": one},
        "figure-03": {"figure": 3, "title": "moved", "panel": "s", "fixed": {"steps": 1000}, "lines": shifted},
    }
    made["figure-01"]["claims"] = [claim("holds", [20, None])]
    made["figure-03"]["claims"] = [claim("holds", [20, 30]), claim("mixed", [20, 10])]
    assert figures.iterations(made["figure-01"]) == "GO-MATH-L2O 20, FISTA 50; not within 1,000: L2O-PA"
    assert figures.claim(made["figure-01"], "go-math-l2o < l2o-pa") == "GO-MATH-L2O before L2O-PA: holds"
    words = "GO-MATH-L2O before L2O-PA: holds in 1 of 2 panels, differs with the gap in 1; L2O-PA needs 0.50 to 1.50"
    words += " times as many iterations"
    assert figures.claim(made["figure-03"], "go-math-l2o < l2o-pa") == words
    assert len(figures.table(made).splitlines()) == 4
    assert "| L2O-PA | 2.0e-7, diverges on 3 | 2.0e-7, diverges on 1 |" in figures.gaps(made, (1, 3, 3))
    values = {name: figures.FULL_FIGURES[name](made) for name in ("holds_3", "panels_3", "diverged_3", "restart_3")}
    assert values == {"holds_3": 1, "panels_3": 2, "diverged_3": "1 of 4", "restart_3": "2.25 to 2.25"}


def ablation_line(name: str, panel: float | None = None, **medians: float | None) -> dict[str, Any]:
    steps = {eps: medians.get(f"to{eps[-1]}") for eps in figures.GAPS}
    reached = {eps: {"share": 0.0 if k is None else 1.0, "median": k} for eps, k in steps.items()}
    return {
        "status": "done", "panel": panel, "line": [name], "method": "go-math-l2o", "label": name.upper(),
        "instances": 4, "reached": reached,
    }  # fmt: skip


def ablation_claim(panel: float | None, steps: list[float | None]) -> dict[str, Any]:
    return {"claim": "a < b", "panel": panel, "line": [], "word": "holds", "steps": {"1e-04": steps}}


def test_ablations() -> None:
    one = [ablation_line("a", to2=10, to4=20), ablation_line("b", to2=9)]
    two = [ablation_line("a", 10.0, to4=20), ablation_line("b", 10.0, to4=25)]
    made = {f"figure-{n:02d}": {"lines": one, "claims": [ablation_claim(None, [20, None])]} for n in (5, 10)}
    made |= {f"figure-{n}": {"lines": two, "claims": [ablation_claim(10.0, [20, 25])]} for n in (11, 12)}
    values = {name: read(made) for name, read in figures.ABLATIONS.items()}
    assert values["variants"].splitlines()[2:4] == ["| 5 | A | 10 | 20 | ∞ | ∞ |", "| 5 | B | 9 | ∞ | ∞ | ∞ |"]
    assert values["claims"].splitlines()[0] == "- Figure 5, A before B: holds."
    assert (values["instances"], values["largest_ratio"]) == (4, 1.25)


def test_training_settings() -> None:
    lines = {
        "06": [ablation_line("7", to2=10, to4=20), ablation_line("8", to2=9)],
        "07": [ablation_line("9", to4=25), ablation_line("10", to4=19)],
        "08": [ablation_line("17", to4=26), ablation_line("18", to4=16.5)],
        "09": [ablation_line("a", to4=20), ablation_line("b", to4=25)],
    }
    made = {f"figure-{n}": {"lines": of, "claims": [ablation_claim(None, [20, 25])]} for n, of in lines.items()}
    values = {name: read(made) for name, read in figures.SETTINGS.items()}
    first = "| 6 | 7 to 8 | 9 (8) to 10 (7) | 20 (7) to 20 (7), 1 of 2 do not arrive | none arrives | none arrives |"
    assert values["settings"].splitlines()[2] == first
    assert values["claims"] == "- Figure 9, A before B: holds."
    assert (values["arriving"], values["chosen"], values["ahead"], values["fewest"]) == (5, "20", 2, "16.5")
    assert values["behind"] == "17"


def defect_rows() -> list[dict[str, Any]]:
    """One instance in each cell of the sweep of the defects, and one more that diverges."""

    def row(optimizer: str, gap: float | None, reached: int | None = None, **fields: Any) -> dict[str, Any]:
        cell = {"family": "lasso", "t": 0.0, "prox": "exact", "smoothness": "exact", "batch": 32, "steps": 500}
        return {"optimizer": optimizer, **cell, **fields, "gap_final": gap, defects.AT: reached}

    shifted = [
        row(name, 1.1 if prox == "official" else 1e-14, t=t, prox=prox)
        for name in defects.SHIFTED
        for t in (-10.0, 10.0)
        for prox in ("official", "exact")
    ]
    of_batches = [row(name, 0.25, batch=size) for pair in defects.OF_BATCHES for name in pair for size in (1, 128)]
    logistic = [
        row(name, 2e-3 if constant == "official" else 0.0, 40 if constant == "official" else 10,
            family="logistic_l1", smoothness=constant)
        for name in defects.LOGISTIC
        for constant in ("official", "exact")
    ]  # fmt: skip
    diverged = row("l2o-pa", None, t=10.0, prox="exact")
    return [*shifted, *of_batches, *logistic, diverged]


def test_defects(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.Table.from_pylist(defect_rows()), tmp_path / "table.parquet")
    values = read("defects", tmp_path)
    proxes = values["proxes"].splitlines()[2:]
    assert proxes[0] == "| t = 10, the authors' prox | 1.1 | 1.1 | 1.1 | 1.1 | 1.1 |"
    assert proxes[1].endswith("| 1.0e-14 | diverges on 1 of 2 |")
    assert values["batches"].splitlines()[2] == "| L2O-DM | as in the authors' code | 0.25 | 0.25 |"
    assert values["constants"].splitlines()[2:4] == [
        "| L 4 times too large | 2.0e-3 | 2.0e-3 | 2.0e-3 | 2.0e-3 |",
        "| L 4 times too large: iterations to 1e-4 | 40 | 40 | 40 | 40 |",
    ]
    numbers = ("instances", "steps", "same_height", "ista_official", "fista_exact")
    assert [values[name] for name in numbers] == [1, 500, 1.0, "40", "10"]
    rows = [row | {defects.AT: None} for row in defect_rows()]
    assert defects.DEFECTS["ista_official"](rows) == "more than 500"


def test_a_cell_of_the_defects_that_was_not_run_is_named(tmp_path: Path) -> None:
    rows = [row for row in defect_rows() if row["optimizer"] != "adam-hd-coupled"]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "table.parquet")
    with pytest.raises(NumbersError, match=r"no row with .*adam-hd-coupled"):
        read("defects", tmp_path)
