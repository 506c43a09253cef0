"""Least squares with an l1 or elastic-net term: coordinate descent, one instance at a time, then the polish.

scikit-learn's Cython loop (Friedman, Hastie and Tibshirani, Journal of Statistical Software 33, 2010)
releases the interpreter lock, so instances run in threads while their matrix is still in cache for the
polish.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import L1, ElasticNet
from ...l2o.problems.smooth import LeastSquares
from ...l2o.support.threads import one_thread
from ._local import least_squares, local_separable
from ._polish import polish_instance

TOLERANCE = 1e-11
"""Duality gap over ||y||^2 at which the descent stops: the support is right, the polish does the rest."""

ITERATIONS = 2000


def suits_descent(p: Composite) -> bool:
    """Whether coordinate descent applies: least squares with lam > 0 everywhere."""
    return (
        isinstance(p.smooth, LeastSquares)
        and isinstance(p.nonsmooth, (L1, ElasticNet))
        and bool((p.nonsmooth.lam > 0).all())
    )


def coordinate_descent(p: Composite, done: Callable[[int], None] | None = None) -> torch.Tensor:
    """(B,n) polished points; `done` is called with how many instances are finished."""
    from sklearn.linear_model import ElasticNet as Model  # imported here: it is slow and only this needs it

    assert isinstance(p.smooth, LeastSquares)  # see `suits_descent`
    matrix, target = p.smooth.map.matrix.numpy(), p.smooth.target.numpy()
    rows, dim = matrix.shape[-2:]
    shared = np.asfortranarray(matrix) if matrix.ndim == 2 else None

    def solve(b: int) -> np.ndarray:
        a = np.asfortranarray(matrix[b]) if shared is None else shared
        r = local_separable(p.nonsmooth, b, dim)
        assert r is not None  # of an l1 or elastic-net term
        # scikit-learn divides the squares by the number of rows, and mixes the two penalties by a ratio.
        weight = r.lam + r.ridge
        model = Model(
            alpha=weight / rows,
            l1_ratio=r.lam / weight,
            fit_intercept=False,
            copy_X=False,
            max_iter=ITERATIONS,
            tol=TOLERANCE,
        )
        x = model.fit(a, target[b], check_input=False).coef_ if np.any(target[b]) else np.zeros(dim)
        return polish_instance(least_squares(a, target[b]), r, x.astype(np.float64), rounds=20)

    points = np.empty((p.batch_size, dim))
    workers = max(1, min(os.cpu_count() or 1, 8))
    with warnings.catch_warnings(), one_thread(), ThreadPoolExecutor(workers) as pool:
        # An unconverged descent is no news: the certificate decides, and other solvers follow.
        warnings.simplefilter("ignore")
        for b, x in enumerate(pool.map(solve, range(p.batch_size))):
            points[b] = x
            if done is not None:
                done(b + 1)
    return torch.from_numpy(points)
