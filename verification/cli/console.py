"""Where the command line writes: results to standard output, everything else to standard error.

Standard output is for results alone: a solver, or a module of the user, that prints would break the JSON. So while a
verb runs, `results_alone` points file descriptor 1 and `sys.stdout` to standard error, and only `console` and `emit`
write to what standard output was.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text


class _Results(io.TextIOBase):
    """Standard output as it was when the verb began, or as it is now if none runs.

    What the encoding of the terminal lacks is written as an escape. A reader that is gone, as behind `| head`, has read
    what it wanted: the rest is dropped, and the exit code stays that of the verdicts.
    """

    def __init__(self) -> None:
        self.stream: TextIO | None = None
        self.gone = False

    def _current(self) -> TextIO | None:
        return self.stream or sys.stdout

    def _do(self, write: Any) -> None:
        if self.gone:
            return
        try:
            write()
        except OSError as problem:
            if problem.errno != errno.EPIPE:
                raise OSError(problem.errno, problem.strerror, "standard output") from None
            self.gone = True

    def write(self, text: str) -> int:
        """Write text."""
        stream = self._current()
        if stream is not None:  # closed, as by >&-
            encoding = getattr(stream, "encoding", None) or "utf-8"
            plain = text.encode(encoding, errors="backslashreplace").decode(encoding)
            self._do(lambda: stream.write(plain))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        stream = self._current()
        if stream is not None:
            self._do(stream.flush)

    def isatty(self) -> bool:
        """Whether a person reads along."""
        stream = self._current()
        return stream is not None and stream.isatty()

    def fileno(self) -> int:
        """The descriptor of the stream; rich asks it for the width of the terminal."""
        stream = self._current()
        if stream is None:
            raise io.UnsupportedOperation("closed")
        return stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute in TextIOBase; here it follows the stream
        """That of the stream, by which rich chooses the lines of tables."""
        return getattr(self._current(), "encoding", None) or "utf-8"


_results = _Results()
errors = Console(stderr=True, emoji=False)
console = Console(file=cast(TextIO, _results), emoji=False)


def emit(text: str) -> None:
    """A line of results, as it is: JSON."""
    _results.write(f"{text}\n")
    _results.flush()


@contextlib.contextmanager
def results_alone() -> Iterator[None]:
    """While this lasts, only `console` and `emit` write to standard output; others write to standard error."""
    if _results.stream is not None:  # a verb within a verb
        yield
        return
    before, duplicate = sys.stdout, None
    with contextlib.suppress(OSError, ValueError):  # a stream that is closed
        before.flush()
    saved = os.dup(1)
    try:
        if _is_descriptor(before, 1):
            duplicate = os.fdopen(os.dup(1), "w", encoding=before.encoding)
        _results.stream, _results.gone = duplicate or before, False
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        yield
        _results.flush()
    finally:
        sys.stdout, _results.stream = before, None
        _flush_c()
        os.dup2(saved, 1)
        os.close(saved)
        if duplicate is not None:
            with contextlib.suppress(OSError):  # the reader is gone
                duplicate.close()


def _flush_c() -> None:
    """Write out what libraries in C printed: kept in their buffer, it would follow the results at the end."""
    with contextlib.suppress(OSError, AttributeError, TypeError):  # where the C library is not found so
        ctypes.CDLL(None).fflush(None)


def _is_descriptor(stream: Any, number: int) -> bool:
    """Whether a stream writes to that descriptor of the process: a captured one does not."""
    try:
        return stream.fileno() == number
    except (OSError, ValueError):  # io.UnsupportedOperation is both
        return False


def open_streams() -> None:
    """Make standard streams that were closed discard what is written to them.

    A file that is opened later would be given the number of a closed one, and be written to by whatever prints.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (for the life of the process)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):  # for the help, which `console` does not write
        sys.stdout.reconfigure(errors="backslashreplace")


_QUIET = 15.0  # seconds after which a program that is not watched says where it is


class Word:
    """Says a line now and then where no person watches a bar, so that long work is no silence."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self, line: str) -> None:
        """Say `line`, if it is time."""
        if not errors.is_terminal and time.monotonic() - self.last > _QUIET:
            self.last = time.monotonic()
            errors.print(line, style="dim", highlight=False, markup=False, soft_wrap=True)


class _Bar(Progress):
    """A bar in a terminal, gone when the work is done or fails; a line now and then in a log."""

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """As `Progress.update`."""
        super().update(task_id, **changes)
        if not hasattr(self, "word"):
            self.word = Word()
        task = self._tasks[task_id]
        of = "" if task.total is None else f" of {task.total:g}"
        self.word(f"{task.description}: {task.completed:g}{of}")


def watched(work: Callable[[Callable[[int, int, str], None]], Any]) -> Any:
    """What `work` gives; it is called with what to tell its progress to, which a bar shows."""
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)
        return work(lambda done, total, what: bar.update(task, completed=done, total=total, description=what))


def progress_bar() -> Progress:
    """A bar with what is done, how much of it, and for how long."""
    columns = (TextColumn("{task.description}"), BarColumn(), _Done(), TimeElapsedColumn())
    return _Bar(*columns, console=errors, transient=True, disable=not errors.is_terminal)


class _Done(ProgressColumn):
    """What is done of how much; nothing while nobody knows how much it is."""

    def render(self, task: Task) -> Text:
        """As `ProgressColumn.render`."""
        return Text("" if task.total is None else f"{task.completed:g}/{task.total:g}")
