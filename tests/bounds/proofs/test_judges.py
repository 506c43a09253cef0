"""Who judges a hypothesis: a judge is known by all that it does, and not by its name."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds import hypotheses as H
from tests.helpers.proof_material import forged, is_accepted


def _lies(quantities: bounds.Quantities) -> H.HypothesisCheck:
    good = np.ones(quantities.batch)
    return H.HypothesisCheck("apart", good > 0, good, "nothing", good)


def _closed(number: float) -> Any:
    return lambda quantities: number


class _Float(float):
    def __repr__(self) -> str:
        return "1.0"


def impostors() -> Iterator[tuple[str, H.Hypothesis, Any]]:
    """Judges that go by the name of another one."""
    yield "wrapped", H.APART, functools.wraps(H._apart)(lambda quantities: _lies(quantities))

    def renamed(quantities: bounds.Quantities) -> H.HypothesisCheck:
        return _lies(quantities)

    renamed.__module__, renamed.__qualname__, renamed.__name__ = H._apart.__module__, "_apart", "_apart"
    yield "renamed", H.APART, renamed
    yield "a partial", H.APART, functools.update_wrapper(functools.partial(_lies), H._apart)

    class Judge:
        def __call__(self, quantities: bounds.Quantities) -> H.HypothesisCheck:
            return _lies(quantities)

    Judge.__module__, Judge.__qualname__ = "l2obound.bounds.hypotheses", "_apart"
    yield "an object", H.APART, Judge()
    fake = dataclasses.make_dataclass(
        "_Fact", [("name", str)], namespace={"__call__": lambda self, q: _lies(q)}, frozen=True
    )
    fake.__module__, fake.__qualname__ = "l2obound.bounds.hypotheses", "_Fact"
    yield "a dataclass", H.R_ZERO, fake("r_zero")

    class Kind(type(H.R_ZERO.judge)):
        def __call__(self, quantities: bounds.Quantities) -> H.HypothesisCheck:
            return _lies(quantities)

    Kind.__name__, Kind.__qualname__, Kind.__module__ = "_Fact", "_Fact", "l2obound.bounds.hypotheses"
    yield "a subclass", H.R_ZERO, Kind("r_zero")
    yield "a number that prints as another", H.FULL_STEP, H._StepIs("full_step", _Float(0.5))


IMPOSTORS = {what: (one, judge) for what, one, judge in impostors()}


@pytest.mark.parametrize("what", IMPOSTORS)
def test_a_judge_is_not_known_by_its_name(what: str) -> None:
    real, judge = IMPOSTORS[what]
    false = dataclasses.replace(real, judge=judge)
    assert false.digest != real.digest
    entry = next(bounds.get(n) for n in bounds.names(variants=True) if real in bounds.get(n).hypotheses)
    changed = entry.replace(hypotheses=tuple(false if one is real else one for one in entry.hypotheses))
    assert not changed.prove().valid
    assert not is_accepted(forged(changed), changed)


def test_a_judge_is_told_by_all_that_it_does() -> None:
    def nested(number: int) -> Any:
        return lambda q: (lambda: number)()

    def default(q: Any, number: int = 1) -> int:
        return number

    def keyword(q: Any, *, number: int = 1) -> int:
        return number

    def other(q: Any, *, number: int = 2) -> int:
        return number

    judges = [
        *(
            _closed(1.0),
            _closed(2.0),
            nested(1),
            nested(2),
            default,
            keyword,
            other,
            lambda q: lambda: 1,
            lambda q: lambda: 2,
        ),
        *(
            functools.partial(_lies, 1),
            functools.partial(_lies, 2),
            functools.partial(_closed(1.0)),
            functools.partial(_closed(2.0)),
        ),
        *(lambda q: q.a, lambda q: q.b, lambda q: 1, lambda q: 1.0, lambda q: True),
    ]
    digests = [H.Hypothesis("mine", "mine", "", judge).digest for judge in judges]
    assert len(set(digests)) == len(judges)
    assert digests[:4] == [
        H.Hypothesis("mine", "mine", "", j).digest for j in (_closed(1.0), _closed(2.0), nested(1), nested(2))
    ]
