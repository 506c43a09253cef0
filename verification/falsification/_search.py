"""The search itself: draws with heavy tails, ascent by gradients through the run, polishing by coordinates.

All of it moves batches of points at once and sees no more than merits; what it proposes is judged elsewhere.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch

from ._families import Family, Point, drawn
from ._merit import Merit

METHODS = ("both", "gradient", "random")
_DRAWS, _PLAIN, _STARTS = 512, 16, 16  # points drawn a round, without a choice among them, and ascended
_ITERATIONS, _ROUNDS = 120, 120  # of the ascent, and of the polishing
_RATE, _LEAST_STEP = 0.08, 1e-9


@dataclass
class Budget:
    """Time and merits left; a run of the search may end between any two batches."""

    seconds: float
    evaluations: int | None
    begun: float = field(default_factory=time.monotonic)
    used: int = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.begun

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return self.elapsed >= self.seconds or self.within(1) == 0

    def within(self, count: int) -> int:
        """How many of `count` further runs the limit allows."""
        return count if self.evaluations is None else max(0, min(count, self.evaluations - self.used))


def take(point: Point, index: torch.Tensor) -> Point:
    """The points `index`."""
    return {name: a[index] for name, a in point.items()}


@dataclass(frozen=True, eq=False)
class Search:
    """A search over one family for the largest merit."""

    merit: Merit
    method: str
    shifts: bool
    budget: Budget
    generator: torch.Generator
    notes: list[str] = field(default_factory=list)

    @property
    def family(self) -> Family:
        """The family that is searched."""
        return self.merit.family

    def proposals(self, dims: tuple[int, ...]) -> Iterator[tuple[float, Point]]:
        """Merit and point (a batch of 1), the best of each round; one round for each of `dims` in turn, for ever."""
        while True:
            for dim in dims:
                if self.budget.spent:
                    return
                best, point = self.round(dim)
                if math.isfinite(best):
                    yield best, point

    def round(self, dim: int) -> tuple[float, Point]:
        """One draw, ascent and polish in `dim` variables."""
        count = self.budget.within(_PLAIN if self.method == "gradient" else _DRAWS)
        points = self.projected(drawn(self.generator, count, dim))
        merits = self.value(points)
        if self.method == "random":
            return self.best(merits, points)
        chosen = merits.topk(min(_STARTS, len(merits))).indices
        merits, points = merits[chosen], take(points, chosen)
        merits, points = self.ascend(merits, points)
        order = merits.argsort(descending=True)[:2]
        polished = [self.polish(float(merits[i]), take(points, i[None])) for i in order]
        return max(polished, key=lambda pair: pair[0])

    def projected(self, point: Point) -> Point:
        """The admissible point nearby."""
        return self.family.projected(point, self.shifts)

    @torch.no_grad()
    def value(self, point: Point) -> torch.Tensor:
        """(B,) merits of admissible points."""
        self.budget.used += len(point["w"])
        return self.merit(point).detach()

    def best(self, merits: torch.Tensor, points: Point) -> tuple[float, Point]:
        """The largest merit, and its point as a batch of 1."""
        i = merits.argmax()
        return float(merits[i]), take(points, i[None])

    def ascend(self, merits: torch.Tensor, points: Point) -> tuple[torch.Tensor, Point]:
        """Adam on the merit of each point, projected after every step; the best that each point saw."""
        best, best_points = merits.clone(), dict(points)
        first = {name: torch.zeros_like(a) for name, a in points.items()}
        second = {name: torch.zeros_like(a) for name, a in points.items()}
        reach = torch.linalg.vector_norm(points["start"], dim=-1, keepdim=True)
        units = {name: torch.ones_like(reach)[..., None] if name == "factor" else reach for name in points}
        for i in range(_ITERATIONS):
            if self.budget.spent or self.budget.within(len(merits)) < len(merits):
                break
            ascent = self._slopes(points)
            if ascent is None:
                break
            merits, slopes = ascent
            better = merits > best
            best = torch.where(better, merits, best)
            for name, a in best_points.items():
                best_points[name] = torch.where(better.reshape(-1, *[1] * (a.ndim - 1)), points[name], a)
            rate = _RATE * 0.5 * (1 + math.cos(math.pi * i / _ITERATIONS)) + 1e-4
            moved = {}
            for name, a in points.items():
                slope = slopes[name] * units[name]
                first[name] = 0.9 * first[name] + 0.1 * slope
                second[name] = 0.99 * second[name] + 0.01 * slope**2
                mean, size = first[name] / (1 - 0.9 ** (i + 1)), second[name] / (1 - 0.99 ** (i + 1))
                moved[name] = a + rate * units[name] * mean / (size.sqrt() + 1e-12)
            points = self.projected(moved)
        return best, best_points

    def _slopes(self, points: Point) -> tuple[torch.Tensor, Point] | None:
        """Merits and their gradients; None where the optimizer cannot be differentiated through."""
        leaves = {name: a.detach().clone().requires_grad_() for name, a in points.items()}
        self.budget.used += len(points["w"])
        try:
            with torch.enable_grad():
                merits = self.merit(leaves)
                slopes = torch.autograd.grad(merits.sum(), list(leaves.values()), allow_unused=True)
        except RuntimeError as problem:
            note = f"no gradient through the run ({str(problem).splitlines()[0][:80]}): polishing by coordinates only"
            if note not in self.notes:
                self.notes.append(note)
            return None
        gradients = {
            name: torch.zeros_like(leaf) if slope is None else slope.nan_to_num(0.0, 0.0, 0.0)
            for (name, leaf), slope in zip(leaves.items(), slopes)
        }
        return merits.detach(), gradients

    def polish(self, merit: float, point: Point) -> tuple[float, Point]:
        """Coordinate search from one point: both ways along every entry, to zero, and along random directions."""
        step, tried_zero = 0.1, False
        for _ in range(_ROUNDS):
            if self.budget.spent or step < _LEAST_STEP:
                break
            batch = self._neighbours(point, step, zeros=not tried_zero)
            batch = {name: a[: self.budget.within(len(a))] for name, a in batch.items()}
            tried_zero = True
            values = self.value(batch)
            best, candidate = self.best(values, batch)
            if best > merit:
                gain, merit, point = best - merit, best, candidate
                step = min(0.5, 2 * step) if gain > 1e-10 else step / 2
                tried_zero = False
            else:
                step /= 2
        return merit, point

    def _neighbours(self, point: Point, step: float, zeros: bool) -> Point:
        flat, sizes = _flat(point)
        reach = float(torch.linalg.vector_norm(point["start"]))
        count = flat.shape[1]
        unit = torch.full((count,), reach, dtype=torch.float64)
        unit[: sizes["factor"]] = 1.0
        eye = torch.diag(unit)
        wild = torch.randn(count, count, generator=self.generator, dtype=torch.float64) * unit / math.sqrt(count)
        batch = [flat + step * eye, flat - step * eye, flat + step * wild]
        if zeros:
            batch.append(flat.expand(count, -1) * (1 - torch.eye(count, dtype=torch.float64)))
        return self.projected(_shaped(torch.cat(batch), point))


def _flat(point: Point) -> tuple[torch.Tensor, dict[str, int]]:
    parts = {name: a.reshape(a.shape[0], -1) for name, a in point.items()}
    return torch.cat(list(parts.values()), 1), {name: a.shape[1] for name, a in parts.items()}


def _shaped(flat: torch.Tensor, like: Point) -> Point:
    pieces = flat.split([a[0].numel() for a in like.values()], dim=1)
    return {name: piece.reshape(-1, *a.shape[1:]) for (name, a), piece in zip(like.items(), pieces)}


Progress = Callable[[float, float, str], None]
"""Told (share of the budget that is spent; the largest tightness so far, or rho_k; what is going on)."""
