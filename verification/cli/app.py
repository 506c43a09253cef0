"""The command `l2obound`.

Exit codes: 0 no violation, 1 a violation, 2 wrong usage or input (one clear line; an error in code that the user named
has its traceback below), 3 inconclusive with --strict; 70 a defect of this program, with a traceback; 130 interrupted
(finished work is kept). Standard output carries results alone, see `_console`.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand

# OpenMP's threads shall sleep while they wait. By default they spin, and on a busy machine every small product of two
# threads then waits for one that has no core (measured: twice to four times slower). Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Figures are drawn into files, without a window. A notebook names a backend of its own for the programs that it starts,
# and where matplotlib does not know it there it cannot even be imported. Read when matplotlib is loaded.
os.environ["MPLBACKEND"] = "agg"

from ... import bounds, l2o
from ..support.user_code import NAMED, users_traceback
from .console import errors, open_streams, results_alone
from .verbs.beyond_convex import beyond_convex
from .verbs.bounds import list_bounds, prove_bounds
from .verbs.check import check
from .verbs.conditioning import conditioning
from .verbs.doctor import doctor
from .verbs.drift import drift
from .verbs.experiment import experiment
from .verbs.falsify import falsify
from .verbs.guarantee import guarantee
from .verbs.open_questions import open_questions
from .verbs.report import report
from .verbs.sensitivity import sensitivity
from .verbs.speedup import speedup
from .verbs.sweep import sweep
from .verbs.train import train
from .verbs.verify import assumption, verify
from .verbs.worst_case import worst_case

app = typer.Typer(
    help="Says, with proof, how far a learned optimizer can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class _Verb(TyperCommand):
    """A verb, for whose run standard output carries its results alone; the help is no result."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        with results_alone():
            return super().invoke(ctx)


for _verb in (
    report, verify, assumption, train, sweep, speedup, experiment, check, falsify, guarantee, sensitivity, conditioning,
    beyond_convex, drift, open_questions, worst_case, doctor,
):  # fmt: skip
    app.command(_verb.__name__.replace("_", "-"), cls=_Verb)(_verb)
app.command("bounds", cls=_Verb)(list_bounds)
app.command("prove", cls=_Verb)(prove_bounds)
CRASH = 70  # EX_SOFTWARE of sysexits.h


def main() -> None:
    """Entry point: one clear error and exit code 2 for wrong input."""
    open_streams()
    NAMED.clear()
    try:
        app()
    except (l2o.InputError, bounds.InputError) as problem:
        _stop(" ".join(str(problem).split()))
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        _stop(f"{where}{problem.strerror or problem}", users_traceback(problem))
    except MemoryError as problem:
        _no_memory(str(problem))
    except SystemExit as problem:  # how a verb ends, but not for code of the user to choose
        theirs = users_traceback(problem)
        if theirs is None:
            raise
        _stop("the code that you named ended the program", theirs)
    except Exception as problem:  # the last handler: the user's code exits with 2, ours with 70; both show where
        theirs = users_traceback(problem)
        if theirs is not None:
            _stop(f"the code that you named raised {type(problem).__name__}", theirs)
        if _NO_MEMORY in str(problem):
            _no_memory("")
        errors.print_exception()  # a defect of ours: it must not exit with 1, which says that a bound is violated
        sys.exit(CRASH)


_NO_MEMORY = "can't allocate memory"
"""In the RuntimeError of torch, which raises no MemoryError."""


def _no_memory(problem: str) -> NoReturn:
    what = f" ({problem})" if problem else ""
    _stop(f"not enough memory{what}; ask for fewer instances or smaller sizes")


def _stop(message: str, traceback: str | None = None) -> NoReturn:
    """Exit code 2, and what is wrong: one line, and the traceback of the user's own code."""
    errors.print(f"error: {message}", style="red", markup=False, soft_wrap=True)
    if traceback:
        errors.print(traceback, highlight=False, markup=False, soft_wrap=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
