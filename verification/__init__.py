"""Ground truth, verdicts and reports: where runs (`l2o`) meet the theory (`bounds`)."""

from verification.assumption_meter import AssumptionMeter, assumption_meter
from verification.asymptotics import Asymptotics, asymptotics
from verification.equivariance import (
    EquivarianceResult,
    Transform,
    check_equivariance,
    rescaling,
    scaling,
    translation,
)
from verification.equivariance_table import EquivarianceTable, equivariance_table
from verification.inspection import Inspection, inspect_run
from verification.optimum import Optimum, optimum
from verification.result import Verification
from verification.verdict import Verdict
from verification.verify import verify, verify_all

__all__ = [
    "AssumptionMeter",
    "Asymptotics",
    "EquivarianceResult",
    "EquivarianceTable",
    "Inspection",
    "Optimum",
    "Transform",
    "Verdict",
    "Verification",
    "assumption_meter",
    "asymptotics",
    "check_equivariance",
    "equivariance_table",
    "inspect_run",
    "optimum",
    "rescaling",
    "scaling",
    "translation",
    "verify",
    "verify_all",
]
