"""207 records, every fourth of each kind in the default tier: value, both rigorous ends, certificate and replay."""

from __future__ import annotations

import json

import pytest

from l2obound import bounds
from l2obound.bounds.worst_cases import tolerance
from l2obound.bounds.worst_cases.checker import check
from l2obound.verification.worst_cases.run_instance import replay
from tests.helpers.records import categories, question, records

FEW, REST = slice(0, None, 8), tuple(slice(i, None, 8) for i in range(1, 8))


@pytest.mark.parametrize("which", [FEW, *(pytest.param(part, marks=pytest.mark.slow) for part in REST)])
@pytest.mark.parametrize("category", categories())
def test_records_agree_and_are_shown(category: str, which: slice) -> None:
    for record in [record for record in records() if record["category"] == category][which]:
        found, expected, name = bounds.worst_case(**question(record)), record["value"], record["id"]
        within = 1e-6 + 1e-5 * abs(expected)
        assert abs(found.value - expected) <= within, (name, found.value, expected)
        slop = within  # records without a closed form claim more digits than they have, see below
        if record["closed_form_if_known"] is not None:
            expected, slop = record["closed_form_if_known"], 1e-13 * abs(expected)
        assert found.lower <= expected + slop, (name, found.lower, expected)
        assert found.upper >= expected - slop, (name, found.upper, expected)
        assert found.lower <= found.upper
        assert found.upper - found.lower <= within
        assert found.closed
        assert not found.relaxed
        certificate = found.certificate()
        if certificate is None:
            assert found.setting.method == "accelerated_gradient"
            assert "irrational" in found.why_no_certificate
        else:
            assert check(json.loads(json.dumps(certificate.data))) == certificate.tau
            assert certificate.tau >= found.lower
            assert float(certificate.tau) - found.value <= tolerance(found.value)
        assert abs(replay(found)[1] - found.value) <= 1e-6 * max(1.0, abs(found.value)), name


def test_records_are_all_there() -> None:
    assert len(records()) == 207


def test_a_record_that_is_too_low() -> None:
    record = next(r for r in records() if r["id"] == "heavy_ball-K8-ed2e69")
    found = bounds.worst_case(**question(record))
    # the record claims 1e-8; an instance that satisfies every inequality does better by more than that
    assert found.lower > record["value"] + 5 * record["value_uncertainty"]
    assert replay(found)[1] > record["value"] + 5 * record["value_uncertainty"]


def test_a_wrong_record_would_be_noticed() -> None:
    record = next(r for r in records() if r["category"] == "gd_smooth_convex_f")
    found = bounds.worst_case(**question(record))
    assert not found.lower <= 0.99 * record["value"]
    assert not found.upper >= 1.01 * record["value"]
