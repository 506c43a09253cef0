"""The parts of `l2obound worst-case`: reading its options, and what it prints and writes."""

from __future__ import annotations

import itertools
import json
import math
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import typer

from ....errors import InputError
from ...support.plain import plain
from ..answer import Answer, Table, print_answer
from ..console import emit, progress_bar
from ..coq_files import write_coq


def per_step(text: str | None, option: str, separator: str = ",") -> Any:
    """A number, or a list of numbers with one for each step, as exact fractions; None where the option is not given."""
    if text is None:
        return None
    excerpt = text if len(text) <= 60 else f"{text[:57]}..."
    try:
        numbers = [_fraction(part.strip()) for part in text.split(separator)]
    except (ValueError, ZeroDivisionError):
        kind = "numbers such as 0.5 or 1/3" if separator == "," else "numbers separated by ;"
        raise InputError(f"{option}: expected {kind}, got {excerpt!r}.") from None
    except OverflowError:
        raise InputError(f"{option}: expected numbers with at most 300 digits, got {excerpt!r}.") from None
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
        raise InputError(
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
    from ....l2o.support.files import read_json

    data = read_json(path, "a certificate", "write it again with --certificate")
    if not isinstance(data, dict):
        raise InputError(f"{path}: not a certificate: expected a JSON object, got {type(data).__name__}.")
    wrong = ""
    try:
        bound = checker.check(data)
    except checker.Wrong as problem:
        wrong = str(problem)
    if as_json:
        emit(json.dumps({"valid": not wrong, "reason": wrong, "bound": None if wrong else str(bound)}))
    elif wrong:
        print_answer(Answer(finding=[f"WRONG: {wrong}"], next="write the certificate again with --certificate FILE."))
    else:
        kind = "is" if data["exact"] else "is at most"
        print_answer(Answer(finding=[f"VALID: the worst case {kind} {bound} ({float(bound):.9g})."]))
    raise typer.Exit(1 if wrong else 0)


def run_sweep(
    question: dict[str, Any], axes: Mapping[str, Sequence[int | Fraction]], as_json: bool, verbose: bool
) -> None:
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
            setting = worst.setting
            if isinstance(worst, UnboundedError):
                rows.append({**named, "value": None, "unbounded": True, "reason": str(worst)})
            else:
                rows.append({**named, **_answer(worst)})
    if as_json:
        emit(json.dumps(rows))
        return
    cells = []
    for row in rows:
        given = [f"{row[name]:.6g}" for name in axes]
        if row["value"] is None:
            cells.append([*given, "+inf", "", "", "", "infinite"])
        else:
            ends = [math.nan if row[n] is None else row[n] for n in ("lower", "upper")]
            gap = math.nan if row["gap"] is None else row["gap"]
            cells.append(
                [*given, *(f"{v:.9g}" for v in (row["value"], *ends)), f"{gap:.1e}", "yes" if row["closed"] else "no"]
            )
    infinite = sum(row["value"] is None for row in rows)
    left_open = sum(row["value"] is not None and not row["closed"] for row in rows)
    print_answer(
        Answer(
            title=_question(setting, axes),
            table=Table((*axes, "worst case", "lower end", "upper end", "difference", "exact"), cells, "combinations"),
            finding=[
                f"{len(rows) - infinite - left_open} of {len(rows)} worst cases are exact: their ends agree up to the "
                "tolerance of the solver."
                + (f" {infinite} are infinite." if infinite else "")
                + (f" Only the two ends are known of {left_open}." if left_open else "")
            ],
            next="`l2obound worst-case --steps K --certificate FILE` writes the proof of one of them.",
        ),
        verbose,
    )


def print_one(
    worst: Any,
    proof: bool,
    certificate: Path | None,
    coq: Path | None,
    instance: Path | None,
    replay: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Print one answer, and write what was asked for: the files first, so that nothing is printed of a failure."""
    from ....l2o.support.files import write_bytes, write_npz

    exact = worst.certificate() if as_json or certificate is not None or coq is not None else None
    for option, file in (("--certificate", certificate), ("--coq", coq)):
        if file is None:
            continue
        if exact is None:
            raise InputError(
                f"{option}: there is no certificate, and {file} was not written: {worst.why_no_certificate}."
            )
        if option == "--coq":
            from ....bounds.coq import worst_case_text

            write_coq(file, worst_case_text(exact.data))
        else:
            write_bytes(file, (json.dumps(exact.data, indent=1) + "\n").encode())
    if instance is not None:
        try:
            write_npz(instance, worst.instance)
        except ValueError as problem:
            raise InputError(f"--instance: {instance} was not written: {problem}") from None
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
    cells = {
        "worst case": f"{worst.value:.9g}",
        "lower end, attained by a function": f"{worst.lower:.9g}",
        "upper end, proved for all functions": f"{worst.upper:.9g}",
    }
    if attained is not None:
        cells["reached by a run on that function"] = f"{attained:.9g}"
    if exact is not None:
        word = "exactly" if exact.exact else "at most"
        cells["proved in rational numbers"] = f"{word} {exact.tau}, by {len(exact.multipliers)} inequalities"
    if worst.closed:
        verdict = f"EXACT: the two ends agree to {worst.gap:.1e}."
    else:
        verdict = f"NOT EXACT: the two ends differ by {worst.gap:.1e}, and the worst case lies between them."
    further = [] if proof else ["--proof prints the inequalities that prove it"]
    further += [] if certificate is not None else ["--certificate FILE keeps the proof"]
    to_check = "FILE" if certificate is None else shlex.quote(str(certificate))
    print_answer(
        Answer(
            title=_question(worst.setting),
            table=Table(("", "value"), [list(pair) for pair in cells.items()]),
            finding=[verdict, *([worst.text.rstrip()] if proof else [])],
            where=[path for path in (certificate, coq, instance) if path is not None],
            next="; ".join([*further, f"`l2obound worst-case --check {to_check}` checks it."]),
            details=[worst.summary()],
        ),
        verbose,
    )


_METRICS = {
    "objective": "F(x_K) - F*",
    "average_objective": "the mean of F(x_k) - F* over the steps k = 1..K",
    "distance": "||x_K - x*||^2",
    "decrease": "F(x_K) - F(x_0)",
    "best_gradient": "the least squared norm of a gradient",
}
_INITIALS = {
    "distance": "||x_0 - x*|| <= 1",
    "objective": "F(x_0) - F* <= 1",
    "decrease": "F(x_0) - F(x_K) <= 1",
    "gradient": "||grad f(x_0)|| = 1",
}
"""What metrics and initial conditions are, for people; docs/worst-cases.md has the same."""


def _question(setting: Any, varied: Collection[str] = ()) -> str:
    """What was asked, in words; without the values of what varies."""
    steps = "K steps" if "steps" in varied else f"K = {setting.steps} step{'s' * (setting.steps > 1)}"
    step = "" if "step" in varied or len({*setting.step}) > 1 else f" (step {float(setting.step[0]):g})"
    sizes = "" if setting.function_class == "convex" else f" with L = {float(setting.L):g}"
    sizes += f" and mu = {float(setting.mu):g}" if setting.mu else ""
    return (
        f"The largest value of {_METRICS[setting.metric]} after {steps} of the method {setting.method}{step} over the "
        f"class {setting.function_class}{sizes}, where {_INITIALS[setting.initial]}"
    )
