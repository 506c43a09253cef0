"""The test of the checkers whether a matrix of fractions is positive semidefinite: by rounding, and by elimination."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from l2obound.bounds.worst_cases import _semidefinite
from l2obound.bounds.worst_cases._semidefinite import semidefinite

TINY = Fraction(1, 10**40)


def matrix(n: int, rank: int, seed: int = 0) -> np.ndarray:
    """A positive semidefinite matrix of fractions of a rank, with rows of very different size."""
    rng = np.random.default_rng(seed)
    whole = rng.integers(-9, 10, (n, rank))
    parts = np.array([[Fraction(int(v), int(d)) for v, d in zip(row, rng.integers(1, 50, rank))] for row in whole])
    sizes = np.array([Fraction(10) ** int(e) for e in rng.integers(-12, 13, n)])
    return (parts @ parts.T) * np.multiply.outer(sizes, sizes)


def rows(a: np.ndarray) -> list[list[Fraction]]:
    return [list(row) for row in a]


def orthogonal(a: np.ndarray) -> list[Fraction]:
    """A vector that a matrix of rank n - 1 takes to 0, by elimination."""
    n = len(a)
    work = [list(row) for row in a]
    pivots: list[int] = []
    for j in range(n):
        i = next((i for i in range(len(pivots), n) if work[i][j]), None)
        if i is None:
            continue
        top = len(pivots)
        work[top], work[i] = work[i], work[top]
        work[top] = [v / work[top][j] for v in work[top]]
        for k in range(n):
            if k != top:
                work[k] = [v - work[k][j] * w for v, w in zip(work[k], work[top])]
        pivots.append(j)
    [free] = set(range(n)) - set(pivots)
    vector = [Fraction(0)] * n
    vector[free] = Fraction(1)
    for top, j in enumerate(pivots):
        vector[j] = -work[top][free]
    return vector


@pytest.mark.parametrize("n", [1, 5, 20])
def test_of_full_rank(n: int) -> None:
    a = matrix(n, n + 3)
    assert semidefinite(rows(a))
    assert _semidefinite._rounded(rows(a))
    assert _semidefinite._eliminated(rows(a))


@pytest.mark.parametrize("n", [2, 14, 20])
def test_singular(n: int) -> None:
    a = matrix(n, n - 1)
    assert semidefinite(rows(a))
    assert not _semidefinite._rounded(rows(a)), "rounding shows nothing here, and says so"
    assert semidefinite(rows(matrix(n, max(1, n - 5))))


def test_a_null_vector_saves_elimination(monkeypatch: pytest.MonkeyPatch) -> None:
    a = matrix(16, 15)
    p = orthogonal(a)
    monkeypatch.setattr(_semidefinite, "_eliminated", lambda a: pytest.fail("elimination was asked"))
    assert semidefinite(rows(a), p)


@pytest.mark.parametrize("wrong", [TINY, Fraction(1)])
def test_a_vector_that_is_no_null_vector_shows_nothing(wrong: Fraction) -> None:
    a = matrix(16, 15)
    p = orthogonal(a)
    below = a.copy()
    i = next(i for i, v in enumerate(p) if v)
    below[i, i] -= wrong * a[i, i]
    assert not semidefinite(rows(below), p)
    assert not semidefinite(rows(below))


def test_a_null_vector_of_another_block_hides_nothing() -> None:
    good, bad = matrix(10, 9), matrix(8, 7)
    bad[0, 0] -= TINY * bad[0, 0]
    a = np.full((18, 18), Fraction(0))
    a[:10, :10], a[10:, 10:] = good, bad
    assert not semidefinite(rows(a), orthogonal(good) + [Fraction(0)] * 8)


@pytest.mark.parametrize("n", [3, 20])
def test_below_zero_by_little(n: int) -> None:
    a = matrix(n, n - 1)
    a[n // 2, n // 2] -= TINY * a[n // 2, n // 2]
    assert not semidefinite(rows(a))


def test_what_is_far_from_semidefinite() -> None:
    a = matrix(16, 20)
    for change in (Fraction(10) ** 60, Fraction(10) ** 400, Fraction(-1, 10**400)):
        b = a.copy()
        b[0, 1] = b[1, 0] = change * a[0, 0]
        assert not semidefinite(rows(b)) or abs(change) < 1
        c = a.copy()
        c[3, 3] = -abs(change)
        assert not semidefinite(rows(c))


def test_zeros() -> None:
    a = matrix(16, 20)
    a[4], a[:, 4] = Fraction(0), Fraction(0)
    assert semidefinite(rows(a))
    a[4, 5] = a[5, 4] = TINY
    assert not semidefinite(rows(a))
    assert semidefinite([])
    assert semidefinite([[Fraction(0)] * 20 for _ in range(20)])
