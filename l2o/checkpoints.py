"""Checkpoints of the authors' public code, as optimizers of this package."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2o._errors import InputError
from l2o._files import read_npz
from l2o.optimizers import Optimizer, make, option_names

# The kinds, each with the options that make the model what the authors' code makes of it.
_KINDS: dict[str, dict[str, Any]] = {
    "ada-lista": {"official": True},
    "l2o-dm": {"batch_mean": True},
    "l2o-rnnprop": {"batch_mean": True},
    "l2o-pa": {},
    "go-math-l2o": {},
}


def _read(source: Any) -> Mapping[str, Any]:
    if isinstance(source, Mapping):
        return source
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"load_official: expected a path or a mapping of weights, got {type(source).__name__}.")
    path = Path(source)
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint file.")
    if path.suffix == ".npz":
        return read_npz(path, "an npz of weights", "export the checkpoint again")
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (
        OSError,
        ValueError,
        RuntimeError,
        EOFError,
        KeyError,
        AttributeError,
        pickle.UnpicklingError,
    ) as problem:
        reason = "it holds more than tensors" if isinstance(problem, pickle.UnpicklingError) else type(problem).__name__
        raise InputError(
            f"{path}: not a readable checkpoint ({reason}); expected a .pth state_dict of tensors, or an .npz."
        ) from None
    for key in ("state_dict", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if not isinstance(loaded, Mapping):
        raise InputError(f"{path}: expected a state_dict (names to tensors), got {type(loaded).__name__}.")
    return loaded


def load_official(source: Any, kind: str, **options: Any) -> Optimizer:
    """The optimizer behind a checkpoint of the authors' code.

    `source` is a path to a .pth (loaded with weights_only) or .npz, or a mapping with the keys of the authors'
    `state_dict`; weights of switched-off heads may be among them. `kind` names the model, `options` its settings
    (norms, scales, ...), which the authors keep in the configuration and not in the checkpoint. Hidden size and
    number of layers are read from the weights. Behaviour is the authors' too: ada-lista has their absolute steps and
    thresholds (`official=True`), l2o-dm and l2o-rnnprop are fed the gradient of the mean over the batch
    (`batch_mean=True`).
    """
    if kind not in _KINDS:
        raise InputError(f"load_official: unknown kind {kind!r}; expected one of {', '.join(_KINDS)}.")
    unknown = sorted(set(options) - set(option_names(kind)))
    if unknown:
        raise InputError(
            f"load_official: {kind} has no option {unknown[0]!r}; its options are {', '.join(option_names(kind))}."
        )
    weights = dict(_read(source))
    first = weights.get("lstm.weight_hh_l0")
    if first is not None and np.ndim(first) == 2:
        layers = sum(name.startswith("lstm.weight_hh_l") for name in weights)
        options = {"hidden_size": int(np.shape(first)[-1]), "layers": layers, **options}
    elif kind == "ada-lista" and "step_sizes.0" in weights:
        options = {"layers": sum(name.startswith("step_sizes.") for name in weights), **options}
    return make(kind, _KINDS[kind] | options, parameters=weights)
