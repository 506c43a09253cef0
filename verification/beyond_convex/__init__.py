"""Beyond convex: which guarantees survive where f is not convex, or where the points are constrained.

`_problems` are losses that are not convex beside convex ones on the same data, and constraint sets; `_methods` are the
optimizers; `_measure` judges one run, with `_ledger`, which splits what a bound has to spare into the inequalities of
its proof; `_counterexamples` are two problems in one variable; `_minima` asks where runs end; `_run` holds them
together, and `_figure`, `_sentences`, `_page` and `_brief` show the result.
"""

from verification.beyond_convex._brief import figures, headline
from verification.beyond_convex._counterexamples import Counterexample, counterexamples
from verification.beyond_convex._ledger import Ledger, ledger
from verification.beyond_convex._measure import Entry, Rises, entry, rises, without_convexity
from verification.beyond_convex._minima import Minima
from verification.beyond_convex._page import write
from verification.beyond_convex._run import BeyondConvex, Settings, beyond_convex, quick
from verification.beyond_convex._sentences import lines

__all__ = [
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
    "figures",
    "headline",
    "ledger",
    "lines",
    "quick",
    "rises",
    "without_convexity",
    "write",
]
