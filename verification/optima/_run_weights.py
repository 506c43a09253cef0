r"""Weights for a run certificate: a small concave problem over the simplex, solved by a barrier method in batches.

For cuts with values b_i and slopes g_i (one row each) the weights a are to maximise

    <b, a> - (1/2L) ||sum_i a_i d_i||^2 + sigma(sum_i a_i g_i)      over a >= 0 with sum a = 1,

where sigma is a concave function that says what the set of minimisers leaves of a slope (`_run_shapes`). Any
weights are valid, so nothing here needs to be exact, and nothing here is rounded with care.

The barrier is that of the simplex, sum_i log a_i, and of second-order cones for the norms in sigma (Nesterov and
Nemirovskii, Interior-point polynomial algorithms in convex programming, 1994, chapter 5); its weight falls by a factor
as soon as Newton's method has settled. What it costs at most is its weight times the number of its terms, so that the
method stops where that is a small share of the gap that the certificate leaves anyway.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch

from ._run_shapes import Bend, Shape

_FALL = 0.2
"""Factor of the weight of the barrier."""
_SETTLED = 1e3
"""Squared decrement, in units of the weight, below which the weight falls."""
_APART = 1e8
"""Largest factor between a multiplier and the weight over its room."""
_SHARE = 0.1
"""Share of the gap that the barrier may cost in the end."""
_STEPS = 70
_NEWS, _PATIENCE = 0.01, 20
"""Steps in a row that win less than this share of the gap, after which nothing more is expected."""
_PRUNED = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12, 0.0)
_LARGEST = 1e30


@dataclass(frozen=True, eq=False)
class Cuts:
    """P problems with N cuts each: `value` b (P,N), `slope` g (P,N,n), `bent` d (P,N,n) and 1/L (P,), or None for 0.

    `kind` (P,N,k) says to which of k simplices each cut belongs (0 or 1; a cut of none is not used). `best` (P,) is the
    objective that the certificate is to come near to, `first` (P,N) weights > 0 to start from.
    """

    value: torch.Tensor
    slope: torch.Tensor
    bent: torch.Tensor | None
    inverse: torch.Tensor
    kind: torch.Tensor
    best: torch.Tensor
    first: torch.Tensor
    shape: Shape

    @cached_property
    def quadratic(self) -> torch.Tensor:
        """(P,N,N) matrix of the quadratic term."""
        if self.bent is None:
            return self.value.new_zeros((*self.value.shape, self.value.shape[1]))
        return self.bent @ self.bent.mT * self.inverse.reshape(-1, 1, 1)

    @cached_property
    def used(self) -> torch.Tensor:
        """(P,N) the cuts that exist."""
        return self.kind.sum(-1) > 0

    def slopes(self, a: torch.Tensor) -> torch.Tensor:
        """(P,n) s."""
        return (a.unsqueeze(1) @ self.slope).squeeze(1)

    def select(self, rows: torch.Tensor) -> Cuts:
        """The problems `rows` only."""
        names = ("value", "slope", "inverse", "kind", "best", "first")
        part = {name: getattr(self, name)[rows] for name in names}
        bent = None if self.bent is None else self.bent[rows]
        chosen = replace(self, **part, bent=bent, shape=self.shape.select(rows))
        chosen.__dict__["quadratic"] = self.quadratic[rows]
        return chosen


def bound(cuts: Cuts, a: torch.Tensor) -> torch.Tensor:
    """(P,) what weights (P,N) are worth, in floating point."""
    return _smooth_part(cuts, a) + cuts.shape.exact(cuts.slopes(a))


def _smooth_part(cuts: Cuts, a: torch.Tensor) -> torch.Tensor:
    bent = ((cuts.quadratic @ a.unsqueeze(-1)).squeeze(-1) * a).sum(-1)
    return (a * cuts.value).sum(-1) - 0.5 * bent


@torch.no_grad()
def best_weights(cuts: Cuts) -> torch.Tensor:
    """(P,N) weights >= 0, of which those of each kind sum to 1 up to rounding; small ones that do not matter are 0."""
    return _prune(cuts, _climb(cuts))


def normalised(a: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
    """(P,N) weights >= 0, scaled so that those of each kind (P,N,k) sum to 1; 0 where a cut is of none."""
    total = (a.unsqueeze(-1) * kind).sum(1, keepdim=True).clamp(min=1e-300)
    return a * (kind / total).sum(-1)


@dataclass(frozen=True, eq=False)
class _State:
    """Weights a (P,N) with multipliers z, t (P,) with those of the rooms y, and the weight (P,) of the barrier."""

    a: torch.Tensor
    z: torch.Tensor
    t: torch.Tensor | None
    y: torch.Tensor | None
    weight: torch.Tensor

    def select(self, rows: torch.Tensor) -> _State:
        t, y = (None if part is None else part[rows] for part in (self.t, self.y))
        return _State(self.a[rows], self.z[rows], t, y, self.weight[rows])


def _start(cuts: Cuts, a: torch.Tensor, weight: torch.Tensor) -> _State:
    t, w = cuts.shape.start(cuts.slopes(a), weight), weight.unsqueeze(-1)
    y = None if t is None else w / cuts.shape.rooms(cuts.slopes(a), t)
    return _State(a, torch.where(cuts.used, w / a.clamp(min=1e-300), 0.0), t, y, weight)


def _climb(cuts: Cuts) -> torch.Tensor:
    a = normalised(torch.where(cuts.used, cuts.first, 0.0), cuts.kind)
    terms = cuts.used.sum(-1) + cuts.shape.count
    best, worth = a.clone(), bound(cuts, a)
    weight = ((cuts.best - worth).clamp(min=1e-300) / terms).clamp(max=_LARGEST)
    state = _start(cuts, a, weight)
    rows = torch.arange(a.shape[0])  # the problems that are not done
    stale = torch.zeros_like(rows)
    for _ in range(_STEPS):
        state, decrement, moved = _step(cuts, state)
        now = bound(cuts, state.a)
        better = now > worth[rows]
        gap = (cuts.best - worth[rows]).clamp(min=0.0)
        news = (now > worth[rows] + _NEWS * gap) | (state.weight * terms[rows] > gap)
        stale = torch.where(news, 0, stale + 1)
        best[rows[better]], worth[rows[better]] = state.a[better], now[better]
        settled = (decrement < _SETTLED * state.weight) | ~moved
        left = torch.maximum(decrement, state.weight * terms[rows])  # what may still be won
        done = (left <= _SHARE * gap + 1e-16 * cuts.best.abs()) | (stale >= _PATIENCE)
        state = replace(state, weight=torch.where(settled, _FALL * state.weight, state.weight))
        if bool(done.any()):
            if bool(done.all()):
                break
            rest = ~done
            cuts, state, rows, stale = cuts.select(rest), state.select(rest), rows[rest], stale[rest]
    return best


def _total(cuts: Cuts, a: torch.Tensor, s: torch.Tensor, t: torch.Tensor | None, weight: torch.Tensor) -> torch.Tensor:
    """(P,) the function that is climbed, at the weights a with the slope s."""
    logs = torch.log(torch.where(cuts.used, a, 1.0)).sum(-1)
    return _smooth_part(cuts, a) + cuts.shape.height(s, t, weight) + weight * logs


def _step(cuts: Cuts, state: _State) -> tuple[_State, torch.Tensor, torch.Tensor]:
    """A primal-dual step: the state after it, the squared decrement (P,), and (P,) whether it moved."""
    s = cuts.slopes(state.a)
    bend = cuts.shape.bend(s, state.t, state.weight, state.y)
    step_a, step_t, decrement = _newton(cuts, state, s, bend)
    a, t, moved = _search(cuts, state, s, step_a, step_t, decrement)
    z = _multipliers(state.z, state.a, step_a, a, state.weight)
    z = torch.where(cuts.used, z, 0.0)
    y = state.y
    if y is not None and state.t is not None and t is not None:  # all three, or none
        change = cuts.shape.change(s, state.t, cuts.slopes(step_a), step_t)
        y = _multipliers(y, cuts.shape.rooms(s, state.t), change, cuts.shape.rooms(cuts.slopes(a), t), state.weight)
    return _State(a, z, t, y, state.weight), decrement, moved


def _multipliers(
    y: torch.Tensor, room: torch.Tensor, change: torch.Tensor, after: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Multipliers after a step, near to the weight over the room as it is now."""
    w, room, after = weight.unsqueeze(-1), room.clamp(min=1e-300), after.clamp(min=1e-300)
    step = w / room - y - y / room * change
    ratio = torch.where(step < 0, -y / torch.where(step < 0, step, -1.0), torch.inf)
    length = (0.99 * ratio.amin(-1, keepdim=True)).clamp(max=1.0)
    centre = w / after
    return torch.minimum(torch.maximum(y + length * step, centre / _APART), centre * _APART)


def _newton(cuts: Cuts, state: _State, s: torch.Tensor, bend: Bend) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The step of a (P,N) and of t (P,), and the squared decrement (P,). Everything is scaled by a."""
    a = state.a
    pulled = (cuts.quadratic @ a.unsqueeze(-1)).squeeze(-1) - (cuts.slope @ bend.slope.unsqueeze(-1)).squeeze(-1)
    scaled = torch.where(cuts.used, a * (cuts.value - pulled) + state.weight.unsqueeze(-1), 0.0)
    rows, count = cuts.slope * a.unsqueeze(-1), a.shape[1]
    with_t = bend.by_t is not None and bend.mixed is not None and bend.rise is not None  # all three, or none
    # One matrix, filled in its places: at these sizes its copies are what a step costs.
    whole = a.new_empty((a.shape[0], count + with_t, count + with_t))
    matrix = whole[:, :count, :count]
    torch.mul(cuts.quadratic, a.unsqueeze(-1), out=matrix).mul_(a.unsqueeze(-2))
    matrix.baddbmm_(rows * bend.curvature.unsqueeze(1), rows.mT)
    if bend.rank_one is not None:
        along = cuts.shape.gather(rows * s.unsqueeze(1))
        matrix.baddbmm_(along * bend.rank_one.unsqueeze(1), along.mT)
    matrix.diagonal(dim1=-2, dim2=-1).add_(torch.where(cuts.used, a * state.z, 1.0))
    right = a.new_zeros((a.shape[0], count + with_t, 1 + cuts.kind.shape[-1]))
    right[:, :count, 0], right[:, :count, 1:] = scaled, cuts.kind * a.unsqueeze(-1)
    if bend.by_t is not None and bend.mixed is not None and bend.rise is not None:
        root = bend.by_t.clamp(min=1e-300).sqrt()
        whole[:, -1, :count] = (rows @ bend.mixed.unsqueeze(-1)).squeeze(-1) / root.unsqueeze(-1)
        whole[:, :count, -1] = whole[:, -1, :count]
        whole[:, -1, -1], right[:, -1, 0] = 1.0, bend.rise / root
    scaled, ends = right[..., 0], right[..., 1:]
    solved = _solve(whole, right)
    free, tied = solved[..., :1], solved[..., 1:]
    along = torch.linalg.solve_ex(ends.mT @ tied, ends.mT @ free)[0]
    step = torch.nan_to_num(free - tied @ along, posinf=0.0, neginf=0.0).squeeze(-1)
    decrement = (step * scaled).sum(-1)
    step_t = torch.zeros_like(decrement) if bend.by_t is None else step[:, -1] / root
    return a * step[:, :count], step_t, decrement


def _solve(matrix: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Positive semidefinite systems, with as much added to the diagonal of each as its factorisation needs."""
    factor, info = torch.linalg.cholesky_ex(matrix)
    size = matrix.diagonal(dim1=-2, dim2=-1).amax(-1).clamp(min=1e-300).unsqueeze(-1)
    for more in (1e-16, 1e-15, 1e-14, 1e-11, 1e-8, 1e-4, 1.0):
        left = info.nonzero().squeeze(-1)
        if left.numel() == 0:
            break
        heavier = matrix[left]
        heavier.diagonal(dim1=-2, dim2=-1).add_(more * size[left])
        factor[left], info[left] = torch.linalg.cholesky_ex(heavier)
    return torch.cholesky_solve(right, factor)


def _search(
    cuts: Cuts, state: _State, s: torch.Tensor, step_a: torch.Tensor, step_t: torch.Tensor, decrement: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """The point after a step that stays inside and climbs, and (P,) whether there is one."""
    a, t, weight = state.a, state.t, state.weight
    before = _total(cuts, a, s, t, weight)
    blur = 1e-15 * before.abs()
    ratio = torch.where(step_a < 0, -a / torch.where(step_a < 0, step_a, -1.0), torch.inf)
    length = (0.99 * ratio.amin(-1)).clamp(max=1.0)
    moved, new_a, new_t = torch.zeros_like(weight, dtype=torch.bool), a, t
    for _ in range(25):
        b, u = a + length.unsqueeze(-1) * step_a, None if t is None else t + length * step_t
        s = cuts.slopes(b)
        inside = torch.ones_like(moved) if u is None else (cuts.shape.rooms(s, u) > 0).all(-1)
        value = _total(cuts, b, s, u, weight)
        climbs = inside & (value + blur >= before + 1e-4 * length * decrement) & ~moved
        new_a = torch.where(climbs.unsqueeze(-1), b, new_a)
        new_t = None if u is None or new_t is None else torch.where(climbs, u, new_t)
        moved = moved | climbs
        if bool(moved.all()):
            break
        length = torch.where(moved, length, 0.5 * length)
    return normalised(new_a, cuts.kind), new_t, moved


def _prune(cuts: Cuts, a: torch.Tensor) -> torch.Tensor:
    """The weights without the small ones, as many of them as cost little of the gap."""
    worth = bound(cuts, a)
    lowest = worth - 0.02 * (cuts.best - worth).clamp(min=0.0)
    chosen, undecided = a, torch.ones_like(worth, dtype=torch.bool)
    for share in _PRUNED:
        fewer = normalised(torch.where(a >= share, a, 0.0), cuts.kind)
        fine = undecided & (bound(cuts, fewer) >= lowest)
        chosen, undecided = torch.where(fine.unsqueeze(-1), fewer, chosen), undecided & ~fine
        if not bool(undecided.any()):
            break
    return chosen
