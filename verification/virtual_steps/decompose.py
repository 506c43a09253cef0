"""Attribution of out-of-distribution deviations: what comes from the model, what from the shift of its features.

Every step of a run is paired with a virtual step of the same optimizer in distribution, and its deviation e'_k(h) is
the sum of a bracket, a preconditioner shift and a bias shift (`bounds.virtual`). The virtual features z are all that
the step reads: what is fed to the network, its hidden and cell state before the step, and the memory (v_{k-1}, or the
last output of the prox for L2O-PA). The distance of two z is Euclidean over all of it, in the units in which the
optimizer holds it; another weighting would change Dz and the constants C1, C2, not the products C1 Dz, C2 Dz.

What holds and what is only measured. The identity holds for any pairing, and so does ||e'|| <= bracket + pshift +
bshift <= bracket + C1 ||Dz|| ||G'||_inf + C2 ||Dz|| with the difference quotients C1, C2 of the pair. That these are
near to the constants of other pairs is not claimed; nor that N2 is a function of z alone: the bias of L2O-PA also
depends on the problem (through its prox and the choice of g_k), and on grad f at the last prox output if its head `b`
is on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import bounds
from ...bounds.virtual import Terms
from ...l2o import InputError
from ...l2o.runs.array_run import is_affine
from ...l2o.runs.run import Run
from ..runs.inspection import as_numpy, norm
from .pairing import Pairing, pair

TERMS = ("bracket", "pshift", "bshift")
_WORDS = {
    "bracket": "what the model does at the virtual features",
    "pshift": "the shift of its preconditioner",
    "bshift": "the shift of its bias",
}
_MEASURES = ("ratio", "share", "projection")


@dataclass(frozen=True, eq=False)
class Decomposition:
    """The deviations of a run as sums of three terms; NaN where either run has left float64.

    Arrays are (B,K) unless said otherwise. `terms` and `deviation` e'_k(h) are (B,K,n); `bracket`, `pshift`, `bshift`
    are norms of the terms. `residual` = ||sum of terms - e'|| with e' from the recorded steps; what rounding explains
    of it is `residual_allowed`. `dz` is the distance of the features, `C1` = ||p' - p|| / dz and `C2` = ||b' - b|| / dz
    the least constants that are valid for the pair (0/0 = 0; inf where heads differ at equal features). `G_inf` is
    ||G'||_inf. `assumption_gap[reading]` is the norm of bracket minus the one that the reading of Assumption 1
    predicts. `replay` = ||b' - N2(z')||, N2 by the network's own heads (GO-Math-L2O; NaN for others), and
    `replay_allowed`. `virtual_index` (B,K,2): instance, counted through the runs given, and step (from 0) of the
    virtual step; with choice "coordinate" (B,K,n,3), the coordinate as well.
    """

    terms: Terms
    deviation: np.ndarray
    bracket: np.ndarray
    pshift: np.ndarray
    bshift: np.ndarray
    residual: np.ndarray
    residual_allowed: np.ndarray
    replay: np.ndarray
    replay_allowed: np.ndarray
    dz: np.ndarray
    C1: np.ndarray
    C2: np.ndarray
    G_inf: np.ndarray
    assumption_gap: dict[str, np.ndarray]
    virtual_index: np.ndarray
    reference_step: np.ndarray
    choice: str
    scaled: bool
    optimizer: str

    @property
    def alive(self) -> np.ndarray:
        """(B,K) where both steps are finite."""
        return np.isfinite(self.residual)

    @property
    def exact(self) -> np.ndarray:
        """(B,K) whether the terms add up to the deviation, and the recorded bias is the network's, up to rounding.

        True where there is nothing to check.
        """
        return ~(self.residual > self.residual_allowed) & ~(self.replay > self.replay_allowed)

    @property
    def magnitude(self) -> np.ndarray:
        """(B,K) bracket + C1 dz G_inf + C2 dz, an upper bound of ||e'||."""
        # 0 inf: heads that differ at equal features have no constant, and nothing is known
        with np.errstate(invalid="ignore"):
            bound = self.bracket + self.C1 * self.dz * self.G_inf + self.C2 * self.dz
        return np.where(np.isnan(bound) & self.alive, np.inf, bound)

    def norms(self) -> dict[str, np.ndarray]:
        """The norms of the three terms by name."""
        return {name: getattr(self, name) for name in TERMS}

    def measure(self, kind: str = "share") -> dict[str, np.ndarray]:
        """How much of the deviation each term is.

        Args:
            kind: "share": ||term|| over the sum of the three norms, at least 0 and adding up to 1. "ratio": ||term|| /
                ||e'||, which exceeds 1 where terms cancel. "projection": <term, e'> / ||e'||^2, signed and adding up
                to 1: a term that works against the deviation is negative.

        Returns:
            (B,K) by name of the term; NaN where the divisor is 0.

        Raises:
            InputError: For another kind.
        """
        if kind not in _MEASURES:
            raise InputError(f"measure: kind must be one of {', '.join(_MEASURES)}, got {kind!r}.")
        size = norm(self.deviation)
        norms = self.norms()
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if kind == "projection":
                unit = self.deviation / size[..., None]
                vectors = (self.terms.bracket, self.terms.preconditioner_shift, self.terms.bias_shift)
                shares = {n: np.einsum("bki,bki->bk", v, unit) / size for n, v in zip(TERMS, vectors)}
            else:
                whole = size if kind == "ratio" else sum(norms.values())
                shares = {name: value / whole for name, value in norms.items()}
        return {name: np.where(np.isfinite(value), value, np.nan) for name, value in shares.items()}

    @property
    def share(self) -> dict[str, np.ndarray]:
        """`measure("share")`."""
        return self.measure("share")

    def stacked(self, kind: str = "share") -> dict[str, np.ndarray]:
        """Medians over instances of `measure(kind)`, for a stacked plot over k.

        Args:
            kind: As in `measure`.

        Returns:
            (K,) by name of the term. Medians of shares add up to 1 for one instance and nearly so for several. NaN
            where no instance has a value.

        Raises:
            InputError: For another kind.
        """
        return {name: _median(value) for name, value in self.measure(kind).items()}

    def summary(self) -> str:
        """A few lines for people."""
        alive = self.alive
        lines = [
            f"{self.optimizer}: {int(alive.sum())} of {alive.size} steps against {self.choice} virtual steps, h = "
            f"{_range(self.reference_step)}"
        ]
        if alive.any():
            lines[0] += f"; features are {_number(np.median(self.dz[alive]))} apart (median)"
            projection = self.measure("projection")
            for name, value in self.share.items():
                if np.isfinite(value).any():
                    lines.append(
                        f"  {name} ({_WORDS[name]}): {np.nanmedian(value):.0%} of the sum of norms, "
                        f"{np.nanmedian(projection[name]):.0%} along the deviation (medians)"
                    )
            size = norm(self.deviation)[alive]
            used = size / np.maximum(self.magnitude[alive], np.finfo(float).tiny)
            lines.append(f"  the bound of ||e'|| by magnitudes is used to {np.median(used):.0%} (median)")
            for name, gap in self.assumption_gap.items():
                lines.append(f"  the bracket misses that of {name} by {_number(np.median(gap[alive]))} (median)")
        wrong = int((~self.exact).sum())
        lines.append(
            "  the terms add up to the deviation, up to rounding"
            if not wrong
            else f"  NOT EXACT on {wrong} steps: the recorded bias is not D - p G, or not what the network gives"
        )
        return "\n".join(lines)


def decompose(
    run_ood: Run,
    run_ind: Run | Sequence[Run],
    optimizer: Any,
    *,
    choice: str = "paired",
    reference_step: Any = 1.0,
    scaled: bool | None = None,
    state_ood: Any = None,
    state_ind: Any = None,
) -> Decomposition:
    """Attribute the deviations e'_k(h) of `run_ood` to the model and to the shift of its features (catalogue B4).

    Both runs are of `optimizer`, recorded with record="all". The sum of the three terms is e'_k(h) for any choice of
    virtual steps; how large each is depends on the choice.

    Args:
        run_ood: The run out of distribution.
        run_ind: A run in distribution, or several with choice="nearest" and "coordinate".
        optimizer: The model that made both.
        choice: Of the virtual step. "paired": step k of the same instance in `run_ind`, a run of the same size.
            "nearest": the step of any instance of `run_ind` whose features z are nearest. "coordinate": for each
            coordinate the step and coordinate whose column of z is nearest, so that the runs may differ in n (only for
            optimizers whose network works coordinate by coordinate).
        reference_step: h > 0 in units of 1/L', a scalar or (B,).
        scaled: Whether N1 and N2 at the virtual features are put in the unit of the run where L' != L: by default for
            optimizers that have an option `step`, whose preconditioner is that step a (of the order 1/L unless given)
            times a head. N1 is multiplied by a'/a and the term Q v of GO-Math-L2O by (a'/a)^q_step_power; b3 and other
            biases are steps of x as they are.
        state_ood: The optimizer's state that `run_ood` started from, where it was not that of `optimizer.init`.
        state_ind: Likewise of `run_ind`, one, or one for each run.

    Returns:
        The three terms with what replaying the network shows of their accuracy. Measured in float64.

    Raises:
        InputError: For runs that do not belong to the optimizer or to each other, and for another `choice`.
    """
    pairing = pair(
        run_ood, run_ind, optimizer, choice=choice, scaled=scaled, state=state_ood, reference_state=state_ind
    )
    return from_pairing(run_ood, pairing, reference_step)


def from_pairing(run: Run, pairing: Pairing, reference_step: Any = 1.0) -> Decomposition:
    """The decomposition of a run by virtual steps that are known already."""
    h = np.asarray(reference_step, np.float64)
    if h.shape not in ((), (run.batch_size,)) or not (h > 0).all() or not np.isfinite(h).all():
        raise InputError(
            f"decompose: reference_step must be > 0, a scalar or ({run.batch_size},); got {reference_step!r}."
        )
    h = np.broadcast_to(h, (run.batch_size,))
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is inf or NaN, and is shown as such
        return _attributed(run, pairing, h)


def _attributed(run: Run, pairing: Pairing, h: np.ndarray) -> Decomposition:
    assert is_affine(run)  # `pair` refuses any other
    dead = np.isnan(pairing.dz)
    L = as_numpy(run.smoothness)
    recorded = (run.preconditioner, run.bias, run.generalized_gradient, run.step)
    arrays = [np.where(dead[..., None], 0.0, as_numpy(a)) for a in recorded]
    p_ood, b_ood, G, D = arrays
    p, b, G_ind = (np.where(dead[..., None], 0.0, a) for a in (pairing.p, pairing.b, pairing.G))
    dz = np.where(dead, 0.0, pairing.dz)
    terms = bounds.virtual.terms(p=p, b=b, p_ood=p_ood, b_ood=b_ood, G_ood=G, L_ood=L, reference_step=h)
    reference = (h / L)[:, None, None] * G
    deviation = D - reference
    eps = np.finfo(str(run.objective.dtype).removeprefix("torch.")).eps
    sizes: Any = sum(norm(a) for a in (p * G, b, p_ood * G, b_ood, reference, D))
    x = norm(as_numpy(run.x))
    replayed = np.where(dead[..., None] & ~np.isnan(pairing.replayed), 0.0, pairing.replayed)
    gap = {
        name: bounds.virtual.bracket_deviation(
            terms,
            bounds.virtual.predicted_bracket(
                reading, G=G_ind, G_ood=G, L=pairing.L, L_ood=L, reference_step=h, scaled=pairing.scaled
            ),
        )
        for name, reading in bounds.assumptions.READINGS.items()
    }

    def where_alive(a: np.ndarray) -> np.ndarray:
        return np.where(dead if a.ndim == 2 else dead[..., None], np.nan, a)

    norms = {name: norm(a) for name, a in zip(TERMS, (terms.bracket, terms.preconditioner_shift, terms.bias_shift))}
    return Decomposition(
        terms=Terms(where_alive(terms.bracket), where_alive(terms.preconditioner_shift), where_alive(terms.bias_shift)),
        deviation=where_alive(deviation),
        **{name: where_alive(value) for name, value in norms.items()},
        residual=where_alive(norm(terms.total - deviation)),
        residual_allowed=16 * eps * sizes,
        replay=where_alive(norm(b_ood - replayed)),
        # D - p G cancels, and the implied subgradient of the prox is known to a few units of what the prox handles
        replay_allowed=1e3 * eps * (sizes + x[:, 1:] + x[:, :-1]),
        dz=where_alive(dz),
        C1=where_alive(bounds.virtual.quotient(norm(p_ood - p), dz)),
        C2=where_alive(bounds.virtual.quotient(norms["bshift"], dz)),
        G_inf=where_alive(np.abs(G).max(axis=-1)),
        assumption_gap={name: where_alive(value) for name, value in gap.items()},
        virtual_index=pairing.index,
        reference_step=h,
        choice=pairing.choice,
        scaled=pairing.scaled,
        optimizer=run.optimizer,
    )


def _median(value: np.ndarray) -> np.ndarray:
    """Medians over the first axis of what is there, NaN where nothing is."""
    finite = np.isfinite(value).any(axis=0)
    out = np.full(value.shape[1:], np.nan)
    out[finite] = np.nanmedian(value[:, finite], axis=0)
    return out


def _number(value: float) -> str:
    return f"{value:.3g}"


def _range(h: np.ndarray) -> str:
    return _number(h[0]) if (h == h[0]).all() else f"{_number(h.min())} to {_number(h.max())}"
