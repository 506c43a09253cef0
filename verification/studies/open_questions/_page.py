"""The page of all answers, with the figures of each and a link to its own page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ....l2o.files import write_bytes
from ... import pages
from ...pages.figure_export import inline_svg
from ._parts import PARTS
from ._run import Answered


def write(answers: Sequence[Answered], folder: str | os.PathLike[str]) -> Path:
    """Write open-questions.html and open-questions.json into `folder`, and give back the page's path."""
    root = Path(folder)
    pages.write_json({"answers": [a.to_dict() for a in answers]}, root / "open-questions.json")
    page = pages.render(
        Path(__file__).parent,
        "template.html",
        title="What the paper leaves open",
        contents={a.name: a.name for a in answers},
        views=[_view(root, a) for a in answers],
        seconds=sum(a.seconds for a in answers),
        broken=sum(a.broken for a in answers),
    )
    return write_bytes(root / "open-questions.html", page.encode())


def _view(root: Path, answer: Answered) -> dict[str, Any]:
    part = PARTS[answer.name]
    svgs = [
        Markup(
            inline_svg((root / path).read_bytes(), f"q-{answer.name}-{i}", part.question, " ".join(answer.sentences))
        )
        for i, path in enumerate(answer.figures)
    ]
    return {"answer": answer, "part": part, "svgs": svgs}
