"""The verb of a study: its options, what it prints and writes, and the exit code."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import InputError
from .answer import Answer, Table, print_answer
from .console import emit, errors, watched
from .options import FigureStyle, Seed, Verbose, writable_folder

if TYPE_CHECKING:
    from ..studies.framework import Study


def several(words: str, **more: Any) -> Any:
    """An option that may be given more than once; `more` as for `typer.Option`."""
    return Annotated[list[str] | None, typer.Option(help=words, **more)]


@dataclass(frozen=True)
class Other:
    """Another study that the same verb runs, in the place of its own, where one of these options is given.

    Attributes:
        load: Gives the study; called when it is run.
        options: The type of each option as typer reads it.
        settings: From the options that are given and the seed to the settings of the study.
        shared: Options of the verb's own study that set the same fields of this one.
        taken: Options of the verb's own study that `settings` reads as well.
    """

    load: Callable[[], Study[Any, Any]]
    options: Mapping[str, Any]
    settings: Callable[[Mapping[str, Any], int], Any]
    shared: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()


def verb(
    name: str,
    load: Callable[[], Study[Any, Any]],
    words: str,
    *,
    quick: str,
    options: Mapping[str, tuple[str, Any]] | None = None,
    seed: Any = Seed,
    other: Other | None = None,
) -> Callable[..., None]:
    """What the command line runs for a study.

    Beside the options given here there are --out, --quick, --seed, --style, --verbose and --json. The exit code is 1 if
    the result has something broken, else 0.

    Args:
        name: Of the study; also the folder that is written to by default.
        load: Gives the study. It is called when the verb runs, so that its help needs none of the study's imports.
        words: The help.
        quick: The help of --quick.
        options: The field of the settings that each further option sets, where it is given, and its type as typer reads
            it; a list is set as a tuple of its different entries.
        seed: The type of --seed.
        other: Another study, and the options by which it is asked for.

    Returns:
        The function, with the signature that typer reads.
    """
    fields_of = dict(options or {})
    others = {} if other is None else dict(other.options)

    def run(*, out: Path, quick: bool, seed: int, style: str, verbose: bool, as_json: bool, **given: Any) -> None:
        present = {option: value for option, value in given.items() if value not in (None, [])}
        of_other = {option: present.pop(option) for option in others if option in present}
        if other is not None and of_other:
            of_other |= {option: present.pop(option) for option in other.taken if option in present}
        if other is not None and of_other:
            if unfit := [option for option in present if option not in other.shared]:
                raise InputError(
                    f"--{unfit[0]} belongs to the study of the shipped models, and --{min(of_other).replace('_', '-')} "
                    f"asks for that of your own; leave one of them out."
                )
            study, settings = other.load(), other.settings(of_other, seed)
        else:
            study = load()
            settings = study.settings(seed=seed)
        if quick:
            settings = study.quick(settings)
        changes = {fields_of[option][0]: value for option, value in present.items()}
        changes = {k: tuple(dict.fromkeys(v)) if isinstance(v, list) else v for k, v in changes.items()}
        _answer(study, replace(settings, **changes), out, as_json, verbose)

    parameters: dict[str, tuple[Any, Any]]
    parameters = {option: (kind, None) for option, (_, kind) in fields_of.items()}
    parameters |= {option: (kind, None) for option, kind in others.items()} | {
        "out": (Annotated[Path, typer.Option(help="Folder to write to.")], Path(name)),
        "quick": (Annotated[bool, typer.Option("--quick", help=quick)], False),
        "seed": (seed, 0),
        "style": (FigureStyle, "none"),
        "verbose": (Verbose, False),
        "as_json": (Annotated[bool, typer.Option("--json", help="Print the results as JSON.")], False),
    }
    run.__name__, run.__doc__ = name, words
    run.__annotations__ = {option: kind for option, (kind, _) in parameters.items()}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # which typer reads
        [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for option, (kind, default) in parameters.items()
        ]
    )
    return run


def main(run: Callable[..., None]) -> None:
    """A program that is this verb alone, as for a study in a repository of its own: `python -m my_study`."""
    from .app import main as guarded
    from .app import program

    guarded(program(run.__name__, run))


def _answer(study: Study[Any, Any], settings: Any, out: Path, as_json: bool, verbose: bool) -> None:
    """Run, write to `out`, print the answer or the JSON, and exit: with 1 if anything is broken."""
    from ..studies.framework import Context

    writable_folder(out)
    result = watched(lambda progress: study.run(settings, Context(progress, out)))
    page = study.write(result, out)
    if as_json:
        emit(json.dumps({"page": str(page), **result.to_dict()}, allow_nan=False))
    else:
        brief = study.briefly(result)
        print_answer(
            Answer(
                table=Table(brief.columns, brief.rows),
                finding=brief.sentences,
                where=[page],
                next="open the page; --verbose prints every sentence of it.",
                details=study.lines(result),
            ),
            verbose,
        )
    for item in result.broken:
        errors.print(study.in_words(item), highlight=False, markup=False)
    raise typer.Exit(1 if result.broken else 0)
