"""Real data: what is bundled."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
import torch

from l2obound import l2o, verification
from l2obound.l2o.problems.real import columns, pictures, relearn

HELD_OUT = [lambda seed: l2o.real.digits(seed=seed), lambda seed: l2o.real.patches(6, seed=seed)]


def test_digits() -> None:
    p = l2o.real.digits()
    assert (p.batch_size, p.dim, p.name) == (1, 64, "logistic + l1")
    assert p.objective(np.zeros((1, 64))).item() == pytest.approx(np.log(2))
    A, labels = p.smooth.arrays()["A"].squeeze(), p.smooth.arrays()["labels"]
    assert A.shape == (1797, 64)
    assert labels.sum() == 906
    constant = (A == 0).all(0)
    assert int(constant.sum()) == 3
    assert torch.allclose(A[:, ~constant].std(0, correction=0), torch.ones(61, dtype=torch.float64))


def test_digits_optimum_is_sparse_and_certified() -> None:
    p = l2o.real.digits()
    optimum = verification.optimum(p)
    assert np.all(np.asarray(optimum.upper) - np.asarray(optimum.lower) < 1e-10)
    assert float(optimum.upper[0]) == pytest.approx(0.29946059627)
    assert np.count_nonzero(np.asarray(optimum.x)) == 25
    assert not np.asarray(optimum.x)[0, [0, 32, 39]].any()


def test_patches_are_certified_sparse_and_not_zero() -> None:
    p = l2o.real.patches()
    assert (p.batch_size, p.dim, p.name) == (32, 128, "least-squares + l1")
    A, y = p.smooth.arrays()["A"], p.smooth.arrays()["y"]
    assert A.shape[-2:] == (64, 128)
    assert A.numel() == 64 * 128  # one matrix for the batch
    assert torch.allclose(A.norm(dim=-2), torch.ones(128, dtype=torch.float64))
    assert float(y.mean(1).abs().max()) < 1e-15
    assert float((y.amax(1) - y.amin(1)).max()) < 1
    optimum = verification.optimum(p)
    lower, upper = np.asarray(optimum.lower), np.asarray(optimum.upper)
    assert np.all(upper - lower < 1e-10)
    assert np.all(upper < 0.9 * p.objective(torch.zeros(32, 128, dtype=torch.float64)).numpy())
    nonzero = np.count_nonzero(np.asarray(optimum.x), axis=1)
    assert 1 <= nonzero.min() <= nonzero.max() <= 40


@pytest.mark.parametrize("make", HELD_OUT)
def test_seeds(make) -> None:
    assert make(0).fingerprint() == make(0).fingerprint() != make(1).fingerprint()


def test_more_patches_begin_with_the_fewer() -> None:
    more, fewer = (l2o.real.patches(n, seed=3).smooth.arrays()["y"] for n in (9, 4))
    assert torch.equal(more[:4], fewer)
    assert len(torch.unique(more, dim=0)) == 9


def test_dtype_reaches_every_family() -> None:
    for p in (l2o.real.digits(dtype=torch.float32), l2o.real.patches(2, dtype=torch.float32)):
        assert p.dtype == torch.float32


def test_no_tested_picture_was_learnt_from() -> None:
    manifest = json.loads((files("l2obound.l2o.problems.real") / "dictionary-8x128.json").read_text(encoding="utf-8"))
    assert (manifest["learnt_on"], manifest["tested_on"]) == (pictures.TRAINING, pictures.TESTED)
    assert not pictures.TRAINING.keys() & pictures.TESTED.keys()
    assert len({*pictures.TRAINING.values(), *pictures.TESTED.values()}) == 9  # nor under another name


@pytest.mark.slow
def test_the_shipped_dictionary_can_be_learnt_again(tmp_path) -> None:
    path = relearn.write(tmp_path)
    again = np.load(path)["A"]
    shipped = pictures.dictionary(*pictures.SHIPPED)
    # 3e-10 between instruction sets and thread counts; other versions of scikit-learn may order their sums otherwise.
    assert np.abs(again - shipped).max() < 1e-6
    assert set(json.loads(path.with_suffix(".json").read_text())) == set(
        json.loads((files("l2obound.l2o.problems.real") / "dictionary-8x128.json").read_text(encoding="utf-8"))
    )


def test_other_sizes_are_learnt_on_the_spot(monkeypatch) -> None:
    monkeypatch.setattr(pictures, "PER_PICTURE", 100)
    p = l2o.real.patches(3, size=4, atoms=20)
    assert p.smooth.arrays()["A"].shape[-2:] == (16, 20)
    assert torch.allclose(p.smooth.arrays()["A"].norm(dim=-2), torch.ones(20, dtype=torch.float64))


def test_patches_of_one_grey_value_are_left_out(monkeypatch) -> None:
    flat = np.zeros((12, 12), dtype=np.uint8)
    flat[0, 0] = 1
    monkeypatch.setattr(pictures, "picture", lambda name: flat)
    pictures._corners.cache_clear()
    try:
        assert pictures._corners(("camera",), 8).tolist() == [[0, 0, 0]]
        with pytest.raises(l2o.InputError, match="have 4 different 8 x 8 patches"):
            l2o.real.patches(5)
        assert l2o.real.patches(4).batch_size == 4
    finally:
        pictures._corners.cache_clear()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": 0}, "batch"),
        ({"batch": 2.0}, "batch"),
        ({"batch": 10**7}, "ask for fewer"),
        ({"size": 1}, "from 2 to 32"),
        ({"size": 33}, "from 2 to 32"),
        ({"atoms": 0}, "atoms"),
        ({"seed": -1}, "seed"),
        ({"lam": -0.1}, "lam"),
    ],
)
def test_patches_say_what_is_wrong(arguments, message) -> None:
    with pytest.raises(l2o.InputError, match=message):
        l2o.real.patches(**{"batch": 2, **arguments})


@pytest.mark.parametrize("what", ["no package", "another picture", "another dictionary"])
def test_damaged_installations_are_named(monkeypatch, what: str) -> None:
    pictures.picture.cache_clear()
    pictures._corners.cache_clear()
    pictures.dictionary.cache_clear()
    if what == "no package":
        monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    elif what == "another picture":
        monkeypatch.setitem(pictures.TESTED, "camera", "0" * 64)
    else:
        monkeypatch.setattr(pictures.json, "loads", lambda text: {"sha256": "0" * 64})
    with pytest.raises(l2o.InputError, match=r"not installed|not the picture|does not match"):
        l2o.real.patches(2)


def test_nothing_heavy_is_imported_and_nothing_is_fetched() -> None:
    code = """
import sys
import socket
from l2obound import l2o
heavy = {"skimage", "sklearn", "PIL", "imageio", "cvxpy", "matplotlib", "l2obound.bounds", "l2obound.verification"}
assert not heavy & set(sys.modules)
socket.socket = None  # whoever opens a connection fails
l2o.real.patches(2), l2o.real.digits(), l2o.real.breast_cancer()
assert not {"skimage", "pooch"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_columns_at_wild_scales() -> None:
    a = np.random.default_rng(0).standard_normal((20, 4))
    wild = a * np.array([1e300, 1e-300, 1.0, 1e-310])
    assert np.allclose(columns.standardised(wild)[:, :3], columns.standardised(a)[:, :3])
    assert np.allclose(columns.unit(wild)[:, :3], columns.unit(a)[:, :3])
    assert np.isfinite(columns.standardised(wild)).all()
    assert np.array_equal(columns.standardised(np.full((7, 1), 0.1)), np.zeros((7, 1)))
    assert np.array_equal(columns.unit(np.zeros((7, 1))), np.zeros((7, 1)))
