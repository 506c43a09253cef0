"""The families of problems that a cell can name, one entry each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...l2o.problems import Composite, real, synthetic

if TYPE_CHECKING:
    from .config import CellSpec


@dataclass(frozen=True)
class Family:
    """How a family is built: `make(spec, seed)` gives `spec.batch` instances.

    `trained_for` names the family whose shipped weights fit; `fields` are those of a cell that the family reads.
    """

    make: Callable[[CellSpec, int], Composite]
    trained_for: str
    fields: tuple[str, ...]
    single: bool = False
    needs_path: bool = False


_SIZE = ("rows", "dim", "sparsity", "lam")


def _given(spec: CellSpec, *names: str) -> dict[str, Any]:
    """The optional fields that are set: those that are not keep the generator's default."""
    return {name: value for name in names if (value := getattr(spec, name)) is not None}


def _lasso(spec: CellSpec, seed: int) -> Composite:
    return synthetic.lasso(spec.batch, spec.rows, spec.dim, seed=seed, **_given(spec, "sparsity", "lam", "condition"))


def _logistic(spec: CellSpec, seed: int) -> Composite:
    options = {"smoothness": spec.smoothness, **_given(spec, "sparsity", "lam")}
    return synthetic.logistic_l1(spec.batch, spec.rows, spec.dim, seed=seed, **options)


def _quadratic(spec: CellSpec, seed: int) -> Composite:
    return synthetic.quadratic(spec.batch, spec.dim, seed=seed, **_given(spec, "condition"))


def _generator(name: str, *fields: str) -> Family:
    """A generator of `l2o.synthetic` that takes batch, rows and dim, and `fields`; no weights are shipped for it."""

    def make(spec: CellSpec, seed: int) -> Composite:
        return getattr(synthetic, name)(spec.batch, spec.rows, spec.dim, seed=seed, **_given(spec, *fields))

    return Family(make, name, ("rows", "dim", *fields))


def _table(name: str) -> Callable[[CellSpec, int], Composite]:
    def make(spec: CellSpec, seed: int) -> Composite:
        return getattr(real, name)(smoothness=spec.smoothness, seed=0, **_given(spec, "lam"))

    return make


def _patches(spec: CellSpec, seed: int) -> Composite:
    return real.patches(spec.batch, seed=seed, **_given(spec, "lam"))


def _own_table(name: str) -> Callable[[CellSpec, int], Composite]:
    def make(spec: CellSpec, seed: int) -> Composite:
        return getattr(real, name)(spec.path, smoothness=spec.smoothness, **_given(spec, "lam"))

    return make


def _bsds500(spec: CellSpec, seed: int) -> Composite:
    assert spec.path is not None, "the specification of this family has one"
    return real.bsds500(spec.path, spec.batch, seed=seed, **_given(spec, "lam"))


FAMILIES: dict[str, Family] = {
    "lasso": Family(_lasso, "lasso", (*_SIZE, "condition")),
    "logistic_l1": Family(_logistic, "logistic_l1", (*_SIZE, "smoothness")),
    "quadratic": Family(_quadratic, "quadratic", ("dim", "condition")),
    "huber_l1": _generator("huber_l1", "sparsity", "lam"),
    "squared_hinge_l1": _generator("squared_hinge_l1", "sparsity", "lam"),
    "student_t_l1": _generator("student_t_l1", "sparsity", "lam"),
    "welsch_l1": _generator("welsch_l1", "sparsity", "lam"),
    "sigmoid_l1": _generator("sigmoid_l1", "sparsity", "lam"),
    "simplex_least_squares": _generator("simplex_least_squares", "sparsity"),
    "group_lasso": _generator("group_lasso", "lam"),
    "breast_cancer": Family(_table("breast_cancer"), "logistic_l1", ("lam", "smoothness"), single=True),
    "digits": Family(_table("digits"), "logistic_l1", ("lam", "smoothness"), single=True),
    "patches": Family(_patches, "lasso", ("lam",)),
    "ionosphere": Family(
        _own_table("ionosphere"), "logistic_l1", ("path", "lam", "smoothness"), single=True, needs_path=True
    ),
    "spambase": Family(
        _own_table("spambase"), "logistic_l1", ("path", "lam", "smoothness"), single=True, needs_path=True
    ),
    "bsds500": Family(_bsds500, "lasso", ("path", "lam"), needs_path=True),
}
SINGLE = frozenset(name for name, family in FAMILIES.items() if family.single)


def build(spec: CellSpec, seed: int) -> Composite:
    """The problem of a cell, in distribution (not shifted), in float64."""
    try:
        return FAMILIES[spec.family].make(spec, seed)
    except TypeError as problem:
        raise InputError(f"family {spec.family}: {problem}.") from None
