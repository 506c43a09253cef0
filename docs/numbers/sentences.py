"""Sentences of the results of a study, as they stand on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import listed

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]


def sentences(*words: str) -> Callable[[Results], str]:
    """The sentences of a study that contain any of some words, as a list; words that are in none are an error."""

    def read(results: Results) -> str:
        chosen = [text for text in results["sentences"] if any(word in text for word in words)]
        for word in words:
            if not any(word in text for text in chosen):
                raise ValueError(f"no sentence of the results has {word!r}")
        return listed(chosen)

    return read


def saying(words: str) -> Callable[[Results], int]:
    """How many sentences of a study contain some words, for what a page says on their condition."""
    return lambda results: sum(words in text for text in results["sentences"])
