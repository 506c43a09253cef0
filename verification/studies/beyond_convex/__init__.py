"""Beyond convex: which guarantees survive where f is not convex, or where the points are constrained.

`_problems` are losses that are not convex beside convex ones on the same data, and constraint sets; `_methods` are the
optimizers; `_measure` judges one run, with `_ledger`, which splits what a bound has to spare into the inequalities of
its proof; `_counterexamples` are two problems in one variable; `_minima` asks where runs end; `_run` holds them
together, and `_figure`, `_sentences` and `_page` show the result.
"""

from ._counterexamples import Counterexample, counterexamples
from ._ledger import Ledger, ledger
from ._measure import Entry, Rises, entry, rises, without_convexity
from ._minima import Minima
from ._page import STUDY
from ._run import BeyondConvex, Settings, beyond_convex
from ._sentences import lines

write = STUDY.write

__all__ = [
    "STUDY",
    "BeyondConvex",
    "Counterexample",
    "Entry",
    "Ledger",
    "Minima",
    "Rises",
    "Settings",
    "beyond_convex",
    "counterexamples",
    "entry",
    "ledger",
    "lines",
    "rises",
    "without_convexity",
    "write",
]
