"""No page has a number of a run that was typed: such numbers stand in templates, as `{report.checks:,}`.

What looks like a number of a run is found by its form: a time, a size of memory, a percentage, a ratio ("3 times"), a
count of iterations, runs, checks or verdicts, and any number with more digits than one would choose. Code is left out,
since the tests run it. Settings, limits and mathematics have the same form. They are listed here, with the reason.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docs.numbers import SUFFIX, page_of

ROOT = Path(__file__).parents[1]
HISTORY = {"docs/decisions.md"}
"""Pages that say what was found when, and are not kept up to date."""
WRITTEN = r"<!-- what `make coq` found -->.*?<!-- end -->"
"""What another script writes into a page."""

NUMBER = r"(?<![\w.^_/(-])[-+×]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?"
WORD = r"\b(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|half an?|some|few|several|hundred)"
TIME = r"(?:milliseconds?|microseconds?|minutes?|hours?)"
FORMS = {
    "a time": rf"{NUMBER}\s(?:s|ms|µs|min|h|seconds|{TIME})\b|{WORD}\s(?:{TIME}|seconds)\b",
    "memory": rf"{NUMBER}\s[KMG]i?B\b",
    "a percentage": rf"{NUMBER}\s?%",
    "a ratio": rf"{NUMBER}\stimes\b|×\d[\d.]*",
    "a count": rf"{NUMBER}\s(?:iterations|runs|checks|verdicts)\b",
    "a number with many digits": NUMBER,
}
PASS = (
    r"arXiv \d{4}\.\d{5}",
    r"(?<![\d,])(?:19|20)\d\d(?!\d|,\d)",  # a year
    r"(?:PEPit|Coq|Python) \d[\d.]*",
    r"95 %",  # the level of intervals
)
"""What is no number of a run on any page."""
_SETTING, _LIMIT, _MATH = "a setting", "a limit that the code keeps", "mathematics"
_CHECKS = "said by a check; tests/verification/conformance compares"
_PLANTED = "an error that a test plants"
_SIZE = "the size of a data set"
ALLOWED = {
    "CONTRIBUTING.md": {"a minute": _LIMIT, "8 minutes": _LIMIT},
    "docs/conformance.md": dict.fromkeys(
        ("33 checks", "0.9999", "100 times", "60 %", "an hour", "some seconds"), _CHECKS
    ),
    "docs/data.md": {
        **dict.fromkeys(("0.5 GiB", "4 GiB", "256 KiB"), _LIMIT),
        **dict.fromkeys(("1797", "4601"), _SIZE),
    },
    "docs/extending.md": {"2 %": _PLANTED},
    "docs/discover.in.md": {"1.9": _SETTING},
    "docs/falsify.in.md": {
        **dict.fromkeys(("0.98", "0.98 times", "1.02", "1.02 times", "2 %"), _PLANTED),
        **dict.fromkeys(("1 %", "2.1"), _SETTING),
    },
    "docs/figures.md": dict.fromkeys(("2.7", "3.25", "3.4", "4.0", "5.5", "6.75", "7.0"), "inches of a style"),
    "docs/guaranteed.in.md": {"1,000 times": _SETTING, "250 iterations": _SETTING},
    "docs/guarantees.in.md": {"0.99": _SETTING, "0.997": _MATH},
    "docs/open-questions.in.md": {"10 times": "the paper's claim", "3.5": _MATH, "3.5 times": _MATH},
    "docs/report.md": {
        **dict.fromkeys(("0.95", "1 %", "10 %", "90 %", "200 iterations"), _SETTING),
        **dict.fromkeys(("0.472", "0.829"), _MATH),
        "3 MB": _LIMIT,
    },
    "docs/reproduction.in.md": dict.fromkeys(
        ("2,048", "2e-3", "3e-3", "1.25", "1.25 times", "100 iterations"), _SETTING
    ),
    "docs/run_certificates.in.md": {"0.99": _PLANTED},
    "docs/sensitivity.in.md": {"0.99": _MATH, "1.01": _MATH},
    "docs/speed-up.in.md": {"10 times": "the paper's claim"},
    "docs/style.md": dict.fromkeys(("25,524", "3.0e-15", "3.5e-15", "30 %"), "quoted"),
    "docs/sweeps.md": {"five seconds": _LIMIT},
    "docs/theory/trusted.md": {"3.10": "a theorem", "4096": _LIMIT},
    "docs/verdicts.md": dict.fromkeys(("1 %", "2 %", "1e6 times"), _SETTING),
    "docs/worst-case-ledger.md": {"0.1 %": _SETTING},
    "docs/worst-cases.md": {"6.08e18": _MATH},
    "trainings/README.md": {"100 iterations": _SETTING},
}
"""By page: what may stand there, and why."""


def pages() -> list[Path]:
    """Pages as they are written by hand: the template where there is one."""
    paths = [path for path in (ROOT / "docs").rglob("*.md") if not {"_build", "checks", "notebooks"} & set(path.parts)]
    by_script = {page_of(path) for path in paths if path.name.endswith(SUFFIX)}
    by_script |= {path for path in paths if re.fullmatch(r"b\d\d\.md", path.name)}
    others = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "trainings" / "README.md"]
    return sorted([*(set(paths) - by_script), *others, *(ROOT / "docs" / "notebooks").glob("*.ipynb")])


def prose(path: Path) -> str:
    """The text of a page or of the cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return text


def measured(number: str) -> bool:
    """Whether a number has so many digits that it was hardly chosen: 0.25, 2e-13, 1,502, and not 0.5, 1e-4, 1,500."""
    digits, exponent, _ = number.lstrip("-+×").replace(",", "").partition("e")
    if "." in digits:
        return len(digits.replace(".", "").lstrip("0")) >= 2
    return len(digits.strip("0")) >= 4 or bool(exponent and digits != "1")


def typed(text: str) -> list[str]:
    """What looks like a number of a run."""
    for left_out in (WRITTEN, r"^ *```.*?^ *```$", r"`[^`]*`", r"<!--.*?-->", r"\]\([^)]*\)", r"\{[^{}\n]*\}", *PASS):
        text = re.sub(left_out, "|", text, flags=re.S | re.M)
    numbers = []
    for form, pattern in FORMS.items():
        matches = [match[0] for match in re.finditer(pattern, text)]
        numbers += [" ".join(m.split()) for m in matches if form != "a number with many digits" or measured(m)]
    return numbers


def test_no_page_has_a_number_of_a_run_that_was_typed() -> None:
    wrong = []
    for path in pages():
        name = str(path.relative_to(ROOT))
        if name in HISTORY:
            continue
        there, allowed = set(typed(prose(path))), set(ALLOWED.get(name, {}))
        wrong += [f"{name}: {number!r} looks like a number of a run" for number in sorted(there - allowed)]
        wrong += [f"{name}: {number!r} is allowed and not there" for number in sorted(allowed - there)]
    assert not wrong, "\n".join(["write them by python -m docs.numbers (docs/style.md), or list them here", *wrong])


@pytest.mark.parametrize(
    "sentence",
    [
        "The checker takes 2.6 s.",
        "It takes about\nten seconds, or half a minute.",
        "Memory of 1.3 GiB.",
        "Of all verdicts 13 % were inconclusive.",
        "Plain torch takes 3.5 times as long, and ×2 more.",
        "It needs 37 iterations.",
        "The score goes to -4.26.",
        "| ISTA | 1.98 |",
        "Of 570,666 none was violated.",
        "F* is known to 2e-13.",
    ],
)
def test_a_planted_number_is_seen(sentence: str) -> None:
    assert typed(f"A sentence. {sentence} Another one.")


def test_settings_symbols_places_and_code_pass() -> None:
    text = """Steps of 1/L on LASSO 20 x 40 with lam = 0.1, 1,200 updates, a gap of 1e-4 and 128 instances
(Taylor, 2017). A second step, ten times, intervals of 95 %, arXiv 2506.14263, {report.cpu}, `0.123 s`.

```python
print(3.14159)
# -> 3.14159
```
"""
    assert typed(text) == []
