"""The checker of certificates, under the name that tests know it by."""

from l2obound.bounds.proofs.checker import Wrong, check

__all__ = ["Wrong", "check"]
