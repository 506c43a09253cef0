"""The reference of the command line, read from the verbs when the documentation is built.

A section for each verb: what it does, an example, its exit codes and its options, all as the verb itself
says.
"""

from __future__ import annotations

import re
from typing import Any

from l2obound.verification.cli import app as cli

PAGE = "command-line"
TABLE = "<!-- the table of verbs is put here by _ext/verbs.py -->"
PLACE = "<!-- the reference is put here by _ext/verbs.py -->"
_PLAIN = str.maketrans({c: f"\\{c}" for c in "*_|[]<>$"})


def parts(command: Any) -> tuple[str, str, str]:
    """What a verb says of itself: its first sentence, the other paragraphs, and its example."""
    first, *others = [" ".join(p.split()) for p in command.help.split("\n\n")]
    (example,) = [p.removeprefix("Example: ") for p in others if p.startswith("Example: ")]
    return first, "\n\n".join(p for p in others if not p.startswith("Example: ")), example


def exit_codes(command: Any) -> dict[int, str]:
    """When a verb exits with 1, by the sentence of its help, and when with 3, by its --strict."""
    codes = {}
    broken = re.search(r"Exits with 1 (where [^.]*)\.", " ".join(command.help.split()))
    if broken:
        codes[1] = broken[1]
    for parameter in command.params:
        if "--strict" in parameter.opts:
            codes[3] = f"with --strict {parameter.help.removeprefix('Exit with 3 ').rstrip('.')}"
    return codes


def options(command: Any) -> list[tuple[str, str, str]]:
    """Arguments and options of a verb: name, default and help."""
    rows = []
    for p in command.params:
        if getattr(p, "hidden", False) or p.name == "help":
            continue
        if p.param_type_name == "argument":
            name = p.metavar or f"[{p.name.upper()}]"
        else:
            name = " / ".join([*p.opts, *p.secondary_opts])
        empty = p.default is None or p.default is False or callable(p.default) or p.default in ([], ())
        rows.append((name, "" if empty else str(p.default), p.help or ""))
    return rows


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def section(verb: str, command: Any) -> str:
    """The section of one verb."""
    first, more, example = parts(command)
    rows = [
        (f"`{name}`", default.translate(_PLAIN), meaning.translate(_PLAIN))
        for name, default, meaning in options(command)
    ]
    codes = "".join(f" {code}: {meaning}." for code, meaning in exit_codes(command).items())
    more = re.sub(r"\s*Exits with 1 where [^.]*\.", "", more).strip()
    paragraphs = (
        f"(verb-{verb})=\n### {verb}",
        first.translate(_PLAIN),
        more.translate(_PLAIN),
        f"```sh\n{example}\n```",
        f"Exit codes:{codes.translate(_PLAIN)} 0, 2, 70 and 130 as for all verbs.",
        _table(("option", "default", "meaning"), rows),
    )
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def reference() -> str:
    """The sections of all verbs."""
    return "\n\n".join(section(name, command) for name, command in cli.commands().items())


def overview() -> str:
    """A row for each verb."""
    rows = [(f"[`{name}`](#verb-{name})", line.translate(_PLAIN)) for name, (_, line) in cli.VERBS.items()]
    return _table(("verb", "what it does"), rows)


def _source(app: Any, name: str, source: list[str]) -> None:
    if name == PAGE:
        for place, text in ((TABLE, overview), (PLACE, reference)):
            assert place in source[0], place
            source[0] = source[0].replace(place, text())


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _source)
    # the page depends on the verbs, not on its own text alone
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: [PAGE])
    return {"parallel_read_safe": True}
