"""Patches of photographs as LASSO, over a dictionary learnt on other photographs.

The pictures are files of the scikit-image wheel, read from its folder and known by their hash: nothing is fetched.
Each patch is scaled as in the paper, (p - min)/(max - min + 1e-3), and its mean taken off.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from ....errors import InputError
from ...support.files import parse_npz
from ..composite import Composite
from ..constructors import lasso
from .columns import unit

# Name and SHA-256. PNG only: every decoder of it gives the same pixels.
TRAINING = {
    "astronaut": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "brick": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    "grass": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    "gravel": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    "moon": "78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577",
}
TESTED = {
    "camera": "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    "chelsea": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "coffee": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "coins": "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
}
SHIPPED = (8, 128)  # patch size and atoms of the dictionary in this package
PER_PICTURE, ALPHA, EPOCHS, MINIBATCH = 1000, 0.5, 4, 250


@lru_cache(maxsize=16)
def picture(name: str) -> np.ndarray:
    """(height, width) grey values 0..255 of a bundled picture."""
    from PIL import Image

    package = find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        raise InputError("patches: the pictures come with scikit-image, which is not installed; install it.")
    path = Path(package.submodule_search_locations[0]) / "data" / f"{name}.png"
    expected = {**TRAINING, **TESTED}[name]
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise InputError(
            f"{path}: not the picture this package knows; install the scikit-image of requirements.lock (0.26.0)."
        )
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


@lru_cache(maxsize=16)
def _corners(names: tuple[str, ...], size: int) -> np.ndarray:
    """(N, 3) picture, row and column of the upper left corner of every patch that is not of one grey value."""
    places = []
    for i, name in enumerate(names):
        high = low = picture(name)
        for axis in (0, 1):
            high = np.lib.stride_tricks.sliding_window_view(high, size, axis=axis).max(axis=-1)
            low = np.lib.stride_tricks.sliding_window_view(low, size, axis=axis).min(axis=-1)
        corners = np.argwhere(high > low)
        places.append(np.column_stack([np.full(len(corners), i), corners]))
    return np.concatenate(places)


def _cut(names: tuple[str, ...], corners: np.ndarray, size: int) -> np.ndarray:
    """(N, size*size) patches at `corners`, scaled and centred."""
    return scaled(
        np.array([picture(names[i])[row : row + size, column : column + size].ravel() for i, row, column in corners])
    )


def scaled(grey: np.ndarray) -> np.ndarray:
    """(N, d) patches of grey values 0..255, scaled to (p - min)/(max - min + 1e-3) and less their means."""
    p = np.asarray(grey, dtype=float) / 255.0
    low, high = p.min(axis=1, keepdims=True), p.max(axis=1, keepdims=True)
    p = (p - low) / (high - low + 1e-3)
    return p - p.mean(axis=1, keepdims=True)


def learn(size: int, atoms: int, seed: int = 0) -> np.ndarray:
    """(size*size, atoms) dictionary with unit columns, learnt on patches of the TRAINING pictures: a few seconds."""
    from sklearn.decomposition import MiniBatchDictionaryLearning
    from sklearn.exceptions import ConvergenceWarning

    rng = np.random.default_rng(seed)
    chosen = []
    for name in TRAINING:
        corners = _corners((name,), size)
        chosen.append(_cut((name,), corners[rng.choice(len(corners), PER_PICTURE, replace=False)], size))
    model = MiniBatchDictionaryLearning(
        n_components=atoms,
        alpha=ALPHA,
        max_iter=EPOCHS,
        batch_size=MINIBATCH,
        fit_algorithm="cd",
        transform_max_iter=10_000,
        max_no_improvement=None,
        tol=0.0,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a code of 1e-5 accuracy is enough to learn from
        model.fit(rng.permutation(np.concatenate(chosen)))
    return np.ascontiguousarray(unit(model.components_.T))


@lru_cache(maxsize=4)
def dictionary(size: int, atoms: int) -> np.ndarray:
    """The shipped dictionary, its hash checked; for other sizes one is learnt on the spot."""
    if (size, atoms) != SHIPPED:
        return learn(size, atoms)
    name = "dictionary-{}x{}".format(*SHIPPED)
    folder = files(__package__)
    data = (folder / f"{name}.npz").read_bytes()
    manifest = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    if hashlib.sha256(data).hexdigest() != manifest["sha256"]:
        raise InputError(f"{name}.npz does not match the hash in its manifest; install the package again.")
    return parse_npz(data, f"{name}.npz", "an npz of a dictionary", "install the package again")["A"]


def patches(
    batch: int = 32,
    *,
    lam: float = 0.1,
    size: int = 8,
    atoms: int = 128,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """LASSO on patches of four photographs over one shared dictionary A (size*size, atoms) with unit columns.

    The patches are of camera, chelsea, coffee and coins, the dictionary is learnt on astronaut, brick, grass, gravel
    and moon (files of scikit-image). It is shipped for 8 x 8 and 128 atoms (see dictionary-8x128.json beside it) and
    else learnt on the spot, which takes seconds and may differ by rounding on another machine. Patches of one grey
    value are left out.

    Args:
        batch: Number of patches.
        lam: Weight >= 0 of the l1 norm.
        size: Side of a patch in pixels, 2 to 32.
        atoms: Columns of A, 1 to 4096.
        seed: Orders the patches, of which the first `batch` are taken: no patch twice, but two seeds may share some,
            and patches overlap.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem, with batch size `batch`.

    Raises:
        InputError: For a number out of range, more patches than there are, and where scikit-image's files are missing.
    """
    for name, value, least, most in (("size", size, 2, 32), ("atoms", atoms, 1, 4096), ("batch", batch, 1, None)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least or (most and value > most):
            limits = f"from {least} to {most}" if most else f">= {least}"
            raise InputError(f"patches: {name}: expected an integer {limits}, got {value!r}.")
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"patches: seed: expected an integer >= 0, got {seed!r}.")
    names = tuple(TESTED)
    corners = _corners(names, size)
    if batch > len(corners):
        raise InputError(
            f"patches: batch: {batch} asked for, but the pictures have {len(corners)} different {size} x {size} "
            f"patches; ask for fewer."
        )
    order = np.random.default_rng(seed).permutation(len(corners))[:batch]
    return lasso(dictionary(size, atoms), _cut(names, corners[order], size), lam, dtype=dtype)
