"""Whether a form with fractions is positive semidefinite: the standard library, for the checkers of certificates.

Rounding is tried first, because elimination over the fractions takes minutes for some hundred vectors. Let R be a
triangle of floats with A - R R' small. If A - R R' is diagonally dominant, which integers show, it is positive
semidefinite (Gershgorin), and so is A. The forms of exact proofs are singular: where A p = 0 and p_i is not 0, it is
enough to show A without row and column i. What rounding does not show is left to elimination.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from operator import mul

ZERO = Fraction(0)
Rows = list[list[Fraction]]
FEW = 12
"""Up to this many vectors elimination is as fast."""
BITS = 60
"""Binary digits of the entries of R; those of A have twice as many."""
SHIFT = 2.0**-46
"""What is subtracted from a diagonal near 1 before it is factored, for each row: more than rounding adds."""


def semidefinite(rows: Rows, null: Sequence[Fraction] | None = None) -> bool:
    """Whether a symmetric matrix of fractions is positive semidefinite.

    Args:
        rows: The matrix, all rows in full.
        null: A vector that it may take to 0, which saves time where it does.
    """
    left = [i for i, row in enumerate(rows) if any(row)]
    if len(left) > FEW:
        rest = left
        if null is not None and all(sum(map(mul, row, null), ZERO) == 0 for row in rows):
            first = next((i for i in left if null[i]), None)  # v and v - (v_i / p_i) p have the same value
            rest = [i for i in left if i != first]
        if _rounded([[rows[i][j] for j in rest] for i in rest]):
            return True
    return _eliminated([[rows[i][j] for j in left] for i in left])


def _rounded(a: Rows) -> bool:
    """Whether rounding shows that a matrix is positive semidefinite; where it does not, the matrix may be so."""
    n = len(a)
    if any(a[i][i] <= 0 for i in range(n)):
        return False
    # a change of units by powers of 2: diagonal entries from 1/2 to 4
    size = [(a[i][i].denominator.bit_length() - a[i][i].numerator.bit_length()) // 2 for i in range(n)]
    scaled = [[_integer(a[i][j], size[i] + size[j] + 2 * BITS) for j in range(i + 1)] for i in range(n)]
    if any(abs(v) >> (2 * BITS + 4) for row in scaled for v in row):  # too large beside the diagonal
        return False
    unit = 2.0 ** (-2 * BITS)
    triangle: list[list[float]] = []
    for i, row in enumerate(scaled):
        new: list[float] = []
        for j in range(i):
            new.append((row[j] * unit - sum(map(mul, new, triangle[j]))) / triangle[j][j])
        rest = row[i] * unit - n * SHIFT - sum(map(mul, new, new))
        if not rest > 0:
            return False
        triangle.append([*new, math.sqrt(rest)])
    R = [[round(math.ldexp(v, BITS)) for v in row] for row in triangle]
    off = [0] * n
    least = []
    for i in range(n):
        for j in range(i):
            error = abs(scaled[i][j] - sum(map(mul, R[i], R[j]))) + 1  # entries were rounded by less than 1
            off[i] += error
            off[j] += error
        least.append(scaled[i][i] - sum(map(mul, R[i], R[i])) - 1)
    return all(diagonal >= others for diagonal, others in zip(least, off))


def _integer(value: Fraction, bits: int) -> int:
    """The value times a power of 2, rounded down."""
    if bits >= 0:
        return (value.numerator << bits) // value.denominator
    return value.numerator // (value.denominator << -bits)


def _eliminated(a: Rows) -> bool:
    """The same by elimination over the fractions, which always answers."""
    a = [list(row) for row in a]
    left = list(range(len(a)))
    while left:
        pivot = max(left, key=lambda i: a[i][i])
        if a[pivot][pivot] <= 0:  # nothing positive is left: the rest has to vanish
            return not any(a[i][j] for i in left for j in left)
        left.remove(pivot)
        row = a[pivot]
        there = [i for i in left if row[i]]
        for at, i in enumerate(there):
            factor = row[i] / row[pivot]
            for j in there[at:]:
                a[i][j] = a[j][i] = a[i][j] - factor * row[j]
    return True
