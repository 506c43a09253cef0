"""The paper's own data sets, from the user's files: no package has them, and nothing here fetches any.

`ionosphere` and `spambase` read the files of the UCI repository as they come, `bsds500` a folder of the pictures of the
Berkeley segmentation data set. `breast_cancer`, `digits` and `patches` stand in for them where there are none.
"""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np
import torch

from ....errors import InputError
from ...support.files import check_memory, read_bytes, read_text
from ..composite import Composite
from ..constructors import lasso, logistic_l1
from .columns import standardised, unit
from .files import number
from .pictures import SHIPPED, dictionary, scaled

_LARGEST = 1 << 24  # bytes, many times those of the tables
_PICTURES = (".jpg", ".jpeg", ".png")
_LABELS = {"ionosphere": {"g": 1.0, "b": 0.0}, "spambase": {"1": 1.0, "0": 0.0}}
_COLUMNS = {"ionosphere": 34, "spambase": 57}


def ionosphere(
    path: str | os.PathLike[str], lam: float = 0.1, *, smoothness: str = "exact", dtype: torch.dtype = torch.float64
) -> Composite:
    """l1-logistic on Ionosphere (351 x 34), good (1) against bad (0), columns standardised: one instance.

    Args:
        path: ionosphere.data of the UCI repository, 34 numbers and g or b a line, separated by commas, no header.
        lam: Weight >= 0 of the l1 norm.
        smoothness: "exact" or "official", see `l2o.logistic`.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem, with batch size 1.

    Raises:
        InputError: If the file cannot be read, or a line is not of that form.
    """
    return _table("ionosphere", path, lam, smoothness, dtype)


def spambase(
    path: str | os.PathLike[str], lam: float = 0.1, *, smoothness: str = "exact", dtype: torch.dtype = torch.float64
) -> Composite:
    """l1-logistic on Spambase (4601 x 57), spam (1) against not (0), columns standardised: one instance.

    Args:
        path: spambase.data of the UCI repository, 57 numbers and 1 or 0 a line, separated by commas, no header.
        lam: Weight >= 0 of the l1 norm.
        smoothness: "exact" or "official", see `l2o.logistic`.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem, with batch size 1.

    Raises:
        InputError: If the file cannot be read, or a line is not of that form.
    """
    return _table("spambase", path, lam, smoothness, dtype)


def _table(name: str, path: str | os.PathLike[str], lam: float, smoothness: str, dtype: torch.dtype) -> Composite:
    columns, classes = _COLUMNS[name], _LABELS[name]
    what = f"the lines of {name}.data, {columns} numbers and {' or '.join(classes)} each"
    lines = read_text(path, what, limit=_LARGEST).splitlines()
    features, labels = [], []
    for place, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.split(",")]
        if cells == [""]:
            continue
        values = [value for cell in cells[:-1] if (value := number(cell)) is not None]
        if (
            len(values) != columns
            or len(cells) != columns + 1
            or not np.isfinite(values).all()
            or cells[-1] not in classes
        ):
            raise InputError(f"{path}: line {place} is not one of {what}: {line[:60]!r}.")
        features.append(values)
        labels.append(classes[cells[-1]])
    if len(set(labels)) < 2:
        raise InputError(f"{path}: {len(labels)} lines, which must hold both classes, {' and '.join(classes)}.")
    return logistic_l1(standardised(np.array(features)), np.array(labels), lam, smoothness=smoothness, dtype=dtype)


def bsds500(
    folder: str | os.PathLike[str],
    batch: int = 50,
    *,
    lam: float = 0.5,
    learn_on_tested: bool = False,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """LASSO on random 8 x 8 grey patches of pictures, over one dictionary A (64, 128): the data of arXiv 2506.14263.

    Patches are scaled and centred as for `patches`; those of one grey value are left out.

    Args:
        folder: A folder of pictures, as of the Berkeley segmentation data set (jpg or png).
        batch: Number of patches.
        lam: Weight >= 0 of the l1 norm.
        learn_on_tested: Whether A is learnt on 1,000 patches of these pictures, as in the paper (there by K-SVD, here
            by scikit-learn's dictionary learning), so that it has seen what it is tested on. By default A is the
            dictionary shipped for `patches`, learnt on other pictures.
        seed: Draws the places of the patches.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem, with batch size `batch`.

    Raises:
        InputError: If the folder has no picture that can be used, and for a batch below 1.
    """
    if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
        raise InputError(f"bsds500: batch: expected an integer >= 1, got {batch!r}.")
    size, atoms = SHIPPED
    pictures = _pictures(Path(folder), size)
    rng = np.random.default_rng([seed, size])
    tested = _patches(pictures, batch, size, rng)
    if learn_on_tested:
        A = _learnt(_patches(pictures, 1000, size, np.random.default_rng([0, size])), atoms)
    else:
        A = dictionary(size, atoms)
    return lasso(A, tested, lam, dtype=dtype)


def _pictures(folder: Path, size: int) -> list[np.ndarray]:
    from PIL import Image

    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one of pictures ({', '.join(_PICTURES)}).")
    pictures, pixels = [], 0
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in _PICTURES):
        data = read_bytes(path, "a picture")
        try:
            with Image.open(io.BytesIO(data)) as image:
                pixels += image.width * image.height
                check_memory(8 * pixels, f"{folder}: its pictures")
                grey = np.asarray(image.convert("L"), dtype=float)
        except InputError:
            raise
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:  # all that Pillow raises
            raise InputError(f"{path}: not a picture that can be read ({problem}).") from None
        if min(grey.shape) >= size and grey.max() > grey.min():
            pictures.append(grey)
    if not pictures:
        raise InputError(
            f"{folder}: no pictures there ({', '.join(_PICTURES)}, at least {size} x {size}, not of one grey)."
        )
    return pictures


def _patches(pictures: list[np.ndarray], count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """(count, size*size) patches at random places, scaled and centred, none of one grey value."""
    chosen: list[np.ndarray] = []
    while len(chosen) < count:
        grey = pictures[rng.integers(len(pictures))]
        row, column = (int(rng.integers(side - size + 1)) for side in grey.shape)
        patch = grey[row : row + size, column : column + size]
        if patch.max() > patch.min():
            chosen.append(patch.ravel())
    return scaled(np.array(chosen))


def _learnt(patches: np.ndarray, atoms: int) -> np.ndarray:
    from sklearn.decomposition import MiniBatchDictionaryLearning
    from sklearn.exceptions import ConvergenceWarning

    model = MiniBatchDictionaryLearning(
        n_components=atoms, alpha=0.5, max_iter=4, batch_size=250, fit_algorithm="cd", random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(patches)
    return np.ascontiguousarray(unit(model.components_.T))
