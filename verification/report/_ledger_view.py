"""The ledger as the page shows it: each entry of the catalogue with its proof and what this report found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..pages.text import count, number
from .tables import VERDICTS, overview

Results = Mapping[str, Any]


def ledger_rows(results: Results) -> list[dict[str, Any]]:
    """A row for each entry: the entry, the counts of its verdicts, and its proof in words."""
    checked = {row["bound"]["key"]: row for row in overview(results) if row["checks"]}
    rows = []
    for entry in results["catalogue"]:
        row = checked.get(entry["key"])
        counts = row["counts"] if row else dict.fromkeys(VERDICTS, 0)
        proof = entry["proof"]
        rows.append(
            {
                **entry,
                "variant": ":" in entry["key"],
                "counts": counts,
                "checks": row["checks"] if row else 0,
                "unchecked": None if row else entry["unchecked"] or "no run it could be held against",
                "proved": bool(proof and proof["valid"]),
                "proved_words": _proved(proof),
                "standing": _standing(entry),
            }
        )
    return rows


def _standing(entry: Results) -> str:
    """How sure an entry is: checked by a proof kernel, by the prover and its checker, or as its source has it."""
    if entry["kernel"]:
        return "kernel-checked"
    if entry["proof"] is None:
        return "not tried"
    return "machine-checked" if entry["proof"]["valid"] else "quoted"


def _proved(proof: Results | None) -> str:
    if proof is None:
        return "not tried here (proofs = false)"
    if not proof["valid"]:
        # The reason of an entry taken from the literature goes on with its source, which stands beside it.
        return f"no: {proof['reason'].partition(':')[0]}"
    return f"{count(proof['claims'], 'claim')}, {count(proof['inequalities'], 'term')}"


def ledger_words(results: Results) -> str:
    """What the ledger holds, in a sentence or two."""
    rows = ledger_rows(results)
    tried = [row for row in rows if row["proof"] is not None]
    held = sum(row["checks"] > 0 for row in rows)
    main = sum(not row["variant"] for row in rows)
    forms = count(len(rows) - main, "other form")
    parts = [f"{count(main, 'bound')} and {forms}"]
    parts.append(f"{number(held)} of the {number(len(rows))} entries are held against the runs of this report")
    if tried:
        proved = sum(row["proved"] for row in tried)
        parts.append(f"{number(proved)} of {number(len(tried))} are proved by machine, checked for this report")
    else:
        parts.append("machine proofs were not checked for this report")
    if kernel := sum(row["standing"] == "kernel-checked" for row in rows):
        parts.append(f"{number(kernel)} of {number(len(rows))} are checked by the kernel of Coq, as shipped")
    wrong = [row["number"] for row in rows if row["counts"]["violated"]]
    parts.append(f"violated: {', '.join(wrong)}" if wrong else "none is violated" if held else "nothing was checked")
    return "; ".join(parts) + "."
