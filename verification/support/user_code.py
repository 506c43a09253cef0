"""Whose error it is: that of code which a user named, as MODULE:FACTORY, or a defect of this program."""

from __future__ import annotations

import sysconfig
import traceback
from importlib.util import find_spec
from pathlib import Path

_OURS = tuple(
    str(Path(str(spec.origin)).parent)
    for name in ("bounds", "l2o", "verification")
    if (spec := find_spec(f"l2obound.{name}")) is not None
)
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
NAMED: set[str] = set()
"""Top-level modules that this command imported because the user named them: theirs, wherever they are installed."""


def users_traceback(error: BaseException) -> str | None:
    """The traceback from where code of the user was entered; None where none was, or none was named.

    An error counts as the user's where a frame of theirs is below the first of ours: they called what failed.
    """
    if not NAMED:
        return None
    frames = traceback.extract_tb(error.__traceback__)
    owners = [_owner(entry, frame) for entry, (frame, _) in zip(frames, traceback.walk_tb(error.__traceback__))]
    entered = owners.index("ours") if "ours" in owners else 0
    theirs = next((i for i in range(entered, len(owners)) if owners[i] == "user"), None)
    if theirs is None and not (isinstance(error, SyntaxError) and _of_user(str(error.filename), "")):
        return None
    shown = [] if theirs is None else [f for f in frames[theirs:] if not f.filename.startswith("<frozen")]
    head = ["Traceback (most recent call last):\n"] if shown else []
    return "".join([*head, *traceback.format_list(shown), *traceback.format_exception_only(error)]).rstrip()


def _owner(entry: traceback.FrameSummary, frame: object) -> str:
    if entry.filename.startswith(_OURS):
        return "ours"
    module = str(getattr(frame, "f_globals", {}).get("__name__", ""))
    return "user" if _of_user(entry.filename, module) else "library"


def _of_user(file: str, module: str) -> bool:
    if module.partition(".")[0] in NAMED:
        return True
    return not file.startswith(("<", *_OURS, *_LIBRARIES))
