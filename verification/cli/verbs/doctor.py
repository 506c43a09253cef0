"""`l2obound doctor`: whether this installation is sound."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..answer import Answer, Table, print_answer
from ..console import emit


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
        words = {True: "ok", False: "NOT OK", None: "note"}
        wrong = [f for f in findings if f.ok is False]
        advice = "; ".join(f"{f.name}: {f.advice}" for f in wrong if f.advice)
        print_answer(
            Answer(
                table=Table(("looked at", "result", "state"), [[f.name, words[f.ok], f.result] for f in findings]),
                finding=[
                    f"NOT sound: {', '.join(f.name for f in wrong)}." if wrong else "This installation is sound.",
                ],
                next=advice if wrong else "`l2obound report --quick` makes a first report.",
            ),
            verbose=True,  # every row: there are as many as there are things to look at
        )
    raise typer.Exit(1 if any(f.ok is False for f in findings) else 0)


VERBS = {"doctor": doctor}
