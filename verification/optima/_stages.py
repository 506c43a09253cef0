"""The stages that produce points: batched solvers, conic solvers, and in which order they are asked."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ...l2o.problems import Composite
from . import _conic
from ._descent import coordinate_descent, suits_descent
from ._fista import fista, safe_step, start
from ._polish import polish
from .ledger import Ledger

Progress = Callable[[str, int, int], None]

SMALL_BATCH = 8
"""Up to this many instances are given to a conic solver first; more of them to the batched methods."""

ROUNDS = (30, 100, 400, 2000)
"""FISTA iterations before each attempt to polish."""

RAY_STEPS = 40

PATIENCE = 10
"""Instances in a row without progress after which the conic stage gives up; more than SMALL_BATCH."""


def run(ledger: Ledger, progress: Progress, messages: list[str]) -> None:
    """Fill the ledger."""
    p = ledger.p
    batched = p.batch_size > SMALL_BATCH
    # A finite value at once, even where every solver overflows; with enough regularisation it is the minimum.
    ledger.offer(range(p.batch_size), start(p), "start")
    if not ledger.open():
        return
    if not p.smooth.convex:  # a point is all there is to find, and conic solvers have no form of it
        _accelerated(ledger, ledger.open(), progress)
        return
    if batched and suits_descent(p):
        points = coordinate_descent(p, lambda done: progress("coordinate descent", done, p.batch_size))
        ledger.offer(range(p.batch_size), points, "coordinate-descent+polish")
    elif batched:
        _accelerated(ledger, list(range(p.batch_size)), progress)
    if batched:
        # Expensive certificates come before expensive solvers: without a dual value no point helps.
        _late(ledger)
        hopeful = [b for b in ledger.open() if bool(torch.isfinite(ledger.lower[b]))]
        _conic_chain(ledger, hopeful, progress, messages)
    else:
        _conic_chain(ledger, ledger.open(), progress, messages)
    if suits_descent(p) or not batched:
        _accelerated(ledger, ledger.open(), progress)
    _late(ledger)


def _late(ledger: Ledger) -> None:
    rest = ledger.improvable()
    if rest:
        ledger.offer(rest, ledger.x[rest], None, late=True)


def _accelerated(ledger: Ledger, index: list[int], progress: Progress) -> None:
    """FISTA on the instances `index`, polished and certified after each round; done ones leave."""
    if not index:
        return
    part = _part(ledger.p, index)
    step, begun = safe_step(part), torch.isfinite(ledger.upper[index]).reshape(-1, 1)
    x = torch.where(begun, ledger.x[index], start(part))
    for count, iterations in enumerate(ROUNDS):
        x = fista(part, x, step, iterations)
        polished = stretch(part, polish(part, x))
        ledger.offer(index, polished, "fista+polish")
        _offer_open(ledger, index, x, "fista")
        rest = ledger.open(index)
        progress("accelerated gradient", len(index) - len(rest), len(index))
        if not rest:
            return
        if len(rest) < len(index):
            left = set(rest)
            keep = [k for k, b in enumerate(index) if b in left]
            part, step, x, polished, index = part.select(keep), step[keep], x[keep], polished[keep], rest
        if count:  # after the first round the polished point is the better start
            lower = part.objective(polished) < part.objective(x)
            x = torch.where(lower.reshape(-1, 1), polished, x)


def _offer_open(ledger: Ledger, index: list[int], x: torch.Tensor, name: str) -> None:
    """Offer the unpolished points of those instances that the polish has not settled."""
    rest = set(ledger.open(index))
    rows = [k for k, b in enumerate(index) if b in rest]
    if rows:
        ledger.offer([index[k] for k in rows], x[rows], name)


def _part(p: Composite, index: list[int]) -> Composite:
    return p if len(index) == p.batch_size else p.select(index)


def stretch(p: Composite, x: torch.Tensor) -> torch.Tensor:
    """(B,n) the best of x, 2x, 4x, ...: on separable data the logistic loss has its infimum along a ray."""
    best, value = x, p.objective(x)
    for _ in range(RAY_STEPS):
        longer = p.prox(2 * best, 1e-300)
        new = p.objective(longer)
        gain = torch.isfinite(longer).all(-1) & (new < value)
        if not bool(gain.any()):
            break
        best, value = torch.where(gain.reshape(-1, 1), longer, best), torch.where(gain, new, value)
    return best


def _conic_chain(ledger: Ledger, index: list[int], progress: Progress, messages: list[str]) -> None:
    """Each instance through the chain of conic solvers until its width is reached."""
    in_vain = 0
    for done, b in enumerate(index):
        if in_vain == PATIENCE:
            messages.append(
                f"conic solvers did not narrow the intervals of {in_vain} instances in a row; "
                f"the other {len(index) - done} were not given to them"
            )
            return
        part = _part(ledger.p, [b])
        step, failed, first = safe_step(part), [], ledger.width(b)
        for solver in _conic.CHAIN:
            before = ledger.width(b)
            try:
                point, _ = _conic.solve(part, 0, solver)
            except _conic.ConicError as failure:
                if "not a quadratic program" not in str(failure):
                    failed.append(solver.name)
                    messages.append(f"instance {b}: {solver.name} gave no point ({failure})")
                continue
            # Interior points have no exact zeros or active bounds; one proximal step finds them.
            x = torch.from_numpy(point).reshape(1, -1)
            x = part.prox(x - step * part.smooth_gradient(x), step)
            after = f" (after {', '.join(failed)} failed)" if failed else ""
            ledger.offer([b], stretch(part, polish(part, x)), f"{solver.name}+polish{after}")
            _offer_open(ledger, [b], x, solver.name + after)
            # Where a point was found and the width stays, the dual side is what is missing: no solver helps.
            if not ledger.open([b]) or not ledger.width(b) < 0.9 * before:
                break
        in_vain = 0 if ledger.width(b) < 0.9 * first else in_vain + 1
        progress("conic solver", done + 1, len(index))
