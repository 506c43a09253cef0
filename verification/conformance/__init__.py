"""A conformance suite for optimizers and problems: small named checks that anyone's object can be run against."""

from ...l2o.optimizers.by_name import OptimizerSource, adapt
from . import _checks as _checks  # its checks enter the registry
from ._profile import PROFILES, Profile, set_default_profile
from ._result import CheckResult, ConformanceError, Report, Status
from ._suite import check_optimizer, check_problem, parametrize_with_checks
from .registry import CHECKS, Check, run_check

__all__ = [
    "CHECKS",
    "PROFILES",
    "Check",
    "CheckResult",
    "ConformanceError",
    "OptimizerSource",
    "Profile",
    "Report",
    "Status",
    "adapt",
    "check_optimizer",
    "check_problem",
    "parametrize_with_checks",
    "run_check",
    "set_default_profile",
]
