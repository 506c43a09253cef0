"""The classical methods with the best rates, and LISTA, as rivals in the comparison."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from l2obound import l2o
from l2obound.verification.studies.speedup import load_speedup, run_speedup
from l2obound.verification.studies.speedup.calls import gradient_calls
from l2obound.verification.studies.speedup.run import BEST

STRONG = ("optista", "silver-proximal", "adapg", "anderson")
LISTA = {"key": "gated", "name": "gated-lista:lasso_dictionary", "label": "gated LISTA"}
SETTINGS = [
    {"key": "lasso", "trained": True},
    {"key": "smooth", "weights": "lasso", "cell": {"family": "quadratic", "condition": 10.0}},
    {"key": "dictionary", "cell": {"family": "lasso_dictionary"}},
]
CONFIG = {
    "eps": [1e-2],
    "shown": 1e-2,
    "learned": ["go-math-l2o"],
    "paper": ["ista"],
    "stronger": [*STRONG, "ogm", "gated"],
    "repeats": 2,
    "timed_steps": 2,
    "fixed": {"rows": 20, "dim": 40, "sparsity": 5, "batch": 4, "steps": 80},
    "setting": SETTINGS,
    "model": [LISTA],
}


def test_the_shipped_comparisons_have_them() -> None:
    for quick in (False, True):
        assert {*STRONG, "ogm", "lbfgs", "coordinate-descent"} <= set(load_speedup(quick=quick).stronger)
    default = load_speedup()
    left_out = {s.key: [m for m in default.methods if default.left_out(s, m)] for s in default.setting}
    assert left_out["dictionary"] == ["ogm", "lbfgs"]
    assert left_out["lasso"] == ["ogm", "lbfgs", "lista", "alista", "gated-lista"]
    assert left_out["quadratic-10"] == ["lista", "alista", "gated-lista"]
    assert default.label("gated-lista") == "gated LISTA"
    assert default.label("adapg") == "AdaPG"


def test_weights_of_another_family_are_left_out() -> None:
    model = {"key": "mine", "name": "go-math-l2o", "weights": "shipped:lasso"}
    settings = [
        {"key": "a", "cell": {"family": "lasso"}},
        {"key": "b", "cell": {"family": "logistic_l1"}},
        {"key": "c", "cell": {"family": "quadratic"}, "weights": "lasso"},
    ]
    config = load_speedup({"setting": settings, "model": [model], "learned": ["mine"]})
    reasons = [config.left_out(setting, "mine") for setting in config.setting]
    assert reasons == [None, "its weights were trained on lasso", None]


def test_they_are_compared_where_they_apply(tmp_path: Path) -> None:
    results = run_speedup(load_speedup(CONFIG), tmp_path)
    by_setting = {s["key"]: s for s in results["settings"]}
    assert set(by_setting["lasso"]["not_run"]) == {"ogm", "gated"}
    assert set(by_setting["smooth"]["not_run"]) == {"gated"}
    assert set(by_setting["dictionary"]["not_run"]) == {"ogm"}
    for setting, entry in by_setting.items():
        calls = {m["method"]: m["calls_per_step"] for m in entry["methods"]}
        assert all(calls[m] == 1 for m in ("ista", "optista", "silver-proximal", "adapg")), setting
        assert 1 < calls["anderson"] <= 2
    rows = {(c["setting"], c["baseline"], c["measure"]): c for c in results["comparisons"]}
    best = rows["dictionary", BEST, "iterations"]
    alone = [rows["dictionary", b, "iterations"] for b in (*STRONG, "gated", "ista")]
    assert all(best["lower"] <= row["lower"] for row in alone if row["lower"] is not None)
    assert rows["dictionary", "gated", "iterations"]["reached_baseline"] > 0


@pytest.mark.parametrize("name", ["lista", "alista", "gated-lista", "ada-lista"])
def test_a_layer_costs_one_gradient(name: str) -> None:
    """Their products with A are made without asking f for its gradient."""
    p = l2o.synthetic.lasso_dictionary(2, 6, 10)
    model = l2o.optimizer(name, **({"rows": 6} if name == "ada-lista" else {"rows": 6, "dim": 10}))
    calls = gradient_calls(model, p, l2o.synthetic.starts(p), 20)
    np.testing.assert_array_equal(calls, [range(21)])
