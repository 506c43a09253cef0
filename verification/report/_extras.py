"""What a report measures beside the verdicts: attribution of deviations, pairs of shifts, transients.

Attribution (B4): every step of a shifted run of a learned method is paired with the same step of its run in
distribution. Pairs of shifts (B12): a start shifted by tau and an objective shifted by tau are one experiment for a
method that is equivariant under translation, for F(x + tau) from x_0 is F from x_0 + tau; both runs start from the
same draw of x_0, so that x_k of the one is x_k of the other plus tau. Transients (B11): how many steps a shift costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bounds.equivariance import EQUIVARIANCE_TABLE
from ..diagnosis.asymptotics import asymptotics
from ..invariance.equivariance import check_equivariance, translation
from ..runs.inspection import as_numpy, norm
from ..support.plain import plain
from ..virtual_steps.decompose import TERMS, Decomposition, decompose
from ._series import bands, kept_steps, listed
from .methods import Case, Method, Rollouts

EXTRAS = ("attributions", "shift_pairs", "transients")
"""Names in the results of what is measured here, a list each."""
AGREE = 1e-8  # relative; two runs this near are called the same


def attribution(rollouts: Rollouts, case: Case, reference: Case, method: Method) -> dict[str, Any]:
    """The shares of bracket, preconditioner shift and bias shift in the deviations of a shifted run."""
    decomposition = decompose(rollouts(case, method), rollouts(reference, method), method.optimizer)
    return attributed(decomposition)


def attributed(parts: Decomposition) -> dict[str, Any]:
    """What is kept of a decomposition.

    Shares are of the steps whose terms are above the rounding of the run (`resolved`, (K,) a share of the instances).
    `share`: medians over the instances, divided by their sum. `overall`: the mean over all such steps, adding up to 1.
    """
    size = sum(parts.norms().values())
    sure = parts.alive & (size > parts.replay_allowed)
    share = {name: np.where(sure, value, np.nan) for name, value in parts.share.items()}
    medians = {name: _median(value) for name, value in share.items()}
    total = sum(medians.values())
    steps = parts.alive.shape[1]
    columns = kept_steps(steps)[1:] - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        stacked = {name: listed((value / total)[columns]) for name, value in medians.items()}
    return {
        "k": (columns + 1).tolist(),
        "share": stacked,
        "resolved": listed(sure.mean(axis=0)[columns]),
        "overall": {name: float(value[sure].mean()) if sure.any() else None for name, value in share.items()},
        "attributed_steps": int(parts.alive.sum()),
        "resolved_steps": int(sure.sum()),
        "inexact_steps": int((~parts.exact & parts.alive).sum()),
        "scaled": parts.scaled,
    }


def _median(value: np.ndarray) -> np.ndarray:
    out = np.full(value.shape[1], np.nan)
    some = ~np.isnan(value).all(axis=0)
    out[some] = np.nanmedian(value[:, some], axis=0)
    return out


def shift_pair(rollouts: Rollouts, base: Case, start: Case, objective: Case, method: Method) -> dict[str, Any]:
    """The run from x_0 + tau and the run on F(x + tau) from x_0, held side by side, with the verdict of B12.

    `iterates` and `gap` are the largest over the instances at each kept k: ||x_k - (x'_k + tau)|| over the distance
    covered so far (at least ||x_0||), and |F(x_k) - F'(x'_k)| over |F*|.
    """
    run, other = rollouts(start, method), rollouts(objective, method)
    tau = objective.scenario.t
    apart, gap = differences(as_numpy(run.x), as_numpy(other.x) + tau, *map(as_numpy, (run.objective, other.objective)))
    gap = gap / np.maximum(np.abs(start.optimum.upper), np.finfo(float).tiny)[:, None]
    checked = check_equivariance(method.optimizer, base.problem, start.x0, run.steps, translation(tau)).to_dict()
    k = kept_steps(run.steps)
    rows = [row for row in EQUIVARIANCE_TABLE if row.optimizer == method.name and not row.options]
    return {
        "tau": tau,
        "start": start.scenario.key,
        "k": k.tolist(),
        "iterates": _largest(apart[:, k]),
        "gap": _largest(gap[:, k]),
        "worst_iterates": _worst(apart),
        "worst_gap": _worst(gap),
        "agree": AGREE,
        "expected": rows[0].expected("translation") if rows else None,
        "equivariance": checked,
    }


def differences(
    x: np.ndarray, mapped: np.ndarray, value: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(B,K+1) each: the distance of two runs relative to the distance covered so far, and |F - F'|.

    NaN from where on either run is not finite.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        moved = norm(x - x[:, :1])
        moved[:, 0] = norm(x[:, 0])
        distance = norm(x - mapped)
        scale = np.maximum.accumulate(moved, axis=1)
        apart = np.where(distance == 0, 0.0, distance / scale)
        return apart, np.abs(value - other)


def _largest(array: np.ndarray) -> list[float | None]:
    return listed(array.max(axis=0))


def _worst(array: np.ndarray) -> float | None:
    """The largest entry, None where a run diverged: then nothing is known of it."""
    return plain(array.max())


def transient(rollouts: Rollouts, case: Case, method: Method, eps: float) -> dict[str, Any]:
    """How many steps a shift costs: the first k from which the gap is at most `eps` for good, and whether there is a
    floor; `first` has a number for each instance, None where the run is too short.
    """
    run = rollouts(case, method)
    limits = asymptotics(run, case.problem, case.optimum, eps=eps, optimizer=method.optimizer)
    at = kept_steps(run.steps)
    gap = limits.gap[np.isfinite(limits.gap).all(axis=1)]
    return {
        "k": at.tolist(),
        "relative_gap": bands(gap[:, at]),
        "first": [int(k) if k >= 0 else None for k in limits.transient],
        "floors": {"size": listed(limits.floor[:, -1]), "verdicts": limits.to_dict()["instances"]},
        **{name: limits.to_dict()[name] for name in ("verdict", "eps", "stationarity", "bias_heads", "notes")},
    }


__all__ = ["AGREE", "TERMS", "attributed", "attribution", "differences", "shift_pair", "transient"]
