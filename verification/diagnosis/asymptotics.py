"""B11, where a run ends: on a floor, if the bias does not vanish, and otherwise after a transient.

A step is D_k = p_k G_k + b_k, so G_k + b_k/p_k = D_k/p_k, of norm at most ||D_k|| / min p_k. If the run converges with
p_k >= p_min > 0, this vanishes and G_k is asymptotically -b_k/p_k: there is a floor, ||b_k/p_k||, exactly if b_k does
not vanish. It is a floor of G_k, whose g_k is the subgradient that the step implies. At a kink of r that g_k may take
up all of a small bias, and then x_k is optimal all the same; so dist(0, subdiff F(x_K)) is measured as well. Where
r = 0 the two are one. b_k is whatever of the step is not p_k G_k: bias heads, but momentum and memory too, which vanish
by themselves in a run that converges without bias heads. (GO-Math-L2O's memory of displacements comes to rest at -b3,
so what stays of b3 is (1 - Q) b3.) A model without bias heads has no floor; out of distribution it pays a transient.

The identity is exact and is checked, as is everything recorded that goes into it. That a run converges, and that b_k
does or does not vanish, is read off finitely many steps: measured, not proved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...l2o import Composite, InputError, Run
from ..optima import Optimum
from ..optima import optimum as certify
from ..optima.gaps import gaps, relative_to_optimum
from ..runs.inspection import as_numpy, norm
from ..runs.model_identity import bias_heads, inspected
from ..support.plain import plain

FLOOR, NO_FLOOR, OPEN, UNSOUND = "floor", "no floor", "not settled", "inconsistent data"
_VANISHED = 1e-8  # of the largest ||G_k||: a bias below it is taken to have vanished
_SETTLED = 0.1  # of ||b_k/p_k||: where ||G_k + b_k/p_k|| stays below it, G_k is -b_k/p_k for the purpose
_TAIL = 10  # the last K/10 steps are looked at


@dataclass(frozen=True, eq=False)
class Asymptotics:
    """Where a run of K steps on B instances is heading.

    `residual` (B,K) = ||G_k + b_k/p_k||, `residual_bound` (B,K) = ||D_k|| / min p_k >= it, `floor` (B,K) =
    ||b_k/p_k||, `gradient` (B,K) = ||G_k||; NaN where p_k has a zero. `gap` (B,K+1) is the relative gap
    (F(x_k) - F*)/|F*| from above, inf where the run has diverged; NaN where the interval of F* contains 0.
    `transient` (B,): the first k from which the gap stays at most `eps`, -1 where it does not within the run.
    `stationarity` (B,): dist(0, subdiff F(x_K)).
    `consistent` (B,): the recorded arrays, recomputed, hold at every step, and so does
    D_k = p_k G_k + b_k. `instances` (B,) and `verdict`: "floor",
    "no floor", "not settled", or "inconsistent data". `bias_heads`: those of the model, None where it is not known.
    """

    optimizer: str
    residual: np.ndarray
    residual_bound: np.ndarray
    floor: np.ndarray
    gradient: np.ndarray
    gap: np.ndarray
    eps: float
    transient: np.ndarray
    stationarity: np.ndarray
    consistent: np.ndarray
    instances: np.ndarray
    bias_heads: tuple[str, ...] | None
    notes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The word of all instances where they agree, else the first of: inconsistent data, floor, not settled."""
        for word in (UNSOUND, FLOOR, OPEN):
            if (self.instances == word).any():
                return word
        return NO_FLOOR

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        reached = self.transient[self.transient >= 0]
        return {
            "optimizer": self.optimizer,
            "verdict": self.verdict,
            "instances": {w: int((self.instances == w).sum()) for w in (FLOOR, NO_FLOOR, OPEN, UNSOUND)},
            "bias_heads": None if self.bias_heads is None else list(self.bias_heads),
            "steps": self.floor.shape[1],
            "floor": plain(np.median(self.floor[:, -1])),
            "residual": plain(np.median(self.residual[:, -1])),
            "stationarity": plain(np.median(self.stationarity)),
            "gradient": plain(np.median(self.gradient[:, -1])),
            "gap": plain(np.median(self.gap[:, -1])),
            "eps": self.eps,
            "reached": int(reached.size),
            "transient_median": float(np.median(reached)) if reached.size else None,
            "transient_worst": int(reached.max()) if reached.size else None,
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """A few lines for people."""
        d = self.to_dict()
        heads: dict[tuple[str, ...] | None, str] = {
            None: "it is not known whether it has bias heads",
            (): "no bias heads",
        }
        words = heads.get(self.bias_heads, f"bias heads {', '.join(self.bias_heads or ())}")
        lines = [f"{self.optimizer}, {d['steps']} steps, {words}: {self.verdict.upper()}"]
        ends = {
            "||b/p||": "floor",
            "||G + b/p||": "residual",
            "||G||": "gradient",
            "dist(0, subdiff F)": "stationarity",
        }
        lines.append("  at the end, medians: " + ", ".join(f"{n} {_text(d[key])}" for n, key in ends.items()))
        count = f"{d['reached']} of {len(self.transient)} instances"
        if d["reached"]:
            lines.append(
                f"  relative gap stays at most {self.eps:g} on {count}, from step {d['transient_median']:g} "
                f"(median), {d['transient_worst']} (worst); {_text(d['gap'])} at the end (median)"
            )
        else:
            lines.append(f"  relative gap at most {self.eps:g} on {count}; at the end {_text(d['gap'])} (median)")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def _text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2g}"


def _parts(run: Run, what: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """G, D, p, b of a run that has them, (B,K,n) each."""
    G, D, p, b = run.generalized_gradient, run.step, run.preconditioner, run.bias
    if G is None or D is None or p is None or b is None:
        missing = "it kept scalars only; record it with record='all'" if run.x is None else "p_k was not recorded"
        raise InputError(
            f"{what}: expected a run with preconditioner and bias; of this one ({run.optimizer}) {missing}."
        )
    return as_numpy(G), as_numpy(D), as_numpy(p), as_numpy(b)


def floor(run: Run) -> np.ndarray:
    """(B,) ||b_K/p_K|| at the end of the run; NaN where p_K has a zero."""
    _, _, p, b = (a[:, -1:] for a in _parts(run, "floor"))
    return _over(b, p)[:, 0]


def _over(a: np.ndarray, p: np.ndarray) -> np.ndarray:
    """||a/p|| (B,K), NaN where p is not positive everywhere."""
    positive = (p > 0).all(axis=-1)
    with np.errstate(over="ignore", invalid="ignore"):
        size = norm(a / np.where(p > 0, p, 1.0))
    return np.where(positive, size, np.nan)


def asymptotics(
    run: Run,
    problem: Composite,
    optimum: Optimum | None = None,
    *,
    eps: float = 1e-6,
    optimizer: Any = None,
) -> Asymptotics:
    """Floor and transient of a run (catalogue B11).

    Args:
        run: A run with preconditioner and bias, recorded with record="all".
        problem: The problem that it was made on.
        optimum: Its optimum; certified here where none is given.
        eps: The relative gap that ends the transient.
        optimizer: The model that made the run, which tells whether there are bias heads; without it the floor is still
            measured.

    Returns:
        What the run settles at and after how many steps. Measured: it is no statement on further steps.

    Raises:
        InputError: For a run that does not have what is needed, and for eps that is not positive.
    """
    if not 0 < eps < 1:
        raise InputError(f"asymptotics: expected a relative gap 0 < eps < 1, got {eps!r}.")
    G, D, p, b = _parts(run, "asymptotics")
    _, holds, broken = inspected(run, problem, "asymptotics")
    optimum = certify(problem) if optimum is None else optimum
    with np.errstate(over="ignore", invalid="ignore"):
        residual, size, gradient = _over(D, p), _over(b, p), norm(G)
        bound = np.where((p > 0).all(axis=-1), norm(D) / np.where(p > 0, p, np.inf).min(axis=-1), np.nan)
    gap = relative_to_optimum(gaps(as_numpy(run.objective), optimum), optimum).high
    above = ~(gap <= eps)
    last = np.where(above.any(axis=1), run.steps - above[:, ::-1].argmax(axis=1), -1)  # the last k above eps
    transient = np.where(last < run.steps, last + 1, -1)

    tail = slice(-max(1, run.steps // _TAIL), None)
    with np.errstate(invalid="ignore", over="ignore"):
        scale = np.max(np.where(np.isfinite(gradient), gradient, 0.0), axis=1, keepdims=True)
        vanished = (size[:, tail] <= _VANISHED * scale).all(axis=1)
        stays = (residual[:, tail] <= _SETTLED * size[:, tail]).all(axis=1)
    instances = np.where(vanished, NO_FLOOR, np.where(stays, FLOOR, OPEN)).astype(object)
    consistent = np.asarray(holds.all(axis=1))
    instances[~consistent] = UNSOUND
    heads = bias_heads(optimizer)
    stationarity = _stationarity(run, problem)
    absorbed = (instances == FLOOR) & (stationarity <= _VANISHED * scale[:, 0])
    return Asymptotics(
        run.optimizer,
        residual,
        bound,
        size,
        gradient,
        gap,
        eps,
        transient,
        stationarity,
        consistent,
        instances,
        heads,
        tuple(_notes(instances, absorbed, broken, heads, residual, optimum)),
    )


def _stationarity(run: Run, problem: Composite) -> np.ndarray:
    """(B,) dist(0, subdiff F(x_K)); inf outside the domain of r, NaN where the run left float64."""
    gradient = problem.smooth_gradient(run.x_final)
    low, high = problem.subdifferential(run.x_final)
    nearest = torch.minimum(torch.maximum(-gradient, low), high)
    return np.where(as_numpy((low > high).any(-1)) > 0, np.inf, norm(as_numpy(gradient + nearest)))


def _notes(
    instances: np.ndarray,
    absorbed: np.ndarray,
    broken: tuple[str, ...],
    heads: tuple[str, ...] | None,
    residual: np.ndarray,
    optimum: Optimum,
) -> list[str]:
    notes = [f"data: on {int((instances == UNSOUND).sum())} instances it is not true that {s}" for s in broken]
    if heads == () and (instances == FLOOR).any():
        notes.append("a floor without bias heads contradicts B11: the run does not converge, or the data are wrong")
    if absorbed.any():
        notes.append(
            f"on {int(absorbed.sum())} instances kinks of r take up the whole floor: x_K is stationary, G_K is not 0"
        )
    if (instances == OPEN).any():
        notes.append("not settled: the bias has neither vanished nor come to rest; run more steps")
    if np.isnan(residual).any():
        notes.append("p_k has zeros at some steps, where b_k/p_k does not exist")
    if not np.isfinite(optimum.lower).all():
        notes.append("F* has no finite lower bound for some instances: no transient there")
    elif ((optimum.lower <= 0) & (optimum.upper >= 0)).any():
        notes.append("F* may be 0 for some instances: no relative gap there, and no transient; add a constant to F")
    return notes
