"""The bounds of the catalogue, and certificates of worst cases, as text for a proof kernel."""

from .export import coq_text

__all__ = ["coq_text"]
