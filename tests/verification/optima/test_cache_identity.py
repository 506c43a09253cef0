"""No file of the cache answers for another problem, whatever its terms are made of."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o import Composite
from l2obound.l2o.problems.smooth import LeastSquares
from l2obound.verification.optima import cache as _cache
from l2obound.verification.optima import optimum
from l2obound.verification.optima.cache import cache_key

BASE = l2o.synthetic.lasso(2, 8, 3, sparsity=2, seed=4)


@dataclass(frozen=True, eq=False)
class Ridge(LeastSquares):
    """f(x) + w ||x||^2 / 2 with w wherever `weight` finds it."""

    weight_field: float = 1.0
    hidden: Any = None

    def weight(self) -> float:
        return float(self.weight_field)

    @property
    def smoothness(self) -> torch.Tensor:
        return super().smoothness + self.weight()

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        value, gradient = super().value_and_gradient(x)
        return value + 0.5 * self.weight() * (x * x).sum(-1), gradient + self.weight() * x

    def value(self, x: torch.Tensor) -> torch.Tensor:
        return self.value_and_gradient(x)[0]

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        return self.value_and_gradient(x)[1]


def _make(kind: type, **extra: Any) -> Composite:
    return Composite(kind(BASE.smooth.map, BASE.smooth.target, **extra), BASE.nonsmooth)


class InAttribute(Ridge):
    def weight(self) -> float:
        return float(self.hidden)


class InArray(Ridge):
    def weight(self) -> float:
        return float(self.hidden[1])


class InMapping(Ridge):
    def weight(self) -> float:
        return self.hidden["ridge"]["weight"]


class _Holder:
    def __init__(self, weight: float) -> None:
        self.weight = weight

    def read(self) -> float:
        return self.weight


class InObject(Ridge):
    def weight(self) -> float:
        return self.hidden.weight


class InSlots(Ridge):
    def weight(self) -> float:
        return self.hidden.w


class _Slotted:
    __slots__ = ("w",)

    def __init__(self, w: float) -> None:
        self.w = w


class InCallable(Ridge):
    def weight(self) -> float:
        return float(self.hidden())


def _closure(w: float) -> Composite:
    class Closing(Ridge):
        def weight(self) -> float:
            return w

    return _make(Closing)


def _class_attribute(w: float) -> Composite:
    return _make(type("Anonymous", (Ridge,), {"factor": w, "weight": lambda self: self.factor}))


def _default(w: float) -> Composite:
    class Defaulting(Ridge):
        def weight(self, w: float = w) -> float:
            return w

    return _make(Defaulting)


GLOBAL = {"weight": 0.0}


class InGlobal(Ridge):
    def weight(self) -> float:
        return GLOBAL["weight"]


def _global(w: float) -> Composite:
    GLOBAL["weight"] = w
    return _make(InGlobal)


HIDDEN = {
    "a field": lambda w: Composite(Ridge(BASE.smooth.map, BASE.smooth.target, w), BASE.nonsmooth),
    "a Python float": lambda w: _make(InAttribute, hidden=w),
    "a NumPy number": lambda w: _make(InAttribute, hidden=np.float64(w)),
    "a tensor": lambda w: _make(InAttribute, hidden=torch.tensor(w, dtype=torch.float64)),
    "an array": lambda w: _make(InArray, hidden=np.array([1.0, w])),
    "a mapping": lambda w: _make(InMapping, hidden={"ridge": {"weight": w}}),
    "an object": lambda w: _make(InObject, hidden=_Holder(w)),
    "an object with slots": lambda w: _make(InSlots, hidden=_Slotted(w)),
    "a lambda": lambda w: _make(InCallable, hidden=lambda: w),
    "a partial": lambda w: _make(InCallable, hidden=functools.partial(float, w)),
    "a bound method": lambda w: _make(InCallable, hidden=_Holder(w).read),
    "a closure": _closure,
    "an attribute of the class": _class_attribute,
    "a default": _default,
    "a global": _global,
}
"""Where the weight of a ridge term may be, besides `arrays`."""


@pytest.mark.parametrize("where", HIDDEN)
def test_a_number_that_arrays_leaves_out_has_a_part_in_the_key(where: str) -> None:
    make, keys, prints = HIDDEN[where], [], []
    for w in (0.01, 30.0, 0.01):
        p = make(w)
        assert float(p.smooth.weight()) == w
        keys.append(cache_key(p, 1e-10))
        prints.append(p.fingerprint())
    assert keys[0] == keys[2] != keys[1]
    assert prints[0] == prints[2] != prints[1]


def test_another_number_is_another_answer(tmp_path: Path) -> None:
    make = HIDDEN["a Python float"]
    first, second = (optimum(make(w), cache_dir=tmp_path) for w in (0.01, 30.0))
    assert not second.from_cache
    assert (second.upper > first.upper).all()
    assert optimum(make(0.01), cache_dir=tmp_path).from_cache


def test_other_code_of_a_class_without_source_is_another_key() -> None:
    def made(body: str) -> Composite:
        space: dict[str, Any] = {"Ridge": Ridge}
        exec(f"class Typed(Ridge):\n    def weight(self):\n        return {body}", space)
        return _make(space["Typed"])

    keys = [cache_key(made(body), 1e-10) for body in ("1.0", "2.0", "1.0")]
    assert keys[0] == keys[2] != keys[1]


def test_what_cannot_be_read_is_never_cached(tmp_path: Path) -> None:
    for hidden in (io.BytesIO(b"1.5"), iter([1.5]), np.array([object()]), {object(): 1}):
        p = _make(Ridge, hidden=hidden)
        with pytest.raises(_cache.UncachableError, match=r"smooth\.hidden, a.* cannot be read"):
            cache_key(p, 1e-10)
        assert p.fingerprint() == p.fingerprint() != _make(Ridge, hidden=hidden).fingerprint()
    o = optimum(p, cache_dir=tmp_path / "none")
    assert any("neither looked for nor kept on disk: smooth.hidden, a" in m for m in o.messages), o.messages
    assert not (tmp_path / "none").exists()


def test_data_changed_in_place_are_another_problem(tmp_path: Path) -> None:
    p = l2o.synthetic.lasso(2, 8, 3, sparsity=2, seed=4)
    before = optimum(p, cache_dir=tmp_path)
    p.smooth.target.mul_(3.0)
    after = optimum(p, cache_dir=tmp_path)
    assert not after.from_cache
    assert (after.lower > before.upper).all()


OTHERS = {
    "another target": lambda p: Composite(replace(p.smooth, target=1.001 * p.smooth.target), p.nonsmooth),
    "another lam": lambda p: Composite(p.smooth, l2o.l1(0.1 * (1 + 1e-4))),
    "another matrix": lambda p: Composite(
        replace(p.smooth, map=type(p.smooth.map)(1.0001 * p.smooth.map.matrix)), p.nonsmooth
    ),
    "scaled": lambda p: p.scaled(1.0 + 1e-6),
    "smaller": lambda p: p.scaled(0.5),
    "shifted": lambda p: p.shifted(1e-4),
    "a larger ridge": lambda p: Composite(Ridge(p.smooth.map, p.smooth.target, 1e-3), p.nonsmooth),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_problem_is_noticed_by_its_numbers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if every key were the same."""
    other = OTHERS[name](BASE)
    monkeypatch.setattr(_cache, "describe", lambda p, code: type("D", (), {"digest": "same", "unreadable": ()}))
    monkeypatch.setattr(_cache, "_class_digest", lambda part: "same")
    optimum(BASE, cache_dir=tmp_path)
    assert optimum(BASE, cache_dir=tmp_path).from_cache
    certified = optimum(other, cache_dir=tmp_path)
    assert not certified.from_cache
    assert any("was not used" in m and "recomputed" in m for m in certified.messages)


def test_points_of_other_problems_with_the_same_value_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F(x) agrees, and x is no minimiser: a step leads below the lower bound."""
    o = optimum(BASE, cache_dir=tmp_path)
    f, x = BASE.smooth, torch.as_tensor(o.x)
    residual = f.map(x) - f.target
    turned = f.map(x) + residual.roll(1, dims=-1)  # another target with a residual of the same size
    other = Composite(replace(f, target=turned), BASE.nonsmooth)
    assert torch.allclose(other.objective(x), BASE.objective(x), rtol=1e-15)
    (file,) = tmp_path.iterdir()
    with pytest.raises(_cache.CacheError, match="below its lower bound"):
        _cache.load(file, file.stem, other)
