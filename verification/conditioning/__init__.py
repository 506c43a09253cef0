"""Does gradient-only feature construction need tuning for a very large L, or for ill-conditioned problems?

The third open question of the paper, with numbers. `_points` are problems along the axes (condition number, L, and an L
that is told wrongly), `_methods` who runs on them, `_measure` the runs, `_causes` why one fails, by evidence, `_cells`
the table of them; `_stability` holds the boundary of B14 against rollouts and `_heads` the shipped models against it;
`_invariance` who sees the size of L (B12); `_theory` reads the catalogue, `_run` holds all together, and `_figure`,
`_sentences`, `_failures` and `_page` show it.
"""

from verification.conditioning._causes import CAUSES, Evidence, Fate, classify
from verification.conditioning._cells import Cell
from verification.conditioning._figure import figures
from verification.conditioning._heads import Heads
from verification.conditioning._invariance import Invariance
from verification.conditioning._methods import METHODS
from verification.conditioning._page import write
from verification.conditioning._points import Point
from verification.conditioning._run import Conditioning, Settings, conditioning, quick
from verification.conditioning._sentences import headline, lines
from verification.conditioning._stability import StabilityMap, Survives, stability_maps, survives
from verification.conditioning._told import Told, told

__all__ = [
    "CAUSES",
    "METHODS",
    "Cell",
    "Conditioning",
    "Evidence",
    "Fate",
    "Heads",
    "Invariance",
    "Point",
    "Settings",
    "StabilityMap",
    "Survives",
    "Told",
    "classify",
    "conditioning",
    "figures",
    "headline",
    "lines",
    "quick",
    "stability_maps",
    "survives",
    "told",
    "write",
]
