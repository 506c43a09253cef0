"""Kinds and sizes of files are checked before anything is read; what is damaged is one clear error."""

from __future__ import annotations

import io
import json
import os
import zipfile

import numpy as np
import pytest

from l2obound import l2o
from l2obound.l2o.support.config import Section, read_config
from l2obound.l2o.support.files import LIMIT_VARIABLE, check_memory, read_npz, read_text, size_words, write_npz


def _npy(shape: tuple, data: bytes = b"", descr: str = "<f8") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue() + data


def _zip(entries: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, data in entries.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


READERS = {
    "npz": lambda path: l2o.real.load(path.with_suffix(".npz"), "lasso"),
    "csv": lambda path: l2o.real.load(path.with_suffix(".csv"), "lasso"),
    "run": lambda path: l2o.Run.load(path.with_suffix(".npz")),
    "checkpoint": lambda path: l2o.load_official(path.with_suffix(".npz"), "go-math-l2o"),
    "weights": lambda path: l2o.load_official(path.with_suffix(".csv"), "go-math-l2o"),
    "configuration": lambda path: l2o.train(path.with_suffix(".csv")),
    "ionosphere": lambda path: l2o.real.ionosphere(path.with_suffix(".csv")),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_only_files_are_read(reader: str, kind: str, tmp_path) -> None:
    for suffix in (".npz", ".csv"):
        path = tmp_path / f"data{suffix}"
        make = {"pipe": os.mkfifo, "folder": os.mkdir, "device": lambda p: os.symlink("/dev/zero", p)}
        make[kind](path)
    with pytest.raises(l2o.InputError, match=f"cannot be read .it is a {kind}"):
        READERS[reader](tmp_path / "data")


def test_a_pipe_among_pictures(tmp_path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(l2o.InputError, match="it is a pipe"):
        l2o.real.bsds500(tmp_path)


DAMAGED = {
    "declares more than it has": (_zip({"A": _npy((10**12,))}), r"declares shape \(1000000000000,\).* 7.3 TiB"),
    "negative lengths": (_zip({"A": _npy((-1, -5), bytes(40))}), "declares shape"),
    "letters of no length": (_zip({"A": _npy((10**18,), descr="<U0")}), "declares shape"),
    "foreign packing": (_zip({"A": _npy((1,), bytes(8))}, zipfile.ZIP_LZMA), "packed in a way"),
    "bytes behind": (_zip({"A": _npy((1,), bytes(16))}), "declares shape"),
    "objects": (_zip({"A": _npy((1,), b"\x80", "|O")}), "Object arrays"),
    "no array": (_zip({"A": b"hello"}), "damaged"),
    "many arrays": (b"PK\x01\x02" * 10_001, "more than 10000 entries"),
    "a page": (b"<html>", "not an npz"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_what_an_archive_declares_is_checked(case: str, tmp_path) -> None:
    data, says = DAMAGED[case]
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(l2o.InputError, match=says):
        read_npz(tmp_path / "a.npz", "an npz", "write it again")


def test_two_arrays_of_one_name(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("A.npy", _npy((1,), bytes(8)))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("A.npy", _npy((1,), bytes(8)))
    with pytest.raises(l2o.InputError, match="same name"):
        read_npz(tmp_path / "a.npz", "an npz", "write it again")


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch) -> None:
    path = tmp_path / "bomb.npz"
    path.write_bytes(_zip({"A": _npy((1 << 20,), bytes(8 << 20)), "y": _npy((1,), bytes(8))}))
    assert path.stat().st_size < 1 << 16
    monkeypatch.setenv(LIMIT_VARIABLE, str(4 / 1024))
    with pytest.raises(l2o.InputError, match=r"8\.0 MiB of memory, the limit is 4\.0 MiB.*L2OBOUND_MEMORY_GIB"):
        l2o.real.load(path, "lasso")
    monkeypatch.setenv(LIMIT_VARIABLE, "0.01")
    assert len(read_npz(path, "an npz", "")["A"]) == 1 << 20
    for wrong in ("much", "-1", "nan", "0"):
        monkeypatch.setenv(LIMIT_VARIABLE, wrong)
        with pytest.raises(l2o.InputError, match="expected a number of GiB"):
            check_memory(1, "a file")


def test_a_file_that_is_too_long(tmp_path, monkeypatch) -> None:
    with open(tmp_path / "a.csv", "wb") as stream:
        stream.truncate(1 << 40)  # a hole: no disk is used
    with pytest.raises(l2o.InputError, match=r"a\.csv: it would take 6\.0 TiB"):
        l2o.real.load(tmp_path / "a.csv", "lasso")
    with pytest.raises(l2o.InputError, match=r"1\.0 TiB, too much for a configuration"):
        l2o.train(tmp_path / "a.csv")
    assert [size_words(s) for s in (0, 1023, 2048, 1.5 * 2**30)] == ["0 bytes", "1023 bytes", "2.0 KiB", "1.5 GiB"]


def test_very_many_columns(tmp_path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{i}" for i in range(20_000)) + "\n" + ",".join(["1"] * 20_000) + "\n")
    assert l2o.real.load(path, "lasso").dim == 19_999
    path.write_text("," * 100_000)
    with pytest.raises(l2o.InputError, match="line 1 has 100001 columns"):
        l2o.real.load(path, "lasso")


class _Settings(Section):
    a: int = 1


TEXTS = {
    "BOM": (b"\xef\xbb\xbfa = 2\r\n", None),
    "UTF-16": ("a = 2".encode("utf-16"), "UTF-16 or UTF-32"),
    "UTF-16 without a mark": ("a = 2".encode("utf-16-le"), "zero bytes"),
    "latin-1": ("a = 'ä'".encode("latin-1"), "not UTF-8 text"),
    "nested": (b"a=" + b"[" * 100_000, "not valid TOML"),
    "a key of many parts": (b"a." * 100_000 + b"a = 1", "more than 32 parts"),
    "long": (b"#" * 300_000, "too much for a configuration"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_texts(case: str, tmp_path) -> None:
    data, says = TEXTS[case]
    (tmp_path / "a.toml").write_bytes(data)
    if says is None:
        assert read_config(tmp_path / "a.toml", _Settings).a == 2
        assert read_text(tmp_path / "a.toml", "a text") == "a = 2\r\n"
    else:
        with pytest.raises(l2o.InputError, match=says):
            read_config(tmp_path / "a.toml", _Settings)


def _meta(arrays: dict[str, np.ndarray], **changes: object) -> dict[str, np.ndarray]:
    meta = json.loads(arrays["meta"].tobytes()) | changes
    return {**arrays, "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)}


def test_damaged_runs(tmp_path) -> None:
    p = l2o.synthetic.lasso(2, 4, 5)
    path = l2o.rollout(l2o.optimizer("ista"), p, l2o.synthetic.starts(p), 3).save(tmp_path / "run.npz")
    arrays = read_npz(path, "", "")
    damages = [
        {name: a.astype(kind)} for name, a in arrays.items() for kind in (np.int64, np.complex128, np.str_, np.bool_)
    ]
    damages += [{name: a[..., :-1]} for name, a in arrays.items() if a.ndim > 1]
    damages += [{"meta": np.array("x")}, {"meta": np.array(3)}, {"smoothness": np.array([1.0, -1.0])}]
    damages += [{"features": np.zeros((2, 3))}, {"extra": np.zeros(2)}, {"scalar.a": np.zeros(3)}]
    for damage in damages:
        write_npz(path, {**arrays, **damage})
        with pytest.raises(l2o.InputError, match=r"run\.npz"):
            l2o.Run.load(path)
    for meta in ({"format": 9}, {"optimizer": None}, {"problem": [1]}):
        write_npz(path, _meta(arrays, **meta))
        with pytest.raises(l2o.InputError, match=r"run\.npz"):
            l2o.Run.load(path)


CONFIG = {
    "model": {"name": "go-math-l2o", "options": {"hidden_size": 2, "layers": 1}},
    "problem": {"rows": 3, "dim": 4},
    "training": {"epochs": 1, "batches": 1, "batch": 2, "horizon": 2, "unroll": 2},
    "validation": {"batch": 2, "steps": 2},
}


def test_damaged_training_states_and_weights(tmp_path) -> None:
    l2o.train(CONFIG, tmp_path)
    state, weights = tmp_path / "state.npz", tmp_path / "weights.npz"
    arrays = read_npz(state, "", "")
    name = next(n for n in arrays if n.startswith("weights/"))
    damages = [{name: arrays[name].astype(kind)} for kind in (np.str_, np.int64, np.complex64, np.bool_)]
    damages += [{name: arrays[name] * np.nan}, {name: arrays[name][:1]}, {"weights/other": arrays[name]}]
    damages += [{"other": arrays[name]}, {"meta": np.array("x")}, {"meta": np.zeros(0, np.uint8)}]
    for changed in ({n: a for n, a in arrays.items() if n != name}, *({**arrays, **d} for d in damages)):
        write_npz(state, changed)
        with pytest.raises(l2o.InputError, match=r"state\.npz"):
            l2o.train(CONFIG, tmp_path)
    for meta in (
        {"updates": "1"},
        {"updates": -1},
        {"updates": 10**400},
        {"curve": 3},
        {"more": 1},
        {"best_loss": None},
    ):
        write_npz(state, _meta(arrays, **meta))
        with pytest.raises(l2o.InputError, match=r"state\.npz"):
            l2o.train(CONFIG, tmp_path)
    good = read_npz(weights, "", "")
    for kind in (np.str_, np.complex128, "M8[s]"):
        write_npz(weights, {n: np.zeros(a.shape, np.int64).astype(kind) for n, a in good.items()})
        with pytest.raises(l2o.InputError, match=r"weights\.npz"):
            l2o.load_trained(tmp_path)
    write_npz(weights, good)
    assert l2o.load_trained(tmp_path)[0].name == "go-math-l2o"
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    for changes in ({"options": 3}, {"model": None}, {"family": 1}):
        (tmp_path / "manifest.json").write_text(json.dumps(manifest | changes))
        with pytest.raises(l2o.InputError, match=r"manifest\.json: not a training manifest"):
            l2o.load_trained(tmp_path)
    (tmp_path / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(l2o.InputError, match=r"manifest\.json: not a training manifest, which is JSON"):
        l2o.load_trained(tmp_path)


def test_a_config_with_too_many_threads() -> None:
    with pytest.raises(l2o.InputError, match="threads"):
        l2o.train({**CONFIG, "training": {**CONFIG["training"], "threads": 10**8}})
