"""The root of what the packages raise for wrong input."""


class InputError(ValueError):
    """Input that cannot be used: the message says what was given, what was expected and what to do."""
