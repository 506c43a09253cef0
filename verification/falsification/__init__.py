"""Adversarial search: instances, starts and shifts on which a bound fails, or on which most of it is used.

Where things are: `_families` (what is searched, with F* known by construction), `_trace` (a run as differentiable
tensors), `_sides` (the catalogue's formulas on tensors), `_merit` (what is maximised), `_search` (draws, ascent,
polish), `_judge` (`verification.verify`, whose verdict is the only one that counts), `_shrink` (the finding made
small), `_result` and `_falsify` (the entry).
"""

from verification.falsification._falsify import falsify
from verification.falsification._families import FAMILIES, Instance
from verification.falsification._merit import GOALS
from verification.falsification._result import Falsification
from verification.falsification._search import METHODS

__all__ = ["FAMILIES", "GOALS", "METHODS", "Falsification", "Instance", "falsify"]
