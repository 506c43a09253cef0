"""Numbers of the documentation that come from runs.

`SOURCE.json` in this folder holds the facts of one command: what was run, on which processor, for how long, when, and
values by name. `docs/PAGE.in.md` is the template of `docs/PAGE.md`: `{report.checks:,}` in it stands for the value
`checks` of `report.json`, and a line `<!-- holds: report.violated == 0 -->` names a fact that the text around it
depends on. `python -m docs.numbers` writes the pages, and reads facts out of results; `tests/test_numbers.py` fails
where a page is not what its template and the facts give.
"""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1]
FACTS = Path(__file__).parent
SUFFIX = ".in.md"
HEADS = ("command", "processor", "cpu_seconds", "date", "source", "values", "pictures")
"""What each file of facts holds. `source` says where the values were taken from; `pictures` has the digests of the
pictures that were copied from the results with them."""
_FENCE = re.compile(r"^```.*?^```$", flags=re.S | re.M)
_PLACE = re.compile(r"\{([a-z][a-z-]*)\.([^{}:\s]+)(?::([^{}]*))?\}")
_HOLDS = re.compile(r"^<!-- holds: (.*?) -->\n", flags=re.M)
_CLAIM = re.compile(r"([a-z][a-z-]*)\.([a-z][a-z0-9_-]*) (==|!=|<=|>=|<|>) (\S+)")
_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


class NumbersError(Exception):
    """A fact that is missing or that contradicts the text; the message says which and what to do."""


Facts = Mapping[str, Mapping[str, Any]]


def load(folder: Path = FACTS) -> dict[str, dict[str, Any]]:
    """The facts by source.

    Args:
        folder: Where the files `SOURCE.json` are.

    Returns:
        For each source the entries `HEADS`.

    Raises:
        NumbersError: A file has other entries.
    """
    facts = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    for source, entries in facts.items():
        if set(entries) != set(HEADS):
            raise NumbersError(f"{source}.json: expected the entries {', '.join(HEADS)}, got {', '.join(entries)}.")
    return facts


def value(facts: Facts, source: str, name: str) -> Any:
    """The fact `name` of a source: one of its values, or `processor`, `date`, `command` or `cpu`.

    `cpu` is the CPU time with the processor, in words; "not measured" where there is none.

    Raises:
        NumbersError: There is no such source or fact.
    """
    if source not in facts:
        raise NumbersError(f"{{{source}.{name}}}: there is no docs/numbers/{source}.json.")
    entries = facts[source]
    if name == "cpu":
        spent = entries["cpu_seconds"]
        return "not measured" if spent is None else f"{duration(spent)} ({entries['processor']})"
    if name in ("processor", "date", "command"):
        return entries[name]
    if name not in entries["values"]:
        raise NumbersError(f"{{{source}.{name}}}: docs/numbers/{source}.json has no value {name!r}.")
    return entries["values"][name]


def duration(seconds: float) -> str:
    """A time for people: seconds up to 90, minutes after that."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def shown(number: Any, spec: str) -> str:
    """A value as it stands in a page.

    Args:
        number: A number, or a text, which is given as it is.
        spec: A format specification of Python.

    Returns:
        "40 %" for a share, "3.5e-15" and not "3.5e-05" with a zero for a small number.
    """
    if isinstance(number, str):
        return number
    text = format(number, spec).replace("%", " %").removesuffix(".")  # "#.3g" writes 882 as "882."
    return re.sub(r"e([+-])0*(\d)", lambda m: f"e{'-' if m[1] == '-' else ''}{m[2]}", text)


def digest(picture: Path) -> str:
    """What tells a picture from another one: the beginning of its SHA-256."""
    return hashlib.sha256(picture.read_bytes()).hexdigest()[:16]


def foreign_pictures(facts: Facts, static: Path = DOCS / "_static") -> list[str]:
    """The pictures of the pages that are not those that were copied from results, below `static`."""
    return [
        name
        for entries in facts.values()
        for name, known in entries["pictures"].items()
        if not (static / name).is_file() or digest(static / name) != known
    ]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def listed(sentences: Iterable[str]) -> str:
    """A list of Markdown."""
    return "\n".join(f"- {sentence}" for sentence in sentences)


def render(template: str, facts: Facts) -> str:
    """The page of a template. Blocks of code are left as they are.

    Args:
        template: Its text.
        facts: Of all sources.

    Returns:
        The text of the page, without the first line that says that it is written by the script.

    Raises:
        NumbersError: A fact is missing, or a line `holds` is not true.
    """
    for claim in _HOLDS.findall(template):
        _check(claim, facts)
    text = _HOLDS.sub("", template)
    pieces, end = [], 0
    for fence in _FENCE.finditer(text):
        pieces += [_filled(text[end : fence.start()], facts), fence[0]]
        end = fence.end()
    return "".join([*pieces, _filled(text[end:], facts)])


def _filled(text: str, facts: Facts) -> str:
    return _PLACE.sub(lambda m: shown(value(facts, m[1], m[2]), m[3] or ""), text)


def _check(claim: str, facts: Facts) -> None:
    parts = _CLAIM.fullmatch(claim)
    if not parts:
        raise NumbersError(f"holds: expected FACT == NUMBER, FACT < FACT or the like, got {claim!r}.")
    source, name, sign, other = parts.groups()
    stated = value(facts, source, name)
    limit = value(facts, *other.split(".")) if other[0].isalpha() else float(other)
    if isinstance(stated, str) or not _COMPARE[sign](stated, limit):
        raise NumbersError(f"the text says {claim}, and {source}.{name} is {stated}: write that paragraph anew.")


def page_of(template: Path) -> Path:
    """docs/findings.md for docs/findings.in.md."""
    return template.with_name(template.name.removesuffix(SUFFIX) + ".md")


def written(template: Path, facts: Facts) -> str:
    """All bytes of the page of a template file.

    Raises:
        NumbersError: As `render`, with the name of the template.
    """
    head = f"<!-- Written by `python -m docs.numbers` from {template.name}: change that file, not this one. -->\n"
    try:
        return head + render(template.read_text(encoding="utf-8"), facts)
    except NumbersError as error:
        raise NumbersError(f"{template.name}: {error}") from None


def stale(docs: Path = DOCS, facts: Facts | None = None) -> list[Path]:
    """The pages that are not what their template and the facts give.

    Args:
        docs: The folder of the pages.
        facts: Of all sources; those in this folder if None.

    Returns:
        Paths of pages, also of those that are missing.

    Raises:
        NumbersError: As `written`.
    """
    facts = load() if facts is None else facts
    pages = [(page_of(template), written(template, facts)) for template in sorted(docs.rglob(f"*{SUFFIX}"))]
    return [page for page, text in pages if not page.exists() or page.read_text(encoding="utf-8") != text]
