"""Measure the CPU time of the commands that take seconds.

`python -m docs.numbers run commands FOLDER` calls it, and reads the values for the page. The commands that take minutes
have facts of their own.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FILE = "commands.json"
COMMANDS = (
    "l2obound --help",
    "l2obound list optimizers",
    "l2obound bounds",
    "l2obound doctor",
    "l2obound verify --optimizer fista --bound ood_last_iterate --s 10",
    "l2obound assumption --optimizer go-math-l2o --problem lasso --s 10",
    "l2obound check fista --profile dev",
    "l2obound check fista --profile ci",
    "l2obound guarantee go-math-l2o --problem lasso --steps 100 --eps 1e-4 --instances 1000",
    "l2obound falsify ood_last_iterate --optimizer go-math-l2o --evaluations 1000",
    "l2obound worst-case --method gradient --steps 5 --certificate gradient.json",
    "l2obound prove ood_multi_step_sharp",
    "l2obound prove",
)


def _measured(command: str, folder: Path) -> dict[str, Any]:
    """The CPU time of a command and of the processes that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [sys.executable, "-m", *shlex.split(command)]
    status = subprocess.run(words, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status:
        sys.exit(f"{command}: exit code {status}.")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{command}: {spent:.1f} s", flush=True)
    return {"command": command, "cpu_seconds": spent}


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write the file of results."""
    parser = argparse.ArgumentParser(prog="python docs/numbers/measure_commands.py")
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args(arguments).out
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as empty:
        rows = [_measured(command, Path(empty)) for command in COMMANDS]
    (folder / FILE).write_text(json.dumps({"rows": rows}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
