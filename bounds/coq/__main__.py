"""Has the kernel check everything, and writes the record and the table of the documentation: `make coq`.

Usage: python -m l2obound.bounds.coq [--workers N] [NAME ...]

With names only these are checked, and put into the record. Exits with 1 where a file is refused, and with 2 where there
is no `coqc`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..proofs.export import coq_text, identifier
from ..statements.catalog import get
from ..statements.catalog import names as catalogue
from ..worst_cases import worst_case
from .kernel import INSTALL, check_text, coqc, library_digest
from .ledger import RECORD, record
from .questions import questions
from .worst_case import worst_case_text

TABLE = Path(__file__).parents[2] / "docs" / "kernel-checked.md"
GROUPS = ("bounds", "worst_cases")
BEGIN, END = "<!-- what `make coq` found -->", "<!-- end -->"


def _files(chosen: list[str]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Group, theorem, text, and what the record says of it beside what the kernel says."""
    for key in catalogue(variants=True):
        if not chosen or key in chosen:
            bound = get(key)
            try:
                text = coq_text(bound)
            except InputError as error:
                print(f"{key}: not exported: {error}", file=sys.stderr)
                continue
            yield "bounds", key, text, {"digest": bound.digest}
    for name, question in questions():
        if not chosen or name in chosen:
            certificate = worst_case(**question).certificate()
            if certificate is None:
                print(f"{name}: no certificate", file=sys.stderr)
                continue
            data = certificate.data
            entry = {"question": {**question}, "bound": str(certificate.tau), "digest": data["digest"]}
            yield "worst_cases", name, worst_case_text(data, name), json.loads(json.dumps(entry, default=str))


def main() -> int:
    """The command.

    Returns:
        0 if all that was asked for was checked, 1 if not, 2 without `coqc`.
    """
    parser = argparse.ArgumentParser(prog="python -m l2obound.bounds.coq", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    program = coqc()
    if program is None:
        print(f"there is no `coqc` here: {INSTALL}", file=sys.stderr)
        return 2
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    results: dict[str, Any] = {
        "coq": (re.search(r"version (\S+)", version) or ["", version])[1],
        "library": library_digest(),
        "bounds": {},
        "worst_cases": {},
    }
    refused = []
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.workers) as pool:
        check_text("Theorem empty : True. Proof. exact I. Qed.", "empty", Path(folder))  # compiles the library
        files = list(_files(given.names))
        jobs = [pool.submit(check_text, text, identifier(name), Path(folder)) for _, name, text, _ in files]
        for (group, name, text, entry), job in zip(files, jobs, strict=True):
            checked = job.result()
            print(
                f"{'checked' if checked.valid else 'REFUSED'} {name} {checked.seconds:.1f} s {checked.message}",
                flush=True,
            )
            if not checked.valid:
                refused.append(name)
                continue
            results[group][name] = {
                **entry,
                "lines": len(text.splitlines()),
                "seconds": round(checked.seconds, 1),
                "axioms": list(checked.axioms),
            }
    counts = f"{len(results['bounds'])} bounds and {len(results['worst_cases'])} worst cases"
    print(f"checked {counts} in {time.perf_counter() - begun:.0f} s; refused: {', '.join(refused) or 'none'}")
    if not refused:
        _keep(results, whole=not given.names)
    return 1 if refused else 0


def _keep(results: dict[str, Any], whole: bool) -> None:
    """Write the record and the table; a part is added to the record if that stands on the same library."""
    before = record()
    if not whole and any(before[name] != results[name] for name in ("coq", "library")):
        print("the record is of another Coq or L2O.v, and was left as it is: check everything", file=sys.stderr)
        return
    if not whole:
        results = {**results, **{group: {**before[group], **results[group]} for group in GROUPS}}
    RECORD.write_text(json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    _write_table(results)


def _write_table(results: dict[str, Any]) -> None:
    """Put the table into the page of the documentation."""
    text = TABLE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    TABLE.write_text(f"{before}{BEGIN}\n\n{table(results)}\n{END}{after}", encoding="utf-8")


def table(results: dict[str, Any]) -> str:
    """The record as Markdown.

    Args:
        results: The record.

    Returns:
        A sentence and two tables.
    """
    axioms = sorted({a for group in GROUPS for e in results[group].values() for a in e["axioms"]})
    entries, certificates = len(results["bounds"]), len(results["worst_cases"])
    used = sum(entry["seconds"] for group in GROUPS for entry in results[group].values())
    lines = [
        f"Coq {results['coq']} checked {entries} entries of the catalogue and {certificates} certificates of worst "
        f"cases in {used / 60:.1f} minutes of processor time. All of them together use these axioms of the real "
        f"numbers: {', '.join(f'`{a}`' for a in axioms)}.",
        "",
        "| entry | lines | seconds | axioms |",
        "|---|---|---|---|",
        *(f"| `{n}` | {e['lines']} | {e['seconds']} | {len(e['axioms'])} |" for n, e in results["bounds"].items()),
        "",
        "| certificate | proves | lines | seconds | axioms |",
        "|---|---|---|---|---|",
        *(
            f"| `{n}` | {_short(e['bound'])} | {e['lines']} | {e['seconds']} | {len(e['axioms'])} |"
            for n, e in results["worst_cases"].items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _short(bound: str) -> str:
    """A fraction, or a decimal above it where it is long."""
    if len(bound) <= 12:
        return bound
    above, _, below = bound.partition("/")
    return f"{int(above) / int(below) * (1 + 1e-6):.6g} (rounded up)"


if __name__ == "__main__":
    sys.exit(main())
