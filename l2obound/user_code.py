"""Code that a user names, as MODULE:NAME or FILE.py:NAME: how it is imported, what it is, and whose errors are its own.

Nothing is imported here that takes time: the command needs it before it knows its verb.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import InputError

_OURS = tuple(
    str(Path(str(spec.origin)).parent)
    for name in ("bounds", "l2o", "verification")
    if (spec := importlib.util.find_spec(f"l2obound.{name}")) is not None
)
_LIBRARIES = (
    *dict.fromkeys(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    # packages of another environment that this one sees: the system's, the user's, those of a .pth file
    *(entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")),
)
NAMED: set[str] = set()
"""Top-level modules that this command imported because the user named them: theirs, wherever they are installed."""
_IMPORTED: dict[str, str] = {}
"""Digests of the files of the user's modules as they were when they were imported here, by path."""
_LOOKED_AT: set[str] = set()
"""Names of the user's modules whose files are in `_IMPORTED`, with those of what they import."""

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_code(text: str) -> bool:
    """Whether a text has the form MODULE:NAME or FILE.py:NAME. Whether there is such a thing is not asked."""
    file, colon, name = text.rpartition(":")
    if colon and file.endswith(".py"):
        return _NAME.fullmatch(name) is not None
    module, colon, name = text.partition(":")
    return bool(colon) and _NAME.fullmatch(module) is not None


def is_module(name: str) -> bool:
    """Whether there is a module of this name (without dots) that could be imported; nothing is run."""
    _onto_path(os.getcwd())
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def anchored(text: str, folder: str | os.PathLike[str]) -> str:
    """The text with the FILE of FILE.py:NAME below `folder`; any other text as it is."""
    file, colon, name = text.rpartition(":")
    return f"{Path(folder) / file}:{name}" if colon and file.endswith(".py") and is_code(text) else text


def load(text: str) -> tuple[Any, ModuleType]:
    """What MODULE:NAME or FILE.py:NAME names, and its module; the code of the module is run.

    The current folder is on the path, as with `python -m`; the folder of a FILE is, too. An error that the code raises
    passes as it is: see `users_traceback`.

    Args:
        text: The name, as `is_code` takes it.

    Returns:
        The thing, and the module.

    Raises:
        InputError: No such module, no such file, or nothing of that name in it.
    """
    _onto_path(os.getcwd())
    file, _, name = text.rpartition(":")
    if file.endswith(".py"):
        module = _from_file(Path(file), text)
    else:
        file, _, name = text.partition(":")
        module = _from_path(file, text)
    value: Any = module
    for part in name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise InputError(f"{text}: {file} has no {name}; give the name of something in it.") from None
    if module.__name__ not in _LOOKED_AT:
        _LOOKED_AT.add(module.__name__)
        for path in _files_of(module):
            _IMPORTED.setdefault(str(path), _content(path))
    return value, module


def _onto_path(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _from_path(name: str, text: str) -> ModuleType:
    NAMED.add(name.partition(".")[0])
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as problem:
        if problem.name is None or not f"{name}.".startswith(f"{problem.name}."):
            raise  # the module is there and lacks one that it imports
        raise InputError(
            f"{text}: cannot import it ({problem}); give MODULE:NAME of something importable, or FILE.py:NAME."
        ) from None


def _from_file(path: Path, text: str) -> ModuleType:
    """The module in a file. Its name has a digest of what is in the file, so that a changed file is read again."""
    try:
        source = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{text}: {path} cannot be read ({problem.strerror}); give FILE.py:NAME.") from None
    path = path.resolve()
    digest = hashlib.sha256(str(path).encode() + b"\0" + source).hexdigest()[:16]
    name = f"{path.stem}_{digest}"
    NAMED.add(name)
    if name in sys.modules:
        return sys.modules[name]
    _onto_path(str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it is run: dataclasses and pickles look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    _IMPORTED[str(path)] = hashlib.sha256(source).hexdigest()
    return module


def sources_digest(module: ModuleType) -> str:
    """Hex digest of the source of a user's module, and of all modules of theirs that it imports, directly or not.

    Modules of the standard library, of installed packages and of this package do not belong to it; what a module
    imports by a name that it computes is not seen.

    Args:
        module: The module.

    Returns:
        The digest.

    Raises:
        InputError: One of the files has changed since it was imported in this process, so that its code is not what
            the file says.
    """
    digest = hashlib.sha256()
    for path in sorted(_files_of(module)):
        content = _content(path)
        if _IMPORTED.setdefault(str(path), content) != content:
            raise InputError(f"{path}: it has changed since it was imported here; start a new process.")
        digest.update(f"{path.name}:{content}\n".encode())
    return digest.hexdigest()


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _files_of(module: ModuleType) -> set[Path]:
    files: set[Path] = set()
    left = [module, *_modules(module.__name__)]
    while left:
        one = left.pop()
        path = Path(str(getattr(one, "__file__", None) or ""))
        if path.suffix != ".py" or not path.is_file() or path in files or str(path).startswith((*_OURS, *_LIBRARIES)):
            continue
        files.add(path)
        left += [imported for name in _imports(path, one) for imported in _modules(name)]
    return files


def _modules(name: str) -> Iterator[ModuleType]:
    """The module of that name and the packages that it lies in, of those that are imported."""
    parts = name.split(".")
    for i in range(len(parts)):
        module = sys.modules.get(".".join(parts[: i + 1]))
        if isinstance(module, ModuleType):
            yield module


def _imports(path: Path, module: ModuleType) -> Iterator[str]:
    """Full names of what the source of a module imports; a name taken out of a module may be a module, too."""
    package = str(getattr(module, "__package__", None) or "")
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def users_traceback(error: BaseException) -> str | None:
    """The traceback from where code of the user was entered; None where none was, or none was named.

    An error counts as the user's where a frame of theirs is below the first of ours: they called what failed.

    Args:
        error: The error.

    Returns:
        The text of the traceback.
    """
    if not NAMED:
        return None
    frames = traceback.extract_tb(error.__traceback__)
    owners = [_owner(entry, frame) for entry, (frame, _) in zip(frames, traceback.walk_tb(error.__traceback__))]
    entered = owners.index("ours") if "ours" in owners else 0
    theirs = next((i for i in range(entered, len(owners)) if owners[i] == "user"), None)
    if theirs is None and not (isinstance(error, SyntaxError) and _of_user(str(error.filename), "")):
        return None
    lines = [] if theirs is None else [f for f in frames[theirs:] if not f.filename.startswith("<frozen")]
    head = ["Traceback (most recent call last):\n"] if lines else []
    return "".join([*head, *traceback.format_list(lines), *traceback.format_exception_only(error)]).rstrip()


def users_line(error: BaseException) -> str | None:
    """Where in code of the user an error came up, as "FILE, line 3, in step"; None where it did not."""
    frames = traceback.extract_tb(error.__traceback__)
    walked = zip(frames, traceback.walk_tb(error.__traceback__))
    theirs = [entry for entry, (frame, _) in walked if _owner(entry, frame) == "user"]
    return f"{theirs[-1].filename}, line {theirs[-1].lineno}, in {theirs[-1].name}" if theirs else None


def _owner(entry: traceback.FrameSummary, frame: object) -> str:
    if entry.filename.startswith((*_OURS, __file__)):
        return "ours"
    module = str(getattr(frame, "f_globals", {}).get("__name__", ""))
    return "user" if _of_user(entry.filename, module) else "library"


def _of_user(file: str, module: str) -> bool:
    if module.partition(".")[0] in NAMED:
        return True
    return not file.startswith(("<", *_OURS, *_LIBRARIES, __file__))
