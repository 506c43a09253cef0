"""Ground truth, verdicts and reports: where runs (`l2o`) meet the theory (`bounds`).

A name is imported when it is first asked for, so that `import l2obound.verification` by itself costs nothing: pytest
imports it in every session of whoever has installed it, for the plugin.
"""

from __future__ import annotations

if __name__ == "verification":  # a checkout has the folder on the path; its modules import each other below l2obound
    raise ImportError("this is a part of l2obound: from l2obound import verification")

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conformance import check_optimizer, check_problem, parametrize_with_checks
    from .diagnosis.assumption_meter import AssumptionMeter, assumption_meter
    from .diagnosis.asymptotics import Asymptotics, asymptotics
    from .falsification import Falsification, falsify
    from .guarantees import Guarantee, guarantee
    from .invariance.equivariance import (
        EquivarianceResult,
        Transform,
        check_equivariance,
        rescaling,
        scaling,
        translation,
    )
    from .invariance.table import EquivarianceTable, equivariance_table
    from .optima import Optimum, optimum
    from .optima.certificate_checker import CheckedCertificate, WrongCertificate, check_run_certificate
    from .optima.run_certificate import RunCertificate, run_certificate
    from .optima.solve import Solution, solve
    from .runs.inspection import Inspection, inspect_run
    from .verdicts.compare_choices import Comparison, compare_choices
    from .verdicts.evidence import Evidence, gather
    from .verdicts.judge import judge
    from .verdicts.verdict import Verdict
    from .verdicts.verification import Verification
    from .verdicts.verify import verify, verify_all
    from .virtual_steps.decompose import Decomposition, decompose
    from .virtual_steps.segment_jacobians import SegmentJacobians, segment_jacobians
    from .worst_cases.profile import (
        ProfileCertificate,
        RecurrenceCertificate,
        profile_certificate,
        recurrence_certificate,
    )
    from .worst_cases.schedules import Schedule, train_schedule

_MEMBERS = {
    "conformance": ("check_optimizer", "check_problem", "parametrize_with_checks"),
    "diagnosis.assumption_meter": ("AssumptionMeter", "assumption_meter"),
    "diagnosis.asymptotics": ("Asymptotics", "asymptotics"),
    "falsification": ("Falsification", "falsify"),
    "guarantees": ("Guarantee", "guarantee"),
    "invariance.equivariance": (
        "EquivarianceResult", "Transform", "check_equivariance", "rescaling", "scaling", "translation",
    ),
    "invariance.table": ("EquivarianceTable", "equivariance_table"),
    "optima": ("Optimum", "optimum"),
    "optima.certificate_checker": ("CheckedCertificate", "WrongCertificate", "check_run_certificate"),
    "optima.run_certificate": ("RunCertificate", "run_certificate"),
    "optima.solve": ("Solution", "solve"),
    "runs.inspection": ("Inspection", "inspect_run"),
    "verdicts.compare_choices": ("Comparison", "compare_choices"),
    "verdicts.evidence": ("Evidence", "gather"),
    "verdicts.judge": ("judge",),
    "verdicts.verdict": ("Verdict",),
    "verdicts.verification": ("Verification",),
    "verdicts.verify": ("verify", "verify_all"),
    "virtual_steps.decompose": ("Decomposition", "decompose"),
    "virtual_steps.segment_jacobians": ("SegmentJacobians", "segment_jacobians"),
    "worst_cases.profile": (
        "ProfileCertificate", "RecurrenceCertificate", "profile_certificate", "recurrence_certificate",
    ),
    "worst_cases.schedules": ("Schedule", "train_schedule"),
}  # fmt: skip
"""The modules and the public names that each of them holds."""

_HOMES = {name: module for module, names in _MEMBERS.items() for name in names}
_MODULES = {
    "profile": "worst_cases.profile",
    "strategies": "testing.strategies",
    **{name: name for name in ("conformance", "falsification", "guarantees", "report", "studies", "sweeps")},
}
"""Modules that are attributes of the package without an import of their own, and where they are."""


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})


__all__ = [
    "AssumptionMeter",
    "Asymptotics",
    "CheckedCertificate",
    "Comparison",
    "Decomposition",
    "EquivarianceResult",
    "EquivarianceTable",
    "Evidence",
    "Falsification",
    "Guarantee",
    "Inspection",
    "Optimum",
    "ProfileCertificate",
    "RecurrenceCertificate",
    "RunCertificate",
    "Schedule",
    "SegmentJacobians",
    "Solution",
    "Transform",
    "Verdict",
    "Verification",
    "WrongCertificate",
    "assumption_meter",
    "asymptotics",
    "check_equivariance",
    "check_optimizer",
    "check_problem",
    "check_run_certificate",
    "compare_choices",
    "decompose",
    "equivariance_table",
    "falsify",
    "gather",
    "guarantee",
    "inspect_run",
    "judge",
    "optimum",
    "parametrize_with_checks",
    "profile_certificate",
    "recurrence_certificate",
    "rescaling",
    "run_certificate",
    "scaling",
    "segment_jacobians",
    "solve",
    "train_schedule",
    "translation",
    "verify",
    "verify_all",
]
