"""The pictures of docs/gallery.md: its code is run in an empty folder, and what it draws goes to docs/_static/gallery.

The picture of the README, docs/_static/mine.svg, is a figure of the report that the README's first example writes.

Figures are SVG without dates, tables the HTML that a notebook shows. The first screen of the report is photographed by
Chromium where there is one, and is left as it is where there is none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1]
PAGE = DOCS / "gallery.md"
STATIC = DOCS / "_static" / "gallery"
TABLES = {"problem": "problem", "run": "run", "verdict": "verdict"}
"""The tables of the page, and the variable that each shows."""
SAVED = re.compile(r'savefig\("([\w-]+\.svg)"\)')
"""What the code of the page saves."""
README = DOCS.parent / "README.md"
README_FIGURE = Path("report/figures/bounds-mine.svg"), DOCS / "_static" / "mine.svg"
"""What the README's example draws, and where the README shows it."""
SCREEN = (1000, 760)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def code(page: Path = PAGE) -> list[str]:
    """The blocks of code of a page."""
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.S | re.M)


def pictures() -> set[str]:
    """The files that the page shows."""
    return set(re.findall(r"_static/gallery/([\w.-]+)", PAGE.read_text(encoding="utf-8")))


def run_page() -> dict[str, bytes]:
    """Run the code in the current folder, and give what it draws by the name of the file."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    made: dict[str, bytes] = {}
    for place, block in enumerate(code()):
        exec(compile(block, f"gallery.md block {place}", "exec"), namespace)
        for table, variable in TABLES.items():
            if f"{table}.html" not in made and variable in namespace:
                made[f"{table}.html"] = f"{namespace[variable]._repr_html_()}\n".encode()
    return made | {file.name: trimmed(file.read_bytes()) for file in Path().glob("*.svg")}


def trimmed(svg: bytes) -> bytes:
    """The file without its date and without spaces at the ends of lines."""
    text = re.sub(r"<metadata>.*?</metadata>", "", svg.decode("utf-8"), flags=re.S)
    return re.sub(r"[ \t]+$", "", text, flags=re.M).encode()


def photograph(page: Path, target: Path) -> bool:
    """The first screen of a page as a picture; False where there is no browser."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        return False
    size = "--window-size={},{}".format(*SCREEN)
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1")
    subprocess.run(
        [browser, *quiet, size, f"--screenshot={target}", page.resolve().as_uri()], check=True, capture_output=True
    )
    return True


def main() -> None:
    """Make all pictures."""
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "l2obound"
    STATIC.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, data in run_page().items():
            (STATIC / name).write_bytes(data)
        if not photograph(Path("report/report.html"), STATIC / "report.png"):
            print("report.png is left as it is: there is no browser", file=sys.stderr)
        exec(compile(code(README)[0], "README.md", "exec"), {"__name__": "__main__"})
        made, image = README_FIGURE
        image.write_bytes(trimmed(made.read_bytes()))
        os.chdir(DOCS)
    missing = pictures() - {file.name for file in STATIC.iterdir()}
    size = sum(file.stat().st_size for file in STATIC.iterdir())
    print(f"{STATIC}: {size / 1e3:.0f} kB; missing: {', '.join(sorted(missing)) or 'nothing'}")


if __name__ == "__main__":
    main()
