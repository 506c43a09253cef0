"""What every study has in common: settings and a result in, a page, a table, numbers and figures out.

`study` has the contract, `Study`, and what follows from it; `settings` the checks of settings. A page consists of the
blocks of `verification.pages.blocks`, and `verification.cli.studies` makes the verb of a study.
"""

from ...support.plain import plain
from .settings import plain_fields, require_at_least, require_some
from .study import Brief, Context, Counter, Progress, Result, Study, chosen, now, silent

__all__ = [
    "Brief",
    "Context",
    "Counter",
    "Progress",
    "Result",
    "Study",
    "chosen",
    "now",
    "plain",
    "plain_fields",
    "require_at_least",
    "require_some",
    "silent",
]
