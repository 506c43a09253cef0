"""Ground truth, verdicts and reports: where runs (`l2o`) meet the theory (`bounds`)."""

from verification.decompose import Decomposition, decompose
from verification.inspection import Inspection, inspect_run
from verification.optimum import Optimum, optimum
from verification.result import Verification
from verification.verdict import Verdict
from verification.verify import verify, verify_all

__all__ = [
    "Decomposition",
    "Inspection",
    "Optimum",
    "Verdict",
    "Verification",
    "decompose",
    "inspect_run",
    "optimum",
    "verify",
    "verify_all",
]
