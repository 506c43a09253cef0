"""The gate for the arrays of `bounds`: the same numbers, or one clear error."""

from __future__ import annotations

import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds.evaluation.inputs import numbers
from tests.helpers.odd_arrays import EXACT, REFUSED


@pytest.mark.parametrize("arguments", EXACT)
def test_numbers_come_in_exactly(arguments: str) -> None:
    value, right = EXACT[arguments]
    array = numbers("x", value)
    assert array.dtype == np.float64
    assert array.tolist() == right


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_would_change_is_refused(arguments: str) -> None:
    value, word = REFUSED[arguments]
    with pytest.raises(bounds.InputError, match="`x`") as caught:
        numbers("x", value)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


MASKED = np.ma.masked_array([0.5, 0.5], mask=[False, True])


@pytest.mark.parametrize(
    "value", [MASKED, MASKED + 1j, ["0.5", "0.5"], [0.5, None]], ids=["masked", "complex", "text", "None"]
)
def test_no_border_without_the_gate(value: object) -> None:
    for act in (
        lambda: bounds.Quantities({"gap": value}, steps=1, batch=2),
        lambda: bounds.Quantities({"L": value}, steps=1, batch=2),
        lambda: bounds.Quantities({"L": [1.0, 1.0]}, errors={"L": value}, steps=1, batch=2),
        lambda: bounds.history.frozen_mode(value, 0.1, 0.1),
        lambda: bounds.statements.out_of_distribution.weight_potentials(value),
        lambda: bounds.virtual.quotient(value, [1.0, 1.0]),
        lambda: bounds.assumptions.GRADIENT_DESCENT.preconditioner(value),
    ):
        with pytest.raises(bounds.InputError):
            act()
