"""Does gradient-only feature construction need tuning for a very large L, or for ill-conditioned problems?

The third open question of the paper, with numbers. `_points` are problems along the axes (condition number, L, and a
wrongly declared L), `_methods` who runs on them, `_measure` the runs, `_causes` why one fails, by evidence, `_cells`
the table of them; `_stability` holds the boundary of B14 against rollouts and `_heads` the shipped models against it;
`_invariance` who sees the size of L (B12); `_theory` reads the catalogue, `_run` holds all together, and `_figure`,
`_sentences`, `_failures` and `_page` show it.
"""

from ._causes import CAUSES, Evidence, Outcome, classify
from ._cells import Cell
from ._declared import MisreportedSmoothness, with_declared_L
from ._figure import figures
from ._heads import Heads
from ._invariance import Invariance
from ._methods import METHODS
from ._page import STUDY
from ._points import Point
from ._run import Conditioning, Settings, conditioning
from ._sentences import headline, lines
from ._stability import StabilityMap, Survives, stability_maps, survives

write = STUDY.write

__all__ = [
    "CAUSES",
    "METHODS",
    "STUDY",
    "Cell",
    "Conditioning",
    "Evidence",
    "Heads",
    "Invariance",
    "MisreportedSmoothness",
    "Outcome",
    "Point",
    "Settings",
    "StabilityMap",
    "Survives",
    "classify",
    "conditioning",
    "figures",
    "headline",
    "lines",
    "stability_maps",
    "survives",
    "with_declared_L",
    "write",
]
