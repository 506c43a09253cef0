"""The paper's own data sets, read from files of their format."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from l2obound import l2o

REAL = l2o.real


def table(path: Path, columns: int, classes: tuple[str, str], rows: int = 12, seed: int = 0) -> np.ndarray:
    features = np.random.default_rng(seed).normal(size=(rows, columns)).round(5)
    features[:, 1] = 0.0  # as the second column of Ionosphere is
    lines = [",".join([*map(str, row), classes[i % 2]]) for i, row in enumerate(features)]
    path.write_text("\n".join(lines) + "\n\n")
    return features


@pytest.mark.parametrize(("name", "columns", "classes"), [("ionosphere", 34, "gb"), ("spambase", 57, "10")])
def test_tables_are_read_as_they_come(name: str, columns: int, classes: str, tmp_path: Path) -> None:
    features = table(tmp_path / "x.data", columns, tuple(classes))
    p = getattr(REAL, name)(tmp_path / "x.data", lam=0.2)
    assert (p.batch_size, p.dim, p.name) == (1, columns, "logistic + l1")
    A = p.smooth.map.matrix.reshape(12, columns).numpy()
    spread = features.std(axis=0)
    np.testing.assert_allclose(A, (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0), atol=1e-12)
    assert p.smooth.labels.flatten().tolist() == [1.0, 0.0] * 6
    assert float(p.nonsmooth.lam) == 0.2


def pictures(folder: Path, size: int = 24) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        Image.fromarray(rng.integers(0, 256, (size, size + i, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    Image.fromarray(np.full((size, size), 7, dtype=np.uint8)).save(folder / "grey.png")
    (folder / "notes.txt").write_text("not a picture")
    return folder


def test_pictures_become_patches(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "test")
    p = REAL.bsds500(folder, 40, seed=3)
    assert (p.batch_size, p.dim) == (40, 128)
    y = p.smooth.target.numpy()
    np.testing.assert_allclose(y.mean(axis=1), 0.0, atol=1e-15)
    assert np.all(np.ptp(y, axis=1) < 1.0)
    assert np.all(np.ptp(y, axis=1) > 0.9)
    again, other = (REAL.bsds500(folder, 40, seed=s) for s in (3, 4))
    assert again.fingerprint() == p.fingerprint() != other.fingerprint()
    torch.testing.assert_close(p.smooth.map.matrix, REAL.patches(1).smooth.map.matrix)


def test_the_dictionary_may_be_learnt_on_the_tested_pictures(tmp_path: Path) -> None:
    p = REAL.bsds500(pictures(tmp_path / "test"), 4, learn_on_tested=True)
    A = p.smooth.map.matrix
    torch.testing.assert_close(torch.linalg.vector_norm(A, dim=0), torch.ones(128, dtype=torch.float64))
    assert not torch.equal(A, REAL.patches(1).smooth.map.matrix)


def test_a_picture_that_the_disk_damaged_is_said(tmp_path: Path) -> None:
    """Pillow has several errors for it, SyntaxError among them."""
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(path)
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        with contextlib.suppress(l2o.InputError):  # some bytes do not matter
            REAL.bsds500(tmp_path, 1)


BAD = {
    "no file": (lambda d: REAL.ionosphere(d / "no.data"), "no such file.*34 numbers and g or b"),
    "folder": (lambda d: REAL.ionosphere(d), "cannot be read"),
    "other table": (lambda d: REAL.spambase(d / "x.data"), "line 1 is not one of.*57 numbers"),
    "a header": (lambda d: REAL.ionosphere(d / "header.data"), "line 1 is not"),
    "NaN": (lambda d: REAL.ionosphere(d / "nan.data"), "line 1 is not"),
    "one class": (lambda d: REAL.ionosphere(d / "one.data"), "both classes"),
    "binary": (lambda d: REAL.ionosphere(d / "binary.data"), "not UTF-8 text"),
    "no folder": (lambda d: REAL.bsds500(d / "no"), "no such folder"),
    "no pictures": (lambda d: REAL.bsds500(d), "no pictures"),
    "no picture": (lambda d: REAL.bsds500(d / "broken"), "not a picture"),
    "batch": (lambda d: REAL.bsds500(d, 0), "batch"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_clear_error(case: str, tmp_path: Path) -> None:
    table(tmp_path / "x.data", 34, ("g", "b"))
    lines = (tmp_path / "x.data").read_text().splitlines()
    (tmp_path / "header.data").write_text("\n".join([",".join(f"c{i}" for i in range(35)), *lines]))
    (tmp_path / "nan.data").write_text("\n".join([lines[0].replace(lines[0].split(",")[0], "nan", 1), *lines]))
    (tmp_path / "one.data").write_text("\n".join(lines[::2]))
    (tmp_path / "binary.data").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no")
    act, says = BAD[case]
    with pytest.raises(l2o.InputError, match=says) as caught:
        act(tmp_path)
    assert "\n" not in str(caught.value)
