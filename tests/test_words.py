"""Phrases that readers stumbled over may not come back, in pages or in what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RIDDLES = {
    r"how loose a bound is says": "subject first: the exact worst case shows how loose a bound is",
    r"\bout loud\b": "say what is marked, and where",
    r"\bis lost\b|\b(runs|models|instances) are lost\b": "a run diverges, a digit is rounded away, a model fails",
    r"F\\?\*.{0,20} is known to\b": "how accurately F* is known",
    r"\bknown to here\b": "accuracy of F*",
    r"\bwhat (it|the answer) is known to\b": "how accurate it is",
    r"\bfor good\b": "stays below ... from step ... on",
    r"\b(told|as it is told)\b( an?)? (L|\d)": "declared",
    r"\bis paid for\b": "costs",
    r"\bsays? the truth\b": "the recorded numbers agree with the iterates",
    r"\bguards? bites?\b|\bbites? late\b": "the constant changes the run",
    r"\bborne out\b|\bbears it\b": "holds; loses no more than",
    r"\b(is|are) blind to\b": "does not depend on",
    r"\bis to blame\b": "the cause is, the inequality that fails is",
    r"\bare not there (yet|in time)\b": "have not converged",
    r"\bnumbers that are none\b": "NaN",
    r"\bsays nothing of itself\b": "records nothing",
    r"\bof the old kind\b": "say which",
    r"\bnot to be had\b": "does not exist, is not available",
    r"\bwho (moves|leads|wins) is\b": "subject first",
}
"""Patterns, and what to write instead. docs/style.md has the rules."""
EXEMPT = {"docs/style.md"}
"""Files that quote such phrases."""


def texts() -> list[Path]:
    """Everything with sentences that people read: pages, templates, sources with their docstrings and messages."""
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
    for folder, kinds in (("docs", ("*.md",)), ("bounds", ("*.py",)), ("l2o", ("*.py",)), ("l2obound", ("*.py",))):
        pages += [path for kind in kinds for path in (ROOT / folder).rglob(kind)]
    pages += [p for kind in ("*.py", "*.html", "*.js", "*.toml") for p in (ROOT / "verification").rglob(kind)]
    written = {"_build", "checks"}
    return sorted(p for p in pages if not written & set(p.parts) and str(p.relative_to(ROOT)) not in EXEMPT)


def riddles(text: str) -> list[str]:
    """Each phrase of the list that occurs, with what to write instead; a line break counts as a space."""
    joined = re.sub(r"\s+", " ", text)
    return [
        f"{match[0]!r}: {advice}"
        for pattern, advice in RIDDLES.items()
        for match in re.finditer(pattern, joined, flags=re.I)
    ]


def test_no_page_and_no_message_has_such_a_phrase() -> None:
    wrong = [f"{path.relative_to(ROOT)}: {riddle}" for path in texts() for riddle in riddles(path.read_text("utf-8"))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "sentence",
    [
        "How loose a bound is says the exact worst case.",
        "It says, out\nloud, where it is vacuous.",
        "A run that leaves float64 is lost.",
        "What F\\* is known to",
        "A gap of 1e-6 for good from step 66.",
        "An L told 30 % too small loses the model.",
        "How long a shift is paid for",
        "L2O-PA bears it as well.",
    ],
)
def test_a_planted_riddle_is_seen(sentence: str) -> None:
    assert riddles(f"A plain sentence. {sentence} Another one.")


def test_plain_words_pass() -> None:
    assert not riddles("The exact worst case shows how loose a bound is. The function is known to be convex.")


def test_the_style_page_has_twenty_pairs() -> None:
    page = (ROOT / "docs" / "style.md").read_text(encoding="utf-8")
    pairs = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", page, flags=re.M)
    assert [int(number) for number, _, _ in pairs] == list(range(1, 21))
    assert all(before != after and not riddles(after) for _, before, after in pairs)


def test_the_readme_has_at_most_700_words() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 700
