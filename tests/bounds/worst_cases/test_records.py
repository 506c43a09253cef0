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
        result, expected, name = bounds.worst_case(**question(record)), record["value"], record["id"]
        within = 1e-6 + 1e-5 * abs(expected)
        assert abs(result.value - expected) <= within, (name, result.value, expected)
        slop = within  # records without a closed form claim more digits than they have, see below
        if record["closed_form_if_known"] is not None:
            expected, slop = record["closed_form_if_known"], 1e-13 * abs(expected)
        assert result.lower <= expected + slop, (name, result.lower, expected)
        assert result.upper >= expected - slop, (name, result.upper, expected)
        assert result.lower <= result.upper
        assert result.upper - result.lower <= within
        assert result.closed
        assert not result.relaxed
        certificate = result.certificate()
        if certificate is None:
            assert result.setting.method == "accelerated_gradient"
            assert "irrational" in result.why_no_certificate
        else:
            assert check(json.loads(json.dumps(certificate.data))) == certificate.tau
            assert certificate.tau >= result.lower
            assert float(certificate.tau) - result.value <= tolerance(result.value)
        assert abs(replay(result)[1] - result.value) <= 1e-6 * max(1.0, abs(result.value)), name


def test_records_are_all_there() -> None:
    assert len(records()) == 207


def test_a_record_that_is_too_low() -> None:
    record = next(r for r in records() if r["id"] == "heavy_ball-K8-ed2e69")
    answer = bounds.worst_case(**question(record))
    # the record claims 1e-8; an instance that satisfies every inequality does better by more than that
    assert answer.lower > record["value"] + 5 * record["value_uncertainty"]
    assert replay(answer)[1] > record["value"] + 5 * record["value_uncertainty"]


def test_a_wrong_record_would_be_noticed() -> None:
    record = next(r for r in records() if r["category"] == "gd_smooth_convex_f")
    answer = bounds.worst_case(**question(record))
    assert not answer.lower <= 0.99 * record["value"]
    assert not answer.upper >= 1.01 * record["value"]
