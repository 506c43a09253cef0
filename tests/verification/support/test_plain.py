"""What is plain goes into JSON as it is, and comes back the same."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2obound.verification.support.plain import plain


@dataclass(frozen=True)
class Pair:
    first: Any
    second: Any


class Told:
    def to_dict(self) -> dict[str, Any]:
        return {"gap": math.inf, "at": (1, 2)}


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    LEAVES | st.floats().map(np.float64) | st.lists(st.floats()).map(np.array),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.builds(Pair, inner, inner),
    max_leaves=8,
)


@given(VALUES)
def test_whatever_is_plain_is_json(value: Any) -> None:
    once = plain(value)
    assert json.loads(json.dumps(once, allow_nan=False)) == once
    assert plain(once) == once


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, np.float64("nan"), np.float32("inf")])
def test_json_has_neither_infinity_nor_nan(value: float) -> None:
    assert plain(value) is None
    assert plain({"a": [value, 1.5], "b": np.array([value, 2.0])}) == {"a": [None, 1.5], "b": [None, 2.0]}


def test_numbers_keep_their_kind_and_their_value() -> None:
    for value in (True, 3, 0.1, "inf", None):
        assert plain(value) is value or plain(value) == value
        assert type(plain(value)) is type(value)
    assert [type(v) for v in plain(np.array([1, 2]))] == [int, int]
    assert type(plain(np.float64(0.1))) is float
    assert type(plain(np.bool_(True))) is bool


def test_parts_are_plain_too() -> None:
    assert plain(Pair((1, math.nan), Told())) == {"first": [1, None], "second": {"gap": None, "at": [1, 2]}}
