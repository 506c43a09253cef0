"""Which cases of a large product run by default; the others are slow."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest


def one_in(n: int, *axes: Iterable[Any]) -> list[Any]:
    """The product of the axes; one case in n runs by default, a step of n being prime to most lengths."""
    cases = list(itertools.product(*axes))
    return [pytest.param(*case, marks=[pytest.mark.slow] * (i % n != 0)) for i, case in enumerate(cases)]
