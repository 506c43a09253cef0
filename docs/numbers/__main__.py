"""Write the pages that have numbers of runs, and read these numbers out of results.

```
python -m docs.numbers                     pages from the facts as they are
python -m docs.numbers read report FOLDER  facts and pictures of `report` from the results in FOLDER, then the pages
python -m docs.numbers run report FOLDER   run the command into FOLDER first, and measure its CPU time
```
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import DOCS, FACTS, SUFFIX, NumbersError, digest, load, page_of, written
from .sources import SOURCES, read

TIME = "cpu.json"
"""The file beside the results that holds the CPU time of the command that made them."""


def run(source: str, folder: Path) -> None:
    """Run the command of a source, and write its CPU time, that of its workers included, beside the results.

    Raises:
        NumbersError: The command failed.
    """
    from l2obound.verification.support.provenance import machine  # imports torch, which writing pages does not need

    script = SOURCES[source].script
    program = [script] if script else ["-m", "l2obound"]
    command = [sys.executable, *program, *SOURCES[source].verb, "--out", str(folder)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status := subprocess.run(command).returncode:
        raise NumbersError(f"{SOURCES[source].command}: exit code {status}.")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    made = {"cpu_seconds": round(spent), "processor": machine()["processor"]}
    (folder / TIME).write_text(json.dumps(made), encoding="utf-8")


def facts_of(source: str, folder: Path) -> dict[str, Any]:
    """The facts of a source from the results in a folder.

    Raises:
        NumbersError: There are no results, or a value is not in them.
    """
    values = read(source, folder)
    made = folder / TIME
    measured = json.loads(made.read_text(encoding="utf-8")) if made.exists() else {}
    return {
        "command": SOURCES[source].command,
        "processor": measured.get("processor"),
        "cpu_seconds": measured.get("cpu_seconds"),
        "date": datetime.now(UTC).date().isoformat(),
        "source": "results",
        "values": values,
        "pictures": {target: digest(_picture(folder, name)) for target, name in SOURCES[source].pictures.items()},
    }


def _picture(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise NumbersError(f"{folder / name} is not there, which is a picture of a page.")
    return folder / name


def copy_pictures(source: str, folder: Path) -> None:
    """Copy the pictures of the results in a folder to the pages.

    Raises:
        NumbersError: A picture is not there.
    """
    for target, name in SOURCES[source].pictures.items():
        (DOCS / "_static" / target).write_bytes(_picture(folder, name).read_bytes())


def main(arguments: list[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(prog="python -m docs.numbers", description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=("run", "read"))
    parser.add_argument("source", nargs="?", choices=sorted(SOURCES))
    parser.add_argument("folder", nargs="?", type=Path)
    given = parser.parse_args(arguments)
    if given.what and not given.folder:
        parser.error(f"{given.what}: expected a source and a folder.")
    try:
        if given.what == "run":
            run(given.source, given.folder)
        if given.what:
            text = json.dumps(facts_of(given.source, given.folder), indent=2, ensure_ascii=False) + "\n"
            (FACTS / f"{given.source}.json").write_text(text, encoding="utf-8")
            copy_pictures(given.source, given.folder)
        facts = load()
        for template in sorted(DOCS.rglob(f"*{SUFFIX}")):
            page_of(template).write_text(written(template, facts), encoding="utf-8")
    except NumbersError as error:
        sys.exit(f"python -m docs.numbers: {error}")


if __name__ == "__main__":
    main()
