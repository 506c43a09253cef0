"""Certificates of traced methods that were changed by somebody who also renews the digest."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from l2obound.bounds.worst_cases.checker_traced import digest


def retold(data: Mapping[str, Any], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """A copy with a change, and the digest of what it is now."""
    new = copy.deepcopy(dict(data))
    change(new)
    new["digest"] = digest(new)
    return new
