"""Options of the command line with their ranges, and what each verb checks before it begins.

Every option of every verb that is a number has a range, `whole` or `real`, outside of which it is wrong usage; none may
be infinite. The largest sizes are such that no request is refused that a machine could
answer; whether this one can is asked by `l2o.support.memory.require_memory`, where things are made.
"""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import InputError
from ..support.paper_styles import STYLES, drawn_in


def whole(least: int, most: int) -> Callable[[Any], Any]:
    """Checks an option: integers from `least` to `most`."""
    words = f"at least one, at most {most}" if least == 1 else f"an integer from {least} to {most}"
    return _checks(lambda n: least <= n <= most, words)


def real(least: float = -math.inf, most: float = math.inf, *, above: bool = False) -> Callable[[Any], Any]:
    """Checks an option: finite numbers, at least `least` (with `above`, larger than it) and at most `most`."""
    low = "" if least == -math.inf else f" {'>' if above else '>='} {least:g}"
    high = "" if most == math.inf else f" <= {most:g}"
    words = "a finite number" + " and".join(part for part in (low, high) if part)
    return _checks(lambda x: math.isfinite(x) and (x > least if above else x >= least) and x <= most, words)


def _checks(fits: Callable[[Any], bool], words: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        for one in value if isinstance(value, (list, tuple)) else () if value is None else (value,):
            if not fits(one):
                raise typer.BadParameter(f"expected {words}, got {one}.")
        return value

    return check


COUNT = whole(1, 10**12)
"""Of what is made one after another or held in memory: instances, rows, variables, steps."""
SEED = whole(0, 2**32 - 1)
SPLIT_SEED = whole(0, 999)
"""Of verbs that draw from the splits of `l2o.training`."""
JOBS = whole(1, 4096)
NUMBER = real()
WEIGHT = real(0.0)
POSITIVE = real(0.0, above=True)

OPTIMIZER = (
    "A name (l2o.optimizer_names()), NAME:FAMILY for shipped weights, MODULE:NAME or FILE.py:NAME for code of yours, a "
    "folder of `l2obound train`, or a checkpoint of the authors' code (with --kind)"
)
"""The ways to name an optimizer, for the help of every verb that takes one."""
Name = Annotated[str | None, typer.Option(help=f"{OPTIMIZER}. The model of --weights if left out, else go-math-l2o.")]
CheckpointKind = Annotated[
    str | None, typer.Option(help="What a checkpoint of the authors' code is: go-math-l2o, l2o-pa, ...")
]
Weights = Annotated[Path | None, typer.Option(help="Folder of `l2obound train`, in place of shipped weights.")]
Untrained = Annotated[bool, typer.Option("--untrained", help="Random weights in place of trained ones.")]
Kind = Annotated[
    str,
    typer.Option(
        help="A family, as lasso, logistic_l1, quadratic, breast_cancer, digits or patches; or MODULE:NAME or "
        "FILE.py:NAME, a function (seed, batch, **options) -> problem."
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(help="Your problem: an npz with A, y | A, labels | Q, c (and lam); or a csv, see --problem."),
]
"""Of every verb that runs on one problem, or on a batch of them."""
Batch = Annotated[int, typer.Option(callback=COUNT, help="Number of instances.")]
Rows = Annotated[int, typer.Option(callback=COUNT, help="Rows of A.")]
Dim = Annotated[int, typer.Option(callback=COUNT, help="Variables.")]
Lam = Annotated[
    float | None,
    typer.Option(callback=WEIGHT, help="Weight of the l1 norm: as given, else that of the file, else 0.1."),
]
Lower = Annotated[
    str | None,
    typer.Option(
        help="A number that F* is not below, or one for each instance with commas between; it is trusted where no "
        "certificate is known, and the verdicts say so."
    ),
]
Steps = Annotated[int, typer.Option(callback=COUNT, help="Iterations K.")]
Start = Annotated[float, typer.Option("--s", callback=NUMBER, help="Shift of the initial point.")]
Objective = Annotated[float, typer.Option("--t", callback=NUMBER, help="Shift of the objective, F(x + t).")]
Seed = Annotated[int, typer.Option(callback=SEED, help="Seed of the problems and initial points.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Print all rows and all details; --json has everything as numbers.")
]
Jobs = Annotated[int, typer.Option(callback=JOBS, help="Processes on this machine.")]


def _draw_in(context: typer.Context, name: str) -> str:
    """Draw the figures of the verb in that style, until it ends."""
    context.with_resource(drawn_in(name))
    return name


FigureStyle = Annotated[
    str,
    typer.Option("--style", callback=_draw_in, help=f"For which place figures are sized: {', '.join(STYLES)}."),
]
"""Of every verb that draws figures. The style holds while the verb runs; what it calls reads the current style."""


def writable_folder(path: Path) -> Path:
    """The folder, made and tried: one clear error where no files can be written to it, before the work and not after.

    Args:
        path: The folder; it need not exist.

    Returns:
        `path`.

    Raises:
        InputError: It cannot be made or written to. Then nothing is left behind.
    """
    try:
        _make_and_try(path)
    except (OSError, ValueError) as problem:
        reason = _reason(problem, path)
        raise InputError(f"{path}: cannot be used as a folder to write to ({reason}); give another.") from None
    return path


def writable_file(path: Path) -> Path:
    """As `writable_folder`, for a file that will be made or replaced."""
    if os.path.isdir(path):
        raise InputError(f"{path}: this is a folder; give the name of a file.")
    try:
        _make_and_try(path.parent, f".{path.name}.12345678")  # the name that it has while it is written
    except (OSError, ValueError) as problem:
        raise InputError(f"{path}: cannot be written ({_reason(problem, path)}); give another name.") from None
    return path


def _make_and_try(folder: Path, name: str = "") -> None:
    """Make a folder, try to write to it, and whether a file may have that name; what was made goes if one fails."""
    made: list[Path] = []
    try:
        made = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        with contextlib.suppress(FileNotFoundError):
            os.lstat(folder / name)
    except (OSError, ValueError):
        for place in made:
            with contextlib.suppress(OSError, ValueError):
                place.rmdir()
        raise


def _reason(problem: OSError | ValueError, path: Path) -> str:
    """What is wrong, and with which place if that is another than `path`."""
    if not isinstance(problem, OSError):
        return str(problem)
    place = problem.filename
    if isinstance(problem, (FileExistsError, NotADirectoryError)):
        file = next((part for part in (path, *path.parents) if part.is_file()), path)
        return "it is a file" if file == path else f"{file} is a file"
    elsewhere = place is not None and Path(os.path.abspath(os.fsdecode(place))) != Path(os.path.abspath(path))
    return f"{problem.strerror}; {os.fsdecode(place)}" if elsewhere else str(problem.strerror)
