"""Shipped weights: small npz files with a manifest each (config, seed, steps, validation curve, hash, command)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..optimizers import Optimizer, make
from ..support.arrays import real_array
from ..support.files import parse_npz, read_bytes, read_json
from ..training.loop import weights_hash

_LARGEST = 1 << 28  # bytes


def pretrained_names() -> tuple[tuple[str, str], ...]:
    """For what weights are shipped.

    Returns:
        (optimizer, family) pairs, sorted.
    """
    stems = (entry.name for entry in files(__name__).iterdir() if entry.name.endswith(".json"))
    pairs = (stem.removesuffix(".json").split(".", 1) for stem in stems)
    return tuple(sorted((name, family) for name, family in pairs))


def shipped_family(
    name: str, family: str, dim: int | None = None, *, rows: int | None = None, lam: float | None = None
) -> str:
    """The name under which the shipped weights stand that fit problems of a family and a size.

    Weights that were trained on problems of another size than the usual one have it in their name, lasso-250x500 say.
    Of several with the weight lam of the usual ones, those of the smallest training with at least as many variables
    are taken, else those of the largest. This is measured (docs/training.md): weights carry over to smaller problems,
    and less well to larger ones. Weights that were trained with another lam are taken for the rows, variables and lam
    of their training alone, because with another lam they need many more iterations than the usual ones.

    Args:
        name: Name of the optimizer.
        family: Family of the problems.
        dim: Number of variables n of the problems; None where it is not known.
        rows: Rows of their data; None where they are not known.
        lam: The weight of their nonsmooth term; None where it is not known.

    Returns:
        The family as `pretrained` takes it; `family` itself where nothing is shipped, or `dim` is None.
    """
    fitting = [key for owner, key in pretrained_names() if owner == name and key.partition("-")[0] == family]
    if dim is None or family not in fitting:
        return family
    trained = {key: manifest(name, key)["config"]["problem"] for key in fitting}
    for key, problem in trained.items():
        if (problem["rows"], problem["dim"], problem["lam"]) == (rows, dim, lam):
            return key
    sizes = {key: problem["dim"] for key, problem in trained.items() if problem["lam"] == trained[family]["lam"]}
    enough = [key for key in sizes if sizes[key] >= dim]
    return min(enough, key=sizes.__getitem__) if enough else max(sizes, key=sizes.__getitem__)


def manifest(name: str, family: str) -> dict[str, Any]:
    """How the weights of `name` for `family` came to be."""
    if (name, family) not in pretrained_names():
        shipped = ", ".join(f"{n} ({f})" for n, f in pretrained_names()) or "none"
        raise InputError(
            f"no weights of {name!r} for {family!r} are shipped; there are: {shipped}. Train some with "
            f"`l2obound train`."
        )
    return json.loads((files(__name__) / f"{name}.{family}.json").read_text(encoding="utf-8"))


def _load(data: bytes, description: Mapping[str, Any], where: str) -> Optimizer:
    weights = parse_npz(data, where, "an npz of weights", "get it again")
    weights = {name: real_array(array, f"{where}: weight {name}") for name, array in weights.items()}
    if weights_hash(weights) != description.get("sha256"):
        raise InputError(
            f"{where}: the weights do not match the hash in their manifest; they were changed or belong to another."
        )
    return make(description["model"], description["options"], parameters=weights)


def pretrained(name: str, family: str) -> Optimizer:
    """The optimizer with shipped weights; their hash is checked against the manifest.

    Args:
        name: Name of the optimizer.
        family: Family of problems that it was trained on, with the size where there are several; `pretrained_names()`
            lists the pairs.

    Returns:
        The optimizer, with the options it was trained with.

    Raises:
        InputError: If no weights are shipped for the pair, or they do not match their hash.
    """
    description = manifest(name, family)
    resource = files(__name__) / f"{name}.{family}.npz"
    return _load(resource.read_bytes(), description, f"{name}.{family}.npz")


def load_trained(folder: str | Path) -> tuple[Optimizer, dict[str, Any]]:
    """What `l2obound train --out FOLDER` or `train(config, FOLDER)` left.

    Args:
        folder: The folder, with `manifest.json` and `weights.npz` in it.

    Returns:
        The optimizer, and its manifest (config, seed, validation curve, hash, command).

    Raises:
        InputError: If the training is not finished, a file cannot be read, or the weights do not match their hash.
    """
    folder, what = Path(folder), "a training manifest"
    for name in ("manifest.json", "weights.npz"):
        if not (folder / name).exists():
            raise InputError(f"{folder}: no finished training there ({name} is missing).")
    description = read_json(folder / "manifest.json", what, "train again", limit=_LARGEST)
    kinds = {"model": str, "options": dict, "sha256": str, "family": str}
    if not isinstance(description, dict) or not all(isinstance(description.get(k), t) for k, t in kinds.items()):
        raise InputError(f"{folder}/manifest.json: not {what}; train again.")
    data = read_bytes(folder / "weights.npz", "an npz of weights", limit=_LARGEST)
    return _load(data, description, str(folder / "weights.npz")), description
