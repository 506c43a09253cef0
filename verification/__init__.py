"""Ground truth, verdicts and reports: where runs (`l2o`) meet the theory (`bounds`)."""

from verification.choices import Comparison, compare_choices
from verification.decompose import Decomposition, decompose
from verification.inspection import Inspection, inspect_run
from verification.optimum import Optimum, optimum
from verification.result import Verification
from verification.segments import SegmentJacobians, segment_jacobians
from verification.verdict import Verdict
from verification.verify import verify, verify_all

__all__ = [
    "Comparison",
    "Decomposition",
    "Inspection",
    "Optimum",
    "SegmentJacobians",
    "Verdict",
    "Verification",
    "compare_choices",
    "decompose",
    "inspect_run",
    "optimum",
    "segment_jacobians",
    "verify",
    "verify_all",
]
