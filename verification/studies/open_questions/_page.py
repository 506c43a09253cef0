"""The page of all answers, with the figures of each and a link to its own page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from ....l2o.support.files import write_bytes
from ... import pages
from ...pages.blocks import Block, Notes, Section, Sentences, Text, page
from ...pages.figure_export import inline_svg
from ...pages.text import count, number
from ._parts import PARTS
from ._run import Answered


def write(answers: Sequence[Answered], folder: str | os.PathLike[str]) -> Path:
    """Write open-questions.html and open-questions.json into `folder`, and give back the page's path."""
    root = Path(folder)
    pages.write_json({"answers": [a.to_dict() for a in answers]}, root / "open-questions.json")
    sections = [_summary(answers), *[_section(root, a) for a in answers]]
    return write_bytes(root / "open-questions.html", page("What the paper leaves open", sections).encode())


def _summary(answers: Sequence[Answered]) -> Section:
    broken, minutes = sum(a.broken for a in answers), sum(a.seconds for a in answers) / 60
    words = (
        f"{broken} results contradict a proved statement: a defect."
        if broken
        else "No run that is held against a proved statement contradicts it."
    )
    heading = f"{count(len(answers), 'question')}, answered in {minutes:.1f} minutes"
    return Section("answer", "Answers", heading, (Text(words, strong=True),))


def _section(root: Path, answer: Answered) -> Section:
    part, words = PARTS[answer.name], " ".join(answer.sentences)
    drawn = [
        Markup(
            '<figure><div class="scroll" tabindex="0" role="region" aria-label="Figure: {}">{}</div></figure>'
        ).format(
            part.question,
            Markup(inline_svg((root / path).read_bytes(), f"q-{answer.name}-{i}", part.question, words)),
        )
        for i, path in enumerate(answer.figures)
    ]
    numbers = Markup('All numbers: <a href="{0}">{0}</a>. Made by <code>{1}</code> in {2} seconds.').format(
        answer.page, part.command, number(answer.seconds)
    )
    blocks: list[Block] = [Text(f"{part.asked_by}."), Sentences(answer.sentences), *drawn, Notes(numbers)]
    return Section(answer.name, answer.name, part.question, blocks)
