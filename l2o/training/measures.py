"""What training makes small, and what decides which weights are kept.

The score may speak of F*, for which training takes the lowest value that restarted FISTA reaches in some hundred
steps: near enough to choose by, and not a certificate.
"""

from __future__ import annotations

import torch

from ..optimizers import optimizer
from ..problems import Composite

_REFERENCE_STEPS = 300
_NEGLIGIBLE = 1e-12


@torch.no_grad()
def reference_values(problem: Composite, x0: torch.Tensor, steps: int = _REFERENCE_STEPS) -> torch.Tensor:
    """(B,) the lowest value of F on the path of restarted FISTA from x0."""
    method, problem = optimizer("fista-restart"), problem.remembering()
    state = method.init(problem, x0)
    lowest = problem.objective(x0)
    for step in range(steps):
        state = method.step(problem, state)
        if step % 10 == 9 or step == steps - 1:
            lowest = torch.minimum(lowest, problem.objective(state.x))
    return lowest


def segment_weights(steps: int, kind: str, like: torch.Tensor) -> torch.Tensor:
    """(T,) weights of the iterations in the loss, with the sum 1.

    "mean": equal; "weighted_sum": iteration k counts k times. Both are the authors'.
    """
    count = torch.arange(1, steps + 1, dtype=like.dtype, device=like.device)
    weights = torch.ones_like(count) if kind == "mean" else count
    return weights / weights.sum()


def segment_loss(values: torch.Tensor, kind: str) -> torch.Tensor:
    """() loss of the mean objectives (T,) along T iterations; `kind` as in `segment_weights`."""
    return (values * segment_weights(len(values), kind, values)).sum()


def score(values: torch.Tensor, kind: str, reference: torch.Tensor) -> float:
    """The number by which weights are chosen, of the objectives (K,B) along K iterations; less is better.

    "objective": their mean (the authors'), which the first iterations decide; "log_gap": the mean over k of
    log10 mean_b (F(x_k) - F*)/|F*|, the area under the curve that papers show.
    """
    if kind == "objective":
        return float(values.mean())
    relative = ((values - reference) / reference.abs().clamp(min=_NEGLIGIBLE)).mean(1)
    return float(torch.log10(relative.clamp(min=_NEGLIGIBLE)).mean())
