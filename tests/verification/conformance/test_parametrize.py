"""`parametrize_with_checks`: readable ids, strict expected failures with their reasons, skips that say why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from l2obound import l2o
from l2obound.l2o import InputError
from l2obound.verification import parametrize_with_checks
from l2obound.verification.conformance import CHECKS, ConformanceError, registry
from tests.helpers.offenders import LongStep, Sound

OPTIMIZERS = [l2o.optimizer("gradient-descent"), Sound]


@parametrize_with_checks(OPTIMIZERS, profile="dev")
def test_as_a_user_writes_it(optimizer: Any, check: Any) -> None:
    check(optimizer)


def test_ids_are_readable() -> None:
    mark = parametrize_with_checks(["ista", "ista", l2o.optimizer("adam")], profile="dev").mark
    ids = [row.id for row in mark.args[1]]
    assert len(ids) == len(set(ids)) == 3 * len(registry.checks_of("optimizer"))
    assert {"ista-descent", "ista-2-descent", "adam-fixed_point"} <= set(ids)
    assert mark.args[0] == ("optimizer", "check")
    row = next(r for r in mark.args[1] if r.id == "adam-fixed_point")
    (xfail,) = row.marks
    assert xfail.kwargs["strict"]
    assert "subgradient" in xfail.kwargs["reason"]
    assert not next(r for r in mark.args[1] if r.id == "adam-descent").marks
    assert repr(row.values[1]) == "fixed_point"


def test_a_failure_explains_itself() -> None:
    rows = parametrize_with_checks([LongStep], profile="dev").mark.args[1]
    optimizer, check = next(r.values for r in rows if r.id == "LongStep-outputs_in_range")
    with pytest.raises(ConformanceError, match=r"L p_k is 2\.1") as caught:
        check(optimizer)
    assert "again: l2obound check tests.helpers.offenders:LongStep --check" in caught.value.results[0].explain()
    with pytest.raises(pytest.skip.Exception, match="declares no assumption_1"):
        next(r.values[1] for r in rows if r.id == "LongStep-assumption_1")(optimizer)


def test_wrong_arguments() -> None:
    with pytest.raises(InputError, match="expected a list of optimizers, got str"):
        parametrize_with_checks("ista")
    with pytest.raises(InputError, match="unknown check 'x'"):
        parametrize_with_checks(["ista"], expected_failed_checks={"x": "y"})
    with pytest.raises(InputError, match="profile"):
        parametrize_with_checks(["ista"], profile="fast")


SUITE = """
from tests.helpers.offenders import LongStep, Sound
from l2obound.verification import parametrize_with_checks

EXPECTED = {"LongStep": {"outputs_in_range": "long on purpose", "descent": "a wrong expectation"}}

@parametrize_with_checks(
    [LongStep(), Sound()], expected_failed_checks=lambda o: EXPECTED.get(o.name, {}), profile="dev"
)
def test_conforms(optimizer, check):
    if check.name in ("outputs_in_range", "descent", "jacobian_limit"):
        check(optimizer)
"""


@pytest.mark.slow
def test_a_strict_expected_failure_that_passes_fails_the_run(tmp_path: Path) -> None:
    path = tmp_path / "test_mine.py"
    path.write_text(SUITE, encoding="utf-8")
    root = Path(__file__).parents[3]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rA",
        "-p",
        "no:cacheprovider",
        "-c",
        str(root / "pyproject.toml"),
    ]
    names = "outputs_in_range or descent or jacobian_limit"
    result = subprocess.run(
        [*command, f"--rootdir={root}", "-k", names, str(path)], capture_output=True, text=True, cwd=root, timeout=300
    )
    out = result.stdout
    assert result.returncode == 1, out + result.stderr
    assert "xFs..s" in out
    assert "XFAIL ::test_conforms[LongStep-outputs_in_range] - long on purpose" in out
    assert "FAILED ::test_conforms[LongStep-descent] - [XPASS(strict)] a wrong expectation" in out
    assert "PASSED ::test_conforms[Sound-descent]" in out


def test_every_check_is_written_for_a_reader() -> None:
    for name, check in CHECKS.items():
        assert name == check.name
        for text in (check.asserts, check.why, check.breaks):
            assert len(text) >= 40, name
            assert text.endswith("."), name
        assert check.level in ("optimizer", "problem")
        assert check.function.__doc__, name
