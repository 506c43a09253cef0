"""The checks by name, and how one is run.

A check is a function of a `Case` (an optimizer on the instances of a profile) or of a `ProblemCase`; it returns a
`Finding`. `register` gives it a name, a level, a number of the theory, and three texts: what it asserts, why that
matters, and what usually breaks it. The documentation is made from these.
"""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...errors import InputError, InterfaceError, suggestion
from ...l2o import Composite, OptimizerSource, resolve_optimizer
from ...user_code import users_line
from ._case import Case, NotApplicable, ProblemCase, check_seed, global_rng
from ._model import is_users_network
from ._profile import Profile, profile_of
from ._result import CheckResult, Finding, Status, failed, not_applicable

OPTIMIZER, PROBLEM = "optimizer", "problem"


@dataclass(frozen=True)
class Check:
    """One check; `declares` names the declaration without which it says nothing, where it needs one.

    With `is_property` it asks for a property that a sound learned method may lack: without it no result is wrong.
    """

    name: str
    level: str
    theory: str | None
    asserts: str
    why: str
    breaks: str
    advice: str
    function: Callable[[Any], Finding]
    declares: str | None = None
    is_property: bool = False

    @property
    def promise(self) -> str | None:
        """The name under which an optimizer declares that it passes; None where it cannot."""
        return self.name if self.is_property else self.declares

    def markdown(self) -> str:
        """Its entry of the documentation."""
        theory = f" ({self.theory})" if self.theory else ""
        needs = f" Needs a declaration: `declares = {{{self.declares!r}: ...}}`." if self.declares else ""
        needs += f" A property: `declares = {{{self.name!r}: True}}` promises it." if self.is_property else ""
        parts = {"Asserts": self.asserts, "Why": self.why, "What breaks it": self.breaks, "What to do": self.advice}
        lines = "\n".join(f"- **{title}:** {_sentence(text)}" for title, text in parts.items())
        return f"### `{self.name}`{theory}\n\n{lines}{needs}\n"


def _sentence(text: str) -> str:
    text = text if text[0] == "`" else text[0].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."


CHECKS: dict[str, Check] = {}
"""Every check by name, in the order in which suites run them."""


def register(
    *,
    asserts: str,
    why: str,
    breaks: str,
    advice: str,
    level: str = OPTIMIZER,
    theory: str | None = None,
    declares: str | None = None,
    is_property: bool = False,
) -> Callable[[Callable[[Any], Finding]], Callable[[Any], Finding]]:
    """Enter a function into `CHECKS` under its own name."""

    def enter(function: Callable[[Any], Finding]) -> Callable[[Any], Finding]:
        name = function.__name__
        CHECKS[name] = Check(name, level, theory, asserts, why, breaks, advice, function, declares, is_property)
        return function

    return enter


def check_of(check: str | Check) -> Check:
    """A check by name."""
    if isinstance(check, Check):
        return check
    if check not in CHECKS:
        raise InputError(
            f"check: unknown check {check!r}; {suggestion(check, CHECKS)}`l2obound list checks` has all names."
        )
    return CHECKS[check]


def checks_of(level: str) -> tuple[Check, ...]:
    """The checks of a level, "optimizer" or "problem"."""
    return tuple(c for c in CHECKS.values() if c.level == level)


def check_declarations(declares: Mapping[str, Any], lacks: Mapping[str, str]) -> None:
    """Raise unless a check knows these declarations and can take their values, and nothing promised is lacked."""
    checks = {c.promise: c for c in CHECKS.values() if c.promise}
    for name, value in declares.items():
        if name not in checks:
            raise InputError(
                f"declares: unknown declaration {name!r}; {suggestion(name, checks)}there are {', '.join(checks)}."
            )
        if checks[name].is_property or name == "monotone_objective":
            right, wanted = isinstance(value, bool), "True or False"
        else:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            right, wanted = number and 0 <= value < math.inf, "a finite number >= 0"
        if not right:
            raise InputError(f"declares: {name} must be {wanted}, got {value!r}.")
        if value is not False and checks[name].name in lacks:
            raise InputError(f"declares: {name} = {value!r} is promised, and lacks says that it is not; leave out one.")


def run_check(
    check: str | Check,
    subject: Any,
    profile: str | Profile | None = "ci",
    seed: int = 0,
    *,
    problems: Any = None,
    declares: Mapping[str, Any] | None = None,
    lacks: Mapping[str, str] | None = None,
    case: Case | None = None,
) -> CheckResult:
    """Run one check on `subject`: anything `adapt` takes, or a `Composite` for a check of problems.

    `problems` replaces the instances of the profile; `declares` and `lacks` add to what the optimizer declares itself:
    a check that is lacked is run, and its result is NOT APPLICABLE with the reason and what was measured. A declaration
    of the user's that cannot be tested is a failure. A property that code with weights does not have, and nobody
    declares, is LACKING. `case` is one
    already made for this subject, so that checks share their runs. An exception that the subject raises is a failure of
    the check, with the exception in its message. Global random generators are as they were afterwards, whatever the
    subject does to them.
    """
    check, profile = check_of(check), profile_of(profile)
    check_seed(seed)
    if check.level == PROBLEM:
        if not isinstance(subject, Composite):
            raise InputError(f"{check.name} checks a problem, got {type(subject).__name__}; give a Composite.")
        reproduce = f"verification.check_problem(problem, profile={profile.name!r}, seed={seed})"
        return _run(check, ProblemCase(subject, profile, seed), reproduce)
    subject = resolve_optimizer(subject)
    if case is None:
        case = Case.of(subject, profile, seed, problems, declares, check_reasons(lacks, "lacks"))
        case.require_instances()
    check_reasons(case.lacks, "lacks")
    check_declarations(case.declares, case.lacks)
    return _settled(_run(check, case, _again(case, check, profile, seed)), check, case)


def _settled(result: CheckResult, check: Check, case: Case) -> CheckResult:
    """The result in the light of what the optimizer promises, and of what it does not."""
    if check.name in case.lacks:
        return _lacked(result, case.lacks[check.name])
    promised = check.promise in case.promises
    if promised and result.status is Status.NOT_APPLICABLE:
        value = case.declares[str(check.promise)]
        return replace(
            result,
            status=Status.FAILED,
            message=f"declared ({check.promise} = {value!r}), and not tested: {result.message}",
            advice="take the declaration back, or let the optimizer be one that the check can test",
        )
    measured = result.status is Status.FAILED and "exception" not in result.evidence
    if measured and check.is_property and not promised and is_users_network(case.fresh()):
        return replace(result, status=Status.LACKING)
    return result


def _lacked(result: CheckResult, reason: str) -> CheckResult:
    if result.status is Status.NOT_APPLICABLE:
        return result
    measured = "it holds here all the same" if result.status is Status.PASSED else f"measured: {result.message}"
    message = f"declared as lacking: {reason} [{measured}]"
    return replace(result, status=Status.NOT_APPLICABLE, message=message, advice="")


def check_reasons(reasons: Mapping[str, str] | None, name: str) -> dict[str, str]:
    """`reasons`, a mapping of names of checks to reasons; raise unless it is one."""
    if reasons is None:
        return {}
    if not isinstance(reasons, Mapping):
        raise InputError(f"{name}: expected a mapping of names of checks to reasons, got {type(reasons).__name__}.")
    for key, reason in reasons.items():
        check_of(key)
        if not isinstance(reason, str) or not reason.strip():
            raise InputError(f"{name}: {key} needs a reason, a line of text, got {reason!r}.")
    return dict(reasons)


def command(subject: OptimizerSource, check: Check, profile: Profile, seed: int) -> str:
    """The command line that runs one check again."""
    spec = " ".join(shlex.quote(word) for word in subject.spec.split(" "))
    return f"l2obound check {spec} --check {check.name} --profile {profile.name} --seed {seed}"


def _again(case: Case, check: Check, profile: Profile, seed: int) -> str:
    """What runs one check again: the command line, or Python where that cannot name the optimizer or the problems."""
    if case.subject.is_named and not case.given:
        return command(case.subject, check, profile, seed)
    problems = ", problems=problems" if case.given else ""
    return (
        f"verification.check_optimizer(optimizer, checks=[{check.name!r}], profile={profile.name!r}, seed={seed}"
        f"{problems})"
    )


def _run(check: Check, case: Any, reproduce: str) -> CheckResult:
    begun = time.perf_counter()
    with global_rng(0):
        try:
            finding = check.function(case)
        except NotApplicable as reason:
            finding = not_applicable(str(reason))
        except InterfaceError:  # of every problem alike, so that no check could say anything
            raise
        except Exception as error:  # of the subject: whatever it raises is its answer
            words = " ".join(f"{type(error).__name__}: {error}".split())
            where = {"where": line} if (line := users_line(error)) else {}
            finding = failed(f"raised {words}", exception=type(error).__name__, during=case.doing, **where)
    advice = check.advice if finding.status is Status.FAILED else ""
    if "exception" in finding.evidence:
        advice = "mend what raises this error; the check itself has said nothing yet"
    message = " ".join(finding.message.split())
    seconds = time.perf_counter() - begun
    return CheckResult(check.name, finding.status, message, finding.evidence, check.theory, advice, reproduce, seconds)
