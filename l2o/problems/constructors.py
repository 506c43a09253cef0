"""Terms and problems from arrays, everything checked: the constructors users call."""

from __future__ import annotations

from typing import Any

import torch

from ...errors import InputError
from ..support.arrays import as_tensor, batch_of, per_instance
from ._given import group_labels, matrix_and_labels, matrix_and_rows, nonnegative_weight, residual_data
from .composite import Composite
from .nonsmooth import L1, Box, ElasticNet, GroupL1, L2Ball, NonsmoothTerm, Simplex, Zero
from .smooth import (
    Huber,
    LeastSquares,
    Logistic,
    QuadraticForm,
    SigmoidLoss,
    SquaredHinge,
    StudentT,
    Welsch,
)


def least_squares(A: Any, y: Any, *, dtype: torch.dtype = torch.float64) -> LeastSquares:
    """f(x) = 1/2 ||A x - y||^2, L = lambda_max(A'A).

    Args:
        A: (B,m,n), or (m,n) for all instances.
        y: (B,m) or (m,).
        dtype: torch.float32 or torch.float64.

    Returns:
        A smooth term for `Composite`.

    Raises:
        InputError: For entries that are not finite, and for shapes that do not fit each other.
    """
    return LeastSquares(*matrix_and_rows(A, y, ("A", "y"), dtype))


def logistic(A: Any, labels: Any, *, smoothness: str = "exact", dtype: torch.dtype = torch.float64) -> Logistic:
    """f(x) = mean_j [log(1 + exp(a_j'x)) - label_j a_j'x], L = lambda_max(A'A)/(4m).

    Args:
        A: (B,m,n), or (m,n) for all instances; rows a_j.
        labels: (B,m) or (m,) in {0,1}.
        smoothness: "exact", or "official", which drops the factor 1/4 of L, as the code of arXiv 2506.14263 does.
        dtype: torch.float32 or torch.float64.

    Returns:
        A smooth term for `Composite`.

    Raises:
        InputError: For other labels, entries that are not finite, and shapes that do not fit each other.
    """
    map_, y = matrix_and_labels(A, labels, dtype)
    if smoothness not in ("exact", "official"):
        raise InputError(f'smoothness: expected "exact" or "official", got {smoothness!r}.')
    return Logistic(map_, y, 0.25 if smoothness == "exact" else 1.0)


def huber(A: Any, y: Any, delta: Any = 1.0, *, dtype: torch.dtype = torch.float64) -> Huber:
    """f(x) = sum_j h(a_j'x - y_j), h(z) = z^2/2 for |z| <= delta, else delta (|z| - delta/2); L = lambda_max(A'A).

    Huber, Robust Estimation of a Location Parameter, Ann. Math. Statist. 35 (1964).

    Args:
        A: (B,m,n), or (m,n) for all instances; rows a_j.
        y: (B,m) or (m,).
        delta: Where h turns linear, > 0, a scalar or (B,), in the unit of y.
        dtype: torch.float32 or torch.float64.

    Returns:
        A convex smooth term for `Composite`.

    Raises:
        InputError: For delta <= 0, entries that are not finite, and shapes that do not fit each other.
    """
    return Huber(*residual_data(A, y, delta, "delta", dtype))


def student_t(A: Any, y: Any, nu: Any = 1.0, *, dtype: torch.dtype = torch.float64) -> StudentT:
    """f(x) = sum_j (nu/2) log(1 + (a_j'x - y_j)^2/nu), not convex; L = lambda_max(A'A).

    Lange, Little and Taylor, Robust Statistical Modeling Using the t Distribution, J. Amer. Statist. Assoc. 84 (1989).

    Args:
        A: (B,m,n), or (m,n) for all instances; rows a_j.
        y: (B,m) or (m,).
        nu: Scale, > 0, a scalar or (B,), in the unit of y^2.
        dtype: torch.float32 or torch.float64.

    Returns:
        A smooth term for `Composite`.

    Raises:
        InputError: For nu <= 0, entries that are not finite, and shapes that do not fit each other.
    """
    return StudentT(*residual_data(A, y, nu, "nu", dtype))


def welsch(A: Any, y: Any, c: Any = 1.0, *, dtype: torch.dtype = torch.float64) -> Welsch:
    """f(x) = sum_j (c^2/2) (1 - exp(-(a_j'x - y_j)^2/c^2)), not convex; L = lambda_max(A'A).

    Dennis and Welsch, Techniques for Nonlinear Least Squares and Robust Regression, Comm. Statist. B 7 (1978).

    Args:
        A: (B,m,n), or (m,n) for all instances; rows a_j.
        y: (B,m) or (m,).
        c: Scale, > 0, a scalar or (B,), in the unit of y.
        dtype: torch.float32 or torch.float64.

    Returns:
        A smooth term for `Composite`.

    Raises:
        InputError: For c <= 0, entries that are not finite, and shapes that do not fit each other.
    """
    return Welsch(*residual_data(A, y, c, "c", dtype))


def squared_hinge(A: Any, labels: Any, *, dtype: torch.dtype = torch.float64) -> SquaredHinge:
    """f(x) = mean_j max(0, 1 - s_j a_j'x)^2 with s = 2 label - 1; L = 2 lambda_max(A'A)/m.

    Args:
        A: (B,m,n), or (m,n) for all instances; rows a_j.
        labels: (B,m) or (m,) in {0,1}.
        dtype: torch.float32 or torch.float64.

    Returns:
        A convex smooth term for `Composite`.

    Raises:
        InputError: For other labels, entries that are not finite, and shapes that do not fit each other.
    """
    return SquaredHinge(*matrix_and_labels(A, labels, dtype))


def sigmoid_loss(A: Any, labels: Any, *, dtype: torch.dtype = torch.float64) -> SigmoidLoss:
    """f(x) = mean_j sigma(-s_j a_j'x) with s = 2 label - 1, sigma(t) = 1/(1 + exp(-t)), not convex.

    L = lambda_max(A'A)/(6 sqrt(3) m), since |sigma''| <= 1/(6 sqrt(3)).

    Args:
        A: (B,m,n), or (m,n) for all instances; rows a_j.
        labels: (B,m) or (m,) in {0,1}.
        dtype: torch.float32 or torch.float64.

    Returns:
        A smooth term for `Composite`.

    Raises:
        InputError: For other labels, entries that are not finite, and shapes that do not fit each other.
    """
    return SigmoidLoss(*matrix_and_labels(A, labels, dtype))


def quadratic_form(Q: Any, c: Any, *, dtype: torch.dtype = torch.float64) -> QuadraticForm:
    """f(x) = 1/2 x'Qx - c'x; L and mu are the largest and the smallest eigenvalue of Q.

    Args:
        Q: (B,n,n), or (n,n) for all instances, symmetric to 1e-12 relative and positive semidefinite.
        c: (B,n) or (n,).
        dtype: torch.float32 or torch.float64.

    Returns:
        A smooth term for `Composite`.

    Raises:
        InputError: If Q is not square, not symmetric or not positive semidefinite, and for shapes that do not fit.
    """
    matrix = as_tensor(Q, "Q", ndim=(2, 3), dtype=dtype)
    if matrix.shape[-1] != matrix.shape[-2]:
        raise InputError(f"Q: expected square matrices, got shape {tuple(matrix.shape)}.")
    size = matrix.abs().amax((-2, -1)).reshape(-1)
    skew = (matrix - matrix.mT).abs().amax((-2, -1)).reshape(-1)
    if bool((skew > 1e-12 * size).any()):
        worst = int((skew - 1e-12 * size).argmax())
        raise InputError(
            f"Q: expected a symmetric matrix, but max|Q - Q'| = {float(skew[worst]):.3g} with max|Q| = "
            f"{float(size[worst]):.3g} in instance {worst}; "
            f"pass (Q + Q')/2 if that is what you mean."
        )
    map_, linear = matrix_and_rows(0.5 * (matrix + matrix.mT), c, ("Q", "c"), dtype)
    form = QuadraticForm(map_, linear)
    low, high = form.eigenvalues[:, 0], form.eigenvalues[:, -1]
    tolerance = max(1e-12, 10 * torch.finfo(matrix.dtype).eps)
    worst = int((low + tolerance * high.clamp(min=0.0)).argmin())
    if float(low[worst]) < -tolerance * max(float(high[worst]), 0.0):
        raise InputError(
            f"Q: expected a positive semidefinite matrix, but instance {worst} has smallest eigenvalue "
            f"{float(low[worst]):.3g} (largest {float(high[worst]):.3g}); the problem has no minimum."
        )
    return form


def zero() -> Zero:
    """No nonsmooth term: r = 0.

    Returns:
        A nonsmooth term for `Composite`, for any number of instances and variables.
    """
    return Zero()


def l1(lam: Any, *, dtype: torch.dtype = torch.float64) -> L1:
    """r(x) = lam ||x||_1.

    Args:
        lam: Weight >= 0, a scalar or (B,).
        dtype: torch.float32 or torch.float64, that of the smooth term.

    Returns:
        A nonsmooth term for `Composite`.

    Raises:
        InputError: For a weight that is negative or not finite.
    """
    return L1(nonnegative_weight(lam, "lam", dtype))


def elastic_net(lam: Any, ridge: Any, *, dtype: torch.dtype = torch.float64) -> ElasticNet:
    """r(x) = lam ||x||_1 + ridge/2 ||x||^2.

    Zou and Hastie, Regularization and Variable Selection via the Elastic Net, J. R. Stat. Soc. B 67 (2005).

    Args:
        lam: Weight >= 0, a scalar or (B,).
        ridge: Weight >= 0, a scalar or (B,).
        dtype: torch.float32 or torch.float64, that of the smooth term.

    Returns:
        A nonsmooth term for `Composite`.

    Raises:
        InputError: For a weight that is negative or not finite, and for two batch sizes.
    """
    weights = nonnegative_weight(lam, "lam", dtype), nonnegative_weight(ridge, "ridge", dtype)
    batch_of(weights[0].shape[0], weights[1].shape[0], "elastic_net")
    return ElasticNet(*weights)


def box(lower: Any, upper: Any, *, dtype: torch.dtype = torch.float64) -> Box:
    """r = indicator of lower <= x <= upper.

    Args:
        lower: A scalar, (n,) or (B,n); -inf is allowed.
        upper: Likewise; +inf is allowed.
        dtype: torch.float32 or torch.float64, that of the smooth term.

    Returns:
        A nonsmooth term for `Composite`.

    Raises:
        InputError: If an interval is empty, a bound is NaN, or the shapes do not fit each other.
    """
    ends = []
    for name, value in (("lower", lower), ("upper", upper)):
        end = as_tensor(value, name, ndim=(0, 1, 2), dtype=dtype, allow_infinite=True)
        ends.append(end.reshape(1, -1) if end.ndim < 2 else end)
    try:
        empty = bool((ends[0] > ends[1]).any() | (ends[0] == torch.inf).any() | (ends[1] == -torch.inf).any())
    except RuntimeError:
        shapes = " and ".join(str(tuple(e.shape)) for e in ends)
        raise InputError(f"box: the bounds have shapes {shapes}, which do not fit each other.") from None
    if empty:
        raise InputError("box: expected lower <= upper, with a point between them; some interval is empty.")
    return Box(*ends)


def nonnegative(*, dtype: torch.dtype = torch.float64) -> Box:
    """r = indicator of x >= 0.

    Args:
        dtype: torch.float32 or torch.float64, that of the smooth term.

    Returns:
        A nonsmooth term for `Composite`, for any number of instances and variables.
    """
    return box(0.0, torch.inf, dtype=dtype)


def simplex(radius: Any = 1.0, *, dtype: torch.dtype = torch.float64) -> Simplex:
    """r = indicator of {x >= 0, sum_i x_i = radius}.

    Args:
        radius: > 0, a scalar or (B,), in the unit of x.
        dtype: torch.float32 or torch.float64, that of the smooth term.

    Returns:
        A nonsmooth term for `Composite`.

    Raises:
        InputError: For a radius that is not positive and finite.
    """
    size = per_instance(radius, "radius", positive=True, dtype=dtype).reshape(-1, 1)
    return Simplex(size, torch.zeros_like(size[:1]))


def l2_ball(radius: Any, center: Any = 0.0, *, dtype: torch.dtype = torch.float64) -> L2Ball:
    """r = indicator of ||x - center||_2 <= radius.

    Args:
        radius: > 0, a scalar or (B,), in the unit of x.
        center: A scalar, (n,) or (B,n).
        dtype: torch.float32 or torch.float64, that of the smooth term.

    Returns:
        A nonsmooth term for `Composite`.

    Raises:
        InputError: For a radius that is not positive and finite, and for two batch sizes.
    """
    size = per_instance(radius, "radius", positive=True, dtype=dtype).reshape(-1, 1)
    middle = as_tensor(center, "center", ndim=(0, 1, 2), dtype=dtype, device=size.device)
    middle = middle.reshape(1, -1) if middle.ndim < 2 else middle
    batch_of(size.shape[0], middle.shape[0], "l2_ball")
    return L2Ball(size, middle)


def group_l1(groups: Any, lam: Any, *, dtype: torch.dtype = torch.float64) -> GroupL1:
    """r(x) = lam sum_g ||x_g||_2 over a partition of the variables into groups.

    Yuan and Lin, Model Selection and Estimation in Regression with Grouped Variables, J. R. Stat. Soc. B 68 (2006).

    Args:
        groups: A list of lists of indices, each of 0..n-1 in one of them, or an integer label per variable, (n,).
        lam: Weight >= 0, a scalar or (B,).
        dtype: torch.float32 or torch.float64, that of the smooth term.

    Returns:
        A nonsmooth term for `Composite`.

    Raises:
        InputError: If the groups are no partition, and for a weight that is negative or not finite.
    """
    weight = nonnegative_weight(lam, "lam", dtype)
    labels = group_labels(groups).to(weight.device)
    return GroupL1(weight, labels, torch.zeros_like(weight[:1]))


def _with_l1(smooth: LeastSquares | Logistic, lam: Any) -> Composite:
    """`smooth` + lam ||x||_1; one instance of data under several lam is repeated for each of them."""
    data = smooth.arrays()["A"]
    r = L1(nonnegative_weight(lam, "lam", data.dtype, data.device))
    if smooth.batch_size == 1 < r.batch_size:
        smooth = smooth.select(torch.zeros(r.batch_size, dtype=torch.long, device=data.device))
    return Composite(smooth, r)


def lasso(A: Any, y: Any, lam: Any, *, dtype: torch.dtype = torch.float64) -> Composite:
    """LASSO: F(x) = 1/2 ||A x - y||^2 + lam ||x||_1.

    Tibshirani, Regression Shrinkage and Selection via the Lasso, J. R. Stat. Soc. B 58 (1996).

    Args:
        A: (B,m,n), or (m,n) for all instances.
        y: (B,m) or (m,).
        lam: Weight >= 0, a scalar or (B,); one instance of data is repeated for several weights.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For entries that are not finite, a negative weight, and shapes that do not fit each other.
    """
    return _with_l1(least_squares(A, y, dtype=dtype), lam)


def logistic_l1(
    A: Any, labels: Any, lam: Any, *, smoothness: str = "exact", dtype: torch.dtype = torch.float64
) -> Composite:
    """l1-logistic regression: `logistic(A, labels)` + lam ||x||_1.

    Args:
        A: (B,m,n), or (m,n) for all instances.
        labels: (B,m) or (m,) in {0,1}.
        lam: Weight >= 0, a scalar or (B,); one instance of data is repeated for several weights.
        smoothness: "exact" or "official", see `logistic`.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: For other labels, entries that are not finite, a negative weight, and shapes that do not fit.
    """
    return _with_l1(logistic(A, labels, smoothness=smoothness, dtype=dtype), lam)


def quadratic(
    Q: Any, c: Any, *, nonsmooth: NonsmoothTerm | None = None, dtype: torch.dtype = torch.float64
) -> Composite:
    """F(x) = 1/2 x'Qx - c'x + r(x).

    Args:
        Q: (B,n,n) or (n,n), see `quadratic_form`.
        c: (B,n) or (n,).
        nonsmooth: The term r; the default is r = 0.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: If Q is not symmetric positive semidefinite, and for shapes that do not fit each other.
    """
    return Composite(quadratic_form(Q, c, dtype=dtype), Zero() if nonsmooth is None else nonsmooth)
