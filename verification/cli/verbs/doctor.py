"""`l2obound doctor`: whether this installation is sound."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..console import console, emit


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Check whether this installation is sound: packages, solvers, cache, weights, and two bounds with a known verdict.

    Exits with 1 where something is not as it should be.

    Example: l2obound doctor
    """
    from ..doctor import doctor as look

    findings = look()
    if as_json:
        emit(json.dumps([f.to_dict() for f in findings]))
    else:
        for f in findings:
            word = {True: "ok", False: "NOT OK", None: "note"}[f.ok]
            advice = f" ({f.advice})" if f.ok is False and f.advice else ""
            console.print(f"{word:7}{f.name}: {f.found}{advice}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(1 if any(f.ok is False for f in findings) else 0)


VERBS = {"doctor": doctor}
