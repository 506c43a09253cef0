"""Weights that a setting borrows from another family, and what it took to train them."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from .... import l2o
from ....l2o.pretrained import manifest
from ....l2o.support.files import write_bytes
from ...sweeps.cells import Cell, weights_of
from ...sweeps.models import TRAINED


def exported(name: str, family: str, folder: Path) -> Path:
    """A folder like that of `l2obound train`, in `folder`, with the shipped weights of `name` for `family`."""
    description = manifest(name, family)
    target = folder / f"{name}.{family}"
    weights = (files("l2obound.l2o.pretrained") / f"{name}.{family}.npz").read_bytes()
    for file, data in (("manifest.json", json.dumps(description, indent=1).encode()), ("weights.npz", weights)):
        if not (target / file).exists() or (target / file).read_bytes() != data:
            write_bytes(target / file, data)
    return target


def training_seconds(cell: Cell, folder: Path) -> float | None:
    """Seconds of training behind a cell's weights, every seed that was tried included.

    0 for random weights, None where it is not known. `folder` is that of the sweep.
    """
    weights = weights_of(cell.model, cell.spec)
    if weights in (None, "random"):
        return 0.0
    if weights == "shipped":
        return seconds_of(manifest(cell.model.name, cell.model.shipped_key(cell.spec)))
    if weights == "trained":
        weights = str(folder / TRAINED / cell.model.training_key)
    return seconds_of(l2o.load_trained(weights)[1])


def seconds_of(description: dict[str, Any]) -> float | None:
    """Seconds that a manifest accounts for: of all its seeds, else of the training that it describes."""
    tried = [seed["seconds"] for seed in description.get("seeds", ()) if "seconds" in seed]
    return float(sum(tried)) if tried else description.get("seconds")
