"""The checker of certificates, under the name that tests know it by."""

from bounds.proofs.checker import Wrong, check

__all__ = ["Wrong", "check"]
