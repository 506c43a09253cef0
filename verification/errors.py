"""The root of what `verification` raises of its own; wrong input is `l2obound.errors.InputError` everywhere."""


class VerificationError(Exception):
    """Something that was to be shown could not be, or does not hold; the class says which."""
