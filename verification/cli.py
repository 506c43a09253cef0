"""The command `l2obound`.

Exit codes: 0 no violation, 1 a violation, 2 wrong usage or input (one clear line), 3 inconclusive with --strict; 70 a
defect of this program, with a traceback; 130 interrupted (finished work is kept).
"""

from __future__ import annotations

import os
import sys

import typer

# OpenMP's threads shall sleep while they wait. By default they spin, and on a busy machine every small product of two
# threads then waits for one that has no core (measured: twice to four times slower). Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import bounds
import l2o
from verification._beyond_convex_cli import beyond_convex
from verification._bounds_cli import list_bounds, prove_bounds
from verification._check_cli import check
from verification._conditioning_cli import conditioning
from verification._console import errors
from verification._doctor_cli import doctor
from verification._drift_cli import drift
from verification._experiment_cli import experiment
from verification._falsify_cli import falsify
from verification._guarantee_cli import guarantee
from verification._open_questions_cli import open_questions
from verification._report_cli import report
from verification._sensitivity_cli import sensitivity
from verification._speedup_cli import speedup
from verification._sweep_cli import sweep
from verification._train_cli import train
from verification._verify_cli import assumption, verify
from verification._worst_case_verb import worst_case

app = typer.Typer(
    help="Says, with proof, how far a learned optimizer can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _verb in (
    report, verify, assumption, train, sweep, speedup, experiment, check, falsify, guarantee, sensitivity, conditioning,
    beyond_convex, drift, open_questions, worst_case, doctor,
):  # fmt: skip
    app.command(_verb.__name__.replace("_", "-"))(_verb)
app.command("bounds")(list_bounds)
app.command("prove")(prove_bounds)
CRASH = 70  # EX_SOFTWARE of sysexits.h


def main() -> None:
    """Entry point: one line and exit code 2 for wrong input."""
    try:
        app()
    except (l2o.InputError, bounds.InputError) as problem:
        errors.print(f"error: {' '.join(str(problem).split())}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        errors.print(f"error: {where}{problem.strerror or problem}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except MemoryError as problem:
        what = f" ({problem})" if str(problem) else ""
        advice = f"error: not enough memory{what}; ask for fewer instances or smaller sizes"
        errors.print(advice, style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except Exception:  # a defect of ours: it must not exit with 1, which says that a bound is violated
        errors.print_exception()
        sys.exit(CRASH)


if __name__ == "__main__":
    main()
