"""The one exception that wrong input to this package raises."""


class InputError(ValueError):
    """Input that cannot be used: the message says what was given, what was expected and what to do."""


class DefectError(RuntimeError):
    """Two things that this package showed contradict each other: a defect of it, and never an answer."""
