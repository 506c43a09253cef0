"""The root of what the packages raise for wrong input."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used: the message says what was given, what was expected and what to do."""


class InterfaceError(InputError):
    """An optimizer of the user's whose `init`, `step` or states are not of the form that was asked for.

    It is no refusal of a problem, which an optimizer may answer with an `InputError` of its own.
    """


def suggestion(name: object, names: Iterable[str]) -> str:
    """For the message of an error: "did you mean 'x', 'y' or 'z'? ".

    Args:
        name: What was given.
        names: What could have been meant.

    Returns:
        The question for the three of `names` that are nearest to `name`, or for fewer; "" where none is near.
    """
    *others, last = [repr(near) for near in difflib.get_close_matches(str(name), list(names), n=3)] or [""]
    if not last:
        return ""
    return f"did you mean {', '.join(others)} or {last}? " if others else f"did you mean {last}? "
