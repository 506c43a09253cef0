"""The user's own data, and what is said about files that cannot be used."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.problems.real.columns import standardised
from l2obound.verification.cli.inputs import data_problem

RNG = np.random.default_rng(0)
A, Y, LABELS = RNG.standard_normal((5, 3)), RNG.standard_normal(5), np.array([0, 1, 1, 0, 1])


@pytest.fixture
def npz(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "data.npz", **arrays)
        return tmp_path / "data.npz"

    return save


@pytest.fixture
def table(tmp_path):
    def save(text: str | bytes):
        (tmp_path / "data.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / "data.csv"

    return save


def same(p: l2o.Composite, q: l2o.Composite) -> bool:
    return p.fingerprint() == q.fingerprint()


def test_lasso_from_npz(npz) -> None:
    assert same(l2o.real.load(npz(A=A, y=Y), "lasso"), l2o.lasso(A, Y, 0.1))
    assert same(l2o.real.load(str(npz(A=A, y=Y, extra=1)), "lasso", lam=0.3), l2o.lasso(A, Y, 0.3))
    batch = np.stack([A, 2 * A]), np.stack([Y, -Y])
    assert same(l2o.real.load(npz(A=batch[0], y=batch[1]), "lasso"), l2o.lasso(*batch, 0.1))
    assert same(l2o.real.load(npz(A=A, y=batch[1]), "lasso"), l2o.lasso(A, batch[1], 0.1))
    assert l2o.real.load(npz(A=A, y=Y), "lasso", dtype=torch.float32).dtype == torch.float32


def test_lam_of_the_file_is_a_default(npz) -> None:
    path = npz(A=A, y=Y, lam=np.array([0.2, 0.4]))
    assert same(l2o.real.load(path, "lasso"), l2o.lasso(A, Y, [0.2, 0.4]))
    assert same(l2o.real.load(path, "lasso", lam=0.0), l2o.lasso(A, Y, 0.0))


@pytest.mark.parametrize("labels", [LABELS, LABELS.astype(bool), 2 * LABELS - 1, 2.0 * LABELS - 1])
def test_labels_are_mapped(npz, labels) -> None:
    p = l2o.real.load(npz(A=A, labels=labels), "logistic_l1", smoothness="official")
    assert same(p, l2o.logistic_l1(A, LABELS, 0.1, smoothness="official"))


def test_quadratic_from_npz(npz) -> None:
    assert same(l2o.real.load(npz(Q=np.eye(2), c=[1.0, 2.0]), "quadratic"), l2o.quadratic(np.eye(2), [1.0, 2.0]))


def test_scaling_of_columns(npz) -> None:
    wide = np.column_stack([3.0 * A + 5.0, np.full(5, 0.1)])
    p = l2o.real.load(npz(A=wide, y=Y), "lasso", standardise=True)
    got = p.smooth.arrays()["A"].squeeze(0) if p.smooth.arrays()["A"].ndim == 3 else p.smooth.arrays()["A"]
    assert np.allclose(got[:, :3], (A - A.mean(0)) / A.std(0))
    assert not got[:, 3].any()
    p = l2o.real.load(npz(A=np.stack([wide, 2 * wide]), y=Y), "lasso", standardise=True, unit_columns=True)
    norms = p.smooth.arrays()["A"].norm(dim=-2)
    assert np.allclose(norms, [[1, 1, 1, 0]] * 2)


def _exactly_standardised(column: np.ndarray) -> list[float]:
    entries = [Fraction(float(v)) for v in column]
    mean = sum(entries) / len(entries)
    largest = max(abs(v - mean) for v in entries)
    ratios = [(v - mean) / largest for v in entries]
    variance = sum(v**2 for v in ratios) / len(ratios)
    deviation = Fraction(math.isqrt(int(variance * 4**100)), 2**100)
    return [float(v / deviation) for v in ratios]


COLUMNS = {
    "last digits": np.array([0.1 * 3, 0.3, 0.3]),
    "one float apart": np.r_[np.full(999, 0.1), np.nextafter(0.1, 1)],
    "first differs": np.r_[np.nextafter(0.1, 1), np.full(98, 0.1)],
    "nanoseconds": 1.7e18 + 256.0 * np.arange(50),
    "microseconds": 1.7e9 + 1e-6 * np.arange(50),
    "huge and far": 1e300 + 1e285 * np.arange(9),
    "tiny": 5e-324 * np.arange(1, 8),
    "tiny steps": 1e-300 + 1e-315 * np.arange(9),
    "both signs": np.array([-1e308, 1e308, 0.0]),
    "an outlier": np.r_[1e9 + 1e-6 * np.arange(9), -1e9],
    "negative": -1.7e18 - 256.0 * np.arange(7),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_standardised_columns_have_mean_zero_and_deviation_one(name: str) -> None:
    column = COLUMNS[name]
    got = standardised(np.column_stack([column, column[::-1], np.full(len(column), column[0])]))
    right = np.array(_exactly_standardised(column))
    assert np.allclose(got[:, 0], right, rtol=0, atol=1e-14 * np.abs(right).max())
    assert np.allclose(got[::-1, 1], right, rtol=0, atol=1e-14 * np.abs(right).max())
    assert not got[:, 2].any()
    assert np.allclose(got.mean(0)[:2], 0, atol=1e-14)
    assert np.allclose(got.std(0)[:2], 1, atol=1e-14)
    batched = standardised(np.stack([column[:, None]] * 2))
    assert np.allclose(batched, right[:, None], rtol=0, atol=1e-14 * np.abs(right).max())


CSV = "u, v ,label\n1,2.5,0\n\n-3e-1, 4,1\n"


def test_csv(table) -> None:
    features, labels = [[1, 2.5], [-0.3, 4]], [0, 1]
    assert same(l2o.real.load(table(CSV), "logistic_l1"), l2o.logistic_l1(features, labels, 0.1))
    for form in (CSV.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + CSV.encode(), CSV.rstrip().encode()):
        assert same(l2o.real.load(table(form), "logistic_l1"), l2o.logistic_l1(features, labels, 0.1))
    by_name = l2o.real.load(table(CSV), "lasso", target="v", lam=0.2)
    assert same(by_name, l2o.lasso([[1, 0], [-0.3, 1]], [2.5, 4], 0.2))


BAD_NPZ = {
    "missing key": ({"A": A}, "lasso", {}, "no array y; lasso needs A and y, the file has A"),
    "labels for lasso": ({"A": A, "labels": LABELS}, "lasso", {}, "no array y"),
    "no arrays": ({}, "lasso", {}, "has none"),
    "NaN": ({"A": np.where(A > 1, np.nan, A), "y": Y}, "lasso", {"standardise": True}, "NaN or inf"),
    "inf": ({"A": A, "y": [*Y[:4], np.inf]}, "lasso", {}, "y: 1 of 5 entries are NaN or inf"),
    "text": ({"A": A.astype(str), "y": Y}, "lasso", {}, "A: expected numbers"),
    "complex": ({"A": A * 1j, "y": Y}, "lasso", {}, "A: expected numbers"),
    "axes of A": ({"A": Y, "y": Y}, "lasso", {}, "A: expected 2 or 3 axes"),
    "axes of y": ({"A": A, "y": np.zeros((1, 1, 5))}, "lasso", {}, "y: expected 1 or 2 axes"),
    "no rows": ({"A": A[:0], "y": Y[:0]}, "lasso", {"standardise": True}, "empty"),
    "lengths": ({"A": A, "y": Y[:4]}, "lasso", {}, "expected 5 entries"),
    "batches": ({"A": np.stack([A, A]), "y": np.stack([Y] * 3)}, "lasso", {}, "3 instances"),
    "lam < 0": ({"A": A, "y": Y}, "lasso", {"lam": -1}, "lam: expected >= 0"),
    "three labels": ({"A": A, "labels": [0, 1, 2, 0, 1]}, "logistic_l1", {}, "both present, found 0, 1, 2;"),
    "one label": ({"A": A, "labels": np.ones(5)}, "logistic_l1", {}, "found 1;"),
    "other labels": ({"A": A, "labels": [1, 2, 2, 1, 1]}, "logistic_l1", {}, "found 1, 2;"),
    "many labels": ({"A": A[[0] * 9], "labels": np.arange(9)}, "logistic_l1", {}, r"found 0, .*5, \.\.\. \(9 values\)"),
    "target": ({"A": A, "y": Y}, "lasso", {"target": "y"}, "column of a csv"),
    "lam of a quadratic": ({"Q": np.eye(2), "c": [1, 2]}, "quadratic", {"lam": 0.5}, "a quadratic has none"),
    "lam beside a quadratic": ({"Q": np.eye(2), "c": [1, 2], "lam": 0.5}, "quadratic", {}, "a quadratic has none"),
    "L of a lasso": ({"A": A, "y": Y}, "lasso", {"smoothness": "official"}, "smoothness .* leave it out"),
    "L of a quadratic": ({"Q": np.eye(2), "c": [1, 2]}, "quadratic", {"smoothness": "official"}, "leave it out"),
    "integers above 2^53": ({"A": A, "y": np.full(5, 2**53 + 1)}, "lasso", {}, "2.53"),
    "dates": ({"A": A, "y": np.zeros(5, "M8[s]")}, "lasso", {}, "dates"),
    "records": ({"A": A, "y": np.zeros(5, [("a", float)])}, "lasso", {}, "records"),
    "scaled quadratic": ({"Q": np.eye(2), "c": [1, 2]}, "quadratic", {"unit_columns": True}, "has none"),
    "family": ({"A": A, "y": Y}, "ridge", {}, "family: expected lasso, logistic_l1, quadratic"),
}


@pytest.mark.parametrize(("arrays", "family", "options", "message"), BAD_NPZ.values(), ids=BAD_NPZ)
def test_bad_npz(npz, arrays, family, options, message) -> None:
    with pytest.raises(l2o.InputError, match=message) as caught:
        l2o.real.load(npz(**arrays), family, **options)
    assert "data.npz" in str(caught.value) or "family" in message


def test_files_that_are_no_npz(npz, tmp_path) -> None:
    cases = {
        "missing": (None, "no such file"),
        "empty": (b"", "is empty"),
        "text": (b"A,y\n1,2\n", "not an npz"),
        "pickle": (pickle.dumps({"A": A, "y": Y}), "not an npz"),
        "truncated": (npz(A=A, y=Y).read_bytes()[:200], "damaged"),
    }
    for name, (data, message) in cases.items():
        path = tmp_path / f"{name}.npz"
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(l2o.InputError, match=message):
            l2o.real.load(path, "lasso")
    with pytest.raises(l2o.InputError, match="Object arrays"):  # an array that is a pickle is not unpickled
        l2o.real.load(npz(A=np.array([{}, None], dtype=object), y=Y), "lasso")
    np.save(tmp_path / "one.npy", A)
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(l2o.InputError, match="not an npz"):
        l2o.real.load(tmp_path / "one.npz", "lasso")
    with pytest.raises(l2o.InputError, match=r"named \.npz or \.csv"):
        l2o.real.load(tmp_path / "data.txt", "lasso")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.npz").mkdir()
    for name in ("folder.csv", "folder.npz"):
        with pytest.raises(l2o.InputError, match="cannot be read"):
            l2o.real.load(tmp_path / name, "lasso")


BAD_CSV = {
    "empty": ("", "lasso", "file is empty"),
    "blank": ("\n \n", "lasso", "file is empty"),
    "no rows": ("a,b\n", "lasso", "no rows"),
    "no header": ("1,2\n3,4\n", "lasso", "line 1 holds numbers; expected a header"),
    "word": ("a,b\n1,2\n3,x\n", "lasso", "line 3, column 'b': expected a number, got 'x'"),
    "empty cell": ("a,b\n,2\n", "lasso", "line 2, column 'a': expected a number, got ''"),
    "grouped digits": ("a,b\n1_000,2\n", "lasso", "line 2, column 'a'"),
    "NaN": ("a,b\n1,nan\n", "lasso", "line 2, column 'b': expected a finite number, got 'nan'"),
    "inf": ("a,b\n1,2\n1e999,2\n", "lasso", "line 3, column 'a': expected a finite number"),
    "short row": ("a,b\n\n1\n", "lasso", "line 3 has 1 cells, the header 2"),
    "index of pandas": (",a,b\n0,1,2\n", "lasso", r"column 1 has no name .*index=False.*row\.names = FALSE"),
    "index of R": ('"","a","b"\n"1",1,2\n', "lasso", "column 1 has no name"),
    "blank name": (" ,a,b\n0,1,2\n", "lasso", "column 1 has no name"),
    "index read again": ("Unnamed: 0,a,b\n0,1,2\n", "lasso", "column 1 has no name .'Unnamed: 0'"),
    "comma at the end": ("a,b,\n1,2,\n", "lasso", "column 3 has no name .*comma at the end"),
    "no name in between": ("a,,b\n1,2,3\n", "lasso", "column 2 has no name .*name each"),
    "row names of R": ("a,b\n1,1,2\n", "lasso", r"line 2 has 3 cells, the header 2 .*row\.names"),
    "decimal commas": ("a,b\n1,5,2,5\n", "lasso", "line 2 has 4 cells, the header 2 .*write points"),
    "quoted decimal comma": ('a,b\n"1,5",2\n', "lasso", "expected a number, got '1,5'; write numbers with a point"),
    "semicolons and decimal commas": ("a;b\n1,5;2\n", "lasso", "one column only.*semicolons"),
    "tabs": ("a\tb\n1\t2\n", "lasso", "one column only.*tabs"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "lasso", "UTF-16"),
    "semicolons": ("a;b\n1;2\n", "lasso", "one column only"),
    "twice": ("a,a,b\n1,2,3\n", "lasso", "'a' is named twice"),
    "not text": (b"a,b\n\xff\xfe,2\n", "lasso", "not UTF-8"),
    "long cell": ('a,b\n"' + "1" * 200_000 + '",2\n', "lasso", "line 2: not a csv"),
    "labels": ("a,b\n1,3\n2,4\n", "logistic_l1", "found 3, 4"),
    "quadratic": ("a,b\n1,2\n", "quadratic", "needs Q and c, in an npz"),
}


@pytest.mark.parametrize(("text", "family", "message"), BAD_CSV.values(), ids=BAD_CSV)
def test_bad_csv(table, text, family, message) -> None:
    with pytest.raises(l2o.InputError, match=message) as caught:
        l2o.real.load(table(text), family)
    assert "data.csv" in str(caught.value)


def test_csv_that_is_missing_or_lacks_the_target(table, tmp_path) -> None:
    with pytest.raises(l2o.InputError, match="no such file"):
        l2o.real.load(tmp_path / "none.csv", "lasso")
    with pytest.raises(l2o.InputError, match=r"no column 'w' .*u, v, label"):
        l2o.real.load(table(CSV), "lasso", target="w")


def test_the_command_line_reads_the_same_files(npz, table) -> None:
    for arrays, family, expected in (
        ({"A": A, "y": Y, "lam": 0.3}, "lasso", l2o.lasso(A, Y, 0.3)),
        ({"A": A, "labels": 2 * LABELS - 1}, "logistic_l1", l2o.logistic_l1(A, LABELS, 0.1)),
        ({"Q": np.eye(2), "c": [1.0, 2.0]}, "quadratic", l2o.quadratic(np.eye(2), [1.0, 2.0])),
    ):
        problem, result = data_problem(npz(**arrays), None, "lasso")
        assert result == family
        assert same(problem, expected)
    with pytest.raises(l2o.InputError, match="a quadratic has none"):
        data_problem(npz(Q=np.eye(2), c=[1.0, 2.0]), 0.2, "lasso")
    problem, _ = data_problem(npz(A=A, y=Y, lam=0.3), 0.2, "lasso")
    assert same(problem, l2o.lasso(A, Y, 0.2)), "what is given comes before what the file has"
    problem, result = data_problem(table(CSV), 0.2, "logistic_l1")
    assert result == "logistic_l1"
    assert same(problem, l2o.real.load(table(CSV), "logistic_l1", lam=0.2))
    for arrays, kind, family in (
        ({"A": A, "y": Y, "times": np.arange(3)}, "lasso", "lasso"),
        ({"A": A, "labels": LABELS, "note": np.array("mine")}, "lasso", "logistic_l1"),
        ({"A": A, "y": Y, "labels": LABELS}, "logistic_l1", "logistic_l1"),
    ):
        problem, result = data_problem(npz(**arrays), 0.2, kind)  # other arrays are ignored, as l2o.real.load does
        assert result == family
        assert same(problem, l2o.real.load(npz(**arrays), family, lam=0.2))
    with pytest.raises(l2o.InputError, match="arrays of lasso and logistic_l1; say which with --problem"):
        data_problem(npz(A=A, y=Y, labels=LABELS), 0.2, "patches")
    with pytest.raises(l2o.InputError, match=r"expected arrays A and y, .*, got A, z"):
        data_problem(npz(A=A, z=Y), 0.2, "lasso")
    with pytest.raises(l2o.InputError, match="must be lasso or logistic_l1 for a csv, got 'quadratic'"):
        data_problem(table(CSV), 0.2, "quadratic")
