"""A conformance suite for optimizers and problems: small named checks that anyone's object can be run against."""

from verification.conformance import _checks as _checks  # its checks enter the registry
from verification.conformance._adapt import Subject, adapt
from verification.conformance._profile import PROFILES, Profile, set_default_profile
from verification.conformance._result import CheckResult, ConformanceError, Report, Status
from verification.conformance._suite import check_optimizer, check_problem, parametrize_with_checks
from verification.conformance.registry import CHECKS, Check, run_check

__all__ = [
    "CHECKS",
    "PROFILES",
    "Check",
    "CheckResult",
    "ConformanceError",
    "Profile",
    "Report",
    "Status",
    "Subject",
    "adapt",
    "check_optimizer",
    "check_problem",
    "parametrize_with_checks",
    "run_check",
    "set_default_profile",
]
