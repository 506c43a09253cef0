"""The one verb of this package: a certified interval of the optimal value of every instance."""

from __future__ import annotations

import math
import numbers
import os
import time
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ...errors import InputError
from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import Box
from ...l2o.problems.smooth import LeastSquares, Logistic, QuadraticForm, SampleLoss
from . import _stages
from ._change import carry_over, pull_back
from ._cross_check import CrossCheck, cross_check, sample
from ._given import with_given
from ._reasons import reasons
from ._result import Optimum
from ._terms import doubtful, nonsmooth_convex, plain
from .cache import CacheError, UncachableError, cache_folder, cache_key, load, save
from .ledger import Ledger

LARGEST = 1e300
"""Smoothness constants from here on are refused: products with them overflow."""


def optimum(
    p: Composite,
    rtol: float = 1e-10,
    cache: bool = True,
    cache_dir: str | os.PathLike[str] | None = None,
    cross_check: int | None = None,
    progress: _stages.Progress | None = None,
    *,
    lower: Any = None,
    x: Any = None,
) -> Optimum:
    """A rigorous interval of F* = min F, with a certified point, for every instance of a problem.

    Solvers only propose points. The interval is evaluated here in float64 with all rounding bounded: upper is F at the
    point, lower the best of several certificates (Fenchel duality, strong convexity, and others), whatever solver the
    point came from. Batches of more than 8 instances go through coordinate descent or a restarted accelerated gradient
    method, smaller ones and the instances left over through cvxpy; an active-set Newton polish follows.

    Args:
        p: The problem (B instances, n variables), solved in float64 whatever its precision.
        rtol: Requested width, relative to max(1, |F*|).
        cache: Whether results are read from and kept on disk. A problem with a part that cannot be read (an iterator
            or a file among the attributes of its terms) is solved every time, and a message says so.
        cache_dir: Folder of the cache; default $L2OBOUND_CACHE/optimum or the user's cache directory.
        cross_check: How many instances to solve again with cvxpy and Clarabel for comparison; default 1 where the
            batched methods were used, else 0.
        progress: Called with (stage, done, total) as the work proceeds.
        lower: Numbers that F* is known not to be below, a scalar or (B,), for problems without a dual. They are trusted
            where no certificate reaches the width, and `Optimum.trusted` and every verdict say so. `lower` of a
            `run_certificate` may be given.
        x: (B,n) points of yours. Where F is less there than at the point found, they are taken.

    Returns:
        The intervals, with solver and certificate of each. Instances whose width is not reached say why in `reason`;
        where no dual value is known lower = -inf. Neither is an exception.

    Raises:
        InputError: If p is no problem of this toolkit, has an empty box or data that are not finite or too large for
            float64, rtol is not positive, or F at a point is certainly below `lower`.
        CertificateError: If a lower bound exceeds an upper one, which only an error in this package can cause.
        CrossCheckError: If an independent solver found a point below the certified lower bound.
    """
    begun = time.perf_counter()
    _check(p, rtol, cross_check)
    given, rtol, identity = p, float(rtol), p.fingerprint()
    p = plain(_detached(p.to(torch.float64, "cpu")))
    _check_scale(p)
    with torch.no_grad():
        messages: list[str] = []
        path, key, cached = None, "", None
        if cache:
            try:
                key = cache_key(given, rtol)
            except UncachableError as reason:
                messages.append(f"the result was neither looked for nor kept on disk: {reason}")
            else:
                path = cache_folder(cache_dir) / f"{key}.npz"
                cached = _from_cache(path, key, p, messages)
        result = _compute(p, rtol, progress or _silent) if cached is None else cached
        checked = _checked(p, result, cross_check, fresh=cached is None)
        if path is not None and (cached is None or checked is not cached):
            _keep(path, key, checked, messages)
        checked = with_given(p, checked, lower, x, rtol)
    seconds = time.perf_counter() - begun
    return replace(checked, messages=(*messages, *checked.messages), seconds=seconds, problem=identity)


def _detached(part: Any) -> Any:
    """A problem, a term or a field of one without gradients attached: data may be parameters of a training run."""
    if isinstance(part, torch.Tensor):
        return part.detach() if part.requires_grad else part
    if is_dataclass(part) and not isinstance(part, type):
        inner = {f.name: getattr(part, f.name) for f in fields(part)}
        outer = {name: _detached(value) for name, value in inner.items()}
        return part if all(outer[n] is inner[n] for n in inner) else replace(part, **outer)
    return part


def _silent(stage: str, done: int, total: int) -> None:
    pass


def _check(p: Composite, rtol: float, count: int | None) -> None:
    if not isinstance(p, Composite):
        raise InputError(f"optimum: expected a Composite, got {type(p).__name__}; build one with l2o.")
    if not (isinstance(rtol, numbers.Real) and math.isfinite(rtol) and rtol > 0):
        raise InputError(f"rtol: expected a positive number, got {rtol!r}.")
    if count is not None and (not isinstance(count, int) or count < 0):
        raise InputError(f"cross_check: expected a number of instances, 0 or more, got {count!r}.")
    for part in (p.smooth, p.nonsmooth):
        for name, tensor in part.arrays().items():
            if bool(torch.isfinite(tensor.sum())):
                continue  # one pass without a mask; an overflow of the sum only costs the closer look
            bad = torch.isnan(tensor) if isinstance(part, Box) else ~torch.isfinite(tensor)
            if bool(bad.any()):
                raise InputError(f"optimum: {name} of the {part.kind} term has NaN or infinite entries.")
    if isinstance(p.nonsmooth, Box) and not bool((p.nonsmooth.lower <= p.nonsmooth.upper).all()):
        raise InputError("optimum: the box is empty, its lower bound exceeds the upper one.")


def _check_scale(p: Composite) -> None:
    f = p.smooth
    try:
        base = getattr(f, "base", f)
        if isinstance(base, (LeastSquares, Logistic, QuadraticForm, SampleLoss)):
            # The smoothness constant is at most (twice) the squared Frobenius norm, which needs no eigenvalues.
            size = base.map.frobenius.reshape(-1) ** 2
            change = getattr(f, "change", None)
            if change is not None:
                size = size * (change.scale / change.dilation**2).reshape(-1)
        else:
            size = f.smoothness
    except torch.linalg.LinAlgError:
        size = torch.tensor([torch.inf])
    if not bool((size < LARGEST).all()):
        raise InputError(f"optimum: {p.name} overflows float64 (its L may exceed {LARGEST:g}); rescale the data.")


def _from_cache(path: Path, key: str, p: Composite, messages: list[str]) -> Optimum | None:
    try:
        return load(path, key, p)
    except FileNotFoundError:
        return None
    except (CacheError, OSError) as problem:
        messages.append(f"cache file {path} was not used: {problem}; recomputed")
        return None


def _keep(path: Path, key: str, result: Optimum, messages: list[str]) -> None:
    try:
        save(path, key, result)
    except OSError as problem:
        messages.append(f"the result was not cached: {path.parent} cannot be written ({problem.strerror})")


def _compute(p: Composite, rtol: float, progress: _stages.Progress) -> Optimum:
    base, change = pull_back(p)
    floor = torch.ones(p.batch_size, dtype=torch.float64)
    if change is not None:
        # |c F*| rtol and rtol, in units of the base problem.
        floor = floor / change.scale.reshape(-1)
    # The change of variables rounds as well: a little of the width is left for it.
    dual = doubtful(p) is None and nonsmooth_convex(p)
    ledger = Ledger(base, rtol if change is None else 0.5 * rtol, floor, dual=dual)
    messages: list[str] = []
    _stages.run(ledger, progress, messages)
    lower, upper, x = ledger.lower, ledger.upper, ledger.x
    if change is not None:
        lower, upper, x = carry_over(p, change, lower, x)
    low, up, at = lower.numpy(), upper.numpy(), x.numpy()
    return Optimum(
        low,
        up,
        at,
        tuple(ledger.solver),
        tuple(ledger.certificate),
        reasons(p, base, low, up, at, rtol),
        messages=tuple(messages),
    )


def _checked(p: Composite, result: Optimum, count: int | None, fresh: bool) -> Optimum:
    """`result` with the cross-checks that are asked for and missing; the same object if there are none."""
    if count is None:
        count = 1 if fresh and p.batch_size > _stages.SMALL_BATCH else 0
    checked = {c.index for c in result.cross_checked}
    missing = [b for b in sample(p.batch_size, count) if b not in checked]
    if not missing:
        return result
    checks: list[CrossCheck] = [cross_check(p, result.lower, result.upper, b) for b in missing]
    reason = list(result.reason)
    notes = []
    for check in checks:
        if check.note is not None:
            notes.append(f"cross-check of instance {check.index}: {check.note}")
            if check.value is not None:
                reason[check.index] = notes[-1]
    return replace(
        result,
        reason=tuple(reason),
        messages=(*result.messages, *notes),
        cross_checked=(*result.cross_checked, *checks),
    )
