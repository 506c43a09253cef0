"""Adversarial search: instances, starts and shifts on which a bound fails, or on which most of it is used.

Where things are: `_families` (what is searched, with F* known by construction), `_trace` (a run as differentiable
tensors), `_sides` (the catalogue's formulas on tensors), `_merit` (what is maximised), `_search` (draws, ascent,
polish), `_judge` (`verification.verify`, whose verdict is the only one that counts), `_shrink` (the finding made
small), `_result` and `_falsify` (the entry).
"""

from ._falsify import falsify
from ._families import FAMILIES, Instance
from ._merit import GOALS
from ._result import Falsification
from ._search import METHODS

__all__ = ["FAMILIES", "GOALS", "METHODS", "Falsification", "Instance", "falsify"]
