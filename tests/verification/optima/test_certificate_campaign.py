"""A campaign against run certificates: heavy-tailed instances of the falsifier, wild runs, and any weights.

The instances have their minimiser z by construction: curvature that is singular or ill-conditioned, kinks at z, starts
far and near, shifted variables. F(z) plus the bound on its rounding is certainly at least F*, so a lower bound above it
is a certificate that is wrong. L2OBOUND_RUNS is the number of runs; 100,000 take about ten minutes of one core.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from l2obound import l2o, verification
from l2obound.verification.falsification._families import FAMILIES, drawn
from tests.helpers.wild import Wild

RUNS = int(os.environ.get("L2OBOUND_RUNS", "2000"))
BATCH = 250
STEPS = 8


def base(seed: int, family: str) -> object:
    """A method, a learned one with random weights, or a base that does anything; all of them give points to use."""
    kinds = [l2o.optimizer("ista"), l2o.optimizer("fista-restart"), l2o.optimizer("go-math-l2o", seed=seed)]
    if family != "box":  # these leave the box, and then no point of the run has a value to be compared with
        kinds += [Wild("random", seed), Wild("ascent", seed), Wild("diverging", seed)]
    return kinds[seed % len(kinds)]


def campaign(family: str, runs: int) -> tuple[int, int, int]:
    """How many certificates were made, were finite, and exceed F(z) by more than rounding."""
    made = finite = wrong = 0
    generator = torch.Generator().manual_seed(sorted(FAMILIES).index(family))
    rng = np.random.default_rng(0)
    for seed in range(-(-runs // BATCH)):
        dim = 1 + seed % 6
        point = FAMILIES[family].projected(drawn(generator, BATCH, dim), shifts=bool(seed % 2))
        problem, z, x0 = FAMILIES[family].problem(point)
        run = l2o.rollout(base(seed, family), problem, x0, STEPS)
        radius = (torch.linalg.vector_norm(x0 - z, dim=-1) * (1 + 1e-12)).numpy()
        weights = None
        if seed % 3:
            weights = rng.dirichlet(np.full(STEPS + 1, 10.0 ** rng.uniform(-2, 1)), size=BATCH) + 1e-300
        certificate = verification.run_certificate(run, problem, radius=radius, weights=weights)
        above = (problem.objective(z) + problem.objective_error(z)).numpy()
        made += BATCH
        finite += int(np.isfinite(certificate.lower[:, 0]).sum())
        wrong += int((certificate.lower[:, 0] > above).sum())
    return made, finite, wrong


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_no_certificate_is_above_the_optimum(family: str) -> None:
    made, finite, wrong = campaign(family, -(-RUNS // len(FAMILIES)))
    print(f"{family}: {made} certificates, {finite} of them finite, {wrong} above F*")
    assert made * len(FAMILIES) >= RUNS
    assert finite > 0.9 * made
    assert wrong == 0


def test_the_campaign_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower bounds that are raised by half of the gap are caught within one batch."""
    made = verification.run_certificate

    def boastful(*arguments, **options):
        certificate = made(*arguments, **options)
        lower = certificate.lower
        raised = lower + 1e-6 * np.maximum(1.0, np.abs(lower)) + 0.5 * (certificate.upper - lower)
        return type("Certificate", (), {"lower": raised})

    monkeypatch.setattr(verification, "run_certificate", boastful)
    assert campaign("lasso", BATCH)[2] > 0
