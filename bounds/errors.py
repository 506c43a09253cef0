"""What the theory raises of its own."""

from ..errors import InputError as InputError


class DefectError(RuntimeError):
    """Two things that this package showed contradict each other: a defect of it, and never an answer."""
