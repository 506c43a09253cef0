"""What this package has to know of a term, and when that knowledge may be used.

A new smooth term works without any of the hooks below, a new nonsmooth one too; each adds quality, none of them is
needed for soundness. What is missing costs this:

    smooth term                         without it
    _minorants.minorant                 the tangent is the minorant: no scaled or finer dual point, wider intervals
    _minorants.nonnegative_smooth       no bound on the minimisers from f >= 0, no "nonnegativity" certificate
    _curvature.curvature_floor          `strong_convexity` of the term is taken
    _local.local_smooth                 points are not polished: slow to reach a narrow width
    _conic.smooth_expression            no conic solver and no cross-check

    nonsmooth term                      without it
    _linear_models.linear_model         no dual value: lower = -inf unless f is strongly convex
    _linear_models.squared_extent       no dual value for forms that are only nearly convex
    _curvature.added_curvature          the strong convexity of r is not used
    _strict.loosened                    no strictly feasible dual points where minimisers need one to be bounded
    _local.local_separable              points are not polished
    _conic.nonsmooth_expression         no conic solver and no cross-check

A hook speaks of the function that a class computes. A subclass that computes another one must not inherit it: such
terms are `doubtful` and get points, but no lower bound.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch

from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import L1, Box, ElasticNet, GroupL1, L2Ball, Simplex, Zero
from ...l2o.problems.smooth import (
    Huber,
    LeastSquares,
    LinearMap,
    Logistic,
    QuadraticForm,
    SigmoidLoss,
    SquaredHinge,
    StudentT,
    Welsch,
)
from ...l2o.problems.transforms import Change, ChangedNonsmooth, ChangedSmooth
from ..runs.convexity import bends

KNOWN: tuple[type, ...] = (
    *(Composite, ChangedSmooth, ChangedNonsmooth, Change),
    *(LeastSquares, Logistic, QuadraticForm, LinearMap),
    *(Huber, SquaredHinge, StudentT, Welsch, SigmoidLoss),
    *(Zero, L1, ElasticNet, Box),
    *(Simplex, L2Ball, GroupL1),
)
"""The classes whose functions the hooks were written for."""

CONVEX_SMOOTH = (LeastSquares, Logistic, QuadraticForm, Huber, SquaredHinge)
"""Smooth terms with a minorant of their own."""

NONNEGATIVE = (Zero, L1, ElasticNet, Box, Simplex, L2Ball, GroupL1)
"""Nonsmooth terms with a linear model, all of them >= 0."""

ASIDE = {"smoothness", "strong_convexity", "prox", "kind"}
"""What a subclass may override without computing another function; here the original of it is used."""

# What `class` and `dataclass` write themselves. Other dunders, as __call__ or __getattribute__, can change anything.
_WRITTEN = {
    *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__annotate__"),
    *("__annotate_func__", "__annotations_cache__", "__firstlineno__", "__static_attributes__", "__orig_bases__"),
    *("__dataclass_fields__", "__dataclass_params__", "__match_args__", "__init__", "__repr__", "__hash__", "__eq__"),
    *("__setattr__", "__delattr__", "__replace__", "__parameters__", "__abstractmethods__", "_abc_impl", "__slots__"),
}


def _original(part: Any) -> type | None:
    return next((kind for kind in type(part).__mro__ if kind in KNOWN), None)


def _overridden(part: Any) -> list[str]:
    """What the class of `part` overrides of the known class it derives from and is not harmless."""
    mro, kind = type(part).__mro__, _original(part)
    names = {name for cls in mro[: mro.index(kind)] for name in vars(cls)} if kind else set()
    return sorted(n for n in names - ASIDE - _WRITTEN if hasattr(kind, n) or n.startswith("__"))


def plain(part: Any) -> Any:
    """`part` with every harmless subclass inside of it turned into the class it derives from."""
    if not is_dataclass(part) or isinstance(part, type):
        return part
    kind = _original(part)
    inner = {f.name: getattr(part, f.name) for f in fields(part)}
    outer = {name: plain(value) for name, value in inner.items()}
    if kind is None or type(part) is kind or _overridden(part):
        return part if all(outer[n] is inner[n] for n in inner) else replace(part, **outer)
    return kind(**{f.name: outer[f.name] for f in fields(kind)})


def doubtful(part: Any) -> str | None:
    """Why nothing is known of a problem or a term: the subclass inside of it that computes something else."""
    if not is_dataclass(part) or isinstance(part, type):
        return None
    if names := _overridden(part):
        kind = _original(part)
        of = "" if kind is None else f" of {kind.__name__}"
        return f"{type(part).__name__} overrides {', '.join(names)}{of}"
    inner = (doubtful(getattr(part, f.name)) for f in fields(part))
    return next((reason for reason in inner if reason is not None), None)


def nonsmooth_convex(p: Composite) -> bool:
    """Whether r is convex: as declared, and of a class that is not ours as far as a few lines show."""
    if not p.nonsmooth.convex:
        return False
    if _original(getattr(p.nonsmooth, "base", p.nonsmooth)) is not None:
        return True
    return not bends(p.nonsmooth, np.ones((p.batch_size, p.dim)), np.zeros((p.batch_size, p.dim))).any()


def row(tensor: torch.Tensor, b: int) -> np.ndarray:
    """Row b of a per-instance parameter, or the one row that all instances share."""
    return tensor[b if tensor.shape[0] > 1 else 0].numpy()


def matrix(term: Any, b: int) -> np.ndarray:
    """The matrix (m,n) of instance b of a smooth term that has one."""
    a = term.map.matrix
    return (a if a.ndim == 2 else a[b]).numpy()
