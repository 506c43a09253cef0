"""One part after another; a part that is done is kept, and used again by the same version of the program."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .... import l2o
from ....errors import InputError, suggestion
from ....l2o.pretrained import manifest
from ... import pages
from ...support.paper_styles import current_style
from ...support.provenance import arithmetic, code_digest
from ...support.store import read_partial, write_partial
from ._parts import PARTS, Asked

FILE = "answer.json"
SETTINGS = Path(__file__).parent


@dataclass(frozen=True)
class Answered:
    """An answer as it is kept: its sentences, figures and page relative to the folder of all parts, and its time.

    `broken`: what in it contradicts a proved statement; there should be nothing. `reused`: it was there already.
    """

    name: str
    sentences: tuple[str, ...]
    figures: tuple[str, ...]
    page: str
    broken: int
    seconds: float
    key: str
    reused: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        data = asdict(self)
        data.pop("reused")
        return {**data, "sentences": list(self.sentences), "figures": list(self.figures)}


def answer(
    names: Sequence[str] = (),
    folder: str | os.PathLike[str] = "open-questions",
    *,
    quick: bool = False,
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> list[Answered]:
    """Answer the questions `names`, all of them if there are none, in folders of `folder` by their names.

    `progress(done, total, what)` counts questions. An answer that this version of the program has given for the same
    settings is not made again.
    """
    unknown = [n for n in names if n not in PARTS]
    if unknown:
        near, got = suggestion(unknown[0], PARTS), ", ".join(map(repr, unknown))
        raise InputError(f"question: {near}expected some of {', '.join(PARTS)}, got {got}.")
    if not 0 <= seed < 1000:  # the test split has no more; said here, and not after the other parts
        raise InputError(f"seed: expected a number from 0 to 999, got {seed}.")
    chosen = [n for n in PARTS if not names or n in names]
    root, request = Path(folder), Asked(seed, quick, jobs)
    tell = progress or (lambda done, total, what: None)
    answers = []
    for done, name in enumerate(chosen):
        tell(done, len(chosen), name)
        reused = _stored(root, name, _key(name, request))
        answers.append(reused or _made(root, name, request, partial(_tell_of, tell, done, len(chosen), name)))
    tell(len(chosen), len(chosen), "the page")
    return answers


def _tell_of(tell: Callable[[int, int, str], None], done: int, total: int, name: str, what: str) -> None:
    tell(done, total, f"{name}: {what}")


def standing(folder: str | os.PathLike[str], *, quick: bool = False, seed: int = 0) -> list[Answered]:
    """All answers that are in `folder` and would not be made again, in the order of the questions."""
    request = Asked(seed, quick)
    answers = (_stored(Path(folder), name, _key(name, request)) for name in PARTS)
    return [answer for answer in answers if answer is not None]


def _made(root: Path, name: str, request: Asked, tell: Callable[[str], None]) -> Answered:
    begun = time.monotonic()
    made = PARTS[name].make(root / name, request, tell)
    drawn = [path for stem, figure in made.figures.items() for path in pages.write_figure(figure, root / name / stem)]
    answered = Answered(
        name,
        made.sentences,
        tuple(str(path.relative_to(root)) for path in drawn if path.suffix == ".svg"),
        str(made.page.relative_to(root)),
        made.broken,
        round(time.monotonic() - begun, 1),
        _key(name, request),
    )
    write_partial(root / name / FILE, answered.to_dict())
    return answered


def _key(name: str, request: Asked) -> str:
    """Of what an answer depends on; the number of processes is not part of it."""
    style = current_style().name
    parts = json.dumps([name, request.seed, request.quick, style, code_digest(), arithmetic(), _data_digest()])
    return hashlib.sha256(parts.encode()).hexdigest()


def _data_digest() -> str:
    """Of what answers are made from beside the sources: the settings of the comparisons, and the shipped weights."""
    weights = [manifest(*names)["sha256"] for names in sorted(l2o.pretrained_names())]
    texts = [path.read_text(encoding="utf-8") for path in sorted(SETTINGS.glob("*.toml"))]
    return hashlib.sha256(json.dumps([weights, texts]).encode()).hexdigest()


def _stored(root: Path, name: str, key: str) -> Answered | None:
    """The answer that is there, if it is the one that would be made; a damaged one is made again."""
    data = read_partial(root / name / FILE)
    if data is None or data.get("key") != key or data.get("name") != name:
        return None
    lists = {n: tuple(data[n]) for n in ("sentences", "figures")}
    answered = Answered(**{**data, **lists}, reused=True)
    return answered if all((root / path).is_file() for path in (*answered.figures, answered.page)) else None
