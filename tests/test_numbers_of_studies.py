"""Numbers in the documentation that come from studies are read out of their results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docs.numbers import NumbersError, render
from docs.numbers.sources import SOURCES, read
from docs.numbers.training import TRAINING


def reads(source: str, results: dict[str, Any], folder: Path) -> dict[str, Any]:
    (folder / SOURCES[source].file).write_text(json.dumps(results))
    return read(source, folder)


def conditioning() -> dict[str, Any]:
    """A quadratic, two condition numbers, two L and two c; the default fails at c = 0.4, by instability."""
    causes = dict.fromkeys(("precision", "instability", "scale", "wrong L", "conditioning", "unexplained"), 0)
    causes["instability"] = 5

    def cell(
        method: str, axes: list[str], dtype: str = "float64", c: float = 1.0, kappa: float = 1.0
    ) -> dict[str, Any]:
        cause = "instability" if c < 1 else "conditioning" if kappa > 1 else None
        return {
            "method": method, "axes": axes, "family": "quadratic", "dtype": dtype, "c": c, "kappa": kappa, "L": 10.0,
            "causes": [cause], "failed": int(cause is not None), "iterations": [None if cause else 250],
        }  # fmt: skip

    methods = ("go-math-l2o", "random weights", "l2o-pa", "gradient step", "fista-restart")
    cells = [
        made
        for method in methods
        for made in (
            cell(method, ["kappa", "L", "c"]),
            cell(method, ["kappa", "L"], "float32"),
            cell(method, ["c"], c=0.4),
            cell(method, ["kappa"], kappa=1e5),
        )
    ]
    row = {"name": "FISTA", "exact_from": 1e-18, "exact_to": 1e20, "blind": True}
    frozen = {"name": "history", "r": 1.0, "q": 0.5, "b": 0.5, "kappa": 1e4, "none_predicted": False}
    frozen["none_observed"] = False
    return {
        "settings": {"methods": list(methods), "families": ["quadratic"], "cs": [0.4, 1.0], "map_kappas": [1.0, 1e4]},
        "cells": cells,
        "maps": [{"disagreements": []}, {"disagreements": [[1.0, 0.5]]}],
        "invariances": [
            {**row, "dtype": "float64", "roundings": 2.753},
            {**row, "dtype": "float32", "roundings": None, "blind": False},
        ],
        "guards": {
            dtype: {
                "divisor_above": 11101.1, "step_above": 1e20, "features_below": 1.37e-19,
                "squares_overflow_above": 2e154, "squares_underflow_below": 2e-153,
            }
            for dtype in ("float64", "float32")
        },
        "survivors": [
            {**frozen, "predicted": [0.434, None], "observed": [None, 1.2]},
            {**frozen, "kappa": 1.0, "predicted": [None, None], "observed": [None, None]},
        ],
        "failures": {axis: {"float64": causes, "float32": causes} for axis in ("kappa", "c")},
        "broken": [],
        "sentences": [
            "The size of L needs no tuning: 0 of 72.", "Condition numbers from 1 to 1e8: 24 of 72.",
            "Of the factors {0.4, 1} the default is stable down to 1.", "Stability: 0 disagreements.",
            "Precision: 680.",
            "104 failed runs are not explained: some.",
        ],
    }  # fmt: skip


def test_conditioning(tmp_path: Path) -> None:
    values = reads("conditioning", conditioning(), tmp_path)
    numbers = {name: value for name, value in values.items() if not isinstance(value, str)}
    assert numbers == {
        "broken": 0, "map_disagreements": 1, "size_of_l_matters": 0, "default_failures_along_l": 0,
        "default_unstable_along_kappa": 0, "default_unstable_below_1": 1,
    }  # fmt: skip
    assert values["answers"].splitlines()[0] == "- The size of L needs no tuning: 0 of 72."
    assert len(values["answers"].splitlines()) == 4
    assert values["sizes"].splitlines()[2:] == [
        "| FISTA | up to 2.75 units of rounding; equal bit by bit for L from 1e-18 to 1e20 | depends on L |"
    ]
    assert values["constants"].splitlines()[2] == "| the constant in the step, above L = | 1e20 | 1e20 |"
    assert values["condition_numbers"].splitlines()[2] == "| go-math-l2o | up to 1 (250 steps at 1) |"
    assert values["declared"].splitlines()[2] == "| go-math-l2o | quadratic | 1 | 0.4 |"
    assert values["frozen"].splitlines()[2:] == ["| history | 1 | 0.5 | 0.5 | from 0.434 | to 1.2 |"]
    assert values["failures"].splitlines()[2:] == [
        "| kappa | float64 | 5 of 10 | 0 | 5 | 0 | 0 | 0 | 0 |",
        "| kappa | float32 | 5 of 5 | 0 | 5 | 0 | 0 | 0 | 0 |",
        "| c | float64 | 5 of 10 | 0 | 5 | 0 | 0 | 0 | 0 |",
    ]


def test_a_sentence_that_is_missing_is_named(tmp_path: Path) -> None:
    results = conditioning()
    results["sentences"].pop()
    with pytest.raises(NumbersError, match="no sentence of the results has 'not explained: '"):
        reads("conditioning", results, tmp_path)


def test_a_claim_that_a_sentence_contradicts_is_seen(tmp_path: Path) -> None:
    results = conditioning()
    results["sentences"][0] = "The size of L does matter: 3 of 72."
    facts = {"conditioning": {"values": reads("conditioning", results, tmp_path)}}
    with pytest.raises(NumbersError, match="write that paragraph anew"):
        render("<!-- holds: conditioning.size_of_l_matters == 0 -->\n", facts)


def beyond_convex() -> dict[str, Any]:
    """A loss that is not convex and its convex partner on data, and a convex f on a set."""

    def entry(convex: bool, part: str, method: str = "go-math-l2o", **fields: Any) -> dict[str, Any]:
        held = {"verified": 9, "violated": 0, "inconclusive": 1, "vacuous": 5, "tightness": 0.25}
        outcome = {"false": 0 if convex else 2, "holds": 8}
        parts = {"convexity": -0.5, "smoothness": 0.0, "r": 0.0, "squares": 0.25}
        return {
            "part": part, "convex": convex, "method": method, "family": "logistic" if convex else "sigmoid",
            "steps_judged": 10, "rises": 0 if convex else 1, "least_rho_of_rises": None if convex else 1.5,
            "unexplained": 0, "stationarity": 1e-3, "stationarity_bound": 2e-3,
            "ledger": dict.fromkeys(("B6", "B6b", "B6c"), parts),
            "shift": 10.0, "instances": 10, "held": dict.fromkeys(("B1", "B2", "B10"), held),
            "asked": dict.fromkeys(("B3", "B6", "B6b", "B6c", "B8"), outcome), "left_at": [None], "iterations": [5],
            **fields,
        }  # fmt: skip

    methods = ("go-math-l2o", "l2o-pa", "safeguarded go-math-l2o", "safeguarded l2o-pa", "ista", "fista")
    on_sets = [entry(True, "sets", method, left_at=[1, None] if method == "l2o-pa" else [None]) for method in methods]
    example = {
        "x": [4.0] * 71,
        "smoothness": 1.0,
        "gap": [0.6, 0.5],
        "convexity": [-0.5, -0.5],
        "lower": 0.0,
        "upper": 1e-10,
    }
    end = {"lower": 1, "equal": 39, "higher": 0, "not settled": 0}
    minimum = {"family": "sigmoid", "shift": 0.0, "method": "l2o-pa", "n": 40, "counts": end, "restless": 3}
    curve = {"family": "sigmoid", "method": "ista", "steps": [1, 2], "least": [2.0, 1.0], "bound": [8.0, 6.0]}
    return {
        "settings": {"eps": 1e-3, "horizon": 1000},
        "entries": [entry(False, "pairs"), entry(True, "pairs"), *on_sets],
        "counterexamples": [
            {**example, "name": "plateau", "first_false": {"B3": 17, "B6": 1, "B6b": 16, "B6c": 9, "B8": 62}},
            {**example, "name": "local minimum", "first_false": {"B3": 61, "B6": 13, "B6b": 60, "B6c": 31, "B8": None}},
        ],
        "minima": [
            {**minimum, "low": {word: n / 50 for word, n in end.items()}, "high": dict.fromkeys(end, 0.5)},
            {"family": "logistic", "shift": 0.0, "method": "l2o-pa", "n": 40, "restless": 0},
        ],
        "curves": [{**curve, "exact": [4.0, 4.0]}, {**curve, "method": "l2o-pa", "exact": [None, None]}],
        "broken": 0,
        "sentences": [
            "B6, on the worst run of each of the 2 entries.", "F rises at 7 steps in all.",
            "ista: min ||G_k||^2 is 1 of B10.",
            "welsch, gradient descent, 12 steps: least squared gradient 1.",
            "l2o-pa has not come to rest after 9 steps.",
            "Size of grad f along proximal gradient, 1.9.",
        ],
    }  # fmt: skip


def test_beyond_convex(tmp_path: Path) -> None:
    values = reads("beyond-convex", beyond_convex(), tmp_path)
    numbers = {name: value for name, value in values.items() if not isinstance(value, str)}
    assert numbers == {
        "runs_not_convex": 10, "runs_convex": 70, "runs_on_sets": 60, "violated": 0, "broken": 0, "steps_judged": 10,
        "b6_false": 2, "b6b_false": 2, "b6c_false": 2, "b6_asked": 10, "b6_asked_convex": 56, "false_convex": 0,
        "counterexample_gap": 0.5, "minimum_width": 1e-10, "b3_false_from": 17, "b3_false_from_minimum": 61,
        "left_by_go_math_l2o": 0, "sets_false": 0, "sets_asked": 48, "rises_in_all": 1, "rises_least_rho": 1.5,
        "rises_unexplained": 0,
    }  # fmt: skip
    assert values["survive"].splitlines()[2] == "| B1, per step | 10 | 9 | 0 | 1 | 50 % | 0.25 |"
    assert values["needed"].splitlines()[2] == "| B3 | 2 of 10 | 2 | 0 of 56 |"
    assert values["counterexamples"].splitlines()[-2] == "| B8 is false from | K = 62 | none up to 70 |"
    (ends,) = values["minima"].splitlines()[2:]
    assert ends.startswith("| sigmoid | 0 | l2o-pa | 1 of 40 [2.0 %, 50.0 %] | 39 of 40 [78.0 %, 50.0 %] |")
    assert values["constrained"].splitlines()[2:4] == [
        "| go-math-l2o | 0 of 10 runs | 1 of 10 | 5 |",
        "| l2o-pa | 1 of 10 runs, in the median at step 1 | 1 of 10 | 5 |",
    ]
    assert values["rest"].splitlines()[2] == "| l2o-pa | 3 of 40 (sigmoid, s = 0: 3) | 0 of 40 |"
    assert values["ledger"].splitlines()[2] == (
        "| B6 | 1 | 0.5 to 0.5 | 0 to 0 (descent lemma) | 0.25 to 0.25 | 1 of 1 |"
    )
    assert values["rises"].splitlines()[2] == "| go-math-l2o | 10.0 % | 0.0 % |"
    assert values["exact_worst"].splitlines()[2:] == ["| sigmoid | 2 | 1 | 4 | 6 | 1.50 |"]
    assert values["of_b10"].splitlines()[2] == "| go-math-l2o | 1 | 5.0e-1 | 5.0e-1 |"


def sensitivity() -> dict[str, Any]:
    """One pattern, and one training of LASSO with two stages."""

    def checkpoint(batches: int, rho: float, factor: float) -> dict[str, Any]:
        cell = {"family": "lasso", "shift": 0.0, "guaranteed": False, "diverged": 0}
        return {"batches": batches, "cell": {**cell, "rho_median": rho, "factor_median": factor}}

    across = {
        "family": "lasso",
        "shift": 0.0,
        "deviation": "median rho",
        "value": -0.5,
        "low": -0.7,
        "high": -0.2,
        "clear": True,
    }
    return {
        "costs": [
            {"rho": rho, "guarantee_factor": 1 / (1 - rho**2), "smooth": {"ratio": 2.0}, "composite": {"ratio": 3.0}}
            for rho in (0.0, 0.1, 0.5, 0.9)
        ],
        "cells": [{"nominal": rho, "factor_median": 0.75, "factor_worst": 2.14} for rho in (0.1, 0.5, 0.9)],
        "checkpoints": [checkpoint(0, 1.35, 0.85), checkpoint(64, 3.02, 0.24)],
        "across": [across],
        "correlations": [{**across, "model": "l2o-pa", "value": 0.1, "clear": False, "deviation_median": 1.5}],
        "broken": 0,
        "sentences": [
            "3 of 4 cells are inside the region rho < 1.",
            "momentum: Runs end above F(x_0) or diverge on none.",
        ],
    }


def test_sensitivity(tmp_path: Path) -> None:
    values = reads("sensitivity", sensitivity(), tmp_path)
    assert values["costs"].splitlines()[3] == "| 0.5 | ×1.33 | ×2 | ×3 | ×0.75 | ×2.14 |"
    assert values["training"].splitlines()[2:] == [
        "| lasso, 0 | 1.35 → 3.02 | ×0.85 → ×0.24 | -0.50 [-0.70, -0.20]: more ρ, faster |"
    ]
    assert values["instances"].splitlines()[2:] == ["| l2o-pa | lasso | 0 | 1.5 | +0.10 [-0.70, -0.20]: not clear |"]
    assert (values["checkpoints"], values["checkpoints_inside"], values["checkpoints_diverged"]) == (2, 0, 0)
    assert (values["lasso_rho_trained"], values["best_cell_at_50"], values["worst_run_at_90"]) == (3.02, 0.75, 2.14)


MODELS = ("go-math-l2o", "l2o-pa", "l2o-dm", "l2o-rnnprop", "ada-lista")


def drift() -> dict[str, Any]:
    def cell(model: str, slower: float, excess: float, **fields: Any) -> dict[str, Any]:
        parts = {"bracket": 0.6, "pshift": 0.1, "bshift": 0.3}
        attribution = {"choice": "paired", "along": parts, "share": parts, "dz": 1.25}
        others = {"choice": "coordinate", "along": parts, "share": parts, "dz": 0.5}
        interval = {"low": excess, "high": excess, "lower": excess - 0.5, "upper": None}
        cost = {"slowdown": {"lower": slower}, "excess": {"fista-restart": interval}}
        flags = {"practical": True, "none": False, "control": False, "reason": ""} | fields
        split = {"attributions": [others if flags.get("shift") == "dimension" else attribution, others]}
        return {"model": model, "shift": "noise", "level": "1", "costs": [cost], **split, **flags}

    compared = {"first": "go-math-l2o", "second": "l2o-pa", "shift": "noise", "practical": True}
    ratio = {"low": 0.5, "high": 0.75, "lower": 0.25, "upper": None}
    predictions = [{"model": m, "shift": s, "way": w} for m in MODELS for s, w in (("noise", "pooled"), ("", "levels"))]
    return {
        "cells": [
            *(cell(model, 1.5, 2.0) for model in MODELS),
            *(cell(model, 1.2, 2.659) for model in MODELS),
            *(cell(model, 0.9, 5.0) for model in MODELS),  # not slower: the problems are easier there
            *(cell(model, 1.5, 9.0, control=True) for model in MODELS),
            *(cell(model, 1.5, 9.0, shift="dimension", level="10×20") for model in MODELS),
        ],
        "overall": [{**compared, "verdict": "l2o-pa", "ratio": ratio}],
        "comparisons": [
            {**compared, "verdict": "open", "control": False},
            {**compared, "verdict": "", "control": True},
        ],
        "sentences": [
            "l2o-pa needs 7 iterations in distribution and loses most under noise.",
            "The problems themselves become harder at 14 levels.",
            "With ista as the yardstick in place of fista-restart.",
            "At eps = 0.01 the answer is the same.",
            "l2o-pa: of the sum of ||e'|| the largest part is the bracket.",
            "l2o-pa, other sizes, each coordinate beside the nearest one.",
            "go-math-l2o divides its features by norms at x_0.",
            "l2o-pa, rank correlation of ||Dz|| with the excess.",
            "Caution for l2o-pa.",
            "No bound is violated under any shift.",
            "The paper says that one is more robust.",
            "The practical shift that costs most is lam 1.",
            "noise: the loss of go-math-l2o is less.",
        ],
        "predictions": [
            p | {"value": 0.33 if p["way"] == "levels" else 0.9, "low": 0.1, "high": None} for p in predictions
        ],
    }


def test_drift(tmp_path: Path) -> None:
    values = reads("drift", drift(), tmp_path)
    assert (values["bracket_go_math_l2o"], values["bias_shift_go_math_l2o"]) == (0.6, 0.3)
    assert values["correlation_ada_lista"] == 0.33
    row = "| go-math-l2o | part of the sum of norms of e' | 60 % | 10 % | 30 % | 60 % | 10 % | 30 % |"
    assert values["attribution"].splitlines()[2] == row
    assert values["leads"].splitlines()[2] == "| go-math-l2o | 3 of 3 | 0 of 3 | 0 of 3 |"
    assert values["features"].splitlines()[2:4] == [
        "| go-math-l2o | noise | +0.90 | – |",
        "| go-math-l2o | all practical levels | +0.33 | – |",
    ]
    assert values["cautions"].splitlines()[2] == "| go-math-l2o | 1.25 | 0 of 3 |"
    assert values["rivals"].splitlines()[2] == "| noise | 0 | 0 | 1 | 0.5 to 0.75 [0.25, ∞] | l2o-pa loses less |"
    assert values["sizes"].splitlines()[2:4] == [
        "| go-math-l2o | 10×20 | 60 % | 10 % | 30 % | 0.5 |",
        "| go-math-l2o | control | 60 % | 10 % | 30 % | 0.5 |",
    ]


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


def test_training() -> None:
    """Two seeds side by side, at the stages that both have."""

    def row(name: str, updates: int | None, iterations: int, best: bool = False) -> dict[str, Any]:
        numbers = {"iterations": [9, iterations], "mean_gap": 1e-5}
        return {"training": name, "updates": updates, "best": best, **numbers}

    models = [f"{model}-lasso{size}" for model in ("go-math-l2o", "l2o-pa") for size in ("", "-250x500")]
    rows = [row(name, updates, 30) for name in models for updates in (150, 7500)]
    rows += [row(f"{name}-seed-1", 150, 40) for name in models]
    lines = TRAINING["seeds"]({"rows": rows}).splitlines()
    assert lines[2:] == ["| 150 " + 4 * "| 30, 40 " + "|"]
    assert TRAINING["seeds_apart_first"]({"rows": rows}) == 10


def speed() -> dict[str, Any]:
    """Training steps of two sizes with each kernel, and an iteration of each method."""
    seconds = {"1": 0.5, "generic": 1.5, "avx2": 0.75, "avx512": 0.5, "0": 2.0}
    steps = [
        {"size": size, "method": "go-math-l2o", "family": "lasso", "kernel": kernel, "seconds": s, "floor": 0.2}
        for size in ("20x40", "250x500")
        for kernel, s in seconds.items()
    ]
    methods = {"ista": 1e-3, "fista": 1.5e-3, "l2o-pa": 3e-3, "go-math-l2o": 4e-3}
    iterations = [
        {"size": "20x40", "precision": "float32", "task": "rollout", "method": name, "seconds": s, "floor": 1e-4}
        for name, s in methods.items()
    ]
    return {"threads": 2, "training": steps, "iterations": iterations}


def test_speed(tmp_path: Path) -> None:
    values = reads("speed", speed(), tmp_path)
    assert values["training"].splitlines()[2] == "| LASSO 20 x 40, GO-Math-L2O | 0.50 | 2.0 | 4.0 | 0.20 |"
    assert values["instructions"].splitlines()[2] == "| AVX-512 | 0.50 | 0.50 |"
    assert values["iterations"].splitlines()[2].endswith("`l2o.rollout` | 1.0 | 1.5 | 3.0 | 4.0 | 4.0 |")
    assert values["ratio_small"] == values["ratio_large"] == 4.0


def test_worst_cases_beside_pepit(tmp_path: Path) -> None:
    def row(name: str, ours: float, pepit: float | None, K: int = 5, **more: Any) -> dict[str, Any]:
        ratio = None if pepit is None else pepit / ours
        rest = {
            "ratio": ratio,
            "differ": None if pepit is None else 2e-8,
            "bounds": 40.0,
            "closed": True,
            "tight": True,
        }
        return {"example": f"folder/{name}", "K": K, "ours": ours, "pepit": pepit, **rest, **more}

    rows = [
        row("gradient_descent", 3.0, 60.0),
        row("gradient_descent", 9.0, 18.0, 10),
        row("quadratics", 4.0, None),
        row("secant", 4.0, 30.0, closed=False, tight=False),
    ]
    values = reads("worst-case-speed", {"rows": rows}, tmp_path)
    assert (values["examples"], values["compared"], values["faster"]) == (3, 2, 1)
    assert (values["least"], values["median"]) == (7.5, 20.0)
    assert values["slower"] == "secant, 7.5"
    lines = values["table"].splitlines()
    assert lines[2] == "| gradient descent | 3.0 | 60 | 20.0 | 2e-8 | 40 | closed |"
    assert lines[3].startswith("| quadratics | 4.0 | no answer |")
    assert lines[4].endswith("| upper bound |")


def test_bad_instances(tmp_path: Path) -> None:
    row = {"method": "l2o-pa", "steps": 3, "share": 0.99999, "gap": 53120.0, "rho": 3.7e6, "violated": False}
    (tmp_path / "searches.json").write_text(json.dumps({"evaluations": 5000, "rows": [row, row | {"violated": True}]}))
    values = read("searches", tmp_path)
    assert values["worst"].splitlines()[2] == "| L2O-PA | 3 | 0.9999 | 5.3e4 | 3.7e6 |"
    assert (values["evaluations"], values["violated"]) == (5000, 1)


def test_designs(tmp_path: Path) -> None:
    (tmp_path / "designs.json").write_text(json.dumps({"a": {"1": 0.125, "2": 0.0659459}, "b": {"2": 1 / 3}}))
    assert read("designs", tmp_path)["table"].splitlines()[2:] == [
        "| a | 0.125000 | 0.065946 |",
        "| b | – | 0.333333 |",
    ]
