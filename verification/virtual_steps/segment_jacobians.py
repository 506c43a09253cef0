"""Averaged Jacobians of a learned optimizer's heads along the segments from virtual features to real ones.

For a head N that is differentiable along z + t Dz, N(z + Dz) - N(z) = J Dz with J = int_0^1 dN(z + t Dz) dt. Here the
integral is a Gauss-Legendre sum of exact derivatives, held against the exact difference of the heads. The network acts
on each coordinate by itself, so its Jacobian is block diagonal and its spectral norm the largest norm of a block, which
has one row for each head: the Euclidean norm of a gradient.

This is a measurement, not a proof: the largest gradient over the nodes is a lower bound of that on the segment, and
only the latter is a Lipschitz constant there. A unit of the ReLU layer that changes sign on the way makes the integrand
jump, and the sum is then off by about that jump over the number of nodes; `smooth` says where none was seen to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...l2o import InputError
from ...l2o.optimizers.cell import network, pack
from ...l2o.optimizers.learned import HeadNetwork, cast, parameters_of
from ...l2o.runs.run import Run
from ..runs.inspection import as_numpy
from .network_states import OFF, base_step, bias_of, check_run, replay
from .pairing import check_pair

_COLUMNS = 2**14  # coordinates at a time


@dataclass(frozen=True, eq=False)
class SegmentJacobians:
    """J Dz by quadrature and the exact differences, for heads p on S steps: (P,B,S,n).

    `names` are the P heads that are on, then N1 (the preconditioner, with the step a' of the run out of distribution)
    and, where it is a function of z, N2 (the bias). `constant` (P,B,S) is the largest spectral norm of the Jacobian
    over the nodes and both ends, `dz` (B,S) the length of the segment. `smooth` (B,S,n): no ReLU unit of the coordinate
    has different signs at two of these points. `steps` are counted from 0.
    """

    names: tuple[str, ...]
    integral: np.ndarray
    difference: np.ndarray
    constant: np.ndarray
    dz: np.ndarray
    smooth: np.ndarray
    nodes: int
    steps: tuple[int, ...]

    @property
    def error(self) -> np.ndarray:
        """(P,B,S,n) by how much the quadrature misses the difference."""
        return np.abs(self.integral - self.difference)

    def of(self, name: str) -> int:
        """Where a head stands in the arrays.

        Args:
            name: One of `names`.

        Returns:
            Its index.

        Raises:
            InputError: For another name.
        """
        if name not in self.names:
            raise InputError(f"segment_jacobians: there is no head {name!r} here; there are {', '.join(self.names)}.")
        return self.names.index(name)

    def summary(self) -> str:
        """A few lines for people."""
        lines = [f"{self.nodes} nodes; no ReLU unit changes sign on {self.smooth.mean():.0%} of the segments"]
        for p, name in enumerate(self.names):
            worst = [float(self.error[p][mask].max(initial=0.0)) for mask in (self.smooth, ~self.smooth)]
            size = float(np.abs(self.difference[p]).max())
            lines.append(
                f"  {name}: quadrature off by at most {worst[0]:.1e} there, {worst[1]:.1e} elsewhere (largest change "
                f"{size:.2g}); largest gradient {float(self.constant[p].max()):.3g}"
            )
        return "\n".join(lines)


def segment_jacobians(
    run_ood: Run,
    run_ind: Run,
    optimizer: Any,
    *,
    steps: Sequence[int] | None = None,
    nodes: int = 32,
    state_ood: Any = None,
    state_ind: Any = None,
) -> SegmentJacobians:
    """Measure the heads of a model along the segments between paired features of two finite runs of one size.

    Args:
        run_ood: The run out of distribution, recorded with record="all".
        run_ind: The run in distribution, likewise.
        optimizer: The model that made both.
        steps: Steps k, from 0; all by default.
        nodes: Points on each segment.
        state_ood: The optimizer's state that `run_ood` started from, where it was not that of `optimizer.init`.
        state_ind: Likewise of `run_ind`.

    Returns:
        Largest Jacobians over the nodes, by head. They are measured at finitely many points: no Lipschitz constants.

    Raises:
        InputError: For runs that do not belong together, and for steps out of range.
    """
    if not isinstance(optimizer, HeadNetwork):
        name = getattr(optimizer, "name", type(optimizer).__name__)
        raise InputError(f"segment_jacobians: {name} has no network with heads; give go-math-l2o or l2o-pa.")
    if not isinstance(nodes, int) or nodes < 1:
        raise InputError(f"segment_jacobians: nodes must be an integer >= 1, got {nodes!r}.")
    checked = []
    for role, run in (("the run out of distribution", run_ood), ("the run in distribution", run_ind)):
        checked.append(check_run(run, optimizer, role))
        if not bool(run.finite.all()):
            raise InputError(f"segment_jacobians: {role} is not finite; cut it with run.head before it diverges.")
    check_pair(run_ood, [run_ind])
    wanted = tuple(range(run_ood.steps)) if steps is None else tuple(steps)
    if not wanted or not set(wanted) <= set(range(run_ood.steps)):
        raise InputError(f"segment_jacobians: steps must be in 0..{run_ood.steps - 1}, got {list(wanted)}.")
    step = base_step(run_ood, optimizer)
    assert step is not None  # of a network with heads
    heads = _Heads(optimizer, step)
    reads = zip(
        replay(checked[0], optimizer, "the run out of distribution", state_ood),
        replay(checked[1], optimizer, "the run in distribution", state_ind),
    )
    segments = {k: _segment(heads, there.z, here.z, nodes) for k, (here, there) in enumerate(reads) if k in set(wanted)}
    integral, difference, constant, dz, smooth = (
        np.stack(parts, axis) for parts, axis in zip(zip(*(segments[k] for k in wanted)), (2, 2, 2, 1, 1))
    )
    return SegmentJacobians(heads.names, integral, difference, constant, dz, smooth, nodes, wanted)


class _Heads:
    """The heads as one function of z (m,N), on the plain network, which has derivatives everywhere."""

    def __init__(self, optimizer: HeadNetwork, step: torch.Tensor) -> None:
        self.optimizer, self.step, self.layout = optimizer, step, optimizer.layout
        probe = dict.fromkeys(optimizer.heads, torch.zeros(1, 1))
        self.has_bias = bias_of(optimizer, probe, torch.ones(1, 1), torch.zeros(1, 1)) is not None
        self.names = (*optimizer.heads, "N1", *(("N2",) if self.has_bias else ()))

    def __call__(self, z: torch.Tensor, step: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Heads (P,N) and the signs of the ReLU layer (H,N), at columns z (m,N) with steps (N,)."""
        d, width, layers = self.layout.features, self.layout.hidden, self.layout.layers
        parameters = cast(parameters_of(self.optimizer), z)
        hidden, cell = (s.view(layers, width, -1) for s in z[d:-1].chunk(2))
        rows, state, _ = network(pack(parameters, self.layout), z[:d], hidden, cell, self.layout)
        heads: dict[str, torch.Tensor] = {
            n: self.optimizer.head({n: row}, n, OFF) for n, row in zip(self.layout.heads, rows)
        }
        first = heads.get(self.optimizer.head_names[0], torch.ones_like(step))
        outputs = [*heads.values(), first * step + 0.0 * z[0]]  # a function of z even where its head is off
        bias = bias_of(self.optimizer, heads, step, z[-1])
        if bias is not None:
            outputs.append(bias)
        before = parameters["linear.weight"] @ state[-1] + parameters["linear.bias"].unsqueeze(1)
        return torch.stack(outputs), before > 0


def _segment(heads: _Heads, start: torch.Tensor, end: torch.Tensor, nodes: int) -> tuple[np.ndarray, ...]:
    """Integral and difference (P,B,n), constant (P,B), dz (B,), smooth (B,n) of the segment of z (m,B,n)."""
    _, batch, dim = start.shape
    move = (end - start).flatten(1)
    step = heads.step.unsqueeze(-1).expand(batch, dim).flatten()
    t, weight = np.polynomial.legendre.leggauss(nodes)
    # both ends with weight 0: they count for the largest gradient, and for the signs of the ReLU layer
    points = [(0.0, 0.0), *zip((t + 1) / 2, weight / 2), (1.0, 0.0)]
    integral = torch.zeros(len(heads.names), batch * dim, dtype=start.dtype)
    steepest = torch.zeros_like(integral)
    ever: torch.Tensor | None = None
    always: torch.Tensor | None = None
    for at, share in points:
        gradients, active = _gradients(heads, start.flatten(1) + at * move, step)
        integral += share * (gradients * move).sum(1)
        steepest = torch.maximum(steepest, torch.linalg.vector_norm(gradients, dim=1))
        ever = active if ever is None else ever | active
        always = active if always is None else always & active
    assert ever is not None  # there are both ends
    assert always is not None
    with torch.no_grad():
        difference = heads(end.flatten(1), step)[0] - heads(start.flatten(1), step)[0]
    shape = (-1, batch, dim)
    return (
        as_numpy(integral.view(shape)),
        as_numpy(difference.view(shape)),
        as_numpy(steepest.view(shape).amax(-1)),
        as_numpy(torch.linalg.vector_norm(end - start, dim=(0, -1))),
        torch.eq(ever, always).all(0).view(batch, dim).numpy(),
    )


def _gradients(heads: _Heads, z: torch.Tensor, step: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradient of each head in its own column (P,m,N), and the signs of the ReLU layer (H,N)."""
    gradients, signs = [], []
    for columns, steps in zip(z.split(_COLUMNS, dim=1), step.split(_COLUMNS)):
        with torch.enable_grad():
            point = columns.detach().requires_grad_()
            outputs, active = heads(point, steps)
            # coordinates do not mix, so the gradient of the sum over columns holds those of all columns
            rows = [
                torch.autograd.grad(row.sum(), point, retain_graph=True, materialize_grads=True)[0] for row in outputs
            ]
        gradients.append(torch.stack(rows))
        signs.append(active)
    return torch.cat(gradients, -1), torch.cat(signs, -1)
