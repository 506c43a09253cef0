"""What the kernel of Coq has checked: the record of the last `make coq`, and whether it still holds.

An entry is claimed for the statement that was checked and no other: the record has the digest of each statement, and of
the library that all files stand on.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .kernel import library_digest

if TYPE_CHECKING:
    from ..bound import Bound

RECORD = Path(__file__).with_name("checked.json")


@lru_cache(maxsize=1)
def record() -> dict[str, Any]:
    """The record: "coq" the version, "library" a digest, "bounds" and "worst_cases" by name.

    Returns:
        Plain data; empty lists of both where nothing was checked yet.
    """
    if not RECORD.exists():
        return {"coq": "", "library": "", "bounds": {}, "worst_cases": {}}
    return json.loads(RECORD.read_text(encoding="utf-8"))


def is_kernel_checked(bound: Bound) -> bool:
    """Whether the kernel has checked this very statement.

    Args:
        bound: A bound, of the catalogue or changed.

    Returns:
        True if the record has its digest, and the library is the one that was used.
    """
    recorded = record()
    entry = recorded["bounds"].get(bound.key)
    return entry is not None and entry["digest"] == bound.digest and recorded["library"] == library_digest()
