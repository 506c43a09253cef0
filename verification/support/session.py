"""What a session of pytest and the conformance suite share: the profile, the seed, and who hears of results.

Nothing is imported here: the plugin reads it in every session, the suite only where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Session:
    """The profile and the seed of tests that name none, and the functions that are told of every result."""

    profile: str = "ci"
    seed: int = 0
    listeners: list[Callable[..., None]] = field(default_factory=list)

    def tell(self, subject: str, profile: str, seed: int, result: Any) -> None:
        """Pass the result of one check of `subject` on to whoever listens."""
        for listener in tuple(self.listeners):
            listener(subject, profile, seed, result)


SESSION = Session()
