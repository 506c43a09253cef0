"""Ground truth, verdicts and reports: where runs (`l2o`) meet the theory (`bounds`)."""

from verification.assumption_meter import AssumptionMeter, assumption_meter
from verification.asymptotics import Asymptotics, asymptotics
from verification.choices import Comparison, compare_choices
from verification.decompose import Decomposition, decompose
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
from verification.profile import (
    ProfileCertificate,
    RecurrenceCertificate,
    profile_certificate,
    recurrence_certificate,
)
from verification.result import Verification
from verification.segments import SegmentJacobians, segment_jacobians
from verification.verdict import Verdict
from verification.verify import verify, verify_all

__all__ = [
    "AssumptionMeter",
    "Asymptotics",
    "Comparison",
    "Decomposition",
    "EquivarianceResult",
    "EquivarianceTable",
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
    "compare_choices",
    "decompose",
    "equivariance_table",
    "inspect_run",
    "optimum",
    "profile_certificate",
    "recurrence_certificate",
    "rescaling",
    "scaling",
    "segment_jacobians",
    "translation",
    "verify",
    "verify_all",
]
