"""Real data as problems."""

from __future__ import annotations

import numpy as np
import torch

from l2o.problems.composite import Composite
from l2o.problems.constructors import logistic_l1


def breast_cancer(
    lam: float = 0.1, *, smoothness: str = "exact", seed: int = 0, dtype: torch.dtype = torch.float64
) -> Composite:
    """l1-logistic on the Wisconsin breast cancer data (569 x 30), columns standardised: one instance.

    scikit-learn's own copy, no network. `seed` permutes the rows; F does not depend on it but for rounding.
    """
    from sklearn.datasets import load_breast_cancer  # imported here: it is slow and only this needs it

    data = load_breast_cancer()
    order = np.random.default_rng(seed).permutation(len(data.target))
    spread = data.data.std(axis=0)
    features = (data.data - data.data.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return logistic_l1(features[order], data.target[order].astype(float), lam, smoothness=smoothness, dtype=dtype)
