import numpy as np
import torch
from scipy.optimize import lsq_linear

from l2obound import l2o


def tv(seed, batch, rows=8, dim=6, lam=0.1):
    D, f = np.diff(np.eye(dim), axis=0), l2o.synthetic.lasso(batch, rows, dim, seed=seed).smooth

    def prox(u, step):
        ends = zip(u.numpy(), lam * step[:, 0].numpy())
        return u - torch.tensor([lsq_linear(D.T, v, (-s, s), method="bvls", tol=1e-15).x @ D for v, s in ends]).to(u)

    return l2o.Composite(f, l2o.nonsmooth(lambda x: lam * x.diff().abs().sum(-1), prox, dim=dim))
