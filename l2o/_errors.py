"""The one exception of this package."""


class InputError(ValueError):
    """Input that cannot be used: the message names what was given, what was expected, and what to do."""
