import numpy as np
import torch

from l2obound import l2o


def counts(seed, batch, rows=12, dim=6):
    def poisson(x, A, y):
        rate = torch.einsum("bmn,bn->bm", A, x) + 20.0
        return (rate - y * rate.log()).sum(-1)

    A = np.random.default_rng(seed).uniform(0, 1, (batch, rows, dim))
    y = np.random.default_rng(seed).poisson(23.0, (batch, rows)).astype(float)
    L = y.max(axis=1) / 10**2 * np.linalg.norm(A, 2, axis=(1, 2)) ** 2  # where the rate is at least 10
    return l2o.Composite(l2o.smooth(poisson, dim=dim, L=L, data={"A": A, "y": y}), l2o.nonnegative())
