"""The bounds of the catalogue and certificates of worst cases, checked by the kernel of Coq.

`coq_text(bound)` and `worst_case_text(certificate)` write files of Coq that stand on `L2O.v`; `check_text` has one
checked, where `coqc` is installed. `record` is what was checked when the record was made (`make coq`), and
`is_kernel_checked(bound)` whether this very statement is in it. `lean_text` writes a proof for Lean 4, unchecked.
"""

from ..proofs.export import coq_text, lean_text
from .kernel import LIBRARY, Checked, check_text, coqc
from .ledger import is_kernel_checked, record
from .worst_case import worst_case_text

__all__ = [
    "LIBRARY",
    "Checked",
    "check_text",
    "coq_text",
    "coqc",
    "is_kernel_checked",
    "lean_text",
    "record",
    "worst_case_text",
]
