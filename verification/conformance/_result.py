"""What a check says, and the results of many as one report."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ..errors import VerificationError


class Status(enum.Enum):
    """The outcome of one check. LACKING is a property that a learned method does not have and nobody declared."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    EXPECTED_FAILURE = "expected failure"
    LACKING = "lacking"

    def __str__(self) -> str:
        return self.value


class ConformanceError(VerificationError, AssertionError):
    """Checks failed; the message says which, with evidence and what to do, and `results` are those that failed."""

    def __init__(self, message: str, results: Iterable[CheckResult] = ()) -> None:
        super().__init__(message)
        self.results = tuple(results)


@dataclass(frozen=True)
class Finding:
    """What a check function returns: PASSED, FAILED or NOT_APPLICABLE, why in one line, and the numbers behind it."""

    status: Status
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


def passed(message: str, **evidence: Any) -> Finding:
    """The check holds."""
    return Finding(Status.PASSED, message, evidence)


def failed(message: str, **evidence: Any) -> Finding:
    """The check does not hold."""
    return Finding(Status.FAILED, message, evidence)


def not_applicable(message: str, **evidence: Any) -> Finding:
    """The check says nothing of this subject."""
    return Finding(Status.NOT_APPLICABLE, message, evidence)


def plain(value: Any) -> Any:
    """`value` as JSON: plain numbers, strings, lists and dicts; None for a number that is not finite."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value if value is None else str(value)


@dataclass(frozen=True)
class CheckResult:
    """One check of one subject.

    `message` is one line. `evidence` holds plain JSON: the instance, the step, both sides, slack, tolerance, as far as
    the check has them. `theory` is a number of the theory (B1, B12, ...) or None, `advice` says what to do where it did
    not pass, `reproduce` is a command that runs this check again.
    """

    name: str
    status: Status
    message: str
    evidence: Mapping[str, Any]
    theory: str | None
    advice: str
    reproduce: str
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {
            "name": self.name,
            "status": str(self.status),
            "message": self.message,
            "evidence": plain(self.evidence),
            "theory": self.theory,
            "advice": self.advice,
            "reproduce": self.reproduce,
            "seconds": round(self.seconds, 3),
        }

    def line(self) -> str:
        """One line for people."""
        number = f" ({self.theory})" if self.theory else ""
        return f"{str(self.status).upper():16} {self.name}{number}: {self.message}"

    def explain(self) -> str:
        """A few lines for people: what was found, the numbers, what to do, how to see it again."""
        lines = [self.line()]
        if self.evidence:
            numbers = ", ".join(f"{name} = {_short(value)}" for name, value in plain(self.evidence).items())
            lines.append(f"  evidence: {numbers}")
        if self.status is Status.FAILED:
            lines += [f"  what to do: {self.advice}", f"  again: {self.reproduce}"]
        return "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Report:
    """The results of a suite on one subject."""

    subject: str
    profile: str
    seed: int
    results: tuple[CheckResult, ...]

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The checks that failed and were not expected to."""
        return tuple(r for r in self.results if r.status is Status.FAILED)

    @property
    def lacking(self) -> tuple[CheckResult, ...]:
        """The checks of properties that the optimizer does not have, and does not declare."""
        return tuple(r for r in self.results if r.status is Status.LACKING)

    @property
    def passed(self) -> bool:
        """Whether none failed that was not expected to."""
        return not self.failed

    @property
    def seconds(self) -> float:
        """Time spent in checks."""
        return sum(r.seconds for r in self.results)

    def __getitem__(self, name: str) -> CheckResult:
        """The result of the check `name`."""
        return {r.name: r for r in self.results}[name]

    def count(self, status: Status) -> int:
        """Number of checks with this status."""
        return sum(r.status is status for r in self.results)

    def summary(self) -> str:
        """A line for the whole, one a check, and more of those that failed."""
        counts = ", ".join(f"{n} {s}" for s in Status if (n := self.count(s)))
        head = f"{self.subject}, profile {self.profile}, seed {self.seed}: {counts} ({self.seconds:.1f} s)"
        return "\n".join([head, *(r.explain() if r.status is Status.FAILED else r.line() for r in self.results)])

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {
            "subject": self.subject,
            "profile": self.profile,
            "seed": self.seed,
            "passed": self.passed,
            "counts": {str(s): self.count(s) for s in Status},
            "seconds": round(self.seconds, 3),
            "results": [r.to_dict() for r in self.results],
        }

    def raise_if_failed(self) -> None:
        """Raise a `ConformanceError` that explains every failure, if there is one."""
        if self.failed:
            names = ", ".join(r.name for r in self.failed)
            details = "\n".join(r.explain() for r in self.failed)
            raise ConformanceError(f"{self.subject} fails {len(self.failed)} checks ({names})\n{details}", self.failed)
