"""Numbers in the documentation that come from studies are read out of their results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docs.numbers import NumbersError
from docs.numbers.sources import SOURCES, read


def reads(source: str, results: dict[str, Any], folder: Path) -> dict[str, Any]:
    (folder / SOURCES[source].file).write_text(json.dumps(results))
    return read(source, folder)


def beyond_convex() -> dict[str, Any]:
    def entry(convex: bool, shift: float, false: int) -> dict[str, Any]:
        counts = {"verified": 6, "violated": 0, "inconclusive": 2, "vacuous": 2, "tightness": 0.25 if convex else 0.5}
        asked = {name: {"false": false, "holds": 3} for name in ("B3", "B6", "B6b", "B6c", "B8")}
        held = dict.fromkeys(("B1", "B2", "B10"), counts)
        return {"convex": convex, "shift": shift, "instances": 4, "held": held, "asked": asked}

    example = {"gap": [0.6, 0.4999996], "first_false": {"B3": 17}}
    return {
        "entries": [entry(False, 0.0, 1), entry(False, 10.0, 2), entry(True, 0.0, 0)],
        "counterexamples": [{"name": "plateau", **example}, {"name": "local minimum", **example}],
        "broken": 0,
    }


def test_beyond_convex(tmp_path: Path) -> None:
    values = reads("beyond-convex", beyond_convex(), tmp_path)
    assert (values["runs_not_convex"], values["runs_convex"], values["violated"]) == (8, 4, 0)
    assert (values["b1_judged"], values["b1_vacuous"], values["b1_tightness"]) == (16, 0.25, 0.5)
    assert [values[f"b6_{n}"] for n in ("false", "asked", "false_s10", "false_convex", "asked_convex")] == [
        3,
        9,
        2,
        0,
        3,
    ]
    assert (values["counterexample_gap"], values["b3_false_from"]) == (0.5, 17)


def sensitivity() -> dict[str, Any]:
    def checkpoint(batches: int, rho: float, factor: float | None) -> dict[str, Any]:
        cell = {"family": "lasso", "shift": 0.0, "rho_median": rho, "factor_median": factor}
        return {"batches": batches, "cell": cell}

    def cell(nominal: float, least: float | None, most: float | None) -> dict[str, Any]:
        return {"nominal": nominal, "factor_median": least, "factor_worst": most}

    pairs = [("quadratic", 0.0), ("quadratic", 10.0), ("lasso", 0.0), ("lasso", 10.0), ("logistic_l1", 10.0)]
    return {
        "costs": [
            {"rho": p / 100, "guarantee_factor": 1.0 + p, "smooth": {"ratio": 2.0 + p}, "composite": {"ratio": 3.0 + p}}
            for p in (10, 25, 50, 75, 90, 99)
        ],
        "checkpoints": [checkpoint(0, 1.3, 0.9), checkpoint(0, 1.4, None), checkpoint(64, 3.0, 0.2)],
        "cells": [cell(p, 0.5, 2.0) for p in (0.1, 0.5, 0.9)] + [cell(0.5, 0.7, 4.0), cell(0.5, None, None)],
        "across": [
            {"family": family, "shift": shift, "deviation": name, "value": value}
            for family, shift in pairs
            for name, value in (("largest rho", 0.9), ("median rho", -0.5))
        ],
    }


def test_sensitivity(tmp_path: Path) -> None:
    values = reads("sensitivity", sensitivity(), tmp_path)
    assert [values[f"lasso_rho_{n}"] for n in ("untrained", "trained")] == [1.35, 3.0]
    assert [values[f"lasso_iterations_{n}"] for n in ("untrained", "trained")] == [0.9, 0.2]
    assert [values[f"{n}_at_50"] for n in ("guarantee", "worst_smooth", "worst_any")] == [51, 52, 53]
    assert [values[f"{n}_at_50"] for n in ("best_cell", "worst_run")] == [0.5, 4.0]
    assert (values["checkpoints"], values["correlation_logistic_s10"]) == (3, -0.5)


def conditioning() -> dict[str, Any]:
    def cell(axis: str, family: str, method: str, *causes: str | None) -> dict[str, Any]:
        return {"axes": [axis], "family": family, "method": method, "causes": list(causes)}

    failures = {"conditioning": 5, "instability": 4, "scale": 3, "unexplained": 2}
    return {
        "cells": [
            cell("L", "lasso", "go-math-l2o", None, None),
            cell("L", "lasso", "ista", "scale", "scale"),
            cell("kappa", "quadratic", "go-math-l2o", "conditioning", None),
            cell("kappa", "lasso", "go-math-l2o", "conditioning", None),
        ],
        "maps": [{"clear": 30}, {"clear": 12}],
        "failures": {axis: {"float64": failures, "float32": {}} for axis in ("kappa", "L")},
    }


def test_conditioning(tmp_path: Path) -> None:
    assert reads("conditioning", conditioning(), tmp_path) == {
        "default_failures_along_l": 0, "default_runs_along_l": 2, "default_failures_along_kappa": 1,
        "grid_points_judged": 42, "kappa_conditioning": 5, "kappa_unstable": 4, "kappa_unexplained": 2,
        "l_unstable": 4, "l_scale": 3, "l_unexplained": 2,
    }  # fmt: skip


MODELS = ("go-math-l2o", "l2o-pa", "l2o-dm", "l2o-rnnprop", "ada-lista")


def drift() -> dict[str, Any]:
    def cell(model: str, slower: float, excess: float, **fields: Any) -> dict[str, Any]:
        attribution = {"choice": "paired", "along": {"bracket": 0.6, "pshift": 0.1, "bshift": 0.3}}
        interval = {"low": excess, "high": excess, "lower": excess - 0.5, "upper": None}
        cost = {"slowdown": {"lower": slower}, "excess": {"fista-restart": interval}}
        flags = {"practical": True, "none": False, "control": False, "reason": ""} | fields
        return {"model": model, "costs": [cost], "attributions": [attribution], **flags}

    predictions = [{"model": m, "shift": s, "way": w} for m in MODELS for s, w in (("noise", "pooled"), ("", "levels"))]
    return {
        "cells": [
            *(cell(model, 1.5, 2.0) for model in MODELS),
            *(cell(model, 1.2, 2.659) for model in MODELS),
            *(cell(model, 0.9, 5.0) for model in MODELS),  # not slower: the problems are easier there
            *(cell(model, 1.5, 9.0, control=True) for model in MODELS),
        ],
        "predictions": [p | {"value": 0.33 if p["way"] == "levels" else 0.9} for p in predictions],
    }


def test_drift(tmp_path: Path) -> None:
    values = reads("drift", drift(), tmp_path)
    assert (values["excess_go_math_l2o"], values["excess_rnnprop"]) == (2.66, 2.66)
    assert (values["bracket_go_math_l2o"], values["bias_shift_go_math_l2o"]) == (0.6, 0.3)
    assert values["correlation_ada_lista"] == 0.33


@pytest.mark.parametrize(
    ("source", "results", "key"),
    [
        ("beyond-convex", beyond_convex(), "counterexamples"),
        ("sensitivity", sensitivity(), "across"),
        ("conditioning", conditioning(), "failures"),
        ("drift", drift(), "predictions"),
    ],
)
def test_a_missing_key_is_named(source: str, results: dict[str, Any], key: str, tmp_path: Path) -> None:
    del results[key]
    with pytest.raises(NumbersError, match=rf"{source}\.\w+ cannot be read from .*: no key '{key}'"):
        reads(source, results, tmp_path)
