"""A page for each check of the conformance suite, `checks/NAME.md`, written when the documentation is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from l2obound import l2o
from l2obound.l2o.support.files import write_bytes
from l2obound.verification.conformance import CHECKS
from l2obound.verification.conformance._expectations import expected_by
from l2obound.verification.conformance.registry import OPTIMIZER, Check


def expected_failures(check: Check) -> dict[str, str]:
    """Optimizers of this package that are expected to fail it, with the reason."""
    made = {name: l2o.optimizer(name) for name in l2o.optimizer_names()} if check.level == OPTIMIZER else {}
    expected = {name: (expected_by(opt) or {}).get(check.name) for name, opt in made.items()}
    return {name: reason for name, reason in expected.items() if reason}


def page(check: Check) -> str:
    """What the registry says of a check, and how it is run alone."""
    title, _, entries = check.markdown().partition("\n\n")
    parts = [
        f"# {title.removeprefix('### ')}",
        "A check of " + ("an optimizer." if check.level == OPTIMIZER else "a problem."),
    ]
    parts.append(entries.strip())
    if check.level == OPTIMIZER:
        parts += ["## Alone", f"```sh\nl2obound check OPTIMIZER --check {check.name}\n```"]
        parts += ["Where it fails on purpose, say so, and why:"]
        parts += [f"```sh\nl2obound check OPTIMIZER --expect-fail {check.name}=REASON\n```"]
    else:
        parts += ["## Alone", f'`verification.check_problem(problem)["{check.name}"]` is its result.']
    expected = expected_failures(check)
    if expected:
        parts += ["## Expected to fail it", "\n".join(f"- `{name}`: {reason}" for name, reason in expected.items())]
    return "\n\n".join(parts) + "\n"


def write(folder: Path) -> None:
    """Write all pages, those that have changed."""
    for check in CHECKS.values():
        path, text = folder / f"{check.name}.md", page(check).encode()
        if not path.exists() or path.read_bytes() != text:
            write_bytes(path, text)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / "checks"))
    return {"parallel_read_safe": True}
