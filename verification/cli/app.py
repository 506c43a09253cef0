"""The command `l2obound`.

Exit codes: 0 no violation, 1 a violation, 2 wrong usage or input (one clear line; an error in code that the user named
has its traceback below), 3 inconclusive with --strict; 70 a defect of this program, with a traceback; 130 interrupted,
with a line that says whether the same command goes on. Standard output carries results alone, see `console`.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

# OpenMP's threads shall sleep while they wait. By default they spin, and on a busy machine every small product of two
# threads then waits for one that has no core (measured: twice to four times slower). Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Figures are drawn into files, without a window. A notebook names a backend of its own for the programs that it starts,
# and where matplotlib does not know it there it cannot even be imported. Read when matplotlib is loaded.
os.environ["MPLBACKEND"] = "agg"

from ...errors import InputError, suggestion
from ...user_code import NAMED, users_traceback
from .console import emit, errors, open_streams, results_alone

VERBS = {
    "report": ("report", "Run GO-Math-L2O and its rivals, hold the bounds against the runs and write a page."),
    "verify": ("verify", "Hold bounds against a run: yours, or one made here."),
    "assumption": ("verify", "Measure how far a model is from Assumption 1, step by step."),
    "train": ("train", "Train a learned optimizer, or go on with a training that was interrupted."),
    "sweep": ("sweep", "Run a grid of experiments and keep every cell as it is done."),
    "speedup": ("speedup", "Measure by what factor learned optimizers reach a gap before others."),
    "experiment": ("experiment", "Run the experiments behind figures of the paper and judge its claims."),
    "check": ("check", "Run the conformance suite on an optimizer."),
    "falsify": ("falsify", "Search for a run that breaks a bound, or that uses most of it."),
    "guarantee": ("guarantee", "State what holds of a new instance, with confidence 1 - delta over a sample."),
    "sensitivity": ("studies", "Measure how far steps may drift from 1/L before a guarantee ends."),
    "conditioning": ("studies", "Find whether a large L or bad conditioning makes a learned optimizer fail."),
    "beyond-convex": ("studies", "Find which guarantees survive where f is not convex or points are constrained."),
    "drift": ("studies", "Measure what practical shifts of the distribution cost the shipped models for LASSO."),
    "training-curve": ("studies", "Measure what more training brings, at each stage of a training."),
    "open-questions": ("open_questions", "Answer what the paper leaves open, with numbers on one page."),
    "worst-case": ("worst_case", "Compute the exact worst case of a method over a class of functions."),
    "doctor": ("doctor", "Check whether this installation is sound."),
    "list": ("names", "List what has a name: optimizers, problems, bounds, weights, trainings, checks, studies."),
    "bounds": ("bounds", "List the catalogue of bounds, or state one."),
    "prove": ("bounds", "Check the machine proof of a bound, or of all of them."),
}
"""Every verb: its module in `verbs`, and a line of help. A module is imported when its verb is asked for."""


RESUMED = frozenset(("report", "train", "sweep", "speedup", "experiment", "open-questions"))
"""The verbs that keep what is finished: the same command goes on from there."""
TAKES_NO_DATA = {
    "falsify": "it searches over all instances of a family, and a file is one of them",
    "guarantee": "it speaks of a distribution, from which it draws a sample; a function that draws, MODULE:NAME or "
    "FILE.py:NAME, goes to --problem",
    "drift": "it compares two of them, --train-data and --deployed-data",
}
"""Why a verb that runs an optimizer has no --data. With it are verify, assumption, check, report and sensitivity."""
OLD_SPELLINGS = {
    "falsify": {"--family": "--problem", "--method": "--search"},
    "sensitivity": {"--family": "--problem"},
    "beyond-convex": {"--family": "--problem"},
    "drift": {"--model": "--optimizer"},
    "worst-case": {"--reference": "--reference-step"},
}
"""Options as they were called before one thing had one name. They are understood, and no help shows them.

The functions of Python have arguments of these names still, so an error of theirs is told by the new name.
"""
INTERRUPTED = 130  # what a shell reports of a program that SIGINT ended


def _interrupted(verb: str | None) -> NoReturn:
    """Exit after Ctrl-C."""
    rest = ""
    if verb in RESUMED:
        rest = ": what is finished is kept; run the same command again to resume"
    elif verb is not None:
        rest = ": nothing is kept; the same command begins anew"
    errors.print(f"interrupted{rest}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(INTERRUPTED)


NUMBERS = {"int": "an integer", "float": "a number"}


def _what_was_given(problem: Any) -> str:
    """The message of an option that cannot be read: what was expected, and the text that was given.

    typer hands on the words of pydantic, which do not have the text.
    """
    errors_of = getattr(problem.__cause__, "errors", None)
    if errors_of is None:
        return str(problem.message)
    first = errors_of()[0]
    words = NUMBERS.get(first["type"].partition("_")[0])
    expected = f"expected {words}" if words else first["msg"]
    return f"{expected}, got {first['input']!r}."


class _Verb(TyperCommand):
    """A verb, for whose run standard output carries its results alone; the help is no result."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options, those of old spelling too."""
        self._refuse_iterates(ctx, args)
        if self.name in TAKES_NO_DATA and any(argument.partition("=")[0] == "--data" for argument in args):
            ctx.fail(f"{self.name} takes no --data: {TAKES_NO_DATA[self.name]}.")
        old = OLD_SPELLINGS.get(self.name or "", {})
        renamed = []
        for argument in args:
            option, sign, value = argument.partition("=")
            renamed.append(f"{old.get(option, option)}{sign}{value}")
        try:
            with self._told_by_option():
                return super().parse_args(ctx, renamed)
        except typer.BadParameter as problem:
            problem.message = _what_was_given(problem)
            raise

    def _refuse_iterates(self, ctx: Any, args: list[str]) -> None:
        """Say why a verb that runs an optimizer itself cannot take iterates in its place."""
        options = {option for parameter in self.params for option in parameter.opts}
        wants_them = any(argument.partition("=")[0] == "--iterates" for argument in args)
        if wants_them and "--iterates" not in options and options & {"--optimizer", "optimizer", "subject"}:
            ctx.fail(
                f"{self.name} runs the optimizer itself and takes no iterates; give the optimizer. Iterates of any "
                "code go to `l2obound verify` and `l2obound report`."
            )

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
            with results_alone(), self._told_by_option():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            _interrupted(self.name)

    @contextlib.contextmanager
    def _told_by_option(self) -> Iterator[None]:
        """Errors about an argument of a function name the option that sets it."""
        try:
            yield
        except InputError as problem:
            problem.args = (self._by_option(str(problem)),)
            raise

    def _by_option(self, message: str) -> str:
        """The message with the option at its head, where it begins with the argument that the option sets."""
        name, colon, rest = message.partition(":")
        options = {option for parameter in self.params for option in parameter.opts}
        option = f"--{name.replace('_', '-')}"
        for spelling in (option, option.removesuffix("s")):
            spelling = OLD_SPELLINGS.get(self.name or "", {}).get(spelling, spelling)
            if colon and spelling in options:
                return f"{spelling}:{rest}"
        return message


def program(name: str, run: Any) -> typer.Typer:
    """A program that is one verb; `run` is the function that it calls."""
    one = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    one.command(name, cls=_Verb)(run)
    return one


def function(verb: str) -> Any:
    """What runs a verb; its module is imported now."""
    return importlib.import_module(f"{__package__}.verbs.{VERBS[verb][0]}").VERBS[verb]


class _Verbs(TyperGroup):
    """The verbs of `VERBS`; to list them imports none."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order in which they are shown."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb, imported now; None for a name that is none, and an error where one was to be run."""
        if cmd_name not in VERBS:
            if ctx is not None and not ctx.resilient_parsing:
                near = suggestion(cmd_name, VERBS) or "l2obound --help has all of them. "
                ctx.fail(f"No such command {cmd_name!r}: {near}".rstrip())
            return None
        return typer.main.get_command(program(cmd_name, function(cmd_name)))

    def invoke(self, ctx: Any) -> Any:
        """Import and run a verb."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # while the verb was imported
            _interrupted(None)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Names of verbs and options that begin so; asked at every press of the key, it imports no verb."""
        named: dict[str, Any] = {name: TyperCommand(name, help=line) for name, (_, line) in VERBS.items()}
        group = TyperGroup(name=self.name, commands=named, params=self.params)
        return group.shell_complete(group.make_context(self.name, [], resilient_parsing=True), incomplete)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The section of the help that lists them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


app = typer.Typer(
    cls=_Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from ... import __version__

        emit(f"l2obound {__version__}")
        raise typer.Exit


@app.callback()
def l2obound(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Says, with proof, how far a learned optimizer can be trusted."""


def commands() -> dict[str, Any]:
    """Every verb as the command line has it, by name."""
    group: Any = typer.main.get_command(app)
    return {name: group.get_command(None, name) for name in VERBS}


CRASH = 70  # EX_SOFTWARE of sysexits.h


def main(called: Callable[[], Any] = app) -> None:
    """Entry point: one clear error and exit code 2 for wrong input."""
    open_streams()
    NAMED.clear()
    try:
        called()
    except InputError as problem:
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
    except KeyboardInterrupt:  # outside of any verb
        errors.print("interrupted", highlight=False)
        sys.exit(INTERRUPTED)
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
