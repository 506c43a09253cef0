"""Checkpoints of the authors' public code, as optimizers of this package."""

from __future__ import annotations

import io
import os
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch

from ...errors import InputError
from ..support.files import check_memory, parse_npz, read_bytes
from . import Optimizer, make, option_names

# The kinds, each with the options that make the model what the authors' code makes of it.
_KINDS: dict[str, dict[str, Any]] = {
    "ada-lista": {"official": True},
    "l2o-dm": {"batch_mean": True},
    "l2o-rnnprop": {"batch_mean": True},
    "l2o-pa": {},
    "go-math-l2o": {},
}


_NESTED = ("state_dict", "model_state_dict", "model", "net", "network")
_LARGEST = 1 << 28  # bytes; the checkpoints of these models have some 100 KB


def _read(source: Any) -> Mapping[str, Any]:
    """The weights by name: those of a file or a mapping, without the mapping they are in and without `module.`."""
    if isinstance(source, Mapping):
        return _weights(source, "load_official")
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"load_official: expected a path or a mapping of weights, got {type(source).__name__}.")
    path, what = Path(source), "a checkpoint: a .pth state_dict of tensors, or an .npz"
    if not path.exists():
        raise InputError(f"{path}: no such checkpoint file.")
    data = read_bytes(path, what, limit=_LARGEST)
    if not data:
        raise InputError(f"{path}: the file is empty; expected {what}.")
    if path.suffix.lower() == ".npz":
        if other := _other_kind(data):
            raise InputError(f"{path}: not a readable checkpoint: {other}")
        return _weights(parse_npz(data, str(path), "an npz of weights", "export the checkpoint again"), str(path))
    return _weights(read_torch(data, path, what, "save model.state_dict()"), str(path))


def _other_kind(data: bytes) -> str:
    """What a file of another kind is, and what to do; "" where its first bytes do not tell."""
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")):
        return "it is a web page (HTML or XML); the download gave a page instead of the file, get it again."
    if start.startswith(b"version https://git-lfs"):
        return "it is a pointer of git-lfs; `git lfs pull` fetches the file it stands for."
    if start.startswith((b"{", b"[")) and b"\0" not in data[:4096]:
        return "it is JSON text; expected a .pth written by torch.save, or an .npz."
    if start.startswith((b"\x1f\x8b", b"7z\xbc\xaf", b"rar!", b"bzh", b"\xfd7zxz")):
        return "it is a packed archive; unpack it first."
    if start.startswith(b"\x89hdf"):
        return "it is an HDF5 file; export its weights with numpy.savez."
    return ""


def read_torch(data: bytes, path: Path, what: str, instead: str) -> Any:
    """What torch.save wrote, its pickle read for tensors only.

    Args:
        data: The bytes of the file.
        path: Its name, for errors.
        what: What it should be.
        instead: What to save where it holds more than tensors.

    Returns:
        Tensors, in the lists and mappings that they were saved in.

    Raises:
        InputError: For any other file, and for one that holds more than tensors.
    """
    if other := _other_kind(data):
        raise InputError(f"{path}: not a readable checkpoint: {other}")
    packed = data.startswith(b"PK")
    if packed:
        _check_archive(data, path, what)
    elif not data.startswith(b"\x80"):  # how a pickle of torch's older format begins
        text = "text" if b"\0" not in data[:4096] and data[:4096].isascii() else "a file of another kind"
        raise InputError(f"{path}: not a readable checkpoint: it is {text}; expected {what}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about its own formats
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        if "unsupported" in str(problem).lower() or "weights only" in str(problem).lower():
            reason = f"it holds more than tensors, which would have to be run; {instead}"
        else:
            reason = "its pickle is damaged"
    except Exception as problem:  # a reader of a foreign format, given damaged bytes
        reason = f"damaged or cut short, {type(problem).__name__}"
    raise InputError(f"{path}: not a readable checkpoint ({reason}); expected {what}.")


def _check_archive(data: bytes, path: Path, what: str) -> None:
    """Raise unless the zip is one of torch.save and unpacks to no more than it may."""
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (BadZipFile, ValueError, OSError, RuntimeError) as problem:
        raise InputError(
            f"{path}: not a readable checkpoint (damaged or cut short, {problem}); expected {what}."
        ) from None
    names = [entry.filename for entry in entries]
    check_memory(sum(entry.file_size for entry in entries), str(path))
    if not any(name.endswith("data.pkl") for name in names):
        other = "of npy arrays (call it .npz)" if all(name.endswith(".npy") for name in names) else "of something else"
        raise InputError(f"{path}: not a readable checkpoint: it is a zip archive {other}; expected {what}.")


def _weights(loaded: Any, where: str) -> dict[str, Any]:
    """Names to weights.

    Returns:
        While one of the usual keys holds a mapping, that mapping is meant; then `module.`, which torch's parallel
        wrappers put before every name, goes.

    Raises:
        InputError: If that is no mapping of names.
    """
    for _ in range(len(_NESTED)):
        inner = [loaded[key] for key in _NESTED if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping)]
        if not inner:
            break
        loaded = inner[0]
    if not isinstance(loaded, Mapping):
        raise InputError(f"{where}: expected a state_dict (names to tensors), got {type(loaded).__name__}.")
    if not all(isinstance(name, str) for name in loaded):
        odd = next(name for name in loaded if not isinstance(name, str))
        raise InputError(f"{where}: expected a state_dict (names to tensors), but a key is {odd!r}.")
    names = list(loaded)
    while names and all(name.startswith("module.") for name in names):
        loaded = {name.removeprefix("module."): loaded[name] for name in names}
        names = list(loaded)
    return dict(loaded)


def load_official(source: Any, kind: str, **options: Any) -> Optimizer:
    """The optimizer behind a checkpoint of the authors' code (arXiv 2506.14263 and the methods it compares with).

    Hidden size and number of layers are read from the weights. Behaviour is the authors' too: ada-lista has their
    absolute steps and thresholds (`official=True`), l2o-dm and l2o-rnnprop are fed the gradient of the mean over the
    batch (`batch_mean=True`).

    Args:
        source: A path to a .pth (loaded with weights_only: nothing in it is run) or .npz, or a mapping with the keys
            of the authors' `state_dict`. Weights of switched-off heads may be among them; the weights may also be in
            the mapping under `state_dict`, `model_state_dict`, `model`, `net` or `network`, and `module.` before all
            names is taken off.
        kind: The model: ada-lista, l2o-dm, l2o-rnnprop, l2o-pa or go-math-l2o.
        options: Its settings (norms, scales, ...), which the authors keep in the configuration and not in the
            checkpoint.

    Returns:
        The optimizer, in float64.

    Raises:
        InputError: For an unknown kind or option, a file that is no checkpoint, and weights that are missing, too
            many, not finite or of another shape.
    """
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InputError(f"load_official: unknown kind {kind!r}; expected one of {', '.join(_KINDS)}.")
    unknown = sorted(set(options) - set(option_names(kind)))
    if unknown:
        raise InputError(
            f"load_official: {kind} has no option {unknown[0]!r}; its options are {', '.join(option_names(kind))}."
        )
    weights = dict(_read(source))
    first = weights.get("lstm.weight_hh_l0")
    if first is not None and len(np.shape(first)) == 2:
        layers = sum(name.startswith("lstm.weight_hh_l") for name in weights)
        options = {"hidden_size": int(np.shape(first)[-1]), "layers": layers, **options}
    elif kind == "ada-lista" and "step_sizes.0" in weights:
        options = {"layers": sum(name.startswith("step_sizes.") for name in weights), **options}
    try:
        return make(kind, _KINDS[kind] | options, parameters=weights)
    except InputError as problem:
        raise InputError(f"{'load_official' if isinstance(source, Mapping) else source}: {problem}") from None
