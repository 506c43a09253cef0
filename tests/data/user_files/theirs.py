import numpy as np

A, y = (np.random.default_rng(0).standard_normal(size) for size in ((2, 12, 8), (2, 12)))
np.savez("data.npz", A=A, y=y, lam=0.1)
a, b = A.astype("f4"), y.astype("f4")
size = (1 / np.linalg.norm(A, 2, axis=(1, 2))[:, None] ** 2).astype("f4")
x = [np.ones((2, 8), "f4")]
for _ in range(40):
    moved = x[-1] - size * np.einsum("bmn,bm->bn", a, np.einsum("bmn,bn->bm", a, x[-1]) - b)
    x.append(np.sign(moved) * np.maximum(np.abs(moved) - size * np.float32(0.1), 0))
np.save("x.npy", np.stack(x, axis=1))
