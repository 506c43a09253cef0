"""Shipped weights: their manifests, how good they are, which are taken, and the trainings that made them."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2obound import l2o
from l2obound.l2o.pretrained import manifest
from l2obound.l2o.training import load_config, split_seed
from l2obound.l2o.training.state import TrainingState
from tests.helpers import zoo


@pytest.mark.parametrize(("name", "family"), l2o.pretrained_names())
def test_shipped_weights_match_their_manifest(name: str, family: str) -> None:
    opt, description = l2o.pretrained(name, family), manifest(name, family)
    assert opt.name == description["model"]
    assert name.startswith(description["options"].get("base", opt.name).partition(":")[0])
    assert {"config", "seed", "updates", "validation_curve", "sha256", "command"} <= set(description)
    config = load_config(description["config"])
    assert description["updates"] == config.training.updates
    assert description["config_digest"] == config.digest
    assert config == load_config(f"{name}-{family}")
    assert description["command"] == f"l2obound train {name}-{family}"


def test_shipped_go_math_beats_fista() -> None:
    """On held-out instances of its training size, at k = 20 and k = 100, in the median and the mean."""
    p = l2o.synthetic.lasso(256, 20, 40, sparsity=5, seed=split_seed("test", 1))
    x0 = l2o.synthetic.starts(p, seed=split_seed("test", 1))
    end = zoo.end_of(l2o.optimizer("fista-restart"), p, x0, 3000, lambda x: zoo.stationarity(p, x) <= 1e-10)
    best = p.objective(end)[:, None]
    learned = l2o.rollout(l2o.pretrained("go-math-l2o", "lasso"), p, x0, 100).objective
    fista = l2o.rollout(l2o.optimizer("fista"), p, x0, 100).objective
    for k in (20, 100):
        ours, theirs = ((r - best)[:, k] / best[:, 0] for r in (learned, fista))
        assert float(ours.median()) < float(theirs.median())
        assert float(ours.mean()) < float(theirs.mean())


LONG = sorted(path.parent for path in (Path(__file__).parents[2] / "trainings").glob("*/state.npz"))


@pytest.mark.parametrize("folder", LONG, ids=[path.name for path in LONG])
def test_a_long_training_goes_on_from_its_folder(folder: Path) -> None:
    config = load_config(folder.name)
    state = TrainingState.load(folder / "state.npz", config.digest)
    assert 0 < state.batches_done <= config.training.epochs * config.training.batches
    stages = sorted(int(path.name.split("-")[1]) for path in folder.glob("stage-*.npz"))
    assert stages == [n for n in (30, 60, 120, 240, 480, 960, 1500) if n <= state.batches_done]
    assert (folder / "manifest.json").exists() == (state.batches_done == 1500)
    if state.batches_done == 1500:
        assert (folder / "weights.npz").read_bytes() == _shipped(folder.name).read_bytes()


def _shipped(config: str) -> Path:
    (pair,) = (pair for pair in l2o.pretrained_names() if "-".join(pair) == config)
    return Path(l2o.__file__).parent / "pretrained" / f"{'.'.join(pair)}.npz"


def test_weights_are_those_of_a_training_at_least_as_large() -> None:
    for name in ("go-math-l2o", "l2o-pa"):
        taken = {dim: l2o.shipped_family(name, "lasso", dim) for dim in (1, 40, 41, 500, 10**6)}
        assert taken == {n: "lasso" if n <= 40 else "lasso-250x500" for n in taken}
        assert l2o.shipped_family(name, "lasso") == "lasso"
    assert l2o.shipped_family("go-math-l2o", "quadratic", 500) == "quadratic"
    assert l2o.shipped_family("l2o-pa", "lasso", 500, rows=10, lam=0.3) == "lasso-250x500"
    assert l2o.shipped_family("l2o-dm", "lasso", 500) == "lasso"


def test_weights_of_another_lam_are_those_of_their_own_problems_alone() -> None:
    for name in ("go-math-l2o", "l2o-pa"):
        usual, other = "logistic_l1", "logistic_l1-1000x50"
        assert l2o.shipped_family(name, usual, 50, rows=1000, lam=0.1) == other
        for changed in ({"rows": 999}, {"lam": 0.01}, {"lam": None}, {"rows": None}):
            assert l2o.shipped_family(name, usual, 50, **({"rows": 1000, "lam": 0.1} | changed)) == usual
        assert l2o.shipped_family(name, usual, 10**6, rows=1000, lam=0.1) == usual
