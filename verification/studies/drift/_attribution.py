"""What the deviations under a shift are made of, by B4, in shares that add up to 1.

Of every step that is not yet at rounding of F*, the three terms of e'_k = bracket + preconditioner shift + bias shift
are measured in two ways:

- *share*: ||term|| over the sum of the three norms, every step alike;
- *along*: <term, e'>/||e'||, signed, summed over the steps, over sum ||e'||. These split the sum of ||e'|| exactly, by
  which B7 and the magnitude form of B6 grow; steps with a large deviation lead, which are the first ones.

Both are means over instances, and so add up to 1 as they do for one. The terms of two unlike trajectories are large and
cancel: the momentum of the one is in the bracket with one sign and in the bias shift with the other. So a share says
something only beside that of a control, two draws of one distribution.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from ....bounds.virtual import Terms
from ....l2o import InputError, Run
from ....l2o.runs.array_run import array_run
from ...runs.inspection import as_numpy, norm
from ...virtual_steps.decompose import TERMS, Decomposition, decompose


@dataclass(frozen=True)
class Attribution:
    """What the first steps' deviations are made of, in B instances; empty with a `reason` where that is not known.

    `choice` of the virtual steps. `share`, `along` and `size`, by term; `size` is the median of L'||term||/||G'||, in
    the unit of rho. `dz` (median) is the root mean square over the coordinates of the distance of the features, `dz_by`
    its median for each instance. `steps` are attributed, of which `wrong` do not add up beyond rounding.
    """

    choice: str
    instances: int = 0
    steps: int = 0
    wrong: int = 0
    share: dict[str, float] | None = None
    along: dict[str, float] | None = None
    size: dict[str, float] | None = None
    dz: float | None = None
    dz_by: tuple[float, ...] = ()
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {**asdict(self), "dz_by": list(self.dz_by)}


if TYPE_CHECKING:

    class Split(Attribution):
        """An attribution with its numbers, as the type checker sees it."""

        share: dict[str, float]
        along: dict[str, float]
        size: dict[str, float]
        dz: float

else:
    Split = Attribution


def has_numbers(a: Attribution) -> TypeGuard[Split]:
    """Whether anything could be attributed; there are then shares of both kinds, sizes and a distance."""
    return a.share is not None


def adds_up(terms: Terms, deviation: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """(B,K) whether the three terms (B,K,n) add up to the deviation within `allowed` (B,K); True where they are NaN."""
    return ~(norm(terms.total - deviation) > allowed)


def attribution(run: Run, reference: Run, optimizer: Any, choice: str, live: np.ndarray) -> Attribution:
    """The attribution of `run`, of whose steps those `live` (B,K) count; NOT_APPLICABLE is one with a reason."""
    try:
        parts = decompose(run, reference, optimizer, choice=choice)
    except InputError as problem:
        return Attribution(choice, reason=" ".join(str(problem).split()))
    return summary(parts, run, live)


def summary(parts: Decomposition, run: Run, live: np.ndarray) -> Attribution:
    """Shares of the steps `live` (B,K) that are finite."""
    run = array_run(run, "attribution")
    wrong = ~(adds_up(parts.terms, parts.deviation, parts.residual_allowed) & parts.exact)
    G, L = norm(as_numpy(run.generalized_gradient)), as_numpy(run.smoothness)[:, None]
    size = norm(parts.deviation)
    with np.errstate(invalid="ignore"):
        counted = live & parts.alive & (G > 0) & (size > 0)
    if not counted.any():
        return Attribution(parts.choice, run.batch_size, 0, int(wrong.sum()), reason="no step deviates from 1/L")
    instances = counted.any(axis=1)
    vectors = dict(zip(TERMS, (parts.terms.bracket, parts.terms.preconditioner_shift, parts.terms.bias_shift)))
    whole = np.where(counted, size, 0.0).sum(axis=1)
    shares, along, sizes = {}, {}, {}
    for name, value in parts.share.items():
        unit = parts.deviation / np.where(counted, size, 1.0)[..., None]
        inner = np.where(counted, (vectors[name] * unit).sum(axis=-1), 0.0)
        along[name] = float((inner.sum(axis=1)[instances] / whole[instances]).mean())
        shares[name] = float(_mean(value, counted)[instances].mean())
        sizes[name] = float(np.median((L * norm(vectors[name]) / np.where(counted, G, 1.0))[counted]))
    dz = np.where(counted, parts.dz, np.nan)[instances] / np.sqrt(run.dim)
    by = np.full(run.batch_size, np.nan)
    by[instances] = np.nanmedian(dz, axis=1)
    return Attribution(
        parts.choice,
        int(instances.sum()),
        int(counted.sum()),
        int(wrong.sum()),
        shares,
        along,
        sizes,
        float(np.nanmedian(dz)),
        tuple(by.tolist()) if instances.all() else (),
    )


def _mean(value: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """(B,) means over the steps that count."""
    return np.where(counted, value, 0.0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
