"""Learns the dictionary of `patches` again and writes it with its manifest.

    python -m l2obound.l2o.problems.real.relearn [FOLDER]

FOLDER is the package's own by default. On one machine, with as many threads, the file comes out the same to the byte;
elsewhere the linear algebra rounds otherwise: entries then differed by up to 3e-10.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from ...support.files import write_bytes, write_npz
from . import pictures


def write(folder: Path, seed: int = 0) -> Path:
    """Write dictionary-SIZExATOMS.npz and .json to `folder`; returns the path of the npz."""
    size, atoms = pictures.SHIPPED
    path = write_npz(folder / f"dictionary-{size}x{atoms}.npz", {"A": pictures.learn(size, atoms, seed)})
    manifest = {
        "array": f"A ({size * size}, {atoms}), unit columns",
        "learnt_on": pictures.TRAINING,
        "tested_on": pictures.TESTED,
        "patches_per_picture": pictures.PER_PICTURE,
        "alpha": pictures.ALPHA,
        "epochs": pictures.EPOCHS,
        "minibatch": pictures.MINIBATCH,
        "seed": seed,
        "versions": {name: version(name) for name in ("numpy", "pillow", "scikit-image", "scikit-learn", "scipy")},
        "machine": platform.machine(),
        "command": "python -m l2obound.l2o.problems.real.relearn",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    write_bytes(path.with_suffix(".json"), (json.dumps(manifest, indent=2) + "\n").encode())
    return path


if __name__ == "__main__":
    print(write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))
