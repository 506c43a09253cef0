"""The parts of `l2obound worst-case`: reading its options, and what it prints and writes."""

from __future__ import annotations

import itertools
import json
import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from .... import l2o
from ....l2o.support.files import read_json, write_bytes, write_npz
from ...support.plain import plain
from ..console import console, emit, progress_bar


def per_step(text: str | None, option: str, separator: str = ",") -> Any:
    """A number, or a list of numbers with one for each step, as exact fractions; None where the option is not given."""
    if text is None:
        return None
    excerpt = text if len(text) <= 60 else f"{text[:57]}..."
    try:
        numbers = [_fraction(part.strip()) for part in text.split(separator)]
    except (ValueError, ZeroDivisionError):
        kind = "numbers such as 0.5 or 1/3" if separator == "," else "numbers separated by ;"
        raise l2o.InputError(f"{option}: expected {kind}, got {excerpt!r}.") from None
    except OverflowError:
        raise l2o.InputError(f"{option}: expected numbers with at most 300 digits, got {excerpt!r}.") from None
    return numbers[0] if len(numbers) == 1 else numbers


_DIGITS = re.compile(r"[^eE]{0,400}([eE][+-]?0*[0-9]{1,3})?")


def _fraction(text: str) -> Fraction:
    """The exact number; an `OverflowError` for one that no float is near, before it is computed."""
    if not _DIGITS.fullmatch(text):
        raise OverflowError
    number = Fraction(text)
    if number and not 1e-300 <= abs(number) <= 1e300:
        raise OverflowError
    return number


def momentum_of(text: str | None, method: str) -> Any:
    """beta of heavy_ball; "q,b" of go_math, each a number or a ;-separated list."""
    if text is None or method != "go_math":
        return per_step(text, "--momentum")
    parts = text.split(",")
    if len(parts) != 2:
        raise l2o.InputError(
            f'--momentum: go_math takes "q,b", each a number or one for each step separated by ; as in '
            f'"0.5;0.4,0.1;0.2", got {text!r}.'
        )
    return tuple(per_step(part, "--momentum", ";") for part in parts)


def swept(text: str | None, option: str) -> list[Fraction]:
    """The values of an option that is swept over: one or several, none where it was not given."""
    values = per_step(text, option)
    return [] if values is None else values if isinstance(values, list) else [values]


def _answer(worst: Any) -> dict[str, Any]:
    """A worst case as JSON, without what takes longer to find."""
    from ....bounds.worst_cases.result import question

    return {
        "question": question(worst.setting),
        "value": worst.value,
        "lower": plain(worst.lower),
        "upper": plain(worst.upper),
        "gap": plain(worst.gap),
        "closed": worst.closed,
        "solver": worst.solver,
        "status": worst.status,
        "seconds": worst.seconds,
    }


def check_certificate(path: Path, as_json: bool) -> None:
    """Check a certificate with the checker, which knows nothing of the engine; exit with 1 if it is wrong."""
    from ....bounds.worst_cases import checker

    path.stat()  # where it is missing, the system's own words
    data = read_json(path, "a certificate", "write it again with --certificate")
    if not isinstance(data, dict):
        raise l2o.InputError(f"{path}: not a certificate: expected a JSON object, got {type(data).__name__}.")
    wrong = ""
    try:
        bound = checker.check(data)
    except checker.Wrong as problem:
        wrong = str(problem)
    if as_json:
        emit(json.dumps({"valid": not wrong, "reason": wrong, "bound": None if wrong else str(bound)}))
    elif wrong:
        console.print(f"WRONG: {wrong}", highlight=False, markup=False, soft_wrap=True)
    else:
        kind = "is" if data["exact"] else "is at most"
        text = f"valid: the worst case {kind} {bound} ({float(bound):.9g})"
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(1 if wrong else 0)


def run_sweep(question: dict[str, Any], axes: dict[str, list[Fraction]], as_json: bool) -> None:
    """All combinations of the swept values; a combination without a finite worst case is a row that says so."""
    from ....bounds.worst_cases import UnboundedError, sweep

    axes = {name: values for name, values in axes.items() if values}
    choices = [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
    pending = [sweep([choice], **question) for choice in choices]  # checks all of them before the first is solved
    rows = []
    with progress_bar() as bar:
        for choice, one in zip(bar.track(choices, description="worst cases"), pending):
            named = {name: int(v) if name == "steps" else float(v) for name, v in choice.items()}
            worst = next(one)
            if isinstance(worst, UnboundedError):
                rows.append({**named, "value": None, "unbounded": True, "reason": str(worst)})
            else:
                rows.append({**named, **_answer(worst)})
    if as_json:
        emit(json.dumps(rows))
        return
    table = Table(*axes, "value", "lower", "upper", "gap", "")
    for row in rows:
        given = [f"{row[name]:.6g}" for name in axes]
        if row["value"] is None:
            table.add_row(*given, "+inf")
        else:
            lower, upper, gap = (math.nan if row[n] is None else row[n] for n in ("lower", "upper", "gap"))
            state = "closed" if row["closed"] else "OPEN"
            table.add_row(*given, f"{row['value']:.9g}", f"{lower:.9g}", f"{upper:.9g}", f"{gap:.1e}", state)
    console.print(table)


def print_one(
    worst: Any, proof: bool, certificate: Path | None, instance: Path | None, replay: bool, as_json: bool
) -> None:
    """Print one answer, and write what was asked for: the files first, so that nothing is printed of a failure."""
    exact = worst.certificate() if as_json or certificate is not None else None
    if certificate is not None:
        if exact is None:
            raise l2o.InputError(
                f"--certificate: there is none, and {certificate} was not written: {worst.why_no_certificate}."
            )
        write_bytes(certificate, (json.dumps(exact.data, indent=1) + "\n").encode())
    if instance is not None:
        try:
            write_npz(instance, worst.instance)
        except ValueError as problem:
            raise l2o.InputError(f"--instance: {instance} was not written: {problem}") from None
    attained = None
    if replay:
        from ...worst_cases.run_instance import replay as run_again

        attained = run_again(worst)[1]
    if as_json:
        result = {**_answer(worst), "multipliers": worst.multipliers}
        result["certificate"] = None if exact is None else str(exact.tau)
        result |= {"attained": attained} if replay else {}
        result |= {"proof": worst.text} if proof else {}
        emit(json.dumps(result))
        return
    lines = [worst.summary()]
    if exact is not None:
        word = "exactly" if exact.exact else "at most"
        lines.append(f"certificate: {word} {exact.tau}, {len(exact.multipliers)} inequalities, in {certificate}")
    if instance is not None:
        lines.append(f"instance: {instance}")
    if attained is not None:
        lines.append(f"run on its instance, the method attains {attained:.9g}")
    if proof:
        lines.append(worst.text.rstrip())
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
