"""What the verbs that answer one question share: a bar while they run, what is printed and written, the exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import typer

from .console import console, emit, errors, progress_bar
from .options import writable_folder

Progress = Callable[[int, int, str], None]


def answer(
    package: ModuleType,
    run: Callable[[Progress], Any],
    out: Path,
    as_json: bool,
    in_words: Callable[[Any], str] = str,
) -> None:
    """Run, write the page of `package` to `out`, print its lines or the JSON, and exit: with 1 if anything is broken.

    `run(progress)` makes a result with `broken`, each item of which `in_words` puts into words, and `to_dict`;
    `package` has `write(result, folder)` and `lines(result)`.
    """
    writable_folder(out)
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)
        result = run(lambda done, total, what: bar.update(task, completed=done, total=total, description=what))
    page = package.write(result, out)
    if as_json:
        emit(json.dumps({"page": str(page), **result.to_dict()}, allow_nan=False))
    else:
        for line in (*package.lines(result), str(page)):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for item in result.broken:
        errors.print(in_words(item), highlight=False, markup=False)
    raise typer.Exit(1 if result.broken else 0)
