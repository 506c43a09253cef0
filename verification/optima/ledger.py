"""The best certified interval of every instance so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from ...l2o.problems import Composite
from ...l2o.support.threads import one_thread
from ..errors import VerificationError
from . import _certificates
from ._directed import up, value_error

NEAR = 32
"""Widths up to this multiple of the rounding of F are taken for rounding, and finer arithmetic is tried."""


class CertificateError(VerificationError, RuntimeError):
    """A lower bound exceeds an upper bound: one of the two is wrong."""


@dataclass
class Ledger:
    """Intervals of the instances of p, improved by each point that is offered.

    `floor` (B,) replaces the 1 in the requested width rtol max(1, |F*|) (another number for scaled problems);
    without `dual` only upper bounds are taken. `noise` (B,) bounds the rounding of F at x.
    """

    p: Composite
    rtol: float
    floor: torch.Tensor
    dual: bool = True
    lower: torch.Tensor = field(init=False)
    upper: torch.Tensor = field(init=False)
    x: torch.Tensor = field(init=False)
    noise: torch.Tensor = field(init=False)
    solver: list[str] = field(init=False)
    certificate: list[str] = field(init=False)

    def __post_init__(self) -> None:
        size = self.p.batch_size
        self.lower = torch.full((size,), -torch.inf, dtype=torch.float64)
        self.upper = torch.full((size,), torch.inf, dtype=torch.float64)
        self.x = torch.zeros(size, self.p.dim, dtype=torch.float64)
        self.noise = torch.zeros(size, dtype=torch.float64)
        self.solver = ["none"] * size
        self.certificate = ["none"] * size

    def _part(self, index: Sequence[int]) -> Composite:
        return self.p if len(index) == self.p.batch_size else self.p.select(list(index))

    def target(self) -> torch.Tensor:
        """(B,) the width that is asked for, from the smallest |F*| the interval allows."""
        smallest = torch.where(self.lower > 0, self.lower, torch.where(self.upper < 0, -self.upper, 0.0))
        return self.rtol * torch.maximum(self.floor, smallest)

    def _short(self) -> torch.Tensor:
        """(B,) whether the width is reached, or rules out that it ever will be and is mostly rounding."""
        target = self.target()
        reachable = torch.where(self.noise < target, target, 2 * self.noise)
        return self.upper - self.lower <= reachable

    def width(self, b: int) -> float:
        """upper - lower of instance b, inf where there is no lower bound."""
        return float(self.upper[b] - self.lower[b])

    def open(self, within: Sequence[int] | None = None) -> list[int]:
        """The instances (of `within`) whose interval is still too wide."""
        short = self._short().tolist()
        return [b for b in (range(self.p.batch_size) if within is None else within) if not short[b]]

    def offer(self, index: Sequence[int], x: torch.Tensor, name: str | None, *, late: bool = False) -> None:
        """Take points x (k,n) of the instances `index` into account; those outside dom r are passed over.

        With `late` the expensive certificates are asked as well; without a name the credit stays where it is.

        Raises `CertificateError` if a lower bound comes out above an upper one.
        """
        with one_thread():
            self._offer(index, x, name, late)

    def _offer(self, index: Sequence[int], x: torch.Tensor, name: str | None, late: bool) -> None:
        part, rows = self._part(index), torch.as_tensor(list(index))
        x = torch.where(torch.isfinite(x), x, 0.0) + 0.0  # -0 becomes 0
        error = value_error(part, x)
        upper = up(part.objective(x), error)
        before = (self.upper - self.lower)[rows]
        better = torch.isfinite(upper) & (upper < self.upper[rows])
        self.upper[rows[better]] = upper[better]
        self.x[rows[better]] = x[better]
        self.noise[rows[better]] = error[better]
        if self.dual:
            inside = torch.isfinite(upper)
            if bool(inside.any()):
                self._certify(rows[inside], x[inside], late)
        after = (self.upper - self.lower)[rows]
        if bool((after < 0).any()):
            b = int(rows[int(after.argmin())])
            raise CertificateError(
                f"instance {b}: the certified bounds contradict each other, lower {float(self.lower[b])!r} "
                f'("{self.certificate[b]}") > upper {float(self.upper[b])!r}; please report it.'
            )
        if name is None:
            return
        for k, b in enumerate(rows.tolist()):
            nearer = bool(better[k]) and not bool(torch.isfinite(self.lower[b]))
            if self.solver[b] == "none" or nearer or float(after[k]) < float(before[k]):
                self.solver[b] = name

    def _certify(self, rows: torch.Tensor, x: torch.Tensor, late: bool) -> None:
        for entry in _certificates.CERTIFICATES:
            if not (self.p.smooth.convex or entry.any_smooth):
                continue
            wide = ~self._short()[rows]
            if not bool(wide.any()):
                return
            if entry.late and not late:
                if not entry.fine:
                    continue
                wide &= (self.upper - self.lower <= NEAR * self.noise)[rows]
                if not bool(wide.any()):
                    continue
            chosen = rows[wide]
            part = self._part(chosen.tolist())
            bound = entry.bound(part, x[wide], self.upper[chosen]).detach()
            gain = bound > self.lower[chosen]  # False for NaN, too
            self.lower[chosen[gain]] = bound[gain]
            for b in chosen[gain].tolist():
                self.certificate[b] = entry.name

    def improvable(self) -> list[int]:
        """Instances that are too wide and have a finite point."""
        finite = torch.isfinite(self.upper).tolist()
        return [b for b in self.open() if finite[b]]
