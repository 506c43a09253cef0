"""The pytest plugin `l2obound`: options, fixtures and reports for tests that check optimizers.

    pytest --l2o-profile thorough --l2o-seed 3 --l2o-report conformance.json

A test made by `verification.parametrize_with_checks` that fails gets a section with the instance, the step, both sides,
what to do and the command that runs the check again. The report is the results of all checks of the session as JSON.

pytest loads this module in every session of whoever has installed the package. It therefore imports nothing heavy:
whatever needs torch is imported where it is used, by tests that use it.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..support.session import SESSION

PROFILES = ("dev", "ci", "thorough")
FORMAT = 1
"""Version of the layout of the report."""

_FIRST = ("instance", "batch", "dim", "b", "step", "lhs", "rhs", "slack", "tolerance")
"""Evidence that is shown first, in this order."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    group = parser.getgroup("l2obound", "checks of optimizers (l2obound)")
    group.addoption(
        "--l2o-profile",
        choices=PROFILES,
        default="ci",
        help="size and number of the instances on which optimizers are checked (default: ci)",
    )
    group.addoption(
        "--l2o-seed", type=_seed, default=0, metavar="N", help="seed of the instances, an integer >= 0 (default: 0)"
    )
    group.addoption("--l2o-report", metavar="PATH", help="write the results of all checks of the session as JSON")


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"expected an integer in [0, 2**31), got {text!r}")
    return int(text)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; pass the options on to the suite."""
    config.addinivalue_line("markers", "l2o: a check of an optimizer; tests of parametrize_with_checks have it")
    path = config.getoption("l2o_report")
    if path is not None and Path(path).is_dir():
        raise pytest.UsageError(f"--l2o-report: expected a file to write, got the folder {path}; add a name.")
    config.pluginmanager.register(_Plugin(config), "l2obound-session")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the suite its defaults back."""
    plugin = config.pluginmanager.unregister(name="l2obound-session")
    if plugin is not None:
        SESSION.profile, SESSION.seed = plugin.before


class _Plugin:
    """What belongs to one session."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.results: list[dict[str, Any]] = []
        self.closing = ""
        self.before = SESSION.profile, SESSION.seed
        SESSION.profile, SESSION.seed = config.getoption("l2o_profile"), config.getoption("l2o_seed")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark the tests of `parametrize_with_checks`, before `-m` chooses."""
        suite = sys.modules.get(__package__.removesuffix("testing") + "conformance._suite")
        if suite is None:
            return
        for item in items:
            values = getattr(getattr(item, "callspec", None), "params", {}).values()
            if any(isinstance(value, suite.BoundCheck) for value in values):
                item.add_marker("l2o")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Keep the results of the checks that a test runs with it."""
        heard: list[dict[str, Any]] = []

        def listen(subject: str, profile: str, seed: int, result: Any) -> None:
            heard.append({"subject": subject, "profile": profile, "seed": seed, **result.to_dict()})

        SESSION.listeners.append(listen)
        item.stash[_HEARD] = heard
        try:
            return (yield)
        finally:
            SESSION.listeners.remove(listen)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Generator[None, Any, Any]:
        """Attach the results to the report of the test, and the failed ones as sections of what pytest prints."""
        report = yield
        heard = item.stash.get(_HEARD, [])
        if report.when == "call" and heard:
            for result in heard:
                if not result["reproduce"].startswith("l2obound "):  # no command names the optimizer: the test does
                    result["reproduce"] = again(item.nodeid, result["profile"], result["seed"])
            report.l2o_results = heard
            # Sections of the failure itself, unlike those of the report, are printed whatever --show-capture says.
            add = getattr(report.longrepr, "addsection", None) or (lambda *s: report.sections.append(s))
            for result in heard if report.failed else ():
                if result["status"] == "failed":
                    add("l2o check", section(result))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect; with pytest-xdist the reports of all workers come together in the session that writes."""
        # pytest reports an expected failure as skipped, with an attribute of its own.
        outcome = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
        for result in getattr(report, "l2o_results", ()):
            self.results.append({"test": report.nodeid, "outcome": outcome, **result})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report; not in a worker of pytest-xdist, which has a part of it only."""
        options = self.config.option
        if options.l2o_report is None or options.collectonly or hasattr(self.config, "workerinput"):
            return
        try:
            write_report(Path(options.l2o_report), options.l2o_profile, options.l2o_seed, self.results)
        except OSError as problem:
            self.closing = f"--l2o-report: {options.l2o_report} cannot be written ({problem}); name another file."
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        else:
            self.closing = f"l2o: {len(self.results)} results of checks in {options.l2o_report}"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where the report is."""
        if self.closing:
            terminalreporter.write_line(self.closing)


def again(test: str, profile: str, seed: int) -> str:
    """The command that runs a test again, with the profile and the seed that it had."""
    return f"pytest {shlex.quote(test)} --l2o-profile {profile} --l2o-seed {seed}"


_HEARD = pytest.StashKey[list[dict[str, Any]]]()


def section(result: dict[str, Any]) -> str:
    """A failed check for people: what it says, on which instance, the numbers, what to do, how to see it again."""
    number = f" ({result['theory']})" if result["theory"] else ""
    evidence = result["evidence"]
    names = [n for n in _FIRST if n in evidence] + [n for n in evidence if n not in _FIRST]
    rows = [(name, _number(evidence[name])) for name in names]
    rows += [("what to do", result["advice"]), ("run again", result["reproduce"])]
    width = max(len(name) for name, _ in rows)
    lines = [f"{result['name']}{number} failed on {result['subject']}: {result['message']}"]
    return "\n".join(lines + [f"  {name:{width}}  {value}" for name, value in rows if value])


def _number(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def write_report(path: Path, profile: str, seed: int, results: list[dict[str, Any]]) -> None:
    """Write the results as JSON, in the order of their tests; the file is whole or as it was."""
    results = sorted(results, key=lambda r: r["test"])
    statuses = [r["status"] for r in results]
    content = {
        "format": FORMAT,
        "profile": profile,
        "seed": seed,
        "counts": {status: statuses.count(status) for status in sorted(set(statuses))},
        "results": results,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def l2o_profile(request: pytest.FixtureRequest) -> Any:
    """The profile of the session: `name`, and the sizes `batch`, `dim`, `steps`, `draws` that instances have."""
    from ..conformance import PROFILES as sizes

    return sizes[request.config.getoption("l2o_profile")]


@pytest.fixture(scope="session")
def l2o_seed(request: pytest.FixtureRequest) -> int:
    """The seed of the session."""
    return request.config.getoption("l2o_seed")


@pytest.fixture(scope="session")
def l2o_problem(l2o_profile: Any, l2o_seed: int) -> Callable[..., Any]:
    """A function that makes synthetic problems of the size of the profile: `l2o_problem("lasso", lam=0.2)`.

    Names and options are those of `l2o.synthetic`; options replace the sizes and the seed.
    """
    import inspect

    from ... import l2o

    makers = {
        name: make
        for name, make in vars(l2o.synthetic).items()
        if not name.startswith("_") and inspect.isfunction(make) and "batch" in inspect.signature(make).parameters
    }

    def make(family: str = "lasso", **options: Any) -> Any:
        if family not in makers:
            raise l2o.InputError(f"l2o_problem: expected one of {', '.join(sorted(makers))}, got {family!r}.")
        accepted = inspect.signature(makers[family]).parameters
        sizes = {"batch": l2o_profile.batch, "dim": l2o_profile.dim, "rows": 2 * l2o_profile.dim, "seed": l2o_seed}
        return makers[family](**{n: v for n, v in sizes.items() if n in accepted} | options)

    return make


@pytest.fixture(scope="session")
def l2o_start(l2o_seed: int) -> Callable[..., Any]:
    """A function that gives starts (B,n) in the domain of r: `l2o_start(problem)`."""
    from ... import l2o

    def start(problem: Any, *, shift: float = 0.0, seed: int = l2o_seed) -> Any:
        x = l2o.synthetic.starts(problem, shift=shift, seed=seed)
        return problem.prox(x, 1.0) if problem.nonsmooth.is_indicator else x

    return start


@pytest.fixture(scope="session")
def l2o_check(l2o_profile: Any, l2o_seed: int) -> Callable[..., Any]:
    """A function that checks an optimizer with the profile and seed of the session, and fails the test if it fails.

    `l2o_check(optimizer, checks=["descends"], problems=mine)`: the options are those of `verification.check_optimizer`,
    and the report is returned.
    """
    from ..conformance import check_optimizer

    def check(optimizer: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        report = check_optimizer(optimizer, **{"profile": l2o_profile.name, "seed": l2o_seed} | options)
        report.raise_if_failed()
        return report

    return check
