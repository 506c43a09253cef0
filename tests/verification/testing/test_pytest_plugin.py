"""The plugin in sessions of its own: what it prints and writes, and what it costs who has no use for it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from l2obound.verification.conformance import ConformanceError, check_optimizer
from l2obound.verification.support.session import SESSION

pytest_plugins = ["pytester"]

HEAVY = ("torch", "numpy", "scipy", "cvxpy", "sympy", "matplotlib", "hypothesis", "l2obound.bounds", "l2obound.l2o")

TOLD = """
import pytest
from l2obound.verification.support.session import SESSION


class Result:
    def __init__(self, status):
        self.status = status

    def to_dict(self):
        evidence = {"rhs": 0.25, "lhs": 0.5, "instance": "l2o.lasso(A=[[1]], y=[1], lam=0.1)", "step": 3, "odd": None}
        return {"name": "descends", "status": self.status, "message": "F rises", "evidence": evidence,
                "theory": "B1", "advice": "halve the step", "reproduce": "l2obound check mine:opt", "seconds": 0.0}


def tell(status):
    SESSION.tell("mine", SESSION.profile, SESSION.seed, Result(status))


def test_good():
    tell("passed")


def test_bad():
    tell("passed")
    tell("failed")
    raise AssertionError("F rises")


@pytest.mark.xfail(reason="known", strict=True)
def test_known():
    tell("failed")
    raise AssertionError


def test_expected():
    tell("failed")


def test_silent():
    pass
"""
SECTION = [
    "*- l2o check -*",
    "descends (B1) failed on mine: F rises",
    "  instance    l2o.lasso(A=[[1]], y=[1], lam=0.1)",
    "  step        3",
    "  lhs         0.5",
    "  rhs         0.25",
    "  what to do  halve the step",
    "  run again   l2obound check mine:opt",
]

REAL = """
import pytest
from l2obound.verification import parametrize_with_checks


def ista(problem, x):
    step = 1 / problem.smoothness[:, None]
    return problem.prox(x - step * problem.smooth_gradient(x), step)


def drifting(problem, x):
    return ista(problem, x) + 0.01


@parametrize_with_checks([ista])
def test_right(optimizer, check):
    check(optimizer)


@parametrize_with_checks([drifting])
def test_wrong(optimizer, check):
    check(optimizer)


@parametrize_with_checks([drifting], expected_failed_checks={"fixed_point": "it drifts"})
def test_known(optimizer, check):
    check(optimizer)


def test_plain():
    pass
"""

FIXTURES = """
import pytest
from l2obound import l2o


def test_sizes(l2o_profile, l2o_seed, l2o_problem, l2o_start):
    assert (l2o_profile.name, l2o_seed) == ("dev", 5)
    problem = l2o_problem("lasso", lam=0.3)
    assert (problem.batch_size, problem.dim) == (l2o_profile.batch, l2o_profile.dim)
    assert problem.fingerprint() == l2o_problem("lasso", lam=0.3).fingerprint() != l2o_problem(seed=1).fingerprint()
    assert l2o_start(problem).shape == (problem.batch_size, problem.dim)
    simplex = l2o_problem("simplex_least_squares")
    assert simplex.objective(l2o_start(simplex)).isfinite().all()
    assert l2o_problem("quadratic", dim=3).dim == 3
    with pytest.raises(l2o.InputError, match="expected one of .*lasso.*, got 'laso'"):
        l2o_problem("laso")


def test_check(l2o_check):
    report = l2o_check("ista", checks=["fixed_point"])
    assert (report.profile, report.seed) == ("dev", 5)


def test_check_fails(l2o_check):
    l2o_check(lambda problem, x: x + 1.0, checks=["fixed_point"])
"""


CHECKS = ("fixed_point", "respects_domain", "starts_at_x0")


@pytest.fixture(scope="module")
def warm() -> None:
    """Everything that checks import late is loaded: a session in this process forgets what it loads itself."""
    check_optimizer("ista", profile="dev", checks=CHECKS)


def report_of(path: object) -> dict:
    return json.loads(path.read_text())


def test_sections_and_the_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TOLD)
    path = pytester.path / "out" / "report.json"
    result = pytester.runpytest_subprocess("-W", "error", "--l2o-report", path, "--l2o-seed=7", "--show-capture=no")
    result.assert_outcomes(passed=3, failed=1, xfailed=1)
    result.stdout.fnmatch_lines([*SECTION, f"l2o: 5 results of checks in {path}"])
    assert result.stdout.str().count("run again") == 1  # of the test that failed, once
    content = report_of(path)
    assert (content["format"], content["profile"], content["seed"]) == (1, "ci", 7)
    assert content["counts"] == {"failed": 3, "passed": 2}
    rows = [(r["test"].split("::")[1], r["outcome"], r["status"]) for r in content["results"]]
    assert rows == [
        ("test_bad", "failed", "passed"),
        ("test_bad", "failed", "failed"),
        ("test_expected", "passed", "failed"),
        ("test_good", "passed", "passed"),
        ("test_known", "xfailed", "failed"),
    ]
    assert {(r["subject"], r["profile"], r["seed"]) for r in content["results"]} == {("mine", "ci", 7)}
    assert content["results"][0]["evidence"]["odd"] is None
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]


@pytest.mark.slow
def test_the_report_of_several_workers_is_that_of_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TOLD)
    one, two = pytester.path / "one.json", pytester.path / "two.json"
    pytester.runpytest_subprocess("--l2o-report", one, "--l2o-profile=dev")
    result = pytester.runpytest_subprocess("--l2o-report", two, "--l2o-profile=dev", "-n", "2", "-W", "error")
    result.assert_outcomes(passed=3, failed=1, xfailed=1)
    result.stdout.fnmatch_lines(SECTION)
    assert report_of(one) == report_of(two)
    assert report_of(two)["results"][0]["profile"] == "dev"


def test_a_report_is_not_lost(pytester: pytest.Pytester) -> None:
    """Looking at the names of tests leaves it, and where it cannot be written that is said."""
    pytester.makepyfile(TOLD)
    path = pytester.path / "report.json"
    path.write_text("precious")
    pytester.runpytest_subprocess("--collect-only", "--l2o-report", path)
    assert path.read_text() == "precious"
    result = pytester.runpytest_subprocess("--l2o-report", pytester.path)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--l2o-report: expected a file to write, got the folder*"])
    result = pytester.runpytest_subprocess("--l2o-report", path / "below.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*--l2o-report: *below.json cannot be written*name another file*"])


@pytest.mark.parametrize("option", ["--l2o-profile=quick", "--l2o-seed=-1", "--l2o-seed=x", f"--l2o-seed={2**31}"])
def test_wrong_options(pytester: pytest.Pytester, option: str) -> None:
    result = pytester.runpytest_inprocess(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    name = option.split("=")[0]
    result.stderr.re_match_lines([rf".*argument {name}: .*(choose from .*dev.*thorough|expected an integer in \[0, )"])


def run_real(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """In this process, which has torch."""
    pytester.makepyfile(REAL)
    chosen = " or ".join(("plain", *CHECKS))
    return pytester.runpytest_inprocess("-W", "error", "--l2o-profile=dev", "-k", chosen, *options)


def test_checks_as_tests(pytester: pytest.Pytester, warm: None) -> None:
    path = pytester.path / "r.json"
    result = run_real(pytester, "--l2o-seed=2", "--l2o-report", path)
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 3  # twice test_wrong, once test_known
    assert outcomes["xfailed"] == 1
    text = result.stdout.str()
    assert text.count("- l2o check -") == 3
    again = re.findall(r"run again +(l2obound check \S+:drifting --check (\w+) --profile dev --seed 2)", text)
    assert sorted(name for _, name in again) == ["fixed_point", "respects_domain", "respects_domain"]
    result.stdout.fnmatch_lines(
        ["*fixed_point (B11) failed on drifting: *", "  instance *", "  step *", "  what to do *"]
    )
    assert "registry.run_check" not in text  # nothing of the suite in the traceback
    content = report_of(path)
    assert {r["outcome"] for r in content["results"]} >= {"passed", "failed", "xfailed"}
    assert {(r["profile"], r["seed"]) for r in content["results"]} == {("dev", 2)}
    assert (SESSION.profile, SESSION.seed) != ("dev", 2)


def test_the_marker_chooses(pytester: pytest.Pytester, warm: None) -> None:
    result = run_real(pytester, "-m", "not l2o", "--strict-markers")
    result.assert_outcomes(passed=1, deselected=result.parseoutcomes()["deselected"])
    assert result.parseoutcomes()["deselected"] > 40


def test_an_exception_carries_the_results() -> None:
    report = check_optimizer(lambda problem, x: x + 1.0, profile="dev", checks=["fixed_point"])
    with pytest.raises(AssertionError) as failure:
        report.raise_if_failed()
    assert isinstance(failure.value, ConformanceError)
    assert failure.value.results == report.failed
    assert [r.name for r in failure.value.results] == ["fixed_point"]


def test_fixtures(pytester: pytest.Pytester, warm: None) -> None:
    pytester.makepyfile(FIXTURES)
    result = pytester.runpytest_inprocess("-W", "error", "--l2o-profile=dev", "--l2o-seed=5")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*test_check_fails*", "*- l2o check -*", "fixed_point (B11) failed on *"])


@pytest.mark.slow
def test_without_the_plugin(pytester: pytest.Pytester) -> None:
    """The checks run as they are and explain themselves; options and fixtures are gone."""
    pytester.makepyfile(REAL)
    result = pytester.runpytest_subprocess("-p", "no:l2obound", "-W", "error", "-k", "wrong and fixed_point")
    result.assert_outcomes(failed=1, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(["*fixed_point (B11): *", "*what to do: *", "*again: l2obound check *"])
    assert "- l2o check -" not in result.stdout.str()
    assert pytester.runpytest_subprocess("-p", "no:l2obound", "--l2o-seed=1").ret == pytest.ExitCode.USAGE_ERROR


def test_an_unrelated_session_loads_nothing(pytester: pytest.Pytester) -> None:
    heavy = tuple(name for name in HEAVY if name != "hypothesis")  # which has a plugin itself
    pytester.makepyfile(f"import sys\n\n\ndef test_it():\n    assert not set({heavy}) & sys.modules.keys()")
    result = pytester.runpytest_subprocess("-W", "error", "--strict-markers")
    result.assert_outcomes(passed=1)
    assert (
        "l2o" not in result.stdout.str().replace(str(pytester.path), "").replace("plugins: ", "").split("collected")[1]
    )


def test_packages_of_the_user_with_the_names_of_ours_are_left_alone(pytester: pytest.Pytester) -> None:
    for name in ("verification", "l2o", "bounds"):
        pytester.mkpydir(name).joinpath("__init__.py").write_text("raise RuntimeError('imported')")
    pytester.makepyfile("def test_it():\n    pass")
    for more in ((), ("--l2o-seed=1",)):
        result = pytester.runpytest_subprocess("-W", "error", *more)  # the current folder comes first
        result.assert_outcomes(passed=1)


def test_importing_the_plugin_is_quick() -> None:
    """It imports next to nothing beyond pytest: a count, since a time depends on what else the machine does."""
    code = (
        "import pytest, sys; before = set(sys.modules); import l2obound.verification.testing.pytest_plugin\n"
        f"new = set(sys.modules) - before; assert not set({HEAVY}) & new; print(len(new))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 40


UNNAMED = """
from l2obound.verification import parametrize_with_checks

class State:
    def __init__(self, x):
        self.x = x

class Drifts:
    def init(self, problem, x0):
        return State(x0)

    def step(self, problem, state):
        return State(state.x + 0.01)

@parametrize_with_checks([Drifts()])
def test_it(optimizer, check):
    check(optimizer)
"""


def test_what_no_command_can_name_is_run_again_by_its_test(pytester: pytest.Pytester, warm: None) -> None:
    pytester.makepyfile(test_unnamed=UNNAMED)
    result = pytester.runpytest_inprocess("-W", "error", "--l2o-profile=dev", "-k", "fixed_point")
    again = "pytest 'test_unnamed.py::test_it[[]Drifts-fixed_point[]]' --l2o-profile dev --l2o-seed 0"
    result.stdout.fnmatch_lines([f"  run again   *{again}"])
