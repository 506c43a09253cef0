"""The root of what the packages raise for wrong input."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used: the message says what was given, what was expected and what to do."""


def suggestion(name: object, names: Iterable[str]) -> str:
    """For the message of an error: "did you mean 'x'? ".

    Args:
        name: What was given.
        names: What could have been meant.

    Returns:
        The question for the one of `names` that is nearest to `name`; "" where none is near.
    """
    close = difflib.get_close_matches(str(name), list(names), n=1)
    return f"did you mean {close[0]!r}? " if close else ""
