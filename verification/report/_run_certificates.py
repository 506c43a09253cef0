"""The run certificate (B15) of every run of a report: how far from optimal the best point of a run is at most.

It needs neither F* nor x*. It is held against the certified interval of F* as bounds are: a lower bound of F* that lies
above the interval is false, one that is no nearer to F(x_0) than to say that a run may have stood still is vacuous.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ...l2o.problems import Composite
from ...l2o.runs.run import Run
from ..optima import Optimum
from ..optima.ledger import CertificateError
from ..optima.run_certificate import RunCertificate, run_certificate
from ..support.plain import plain
from ..verdicts.verdict import Verdict
from ._series import QUANTILES, bands

KEY, NUMBER = "run_certificate", "B15"
_POINTS = 7
"""Steps k at which the curve has the certificate; each costs the solution of a small problem for each instance."""


def certified_steps(steps: int) -> list[int]:
    """The k at which a run of `steps` steps has a certificate: a few, evenly spread on a logarithmic axis."""
    return sorted({int(k) for k in np.geomspace(1, steps, _POINTS).round()})


def certify_run(
    run: Run, problem: Composite, certified: Optimum, quantiles: dict[str, float] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The certificate of a run over k, and its verdict at the last step in the form of `Verification.to_dict`.

    Args:
        run: K steps on B instances.
        problem: Its problem.
        certified: The interval of F*.
        quantiles: Those of the bands over the instances, by name.

    Returns:
        `curve` as plain JSON: `k`, and over the instances the bands of the certified gap of the best point (`gap`), of
        its gap to the certified interval (`best`, the lower end), and of the first over the second at the last step
        (`ratio`, relative to the upper end of the gap and so never too large). And the verdict.
    """
    quantiles = quantiles or QUANTILES
    steps = certified_steps(run.steps)
    try:
        certificate = run_certificate(run, problem, steps=steps)
    except CertificateError as reason:
        # The problem is not what it declares: the page says so, and the report goes on.
        nothing: dict[str, list[float]] = {name: [] for name in quantiles}
        curve: dict[str, Any] = {
            "k": [], "gap": nothing, "best": nothing, "ratio": None, "source": {}, "reason": [str(reason)],
        }  # fmt: skip
        return curve, _verdict(np.full(run.batch_size, Verdict.VIOLATED, dtype=object), [str(reason)], [])
    up = certificate.upper - certified.lower[:, None]
    low = np.maximum(certificate.upper - certified.upper[:, None], 0.0)
    gap = certificate.gap
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = gap[:, -1] / up[:, -1]
    used = ratio[np.isfinite(ratio)]
    curve = {
        "k": steps,
        "gap": bands(gap, quantiles),
        "best": bands(low, quantiles),
        # known only where the gap is above the width of the interval of F*
        "resolved": int((low[:, -1] > 0).sum()),
        "ratio": plain(np.median(used)) if used.size else None,
        "source": dict(Counter(map(str, certificate.source[:, -1]))),
        "reason": sorted({reason for reason in certificate.reason if reason}),
    }
    return curve, _judged(run, certificate, certified, up, low)


def _judged(
    run: Run, certificate: RunCertificate, certified: Optimum, up: np.ndarray, low: np.ndarray
) -> dict[str, Any]:
    lower = certificate.lower[:, -1]
    verdict = np.full(len(lower), Verdict.INCONCLUSIVE, dtype=object)
    verdict[lower <= certified.lower] = Verdict.VERIFIED
    verdict[lower > certified.upper] = Verdict.VIOLATED
    verdict[~np.isfinite(lower)] = Verdict.NOT_APPLICABLE
    start = run.objective[:, 0].detach().cpu().double().numpy() - certified.upper
    gap = certificate.gap[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        tight = np.where(low[:, -1] > 0, low[:, -1] / gap, np.nan)
    return _verdict(verdict, [], sorted({r for r in certificate.reason if r}), gap >= start, tight, gap - up[:, -1])


def _verdict(
    verdict: np.ndarray,
    broken: list[str],
    notes: list[str],
    vacuous: np.ndarray | None = None,
    tight: np.ndarray | None = None,
    slack: np.ndarray | None = None,
) -> dict[str, Any]:
    """The entry of the table of verdicts; one check for each instance."""
    judged = verdict != Verdict.NOT_APPLICABLE
    empty = np.zeros(len(verdict), bool) if vacuous is None else vacuous
    used = np.empty(0) if tight is None else tight[judged & np.isfinite(tight)]
    counts = {str(v): int((verdict == v).sum()) for v in Verdict}
    order = (Verdict.VIOLATED, Verdict.INCONCLUSIVE, Verdict.VERIFIED, Verdict.NOT_APPLICABLE)
    decided = ((verdict == Verdict.VERIFIED) & ~empty) | (verdict == Verdict.VIOLATED)
    return {
        "bound": KEY,
        "number": NUMBER,
        "level": "run",
        "verdict": str(next(v for v in order if counts[str(v)])),
        "checks": len(verdict),
        "counts": counts,
        "decided": int(decided.sum()),
        "vacuous_share": float(empty[judged].mean()) if judged.any() else None,
        **{
            f"tightness_{name}": plain(read(used)) if used.size else None
            for name, read in (("median", np.median), ("worst", np.min), ("best", np.max))
        },
        "within_rounding_share": 0.0 if judged.any() else None,
        "worst_slack": plain(slack[judged].min()) if slack is not None and judged.any() else None,
        "hypotheses": [],
        "broken_data": broken,
        "notes": notes,
        "form_of": None,
    }


__all__ = ["KEY", "NUMBER", "certified_steps", "certify_run"]
