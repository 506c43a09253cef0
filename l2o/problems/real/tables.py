"""Tables bundled with scikit-learn, as l1-logistic."""

from __future__ import annotations

import numpy as np
import torch

from ..composite import Composite
from ..constructors import logistic_l1
from .columns import standardised


def _instance(
    features: np.ndarray, labels: np.ndarray, lam: float, smoothness: str, seed: int, dtype: torch.dtype
) -> Composite:
    order = np.random.default_rng(seed).permutation(len(labels))
    return logistic_l1(
        standardised(features)[order], labels[order].astype(float), lam, smoothness=smoothness, dtype=dtype
    )


def breast_cancer(
    lam: float = 0.1, *, smoothness: str = "exact", seed: int = 0, dtype: torch.dtype = torch.float64
) -> Composite:
    """l1-logistic on the Wisconsin breast cancer data (569 x 30), columns standardised: one instance.

    scikit-learn's own copy, no network.

    Args:
        lam: Weight >= 0 of the l1 norm.
        smoothness: "exact" or "official", see `l2o.logistic`.
        seed: Permutes the rows; F does not depend on it but for rounding.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem, with batch size 1.

    Raises:
        InputError: For a negative weight or another `smoothness`.
    """
    from sklearn.datasets import load_breast_cancer  # imported here: it is slow and only this needs it

    data = load_breast_cancer()
    return _instance(data.data, data.target, lam, smoothness, seed, dtype)


def digits(
    lam: float = 0.01, *, smoothness: str = "exact", seed: int = 0, dtype: torch.dtype = torch.float64
) -> Composite:
    """l1-logistic on handwritten digits (1797 x 64, 8 x 8 pixels), odd (label 1) against even: one instance.

    Columns are standardised; the three pixels that are 0 on every picture stay as columns of zeros, so that n = 64 and
    their coefficients are 0 at the optimum. scikit-learn's own copy, no network.

    Args:
        lam: Weight >= 0 of the l1 norm.
        smoothness: "exact" or "official", see `l2o.logistic`.
        seed: Permutes the rows; F does not depend on it but for rounding.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem, with batch size 1.

    Raises:
        InputError: For a negative weight or another `smoothness`.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    return _instance(data.data, data.target % 2, lam, smoothness, seed, dtype)
