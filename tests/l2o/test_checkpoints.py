"""Checkpoints as people have them: nested, wrapped, of another kind, damaged."""

from __future__ import annotations

import collections
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from l2obound import l2o

WEIGHTS = {n: torch.as_tensor(w) for n, w in l2o.pretrained("go-math-l2o", "lasso").parameters.items()}
WRAPPED = {f"module.{n}": w for n, w in WEIGHTS.items()}


def _saved(thing: object, **options: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer, **options)
    return buffer.getvalue()


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "b")
    return buffer.getvalue()


class _Evil:
    def __reduce__(self) -> tuple:
        return os.mkdir, ("executed",)


READ = {
    "plain": WEIGHTS,
    "ordered": collections.OrderedDict(WEIGHTS),
    "state_dict": {"state_dict": WEIGHTS},
    "model_state_dict": {"model_state_dict": WEIGHTS, "epoch": 3, "loss": 0.1},
    "model": {"model": {"state_dict": WEIGHTS}},
    "net": {"net": WRAPPED},
    "parallel": WRAPPED,
    "twice parallel": {f"module.{n}": w for n, w in WRAPPED.items()},
    "parameters": {n: torch.nn.Parameter(w) for n, w in WEIGHTS.items()},
}


@pytest.mark.parametrize("form", READ)
def test_weights_are_found(form: str, tmp_path) -> None:
    path = tmp_path / "a.pth"
    for source in (READ[form], _saved(READ[form]), _saved(READ[form], _use_new_zipfile_serialization=False)):
        if isinstance(source, bytes):
            path.write_bytes(source)
            source = path
        result = l2o.load_official(source, "go-math-l2o").parameters
        assert all(torch.equal(result[n].detach(), WEIGHTS[n]) for n in WEIGHTS)


OLD, NEW = _saved(WEIGHTS, _use_new_zipfile_serialization=False), _saved(WEIGHTS)
REFUSED = {
    "page": (b"<!DOCTYPE html><html>quota exceeded</html>", "a web page"),
    "page with a BOM": (b"\xef\xbb\xbf\n<HTML>", "a web page"),
    "error of a store": (b'<?xml version="1.0"?><Error>', "a web page"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "pointer of git-lfs"),
    "JSON": (b'{"message": "not found"}', "JSON"),
    "zip": (_zip(), "a zip archive of something else"),
    "npz": (_npz({"a": np.ones(1)}), r"npy arrays .call it \.npz"),
    "packed": (b"\x1f\x8b" + bytes(99), "packed archive"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
    "text": (b"not a checkpoint", "it is text"),
    "bytes": (bytes(range(256)), "file of another kind"),
    "empty": (b"", "empty"),
    "cut": (NEW[: len(NEW) // 2], "damaged or cut short"),
    "cut early": (NEW[:100], "damaged or cut short"),
    "old, cut": (OLD[: len(OLD) // 2], "damaged"),
    "old, cut early": (OLD[:40], "damaged"),
    "a pickle that runs": (pickle.dumps({"a": _Evil()}, protocol=2), "more than tensors"),
    "one in a zip": (_saved({"a": _Evil()}), "more than tensors"),
    "a module": (_saved(torch.nn.Linear(1, 1)), "more than tensors"),
    "a list": (_saved([1, 2]), "expected a state_dict"),
    "a tensor": (_saved(torch.ones(2)), "expected a state_dict"),
    "numbers as names": (_saved({1: torch.ones(2)}), "a key is 1"),
    "NaN": (
        _saved({**WEIGHTS, "linear.bias": WEIGHTS["linear.bias"] * torch.nan}),
        "weight linear.bias: 20 of 20 .* NaN",
    ),
    "missing": (_saved({n: w for n, w in WEIGHTS.items() if n != "linear.bias"}), "missing: linear.bias"),
    "extra": (_saved({**WEIGHTS, "head.bias": torch.ones(1)}), "unknown: head.bias"),
    "complex": (_saved({**WEIGHTS, "linear.bias": WEIGHTS["linear.bias"] * 1j}), "complex"),
    "text as a weight": (_saved({**WEIGHTS, "linear.bias": "x"}), "linear.bias"),
    "a shape that no memory holds": (
        _saved({**WEIGHTS, "linear.bias": torch.ones(1).expand(10**12)}),
        r"shape .1000000000000,., expected",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_checkpoint_is_named(case: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    data, says = REFUSED[case]
    (tmp_path / "a.pth").write_bytes(data)
    with pytest.raises(l2o.InputError, match=says) as caught:
        l2o.load_official(tmp_path / "a.pth", "go-math-l2o")
    assert str(caught.value).startswith(f"{tmp_path / 'a.pth'}: ")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "executed").exists()
