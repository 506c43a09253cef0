"""The suites: every check on an optimizer, every check on a problem, and both as tests of pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...l2o import Composite, InputError, OptimizerSource, resolve_optimizer
from ..support.session import SESSION
from . import registry
from ._case import Case
from ._expectations import expected_by
from ._profile import Profile, profile_of
from ._result import CheckResult, ConformanceError, Report, Status

Progress = Callable[[str, int, int], None]
EXPECTED = "expected_failed_checks"


def check_optimizer(
    opt: Any,
    *,
    profile: str = "ci",
    problems: Any = None,
    checks: Iterable[str] | None = None,
    seed: int = 0,
    expected_failed_checks: Mapping[str, str] | None = None,
    declares: Mapping[str, Any] | None = None,
    lacks: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run the conformance suite on an optimizer.

    The report tells what was measured on these instances and steps; it is no proof for others.

    Args:
        opt: The optimizer: anything that `verification.conformance.adapt` takes.
        profile: "dev", "ci" or "thorough"; it changes sizes and numbers of instances only.
        problems: A Composite, a list or a mapping of them, in place of the instances of the suite.
        checks: Names of the checks to run; all of the optimizer's by default.
        seed: Of instances and starts.
        expected_failed_checks: Names of checks with reasons, beside those that the optimizer carries as an attribute
            and those known of this package's own. One of them that passes all the same says so in its message.
        declares: Declarations beside those of the attribute of that name (see the checks that need one).
        lacks: Names of checks, of which the optimizer promises nothing, with reasons, beside those of the attribute of
            that name. They are run, and NOT APPLICABLE with the reason and what was measured.
        progress: Called with (name, done, total) before each check.

    Returns:
        The results, one for each check.

    Raises:
        InputError: For what is no optimizer, for names that do not exist, and where it takes none of the problems of
            the suite.
    """
    subject, sizes = resolve_optimizer(opt), profile_of(profile)
    chosen = _chosen(checks, registry.OPTIMIZER)
    expected = {
        **registry.check_reasons(expected_by(subject.fresh()), EXPECTED),
        **registry.check_reasons(expected_failed_checks, EXPECTED),
    }
    lacking = registry.check_reasons(lacks, "lacks")
    case, results = Case.of(subject, sizes, seed, problems, declares, lacking), []
    case.require_instances()
    for i, check in enumerate(chosen):
        if progress is not None:
            progress(check.name, i, len(chosen))
        result = registry.run_check(check, subject, sizes, seed, case=case)
        results.append(_expect(result, expected.get(check.name)))
        SESSION.tell(subject.label, sizes.name, seed, results[-1])
    return Report(subject.label, sizes.name, seed, tuple(results))


def check_problem(problem: Composite, *, profile: str = "ci", seed: int = 0) -> Report:
    """Run the checks of problems: does it keep what it says of gradient, L, mu, convexity, prox, rounding and data?

    Args:
        problem: The problem.
        profile: "dev", "ci" or "thorough"; it changes numbers of points only.
        seed: Of the points.

    Returns:
        The results, one for each check; measured at these points.

    Raises:
        InputError: For another profile.
    """
    sizes, chosen = profile_of(profile), registry.checks_of(registry.PROBLEM)
    results = tuple(registry.run_check(check, problem, sizes, seed) for check in chosen)
    for result in results:
        SESSION.tell(problem.name, sizes.name, seed, result)
    return Report(problem.name, sizes.name, seed, results)


def _chosen(names: Iterable[str] | None, level: str) -> tuple[registry.Check, ...]:
    if names is None:
        return registry.checks_of(level)
    chosen = tuple(registry.check_of(name) for name in ([names] if isinstance(names, str) else names))
    for check in chosen:
        if check.level != level:
            raise InputError(f"checks: {check.name} checks a {check.level}; those of an {level} are wanted here.")
    if not chosen:
        raise InputError("checks: expected at least one name, got none; leave it out for all of them.")
    return chosen


def _expect(result: CheckResult, reason: str | None) -> CheckResult:
    if reason is None:
        return result
    if result.status in (Status.FAILED, Status.LACKING):
        return replace(result, status=Status.EXPECTED_FAILURE, message=f"{reason} [{result.message}]")
    if result.status is Status.PASSED:
        message = f"passed, though it was expected to fail ({reason}); take it off the list if it stays so"
        return replace(result, message=message)
    if result.status is Status.NOT_APPLICABLE:
        return replace(result, message=f"{result.message} (it was expected to fail: {reason})")
    return result


@dataclass(frozen=True)
class BoundCheck:
    """A check with its profile and seed, to be called with an optimizer in a test; None is that of the session.

    `subject` makes anew the optimizer `made` that the test is given. A property that it lacks fails where it is
    `expected` to fail, and is a skipped test where not.
    """

    check: registry.Check
    profile: str | Profile | None
    seed: int | None = None
    subject: OptimizerSource | None = None
    made: Any = None
    expected: bool = False

    def __repr__(self) -> str:
        return self.check.name

    @property
    def name(self) -> str:
        """Name of the check."""
        return self.check.name

    def __call__(self, optimizer: Any) -> CheckResult:
        """The result; a `ConformanceError` where it failed, a skipped test where it is not applicable."""
        __tracebackhide__ = True
        import pytest

        subject = resolve_optimizer(self.subject if self.subject is not None and optimizer is self.made else optimizer)
        seed = SESSION.seed if self.seed is None else self.seed
        result = registry.run_check(self.check, subject, self.profile, seed)
        SESSION.tell(subject.label, profile_of(self.profile).name, seed, result)
        if result.status is Status.FAILED:
            heard = bool(SESSION.listeners)  # the plugin prints the rest in a section of its own
            raise ConformanceError(result.line() if heard else result.explain(), (result,))
        if result.status is Status.LACKING and not self.expected:
            pytest.skip(f"it lacks this property, and does not declare it: {result.message}")
        if result.status is Status.LACKING:
            raise ConformanceError(result.line(), (result,))
        if result.status is Status.NOT_APPLICABLE:
            pytest.skip(result.message)
        return result


def parametrize_with_checks(
    optimizers: Iterable[Any],
    *,
    expected_failed_checks: Mapping[str, str] | Callable[[Any], Mapping[str, str]] | None = None,
    profile: str | None = None,
) -> Any:
    """A decorator that runs a test with the arguments (optimizer, check) for every optimizer and every check.

    The test calls `check(optimizer)`. A check that is expected to fail is a strict xfail with its reason: it fails the
    test run when it passes.

    Args:
        optimizers: Whatever `check_optimizer` takes, several of them.
        expected_failed_checks: Names of checks with reasons, or a function of the optimizer as given that returns
            them; beside those of the optimizer's attribute and those known of this package's own.
        profile: "dev", "ci" or "thorough"; None is the profile that the pytest plugin was given (--l2o-profile), else
            "ci". So is the seed (--l2o-seed), else 0.

    Returns:
        The decorator of pytest.

    Raises:
        InputError: For names that do not exist.
    """
    import pytest

    if isinstance(optimizers, (str, bytes)) or not isinstance(optimizers, Iterable):
        raise InputError(f"parametrize_with_checks: expected a list of optimizers, got {type(optimizers).__name__}.")
    if profile is not None:
        profile_of(profile)
    rows: list[Any] = []
    labels: dict[str, int] = {}
    for given in optimizers:
        subject = resolve_optimizer(given)
        more = expected_failed_checks(given) if callable(expected_failed_checks) else expected_failed_checks
        made = subject.fresh()
        expected = {**registry.check_reasons(expected_by(made), EXPECTED), **registry.check_reasons(more, EXPECTED)}
        label = _unique(subject, labels)
        for check in registry.checks_of(registry.OPTIMIZER):
            reason = expected.get(check.name)
            marks = () if reason is None else (pytest.mark.xfail(reason=reason, strict=True, raises=ConformanceError),)
            bound = BoundCheck(check, profile, subject=subject, made=made, expected=reason is not None)
            rows.append(pytest.param(made, bound, id=f"{label}-{check.name}", marks=marks))
    return pytest.mark.parametrize(("optimizer", "check"), rows)


def _unique(subject: OptimizerSource, labels: dict[str, int]) -> str:
    label = "-".join(subject.label.split())
    labels[label] = labels.get(label, 0) + 1
    return label if labels[label] == 1 else f"{label}-{labels[label]}"
