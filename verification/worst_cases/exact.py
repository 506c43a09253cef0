"""A question of the worst-case engine that is known to be right, so that no answer is an answer too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ... import bounds
from ...bounds.worst_cases import WorstCase

T = TypeVar("T")
UNBOUNDED = "+inf, or too large for double precision"
STOPPED = "not found: the solver stopped without a result"


def answered(read: Callable[[WorstCase], T], **question: Any) -> tuple[T | None, str]:
    """What is read off the exact worst case, or why there is none.

    Args:
        read: What is read off the answer; numbers of it that are solved for when they are asked for may fail as well.
        question: The arguments of `bounds.worst_case`. They have been checked: an error says that the solver stopped.

    Returns:
        What `read` returns and ""; or None and the reason, `UNBOUNDED` or `STOPPED`.
    """
    try:
        return read(bounds.worst_case(**question)), ""
    except bounds.UnboundedError:
        return None, UNBOUNDED
    except bounds.InputError:
        return None, STOPPED
