"""An answer, a worst case of +inf, and a solver that stops."""

from __future__ import annotations

import pytest

from l2obound import bounds
from l2obound.verification.worst_cases.exact import STOPPED, UNBOUNDED, answered


def test_an_answer_is_read() -> None:
    value, reason = answered(lambda answer: answer.value, steps=1)
    assert value == pytest.approx(1 / 6)
    assert reason == ""


def test_a_worst_case_of_infinity_has_a_reason() -> None:
    assert answered(lambda answer: answer.value, steps=1, step=3.0, initial="objective", metric="distance") == (
        None,
        UNBOUNDED,
    )


def test_a_solver_that_stops_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(**question: object) -> None:
        raise bounds.InputError("no")

    monkeypatch.setattr(bounds, "worst_case", stops, raising=False)
    assert answered(lambda answer: answer.value, steps=1) == (None, STOPPED)


def test_an_error_of_the_reader_is_no_missing_answer() -> None:
    with pytest.raises(ZeroDivisionError):
        answered(lambda answer: 1 / 0, steps=1)
