"""Ground truth, verdicts and reports: where runs (`l2o`) meet the theory (`bounds`).

A name is imported when it is first asked for, so that `import l2obound.verification` by itself costs nothing: pytest
imports it in every session of whoever has installed it, for the plugin.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
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
    from .runs.inspection import Inspection, inspect_run
    from .verdicts.compare_choices import Comparison, compare_choices
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

_MEMBERS = {
    "assumption_meter": ("AssumptionMeter", "assumption_meter"),
    "asymptotics": ("Asymptotics", "asymptotics"),
    "choices": ("Comparison", "compare_choices"),
    "conformance": ("check_optimizer", "check_problem", "parametrize_with_checks"),
    "decompose": ("Decomposition", "decompose"),
    "equivariance": ("EquivarianceResult", "Transform", "check_equivariance", "rescaling", "scaling", "translation"),
    "equivariance_table": ("EquivarianceTable", "equivariance_table"),
    "falsification": ("Falsification", "falsify"),
    "guarantees": ("Guarantee", "guarantee"),
    "inspection": ("Inspection", "inspect_run"),
    "optimum": ("Optimum", "optimum"),
    "profile": ("ProfileCertificate", "RecurrenceCertificate", "profile_certificate", "recurrence_certificate"),
    "result": ("Verification",),
    "segments": ("SegmentJacobians", "segment_jacobians"),
    "verdict": ("Verdict",),
    "verify": ("verify", "verify_all"),
}
"""The modules and the public names that each of them holds."""

_HOMES = {name: module for module, names in _MEMBERS.items() for name in names}
_MODULES = (
    "choices",
    "conformance",
    "equivariance",
    "falsification",
    "guarantees",
    "inspection",
    "measurement",
    "profile",
    "result",
    "segments",
    "sensitivity",
    "strategies",
    "verdict",
)
"""Modules that are attributes of the package without an import of their own."""


class _Package(ModuleType):
    """The package, in which a public name is never hidden by the module of the same name.

    Whoever imports `verification.verify` or `verification.optimum._result` makes Python set the module `verify` or
    `optimum` as an attribute of the package; `verification.verify` and `verification.optimum` are the functions.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})


__all__ = [
    "AssumptionMeter",
    "Asymptotics",
    "Comparison",
    "Decomposition",
    "EquivarianceResult",
    "EquivarianceTable",
    "Falsification",
    "Guarantee",
    "Inspection",
    "Optimum",
    "ProfileCertificate",
    "RecurrenceCertificate",
    "SegmentJacobians",
    "Transform",
    "Verdict",
    "Verification",
    "assumption_meter",
    "asymptotics",
    "check_equivariance",
    "check_optimizer",
    "check_problem",
    "compare_choices",
    "decompose",
    "equivariance_table",
    "falsify",
    "guarantee",
    "inspect_run",
    "optimum",
    "parametrize_with_checks",
    "profile_certificate",
    "recurrence_certificate",
    "rescaling",
    "scaling",
    "segment_jacobians",
    "translation",
    "verify",
    "verify_all",
]
