"""The root of what the packages raise for wrong input."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used: the message says what was given, what was expected and what to do."""


def suggestion(name: object, known: Iterable[str]) -> str:
    """ "did you mean 'x'? " for the one of `known` that is nearest to `name`, and "" where none is near."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f"did you mean {close[0]!r}? " if close else ""
