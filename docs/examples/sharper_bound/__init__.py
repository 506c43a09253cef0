"""For how many steps does the bound of a run promise more than the rate of exact steps? A study in four files."""

from .page import STUDY

__all__ = ["STUDY"]
