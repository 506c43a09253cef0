"""Methods designed by the engine: the numbers of a family of methods that make its exact worst case least.

Where things are: `_families` (which numbers a family has, and its conic data at given ones), `_sequence` (one local
minimisation, a sequence of semidefinite problems), `design` (starts, rounding to fractions, certificate).
"""

from .design import Design, Start, design

__all__ = ["Design", "Start", "design"]
